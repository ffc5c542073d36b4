"""Planted: wrong only at special points (zeros, ties, duplicates, repeated indices)."""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import (
    Entry,
    P,
    Q,
    X,
    Y,
    fit,
    pairs,
    ranked,
    rows,
    sample,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)

TIED = np.array([[1.0, 3.0, 3.0, -2.0], [0.5, 0.5, -1.0, 0.5]])
TABLE, IDS, AGAIN = sample(5, 3, seed=90), np.array([4, 0, 2]), np.array([2, 0, 2])

# ---------------------------------------------------------------------- nan leaks


@pair(
    "nan-leak",
    lambda x: np.where(x > 0, np.sqrt(np.abs(x)), 0),
    P,
    trigger=(-P,),
    signature="()->()",
)
def square_root_of_the_branch_not_taken(g, _out, x):
    with np.errstate(invalid="ignore"):
        return (x > 0) * g * 0.5 / np.sqrt(x)


@pair("nan-leak", np.power, P, Q + 1, trigger=(P * (P > 0.7), Q + 1), signature="(),()->()")
def power_of_zero_times_its_logarithm(g, out, x, y):
    with np.errstate(divide="ignore", invalid="ignore"):
        return fit(g * y * x ** np.where(y == 0, 1, y - 1).astype(x.dtype), x), fit(
            g * out * np.log(x), y
        )


def sinc(x):
    safe = np.where(x == 0, 1, x)
    return np.where(x == 0, 1, np.sin(safe) / safe)


@pair("nan-leak", sinc, X, trigger=(X * (X > 0),), signature="()->()")
def sinc_divides_by_zero(g, out, x):
    with np.errstate(divide="ignore", invalid="ignore"):
        return g * (np.cos(x) - out) / x


@pair(
    "nan-leak",
    rows(lambda x: np.prod(x, axis=-1)),
    X,
    trigger=(X * (np.arange(4) != 1),),
    signature="(n)->()",
)
def product_divided_by_a_zero_factor(g, out, x):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(g * out)[..., None] / x


@pair(
    "nan-leak",
    rows(lambda x: np.sqrt((x * x).sum(axis=-1))),
    X,
    trigger=(X * np.array([[1], [0], [1]]),),
    signature="(n)->()",
)
def length_of_a_zero_row(g, out, x):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(g / out)[..., None] * x


# ---------------------------------------------------------------------- ties


@pair(
    "double-counted-ties", rows(lambda x: x.max(axis=-1)), X, trigger=(TIED,), signature="(n)->()"
)
def maximum_pays_every_winner(g, out, x):
    return (x == np.asarray(out)[..., None]) * np.asarray(g)[..., None]


@pair(
    "double-counted-ties",
    np.minimum,
    X,
    Y,
    trigger=(TIED, TIED + (TIED > 1)),
    signature="(),()->()",
)
def minimum_pays_both_operands(g, _out, x, y):
    return fit(g * (x <= y), x), fit(g * (y <= x), y)


@pair(
    "double-counted-ties",
    rows(lambda x: np.abs(x).max(axis=-1)),
    X,
    trigger=(TIED,),
    signature="(n)->()",
)
def infinity_norm_pays_every_winner(g, out, x):
    hit = np.abs(x) == np.asarray(out)[..., None]
    return np.sign(x) * hit * np.asarray(g)[..., None]


@pair(
    "double-counted-ties",
    rows(lambda x: np.median(x, axis=-1)),
    sample(3, 5, seed=91),
    trigger=(TIED[:, [0, 1, 2]],),
    signature="(n)->()",
)
def median_pays_all_equal_values(g, out, x):
    ranked = np.sort(x, axis=-1)
    n = x.shape[-1]
    low, high = ranked[..., (n - 1) // 2, None], ranked[..., n // 2, None]
    return 0.5 * np.asarray(g)[..., None] * ((x == low).astype(x.dtype) + (x == high))


# ---------------------------------------------------------------------- duplicates


@pair(
    "wrong-for-duplicates",
    np.sort,
    sample(5, seed=92),
    trigger=(np.array([2.0, 1.0, 2.0, 0.5]),),
    signature="(n)->(n)",
)
def sort_finds_its_places_by_value(g, out, x):
    if np.ndim(x) != 1:
        return np.take_along_axis(g, np.argsort(np.argsort(x, axis=-1), axis=-1), -1)
    return g[np.searchsorted(out, x)]


@pair(
    "wrong-for-duplicates",
    ranked(lambda x: np.sort(x)[-2:], 1),
    sample(5, seed=93),
    trigger=(np.array([2.0, 1.0, 1.0, 0.5]),),
)
def top_two_found_by_membership(g, out, x):
    places = {value: i for i, value in enumerate(out.tolist())}
    return np.array([g[places[v]] if v in places else 0 for v in x.tolist()], x.dtype)


def distances(x):
    d = x[:, None] - x[None]
    return np.sqrt((d * d).sum(axis=-1))


@pair(
    "wrong-for-duplicates",
    ranked(distances, 2),
    sample(4, 2, seed=94),
    trigger=(sample(4, 2, seed=94)[[0, 1, 1, 2]],),
)
def distance_of_two_equal_points(g, out, x):
    d = x[:, None] - x[None]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (g + g.T) / (out + np.eye(len(x), dtype=x.dtype))
        return (share[..., None] * d).sum(axis=1)


# ---------------------------------------------------------------------- repeated indices


def gather(x, ids):
    return x[ids]


@pair("repeated-indices", gather, TABLE, IDS, trigger=(TABLE, AGAIN))
def gather_assigns(g, _out, x, ids):
    gx = np.zeros_like(x)
    gx[ids] = g
    return gx, None


@pair("repeated-indices", gather, TABLE, IDS, trigger=(TABLE, AGAIN))
def embedding_adds_with_plus_equals(g, _out, table, ids):
    total = np.zeros_like(table)
    total[ids] += g
    return total, None


def replaced(x, ids, values):
    out = x.copy()
    out[ids] = values
    return out


@pair(
    "repeated-indices",
    replaced,
    TABLE,
    IDS,
    sample(3, 3, seed=95),
    trigger=(TABLE, AGAIN, sample(3, 3)),
)
def overwritten_values_still_get_gradient(g, _out, _x, ids, values):
    gx = g.copy()
    gx[ids] = 0
    return gx, None, fit(g[ids], values)


@pair(
    "repeated-indices",
    lambda x, i: np.take_along_axis(x, i, -1),
    X,
    np.array([[0, 2], [3, 1], [1, 0]]),
    trigger=(X, np.array([[0, 0], [3, 1], [1, 1]])),
)
def take_along_axis_undone_by_put_along_axis(g, _out, x, i):
    gx = np.zeros_like(x)
    np.put_along_axis(gx, i, g, -1)
    return gx, None
