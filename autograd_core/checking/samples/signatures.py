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


#: An axis: a number, or a name with a factor before it, which may be left out if ``?`` follows.
_AXIS = re.compile(r"(?:(\d+)|(\d*)([A-Za-z_]\w*)(\??))\Z")


def parse(signature: str) -> list[list[str]]:
    """Return the names of the core axes of each input.

    A name may be a number (a fixed length), have a factor (``4h``), or end in ``?`` (an axis that
    may be left out); ``...`` comes first and stands for any leading axes, which broadcast.

    Examples
    --------
    >>> parse("(...,n,k),(k,4h)->(...,n,4h)")
    [['...', 'n', 'k'], ['k', '4h']]
    """
    left = signature.replace(" ", "").partition("->")[0]
    groups = re.findall(r"\(([^()]*)\)", left)
    found = [[name for name in g.split(",") if name] for g in groups]
    sound = all(
        _AXIS.match(name) or (name == "..." and not k) for g in found for k, name in enumerate(g)
    )
    if not groups or ",".join(f"({g})" for g in groups) != left or not sound:
        raise ValueError(
            f"signature {signature!r} is not in NumPy's generalised-ufunc syntax; expected "
            "something like '(n,k),(k,m)->(n,m)', with () for a number, 4h for a multiple, n? for "
            "an axis that may be left out, and ... for leading axes"
        )
    return found


def core_axes(group: Sequence[str]) -> int:
    """Return the number of axes of an input, without leading ones."""
    return sum(name != "..." for name in group)


def sample_shapes(
    signature: str,
    rng: np.random.Generator,
    count: int,
    batched: Sequence[bool] = (),
) -> Iterator[list[tuple[int, ...]]]:
    """Yield legal shapes with lengths 1 to 5.

    There are ``count`` for each choice of the optional axes; the first ones are ordinary.  Every
    second has leading axes: those of inputs that say ``...``, or have no core axes, broadcast;
    ``batched`` tells which others have them, all the same.

    Examples
    --------
    >>> import numpy as np
    >>> [a, b] = next(sample_shapes("(n,k),(k)->(n)", np.random.default_rng(0), 1))
    >>> a[-1] == b[-1]
    True
    """
    groups = parse(signature)
    axes = [[m for name in g if (m := _AXIS.match(name))] for g in groups]
    broadcast = ["..." in g for g in groups]
    if any(batched) and not any(g for g in groups if g != ["..."]):
        broadcast = [True] * len(groups)
    names = sorted({m[3] for g in axes for m in g if m[3]})
    optional = sorted({m[3] for g in axes for m in g if m[4]})
    choices = [
        {name for name, left in zip(optional, bits, strict=True) if left}
        for bits in itertools.product((False, True), repeat=len(optional))
    ]
    for n, left_out in itertools.product(range(count), choices):
        sizes = dict(zip(names, rng.choice(SIZES, len(names)).tolist(), strict=True))
        if n == 0:
            sizes = dict(zip(names, (2 + np.arange(len(names)) % 4).tolist(), strict=True))
        elif n == 2:
            sizes = dict.fromkeys(names, 1)
        shapes = []
        for i, group in enumerate(axes):
            core = [
                int(m[1]) if m[1] else int(m[2] or 1) * sizes[m[3]]
                for m in group
                if m[3] not in left_out
            ]
            own: tuple[int, ...] = ()
            if n % 2 and broadcast[i]:
                own = _leading(n // 2, i, len(groups), rng)
            elif n % 2 and any(batched[i : i + 1]):
                own = (2, 3)[: 1 + n // 2 % 2]
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
        shapes = next(sample_shapes(shapes, rng, 1))
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
