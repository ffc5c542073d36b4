"""Lists of arrays as vectors of real numbers: all of their elements, or a few combinations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

EPS = 2.0**-52

#: Above this number of elements, outputs are compared by a few combinations of them.
MANY = 512
COMBINATIONS = 3

#: Elements that are worked on at a time, where that saves copies of large arrays.
BLOCK = 1 << 16


class Place(NamedTuple):
    """The position of a coordinate: array, element, and for complex numbers the part."""

    array: int
    element: tuple[int, ...]
    part: str


def size_of(a: Array) -> Array:
    """Return the absolute values, with 0 in place of what is not finite."""
    size = np.asarray(np.abs(a))
    size[~np.isfinite(size)] = 0.0
    return size


def blocks(a: Array) -> Iterator[Array]:
    """Yield the elements of an array, a block at a time."""
    flat = a.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        yield flat[start : start + BLOCK]


def dot(rows: Array, vector: Array, absolute: bool = False) -> Array:
    """Return ``rows @ vector``, or that of the absolute values, without copies of either."""
    total = np.zeros(len(rows))
    for start in range(0, vector.size, BLOCK):
        part, numbers = rows[:, start : start + BLOCK], vector[start : start + BLOCK]
        if absolute:
            part, numbers = np.abs(part), np.abs(numbers)
        total += part.astype(float, copy=False) @ numbers
    return total


def length_of(direction: Array) -> float:
    """Return the largest component of a direction, or 1 for shorter ones."""
    return max(1.0, float(direction.max(initial=0)), -float(direction.min(initial=0)))


def random_bytes(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return random integers from 32 to 64, of both signs, in one byte each."""
    numbers = rng.integers(32, 65, shape, np.int8)
    np.negative(numbers, out=numbers, where=rng.integers(0, 2, shape, bool))
    return numbers


def coarseness(a: Array) -> float:
    """Return the distance from 1 to the next number of an array's dtype, 0 for integers."""
    return float(np.finfo(a.dtype).eps) if a.dtype.kind in "fc" else 0.0


class Coordinates:
    """Conversion of a list of arrays to one vector of real numbers, and back.

    A complex number is two coordinates, its real and its imaginary part.  Because gradients point
    in the direction of steepest ascent (PyTorch's convention, and ours), the chain rule in these
    coordinates is the real one.

    Attributes
    ----------
    shapes, dtypes, spans
        For each array, its shape, float64 or complex128, and its slice of the vector.
    size
        The length of the vector.
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.shapes = [a.shape for a in arrays]
        self.dtypes = [np.dtype(complex if a.dtype.kind == "c" else float) for a in arrays]
        lengths = [a.size * d.itemsize // 8 for a, d in zip(arrays, self.dtypes, strict=True)]
        stops = np.cumsum([0, *lengths]).tolist()
        self.length: int = stops[-1]
        self.spans = [slice(*ends) for ends in itertools.pairwise(stops)]
        self.size = self.length

    def flat(self, arrays: Sequence[Any]) -> list[Array]:
        """Return each array as a vector of real numbers, which may share its memory."""
        pairs = zip(arrays, self.dtypes, strict=True)
        numbers = [np.asarray(a if d.kind == "c" else np.real(a), d) for a, d in pairs]
        return [np.ascontiguousarray(a).reshape(-1).view(float) for a in numbers]

    def join(self, arrays: Sequence[Any]) -> Array:
        """Return the arrays as a new vector, shape ``(size,)``."""
        vector = np.empty(self.size)
        for a, span in zip(self.flat(arrays), self.spans, strict=True):
            vector[span] = a
        return vector

    def split(self, vector: Array) -> list[Array]:
        """Return the arrays of a vector, which share its memory."""
        return [
            vector[span].view(dtype).reshape(shape)
            for span, dtype, shape in zip(self.spans, self.dtypes, self.shapes, strict=True)
        ]

    def place(self, i: int) -> Place:
        """Return the array, the element and the part that coordinate ``i`` belongs to."""
        array = next(n for n, span in enumerate(self.spans) if i < span.stop)
        local, part = i - self.spans[array].start, ""
        if self.dtypes[array].kind == "c":
            local, imaginary = divmod(local, 2)
            part = ".imag" if imaginary else ".real"
        index = np.unravel_index(local, self.shapes[array]) if self.shapes[array] else ()
        return Place(array, tuple(int(j) for j in index), part)

    def roundoff(self, arrays: Sequence[Array]) -> Array:
        """Return the round-off of coordinates whose arrays are coarser than float64."""
        eps = map(coarseness, arrays)
        coarser = [np.full(a.shape, e * (e > EPS)) for a, e in zip(arrays, eps, strict=True)]
        return 4 * size_of(self.join(arrays)) * self.join(coarser)


class Combinations(Coordinates):
    """A few random combinations of the elements of arrays, and the way back: the transpose.

    As coordinates of the outputs of a function they make it one of few outputs.  The weights are
    multiples of 1/64 in one byte each; the last of them are half zeros.
    """

    def __init__(self, arrays: Sequence[Array], rng: np.random.Generator) -> None:
        super().__init__(arrays)
        self.size = COMBINATIONS
        self.weights = random_bytes(rng, (COMBINATIONS, self.length))
        self.weights[-1] *= rng.integers(0, 2, self.length, np.int8)

    def join(self, arrays: Sequence[Any]) -> Array:
        pairs = zip(self.flat(arrays), self.spans, strict=True)
        parts = [dot(self.weights[:, span], a) for a, span in pairs]
        return np.asarray(np.sum(parts, axis=0) / 64)

    def split(self, vector: Array) -> list[Array]:
        whole = np.empty(self.length)
        for start in range(0, self.length, BLOCK):
            part = slice(start, start + BLOCK)
            whole[part] = vector / 64 @ self.weights[:, part].astype(float)
        return super().split(whole)

    def roundoff(self, arrays: Sequence[Array]) -> Array:
        pairs = zip(self.flat(arrays), self.spans, map(coarseness, arrays), strict=True)
        found = [e * dot(self.weights[:, span], np.nan_to_num(a), True) for a, span, e in pairs]
        return np.asarray(np.sum(found, axis=0) / 16)
