"""Arrays made of recorded values: full, array, asarray, linspace, logspace, geomspace.

Copying a recorded value into a plain array raises.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_now, asarray_like, to_host
from autograd_core.engine.primitive import composition
from autograd_core.engine.recording import TensorBase, any_tracked, stack_nested, unwrap, wrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import as_array, check_target, exact_composition, is_foreign


@composition(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    remedy = (
        "make the array from the Tensor: np.broadcast_to(t, shape), or np.full(shape, t, like=t)"
    )
    check_target(dst, (src, where), "np.copyto, np.full_like or np.full", remedy)
    if not is_foreign((dst, src)):  # NumPy's own errors
        np.copyto(np.array(unwrap(dst)), unwrap(src), casting, unwrap(where))  # type: ignore[arg-type]
    target: Any = dst
    target[...] = src if where is True else np.where(where, src, target)


@composition(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True,
    shape: Any = None, *, device: Any = None,
) -> Any:  # fmt: skip
    """Fill with the prototype's dtype; a gradient passes if it is a floating-point one."""
    prototype: Any = unwrap(a)
    like = np.zeros_like(prototype, dtype=dtype, shape=shape)
    if like.dtype.kind not in "fc" or not any_tracked([fill_value]):
        filled = np.zeros_like(prototype, dtype=like.dtype, shape=shape) + unwrap(fill_value)
        return wrap(filled.astype(like.dtype))
    return np.broadcast_to(stack_nested(fill_value), like.shape).astype(like.dtype, copy=False)


@composition(np.full)
def _full(
    shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, device: Any = None
) -> Any:
    filled = np.broadcast_to(fill_value, shape)
    return filled if dtype is None else filled.astype(dtype)


@composition(np.array)
def _array(
    object: Any, dtype: Any = None, *, copy: Any = True, order: str = "K", subok: bool = False,
    ndmin: int = 0,
) -> Any:  # fmt: skip
    t = stack_nested(object)
    if dtype is not None:
        t = t.astype(dtype)
    return t if t.ndim >= ndmin else t.reshape((1,) * (ndmin - t.ndim) + t.shape)


@composition(np.asarray)
def _asarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None
) -> Any:
    t = stack_nested(a)
    return t if dtype is None else t.astype(dtype)


# -- ranges ---------------------------------------------------------------------------------------


def _evenly_spaced(start: Any, stop: Any, num: int, endpoint: bool, axis: int) -> tuple[Any, Any]:
    """Return start + i (stop - start) / (num - 1), and the step."""
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
        raise NotDifferentiableError(
            f"a range of dtype {np.dtype(dtype)} has no gradient; leave dtype= out, or detach() its ends"
        )
    return values.astype(dtype)


@exact_composition(np.linspace)
def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    values, step = _evenly_spaced(start, stop, num, endpoint, axis)
    return (_cast(values, dtype), step) if retstep else _cast(values, dtype)


@exact_composition(np.logspace)
def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    base = as_array(base, next((a for a in (start, stop) if hasattr(a, "ndim")), 0))
    start, stop = (np.broadcast_to(v, np.broadcast_shapes(np.shape(v), base.shape))
                   for v in (as_array(start, base), as_array(stop, base)))  # fmt: skip
    values, _ = _evenly_spaced(start, stop, num, endpoint, 0)
    powers = base**values
    return _cast(np.moveaxis(powers, 0, axis) if axis else powers, dtype)


@exact_composition(np.geomspace)
def _geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Return start (stop / start)^(i / (num - 1))."""
    start, stop = as_array(start) * 1.0, as_array(stop) * 1.0
    if any_now(start == 0) or any_now(stop == 0):
        raise ValueError("a geometric sequence cannot start or stop at 0; give ends that are not 0")
    part = np.arange(float(num)) / max(num - 1 if endpoint else num, 1)
    part = part.reshape((-1,) + (1,) * len(np.broadcast_shapes(start.shape, stop.shape)))
    part = asarray_like(part, start * stop)
    values = start * (stop / start) ** part
    return _cast(np.moveaxis(values, 0, axis) if axis else values, dtype)


@exact_composition(np.histogram_bin_edges)
def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """Return evenly spaced edges between the extremes of ``a``, or between the ends of ``range``."""
    if isinstance(bins, str):
        raise NotDifferentiableError(
            f"np.histogram_bin_edges with bins={bins!r} has no derivative rule, because the number of "
            "bins depends on the values; pass a number, such as "
            f"len(np.histogram_bin_edges(a.detach(), {bins!r})) - 1"
        )
    if np.ndim(bins):
        return bins if isinstance(bins, TensorBase) else wrap(np.asarray(bins))
    a = as_array(a)
    ends = None if range is None else tuple(map(to_host, range))
    values = np.histogram_bin_edges(to_host(a), bins, ends)  # raises NumPy's own errors
    low, high = (a.min(), a.max()) if range is None and a.size else range or (0.0, 1.0)
    if to_host(low) == to_host(high):
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1, dtype=values.dtype)
