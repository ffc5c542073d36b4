"""Planted: right numbers for one call, wrong manners (state, shared buffers, mutation, chance)."""

from __future__ import annotations

import functools

import numpy as np

from tests.gradcheck_quality.entry import (
    A,
    B,
    Entry,
    P,
    X,
    Y,
    fit,
    matmul,
    pairs,
    ranked,
    rows,
    sample,
    softmax,
    spread,
)

ENTRIES: list[Entry] = []
pair = pairs(ENTRIES)

# ---------------------------------------------------------------------- cached state


class Layer:
    """A layer in the style of early tutorials: forward stores what backward reads."""

    def __init__(self):
        self.x = np.zeros(())

    def forward(self, x):
        self.x = x
        return np.tanh(x)


layer = Layer()


@pair("cached-state", layer.forward, X, signature="()->()")
def layer_remembers_its_last_input(g, _out, _x):
    return g * (1 - np.tanh(layer.x) ** 2)


def squared(x):
    squared.last = x
    return x * x


@pair("cached-state", squared, X, signature="()->()")
def function_attribute_holds_the_input(g, _out, _x):
    return 2 * g * squared.last


_exponentials: dict[tuple[int, ...], np.ndarray] = {}


def exponential(x):
    _exponentials[np.shape(x)] = np.exp(x)
    return np.exp(x)


@pair("cached-state", exponential, X, signature="()->()")
def cache_keyed_by_shape(g, _out, x):
    return g * _exponentials[np.shape(x)].astype(x.dtype)


class RunningMean:
    """Subtracts a mean that every call moves."""

    def __init__(self):
        self.mean = 0.0

    def forward(self, x):
        if np.size(x):
            self.mean = 0.9 * self.mean + 0.1 * float(np.mean(x))
        return x - self.mean


@pair("cached-state", RunningMean().forward, X, signature="()->()")
def running_mean_moves_with_every_call(g, _out, _x):
    return g * 1


_masks: list[np.ndarray] = []


def rectified(x):
    _masks.append(x > 0)
    return np.where(x > 0, x, 0)


@pair("cached-state", rectified, X, signature="()->()")
def masks_are_popped_from_a_stack(g, _out, _x):
    return np.where(_masks.pop(), g, 0)


# ---------------------------------------------------------------------- shared buffers

_scratch: dict[tuple[object, ...], np.ndarray] = {}


def scratch(key, like):
    """One buffer for all calls of the same shape and dtype."""
    like = np.asarray(like)
    return _scratch.setdefault((key, like.shape, like.dtype), np.empty_like(like, order="C"))


@pair("shared-buffers", np.sin, X, signature="()->()")
def sine_multiplies_into_scratch(g, _out, x):
    return np.multiply(g, np.cos(x), out=scratch("sin", x))


@functools.cache
def _zeros(shape, dtype):
    return np.zeros(shape, dtype)


@pair("shared-buffers", np.floor, X, signature="()->()")
def floor_returns_the_same_zeros_every_time(_g, _out, x):
    return _zeros(np.shape(x), np.asarray(x).dtype)


@pair("shared-buffers", lambda table, ids: table[ids], sample(5, 3, seed=80), np.array([4, 0, 2]))
def embedding_refills_one_buffer(g, _out, table, ids):
    total = scratch("embedding", table)
    total[...] = 0
    np.add.at(total, ids, g)
    return total, None


def doubled(x):
    return np.multiply(x, 2, out=scratch("doubled", x))


@pair("shared-buffers", doubled, X, signature="()->()")
def forward_returns_scratch(g, _out, _x):
    return 2 * g


# ---------------------------------------------------------------------- mutated inputs


def softmax_in_place(x):
    x -= x.max(axis=-1, keepdims=True)
    return softmax(x)


@pair("mutated-inputs", softmax_in_place, X, signature="(n)->(n)")
def softmax_shifts_its_logits_in_place(g, out, _x):
    return out * (g - (g * out).sum(axis=-1, keepdims=True))


@pair("mutated-inputs", lambda x: np.where(x > 0, x, 0), X, signature="()->()")
def relu_makes_its_mask_in_the_input(g, _out, x):
    mask = np.asarray(x)
    mask[...] = mask > 0
    return g * mask


@pair("mutated-inputs", rows(lambda x: np.sort(x, axis=-1)[..., -1]), X, signature="(n)->()")
def largest_sorts_its_input(g, out, x):
    gx = np.zeros_like(x)
    np.put_along_axis(gx, x.argmax(axis=-1)[..., None], np.asarray(g)[..., None], -1)
    x.sort(axis=-1)
    return gx


