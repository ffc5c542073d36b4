"""The numeric core: one derivative by extrapolated central differences, with an error bar.

A ladder of central differences at h, h/4, h/16, ... is extrapolated to h = 0 by Neville's
scheme in h^2 (C. Ridders, *Accurate computation of F'(x) and F'(x) F''(x)*, Advances in
Engineering Software 4, 1982).  The entry of the tableau that changed least is the estimate, and
how much it changed, with the round-off of the function's values, is its error bar.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

EPS = 2.0**-52
LEVELS = 6
FACTOR = 4.0


@dataclass(frozen=True)
class Slope:
    """A derivative and how far it may be off.

    ``left`` and ``right`` are the one-sided slopes at the smallest step: where they disagree
    and the disagreement does not shrink, the function has a kink or a jump there.
    """

    value: float
    bar: float
    left: float
    right: float
    gap_shrinks: bool

    @property
    def smooth(self) -> bool:
        """Whether the one-sided slopes come together as the step shrinks."""
        return self.gap_shrinks

    def admits(self, analytic: float, column: float) -> bool:
        """Whether ``analytic`` is this derivative, or at a kink a slope between the two sides."""
        slack = 8 * self.bar + 1e-7 * max(abs(analytic), abs(self.value)) + 1e-9 * column
        if abs(analytic - self.value) <= slack:
            return True
        low, high = min(self.left, self.right), max(self.left, self.right)
        return not self.smooth and low - slack <= analytic <= high + slack


def first_step(x: float) -> float:
    """A power of two near 1.6 % of the point: x + h and x - h are then nearly exact."""
    return 2.0 ** round(math.log2(1.6e-2 * max(1.0, abs(x))))


def slope(f: Callable[[float], float], x: float, shrink: float = 1.0) -> Slope:
    """The derivative of ``f`` at ``x``.

    Parameters
    ----------
    f
        A real function of a real number.
    x
        The point.
    shrink
        Multiplies the largest step; smaller where the domain is narrow.

    Examples
    --------
    >>> import math
    >>> s = slope(math.exp, 1.0)
    >>> abs(s.value - math.e) < 1e-9, s.smooth
    (True, True)
    """
    center = f(x)
    h = first_step(x) * shrink
    tableau: list[list[float]] = []
    best, bar = math.nan, math.inf
    sides: list[tuple[float, float]] = []
    for _ in range(LEVELS):
        above, below = f(x + h), f(x - h)
        width = (x + h) - (x - h)
        roundoff = 4 * EPS * (abs(above) + abs(below) + abs(center)) / h + 0.5 * EPS * abs(center)
        row = [(above - below) / width]
        sides.append(((above - center) / h, (center - below) / h))
        for k in range(1, len(tableau) + 1):
            weight = FACTOR ** (2 * k)
            row.append((weight * row[k - 1] - tableau[-1][k - 1]) / (weight - 1))
            error = max(abs(row[k] - row[k - 1]), abs(row[k] - tableau[-1][k - 1]), 1.5 * roundoff)
            if error < bar:
                best, bar = row[k], error
        tableau.append(row)
        h /= FACTOR
    gaps = [abs(right - left) for right, left in sides]
    scale = max(abs(best), 1e-300)
    noise = 16 * EPS * (abs(center) + 1e-300) / (h * FACTOR)
    shrinks = not gaps[-1] > max(0.25 * gaps[0], 1e-4 * scale, 4 * noise)
    return Slope(best, bar, sides[-1][1], sides[-1][0], shrinks and math.isfinite(best))
