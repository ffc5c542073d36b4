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
from nn.functional.activations import as_array, as_float_array, refuse_complex, sigmoid

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
    return total / count if count else total * 0 + np.nan


def reduce(values: Any, reduction: str) -> Any:
    """Reduce the losses of single elements ``(N, ...)`` to one number."""
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if reduction == "mean":
        return values.mean() if values.size else divide(values.sum(), 0)
    if reduction == "batchmean":
        return divide(values.sum(), values.shape[0] if values.ndim else 1)
    raise ValueError(f"reduction is one of {', '.join(REDUCTIONS)}; got {reduction!r}")


def cast_target(target: Any, dtype: Any) -> Any:
    """Return a target in the dtype of the predictions; a Tensor is left as it is."""
    loses = target.dtype.kind == "c" and np.dtype(dtype).kind != "c"
    return (
        target.astype(dtype, copy=False) if isinstance(target, np.ndarray) and not loses else target
    )


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


# -- regression -----------------------------------------------------------------------------------


def _sum_of_squares(d: Any) -> Any:
    """Sum squares: few numbers by one product, many in pairs, which is accurate in float32."""
    if d.size < 1 << 14:
        d = d.ravel()
        return d @ d
    return (d * d).sum()


@ag.primitive(kind="reduction", flops=lambda _out, prediction, _target: 3 * prediction.size)
def squared_error(prediction: Any, target: Any) -> Any:
    """Return ``sum((prediction - target)^2)``."""
    return _sum_of_squares(prediction - target)


squared_error.defvjp(
    lambda g, _out, prediction, target: (2 * g) * (prediction - target),
    lambda g, _out, prediction, target: (2 * g) * (target - prediction),
)


def _examples(prediction: Any) -> float:
    """Return the number of examples; nan for none, as a mean divides by it."""
    return (prediction.shape[0] or math.nan) if prediction.ndim > 1 else 1


@ag.primitive(kind="reduction", flops=lambda _out, prediction, _target: 3 * prediction.size)
def _quadratic_cost(prediction: Any, target: Any) -> Any:
    return _sum_of_squares(prediction - target) * (0.5 / _examples(prediction))


_quadratic_cost.name = "quadratic_cost"
_quadratic_cost.defvjp(
    lambda g, _out, prediction, target: (g / _examples(prediction)) * (prediction - target),
    lambda g, _out, prediction, target: (g / _examples(prediction)) * (target - prediction),
)


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
    if reduction == "mean":
        return squared_error(prediction, target) * (1 / (prediction.size or math.nan))
    if reduction == "sum":
        return squared_error(prediction, target)
    d = prediction - target
    return reduce(d * d, reduction)


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
    return _quadratic_cost(*_same_shape("quadratic_cost", prediction, target))


@in_float32
def l1_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the absolute error; its gradient is 0 where prediction and target agree."""
    prediction, target = _same_shape("l1_loss", prediction, target, complex_too=True)
    return reduce(np.abs(prediction - target), reduction)


@in_float32
def huber_loss(prediction: Any, target: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """Return half the squared error up to ``delta``, and a linear loss beyond (Huber, 1964)."""
    if not delta > 0:
        raise ValueError(f"huber_loss: delta is positive, got {delta}")
    prediction, target = _same_shape("huber_loss", prediction, target)
    d = prediction - target
    c = np.clip(d, -delta, delta)
    return reduce(c * (d - 0.5 * c), reduction)


# -- probabilities --------------------------------------------------------------------------------


@ag.primitive
def _logistic_loss(x: Any, t: Any) -> Any:
    return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))


_logistic_loss.name = "binary_cross_entropy_with_logits"
_logistic_loss.defvjp(
    lambda g, _out, x, t: g * (sigmoid(x) - t), lambda g, _out, x, _t: -g * x, elementwise=True
)


@in_float32
def binary_cross_entropy_with_logits(logits: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the cross-entropy of the probabilities ``sigmoid(logits)``, exact for any logits.

    Parameters
    ----------
    logits, target
        ``(N, ...)``, of one shape; targets in [0, 1].
    reduction
        See the module.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.binary_cross_entropy_with_logits(np.array([1000.0]), np.array([0.0])))
    1000.0
    """
    logits, target = _same_shape("binary_cross_entropy_with_logits", logits, target)
    return reduce(_logistic_loss(logits, target), reduction)


@ag.primitive(kind="reduction")
def _binary_cross_entropy(p: Any, t: Any) -> Any:
    with np.errstate(divide="ignore"):
        return -(t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log1p(-p), -100))


_binary_cross_entropy.name = "binary_cross_entropy"
_binary_cross_entropy.defvjp(
    lambda g, _out, p, t: g * (p - t) / np.maximum(p * (1 - p), 1e-12),
    lambda g, _out, p, _t: g * (np.log(np.maximum(1 - p, 1e-43)) - np.log(np.maximum(p, 1e-43))),
    elementwise=True,
)


@in_float32
def binary_cross_entropy(probability: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the cross-entropy of probabilities; logarithms are cut at -100, as in PyTorch.

    To train a network, prefer :func:`binary_cross_entropy_with_logits`, which is exact.
    """
    probability, target = _same_shape("binary_cross_entropy", probability, target)
    values = as_array(probability)
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            "binary_cross_entropy takes probabilities, numbers in [0, 1]; for logits use "
            "binary_cross_entropy_with_logits"
        )
    return reduce(_binary_cross_entropy(probability, target), reduction)


@ag.primitive
def _entropy_term(t: Any) -> Any:
    """Return ``t log(t)``, which is 0 at 0."""
    return t * np.log(np.where(t > 0, t, 1))


_entropy_term.defvjp(
    lambda g, _out, t: g * np.where(t > 0, np.log(np.where(t > 0, t, 1)) + 1, 0), elementwise=True
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
    log_prediction = np.where(target == 0, 0, log_prediction)
    return reduce(_entropy_term(target) - target * log_prediction, reduction)
