"""Losses: how far predictions are from targets.

Every loss takes ``reduction``: ``"none"`` (one value each), ``"sum"``, ``"mean"``, or
``"batchmean"`` (summed over everything but the first axis, averaged over it).  The choice scales
the gradient, and so the learning rate: lr 3 with :func:`quadratic_cost` is lr 15 with the mean of
:func:`mse_loss` over ten outputs.

Predictions and targets have equal shapes; broadcasting here is nearly always a mistake
(``(N, 1)`` against ``(N,)``), so it is refused.

float16 is computed in float32, where sums of squares do not overflow, and the result is cast back.
The mean of no element is nan, and its gradient is zero.
"""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

import autograd_core as ag
from nn.functional.activations import as_array, as_float_array, refuse_complex, sigmoid, softplus
from nn.functional.blocks import blockwise, is_batched, is_numpy

REDUCTIONS = ("none", "sum", "mean", "batchmean")

Loss = TypeVar("Loss", bound=Callable[..., Any])


def in_float32(loss: Loss) -> Loss:
    """Decorate a loss so that predictions of float16 are computed in float32."""
    first = next(iter(inspect.signature(loss).parameters))

    @functools.wraps(loss)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        prediction: Any = args[0] if args else kwargs.get(first)
        if getattr(prediction, "dtype", None) != np.float16:
            return loss(*args, **kwargs)
        if args:
            args = (prediction.astype(np.float32), *args[1:])
        else:
            kwargs[first] = prediction.astype(np.float32)
        return loss(*args, **kwargs).astype(np.float16)

    return wrapped  # type: ignore[return-value]


def divide(total: Any, count: Any) -> Any:
    """Return ``total / count``; of no element it is nan, and its gradient is zero."""
    return nan_of_none(total / at_least_one(count), count)


def at_least_one(count: Any) -> Any:
    """Return a count, or 1 where it is 0."""
    return np.where(count == 0, 1, count) if is_batched(count) else count or 1


def nan_of_none(mean: Any, count: Any) -> Any:
    """Return a mean of ``count`` elements, which is nan of none; its gradient is zero then."""
    if is_batched(count):
        return np.where(count == 0, np.nan, mean)
    return mean if count else mean * 0 + np.nan


def divisor(shape: tuple[int, ...], reduction: str) -> int:
    """Return what a reduction divides the sum of the losses of single elements by."""
    if reduction == "mean":
        return math.prod(shape)
    if reduction == "batchmean":
        return shape[0] if shape else 1
    if reduction in REDUCTIONS:
        return 1
    raise ValueError(f"reduction is one of {', '.join(REDUCTIONS)}; got {reduction!r}")


def reduce(values: Any, reduction: str) -> Any:
    """Reduce the losses of single elements ``(N, ...)`` to one number."""
    count = divisor(values.shape, reduction)
    if reduction == "none":
        return values
    return values.sum() if reduction == "sum" else divide(values.sum(), count)


def cast_target(target: Any, dtype: Any) -> Any:
    """Return a target in the dtype of the predictions; a Tensor with gradients is left as it is."""
    loses = target.dtype.kind == "c" and np.dtype(dtype).kind != "c"
    plain = not getattr(target, "requires_grad", not is_numpy(target))
    return target.astype(dtype, copy=False) if plain and not loses else target


def _same_shape(
    name: str, prediction: Any, target: Any, complex_too: bool = False
) -> tuple[Any, Any]:
    """Check that shapes agree; a plain array of targets takes the dtype of the predictions."""
    prediction = as_float_array(prediction, name, complex_too)
    if not hasattr(target, "dtype"):
        target = np.asarray(target)
    if not complex_too:
        refuse_complex(target, name)
    if prediction.shape != target.shape:
        hint = "; class numbers become a target by nn.one_hot(labels, classes)"
        raise ValueError(
            f"{name} compares arrays of one shape, got a prediction of shape {prediction.shape} "
            f"and a target of shape {target.shape}"
            + hint
            * (target.ndim == prediction.ndim - 1 and target.dtype.kind in "iu")
        )
    return prediction, cast_target(target, prediction.dtype)


