"""Every function of the table of functions with unrecorded results is piecewise constant."""

from __future__ import annotations

import io

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.primitive import NON_DIFFERENTIABLE
from autograd_core.engine.recording import name_of

pytestmark = pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")  # since NumPy 2.5

X = np.array([[0.3, -1.2, 2.6], [1.7, 0.45, -0.8]])
Y = np.array([[1.3, 0.7, -0.6], [0.2, 2.45, 1.8]])

#: A call of each function with two floating-point arrays, both of shape (2, 3).
CALLS = {
    **dict.fromkeys(
        (
            *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
            *(np.logical_and, np.logical_or, np.logical_xor, np.floor_divide),
            *(np.isclose, np.allclose, np.array_equal, np.array_equiv, np.isin, np.result_type),
            *(np.common_type, np.may_share_memory, np.shares_memory),
        ),
        lambda f, x, y: f(x, y),
    ),
    **dict.fromkeys(
        (
            *(np.logical_not, np.isnan, np.isinf, np.isfinite, np.signbit, np.isreal),
            *(np.iscomplex, np.isneginf, np.isposinf, np.isrealobj, np.iscomplexobj),
            *(np.floor, np.ceil, np.trunc, np.rint, np.fix, np.round, np.around, np.spacing),
            *(np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.nanargmax),
            *(np.nanargmin, np.flatnonzero, np.lexsort, np.count_nonzero, np.any, np.all),
            *(np.shape, np.ndim, np.size, np.min_scalar_type, np.iterable),
            *(np.zeros_like, np.ones_like, np.linalg.matrix_rank),
            *(np.tril_indices_from, np.triu_indices_from),
        ),
        lambda f, x, y: f(x),
    ),
    # these write the values as text or bytes, so only the type of the result is compared
    **dict.fromkeys(
        (np.array_repr, np.array_str, np.array2string), lambda f, x, y: type(f(x)).__name__
    ),
    **dict.fromkeys((np.save, np.savez, np.savez_compressed, np.savetxt),
                    lambda f, x, y: f(io.BytesIO(), x)),
    np.argpartition: lambda f, x, y: f(x, 1),
    np.searchsorted: lambda f, x, y: f(np.array([-1.0, 0.0, 1.0]), x),
    np.digitize: lambda f, x, y: f(x, [-1.0, 0.0, 1.0]),
    np.can_cast: lambda f, x, y: f(x.dtype, np.float32),
    np.empty_like: lambda f, x, y: f(x).shape,  # the values are undefined
    np.diag_indices_from: lambda f, x, y: f(x[:, :2]),
    np.einsum_path: lambda f, x, y: f("ij,ij", x, y),
}  # fmt: skip

#: Functions that take no floating-point numbers, and what they take.
OF_INTEGERS = {
    **dict.fromkeys(
        (
            *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.gcd, np.lcm),
            *(np.left_shift, np.right_shift),
        ),
        lambda f, x, y: f(x, y),
    ),
    **dict.fromkeys((np.invert, np.bitwise_count, np.isnat), lambda f, x, y: f(x)),
    **dict.fromkeys((np.packbits, np.unpackbits), lambda f, x, y: f(x)),
    np.unravel_index: lambda f, x, y: f(x, (5, 5)),
    np.ravel_multi_index: lambda f, x, y: f((x, y), (5, 5)),
}


def floats(result):
    """Return the floating-point arrays of a nested result."""
    if isinstance(result, (tuple, list)):
        return [a for part in result for a in floats(part)]
    a = np.asarray(result)
    return [a] if a.dtype.kind in "fc" else []


def test_every_function_has_a_call():
    assert CALLS.keys() | OF_INTEGERS.keys() == NON_DIFFERENTIABLE
    assert not CALLS.keys() & OF_INTEGERS.keys()


@pytest.mark.parametrize("f", CALLS, ids=name_of)
def test_results_do_not_change_with_the_arguments(f):
    for direction in (np.ones(X.shape), np.cos(np.arange(6.0)).reshape(X.shape)):
        step = 1e-7 * direction
        here, there = floats(CALLS[f](f, X, Y)), floats(CALLS[f](f, X + step, Y - step))
        for a, b in zip(here, there, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("f", CALLS, ids=name_of)
def test_results_on_recorded_tensors_are_unrecorded(f):
    x, y = (ag.tensor(a, requires_grad=True) for a in (X, Y))
    result = CALLS[f](f, x, y)
    parts = result if isinstance(result, (tuple, list)) else [result]
    assert not any(isinstance(a, ag.Tensor) and a.requires_grad for a in parts)


@pytest.mark.parametrize("f", OF_INTEGERS, ids=name_of)
def test_floating_point_numbers_are_refused_by_numpy(f):
    with pytest.raises(TypeError):
        OF_INTEGERS[f](f, X, Y)


@pytest.mark.parametrize("bins", ["auto", "sturges"])
def test_edges_by_an_estimator_are_refused(bins):
    with pytest.raises(ag.NotDifferentiableError, match="pass a number"):
        np.histogram_bin_edges(ag.tensor(X, requires_grad=True), bins)


def test_edges_and_open_meshes_have_gradients():
    def edges(x):
        return np.histogram_bin_edges(x, 2) @ np.array([1.0, 10.0, 100.0])

    gradient = ag.grad(edges)(X)
    assert gradient.ravel().tolist() == [0, 6, 105, 0, 0, 0]
    assert ag.grad(lambda x: np.ix_(x, x)[1].sum())(X[0]).tolist() == [1, 1, 1]
