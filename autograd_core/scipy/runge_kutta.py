"""The Runge-Kutta steps of ``scipy.integrate``, taken again on Tensors.

Tableaus and interpolants are those of SciPy's classes (Dormand and Prince 1980; Bogacki and
Shampine 1989; Hairer, Norsett and Wanner 1993), so the values are SciPy's up to rounding.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.recording import unwrap
from autograd_core.rules.common import as_array

#: The explicit methods; their coefficients are attributes of SciPy's classes.
TABLEAUS = ("RK45", "RK23", "DOP853")


def _combine(k: list[Any], weights: Any) -> Any:
    """Return the sum of slopes with their weights."""
    out: Any = 0.0
    for slope, w in zip(k, weights, strict=False):
        if w != 0:
            out = out + slope * float(w)
    return out


def _step(fun: Any, method: Any, t: Any, h: Any, y: Any, first: Any) -> tuple[Any, list[Any]]:
    """Return the state after one step, and all slopes, the one at its end included."""
    k = [first]
    for a, c in zip(method.A[1:], method.C[1:], strict=True):
        k.append(fun(t + float(c) * h, y + h * _combine(k, a[: len(k)])))
    after = y + h * _combine(k, method.B)
    return after, [*k, fun(t + h, after)]


def _interpolate(
    fun: Any, method: Any, t: Any, h: Any, y: Any, after: Any, k: list[Any]
) -> Callable[[Any], Any]:
    """Return the state between the ends of a step, as a function of the fraction of it."""
    if not hasattr(method, "D"):

        def polynomial(x: Any) -> Any:
            total: Any = 0.0
            for column in method.P.T[::-1]:
                total = (total + _combine(k, column)) * x
            return y + h * total

        return polynomial
    slopes = list(k)
    for a, c in zip(method.A_EXTRA, method.C_EXTRA, strict=True):
        slopes.append(fun(t + float(c) * h, y + h * _combine(slopes, a[: len(slopes)])))
    apart, old, new = after - y, k[0], k[-1]
    parts = [apart, h * old - apart, 2 * apart - h * (new + old)]
    parts += [h * _combine(slopes, d) for d in method.D]

    def nested(x: Any) -> Any:
        total: Any = 0.0
        for i, part in enumerate(parts[::-1]):
            total = (total + part) * (x if i % 2 == 0 else 1 - x)
        return y + total

    return nested


def replay(fun: Any, name: str, steps: Any, start: Any, end: Any, y0: Any, t_eval: Any) -> Any:
    """Return the states (N, T) at the ends of the steps, or at ``t_eval``.

    The steps are constants, but for the ends of the interval.
    """
    from scipy import integrate

    method = getattr(integrate, name)
    wanted = None if t_eval is None else as_array(t_eval)
    ends = [float(t) for t in steps]
    moments: list[Any] = [start, *ends[1:-1], end]
    y, slope, out = y0, fun(start, y0), []
    place, forward = 0, ends[-1] >= ends[0]
    plain = None if wanted is None else np.asarray(unwrap(wanted), float)
    if plain is None:
        out.append(y0)
    for i, (t, after_t) in enumerate(itertools.pairwise(moments)):
        h = after_t - t
        after, k = _step(fun, method, t, h, y, slope)
        if plain is None or wanted is None:
            out.append(after)
        else:
            last = i == len(moments) - 2
            inside: Callable[[Any], Any] | None = None
            while place < len(plain) and (
                last or (plain[place] <= ends[i + 1] if forward else plain[place] >= ends[i + 1])
            ):
                inside = inside or _interpolate(fun, method, t, h, y, after, k)
                out.append(inside((wanted[place] - t) / h))
                place += 1
        y, slope = after, k[-1]
    return np.stack(out, axis=-1)
