"""``ag.scipy.optimize``: solutions of SciPy, their gradients by the implicit function theorem."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.scipy.peers import check, same

scipy_optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")
optimize = ag.scipy.optimize
P = np.array([1.0, 2.0, 3.0])


def bent(z, p):
    return z**3 + z * p[0] - p[1:] + 0.1 * np.sum(z)


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov", "broyden1"])
def test_root(method):
    theirs = scipy_optimize.root(bent, np.ones(2), args=(P,), method=method, tol=1e-10)
    same(
        optimize.root(bent, np.ones(2), args=(P,), method=method, tol=1e-10).x, theirs.x, rtol=1e-8
    )
    f = lambda p: optimize.root(bent, np.ones(2), args=(p,), method=method, tol=1e-11).x
    check(f, P, rtol=1e-5, order=1 + (method == "hybr"))


def test_root_of_lists_and_several_parameters():
    f = lambda a, b: (
        optimize.root(
            lambda x, a, n, b: [x[0] * a + b, x[1] ** n - a], [1.0, 1.0], args=(a, 3, b), tol=1e-13
        ).x
    )
    same(f(8.0, 4.0), [-0.5, 2.0], rtol=1e-9)
    check(f, 8.0, 4.0, rtol=1e-5)
    x0 = ag.tensor([1.0, 1.0], requires_grad=True)
    assert isinstance(optimize.root(bent, x0, args=(P,)).x, np.ndarray)


def rosen(x, p):
    return p[0] * (x[1] - x[0] ** 2) ** 2 + (p[1] - x[0]) ** 2


@pytest.mark.parametrize(
    "method", [None, "L-BFGS-B", "Newton-CG", "trust-exact", "Nelder-Mead", "SLSQP"]
)
def test_minimize(method):
    p = np.array([2.0, 1.3])
    options = {"xatol": 1e-10, "fatol": 1e-14} if method == "Nelder-Mead" else {}
    f = lambda p: (
        optimize.minimize(
            rosen, np.array([0.5, 0.5]), args=(p,), method=method, tol=1e-13, options=options
        ).x
    )
    same(f(p), [1.3, 1.69], rtol=1e-5)
    same(ag.jacobian(f)(p), [[0, 1], [0, 2.6]], rtol=1e-4, atol=1e-5)


def test_minimize_to_second_order():
    f = lambda x, p: np.sum(np.cosh(x * p[0])) - p[1] * x[0] + np.sum(x**4) * p[2]
    best = lambda p: (
        optimize.minimize(
            f,
            np.array([0.1, 0.2]),
            args=(p,),
            tol=1e-13,
            method="trust-exact",
            options={"gtol": 1e-12},
        ).x
    )

    slope, twice = ag.jacobian(best)(P), ag.jacobian(ag.jacobian(best))(P)
    e = 1e-4 * np.eye(3)
    same(slope.T, [(best(P + d) - best(P - d)) / 2e-4 for d in e], rtol=1e-5, atol=1e-7)
    differences = [(ag.jacobian(best)(P + d) - ag.jacobian(best)(P - d)) / 2e-4 for d in e]
    same(np.moveaxis(twice, 2, 0), differences, rtol=1e-5, atol=1e-7)
    value = lambda p: optimize.minimize(f, np.array([0.1, 0.2]), args=(p,), tol=1e-12).fun
    check(value, P, rtol=1e-5, order=1)


def test_bounds():
    f = lambda x, p: np.sum((x - p) ** 2) + x[0] * x[1]
    best = lambda p: (
        optimize.minimize(f, np.full(2, 0.2), args=(p,), bounds=[(0, 0.5), (None, 9)], tol=1e-12).x
    )
    p = np.array([2.0, 1.0])
    same(best(p), [0.5, 0.75], rtol=1e-6)
    same(ag.jacobian(best)(p), [[0, 0], [0, 1]], rtol=1e-8)


def test_least_squares():
    t = np.linspace(0.0, 3.0, 7)
    y = 3 * np.exp(-0.5 * t) + 0.1 * np.sin(9 * t)
    residuals = lambda x, y: x[0] * np.exp(-x[1] * t) - y
    theirs = scipy_optimize.least_squares(residuals, [1.0, 1.0], args=(y,))
    ours = optimize.least_squares(residuals, [1.0, 1.0], args=(y,))
    same(ours.x, theirs.x, rtol=1e-6)
    assert ours.njev <= theirs.njev
    f = lambda y: (
        optimize.least_squares(
            residuals, [1.0, 1.0], args=(y,), xtol=1e-15, ftol=1e-15, gtol=1e-13
        ).x
    )
    check(f, y, rtol=1e-5, order=1)
    g = lambda y: (
        optimize.least_squares(residuals, [1.0, 0.3], args=(y,), bounds=([0, 0], [9, 0.4])).x
    )
    same(g(y)[1], 0.4, rtol=1e-6)
    same(ag.jacobian(g)(y)[1], np.zeros(7))


def test_constraints_without_gradients():
    f, at = lambda x, p: np.sum((x - p) ** 2), {"type": "eq", "fun": lambda x: x[0] - x[1]}
    same(optimize.minimize(f, np.zeros(2), args=(P[:2],), constraints=at).x, [1.5, 1.5], rtol=1e-6)


def test_refusals():
    f = lambda x, p: np.sum((x - p) ** 2)
    with pytest.raises(ag.NotDifferentiableError, match="constraints"):
        ag.grad(
            lambda p: optimize.minimize(
                f, np.zeros(2), args=(p,), constraints={"type": "eq", "fun": lambda x: x[0]}
            ).x[0]
        )(1.0)
    with pytest.raises(ag.NotDifferentiableError, match="args="):
        ag.grad(lambda p: optimize.minimize(lambda x: np.sum((x - p) ** 2), np.zeros(2)).x[0])(1.0)
    with pytest.raises(ag.NotDifferentiableError, match="args="):
        ag.grad(lambda p: optimize.root(lambda x: x - p, np.zeros(2)).x[0])(1.0)
    with pytest.raises(RuntimeError, match="found no solution"):
        ag.grad(lambda p: optimize.root(lambda x, p: x**2 + p, [1.0], args=(p,)).x[0])(1.0)
    with pytest.raises(ag.NotDifferentiableError, match="singular"):
        ag.grad(
            lambda p: optimize.minimize(lambda x, p: np.sum(x) * 0.0 * p, [1.0], args=(p,)).x[0]
        )(1.0)
    with pytest.raises(ag.NotDifferentiableError, match="loss"):
        ag.grad(
            lambda p: optimize.least_squares(lambda x, p: x - p, [1.0], args=(p,), loss="huber").x[
                0
            ]
        )(1.0)
    with pytest.raises(ag.NotDifferentiableError, match="kwargs"):
        ag.grad(lambda p: optimize.least_squares(lambda x, p: x - p, [1.0], kwargs={"p": p}).x[0])(
            1.0
        )


def test_parameters_in_containers():
    f = lambda x, q: np.sum((x - q["a"]) ** 2)
    assert (
        abs(
            ag.grad(
                lambda p: optimize.minimize(f, np.zeros(2), args=({"a": p, "name": "b"},)).x[0]
            )(2.0)
            - 1
        )
        < 1e-6
    )
    g = lambda p: optimize.root(lambda x, q: x - q[0] * q[1], np.zeros(2), args=([p, 3],)).x[1]
    assert abs(ag.grad(g)(2.0) - 3) < 1e-6


def test_compiled():
    f = ag.grad(lambda p: optimize.root(bent, np.ones(2), args=(p,)).x.sum())
    same(ag.compile(f)(P), f(P))


@pytest.mark.filterwarnings("ignore:ag.vmap")
def test_batches():
    """Starting points differ, too; which variables are at their bounds is each example's own."""
    start, p = np.array([[0.5, 2.0], [-0.5, -2.0]]), np.array([1.0, 4.0])
    square = lambda x, p: x**2 - p
    f = lambda x, p: optimize.root(square, x, args=(p,), tol=1e-13).x
    same(ag.vmap(f)(start, p), [[1.0, 1.0], [-2.0, -2.0]], rtol=1e-9)
    slope = ag.vmap(ag.grad(lambda p, x: f(x, p)[0]))(p, start)
    same(slope, [0.5, -0.25], rtol=1e-9)
    apart = lambda x, p: np.sum((x - p) ** 2)
    best = lambda p: optimize.minimize(apart, np.zeros(2), args=(p,), bounds=[(None, 1.0)] * 2).x
    points = np.array([[0.5, 2.0], [3.0, 0.25]])
    at = ag.vmap(ag.jacobian(best))(points)
    same(at, [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])], rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore:ag.vmap")
