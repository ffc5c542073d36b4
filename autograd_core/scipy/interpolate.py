"""``scipy.interpolate`` with derivatives: cubic splines and linear interpolation.

Gradients reach the values, the points asked for and the knots.  The slopes of a spline solve a
tridiagonal system (de Boor 1978, *A practical guide to splines*), which has a rule.

Examples
--------
>>> import numpy as np, autograd_core as ag
>>> x = np.arange(4.0)
>>> ag.grad(lambda y: ag.scipy.interpolate.CubicSpline(x, y)(1.5))(x**2)
array([-0.0625,  0.5625,  0.5625, -0.0625])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_of
from autograd_core.engine.recording import unwrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import as_array
from autograd_core.scipy.common import inexact, taken
from autograd_core.scipy.systems import solve_banded


def _knots(name: str, x: Any, y: Any, axis: int) -> tuple[Any, Any, int]:
    """Return knots and values with the interpolated axis first."""
    x, y = inexact(x), inexact(y)
    axis = axis % y.ndim
    if x.ndim != 1 or y.shape[axis] != x.shape[0] or x.shape[0] < 2:
        raise ValueError(
            f"{name} takes x of shape (N,), N > 1, and y of length N along axis {axis}, got "
            f"{x.shape} and {y.shape}"
        )
    return x, np.moveaxis(y, axis, 0), axis


def _place(out: Any, v: Any, axis: int) -> Any:
    """Move the axes of the points to where the interpolated axis was."""
    return np.moveaxis(out, tuple(range(v.ndim)), tuple(range(axis, axis + v.ndim)))


class CubicSpline:
    """Interpolate by a cubic spline; as ``scipy.interpolate.CubicSpline``.

    Parameters
    ----------
    x : array of shape (N,)
        Increasing.
    y : array
        Of length N along ``axis``.
    axis : int
    bc_type : str or pair
        'not-a-knot', 'natural', 'clamped', 'periodic', or for each end (1 or 2, value of that
        derivative).
    extrapolate : bool, 'periodic' or None

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> spline = ag.scipy.interpolate.CubicSpline([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 8.0, 27.0])
    >>> float(spline(1.5).round(9)), float(spline(1.5, 1).round(9))
    (3.375, 6.75)
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        axis: int = 0,
        bc_type: Any = "not-a-knot",
        extrapolate: Any = None,
    ) -> None:
        self.x, values, self.axis = _knots("CubicSpline", x, y, axis)
        if any_of(~(np.diff(unwrap(self.x)) > 0)):
            raise ValueError("CubicSpline takes increasing x")
        periodic = isinstance(bc_type, str) and bc_type == "periodic"
        if extrapolate is None:
            extrapolate = "periodic" if periodic else True
        self.extrapolate = extrapolate
        flat = values.reshape(values.shape[0], -1)
        h = np.diff(self.x)[:, None]
        slope = np.diff(flat, axis=0) / h
        s = _periodic_slopes(h, slope, flat) if periodic else _slopes(h, slope, bc_type)
        s = s.reshape(values.shape)
        h = h.reshape((-1,) + (1,) * (values.ndim - 1))
        slope = np.diff(values, axis=0) / h
        third = (s[:-1] + s[1:] - 2 * slope) / h
        #: The coefficients of each piece, of the third power first.
        self.c = np.stack([third / h, (slope - s[:-1]) / h - third, s[:-1], values[:-1]])

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """Return the spline, or its derivative of order ``nu``, at points.

        Parameters
        ----------
        x : array
        nu : int
            0 or more.
        extrapolate : bool, 'periodic' or None
        """
        v = inexact(x)
        if nu < 0:
            raise ValueError(f"CubicSpline has derivatives of order 0 or more, got nu={nu}")
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        first, last = self.x[0], self.x[-1]
        if extrapolate == "periodic":
            v = first + (v - first) % (last - first)
        plain, knots = unwrap(v), unwrap(self.x)
        piece = np.clip(np.searchsorted(knots, plain, "right") - 1, 0, len(knots) - 2)
        t = (v - taken(self.x, piece)).reshape(v.shape + (1,) * (self.c.ndim - 2))
        out: Any = 0.0
        for i, power in enumerate((3, 2, 1, 0)):
            if power < nu:
                out = out + 0.0 * taken(self.c[i], piece)
                break
            factor = float(np.prod(np.arange(power - nu + 1, power + 1)))
            out = out * t + factor * taken(self.c[i], piece)
        if not extrapolate:
            inside = (plain >= knots[0]) & (plain <= knots[-1])
            out = np.where(inside.reshape(t.shape), out, np.nan)
        return _place(out, v, self.axis)


def _ends(bc_type: Any, slope: Any) -> list[tuple[int, Any]]:
    """Return the order and the value of the condition at each end; order 3 is not-a-knot."""
    pair = (bc_type, bc_type) if isinstance(bc_type, str) else bc_type
    named = {"clamped": (1, 0.0), "natural": (2, 0.0), "not-a-knot": (3, 0.0)}
    ends = []
    for end in pair:
        if isinstance(end, str) and end not in named:
            raise ValueError(f"bc_type is one of {', '.join(named)}, periodic, got {end!r}")
        order, value = named[end] if isinstance(end, str) else end
        if order not in (1, 2, 3):
            raise ValueError(f"bc_type takes derivatives of order 1 or 2, got {order!r}")
        if order == 3 and slope.shape[0] == 1:  # two knots: a line
            order, value = 1, slope[0]
        if not isinstance(value, float):
            value = as_array(value).reshape(-1)
        ends.append((order, value + 0.0 * slope[0]))
    return ends


