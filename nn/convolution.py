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

import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag

Array = np.ndarray[Any, Any]
Padding = int | Sequence[int] | str


class Geometry(NamedTuple):
    """How filters move over an input: a number for each of its axes, zeros before and after."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1

    def results(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """How many places a filter has along each axis."""
        reach = [n + b + a for n, b, a in zip(lengths, self.before, self.after, strict=True)]
        return tuple(
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(reach, self.size, self.stride, self.dilation, strict=True)
        )

    def widths(self, lengths: Sequence[int]) -> list[int]:
        """The lengths of the input with its zeros."""
        return [n + b + a for n, b, a in zip(lengths, self.before, self.after, strict=True)]

    def inside(self, lengths: Sequence[int]) -> tuple[Any, ...]:
        """Where the input lies among its zeros."""
        return tuple(slice(b, b + n) for b, n in zip(self.before, lengths, strict=True))

    def places(self, counts: Sequence[int], start: int = 0) -> list[tuple[Any, ...]]:
        """For each element of a filter: where it falls as that moves, from place ``start`` on."""
        return _places(self, tuple(counts), start)


@functools.lru_cache(maxsize=1024)  # the same at every step of training
def _places(geo: Geometry, counts: tuple[int, ...], start: int) -> list[tuple[Any, ...]]:
    begin = (start, *(0 for _ in counts[1:]))
    return [
        tuple(
            slice(i * d + s * b, i * d + s * (b + n - 1) + 1, s) if n else slice(0, 0)
            for i, d, s, b, n in zip(at, geo.dilation, geo.stride, begin, counts, strict=True)
        )
        for at in itertools.product(*map(range, geo.size))
    ]


def per_axis(value: Any, axes: int, what: str, least: int = 1) -> tuple[int, ...]:
    """One number for each axis, from one number or as many."""
    numbers = (value,) * axes if isinstance(value, (int, np.integer)) else tuple(value)
    if len(numbers) != axes or any(int(n) != n or n < least for n in numbers):
        raise ValueError(
            f"{what} is a whole number of at least {least}, or {axes} of them; got {value!r}"
        )
    return tuple(int(n) for n in numbers)


def geometry(
    size: Sequence[int], stride: Any, padding: Padding, dilation: Any, groups: int = 1
) -> Geometry:
    """The numbers of a call, checked."""
    axes = len(size)
    stride, dilation = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    if padding == "same":
        if any(s != 1 for s in stride):
            raise ValueError(f"padding='same' keeps lengths only at stride 1, got stride {stride}")
        total = [d * (k - 1) for d, k in zip(dilation, size, strict=True)]
        before = tuple(t // 2 for t in total)
        after = tuple(t - b for t, b in zip(total, before, strict=True))
    elif isinstance(padding, str):
        if padding != "valid":
            raise ValueError(
                f"padding is a number, one for each axis, 'same' or 'valid', got {padding!r}"
            )
        before = after = (0,) * axes
    else:
        before = after = per_axis(padding, axes, "padding", least=0)
    return Geometry(tuple(size), stride, before, after, dilation, groups)


#: Patches are gathered for so many places at a time that they stay in a core's cache.
CACHED = 1 << 19


def batch_last(x: Array) -> Array:
    """Examples as the last axis, in memory too: what is copied then lies in long runs.

    Results are views of such arrays, and NumPy keeps the order of memory in elementwise
    operations, so that from one convolution to the next this copies nothing.
    """
    return np.ascontiguousarray(np.moveaxis(x, 0, -1))


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
    row = channels * int(np.prod(geo.size)) * int(np.prod(counts[1:])) * n
    step = max(1, CACHED // max(row, 1))
    return [(i, min(step, counts[0] - i)) for i in range(0, counts[0], step)]


def _columns(wide: Array, geo: Geometry, start: int, counts: Sequence[int]) -> Array:
    """What each filter sees, shape (groups, channels of a group * elements, places * N)."""
    columns = np.empty((wide.shape[0], int(np.prod(geo.size)), *counts, wide.shape[-1]), wide.dtype)
    for i, at in enumerate(geo.places(counts, start)):
        columns[:, i] = wide[(slice(None), *at)]
    return columns.reshape(
        geo.groups, wide.shape[0] // geo.groups * columns.shape[1], int(np.prod(columns.shape[2:]))
    )


def _rows(weight: Array, geo: Geometry) -> Array:
    """Filters as rows, shape (groups, filters of a group, channels of a group * elements)."""
    return weight.reshape(geo.groups, weight.shape[0] // geo.groups, int(np.prod(weight.shape[1:])))


def _grouped(part: Array, geo: Geometry) -> Array:
    """``(channels, ..., N)`` as (groups, channels of a group, all others)."""
    return part.reshape(geo.groups, part.shape[0] // geo.groups, int(np.prod(part.shape[1:])))


@ag.primitive
def convolve(x: Any, weight: Any, *, geo: Geometry) -> Any:
    """Slide filters over ``x (N, C, ...)``; ``weight (out, C / groups, ...)``."""
    counts, rows = geo.results(x.shape[2:]), _rows(weight, geo)
    out = np.empty((weight.shape[0], *counts, x.shape[0]), np.result_type(x, weight))
    wide = _padded(batch_last(x), geo)
    for start, count in _parts(geo, x.shape[1], counts, x.shape[0]):
        part = (count, *counts[1:])
        found = rows @ _columns(wide, geo, start, part)
        out[:, start : start + count] = found.reshape(len(weight), *part, x.shape[0])
    return np.moveaxis(out, -1, 0)


@ag.primitive
def spread(g: Any, weight: Any, *, geo: Geometry, lengths: tuple[int, ...]) -> Any:
    """The transpose of :func:`convolve` in ``x``: each filter added where it has been."""
    n, counts, channels = g.shape[0], g.shape[2:], weight.shape[1] * geo.groups
    rows, flat = _rows(weight, geo).swapaxes(1, 2), batch_last(g)
    wide = np.zeros((channels, *geo.widths(lengths), n), np.result_type(g, weight))
    for start, count in _parts(geo, channels, counts, n):
        part = (count, *counts[1:])
        columns = rows @ _grouped(flat[:, start : start + count], geo)
        columns = columns.reshape(channels, int(np.prod(geo.size)), *part, n)
        for i, at in enumerate(geo.places(part, start)):
            wide[(slice(None), *at)] += columns[:, i]
    return np.moveaxis(wide[(slice(None), *geo.inside(lengths))], -1, 0)


@ag.primitive
def correlate(g: Any, x: Any, *, geo: Geometry) -> Any:
    """The transpose of :func:`convolve` in ``weight``: what each filter has seen, times ``g``."""
    n, counts = g.shape[0], g.shape[2:]
    flat, wide = batch_last(g), _padded(batch_last(x), geo)
    features = x.shape[1] // geo.groups * int(np.prod(geo.size))
    seen = np.zeros((geo.groups, g.shape[1] // geo.groups, features), np.result_type(g, x))
    for start, count in _parts(geo, x.shape[1], counts, n):
        columns = _columns(wide, geo, start, (count, *counts[1:]))
        seen += _grouped(flat[:, start : start + count], geo) @ columns.swapaxes(1, 2)
    return seen.reshape(g.shape[1], x.shape[1] // geo.groups, *geo.size)


convolve.defvjp(
    lambda g, _out, _x, weight, *, geo: spread(g, weight, geo=geo, lengths=_x.shape[2:]),
    lambda g, _out, x, _weight, *, geo: correlate(g, x, geo=geo),
)
spread.defvjp(
    lambda h, _out, _g, weight, *, geo, lengths: convolve(h, weight, geo=geo),
    lambda h, _out, g, _weight, *, geo, lengths: correlate(g, h, geo=geo),
)
correlate.defvjp(
    lambda h, _out, _g, x, *, geo: convolve(x, h, geo=geo),
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
    return _shifted(spread(x, weight, geo=geo, lengths=lengths), bias)
