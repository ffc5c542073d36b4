"""Random nested programs under random chains of transforms, against a loop that stacks.

Every single rule may be right while a level ends in the wrong place: of random programs one in six
was silently wrong in a prototype that passed all cases of the rules.
"""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag


def loop_map(fun, in_axes=0, out_axes=0):
    """Return what vmap returns, by a loop."""

    def wrapped(*args):
        axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
        size = next(np.shape(a)[x] for a, x in zip(args, axes, strict=True) if x is not None)
        outs = [
            fun(
                *(
                    a if x is None else np.moveaxis(a, x, 0)[i]
                    for a, x in zip(args, axes, strict=True)
                )
            )
            for i in range(size)
        ]
        return np.stack(outs, axis=out_axes)

    return wrapped


def program(rng, vmap):
    """Return a random number-valued function of vectors w (4,) and x (4,), with vmaps inside."""
    matrix, table = rng.normal(size=(4, 4)) * 0.5, rng.normal(size=(3, 4))
    a, out = int(rng.integers(0, 2)), int(rng.integers(-1, 2))
    table = table if a == 0 else np.ascontiguousarray(table.T)
    inner, outer = int(rng.integers(0, 10)), int(rng.integers(0, 6))
    places = rng.integers(0, 4, 3)

    def written(q, w, x):
        t = np.tanh(q * w) * 1.0
        t[1:3] = x[1:3] * q[0]
        t[0] *= 2.0
        return t

    def value(w, x):
        return [
            lambda: vmap(lambda q: np.tanh(q * w) @ matrix * x, in_axes=a, out_axes=out)(table),
            lambda: vmap(lambda q, v: np.sin(q * v) + w @ matrix, (a, None), out)(table, x),
            lambda: vmap(ag.grad(lambda v, q: np.sum(np.sin(v * q) * w)), (None, a))(x, table),
            lambda: vmap(
                lambda q: ag.grad(lambda v: np.sum(np.tanh(v * q * x)))(w), in_axes=a, out_axes=out
            )(table),
            lambda: vmap(lambda s: vmap(lambda t: np.exp(-s * t / 5) * (w[0] + x[1]))(x))(w),
            lambda: np.outer(w, x),
            lambda: vmap(
                lambda q: np.stack([np.max(q * w), np.sum(x * q), np.prod(w + 2)]), in_axes=a
            )(table),
            lambda: vmap(lambda i: np.tanh(w * x)[i] * w)(places),
            lambda: vmap(lambda q: written(q, w, x), in_axes=a)(table),
            lambda: vmap(lambda q: np.where(q > 0, np.log(np.abs(q) + w * w), x * q), a)(table),
        ][inner]()

    def number(w, x):
        y = value(w, x)
        return [
            lambda: np.sum(y**2),
            lambda: np.sum(np.tanh(y)) * np.sum(w),
            lambda: np.mean(y * y) + np.sum(x**3 * w),
            lambda: np.sum(np.log(1 + np.exp(y))),
            lambda: np.sum(np.cumsum(y, axis=-1) ** 2),
            lambda: np.sum(np.where(y > 0.1, np.sqrt(np.where(y > 0.1, y, y)), y)),
        ][outer]()

    return number


def transformed(rng, f, vmap):
    """Return a random chain of transforms of a function, at random points."""
    rows, columns = rng.normal(size=(3, 4)), rng.normal(size=(4, 3))
    w, x = rows[0], columns[:, 0].copy()
    out = int(rng.integers(0, 2))

    def jacobian(g):
        def of(z):
            y, pull = ag.vjp(g, z)
            return vmap(pull)(np.eye(y.size).reshape(y.size, *y.shape))

        return of

    return [
        lambda: vmap(ag.grad(f), (0, 1), out)(rows, columns),
        lambda: ag.grad(lambda w: np.sum(vmap(f, (None, 1))(w, columns) ** 2))(w),
        lambda: ag.hessian(lambda w: np.sum(np.tanh(vmap(f, (None, 1))(w, columns))))(w),
        lambda: vmap(ag.hessian(f), (0, 1), out)(rows, columns),
        lambda: ag.jacobian(lambda w: vmap(ag.grad(f), (None, 1), out)(w, columns).reshape(-1))(w),
        lambda: jacobian(lambda w: ag.grad(f)(w, x))(w),
        lambda: vmap(lambda w: jacobian(lambda v: ag.grad(f)(v, x))(w), 0, out)(rows),
        lambda: jacobian(lambda w: vmap(lambda q: ag.grad(f)(w, q), 1, out)(columns).reshape(-1))(w),
        lambda: vmap(lambda w, q: ag.hvp(lambda v: f(v, x), w, q), (0, 1))(rows, columns),
        lambda: vmap(lambda w, q: ag.jvp(lambda v: f(v, x), [w], [q])[1], (0, 1))(rows, columns),
        lambda: ag.grad(lambda w: np.sum(vmap(lambda q: vmap(lambda v: f(v, q))(rows * w), 1)(columns) ** 2))(w),
        lambda: vmap(ag.grad(ag.checkpoint(f)), (0, 1), out)(rows, columns),
    ][int(rng.integers(0, 12))]()  # fmt: skip


def outcome(seed, vmap):
    rng = np.random.default_rng(seed)
    f = program(rng, vmap)
    with np.errstate(all="ignore"):
        return np.asarray(transformed(rng, f, vmap))


@pytest.mark.parametrize(
    "seeds", [range(60), pytest.param(range(60, 1500), marks=pytest.mark.exhaustive)]
)
def test_random_programs_equal_the_loop(seeds):
    for seed in seeds:
        found, wanted = outcome(seed, ag.vmap), outcome(seed, loop_map)
        assert found.shape == wanted.shape, seed
        scale = max(1.0, float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)))
        assert np.allclose(found, wanted, rtol=1e-10, atol=1e-10 * scale, equal_nan=True), seed
