"""Sorting: the cotangent goes back by the permutation that NumPy chose."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.primitive import composition


@composition(np.sort)
def _sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    if axis is None:
        a, axis = a.reshape(-1), -1
    chosen = np.argsort(a, axis=axis, kind="stable" if stable else kind)
    return np.take_along_axis(a, chosen, axis=axis)


@composition(np.partition)
def _partition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if axis is None:
        a, axis = a.reshape(-1), -1
    return np.take_along_axis(a, np.argpartition(a, kth, axis=axis, kind=kind), axis=axis)
