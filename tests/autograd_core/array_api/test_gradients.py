"""Gradients flow through the namespace: each call against central differences, to second order."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.array_api as xp
from autograd_core.transforms.trees import flatten
from tests.autograd_core.strategies import assert_slopes

from .calls import CALLS, sample

A = sample("float64", (2, 3))
B = sample("float64", (2, 3), 1)
M = np.array([[2.0, 0.3, 0.1], [0.2, 1.5, 0.4], [0.1, 0.2, 3.0]])
S = M @ M.T

#: Functions that choose, count, compare or round: their results have no gradient.
PLAIN = set(
    """argmax argmin argsort all any bitwise_and bitwise_invert bitwise_left_shift bitwise_or bitwise_right_shift
    bitwise_xor broadcast_shapes can_cast ceil count_nonzero empty_like equal finfo floor floor_divide greater
    greater_equal iinfo isdtype isfinite isin isinf isnan less less_equal linalg.matrix_rank logical_and logical_not
    logical_or logical_xor nonzero not_equal ones_like result_type round searchsorted signbit trunc zeros_like
    unique_counts unique_inverse""".split()
)

#: Checked below in a form whose gradient is one: up to a phase, or inside the domain.
ELSEWHERE = {
    "acosh",
    "linalg.eig",
    "linalg.eigh",
    "linalg.eigvals",
    "linalg.svd",
    "linalg.qr",
    "nextafter",
}
ELSEWHERE |= {"linalg.cholesky", "unique_all", "unique_values", "linalg.solve"}

FORMS = {
    "acosh": (lambda x: xp.acosh(x + 1.5), A),
    "eig": (lambda x: xp.real(xp.linalg.eig(x).eigenvalues), M),
    "eigvals": (lambda x: xp.real(xp.linalg.eigvals(x)), M),
    "eigh": (lambda x: xp.linalg.eigh((x + x.mT) / 2).eigenvalues, S),
    "eigenvectors": (lambda x: xp.abs(xp.linalg.eigh((x + x.mT) / 2).eigenvectors), S),
    "svd": (lambda x: xp.abs(xp.linalg.svd(x, full_matrices=False).U), A),
    "qr": (lambda x: xp.abs(xp.linalg.qr(x).R), M),
    "cholesky": (lambda x: xp.linalg.cholesky(x @ x.mT), M),
    "cholesky upper": (lambda x: xp.linalg.cholesky(x @ x.mT, upper=True), M),
    "solve": (lambda x, y: xp.linalg.solve(x, y), M, B.T),
    "unique_values": (lambda x: xp.unique_values(x), A),
    "asarray of a list": (lambda x: xp.asarray([[x[0, 0], 1.0], [x[1, 1], x[0, 0]]]), A),
    "asarray copy": (lambda x: xp.asarray(x, copy=True) ** 2, A),
    "astype": (lambda x: xp.astype(x, xp.complex128) * (1 + 2j), A),
    "full": (lambda x: xp.full((2, 2), x[0, 1]) * xp.full_like(xp.ones(2), x[0, 0]), A),
    "where with numbers": (lambda x: xp.where(x > 0.5, x * x, 0.0), A),
    "where around a pole": (lambda x: xp.where(x > 0.5, xp.log(xp.where(x > 0.5, x, 1.0)), -1.0), A),
    "maximum with a number": (lambda x: xp.maximum(x, 0.4) * xp.minimum(0.6, x), A),
    "clip": (lambda x: xp.clip(x, 0.2, 0.7) + xp.clip(x, max=0.5) ** 2, A),
    "clip by arrays": (lambda x, y: xp.clip(x, y - 0.3, y), A, B),
    "sort descending": (lambda x: xp.sort(x, axis=0, descending=True) * xp.sort(x), A),
    "taken by argsort": (lambda x: xp.take_along_axis(x, xp.argsort(x, descending=True)) ** 2, A),
    "meshgrid": (lambda x: xp.meshgrid(x[0], x[1], indexing="ij"), A),
    "stack of unstack": (lambda x: xp.stack(xp.unstack(x, axis=1)[::-1]) ** 2, A),
    "std": (lambda x: xp.std(x, axis=0, correction=1), A),
    "boolean index": (lambda x: x[x > 0.5] ** 2, A),
    "spectrum": (lambda x: xp.abs(xp.fft.rfftn(x, s=(2, 2))) ** 2, A),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_forms(name):
    f, *arrays = FORMS[name]
    assert_slopes(lambda *a: f(*map(xp.asarray, a)), *arrays)


def _differentiable(name):
    if name in PLAIN | ELSEWHERE:
        return None
    for call, arrays in CALLS[name]:
        if arrays and all(a.dtype in (float, complex) and a.size for a in arrays):
            if name == "remainder":  # whole numbers are where it jumps
                arrays = [a + 0.1 * i for i, a in enumerate(arrays)]
            result = call(xp, *map(xp.asarray, arrays))
            if any(r.dtype in (float, complex) for r in flatten(result)[0]):
                return call, arrays
    return None


@pytest.mark.parametrize("name", sorted(n for n in CALLS if _differentiable(n)))
def test_every_differentiable_function(name):
    call, arrays = _differentiable(name)
    assert_slopes(lambda *a: call(xp, *map(xp.asarray, a)), *arrays, order=1)


@pytest.mark.parametrize(
    "name",
    sorted(
        PLAIN
        - {
            "isin",
            "broadcast_shapes",
            "can_cast",
            "finfo",
            "iinfo",
            "isdtype",
            "result_type",
            "unique_counts",
            "unique_inverse",
        }
    ),
)
def test_functions_without_gradient_give_plain_tensors(name):
    for call, arrays in CALLS[name]:
        leaves = [ag.tensor(a, requires_grad=a.dtype.kind in "fc") for a in arrays]
        if not any(t.requires_grad for t in leaves):
            continue
        try:
            with np.errstate(all="ignore"):
                out = call(xp, *leaves)
        except TypeError:
            continue  # not for this dtype
        results = out if isinstance(out, tuple) else (out,)
        assert not any(isinstance(r, ag.Tensor) and r.requires_grad for r in results)
