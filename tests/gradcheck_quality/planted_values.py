"""Planted: signs, factors, operands and terms that are wrong on any sample."""

from __future__ import annotations

import math

import numpy as np

import autograd_core as ag
from tests.gradcheck_quality.entry import (
    A,
    B,
    Entry,
    P,
    Q,
    S,
    T,
    V,
    W,
    X,
    Y,
    affine,
    alike,
    fit,
    functions,
    log_softmax,
    logsumexp,
    matmul,
    pairs,
    positive,
    ranked,
    rows,
    sample,
    sigmoid,
    softmax,
    spread,
    standardised,
    standardised_back,
    unit,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)
function = functions(ENTRIES)

LABELS = np.array([2, 0, 1, 3, 0])
LOGITS = sample(5, 4, seed=20)
ROOT2PI = math.sqrt(2 / math.pi)

# ---------------------------------------------------------------------- sign


@pair("sign", np.subtract, X, Y, signature="(),()->()")
def subtract_keeps_the_sign(g, _out, x, y):
    return fit(g, x), fit(g, y)


@pair("sign", np.cos, X, signature="()->()")
def cosine_without_the_minus(g, _out, x):
    return g * np.sin(x)


@pair("sign", np.divide, P, Q, signature="(),()->()")
def divide_adds_the_denominator(g, out, x, y):
    return fit(g / y, x), fit(g * out / y, y)


@pair("sign", np.reciprocal, P, signature="()->()")
def reciprocal_grows(g, out, _x):
    return g * out * out


def cross_entropy(x, labels):
    if x.shape[:-1] != labels.shape:
        raise ValueError("one label per row")
    return logsumexp(x) - np.take_along_axis(x, labels[:, None], -1)[:, 0]


@pair("sign", cross_entropy, LOGITS, LABELS)
def cross_entropy_target_minus_softmax(g, _out, x, labels):
    hot = np.eye(x.shape[-1], dtype=x.dtype)[labels]
    return g[:, None] * (hot - softmax(x)), None


# ---------------------------------------------------------------------- factor


@pair("factor", np.square, X, signature="()->()")
def square_without_the_two(g, _out, x):
    return g * x


@pair("factor", ranked(lambda x: x.mean(axis=1), 2), X)
def mean_divides_by_the_other_axis(g, _out, x):
    return spread(g, x, 1) / x.shape[0]


@pair("factor", rows(lambda x: x.var(axis=-1, ddof=1)), X)
def unbiased_variance_divided_by_n(g, _out, x):
    return spread(g, x, -1) * 2 * (x - x.mean(axis=-1, keepdims=True)) / x.shape[-1]


@pair("factor", lambda x, y: np.square(x - y).mean(), X, Y)
def squared_error_is_not_averaged(g, _out, x, y):
    d = 2 * g * (x - y)
    return fit(d, x), fit(-d, y)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(ROOT2PI * (x + 0.044715 * x * x * x)))


@pair("factor", gelu, X, signature="()->()")
def gelu_cubic_not_times_three(g, _out, x):
    t = np.tanh(ROOT2PI * (x + 0.044715 * x * x * x))
    inner = ROOT2PI * (1 + 0.044715 * x * x)
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)


@pair("factor", np.log2, P, signature="()->()")
def log2_in_nats(g, _out, x):
    return g / x


# ---------------------------------------------------------------------- swapped operands


@pair("swapped-operands", np.divide, P, Q, signature="(),()->()")
def divide_swaps_its_gradients(g, out, x, y):
    return fit(-g * out / y, x), fit(g / y, y)


@pair("swapped-operands", np.power, P, Q, signature="(),()->()")
def power_swaps_base_and_exponent(g, out, x, y):
    return fit(g * out * np.log(np.where(x > 0, x, 1)), x), fit(
        g * y * x ** np.where(y == 0, 1, y - 1).astype(x.dtype), y
    )


@pair("swapped-operands", np.where, X > 0.3, X, Y, signature="(),(),()->()")
def where_swaps_the_branches(g, _out, c, x, y):
    return None, fit(np.where(c, 0, g), x), fit(np.where(c, g, 0), y)


@pair("swapped-operands", np.arctan2, X, Y, signature="(),()->()")
def arctan2_reads_x_then_y(g, _out, y, x):
    r = x * x + y * y
    return fit(-g * y / r, y), fit(g * x / r, x)


@pair("swapped-operands", matmul, S, T, signature="(...,n,n),(...,n,n)->(...,n,n)")
def matmul_multiplies_from_the_other_side(g, _out, a, b):
    return fit(b.swapaxes(-1, -2) @ g, a), fit(g @ a.swapaxes(-1, -2), b)


# ---------------------------------------------------------------------- transposed


