"""What was written in place, and when: so that backward never reads a value that was overwritten.

A write is noted by the memory it touched, not by the Tensor that did it, which may be gone long
before the backward pass: ``w[0][1] = 5`` under ``no_grad`` writes through a view that lives for one
line.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from autograd_core.engine.graph import clock


class Write:
    """Bytes that were written: ``low`` to ``high``, at the time ``seq``."""

    __slots__ = ("base", "high", "low", "name", "seq", "shape")

    def __init__(self, base: weakref.ref[Any], low: int, high: int) -> None:
        self.base, self.low, self.high = base, low, high
        self.seq, self.name, self.shape = 0, "", ()

    def touched(self, a: Any) -> bool:
        """Whether an array stands in those bytes."""
        low, high = byte_bounds(a)
        return low < self.high and self.low < high


_writes: dict[tuple[int, int, int], Write] = {}
_last = 0


def note_write(array: Any, name: str | None) -> None:
    """Remember that an ndarray was written just now (the memory of others is not known)."""
    global _last
    if not isinstance(array, np.ndarray):
        return
    base: Any = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    low, high = byte_bounds(array)
    key = (id(base), low, high)
    write = _writes.get(key)
    if write is None or write.base() is not base:

        def forget(_: Any, key: Any = key) -> None:
            _writes.pop(key, None)

        write = _writes[key] = Write(weakref.ref(base, forget), low, high)
    write.seq = _last = next(clock)
    write.name, write.shape = name or "a tensor", array.shape


def written_since(seq: int) -> list[Write]:
    """The writes after the node of this number was made, to arrays that still live."""
    return [w for w in list(_writes.values()) if w.seq > seq] if seq <= _last else []
