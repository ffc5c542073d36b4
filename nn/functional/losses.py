"""Losses: how far predictions are from targets.

Every loss takes ``reduction``: ``"none"`` (one value each), ``"sum"``, ``"mean"``, or
``"batchmean"`` (summed over everything but the first axis, averaged over it).  The choice scales
the gradient, and so the learning rate: lr 3 with :func:`quadratic_cost` is lr 15 with the mean of
:func:`mse_loss` over ten outputs.

Predictions and targets have equal shapes; broadcasting here is nearly always a mistake
(``(N, 1)`` against ``(N,)``), so it is refused.

For cross-entropy, the softmax, the logarithm and the loss are one primitive: exact for logits of
any size, with the derivative ``softmax(logits) - target``.
"""

from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import (
    as_array,
    as_float_array,
    log_softmax,
    refuse_complex,
    sigmoid,
    softmax,
)

REDUCTIONS = ("none", "sum", "mean", "batchmean")


def reduce(values: Any, reduction: str) -> Any:
    """Reduce the losses of single elements ``(N, ...)`` to one number."""
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if reduction == "mean":
        return values.mean()
    if reduction == "batchmean":
        return values.sum() / (values.shape[0] if values.ndim else 1)
    raise ValueError(f"reduction is one of {', '.join(REDUCTIONS)}; got {reduction!r}")


def _cast_target(target: Any, dtype: Any) -> Any:
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
    return prediction, _cast_target(target, prediction.dtype)


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


def _examples(prediction: Any) -> int:
    return (prediction.shape[0] or 1) if prediction.ndim > 1 else 1


@ag.primitive(kind="reduction", flops=lambda _out, prediction, _target: 3 * prediction.size)
def _quadratic_cost(prediction: Any, target: Any) -> Any:
    return _sum_of_squares(prediction - target) * (0.5 / _examples(prediction))


_quadratic_cost.name = "quadratic_cost"
_quadratic_cost.defvjp(
    lambda g, _out, prediction, target: (g / _examples(prediction)) * (prediction - target),
    lambda g, _out, prediction, target: (g / _examples(prediction)) * (target - prediction),
)


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
        return squared_error(prediction, target) * (1 / max(prediction.size, 1))
    if reduction == "sum":
        return squared_error(prediction, target)
    d = prediction - target
    return reduce(d * d, reduction)


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


def l1_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Return the absolute error; its gradient is 0 where prediction and target agree."""
    prediction, target = _same_shape("l1_loss", prediction, target, complex_too=True)
    return reduce(np.abs(prediction - target), reduction)


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
        return reduce(np.exp(target) * (target - log_prediction), reduction)
    return reduce(_entropy_term(target) - target * log_prediction, reduction)


# -- classes --------------------------------------------------------------------------------------


def _one_hot(labels: Any, classes: int, dtype: Any) -> Any:
    out = np.zeros((*labels.shape, classes), dtype)
    np.put_along_axis(out, labels[..., None], 1, -1)
    return out


def _pick(values: Any, labels: Any) -> Any:
    """Return the value of each label, ``values (..., classes)`` to ``(...)``."""
    return np.take_along_axis(values, labels[..., None], -1)[..., 0]


@ag.primitive(kind="reduction", flops=lambda _out, logits, _labels: 4 * logits.size)
def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """Return ``-log softmax(logits)[label]`` for ``logits (..., classes)`` and ``labels (...)``."""
    return -_pick(log_softmax(logits), labels)


softmax_cross_entropy.defvjp(
    lambda g, _out, logits, labels: (
        g[..., None] * (softmax(logits) - _one_hot(labels, logits.shape[-1], logits.dtype))
    ),
    None,
)


@ag.primitive(kind="reduction", flops=lambda _out, logits, _weights: 5 * logits.size)
def soft_cross_entropy(logits: Any, weights: Any) -> Any:
    """Return ``-sum(weights * log softmax(logits))``, both of shape ``(..., classes)``."""
    return -(weights * log_softmax(logits)).sum(-1)


soft_cross_entropy.defvjp(
    lambda g, _out, x, q: g[..., None] * (softmax(x) * q.sum(-1, keepdims=True) - q),
    lambda g, _out, x, _q: -g[..., None] * log_softmax(x),
)


def cross_entropy(
    logits: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Return the cross-entropy of ``softmax(logits)`` against class numbers or probabilities.

    Parameters
    ----------
    logits
        ``(N, C)``, ``(C,)`` for one example, or ``(N, C, d1, ...)``: classes on axis 1.
    target
        Integers of the shape without the axis of classes, or probabilities of the same shape as
        the logits.
    weight
        ``(C,)``, one factor for each class.
    ignore_index
        Integer targets of this number count neither in the sum nor in the mean.
    reduction
        ``"mean"`` divides by the sum of the weights of the targets that count (by the number of
        examples, for probabilities), as in PyTorch; ``"batchmean"`` by N.
    label_smoothing
        The share of the target that is spread evenly over all classes (Szegedy et al., 2016).

    Examples
    --------
    >>> import numpy as np, nn
    >>> logits = np.array([[2.0, 0.0], [0.0, 0.0]])
    >>> nn.cross_entropy(logits, np.array([0, 1])).round(6)
    np.float64(0.410038)
    >>> nn.cross_entropy(logits, np.array([[1.0, 0.0], [0.5, 0.5]]), reduction="none").round(6)
    array([0.126928, 0.693147])
    """
    logits = as_float_array(logits, "cross_entropy")
    target = target if hasattr(target, "dtype") else np.asarray(target)
    if target.ndim == logits.ndim:
        target = _classes_last(target)
    logits = _classes_last(logits)
    classes, dtype = logits.shape[-1], logits.dtype
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is a share from 0 to 1, got {label_smoothing}")
    factors = _class_weights(weight, classes, dtype)
    if target.dtype.kind == "f" and target.shape == logits.shape:
        target = _cast_target(target, dtype)
        if label_smoothing:
            target = target * (1 - label_smoothing) + label_smoothing / classes
        weights = target if weight is None else target * factors
        return reduce(soft_cross_entropy(logits, weights), reduction)
    labels, counted = _labels(target, logits.shape, ignore_index)
    if weight is None and counted is None and not label_smoothing:
        return reduce(softmax_cross_entropy(logits, labels), reduction)
    share = _share(labels, counted, factors)
    if label_smoothing:
        certain = _one_hot(labels, classes, dtype) * share[..., None] * (1 - label_smoothing)
        even = factors if counted is None else counted[..., None] * factors
        losses = soft_cross_entropy(logits, certain + even * (label_smoothing / classes))
    else:
        losses = softmax_cross_entropy(logits, labels) * share
    return _weighted_mean(losses, share, reduction)


