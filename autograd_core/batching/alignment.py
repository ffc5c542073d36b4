"""Bring batched and plain operands together: the batch in front, the axes of examples aligned."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_core.engine.operands import Level, batched
from autograd_core.engine.operands import has as has
from autograd_core.engine.operands import spread as spread


def ndim(a: Any) -> int:
    """Return the number of axes of one example."""
    n = getattr(a, "ndim", None)
    return np.ndim(a) if n is None else n


def align(a: Any, n: int, level: Level) -> Any:
    """Return values that broadcast as examples of ``n`` axes do: ones are put behind the batch."""
    if not has(a, level):
        return a
    values = a.examples
    missing = n - values.ndim + 1
    if missing <= 0:
        return values
    return values.reshape((values.shape[0],) + (1,) * missing + values.shape[1:])


def axis_behind(axis: Any, n: int) -> int:
    """Return the position behind the batch of an axis of an example that has ``n``."""
    axis = operator.index(axis)
    if not -n <= axis < n:
        raise np.exceptions.AxisError(axis, n)
    return int(axis % n + 1)


def axes_behind(axis: Any, n: int) -> Any:
    """Return the positions behind the batch of an axis, of several, or of all (None)."""
    if axis is None:
        return tuple(range(1, n + 1))
    if isinstance(axis, (tuple, list, range, np.ndarray)) and np.ndim(axis):
        return tuple(axis_behind(a, n) for a in axis)
    return axis_behind(axis, n) if n else ()


def flat(a: Any) -> Any:
    """Return the values of a batched array with the axes of each example as one."""
    size = a.examples.shape[0]
    return a.examples.reshape((size, a.size))


def rebatched(result: Any, level: Level) -> Any:
    """Return what a function gave for a whole batch as batched arrays."""
    if isinstance(result, (tuple, list)):
        parts = [rebatched(r, level) for r in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return batched(result, level)
