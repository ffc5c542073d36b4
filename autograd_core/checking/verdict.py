"""Whether a gradient is the slope: yes, no, or not to be decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_core.checking.differences import EPS, Slopes
from autograd_core.checking.evaluation_point import Point

Array = np.ndarray[Any, Any]
#: From a cotangent vector to a gradient vector.
PullVector = Callable[[Array], Array]

#: Above so many outputs, combinations of them are compared, not each.
MANY_OUTPUTS = 512
#: Accusations that are looked at twice; where all of these hold, the others are believed.
LOOKED_AT = 16
OPEN_OUTPUTS = 8


#: What passes with an error bar of more than an eighth of this part of it gets a second opinion.
COARSE = 1e-3
COARSE_DIRECTIONS = 8


@dataclass(frozen=True)
class Wrong:
    """A gradient that is not the slope, for a cotangent ``u`` along a direction.

    ``kind`` is ``value``, ``nan``, ``kink`` (not finite at a kink) or ``inconclusive``.
    """

    kind: str
    u: Array
    direction: int
    analytic: float
    numeric: float
    bar: float


@dataclass(frozen=True)
class Tolerance:
    """What is allowed beyond eight error bars, and beyond the slopes nearby, by their range."""

    rtol: float = 1e-7
    atol: float = 0.0
    beyond: float = 0.0


def judge(
    point: Point,
    pull: PullVector,
    directions: Array | None,
    count: int,
    allowed: Tolerance,
    looked_at: int = LOOKED_AT,
) -> tuple[list[Wrong], int]:
    """Compare the gradients of ``count`` random cotangents with the slopes along directions.

    Outputs without a slope somewhere (a jump, a vertical tangent, the end of a domain) are compared
    one by one, so that they do not spoil the others.

    Returns
    -------
    list of Wrong, number of comparisons
    """
    still = ~np.isfinite(point.at)
    mix = point.cotangents(count) if point.y.size > MANY_OUTPUTS else None
    s = point.slopes(directions, mix)
    bad = s.open.any(axis=0)
    if mix is not None:
        rows = mix[~bad]
        weights = np.eye(count)[~bad]
    else:
        rows = point.cotangents(count)
        rows[:, bad] = 0.0
        weights = rows
        bad &= np.isfinite(point.center)

    def along(u: Array) -> Array:
        g = np.where(still, 0.0, pull(u))
        sizes.append(np.abs(g) if directions is None else np.abs(directions) @ np.abs(g))
        return g if directions is None else directions @ g

    sizes: list[Array] = []
    analytic = np.array([along(u) for u in rows]).reshape(len(rows), s.value.shape[0])
    summed = np.array(sizes).reshape(analytic.shape)
    summed = np.where(np.isfinite(summed), summed, 0.0)
    found = compare(s, weights, rows, analytic, allowed, summed)
    if mix is None:
        for j in np.flatnonzero(bad)[:OPEN_OUTPUTS]:
            u = np.eye(1, point.y.size, j)[0]
            a = along(u)
            found += compare(s, u[None], u[None], a[None], allowed)
            found += _beside_jumps(s, u, int(j), a)
    found = found or _second_opinion(point, s, weights, rows, analytic, directions)
    if directions is None:
        found = [w for w in found if not still[w.direction]]
    if found:
        found = _beyond_noise(point, along, found, directions)
    found.sort(key=lambda w: w.kind in ("inconclusive", "jump"))
    confirmed: list[Wrong] = []
    for n, wrong in enumerate(found):
        if n < looked_at:
            again = _second_look(point, wrong, directions, allowed)
            confirmed += [again] if again is not None else []
        elif len(confirmed) >= min(n, looked_at):
            confirmed.append(wrong)
    return confirmed, analytic.size


def _beyond_noise(
    point: Point, along: PullVector, found: list[Wrong], directions: Array | None
) -> list[Wrong]:
    """Those that are more than round-off of backward, seen by rounding the cotangent elsewhere.

    And the inputs: equal ones equally, so that ties stay ties.
    """
    away = 1.0 + 4 * EPS * np.cos(1e6 * np.where(np.isfinite(point.at), point.at, 0.0))
    noise: dict[bytes, Array] = {}
    kept = []
    for w in found:
        key = w.u.tobytes()  # before backward, which may write to it
        if key not in noise:
            jitter = 1.0 + 4 * EPS * point.rng.uniform(-1.0, 1.0, (3, w.u.size))
            here = along(w.u.copy())
            noise[key] = np.max([np.abs(along(w.u * j) - here) for j in jitter], axis=0)
            nearby = point.gradient(point.at * away, w.u)
            if nearby is not None:
                nearby = nearby if directions is None else directions @ nearby
                noise[key] = np.fmax(noise[key], np.abs(nearby - here))
        if not abs(w.analytic - w.numeric) <= 16 * noise[key][w.direction]:
            kept.append(w)
    return kept


def compare(
    s: Slopes,
    weights: Array,
    rows: Array,
    analytic: Array,
    allowed: Tolerance,
    summed: Array | float = 0.0,
) -> list[Wrong]:
    """The entries of ``analytic``, shape ``(k, n)``, that are not ``weights @ slopes``.

    ``summed`` is the size of the terms of which each was made, where it is a sum.
    """
    with np.errstate(all="ignore"):
        open_ = s.open
        value, bar = np.where(open_, 0.0, s.value), np.where(open_, 0.0, s.bar)
        kink: Array = s.kink & ~open_
        lowest, highest = np.where(kink, s.low, value), np.where(kink, s.high, value)
        up, down = np.maximum(weights, 0.0), np.minimum(weights, 0.0)
        numeric, width = weights @ value.T, np.abs(weights) @ bar.T
        low, high = up @ lowest.T + down @ highest.T, up @ highest.T + down @ lowest.T
        column = np.abs(numeric).max(axis=1, keepdims=True, initial=0.0)
        largest = np.fmax(np.abs(np.where(np.isfinite(analytic), analytic, 0.0)), np.abs(numeric))
        # what is lost in sums with numbers of size 1 inside the function, and leaves no trace
        unseen = 2 * EPS * np.abs(rows).sum(axis=1, keepdims=True)
        slack = 8 * width + allowed.rtol * largest + allowed.atol
        slack = slack + 1e-9 * np.fmax(column, summed) + unseen
        close = np.abs(analytic - numeric) <= slack
        close &= np.isfinite(analytic)
        close |= (analytic >= low - slack) & (analytic <= high + slack)
        decided = width <= 0.05 * largest
        # 0 times infinity: the cotangent is 0 on an output that has no slope along this direction
        kinked = np.any(kink, axis=1)
        excused = ~np.isfinite(analytic) & open_.any(axis=1)
        touched = (weights != 0) @ open_.T.astype(float) > 0
    return [
        Wrong(
            ("kink" if kinked[i] else "nan") if not np.isfinite(analytic[k, i])
            else "value" if decided[k, i] else "inconclusive",
            rows[k], int(i), float(analytic[k, i]), float(numeric[k, i]), float(width[k, i]),
        )
        for k, i in zip(*np.nonzero(~close & ~excused & ~touched), strict=True)
    ]  # fmt: skip


def _second_opinion(
    point: Point, s: Slopes, weights: Array, rows: Array, analytic: Array, directions: Array | None
) -> list[Wrong]:
    """What passes only because the differences are coarse, and what a complex step says of it.

    It may call them undecided, and no more: whether a function is written for complex numbers, as
    the step presumes, is not known.
    """
    with np.errstate(all="ignore"):
        value, bar = np.where(s.open, 0.0, s.value), np.where(s.open | s.kink, 0.0, s.bar)
        numeric, width = weights @ value.T, np.abs(weights) @ bar.T
        largest = np.fmax(np.abs(numeric), np.abs(analytic))
        column = np.abs(numeric).max(axis=1, keepdims=True, initial=0.0)
        coarse = (8 * width > COARSE * largest) & (8 * width > 1e-6 * column)
    found: list[Wrong] = []
    for i in np.flatnonzero(coarse.any(axis=0))[:COARSE_DIRECTIONS]:
        d = np.eye(1, point.x.size, int(i))[0] if directions is None else directions[i]
        exact = point.complex_slopes(d)
        if exact is None:
            break
        for k in np.flatnonzero(coarse[:, i]):
            a, n, e = float(analytic[k, i]), float(numeric[k, i]), float(rows[k] @ exact)
            slack = COARSE * max(abs(a), abs(e)) + 1e-6 * float(column[k, 0])
            if abs(e - n) <= 8 * width[k, i] and not abs(a - e) <= slack:
                found.append(Wrong("inconclusive", rows[k], int(i), a, e, float(width[k, i])))
    return found


def _beside_jumps(s: Slopes, u: Array, j: int, analytic: Array) -> list[Wrong]:
    """Where an output has no slope: infinite gradients are right, finite ones to be looked at."""
    wrongs = []
    for i in np.flatnonzero(s.steep[:, j]):
        a, low, high = float(analytic[i]), float(s.low[i, j]), float(s.high[i, j])
        if np.isnan(a):
            wrongs.append(Wrong("nan", u, int(i), a, high, np.inf))
        elif np.isfinite(a) and not low <= a <= high:
            wrongs.append(Wrong("jump", u, int(i), a, high, np.inf))
    return wrongs


def _second_look(
    point: Point, wrong: Wrong, directions: Array | None, allowed: Tolerance
) -> Wrong | None:
    """Before an accusation: finer ladders, then the slopes nearby."""
    d = (
        np.eye(1, point.x.size, wrong.direction)
        if directions is None
        else (directions[wrong.direction : wrong.direction + 1])
    )
    best, row = wrong, wrong.u[None]
    if np.isfinite(wrong.analytic):
        for passes, relative in (
            ((2.0**-12,), False),
            ((2.0**-20,), False),
            ((1.0, 2.0**-8), True),
        ):
            s = point.slopes(d, row, passes, relative)
            found = compare(s, np.ones((1, 1)), row, np.array([[wrong.analytic]]), allowed)
            exact = ~s.steep & (s.bar <= 1e-4 * np.abs(s.value))
            if not found and exact.all():
                return None
            if found and found[0].kind == "value" and found[0].bar < best.bar:
                best = replace(found[0], u=wrong.u, direction=wrong.direction)
    if np.isfinite(wrong.analytic):
        hull = point.hull(wrong.u, d[0], smooth=wrong.kind == "jump")
        if hull is not None:
            slack = 1e-6 * max(map(abs, hull)) + allowed.beyond * (hull[1] - hull[0])
            slack += best.bar if np.isfinite(best.bar) else 0.0
            if hull[0] - slack <= wrong.analytic <= hull[1] + slack:
                return None
    if best.kind == "jump" or (wrong.analytic == 0 and point.still(wrong.u, d[0])):
        return replace(best, kind="inconclusive")  # a step function, or a coarse one
    return best
