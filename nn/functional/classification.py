"""Cross-entropy of logits or log-probabilities against class numbers or probabilities.

The softmax, the logarithm and the loss are one primitive: exact for logits of any size, with the
derivative ``softmax(logits) - target``.  Classes are on axis 1, or on the only one.
What does not count (an ignored target, a class of weight 0) is left out by selection, not by a
factor 0, so that what is not finite there reaches neither the loss nor a gradient.
"""

import math
from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import as_array, as_float_array, log_softmax, softmax
from nn.functional.losses import cast_target, divide, in_float32, reduce


def _one_hot(labels: Any, shape: tuple[int, ...], axis: int, dtype: Any) -> Any:
    out = np.zeros(shape, dtype)
    np.put_along_axis(out, np.expand_dims(labels, axis), 1, axis)
    return out


def _places(labels: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Return the place of each label among all numbers of an array of logits, in C order."""
    axis %= len(shape)
    before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    rows = np.arange(before)[:, None] * shape[axis] + labels.reshape(before, after)
    return rows * after + np.arange(after)


def _pick(values: Any, labels: Any, axis: int) -> Any:
    """Return the value of each label along the axis of classes, which is dropped."""
    return values.reshape(-1)[_places(labels, values.shape, axis)].reshape(labels.shape)


@ag.primitive(flops=lambda _out, logits, _labels, **_options: 4 * logits.size)
def softmax_minus_one_hot(logits: Any, labels: Any, *, axis: int = -1) -> Any:
    """Return ``softmax(logits)``, less 1 at each label: the derivative of the cross-entropy."""
    flat = softmax(logits, axis=axis).reshape(-1)
    flat[_places(labels, logits.shape, axis)] -= 1
    return flat.reshape(logits.shape)


def _softmax_vjp(g: Any, _out: Any, logits: Any, _labels: Any, *, axis: int = -1) -> Any:
    share = softmax(logits, axis=axis)
    return share * (g - (g * share).sum(axis, keepdims=True))


softmax_minus_one_hot.defvjp(_softmax_vjp, None)


@ag.primitive(kind="reduction", flops=lambda _out, logits, _labels, **_options: 4 * logits.size)
def softmax_cross_entropy(logits: Any, labels: Any, *, axis: int = -1) -> Any:
    """Return ``-log softmax(logits)`` at each label; classes are along ``axis``."""
    return -_pick(log_softmax(logits, axis=axis), labels, axis)


softmax_cross_entropy.defvjp(
    lambda g, _out, logits, labels, *, axis=-1: (
        np.expand_dims(g, axis) * softmax_minus_one_hot(logits, labels, axis=axis)
    ),
    None,
)


@ag.primitive(kind="reduction", flops=lambda _out, logits, _weights, **_options: 5 * logits.size)
def soft_cross_entropy(logits: Any, weights: Any, *, axis: int = -1) -> Any:
    """Return ``-sum(weights * log softmax(logits))`` along ``axis``; both have one shape."""
    terms = log_softmax(logits, axis=axis)
    terms = np.where(weights == 0, 0, terms)
    terms *= weights
    return -terms.sum(axis)


def _soft_logits_vjp(g: Any, _out: Any, x: Any, q: Any, *, axis: int = -1) -> Any:
    share = softmax(x, axis=axis)
    return np.expand_dims(g, axis) * (share * q.sum(axis, keepdims=True) - q)


soft_cross_entropy.defvjp(
    _soft_logits_vjp,
    lambda g, _out, x, _q, *, axis=-1: -np.expand_dims(g, axis) * log_softmax(x, axis=axis),
)


@in_float32
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
        Integer targets of this number count neither in the sum nor in the mean, whatever their
        logits are.
    reduction
        ``"mean"`` divides by the sum of the weights of the targets that count (by the number of
        examples, for probabilities), as in PyTorch; ``"batchmean"`` by N.  If none counts, the
        mean is nan and its gradient zero.
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
    axis, dtype = _axis(logits), logits.dtype
    classes = logits.shape[axis]
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is a share from 0 to 1, got {label_smoothing}")
    factors = _class_weights(weight, classes, dtype)
    along: Any = factors.reshape([-1 if i == axis else 1 for i in range(logits.ndim)])
    if target.dtype.kind == "f" and target.shape == logits.shape:
        target = cast_target(target, dtype)
        if label_smoothing:
            target = target * (1 - label_smoothing) + label_smoothing / classes
        weights = target if weight is None else target * along
        return reduce(soft_cross_entropy(logits, weights, axis=axis), reduction)
    labels, counted = _labels(target, logits.shape, axis, ignore_index)
    if weight is None and counted is None and not label_smoothing:
        return reduce(softmax_cross_entropy(logits, labels, axis=axis), reduction)
    if counted is not None:
        logits = np.where(np.expand_dims(counted, axis), logits, 0)
    share = _share(labels, counted, factors)
    if label_smoothing:
        certain = _one_hot(labels, logits.shape, axis, dtype) * np.expand_dims(share, axis)
        even = along if counted is None else np.expand_dims(counted, axis) * along
        weights = certain * (1 - label_smoothing) + even * (label_smoothing / classes)
        losses = soft_cross_entropy(logits, weights, axis=axis)
    else:
        losses = _weighted(softmax_cross_entropy(logits, labels, axis=axis), share)
    return _weighted_mean(losses, share, reduction)


@in_float32
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
    x, target = as_float_array(log_probabilities, "nll_loss"), np.asarray(target)
    axis = _axis(x)
    labels, counted = _labels(target, x.shape, axis, ignore_index)
    share = _share(labels, counted, _class_weights(weight, x.shape[axis], x.dtype))
    return _weighted_mean(_weighted(-_pick(x, labels, axis), share), share, reduction)


def _axis(logits: Any) -> int:
    """Return the axis of classes: the second, or the only one."""
    if not logits.ndim:
        raise ValueError("logits have an axis of classes, (N, C) or (C,), got a single number")
    axis: int = min(logits.ndim, 2) - 1
    return axis


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


def _weighted(losses: Any, share: Any) -> Any:
    """Multiply losses by their weights; those of weight 0 are 0, even where they are not finite."""
    return np.where(share == 0, 0, losses) * share


def _weighted_mean(losses: Any, share: Any, reduction: str) -> Any:
    """Reduce losses that already carry their weights; the mean divides by the weights."""
    return divide(losses.sum(), share.sum()) if reduction == "mean" else reduce(losses, reduction)


def _labels(
    target: Any, logits_shape: tuple[int, ...], axis: int, ignore_index: int
) -> tuple[Any, Any]:
    """Check class numbers; return them, and a mask of those that count (None if all do)."""
    lengths = list(logits_shape)
    classes = lengths.pop(axis)
    shape = tuple(lengths)
    if target.dtype.kind not in "iu" or target.shape != shape:
        raise ValueError(
            f"targets are class numbers (integers) of shape {shape}, or, for cross_entropy, "
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
