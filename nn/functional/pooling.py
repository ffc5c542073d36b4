"""Pooling: the maximum, the sum or the mean of each window of an image.

The gradient of a maximum goes to the first largest element of its window (in the order of rows),
or to the last nan, as in PyTorch.  Its position is an index within the window.

All windows are compared at once, one of their elements after the other.  Such a pass is fast where
the last axis in memory is long, so images are first moved to have their maps there.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import as_array, as_float_array, refuse_complex
from nn.functional.blocks import batched_in_examples
from nn.functional.convolution import Array, Geometry, geometry, per_axis


def _maps_last(x: Array) -> Array:
    """Return ``x (N, C, H, W)`` with examples or channels last in memory, copied if need be."""
    if any(s == x.itemsize and n >= 16 for s, n in zip(x.strides[:2], x.shape, strict=False)):
        return x
    return _in_order(x, (2, 3, 0, 1))


def _in_order(x: Array, order: Sequence[int]) -> Array:
    """Return a copy of ``x`` whose axes lie in memory in this order."""
    return x.transpose(order).copy().transpose(_inverse(order))


def _order(x: Array) -> list[int]:
    """Return the axes of ``x`` in the order in which they lie in memory."""
    strides = x.strides
    return sorted(range(x.ndim), key=lambda i: -abs(strides[i]))


def _inverse(order: Sequence[int]) -> list[int]:
    return [order.index(i) for i in range(len(order))]


def _as_laid_out(x: Array, model: Array) -> Array:
    """Return ``x`` with its axes in memory in the order of another array."""
    order = _order(model)
    return x if _order(x) == order else _in_order(x, order)


def _full(x: Array, lengths: Sequence[int], value: float = 0.0) -> Array:
    """Return an array ``(N, C, *lengths)`` in the order of memory that ``x`` has."""
    order = _order(x)
    shape = (*x.shape[:2], *lengths)
    return np.full([shape[i] for i in order], value, x.dtype).transpose(_inverse(order))


def _pad(x: Array, geo: Geometry, value: float = 0.0) -> Array:
    """Return ``x (N, C, ...)`` with its padding; ``x`` itself without padding."""
    if not any(geo.before):
        return x
    padded = _full(x, geo.padded_lengths(x.shape[2:]), value)
    padded[(..., *geo.interior(x.shape[2:]))] = x
    return padded


def _fold(operation: np.ufunc, x: Array, geo: Geometry) -> Array:
    """Combine the elements of each window of ``x``, which has its padding, axis by axis."""
    counts = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], geo.size, geo.stride, strict=True)]
    for axis, (n, k, s) in enumerate(zip(counts, geo.size, geo.stride, strict=True), 2):
        first, *others = (
            x[(*(slice(None),) * axis, slice(i, i + s * (n - 1) + 1, s))] for i in range(k)
        )
        x = operation(first, others.pop(0)) if others else first
        for part in others:
            operation(x, part, out=x)
    return x


@ag.primitive
def _index(x: Array, best: Array, *, geo: Geometry) -> Array:
    """Return the place within its window of each maximum, in the layout of :func:`_maps_last`."""
    x = _maps_last(x)
    best, places = _as_laid_out(best, x), geo.offsets(best.shape[2:])
    padded = _pad(x, geo, np.nan)  # which equals nothing
    index: Array = np.zeros_like(best, np.uint8 if len(places) < 256 else np.int64)
    below = np.ones_like(best, bool)  # no element so far was the maximum
    for at in places[:-1]:
        below &= padded[(..., *at)] != best
        index += below
    if np.isnan(best).any():
        padded = _pad(x, geo)
        for number, at in enumerate(places):
            index[np.isnan(padded[(..., *at)])] = number
    return index


@ag.primitive(flops=lambda _out, g, _index, **_options: g.size, opaque=True)
def max_unpool(g: Any, index: Any, *, geo: Geometry, lengths: tuple[int, ...]) -> Any:
    """Add each element of ``g`` to the element of its window that ``index`` names."""
    g = _as_laid_out(g, index)
    padded = _full(g, geo.padded_lengths(lengths))
    apart = all(s >= k for s, k in zip(geo.stride, geo.size, strict=True))
    for number, at in enumerate(geo.offsets(index.shape[2:])):
        part = padded[(..., *at)]
        if apart:
            np.multiply(g, index == number, out=part)
        else:
            part += g * (index == number)
    return padded[(..., *geo.interior(lengths))]


@ag.primitive(flops=lambda *_args, **_options: 0, opaque=True)
def index_windows(x: Any, index: Any, *, geo: Geometry) -> Any:
    """Return the element of each window that ``index`` names: the transpose of max_unpool."""
    padded = _pad(x, geo)
    out = np.zeros_like(index, x.dtype)
    for number, at in enumerate(geo.offsets(index.shape[2:])):
        np.copyto(out, padded[(..., *at)], where=index == number)
    return out


max_unpool.defvjp(lambda h, _out, _g, index, *, geo, lengths: index_windows(h, index, geo=geo))
index_windows.defvjp(
    lambda g, _out, _x, index, *, geo: max_unpool(g, index, geo=geo, lengths=_x.shape[2:])
)


@ag.primitive(kind="reduction", opaque=True)
def max_pool(x: Any, *, geo: Geometry) -> Any:
    """Return the maximum of each window; nan where it contains one."""
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    return _as_laid_out(_fold(np.maximum, _pad(_maps_last(x), geo, least), geo), x)


max_pool.defvjp(
    lambda g, out, x, *, geo: max_unpool(
        g, _index(as_array(x), as_array(out), geo=geo), geo=geo, lengths=x.shape[2:]
    ),
    selects=True,
)


@ag.primitive(kind="reduction", opaque=True)
def sum_pool(x: Any, *, geo: Geometry) -> Any:
    """Return the sum of each window, padding included."""
    return _as_laid_out(_fold(np.add, _pad(_maps_last(x), geo), geo), x)


@ag.primitive(flops=lambda out, _g, **_options: out.size, opaque=True)
def sum_unpool(g: Any, *, geo: Geometry, lengths: tuple[int, ...]) -> Any:
    """Add each element of ``g`` to its whole window: the transpose of :func:`sum_pool`."""
    g = _maps_last(g)
    padded = _full(g, geo.padded_lengths(lengths))
    for at in geo.offsets(g.shape[2:]):
        padded[(..., *at)] += g
    return padded[(..., *geo.interior(lengths))]


sum_pool.defvjp(lambda g, _out, _x, *, geo: sum_unpool(g, geo=geo, lengths=_x.shape[2:]))
sum_unpool.defvjp(lambda h, _out, _g, *, geo, lengths: sum_pool(h, geo=geo))


for _operation in (_index, max_unpool, index_windows, max_pool, sum_pool, sum_unpool):
    batched_in_examples(_operation)


def _window(x: Any, size: Any, stride: Any, padding: Any) -> Geometry:
    if np.ndim(x) != 4:
        raise ValueError(f"2-d pooling expects an input (N, C, H, W), got shape {np.shape(x)}")
    kernel = per_axis(size, 2, "kernel_size")
    geo = geometry(kernel, kernel if stride is None else stride, padding, 1)
    if any(2 * b > k for b, k in zip(geo.before, kernel, strict=True)):
        raise ValueError(f"padding {geo.before} is more than half of the window {kernel}")
    if min(geo.output_shape(x.shape[2:])) < 1:
        raise ValueError(
            f"a window of {kernel} does not fit into an input of shape {tuple(x.shape)}"
        )
    return geo


def max_pool2d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """Return the maximum of each window of ``x (N, C, H, W)``.

    The stride is the size of the window by default.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    refuse_complex(x, "max_pool2d")
    return max_pool(x, geo=_window(x, kernel_size, stride, padding))


