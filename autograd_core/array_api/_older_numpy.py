"""Functions that NumPy 2.0 lacks or whose signatures differ, written in dispatching NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np


def reshape(x: Any, /, shape: Any, *, copy: bool | None = None) -> Any:
    """Call ``np.reshape``, whose ``shape=`` and ``copy=`` came with NumPy 2.1."""
    out = np.reshape(x, shape)
    if copy is False and not np.shares_memory(x, out) and out.size:
        raise ValueError(
            f"reshape of shape {x.shape} to {shape} needs a copy, which copy=False forbids"
        )
    return np.copy(out) if copy else out


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """Call ``np.clip``, whose ``min=`` and ``max=`` came with NumPy 2.1."""
    if min is None and max is None:
        return np.copy(x)
    return np.clip(x, min, max)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """Do what ``np.unstack`` of NumPy 2.1 does."""
    if not x.ndim:
        raise ValueError("unstack needs an array with an axis, got one without axes")
    return tuple(np.moveaxis(x, axis, 0))


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    """Call ``np.take_along_axis``, whose default axis came with NumPy 2.3."""
    return np.take_along_axis(x, indices, axis)


def _accumulated(fun: Any, x: Any, axis: int | None, dtype: Any, start: Any) -> Any:
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"an array of {x.ndim} axes needs axis=, an integer")
        axis = 0
    out = fun(x, axis=axis, dtype=dtype)
    if start is None:
        return out
    shape = tuple(1 if i == axis % x.ndim else n for i, n in enumerate(x.shape))
    return np.concatenate([np.full(shape, start, out.dtype), out], axis=axis)


def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Do what ``np.cumulative_sum`` of NumPy 2.1 does."""
    return _accumulated(np.cumsum, x, axis, dtype, 0 if include_initial else None)


def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Do what ``np.cumulative_prod`` of NumPy 2.1 does."""
    return _accumulated(np.cumprod, x, axis, dtype, 1 if include_initial else None)


def _integers_unchanged(fun: Any) -> Any:
    def call(x: Any, /) -> Any:
        return np.copy(x) if x.dtype.kind in "iub" else fun(x)

    call.__name__ = fun.__name__
    call.__doc__ = f"Call ``np.{fun.__name__}``, which keeps integers since NumPy 2.1."
    return call


ceil = _integers_unchanged(np.ceil)
floor = _integers_unchanged(np.floor)
trunc = _integers_unchanged(np.trunc)
