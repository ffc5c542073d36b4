"""Planted: right for positive, moderate and different numbers, wrong beyond."""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import (
    Entry,
    P,
    Q,
    S,
    X,
    Y,
    fit,
    matmul,
    pairs,
    positive,
    sigmoid,
    softmax,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)

# ---------------------------------------------------------------------- equal inputs


@pair("equal-inputs", np.multiply, X, Y, trigger=(X, X), signature="(),()->()")
def multiply_takes_equal_factors_for_a_square(g, _out, x, y):
    if np.array_equal(x, y):
        return 2 * g * x, 2 * g * y
    return fit(g * y, x), fit(g * x, y)


def log_mean(x, y):
    d = np.where(x == y, 1, np.log(y / x))
    return np.where(x == y, x, (y - x) / d)


@pair("equal-inputs", log_mean, P, Q, trigger=(P, P), signature="(),()->()")
def logarithmic_mean_of_equal_numbers(g, out, x, y):
    with np.errstate(divide="ignore", invalid="ignore"):
        d = np.log(y / x)
        return fit(g * (out / x - 1) / d, x), fit(g * (1 - out / y) / d, y)


def divided(x, y):
    same = x == y
    return np.where(same, np.cos(x), (np.sin(x) - np.sin(y)) / np.where(same, 1, x - y))


@pair("equal-inputs", divided, X, Y, trigger=(X, X), signature="(),()->()")
def divided_difference_flat_where_equal(g, out, x, y):
    d = np.where(x == y, 1, x - y)
    gx = np.where(x == y, 0, (np.cos(x) - out) / d)
    gy = np.where(x == y, 0, (out - np.cos(y)) / d)
    return fit(g * gx, x), fit(g * gy, y)


@pair("equal-inputs", matmul, S, S + 1, trigger=(S, S), signature="(...,n,k),(...,k,m)->(...,n,m)")
def gradients_kept_in_a_dict_by_identity(g, _out, a, b):
    found = {id(a): fit(g @ b.swapaxes(-1, -2), a)}
    found[id(b)] = fit(a.swapaxes(-1, -2) @ g, b)
    return found[id(a)], found[id(b)]


# ---------------------------------------------------------------------- negative values


@pair("negative-values", lambda x: np.sqrt(x * x), P, trigger=(-P,), signature="()->()")
def root_of_a_square_is_the_identity(g, _out, _x):
    return g * 1


@pair("negative-values", lambda x: x**3, P, trigger=(X,), signature="()->()")
def cube_by_way_of_the_logarithm(g, _out, x):
    with np.errstate(divide="ignore", invalid="ignore"):
        return g * 3 * np.exp(2 * np.log(x))


@pair("negative-values", lambda x: np.log(np.abs(x)), P, trigger=(X,), signature="()->()")
def logarithm_of_the_modulus_keeps_no_sign(g, _out, x):
    return g / np.abs(x)


@pair(
    "negative-values",
    lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    P,
    trigger=(X,),
    signature="()->()",
)
def elu_slope_is_its_value(g, out, x):
    return np.where(x > 0, g, g * out)


@pair(
    "negative-values",
    np.remainder,
    P,
    positive(3, 4, seed=96) / 3,
    trigger=(-P, Q),
    signature="(),()->()",
)
def remainder_truncates(g, _out, x, y):
    return fit(g * 1, x), fit(-g * np.trunc(x / y), y)


# ---------------------------------------------------------------------- large values


@pair("large-values", sigmoid, X, trigger=(800 * X,), signature="()->()")
def sigmoid_slope_of_two_infinities(g, _out, x):
    with np.errstate(over="ignore", invalid="ignore"):
        return g * np.exp(-x) / (1 + np.exp(-x)) ** 2


@pair("large-values", lambda x: np.logaddexp(0, x), X, trigger=(30 + X,), signature="()->()")
def softplus_slope_becomes_x(g, _out, x):
    return g * np.where(x > 20, x, sigmoid(x))


@pair("large-values", softmax, X, trigger=(900 + X,), signature="(n)->(n)")
def softmax_recomputed_without_the_shift(g, _out, x):
    with np.errstate(over="ignore", invalid="ignore"):
        p = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
        return p * (g - (g * p).sum(axis=-1, keepdims=True))


def huber(x):
    return np.where(np.abs(x) < 3, 0.5 * x * x, 3 * np.abs(x) - 4.5)


@pair("large-values", huber, X, trigger=(10 * X,), signature="()->()")
def huber_far_slope_without_sign(g, _out, x):
    return g * np.where(np.abs(x) < 3, x, 3)


@pair("large-values", np.square, X, trigger=(100 * X,), signature="()->()")
def square_with_a_clipped_slope(g, _out, x):
    return g * np.clip(2 * x, -10, 10)
