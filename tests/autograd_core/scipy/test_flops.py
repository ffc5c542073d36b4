"""What operations of ag.scipy cost, across its files: matrices count by the cube, not by elements."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.primitive import Primitive
from autograd_core.scipy import linalg, signal

pytest.importorskip("scipy")

N = 12
A = np.random.default_rng(0).normal(size=(N, N))
P, B = A @ A.T + N * np.eye(N), A[:, :5]

CALLS = {
    "solve_triangular": (lambda b: linalg.solve_triangular(P, b, lower=True), B, 5 * N**2),
    "solve": (lambda b: linalg.solve(P, b), B, 2 / 3 * N**3 + 2 * 5 * N**2),
    "cholesky": (linalg.cholesky, P, N**3 / 3),
    "eigh": (lambda a: linalg.eigh(a)[0], P, 9 * N**3),
    "expm": (linalg.expm, A / 10, 44 / 3 * N**3),
    "sqrtm": (linalg.sqrtm, P, 85 / 3 * N**3),
    "solve_sylvester": (lambda q: linalg.solve_sylvester(P, P, q), A, 50 * N**3),
    "solve_toeplitz": (lambda b: linalg.solve_toeplitz(P[0] + N * N * np.eye(N)[0], b), B[:, 0], 4 * N**2),
    "lfilter": (lambda x: signal.lfilter(np.ones(3), np.array([1.0, 0.5]), x), B[:, 0], 2 * 5 * N),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_operations(name):
    call, x, expected = CALLS[name]
    found = {r.name: r.flops for r in ag.profile(lambda x: np.sum(call(x)), x).rows}
    assert found[name] == round(expected)
    several = np.stack([x, x, x])
    mapped = {r.name: r.flops for r in ag.profile(lambda x: np.sum(ag.vmap(call)(x)), several).rows}
    assert mapped[name] == pytest.approx(3 * expected, abs=3)


def test_whatever_takes_matrices_says_what_it_costs():
    import autograd_core.scipy as folder

    modules = [
        importlib.import_module(f"{folder.__name__}.{m.name}")
        for m in pkgutil.iter_modules(folder.__path__)
    ]
    files = {"factorizations", "matrix_functions", "systems"}
    made = {
        f"{m.__name__.rpartition('.')[2]}.{name}": value
        for m in modules
        for name, value in vars(m).items()
        if isinstance(value, Primitive) and m.__name__.rpartition(".")[2] in files
    }
    assert len(made) > 15
    assert [name for name, p in made.items() if p.flops is None and not p.kind] == []
