"""Pooling: the maximum, the sum or the mean of each window of an image.

The gradient of a maximum goes to the first largest element of its window (in the order of rows),
as in PyTorch.  Its position is stored as an index within the window.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import as_array, as_float_array, refuse_complex
from nn.functional.convolution import Array, Geometry, geometry, per_axis


def _full(x: Array, lengths: Sequence[int], value: float = 0.0) -> Array:
    """Return an array ``(N, C, *lengths)`` in the order of memory that ``x`` has."""
    order = np.argsort([-abs(s) for s in x.strides], kind="stable")
    shape = (*x.shape[:2], *lengths)
    filled = np.full([shape[i] for i in order], value, x.dtype)
    return filled.transpose(np.argsort(order))


def _pad(x: Array, geo: Geometry, value: float = 0.0) -> Array:
    """Return ``x (N, C, ...)`` with its padding; ``x`` itself without padding."""
    if not any(geo.before):
        return x
    padded = _full(x, geo.padded_lengths(x.shape[2:]), value)
    padded[(..., *geo.interior(x.shape[2:]))] = x
    return padded


def _max_and_index(x: Array, geo: Geometry) -> tuple[Array, Array]:
    """Return the maximum of each window, and its number within the window."""
    padded = _pad(x, geo, -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min)
    first, *others = geo.offsets(geo.output_shape(x.shape[2:]))
    best = padded[(..., *first)].copy(order="K")
    index = np.zeros_like(best, np.uint8 if len(others) < 256 else np.int64)
    for number, at in enumerate(others, 1):
        part = padded[(..., *at)]
        larger = (part > best) | (np.isnan(part) & ~np.isnan(best))
        np.copyto(best, part, where=larger)
        index[larger] = number
    return best, index


@ag.primitive(flops=lambda _out, g, _index, **_options: g.size)
def max_unpool(g: Any, index: Any, *, geo: Geometry, lengths: tuple[int, ...]) -> Any:
    """Add each element of ``g`` to the element of its window that ``index`` names."""
    padded = _full(g, geo.padded_lengths(lengths))
    for number, at in enumerate(geo.offsets(index.shape[2:])):
        padded[(..., *at)] += g * (index == number)
    return padded[(..., *geo.interior(lengths))]


@ag.primitive(flops=lambda *_args, **_options: 0)
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


@ag.primitive(kind="reduction")
def max_pool(x: Any, *, geo: Geometry) -> Any:
    """Return the maximum of each window."""
    return _max_and_index(x, geo)[0]


max_pool.defvjp(
    lambda g, _out, x, *, geo: max_unpool(
        g, _max_and_index(as_array(x), geo)[1], geo=geo, lengths=x.shape[2:]
    )
)


@ag.primitive(kind="reduction")
def sum_pool(x: Any, *, geo: Geometry) -> Any:
    """Return the sum of each window, padding included."""
    padded = _pad(x, geo)
    first, *others = geo.offsets(geo.output_shape(x.shape[2:]))
    out = padded[(..., *first)].copy(order="K")
    for at in others:
        out += padded[(..., *at)]
    return out


@ag.primitive(flops=lambda out, _g, **_options: out.size)
def sum_unpool(g: Any, *, geo: Geometry, lengths: tuple[int, ...]) -> Any:
    """Add each element of ``g`` to its whole window: the transpose of :func:`sum_pool`."""
    padded = _full(g, geo.padded_lengths(lengths))
    for at in geo.offsets(g.shape[2:]):
        padded[(..., *at)] += g
    return padded[(..., *geo.interior(lengths))]


sum_pool.defvjp(lambda g, _out, _x, *, geo: sum_unpool(g, geo=geo, lengths=_x.shape[2:]))
sum_unpool.defvjp(lambda h, _out, _g, *, geo, lengths: sum_pool(h, geo=geo))


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
    rows, columns = (
        _averages(n, m, x.dtype)
        for n, m in zip(x.shape[2:], per_axis(output_size, 2, "output_size"), strict=True)
    )
    return rows @ x @ columns.T


def _averages(length: int, count: int, dtype: Any) -> Array:
    """Return the matrix (count, length) that takes the means."""
    start = np.arange(count) * length // count
    stop = -(-(np.arange(1, count + 1) * length) // count)
    at = np.arange(length)
    inside = (at >= start[:, None]) & (at < stop[:, None])
    return (inside / (stop - start)[:, None]).astype(dtype)
