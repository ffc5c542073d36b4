"""What both estimators share: the network, its training, its outputs.

Initial values, the order of the mini-batches, the penalty and the rule of when to stop are those
of scikit-learn's own multi-layer perceptrons, drawn in the same order from ``random_state``: the
same parameters give the same training.
"""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

import autograd_core as ag
import nn
from nn.functional.losses import squared_error
from nn.sklearn.parameters import Parameters
from nn.sklearn.steps import Array, Batches, Watch, dense

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # before scikit-learn 1.6

    def validate_data(estimator: Any, *arrays: Any, **options: Any) -> Any:
        return estimator._validate_data(*arrays, **options)


_FLOATS = (np.float64, np.float32)


class Estimator(Parameters):
    """A feedforward network that is trained; subclasses add targets, loss and answers."""

    module_: nn.Sequential
    n_features_in_: int
    out_activation_: str

    # -- what a subclass says -----------------------------------------------------------------

    def _targets(self, y: Array, anew: bool) -> Array:
        """What the network is to give, ``(N, outputs)``."""
        raise NotImplementedError

    def _losses(self, prediction: Any, y: Array) -> Any:
        """The loss of each example, ``(N,)``."""
        raise NotImplementedError

    def _validation_score(self, x: Any, y: Array, weight: Array | None) -> float:
        """The score of targets as :meth:`_targets` gives them."""
        raise NotImplementedError

    # -- training -----------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train; anew, unless ``warm_start``.

        Parameters
        ----------
        X
            ``(N, features)``, perhaps sparse.
        y
            ``(N,)`` or ``(N, outputs)``.
        sample_weight
            ``(N,)``: what each example counts; those of weight 0 are left out.
        """
        return self._train(X, y, sample_weight)

    @available_if(lambda self: self.solver != "lbfgs")  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train for one epoch more, with the optimizer of the epochs before."""
        if self.early_stopping:
            raise ValueError("partial_fit holds nothing out; set early_stopping=False for it")
        return self._train(X, y, sample_weight, partial=True)

    def _train(self, X: Any, y: Any, sample_weight: Any, partial: bool = False) -> Any:
        hidden = self._checked()
        fresh = not (hasattr(self, "module_") and (partial or self.warm_start))
        X, y = validate_data(
            self, X, y, reset=fresh, accept_sparse="csr", dtype=_FLOATS, multi_output=True,
            y_numeric=is_regressor(self),
        )  # fmt: skip
        dtype = X.dtype if fresh else next(self.module_.parameters()).dtype
        y = self._targets(y, fresh and not partial).astype(dtype, copy=False)
        X, weight = X.astype(dtype, copy=False), None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=dtype)
            if weight.min() < 0 or not weight.any():
                raise ValueError("sample_weight holds numbers >= 0, and at least one above 0")
            if not weight.all():
                X, y, weight = X[weight > 0], y[weight > 0], weight[weight > 0]
        sizes = [X.shape[1], *hidden, y.shape[1]]
        rng = check_random_state(self.random_state)
        if fresh:
            self._start(sizes, rng, dtype)
        elif sizes != self._sizes():
            raise ValueError(
                f"a network of sizes {sizes} cannot go on from one of {self._sizes()}; "
                "set warm_start=False to train a new one"
            )
        if self.solver == "lbfgs":
            self._by_lbfgs(dense(X), y, weight)
        else:
            self._by_steps(X, y, weight, rng, partial)
        self.module_.zero_grad()
        return self

    def _start(self, sizes: list[int], rng: Any, dtype: Any) -> None:
        """A new network and an empty record; the values are those of Glorot and Bengio (2010)."""
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
        self.best_loss_: float | None = math.inf
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None

    def _by_steps(self, X: Any, y: Array, weight: Any, rng: Any, partial: bool) -> None:
        held_out = None
        if self.early_stopping:
            X, y, weight, held_out = self._hold_out(X, y, weight, rng)
            if self.validation_scores_ is None:
                self.validation_scores_, self.best_validation_score_ = [], -math.inf
            self.best_loss_ = None
        elif self.best_loss_ is None:
            self.best_loss_ = min(self.loss_curve_)
        size = min(200, len(y)) if self.batch_size == "auto" else int(self.batch_size)
        if size > len(y):
            warnings.warn(f"batch_size={size} is cut to the {len(y)} examples", stacklevel=4)
        batches = Batches(X, y, weight, min(size, len(y)), rng if self.shuffle else None)
        if self._optimizer is None or not partial:
            self._optimizer = self._optimizer_of(self.module_)
        watch, epochs = Watch(self, held_out), 1 if partial else int(self.max_iter)
        history = nn.fit(
            self.module_, batches, self._objective, self._optimizer, epochs,
            callbacks=[watch], progress=bool(self.verbose),
        )  # fmt: skip
        if watch.best:
            self.module_.load_state_dict(watch.best)
        if history.stopped == "interrupted":
            warnings.warn("training was interrupted", stacklevel=4)
        elif not (partial or history.stopped):
            self._unsettled()

    def _unsettled(self) -> None:
        warnings.warn(
            f"the optimization has not converged after max_iter={self.max_iter} iterations: "
            f"raise max_iter or tol={self.tol}, or scale the inputs (StandardScaler)",
            ConvergenceWarning,
            stacklevel=5,
        )

    def _hold_out(self, X: Any, y: Array, weight: Any, rng: Any) -> Any:
        """What to train on, and what to score: of two classes, the same share."""
        arrays = [X, y] if weight is None else [X, y, weight]
        alike = y if self.out_activation_ == "logistic" and y.shape[1] == 1 else None
        parts = train_test_split(
            *arrays, random_state=rng, test_size=self.validation_fraction, stratify=alike
        )
        trained, held = parts[::2], parts[1::2]
        if len(held[1]) < 2:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {len(y)} examples holds out "
                f"{len(held[1])}, and early_stopping needs 2; raise it, or bring more examples"
            )
        return *(trained if weight is not None else [*trained, None]), (*held, None)[:3]

    def _by_lbfgs(self, x: Array, y: Array, weight: Any) -> None:
        """All examples at once; the losses are counted, as there may be max_fun of them."""
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
            self._unsettled()

    def _objective(self, prediction: Any, target: tuple[Array, Any]) -> Any:
        """The mean loss, and half of alpha times the squared weights, shared by the examples."""
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

    def _sizes(self) -> list[int]:
        layers = self._layers()
        return [layers[0].in_features, *(layer.out_features for layer in layers)]

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, ``(fan_in, fan_out)`` as in scikit-learn."""
        return [layer.weight.data.T for layer in self._layers()]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer, ``(fan_out,)``."""
        return [layer.bias.data for layer in self._layers()]

    def _outputs(self, X: Any) -> Array:
        """What the network gives for checked examples, ``(N, outputs)``: logits of a classifier."""
        dtype = self.coefs_[0].dtype
        with nn.evaluating(self.module_), ag.no_grad():
            parts = [
                self.module_(dense(X[i : i + 1000]).astype(dtype, copy=False)).detach()
                for i in range(0, X.shape[0], 1000)
            ]
        return np.concatenate([np.asarray(part) for part in parts])

    def _answers(self, X: Any) -> Array:
        """The same, of examples as they come from the user."""
        check_is_fitted(self, "module_")
        return self._outputs(
            validate_data(self, X, reset=False, accept_sparse="csr", dtype=_FLOATS)
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
