"""evaluate: losses and metrics on data, given as functions or by their names."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

import autograd_core as ag
from nn.data.datasets import DataLoader
from nn.functional import losses
from nn.functional.activations import as_array
from nn.functional.classification import cross_entropy, nll_loss
from nn.module import Module, evaluating

#: A function of prediction and target.
Loss = Callable[[Any, Any], Any]
#: Metrics by name, or a list of them; each is a function or the name of one.
Metrics = Mapping[str, Loss | str] | Iterable[Loss | str] | Loss | str


def accuracy(prediction: Any, target: Any) -> float:
    """Return the share of examples whose largest output is at the class of the target.

    A prediction that holds nan is wrong.

    Parameters
    ----------
    prediction
        ``(N, classes)``.
    target
        Class numbers ``(N,)``, or rows of the shape of the prediction (one-hot).

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.accuracy(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]))
    0.5
    """
    prediction, target = as_array(prediction), as_array(target)
    if prediction.ndim < 2 or prediction.shape[-1] < 2:
        raise ValueError(
            "accuracy compares the largest of several outputs with the target, got predictions "
            f"of shape {prediction.shape}; for one output say where the border is: "
            'metrics={"accuracy": lambda p, y: ((p > 0) == (y > 0.5)).mean()}'
        )
    if target.shape not in (prediction.shape, prediction.shape[:-1]):
        raise ValueError(
            f"accuracy takes class numbers of shape {prediction.shape[:-1]} or rows of shape "
            f"{prediction.shape}, got a target of shape {target.shape}"
        )
    labels = target.argmax(-1) if target.ndim == prediction.ndim else target
    largest = prediction.max(-1)
    return float(((prediction.argmax(-1) == labels) & (largest == largest)).mean())


class _Mean:
    """Mean of a function's values, weighted by the numbers of examples."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function, self.total, self.count = function, 0.0, 0

    def add(self, prediction: Any, target: Any, examples: int) -> None:
        self.total += examples * float(as_array(self.function(prediction, target)))
        self.count += examples

    def result(self) -> float:
        return self.total / self.count if self.count else math.nan


