"""The few functions that NumPy spells otherwise than the standard.

All are written in NumPy that dispatches, and so are recorded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.array_api._creation import asarray


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The values in order along an axis.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.sort(xp.asarray([2.0, 3.0, 1.0]), descending=True)
    Tensor([3., 2., 1.], float64)
    """
    ordered = np.sort(x, axis=axis, stable=stable)
    return np.flip(ordered, axis) if descending else ordered


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The indices that put the values in order along an axis; equal ones keep theirs."""
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    reverse = np.argsort(np.flip(x, axis), axis=axis, stable=stable)
    return x.shape[axis] - 1 - np.flip(reverse, axis)


def count_nonzero(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """How many values are not zero: a Tensor, where ``np.count_nonzero`` may give an int."""
    return asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims), dtype=np.intp)


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours, ``n`` times; None adds nothing at an end."""
    ends = {k: v for k, v in (("prepend", prepend), ("append", append)) if v is not None}
    return np.diff(x, n, axis, **ends)


def round(x: Any, /) -> Any:
    """The nearest integers, of two the even one."""
    return np.round(x)
