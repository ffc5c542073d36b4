"""opt_einsum.contract on Tensors: one order of contraction or another, the same gradients."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.strategies import assert_slopes

from ..array_api.calls import sample

oe = pytest.importorskip("opt_einsum", reason="opt_einsum is not installed")

A, B, C, D = (
    sample("float64", shape, i) for i, shape in enumerate([(2, 3), (3, 4), (4, 2), (2, 2)])
)

CONTRACTIONS = {
    "chain": ("ij,jk,kl->il", A, B, C),
    "cycle": ("ij,jk,ki->", A, B, C),
    "outer and trace": ("ij,kk->ij", A, D),
    "a repeated index": ("ij,ij,jk->ik", A, A + 1, B),
    "batch": ("bij,bjk->bik", np.stack([A, A + 1]), np.stack([B, 2 * B])),
    "transposed": ("ij,kj->ki", A, B.T),
    "ellipsis": ("...j,jk->...k", np.stack([A, A + 1]), B),
}


@pytest.mark.parametrize("optimize", ["auto", "optimal", "greedy", False])
@pytest.mark.parametrize("contraction", CONTRACTIONS)
def test_values_and_gradients(contraction, optimize):
    pattern, *arrays = CONTRACTIONS[contraction]
    got = oe.contract(
        pattern, *(ag.tensor(a, requires_grad=True) for a in arrays), optimize=optimize
    )
    assert got.requires_grad
    np.testing.assert_allclose(got.detach().numpy(), np.einsum(pattern, *arrays), rtol=1e-13)
    assert_slopes(lambda *a: oe.contract(pattern, *a, optimize=optimize), *arrays)


@pytest.mark.parametrize(
    "path", [[(0, 1), (0, 1)], [(1, 2), (0, 1)], [(0, 2), (0, 1)], [(0, 1, 2)]]
)
def test_every_path(path):
    assert_slopes(lambda *a: oe.contract("ij,jk,kl->il", *a, optimize=path), A, B, C, order=1)


@pytest.mark.parametrize("first", [True, False])
def test_tensors_beside_ndarrays(first):
    t = ag.tensor(A if first else B, requires_grad=True)
    oe.contract("ij,jk->", *((t, B) if first else (A, t))).backward()
    expected = (
        np.broadcast_to(B.sum(1), A.shape) if first else np.broadcast_to(A.sum(0)[:, None], B.shape)
    )
    np.testing.assert_allclose(t.grad.numpy(), expected)


def test_prepared_expressions():
    expression = oe.contract_expression("ij,jk,kl->il", A, (3, 4), C, constants=[0, 2])
    assert_slopes(expression, B)
