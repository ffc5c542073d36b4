"""What is checked: calls of every function that has a rule.

A case is a function of arrays and the arrays.  A rule that no case reaches fails
``test_every_rule_has_a_case``, so a new rule comes with a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """``f(*args)``: floating-point arguments are differentiated by."""

    id: str
    f: Callable[..., Any]
    args: tuple[Any, ...]


_rng = np.random.default_rng(20)


def draw(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray[Any, Any]:
    """Distinct numbers, none near a kink at 0 or at an integer, in random order."""
    n = int(np.prod(shape))
    a = np.linspace(low, high, n + 2)[1:-1] + 0.0371
    return _rng.permutation(a).reshape(shape)


CASES: list[Case] = []


def add(id: str, f: Callable[..., Any], *args: Any) -> None:
    CASES.append(Case(id, f, args))
