"""Samples of a signature in NumPy's generalised-ufunc syntax, such as ``(n,k),(k,m)->(n,m)``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

SIZES = (1, 2, 3, 4, 5)
LARGEST = 1.8


def parse(signature: str) -> list[list[str]]:
    """Return the names of the core axes of each input.

    A name may be a number (a fixed length), or end in ``?`` (an axis that may be left out).

    Examples
    --------
    >>> parse("(n,k),(k,m)->(n,m)")
    [['n', 'k'], ['k', 'm']]
    """
    left = signature.replace(" ", "").partition("->")[0]
    groups = re.findall(r"\(([^()]*)\)", left)
    if not groups or ",".join(f"({g})" for g in groups) != left:
        raise ValueError(
            f"signature {signature!r} is not in NumPy's generalised-ufunc syntax; expected "
            "something like '(n,k),(k,m)->(n,m)', with () for a number"
        )
    return [[name for name in g.split(",") if name] for g in groups]


def sample_shapes(
    signature: str, rng: np.random.Generator, count: int, batch: bool = True
) -> Iterator[list[tuple[int, ...]]]:
    """Yield legal shapes with lengths 1 to 5, every second with broadcast leading axes.

    There are ``count`` for each choice of the optional axes; the first ones are ordinary.

    Examples
    --------
    >>> import numpy as np
    >>> [a, b] = next(sample_shapes("(n,k),(k)->(n)", np.random.default_rng(0), 1))
    >>> a[-1] == b[-1]
    True
    """
    groups = parse(signature)
    names = sorted({name.rstrip("?") for g in groups for name in g if not name.isdigit()})
    optional = sorted({name[:-1] for g in groups for name in g if name.endswith("?")})
    choices = [
        {name for name, left in zip(optional, bits, strict=True) if left}
        for bits in itertools.product((False, True), repeat=len(optional))
    ]
    for n, left_out in itertools.product(range(count), choices):
        sizes = dict(zip(names, rng.choice(SIZES, len(names)).tolist(), strict=True))
        if n == 0:
            sizes = dict(zip(names, (2 + np.arange(len(names)) % 4).tolist(), strict=True))
        shapes = []
        for i, group in enumerate(groups):
            core = [
                int(name) if name.isdigit() else sizes[name.rstrip("?")]
                for name in group
                if name.rstrip("?") not in left_out
            ]
            own = _leading(n // 2, i, len(groups), rng) if batch and n % 2 else ()
            shapes.append((*own, *core))
        yield shapes


def _leading(n: int, i: int, inputs: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Return broadcast leading axes: of the first input, of the last, of length 1, or any."""
    if n % 4 < 2:
        return (2,) if i == (0, inputs - 1)[n % 4] else ()
    whole = (3, 2)[: 1 + n % 4 // 3]
    keep = len(whole) if n % 4 == 2 else int(rng.integers(0, len(whole) + 1))
    one = i == n // 4 % inputs
    return tuple(1 if one else size for size in whole[len(whole) - keep :])


def fill(
    shapes: Sequence[tuple[int, ...]], like: Sequence[Array], rng: np.random.Generator
) -> list[Array]:
    """Return arrays of these shapes with distinct numbers like those of the user's sample.

    Each is drawn between two elements of the sample, so that it stays in the domain.
    """
    filled = []
    for shape, x in zip(shapes, like, strict=True):
        if x.dtype.kind not in "fc":
            filled.append(rng.choice(x.reshape(-1), shape) if x.size else np.zeros(shape, x.dtype))
            continue
        pool = x.reshape(-1) if x.size else np.ones(1, x.dtype)
        mix = rng.uniform(0.0, 0.3, shape)
        filled.append(
            np.asarray((1 - mix) * rng.choice(pool, shape) + mix * rng.choice(pool, shape))
        )
    return filled


def draw(
    shapes: str | Sequence[tuple[int, ...]],
    rng: np.random.Generator,
    low: float | None = None,
    high: float | None = None,
) -> list[Array]:
    """Return arrays of well separated numbers, for functions without a sample.

    They have both signs and sizes from 0.2 to 1.8, or are stretched to the given range.  A
    signature in place of the shapes means its first ones, without leading axes.
    """
    if isinstance(shapes, str):
        shapes = next(sample_shapes(shapes, rng, 1, batch=False))
    arrays = []
    for shape in shapes:
        size = int(np.prod(shape))
        grid = (np.arange(size) + rng.uniform(0.2, 0.8, size)) / max(size, 1)
        values = rng.permutation(0.2 + 1.6 * grid) * rng.choice([-1.0, 1.0], size)
        arrays.append(values.reshape(shape))
    if low is None and high is None:
        return arrays
    start, stop = -LARGEST if low is None else low, LARGEST if high is None else high
    return [start + (stop - start) * (a + LARGEST) / (2 * LARGEST) for a in arrays]
