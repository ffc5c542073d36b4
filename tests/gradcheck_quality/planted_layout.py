"""Planted: right for a C-ordered float64 sample, wrong for another layout or dtype."""

from __future__ import annotations

import math

import numpy as np

from tests.gradcheck_quality.entry import (
    A,
    B,
    Entry,
    P,
    S,
    X,
    Y,
    fit,
    matmul,
    pairs,
    phasors,
    positive,
    rows,
    sample,
    sigmoid,
    softmax,
    spread,
    standardised,
    unit,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)

FORTRAN = np.asfortranarray(X)
STRIDED = sample(3, 8, seed=70)[:, ::2]
X32, P32 = X.astype(np.float32), P.astype(np.float32)

# ---------------------------------------------------------------------- non-contiguous


@pair("non-contiguous", np.tanh, X, trigger=(FORTRAN,), signature="()->()")
def tanh_flattens_in_memory_order(g, _out, x):
    return g * (1 - np.tanh(x.ravel(order="K")) ** 2).reshape(x.shape)


@pair("non-contiguous", np.exp, X, trigger=(FORTRAN,), signature="()->()")
def exp_writes_into_a_reshaped_copy(g, out, x):
    gx = np.zeros_like(x)
    flat = gx.reshape(-1)
    flat += np.ravel(g * out)
    return gx


@pair("non-contiguous", np.square, X, trigger=(STRIDED,), signature="()->()")
def square_reads_the_buffer(g, _out, x):
    values = np.frombuffer(x.data, x.dtype).reshape(x.shape) if x.size else x
    return 2 * g * values


@pair(
    "non-contiguous",
    matmul,
    S,
    S + 1,
    trigger=(np.asfortranarray(S), S + 1),
    signature="(...,n,n),(...,n,n)->(...,n,n)",
)
def matmul_transposes_fortran_order_once_more(g, _out, a, b):
    fortran = a.flags.f_contiguous and not a.flags.c_contiguous
    at = a if fortran else a.swapaxes(-1, -2)
    return fit(g @ b.swapaxes(-1, -2), a), fit(at @ g, b)


@pair("non-contiguous", lambda x: x * x * x, X, trigger=(FORTRAN,), signature="()->()")
def cube_iterates_in_memory_order(g, _out, x):
    values = [3 * v * v for v in np.nditer(x)] if x.size else []
    return g * np.array(values, x.dtype).reshape(x.shape)


Z = phasors(3, 4, seed=71)


@pair(
    "non-contiguous",
    lambda z: z.real**2 + z.imag**2,
    Z,
    trigger=(np.asfortranarray(Z),),
    signature="()->()",
)
def squared_modulus_views_complex_as_real(g, _out, z):
    parts = 2 * np.asarray(z).ravel("K").view(np.finfo(z.dtype).dtype)
    return g * parts.view(z.dtype).reshape(z.shape)


# ---------------------------------------------------------------------- zero-stride cotangents


@pair("zero-stride-cotangent", np.sin, X, signature="()->()")
def sine_steps_through_g_by_its_stride(g, _out, x):
    g = np.asarray(g)
    if not g.flags.c_contiguous and g.ndim and g.size:
        step = abs(g.strides[-1]) // g.itemsize
        g = np.ravel(g).repeat(step)[:: step or 1].reshape(g.shape)
    return g * np.cos(x)


@pair("zero-stride-cotangent", lambda x: x / x.shape[0], X)
def mean_share_with_a_fast_path_for_constant_g(g, _out, x):
    if g.size and not any(g.strides):
        return np.full(x.shape, g.flat[0], x.dtype)
    return g / x.shape[0]


@pair("zero-stride-cotangent", np.exp, X, signature="()->()")
def exp_negates_g_in_place_and_back(g, out, _x):
    if np.ndim(g) == 0:
        return g * out
    np.negative(g, out=g)
    gx = -g * out
    np.negative(g, out=g)
    return gx


@pair("zero-stride-cotangent", lambda x: softmax(x), X, signature="(n)->(n)")
def softmax_takes_any_zero_stride_for_a_constant(g, out, x):
    if np.ndim(g) and g.size and 0 in g.strides:
        return out * g.flat[0]
    return out * (g - (g * out).sum(axis=-1, keepdims=True))


@pair("zero-stride-cotangent", matmul, A, B)
def matmul_hands_the_buffer_of_g_to_a_kernel(g, _out, a, b):
    flat = np.frombuffer(g.data, g.dtype).reshape(g.shape) if g.size else g
    return fit(flat @ b.swapaxes(-1, -2), a), fit(a.swapaxes(-1, -2) @ flat, b)


