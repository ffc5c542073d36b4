"""Base class of both estimators: their parameters, network, training and outputs.

Initial values, the order of the mini-batches, the penalty and the stopping rule are those of
scikit-learn's own multi-layer perceptrons, drawn in the same order from ``random_state``: the same
parameters give the same training.
"""

import functools
import itertools
import math
import numbers
import warnings
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from scipy import sparse  # a dependency of scikit-learn
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d

import autograd_core as ag
import nn
from nn.functional.losses import squared_error
from nn.layers.activations import NAMES
from nn.training.loop import TrainingState

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # before scikit-learn 1.6

    def validate_data(estimator: Any, *arrays: Any, **options: Any) -> Any:
        return estimator._validate_data(*arrays, **options)


Array = np.ndarray[Any, Any]
#: Whether a value is allowed, and how an error describes those that are.
_Limit = tuple[Callable[[Any], bool], str]

_FLOATS = (np.float64, np.float32)


# -- parameters -----------------------------------------------------------------------------------


def _number(allowed: Callable[[Any], bool], wanted: str) -> _Limit:
    return lambda v: isinstance(v, numbers.Real) and allowed(v) and v < math.inf, wanted


def _one_of(*names: str) -> _Limit:
    return lambda v: isinstance(v, str) and v in names, f"one of {', '.join(names)}"


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and bool(value >= 1)


def _are_sizes(value: Any) -> bool:
    sizes = np.atleast_1d(np.asarray(value))
    return sizes.ndim == 1 and (not sizes.size or (sizes.dtype.kind in "iu" and sizes.min() >= 1))


_at_least_0 = _number(lambda v: v >= 0, "a number >= 0")
_above_0 = _number(lambda v: v > 0, "a number > 0")
_fraction = _number(lambda v: 0 <= v < 1, "a number in [0, 1)")
_count = _is_count, "an integer >= 1"
_LIMITS: dict[str, _Limit] = {
    "hidden_layer_sizes": (_are_sizes, "one integer >= 1 for each hidden layer, as in (100, 50)"),
    "activation": _one_of("logistic", *NAMES),
    "solver": _one_of("lbfgs", "sgd", "adam", "adamw", "rmsprop"),
    "alpha": _at_least_0,
    "batch_size": (lambda v: v == "auto" or _is_count(v), "an integer >= 1, or 'auto'"),
    "learning_rate": _one_of("constant", "invscaling", "adaptive"),
    "learning_rate_init": _above_0,
    "power_t": _at_least_0,
    "max_iter": _count,
    "tol": _at_least_0,
    "momentum": _number(lambda v: 0 <= v <= 1, "a number from 0 to 1"),
    "validation_fraction": _fraction,
    "beta_1": _fraction,
    "beta_2": _fraction,
    "epsilon": _above_0,
    "n_iter_no_change": (lambda v: v == math.inf or _is_count(v), "an integer >= 1, or inf"),
    "max_fun": _count,
}


# -- mini-batches ---------------------------------------------------------------------------------


def _dense(rows: Any) -> Any:
    """Return an array of the rows of an array or of a sparse matrix."""
    return rows.toarray() if sparse.issparse(rows) else rows


