"""Sliding windows, and every mode of ``np.pad``."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from autograd_core.engine.array_types import asarray_like, writes_output
from autograd_core.engine.primitive import Primitive, composition
from autograd_core.engine.recording import any_tracked
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules import costs
from autograd_core.rules.common import along, as_array, with_values_of
from autograd_core.rules.reductions import axes_of
from autograd_core.rules.selection import by_index


@writes_output
def _sum_windows(
    g: Any, *, window: tuple[int, ...], axes: tuple[int, ...], shape: tuple[int, ...]
) -> Any:
    """Add every element of the windows at the position it came from."""
    out = np.zeros_like(g, shape=shape)
    for offsets in itertools.product(*(range(w) for w in window)):
        start = [0] * len(shape)
        for axis, offset in zip(axes, offsets, strict=True):
            start[axis] += offset
        place = tuple(slice(i, i + n) for i, n in zip(start, g.shape, strict=False))
        out[place] += g[(..., *offsets)]
    return out


windows = Primitive(
    lambda x, *, window, axes: sliding_window_view(x, window, axes),
    "sliding_window_view",
    kind="view",
)
sum_windows = Primitive(_sum_windows, "sum_windows", flops=costs.per_element(1))
windows.defvjp(
    lambda g, _out, _x, *, window, axes: sum_windows(g, window=window, axes=axes, shape=_x.shape)
)
sum_windows.defvjp(lambda g, _out, _x, *, window, axes, shape: windows(g, window=window, axes=axes))


@composition(sliding_window_view)
def _sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    if writeable:
        raise NotDifferentiableError(
            "sliding_window_view(writeable=True) of a recorded Tensor is not possible, as its windows are read-only; leave writeable= out"
        )
    window = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    axes = axes_of(axis, x.ndim)
    if len(window) != len(axes):
        raise ValueError(
            f"sliding_window_view takes one window length for each axis, got {len(window)} for the axes {axes}"
        )
    return windows(x, window=window, axes=axes)


# -- pad ------------------------------------------------------------------------------------------


pad_constant = Primitive(
    lambda x, *, widths, constant_values: np.pad(x, widths, constant_values=constant_values),
    "pad",
    flops=costs.none,
)
pad_constant.defvjp(
    lambda g, _out, _x, *, widths, constant_values: g[
        tuple(slice(b, b + n) for (b, _), n in zip(widths, _x.shape, strict=True))
    ]
)


def _both(value: Any, array: Any, name: str) -> Any:
    try:
        return np.broadcast_to(as_array(value, array), (array.ndim, 2))
    except ValueError as error:
        raise ValueError(
            f"np.pad {name}= takes a number, a pair, or a pair for each axis"
        ) from error


def pad_by_value(array: Any, widths: Any, mode: str, options: dict[str, Any]) -> Any:
    """Pad with mean, median, maximum, minimum, linear_ramp, or constants that are recorded."""
    ndim = array.ndim
    lengths = options.pop("stat_length", None)
    lengths = None if lengths is None else np.broadcast_to(np.asarray(lengths), (ndim, 2))
    ends = _both(options.pop("end_values", 0), array, "end_values")
    fills = _both(options.pop("constant_values", 0), array, "constant_values")
    if options:
        raise ValueError(f"np.pad with mode={mode!r} does not take {', '.join(sorted(options))}=")
    statistics = {"mean": np.mean, "median": np.median, "maximum": np.max, "minimum": np.min}
    statistic: Any = statistics.get(mode)
    for axis in range(ndim):
        parts = [array]
        for side, width in enumerate(widths[axis]):
            n = array.shape[axis]
            edge = array[along(axis, slice(0, 1) if side == 0 else slice(n - 1, n))]
            if not width:
                continue
            shape = (*array.shape[:axis], width, *array.shape[axis + 1 :])
            if statistic is not None:
                length = n if lengths is None else min(int(lengths[axis][side]), n)
                part = slice(0, length) if side == 0 else slice(n - length, n)
                value = statistic(array[along(axis, part)], axis=axis, keepdims=True)
            elif mode == "constant":
                value = fills[axis, side]
            else:
                ramp = np.arange(width) / width  # from the end value towards the edge
                ramp = ramp if side == 0 else 1 - (np.arange(width) + 1) / width
                ramp = ramp.astype(array.dtype).reshape((-1,) + (1,) * (ndim - axis - 1))
                ramp = asarray_like(ramp, array)
                value = ends[axis, side] * (1 - ramp) + edge * ramp
            filled = np.broadcast_to(value, shape)
            if filled.dtype != array.dtype:
                filled = filled.astype(array.dtype)
            parts = [filled, *parts] if side == 0 else [*parts, filled]
        array = np.concatenate(parts, axis=axis)
    return array


def pad_reflect_odd(array: Any, widths: Any, mode: str) -> Any:
    """Pad by reflect or symmetric with ``reflect_type="odd"``: 2 edge - the reflected values."""
    for axis in range(array.ndim):
        before, after = (int(w) for w in widths[axis])
        skip = 1 if mode == "reflect" else 0
        left = right = 0
        if array.shape[axis] == 1 and skip:
            shape = (*array.shape[:axis], 1 + before + after, *array.shape[axis + 1 :])
            array = np.broadcast_to(array, shape)
            continue
        while left < before or right < after:
            n = array.shape[axis]
            first, last = array[along(axis, slice(0, 1))], array[along(axis, slice(n - 1, n))]
            parts = [array]
            take = min(before - left, n - skip)
            if take:
                mirrored = array[along(axis, slice(skip, skip + take))][
                    along(axis, slice(None, None, -1))
                ]
                parts = [2 * first - mirrored, *parts]
            give = min(after - right, n - skip)
            if give:
                mirrored = array[along(axis, slice(n - skip - give, n - skip))]
                parts = [*parts, 2 * last - mirrored[along(axis, slice(None, None, -1))]]
            left, right = left + take, right + give
            array = np.concatenate(parts, axis=axis)
    return array


def _pad_widths(array: Any, pad_width: Any) -> list[tuple[int, int]]:
    """Return a pair for every axis, from any form that ``np.pad`` takes."""
    if isinstance(pad_width, dict):
        given = {axis % array.ndim: w for axis, w in pad_width.items()}
        pairs = [given.get(i, 0) for i in range(array.ndim)]
        pad_width = [(w, w) if isinstance(w, int) else w for w in pairs]
    pairs = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    return [(before, after) for before, after in pairs]


_exact_pad = with_values_of(np.pad, lambda a, w, mode, **options: pad_by_value(a, w, mode, options))


@composition(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    array = as_array(array)
    if array.ndim == 0:
        return array * 1
    widths = _pad_widths(array, pad_width)
    if array.size == 0 and mode != "constant":
        return _exact_pad(array, widths, mode, **options)
    if mode == "constant" and not any_tracked(options.values()):
        fill = options.pop("constant_values", 0)
        if options:
            raise ValueError(f"np.pad with mode='constant' takes constant_values=, got {options}")
        return pad_constant(array, widths=widths, constant_values=fill)
    if mode in ("reflect", "symmetric") and options.get("reflect_type") == "odd":
        return pad_reflect_odd(array, widths, mode)
    if mode in ("edge", "reflect", "symmetric", "wrap"):  # these only repeat elements
        return by_index(lambda i: np.pad(i, widths, mode, **options), array)
    if mode in ("constant", "mean", "median", "maximum", "minimum", "linear_ramp"):
        return _exact_pad(array, widths, mode, **options)
    raise NotDifferentiableError(
        f"np.pad with mode={mode!r} has no derivative rule: what it fills in is undefined, or "
        "written by a function; join the parts with np.concatenate instead"
    )
