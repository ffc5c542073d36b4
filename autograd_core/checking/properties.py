"""Properties of every right backward, which are checked without differences.

It is linear in the cotangent and deterministic, keeps no state outside the call, writes to no array
of the caller, shares no array, keeps the dtype, and loses in float32 no more than round-off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd_core.checking.coordinates import EPS, blocks, coarseness, size_of
from autograd_core.checking.evaluation_point import EvaluationPoint
from autograd_core.checking.report import Finding
from autograd_core.checking.target import Target
from autograd_core.checking.verdict import BadGradient, call_back

Array = np.ndarray[Any, Any]

RTOL = 1e-9
EPS32 = 2.0**-23


def differ(
    first: Sequence[Array],
    second: Sequence[Array],
    rtol: float = RTOL,
    noise: Sequence[float] | None = None,
) -> int | None:
    """Return the first array that differs from its counterpart by more than its noise, or None."""
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        if a.shape != b.shape:
            return i
        scale = max((size_of(q).max() for q in blocks(b)), default=0.0)
        slack = 64 * noise[i] if noise is not None else 0.0
        for p, q in zip(blocks(a), blocks(b), strict=True):
            with np.errstate(all="ignore"):
                close = np.abs(p - q) <= rtol * (np.abs(q) + scale) + slack + 1e-300
            both = ~(np.isfinite(p) | np.isfinite(q))
            if not (close | both | (p == q)).all():
                return i
    return None


def _copies(arrays: Sequence[Array]) -> list[Array]:
    return [np.array(a) for a in arrays]


def _digests(arrays: Sequence[Array]) -> list[bytes]:
    """Return what shows whether arrays were changed, without copies of them."""
    return [hashlib.blake2b(np.ascontiguousarray(a).data).digest() for a in arrays]


def _mixed(a: float, first: Sequence[Array], b: float, second: Sequence[Array]) -> list[Array]:
    """Return ``a * first + b * second``."""
    mixed = [np.asarray(a * p) for p in first]
    for p, q in zip(mixed, second, strict=True):
        p += b * q
    return mixed


def properties(target: Target, point: EvaluationPoint, nondet: float = 0.0) -> Iterator[Finding]:
    """Yield a finding for each property that does not hold at a point.

    Two runs may differ by ``nondet``, relative to the largest number.
    """
    try:
        yield from _properties(target, point, nondet)
    except BadGradient as bad:
        yield Finding(bad.kind, 1, bad.input, message=bad.message)


def _properties(target: Target, point: EvaluationPoint, nondet: float) -> Iterator[Finding]:
    x = point.x.split(point.at)
    xs = _copies(x)
    values, pull = target.pullback(xs)
    again = target.forward(_copies(x))
    if differ([np.asarray(a) for a in again], values, max(1e-12, nondet)) is not None:
        yield Finding("not deterministic", 1, None, message="forward gave two values")
        return
    del again
    rows = point.cotangents(2)

    def cotangent(weights: Any) -> list[Array]:
        return point.y.split(np.dot(weights, rows))

    u = cotangent((1, 0))
    before = _digests(u)
    g = call_back(pull, u, xs)
    first = _copies(g)
    coarse = max(map(coarseness, (*values, *g)))
    rtol = max(RTOL, nondet, min(1e3 * coarse, 0.1) * (coarse > EPS))  # a kernel casts inside
    large = min(1e8, *(float(np.finfo(v.dtype).max) ** 0.2 for v in values))
    changed = [a != b for a, b in zip(_digests(u), before, strict=True)]
    del u
    if (where := differ(xs, x, 0.0)) is not None:
        yield Finding("mutates", 1, where, message=f"input {where} was changed")
    if any(changed):
        message = f"cotangent {changed.index(True)} was changed"
        yield Finding("mutates", 1, None, message=message)
    yield from _shared(g, xs)
    h = call_back(pull, cotangent((0, 1)), xs)
    where = differ(g, first, 0.0)
    if where is not None:
        message = "a later backward overwrote an earlier gradient"
        yield Finding("shared", 1, where, severity="error", message=message)
        return
    for i, (p, q) in enumerate(zip(g, h, strict=True)):
        if p.flags.writeable and p.size and np.shares_memory(p, q):
            message = "two calls return one array"
            yield Finding("shared", 1, i, severity="error", message=message)
            return
    del g, h
    if differ(call_back(pull, cotangent((1, 0)), xs), first, rtol) is not None:
        yield Finding("not deterministic", 1, None, message="backward gave two gradients")
        return
    ones = [np.ones_like(v) for v in values]
    yield from _shared(call_back(pull, ones, xs), [*xs, *values])
    del pull, values, ones
    state = _state(target, x, lambda: cotangent((1, 0)), first, rtol)
    if state is not None:
        yield state
        return
    _, pull = target.pullback(xs)
    noise = [0.0 for _ in first]
    for _ in range(3):
        jitter = [
            p * (1.0 + 4 * EPS * point.rng.uniform(-1.0, 1.0, p.shape)) for p in cotangent((1, 0))
        ]
        near = call_back(pull, jitter, xs)
        gaps = (size_of(q - f).max(initial=0.0) for q, f in zip(near, first, strict=True))
        noise = [max(n, float(gap)) for n, gap in zip(noise, gaps, strict=True)]
        del near, jitter
    a, b = 0.75, -2.5
    expected = _mixed(a, first, b, call_back(pull, cotangent((0, 1)), xs))
    found = call_back(pull, cotangent((a, b)), xs)
    where = differ(found, expected, rtol, noise)
    if where is not None:
        gap = np.abs(np.where(np.isfinite(found[where]), found[where] - expected[where], np.inf))
        worst = np.unravel_index(int(np.argmax(gap)), gap.shape)
        message = (
            f"backward(0.75 u - 2.5 v) is {found[where][worst]:.6g}, but 0.75 backward(u) - "
            f"2.5 backward(v) {expected[where][worst]:.6g}"
        )
        yield Finding("not linear", 1, where, message=message)
    del found, expected
    for size in (large, 1 / large):
        scaled = [q / size for q in call_back(pull, cotangent((size, 0)), xs)]
        where = differ(scaled, first, max(1e-6, rtol), noise)
        if where is not None:
            message = (
                f"a cotangent {size:g} times as large does not give {size:g} times the gradient"
            )
            yield Finding("not linear", 1, where, message=message)
            break
    zeros = call_back(pull, cotangent((0, 0)), xs)
    for i, z in enumerate(zeros):
        finite = np.isfinite(first[i]) & np.isfinite(z)
        if (np.abs(z[finite]) > 0).any():
            message = "a cotangent of 0 gives a gradient that is not 0"
            yield Finding("not linear", 1, i, message=message)
            break


def repeats(target: Target, point: EvaluationPoint, nondet: float = 0.0) -> Iterator[Finding]:
    """Yield a finding if two backward passes at a point differ."""
    u = point.y.split(point.cotangents(1)[0])
    found = []
    for _ in range(3):
        xs = point.x.split(point.at.copy())
        try:
            found.append(_copies(call_back(target.pullback(xs)[1], _copies(u), xs)))
        except BadGradient:
            return
    if any(differ(found[0], other, max(RTOL, nondet)) is not None for other in found[1:]):
        yield Finding("not deterministic", 1, None, message="backward gave two gradients")


def _shared(g: Sequence[Array], xs: Sequence[Array]) -> Iterator[Finding]:
    """Yield findings for gradients that share memory with each other or with other arrays."""
    for i, a in enumerate(g):
        if not a.flags.writeable:
            continue
        for j, b in enumerate(g[:i]):
            if b.flags.writeable and np.shares_memory(a, b):
                message = f"the gradients of inputs {j} and {i} are one array"
                yield Finding("shared", 1, i, message=message)
        if any(np.shares_memory(a, x) for x in xs):
            message = "the gradient is an input or output itself"
            yield Finding("shared", 1, i, message=message, severity="error")


def _state(
    target: Target, xs: Sequence[Array], u: Any, first: Sequence[Array], rtol: float
) -> Finding | None:
    """Return a finding if another forward, or a forward with its backward, changes a gradient.

    The other pass is made at another point, between forward and backward of the first.
    """
    for backward_too in (True, False):
        values, pull = target.pullback(_copies(xs))
        kept = _digests(values)
        try:
            _, other = target.pullback([np.flip(x) * 0.75 for x in xs])
            if backward_too:
                other(u())
        except Exception:  # the other point may lie outside the domain: no other call, then
            return None
        del other
        if _digests(values) != kept:
            message = "a later forward overwrote an earlier value"
            return Finding("shared", 1, None, severity="error", message=message)
        where = differ(call_back(pull, u(), xs), first, rtol)
        if where is not None:
            message = "forward or backward keeps values outside the call"
            return Finding("state", 1, where, message=message)
    return None


# -- dtypes ---------------------------------------------------------------------------------------


def dtypes(target: Target, xs: Sequence[Array]) -> Iterator[Finding]:
    """Yield a finding for each gradient whose dtype is not its input's, nor that of all outputs."""
    values, pull = target.pullback(_copies(xs))
    try:
        gradients = call_back(pull, [np.ones_like(v) for v in values], xs)
    except BadGradient:
        return
    for i, (g, x) in enumerate(zip(gradients, xs, strict=True)):
        if g.dtype != x.dtype and any(g.dtype != v.dtype for v in values):
            message = f"the gradient is {g.dtype}, the input {x.dtype}"
            yield Finding("dtype", 1, i, message=message)


