"""Functions that leave NaNs out: a missing value has gradient 0."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_of, is_lazy
from autograd_core.engine.primitive import composition, defvjp
from autograd_core.engine.recording import unwrap
from autograd_core.rules.common import as_array, keeps, unset
from autograd_core.rules.reductions import axes_of, extreme


def _filled(a: Any, fill: float, where: Any = True) -> tuple[Any, Any]:
    """``a`` with the NaNs (and what ``where=`` leaves out) replaced, and which were valid."""
    a = as_array(a)
    valid = ~np.isnan(unwrap(a))
    if where is not True:
        valid = valid & unwrap(where)
    return np.where(valid, a, fill), valid


def _options(dtype: Any, keepdims: Any, initial: Any = None) -> dict[str, Any]:
    given: dict[str, Any] = {} if dtype is None else {"dtype": dtype}
    if keeps(keepdims):
        given["keepdims"] = True
    if initial is not None and not unset(initial):
        given["initial"] = initial
    return given


def _missing(name: str, valid: Any, axis: Any, keepdims: Any) -> Any:
    """Which results have nothing to be made of; NumPy's warning if any."""
    none = ~valid.any(axis=axis, keepdims=keeps(keepdims))
    if not is_lazy(none) and none.any():
        warnings.warn(f"np.{name}: a slice holds NaNs alone", RuntimeWarning, stacklevel=6)
    return none


def _sum_like(fun: Any, reduction: Any, fill: float) -> None:
    @composition(fun)
    def nan_reduction(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = None, where: Any = True,
    ) -> Any:  # fmt: skip
        values, _ = _filled(a, fill, where)
        return reduction(values, axis=axis, **_options(dtype, keepdims, initial))


_sum_like(np.nansum, np.sum, 0.0)
_sum_like(np.nanprod, np.prod, 1.0)


def _cumulative(fun: Any, accumulation: Any, fill: float) -> None:
    @composition(fun)
    def nan_accumulation(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        return accumulation(_filled(a, fill)[0], axis=axis, **_options(dtype, False))


_cumulative(np.nancumsum, np.cumsum, 0.0)
_cumulative(np.nancumprod, np.cumprod, 1.0)


# NaN equals nothing, so it has no share; filled in, it would tie where all others are infinite.
defvjp(np.nanmax, extreme, selects=True, kind="reduction")
defvjp(np.nanmin, extreme, selects=True, kind="reduction")


def _divided(total: Any, count: Any) -> Any:
    """total / count, and NaN where nothing was counted."""
    safe = np.where(count > 0, count, 1)
    half = total.dtype == np.float16  # where a count may be inf: NumPy divides in float64
    mean = (total / safe).astype(total.dtype) if half else total / safe.astype(total.dtype)
    return np.where(count > 0, mean, math.nan) if any_of(count <= 0) else mean


@composition(np.nanmean)
def _nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    *, where: Any = True,
) -> Any:  # fmt: skip
    values, valid = _filled(a, 0.0, where)
    _missing("nanmean", valid, axis, keepdims)
    total = values.sum(axis=axis, **_options(dtype, keepdims))
    return _divided(total, valid.sum(axis=axis, keepdims=keeps(keepdims)))


@composition(np.nanvar)
def _nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    ddof = correction if correction is not None and not unset(correction) else ddof
    values, valid = _filled(a, 0.0, where)
    if dtype is not None:
        values = values.astype(dtype)
    axes = axes_of(axis, values.ndim)
    count = valid.sum(axis=axes, keepdims=True)
    _missing("nanvar", valid, axis, keepdims)
    if mean is None or unset(mean):
        mean = _divided(values.sum(axis=axes, keepdims=True), np.where(count > 0, count, 1))
    d = np.where(valid, values - mean, 0.0)
    square = (d * np.conj(d)).real if d.dtype.kind == "c" else d * d
    total = square.sum(axis=axes, keepdims=keeps(keepdims))
    return _divided(total, (count - ddof).reshape(total.shape))


@composition(np.nanstd)
def _nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The root of the variance, with gradient 0 for constants."""
    variance = _nanvar(
        a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction
    )
    flat = unwrap(variance) == 0
    return (
        np.where(flat, 0.0, np.sqrt(np.where(flat, 1.0, variance)))
        if any_of(flat)
        else np.sqrt(variance)
    )
