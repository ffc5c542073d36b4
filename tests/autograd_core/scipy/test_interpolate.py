"""``ag.scipy.interpolate``: values of SciPy, gradients by values, points and knots."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.scipy.peers import check, recorded, same

scipy_interpolate = pytest.importorskip("scipy.interpolate", reason="SciPy is not installed")
interpolate = ag.scipy.interpolate
rng = np.random.default_rng(2)
X = np.cumsum(rng.uniform(0.5, 1.5, 6))
Y, Y2 = rng.normal(size=6), rng.normal(size=(2, 6, 3))
V = np.array([[X[0] - 0.3, X[0] + 0.1, 2.2], [3.3, X[-1] - 0.1, X[-1] + 0.2]])
ROUND = np.append(Y[:-1], Y[0])
BC = [
    "not-a-knot",
    "natural",
    "clamped",
    ((1, 0.3), (2, -0.5)),
    ((2, 0.7), "not-a-knot"),
    "periodic",
]


@pytest.mark.parametrize("bc", BC, ids=str)
def test_cubic_splines(bc):
    y = ROUND if bc == "periodic" else Y
    spline = lambda x, y, v, nu=0: interpolate.CubicSpline(x, y, bc_type=bc)(v, nu)
    theirs = scipy_interpolate.CubicSpline(X, y, bc_type=bc)
    for nu in range(5):
        same(spline(X, y, V, nu), theirs(V, nu), rtol=1e-10, atol=1e-11)
    same(recorded(spline, X, y, V), theirs(V), rtol=1e-10)
    same(interpolate.CubicSpline(X, y, bc_type=bc).c, theirs.c, rtol=1e-9, atol=1e-12)
    if bc == "periodic":
        check(lambda x, v: spline(x, y, v), X, V, rtol=1e-6, order=1)
        check(lambda y, v: spline(X, np.append(y, y[:1]), v), y[:-1], V, rtol=1e-6, order=1)
    else:
        check(spline, X, y, V, rtol=1e-6, order=1)
        check(lambda x, y, v: spline(x, y, v, 1), X, y, V, rtol=1e-6, order=1)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_few_knots(n):
    for bc in ("not-a-knot", "natural", "clamped"):
        f = lambda y, v, bc=bc: interpolate.CubicSpline(X[:n], y, bc_type=bc)(v)
        same(f(Y[:n], V), scipy_interpolate.CubicSpline(X[:n], Y[:n], bc_type=bc)(V), rtol=1e-10)
        check(f, Y[:n], V[0], order=1)
    y = np.append(Y[: n - 1], Y[0])
    if n > 2:
        same(
            interpolate.CubicSpline(X[:n], y, bc_type="periodic")(V),
            scipy_interpolate.CubicSpline(X[:n], y, bc_type="periodic")(V),
            rtol=1e-10,
        )


def test_splines_to_second_order():
    check(lambda x, y, v: interpolate.CubicSpline(x, y)(v), X[:5], Y[:5], V[0, 2:])


def test_axes_and_extrapolation():
    f = lambda y, v: interpolate.CubicSpline(X, y, axis=1)(v)
    same(f(Y2, V), scipy_interpolate.CubicSpline(X, Y2, axis=1)(V), rtol=1e-10, atol=1e-12)
    check(f, Y2, V[0], order=1)
    for mode in (False, "periodic"):
        same(
            interpolate.CubicSpline(X, Y)(V, 0, mode),
            scipy_interpolate.CubicSpline(X, Y)(V, 0, mode),
            rtol=1e-10,
        )
    with pytest.raises(ValueError, match="increasing"):
        interpolate.CubicSpline(X[::-1], Y)
    with pytest.raises(ValueError, match="same first and last"):
        interpolate.CubicSpline(X, Y, bc_type="periodic")
    with pytest.raises(ValueError, match="length N"):
        interpolate.CubicSpline(X, Y[:3])


def test_linear():
    inside = np.clip(V, X[0] + 0.01, X[-1] - 0.01)
    f = lambda x, y, v: interpolate.interp1d(x, y)(v)
    same(f(X, Y, inside), scipy_interpolate.interp1d(X, Y)(inside))
    check(f, X, Y, inside)
    g = lambda x, y, v: interpolate.interp1d(x, y, axis=1, fill_value="extrapolate")(v)
    same(g(X, Y2, V), scipy_interpolate.interp1d(X, Y2, axis=1, fill_value="extrapolate")(V))
    check(g, X, Y2, V[0], order=1)
    same(
        interpolate.interp1d(X[::-1], Y, bounds_error=False, fill_value=(1.0, 2.0))(V),
        scipy_interpolate.interp1d(X[::-1], Y, bounds_error=False, fill_value=(1.0, 2.0))(V),
    )
    with pytest.raises(ValueError, match="outside"):
        interpolate.interp1d(X, Y)(V)
    with pytest.raises(ag.NotDifferentiableError, match="nearest"):
        interpolate.interp1d(X, Y, "nearest")


def test_single_precision_and_near_knots():
    small = Y.astype(np.float32)
    f = lambda y: interpolate.CubicSpline(X.astype(np.float32), y)(V.astype(np.float32)).sum()
    assert ag.grad(f)(small).dtype == f(small).dtype == np.float32
    close = X.copy()
    close[2] = close[1] + 1e-9
    slope = ag.grad(lambda y: interpolate.interp1d(close, y)(close[1] + 0.5e-9))(Y)
    same(slope[1:3], [0.5, 0.5], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:ag.vmap")
def test_batches_are_checked_as_each_example():
    with pytest.raises(ValueError, match="increasing"):
        ag.vmap(lambda x: interpolate.CubicSpline(x, Y)(1.0))(np.stack([X, X[::-1]]))
    with pytest.raises(ValueError, match="outside"):
        ag.vmap(interpolate.interp1d(X, Y))(np.array([X[1], X[-1] + 1]))
    with pytest.raises(ValueError, match="same first and last"):
        ag.vmap(lambda y: interpolate.CubicSpline(X, y, bc_type="periodic")(1.0))(Y2[..., 0])