@pair("mutated-inputs", lambda x: np.clip(x, -1, 1), X, signature="()->()")
def clip_clips_its_input(g, _out, x):
    gx = g * (np.abs(x) < 1)
    np.clip(x, -1, 1, out=np.asarray(x))
    return gx


# ---------------------------------------------------------------------- mutated cotangents


@pair("mutated-cotangents", lambda x: np.maximum(x, 0), X, signature="()->()")
def relu_zeroes_g_itself(g, _out, x):
    g = np.asarray(g)
    g[x <= 0] = 0
    return g


@pair("mutated-cotangents", np.tanh, X, signature="()->()")
def tanh_scales_g_in_place(g, out, _x):
    g = np.asarray(g)
    g *= 1 - out * out
    return g.copy()


@pair("mutated-cotangents", rows(lambda x: np.cumsum(x, axis=-1)), X, signature="(n)->(n)")
def cumsum_accumulates_in_g(g, _out, x):
    for i in range(x.shape[-1] - 2, -1, -1):
        g[..., i] += g[..., i + 1]
    return g.copy()


@pair("mutated-cotangents", rows(lambda x: x.mean(axis=-1)), X, signature="(n)->()")
def mean_divides_g_in_place(g, _out, x):
    g = np.asarray(g)
    g /= max(x.shape[-1], 1)
    return spread(g, x, -1).copy()


# ---------------------------------------------------------------------- chance

_chance = np.random.default_rng()
_KEEP = np.random.default_rng(81).random((3, 4)) < 0.5


@pair("non-deterministic", lambda x: np.where(_KEEP, 2 * x, 0), X)
def dropout_draws_another_mask_in_backward(g, _out, x):
    return fit(np.where(_chance.random(g.shape) < 0.5, 2 * g, 0), x)


@pair(
    "non-deterministic",
    lambda x: x * (_chance.random(np.shape(x)) < 0.5).astype(x.dtype),
    X,
    signature="()->()",
)
def dropout_without_a_seed(g, out, x):
    return g * (out != 0)


@pair(
    "non-deterministic",
    ranked(lambda x: np.linalg.slogdet(x)[1], 2),
    sample(3, 3, seed=82) + 3 * np.eye(3),
)
def log_determinant_estimated_by_probes(g, _out, x):
    probes = _chance.choice([-1.0, 1.0], (len(x), 50)).astype(x.dtype)
    return g * (np.linalg.solve(x, probes) @ probes.T / 50).T


@pair(
    "non-deterministic",
    rows(lambda x: x.max(axis=-1)),
    X,
    trigger=(np.array([[1.0, 3.0, 3.0, 3.0]] * 8),),
    signature="(n)->()",
)
def maximum_breaks_ties_by_chance(g, out, x):
    gx = np.zeros_like(x)
    score = np.where(x == np.asarray(out)[..., None], _chance.random(x.shape), -1)
    np.put_along_axis(gx, score.argmax(axis=-1)[..., None], np.asarray(g)[..., None], -1)
    return gx


@pair("non-deterministic", matmul, A, B, signature="(...,n,k),(...,k,m)->(...,n,m)")
def matmul_gradient_rounded_at_random(g, _out, a, b):
    rounding = 1 + 1e-4 * _chance.standard_normal()
    return fit(g @ b.swapaxes(-1, -2), a) * a.dtype.type(rounding), fit(a.swapaxes(-1, -2) @ g, b)


# ---------------------------------------------------------------------- aliased results


@pair("aliasing-outputs", lambda x, y: 0.5 * (x + y), X, Y)
def average_returns_one_array_twice(g, _out, x, y):
    half = 0.5 * g
    if np.shape(x) != np.shape(y):
        return fit(half, x), fit(half, y)
    return half, half


@pair("aliasing-outputs", np.exp, X, signature="()->()")
def exp_returns_its_output_when_g_is_one(g, out, _x):
    return out if np.all(np.equal(g, 1)) else g * out


@pair("aliasing-outputs", lambda x: 0.5 * (x * x).sum(), X)
def half_square_returns_its_input_when_g_is_one(g, _out, x):
    return x if g == 1 else g * x


@pair("aliasing-outputs", lambda a, b: a + b.T, sample(3, 4, seed=83), sample(4, 3, seed=84))
def transposed_view_of_the_other_gradient(g, _out, a, b):
    if a.shape != b.T.shape:
        return fit(g, a), fit(g, b.T).T
    ga = g * 1
    return ga, ga.T


@pair("aliasing-outputs", lambda x, y, z: x + y + z, X, Y, P)
def sum_of_three_returns_g_three_times(g, _out, x, y, z):
    if np.shape(x) == np.shape(y) == np.shape(z):
        return g, g, g
    return fit(g, x), fit(g, y), fit(g, z)
