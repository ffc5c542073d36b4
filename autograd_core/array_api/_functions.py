"""The few functions whose signatures in NumPy differ from the standard's.

All are written in dispatching NumPy, so they are recorded.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from autograd_core.array_api._creation import asarray


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Return the values in order along an axis.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.sort(xp.asarray([2.0, 3.0, 1.0]), descending=True)
    Tensor([3., 2., 1.], float64)
    """
    ordered = np.sort(x, axis=axis, stable=stable)
    return np.flip(ordered, axis) if descending else ordered


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Return the indices that sort the values along an axis; equal values keep their order."""
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    reverse = np.argsort(np.flip(x, axis), axis=axis, stable=stable)
    return x.shape[axis] - 1 - np.flip(reverse, axis)


def count_nonzero(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Return how many values are not zero, as a Tensor (``np.count_nonzero`` may return an int)."""
    return asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims), dtype=np.intp)


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """Return the differences of neighbours, taken ``n`` times; None adds nothing at an end."""
    ends = {k: v for k, v in (("prepend", prepend), ("append", append)) if v is not None}
    return np.diff(x, n, axis, **ends)


def round(x: Any, /) -> Any:
    """Return the nearest integers, the even one of two."""
    return np.round(x)


def meshgrid(*arrays: Any, indexing: Literal["xy", "ij"] = "xy") -> list[Any]:
    """Return coordinate matrices, as a list (``np.meshgrid`` returns a tuple)."""
    return list(np.meshgrid(*arrays, indexing=indexing))


def broadcast_arrays(*arrays: Any) -> list[Any]:
    """Return the arrays with one common shape, as a list (``np.broadcast_arrays``: a tuple)."""
    return list(np.broadcast_arrays(*arrays))
