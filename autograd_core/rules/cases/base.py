"""Cases: calls of every function that has a rule, by which the rules are checked.

A case is a function of arrays, and the arrays.  A rule that no case reaches fails
``test_every_rule_has_a_case``, so a new rule comes with a case in this folder.  Domains and kinks of
elementary functions are in the two tables at the top.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Interval = tuple[float, float]

INF = float("inf")
ALL: Interval = (-INF, INF)
POSITIVE: Interval = (0.0, INF)
UNIT: Interval = (-1.0, 1.0)

#: For each function, the interval of each input in which the value is a real number.
DOMAINS: dict[Callable[..., Any], tuple[Interval, ...]] = {
    np.sqrt: (POSITIVE,),
    np.log: (POSITIVE,),
    np.log2: (POSITIVE,),
    np.log10: (POSITIVE,),
    np.log1p: ((-1.0, INF),),
    np.arcsin: (UNIT,),
    np.arccos: (UNIT,),
    np.arctanh: (UNIT,),
    np.arccosh: ((1.0, INF),),
    np.power: (POSITIVE, ALL),
    np.float_power: (POSITIVE, ALL),
}

_ONE = np.array([1.0])
_ZERO = np.array([0.0])

#: For each function, arguments at which the slopes of the two sides differ.
KINKS: dict[Callable[..., Any], tuple[tuple[Any, ...], ...]] = {
    np.absolute: ((_ZERO,),),
    np.fabs: ((_ZERO,),),
    np.maximum: ((_ONE, _ONE),),
    np.minimum: ((_ONE, _ONE),),
    np.fmax: ((_ONE, _ONE),),
    np.fmin: ((_ONE, _ONE),),
    np.hypot: ((_ZERO, _ZERO),),
    np.max: ((np.array([3.0, 1.0, 3.0, 3.0]),),),
    np.min: ((np.array([1.0, 3.0, 1.0]),),),
    np.sort: ((np.array([2.0, 1.0, 2.0]),),),
}


@dataclass(frozen=True)
class Case:
    """A call ``f(*args)``, which is differentiated by its floating-point arguments.

    Attributes
    ----------
    id
        The function, and what distinguishes the call.
    f, args
        The call; :meth:`sample` gives other arguments like these.
    domain
        For each input, the interval in which the value is a real number; empty if there is no limit.
    kinks
        Arguments at which the slopes of the two sides differ: the gradient is one between them.
    order
        How many times the function is differentiated.
    """

    id: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    domain: tuple[Interval, ...] = ()
    kinks: tuple[tuple[Any, ...], ...] = ()
    order: int = 2

    def sample(self, seed: int = 0) -> tuple[Any, ...]:
        """Return the arguments; with a seed other than 0, the floating-point ones scaled a little.

        Every array is scaled as a whole, by 0.97 to 1.03, so that symmetric, sorted or equal elements
        remain so.
        """
        if not seed:
            return self.args
        rng = np.random.default_rng([seed, zlib.crc32(self.id.encode())])
        return tuple(
            np.asarray(a * rng.uniform(0.97, 1.03), np.asarray(a).dtype)
            if np.asarray(a).dtype.kind in "fc"
            else a
            for a in self.args
        )


_rng = np.random.default_rng(20)


def draw(*shape: int, low: float = -2.0, high: float = 2.0) -> Array:
    """Return distinct numbers, none near a kink at 0 or at an integer, in random order."""
    n = int(np.prod(shape))
    a = np.linspace(low, high, n + 2)[1:-1] + 0.0371
    return _rng.permutation(a).reshape(shape)


CASES: list[Case] = []


def add(id: str, f: Callable[..., Any], *args: Any) -> None:
    """Add a case; elementary functions have their domain and kinks from the tables."""
    if any(np.asarray(a).dtype.kind == "c" for a in args):
        CASES.append(Case(id, f, args))
    else:
        CASES.append(Case(id, f, args, DOMAINS.get(f, ()), KINKS.get(f, ())))


def add_each(
    module: Any, names: str, *args: Any, before: str = "", after: str = "", **options: Any
) -> None:
    """Add a case for each function of a module: the call with these arguments and options.

    The id is the function's name with the words before and after it.
    """
    for name in names.split():
        f = getattr(module, name)
        add(before + name + after, functools.partial(f, **options) if options else f, *args)
