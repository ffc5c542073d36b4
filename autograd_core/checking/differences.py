"""Derivatives by extrapolated differences, each with an error bound.

Central differences at h, h/4, h/16, ... are extrapolated to h = 0 by Neville's scheme in h^2
(C. Ridders, *Accurate computation of F'(x) and F'(x) F''(x)*, Advances in Engineering Software 4,
1982).  The entry of the tableau that changed least is the estimate.  How much it changed, with the
round-off of the function's values and the noise of the finest differences, is its error bound,
which therefore never collapses by chance.  The one-sided slopes are kept as well: they distinguish
kinks, jumps and the edge of a domain from smooth points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.checking.coordinates import EPS

Array = np.ndarray[Any, Any]

LEVELS = 5
FACTOR = 4.0
PASSES = (1.0, 2.0**-6, 2.0**-12)


@dataclass
class Slopes:
    """Derivatives along ``n`` directions of ``m`` outputs; every array has shape ``(n, m)``.

    Attributes
    ----------
    value, error_bound
        The estimate and how far it may be off; nan and infinity where there is none.
    low, high
        The smaller and the larger of the one-sided slopes at the smallest step.
    kink
        Whether the one-sided slopes do not converge as the step shrinks.
    steep
        Whether a slope grows as the step shrinks: a jump, or a vertical tangent.
    """

    value: Array
    error_bound: Array
    low: Array
    high: Array
    kink: Array
    steep: Array

    @property
    def undefined(self) -> Array:
        """Where there is no slope to compare with."""
        return np.asarray(self.steep | ~np.isfinite(self.value))

    def decided(self, center: Array) -> Array:
        """Return where the slopes are exact enough to decide: to 5 % of them, or as good as 0.

        At a jump, the slopes of its sides are.  Where some outputs are undecided along a direction,
        the slopes of 0 of others decide nothing about it.  ``center`` holds the values, ``(m,)``.
        """
        sure = self._sure(center) | (self.steep & np.isfinite(self.low) & np.isfinite(self.high))
        told = sure.all(axis=1) | (sure & (self.value != 0)).any(axis=1)
        return np.asarray(sure & told[:, None])

    def _sure(self, center: Array) -> Array:
        with np.errstate(all="ignore"):
            largest = np.abs(self.value).max(axis=0, initial=0.0, where=~self.undefined)
            scale = np.fmax(np.abs(self.value), 1e-2 * largest) * 0.05
            exact = self.error_bound <= scale + 1e-6 * np.abs(center) + 1e-9
        return np.asarray(~self.undefined & (self.kink | exact))

    def replace(self, where: Array, other: Slopes, rows: Array) -> None:
        """Take the slopes of another in some rows, where a condition holds."""
        for name, into in vars(self).items():
            into[rows] = np.where(where, getattr(other, name), into[rows])

    def decide(self, other: Slopes, center: Array, rows: Array) -> None:
        """Take the slopes of another in some rows, where it decides and these do not.

        None of 0, though: fine steps move no value of a coarse function.
        """
        better = ~self._sure(center)[rows] & other._sure(center) & (other.value != 0)
        self.replace(better, other, rows)


def first_step(x: Any, least: float = 1.0) -> Any:
    """Return a power of two near 1.6 % of ``x``, so that x + h and x - h are nearly exact."""
    return 2.0 ** np.round(np.log2(1.6e-2 * np.maximum(least, np.abs(x))))


def _neville(slopes: Array, error_floor: Array) -> tuple[Array, Array, Array]:
    """Extrapolate rows of central slopes to h = 0; return the estimate, its error, and its row."""
    previous: list[Array] = []
    best = np.full(slopes.shape[1:], np.nan)
    bound = np.full(slopes.shape[1:], np.inf)
    row_of = np.zeros(slopes.shape[1:], int)
    for level, slope in enumerate(slopes):
        row = [slope]
        for k in range(1, level + 1):
            weight = FACTOR ** (2 * k)
            row.append((weight * row[k - 1] - previous[k - 1]) / (weight - 1))
            error = np.maximum(np.abs(row[k] - row[k - 1]), np.abs(row[k] - previous[k - 1]))
            error = np.maximum(error, error_floor[level])
            better = error < bound
            best, bound = np.where(better, row[k], best), np.where(better, error, bound)
            row_of = np.where(better, level, row_of)
        previous = row
    return best, bound, row_of


def _one_pass(
    above: Array, below: Array, center: Array, steps: Array, floor: Array, coarse: Array
) -> Slopes:
    """Return slopes from values at x + h and x - h, ``(levels, n, m)``; steps ``(levels, n)``.

    ``coarse``, ``(n, m)``, is the least change that larger steps made on both sides, infinity at
    first.  Values that these steps change on neither side are known no better.
    """
    h = steps[..., None]
    size = np.abs(above) + np.abs(below) + np.abs(center)
    is_constant = (above == center) & (below == center)
    moved = np.fmax(np.abs(above - center), np.abs(below - center))
    quantum = np.min(np.where(moved > 0, moved, np.inf), axis=0)  # where only the nearest are equal
    quantum = np.where(np.isfinite(quantum), quantum, coarse)
    rest = 0.5 * EPS * np.abs(center)
    rest = np.where(floor > 1e3 * rest, floor, rest)  # also of what is computed in float32 inside
    plain = np.where(is_constant, rest, 4 * EPS * size + floor) / h
    roundoff = np.where(is_constant & np.isfinite(quantum), 0.5 * quantum / h, plain)
    right, left = (above - center) / h, (center - below) / h
    middle = (above - below) / (2 * h)
    value, bound, row = _neville(middle, 1.5 * roundoff)
    chosen = np.take_along_axis(np.broadcast_to(h, middle.shape), row[None], 0)[0]
    noise = np.abs(middle[-1] - middle[-2]) * h[-1] / chosen
    drift = np.abs(value - middle[-1]) - 8 * plain[-1] - noise * chosen / h[-1]
    bound = np.fmax(np.fmax(bound, noise), drift)
    low, high = np.fmin(left[-1], right[-1]), np.fmax(left[-1], right[-1])
    gaps = np.abs(right - left)
    rough = 64 * plain[-1]
    kink = gaps[-1] > np.fmax(np.fmax(0.25 * gaps[0], 1e-4 * np.abs(value)), rough)
    largest = np.fmax(np.abs(right), np.abs(left))
    gain, before = largest[-1] - largest[-2], largest[-2] - largest[-3]  # without the smooth part
    steep = (largest[-1] > 3 * largest[2]) | ((gain > 1.3 * before) & (gain > 0.3 * largest[-2]))
    steep &= largest[-1] > rough
    return Slopes(value, bound, low, high, kink, steep)


def slopes(
    move: Callable[[int, float], Array],
    center: Array,
    first: Array,
    floor: Array,
    passes: tuple[float, ...] = PASSES,
) -> Slopes:
    """Return the derivatives of a vector-valued function along several directions.

    Parameters
    ----------
    move
        ``move(i, t)``: the values, shape ``(m,)``, at distance ``t`` along direction ``i``.
    center
        The values at distance 0.
    first
        The largest step for each direction, shape ``(n,)``.
    floor
        Noise of the values beyond their round-off, shape ``(m,)``.
    passes
        The factors of the first steps of the step sequences, which are tried one after the other
        until all slopes have converged.

    Examples
    --------
    >>> import numpy as np
    >>> s = slopes(lambda i, t: np.exp([1.0 + t]), np.exp([1.0]), np.array([2.0**-6]), np.zeros(1))
    >>> bool(abs(s.value[0, 0] - np.e) < 1e-9), bool(s.kink[0, 0])
    (True, False)
    """
    best: Slopes | None = None
    todo = np.arange(len(first))
    coarse = np.full((len(first), len(center)), np.inf)
    with np.errstate(all="ignore"):
        for shrink in passes:
            steps = first[todo] * shrink * FACTOR ** -np.arange(LEVELS)[:, None]
            above, below = (
                np.array([list(map(move, todo.tolist(), row)) for row in sign * steps])
                for sign in (1.0, -1.0)
            )
            found = _one_pass(above, below, center, steps, floor, coarse[todo])
            both = np.fmin(np.abs(above - center), np.abs(below - center))
            least = np.min(both, axis=0, where=both > 0, initial=np.inf)
            coarse[todo] = np.minimum(coarse[todo], least)
            improved = np.ones(len(todo), bool)
            if best is None:
                best = found
            else:
                better = ~(best.error_bound[todo] <= found.error_bound)
                improved = np.asarray(better.any(axis=1))
                best.replace(better, found, todo)
            scale = np.abs(best.value).max(axis=1, initial=0.0, keepdims=True)
            size = np.fmax(np.fmax(np.abs(best.value), 1e-2 * scale), 1e-12)
            rough = ~(best.error_bound <= 2e-8 * size)
            again = (rough | best.kink)[todo].any(axis=1) & improved & np.isfinite(center).any()
            todo = todo[np.asarray(again)]
            if not len(todo):
                break
    assert best is not None
    return best
