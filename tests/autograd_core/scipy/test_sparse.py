"""``ag.scipy.sparse``: products and solutions with a constant sparse matrix."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.scipy.peers import check, recorded, same

scipy_sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
import scipy.sparse.linalg  # noqa: E402

sparse = ag.scipy.sparse
rng = np.random.default_rng(4)
D = np.where(rng.random((4, 4)) < 0.5, rng.normal(size=(4, 4)), 0.0) + 3 * np.eye(4)
V, M = rng.normal(size=4), rng.normal(size=(4, 3))


@pytest.mark.parametrize("kind", ["csr_array", "csc_array", "coo_array", "csr_matrix"])
def test_products(kind):
    a = getattr(scipy_sparse, kind)(D)
    for x in (V, M, M + 1j):
        same(recorded(lambda x: sparse.matmul(a, x), x), D @ x)
        check(lambda x: sparse.matmul(a, x), x)
    for x in (V, M.T.copy()):
        same(sparse.matmul(x, a), x @ D)
        check(lambda x: sparse.matmul(x, a), x)


@pytest.mark.parametrize("kind", ["csr_array", "csc_array", "coo_array", "csr_matrix"])
def test_solutions(kind):
    a = getattr(scipy_sparse, kind)(D)
    for b in (V, M, V[:, None]):
        same(
            recorded(lambda b: sparse.linalg.spsolve(a, b), b),
            scipy.sparse.linalg.spsolve(a.tocsc(), b),
        )
        check(lambda b: sparse.spsolve(a, b), b)
    z = scipy_sparse.csc_array(D + 1j * D.T)
    check(lambda b: sparse.spsolve(z, b), V + 2j)


def test_compiled_and_refused():
    a = scipy_sparse.csr_array(D)
    f = ag.grad(lambda x: np.sum(sparse.matmul(a, x) ** 2))
    same(ag.compile(f)(V), f(V))
    same(f(V), 2 * D.T @ (D @ V))
    same(ag.hessian(lambda x: np.sum(sparse.spsolve(a, x) ** 2))(V), 2 * np.linalg.inv(D @ D.T))
    with pytest.raises(TypeError, match="one sparse"):
        sparse.matmul(D, V)
    with pytest.raises(TypeError, match=r"np\.linalg\.solve"):
        sparse.spsolve(D, V)
    small = scipy_sparse.csr_array(D.astype(np.float32))
    assert sparse.matmul(small, V.astype(np.float32)).dtype == np.float32
    near = scipy_sparse.csc_array(np.diag([1.0, 1e-12]))
    same(ag.grad(lambda b: sparse.spsolve(near, b)[1])(np.ones(2)), [0.0, 1e12])