class _R2:
    """Coefficient of determination over all batches: moments are merged (Chan et al., 1983)."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares, self.residual = 0, 0.0, 0.0, 0.0

    def add(self, prediction: Any, target: Any, examples: int) -> None:
        p, t = as_array(prediction).astype(float), as_array(target).astype(float)
        if p.shape != t.shape:
            raise ValueError(
                f"r2_score compares arrays of one shape, got predictions of shape {p.shape} and "
                f"targets of shape {t.shape}"
            )
        p, t = p.reshape(len(p), -1), t.reshape(len(t), -1)
        mean, both = t.mean(0), self.count + len(t)
        shift: Any = mean - self.mean
        self.squares += ((t - mean) ** 2).sum(0) + shift**2 * (self.count * len(t) / both)
        self.residual += ((t - p) ** 2).sum(0)
        self.mean += shift * (len(t) / both)
        self.count = both

    def result(self) -> float:
        if self.count < 2:
            return math.nan
        constant: Any = np.equal(self.squares, 0)
        explained = 1 - self.residual / np.where(constant, 1, self.squares)
        return float(np.where(constant, np.equal(self.residual, 0), explained).mean())


def r2_score(prediction: Any, target: Any) -> float:
    """Return the share of the targets' variance that is explained, R2; 1 is perfect.

    It is the mean over outputs; of a constant target, which has no variance, it is 1 for exact
    predictions and 0 for others, as in scikit-learn.  It is nan for fewer than two examples.

    Parameters
    ----------
    prediction, target
        ``(N, ...)``, of one shape.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.r2_score(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0])).__round__(3)
    0.538
    """
    whole = _R2()
    if len(as_array(target)):
        whole.add(prediction, target, len(as_array(target)))
    return whole.result()


_LOSSES: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        losses.mse_loss, losses.quadratic_cost, losses.l1_loss, losses.huber_loss,
        losses.binary_cross_entropy_with_logits, losses.binary_cross_entropy, losses.kl_div,
        cross_entropy, nll_loss,
    )
}  # fmt: skip
_METRICS: dict[str, Callable[..., Any]] = {
    "accuracy": accuracy, "r2": r2_score, "mae": losses.l1_loss, "mse": losses.mse_loss, **_LOSSES
}  # fmt: skip


def _function(given: Any, known: Mapping[str, Callable[..., Any]], what: str) -> Callable[..., Any]:
    """Return a loss or metric that is given as a function or by its name."""
    if isinstance(given, str):
        if given not in known:
            raise ValueError(f"no {what} is called {given!r}; choose one of {', '.join(known)}")
        return known[given]
    if not callable(given) or isinstance(given, type):
        raise TypeError(
            f"a {what} is a function of prediction and target, such as nn.{next(iter(known))}, or "
            f"its name, got {given!r}"
        )
    return given  # type: ignore[no-any-return]


def loss_function(given: Loss | str) -> Loss:
    """Return a loss that is given as a function or by its name."""
    return _function(given, _LOSSES, "loss")


def _by_name(metrics: Metrics) -> dict[str, Callable[..., Any]]:
    """Return metrics, given in any way, by the names of their columns."""
    alone = isinstance(metrics, str) or callable(metrics)
    several: Any = [metrics] if alone else metrics
    if not isinstance(several, Mapping):
        several = {m if isinstance(m, str) else getattr(m, "__name__", str(m)): m for m in several}
    return {name: _function(m, _METRICS, "metric") for name, m in several.items()}


def _usual_metrics(prediction: Any, target: Any, loss: Any) -> dict[str, Callable[..., Any]]:
    """Return the metrics that suit a batch: accuracy for classes, R2 and mean error for numbers."""
    p: tuple[int, ...] = tuple(getattr(prediction, "shape", ()))
    shape, kind = (
        getattr(target, "shape", None),
        getattr(getattr(target, "dtype", None), "kind", ""),
    )
    several = len(p) > 1 and p[-1] > 1
    if several and shape == p[:-1] and kind in "iu":
        return {"accuracy": accuracy}
    if shape != p or not p or not prediction.size or kind not in "biuf":
        return {}
    t = as_array(target)
    ones = bool(((t == 0) | (t == 1)).all())
    if several and ((ones and (t.sum(-1) == 1).all()) or loss is cross_entropy):
        return {"accuracy": accuracy}
    return {} if ones or kind != "f" else {"r2": r2_score, "mae": losses.l1_loss}


def pair(batch: Any) -> tuple[Any, Any]:
    """Return the input and the target of a batch; TypeError if it is not a pair of them."""
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        shape = getattr(batch, "shape", None)
        found = (
            f"an array of shape {shape}" if shape is not None
            else f"{len(batch)} members" if isinstance(batch, (tuple, list))
            else f"a {type(batch).__name__}"
        )  # fmt: skip
        raise TypeError(
            f"a batch is a pair (x, y) of inputs and targets, got {found}; "
            "data=nn.DataLoader((x, y), batch_size=32) makes such batches"
        )
    return batch[0], batch[1]


def examples(x: Any, y: Any) -> int:
    """Return the number of examples in a batch: the length of the first array in ``y``, or ``x``.

    Either may be a tuple, list or dict of arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.training.evaluation import examples
    >>> examples({"a": np.ones((5, 2)), "b": np.ones(3)}, (np.zeros(5), None))
    5
    """
    stack = [x, y]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            stack += reversed(list(value.values()))
        elif getattr(value, "shape", ()):
            return int(value.shape[0])
        elif isinstance(value, (tuple, list)) and value:
            stack += reversed(value)
    return 1


def evaluate(
    model: Module, data: Any, loss: Loss | str | None = None, metrics: Metrics | None = None
) -> dict[str, float]:
    """Return the loss and metrics of a model on data, in evaluation mode and unrecorded.

    Parameters
    ----------
    model
        The model to evaluate.
    data
        A tuple ``(x, y)``, or an iterable of such batches.
    loss
        A function of prediction and target that averages over the batch, or its name.
    metrics
        Such functions by name, or a list of functions or names (``["accuracy"]``).  By default
        :func:`accuracy` where the targets are classes (numbers, or one-hot rows), and R2
        (:func:`r2_score`) and the mean absolute error, ``"mae"``, where they are real numbers.

    Returns
    -------
    dict
        Means weighted by the sizes of the batches, so that a short last batch counts for its
        share; R2 is that of all data together.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.linspace(-1, 1, 50, dtype=np.float32)[:, None]
    >>> found = nn.evaluate(nn.Linear(1, 1, init="zeros"), (x, x), "mse_loss")
    >>> {name: round(value, 2) for name, value in found.items()}
    {'loss': 0.35, 'r2': 0.0, 'mae': 0.51}
    """
    loss = None if loss is None else loss_function(loss)
    functions = {} if loss is None else {"loss": loss}
    chosen = metrics is None
    functions.update({} if metrics is None else _by_name(metrics))
    totals: dict[str, Any] = {}
    with evaluating(model), ag.no_grad():
        for batch in DataLoader(data, 1000) if isinstance(data, tuple) else data:
            x, y = pair(batch)
            prediction = model(x)
            if not totals:
                if chosen:
                    functions.update(_usual_metrics(prediction, y, loss))
                totals = {n: _R2() if f is r2_score else _Mean(f) for n, f in functions.items()}
            for total in totals.values():
                total.add(prediction, y, examples(x, y))
    return {name: total.result() for name, total in totals.items()}
