"""Cross-entropy of logits or log-probabilities against class numbers or probabilities.

The softmax, the logarithm and the loss are one primitive: exact for logits of any size, with the
derivative ``softmax(logits) - target``.  Classes are on axis 1, or on the only one.  Class numbers
are looked up by their places among all logits, in C order.
What does not count (an ignored target, a class of weight 0) is left out by selection, not by a
factor 0, so that what is not finite there reaches neither the loss nor a gradient.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import (
    any_outside,
    as_array,
    as_float_array,
    first_outside,
    log_softmax,
    softmax,
)
from nn.functional.blocks import BLOCK, is_batched, long_rows
from nn.functional.losses import (
    at_least_one,
    cast_target,
    divide,
    divisor,
    in_float32,
    nan_of_none,
    reduce,
)
from nn.placement import as_of


def _one_hot(labels: Any, shape: tuple[int, ...], axis: int, dtype: Any) -> Any:
    along = [-1 if i == axis else 1 for i in range(len(shape))]
    classes = as_of(np.arange(shape[axis]).reshape(along), labels)
    return (np.expand_dims(labels, axis) == classes).astype(dtype)


def _by_classes(x: Any) -> Any:
    """Return logits as an array ``(rows, classes)`` or ``(rows, classes, positions)``."""
    if x.ndim == 2:
        return x
    return x.reshape(1, -1) if x.ndim == 1 else x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _places(labels: Any, shape: tuple[int, ...]) -> Any:
    """Return the place of each label among all numbers of logits of a shape, in C order."""
    if len(shape) == 1:
        return labels.copy()
    if len(shape) == 2:
        return as_of(np.arange(0, math.prod(shape), shape[1]), labels) + labels
    after = math.prod(shape[2:])
    first = (np.arange(shape[0])[:, None] * shape[1]) * after + np.arange(after)
    return (as_of(first, labels) + labels.reshape(shape[0], after) * after).reshape(labels.shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Class numbers as a loss takes them.

    Attributes
    ----------
    places
        Where they are among all logits; an array of their shape.
    share
        The factor of each loss, an array of that shape, or one number for all.
    dead
        True where the share is 0; None if it is nowhere.
    total
        Whether the losses are summed.
    """

    places: Any
    share: Any
    dead: Any
    total: bool

    def weigh(self, losses: Any) -> Any:
        """Return losses times their shares, or the sum of these; 0 where they do not count."""
        losses = (losses if self.dead is None else np.where(self.dead, 0, losses)) * self.share
        return losses.sum() if self.total else losses

    def pull_back(self, g: Any) -> Any:
        """Return the cotangent of each loss, or one for all; 0 where they do not count."""
        return g * self.share if self.dead is None else np.where(self.dead, 0, g * self.share)


@ag.primitive(
    kind="reduction", opaque=True,
    flops=lambda _out, _x, _target, *, labels: 2 * labels.places.size,
)  # fmt: skip
def _pick(x: Any, _target: Any, *, labels: _Labels) -> Any:
    return labels.weigh(-x.reshape(-1)[labels.places])


@ag.primitive(kind="view", flops=lambda _out, _rows, **_options: 0, opaque=True)
def _scatter(rows: Any, *, labels: _Labels, shape: tuple[int, ...]) -> Any:
    """Return zeros, and ``-rows`` at the places of the labels."""
    out = np.zeros_like(rows, shape=shape)
    flat = out.reshape(-1)
    flat[labels.places] = -rows
    return out if type(out) is np.ndarray else flat.reshape(shape)  # others may have copied


_pick.name = "nll_loss"
_pick.defvjp(
    lambda g, _out, _x, _target, *, labels: _scatter(
        labels.pull_back(g), labels=labels, shape=_x.shape
    ),
    None,
    selects=True,
)
_scatter.defvjp(
    lambda h, _out, _rows, *, labels, shape: _pick(
        h, labels.places, labels=_Labels(labels.places, 1.0, None, total=False)
    )
)


