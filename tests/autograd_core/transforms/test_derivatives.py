"""Whole derivatives by batches of cotangents: chunks, forward mode, trees, and what goes by rows."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.transforms import derivatives

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
    columns = derivatives._columns
    monkeypatch.setattr(derivatives, "_columns", lambda *a: used.append(1) or columns(*a))
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