def avg_pool2d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """Return the mean of each window of ``x (N, C, H, W)``, zeros of the padding included.

    The stride is the size of the window by default.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    x = as_float_array(x, "avg_pool2d")
    if x.dtype.itemsize < 4:  # sums of float16 overflow
        return avg_pool2d(x.astype(np.float32), kernel_size, stride, padding).astype(x.dtype)
    geo = _window(x, kernel_size, stride, padding)
    return sum_pool(x, geo=geo) * x.dtype.type(1 / np.prod(geo.size))


def adaptive_avg_pool2d(x: Any, output_size: Any) -> Any:
    """Return the means of as many windows as ``output_size`` says, of nearly equal size.

    Of ``n`` windows along an axis of length H, window ``i`` goes from ``floor(i H / n)`` to
    ``ceil((i + 1) H / n)``; windows may overlap.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.adaptive_avg_pool2d(np.arange(9.0).reshape(1, 1, 3, 3), 2)
    array([[[[2., 3.],
             [5., 6.]]]])
    """
    x = as_float_array(x, "adaptive_avg_pool2d")
    if per_axis(output_size, 2, "output_size") == (1, 1):
        return np.mean(x, axis=(2, 3), keepdims=True)
    rows, columns = (
        _averages(n, m, x.dtype)
        for n, m in zip(x.shape[2:], per_axis(output_size, 2, "output_size"), strict=True)
    )
    return rows @ x @ columns.T


@functools.lru_cache(maxsize=64)
def _averages(length: int, count: int, dtype: Any) -> Array:
    """Return the matrix (count, length) that takes the means."""
    start = np.arange(count) * length // count
    stop = -(-(np.arange(1, count + 1) * length) // count)
    at = np.arange(length)
    inside = (at >= start[:, None]) & (at < stop[:, None])
    return (inside / (stop - start)[:, None]).astype(dtype)