class Batches:
    """Mini-batches ``(x, (y, weight))`` for :func:`nn.fit`, in scikit-learn's order.

    Parameters
    ----------
    x, y, weight
        Arrays ``(N, features)``, perhaps sparse; ``(N, outputs)``; ``(N,)`` or None.
    size
        The length of a mini-batch; the last one may be shorter.
    rng
        A RandomState that shuffles the order of the previous epoch; None to keep the order.
    """

    def __init__(self, x: Any, y: Array, weight: Array | None, size: int, rng: Any) -> None:
        self.x, self.y, self.weight, self.size, self.rng = x, y, weight, size, rng
        self.order = np.arange(len(y))

    def __len__(self) -> int:
        return -(-len(self.y) // self.size)

    def __iter__(self) -> Iterator[tuple[Array, tuple[Array, Array | None]]]:
        if self.rng is not None:
            self.rng.shuffle(self.order)
        for start in range(0, len(self.y), self.size):
            window = slice(start, start + self.size)
            rows: Any = window if self.rng is None else self.order[window]
            weight = None if self.weight is None else self.weight[rows]
            yield _dense(self.x[rows]), (self.y[rows], weight)


def _set_learning_rate(optimizer: Any, rate: float) -> None:
    """Change the step size, and keep the length of the steps that momentum carries on."""
    for group in optimizer.param_groups:
        for state in (optimizer.state.get(p, {}) for p in group["params"]):
            if "momentum" in state:
                state["momentum"] *= group["lr"] / rate
        group["lr"] = rate


# -- the network ----------------------------------------------------------------------------------


@dataclass(eq=False, repr=False)
class BaseMLP(BaseEstimator):  # type: ignore[misc]
    """Base class of the estimators; subclasses add targets, loss and predictions.

    The parameters have scikit-learn's names and defaults; ``fit`` checks them.
    """

    hidden_layer_sizes: Any = (100,)
    activation: str = "relu"
    _: KW_ONLY
    solver: str = "adam"
    alpha: float = 0.0001
    batch_size: int | str = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: bool = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000

    # -- defined by subclasses ----------------------------------------------------------------

    def _targets(self, y: Array, anew: bool) -> Array:
        """Return what the network is to output, ``(N, outputs)``."""
        raise NotImplementedError

    def _losses(self, prediction: Any, y: Array) -> Any:
        """Return the loss of each example, ``(N,)``."""
        raise NotImplementedError

    def _validation_score(self, x: Any, y: Array, weight: Array | None) -> float:
        """Return the score on targets of :meth:`_targets`."""
        raise NotImplementedError

    # -- training -----------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train a new network or, with ``warm_start``, continue with the last one.

        Parameters
        ----------
        X
            Examples ``(N, features)``, perhaps sparse.
        y
            Targets ``(N,)`` or ``(N, outputs)``.
        sample_weight
            The weight ``(N,)`` of each example; those of weight 0 are left out.
        """
        return self._train(X, y, sample_weight)

    @available_if(lambda self: self.solver != "lbfgs")  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train for one more epoch, with the optimizer of the previous ones."""
        if self.early_stopping:
            raise ValueError("partial_fit holds nothing out; set early_stopping=False for it")
        return self._train(X, y, sample_weight, partial=True)

    def _check_parameters(self) -> None:
        for name, (allowed, wanted) in _LIMITS.items():
            value = getattr(self, name)
            if not allowed(value):
                raise ValueError(f"{type(self).__name__}: {name} is {wanted}, got {value!r}")

    def _train(self, X: Any, y: Any, sample_weight: Any, partial: bool = False) -> Any:
        self._check_parameters()
        fresh = not (hasattr(self, "module_") and (partial or self.warm_start))
        X, y = validate_data(
            self, X, y, reset=fresh, accept_sparse="csr", dtype=_FLOATS, multi_output=True,
            y_numeric=is_regressor(self),
        )  # fmt: skip
        dtype = X.dtype if fresh else next(self.module_.parameters()).dtype
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        y = self._targets(y, fresh and not partial).astype(dtype, copy=False)
        X, weight = X.astype(dtype, copy=False), None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=dtype)
            if weight.min() < 0 or not weight.any():
                raise ValueError("sample_weight must hold numbers >= 0, and at least one above 0")
            if not weight.all():
                X, y, weight = X[weight > 0], y[weight > 0], weight[weight > 0]
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, int)).tolist()
        sizes = [X.shape[1], *hidden, y.shape[1]]
        rng = check_random_state(self.random_state)
        if fresh:
            self._start(sizes, rng, dtype)
        elif sizes != (known := [*(len(w) for w in self.coefs_), self.n_outputs_]):
            raise ValueError(
                f"a network of sizes {sizes} cannot go on from one of {known}; "
                "set warm_start=False to train a new one"
            )
        if self.solver == "lbfgs":
            self._train_by_lbfgs(_dense(X), y, weight)
        else:
            self._train_by_batches(X, y, weight, rng, partial)
        self.module_.zero_grad()
        return self

    def _start(self, sizes: list[int], rng: Any, dtype: Any) -> None:
        """Make a new network, with the values of Glorot and Bengio (2010), and an empty record."""
        activation = "sigmoid" if self.activation == "logistic" else self.activation
        self.module_ = nn.mlp(sizes, activation, output=None, init="zeros", dtype=dtype)
        for layer, (n, m) in zip(self._layers(), itertools.pairwise(sizes), strict=True):
            bound = math.sqrt((2 if activation == "sigmoid" else 6) / (n + m))
            layer.weight.data = np.ascontiguousarray(rng.uniform(-bound, bound, (n, m)).T, dtype)
            layer.bias.data = rng.uniform(-bound, bound, m).astype(dtype)
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.n_iter_, self.t_, self._waited = 0, 0, 0
        self._optimizer: nn.Optimizer | None = None
        self.loss_curve_: list[float] = []
        self.best_loss_: Any = math.inf  # None with early_stopping, and the following without it
        self.validation_scores_: Any = None
        self.best_validation_score_: Any = None

    def _train_by_batches(self, X: Any, y: Array, weight: Any, rng: Any, partial: bool) -> None:
        held_out, best = None, {}
        if self.early_stopping:
            X, y, weight, held_out = self._hold_out(X, y, weight, rng)
            if self.validation_scores_ is None:
                self.validation_scores_, self.best_validation_score_ = [], -math.inf
            self.best_loss_, best = None, self.module_.state_dict()
        elif self.best_loss_ is None:
            self.best_loss_ = min(self.loss_curve_)
        size = min(200, len(y)) if self.batch_size == "auto" else int(self.batch_size)
        if size > len(y):
            warnings.warn(f"batch_size={size} is cut to the {len(y)} examples", stacklevel=4)
        batches = Batches(X, y, weight, min(size, len(y)), rng if self.shuffle else None)
        if self._optimizer is None or not partial:
            self._optimizer = self._new_optimizer()
        history = nn.fit(
            self.module_, batches, self._objective, self._optimizer,
            1 if partial else int(self.max_iter), progress=bool(self.verbose),
            callbacks=[functools.partial(self._after_epoch, held_out, best)],
        )  # fmt: skip
        if best:
            self.module_.load_state_dict(best)
        if history.stopped == "interrupted":
            warnings.warn("training was interrupted", stacklevel=4)
        elif not (partial or history.stopped):
            self._warn_not_converged()

    def _new_optimizer(self) -> nn.Optimizer:
        parameters, lr = self.module_.parameters(), self.learning_rate_init
        adam: dict[str, Any] = {"betas": (self.beta_1, self.beta_2), "eps": self.epsilon}
        if self.solver == "sgd":
            nesterov = bool(self.nesterovs_momentum and self.momentum > 0)
            return nn.SGD(parameters, lr, momentum=self.momentum, nesterov=nesterov)
        if self.solver == "adam":
            return nn.Adam(parameters, lr, **adam)
        if self.solver == "adamw":
            return nn.AdamW(nn.param_groups(self.module_, self.alpha), lr, **adam)
        return nn.RMSprop(parameters, lr, eps=self.epsilon)

    def _after_epoch(self, held_out: Any, best: dict[str, Array], state: TrainingState) -> None:
        """Record an epoch, change the step size, and stop, by scikit-learn's rules.

        Training stops once neither the loss nor, with held-out data, the score on it has improved
        by ``tol`` in more than ``n_iter_no_change`` epochs.

        Parameters
        ----------
        held_out
            The arguments of :meth:`_validation_score`, or None.
        best
            The weights of the best score, updated in place.
        """
        self.n_iter_ = len(state.history)
        self.t_ += len(state.data.y)
        self.loss_ = state.history.epochs[-1]["loss"]
        self.loss_curve_.append(self.loss_)
        if held_out is None:
            gain = self.best_loss_ - self.loss_
            self.best_loss_ = min(self.best_loss_, self.loss_)
        else:
            score = self._validation_score(*held_out)
            self.validation_scores_.append(score)
            gain = score - self.best_validation_score_
            if gain > 0:
                self.best_validation_score_ = score
                best.update(state.model.state_dict())
        self._waited = self._waited + 1 if gain < self.tol else 0
        schedule = self.learning_rate if self.solver == "sgd" else "constant"
        if schedule == "invscaling":
            rate = self.learning_rate_init / (self.t_ + 1) ** self.power_t
            _set_learning_rate(state.optimizer, rate)
        if self._waited > self.n_iter_no_change:
            rate = state.optimizer.param_groups[0]["lr"]
            if schedule == "adaptive" and rate > 1e-6:
                _set_learning_rate(state.optimizer, rate / 5)
                self._waited = 0
            else:
                state.stop = f"no gain of {self.tol} in {self.n_iter_no_change} epochs"

    def _warn_not_converged(self) -> None:
        warnings.warn(
            f"the optimization has not converged after max_iter={self.max_iter} iterations: "
            f"raise max_iter or tol={self.tol}, or scale the inputs (StandardScaler)",
            ConvergenceWarning,
            stacklevel=5,
        )

    def _hold_out(self, X: Any, y: Array, weight: Any, rng: Any) -> Any:
        """Split the examples into some to train on and some to score, by class if there are two."""
        arrays = [X, y] if weight is None else [X, y, weight]
        classes = y if self.out_activation_ == "logistic" and y.shape[1] == 1 else None
        parts = train_test_split(
            *arrays, random_state=rng, test_size=self.validation_fraction, stratify=classes
        )
        trained, held = parts[::2], parts[1::2]
        if len(held[1]) < 2:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {len(y)} examples holds out "
                f"{len(held[1])}, but early_stopping needs 2; raise it, or pass more examples"
            )
        return *(trained if weight is not None else [*trained, None]), (*held, None)[:3]

    def _train_by_lbfgs(self, x: Array, y: Array, weight: Any) -> None:
        """Train on all examples at once, for at most ``max_fun`` evaluations of the loss."""
        losses: list[float] = []

        def closure() -> Any:
            self.module_.zero_grad()
            value = self._objective(self.module_(x), (y, weight))
            value.backward()
            losses.append(value.item())
            return value

        optimizer = nn.LBFGS(
            self.module_.parameters(), 1.0, max_iter=int(self.max_iter),
            max_eval=int(self.max_fun), tolerance_grad=self.tol, history_size=10,
        )  # fmt: skip
        optimizer.step(closure)
        self.n_iter_ = max(int(optimizer.state_dict()["state"][0]["steps"]), 1)
        self.loss_ = closure().item()
        self.loss_curve_.append(self.loss_)
        if not math.isfinite(self.loss_):
            raise ValueError(f"the loss became {self.loss_}; scale the inputs (StandardScaler)")
        if self.n_iter_ >= self.max_iter or len(losses) > self.max_fun:
            self._warn_not_converged()

    def _objective(self, prediction: Any, target: tuple[Array, Any]) -> Any:
        """Return the mean loss plus ``alpha / 2`` times the squared weights per example."""
        y, weight = target
        losses = self._losses(prediction, y)
        value = (losses if weight is None else losses * weight).sum()
        if self.alpha and self.solver != "adamw":
            for layer in self._layers():
                value = value + squared_error(layer.weight, 0) * (0.5 * self.alpha)
        return value / (len(y) if weight is None else weight.sum())

    # -- the network --------------------------------------------------------------------------

    def _layers(self) -> list[Any]:
        return [layer for layer in self.module_ if isinstance(layer, nn.Linear)]

    @property
    def coefs_(self) -> list[Array]:
        """Return the weights of each layer, ``(fan_in, fan_out)`` as in scikit-learn."""
        return [layer.weight.data.T for layer in self._layers()]

    @property
    def intercepts_(self) -> list[Array]:
        """Return the biases of each layer, ``(fan_out,)``."""
        return [layer.bias.data for layer in self._layers()]

    def _outputs(self, X: Any) -> Array:
        """Return the outputs ``(N, outputs)`` for checked examples: logits of a classifier."""
        dtype = self.coefs_[0].dtype
        with nn.evaluating(self.module_), ag.no_grad():
            parts = [
                self.module_(_dense(X[i : i + 1000]).astype(dtype, copy=False)).detach()
                for i in range(0, X.shape[0], 1000)
            ]
        return np.concatenate([np.asarray(part) for part in parts])

    def _checked_outputs(self, X: Any) -> Array:
        """Check examples from the user, and return the outputs for them."""
        check_is_fitted(self, "module_")
        outputs = self._outputs(
            validate_data(self, X, reset=False, accept_sparse="csr", dtype=_FLOATS)
        )
        if not np.isfinite(outputs).all():
            raise ValueError(
                "the network's outputs are not all finite, so they predict nothing; scale the "
                "inputs (StandardScaler), and see that module_ holds finite weights"
            )
        return outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
