"""Planted: not linear in the cotangent, or not conjugated as complex gradients must be."""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import (
    A,
    B,
    Entry,
    P,
    V,
    X,
    Y,
    fit,
    matmul,
    pairs,
    phasors,
    ranked,
    rows,
    softmax,
    spread,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)

Z, U = phasors(3, 4, seed=110), phasors(3, 4, seed=111)
M, N = phasors(3, 4, seed=112), phasors(4, 2, seed=113)

# ---------------------------------------------------------------------- non-linear in g


@pair("non-linear-in-cotangent", lambda x: np.maximum(x, 0), X, signature="()->()")
def guided_backpropagation(g, _out, x):
    return g * (x > 0) * (g > 0)


@pair("non-linear-in-cotangent", np.sin, X, signature="()->()")
def sine_clips_g_to_one(g, _out, x):
    return np.clip(g, -1, 1) * np.cos(x)


@pair("non-linear-in-cotangent", rows(lambda x: x.sum(axis=0)), X)
def sum_clips_g_to_a_thousand(g, _out, x):
    return spread(np.clip(g, -1e3, 1e3), x, 0).copy()


@pair("non-linear-in-cotangent", np.abs, X, signature="()->()")
def absolute_value_of_g(g, _out, x):
    return np.abs(g) * np.sign(x)


@pair("non-linear-in-cotangent", np.exp, X, signature="()->()")
def exp_squares_g(g, out, _x):
    return g * g * out


@pair(
    "non-linear-in-cotangent",
    ranked(lambda a, v: a @ v, 2, 1),
    A,
    V,
    signature="(...,n,k),(k)->(...,n)",
)
def matrix_vector_normalises_g(g, _out, a, v):
    h = g / np.sqrt((g * g).sum() + 1e-12)
    return h[..., None] * v, a.T @ h


@pair("non-linear-in-cotangent", matmul, A, B, signature="(...,n,k),(...,k,m)->(...,n,m)")
def matmul_adds_weight_decay(g, _out, a, b):
    return fit(g @ b.swapaxes(-1, -2), a), fit(a.swapaxes(-1, -2) @ g, b) + 1e-2 * b


@pair("non-linear-in-cotangent", softmax, X, signature="(n)->(n)")
def softmax_drops_small_cotangents(g, out, _x):
    h = np.where(np.abs(g) < 1e-2, 0, g)
    return out * (h - (h * out).sum(axis=-1, keepdims=True))


# ---------------------------------------------------------------------- complex conjugates


@pair("complex-conjugate", np.multiply, Z, U, signature="(),()->()")
def complex_multiply_not_conjugated(g, _out, x, y):
    return fit(g * y, x), fit(g * x, y)


@pair("complex-conjugate", np.exp, Z, signature="()->()")
def complex_exp_not_conjugated(g, out, _x):
    return g * out


@pair("complex-conjugate", np.abs, Z, signature="()->()")
def modulus_conjugates_its_direction(g, out, z):
    return g * np.conj(z) / np.where(out == 0, 1, out)


@pair("complex-conjugate", matmul, M, N, signature="(...,n,k),(...,k,m)->(...,n,m)")
def complex_matmul_only_transposed(g, _out, a, b):
    return fit(g @ b.swapaxes(-1, -2), a), fit(a.swapaxes(-1, -2) @ g, b)


@pair("complex-conjugate", np.square, X, trigger=(Z,), signature="()->()")
def square_written_for_real_numbers(g, _out, x):
    return 2 * g * x


@pair("complex-conjugate", lambda z: (z * np.conj(z)).real, Z, signature="()->()")
def power_of_a_signal_conjugated(g, _out, z):
    return 2 * g * np.conj(z)


@pair("complex-conjugate", np.divide, X, P, trigger=(Z, U), signature="(),()->()")
def divide_written_for_real_numbers(g, out, x, y):
    return fit(g / y, x), fit(-g * out / y, y)


# ---------------------------------------------------------------------- both at once


@pair("non-linear-in-cotangent", np.multiply, X, Y, signature="(),()->()")
def multiply_skips_negative_totals(g, _out, x, y):
    h = g if np.sum(g) >= 0 else np.zeros_like(g)
    return fit(h * y, x), fit(h * x, y)
