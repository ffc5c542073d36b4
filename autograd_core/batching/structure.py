"""Rules of functions that arrange: shapes, axes, creation, joining, selection.

Each gives NumPy's function the values of all examples, with the axes behind the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.batching.alignment import (
    align,
    axes_behind,
    axis_behind,
    flat,
    has,
    spread,
)
from autograd_core.batching.dispatch import refused, rule
from autograd_core.engine.operands import BatchedBase, Level, batched, newest

# -- shapes and axes ------------------------------------------------------------------------------


@rule(np.reshape)
def _reshape(
    level: Level, fun: Any, a: Any, shape: Any = None, order: str = "C", **kwargs: Any
) -> Any:
    return a.reshape(kwargs["newshape"] if shape is None else shape, order=order)


@rule(np.ravel)
def _ravel(level: Level, fun: Any, a: Any, order: str = "C") -> Any:
    return a.reshape(-1, order=order)


@rule(np.transpose, np.permute_dims)
def _transpose(level: Level, fun: Any, a: Any, axes: Any = None) -> Any:
    return a.transpose(axes)


@rule(np.swapaxes)
def _swapaxes(level: Level, fun: Any, a: Any, axis1: int, axis2: int) -> Any:
    return a.swapaxes(axis1, axis2)


@rule(np.matrix_transpose, np.linalg.matrix_transpose)
def _matrix_transpose(level: Level, fun: Any, a: Any) -> Any:
    return a.swapaxes(-1, -2)


@rule(np.moveaxis)
def _moveaxis(level: Level, fun: Any, a: Any, source: Any, destination: Any) -> Any:
    places = axes_behind(source, a.ndim), axes_behind(destination, a.ndim)
    return batched(fun(a.examples, *places), level)


@rule(np.expand_dims, np.squeeze, np.atleast_1d, np.atleast_2d, np.atleast_3d)
def _reshaped(level: Level, fun: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    if args and newest(args) is not None:
        return NotImplemented
    return a.reshape(fun(np.empty(a.shape, bool), *args, **kwargs).shape)


@rule(np.broadcast_to)
def _broadcast_to(level: Level, fun: Any, a: Any, shape: Any, **kwargs: Any) -> Any:
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    return batched(fun(align(a, len(shape), level), (level.size, *shape)), level)


@rule(np.broadcast_arrays)
def _broadcast_arrays(level: Level, fun: Any, *arrays: Any, **kwargs: Any) -> Any:
    shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
    return tuple(np.broadcast_to(a, shape) for a in arrays)


@rule(np.fliplr, np.flipud)
def _flip_one(level: Level, fun: Any, a: Any) -> Any:
    return np.flip(a, 1 if fun is np.fliplr else 0)


@rule(np.roll)
def _roll(level: Level, fun: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    if isinstance(shift, BatchedBase):
        return NotImplemented
    if axis is None:
        return batched(fun(flat(a), shift, 1).reshape(a.examples.shape), level)
    return batched(fun(a.examples, shift, axes_behind(axis, a.ndim)), level)


@rule(np.repeat)
def _repeat(level: Level, fun: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    if isinstance(repeats, BatchedBase):
        raise refused("np.repeat with counts that differ over the batch of ag.vmap has no shape")
    if axis is None:
        return batched(fun(flat(a), repeats, 1), level)
    return batched(fun(a.examples, repeats, axis_behind(axis, a.ndim)), level)


@rule(np.tile)
def _tile(level: Level, fun: Any, a: Any, reps: Any) -> Any:
    counts = tuple(reps) if isinstance(reps, (tuple, list)) else (reps,)
    counts = (1,) * (a.ndim - len(counts)) + counts
    return batched(fun(align(a, len(counts), level), (1, *counts)), level)


@rule(np.tril, np.triu)
def _triangle(level: Level, fun: Any, a: Any, k: int = 0) -> Any:
    return batched(fun(a.examples, k), level) if a.ndim > 1 else NotImplemented


@rule(np.lib.stride_tricks.sliding_window_view)
def _windows(
    level: Level, fun: Any, x: Any, window_shape: Any, axis: Any = None, **kwargs: Any
) -> Any:
    axes = axes_behind(axis, x.ndim)
    axes = axes if np.ndim(window_shape) or axis is None else (axes,)
    sizes = tuple(window_shape) if np.ndim(window_shape) else (window_shape,)
    return batched(fun(x.examples, sizes, axes, **kwargs), level)


@rule(np.pad)
def _pad(level: Level, fun: Any, a: Any, width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    if newest((width, kwargs)) is not None or callable(mode) or isinstance(width, dict):
        return NotImplemented
    shown = np.broadcast_to(width, (a.ndim, 2)).tolist()
    for name in kwargs.keys() & {"constant_values", "end_values", "stat_length"}:
        if kwargs[name] is not None:
            pairs = np.broadcast_to(kwargs[name], (a.ndim, 2)).tolist()
            kwargs[name] = [(1, 1) if name == "stat_length" else (0, 0), *map(tuple, pairs)]
    return batched(fun(a.examples, [(0, 0), *shown], mode, **kwargs), level)


# -- creation -------------------------------------------------------------------------------------


@rule(np.copy)
def _copy(level: Level, fun: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    return a.copy()


@rule(np.zeros_like, np.ones_like, np.empty_like, np.full_like)
def _like(
    level: Level, fun: Any, a: Any, *args: Any, shape: Any = None, dtype: Any = None, **kwargs: Any
) -> Any:
    shape = np.shape(a) if shape is None else shape
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    fill = args[:1] if fun is np.full_like else ()
    dtype = (args[1:] if fill else args)[:1] or dtype
    dtype = (dtype[0] if isinstance(dtype, tuple) else dtype) or np.result_type(a)
    like = a.examples if has(a, level) else np.empty(0)
    new = np.empty_like if fill else fun
    out = batched(new(like, dtype=dtype, shape=(level.size, *shape)), level)
    if fill:
        out[...] = fill[0]
    return out


@rule(np.asarray, np.array, np.asanyarray, np.ascontiguousarray)
@rule(np.zeros, np.ones, np.empty, np.full, np.arange, np.eye, np.identity)
def _creation(level: Level, fun: Any, *args: Any, like: Any = None, **kwargs: Any) -> Any:
    """Answer ``like=``: an array that may be written by examples, if it is to be filled."""
    own = {} if like is None or isinstance(like, np.ndarray) else {"like": like}
    if fun in (np.zeros, np.ones, np.empty, np.full):
        new = NotImplemented if newest(args) else fun(*args, **kwargs, **own)
        return new if new is NotImplemented else spread(new, level).copy()
    if newest((args, kwargs)) is None:
        return fun(*args, **kwargs, **own)
    a = args[0]
    if isinstance(a, BatchedBase):
        dtype = kwargs.get("dtype", args[1] if len(args) > 1 else None) or a.dtype
        copies = fun is np.array and kwargs.get("copy", True)
        if fun is np.ascontiguousarray:
            copies = not a.examples[:1].flags.c_contiguous
        return a.astype(dtype, copy=copies)
    members: list[Any] = [m if isinstance(m, BatchedBase) else np.asarray(m, **own) for m in a]
    return np.stack(members)


# -- joining and parting --------------------------------------------------------------------------


@rule(np.concatenate)
def _concatenate(level: Level, fun: Any, arrays: Any, axis: Any = 0, **kwargs: Any) -> Any:
    parts = [spread(a, level) for a in arrays]
    if axis is None:
        return batched(fun([flat(a) for a in parts], 1, **kwargs), level)
    place = axis_behind(axis, parts[0].ndim)
    return batched(fun([a.examples for a in parts], place, **kwargs), level)


@rule(np.stack)
def _stack(level: Level, fun: Any, arrays: Any, axis: int = 0, **kwargs: Any) -> Any:
    parts = [spread(a, level) for a in arrays]
    place = axis_behind(axis, parts[0].ndim + 1)
    return batched(fun([a.examples for a in parts], place, **kwargs), level)


# -- selection ------------------------------------------------------------------------------------


@rule(np.take)
def _take(
    level: Level, fun: Any, a: Any, indices: Any, axis: Any = None, out: Any = None,
    mode: str = "raise",
) -> Any:  # fmt: skip
    if not has(a, level):  # a table for all: the elements of all indices at once
        if axis not in (None, 0):
            return NotImplemented
        return batched(fun(a, indices.examples, axis, mode=mode), level)
    if not isinstance(indices, BatchedBase):
        if axis is None:
            return batched(fun(flat(a), indices, 1, mode=mode), level)
        return batched(fun(a.examples, indices, axis_behind(axis, a.ndim), mode=mode), level)
    if mode != "raise":
        return NotImplemented
    if axis is None:
        return a.reshape(-1)[indices]
    return a[(slice(None),) * (axis % a.ndim) + (indices,)]


@rule(np.take_along_axis)
def _take_along_axis(level: Level, fun: Any, a: Any, indices: Any, axis: Any = -1) -> Any:
    a, indices = spread(a, level), spread(indices, level)
    if axis is None:
        return batched(fun(flat(a), indices.examples, 1), level)
    return batched(fun(a.examples, indices.examples, axis_behind(axis, a.ndim)), level)
