"""How a filter or a window moves over an input: sizes, strides, zeros around it, dilation."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Padding = int | Sequence[int] | str


class Geometry(NamedTuple):
    """How filters move over an input: a number for each of its axes, zeros before and after."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1

    def results(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """How many places a filter has along each axis."""
        reach = [n + b + a for n, b, a in zip(lengths, self.before, self.after, strict=True)]
        return tuple(
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(reach, self.size, self.stride, self.dilation, strict=True)
        )

    def widths(self, lengths: Sequence[int]) -> list[int]:
        """The lengths of the input with its zeros."""
        return [n + b + a for n, b, a in zip(lengths, self.before, self.after, strict=True)]

    def inside(self, lengths: Sequence[int]) -> tuple[Any, ...]:
        """Where the input lies among its zeros."""
        return tuple(slice(b, b + n) for b, n in zip(self.before, lengths, strict=True))

    def places(self, counts: Sequence[int], start: int = 0) -> list[tuple[Any, ...]]:
        """For each element of a filter: where it falls as that moves, from place ``start`` on."""
        return _places(self, tuple(counts), start)


@functools.lru_cache(maxsize=1024)  # the same at every step of training
def _places(geo: Geometry, counts: tuple[int, ...], start: int) -> list[tuple[Any, ...]]:
    begin = (start, *(0 for _ in counts[1:]))
    return [
        tuple(
            slice(i * d + s * b, i * d + s * (b + n - 1) + 1, s) if n else slice(0, 0)
            for i, d, s, b, n in zip(at, geo.dilation, geo.stride, begin, counts, strict=True)
        )
        for at in itertools.product(*map(range, geo.size))
    ]


def per_axis(value: Any, axes: int, what: str, least: int = 1) -> tuple[int, ...]:
    """One number for each axis, from one number or as many."""
    numbers = (value,) * axes if isinstance(value, (int, np.integer)) else tuple(value)
    if len(numbers) != axes or any(int(n) != n or n < least for n in numbers):
        raise ValueError(
            f"{what} is a whole number of at least {least}, or {axes} of them; got {value!r}"
        )
    return tuple(int(n) for n in numbers)


def geometry(
    size: Sequence[int], stride: Any, padding: Padding, dilation: Any, groups: int = 1
) -> Geometry:
    """The numbers of a call, checked."""
    axes = len(size)
    stride, dilation = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    if padding == "same":
        if any(s != 1 for s in stride):
            raise ValueError(f"padding='same' keeps lengths only at stride 1, got stride {stride}")
        total = [d * (k - 1) for d, k in zip(dilation, size, strict=True)]
        before = tuple(t // 2 for t in total)
        after = tuple(t - b for t, b in zip(total, before, strict=True))
    elif isinstance(padding, str):
        if padding != "valid":
            raise ValueError(
                f"padding is a number, one for each axis, 'same' or 'valid', got {padding!r}"
            )
        before = after = (0,) * axes
    else:
        before = after = per_axis(padding, axes, "padding", least=0)
    return Geometry(tuple(size), stride, before, after, dilation, groups)
