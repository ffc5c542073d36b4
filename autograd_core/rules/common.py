"""What the rule files share: arrays out of lists, conjugates, weak scalars."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.recording import any_tracked, stack_nested


def as_array(a: Any, like: Any = 0) -> Any:
    """An array or Tensor as it is; a list (of Tensors too) or a number as an array.

    Where ``like`` is an array of another type, what is made here becomes one of that type.
    """
    if hasattr(a, "ndim"):
        return a
    if isinstance(a, (list, tuple)) and any_tracked(a):
        return stack_nested(a)
    return asarray_like(np.asarray(a), like)


def conj(a: Any) -> Any:
    """The complex conjugate; a real array as it is."""
    return a.conj() if a.dtype.kind == "c" else a


def mT(a: Any) -> Any:
    """The transpose of the last two axes, by a method that every array type has."""
    return a.swapaxes(-1, -2)


def adjoint(a: Any) -> Any:
    """The conjugate transpose of the last two axes."""
    return conj(mT(a))


def floating(a: Any) -> Any:
    """Integers and booleans as float64, as NumPy's true division would make them."""
    return a if a.dtype.kind in "fc" else a.astype(float)


def unset(value: Any) -> bool:
    """Whether it is NumPy's mark of an argument that was not given."""
    return isinstance(value, type(np._NoValue))


def keeps(keepdims: Any) -> bool:
    """What ``keepdims=`` means, which may be 1 as well as True."""
    return bool(keepdims) and not unset(keepdims)


def axis_index(a: Any, axis: int) -> int:
    """``axis`` counted from 0; NumPy's own error if there is no such axis."""
    if not -a.ndim <= axis < a.ndim:
        raise np.exceptions.AxisError(axis, a.ndim)
    return int(axis % a.ndim)


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The index that takes ``part`` of one axis (counted from 0) and all of the others."""
    return (*(slice(None),) * axis, part)