@pair("transposed", matmul, S, T, signature="(...,n,n),(...,n,n)->(...,n,n)")
def matmul_forgets_to_transpose_b(g, _out, a, b):
    return fit(g @ b, a), fit(a.swapaxes(-1, -2) @ g, b)


@pair("transposed", ranked(lambda x: x.transpose(1, 2, 0), 3), sample(3, 3, 3, seed=21))
def cycle_of_axes_not_inverted(g, _out, _x):
    return g.transpose(1, 2, 0)


@pair("transposed", ranked(np.linalg.solve, 2, 2), S + 3 * np.eye(3), T)
def solve_with_the_matrix_itself(g, out, a, _b):
    gb = np.linalg.solve(a, g)
    return -gb @ out.T, gb


@pair("transposed", np.linalg.inv, T + 3 * np.eye(3), signature="(...,n,n)->(...,n,n)")
def inverse_not_transposed(g, out, _a):
    return -out @ g @ out


@pair("transposed", ranked(lambda x, w: x @ w.T, 2, 2), A, sample(4, 4, seed=22))
def linear_layer_weight_gradient_transposed(g, _out, x, w):
    return g @ w, x.T @ g


# ---------------------------------------------------------------------- detached


@function("detached", X)
def gate_is_stopped(x):
    return x * ag.stop_gradient(sigmoid(x))


@pair("detached", unit, X, signature="(n)->(n)")
def row_length_taken_as_constant(g, _out, x):
    return g / np.sqrt((x * x).sum(axis=-1, keepdims=True))


@pair("detached", lambda x: standardised(x, axis=0), sample(6, 4, seed=23))
def batch_statistics_taken_as_constant(g, _out, x):
    return g / np.sqrt(x.var(axis=0, keepdims=True) + 1e-5)


@pair("detached", affine, A, B, W)
def bias_gets_zeros(g, _out, x, w, b):
    return g @ w.T, x.T @ g, np.zeros_like(b)


@pair("detached", alike(lambda x, w: (x * w).sum() / w.sum()), P, Q)
def weights_of_a_mean_forget_their_sum(g, _out, x, w):
    return fit(g * w / w.sum(), x), fit(g * x / w.sum(), w)


def attention(q, k, v):
    return softmax(q @ k.T / math.sqrt(q.shape[-1])) @ v


@pair("detached", ranked(attention, 2, 2, 2), X, sample(5, 4, seed=24), sample(5, 2, seed=25))
def attention_weights_do_not_reach_the_keys(g, _out, q, k, v):
    p = softmax(q @ k.T / math.sqrt(q.shape[-1]))
    gp = g @ v.T
    gs = p * (gp - (gp * p).sum(axis=-1, keepdims=True)) / math.sqrt(q.shape[-1])
    return gs @ k, np.zeros_like(k), p.T @ g


# ---------------------------------------------------------------------- dropped small terms


def ridge(x, w, y):
    residual = x @ w - y
    return (residual * residual).sum() + 1e-4 * (w * w).sum()


@pair("dropped-small-term", ranked(ridge, 2, 1, 1), A, V, sample(3, seed=26))
def ridge_penalty_forgotten(g, _out, x, w, y):
    r = 2 * g * (x @ w - y)
    return np.outer(r, w), x.T @ r, fit(-r, y)


@pair("dropped-small-term", lambda x: x + 1e-6 * x * x * x, X, signature="()->()")
def tiny_cubic_forgotten(g, _out, _x):
    return g * 1


@pair("dropped-small-term", lambda x: np.where(x > 0, x, 1e-3 * x), X, signature="()->()")
def leak_of_a_thousandth_forgotten(g, _out, x):
    return np.where(x > 0, g, 0)


def smoothed(x, labels):
    if x.shape[:-1] != labels.shape:
        raise ValueError("one label per row")
    p = log_softmax(x)
    hit = np.take_along_axis(p, labels[:, None], -1)[:, 0]
    return -(1 - 1e-3) * hit - 1e-3 * p.mean(axis=-1)


@pair("dropped-small-term", smoothed, LOGITS, LABELS)
def label_smoothing_forgotten(g, _out, x, labels):
    hot = np.eye(x.shape[-1], dtype=x.dtype)[labels]
    return g[:, None] * (softmax(x) - hot), None


@pair("dropped-small-term", lambda x: standardised(x, axis=0), positive(40, 2, seed=27))
def batch_norm_without_the_mean_of_g(g, out, x):
    centred = standardised_back(g, out, x, axis=0)
    scale = np.sqrt(x.var(axis=0, keepdims=True) + 1e-5)
    return centred + g.mean(axis=0, keepdims=True) / scale


@pair("dropped-small-term", lambda x: np.sqrt(x * x + 1e-4), X, signature="()->()")
def smooth_absolute_value_as_a_sharp_one(g, _out, x):
    return g * np.sign(x)
