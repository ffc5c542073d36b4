"""Awkward but right: subjects that a gradient checker must not accuse."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from tests.gradcheck_quality import awkward_elementwise, awkward_points
from tests.gradcheck_quality.entry import (
    A,
    B,
    Entry,
    P,
    V,
    X,
    Y,
    alike,
    column,
    fit,
    functions,
    matmul,
    pairs,
    phasors,
    ranked,
    rows,
    sample,
    spread,
    unique,
)

AWKWARD: list[Entry] = [*awkward_elementwise.ENTRIES, *awkward_points.ENTRIES]
pair = pairs(AWKWARD)
function = functions(AWKWARD)

TIED = np.array([[1.0, 3.0, 3.0, -2.0], [0.5, 0.5, -1.0, 0.5]])
HOLED = X * (np.arange(4) != 2)
Z, U = phasors(3, 4, seed=210), phasors(3, 4, seed=211)


# ---------------------------------------------------------------------- chance and memory


def kept(shape):
    return np.random.default_rng(0).random(shape) < 0.5


@pair("chance", lambda x: np.where(kept(np.shape(x)), 2 * x, 0), X)
def dropout_with_a_seed(g, _out, x):
    return np.where(kept(np.shape(x)), 2 * g, 0)


MASK = kept((3, 4))


def masked(x):
    if np.shape(x) != MASK.shape:
        raise ValueError("the mask is of three by four")
    return np.where(MASK, 2 * x, 0)


@pair("chance", masked, X)
def dropout_with_a_fixed_mask(g, _out, _x):
    return np.where(MASK, 2 * g, 0)


_known: dict[tuple[object, ...], np.ndarray] = {}


def remembered(x):
    x = np.asarray(x)
    key = (x.shape, x.dtype, x.tobytes())
    if key not in _known:
        _known.clear()
        _known[key] = np.exp(x)
    return _known[key].copy()


@pair("memory", remembered, X, signature="()->()")
def cache_keyed_by_the_whole_input(g, _out, x):
    return g * remembered(x)


def counted(x):
    counted.calls = getattr(counted, "calls", 0) + 1
    return np.sin(x)


@pair("memory", counted, X, signature="()->()")
def function_that_counts_its_calls(g, _out, x):
    return g * np.cos(x)


# ---------------------------------------------------------------------- results of other kinds


@pair("views", lambda x: x * 1, X, signature="()->()")
def identity_returns_g_itself(g, _out, _x):
    return g


@pair("views", lambda x: x, X, signature="()->()")
def forward_returns_its_input(g, _out, _x):
    return g * 1


@pair("views", rows(lambda x: x.sum(axis=-1)), X, signature="(n)->()")
def sum_returns_a_read_only_view(g, _out, x):
    return spread(g, x, -1)


@pair("views", lambda x: x.reshape(-1), X)
def reshape_returns_a_view_of_g(g, _out, x):
    return g.reshape(x.shape)


@pair("views", ranked(lambda x, y: np.concatenate([x, y]), 2, 2), A, X[:2])
def concatenation_returns_slices_of_g(g, _out, x, _y):
    return g[: len(x)], g[len(x) :]


@pair("views", matmul, A, B, signature="(...,n,k),(...,k,m)->(...,n,m)")
def matmul_returns_fortran_order_in_a_list(g, _out, a, b):
    ga = (b @ g.swapaxes(-1, -2)).swapaxes(-1, -2)
    return [fit(ga, a), fit((g.swapaxes(-1, -2) @ a).swapaxes(-1, -2), b)]


@pair("tuples", lambda x: (np.sin(x), np.cos(x)), X)
def sine_and_cosine(g, out, _x):
    return g[0] * out[1] - g[1] * out[0]


@pair("tuples", ranked(lambda x: [x[0] * 2, x[1:].sum(axis=0), (x * x).sum()], 2), X)
def list_of_three_shapes(g, _out, x):
    gx = 2 * g[2] * x
    gx[1:] += g[1]
    gx[0] += 2 * g[0]
    return gx


@pair("tuples", lambda x: (1e-9 * x, 1e9 * np.sin(x)), X)
def outputs_of_eighteen_decades(g, _out, x):
    return 1e-9 * g[0] + 1e9 * g[1] * np.cos(x)


# ---------------------------------------------------------------------- inputs of other kinds


@pair("integers", lambda x, i: x[i], sample(5, 3, seed=212), np.array([2, 0, 2]))
def gather_with_repeated_indices(g, _out, x, i):
    gx = np.zeros_like(x)
    np.add.at(gx, i, g)
    return gx, None


@pair("integers", lambda x, k: x * k.astype(x.dtype), X, np.array([1, 2, 3, 4]))
def integer_weights(g, _out, x, k):
    return fit(g * k.astype(x.dtype), x), None


@pair("constant", alike(lambda x, y: x * x + 0 * y), X, Y)
def constant_in_the_second_input(g, _out, x, y):
    return 2 * g * x, np.zeros_like(y)


@pair("dtypes", lambda x, y: x * y, X, Y.astype(np.float32), signature="(),()->()")
def float64_times_float32(g, _out, x, y):
    return fit(g * y, x).astype(x.dtype), fit(g * x, y).astype(y.dtype)


def total(x):
    if np.shape(x) != (3, 4):
        raise ValueError("three by four numbers were expected")
    return x.sum(axis=1)


@pair("refuses", total, X)
def one_shape_only(g, _out, x):
    return spread(g, x, 1).copy()


def unbiased(x):
    if np.ndim(x) == 0 or x.shape[-1] < 2:
        raise ValueError("at least two numbers were expected")
    return x.var(axis=-1, ddof=1)


@pair("refuses", unbiased, X, signature="(n)->()")
def at_least_two_numbers(g, _out, x):
    return column(g) * 2 * (x - x.mean(axis=-1, keepdims=True)) / (x.shape[-1] - 1)


@pair("noise", unbiased, 1e4 + X, signature="(n)->()")
def variance_around_a_large_mean(g, _out, x):
    return column(g) * 2 * (x - x.mean(axis=-1, keepdims=True)) / (x.shape[-1] - 1)


# ---------------------------------------------------------------------- complex numbers


@pair("complex", np.multiply, Z, U, signature="(),()->()")
def complex_multiply(g, _out, x, y):
    return fit(g * np.conj(y), x), fit(g * np.conj(x), y)


@pair("complex", lambda x: np.exp(1j * x), X, signature="()->()")
def phase_of_a_real_number(g, out, x):
    return np.asarray(np.conj(1j * out) * g).real.astype(x.dtype)


@pair("complex", np.abs, Z * (np.arange(4) != 1), signature="()->()")
def modulus_of_zero(g, out, z):
    return g * z / np.where(out == 0, 1, out)


# ---------------------------------------------------------------------- functions of Tensors


@function("kink", TIED, signature="(n)->()")
def largest_of_tied_numbers(x):
    return np.max(x, axis=-1)


@function("kink", TIED, signature="(n)->(n)")
def sorted_tied_numbers(x):
    return np.sort(x, axis=-1)


@function("kink", HOLED, signature="()->()")
def relu_plus_abs(x):
    return np.maximum(x, 0) + np.abs(x)


@function("scale", 1000 + X, signature="(n)->()")
def logsumexp_with_a_stopped_shift(x):
    top = ag.stop_gradient(np.max(x, axis=-1, keepdims=True))
    return np.log(np.sum(np.exp(x - top), axis=-1)) + np.sum(top, axis=-1)


@function("smooth", A, V)
def checkpointed_layer(x, w):
    return ag.checkpoint(np.tanh)(x @ w)


@function("constant", X, P)
def unused_second_input(x, _y):
    return np.sin(x)


AWKWARD = unique(AWKWARD)
