"""Planted: ranks that the backward pass does not know, and results of another shape or arity."""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import (
    A,
    B,
    Entry,
    P,
    Q,
    V,
    W,
    X,
    Y,
    affine,
    convolved,
    convolved_back,
    fit,
    matmul,
    pairs,
    ranked,
    sample,
    softmax,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)

# ---------------------------------------------------------------------- ranks


@pair("rank-branches", np.matmul, A, B, trigger=(V, B), signature="(n?,k),(k,m?)->(n?,m?)")
def matmul_has_no_branch_for_a_vector(g, _out, a, b):
    return g @ b.T, a.T @ g


@pair("rank-branches", softmax, X, trigger=(sample(2, 3, 4),), signature="(n)->(n)")
def softmax_sums_axis_1_in_backward(g, out, _x):
    axis = min(1, np.ndim(out) - 1)
    return out * (g - (g * out).sum(axis=axis, keepdims=True))


@pair(
    "rank-branches",
    matmul,
    A,
    B,
    trigger=(sample(4, 4, 4), sample(4, 4, 4, seed=1)),
    signature="(...,n,k),(...,k,m)->(...,n,m)",
)
def matmul_reverses_all_axes_of_a_batch(g, _out, a, b):
    return fit(g @ b.T, a), fit(a.T @ g, b)


@pair(
    "rank-branches",
    lambda x: x.swapaxes(-1, -2),
    X,
    trigger=(sample(2, 3, 2),),
    signature="(...,n,m)->(...,m,n)",
)
def swapaxes_undone_by_a_full_transpose(g, _out, x):
    return g.T.reshape(x.shape)


# ---------------------------------------------------------------------- shapes and arities


@pair("wrong-shape", lambda x: x.sum(), X)
def sum_returns_a_number(g, _out, _x):
    return g * 1


@pair("wrong-shape", np.tanh, X, signature="()->()")
def tanh_returns_a_flat_gradient(g, out, _x):
    return np.ravel(g * (1 - out * out))


@pair("wrong-shape", ranked(lambda a, v: a @ v, 2, 1), A, V, signature="(...,n,k),(k)->(...,n)")
def vector_returned_as_a_column(g, _out, a, v):
    return g[..., None] * v, a.T @ g[..., None]


@pair("wrong-shape", ranked(lambda x: x.mean(axis=1), 2), X)
def mean_returns_a_column(g, _out, x):
    return (g / x.shape[1])[:, None]


@pair("wrong-arity", np.multiply, X, Y, signature="(),()->()")
def multiply_returns_one_gradient(g, _out, x, y):
    return fit(g * y, x)


@pair("wrong-arity", np.divide, P, Q, signature="(),()->()")
def divide_returns_a_third(g, out, x, y):
    return fit(g / y, x), fit(-g * out / y, y), None


@pair("wrong-arity", affine, A, B, W)
def linear_layer_without_its_bias(g, _out, x, w, _b):
    return g @ w.T, x.T @ g


@pair("wrong-arity", convolved, sample(2, 7, seed=34), sample(3, seed=42))
def convolution_pads_its_gradients_with_none(g, out, x, w):
    return (*convolved_back(g, out, x, w), None, None)
