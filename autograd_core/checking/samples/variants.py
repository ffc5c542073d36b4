"""Variants of the user's sample, which reveal mistakes that an ordinary array hides.

Layouts and read-only arrays have the same values, so their gradients are compared with the
sample's.  Other values and shapes are other points and are compared with slopes there; those that
the function does not accept are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Variant:
    """A change to the sample, and the inputs after it.

    Attributes
    ----------
    name
        The change, in words.
    xs
        The inputs to differentiate by.
    fixed
        The other arguments that change too, by their positions.
    meant
        When a function that accepts them is meant to: ``""``, always; ``"broadcast"``, if it works
        element by element; ``"part"``, also if its value is a part of the sample's; ``"stack"``,
        also if its value is the values of two samples; ``"number"``, also if it returns a number.
    """

    name: str
    xs: list[Array]
    fixed: dict[int, Array] = field(default_factory=dict)
    meant: str = ""


# -- the same values in another layout ------------------------------------------------------------


def _strided(a: Array) -> Array:
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    return wide[..., ::2]


def _reversed(a: Array) -> Array:
    back = (slice(None, None, -1),) * a.ndim
    return np.ascontiguousarray(a[back])[back]


def layouts(xs: Sequence[Array]) -> Iterator[Variant]:
    """Yield the sample in Fortran order, as a strided part of a wider array, and reversed."""
    for name, change in (
        ("with Fortran-ordered inputs", np.asfortranarray),
        ("with strided inputs", _strided),
        ("with inputs of negative strides", _reversed),
    ):
        yield Variant(f"only {name}", [change(x) if x.ndim and x.size else x.copy() for x in xs])


def read_only(xs: Sequence[Array]) -> list[Array]:
    """Return read-only copies."""
    copies = [np.array(x) for x in xs]
    for x in copies:
        x.flags.writeable = False
    return copies


# -- other values ----------------------------------------------------------------------------------


def values(xs: Sequence[Array]) -> Iterator[Variant]:
    """Yield samples with zeros, ties, other signs and sizes, constants and equal inputs."""

    def each(name: str, change: Any) -> Variant:
        return Variant(f"only with {name}", [change(np.array(x)) if x.size else x for x in xs])

    def zeros(a: Array) -> Array:
        a.reshape(-1)[:: max(2, a.size // 2)] = 0.0
        return a

    def ties(a: Array) -> Array:
        flat = a.reshape(-1)
        flat[1::2] = flat[: -1 if a.size % 2 else None : 2][: len(flat[1::2])]
        return a

    def moved(a: Array) -> Array:
        """Return other numbers in place of zeros, of which all changes below are zeros again."""
        others = (0.3 + 0.6 * (np.arange(a.size) * 0.618 % 1)).reshape(a.shape)
        return a if a.any() else others.astype(a.dtype)

    if not all(x.any() for x in xs if x.size):
        yield each("other inputs than zeros", moved)
    if any(x.size > 1 for x in xs):
        yield each("equal elements", ties)
        yield each("constant inputs", lambda a: np.full_like(a, a.reshape(-1)[0]))
    yield each("zeros among the inputs", zeros)
    yield each("negated inputs", np.negative)
    yield each("large inputs", lambda a: a * 40.0)
    yield each("very large inputs", lambda a: a * 1000.0)
    if any(x.ndim > 1 for x in xs):
        yield each(
            "a row of zeros", lambda a: np.concatenate([0 * a[:1], a[1:]]) if a.ndim > 1 else a
        )
    if len(xs) > 1:
        for i, x in enumerate(xs):
            if x.size:
                yield Variant(f"only with zeros in input {i}", _with(xs, i, zeros(np.array(x))))
                yield Variant(f"only with input {i} negated", _with(xs, i, -x))
        if len({(x.shape, x.dtype) for x in xs}) == 1:
            yield Variant("only with equal inputs", [np.array(xs[0]) for _ in xs])


# -- other shapes ----------------------------------------------------------------------------------


def shapes(xs: Sequence[Array], fixed: Mapping[int, Array]) -> Iterator[Variant]:
    """Yield samples with other axes; axes of the same length are changed together.

    Longer and shorter axes, axes of length 1 and 0, more and fewer axes, and single numbers.
    ``fixed`` holds arguments of integers and booleans, whose axes change with those of ``xs``.
    """

    def resized(n: int, m: int) -> Variant:
        others = {i: _cycled(a, n, m) for i, a in fixed.items() if n in a.shape}
        return Variant(
            f"only with axes of length {m} for {n}", [_resized(x, n, m) for x in xs], others
        )

    lengths = sorted({n for x in xs for n in x.shape if n > 0})
    for n in lengths:
        for m in sorted({1, 2, 3, n - 1, n + 1, 9} - {n, 0}) if n > 1 else (3,):
            yield resized(n, m)
    for i, x in enumerate(xs):
        for axis, n in enumerate(x.shape):
            if n > 1:
                name = f"only with axis {axis} of input {i} of length 1"
                one = np.take(x, [0], axis)
                yield Variant(name, _with(xs, i, one), meant="broadcast")
        if x.ndim and x.size and len(xs) > 1:
            for name, part, meant in (
                ("without the leading axis of", x[0], "part"),
                ("with a number for", x.reshape(-1)[0], "broadcast"),
            ):
                changed = _with(xs, i, np.array(part))
                yield Variant(f"only {name} input {i}", changed, meant=meant)
    for i, x in enumerate(xs):
        if len(xs) > 1 and x.size:
            name = f"only with one more leading axis of input {i}"
            yield Variant(name, _with(xs, i, np.stack([x, 0.8 * x])), meant="stack")
    if all(x.ndim and x.size for x in xs):
        yield Variant("only without leading axes", [np.array(x[0]) for x in xs], meant="part")
        stacked = [np.stack([x, 0.8 * x]) for x in xs]
        yield Variant("only with one more leading axis", stacked, meant="stack")
        if any(x.ndim > 1 for x in xs):
            numbers = [np.array(x.reshape(-1)[0]) for x in xs]
            yield Variant("only with numbers", numbers, meant="number")
    for n in lengths:
        if n > 1:
            yield resized(n, 0)


def integers(args: Sequence[Any], xs: Sequence[Array]) -> Iterator[tuple[str, list[Any]]]:
    """Yield arguments with other indices: all equal, reversed, and counted from the end."""
    for i, a in enumerate(args):
        a = np.asarray(a)
        if a.dtype.kind not in "iu" or not a.size:
            continue
        for name, b in (
            ("all equal", np.full_like(a, a.reshape(-1)[0])),
            ("in reverse", a.reshape(-1)[::-1].reshape(a.shape)),
            ("counted from the end", _from_the_end(a, xs)),
        ):
            if a.dtype.kind == "i" and not np.array_equal(a, b):
                changed = _with(args, i, b if a.ndim else b[()])
                yield f"only with the indices of input {i} {name}", changed


def _from_the_end(a: Array, xs: Sequence[Array]) -> Array:
    """Return indices into the first axis, or the number of an axis, as negative ones."""
    x = max(xs, key=lambda x: x.ndim)
    length = x.ndim if not a.ndim else x.shape[0] if x.ndim else 0
    return a - length if (a >= 0).all() and (a < length).all() else a


def _with(xs: Sequence[Any], i: int, x: Any) -> list[Any]:
    """Return the list with element ``i`` replaced."""
    return [*xs[:i], x, *xs[i + 1 :]]


def _resized(x: Array, n: int, m: int) -> Array:
    """Return ``x`` with every axis of length n cut or lengthened to m.

    The new values are a little smaller, irregularly by the golden ratio: longer matrices must not
    be singular.
    """
    for axis, length in enumerate(x.shape):
        if length == n:
            if m <= n:
                x = np.take(x, range(m), axis)
            else:
                more = np.take(np.flip(x), np.arange(n, m) % n, axis)
                shrink = 0.55 + 0.4 * (np.arange(more.size) * 0.6180339887 % 1.0)
                x = np.concatenate([x, shrink.reshape(more.shape) * more], axis)
    return np.array(x)


def _cycled(a: Array, n: int, m: int) -> Array:
    """Return integers or booleans with every axis of length n cut, or repeated, to m."""
    for axis, length in enumerate(a.shape):
        if length == n:
            a = np.take(a, np.arange(m) % max(n, 1), axis)
    return a