def _blocks(x: Any, dead: Any) -> Any:
    """Yield slices of rows, their logits (0 in rows that do not count), and the largest of each."""
    if not x.size:
        return
    step, classes = max(1, BLOCK // x[0].size), x.shape[1]
    with long_rows(classes if x.ndim == 2 else 1), np.errstate(over="ignore"):
        for start in range(0, len(x), step):
            at = slice(start, start + step)
            z = x[at]
            if dead is not None:
                z = np.where(np.expand_dims(dead.reshape(x[:, 0].shape)[at], 1), 0, z)
            if x.ndim == 2 and classes <= 32:  # NumPy takes the maximum of columns faster
                top = z.T.copy().max(0)[:, None]
            else:
                top = z.max(1, keepdims=True)
            yield at, z, top


@ag.primitive(flops=lambda _out, logits, _rows, **_options: 4 * logits.size, opaque=True)
def softmax_minus_one_hot(logits: Any, rows: Any, *, labels: _Labels) -> Any:
    """Return ``softmax(logits)``, less 1 at each label, times ``rows``: one number, or one each."""
    if type(logits) is not np.ndarray:
        if labels.dead is not None:
            logits = np.where(np.expand_dims(labels.dead, _axis(logits)), 0, logits)
        out = softmax(logits, axis=_axis(logits)) * _along(rows, logits)
    else:
        out = np.empty(logits.shape, logits.dtype)
        x, parts = _by_classes(logits), _by_classes(out)
        scale = rows if rows.ndim == 0 else rows.reshape(x[:, :1].shape)
        for at, z, top in _blocks(x, labels.dead):
            e = np.subtract(z, top, out=parts[at])
            np.exp(e, out=e)
            e *= (scale[at] if scale.ndim else scale) / e.sum(1, keepdims=True)
    flat = out.reshape(-1)
    flat[labels.places] -= rows
    return out if type(out) is np.ndarray else flat.reshape(logits.shape)


def _along(rows: Any, logits: Any) -> Any:
    """Give numbers of single examples an axis of classes; one number for all is left as it is."""
    return np.expand_dims(rows, _axis(logits)) if rows.ndim else rows


def _softmax_vjp(h: Any, _out: Any, logits: Any, rows: Any, *, labels: _Labels) -> Any:
    axis = _axis(logits)
    if labels.dead is not None:
        logits = np.where(np.expand_dims(labels.dead, axis), 0, logits)
    share = softmax(logits, axis=axis)
    return _along(rows, logits) * share * (h - (h * share).sum(axis, keepdims=True))


def _rows_vjp(h: Any, _out: Any, logits: Any, rows: Any, *, labels: _Labels) -> Any:
    slope = softmax_minus_one_hot(logits, np.ones_like(rows), labels=labels)
    return (h * slope).sum(_axis(logits))


softmax_minus_one_hot.defvjp(_softmax_vjp, _rows_vjp, selects=True)


@ag.primitive(
    kind="reduction", opaque=True,
    flops=lambda _out, logits, _target, **_options: 4 * logits.size,
)  # fmt: skip
def softmax_cross_entropy(logits: Any, _target: Any, *, labels: _Labels) -> Any:
    """Return ``-log softmax(logits)`` at each label, times its share, or the sum of these.

    The target itself is for pictures; ``labels`` holds what is computed from it.
    """
    if type(logits) is not np.ndarray:
        return labels.weigh(-log_softmax(logits, axis=_axis(logits)).reshape(-1)[labels.places])
    picked, x = logits.reshape(-1)[labels.places], _by_classes(logits)
    if labels.dead is not None:
        picked = np.where(labels.dead, 0, picked)
    losses = np.empty(picked.shape, logits.dtype)
    parts, picked = losses.reshape(x[:, 0].shape), picked.reshape(x[:, 0].shape)
    for at, z, top in _blocks(x, labels.dead):
        e = z - top
        parts[at] = np.log(np.exp(e, out=e).sum(1)) + (top[:, 0] - picked[at])
    return labels.weigh(losses)


softmax_cross_entropy.name = "cross_entropy"
softmax_cross_entropy.defvjp(
    lambda g, _out, logits, _target, *, labels: softmax_minus_one_hot(
        logits, labels.pull_back(g), labels=labels
    ),
    None,
    selects=True,
)


@ag.primitive(kind="reduction", flops=lambda _out, logits, _target, **_options: 5 * logits.size)
def soft_cross_entropy(logits: Any, target: Any, *, axis: int = -1) -> Any:
    """Return ``-sum(target * log softmax(logits))`` along ``axis``; both have one shape."""
    terms = log_softmax(logits, axis=axis)
    terms = np.where(target == 0, 0, terms)
    terms *= target
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
    factors = as_of(_class_weights(weight, classes, dtype), logits)
    along: Any = factors.reshape([-1 if i == axis else 1 for i in range(logits.ndim)])
    if target.dtype.kind == "f" and target.shape == logits.shape:
        target = cast_target(target, dtype)
        if label_smoothing:
            target = target * (1 - label_smoothing) + label_smoothing / classes
        weights = target if weight is None else target * along
        return reduce(soft_cross_entropy(logits, weights, axis=axis), reduction)
    labels, counted = _labels(target, logits.shape, axis, ignore_index)
    plain = weight is None and counted is None and not label_smoothing
    share = None if plain else _share(labels, counted, factors)
    if not label_smoothing:
        return _of_labels(softmax_cross_entropy, logits, target, labels, share, reduction)
    if counted is not None:
        logits = np.where(np.expand_dims(counted, axis), logits, 0)
    certain = _one_hot(labels, logits.shape, axis, dtype) * np.expand_dims(as_array(share), axis)
    even = along if counted is None else np.expand_dims(counted, axis) * along
    weights = certain * (1 - label_smoothing) + even * (label_smoothing / classes)
    losses = soft_cross_entropy(logits, weights, axis=axis)
    if reduction == "mean":
        return divide(losses.sum(), _count(labels, share, reduction))
    return reduce(losses, reduction)


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
    x, target = as_float_array(log_probabilities, "nll_loss"), as_array(target)
    axis = _axis(x)
    labels, counted = _labels(target, x.shape, axis, ignore_index)
    share = None
    if weight is not None or counted is not None:
        share = _share(labels, counted, as_of(_class_weights(weight, x.shape[axis], x.dtype), x))
    return _of_labels(_pick, x, target, labels, share, reduction)


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
        else as_float_array(as_array(weight), "weight=").astype(dtype)
    )
    if factors.shape != (classes,):
        raise ValueError(
            f"weight has one factor for each of {classes} classes, got {factors.shape}"
        )
    return factors


