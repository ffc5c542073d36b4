"""In-place writes, and when they happened: backward must not read a value that was overwritten.

A write is noted by the memory that it touched, not by the Tensor that made it, which may be gone
long before the backward pass: ``w[0][1] = 5`` under ``no_grad`` writes through a view that exists
for one line.
"""

import weakref
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from autograd_core.engine.graph import Node, clock
from autograd_core.errors import MutationError


class Write:
    """Bytes that were written: ``low`` to ``high``, at the time ``seq``."""

    __slots__ = ("base", "high", "low", "name", "seq", "shape")

    def __init__(self, base: weakref.ref[Any], low: int, high: int) -> None:
        self.base, self.low, self.high = base, low, high
        self.seq, self.name, self.shape = 0, "", ()

    def touched(self, a: Any) -> bool:
        """Return whether the memory of an array overlaps the bytes."""
        low, high = byte_bounds(a)
        return low < self.high and self.low < high


_writes: dict[tuple[int, int, int], Write] = {}
_last = 0


def note_write(array: Any, name: str | None) -> None:
    """Note that an ndarray was written just now (the memory of other arrays is not known)."""
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


def check_mutations(order: list[Node]) -> None:
    """Raise if an array that a rule will read was written after it was saved.

    Parameters
    ----------
    order
        The nodes of a sweep, newest first.
    """
    oldest = next((n for n in reversed(order) if n.primitive is not None), None)
    if oldest is None or oldest.seq > _last:
        return
    for write in [w for w in list(_writes.values()) if w.seq > oldest.seq]:
        for node in order:
            if node.seq < write.seq and any(map(write.touched, node.saved())):
                assert node.primitive is not None
                raise MutationError(
                    f"{write.name} of shape {write.shape} was changed in place "
                    f"after {node.primitive.name} saved it for backward, so its gradient would be "
                    "wrong. Call backward() before the update, or update a copy: "
                    "w = ag.tensor(w.data - step, requires_grad=True)"
                )
