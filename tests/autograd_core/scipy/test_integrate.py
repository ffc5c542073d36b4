"""``ag.scipy.integrate``: values of SciPy, gradients both ways, times, limits, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.scipy.peers import check, recorded, same

scipy_integrate = pytest.importorskip("scipy.integrate", reason="SciPy is not installed")
integrate = ag.scipy.integrate
TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def prey(t, y, p):
    return [p[0] * y[0] - y[0] * y[1], y[0] * y[1] - p[1] * y[1] + 0.1 * np.sin(t)]


Y, P = np.array([1.0, 0.5]), np.array([1.1, 0.4])


@pytest.mark.parametrize("method", ["RK45", "RK23", "DOP853"])
@pytest.mark.parametrize("times", [None, np.array([0.0, 0.13, 0.5, 0.77, 1.0])])
@pytest.mark.parametrize("gradient", ["steps", "adjoint"])
def test_values(method, times, gradient):
    theirs = scipy_integrate.solve_ivp(prey, (0, 1), Y, method, times, args=(P,))
    ours = integrate.solve_ivp(prey, (0, 1), Y, method, times, args=(P,))
    same(ours.y, theirs.y)
    f = lambda y, p: (
        integrate.solve_ivp(prey, (0, 1), y, method, times, args=(p,), gradient=gradient).y
    )
    out = recorded(f, Y, P)
    rtol = 1e-12 if gradient == "steps" or times is not None else 1e-3
    same(out, theirs.y, rtol=rtol)


def forced(t, y, p):
    return -p[0] * (y - p[1] * t)


def forced_exactly(y, p, start, t):
    particular = lambda t: p[1] * (t - 1 / p[0])
    return particular(t) + (y - particular(start)) * np.exp(-p[0] * (t - start))


@pytest.mark.parametrize("gradient", ["steps", "adjoint"])
def test_gradients_by_states_parameters_and_times(gradient):
    options = {"method": "DOP853", "gradient": gradient, **TIGHT}

    def final(y, p, start, end):
        return integrate.solve_ivp(forced, (start, end), y, args=(p,), **options).y[0, -1] ** 2

    def finally_exact(y, p, start, end):
        return forced_exactly(y[0], p, start, end) ** 2

    def at(y, p, start, times):
        sol = integrate.solve_ivp(forced, (start, 1.0), y, t_eval=times, args=(p,), **options)
        return np.sum(sol.y**2)

    def exactly_at(y, p, start, times):
        return np.sum(forced_exactly(y, p, start, times) ** 2)

    for ours, exact, last in [(final, finally_exact, 0.7), (at, exactly_at, np.array([0.2, 0.5]))]:
        args = (Y[:1], P, 0.1, last)
        for a, b in zip(
            ag.grad(ours, (0, 1, 2, 3))(*args), ag.grad(exact, (0, 1, 2, 3))(*args), strict=True
        ):
            same(a, b, rtol=1e-6)


@pytest.mark.parametrize("gradient", ["steps", "adjoint"])
def test_second_order(gradient):
    def final(p):
        sol = integrate.solve_ivp(
            forced, (0, 0.5), Y[:1], args=(p,), gradient=gradient, rtol=1e-8, atol=1e-9
        )
        return sol.y[0, -1]

    same(
        ag.hessian(final)(P),
        ag.hessian(lambda p: forced_exactly(Y[0], p, 0.0, 0.5))(P),
        rtol=1e-5,
        atol=1e-7,
    )


def test_both_ways_agree():
    def loss(y, p, gradient):
        sol = integrate.solve_ivp(
            prey, (2, 0), y, "DOP853", [1.5, 1.0, 0.2], args=(p,), gradient=gradient, **TIGHT
        )
        return np.sum(sol.y**2)

    for i in (0, 1):
        a, b = (ag.grad(loss, i)(Y, P, way) for way in ("steps", "adjoint"))
        same(a, b, rtol=1e-7)


def test_the_adjoint_of_a_compiled_right_side_is_compiled():
    def loss(fun):
        options = {"t_eval": [1.5, 1.0, 0.2], "gradient": "adjoint", "rtol": 1e-7}
        return lambda p: np.sum(integrate.solve_ivp(fun, (2, 0), Y, args=(p,), **options).y ** 2)

    fun = ag.compile(prey)
    side = integrate._compiled_side(fun, 2)
    same(ag.grad(loss(fun))(P), ag.grad(loss(prey))(P), rtol=1e-12)
    assert 1 <= side.traces <= 2  # times are Python floats and those of NumPy
    assert "return np.concatenate" in side.source
    same(ag.hessian(loss(fun))(P), ag.hessian(loss(prey))(P), rtol=1e-6)


def test_odeint():
    turned, t = lambda y, t, p: prey(t, y, p), np.array([0.0, 0.3, 1.0])
    f = lambda y, t, p, **more: integrate.odeint(turned, y, t, (p,), **more)
    theirs = scipy_integrate.odeint(turned, Y, t, (P,))
    same(f(Y, t, P), theirs)
    same(recorded(f, Y, t, P), theirs)
    same(integrate.odeint(prey, Y, t, (P,), tfirst=True), theirs)
    check(lambda y, t, p: f(y, t, p, **TIGHT), Y, t, P, rtol=1e-5, order=1)
    same(ag.compile(lambda p: f(Y, t, p))(P), theirs)
    with pytest.raises(ag.NotDifferentiableError, match="full_output"):
        ag.grad(lambda p: f(Y, t, p, full_output=True)[0][1, 0])(P)
    with pytest.raises(ag.VmapError, match="same times"):
        ag.vmap(f, (None, 0, None))(Y, np.stack([t, t]), P)


def test_stiff_and_captured():
    stiff = lambda t, y, k: -k * (y - np.cos(t))
    f = lambda k, gradient: integrate.solve_ivp(
        stiff, (0, 1), [0.0], "Radau", args=(k,), gradient=gradient, rtol=1e-7, atol=1e-9
    ).y[0, -1]
    k, e = 50.0, 1e-2
    slope = ag.grad(lambda k: f(k, "adjoint"))(k)
    np.testing.assert_allclose(slope, (f(k + e, "steps") - f(k - e, "steps")) / (2 * e), rtol=1e-2)
    with pytest.raises(ag.NotDifferentiableError, match="gradient='adjoint'"):
        ag.grad(lambda k: f(k, "steps"))(k)
    inside = lambda k, **options: integrate.solve_ivp(
        lambda t, y: -k * y, (0, 1), np.ones(1), **TIGHT, **options
    ).y[0, -1]
    np.testing.assert_allclose(ag.grad(inside)(2.0), -np.exp(-2), rtol=1e-8)
    with pytest.raises(ag.NotDifferentiableError, match="args="):
        ag.grad(lambda k: inside(k, gradient="adjoint"))(2.0)
    with pytest.raises(ag.NotDifferentiableError, match="events"):
        ag.grad(lambda k: inside(k, events=lambda t, y: y[0]))(2.0)
    with pytest.raises(RuntimeError, match="failed"):
        ag.grad(lambda y: integrate.solve_ivp(lambda t, y: y**2, (0, 9), y).y[0, -1])(np.ones(1))


def test_events_and_dense_output_without_gradients():
    options = {"args": (P,), "events": lambda t, y, p: y[0] - 1.1, "dense_output": True}
    ours, theirs = (m.solve_ivp(prey, (0, 1), Y, **options) for m in (integrate, scipy_integrate))
    same(ours.t_events[0], theirs.t_events[0])
    same(ours.sol(0.3), theirs.sol(0.3))


def test_parameters_in_containers_and_lists():
    decay = lambda t, y, q: -q["k"] * y
    for gradient in ("steps", "adjoint"):
        f = lambda k, gradient=gradient: integrate.solve_ivp(
            decay, (0, 1), [1.0], args=({"k": k},), gradient=gradient, **TIGHT
        ).y[0, -1]
        same(ag.grad(f)(2.0), -np.exp(-2.0), rtol=1e-7)
    turn = lambda k: integrate.solve_ivp(
        lambda t, y: [y[1], -k * y[0]], (0, 1), [1.0, 0.0 * k], **TIGHT
    ).y[0, -1]
    same(ag.grad(turn)(2.0), -np.sin(2**0.5) / (2 * 2**0.5), rtol=1e-7)
    same(ag.grad(lambda b: integrate.quad(lambda x, n: x**n, 0, b, args=(2,))[0])(2.0), 4.0)
    same(
        ag.grad(lambda k: integrate.quad(lambda x, q: q["k"] * x, 0, 1, args=({"k": k},))[0])(2.0),
        0.5,
    )


def test_compiled():
    decay = lambda t, y, k: -k * y
    f = ag.grad(
        lambda k: integrate.solve_ivp(
            decay, (0, 1), Y, t_eval=[0.5, 1.0], args=(k,), gradient="adjoint"
        ).y.sum()
    )
    same(ag.compile(f)(P), f(P))
    g = ag.grad(lambda k: integrate.quad(lambda x, k: np.sum(np.cos(k * x)), 0, 1, args=(k,))[0])
    same(ag.compile(g)(P), g(P))


def test_complex_and_single_precision():
    turn = lambda t, y, w: 1j * w * y
    f = lambda w: (
        integrate.solve_ivp(turn, (0, 1), np.ones(1, complex), args=(w,), **TIGHT).y[0, -1].imag
    )
    np.testing.assert_allclose(ag.grad(f)(0.7), np.cos(0.7), rtol=1e-7)
    with pytest.raises(ag.NotDifferentiableError, match="real"):
        ag.grad(
            lambda w: (
                integrate.solve_ivp(
                    turn, (0, 1), np.ones(1, complex), args=(w,), gradient="adjoint"
                )
                .y[0, -1]
                .imag
            )
        )(0.7)


def test_quad():
    f = lambda x, p: np.exp(-p[0] * x * x) * np.cos(p[1] * x)
    g = lambda a, b, p: integrate.quad(f, a, b, args=(p,))[0]
    a, b = 0.2, 1.3
    same(g(a, b, P), scipy_integrate.quad(f, a, b, args=(P,))[0])
    same(recorded(g, a, b, P), scipy_integrate.quad(f, a, b, args=(P,))[0])
    slopes = ag.grad(g, (0, 1, 2))(a, b, P)
    same(slopes[:2], (-f(a, P), f(b, P)), rtol=1e-9)
    twice = ag.grad(lambda b: ag.grad(g, 2)(a, b, P)[0])(b)
    same(twice, ag.grad(lambda p: f(b, p))(P)[0], rtol=1e-9)
    whole = lambda p: integrate.quad(f, -np.inf, np.inf, args=(p,))[0]
    exact = lambda p: np.sqrt(np.pi / p[0]) * np.exp(-(p[1] ** 2) / (4 * p[0]))
    same(ag.grad(whole)(P), ag.grad(exact)(P), rtol=1e-8)
    same(ag.hessian(whole)(P), ag.hessian(exact)(P), rtol=1e-6)
    with pytest.raises(ag.NotDifferentiableError, match="weight"):
        ag.grad(lambda b: integrate.quad(np.cos, 0, b, weight="cos", wvar=1.0)[0])(1.0)
    with pytest.raises(ag.NotDifferentiableError, match="args="):
        ag.grad(lambda k: integrate.quad(lambda x: k * x, 0, 1)[0])(1.0)


@pytest.mark.parametrize("n", [2, 3, 4, 7, 8])
def test_simpson(n):
    rng = np.random.default_rng(n)
    y, x = rng.normal(size=(2, n)), np.cumsum(rng.uniform(0.5, 1.5, n))
    for f, *arrays in [
        (lambda m: lambda y: m.simpson(y), y),
        (lambda m: lambda y, x: m.simpson(y, x), y, x),
        (lambda m: lambda y, x: m.simpson(y, x, axis=0), y.T.copy(), x),
        (lambda m: lambda y, x: m.simpson(y, x), y, x + 0.1 * y),
        (lambda m: lambda y: m.simpson(y, dx=0.3, axis=0), y.T.copy()),
    ]:
        ours, theirs = f(integrate), f(scipy_integrate)
        if ours.__code__.co_argcount == 2:
            theirs = lambda y, x, f=theirs: f(y, x)
        try:
            value = theirs(*arrays)
        except TypeError:  # x by keyword alone in older versions
            continue
        same(ours(*arrays), value)
        same(recorded(ours, *arrays), value)
        check(ours, *arrays, order=1 + (n == 4))


@pytest.mark.filterwarnings("ignore:ag.vmap")
def test_batches():
    """Of the ends and the times by steps; without times the examples take other steps."""
    fall = lambda t, y, k: [-k * y[0]]
    f = lambda k, end, how: integrate.solve_ivp(
        fall, (0, end), [2.0], t_eval=end.reshape(1), args=(k,), gradient=how, **TIGHT
    )  # fmt: skip
    k, end = np.array([1.0, 2.0]), np.array([0.5, 0.25])
    same(ag.vmap(lambda k, e: f(k, e, "steps").y[0, 0])(k, end), 2 * np.exp(-k * end), rtol=1e-8)
    with pytest.raises(ag.VmapError, match="gradient='steps'"):
        ag.vmap(lambda k, e: f(k, e, "adjoint").y[0, 0])(k, end)
    for how in ("steps", "adjoint"):
        one = lambda k, how=how: integrate.solve_ivp(fall, (0, 1), [2.0], args=(k,), gradient=how)
        with pytest.raises(ag.VmapError, match="t_eval="):
            ag.vmap(lambda k, one=one: one(k).y)(k)
        at = lambda k, how=how: f(k, np.array(0.5), how)
        with pytest.raises(AttributeError, match="no 'nfev'"):
            ag.vmap(lambda k, at=at: at(k).nfev)(k)
    with pytest.raises(ag.VmapError, match="args="):
        ag.vmap(lambda k: integrate.quad(lambda x: k * x, 0, 1)[0])(k)


@pytest.mark.filterwarnings("ignore:ag.vmap")
def test_infinite_limits_of_a_batch():
    f = lambda b: integrate.quad(lambda x: np.exp(-x), 0, b)[0]
    same(ag.vmap(f)(np.array([1.0, np.inf])), [1 - np.exp(-1.0), 1.0], rtol=1e-9)
    same(ag.vmap(ag.grad(f))(np.array([1.0, np.inf])), [np.exp(-1.0), 0.0], rtol=1e-9)


def test_as_hips_autograd():
    peer = pytest.importorskip("autograd.scipy.integrate", reason="HIPS autograd is not installed")
    from autograd import grad
    from autograd.builtins import tuple as boxed

    t = np.linspace(0.0, 1.0, 5)
    theirs = grad(
        lambda y, p: peer.odeint(lambda y, t, p: -p * y, y, t, boxed((p,)), rtol=1e-10, atol=1e-12)[
            -1
        ].sum(),
        1,
    )
    ours = ag.grad(
        lambda y, p: (
            integrate.solve_ivp(lambda t, y, p: -p * y, (0, 1), y, args=(p,), **TIGHT)
            .y[:, -1]
            .sum()
        ),
        1,
    )
    same(ours(Y, P), theirs(Y, P), rtol=1e-6)


def test_as_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    from jax.experimental.ode import odeint

    with jax.enable_x64(True):
        t = np.linspace(0.0, 1.0, 3)
        theirs = jax.grad(
            lambda y, p: odeint(lambda y, t, p: -p * y * y, y, t, p, rtol=1e-10, atol=1e-10)[
                -1
            ].sum(),
            (0, 1),
        )
        ours = ag.grad(
            lambda y, p: (
                integrate.solve_ivp(lambda t, y, p: -p * y * y, (0, 1), y, args=(p,), **TIGHT)
                .y[:, -1]
                .sum()
            ),
            (0, 1),
        )
        for a, b in zip(ours(Y, P), theirs(Y, P), strict=True):
            same(a, np.asarray(b), rtol=1e-6)
