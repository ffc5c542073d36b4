"""What is checked: calls of every function that has a rule.

A case is a function of arrays and the arrays.  A rule that no case reaches fails
``test_every_rule_has_a_case``, so a new rule comes with a line here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.rules.cases.domains import DOMAINS, KINKS

Array = np.ndarray[Any, Any]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Case:
    """``f(*args)``: floating-point arguments are differentiated by.

    Attributes
    ----------
    id
        The function, and what is particular about the call.
    f, args
        The call; :meth:`sample` gives other arguments like these.
    domain
        By input, the interval in which the value is a real number; empty where that is all.
    kinks
        Arguments at which the slopes of the two sides differ: the gradient is one between them.
    dtypes
        The kinds of numbers that it is differentiable for, as characters of ``np.dtype``.
    order
        How often.
    """

    id: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    domain: tuple[Interval, ...] = ()
    kinks: tuple[tuple[Any, ...], ...] = ()
    dtypes: str = "fd"
    order: int = 2

    def sample(self, seed: int = 0) -> tuple[Any, ...]:
        """The arguments; with another seed the floating-point ones a little off, in the same domain.

        Every array is scaled as a whole, by 0.97 to 1.03, so that what is symmetric, sorted or equal
        stays so.
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
    """Distinct numbers, none near a kink at 0 or at an integer, in random order."""
    n = int(np.prod(shape))
    a = np.linspace(low, high, n + 2)[1:-1] + 0.0371
    return _rng.permutation(a).reshape(shape)


CASES: list[Case] = []


def add(id: str, f: Callable[..., Any], *args: Any) -> None:
    """Add a case; the functions of :mod:`domains` have their domain and kinks from there."""
    complex_ = any(np.asarray(a).dtype.kind == "c" for a in args)
    dtypes = "FD" if complex_ else "fd"
    domain = () if complex_ else DOMAINS.get(f, ())
    kinks = () if complex_ else KINKS.get(f, ())
    CASES.append(Case(id, f, args, domain, kinks, dtypes))
