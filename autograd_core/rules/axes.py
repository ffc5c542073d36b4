"""Functions of shape that NumPy has beside the first ones, and functions applied along axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.primitive import composition
from autograd_core.engine.recording import TensorBase
from autograd_core.rules.common import along, as_array, axis_index, host
from autograd_core.rules.shape import embed_diagonal

if hasattr(np, "unstack"):  # NumPy 2.1

    @composition(np.unstack)
    def _unstack(x: Any, /, *, axis: int = 0) -> Any:
        axis = axis_index(x, axis)
        return tuple(x[along(axis, i)] for i in range(x.shape[axis]))


def _cumulative(fun: Any, accumulation: Any, start: float) -> None:
    @composition(fun)
    def cumulative(
        x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None,
        include_initial: bool = False,
    ) -> Any:  # fmt: skip
        x = x if x.ndim else x.reshape(1)
        if axis is None:
            if x.ndim != 1:
                raise ValueError(f"np.{fun.__name__} of {x.ndim} axes needs an axis=")
            axis = 0
        axis = axis_index(x, axis)
        options = {} if dtype is None else {"dtype": dtype}
        result = accumulation(x, axis=axis, **options)
        if not include_initial:
            return result
        first = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        one = np.zeros_like(result, shape=first) + start
        return np.concatenate([one.astype(result.dtype), result], axis=axis)


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    _cumulative(np.cumulative_sum, np.cumsum, 0)
    _cumulative(np.cumulative_prod, np.cumprod, 1)


if hasattr(np, "astype"):  # NumPy 2.1

    @composition(np.astype)
    def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
        return x.astype(dtype, copy=copy)


@composition(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    flat = as_array(v).reshape(-1)
    n = flat.shape[0] + abs(k)
    return embed_diagonal(flat, shape=(n, n), offset=k)


@composition(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    a = as_array(a)
    if a.dtype.kind != "c":
        return a * 1
    if tol > 1:
        tol = tol * float(np.finfo(a.dtype).eps)
    return a.real if bool((abs(host(a).imag) < tol).all()) else a * 1


@composition(np.apply_along_axis)
def _apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    arr = as_array(arr)
    axis = axis_index(arr, axis)
    moved = np.moveaxis(arr, axis, -1)
    outer = moved.shape[:-1]
    rows = moved.reshape((math.prod(outer), moved.shape[-1]))
    results = [func1d(rows[i], *args, **kwargs) for i in range(rows.shape[0])]
    results = [r if isinstance(r, TensorBase) else as_array(r) for r in results]
    stacked = np.stack(results).reshape(outer + results[0].shape)
    inner = results[0].ndim
    return np.moveaxis(
        stacked,
        tuple(range(len(outer), len(outer) + inner)),
        tuple(range(axis, axis + inner)),
    )


@composition(np.apply_over_axes)
def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    a = as_array(a)
    for axis in np.atleast_1d(axes).tolist():
        axis = axis_index(a, axis)
        result = func(a, axis)
        a = result if result.ndim == a.ndim else np.expand_dims(result, axis)
    return a
