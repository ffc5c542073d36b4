"""Diagnosis of a wrong gradient: a sign, a factor, a transposition, swapped operands."""

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
        sentence = _one(a, n)
        if sentence is not None:
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


def _one(a: Array, n: Array) -> str | None:
    """Return what distinguishes ``a`` from the true gradient ``n``."""
    finite = np.isfinite(a) & np.isfinite(n)
    scale = float(np.abs(n[finite]).max(initial=0.0))
    zero = not np.abs(a[finite]).max(initial=0.0)
    if not scale:
        return None if zero else "the true gradient is 0 throughout"
    wrong = finite & (np.abs(a - n) > 1e-6 * scale)
    if zero:
        return "the gradient is 0 throughout: a dropped term, or something detached"
    large = wrong & (np.abs(n) > 1e-6 * scale)
    if large.any():
        ratio = a[large] / n[large]
        typical = complex(np.median(ratio.real), np.median(ratio.imag))
        alike = (np.abs(ratio - typical) <= 1e-4 * abs(typical)).all()
        told = min(abs(typical - k) for k in (-1, 2, 0.5)) < 1e-4  # others say little of a number
        if alike and (ratio.size > 1 or (a.size == 1 and told)):
            return _factor(typical, n)
    if a.dtype.kind == "c" and _alike(a, n.conj()):
        return "it is the complex conjugate of the gradient"
    if a.ndim > 1 and a.shape[-1] == a.shape[-2] and _alike(a, np.swapaxes(n, -1, -2)):
        return "it is transposed"
    return _displaced(a, n)


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


def _displaced(a: Array, n: Array) -> str | None:
    """Return how the elements are moved, or that they were summed along the wrong axis."""
    for axis in range(a.ndim):
        if a.shape[axis] > 2:
            if _alike(a, np.flip(n, axis)):
                return f"it is reversed along axis {axis}"
            for shift in (1, -1):
                if _alike(a, np.roll(n, shift, axis)):
                    return f"it is off by one along axis {axis}"
    for axis in range(a.ndim if a.size > 2 else 0):
        spread = np.ptp(a.real, axis=axis)
        if a.shape[axis] > 1 and not spread.any() and np.ptp(n.real, axis=axis).any():
            return f"it is constant along axis {axis}, as if summed along the wrong axis"
    return None
