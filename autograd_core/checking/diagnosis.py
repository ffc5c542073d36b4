"""Diagnosis of a wrong gradient: a sign, a factor, a transposition, swapped operands, an edge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_core.checking.evaluation_point import EvaluationPoint
from autograd_core.checking.verdict import Comparison, Mismatch

Array = np.ndarray[Any, Any]


def _alike(a: Array, b: Array) -> bool:
    """Return whether two arrays are equal up to 1e-5 of their scale, and not all 0."""
    scale = float(np.abs(b).max(initial=0.0))
    return a.shape == b.shape and scale > 0 and bool((np.abs(a - b) <= 1e-5 * scale).all())


def diagnose(found: Comparison, names: list[str]) -> Iterator[str]:
    """Yield sentences about the wrong values of one comparison."""
    mismatches = [m for m in found.mismatches if m.kind == "value"]
    point, pull = found.point, found.pull
    if not mismatches or point.x.size > 512:
        return
    u = mismatches[0].u
    s = point.slopes(None, u[None])
    analytic, numeric = point.x.split(pull(u)), point.x.split(s.value[:, 0])
    for i in sorted({point.x.place(m.direction).array for m in mismatches}):
        a, n, name = analytic[i], numeric[i], names[i]
        for sentence in _one(a, n):
            yield f"{name}: {sentence}"
        for j, other in enumerate(numeric):
            if j != i and _alike(a, other) and not _alike(a, n):
                yield f"{name}: it is the gradient of {names[j]}; the operands are swapped"


def step_errors(point: EvaluationPoint, mismatch: Mismatch) -> dict[str, list[float]]:
    """Return, for many steps, how far the plain central difference is from gradient and slope."""
    steps = 2.0 ** -np.arange(3, 42, 1.5)
    analytic, numeric = [], []
    for h in steps:
        at = [point.at.copy(), point.at.copy()]
        at[0][mismatch.direction] += h
        at[1][mismatch.direction] -= h
        slope = float(mismatch.u @ (point.values(at[0]) - point.values(at[1]))) / (2 * h)
        analytic.append(abs(slope - mismatch.analytic))
        numeric.append(abs(slope - mismatch.numeric))
    return {"step": steps.tolist(), "from gradient": analytic, "from slope": numeric}


def _one(a: Array, n: Array) -> Iterator[str]:
    """Yield what distinguishes ``a`` from the true gradient ``n``."""
    finite = np.isfinite(a) & np.isfinite(n)
    scale = float(np.abs(n[finite]).max(initial=0.0))
    if not scale:
        if np.abs(a[finite]).max(initial=0.0):
            yield "the true gradient is 0 throughout"
        return
    wrong = finite & (np.abs(a - n) > 1e-6 * scale)
    if not np.abs(a[finite]).max(initial=0.0):
        yield "the gradient is 0 throughout: a dropped term, or something detached"
        return
    large = wrong & (np.abs(n) > 1e-6 * scale)
    if large.any():
        ratio = a[large] / n[large]
        typical = complex(np.median(ratio.real), np.median(ratio.imag))
        alike = (np.abs(ratio - typical) <= 1e-4 * abs(typical)).all()
        if (alike and ratio.size > 1) or ratio.size == a.size == 1:
            yield _factor(typical, n)
            return
    if a.dtype.kind == "c" and _alike(a, n.conj()):
        yield "it is the complex conjugate of the gradient"
    elif a.ndim > 1 and a.shape[-1] == a.shape[-2] and _alike(a, np.swapaxes(n, -1, -2)):
        yield "it is transposed"
    else:
        yield from _displaced(a, n, wrong)


def _factor(ratio: complex, n: Array) -> str:
    """Return what a constant ratio of the gradients suggests."""
    if abs(ratio + 1) < 1e-4:
        return "the sign is wrong"
    r = ratio.real
    sizes = {**{m: f"an axis of length {m}" for m in n.shape}, n.size: "the number of elements"}
    for size, what in sizes.items():
        if size > 2 and abs(r * size - 1) < 1e-4:
            return f"it is {size} times too small, as if divided by {what}"
        if size > 2 and abs(r / size - 1) < 1e-4:
            return f"it is {size} times too large, as if not divided by {what}"
    return f"the factor {r:.6g} is too much"


def _displaced(a: Array, n: Array, wrong: Array) -> Iterator[str]:
    """Yield how the elements are moved, or which edge of the array is wrong."""
    for axis in range(a.ndim):
        if a.shape[axis] > 2:
            if _alike(a, np.flip(n, axis)):
                yield f"it is reversed along axis {axis}"
                return
            for shift in (1, -1):
                if _alike(a, np.roll(n, shift, axis)):
                    yield f"it is off by one along axis {axis}"
                    return
            at = np.unique(np.nonzero(wrong)[axis])
            if len(at) == 1 and at[0] in (0, a.shape[axis] - 1):
                edge = "first" if at[0] == 0 else "last"
                yield f"only the {edge} elements along axis {axis} are wrong: an edge"
                return
            if 1 < len(at) < a.shape[axis] and set(at) == {0, a.shape[axis] - 1}:
                yield f"only the first and the last elements along axis {axis} are wrong: the edges"
                return
    if a.ndim and a.size > 2:
        for axis in range(a.ndim):
            spread = np.ptp(a.real, axis=axis)
            if a.shape[axis] > 1 and not spread.any() and np.ptp(n.real, axis=axis).any():
                yield f"it is constant along axis {axis}, as if summed along the wrong axis"
                return
