"""Pooling: the maximum, the sum or the mean of each window of an image, or of a sequence.

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
from nn.placement import as_of


def _maps_last(x: Array) -> Array:
    """Return ``x (N, C, ...)`` with examples or channels last in memory, copied if need be."""
    if any(s == x.itemsize and n >= 16 for s, n in zip(x.strides[:2], x.shape, strict=False)):
        return x
    return _in_order(x, (*range(2, x.ndim), 0, 1))


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
    return np.full([shape[i] for i in order], value, x.dtype, like=x).transpose(_inverse(order))


def _pad(x: Array, geo: Geometry, value: float = 0.0) -> Array:
    """Return ``x (N, C, ...)`` with its padding; ``x`` itself without padding."""
    if not any(geo.before) and not any(geo.after):
        return x
    padded = _full(x, geo.padded_lengths(x.shape[2:]), value)
    padded[(..., *geo.interior(x.shape[2:]))] = x
    return padded


def _fold(operation: np.ufunc, x: Array, geo: Geometry) -> Array:
    """Combine the elements of each window of ``x``, which has its padding, axis by axis."""
    of_axes = list(zip(x.shape[2:], geo.size, geo.stride, geo.dilation, strict=True))
    for axis, (length, k, s, d) in enumerate(of_axes, 2):
        n = (length - d * (k - 1) - 1) // s + 1
        first, *others = (
            x[(*(slice(None),) * axis, slice(i * d, i * d + s * (n - 1) + 1, s))] for i in range(k)
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
    spans = (d * (k - 1) + 1 for k, d in zip(geo.size, geo.dilation, strict=True))
    apart = all(s >= span for s, span in zip(geo.stride, spans, strict=True))
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


def _window(
    x: Any, axes: int, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Geometry:  # fmt: skip
    """Return how a window moves; with ``ceil_mode`` the last one may begin within the input."""
    if np.ndim(x) != axes + 2:
        form = "(N, C, L)" if axes == 1 else "(N, C, H, W)"
        raise ValueError(f"{axes}-d pooling expects an input {form}, got shape {np.shape(x)}")
    kernel = per_axis(kernel_size, axes, "kernel_size")
    geo = geometry(kernel, kernel if stride is None else stride, padding, dilation)
    if any(2 * b > k for b, k in zip(geo.before, kernel, strict=True)):
        raise ValueError(f"padding {geo.before} is more than half of the window {kernel}")
    if ceil_mode:
        after = []
        for n, a, k, s, d in zip(
            geo.padded_lengths(x.shape[2:]), geo.after, *geo[:2], geo.dilation, strict=True
        ):
            span = d * (k - 1) + 1
            more = (span - n) % s
            after.append(a + more if n + more - span < n - a else a)
        geo = geo._replace(after=tuple(after))
    if min(geo.output_shape(x.shape[2:])) < 1:
        raise ValueError(
            f"a window of {kernel} does not fit into an input of shape {tuple(x.shape)}"
        )
    return geo


def windowed_max(axes: int, x: Any, *given: Any) -> Any:
    """Return the maximum of each window along ``axes`` axes; see :func:`max_pool2d`."""
    refuse_complex(x, f"max_pool{axes}d")
    return max_pool(x, geo=_window(x, axes, *given))


def windowed_mean(
    axes: int, x: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
    count_include_pad: bool,
) -> Any:  # fmt: skip
    """Return the mean of each window along ``axes`` axes; see :func:`avg_pool2d`."""
    x = as_float_array(x, f"avg_pool{axes}d")
    if x.dtype.itemsize < 4:  # sums of float16 overflow
        given = kernel_size, stride, padding, ceil_mode, count_include_pad
        return windowed_mean(axes, x.astype(np.float32), *given).astype(x.dtype)
    geo = _window(x, axes, kernel_size, stride, padding, 1, ceil_mode)
    if not ceil_mode and (count_include_pad or not any(geo.before)):
        return sum_pool(x, geo=geo) * x.dtype.type(1 / np.prod(geo.size))
    shares = _shares(geo, x.shape[2:], count_include_pad, np.dtype(x.dtype))
    return sum_pool(x, geo=geo) * as_of(shares, x)


@functools.lru_cache(maxsize=64)
def _shares(geo: Geometry, lengths: tuple[int, ...], padding: bool, dtype: Any) -> Array:
    """Return one over the number of elements of each window, with or without those of padding.

    What ``ceil_mode`` adds beyond the padding never counts.
    """
    shares: Array = np.ones((), dtype)
    of_axes = zip(lengths, *geo[:4], geo.output_shape(lengths), strict=True)
    for n, k, s, b, a, count in of_axes:
        start = s * np.arange(count) - b
        first, last = (-b, n + (a if s == 1 else b)) if padding else (0, n)
        inside = np.minimum(start + k, last) - np.maximum(start, first)
        shares = shares[..., None] * (1 / inside).astype(dtype)
    return shares


def max_pool2d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:  # fmt: skip
    """Return the maximum of each window of ``x (N, C, H, W)``.

    The stride is the size of the window by default.  With ``ceil_mode`` a last window may reach
    beyond the input and its padding.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    return windowed_max(2, x, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool2d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:  # fmt: skip
    """Return the mean of each window of ``x (N, C, H, W)``, zeros of the padding included.

    The stride is the size of the window by default; ``ceil_mode`` is that of :func:`max_pool2d`.
    Without ``count_include_pad`` the mean is that of the elements of the input.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    return windowed_mean(2, x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def adaptive_avg_pool(axes: int, x: Any, output_size: Any) -> Any:
    """Return the means of windows along ``axes`` axes; see :func:`adaptive_avg_pool2d`."""
    x = as_float_array(x, f"adaptive_avg_pool{axes}d")
    counts = _counts(axes, x, output_size)
    if counts == (1,) * axes:
        return np.mean(x, axis=tuple(range(2, x.ndim)), keepdims=True)
    for axis, m in enumerate(counts, 2):
        x = _along(x, axis, _averages(x.shape[axis], m, x.dtype))
    return x


def _counts(axes: int, x: Any, output_size: Any) -> tuple[int, ...]:
    """Return the number of windows along each axis."""
    if np.ndim(x) != axes + 2:
        raise ValueError(
            f"{axes}-d pooling expects an input of {axes + 2} axes, got shape {np.shape(x)}"
        )
    return per_axis(output_size, axes, "output_size")


def _along(x: Any, axis: int, matrix: Any) -> Any:
    """Multiply one of the last two axes of ``x`` by a matrix."""
    matrix = as_of(matrix, x)
    return x @ matrix.T if axis == x.ndim - 1 else matrix @ x


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
    return adaptive_avg_pool(2, x, output_size)


def _bounds(length: int, count: int) -> tuple[Array, Array]:
    """Return where each of ``count`` windows begins and ends."""
    first = np.arange(count) * length // count
    return first, -(-(np.arange(1, count + 1) * length) // count)


@functools.lru_cache(maxsize=64)
def _averages(length: int, count: int, dtype: Any) -> Array:
    """Return the matrix (count, length) that takes the means."""
    start, stop = _bounds(length, count)
    at = np.arange(length)
    inside: Any = (at >= start[:, None]) & (at < stop[:, None])
    return (inside / (stop - start)[:, None]).astype(dtype)  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=64)
def _members(length: int, count: int) -> Array:
    """Return the elements of each window (count, most) by number, the first ones repeated."""
    start, stop = (bound[:, None] for bound in _bounds(length, count))
    at = start + np.arange((stop - start).max())
    return np.where(at < stop, at, start)


def adaptive_max_pool(axes: int, x: Any, output_size: Any) -> Any:
    """Return the maxima of windows along ``axes`` axes; see :func:`adaptive_max_pool2d`."""
    refuse_complex(x, f"adaptive_max_pool{axes}d")
    counts = _counts(axes, x, output_size)
    for axis, m in reversed([*enumerate(counts, 2)]):  # so the first of equal ones is taken
        found = np.swapaxes(x, axis, -1)[..., _members(x.shape[axis], m)]
        best: Any = np.argmax(as_array(found), axis=-1)[..., None]
        x = np.swapaxes(np.take_along_axis(found, best, -1)[..., 0], axis, -1)
    return x


def adaptive_max_pool2d(x: Any, output_size: Any) -> Any:
    """Return the maxima of ``output_size`` windows of ``x (N, C, H, W)``.

    The windows are those of :func:`adaptive_avg_pool2d`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.adaptive_max_pool2d(np.arange(9.0).reshape(1, 1, 3, 3), 2)
    array([[[[4., 5.],
             [7., 8.]]]])
    """
    return adaptive_max_pool(2, x, output_size)


def interpolate(
    x: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: bool = False,
) -> Any:  # fmt: skip
    """Return ``x (N, C, L)`` or ``(N, C, H, W)`` with other lengths.

    Parameters
    ----------
    size, scale_factor
        The new lengths, or what they are of the old ones: a number, or one for each axis.
    mode
        ``"nearest"``, or between neighbours ``"linear"``, of images ``"bilinear"``.
    align_corners
        Of the linear modes: whether the first and last places fall on each other, not the edges.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.interpolate(np.array([[[0.0, 4.0]]]), 4).tolist()
    [[[0.0, 0.0, 4.0, 4.0]]]
    >>> nn.interpolate(np.array([[[0.0, 4.0]]]), scale_factor=2, mode="linear").tolist()
    [[[0.0, 1.0, 3.0, 4.0]]]
    """
    x, axes = as_float_array(x, "interpolate"), np.ndim(x) - 2
    linear = {1: "linear", 2: "bilinear"}.get(axes)
    if not linear or mode not in ("nearest", linear) or (size is None) == (scale_factor is None):
        raise ValueError(
            'interpolate takes size= or scale_factor=, of x (N, C, L) the modes "nearest" and '
            '"linear", and of x (N, C, H, W) "nearest" and "bilinear"; got shape '
            f"{tuple(x.shape)}, {size=}, {scale_factor=}, {mode=}"
        )
    factors = None if scale_factor is None else np.broadcast_to(scale_factor, axes).tolist()
    if factors is not None:
        size = [int(n * f) for n, f in zip(x.shape[2:], factors, strict=True)]
    for axis, m in enumerate(per_axis(size, axes, "the new length"), 2):
        n = x.shape[axis]
        step = n / m if factors is None else 1 / factors[axis - 2]
        if mode == "nearest":
            x = np.take(x, np.minimum((np.arange(m) * step + 1e-9).astype(int), n - 1), axis)
        else:
            x = _along(x, axis, _between(n, m, step, align_corners, np.dtype(x.dtype)))
    return x


@functools.lru_cache(maxsize=64)
def _between(length: int, count: int, step: float, corners: bool, dtype: Any) -> Array:
    """Return the matrix (count, length) that interpolates linearly."""
    places, step = np.arange(count), (length - 1) / max(count - 1, 1) if corners else step
    at = places * step if corners else np.clip((places + 0.5) * step - 0.5, 0, length - 1)
    weights: Any = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(length)))
    return weights.astype(dtype)  # type: ignore[no-any-return]