def _slopes(h: Any, slope: Any, bc_type: Any) -> Any:
    """Return the first derivatives at the knots, (N, K)."""
    (left, start), (right, end) = _ends(bc_type, slope)
    n = h.shape[0] + 1
    one, none = h[:1] * 0.0 + 1.0, h[:1] * 0.0
    if n == 3 and left == right == 3:  # one parabola
        first = (one, one, 2 * slope[:1])
        last = (one, one, 2 * slope[1:])
    else:
        first = _end_row(left, start, h, slope)
        last = _end_row(right, -end if right == 2 else end, h[::-1], slope[::-1])
    main = np.concatenate([first[0], 2 * (h[:-1] + h[1:]), last[0]])
    above = np.concatenate([none, first[1], h[:-1]])
    below = np.concatenate([h[1:], last[1], none])
    right_side = np.concatenate([first[2], 3 * (h[1:] * slope[:-1] + h[:-1] * slope[1:]), last[2]])
    return solve_banded((1, 1), np.stack([above, main, below])[:, :, 0], right_side)


def _end_row(order: int, value: Any, h: Any, slope: Any) -> tuple[Any, Any, Any]:
    """Return the two coefficients and the right side of the first equation."""
    first, none = h[:1], h[:1] * 0.0
    if order == 1:
        return none + 1.0, none, value[None]
    if order == 2:
        return 2 * first, first, 3 * first * slope[:1] - 0.5 * value[None] * first * first
    d, second = first + h[1:2], h[1:2]
    right = ((first + 2 * d) * second * slope[:1] + first * first * slope[1:2]) / d
    return second, d, right


def _periodic_slopes(h: Any, slope: Any, values: Any) -> Any:
    """Return the first derivatives at the knots of a periodic spline."""
    first, last = unwrap(values)[0], unwrap(values)[-1]
    if any_of(~np.isclose(first, last, rtol=1e-15, atol=1e-15)):
        raise ValueError("CubicSpline(bc_type='periodic') takes the same first and last value of y")
    before, slope_before = np.roll(h, 1, 0), np.roll(slope, 1, 0)
    one = np.eye(h.shape[0])
    matrix = 2 * (before + h) * one + h * np.roll(one, -1, 1) + before * np.roll(one, 1, 1)
    s = np.linalg.solve(matrix, 3 * (h * slope_before + before * slope))
    return np.concatenate([s, s[:1]])


class interp1d:
    """Interpolate linearly; as ``scipy.interpolate.interp1d``.

    At a knot the derivative by the point is the slope to the left, except at the first.

    Parameters
    ----------
    x : array of shape (N,)
    y : array
        Of length N along ``axis``.
    kind : 'linear'
        Others are refused: 'cubic' is :class:`CubicSpline`, the rest has no useful gradient.
    axis : int
    copy : bool
        Accepted as in SciPy.
    bounds_error : bool, optional
        Whether points outside raise; by default they do unless ``fill_value`` is given.
    fill_value : number, pair or 'extrapolate'
    assume_sorted : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> f = ag.scipy.interpolate.interp1d([0.0, 1.0, 3.0], [0.0, 2.0, 8.0])
    >>> float(f(2.0)), float(ag.grad(f)(2.0))
    (5.0, 3.0)
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        kind: Any = "linear",
        axis: int = -1,
        copy: bool = True,
        bounds_error: bool | None = None,
        fill_value: Any = np.nan,
        assume_sorted: bool = False,
    ) -> None:
        if kind not in ("linear", 1):
            raise NotDifferentiableError(
                f"ag.scipy.interpolate.interp1d has no kind={kind!r}: 'linear', or CubicSpline"
            )
        self.x, self.y, self.axis = _knots("interp1d", x, y, axis)
        if not assume_sorted:
            order = np.argsort(unwrap(self.x), kind="mergesort")
            self.x, self.y = taken(self.x, order), taken(self.y, order)
        extrapolates = isinstance(fill_value, str) and fill_value == "extrapolate"
        one = not extrapolates and not isinstance(fill_value, tuple)
        missing = one and not any_of(~np.isnan(unwrap(fill_value)))
        self.bounds_error = missing if bounds_error is None else bounds_error
        self.fill_value = None if extrapolates else fill_value

    def __call__(self, x: Any) -> Any:
        """Return the interpolated values at points."""
        v = inexact(x)
        plain, knots = unwrap(v), unwrap(self.x)
        below, above = plain < knots[0], plain > knots[-1]
        if self.bounds_error and self.fill_value is not None and any_of(below | above):
            raise ValueError(
                f"interp1d was asked for a point outside of [{knots[0]}, {knots[-1]}]; give "
                "fill_value="
            )
        right = np.clip(np.searchsorted(knots, plain), 1, len(knots) - 1)
        (x0, y0), (x1, y1) = ((taken(self.x, i), taken(self.y, i)) for i in (right - 1, right))
        more = v.shape + (1,) * (self.y.ndim - 1)
        out = (y1 - y0) / (x1 - x0).reshape(more) * (v - x0).reshape(more) + y0
        if self.fill_value is not None:
            fill = self.fill_value
            low, high = fill if isinstance(fill, tuple) else (fill, fill)
            out = np.where(below.reshape(more), low, np.where(above.reshape(more), high, out))
        return _place(out, v, self.axis)


__all__ = ["CubicSpline", "interp1d"]
