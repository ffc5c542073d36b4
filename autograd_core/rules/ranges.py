"""Ramps between recorded ends: linspace, logspace, geomspace."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.primitive import composition
from autograd_core.engine.recording import any_tracked
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import as_array, host


def _spread(start: Any, stop: Any, num: int, endpoint: bool, axis: int) -> tuple[Any, Any]:
    """start + i (stop - start) / (num - 1), and the step."""
    start, stop = as_array(start) * 1.0, as_array(stop) * 1.0
    parts = num - 1 if endpoint else num
    width = stop - start
    step = width / parts if parts > 0 else width * math.nan
    ramp = asarray_like(np.arange(float(num)).reshape((-1,) + (1,) * width.ndim), width)
    values = start + ramp * (step if parts > 0 else width)
    if endpoint and num > 1:  # the last is stop itself
        values = np.where(ramp == num - 1, stop, values)
    return (np.moveaxis(values, 0, axis) if axis else values), step


def _cast(values: Any, dtype: Any) -> Any:
    if dtype is None:
        return values
    if np.dtype(dtype).kind not in "fc" and any_tracked([values]):
        raise NotDifferentiableError(f"a ramp of dtype {np.dtype(dtype)} has no gradient")
    return values.astype(dtype)


@composition(np.linspace)
def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    values, step = _spread(start, stop, num, endpoint, axis)
    return (_cast(values, dtype), step) if retstep else _cast(values, dtype)


@composition(np.logspace)
def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    base = as_array(base, next((a for a in (start, stop) if hasattr(a, "ndim")), 0))
    start, stop = (np.broadcast_to(v, np.broadcast_shapes(np.shape(v), base.shape))
                   for v in (as_array(start, base), as_array(stop, base)))  # fmt: skip
    values, _ = _spread(start, stop, num, endpoint, 0)
    powers = base**values
    return _cast(np.moveaxis(powers, 0, axis) if axis else powers, dtype)


@composition(np.geomspace)
def _geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """start (stop / start)^(i / (num - 1))."""
    start, stop = as_array(start) * 1.0, as_array(stop) * 1.0
    if (host(start) == 0).any() or (host(stop) == 0).any():
        raise ValueError("a geometric sequence cannot start or stop at 0")
    part = np.arange(float(num)) / max(num - 1 if endpoint else num, 1)
    part = part.reshape((-1,) + (1,) * len(np.broadcast_shapes(start.shape, stop.shape)))
    part = asarray_like(part, start * stop)
    values = start * (stop / start) ** part
    return _cast(np.moveaxis(values, 0, axis) if axis else values, dtype)