def nll_loss(
    log_probabilities: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """Return minus the log-probability of each label: cross-entropy after :func:`nn.log_softmax`.

    Parameters
    ----------
    log_probabilities
        ``(N, C)``, ``(C,)`` or ``(N, C, d1, ...)``.
    target
        Integers, of the shape without the axis of classes.
    weight, ignore_index, reduction
        As in :func:`cross_entropy`.
    """
    x, target = _classes_last(as_float_array(log_probabilities, "nll_loss")), np.asarray(target)
    labels, counted = _labels(target, x.shape, ignore_index)
    share = _share(labels, counted, _class_weights(weight, x.shape[-1], x.dtype))
    return _weighted_mean(-_pick(x, labels) * share, share, reduction)


def _classes_last(a: Any) -> Any:
    return np.moveaxis(a, 1, -1) if a.ndim > 2 else a


def _class_weights(weight: Any, classes: int, dtype: Any) -> Any:
    """Return one factor for each class; ones without ``weight``."""
    factors = (
        np.ones(classes, dtype)
        if weight is None
        else as_float_array(np.asarray(weight), "weight=").astype(dtype)
    )
    if factors.shape != (classes,):
        raise ValueError(
            f"weight has one factor for each of {classes} classes, got {factors.shape}"
        )
    return factors


def _share(labels: Any, counted: Any, factors: Any) -> Any:
    """Return the weight of each label, which is 0 where it does not count."""
    return factors[labels] if counted is None else factors[labels] * counted


def _weighted_mean(losses: Any, share: Any, reduction: str) -> Any:
    """Reduce losses that already carry their weights; the mean divides by the weights."""
    return losses.sum() / share.sum() if reduction == "mean" else reduce(losses, reduction)


def _labels(target: Any, shape: tuple[int, ...], ignore_index: int) -> tuple[Any, Any]:
    """Check class numbers; return them, and a mask of those that count (None if all do)."""
    classes = shape[-1]
    if target.dtype.kind not in "iu" or target.shape != shape[:-1]:
        raise ValueError(
            f"targets are class numbers (integers) of shape {shape[:-1]}, or, for cross_entropy, "
            f"probabilities (floats) of the shape of the logits; got {target.dtype} of shape "
            f"{target.shape}"
        )
    t = as_array(target)
    if not t.size or (t.min() >= 0 and t.max() < classes and not 0 <= ignore_index < classes):
        return t, None
    counted = t != ignore_index
    t = np.where(counted, t, 0)
    if t.min() < 0 or t.max() >= classes:
        bad = t[(t < 0) | (t >= classes)][0]
        raise ValueError(f"class number {bad} among the targets; the logits have {classes} classes")
    return t, counted
