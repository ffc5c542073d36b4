"""Whole derivatives by batches of cotangents: chunks, forward mode, trees, and what goes by rows."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.transforms import jacobians, sparse_jacobians

rng = np.random.default_rng(0)
A, x = rng.normal(size=(7, 5)), rng.normal(size=5)


def rows(f, x):
    y, pull = ag.vjp(f, x)
    return np.stack([pull(e.reshape(np.shape(y))) for e in np.eye(np.size(y))])


@pytest.mark.parametrize("chunk", [None, 1, 3, 7, 100])
def test_chunks(chunk):
    f = lambda x: np.tanh(A @ x) * np.sum(x)
    assert np.allclose(ag.jacobian(f, chunk=chunk)(x), rows(f, x), rtol=1e-14, atol=1e-15)
    g = lambda x: np.sum(np.tanh(A @ x) ** 2)
    assert np.allclose(ag.hessian(g, chunk=chunk)(x), rows(ag.grad(g), x), rtol=1e-13)


def test_one_sweep_for_all_rows():
    calls = []
    double = ag.primitive(lambda x: 2 * x)
    double.defvjp(lambda g, out, x: calls.append(g) or 2 * g)
    assert np.array_equal(ag.jacobian(lambda x: double(x))(x), 2 * np.eye(5))
    assert len(calls) == 1


def test_forward_mode_where_inputs_are_few(monkeypatch):
    tall = rng.normal(size=(200, 3))
    f = lambda p, q: np.tanh(tall @ p) * q
    p, q = rng.normal(size=3), rng.normal(size=200)
    wanted = (1 - np.tanh(tall @ p) ** 2)[:, None] * tall * q[:, None]
    used = []
    columns = jacobians._columns
    monkeypatch.setattr(jacobians, "_columns", lambda *a: used.append(1) or columns(*a))
    assert np.allclose(ag.jacobian(f)(p, q), wanted, rtol=1e-13)
    assert used
    by_p, by_q = ag.jacobian(f, (0, 1), chunk=50)(p, q)
    assert np.allclose(by_p, wanted, rtol=1e-13)
    assert np.allclose(by_q, np.diag(np.tanh(tall @ p)), rtol=1e-13)
    two = ag.jacobian(lambda d: tall @ d["a"] * d["b"])({"a": p, "b": 2.0})
    assert np.allclose(two["a"], 2 * tall)
    assert np.allclose(two["b"], tall @ p)


def test_trees_in_and_out():
    f = lambda d: {"u": d["a"] * d["b"], "v": np.sum(d["a"])}
    found = ag.jacobian(f)({"a": x, "b": 3.0})
    assert np.array_equal(found["u"]["a"], 3 * np.eye(5))
    assert np.array_equal(found["u"]["b"], x)
    assert np.array_equal(found["v"]["a"], np.ones(5))
    second = ag.hessian(lambda d: np.sum(d["a"] ** 2 * d["b"]))({"a": x, "b": 3.0})
    assert np.array_equal(second["a"]["a"], 6 * np.eye(5))
    assert np.array_equal(second["a"]["b"], 2 * x)


def test_complex():
    z = x + 1j * x[::-1]
    f = lambda z: np.exp(z) * z[0]
    wanted = np.diag(np.exp(z) * z[0])
    wanted[:, 0] += np.exp(z)
    assert np.allclose(ag.jacobian(f)(z), wanted, rtol=1e-13)
    with pytest.raises(ag.GraphError, match="holomorphic"):
        ag.jacobian(np.conj)(z)


def test_a_rule_that_takes_numbers_goes_by_rows_without_a_word():
    odd = ag.primitive(lambda x: x * 2)
    odd.defvjp(lambda g, out, x: np.array([2 * float(v) for v in np.asarray(g)]))
    assert np.array_equal(ag.jacobian(lambda x: odd(x) * x)(x), rows(lambda x: odd(x) * x, x))


def test_of_derivatives_in_both_orders():
    f = lambda x: np.tanh(A @ x)
    X = rng.normal(size=(4, 5))
    found = ag.vmap(ag.jacobian(f))(X)
    assert np.allclose(found, np.stack([rows(f, v) for v in X]), rtol=1e-13)
    slope = ag.grad(lambda x: np.sum(ag.jacobian(f)(x) ** 2))(x)
    t = np.tanh(A @ x)
    wanted = ((-4 * t * (1 - t * t) ** 2) * (A * A).sum(1)) @ A
    assert np.allclose(slope, wanted, rtol=1e-12)


@pytest.mark.parametrize("mode", [ag.detect_anomaly, ag.strict_nan])
def test_in_other_modes(mode):
    with mode():
        assert np.allclose(ag.jacobian(lambda x: A @ x**2)(x), 2 * A * x)
        assert np.allclose(ag.vmap(ag.grad(lambda a: np.sum(np.exp(a * x))))(A), np.exp(A * x) * x)


def scalar(d):
    return np.sum(np.tanh(A @ d["a"]) ** 2 * d["b"]) + np.prod(d["a"])


@pytest.mark.parametrize("chunk", [None, 1, 2])
def test_the_diagonal_of_the_hessian_and_its_sum(chunk):
    d = {"a": x, "b": np.float64(3.0)}
    whole = ag.hessian(scalar)(d)
    found = ag.hessian_diagonal(scalar, chunk=chunk)(d)
    assert np.allclose(found["a"], np.diag(whole["a"]["a"]), rtol=1e-12)
    assert found["b"].shape == ()
    assert np.allclose(found["b"], whole["b"]["b"])
    wanted = np.trace(whole["a"]["a"]) + whole["b"]["b"]
    assert np.allclose(ag.laplacian(scalar, chunk=chunk)(d), wanted, rtol=1e-12)
    f = lambda a, b: np.sum(np.exp(a * b)) * np.sum(b**2)
    by_a, by_b = ag.hessian_diagonal(f, (0, 1))(x.reshape(5, 1), x[:4])
    blocks = ag.hessian(f, (0, 1))(x.reshape(5, 1), x[:4])
    assert np.allclose(by_a.ravel(), np.diag(blocks[0][0].reshape(5, 5)), rtol=1e-12)
    assert np.allclose(by_b, np.diag(blocks[1][1]), rtol=1e-12)


def test_the_laplacian_at_many_points_and_its_slope():
    wave = lambda r: np.sin(2 * r[0]) * np.cos(3 * r[1])
    points = rng.normal(size=(6, 2))
    found = ag.vmap(ag.laplacian(wave))(points)
    assert np.allclose(found, [-13 * wave(r) for r in points], rtol=1e-12)
    slope = ag.grad(lambda r: ag.laplacian(wave)(r) ** 2)(points[0])
    assert np.allclose(slope, 169 * ag.grad(lambda r: wave(r) ** 2)(points[0]), rtol=1e-12)
    assert np.allclose(ag.compile(ag.laplacian(wave))(points[0]), found[0], rtol=1e-12)
    with pytest.raises(ag.GraphError, match="real arguments"):
        ag.laplacian(lambda z: np.sum(z.real**2))(points + 1j)


def test_many_products_with_the_hessian_share_one_gradient():
    count = []
    f = lambda x: count.append(1) or np.sum(np.tanh(A @ x) ** 2)
    found = ag.vmap(lambda v: ag.hvp(f, x, v))(np.eye(5))
    assert len(count) == 1
    assert np.allclose(found, ag.hessian(f)(x), rtol=1e-12)


def test_gauss_newton_products():
    model = lambda d: {"p": np.tanh(A @ d["a"]) * d["b"], "q": d["a"][:2] ** 2}
    loss = lambda r: np.sum(np.log(np.cosh(r["p"]))) + np.sum(r["q"] ** 2) ** 2
    d = {"a": x, "b": 2.0}
    flat, restore = ag.ravel(d)
    residuals = lambda flat: ag.ravel(model(restore(flat)))[0]
    J = ag.jacobian(residuals)(flat)
    split = lambda v: {"p": v[:7], "q": v[7:]}
    H = ag.hessian(lambda v: loss(split(v)))(residuals(flat))
    v = rng.normal(size=6)
    plain, curved = ag.gnvp(model, d, restore(v)), ag.gnvp(model, d, restore(v), loss)
    assert np.allclose(ag.ravel(plain)[0], J.T @ J @ v, rtol=1e-12)
    assert np.allclose(ag.ravel(curved)[0], J.T @ H @ J @ v, rtol=1e-12)
    product = lambda u: ag.ravel(ag.gnvp(model, d, restore(u), loss))[0]
    assert np.allclose(ag.vmap(product)(np.eye(6)), J.T @ H @ J, rtol=1e-12)
    ag.assert_gradients(lambda u: ag.gnvp(lambda x: np.tanh(A @ x), u, u, lambda r: r @ r), x)
    with pytest.raises(ag.GraphError, match="v is a ndarray"):
        ag.gnvp(model, d, v)


def banded(n, below, above):
    at = np.subtract.outer(np.arange(n), np.arange(n))
    return (at <= below) & (-at <= above)


def test_sparse_jacobians_take_a_product_for_each_color(monkeypatch):
    pytest.importorskip("scipy")
    counts = []
    count = lambda name, kept: monkeypatch.setattr(
        sparse_jacobians, name, lambda *a: counts.append((name, a[2])) or kept(*a)
    )
    count("pull_rows", jacobians.pull_rows)
    count("push_columns", jacobians.push_columns)
    from scipy import sparse

    def burgers(u, speed=1.0):
        return np.diff(u, n=2, prepend=0.0, append=0.0) - speed * u * np.gradient(u)

    u = rng.normal(size=40)
    pattern = banded(40, 1, 1)
    pattern[0, 2] = pattern[-1, -3] = True
    found = ag.sparse_jacobian(burgers, sparse.csc_array(pattern))(u, speed=2.0)
    assert isinstance(found, sparse.csr_array)
    assert np.allclose(found.toarray(), ag.jacobian(burgers)(u, speed=2.0), rtol=1e-12)
    assert counts.pop() == ("pull_rows", 5)
    colors = np.arange(40) % 3
    with pytest.raises(ValueError, match="share a column"):
        ag.sparse_jacobian(burgers, pattern, colors)
    found = ag.sparse_jacobian(np.gradient, banded(40, 1, 1), colors)(u)
    assert np.allclose(found.toarray(), ag.jacobian(np.gradient)(u), rtol=1e-12)
    assert counts.pop() == ("pull_rows", 4)
    # a dense row makes all rows of the rest differ, a dense column all columns
    arrow = np.eye(40, dtype=bool)
    arrow[:, 0] = True
    found = ag.sparse_jacobian(lambda u: np.sin(u) * u[0], arrow)(u)
    assert np.allclose(found.toarray(), ag.jacobian(lambda u: np.sin(u) * u[0])(u), rtol=1e-12)
    assert counts.pop() == ("push_columns", 3)
    arrow = arrow.T
    f = lambda u: np.concatenate([[np.sum(u**2)], np.cos(u[1:])])
    found = ag.sparse_jacobian(f, arrow)(u)
    assert np.allclose(found.toarray(), ag.jacobian(f)(u), rtol=1e-12)
    assert counts.pop() == ("pull_rows", 3)


def test_a_sparse_jacobian_whose_pattern_is_wrong_raises():
    pytest.importorskip("scipy")
    f = lambda u: np.sin(u) + 1e-3 * np.roll(u, 2)
    u = rng.normal(size=30)
    with pytest.raises(ag.GraphError, match="outside the pattern, in 30 of its 30"):
        ag.sparse_jacobian(f, np.eye(30))(u)
    tall = np.zeros((60, 6))
    tall[np.arange(60), np.arange(60) % 6] = 1
    with pytest.raises(ag.GraphError, match="outside the pattern"):
        ag.sparse_jacobian(lambda u: np.tile(u, 10) * u[0], tall)(u[:6])
    with pytest.raises(ValueError, match=r"shape \(30, 30\)"):
        ag.sparse_jacobian(f, np.eye(3))(u)
    with pytest.raises(ag.GraphError, match="inside another transform"):
        ag.grad(lambda u: ag.sparse_jacobian(np.sin, np.eye(30))(u).sum())(u)
    with pytest.raises(ag.GraphError, match="inside another transform"):
        ag.vmap(lambda u: ag.sparse_jacobian(np.sin, np.eye(3))(u))(np.ones((2, 3)))
    with pytest.raises(ag.GraphError, match="one array by one array"):
        ag.sparse_jacobian(lambda d: d["a"], np.eye(3))({"a": u[:3], "b": u})
    assert ag.sparse_jacobian(np.sin, np.zeros((0, 0)))(u[:0]).shape == (0, 0)