# -- sums of losses of single elements ------------------------------------------------------------

#: Numbers in a block of a sum: its intermediates stay in the cache, and sums of so few keep the
#: digits of float32.
_SUMMED = 1 << 15


def _sum(values: Any, x: Any, t: Any, *options: Any) -> Any:
    """Return the sum of ``values(x, t, *options)``, of large arrays block by block."""
    if x.size <= _SUMMED or not (is_numpy(x) and is_numpy(t)) or x.shape != t.shape:
        return values(x, t, *options).sum()
    x, t = np.asarray(x).reshape(-1), np.asarray(t).reshape(-1)
    buffer = np.empty(_SUMMED, np.result_type(x, t))
    sums = []
    for start in range(0, x.size, _SUMMED):
        part = x[start : start + _SUMMED]
        found = values(part, t[start : start + _SUMMED], *options, buffer=buffer[: part.size])
        sums.append(found.sum())
    return np.sum(sums, dtype=np.result_type(buffer, float)).astype(buffer.dtype)


def _times(g: Any, scale: float) -> Any:
    """Return the cotangent of a sum times a factor: a Python number, if ``g`` is NumPy's."""
    return g.item() * scale if is_numpy(g) else g * scale


def _of_elements(
    name: str, values: Any, *slopes: Any, work: int, selects: bool = False
) -> tuple[Any, Any]:
    """Make the primitives of a loss of single elements: the losses, and their sum times a factor.

    Parameters
    ----------
    name
        What pictures and errors call both.
    values
        The losses, ``values(x, target, *options, buffer=None)``; see :func:`blockwise` for
        ``buffer``.
    *slopes
        A rule for each argument of ``values``, which takes a buffer too and reads no result.
    work
        How many floating-point operations an element takes.
    selects
        As in :meth:`ag.Primitive.defvjp`.

    Returns
    -------
    tuple of Primitive
        ``losses(x, t, *options)`` and ``total(x, t, factor=1.0, *options)``.
    """
    losses, total = (
        ag.Primitive(f, name, kind=kind, flops=lambda _out, x, *_rest: work * x.size)
        for f, kind in (
            (blockwise(values), "elementwise"),
            (
                lambda x, target, factor=1.0, *options: _sum(values, x, target, *options) * factor,
                "reduction",
            ),
        )
    )
    rules = [blockwise(slope) for slope in slopes]
    losses.defvjp(*rules, elementwise=True, selects=selects)

    def of_sum(rule: Any) -> Any:
        return lambda g, _out, x, t, factor=1.0, *options: rule(
            _times(g, factor), None, x, t, *options
        )

    of_factor = lambda g, out, _x, _t, factor=1.0, *_options: g * (out / factor)
    first, second, *others = map(of_sum, rules)
    total.defvjp(first, second, of_factor, *others, selects=selects)
    return losses, total


def _reduced(primitives: tuple[Any, Any], x: Any, t: Any, reduction: str, *options: Any) -> Any:
    """Return the losses of single elements, or what ``reduction`` makes of them."""
    losses, total = primitives
    count = divisor(x.shape, reduction)
    if reduction == "none":
        return losses(x, t, *options)
    return total(x, t, 1 / (count or math.nan), *options)


# -- regression -----------------------------------------------------------------------------------


def _squares(x: Any, target: Any, *, buffer: Any = None) -> Any:
    return np.square(np.subtract(x, target, out=buffer), out=buffer)


def _squares_vjp(g: Any, _out: Any, x: Any, t: Any, *, buffer: Any = None) -> Any:
    """Return 2 * g * (x - t)."""
    return np.multiply(np.subtract(x, t, out=buffer), 2 * g, out=buffer)


_squared = _of_elements(
    "squared_error",
    _squares,
    _squares_vjp,
    lambda g, out, x, t, *, buffer=None: _squares_vjp(g, out, t, x, buffer=buffer),
    work=3,
)
#: ``squared_error(prediction, target, factor=1.0)`` is ``sum((prediction - target)^2) * factor``.
squared_error = _squared[1]


