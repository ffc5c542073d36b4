"""A list of arrays as one vector of real numbers, and back.

A complex number is two coordinates, its real and its imaginary part.  With gradients that point in
the direction of steepest ascent (PyTorch's convention, and ours) the chain rule is the real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Place(NamedTuple):
    """Which array, which element, and for complex numbers which part."""

    array: int
    element: tuple[int, ...]
    part: str


class Coordinates:
    """The shapes and types of some arrays, and where each element stands in their vector."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.shapes = [a.shape for a in arrays]
        self.dtypes = [np.dtype(complex if a.dtype.kind == "c" else float) for a in arrays]
        widths = [
            a.size * (2 if d.kind == "c" else 1) for a, d in zip(arrays, self.dtypes, strict=True)
        ]
        self.offsets = np.concatenate([[0], np.cumsum(widths)]).astype(int)
        self.size = int(self.offsets[-1])
        self._parts = [
            (slice(int(start), int(stop)), shape, d.kind == "c")
            for start, stop, shape, d in zip(
                self.offsets, self.offsets[1:], self.shapes, self.dtypes, strict=False
            )
        ]

    def join(self, arrays: Sequence[Any]) -> Array:
        """The vector, shape ``(size,)``; always a new one."""
        vector = np.empty(self.size)
        for a, (span, _, two), dtype in zip(arrays, self._parts, self.dtypes, strict=True):
            vector[span] = (
                np.asarray(a, dtype).reshape(-1).view(float) if two else np.reshape(np.real(a), -1)
            )
        return vector

    def split(self, vector: Array) -> list[Array]:
        """The arrays of a vector, which share its memory."""
        return [
            (vector[span].view(complex) if two else vector[span]).reshape(shape)
            for span, shape, two in self._parts
        ]

    def span(self, array: int) -> slice:
        """Where an array stands in the vector."""
        return slice(int(self.offsets[array]), int(self.offsets[array + 1]))

    def place(self, i: int) -> Place:
        """What stands at a coordinate."""
        array = int(np.searchsorted(self.offsets, i, side="right")) - 1
        local = i - int(self.offsets[array])
        part = ""
        if self.dtypes[array].kind == "c":
            local, imaginary = divmod(local, 2)
            part = ".imag" if imaginary else ".real"
        index = np.unravel_index(local, self.shapes[array]) if self.shapes[array] else ()
        return Place(array, tuple(int(j) for j in index), part)
