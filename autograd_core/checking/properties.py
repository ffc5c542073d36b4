"""What must hold of every backward, and needs no differences to be seen.

Linear in the cotangent; deterministic; no state outside the call; nothing written to that belongs
to the caller; nothing shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd_core.checking.compare import BadGradient, call_back
from autograd_core.checking.differences import EPS
from autograd_core.checking.evaluation_point import Point, size_of
from autograd_core.checking.report import Finding
from autograd_core.checking.target import Subject

Array = np.ndarray[Any, Any]

RTOL = 1e-9


def differ(
    first: Sequence[Array],
    second: Sequence[Array],
    rtol: float = RTOL,
    noise: Sequence[float] | None = None,
) -> int | None:
    """The first array that differs from its counterpart, by more than its noise; None if none."""
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        if a.shape != b.shape:
            return i
        with np.errstate(all="ignore"):
            scale = size_of(b).max(initial=0.0)
            slack = 64 * noise[i] if noise is not None else 0.0
            close = np.abs(a - b) <= rtol * (np.abs(b) + scale) + slack + 1e-300
        both = ~(np.isfinite(a) | np.isfinite(b))
        if not (close | both | (a == b)).all():
            return i
    return None


def _copies(arrays: Sequence[Array]) -> list[Array]:
    return [np.array(a) for a in arrays]


def properties(subject: Subject, point: Point, order: int = 1) -> Iterator[Finding]:
    """Findings, one for each property that does not hold."""
    try:
        yield from _properties(subject, point, order)
    except BadGradient as bad:
        yield Finding(bad.kind, order, bad.input, message=bad.message)


def _properties(subject: Subject, point: Point, order: int) -> Iterator[Finding]:
    xs = point.x.split(point.at.copy())
    kept = _copies(xs)
    values, pull = subject.pullback(xs)
    out = _copies(values)
    again = subject.forward(_copies(xs))
    if differ([np.asarray(a) for a in again], out, 1e-12) is not None:
        yield Finding("not deterministic", order, None, message="forward gave two values")
        return
    u, v = (point.y.split(w) for w in point.cotangents(2))
    u_kept, v_kept = _copies(u), _copies(v)
    g = call_back(pull, u, xs)
    first = _copies(g)
    yield from _written(order, "input", xs, kept)
    yield from _written(order, "cotangent", u, u_kept)
    yield from _shared(order, g, xs, u)
    h = call_back(pull, v, xs)
    if differ(g, first, 0.0) is not None:
        yield Finding("shared", order, differ(g, first, 0.0), severity="error",
                      message="a later backward overwrote an earlier gradient")  # fmt: skip
        return
    second = _copies(h)
    if differ(call_back(pull, _copies(u_kept), xs), first) is not None:
        yield Finding("not deterministic", order, None, message="backward gave two gradients")
        return
    for i, (p, q) in enumerate(zip(g, h, strict=True)):
        if p.flags.writeable and p.size and np.shares_memory(p, q):
            yield Finding(
                "shared", order, i, severity="error", message="two calls return one array"
            )
            return
    state = list(_state(subject, point, order, kept, u_kept, first))
    if state:
        yield from state
        return
    ones = [np.ones_like(p) for p in u_kept]
    yield from _shared(order, call_back(pull, ones, xs), [*xs, *values], ones)
    noise = [0.0 for _ in first]
    for _ in range(3):
        jitter = [p * (1.0 + 4 * EPS * point.rng.uniform(-1.0, 1.0, p.shape)) for p in u_kept]
        near = call_back(pull, jitter, xs)
        gaps = [size_of(q - f) for q, f in zip(near, first, strict=True)]
        noise = [max(n, float(gap.max(initial=0.0))) for n, gap in zip(noise, gaps, strict=True)]
    a, b = 0.75, -2.5
    mixed = [a * p + b * q for p, q in zip(u_kept, v_kept, strict=True)]
    expected = [a * p + b * q for p, q in zip(first, second, strict=True)]
    found = call_back(pull, mixed, xs)
    where = differ(found, expected, RTOL, noise)
    if where is not None:
        yield Finding("not linear", order, where, message=_nonlinear(found[where], expected[where]))
    for size in (1e8, 1e-8):
        found = call_back(pull, [size * p for p in u_kept], xs)
        where = differ([q / size for q in found], first, 1e-6, noise)
        if where is not None:
            what = f"a cotangent {size:g} times as large does not give {size:g} times the gradient"
            yield Finding("not linear", order, where, message=what)
            break
    zeros = call_back(pull, [0.0 * p for p in u_kept], xs)
    for i, z in enumerate(zeros):
        finite = np.isfinite(first[i]) & np.isfinite(z)
        if (np.abs(z[finite]) > 0).any():
            yield Finding(
                "not linear", order, i, message="a cotangent of 0 gives a gradient that is not 0"
            )
            break


def repeats(subject: Subject, point: Point) -> Iterator[Finding]:
    """A finding, if two backward passes at this point differ."""
    u = point.y.split(point.cotangents(1)[0])
    found = []
    for _ in range(3):
        xs = point.x.split(point.at.copy())
        try:
            found.append(_copies(call_back(subject.pullback(xs)[1], _copies(u), xs)))
        except BadGradient:
            return
    if any(differ(found[0], other) is not None for other in found[1:]):
        yield Finding("not deterministic", 1, None, message="backward gave two gradients")


def _nonlinear(found: Array, expected: Array) -> str:
    gap = np.abs(np.where(np.isfinite(found), found - expected, np.inf))
    worst = np.unravel_index(int(gap.argmax()), gap.shape)
    return (
        f"backward(0.75 u - 2.5 v) is {found[worst]:.6g}, but 0.75 backward(u) - 2.5 backward(v) "
        f"{expected[worst]:.6g}"
    )


def _written(
    order: int, what: str, now: Sequence[Array], before: Sequence[Array]
) -> Iterator[Finding]:
    where = differ(now, before, 0.0)
    if where is not None:
        yield Finding("mutates", order, where if what == "input" else None,
                      message=f"{what} {where} was changed")  # fmt: skip


def _shared(
    order: int, g: Sequence[Array], xs: Sequence[Array], u: Sequence[Array]
) -> Iterator[Finding]:
    for i, a in enumerate(g):
        if not a.flags.writeable:
            continue
        for j, b in enumerate(g[:i]):
            if b.flags.writeable and np.shares_memory(a, b):
                yield Finding(
                    "shared", order, i, message=f"the gradients of inputs {j} and {i} are one array"
                )
        if any(np.shares_memory(a, x) for x in xs):
            message = "the gradient is an input or output itself"
            yield Finding("shared", order, i, message=message, severity="error")


def _state(
    subject: Subject,
    point: Point,
    order: int,
    xs: Sequence[Array],
    u: Sequence[Array],
    first: Sequence[Array],
) -> Iterator[Finding]:
    """Another forward, at another point, between forward and backward; with its backward, too."""
    elsewhere = [np.flip(x) * 0.75 for x in xs]
    for backward_too in (True, False):
        values, pull = subject.pullback(_copies(xs))
        kept = _copies(values)
        try:
            _, other = subject.pullback(_copies(elsewhere))
            if backward_too:
                other(_copies(u))
        except Exception:  # another point may lie outside the domain: no other call, then
            return
        if differ(values, kept, 0.0) is not None:
            yield Finding("shared", order, None, severity="error",
                          message="a later forward overwrote an earlier value")  # fmt: skip
            return
        where = differ(call_back(pull, _copies(u), xs), first)
        if where is not None:
            yield Finding(
                "state", order, where, message="forward or backward keeps values outside the call"
            )
            return
