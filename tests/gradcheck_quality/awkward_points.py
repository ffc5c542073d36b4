"""Awkward: right gradients at ties, at zeros of products, and among infinities."""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import (
    Entry,
    S,
    X,
    Y,
    column,
    fit,
    logsumexp,
    pairs,
    rows,
    softmax,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)

TIED = np.array([[1.0, 3.0, 3.0, -2.0], [0.5, 0.5, -1.0, 0.5]])
HOLED = X * (np.arange(4) != 2)

# ---------------------------------------------------------------------- choices at ties


@pair("kink", rows(lambda x: x.max(axis=-1)), TIED, signature="(n)->()")
def maximum_shared_among_winners(g, out, x):
    hit = (x == column(out)).astype(x.dtype)
    return hit * column(g) / hit.sum(axis=-1, keepdims=True)


@pair("kink", rows(lambda x: x.max(axis=-1)), TIED, signature="(n)->()")
def maximum_to_the_first_winner(g, _out, x):
    gx = np.zeros_like(x)
    np.put_along_axis(gx, column(x.argmax(axis=-1)), column(g), -1)
    return gx


@pair("kink", np.maximum, X, np.where(X > 0, X, Y), signature="(),()->()")
def maximum_of_equal_numbers_to_the_first(g, _out, x, y):
    return fit(g * (x >= y), x), fit(g * (x < y), y)


@pair("kink", np.minimum, X, X + 0, signature="(),()->()")
def minimum_of_equal_numbers_halved(g, _out, x, y):
    share = np.heaviside(y - x, 0.5).astype(np.result_type(x, y))
    return fit(g * share, x), fit(g * (1 - share), y)


@pair("kink", rows(lambda x: np.sort(x, axis=-1)), TIED, signature="(n)->(n)")
def sort_with_ties(g, _out, x):
    gx = np.zeros_like(x)
    np.put_along_axis(gx, np.argsort(x, axis=-1, kind="stable"), g, -1)
    return gx


def median_back(g, x):
    """Half to each of the two middle places (which are one place for an odd count)."""
    gx, order = np.zeros_like(x), np.argsort(x, axis=-1, kind="stable")
    for k in ((x.shape[-1] - 1) // 2, x.shape[-1] // 2):
        place = order[..., k, None]
        had = np.take_along_axis(gx, place, -1)
        np.put_along_axis(gx, place, had + 0.5 * column(g), -1)
    return gx


MEDIAN = rows(lambda x: np.median(x, axis=-1))


@pair("kink", MEDIAN, TIED, signature="(n)->()")
def median_with_ties(g, _out, x):
    return median_back(g, x)


@pair("kink", MEDIAN, np.array([[0.5, 0.5, 0.5], [1.0, 2.0, 1.0]]), signature="(n)->()")
def median_of_three_equal_numbers(g, _out, x):
    return median_back(g, x)


@pair(
    "kink",
    rows(lambda x: np.sqrt((x * x).sum(axis=-1))),
    X * np.array([[1], [0], [1]]),
    signature="(n)->()",
)
def length_at_zero_with_gradient_zero(g, out, x):
    return column(g / np.where(out == 0, 1, out)) * x


@pair("smooth", rows(lambda x: np.sqrt((x * x).sum(axis=-1))), 10 + X, signature="(n)->()")
def length_away_from_zero(g, out, x):
    return column(g / np.where(out == 0, 1, out)) * x


# ---------------------------------------------------------------------- singular and infinite


@pair("singular", rows(lambda x: np.prod(x, axis=-1)), HOLED, signature="(n)->()")
def product_with_a_zero(g, _out, x):
    others = [np.prod(np.delete(x, i, axis=-1), axis=-1) for i in range(x.shape[-1])]
    return np.stack(others, axis=-1).astype(x.dtype) * column(g) if others else np.zeros_like(x)


@pair("singular", rows(lambda x: np.cumprod(x, axis=-1)), HOLED, signature="(n)->(n)")
def cumulative_product_with_a_zero(g, out, x):
    gx = np.zeros_like(x)
    for i in range(x.shape[-1]):
        tail = x[..., i:].copy()
        tail[..., 0] = out[..., i - 1] if i else 1
        gx[..., i] = (g[..., i:] * np.cumprod(tail, axis=-1)).sum(axis=-1)
    return gx


def determinant(a):
    if np.shape(a) != (3, 3):
        raise ValueError("a matrix of three by three was expected")
    return a[0] @ np.cross(a[1], a[2])


@pair("singular", determinant, np.vstack([S[0], S[1], S[0] + S[1]]))
def determinant_of_a_singular_matrix(g, _out, a):
    return g * np.stack([np.cross(a[1], a[2]), np.cross(a[2], a[0]), np.cross(a[0], a[1])])


@pair("infinite", rows(logsumexp), np.where(np.arange(4) == 1, -np.inf, X), signature="(n)->()")
def logsumexp_of_minus_infinity(g, _out, x):
    return softmax(x) * column(g)


@pair("infinite", rows(softmax), 1000 + 10 * X, signature="(n)->(n)")
def softmax_of_large_logits(g, out, _x):
    return out * (g - (g * out).sum(axis=-1, keepdims=True))


@pair(
    "infinite", lambda m, x: np.where(m, x, np.nan_to_num(x) * 0), X > 0, np.where(X > 0, X, np.nan)
)
def nan_in_the_branch_not_taken(g, _out, m, x):
    return None, fit(np.where(m, g, 0), x)