def test_results_of_batches_and_programs_have_no_stale_numbers():
    f = lambda p: optimize.root(bent, np.ones(2), args=(p,))
    with pytest.raises(AttributeError, match="x, success alone, and no 'nfev'"):
        ag.vmap(lambda p: f(p).nfev)(np.stack([P, P]))
    counted = ag.compile(lambda p: f(p).nfev * 1.0)
    with pytest.warns(UserWarning, match="no 'nfev'.*run eagerly"):
        assert counted(P) == f(P).nfev
    low = lambda p: optimize.minimize(lambda x, p: np.sum((x - p) ** 2), np.zeros(2), args=(p,)).fun
    compiled = ag.compile(low)
    for p in (1.0, 3.0):
        same(compiled(np.array(p)), low(np.array(p)), atol=1e-9)


@pytest.mark.filterwarnings("ignore:ag.vmap")
def test_captured_batches_and_arrays_of_programs_are_refused():
    f = lambda k, p: optimize.root(lambda x, p: x * k - p, np.zeros(2), args=(p,)).x
    with pytest.raises(ag.VmapError, match="pass it by args="):
        ag.vmap(f)(P, P)
    with pytest.raises(ag.VmapError, match="as a float"):
        ag.vmap(lambda n, p: optimize.root(lambda x, n, p: x * n - p, [0.0], args=(n, p)).x)(
            np.arange(1, 4), P
        )
    with pytest.raises(ag.CompileError, match="pass it by args="):
        ag.compile(f)(np.array(2.0), np.array(3.0))
    known = lambda k, p: optimize.root(lambda x, k, p: x * k - p, np.zeros(2), args=(k, p)).x
    same(ag.compile(known)(np.array(2.0), np.array(3.0)), [1.5, 1.5])


def test_as_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    with jax.enable_x64(True):
        x = scipy_optimize.root(bent, np.ones(2), args=(P,), tol=1e-13).x
        fx, fp = jax.jacobian(bent, 0)(x, P), jax.jacobian(bent, 1)(x, P)
        same(
            ag.jacobian(lambda p: optimize.root(bent, np.ones(2), args=(p,)).x)(P),
            -np.linalg.solve(fx, fp),
            rtol=1e-7,
        )
