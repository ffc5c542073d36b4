"""evaluate: losses and metrics on data, given as functions or by their names."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

import autograd_core as ag
from nn.data.datasets import DataLoader
from nn.functional import losses
from nn.functional.activations import as_array
from nn.functional.classification import cross_entropy, nll_loss
from nn.module import Module, evaluating
from nn.placement import device_of, moved

#: A function of prediction and target.
Loss = Callable[[Any, Any], Any]
#: Metrics by name, or a list of them; each is a function or the name of one.
Metrics = Mapping[str, Loss | str] | Iterable[Loss | str] | Loss | str


#: Class numbers of targets that do not count, the default ``ignore_index`` of the losses.
IGNORED = -100


def accuracy(prediction: Any, target: Any, axis: int | None = None) -> float:
    """Return the share of examples whose largest output is at the class of the target.

    A prediction that holds nan is wrong; targets of -100 do not count.

    Parameters
    ----------
    prediction
        ``(N, classes)``, ``(N, ..., classes)`` or ``(N, classes, d1, ...)``.
    target
        Class numbers, of the shape without the axis of classes, or rows of the shape of the
        prediction (one-hot).
    axis
        The axis of classes; by default the last one or the second one, whichever fits.

    Raises
    ------
    ValueError
        For a single output, for shapes that do not fit, and if both axes fit.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.accuracy(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]))
    0.5
    """
    prediction, target = as_array(prediction), as_array(target)
    fitting = _class_axes(prediction.shape, target.shape) if axis is None else [axis]
    if prediction.ndim < 2 or max(prediction.shape[1], prediction.shape[-1]) < 2:
        raise ValueError(
            "accuracy compares the largest of several outputs with the target, got predictions "
            f"of shape {prediction.shape}; for one output say where the border is: "
            'metrics={"accuracy": lambda p, y: ((p > 0) == (y > 0.5)).mean()}'
        )
    if target.shape != prediction.shape and (not fitting or target.ndim != prediction.ndim - 1):
        raise ValueError(
            f"accuracy takes class numbers of shape {prediction.shape[:-1]} or rows of shape "
            f"{prediction.shape}, got a target of shape {target.shape}"
        )
    if len(fitting) > 1:
        raise ValueError(
            f"classes may be on axis {fitting[0]} or on axis {fitting[1]} of shape "
            f"{prediction.shape}; say which: nn.accuracy(prediction, target, axis=1)"
        )
    at = fitting[0]
    labels = target.argmax(at) if target.ndim == prediction.ndim else target
    largest = prediction.max(at)
    right = (prediction.argmax(at) == labels) & (largest == largest)
    counted = labels != IGNORED
    return float(right[counted].mean()) if counted.any() else math.nan


def _class_axes(prediction: tuple[int, ...], target: tuple[int, ...]) -> list[int]:
    """Return the axes of a prediction, the last or the second, on which classes may be."""
    last = len(prediction) - 1
    axes = sorted({last, min(1, last)})
    if prediction == target:
        return [last] if last < 2 else axes
    return [i for i in axes if prediction[:i] + prediction[i + 1 :] == target]


class _Mean:
    """Mean of a function's values, weighted by the numbers of examples."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function, self.total, self.count = function, 0.0, 0.0

    def add(self, prediction: Any, target: Any, examples: float) -> None:
        if not examples:  # all are ignored, and have no mean
            return
        value = as_array(self.function(prediction, target))
        if value.ndim:
            raise ValueError(
                f"a loss or metric is one number for a batch, got shape {value.shape}; a loss "
                'takes reduction="mean"'
            )
        self.total += examples * float(value)
        self.count += examples

    def result(self) -> float:
        return self.total / self.count if self.count else math.nan


