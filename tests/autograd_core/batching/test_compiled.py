"""vmap inside ag.compile, and a compiled function inside vmap."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

rng = np.random.default_rng(0)
X, W, M = rng.normal(size=(6, 5)), rng.normal(size=5), rng.normal(size=(5, 5))
S = rng.normal(size=(4, 3, 3))
S = S @ S.swapaxes(1, 2) + np.eye(3)


def f(w, x):
    return np.sum(np.tanh(x * w) @ M * np.exp(w))


def written(x):
    t = x * 1.0
    t[0] = t[1]
    t[2:] *= 2
    return np.sum(t**2)


PROGRAMS = [
    (ag.vmap(ag.grad(f), (None, 0)), (W, X)),
    (lambda w, x: ag.grad(lambda w: np.sum(ag.vmap(f, (None, 0))(w, x) ** 2))(w), (W, X)),
    (ag.vmap(ag.hessian(f), (None, 0)), (W, X)),
    (ag.hessian(lambda w: f(w, X[0])), (W,)),
    (ag.jacobian(lambda w: np.tanh(M @ w)), (W,)),
    (ag.vmap(ag.grad(lambda s: np.sum(np.linalg.eigh(s)[0] ** 3))), (S,)),
    (ag.vmap(ag.grad(np.linalg.det)), (S,)),
    (ag.vmap(ag.grad(lambda s: np.sum(np.convolve(s[0], s[1]) ** 2))), (S,)),
    (ag.vmap(lambda x, i: x[i] ** 2), (X, np.array([0, 1, 2, 3, 4, 1]))),
    (ag.vmap(ag.grad(written)), (X,)),
    (lambda x: ag.vmap(lambda a: ag.vmap(lambda b: np.exp(-np.sum((a - b) ** 2)))(x))(x), (X,)),
]


@pytest.mark.parametrize(("program", "args"), PROGRAMS)
def test_vmap_in_a_program(program, args):
    compiled = ag.compile(program, blocks=False)
    for _ in range(2):
        assert np.array_equal(compiled(*args), program(*args))
    other = [a * 1.5 if a.dtype.kind == "f" else a for a in args]
    assert np.array_equal(compiled(*other), program(*other))
    assert compiled.traces == 1
    assert "Batched" not in compiled.source


def test_a_program_in_vmap_runs_eagerly():
    compiled = ag.compile(lambda x: np.tanh(x) @ M)
    assert np.allclose(ag.vmap(compiled)(X), np.tanh(X) @ M, rtol=1e-14)
    slope = ag.vmap(ag.grad(lambda x: np.sum(compiled(x))))(X)
    assert np.allclose(slope, (1 - np.tanh(X) ** 2) * M.sum(1))
    outer = ag.compile(lambda x: np.sum(ag.vmap(compiled)(x)))
    assert np.isclose(outer(X), np.sum(np.tanh(X) @ M))
