"""vmap: axes, trees, nesting, dtypes, and what it refuses."""

from __future__ import annotations

import functools
from collections import namedtuple

import numpy as np
import pytest

import autograd_core as ag

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 5))
Y = rng.normal(size=(4, 5))
W = rng.normal(size=5)
M = rng.normal(size=(5, 5))


def f(w, x):
    return np.sum(np.tanh(x * w) @ M * np.exp(w))


def assert_equal(found, wanted):
    assert np.shape(found) == np.shape(wanted)
    assert np.allclose(found, wanted, rtol=1e-12, atol=1e-12)


# -- arguments and results ------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("out", [0, 1, -1])
def test_axes(axis, out):
    x = np.moveaxis(X, 0, axis)
    assert_equal(ag.vmap(np.tanh, axis, out)(x), np.stack(np.tanh(X), out))
    slope = ag.grad(lambda x: np.sum(ag.vmap(lambda v: v * W, axis, out)(x) ** 2))(x)
    assert_equal(slope, np.moveaxis(2 * X * W * W, 0, axis))


def test_an_argument_may_be_the_same_for_all():
    rows = np.array([f(W, x) for x in X])
    assert_equal(ag.vmap(f, in_axes=(None, 0))(W, X), rows)
    assert_equal(ag.vmap(functools.partial(f, W))(X), rows)
    assert_equal(ag.vmap(lambda w, x: f(w, x), in_axes=[None, 1])(W, X.T.copy()), rows)


def test_trees():
    Pair = namedtuple("Pair", "u v")

    def g(p, q):
        return {"sum": p["a"] + q.u, "more": [q.v * p["b"], Pair(p["a"], 1.0)]}

    axes = ({"a": 0, "b": None}, Pair(1, 0))
    out = ag.vmap(g, axes, out_axes={"sum": 1, "more": 0})(
        {"a": X, "b": W}, Pair(Y.T.copy(), np.arange(4.0))
    )
    assert_equal(out["sum"], (X + Y).T)
    assert_equal(out["more"][0], np.arange(4.0)[:, None] * W)
    assert_equal(out["more"][1].u, X)
    assert_equal(out["more"][1].v, np.ones(4))


def test_keywords_have_the_batch_in_front():
    assert_equal(ag.vmap(lambda x, *, y: x * y)(X, y=Y), X * Y)
    assert_equal(ag.vmap(lambda x, *, w: x * w, in_axes=(0,))(X, w=W), X * W)


def test_numbers_and_results_without_the_batch():
    assert_equal(ag.vmap(lambda x: 2 * x)(np.array([1.0, 2.0])), [2.0, 4.0])
    assert_equal(ag.vmap(lambda x: np.ones(2))(X), np.ones((4, 2)))
    assert_equal(ag.vmap(lambda x: 3)(X), [3, 3, 3, 3])
    assert_equal(ag.vmap(lambda x: W, out_axes=None)(X), W)


@pytest.mark.parametrize("size", [0, 1])
def test_small_batches(size):
    cube = ag.vmap(ag.grad(lambda x: np.sum(x**3)))
    assert_equal(cube(X[:size]), 3 * X[:size] ** 2)
    total = ag.grad(lambda w: np.sum(ag.vmap(f, (None, 0))(w, X[:size])))(W)
    assert_equal(total, sum((ag.grad(f)(W, x) for x in X[:size]), np.zeros(5)))


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128, np.int32, bool])
def test_dtypes(dtype):
    x = (X * 3).astype(dtype)
    found = ag.vmap(lambda x: x[1:] | x[:-1] if dtype is bool else x[1:] * x[:-1])(x)
    assert found.dtype == dtype
    assert np.array_equal(found, x[:, 1:] | x[:, :-1] if dtype is bool else x[:, 1:] * x[:, :-1])


def test_complex_gradients():
    z = X + 1j * Y
    slope = ag.grad(lambda z: np.sum(np.abs(z @ M) ** 2))
    assert_equal(ag.vmap(slope)(z), np.stack([slope(v) for v in z]))


def test_a_batch_of_tensors():
    x = ag.tensor(X, requires_grad=True)
    out = ag.vmap(lambda x: np.sum(x**2))(x)
    np.sum(out * np.arange(4)).backward()
    assert_equal(x.grad.numpy(), 2 * X * np.arange(4.0)[:, None])


# -- derivatives ----------------------------------------------------------------------------------


