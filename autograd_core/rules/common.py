"""What the rule files share: arrays out of lists, conjugates, weak scalars."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.recording import any_tracked, raw, stacked


def as_array(a: Any) -> Any:
    """An array or Tensor as it is; a list (of Tensors too) or a number as an array."""
    if hasattr(a, "ndim"):
        return a
    return stacked(a) if isinstance(a, (list, tuple)) and any_tracked(a) else np.asarray(a)


def conj(a: Any) -> Any:
    """The complex conjugate; a real array as it is."""
    return a.conj() if a.dtype.kind == "c" else a


def adjoint(a: Any) -> Any:
    """The conjugate transpose of the last two axes."""
    return conj(a.mT)


def floating(a: Any) -> Any:
    """Integers and booleans as float64, as NumPy's true division would make them."""
    return a if a.dtype.kind in "fc" else a.astype(float)


def host(a: Any) -> Any:
    """The plain values of an index, mask or count that is to be read now."""
    return np.asarray(raw(a))


def axis_index(a: Any, axis: int) -> int:
    """``axis`` counted from 0; NumPy's own error if there is no such axis."""
    if not -a.ndim <= axis < a.ndim:
        raise np.exceptions.AxisError(axis, a.ndim)
    return int(axis % a.ndim)


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The index that takes ``part`` of one axis (counted from 0) and all of the others."""
    return (*(slice(None),) * axis, part)
