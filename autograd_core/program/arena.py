"""One block of memory for all intermediate arrays of a program, shared by those that never meet.

A small value takes the smallest hole that it fits into, and gives it back at its last use; large
ones are placed when all their lifetimes are known, the largest first.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

import numpy as np

#: Offsets are multiples of it: the length of a cache line, and of the longest vector.
ALIGNED = 64


class Arena:
    """Offsets in a block of bytes that grows as it must.

    Attributes
    ----------
    size
        How many bytes are needed so far.

    Examples
    --------
    >>> arena = Arena()
    >>> arena.take(100), arena.take(100)
    (0, 128)
    >>> arena.give(0, 100)
    >>> arena.take(64), arena.take(64), arena.size
    (0, 64, 256)
    """

    def __init__(self) -> None:
        self.size = 0
        self._holes: list[tuple[int, int]] = []  # (start, end), in order

    def take(self, nbytes: int) -> int:
        """Return the offset of free memory."""
        wanted, holes = _rounded(nbytes), self._holes
        fits = [(end - start, i) for i, (start, end) in enumerate(holes) if end - start >= wanted]
        if not fits:  # grow, from a hole at the end if there is one
            at_end = holes and holes[-1][1] == self.size
            offset = holes.pop()[0] if at_end else self.size
            self.size = offset + wanted
            return offset
        i = min(fits)[1]
        start, end = holes[i]
        holes[i : i + 1] = [(start + wanted, end)] if end - start > wanted else []
        return start

    def give(self, offset: int, nbytes: int) -> None:
        """Free memory that was taken."""
        start, end = offset, offset + _rounded(nbytes)
        i = bisect_left(self._holes, (start, end))
        if i < len(self._holes) and self._holes[i][0] == end:
            end = self._holes.pop(i)[1]
        if i and self._holes[i - 1][1] == start:
            i -= 1
            start = self._holes.pop(i)[0]
        self._holes.insert(i, (start, end))


def place(lives: list[tuple[int, int, int]], base: int = 0) -> tuple[list[int], int]:
    """Return offsets for arrays of ``(bytes, first line, last line)``, and where the last ends.

    Examples
    --------
    >>> place([(64, 0, 2), (640, 1, 2), (640, 3, 5), (64, 2, 4)])
    ([640, 0, 0, 704], 768)
    """
    offsets, placed = [base] * len(lives), list[tuple[int, int, int, int]]()
    for i in sorted(range(len(lives)), key=lambda i: -lives[i][0]):
        nbytes, first, last = lives[i]
        offset, wanted = base, _rounded(nbytes)
        for start, end, begins, dies in placed:  # by offset
            if begins <= last and first <= dies:
                if start - offset >= wanted:
                    break
                offset = max(offset, end)
        offsets[i] = offset
        insort(placed, (offset, offset + wanted, first, last))
    return offsets, max((end for _, end, _, _ in placed), default=base)


def memory(nbytes: int) -> np.ndarray[Any, Any]:
    """Return so many bytes that begin at a multiple of :data:`ALIGNED`."""
    whole = np.empty(nbytes + ALIGNED, np.uint8)
    return whole[-whole.ctypes.data % ALIGNED :][:nbytes]


def _rounded(nbytes: int) -> int:
    return -(-max(nbytes, 1) // ALIGNED) * ALIGNED