def test_gradients_by_example_and_of_the_sum():
    rows = np.stack([ag.grad(f)(W, x) for x in X])
    assert_equal(ag.vmap(ag.grad(f), (None, 0))(W, X), rows)
    assert_equal(ag.vmap(lambda x: ag.grad(lambda w: f(w, x))(W))(X), rows)
    assert_equal(ag.grad(lambda w: np.sum(ag.vmap(f, (None, 0))(w, X)))(W), rows.sum(0))
    values, slopes = ag.vmap(ag.value_and_grad(f), (None, 0))(W, X)
    assert_equal(values, [f(W, x) for x in X])
    assert_equal(slopes, rows)


def test_a_parameter_that_is_captured_gets_the_sum():
    w = ag.tensor(W, requires_grad=True)
    np.sum(ag.vmap(lambda x: f(w, x))(X)).backward()
    assert_equal(w.grad.numpy(), sum(ag.grad(f)(W, x) for x in X))


def test_third_order():
    def third(g):
        return ag.grad(lambda w: np.sum(ag.hessian(g)(w) ** 2))(W)

    found = third(lambda w: np.sum(ag.vmap(f, (None, 0))(w, X) ** 2))
    assert np.allclose(found, third(lambda w: sum(f(w, x) ** 2 for x in X)), rtol=1e-10)


def test_nested():
    def kernel(a, b):
        return np.exp(-np.sum((a - b) ** 2))

    pairs = ag.vmap(lambda a: ag.vmap(lambda b: kernel(a, b))(Y))
    assert_equal(pairs(X), [[kernel(a, b) for b in Y] for a in X])
    slope = ag.vmap(ag.vmap(ag.grad(kernel), (None, 0)), (0, None))
    assert_equal(slope(X, Y), [[ag.grad(kernel)(a, b) for b in Y] for a in X])


def test_structural_zeros():
    slope = ag.grad(lambda x: np.sum(np.where(x > 0, np.log(np.where(x > 0, x, x)), x)))
    with np.errstate(all="ignore"):
        assert_equal(ag.vmap(slope)(X), np.where(X > 0, 1 / X, 1.0))


def test_leapfrog():
    def energy(x):
        return np.sum(x * x) / 2 + np.sum(x**4) / 10

    def leapfrog(x, p):
        for _ in range(3):
            p = p - 0.05 * ag.grad(energy)(x)
            x = x + 0.1 * p
        return x, p

    for found, row in zip(
        ag.vmap(leapfrog)(X, Y), zip(*map(leapfrog, X, Y), strict=True), strict=True
    ):
        assert_equal(found, np.stack(row))


# -- indices and writes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "take",
    [
        lambda c, i, j: c[:, :, i],
        lambda c, i, j: c[:, j],
        lambda c, i, j: c[i % 2, :, 1],
        lambda c, i, j: c[[0, 1], :, [1, 2]],
        lambda c, i, j: c[None, ..., i],
        lambda c, i, j: c[:, np.array([True, False, True, True, False]), i],
        lambda c, i, j: np.take(c, j, axis=1),
        lambda c, i, j: np.take_along_axis(c, j[:1, :, None] % 2, 1),
        lambda c, i, j: c[i % 2][j[0], i],
        lambda c, i, j: ag.tensor(M)[j],
    ],
)
def test_indices(take):
    c, i, j = rng.normal(size=(4, 2, 5, 3)), np.array([0, 2, 1, 2]), rng.integers(0, 5, (4, 2, 2))
    rows = [np.asarray(take(*row)) for row in zip(c, i, j, strict=True)]
    assert_equal(ag.vmap(take)(c, i, j), np.stack(rows))
    if np.shape(rows[0]) != (2, 2, 5):

        def slope(c, i, j):
            return ag.grad(lambda c: np.sum(np.sin(take(c, i, j))))(c)

        assert_equal(ag.vmap(slope)(c, i, j), np.stack(list(map(slope, c, i, j))))


def _views(x):
    m = np.outer(x, x) * 1.0
    v = m.T[2]
    v[...] = x
    m[0] *= 2
    return m


def _into_zeros(x):
    t = np.zeros(5, like=x)
    t[1] = x[2]
    t[2:] = np.tanh(x[2:])
    return t


def _into_a_tensor(x):
    t = ag.tensor(np.zeros((3, 5)))
    row = t[1]
    row += x
    t[2] = x
    return t


def _steps(x):
    h = np.zeros(5)
    for i in range(3):
        h = np.tanh(h + x)
        h[i] *= 2
    return h