class _R2:
    """Coefficient of determination over all batches: moments are merged (Chan et al., 1983)."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares, self.residual = 0, 0.0, 0.0, 0.0

    def add(self, prediction: Any, target: Any, examples: float) -> None:
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
        names = [m if isinstance(m, str) else getattr(m, "__name__", str(m)) for m in several]
        if twice := {n for n in names if names.count(n) > 1}:
            raise ValueError(
                f"two metrics are called {', '.join(twice)}; give them names: metrics={{name: f}}"
            )
        several = dict(zip(names, several, strict=True))
    return {name: _function(m, _METRICS, "metric") for name, m in several.items()}


class _Usual:
    """The metrics that suit the targets: accuracy of classes, R2 and mean error of numbers.

    Which they are shows when all have been seen: a first batch of zeros and ones proves nothing.
    """

    def __init__(self, loss: Any) -> None:
        self.classes, self.one_hot, self.binary = loss in (cross_entropy, nll_loss), True, True
        self.right, self.r2, self.error = _Mean(accuracy), _R2(), _Mean(losses.l1_loss)

    def add(self, prediction: Any, target: Any, examples: float) -> None:
        p: tuple[int, ...] = tuple(getattr(prediction, "shape", ()))
        shape = getattr(target, "shape", None)
        kind = getattr(getattr(target, "dtype", None), "kind", "")
        axes = [i for i in _class_axes(p, shape) if p[i] > 1] if shape and len(p) > 1 else []
        numbers = bool(axes) and shape != p and kind in "iu"
        rows = shape == p and bool(p) and kind in "iuf"
        if (numbers or rows) and axes and (self.classes or rows or len(axes) == 1):
            self.right.function = partial(accuracy, axis=axes[0 if self.classes else -1])
            self.right.add(prediction, target, examples)
            self.classes |= numbers
        if rows:
            t = as_array(target)
            self.binary &= bool(((t == 0) | (t == 1)).all())
            self.one_hot &= self.binary and bool(axes) and bool((t.sum(-1) == 1).all())
            self.r2.add(prediction, target, examples)
            self.error.add(prediction, target, examples)

    def results(self) -> dict[str, float]:
        if self.right.count and (self.classes or self.one_hot):
            return {"accuracy": self.right.result()}
        if self.r2.count and not self.binary:
            return {"r2": self.r2.result(), "mae": self.error.result()}
        return {}


def pair(batch: Any, device: Any = None) -> tuple[Any, Any]:
    """Return the input and the target of a batch; TypeError if it is not a pair of them.

    They are moved to the library of the array ``device``, if there is one.
    """
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
    x, y = batch
    return (x, y) if device is None else (moved(x, device), moved(y, device))


def examples(x: Any, y: Any) -> float:
    """Return the number of examples in a batch, which its losses and metrics are means over.

    It is the length of the target.  Where either is a tuple, list or dict of arrays, it is the
    length that they share, or else that of the first array.  Targets of -100 do not count: of rows
    with several targets each, they take their share.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.training.evaluation import examples
    >>> examples({"a": np.ones((5, 2)), "b": np.ones(3)}, (np.zeros(5), None))
    5
    >>> examples(np.ones((4, 2)), np.array([0, -100, 2, -100]))
    2.0
    """
    lengths, others = _lengths(y), _lengths(x)
    count = next((n for n in lengths if n in others), next(iter([*lengths, *others]), 1))
    if getattr(getattr(y, "dtype", None), "kind", "") == "i" and y.size:
        counted = int((as_array(y) != IGNORED).sum())
        return count if counted == y.size else count * counted / y.size
    return count


def _lengths(value: Any) -> list[int]:
    """Return the lengths of an array, or of the containers and arrays in a tree of them."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return [int(n) for n in shape[:1]]
    if isinstance(value, Mapping):
        return [n for v in value.values() for n in _lengths(v)]
    if isinstance(value, (tuple, list)):
        inner = [n for v in value for n in _lengths(v)]
        return [*inner, len(value)] if isinstance(value, list) else inner
    return []


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
    given = {} if metrics is None else _by_name(metrics)
    if functions.keys() & given.keys():
        raise ValueError('a metric is called "loss", as the loss itself is; give it another name')
    functions.update(given)
    totals = {name: _R2() if f is r2_score else _Mean(f) for name, f in functions.items()}
    usual = _Usual(loss) if metrics is None else None
    found_any, device = False, device_of(model.parameters())
    with evaluating(model), ag.no_grad():
        for batch in DataLoader(data, 1000) if isinstance(data, tuple) else data:
            found_any = True
            x, y = pair(batch, device)
            prediction, n = model(x), examples(x, y)
            for total in totals.values():
                total.add(prediction, y, n)
            if usual is not None:
                usual.add(prediction, y, n)
    if not found_any:
        raise ValueError("evaluate found no batch in its data; an iterator is empty after one use")
    found = {name: total.result() for name, total in totals.items()}
    return found if usual is None else {**found, **usual.results()}