def precision(target: Target, xs: Sequence[Array], rng: np.random.Generator) -> Iterator[Finding]:
    """Compare float32 gradients with those in float64 at the same points.

    How far they may be off is measured by perturbing the inputs by their own round-off.
    """
    single = [x.astype(np.float32) for x in xs]
    wide = [x.astype(float) for x in single]
    if any(x.dtype.kind == "c" for x in xs):
        return
    try:
        values, pull = target.pullback([x.copy() for x in single])
        exact_values, exact_pull = target.pullback(wide)
    except Exception:  # not for such inputs, then
        return
    if not all(np.isfinite(v).all() for v in (*values, *exact_values)):
        return
    u = [rng.choice([-0.75, 1.25], np.shape(v)).astype(v.dtype) for v in values]
    try:
        g = call_back(pull, u, single)
        spread = [np.zeros(x.shape) for x in single]
        for _ in range(4):
            near = [x * (1 + EPS32 * rng.choice([-1, 1], x.shape)).astype(x.dtype) for x in single]
            try:
                _, pull = target.pullback(near)
            except Exception:  # outside the domain
                continue
            other = call_back(pull, u, near)
            spread = [np.fmax(s, abs(a - b)) for s, a, b in zip(spread, other, g, strict=True)]
        exact = call_back(exact_pull, [c.astype(float) for c in u], wide)
    except BadGradient as bad:
        yield Finding("raises", 1, bad.input, message=bad.message)
        return
    for i, (a, e, s) in enumerate(zip(g, exact, spread, strict=True)):
        if a.dtype != np.float32 and all(v.dtype == np.float32 for v in values):
            yield Finding("dtype", 1, i, message=f"the gradient is {a.dtype}")
        scale = size_of(e).max(initial=0.0)
        bar = 32 * size_of(s) + 128 * EPS32 * (scale + np.abs(e)) + 16 * EPS32
        gap = np.abs(a - e)
        within = np.abs(e) < 1e30  # float32 holds no larger numbers
        wrong = within & ~(gap <= bar)
        if wrong.any():
            sizes = np.where(wrong, np.where(np.isfinite(gap), gap, np.inf), -1.0)
            worst = int(np.argmax(sizes))
            at = tuple(int(j) for j in np.unravel_index(worst, gap.shape))
            yield Finding(
                "precision", 1, i, at, "", None, float(a[at]), float(e[at]), float(bar[at]),
                count=int(wrong.sum()), size=a.size,
            )  # fmt: skip
