"""Convolution in one and two dimensions, and its transpose.

Three functions that are linear in both arguments carry each other's derivatives, so that every
order follows from three lines: with ``y = convolve(x, w)`` the gradient of ``x`` is
``spread(g, w)``, that of ``w`` is ``correlate(g, x)``; and each of these has the other two as its
gradients.  A transposed convolution is ``spread`` itself.

The sums are matrix products: the patches that a filter sees, as columns, times the filters
(K. Chellapilla, S. Puri, P. Simard, *High performance convolutional neural networks for document
processing*, 2006).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.geometry import Geometry, Padding, geometry, per_axis

Array = np.ndarray[Any, Any]
#: Patches are gathered for so many places at a time that they stay in a core's cache.
CACHED = 1 << 19


def batch_last(x: Array) -> Array:
    """Examples as the last axis, in memory too: what is copied then lies in long runs.

    Results are views of such arrays, and NumPy keeps the order of memory in elementwise
    operations, so that from one convolution to the next this copies nothing.
    """
    last = np.moveaxis(x, 0, -1)
    if last.flags.c_contiguous:
        return last
    found = np.empty_like(last, order="C")
    step = max(1, 64 // x.itemsize)  # a line of the cache: three times as fast as all at once
    for i in range(0, x.shape[0], step):
        found[..., i : i + step] = last[..., i : i + step]
    return found


def _padded(x: Array, geo: Geometry) -> Array:
    """``x (C, ..., N)`` with its zeros; itself, if there are none."""
    if not any(geo.before) and not any(geo.after):
        return x
    lengths = x.shape[1:-1]
    wide = np.zeros((x.shape[0], *geo.widths(lengths), x.shape[-1]), x.dtype)
    wide[(slice(None), *geo.inside(lengths))] = x
    return wide


def _parts(geo: Geometry, channels: int, counts: Sequence[int], n: int) -> list[tuple[int, int]]:
    """The places along the first axis by the handful: the first, and how many."""
    row = channels * math.prod(geo.size) * math.prod(counts[1:]) * n
    step = max(1, CACHED // max(row, 1))
    return [(i, min(step, counts[0] - i)) for i in range(0, counts[0], step)]


class _Columns:
    """What each filter sees at some places, gathered into one piece of memory again and again."""

    def __init__(self, channels: int, geo: Geometry, counts: Sequence[int], n: int, dtype: Any):
        self.geo, self.channels, self.n = geo, channels, n
        self.parts = _parts(geo, channels, counts, n)
        self.others = tuple(counts[1:])
        most = max((count for _, count in self.parts), default=0)
        rest = math.prod(self.others) * n
        self.memory = np.empty(channels * math.prod(geo.size) * most * rest, dtype)

    def each(self) -> Iterator[tuple[slice, tuple[int, ...], Array]]:
        """Which places, how many along each axis, and an array (channels, elements, ..., N)."""
        for start, count in self.parts:
            shape = (self.channels, math.prod(self.geo.size), count, *self.others, self.n)
            view = self.memory[: math.prod(shape)].reshape(shape)
            yield slice(start, start + count), (count, *self.others), view

    def gather(self, wide: Array, where: slice, part: tuple[int, ...], columns: Array) -> Array:
        """Copy what the filters see; shape (groups, channels of a group * elements, places * N)."""
        for i, at in enumerate(self.geo.places(part, where.start)):
            columns[:, i] = wide[(slice(None), *at)]
        return self.flat(columns)

    def flat(self, columns: Array) -> Array:
        """(groups, channels of a group * elements, places * N)."""
        groups = self.geo.groups
        rows = self.channels // groups * columns.shape[1]
        return columns.reshape(groups, rows, math.prod(columns.shape[2:]))


def _rows(weight: Array, geo: Geometry) -> Array:
    """Filters as rows, shape (groups, filters of a group, channels of a group * elements)."""
    return weight.reshape(geo.groups, weight.shape[0] // geo.groups, math.prod(weight.shape[1:]))


def _grouped(part: Array, geo: Geometry) -> Array:
    """``(channels, ..., N)`` as (groups, channels of a group, all others)."""
    return part.reshape(geo.groups, part.shape[0] // geo.groups, math.prod(part.shape[1:]))


@ag.primitive
def convolve(x: Any, weight: Any, *, geo: Geometry) -> Any:
    """Slide filters over ``x (N, C, ...)``; ``weight (out, C / groups, ...)``."""
    n, channels, *lengths = x.shape
    counts, rows, dtype = geo.results(lengths), _rows(weight, geo), np.result_type(x, weight)
    out = np.empty((weight.shape[0], *counts, n), dtype)
    wide = _padded(batch_last(x), geo)
    seen = _Columns(channels, geo, counts, n, dtype)
    for where, part, columns in seen.each():
        found = _grouped(out[:, where], geo)
        np.matmul(rows, seen.gather(wide, where, part, columns), out=found)
    return np.moveaxis(out, -1, 0)


@ag.primitive
def spread(g: Any, weight: Any, *, geo: Geometry, lengths: tuple[int, ...]) -> Any:
    """The transpose of :func:`convolve` in ``x``: each filter added where it has been."""
    n, counts, channels = g.shape[0], g.shape[2:], weight.shape[1] * geo.groups
    rows, flat, dtype = _rows(weight, geo).swapaxes(1, 2), batch_last(g), np.result_type(g, weight)
    wide = np.zeros((channels, *geo.widths(lengths), n), dtype)
    seen = _Columns(channels, geo, counts, n, dtype)
    for where, part, columns in seen.each():
        np.matmul(rows, _grouped(flat[:, where], geo), out=seen.flat(columns))
        for i, at in enumerate(geo.places(part, where.start)):
            wide[(slice(None), *at)] += columns[:, i]
    return np.moveaxis(wide[(slice(None), *geo.inside(lengths))], -1, 0)


@ag.primitive
def correlate(g: Any, x: Any, *, geo: Geometry) -> Any:
    """The transpose of :func:`convolve` in ``weight``: what each filter has seen, times ``g``."""
    n, channels, counts, dtype = g.shape[0], x.shape[1], g.shape[2:], np.result_type(g, x)
    flat, wide = batch_last(g), _padded(batch_last(x), geo)
    seen = _Columns(channels, geo, counts, n, dtype)
    size = math.prod(geo.size)
    found = np.zeros((geo.groups, g.shape[1] // geo.groups, channels // geo.groups * size), dtype)
    for where, part, columns in seen.each():
        looked = seen.gather(wide, where, part, columns)
        found += _grouped(flat[:, where], geo) @ looked.swapaxes(1, 2)
    return found.reshape(g.shape[1], channels // geo.groups, *geo.size)


def _cut(a: Any, counts: Sequence[int]) -> Any:
    """The first places along each axis: filters may fit in further than they were asked to."""
    if tuple(a.shape[2:]) == tuple(counts):
        return a
    return a[(slice(None), slice(None), *(slice(n) for n in counts))]


convolve.defvjp(
    lambda g, _out, _x, weight, *, geo: spread(g, weight, geo=geo, lengths=_x.shape[2:]),
    lambda g, _out, x, _weight, *, geo: correlate(g, x, geo=geo),
)
spread.defvjp(
    lambda h, _out, _g, weight, *, geo, lengths: _cut(convolve(h, weight, geo=geo), _g.shape[2:]),
    lambda h, _out, g, _weight, *, geo, lengths: correlate(g, h, geo=geo),
)
correlate.defvjp(
    lambda h, _out, _g, x, *, geo: _cut(convolve(x, h, geo=geo), _g.shape[2:]),
    lambda h, _out, g, _x, *, geo: spread(g, h, geo=geo, lengths=_x.shape[2:]),
)


def _shifted(out: Any, bias: Any) -> Any:
    return out if bias is None else out + bias.reshape(-1, *(1,) * (out.ndim - 2))


def _checked(x: Any, weight: Any, channels: int, axes: int, name: str) -> None:
    if np.ndim(x) != axes + 2 or x.shape[1] != channels:
        wanted = ("N", str(channels), *"DHW"[-axes:])
        raise ValueError(
            f"{name} with a weight of shape {tuple(weight.shape)} expects an input of shape "
            f"({', '.join(wanted)}), got {tuple(np.shape(x))}"
        )


def conv(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Padding = 0,
    dilation: Any = 1, groups: int = 1,
) -> Any:  # fmt: skip
    """Convolution over the last axes of ``x``, as many as ``weight`` has beyond two.

    Filters are not reversed: a cross-correlation, as in every network library.

    Parameters
    ----------
    x
        Shape (N, C, L), or (N, C, H, W).
    weight
        Shape (out, C / groups, k), or (out, C / groups, kh, kw).
    bias
        Shape (out,), or None.
    stride, dilation
        A number, or one for each axis: the step of the filters, and of their elements.
    padding
        Zeros on both sides: a number, one for each axis, ``"same"`` or ``"valid"``.
    groups
        Into how many independent parts the channels are split.

    Returns
    -------
    Tensor (N, out, ...)

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.conv(np.arange(6.0).reshape(1, 1, 6), np.array([[[1.0, 0.0, -1.0]]]))
    array([[[-2., -2., -2., -2.]]])
    """
    axes = np.ndim(weight) - 2
    if axes < 1:
        raise ValueError(
            f"a weight has shape (out, channels, k, ...), got {tuple(np.shape(weight))}"
        )
    geo = geometry(weight.shape[2:], stride, padding, dilation, groups)
    _checked(x, weight, weight.shape[1] * groups, axes, "convolution")
    if weight.shape[0] % groups:
        raise ValueError(f"{weight.shape[0]} filters cannot be split into {groups} groups")
    counts = geo.results(x.shape[2:])
    if min(counts) < 1:
        raise ValueError(
            f"filters of size {geo.size} do not fit into an input of shape {tuple(x.shape)} with "
            f"padding {geo.before} and dilation {geo.dilation}"
        )
    return _shifted(convolve(x, weight, geo=geo), bias)


def conv_transpose(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """The gradient of :func:`conv` in its input, as a layer that enlarges.

    ``weight`` has shape (C, out / groups, ...).  Each axis becomes
    ``(n - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1`` long.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.conv_transpose(np.array([[[1.0, 2.0]]]), np.array([[[1.0, 1.0]]]), stride=2)
    array([[[1., 1., 2., 2.]]])
    """
    axes = np.ndim(weight) - 2
    geo = geometry(weight.shape[2:], stride, padding, dilation, groups)
    _checked(x, weight, weight.shape[0], axes, "transposed convolution")
    more = per_axis(output_padding, axes, "output_padding", least=0)
    if any(m >= max(s, d) for m, s, d in zip(more, geo.stride, geo.dilation, strict=True)):
        raise ValueError(f"output_padding {more} must be below the stride {geo.stride} or dilation")
    of_axes = zip(x.shape[2:], geo.stride, geo.before, geo.dilation, geo.size, more, strict=True)
    lengths = tuple((n - 1) * s - 2 * p + d * (k - 1) + m + 1 for n, s, p, d, k, m in of_axes)
    if min(lengths) < 1:
        raise ValueError(
            f"padding {geo.before} leaves nothing of an input of shape {tuple(x.shape)}: the "
            f"lengths would be {lengths}"
        )
    return _shifted(spread(x, weight, geo=geo, lengths=lengths), bias)
