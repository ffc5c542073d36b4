"""Planted: right at the size of the ordinary sample, wrong at another (even, one, none, 0-d)."""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import (
    Entry,
    P,
    Q,
    X,
    Y,
    convolved,
    fit,
    logsumexp,
    pairs,
    positive,
    rows,
    sample,
    softmax,
    spread,
    standardised,
    standardised_back,
    unit,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)

ONE_ROW, ONE_COLUMN = sample(1, 4, seed=50), sample(3, 1, seed=51)
NUMBER = np.array(0.7)

# ---------------------------------------------------------------------- only for one size


@pair(
    "one-size",
    rows(lambda x: np.median(x, axis=-1)),
    sample(3, 5, seed=52),
    trigger=(X,),
    signature="(n)->()",
)
def median_of_an_even_count_has_one_middle(g, _out, x):
    gx = np.zeros_like(x)
    middle = np.argsort(x, axis=-1)[..., x.shape[-1] // 2, None]
    np.put_along_axis(gx, middle, np.asarray(g)[..., None], -1)
    return gx


def power_spectrum(x):
    return np.square(np.abs(np.fft.rfft(x)))


@pair(
    "one-size",
    power_spectrum,
    sample(5, seed=53),
    trigger=(sample(6, seed=53),),
    signature="(n)->(k)",
)
def spectrum_counts_the_nyquist_frequency_once(g, _out, x):
    c = g * np.fft.rfft(x)
    c[..., 0] *= 2
    return np.fft.irfft(c, n=x.shape[-1]) * x.shape[-1]


def max_pooled(x):
    half = x.shape[-1] // 2
    return x[..., : 2 * half].reshape(*x.shape[:-1], half, 2).max(axis=-1)


@pair("one-size", max_pooled, sample(2, 6, seed=54), trigger=(sample(2, 5, seed=54),))
def pooling_pads_an_odd_row_in_front(g, out, x):
    half = x.shape[-1] // 2
    windows = x[..., : 2 * half].reshape(*x.shape[:-1], half, 2)
    first = windows[..., 0] >= windows[..., 1]
    gx = np.stack([np.where(first, g, 0), np.where(first, 0, g)], axis=-1)
    gx = gx.reshape(*x.shape[:-1], 2 * half)
    return np.pad(gx, [(0, 0)] * (x.ndim - 1) + [(x.shape[-1] % 2, 0)])


@pair("one-size", np.exp, X, trigger=(sample(3, 7, seed=55),), signature="()->()")
def exp_in_blocks_of_four_drops_the_rest(g, out, x):
    gx, product = np.zeros(x.size, x.dtype), np.ravel(g * out)
    for start in range(0, x.size - 3, 4):
        gx[start : start + 4] = product[start : start + 4]
    return gx.reshape(x.shape)


@pair(
    "one-size",
    np.linalg.det,
    sample(2, 2, seed=56),
    trigger=(sample(3, 3, seed=56),),
    signature="(...,n,n)->(...)",
)
def determinant_with_the_adjugate_of_two_by_two(g, _out, a):
    trace = np.trace(a, axis1=-2, axis2=-1)
    adjugate = trace[..., None, None] * np.eye(a.shape[-1], dtype=a.dtype) - a
    return np.asarray(g)[..., None, None] * adjugate.swapaxes(-1, -2)


@pair("one-size", rows(logsumexp), X, trigger=(sample(3, 9, seed=57),), signature="(n)->()")
def logsumexp_in_chunks_normalises_each(g, _out, x):
    chunks = [softmax(x[..., i : i + 8]) for i in range(0, x.shape[-1], 8)]
    return np.asarray(g)[..., None] * np.concatenate(chunks, axis=-1)


# ---------------------------------------------------------------------- axes of length one


@pair("size-1-axes", standardised, X, trigger=(ONE_ROW,), signature="(n)->(n)")
def layer_norm_squeezes_its_gradient(g, out, x):
    return np.squeeze(standardised_back(g, out, x))


@pair("size-1-axes", np.multiply, X, Y, trigger=(ONE_COLUMN, ONE_COLUMN * 2), signature="(),()->()")
def multiply_sums_length_one_axes_away(g, _out, x, y):
    def back(h, a):
        h = h.sum(axis=tuple(range(h.ndim - a.ndim)))
        return h.sum(axis=tuple(i for i, n in enumerate(a.shape) if n == 1))

    return back(g * y, x), back(g * x, y)


@pair("size-1-axes", softmax, X, trigger=(ONE_COLUMN,), signature="(n)->(n)")
def softmax_of_one_passes_g_through(g, out, x):
    if x.shape[-1:] == (1,):
        return g * 1
    return out * (g - (g * out).sum(axis=-1, keepdims=True))


@pair(
    "size-1-axes",
    convolved,
    sample(2, 7, seed=58),
    sample(3, seed=59),
    trigger=(sample(2, 7), sample(1)),
)
def kernel_of_one_slices_everything_away(g, _out, x, w):
    k = len(w)
    padded = np.pad(g, [(0, 0)] * (g.ndim - 1) + [(k - 1, k - 1)])
    gx = convolved(padded, w[::-1])
    ends = slice(k - 1, -(k - 1))
    gw = np.array([(g * x[..., j : j + g.shape[-1]]).sum() for j in range(k)], w.dtype)
    return np.where(padded[..., ends].size == g.size, gx, 0), gw


@pair("size-1-axes", unit, X, trigger=(ONE_COLUMN,), signature="(n)->(n)")
def unit_row_of_one_divides_by_itself(g, out, x):
    length = np.sqrt((x * x).sum(axis=-1, keepdims=True))
    if x.shape[-1:] == (1,):
        return g / length
    return (g - out * (g * out).sum(axis=-1, keepdims=True)) / length


# ---------------------------------------------------------------------- 0-d


@pair("0-d", lambda x: np.maximum(x, 0) * 2, X, trigger=(NUMBER,), signature="()->()")
def relu_assigns_into_a_scalar(g, _out, x):
    gx = g * 2
    gx[x <= 0] = 0
    return gx


@pair("0-d", np.multiply, X, Y, trigger=(X, NUMBER), signature="(),()->()")
def scaling_sums_one_axis_for_a_number(g, _out, x, y):
    if np.ndim(y) == 0:
        return fit(g * y, x), (g * x).sum(axis=0 if np.ndim(g) else None)
    return fit(g * y, x), fit(g * x, y)


@pair("0-d", np.power, P, Q, trigger=(P, NUMBER), signature="(),()->()")
def scalar_exponent_takes_the_mean(g, out, x, y):
    gy = g * out * np.log(np.where(x > 0, x, 1))
    return fit(g * y * x ** np.where(y == 0, 1, y - 1).astype(x.dtype), x), gy.mean() if np.ndim(
        y
    ) == 0 else fit(gy, y)


@pair("0-d", lambda x: np.sum(x * x), X, trigger=(NUMBER,))
def sum_of_squares_fills_a_slice(g, _out, x):
    gx = np.zeros(np.shape(x), x.dtype)
    gx[:] = 2 * g * x
    return gx


# ---------------------------------------------------------------------- empty


@pair("empty", lambda x: np.sqrt((x * x).sum()), X, trigger=(np.zeros((0, 4)),))
def norm_rescaled_by_the_largest(g, _out, x):
    y = x / np.abs(x).max()
    return g * y / np.sqrt((y * y).sum())


@pair(
    "empty",
    rows(lambda x: np.cumsum(x, axis=-1)),
    X,
    trigger=(np.zeros((3, 0)),),
    signature="(n)->(n)",
)
def cumsum_flattens_to_rows(g, _out, x):
    rows = g.reshape(-1, x.shape[-1])
    return np.flip(np.cumsum(np.flip(rows, -1), axis=-1), -1).reshape(x.shape)


@pair(
    "empty",
    rows(lambda x: (x * x).sum(axis=-1)),
    X,
    trigger=(np.zeros((0, 4)),),
    signature="(n)->()",
)
def rows_are_stacked_one_by_one(g, _out, x):
    if x.ndim != 2:
        return 2 * np.asarray(g)[..., None] * x
    return np.stack([2 * gi * row for gi, row in zip(g, x, strict=True)])


@pair("empty", rows(lambda x: x.sum(axis=0)), X, trigger=(np.zeros((0, 4)),))
def sum_starts_from_the_first_row(g, _out, x):
    first = np.zeros_like(x[0]) + g
    return spread(first, x, 0).copy()


# ---------------------------------------------------------------------- of growing lengths


@pair(
    "one-size",
    rows(lambda x: np.prod(x, axis=-1)),
    positive(3, 4, seed=60),
    trigger=(positive(3, 5, seed=60),),
    signature="(n)->()",
)
def product_unrolled_to_four_factors(g, _out, x):
    gx = np.zeros_like(x)
    for i in range(min(x.shape[-1], 4)):
        gx[..., i] = g * np.prod(np.delete(x, i, axis=-1), axis=-1)
    return gx
