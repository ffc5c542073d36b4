"""In-place writes, and when they happened: backward must not read a value that was overwritten.

A write into a Tensor is noted by the memory that it touched, not by the Tensor that made it, which
may be gone long before the backward pass: ``w[0][1] = 5`` under ``no_grad`` writes through a view
that exists for one line.

A write into a plain array cannot be noted: an index, a mask or a state that a loop refills.  Those
of at most :data:`COPIED` bytes are copied when they are recorded, so that the gradient is right.
Of larger ones :data:`SAMPLED` elements are compared in backward, and a change raises.  What
remains: a change of a large array that leaves all of these as they were, such as one element.
Arrays of a device are copied whatever their size: a copy there is quick, and a comparison would
wait for it.
"""

import functools
import weakref
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from autograd_core.engine.graph import Given, Node, clock, producer
from autograd_core.engine.operands import Operand, all_examples
from autograd_core.errors import MutationError

#: Up to this many bytes a copy costs less than the two samples that would be compared (measured: a
#: seventh of a recorded multiply of that size, and of one of 10 elements a tenth).
COPIED = 16384

#: How many elements of a larger array are compared.
SAMPLED = 64


class Write:
    """Bytes that were written: ``low`` to ``high``, at the time ``seq``."""

    __slots__ = ("base", "high", "low", "name", "seq", "shape")

    def __init__(self, base: weakref.ref[Any], low: int, high: int) -> None:
        self.base, self.low, self.high = base, low, high
        self.seq, self.name, self.shape = 0, "", ()

    def touched(self, a: Any) -> bool:
        """Return whether the memory of an array overlaps the bytes."""
        low, high = _bounds(a)
        return low < self.high and self.low < high


def _bounds(a: Any) -> tuple[int, int]:
    """Return the first byte of an array and the one behind its last; (0, 0) if nobody knows."""
    if isinstance(a, np.ndarray):
        return byte_bounds(a)
    interface = getattr(a, "__cuda_array_interface__", None)
    if interface is None or not a.size:
        return 0, 0
    low = high = interface["data"][0]
    for n, step in zip(a.shape, a.strides, strict=True):
        low, high = low + min(0, (n - 1) * step), high + max(0, (n - 1) * step)
    return low, high + a.itemsize


_writes: dict[tuple[int, int, int], Write] = {}
_last = 0


def note_write(array: Any, name: str | None) -> None:
    """Note that an array was written just now, if the place of its memory is known."""
    array = all_examples(array)
    if isinstance(array, np.ndarray) or hasattr(array, "__cuda_array_interface__"):
        note_again([prepared(array, name)])


def note_again(writes: list[Write]) -> None:
    """Note that all of some arrays were written just now."""
    global _last
    _last = next(clock)
    for write in writes:
        write.seq = _last


def owner_of(array: Any) -> Any:
    """Return the array that an array is a view of, or itself."""
    while hasattr(array.base, "dtype"):
        array = array.base
    return array


def prepared(array: Any, name: str | None) -> Write:
    """Return the record of writes into an array, for :func:`note_again` while the array lives."""
    base = owner_of(array)
    low, high = _bounds(array)
    key = (id(base), low, high)
    write = _writes.get(key)
    if write is None or write.base() is not base:

        def forget(_: Any, key: Any = key) -> None:
            _writes.pop(key, None)

        write = _writes[key] = Write(weakref.ref(base, forget), low, high)
    write.name, write.shape = name or "a tensor", array.shape
    return write


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


def own_copy(a: Any) -> Any:
    """Return a copy of an array, which its owner may refill; what is traced or has none, itself."""
    if isinstance(a, np.ndarray):
        return a.copy("K")
    traced = isinstance(all_examples(a), Operand)
    return a if traced or not hasattr(a, "copy") else a.copy()


def private_copy(option: Any, given: list[Any], large: list[Any]) -> Any:
    """Return an option of a call (an index, a mask) that its owner can no longer change.

    What was copied is added to ``given``, what is too large for it to ``large``.
    """
    kind = option.__class__
    if hasattr(kind, "__array_function__"):
        memory = all_examples(option)
        if isinstance(memory, np.ndarray) and option.nbytes > COPIED:
            large.append(memory)
            return option
        given.append(Given(option, True))
        return own_copy(option)
    if kind is tuple or kind is list:
        return kind([private_copy(o, given, large) for o in option])
    if kind is dict:
        return {key: private_copy(o, given, large) for key, o in option.items()}
    return option


@functools.lru_cache(maxsize=256)
def _places(size: int) -> Any:
    """Return the positions of a sample: runs of 8, as memory comes in lines.

    The runs are spread by the golden ratio, so that they follow the rhythm of no column.
    """
    starts = (np.arange(SAMPLED // 8) * 0.6180339887498949 % 1 * (size - 7)).astype(np.intp)
    return (np.sort(starts)[:, None] + np.arange(8)).reshape(-1)


def _sample(a: Any) -> int:
    flat = a.reshape(-1) if a.flags.c_contiguous else a.flat
    return hash(flat[_places(a.size)].tobytes())


def _may_change(a: Any) -> bool:
    """Return whether somebody can write into an array, itself or through what it is a view of."""
    while isinstance(a, np.ndarray):
        if a.flags.writeable:
            return True
        a = a.base
    return a is not None


def watch(result: Any, arrays: list[Any]) -> None:
    """Note a sample of the large writeable arrays that a call saved, for the backward pass."""
    node = producer((result[0] if isinstance(result, (tuple, list)) else result)._node)
    samples = tuple([(a, _sample(a)) for a in arrays if _may_change(a)])
    if samples and node.tracked:
        node.with_diagnostics().samples = samples


def check_samples(node: Node) -> None:
    """Raise if a large plain array that a call saved has other values now."""
    assert node.diagnostics is not None
    for array, then in node.diagnostics.samples:
        if _sample(array) != then:
            assert node.primitive is not None
            raise MutationError(
                f"an array of shape {array.shape} was changed in place after "
                f"{node.primitive.name} saved it for backward, so the gradient would be wrong. "
                "Give each call an array of its own: pass a.copy() where a loop refills a"
            )