@ag.primitive(opaque=True)
def _share(labels: Any, counted: Any, factors: Any) -> Any:
    """Return the weight of each label, which is 0 where it does not count."""
    return factors[labels] if counted is None else factors[labels] * counted


def _share_batch(size: int, batched: Any, labels: Any, counted: Any, factors: Any) -> Any:
    row = (np.arange(size).reshape((-1, *(1,) * (labels.ndim - batched[0]))),) if batched[2] else ()
    found = factors[(*row, labels)]
    return found if counted is None else found * counted


_share.defbatch(_share_batch)


def _count(labels: Any, share: Any, reduction: str) -> Any:
    """Return what a reduction divides by; the mean divides by the weights of the labels, if any."""
    if reduction == "mean" and share is not None:
        return share.sum()
    return divisor(labels.shape, reduction)


def _of_labels(loss: Any, x: Any, target: Any, labels: Any, share: Any, reduction: str) -> Any:
    """Return a loss of labels, which all count alike (share None) or carry weights, reduced."""
    count = _count(labels, share, reduction)
    dead = None if share is None else share == 0
    dead = dead if dead is not None and ag.any_now(dead) else None
    share = (1.0 if share is None else share) / at_least_one(count)
    for own in (labels, share):
        if is_batched(own) and not is_batched(x):  # the same logits for all examples, repeated
            x = x + np.zeros(x.shape, x.dtype, like=own)
    places = _places(labels, x.shape)
    value = loss(x, target, labels=_Labels(places, share, dead, total=reduction != "none"))
    return nan_of_none(value, count)


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
    if not t.size or (not any_outside(t, classes) and not 0 <= ignore_index < classes):
        return t, None
    counted = t != ignore_index
    t = np.where(counted, t, 0)
    if any_outside(t, classes):
        bad = first_outside(t, classes)
        raise ValueError(f"class number {bad} among the targets; the logits have {classes} classes")
    return t, counted