@pytest.mark.parametrize("write", [_views, _into_a_tensor, _steps])
def test_writes(write):
    def slope(x):
        return ag.grad(lambda x: np.sum(np.sin(write(x)) ** 2))(x)

    rows = np.stack([np.asarray(write(x)) for x in X])
    assert_equal(ag.vmap(write)(X), rows)
    assert_equal(ag.vmap(slope)(X), np.stack([slope(x) for x in X]))
    total = ag.grad(lambda x: np.sum(np.sin(ag.vmap(write)(x)) ** 2))(X)
    assert_equal(total, np.stack([slope(x) for x in X]))


def test_writes_into_zeros_like_the_argument():
    assert_equal(ag.vmap(_into_zeros)(X), np.stack([_into_zeros(x) for x in X]))


def test_the_argument_is_not_written():
    with pytest.raises(ValueError, match="read-only"):
        ag.vmap(lambda x: x.__setitem__(0, 1.0))(X)


# -- what has no way, and what is refused ---------------------------------------------------------


def test_a_loop_is_right_and_told_once():
    @ag.primitive
    def odd(x):
        return np.asarray([float(v) ** 2 for v in np.asarray(x)])

    odd.defvjp(lambda g, out, x: g * np.asarray([2 * float(v) for v in x]))
    with pytest.warns(UserWarning, match="odd has no way to run on a whole batch"):
        assert_equal(ag.vmap(odd)(X), X**2)
    with pytest.warns(UserWarning, match="lambda"):
        assert_equal(ag.vmap(ag.grad(lambda x: np.sum(odd(x))))(X), 2 * X)
    assert_equal(ag.vmap(odd)(X[:0]), X[:0])


def test_defbatch():
    @ag.primitive
    def odd(x, w):
        return np.asarray([float(v) for v in np.asarray(x)]) * w

    seen = []
    odd.defbatch(lambda size, batched, x, w: seen.append((size, batched)) or x * w)
    assert_equal(ag.vmap(odd, (0, None))(X, W), X * W)
    assert seen == [(4, (True, False))]


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda x: x if x[0] > 0 else -x, "np.where"),
        (lambda x: float(x[0]), "as an array"),
        (lambda x: x[0].item(), "as an array"),
        (lambda x: x[x > 0], "np.where"),
        (lambda x: np.nonzero(x > 0)[0], "np.where"),
        (lambda x: np.asarray(x), "like=x"),
        (lambda x: M[np.argmax(x)], "table"),
        (lambda x: np.repeat(x, np.argsort(x)), "no shape"),
        (lambda x: x + np.random.normal(), "outside"),
        (lambda x: x + rng.normal(), "outside"),
        (lambda x: "text", "returns numbers"),
        (lambda x: np.sum(x * ag.tensor(W, requires_grad=True)).backward(), "ag.vmap"),
    ],
)
@pytest.mark.filterwarnings("ignore:ag.vmap")
def test_refused(call, remedy):
    with pytest.raises(ag.VmapError, match=remedy):
        ag.vmap(call)(X)


def test_draws_are_given_back():
    generator = np.random.default_rng(3)
    with pytest.raises(ag.VmapError):
        ag.vmap(lambda x: x * generator.normal())(X)
    assert generator.normal() == np.random.default_rng(3).normal()


@pytest.mark.parametrize(
    ("axes", "args", "message"),
    [
        ((0, 0), (X, Y[:2]), "different lengths"),
        ((None, None), (X, Y), "no batch"),
        ((0,), (X, Y), "1 entries for 2"),
        ((2, None), (X, Y), "no such axis"),
        (({"a": 0}, 0), (X, Y), "an axis is an integer"),
    ],
)
def test_wrong_axes(axes, args, message):
    with pytest.raises(ValueError, match=message):
        ag.vmap(lambda x, y: x, axes)(*args)


def test_gradients_have_memory_of_their_own():
    a, seeds = rng.normal(size=(3, 2, 2)), rng.normal(size=(3, 2, 2))
    kept = seeds.copy()

    def twins(x, y, z):
        return np.sum(np.sin(x + y + z.T) * 1.0)

    def pulled(x, seed):
        return ag.vjp(lambda x, y, z: x + y + z.T, x, x * 1, x * 2)[1](seed)

    for found in (
        ag.vmap(ag.grad(twins, (0, 1, 2)))(a, a.copy(), a.copy()),
        ag.vmap(pulled)(a, seeds),
        [ag.vmap(lambda x, seed: ag.vjp(lambda x: x, x)[1](seed))(a, seeds)],
    ):
        before = [g.copy() for g in found]
        for g in found:
            g += 7.0
        assert all(np.array_equal(g, b + 7.0) for g, b in zip(found, before, strict=True))
    assert np.array_equal(seeds, kept)