@in_float32
def mse_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the squared error.

    Parameters
    ----------
    prediction, target
        ``(N, ...)``, of one shape.
    reduction
        See the module; ``"mean"`` is over all elements, as in PyTorch.

    Examples
    --------
    >>> import numpy as np, nn
    >>> p, t = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 1.0]])
    >>> float(nn.mse_loss(p, t)), float(nn.mse_loss(p, t, reduction="batchmean"))
    (0.5, 1.0)
    """
    prediction, target = _same_shape("mse_loss", prediction, target)
    if reduction == "mean":  # the factor apart, by which pictures name it a mean squared error
        return squared_error(prediction, target) * (1 / (prediction.size or math.nan))
    return _reduced(_squared, prediction, target, reduction)


_quadratic_cost = squared_error.with_function(squared_error.fun)
_quadratic_cost.name = "quadratic_cost"


@in_float32
def quadratic_cost(prediction: Any, target: Any) -> Any:
    """Return half the squared error, summed over outputs and averaged over examples.

    This is the cost of Nielsen, "Neural Networks and Deep Learning" (2015), chapter 1.

    Parameters
    ----------
    prediction, target
        ``(N, outputs)``, or ``(outputs,)`` for one example.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.quadratic_cost(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])))
    1.0
    """
    prediction, target = _same_shape("quadratic_cost", prediction, target)
    examples = prediction.shape[0] if prediction.ndim > 1 else 1
    return _quadratic_cost(prediction, target, 0.5 / (examples or math.nan))


def _distances_vjp(g: Any, _out: Any, x: Any, t: Any, *, buffer: Any = None) -> Any:
    """Return g * sign(x - t)."""
    signs = np.sign(np.subtract(x, t, out=buffer))  # in place it would branch at every element
    return np.multiply(signs, g, out=buffer)


_absolute = _of_elements(
    "l1_loss",
    lambda x, target, *, buffer=None: np.abs(np.subtract(x, target, out=buffer), out=buffer),
    _distances_vjp,
    lambda g, out, x, t, *, buffer=None: _distances_vjp(g, out, t, x, buffer=buffer),
    work=2,
)


@in_float32
def l1_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the absolute error; its gradient is 0 where prediction and target agree."""
    prediction, target = _same_shape("l1_loss", prediction, target, complex_too=True)
    if "c" in (prediction.dtype.kind, target.dtype.kind):
        return reduce(np.abs(prediction - target), reduction)
    return _reduced(_absolute, prediction, target, reduction)


def _huber(x: Any, target: Any, delta: float, *, buffer: Any = None) -> Any:
    d = np.subtract(x, target, out=buffer)
    c = np.clip(d, -delta, delta)
    d = np.subtract(d, 0.5 * c, out=buffer)
    return np.multiply(d, c, out=buffer)


def _huber_vjp(g: Any, _out: Any, x: Any, t: Any, delta: float, *, buffer: Any = None) -> Any:
    """Return g * clip(x - t, -delta, delta)."""
    d = np.subtract(x, t, out=buffer)
    return np.multiply(np.clip(d, -delta, delta, out=buffer), g, out=buffer)


def _huber_delta_vjp(g: Any, _out: Any, x: Any, t: Any, delta: float, *, buffer: Any = None) -> Any:
    size = np.abs(np.subtract(x, t, out=buffer), out=buffer)
    return np.multiply(np.maximum(np.subtract(size, delta, out=buffer), 0, out=buffer), g)


_hubers = _of_elements(
    "huber_loss",
    _huber,
    _huber_vjp,
    lambda g, out, x, t, delta, *, buffer=None: _huber_vjp(g, out, t, x, delta, buffer=buffer),
    _huber_delta_vjp,
    work=5,
)


