"""Whether the gradients of a target at one point are its slopes, and where they are not.

:func:`compare` runs backward for a few random cotangents, :func:`judge` decides for every entry:
equal to the slope, not equal, or undecided.  Mismatches are located and summarised as findings.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autograd_core.checking.coordinates import EPS, Coordinates, dot, length_of, size_of
from autograd_core.checking.differences import Slopes
from autograd_core.checking.evaluation_point import EvaluationPoint
from autograd_core.checking.report import Finding
from autograd_core.checking.target import Target

Array = np.ndarray[Any, Any]
#: From a cotangent vector to a gradient vector.
PullVector = Callable[[Array], Array]

#: The kinds of mismatches that confirm no others.
DOUBTFUL = ("inconclusive", "jump", "domain")

#: How many mismatches are reconsidered; if all of these are confirmed, the others are believed.
RECONSIDERED = 16
UNDEFINED_OUTPUTS = 8

#: The step sequences that are tried before a mismatch is reported, and where nothing is decided:
#: the factors of the first steps, and whether the steps are relative to the point.
FINER_SEQUENCES = (((2.0**-12,), False), ((2.0**-20,), False), ((1.0, 2.0**-8), True))

#: An entry that passes with an error bound above an eighth of this share of it is rechecked.
UNCERTAIN = 1e-3
UNCERTAIN_DIRECTIONS = 8

#: Random directions, where there are too many elements for one each; fewer at second order.
PROJECTIONS = {1: 3, 2: 2}

#: A gradient above this is examined for whether it has any meaning.
HUGE = 1e12


@dataclass(frozen=True)
class Mismatch:
    """A gradient that is not the slope, for a cotangent ``u`` along a direction.

    ``kind`` is ``value``, ``nan``, ``kink`` (not finite at a kink), ``jump``, ``inconclusive`` or
    ``domain`` (the function refuses what is a short way off, so the gradient may be a projection).
    """

    kind: str
    u: Array
    direction: int
    analytic: float
    numeric: float
    error_bound: float


@dataclass(frozen=True)
class Tolerance:
    """Tolerances beyond eight error bounds, and beyond the range of the slopes nearby."""

    rtol: float = 1e-7
    atol: float = 0.0
    beyond_range: float = 0.0


class BadGradient(Exception):
    """Backward returned something that is not a gradient; carries the kind and the message."""

    def __init__(self, kind: str, input: int | None, message: str) -> None:
        super().__init__(kind, input, message)  # what pickle calls the class with
        self.kind, self.input, self.message = kind, input, message

    def __str__(self) -> str:
        return self.message


@dataclass
class Comparison:
    """The result of comparing one target at one point: findings, and what they derive from."""

    point: EvaluationPoint
    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)
    pull: Any = None
    slopes: int = 0
    decided: int = 0


# -- calling backward -----------------------------------------------------------------------------


def call_back(
    pull: Any, cotangents: list[Array], xs: Sequence[Array], ignored: Container[int] = ()
) -> list[Array]:
    """Run a pullback and return its gradients as arrays; None and ignored ones become 0.

    Raises
    ------
    BadGradient
        If backward raises, or the number, the types or the shapes of the gradients are wrong.
    """
    try:
        with np.errstate(all="ignore"):
            gradients = pull(cotangents)
    except Exception as error:
        message = f"backward raised {type(error).__name__}: {error}"
        raise BadGradient("raises", None, message) from error
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


def compare(
    target: Target,
    xs: Sequence[Array],
    rng: np.random.Generator,
    allowed: Tolerance,
    *,
    max_elems: int,
    cotangents: int = 3,
    order: int = 1,
    noise_level: float = 0.0,
) -> Comparison:
    """Compare every entry of the gradients of a few random cotangents, and tied elements together.

    Above ``max_elems`` elements, random directions are taken, and a mismatch is bisected to its
    element.  ``noise_level`` is the relative noise of the values as found at another point.
    """
    point = EvaluationPoint(target, xs, rng, noise_level)
    result = Comparison(point)
    values, pull = target.pullback(point.x.split(point.at.copy()))
    atol = 1e-9 * size_of(point.center).max(initial=0.0) + point.floor.max(initial=0.0)
    if [np.shape(v) for v in values] != point.shapes or not np.allclose(
        point.y.join(values), point.center, rtol=1e-9, atol=atol, equal_nan=True
    ):
        message = "the recorded value is not the plain function's"
        result.findings.append(Finding("forward", order, None, message=message))
        return result

    ignored: set[int] = set()  # inputs whose gradients have another shape, so cannot be compared

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
        point.counts = (0, 0)
        whole = point.x.size <= max_elems
        directions = None if whole else point.random_directions(PROJECTIONS[order])
        reconsidered = RECONSIDERED if whole else 2
        mismatches, result.entries = judge_twice(
            point, pull_vector, directions, cotangents, allowed, reconsidered
        )
        result.decided, result.slopes = point.counts
        if ignored:
            mismatches = [
                m for m in mismatches if whole and point.x.place(m.direction).array not in ignored
            ]
        elif not whole:
            mismatches = [_bisected(point, pull_vector, m, directions) for m in mismatches[:1]]
        ties = point.tie_directions() if whole else point.tied_groups()
        if not mismatches and not ignored and len(ties):
            tied, entries = judge_twice(point, pull_vector, ties, 1, allowed, RECONSIDERED)
            result.entries += entries
            result.findings += [
                _along_ties(point, m, ties[m.direction], order) for m in tied if m.kind == "value"
            ]
    except BadGradient as bad:
        result.findings.append(Finding(bad.kind, order, bad.input, message=bad.message))
        return result
    result.mismatches = mismatches
    result.findings += summarize(point, pull_vector, mismatches, order)
    if not result.findings:
        result.pull = None  # it holds what backward keeps
    return result


# -- judging --------------------------------------------------------------------------------------


def judge_twice(point: EvaluationPoint, *options: Any) -> tuple[list[Mismatch], int]:
    """:func:`judge`, and again with their noise estimated if there is a mismatch."""
    mismatches, entries = judge(point, *options)
    if mismatches and point.estimate_noise():
        mismatches, entries = judge(point, *options)
    return mismatches, entries


def judge(
    point: EvaluationPoint,
    pull: PullVector,
    directions: Array | None,
    count: int,
    allowed: Tolerance,
    reconsidered: int,
) -> tuple[list[Mismatch], int]:
    """Compare the gradients of ``count`` random cotangents with the slopes along directions.

    Outputs without a slope somewhere (a jump, a vertical tangent, the end of a domain) and those
    whose values say little are compared one by one, so that they do not spoil the others.

    Returns
    -------
    list of Mismatch, number of comparisons
    """
    fixed = ~np.isfinite(point.at)
    s = point.slopes(directions)
    for passes, relative in FINER_SEQUENCES:
        decided = s.decided(point.center)
        if (unsure := np.flatnonzero(~decided.all(axis=1))).size:
            again = np.eye(point.x.size)[unsure] if directions is None else directions[unsure]
            s.decide(point.slopes(again, None, passes, relative), point.center, unsure)
    decided = s.decided(point.center)
    point.counts = (int(decided.sum()), decided.size)
    coarse = point.floor > 0.05 * size_of(point.center).max(initial=0.0)
    bad = s.undefined.any(axis=0) | coarse
    rows = point.cotangents(count)
    rows[:, bad] = 0.0
    bad &= np.isfinite(point.center)

    def along(u: Array) -> Array:
        g = pull(u)
        g[fixed] = 0.0
        sizes.append(np.abs(g) if directions is None else dot(directions, g, absolute=True))
        return g if directions is None else dot(directions, g)

    sizes: list[Array] = []
    analytic = np.array([along(u) for u in rows]).reshape(len(rows), s.value.shape[0])
    summed = np.array(sizes).reshape(analytic.shape)
    summed = np.where(np.isfinite(summed), summed, 0.0)
    found = find_mismatches(s, rows, analytic, allowed, summed)
    for j in np.flatnonzero(bad)[:UNDEFINED_OUTPUTS].tolist():
        u = np.eye(1, point.y.size, j)[0]
        a = along(u)
        found += find_mismatches(s, u[None], a[None], allowed)
        found += _at_jumps(s, u, j, a)
    found = found or complex_step_mismatches(point, s, rows, analytic, directions)
    if directions is None:
        found = [m for m in found if not fixed[m.direction]]
    if found:
        found = _beyond_roundoff(point, along, found, directions)
    found.sort(key=lambda m: m.kind in DOUBTFUL)
    confirmed: list[Mismatch] = []
    for n, mismatch in enumerate(found):
        if any(m.kind not in DOUBTFUL for m in confirmed):
            confirmed.append(mismatch)  # one that is certain is enough
        elif n < reconsidered:
            certain = reconsider(point, mismatch, directions, allowed)
            confirmed += [certain] if certain is not None else []
        elif len(confirmed) >= min(n, reconsidered):
            confirmed.append(mismatch)
    return confirmed, analytic.size


def find_mismatches(
    s: Slopes,
    rows: Array,
    analytic: Array,
    allowed: Tolerance,
    summed: Array | float = 0.0,
    weights: Array | None = None,
) -> list[Mismatch]:
    """Return the entries of ``analytic``, shape ``(k, n)``, that are not ``weights @ slopes``.

    ``summed`` is the total size of the terms that were added up to make each entry.  The weights
    are the cotangents ``rows``, unless the slopes are those of combinations.
    """
    weights = rows if weights is None else weights
    with np.errstate(all="ignore"):
        undefined = s.undefined
        value = np.where(undefined, 0.0, s.value)
        error_bound = np.where(undefined, 0.0, s.error_bound)
        kink: Array = s.kink & ~undefined
        lowest, highest = np.where(kink, s.low, value), np.where(kink, s.high, value)
        up, down = np.maximum(weights, 0.0), np.minimum(weights, 0.0)
        numeric, width = weights @ value.T, np.abs(weights) @ error_bound.T
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
        excused = ~np.isfinite(analytic) & undefined.any(axis=1)
        touched = (weights != 0) @ undefined.T.astype(float) > 0
    return [
        Mismatch(
            ("kink" if kinked[i] else "nan") if not np.isfinite(analytic[k, i])
            else "value" if decided[k, i] else "inconclusive",
            rows[k], int(i), float(analytic[k, i]), float(numeric[k, i]), float(width[k, i]),
        )
        for k, i in zip(*np.nonzero(~close & ~excused & ~touched), strict=True)
    ]  # fmt: skip


def _beyond_roundoff(
    point: EvaluationPoint, along: PullVector, found: list[Mismatch], directions: Array | None
) -> list[Mismatch]:
    """Return the mismatches that exceed the round-off of backward.

    It is measured by perturbing the cotangent in its last digits, and by how much the gradients at
    inputs perturbed in theirs differ from each other: a gradient that differs from all of those is
    wrong at this very point.  Equal inputs are perturbed equally, so that ties remain ties.
    """
    phases = 1e6 * np.where(np.isfinite(point.at), point.at, 0.0)
    noise: dict[bytes, Array] = {}
    beyond = []
    for m in found:
        key = m.u.tobytes()  # before backward, which may write to it
        if key not in noise:
            jitter = 1.0 + 4 * EPS * point.rng.uniform(-1.0, 1.0, (3, m.u.size))
            here = along(m.u.copy())
            noise[key] = np.max([np.abs(along(m.u * j) - here) for j in jitter], axis=0)
            moved = (point.at * (1.0 + 4 * EPS * np.cos(phases + k)) for k in (0.0, 2.0, 4.0))
            nearby = [g for at in moved if (g := point.gradient(at, m.u)) is not None]
            if len(nearby) > 1:
                around = [g if directions is None else dot(directions, g) for g in nearby]
                noise[key] = np.fmax(noise[key], np.ptp(around, axis=0))
        if not abs(m.analytic - m.numeric) <= 16 * noise[key][m.direction]:
            beyond.append(m)
    return beyond


def complex_step_mismatches(
    point: EvaluationPoint,
    s: Slopes,
    rows: Array,
    analytic: Array,
    directions: Array | None,
) -> list[Mismatch]:
    """Recheck entries with large error bounds by complex-step differentiation.

    A disagreement makes an entry inconclusive, never wrong: the step presumes that the function is
    written for complex numbers, which is not known.
    """
    with np.errstate(all="ignore"):
        value = np.where(s.undefined, 0.0, s.value)
        error_bound = np.where(s.undefined | s.kink, 0.0, s.error_bound)
        numeric, width = rows @ value.T, np.abs(rows) @ error_bound.T
        largest = np.fmax(np.abs(numeric), np.abs(analytic))
        column = np.abs(numeric).max(axis=1, keepdims=True, initial=0.0)
        uncertain = (8 * width > UNCERTAIN * largest) & (8 * width > 1e-6 * column)
    found: list[Mismatch] = []
    for i in np.flatnonzero(uncertain.any(axis=0))[:UNCERTAIN_DIRECTIONS]:
        d = np.eye(1, point.x.size, int(i))[0] if directions is None else directions[i]
        exact = point.complex_slopes(d)
        if exact is None:
            break
        for k in np.flatnonzero(uncertain[:, i]):
            a, n, e = float(analytic[k, i]), float(numeric[k, i]), float(rows[k] @ exact)
            slack = UNCERTAIN * max(abs(a), abs(e)) + 1e-6 * float(column[k, 0])
            if abs(e - n) <= 8 * width[k, i] and not abs(a - e) <= slack:
                found.append(Mismatch("inconclusive", rows[k], int(i), a, e, float(width[k, i])))
    return found


def _at_jumps(s: Slopes, u: Array, j: int, analytic: Array) -> list[Mismatch]:
    """Return mismatches where an output has no slope: an infinite gradient is right there."""
    found = []
    for i in np.flatnonzero(s.steep[:, j]):
        a, low, high = float(analytic[i]), float(s.low[i, j]), float(s.high[i, j])
        if np.isnan(a) or (np.isfinite(a) and not low <= a <= high):
            kind = "nan" if np.isnan(a) else "jump"
            found.append(Mismatch(kind, u, int(i), a, high, np.inf))
    return found


def reconsider(
    point: EvaluationPoint, mismatch: Mismatch, directions: Array | None, allowed: Tolerance
) -> Mismatch | None:
    """Try finer step sequences, then the slopes nearby; return the mismatch if it persists."""
    i, row = mismatch.direction, mismatch.u[None]
    d = np.eye(1, point.x.size, i) if directions is None else directions[i : i + 1]
    best = mismatch
    if mismatch.kind == "value" and not point.has_values(mismatch.u, d[0]):
        return replace(mismatch, kind="domain")
    if np.isfinite(mismatch.analytic):
        for passes, relative in FINER_SEQUENCES:
            s = point.slopes(d, row, passes, relative)
            analytic = np.array([[mismatch.analytic]])
            found = find_mismatches(s, row, analytic, allowed, weights=np.ones((1, 1)))
            exact = ~s.steep & (s.error_bound <= 1e-4 * np.abs(s.value))
            if not found and exact.all():
                return None
            constant = found and found[0].numeric == 0 != mismatch.numeric  # to such fine steps
            certain = found and found[0].kind == "value" and not constant
            if certain and found[0].error_bound < best.error_bound:
                best = replace(found[0], u=mismatch.u, direction=i)
        nearby = point.slope_range(mismatch.u, d[0], smooth=mismatch.kind == "jump")
        if nearby is not None:
            slack = 1e-6 * max(map(abs, nearby)) + allowed.beyond_range * (nearby[1] - nearby[0])
            slack += best.error_bound if np.isfinite(best.error_bound) else 0.0
            if nearby[0] - slack <= mismatch.analytic <= nearby[1] + slack:
                return None
    if best.kind == "jump" or (mismatch.analytic == 0 and point.is_constant(mismatch.u, d[0])):
        return replace(best, kind="inconclusive")  # a step function, or one of coarse values
    return best


def singular(found: Comparison) -> bool:
    """Return whether a wrong gradient is huge and changes with the last digits of the inputs.

    The function has no derivative at such a point (a singular matrix), which is not a bug.
    """
    point = found.point
    huge = next((m for m in found.mismatches if np.abs(m.analytic) > HUGE), None)
    if huge is None:
        return False
    jitter = 1.0 + 4 * EPS * point.rng.choice([-1.0, 1.0], point.at.shape)
    here, near = point.gradient(point.at, huge.u), point.gradient(point.at * jitter, huge.u)
    if here is None or near is None:
        return True
    return not np.allclose(here, near, rtol=1e-2, atol=1e-2 * size_of(here).max(), equal_nan=True)


# -- locating -------------------------------------------------------------------------------------


def _bisected(point: EvaluationPoint, pull: Any, mismatch: Mismatch, directions: Any) -> Mismatch:
    """Halve the support of a direction with a mismatch until it is one element."""
    g = np.where(np.isfinite(point.at), pull(mismatch.u), 0.0)
    signs = directions[mismatch.direction] / length_of(directions[mismatch.direction])
    support = np.flatnonzero(signs)
    while len(support) > 1:
        first, second = np.array_split(support, 2)
        d = np.zeros((1, point.x.size))
        d[0, first] = signs[first]
        s = point.slopes(d, mismatch.u[None], (2.0**-6,))
        off = abs(float(s.value[0, 0]) - float(g @ d[0]))
        noise = 8 * float(s.error_bound[0, 0]) + 1e-9 * float(np.abs(g[first]).sum())
        support = first if off > noise else second
    i = int(support[0])
    s = point.slopes(np.eye(1, point.x.size, i), mismatch.u[None])
    numeric, error_bound = float(s.value[0, 0]), float(s.error_bound[0, 0])
    if abs(g[i] - numeric) > 8 * error_bound:
        return replace(
            mismatch, direction=i, analytic=float(g[i]), numeric=numeric, error_bound=error_bound
        )
    return replace(mismatch, direction=i)  # too small in each element to be seen


def _along_ties(point: EvaluationPoint, m: Mismatch, direction: Array, order: int) -> Finding:
    count = int(direction.sum())
    return Finding(
        "ties", order, point.x.place(int(np.flatnonzero(direction)[0])).array,
        analytic=m.analytic, numeric=m.numeric, bar=m.error_bound,
        count=count, message=f"along {count} elements moved together",
    )  # fmt: skip


def summarize(
    point: EvaluationPoint, pull: Any, mismatches: list[Mismatch], order: int
) -> list[Finding]:
    """Return one finding for each kind and each input: its worst entry, and how many there are."""
    groups: dict[tuple[str, int], list[Mismatch]] = {}
    for m in mismatches:
        groups.setdefault((m.kind, point.x.place(m.direction).array), []).append(m)
    findings = []
    for (kind, array), members in groups.items():
        worst = max(
            members,
            key=lambda m: abs(m.analytic - m.numeric) if np.isfinite(m.analytic) else np.inf,
        )
        place = point.x.place(worst.direction)
        finding = Finding(
            kind, order, array, place.element, place.part, *_output(point, pull, worst),
            count=len({m.direction for m in members}), size=int(np.prod(point.x.shapes[array])),
        )  # fmt: skip
        if kind == "kink":
            message = "at a kink, where every slope between the sides would do"
            finding = replace(finding, kind="nan", severity="warning", message=message)
        if kind == "domain":
            message = "the function has values only next to the sample: domain= says what it takes"
            undecided = "inconclusive"
            finding = replace(finding, kind=undecided, severity=undecided, message=message)
        findings.append(finding)
    return findings


def _output(
    point: EvaluationPoint, pull: Any, mismatch: Mismatch
) -> tuple[Any, float, float, float]:
    """Return the output whose derivative is wrong, if there is exactly one, and the numbers."""
    whole = (None, mismatch.analytic, mismatch.numeric, mismatch.error_bound)
    used = np.flatnonzero(mismatch.u)
    combined = type(point.y) is not Coordinates
    if combined or len(used) > 64 or not np.isfinite(mismatch.analytic):
        return whole
    s = point.slopes(np.eye(1, point.x.size, mismatch.direction))
    best: tuple[Any, float, float, float] = whole
    worst = 0.0
    for j in used:
        try:
            a = float(pull(np.eye(1, point.y.size, int(j))[0])[mismatch.direction])
        except BadGradient:  # not for a cotangent with zeros
            return whole
        n, error_bound = float(s.value[0, j]), float(s.error_bound[0, j])
        gap = abs(a - n)
        if gap > max(worst, 8 * error_bound + 1e-7 * max(abs(a), abs(n))):
            best, worst = (point.y.place(int(j)), a, n, error_bound), gap
    return best
