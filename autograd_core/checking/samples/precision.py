"""float32 inputs: gradients of that dtype, and no further off than their round-off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd_core.checking.compare import BadGradient, call_back
from autograd_core.checking.evaluation_point import size_of
from autograd_core.checking.report import Finding
from autograd_core.checking.target import Subject

Array = np.ndarray[Any, Any]

EPS32 = 2.0**-23


def precision(subject: Subject, xs: Sequence[Array], rng: np.random.Generator) -> Iterator[Finding]:
    """Compare float32 gradients with those in float64 at the same points.

    How far they may be off is found by moving the inputs by their own round-off.
    """
    single = [x.astype(np.float32) for x in xs]
    wide = [x.astype(float) for x in single]
    if any(x.dtype.kind == "c" for x in xs):
        return
    try:
        values, pull = subject.pullback([x.copy() for x in single])
        exact_values, exact_pull = subject.pullback(wide)
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
            other = call_back(subject.pullback(near)[1], u, near)
            spread = [np.fmax(s, abs(a - b)) for s, a, b in zip(spread, other, g, strict=True)]
        exact = call_back(exact_pull, [c.astype(float) for c in u], wide)
    except BadGradient as bad:
        yield Finding("raises", 1, bad.input, message=bad.message)
        return
    for i, (a, e, s) in enumerate(zip(g, exact, spread, strict=True)):
        if a.dtype != np.float32:
            severity = "error" if all(v.dtype == np.float32 for v in values) else "warning"
            message = f"the gradient is {a.dtype}"
            yield Finding("dtype", 1, i, message=message, severity=severity)
        scale = size_of(e).max(initial=0.0)
        bar = 32 * size_of(s) + 128 * EPS32 * (scale + np.abs(e)) + 16 * EPS32
        gap = np.abs(a - e)
        within = np.abs(e) < 1e30  # float32 holds no larger numbers
        wrong = within & ~(gap <= bar)
        if wrong.any():
            worst = int(np.where(wrong, np.where(np.isfinite(gap), gap, np.inf), -1.0).argmax())
            at = tuple(int(j) for j in np.unravel_index(worst, gap.shape))
            yield Finding(
                "precision", 1, i, at, "", None, float(a[at]), float(e[at]), float(bar[at]),
                count=int(wrong.sum()), size=a.size,
            )  # fmt: skip
