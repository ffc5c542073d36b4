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

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """``f(*args)``: floating-point arguments are differentiated by."""

    id: str
    f: Callable[..., Any]
    args: tuple[Any, ...]

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
    """Add a case."""
    CASES.append(Case(id, f, args))
