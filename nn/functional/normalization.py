"""Normalization: mean 0 and variance 1 along some axes, as one primitive with its rule.

Batch, layer and group normalization share it (S. Ioffe, C. Szegedy, *Batch normalization*, 2015;
J. L. Ba, J. R. Kiros, G. Hinton, *Layer normalization*, 2016; Y. Wu, K. He, *Group normalization*,
2018).  Every pass over the numbers is taken block by block, of whole groups of numbers that share
a mean, so that the passes stay in the cache.
"""

import functools
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from nn.functional.activations import as_float_array
from nn.functional.blocks import BLOCK, long_rows

Shape = tuple[int, ...]

#: How many numbers are normalized at a time: few passes, which also cost a call each.
NUMBERS = 4 * BLOCK

#: The rounding error of a mean of more numbers than this is computed and subtracted.
LONG = 1024


class _Plan(NamedTuple):
    """Axes in the order of memory, joined where they are treated alike."""

    order: Shape  # of all axes; () where they are in order
    back: Shape
    whole: Shape  # the lengths of the joined axes: of x, of its statistics, of the weight
    kept: Shape
    wide: Shape
    apart: tuple[Shape, Shape, Shape]  # their lengths before axes were joined
    reduced: Shape  # the joined axes over which means are taken
    lacking: Shape  # those that the weight lacks

    def join(self, a: Any, lengths: Shape) -> Any:
        """Join the axes of an array."""
        return (a.transpose(self.order) if self.order else a).reshape(lengths)

    def split(self, a: Any, lengths: Shape) -> Any:
        """Undo :meth:`join`."""
        a = a.reshape(lengths)
        return a.transpose(self.back) if self.order else a

    def blocks(self, x: Any) -> Iterator[tuple[slice, ...]]:
        """Yield indices of blocks of ``x``, all of whose means are over numbers of their own.

        What is not in a processor's cache, but on a device, is one block.
        """
        size = math.prod(self.whole)
        axis = max(range(len(self.kept)), key=self.kept.__getitem__)
        n = self.kept[axis]
        if size <= NUMBERS or n == 1 or not isinstance(x, np.ndarray):
            yield ()
            return
        step = max(1, NUMBERS * n // size)
        for start in range(0, n, step):
            yield (*(slice(None),) * axis, slice(start, start + step))

    def rows(self) -> AbstractContextManager[None]:
        """Return the context in which blocks meet their statistics; see :func:`long_rows`."""
        return long_rows(self.whole[-1] if math.prod(self.whole) > BLOCK // 4 else 0)


@functools.lru_cache(maxsize=1024)  # the same at every step of training
def _plan(shape: Shape, strides: Shape, axes: Shape, wide: Shape) -> _Plan:
    groups: list[list[int]] = []
    kinds: list[tuple[bool, bool]] = []
    order = sorted(range(len(shape)), key=lambda i: (shape[i] > 1, -abs(strides[i])))
    for i in order:
        kind, before = (i in axes, wide[i] > 1), groups[-1][-1] if groups else i
        alike = strides[before] == strides[i] * shape[i] and kinds[-1:] == [kind]
        if groups and (alike or shape[before] == 1):
            groups[-1].append(i)
            kinds[-1] = kind
        else:
            groups.append([i])
            kinds.append(kind)
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    whole, joined_kept, joined_wide = (
        tuple(math.prod(lengths[i] for i in group) for group in groups)
        for lengths in (shape, kept, wide)
    )
    return _Plan(
        () if order == sorted(order) else tuple(order),
        tuple(order.index(i) for i in range(len(order))),
        whole,
        joined_kept,
        joined_wide,
        tuple(tuple(lengths[i] for i in order) for lengths in (shape, kept, wide)),  # type: ignore
        tuple(i for i, (is_reduced, _) in enumerate(kinds) if is_reduced),
        tuple(i for i, (_, is_weighted) in enumerate(kinds) if not is_weighted),
    )


def _part(a: Any, at: tuple[slice, ...]) -> Any:
    """Return the block of an array that broadcasts."""
    if not at or a.shape[len(at) - 1] == 1:
        return a
    return a[at]


@functools.lru_cache(maxsize=64)
def _ones(n: int, dtype: Any) -> Any:
    return np.ones(n, dtype)


def _total(a: Any, axes: Shape) -> Any:
    """Sum over axes, which are kept with length 1; by a matrix product where it can be one."""
    if not isinstance(a, np.ndarray):
        return a.sum(axis=axes, keepdims=True) if axes else a
    if a.ndim - 1 in axes:
        a, axes = (a @ _ones(a.shape[-1], a.dtype))[..., None], axes[:-1]
    elif a.ndim == 2 and axes:
        return (_ones(len(a), a.dtype) @ a)[None]
    return a.sum(axis=axes, keepdims=True) if axes else a


def _total_of_products(a: Any, b: Any, axes: Shape) -> Any:
    """Sum ``a b``, of one shape, over axes, which are kept with length 1."""
    if a.ndim - 1 in axes and isinstance(a, np.ndarray):
        return _total(np.vecdot(a, b)[..., None], axes[:-1])
    return _total(a * b, axes)


def _weighted_total(a: Any, weights: Any, axes: Shape) -> Any:
    """Sum ``weights a`` over axes, which are kept with length 1; the weights broadcast."""
    if all(weights.shape[i] == 1 for i in axes):
        return _total(a, axes) * weights
    if a.ndim == 2 and weights.shape == (1, a.shape[1]) and axes == (1,):
        return a @ weights.T
    if a.ndim == 2 and weights.shape == (a.shape[0], 1) and axes == (0,):
        return weights.T @ a
    return _total(a * weights, axes)


def _centred(x: Any, axes: Shape, count: int, out: Any = None) -> tuple[Any, Any, Any]:
    """Return ``x`` minus its mean over axes, the mean, and the (biased) variance."""
    mean = _total(x, axes) / count
    centred = np.subtract(x, mean, out=out)
    variance = _total_of_products(centred, centred, axes) / count
    if count > LONG:
        rest = _total(centred, axes) / count
        if (rest * rest > np.finfo(x.dtype).eps ** 2 * variance).any():
            centred -= rest
            mean += rest
            variance = np.maximum(variance - rest * rest, 0)
    return centred, mean, variance


@ag.primitive(opaque=True)
def mean_and_variance(x: Any, axes: Shape) -> tuple[Any, Any]:
    """Return the mean and the (biased) variance over ``axes``, which are kept with length 1."""
    plan = _plan(x.shape, x.strides, axes, (1,) * x.ndim)
    joined, count = plan.join(x, plan.whole), _count(x.shape, axes)
    found = np.empty((2, *plan.kept), x.dtype, like=x)
    with plan.rows():
        for at in plan.blocks(x):
            block = _centred(_part(joined, at), plan.reduced, count)[1:]
            for a, b in zip(found, block, strict=True):
                _part(a, at)[...] = b
    mean, variance = (plan.split(a, plan.apart[1]) for a in found)
    return mean, variance


def _count(shape: Shape, axes: Shape) -> int:
    return max(math.prod(shape[i] for i in axes), 1)


@ag.primitive(flops=lambda _out, x, _weight, _bias, **_options: 4 * x.size, opaque=True)
def standardized(
    x: Any, weight: Any, bias: Any, *, axes: Shape, eps: float, shape: Shape, wide: Shape,
    mean: Any = None, variance: Any = None,
) -> Any:  # fmt: skip
    """Return ``weight (x - mean) / sqrt(variance + eps) + bias``, of the shape of ``x``.

    ``x`` is seen as an array of ``shape``, in which ``weight`` and ``bias`` have the shape
    ``wide``.  Mean and variance are those over ``axes``; they can be given, where they are known
    already.  The gradient flows through them too.
    """
    work = _Work(x, axes, shape, wide, mean, variance)
    w, b = work.weights(weight), work.weights(bias)
    out = np.empty_like(work.x)
    with work.plan.rows():
        for at in work.plan.blocks(x):
            part, inverse = work.centred(at, eps, _part(out, at))
            _scale(part, inverse, _part(w, at), part)
            part += _part(b, at)
    return work.plan.split(out, work.plan.apart[0]).reshape(x.shape)


class _Work:
    """An array, and its statistics if they are known, with joined axes."""

    def __init__(
        self, x: Any, axes: Shape, shape: Shape, wide: Shape, mean: Any, variance: Any
    ) -> None:
        seen = x.reshape(shape)
        self.plan = plan = _plan(shape, seen.strides, axes, wide)
        self.x, self.axes, self.wide, self.count = (
            plan.join(seen, plan.whole),
            axes,
            wide,
            _count(shape, axes),
        )
        self.given = None
        if mean is not None:
            self.given = plan.join(mean, plan.kept), plan.join(variance, plan.kept)

    def weights(self, a: Any) -> Any:
        """Return a weight or bias, which may be a number, with joined axes."""
        plan = self.plan
        return (
            plan.join(np.reshape(a, self.wide), plan.wide)
            if np.ndim(a)
            else np.full(plan.wide, a, self.x.dtype, like=self.x)
        )

    def centred(self, at: Any, eps: float, out: Any = None) -> tuple[Any, Any]:
        """Return a block minus its means, and ``1 / sqrt(variance + eps)``."""
        part = _part(self.x, at)
        if self.given is None:
            centred, _, variance = _centred(part, self.plan.reduced, self.count, out)
        else:
            mean, variance = (_part(a, at) for a in self.given)
            centred = np.subtract(part, mean, out=out)
        return centred, 1 / np.sqrt(variance + eps)


def _scale(a: Any, inverse: Any, weight: Any, out: Any) -> Any:
    """Write ``a inverse weight`` to ``out``; the factors are joined where that saves work."""
    if weight.shape[-1] > 1 and inverse.shape[-1] == 1:
        return np.multiply(np.multiply(a, inverse, out=out), weight, out=out)
    return np.multiply(a, inverse * weight, out=out)


def _standardized_vjp(
    g: Any, _out: Any, x: Any, weight: Any, _bias: Any, *, axes: Shape, eps: float, shape: Shape,
    wide: Shape, mean: Any = None, variance: Any = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    if isinstance(x, ag.Tensor):
        found = _recorded_gradients(g, x, weight, axes, eps, shape, wide)
    else:
        found = _gradients(
            x, weight, g, axes=axes, eps=eps, shape=shape, wide=wide, mean=mean, variance=variance
        )
    gradients = zip(found[1:], (weight, _bias), strict=True)
    return found[0], *(a.reshape(b.shape) if np.ndim(b) else None for a, b in gradients)


def _recorded_gradients(
    g: Any, x: Any, weight: Any, axes: Shape, eps: float, shape: Shape, wide: Shape
) -> tuple[Any, Any, Any]:
    """Return the gradients of x, weight and bias; the graph flows through the statistics."""
    own, x, g, count = x.shape, x.reshape(shape), g.reshape(shape), _count(shape, axes)
    centred = x - x.sum(axis=axes, keepdims=True) / count
    inverse = 1 / np.sqrt((centred * centred).sum(axis=axes, keepdims=True) / count + eps)
    hat, h = centred * inverse, g * (np.reshape(weight, wide) if np.ndim(weight) else weight)
    along = hat * ((h * hat).sum(axis=axes, keepdims=True) / count)
    x_grad = inverse * (h - h.sum(axis=axes, keepdims=True) / count - along)
    others = tuple(i for i, n in enumerate(wide) if n == 1)
    return x_grad.reshape(own), (g * hat).sum(axis=others), g.sum(axis=others)


@ag.primitive(opaque=True)
def _gradients(
    x: Any, weight: Any, g: Any, *, axes: Shape, eps: float, shape: Shape, wide: Shape,
    mean: Any = None, variance: Any = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return the gradients of x, weight and bias, the last two in the shape ``wide``."""
    work = _Work(x, axes, shape, wide, mean, variance)
    plan, weight = work.plan, work.weights(weight)
    g, last = plan.join(g.reshape(shape), plan.whole), len(plan.whole) - 1
    inner = (last,) if last in plan.reduced and last in plan.lacking else ()
    over = tuple(i for i in plan.reduced if i not in inner)
    others = tuple(i for i in plan.lacking if i not in inner)
    whole = None if plan.order else np.empty(x.shape, g.dtype, like=g)  # that no other array owns
    x_grad = np.empty_like(g) if whole is None else whole.reshape(plan.whole)
    gradients = np.zeros((2, *plan.wide), g.dtype, like=g)
    with plan.rows():
        for at in plan.blocks(g):
            h, w = _part(g, at), _part(weight, at)
            centred, s = work.centred(at, eps)
            sums, products = _total(h, inner), _total_of_products(h, centred, inner)
            for total, part in zip(
                gradients, (_weighted_total(products, s, others), _total(sums, others)), strict=True
            ):
                total = _part(total, at)
                total += part
            level = _weighted_total(sums, w, over) * s / work.count
            centred *= _weighted_total(products, w, over) * s / work.count * s * s
            h = _scale(h, s, w, _part(x_grad, at))
            h -= centred
            h -= level
    to_weight, to_bias = (plan.split(a, plan.apart[2]) for a in gradients)
    if whole is None:
        whole = plan.split(x_grad, plan.apart[0]).reshape(x.shape)
    return whole, to_weight, to_bias


standardized.defvjp(vjp_all=_standardized_vjp)


def _batched_in_front(function: Any) -> None:
    """Let a function of x, weight and bias (or g) run under ``ag.vmap``, as of one axis more."""

    def rule(
        size: int, batched: Any, x: Any, weight: Any, other: Any, *, axes: Shape, shape: Shape,
        wide: Shape, mean: Any = None, variance: Any = None, eps: float,
    ) -> Any:  # fmt: skip
        def in_front(a: Any, has: bool, lengths: Shape) -> Any:
            if not np.ndim(a):  # a number, or no statistics
                return a
            return np.broadcast_to(a.reshape((size if has else 1, *lengths)), (size, *lengths))

        kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
        mean, variance = (in_front(a, np.ndim(a) > len(shape), kept) for a in (mean, variance))
        others = wide if function is standardized else x.shape[batched[0] :]
        return function(
            in_front(x, batched[0], x.shape[batched[0] :]),
            in_front(weight, batched[1], wide),
            in_front(other, batched[2], others),
            axes=tuple(axis + 1 for axis in axes), shape=(size, *shape), wide=(size, *wide),
            mean=mean, variance=variance, eps=eps,
        )  # fmt: skip

    function.defbatch(rule)


_batched_in_front(standardized)
_batched_in_front(_gradients)


def normalize(
    x: Any, weight: Any, bias: Any, axes: Shape, eps: float, shape: Any = None, wide: Any = None
) -> Any:
    """Scale ``x`` to mean 0 and variance 1 over ``axes``, then multiply and add.

    Parameters
    ----------
    x
        Any shape.
    weight, bias
        Factors and summands: numbers, or arrays of one shape that broadcasts with ``x``.
    axes
        The axes over which mean and variance are taken.
    eps
        Added to the variance.
    shape
        The shape in which ``x`` is seen, if not its own.
    wide
        The shape in which ``weight`` and ``bias`` are seen, with as many axes.
    """
    x = as_float_array(x, "normalization")
    if x.dtype.itemsize < 4:  # sums of squares of float16 overflow
        return normalize(x.astype(np.float32), weight, bias, axes, eps, shape, wide).astype(x.dtype)
    shape = tuple(x.shape if shape is None else shape)
    wide = wide or (1,) * (len(shape) - np.ndim(weight)) + tuple(np.shape(weight))
    return standardized(x, weight, bias, axes=axes, eps=eps, shape=shape, wide=wide)
