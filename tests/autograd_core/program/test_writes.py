"""Writes into arrays that a compiled function begins, alone and under ag.vmap, across the program's files."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

X = np.array([[0.3, -0.2, 1.1], [1.0, 2.0, 3.0]])
PLACES = np.array([0, 1, 0])


def begun(make, write):
    def f(q):
        z = make(q)
        write(z, q)
        return np.sum(z**3)

    return f


def add(z, q):
    z += q


def multiply_out(z, q):
    np.multiply(z + 1, q, out=z)


def one_by_one(z, q):
    z[0] = q[1]
    z[1] = q[0] * q[2]


def at_places(z, q):
    z[PLACES] = q * 2


BEGINS = {
    "zeros": lambda q: np.zeros(3, like=q),
    "ones_like": lambda q: np.ones_like(q),
    "full": lambda q: np.full(3, 2.0, like=q),
    "a sum of constants": lambda q: np.zeros(3, like=q) + np.arange(3.0),
}
WRITES = {f.__name__: f for f in (add, multiply_out, one_by_one, at_places)}
FUNCTIONS = {
    **{f"{b}, {w}": begun(BEGINS[b], WRITES[w]) for b in BEGINS for w in WRITES},
    "scatter_add": lambda q: np.sum(ag.scatter_add(np.zeros(2), [0, 1, 0], q) ** 2),
    "put": lambda q: np.sum(ag.put(np.zeros(3), [0, 1, 2], q) ** 3),
    "fill_diagonal": lambda q: np.sum(ag.fill_diagonal(np.zeros((3, 3)), q) ** 3),
}
MODES = {
    "alone": lambda f: lambda x: f(x[0]),
    "gradient": lambda f: lambda x: ag.grad(f)(x[0]),
    "vmap": ag.vmap,
    "vmap of the gradient": lambda f: ag.vmap(ag.grad(f)),
    "gradient of vmap": lambda f: ag.grad(lambda x: np.sum(ag.vmap(f)(x))),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_program_writes_as_the_function_does(name, mode):
    """Without the check, which would raise for other numbers."""
    f = MODES[mode](FUNCTIONS[name])
    try:
        f(X)
    except (ag.errors.InPlaceError, ValueError) as error:
        pytest.skip(f"the function itself: {error}")
    compiled = ag.compile(f, check=False)
    for x in (X, 2 * X, X - 1):
        np.testing.assert_allclose(compiled(x), f(x), rtol=1e-12)
    assert compiled.traces == 1
