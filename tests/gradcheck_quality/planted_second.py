"""Planted: a right gradient whose own gradient is wrong."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from tests.gradcheck_quality.entry import (
    A,
    Entry,
    P,
    S,
    T,
    X,
    Y,
    functions,
    made,
    primitives,
    ranked,
    sigmoid,
    softmax,
)

ENTRIES: list[Entry] = []
primitive = primitives(ENTRIES)
function = functions(ENTRIES)

DROPPED, WRONG = "dropped-second-order-term", "wrong-second-order"

# ---------------------------------------------------------------------- dropped terms


@primitive(DROPPED, lambda x: x * x * x, X, order=2, signature="()->()")
def cube_with_a_stopped_slope(g, _out, x):
    return (g * 3 * ag.stop_gradient(x) ** 2,)


@primitive(DROPPED, np.tanh, X, order=2, signature="()->()")
def tanh_with_a_stopped_output(g, out, _x):
    return (g * (1 - ag.stop_gradient(out) ** 2),)


@primitive(DROPPED, np.multiply, X, Y, order=2, signature="(),()->()")
def multiply_without_one_mixed_term(g, _out, x, y):
    return g * ag.stop_gradient(y), g * x


@primitive(DROPPED, softmax, X, order=2, signature="(n)->(n)")
def softmax_with_a_stopped_inner_product(g, out, _x):
    inner = ag.stop_gradient(np.sum(g * out, axis=-1, keepdims=True))
    return (out * (g - inner),)


@primitive(DROPPED, lambda x: np.log(np.exp(x).sum()), X, order=2)
def logsumexp_with_stopped_weights(g, _out, x):
    e = np.exp(ag.stop_gradient(x))
    return (g * e / np.sum(e),)


@primitive(DROPPED, lambda x: np.sqrt((x * x).sum()), X, order=2)
def norm_with_a_stopped_length(g, out, x):
    return (g * x / ag.stop_gradient(out),)


@primitive(DROPPED, np.divide, X, P, order=2, signature="(),()->()")
def divide_with_a_stopped_quotient(g, out, _x, y):
    return g / y, -g * ag.stop_gradient(out) / y


@primitive(DROPPED, lambda x: x + 1e-3 * np.sin(x), X, order=2, signature="()->()")
def small_curvature_forgotten(g, _out, x):
    return (g * (1 + 1e-3 * ag.stop_gradient(np.cos(x))),)


# ---------------------------------------------------------------------- wrong terms

cosine = made(np.cos, lambda g, out, x: (g * np.sin(x),))
slope = made(lambda s: s * (1 - s), lambda g, out, s: (g * (1 - s),))
logistic = made(sigmoid, lambda g, out, x: (g * out * (1 + out),))
turned = made(lambda a: a.T.copy(), lambda g, out, a: (g * 1,))
inverse = made(lambda x: 1 / x, lambda g, out, x: (-g * out,))
scaled = made(lambda g, c: g * c, lambda h, out, g, c: (0.5 * h * c, h * g))


@primitive(WRONG, np.sin, X, order=2, signature="()->()")
def sine_by_a_cosine_without_the_minus(g, _out, x):
    return (g * cosine(x),)


@primitive(WRONG, sigmoid, X, order=2, signature="()->()")
def sigmoid_by_a_slope_with_half_a_product_rule(g, out, _x):
    return (g * slope(out),)


@primitive(WRONG, lambda x: np.logaddexp(0, x), X, order=2, signature="()->()")
def softplus_by_a_wrong_logistic(g, _out, x):
    return (g * logistic(x),)


@primitive(WRONG, ranked(np.matmul, 2, 2), S, T, order=2)
def matmul_by_a_transpose_that_is_not_undone(g, _out, a, b):
    return g @ turned(b), turned(a) @ g


@primitive(WRONG, np.log, P, order=2, signature="()->()")
def logarithm_by_a_wrong_reciprocal(g, _out, x):
    return (g * inverse(x),)


@primitive(WRONG, np.square, A, order=2, signature="()->()")
def square_with_half_the_slope_in_g(g, _out, x):
    return (scaled(g, 2 * x),)


# ---------------------------------------------------------------------- primitives, order one


@function("sign", X, Y)
def composed_with_a_wrong_cosine(x, y):
    return cosine(x * y) + np.sin(x)


@function("factor", X, signature="()->()")
def composed_with_a_wrong_slope(x):
    return slope(np.tanh(x))


@function("detached", X, signature="(n)->(n)")
def stopped_shift_that_is_not_invariant(x):
    return x - 0.5 * ag.stop_gradient(np.mean(x, axis=-1, keepdims=True))