@in_float32
def huber_loss(prediction: Any, target: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """Return half the squared error up to ``delta``, and a linear loss beyond (Huber, 1964)."""
    if not delta > 0:
        raise ValueError(f"huber_loss: delta is positive, got {delta}")
    prediction, target = _same_shape("huber_loss", prediction, target)
    return _reduced(_hubers, prediction, target, reduction, delta)


@in_float32
def smooth_l1_loss(
    prediction: Any, target: Any, beta: float = 1.0, reduction: str = "mean"
) -> Any:  # fmt: skip
    """Return the squared error over ``2 beta`` up to ``beta``, and the absolute error beyond.

    It is :func:`huber_loss` with ``delta=beta``, divided by ``beta`` (R. Girshick, *Fast R-CNN*,
    2015), so that far errors have the slope 1; with ``beta=0`` it is :func:`l1_loss`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.smooth_l1_loss(np.array([0.2, 3.0]), np.zeros(2), beta=0.5, reduction="none")
    array([0.04, 2.75])
    """
    if not beta >= 0:
        raise ValueError(f"smooth_l1_loss: beta is not negative, got {beta}")
    prediction, target = _same_shape("smooth_l1_loss", prediction, target)
    if beta == 0:
        return l1_loss(prediction, target, reduction)
    return huber_loss(prediction, target, beta, reduction) / beta


# -- probabilities --------------------------------------------------------------------------------


def _factor(name: str, what: str, weight: Any, like: Any) -> Any:
    """Return weights in the dtype of losses or logits, to whose shape they broadcast."""
    weight = weight if hasattr(weight, "dtype") else np.asarray(weight)
    refuse_complex(weight, f"{name}: {what}=")
    pairs = zip(weight.shape[::-1], like.shape[::-1], strict=False)
    if weight.ndim > like.ndim or any(n not in (1, m) for n, m in pairs):
        raise ValueError(
            f"{name}: {what} broadcasts to the shape of the predictions, {tuple(like.shape)}, got "
            f"{tuple(weight.shape)}"
        )
    return cast_target(weight, like.dtype)


def _logistic(x: Any, target: Any, *, buffer: Any = None) -> Any:
    tail = np.exp(np.negative(np.abs(x, out=buffer), out=buffer), out=buffer)
    tail = np.log1p(tail, out=buffer)
    return np.add(tail, np.maximum(x, 0) - x * target, out=buffer)


def _logistic_vjp(g: Any, _out: Any, x: Any, t: Any, *, buffer: Any = None) -> Any:
    """Return g * (sigmoid(x) - t)."""
    return np.multiply(np.subtract(sigmoid(x), t, out=buffer), g, out=buffer)


_logistic_losses = _of_elements(
    "binary_cross_entropy_with_logits",
    _logistic,
    _logistic_vjp,
    lambda g, _out, x, _t, *, buffer=None: np.multiply(x, -g, out=buffer),
    work=6,
)


@in_float32
def binary_cross_entropy_with_logits(
    logits: Any, target: Any, reduction: str = "mean", *, weight: Any = None, pos_weight: Any = None
) -> Any:
    """Return the cross-entropy of the probabilities ``sigmoid(logits)``, exact for any logits.

    Parameters
    ----------
    logits, target
        ``(N, ...)``, of one shape; targets in [0, 1].
    reduction
        See the module; the mean is over all elements, whatever their weights.
    weight
        A factor for each loss, an array that broadcasts to its shape.
    pos_weight
        A factor for the losses of positives, usually the number of negatives for each positive:
        one for all, or ``(outputs,)``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.binary_cross_entropy_with_logits(np.array([1000.0]), np.array([0.0])))
    1000.0
    >>> x, y = np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])
    >>> nn.binary_cross_entropy_with_logits(x, y, "none", pos_weight=3.0).round(3)
    array([[2.079, 0.693]])
    """
    name = "binary_cross_entropy_with_logits"
    logits, target = _same_shape(name, logits, target)
    if weight is None and pos_weight is None:
        return _reduced(_logistic_losses, logits, target, reduction)
    if pos_weight is None:
        values = _logistic_losses[0](logits, target)
    else:  # a sum of two that are not negative, in which nothing cancels
        positive = _factor(name, "pos_weight", pos_weight, logits) * target
        values = positive * softplus(-logits) + (1 - target) * softplus(logits)
    if weight is not None:
        values = values * _factor(name, "weight", weight, values)
    return reduce(values, reduction)


def _binary(p: Any, target: Any, *, buffer: Any = None) -> Any:
    with np.errstate(divide="ignore"):
        yes = np.maximum(np.log(p, out=buffer), -100, out=buffer)
        no = np.log1p(-p)
    no = np.maximum(no, -100, out=no)
    loss = np.add(np.multiply(yes, target, out=buffer), no * (1 - target), out=buffer)
    return np.negative(loss, out=buffer)


def _binary_vjp(g: Any, _out: Any, p: Any, t: Any, *, buffer: Any = None) -> Any:
    spread = np.maximum(p * (1 - p), 1e-12)
    slope = np.divide(np.subtract(p, t, out=buffer), spread, out=buffer)
    return np.multiply(slope, g, out=buffer)


_binary_losses = _of_elements(
    "binary_cross_entropy",
    _binary,
    _binary_vjp,
    lambda g, _out, p, _t, *, buffer=None: np.multiply(
        np.log(np.maximum(1 - p, 1e-43)) - np.log(np.maximum(p, 1e-43)), g, out=buffer
    ),
    work=9,
)


@in_float32
def binary_cross_entropy(
    probability: Any, target: Any, reduction: str = "mean", *, weight: Any = None
) -> Any:
    """Return the cross-entropy of probabilities; logarithms are cut at -100, as in PyTorch.

    To train a network, prefer :func:`binary_cross_entropy_with_logits`, which is exact, and has
    the same ``weight``.
    """
    probability, target = _same_shape("binary_cross_entropy", probability, target)
    values = as_array(probability)
    if values.size and ag.any_now(~((values >= 0) & (values <= 1))):
        raise ValueError(
            "binary_cross_entropy takes probabilities, numbers in [0, 1]; for logits use "
            "binary_cross_entropy_with_logits"
        )
    if weight is None:
        return _reduced(_binary_losses, probability, target, reduction)
    values = _binary_losses[0](probability, target)
    return reduce(values * _factor("binary_cross_entropy", "weight", weight, values), reduction)


def _divergence(x: Any, target: Any, *, buffer: Any = None) -> Any:
    t = target
    if type(t) is np.ndarray and t.size and t.min() > 0:
        return np.multiply(np.subtract(np.log(t, out=buffer), x, out=buffer), t, out=buffer)
    logs = np.log(np.where(t > 0, t, 1), out=buffer)
    return np.multiply(np.subtract(logs, np.where(t == 0, 0, x), out=buffer), t, out=buffer)


def _divergence_target_vjp(g: Any, _out: Any, x: Any, t: Any, *, buffer: Any = None) -> Any:
    slope = np.where(t > 0, np.log(np.where(t > 0, t, 1)) + 1, 0) - np.where(t == 0, 0, x)
    return np.multiply(slope, g, out=buffer)


_divergences = _of_elements(
    "kl_div",
    _divergence,
    lambda g, _out, _x, t, *, buffer=None: np.multiply(t, -g, out=buffer),
    _divergence_target_vjp,
    work=3,
    selects=True,
)


@in_float32
def kl_div(
    log_prediction: Any, target: Any, reduction: str = "mean", log_target: bool = False
) -> Any:
    """Return the Kullback-Leibler divergence ``target (log target - log_prediction)``.

    Parameters
    ----------
    log_prediction
        Logarithms of probabilities, ``(N, ...)``.
    target
        Probabilities, or their logarithms with ``log_target``.
    reduction
        ``"batchmean"`` is the divergence by its definition; ``"mean"`` divides by the number of
        classes too.

    Examples
    --------
    >>> import numpy as np, nn
    >>> p = np.array([[0.5, 0.5]])
    >>> nn.kl_div(np.log(p), np.array([[1.0, 0.0]]), reduction="batchmean").round(6)
    np.float64(0.693147)
    """
    log_prediction, target = _same_shape("kl_div", log_prediction, target)
    if log_target:
        share = np.exp(target)
        dead = share == 0
        target, log_prediction = np.where(dead, 0, target), np.where(dead, 0, log_prediction)
        return reduce(share * (target - log_prediction), reduction)
    return _reduced(_divergences, log_prediction, target, reduction)
