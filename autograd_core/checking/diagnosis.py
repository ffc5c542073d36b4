"""What a wrong gradient looks like: a sign, a factor, a transposition, the other input's ..."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_core.checking.compare import Examination

Array = np.ndarray[Any, Any]


def _alike(a: Array, b: Array) -> bool:
    scale = float(np.abs(b).max(initial=0.0))
    return a.shape == b.shape and scale > 0 and bool((np.abs(a - b) <= 1e-5 * scale).all())


def diagnose(found: Examination, names: list[str]) -> Iterator[str]:
    """Sentences about the wrong values of one examination."""
    wrongs = [w for w in found.wrongs if w.kind == "value"]
    if not wrongs:
        return
    point = found.point
    row = wrongs[0].u
    if point.x.size > 512:
        return
    pull = found.pull
    assert pull is not None
    s = point.slopes(None, row[None])
    analytic, numeric = point.x.split(pull(row)), point.x.split(s.value[:, 0])
    for i in sorted({point.x.place(w.direction).array for w in wrongs}):
        a, n, name = analytic[i], numeric[i], names[i]
        for sentence in _one(a, n):
            yield f"{name}: {sentence}"
        for j, other in enumerate(numeric):
            if j != i and _alike(a, other) and not _alike(a, n):
                yield f"{name}: it is the gradient of {names[j]}; the operands are swapped"


def _one(a: Array, n: Array) -> Iterator[str]:
    """What ``a`` is, compared with the true ``n``."""
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
        typical = complex(
            np.median(ratio.real), np.median(ratio.imag) if ratio.dtype.kind == "c" else 0
        )
        if (
            (np.abs(ratio - typical) <= 1e-4 * abs(typical)).all() and large.sum() > 1
        ) or large.sum() == a.size == 1:
            yield _factor(typical, n)
            return
    if a.dtype.kind == "c" and _alike(a, n.conj()):
        yield "it is the complex conjugate of the gradient"
    elif a.ndim > 1 and a.shape[-1] == a.shape[-2] and _alike(a, np.swapaxes(n, -1, -2)):
        yield "it is transposed"
    else:
        yield from _displaced(a, n, wrong)


def _factor(ratio: complex, n: Array) -> str:
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
