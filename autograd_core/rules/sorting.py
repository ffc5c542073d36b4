"""Sorting: the cotangent goes back by the permutation that NumPy chose."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import composition
from autograd_core.recording import wrapped
from autograd_core.rules.common import host


@composition(np.sort)
def _sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    if axis is None:
        a, axis = a.reshape(-1), -1
    chosen = np.argsort(a, axis=axis, kind="stable" if stable else kind)
    return np.take_along_axis(a, chosen, axis=axis)


@composition(np.unique)
def _unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: Any = None, **options: Any,
) -> Any:  # fmt: skip
    """Of equal values the first is the one that is returned."""
    _, index, inverse, counts = np.unique(
        host(ar), return_index=True, return_inverse=True, return_counts=True, axis=axis, **options
    )
    values = ar.reshape(-1)[index] if axis is None else np.take(ar, index, axis=axis)
    asked = ((return_index, index), (return_inverse, inverse), (return_counts, counts))
    extra = tuple(wrapped(a) for wanted, a in asked if wanted)
    return (values, *extra) if extra else values


@composition(np.partition)
def _partition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if axis is None:
        a, axis = a.reshape(-1), -1
    return np.take_along_axis(a, np.argpartition(a, kth, axis=axis, kind=kind), axis=axis)
