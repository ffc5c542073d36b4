"""Planted: broadcasting, axes, borders and shapes."""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import (
    A,
    B,
    Entry,
    V,
    W,
    X,
    Y,
    affine,
    convolved,
    fit,
    log_softmax,
    matmul,
    pairs,
    positive,
    ranked,
    rows,
    sample,
    softmax,
    standardised,
    trapezoid,
    unit,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)

COLUMN = sample(3, 1, seed=30)

# ---------------------------------------------------------------------- missing sums


@pair("missing-sum-over-broadcast", np.add, X, Y, trigger=(X, V), signature="(),()->()")
def add_returns_g_for_both(g, _out, _x, _y):
    return g * 1, g * 1


@pair("missing-sum-over-broadcast", np.multiply, X, V, trigger=(X, COLUMN), signature="(),()->()")
def multiply_sums_leading_axes_alone(g, _out, x, y):
    def lead(h, a):
        return h.sum(axis=tuple(range(h.ndim - a.ndim)))

    return lead(g * y, x), lead(g * x, y)


@pair("missing-sum-over-broadcast", affine, A, B, W)
def bias_takes_the_first_row(g, _out, x, w, _b):
    return g @ w.T, x.T @ g, g[0].copy()


@pair("missing-sum-over-broadcast", np.maximum, X, Y, trigger=(X, V), signature="(),()->()")
def maximum_returns_whole_masks(g, _out, x, y):
    return g * (x > y) + 0.5 * g * (x == y), g * (x < y) + 0.5 * g * (x == y)


@pair(
    "missing-sum-over-broadcast",
    matmul,
    A,
    B,
    trigger=(sample(5, 3, 4), B),
    signature="(...,n,k),(...,k,m)->(...,n,m)",
)
def matmul_does_not_sum_over_the_batch(g, _out, a, b):
    return g @ b.swapaxes(-1, -2), a.swapaxes(-1, -2) @ g


@pair("missing-sum-over-broadcast", np.hypot, X, Y, trigger=(X, V), signature="(),()->()")
def hypot_averages_over_the_broadcast(g, out, x, y):
    def mean(h, a):
        return fit(h, a) * (a.size / max(h.size, 1))

    length = np.where(out == 0, 1, out)
    return mean(g * x / length, x), mean(g * y / length, y)


# ---------------------------------------------------------------------- wrong axis


@pair("wrong-axis", ranked(lambda x: x.sum(axis=1), 2), sample(4, 4, seed=31))
def sum_repeats_along_the_other_axis(g, _out, x):
    return np.broadcast_to(g, x.shape).copy()


@pair("wrong-axis", softmax, X, signature="(n)->(n)")
def softmax_inner_product_over_columns(g, out, _x):
    return out * (g - (g * out).sum(axis=0, keepdims=True))


@pair("wrong-axis", log_softmax, X, signature="(n)->(n)")
def log_softmax_sums_columns(g, out, _x):
    return g - np.exp(out) * g.sum(axis=0, keepdims=True)


@pair("wrong-axis", ranked(lambda x: np.cumsum(x, axis=1), 2), X)
def cumsum_goes_back_along_axis_0(g, _out, _x):
    return np.flip(np.cumsum(np.flip(g, 0), axis=0), 0)


@pair("wrong-axis", lambda x: np.flip(x, 1), X)
def flip_turns_rows(g, _out, _x):
    return np.flip(g, 0)


@pair("wrong-axis", unit, X, signature="(n)->(n)")
def unit_rows_project_on_columns(g, out, x):
    length = np.sqrt((x * x).sum(axis=-1, keepdims=True))
    return (g - out * (g * out).sum(axis=0, keepdims=True)) / length


@pair("wrong-axis", standardised, X, signature="(n)->(n)")
def layer_norm_takes_batch_means(g, out, x):
    inner = (g * out).mean(axis=0, keepdims=True)
    scale = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    return (g - g.mean(axis=0, keepdims=True) - out * inner) / scale


# ---------------------------------------------------------------------- negative axes


@pair("negative-axis", lambda x: softmax(x, axis=-2), X, signature="(...,n,k)->(...,n,k)")
def softmax_takes_any_negative_axis_for_the_last(g, out, x):
    axis = x.ndim - 1
    return out * (g - (g * out).sum(axis=axis, keepdims=True))


@pair("negative-axis", lambda x: np.cumsum(x, axis=-2), X, signature="(...,n,k)->(...,n,k)")
def cumsum_counts_axes_from_the_wrong_end(g, _out, x):
    axis = (-2 + x.ndim + 1) % x.ndim
    return np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)


@pair("negative-axis", lambda x: np.flip(x, -1), X, signature="(n)->(n)")
def flip_compares_a_negative_axis(g, _out, x):
    return g[tuple(slice(None, None, -1 if i == -1 else 1) for i in range(x.ndim))].copy()


