"""Helpers of the rule files: arrays from lists, conjugates, transposes, options, indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.recording import any_tracked, stack_nested


def as_array(a: Any, like: Any = 0) -> Any:
    """Return an array or Tensor unchanged; a list (also of Tensors) or a number as an array.

    A new array has the type of ``like`` (CuPy, Dask), if that is an array of another library.
    """
    if hasattr(a, "ndim"):
        return a
    if isinstance(a, (list, tuple)) and any_tracked(a):
        return stack_nested(a)
    return asarray_like(np.asarray(a), like)


def conj(a: Any) -> Any:
    """Return the complex conjugate; a real array unchanged."""
    return a.conj() if a.dtype.kind == "c" else a


def mT(a: Any) -> Any:
    """Return the transpose of the last two axes, by a method that every array type has."""
    return a.swapaxes(-1, -2)


def adjoint(a: Any) -> Any:
    """Return the conjugate transpose of the last two axes."""
    return conj(mT(a))


def floating(a: Any) -> Any:
    """Return integers and booleans as float64, as NumPy's true division does."""
    return a if a.dtype.kind in "fc" else a.astype(float)


def unset(value: Any) -> bool:
    """Return whether a value is NumPy's marker for an argument that was not given."""
    return isinstance(value, type(np._NoValue))


def keeps(keepdims: Any) -> bool:
    """Return ``keepdims=`` as a bool; NumPy also accepts 1."""
    return bool(keepdims) and not unset(keepdims)


def axis_index(a: Any, axis: int) -> int:
    """Return ``axis`` counted from 0; raise NumPy's own error if there is no such axis."""
    if not -a.ndim <= axis < a.ndim:
        raise np.exceptions.AxisError(axis, a.ndim)
    return int(axis % a.ndim)


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """Return the index that takes ``part`` of one axis (counted from 0) and all of the others."""
    return (*(slice(None),) * axis, part)