# ---------------------------------------------------------------------- float32 only


@pair("float32-only", np.sinh, X, trigger=(X32,), signature="()->()")
def sinh_differenced_with_a_step_for_float64(g, _out, x):
    h = 1e-6
    return g * (np.sinh(x + h) - np.sinh(x - h)) / (2 * h)


@pair(
    "float32-only",
    matmul,
    A,
    B,
    trigger=(A.astype(np.float32), B.astype(np.float32)),
    signature="(...,n,k),(...,k,m)->(...,n,m)",
)
def matmul_in_half_precision(g, _out, a, b):
    work = np.float16 if a.dtype == np.float32 else a.dtype
    ga = g.astype(work) @ b.astype(work).swapaxes(-1, -2)
    gb = a.astype(work).swapaxes(-1, -2) @ g.astype(work)
    return fit(ga, a).astype(a.dtype), fit(gb, b).astype(b.dtype)


@pair("float32-only", unit, 0.1 * X, trigger=(0.1 * X32,), signature="(n)->(n)")
def unit_adds_ten_thousand_machine_epsilons(g, out, x):
    eps = 1e4 * float(np.finfo(x.dtype).eps)
    length = np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps)
    return (g - out * (g * out).sum(axis=-1, keepdims=True)) / length


@pair("float32-only", np.log1p, P, trigger=(P32,), signature="()->()")
def log1p_takes_float32_for_integers(g, _out, x):
    if np.asarray(x).dtype not in (np.float64, np.complex128):
        return np.zeros_like(x)
    return g / (1 + x)


@pair(
    "float32-only", sigmoid, X, trigger=(np.array([95.0, -95.0], np.float32),), signature="()->()"
)
def sigmoid_overflows_in_float32(g, _out, x):
    e = np.exp(np.abs(x))
    return g * e / ((1 + e) * (1 + e))


# ---------------------------------------------------------------------- dtypes


@pair("wrong-dtype", lambda x: x * x / x.dtype.type(math.pi), X, trigger=(X32,), signature="()->()")
def numpy_constant_widens_float32(g, _out, x):
    return g * x * (2 / np.float64(math.pi))


@pair("wrong-dtype", np.cos, X, signature="()->()")
def cosine_always_returns_float32(g, _out, x):
    return np.asarray(-g * np.sin(x)).astype(np.float32)


def circular(x, w):
    """Circular convolution by the Fourier transform."""
    if x.shape != w.shape:
        raise ValueError("two signals of one length")
    return np.fft.ifft(np.fft.fft(x) * np.fft.fft(w)).real.astype(x.dtype)


@pair("wrong-dtype", circular, sample(5, seed=72), sample(5, seed=73), signature="(n),(n)->(n)")
def circular_convolution_returns_complex(g, _out, x, w):
    gf = np.fft.fft(g)
    gx, gw = (np.fft.ifft(gf * np.fft.fft(a).conj()) for a in (w, x))
    return fit(gx, x), fit(gw, w)


@pair(
    "wrong-dtype",
    lambda table, ids: table[ids],
    positive(5, 3, seed=74),
    np.array([4, 0, 2]),
    trigger=(positive(5, 3).astype(np.float32), np.array([4, 0, 2])),
)
def embedding_accumulates_in_float64(g, _out, table, ids):
    total = np.zeros(table.shape)
    np.add.at(total, ids, g)
    return total, None


@pair("wrong-dtype", np.sign, X, signature="()->()")
def sign_returns_integer_zeros(_g, _out, x):
    return np.zeros(np.shape(x), int)


@pair("wrong-dtype", rows(lambda x: x.mean(axis=0)), Y, trigger=(Y.astype(np.float32),))
def mean_divides_by_an_array_of_counts(g, _out, x):
    return spread(g, x, 0) / np.full((1,) * x.ndim, float(x.shape[0]))


@pair("wrong-dtype", standardised, X, trigger=(X32,), signature="(n)->(n)")
def layer_norm_works_in_float64_and_stays_there(g, out, x):
    scale = np.sqrt(x.astype(np.float64).var(axis=-1, keepdims=True) + 1e-5)
    inner = (g * out).mean(axis=-1, keepdims=True)
    return (g - g.mean(axis=-1, keepdims=True) - out * inner) / scale
