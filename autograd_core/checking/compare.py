"""The gradients of one subject at one point, compared with slopes; what is wrong is located."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autograd_core.checking.differences import EPS
from autograd_core.checking.directions import random_directions, tie_directions, tied_groups
from autograd_core.checking.evaluation_point import Point, size_of
from autograd_core.checking.report import Finding
from autograd_core.checking.target import Subject
from autograd_core.checking.verdict import LOOKED_AT, Tolerance, Wrong, judge

Array = np.ndarray[Any, Any]

#: Random directions, where there are too many elements for one each; fewer at second order.
PROJECTIONS = {1: 6, 2: 2}

#: A gradient above this is looked at for whether it has any meaning.
HUGE = 1e12


class BadGradient(Exception):
    """Backward returned something that is not a gradient; carries the kind and the words."""

    def __init__(self, kind: str, input: int | None, message: str) -> None:
        super().__init__(message)
        self.kind, self.input, self.message = kind, input, message


@dataclass
class Examination:
    """What came out: findings, and what they were drawn from."""

    point: Point
    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    wrongs: list[Wrong] = field(default_factory=list)
    pull: Any = None


def checked(
    gradients: Sequence[Any], xs: Sequence[Array], ignored: Container[int] = ()
) -> list[Array]:
    """Gradients as arrays, once their number and shapes are right; None and ignored ones are 0."""
    if len(gradients) != len(xs):
        raise BadGradient(
            "arity", None, f"backward returned {len(gradients)} gradients for {len(xs)} inputs"
        )
    arrays = []
    for i, (g, x) in enumerate(zip(gradients, xs, strict=True)):
        g = np.zeros_like(x) if g is None or i in ignored else np.asarray(g)
        if g.dtype.kind not in "fciub":
            raise BadGradient("type", i, f"the gradient is of type {type(g).__name__}")
        if g.shape != x.shape:
            raise BadGradient("shape", i, f"the gradient has shape {g.shape}, expected {x.shape}")
        arrays.append(g)
    return arrays


def call_back(
    pull: Any, cotangents: list[Array], xs: Sequence[Array], ignored: Container[int] = ()
) -> list[Array]:
    """Run a pullback; what it raises is a finding."""
    try:
        with np.errstate(all="ignore"):
            found = pull(cotangents)
    except Exception as error:
        raise BadGradient(
            "raises", None, f"backward raised {type(error).__name__}: {error}"
        ) from error
    return checked(found, xs, ignored)


def examine(
    subject: Subject,
    xs: Sequence[Array],
    rng: np.random.Generator,
    allowed: Tolerance,
    *,
    max_elems: int,
    cotangents: int = 3,
    order: int = 1,
    coarse: float = 0.0,
) -> Examination:
    """Every entry of the gradients of a few random cotangents, and tie-consistent directions.

    Above ``max_elems`` elements, random directions; a wrong one is bisected to the element.
    ``coarse`` is the relative noise of the values, as it was found at another point.
    """
    point = Point(subject, xs, rng, coarse)
    result = Examination(point)
    values, pull = subject.pullback(point.x.split(point.at.copy()))
    scale = size_of(point.center).max(initial=0.0)
    if [np.shape(v) for v in values] != point.shapes or not np.allclose(
        point.y.join(values), point.center, rtol=1e-9, equal_nan=True,
        atol=1e-9 * scale + float(point.floor.max(initial=0.0)),
    ):  # fmt: skip
        result.findings.append(
            Finding(
                "forward", order, None, message="the recorded value is not the plain function's"
            )
        )
        return result

    ignored: set[int] = set()  # inputs whose gradients have no shape to be compared in

    def pull_vector(u: Array) -> Array:
        while True:
            try:
                return point.x.join(call_back(pull, point.y.split(u.copy()), xs, ignored))
            except BadGradient as bad:
                if bad.kind != "shape" or bad.input is None:
                    raise
                ignored.add(bad.input)
                result.findings.append(Finding("shape", order, bad.input, message=bad.message))

    result.pull = pull_vector
    try:
        if not point.x.size or not point.y.size:
            pull_vector(np.zeros(point.y.size))
            return result
        whole = point.x.size <= max_elems
        directions = None if whole else random_directions(point, PROJECTIONS[order])
        look = LOOKED_AT if whole else 2
        wrongs, result.entries = heard(point, pull_vector, directions, cotangents, allowed, look)
        if ignored:
            wrongs = [
                w for w in wrongs if whole and point.x.place(w.direction).array not in ignored
            ]
        elif not whole:
            wrongs = [_bisected(point, pull_vector, w, directions) for w in wrongs[:1]]
        ties = tie_directions(point) if whole else tied_groups(point)
        if not wrongs and not ignored and len(ties):
            tied, entries = heard(point, pull_vector, ties, 1, allowed, LOOKED_AT)
            result.entries += entries
            result.findings += [
                _along_ties(point, w, ties[w.direction], order) for w in tied if w.kind == "value"
            ]
    except BadGradient as bad:
        result.findings.append(Finding(bad.kind, order, bad.input, message=bad.message))
        return result
    result.wrongs = wrongs
    result.findings += summarize(point, pull_vector, wrongs, order)
    return result


def heard(
    point: Point, pull: Any, directions: Array | None, count: int, allowed: Tolerance, look: int
) -> tuple[list[Wrong], int]:
    """:func:`judge`; a second time, if there is an accusation and the values have a grain."""
    wrongs, entries = judge(point, pull, directions, count, allowed, look)
    if wrongs and point.listen():
        wrongs, entries = judge(point, pull, directions, count, allowed, look)
    return wrongs, entries


def singular(found: Examination) -> bool:
    """Whether a wrong gradient is huge, and another one a few units in the last place away.

    That is a point at which the function has no derivative, a singular matrix, and not a bug.
    """
    point = found.point
    huge = next((w for w in found.wrongs if np.abs(w.analytic) > HUGE), None)
    if huge is None:
        return False
    jitter = 1.0 + 4 * EPS * point.rng.choice([-1.0, 1.0], point.at.shape)
    here, near = point.gradient(point.at, huge.u), point.gradient(point.at * jitter, huge.u)
    if here is None or near is None:
        return True
    return not np.allclose(here, near, rtol=1e-2, atol=1e-2 * size_of(here).max(), equal_nan=True)


def _bisected(point: Point, pull: Any, wrong: Wrong, directions: Any) -> Wrong:
    """Halve the support of a wrong direction until it is one element."""
    g = np.where(np.isfinite(point.at), pull(wrong.u), 0.0)
    support = np.flatnonzero(directions[wrong.direction])
    signs = directions[wrong.direction]
    while len(support) > 1:
        first, second = np.array_split(support, 2)
        d = np.zeros((1, point.x.size))
        d[0, first] = signs[first]
        s = point.slopes(d, wrong.u[None], (2.0**-6,))
        off = abs(float(s.value[0, 0]) - float(g @ d[0]))
        noise = 8 * float(s.bar[0, 0]) + 1e-9 * float(np.abs(g[first]).sum())
        support = first if off > noise else second
    i = int(support[0])
    s = point.slopes(np.eye(1, point.x.size, i), wrong.u[None])
    numeric, bar = float(s.value[0, 0]), float(s.bar[0, 0])
    if abs(g[i] - numeric) > 8 * bar:
        return Wrong(wrong.kind, wrong.u, i, float(g[i]), numeric, bar)
    return replace(wrong, direction=i)  # too small in each element to be seen


def _along_ties(point: Point, wrong: Wrong, direction: Array, order: int) -> Finding:
    place = point.x.place(int(np.flatnonzero(direction)[0]))
    return Finding(
        "ties", order, place.array,
        analytic=wrong.analytic, numeric=wrong.numeric, bar=wrong.bar,
        count=int(direction.sum()),
        message=f"along {int(direction.sum())} elements moved together",
    )  # fmt: skip


def summarize(point: Point, pull: Any, wrongs: list[Wrong], order: int) -> list[Finding]:
    """One finding for each kind and each input: its worst entry, and how many there are."""
    groups: dict[tuple[str, int], list[Wrong]] = {}
    for w in wrongs:
        groups.setdefault((w.kind, point.x.place(w.direction).array), []).append(w)
    findings = []
    for (kind, array), members in groups.items():
        worst = max(
            members,
            key=lambda w: abs(w.analytic - w.numeric) if np.isfinite(w.analytic) else np.inf,
        )
        place = point.x.place(worst.direction)
        output, analytic, numeric, bar = _output(point, pull, worst)
        findings.append(
            Finding(
                "nan" if kind == "kink" else kind,
                order,
                array,
                place.element,
                place.part,
                output,
                analytic,
                numeric,
                bar,
                count=len({m.direction for m in members}),
                size=int(np.prod(point.x.shapes[array])),
                severity="warning" if kind == "kink" else "",
                message="at a kink, where every slope between the sides would do"
                if kind == "kink"
                else "",
            )
        )
    return findings


def _output(point: Point, pull: Any, wrong: Wrong) -> tuple[Any, float, float, float]:
    """Which output's derivative is wrong, if one alone is."""
    whole: tuple[Any, float, float, float] = (None, wrong.analytic, wrong.numeric, wrong.bar)
    used = np.flatnonzero(wrong.u)
    if len(used) > 64 or not np.isfinite(wrong.analytic):
        return whole
    s = point.slopes(np.eye(1, point.x.size, wrong.direction))
    best, worst = whole, 0.0
    for j in used:
        try:
            a = float(pull(np.eye(1, point.y.size, int(j))[0])[wrong.direction])
        except BadGradient:  # not for a cotangent with zeros
            return whole
        n, bar = float(s.value[0, j]), float(s.bar[0, j])
        gap = abs(a - n)
        if gap > max(worst, 8 * bar + 1e-7 * max(abs(a), abs(n))):
            place = point.y.place(int(j))
            best, worst = (place, a, n, bar), gap
    return best
