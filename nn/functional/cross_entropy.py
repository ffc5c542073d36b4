"""Cross-entropy of logits and of log-probabilities, with integer or probability targets.

The softmax and the logarithm are one primitive with its loss: exact for logits of any size,
and the derivative is ``softmax(logits) - target``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import floating, log_softmax, softmax
from nn.functional.losses import reduce


def _one_hot(t: Any, classes: int, dtype: Any) -> Any:
    out = np.zeros((*t.shape, classes), dtype)
    np.put_along_axis(out, t[..., None], 1, -1)
    return out


@ag.primitive
def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """``-log softmax(logits)[label]``: ``logits (..., classes)``, integer ``labels (...)``."""
    return -np.take_along_axis(log_softmax(logits), labels[..., None], -1)[..., 0]


def _pull_labels(g: Any, _out: Any, logits: Any, labels: Any) -> Any:
    return g[..., None] * (softmax(logits) - _one_hot(labels, logits.shape[-1], logits.dtype))


softmax_cross_entropy.defvjp(_pull_labels, None)


@ag.primitive
def soft_cross_entropy(logits: Any, weights: Any) -> Any:
    """``-sum(weights * log softmax(logits))`` over the last axis; both ``(..., classes)``."""
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
    """Cross-entropy of ``softmax(logits)`` against class numbers or probabilities.

    Parameters
    ----------
    logits
        ``(N, C)``, ``(C,)`` for one example, or ``(N, C, d1, ...)``: classes on axis 1.
    target
        Integers of the shape without the axis of classes, or probabilities of the same shape as
        the logits.
    weight
        ``(C,)``, one factor per class.
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
    logits = floating(logits)
    target = target if hasattr(target, "dtype") else np.asarray(target)
    axis = 1 if logits.ndim > 1 else 0
    classes = logits.shape[axis]
    if axis != logits.ndim - 1:
        logits = np.moveaxis(logits, axis, -1)
        if target.ndim == logits.ndim:
            target = np.moveaxis(target, axis, -1)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is a share from 0 to 1, got {label_smoothing}")
    w = None if weight is None else _class_weights(weight, classes, logits.dtype)
    if target.dtype.kind == "f" and target.shape == logits.shape:
        if isinstance(target, np.ndarray) and target.dtype != logits.dtype:
            target = target.astype(logits.dtype)
        if label_smoothing:
            target = target * (1 - label_smoothing) + label_smoothing / classes
        return reduce(soft_cross_entropy(logits, target if w is None else target * w), reduction)
    labels, counts = _labels(target, logits.shape, ignore_index)
    if w is None and counts is None and not label_smoothing:
        return reduce(softmax_cross_entropy(logits, labels), reduction)
    share = np.ones(labels.shape, logits.dtype) if w is None else w[labels]
    if counts is not None:
        share = share * counts
    if label_smoothing:
        q = _one_hot(labels, classes, logits.dtype) * share[..., None] * (1 - label_smoothing)
        spread = np.ones(classes, logits.dtype) if w is None else w
        alive = 1 if counts is None else counts[..., None]
        losses = soft_cross_entropy(logits, q + alive * spread * (label_smoothing / classes))
    else:
        losses = softmax_cross_entropy(logits, labels) * share
    return _weighted(losses, share, reduction)


def nll_loss(
    log_probabilities: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """Minus the log-probability of each label; after :func:`nn.log_softmax` it is cross-entropy.

    Parameters
    ----------
    log_probabilities
        ``(N, C)``, ``(C,)`` or ``(N, C, d1, ...)``.
    target
        Integers, of the shape without the axis of classes.
    weight, ignore_index, reduction
        As in :func:`cross_entropy`.
    """
    x, target = floating(log_probabilities), np.asarray(target)
    axis = 1 if x.ndim > 1 else 0
    if axis != x.ndim - 1:
        x = np.moveaxis(x, axis, -1)
    labels, counts = _labels(target, x.shape, ignore_index)
    share = np.ones(labels.shape, x.dtype)
    if weight is not None:
        share = _class_weights(weight, x.shape[-1], x.dtype)[labels]
    if counts is not None:
        share = share * counts
    picked = np.take_along_axis(x, labels[..., None], -1)[..., 0]
    return _weighted(-picked * share, share, reduction)


def _weighted(losses: Any, share: Any, reduction: str) -> Any:
    """Reduce losses that already carry their weights; the mean is over the weights."""
    return losses.sum() / share.sum() if reduction == "mean" else reduce(losses, reduction)


def _class_weights(weight: Any, classes: int, dtype: Any) -> Any:
    w = np.asarray(weight, dtype)
    if w.shape != (classes,):
        raise ValueError(f"weight has one factor for each of {classes} classes, got {w.shape}")
    return w


def _labels(target: Any, shape: tuple[int, ...], ignore_index: int) -> tuple[Any, Any]:
    """Checked class numbers, and a mask of those that count (None: all do)."""
    classes = shape[-1]
    if target.dtype.kind not in "iu" or target.shape != shape[:-1]:
        raise ValueError(
            f"targets are class numbers (integers) of shape {shape[:-1]}, or, for cross_entropy, "
            f"probabilities (floats) of the shape of the logits; got {target.dtype} of shape "
            f"{target.shape}"
        )
    t = getattr(target, "data", target) if isinstance(target, ag.Tensor) else target
    if not t.size or (t.min() >= 0 and t.max() < classes and not 0 <= ignore_index < classes):
        return t, None
    counts = t != ignore_index
    t = np.where(counts, t, 0)
    if t.min() < 0 or t.max() >= classes:
        bad = t[(t < 0) | (t >= classes)][0]
        raise ValueError(f"class number {bad} among the targets; the logits have {classes} classes")
    return t, counts