@pair("negative-axis", lambda x, axis: x.sum(axis=axis), X, 1, trigger=(X, -1))
def sum_compares_a_negative_axis(g, _out, x, axis):
    shape = [1 if i == axis else n for i, n in enumerate(x.shape)]
    return np.broadcast_to(g.reshape(shape), x.shape).copy(), None


# ---------------------------------------------------------------------- off by one


@pair("off-by-one", rows(lambda x: np.cumsum(x, axis=-1)), X, signature="(n)->(n)")
def cumsum_leaves_itself_out(g, _out, _x):
    return np.flip(np.cumsum(np.flip(g, -1), axis=-1), -1) - g


@pair("off-by-one", lambda x: np.roll(x, 2, axis=-1), sample(3, 5, seed=32), signature="(n)->(n)")
def roll_returns_one_step_short(g, _out, _x):
    return np.roll(g, -1, axis=-1)


@pair("off-by-one", ranked(lambda x: np.pad(x, (1, 2)), 1), sample(5, seed=33))
def pad_slices_one_late(g, _out, _x):
    return g[2:-1].copy()


@pair("off-by-one", lambda x: x[..., ::2], X)
def downsampling_fills_the_odd_places(g, _out, x):
    gx = np.zeros_like(x)
    gx[..., 1::2] = g[..., : x.shape[-1] // 2]
    return gx


@pair("off-by-one", lambda x: convolved(x, np.ones(3, x.dtype) / 3), sample(2, 7, seed=34))
def moving_average_window_one_short(g, _out, x):
    gx = np.zeros_like(x)
    for j in range(2):
        gx[..., j : j + g.shape[-1]] += g / 3
    return gx


KNOTS, LEVELS = np.array([0.0, 0.7, 1.1, 2.3, 3.0]), np.array([0.5, -1.0, 2.0, 0.3, 1.7])


@pair("off-by-one", lambda x: np.interp(x, KNOTS, LEVELS).astype(x.dtype), positive(3, 4, seed=35))
def interpolation_takes_the_slope_of_the_next_interval(g, _out, x):
    i = np.clip(np.searchsorted(KNOTS, x), 1, len(KNOTS) - 2)
    slope = np.append(np.diff(LEVELS) / np.diff(KNOTS), 0)
    return g * (slope[i] * ((x > KNOTS[0]) & (x < KNOTS[-1]))).astype(x.dtype)


# ---------------------------------------------------------------------- borders


def smoothed(x):
    if np.ndim(x) != 1 or len(x) < 3:
        raise ValueError("a signal of at least three numbers was expected")
    return np.convolve(x, [0.2, 0.5, 0.3], "same").astype(x.dtype)


@pair("edge", smoothed, sample(7, seed=36))
def smoothing_wraps_around_in_backward(g, _out, _x):
    return 0.5 * g + 0.2 * np.roll(g, 1) + 0.3 * np.roll(g, -1)


@pair("edge", trapezoid, sample(5, seed=37), np.sort(positive(5, seed=38)), signature="(n),(n)->()")
def trapezoid_with_whole_end_weights(g, _out, y, x):
    d = np.diff(x)
    left, right = np.append(d, 0), np.append(0, d)
    w = 0.5 * (left + right)
    w[[0, -1]] = left[0], right[-1]
    gd = 0.5 * (y[..., 1:] + y[..., :-1]) * np.asarray(g)[..., None]
    gx = np.zeros_like(y)
    gx[..., 1:] += gd
    gx[..., :-1] -= gd
    return fit(np.asarray(g)[..., None] * w.astype(y.dtype), y), fit(gx, x)


@pair("edge", ranked(lambda x: np.pad(x, 1, mode="edge"), 1), sample(5, seed=39))
def replicated_border_forgotten(g, _out, _x):
    return g[1:-1].copy()


@pair("edge", ranked(np.gradient, 1), sample(6, seed=40))
def central_differences_up_to_the_ends(g, _out, _x):
    gx = np.zeros_like(g)
    gx[2:] += 0.5 * g[1:-1]
    gx[:-2] -= 0.5 * g[1:-1]
    gx[1] += 0.5 * g[0]
    gx[0] -= 0.5 * g[0]
    gx[-1] += 0.5 * g[-1]
    gx[-2] -= 0.5 * g[-1]
    return gx


@pair("edge", rows(lambda x: np.cumprod(x, axis=-1)), sample(2, 5, seed=41), signature="(n)->(n)")
def cumprod_last_factor_forgotten(g, out, x):
    gx = np.zeros_like(x)
    for i in range(x.shape[-1] - 1):
        tail = x[..., i:].copy()
        tail[..., 0] = out[..., i - 1] if i else 1
        gx[..., i] = (g[..., i:] * np.cumprod(tail, axis=-1)).sum(axis=-1)
    return gx
