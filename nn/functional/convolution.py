"""Convolution in one and two dimensions, and its transpose.

Three functions that are linear in both arguments carry each other's derivatives, so that every
order follows from three lines: with ``y = convolve(x, w)`` the gradient of ``x`` is
``convolve_transpose(g, w)`` and the gradient of ``w`` is ``correlate(g, x)``; each of these has the
other two as its gradients.

The sums are matrix products: the patches that a filter covers, as columns, times the filters
(K. Chellapilla, S. Puri, P. Simard, *High performance convolutional neural networks for document
processing*, 2006).
"""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from nn.functional.blocks import long_rows

Shape = tuple[int, ...]
Array = np.ndarray[Any, Any]
Padding = int | Sequence[int] | str
#: One slice for each axis: the elements that one element of a filter meets as it moves.
Offset = tuple[Any, ...]

#: Patches are gathered in pieces of this many numbers, which stay in the cache of a core.
CACHED = 1 << 18

#: And on a device, where a piece costs calls and no cache holds it, of this many.
ON_DEVICE = 1 << 27

# -- geometry -------------------------------------------------------------------------------------


class Geometry(NamedTuple):
    """How a filter or pooling window moves over an input, with one number for each axis."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]  # zeros before the input, and after it
    after: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1

    def padded_lengths(self, lengths: Sequence[int]) -> list[int]:
        """Return the lengths of the input with its padding."""
        return [n + b + a for n, b, a in zip(lengths, self.before, self.after, strict=True)]

    def output_shape(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """Return the number of positions of a filter along each axis."""
        of_axes = zip(
            self.padded_lengths(lengths), self.size, self.stride, self.dilation, strict=True
        )
        return tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in of_axes)

    def interior(self, lengths: Sequence[int]) -> Offset:
        """Return the slices that the input takes up within its padding."""
        return tuple(slice(b, b + n) for b, n in zip(self.before, lengths, strict=True))

    def offsets(self, counts: Sequence[int], start: int = 0) -> list[Offset]:
        """Return the slices that each element of a filter covers.

        Parameters
        ----------
        counts
            The number of positions along each axis.
        start
            The first position along the first axis.
        """
        return _offsets(self, tuple(counts), start)


@functools.lru_cache(maxsize=1024)  # the same at every step of training
def _offsets(geo: Geometry, counts: tuple[int, ...], start: int) -> list[Offset]:
    begin = (start, *(0 for _ in counts[1:]))
    return [
        tuple(
            slice(i * d + s * b, i * d + s * (b + n - 1) + 1, s) if n else slice(0, 0)
            for i, d, s, b, n in zip(at, geo.dilation, geo.stride, begin, counts, strict=True)
        )
        for at in itertools.product(*map(range, geo.size))
    ]


def per_axis(value: Any, axes: int, what: str, least: int = 1) -> tuple[int, ...]:
    """Return one whole number for each axis, given one number or one for each axis.

    Parameters
    ----------
    value
        A number or a sequence of ``axes`` numbers.
    axes
        The number of axes.
    what
        The name of the option, for the error.
    least
        The smallest number that is allowed.

    Raises
    ------
    ValueError
        For any other value.
    """
    numbers = (value,) * axes if isinstance(value, (int, np.integer)) else tuple(value)
    if len(numbers) != axes or any(int(n) != n or n < least for n in numbers):
        raise ValueError(
            f"{what} is a whole number of at least {least}, or {axes} of them; got {value!r}"
        )
    return tuple(int(n) for n in numbers)


def geometry(
    size: Sequence[int], stride: Any, padding: Padding, dilation: Any, groups: int = 1
) -> Geometry:
    """Check the options of a convolution or pooling, and return them for every axis."""
    axes = len(size)
    stride, dilation = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    if padding == "same":
        if any(s != 1 for s in stride):
            raise ValueError(f"padding='same' keeps lengths only at stride 1, got stride {stride}")
        total = [d * (k - 1) for d, k in zip(dilation, size, strict=True)]
        before = tuple(t // 2 for t in total)
        after = tuple(t - b for t, b in zip(total, before, strict=True))
    elif isinstance(padding, str) and padding != "valid":
        raise ValueError(
            f"padding is a number, one for each axis, 'same' or 'valid', got {padding!r}"
        )
    else:
        padding = 0 if isinstance(padding, str) else padding
        before = after = per_axis(padding, axes, "padding", least=0)
    return Geometry(tuple(size), stride, before, after, dilation, groups)


# -- the three primitives -------------------------------------------------------------------------


def batch_last(x: Array) -> Array:
    """Move the axis of examples to the end, in memory too, so that copies move in long runs.

    Results of convolutions are views of such arrays, and NumPy keeps the order of memory in
    elementwise operations, so nothing is copied from one convolution to the next.
    """
    return np.ascontiguousarray(np.moveaxis(x, 0, -1), like=x)


def _padded(x: Array, geo: Geometry) -> Array:
    """Return ``x (N, C, ...)`` as ``(C, ..., N)`` with its padding of zeros."""
    if not any(geo.before) and not any(geo.after):
        return batch_last(x)
    lengths = x.shape[2:]
    shape = (x.shape[1], *geo.padded_lengths(lengths), x.shape[0])
    padded = np.zeros(shape, x.dtype, like=x)
    padded[(slice(None), *geo.interior(lengths))] = np.moveaxis(x, 0, -1)
    return padded


def _grouped(a: Array, geo: Geometry, axes: int = 1) -> Array:
    """Reshape to (groups, the rest of the first ``axes`` axes, all other axes)."""
    return a.reshape(geo.groups, math.prod(a.shape[:axes]) // geo.groups, math.prod(a.shape[axes:]))


def _patches(
    channels: int, geo: Geometry, counts: Sequence[int], n: int, dtype: Any, like: Any
) -> Iterator[tuple[slice, list[Offset], Array]]:
    """Yield the positions of a filter piece by piece, so that each piece fits into the cache.

    Parameters
    ----------
    channels, n
        The number of channels of the input, and of examples.
    counts
        The number of positions along each axis.
    dtype, like
        Of the memory: its dtype, and an array of the library that it comes from.

    Yields
    ------
    slice
        Positions along the first axis.
    list of tuple of slice
        What each element of a filter covers there; see :meth:`Geometry.offsets`.
    array (channels, elements of a filter, positions..., N)
        Memory for the patches, used again for every piece.
    """
    elements = math.prod(geo.size)
    row = channels * elements * math.prod(counts[1:]) * n
    most = CACHED if isinstance(like, np.ndarray) else ON_DEVICE
    step = max(1, min(most // max(row, 1), counts[0]))
    memory = np.empty(row * step, dtype, like=like)
    for start in range(0, counts[0], step):
        part = (min(step, counts[0] - start), *counts[1:])
        shape = (channels, elements, *part, n)
        columns = memory[: math.prod(shape)].reshape(shape)
        yield slice(start, start + part[0]), geo.offsets(part, start), columns


def _gather(padded: Array, offsets: list[Offset], columns: Array) -> None:
    """Copy what a filter covers at some positions to ``columns``."""
    for i, at in enumerate(offsets):
        columns[:, i] = padded[(slice(None), *at)]


@ag.primitive(
    opaque=True,
    kind="product",
    flops=lambda out, _x, w, *_bias, **_options: 2 * out.size * math.prod(w.shape[1:]),
)
def convolve(x: Any, weight: Any, bias: Any = None, *, geo: Geometry) -> Any:
    """Slide filters over ``x (N, C, ...)``; ``weight (out, C / groups, ...)``, ``bias (out,)``."""
    n, channels, *lengths = x.shape
    counts, rows, dtype = (
        geo.output_shape(lengths),
        _grouped(weight, geo),
        np.result_type(x, weight),
    )
    out = np.empty((weight.shape[0], *counts, n), dtype, like=x)
    padded = _padded(x, geo)
    with long_rows(math.prod(counts[1:]) * n if bias is not None else 0):
        for where, offsets, columns in _patches(channels, geo, counts, n, dtype, x):
            _gather(padded, offsets, columns)
            part = _grouped(out[:, where], geo)
            np.matmul(rows, _grouped(columns, geo, 2), out=part)
            if bias is not None:
                part += bias.reshape(geo.groups, -1, 1)
    return np.moveaxis(out, -1, 0)


def _adjoint(weight: Any, geo: Geometry, counts: Shape, lengths: Shape) -> tuple[Any, Geometry]:
    """Return filters and geometry of the convolution that is the transpose of one of stride 1.

    It slides the reversed filters over an input with more, or less, padding.
    """
    reach = [d * (k - 1) for d, k in zip(geo.dilation, geo.size, strict=True)]
    before = tuple(r - b for r, b in zip(reach, geo.before, strict=True))
    after = tuple(n - m + r - b for n, m, r, b in zip(lengths, counts, reach, before, strict=True))
    apart = weight.reshape(geo.groups, -1, *weight.shape[1:]).swapaxes(1, 2)
    flipped = apart[(..., *(slice(None, None, -1),) * len(geo.size))]
    filters = flipped.reshape(-1, weight.shape[0] // geo.groups, *geo.size)
    return np.ascontiguousarray(filters, like=filters), geo._replace(before=before, after=after)


@ag.primitive(
    opaque=True,
    kind="product",
    flops=lambda _out, g, w, **_options: 2 * g.size * math.prod(w.shape[1:]),
)
def convolve_transpose(g: Any, weight: Any, *, geo: Geometry, lengths: tuple[int, ...]) -> Any:
    """Add each filter, scaled by ``g (N, out, ...)``, at every position that it visited.

    This is the transpose of :func:`convolve` with respect to ``x``; ``lengths`` are those of the
    result ``(N, C, *lengths)``.
    """
    if all(s == 1 for s in geo.stride) and weight.shape[0] <= weight.shape[1] * geo.groups:
        filters, over = _adjoint(weight, geo, g.shape[2:], lengths)
        if min(over.before + over.after) >= 0:
            return convolve.fun(g, filters, geo=over)
    n, counts, channels = g.shape[0], g.shape[2:], weight.shape[1] * geo.groups
    rows, dtype = _grouped(weight, geo).swapaxes(1, 2), np.result_type(g, weight)
    product = np.multiply if rows.shape[2] == 1 else np.matmul
    shape = (channels, *geo.padded_lengths(lengths), n)
    moved, padded = batch_last(g), np.zeros(shape, dtype, like=g)
    for where, offsets, columns in _patches(channels, geo, counts, n, dtype, g):
        product(rows, _grouped(moved[:, where], geo), out=_grouped(columns, geo, 2))
        for i, at in enumerate(offsets):
            padded[(slice(None), *at)] += columns[:, i]
    return np.moveaxis(padded[(slice(None), *geo.interior(lengths))], -1, 0)


convolve_transpose.name = "conv_transpose"


@ag.primitive(
    opaque=True,
    kind="product",
    flops=lambda out, g, _x, **_options: 2 * out.size * math.prod(g.shape[:1] + g.shape[2:]),
)
def correlate(g: Any, x: Any, *, geo: Geometry) -> Any:
    """Sum the inputs under each filter, weighted by ``g (N, out, ...)``.

    This is the transpose of :func:`convolve` with respect to ``weight``.
    """
    n, channels, counts, dtype = g.shape[0], x.shape[1], g.shape[2:], np.result_type(g, x)
    moved, padded, elements = batch_last(g), _padded(x, geo), math.prod(geo.size)
    shape = (geo.groups, channels // geo.groups * elements, g.shape[1] // geo.groups)
    total = np.zeros(shape, dtype, like=g)
    for where, offsets, columns in _patches(channels, geo, counts, n, dtype, g):
        _gather(padded, offsets, columns)
        total += _grouped(columns, geo, 2) @ _grouped(moved[:, where], geo).swapaxes(1, 2)
    return total.swapaxes(1, 2).reshape(g.shape[1], channels // geo.groups, *geo.size)


def _crop(a: Any, counts: Sequence[int]) -> Any:
    """Return the first ``counts`` positions; more may fit than the other convolution had."""
    if tuple(a.shape[2:]) == tuple(counts):
        return a
    return a[(slice(None), slice(None), *(slice(n) for n in counts))]


def _sum_of_maps(g: Any) -> Any:
    """Sum ``g (N, out, ...)`` over all axes but the second."""
    if isinstance(g, ag.Tensor):
        return g.sum((0, *range(2, g.ndim)))
    if (last := np.moveaxis(g, 0, -1)).flags.c_contiguous:
        g = last[None]
    sums = g.reshape(*g.shape[:2], -1) @ np.ones(math.prod(g.shape[2:]), g.dtype, like=g)
    return sums.sum(0)


convolve.defvjp(
    lambda g, _out, _x, w, _bias=None, *, geo: convolve_transpose(
        g, w, geo=geo, lengths=_x.shape[2:]
    ),
    lambda g, _out, x, _w, _bias=None, *, geo: correlate(g, x, geo=geo),
    lambda g, _out, _x, _w, _bias=None, *, geo: _sum_of_maps(g),
)
convolve_transpose.defvjp(
    lambda h, _out, _g, w, *, geo, lengths: _crop(convolve(h, w, geo=geo), _g.shape[2:]),
    lambda h, _out, g, _w, *, geo, lengths: correlate(g, h, geo=geo),
)
correlate.defvjp(
    lambda h, _out, _g, x, *, geo: _crop(convolve(x, h, geo=geo), _g.shape[2:]),
    lambda h, _out, g, _x, *, geo: convolve_transpose(g, h, geo=geo, lengths=_x.shape[2:]),
)


# -- under ag.vmap --------------------------------------------------------------------------------


def _as_channels(size: int, a: Any, has_batch: bool) -> Any:
    """Return ``(batch, N, C, ...)`` as ``(N, batch C, ...)``; what has no batch is repeated."""
    a = np.moveaxis(a if has_batch else np.broadcast_to(a, (size, *a.shape)), 0, 1)
    return a.reshape((a.shape[0], size * a.shape[2], *a.shape[3:]))


def _over_batch(
    operation: Any, size: int, batched: Any, x: Any, weight: Any, **options: Any
) -> Any:
    """Convolve a batch: as more examples or, where the filters differ, as more groups."""
    if not batched[1]:
        out = operation(x.reshape((size * x.shape[1], *x.shape[2:])), weight, **options)
        return out.reshape((size, x.shape[1], *out.shape[1:]))
    weight = weight.reshape((size * weight.shape[1], *weight.shape[2:]))
    geo = options.pop("geo")
    geo = geo._replace(groups=geo.groups * size)
    out = operation(_as_channels(size, x, batched[0]), weight, geo=geo, **options)
    return np.moveaxis(out.reshape((out.shape[0], size, -1, *out.shape[2:])), 1, 0)


def _convolve_batch(
    size: int, batched: Any, x: Any, weight: Any, bias: Any = None, *, geo: Geometry
) -> Any:
    if batched[0] or batched[1]:
        out = _over_batch(convolve, size, batched, x, weight, geo=geo)
    else:
        out = convolve(x, weight, geo=geo)[None]
    if bias is None:
        return out
    ones = (1,) * (out.ndim - 3)
    return out + (bias.reshape((size, 1, -1, *ones)) if batched[2] else bias.reshape((-1, *ones)))


def _correlate_batch(size: int, batched: Any, g: Any, x: Any, *, geo: Geometry) -> Any:
    channels = [_as_channels(size, a, has) for a, has in zip((g, x), batched[:2], strict=True)]
    out = correlate(*channels, geo=geo._replace(groups=geo.groups * size))
    return out.reshape((size, out.shape[0] // size, *out.shape[1:]))


convolve.defbatch(_convolve_batch)
convolve_transpose.defbatch(functools.partial(_over_batch, convolve_transpose))
correlate.defbatch(_correlate_batch)

# -- the functions of nn --------------------------------------------------------------------------


def _check_input(x: Any, weight: Any, channels: int, axes: int, name: str) -> None:
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
    """Convolve the last axes of ``x``, as many as ``weight`` has beyond two.

    Filters are not reversed: this is a cross-correlation, as in every network library.

    Parameters
    ----------
    x
        Shape (N, C, L), or (N, C, H, W).
    weight
        Shape (out, C / groups, k), or (out, C / groups, kh, kw).
    bias
        Shape (out,), or None.
    stride, dilation
        The step between positions of a filter, and between its elements: a number, or one for
        each axis.
    padding
        Zeros on both sides: a number, one for each axis, ``"same"`` or ``"valid"``.
    groups
        The number of independent parts into which the channels are split.

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
    _check_input(x, weight, weight.shape[1] * groups, axes, "convolution")
    if weight.shape[0] % groups:
        raise ValueError(f"{weight.shape[0]} filters cannot be split into {groups} groups")
    if min(geo.output_shape(x.shape[2:])) < 1:
        raise ValueError(
            f"filters of size {geo.size} do not fit into an input of shape {tuple(x.shape)} with "
            f"padding {geo.before} and dilation {geo.dilation}"
        )
    return convolve(x, weight, geo=geo) if bias is None else convolve(x, weight, bias, geo=geo)


def conv_transpose(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """Enlarge ``x`` by the gradient of :func:`conv` with respect to its input.

    Parameters
    ----------
    x
        Shape (N, C, L), or (N, C, H, W).
    weight
        Shape (C, out / groups, k), or (C, out / groups, kh, kw).
    bias
        Shape (out,), or None.
    stride, padding, dilation, groups
        Options of the convolution whose gradient this is.
    output_padding
        Added to the length of each axis; below the stride or the dilation.

    Returns
    -------
    Tensor (N, out, ...)
        An axis of length ``n`` becomes
        ``(n - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1`` long.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.conv_transpose(np.array([[[1.0, 2.0]]]), np.array([[[1.0, 1.0]]]), stride=2)
    array([[[1., 1., 2., 2.]]])
    """
    axes = np.ndim(weight) - 2
    geo = geometry(weight.shape[2:], stride, padding, dilation, groups)
    _check_input(x, weight, weight.shape[0], axes, "transposed convolution")
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
    out = convolve_transpose(x, weight, geo=geo, lengths=lengths)
    return out if bias is None else out + bias.reshape(-1, *(1,) * axes)
