"""Many derivatives at once: whole Jacobians and Hessians, gradients by example, forward mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import autograd_core as ag
from tests.benchmarks.compiled import autograd_or_none, jax_or_none, warmed
from tests.benchmarks.measure import Row, interleaved


def whole_derivatives(seconds: float) -> Iterator[Row]:
    """The Hessian of 100 variables, the Jacobian of 1,000 values by 10."""
    hips, rng = autograd_or_none(), np.random.default_rng(0)
    if not hips:
        return
    A, x = rng.normal(size=(100, 100)) / 10, rng.normal(size=100)

    def f(x: Any, xp: Any = np) -> Any:
        return xp.sum(xp.tanh(A @ x))

    ours, theirs = ag.hessian(f), hips.hessian(lambda x: f(x, hips.numpy))
    compiled = warmed(ag.compile(ours), x)
    m = interleaved(
        {"eager": lambda: ours(x), "compiled": compiled, "hips": lambda: theirs(x)}, seconds
    )
    work = "Hessian of tanh(A x), 100 variables"
    yield Row(work, "autograd", m["eager"], m["hips"], 0.5 / 3.9)
    yield Row(f"{work}, compiled", "autograd", m["compiled"], m["hips"], 0.15 / 3.9)

    B, w = rng.normal(size=(1000, 10)), rng.normal(size=10)

    def g(w: Any, xp: Any = np) -> Any:
        return xp.tanh(B @ w)

    _, pull = ag.vjp(g, w)
    rows, eye = ag.vmap(pull), np.eye(1000)
    ours, theirs = ag.jacobian(g), hips.jacobian(lambda w: g(w, hips.numpy))
    m = interleaved(
        {"forward": lambda: ours(w), "rows": lambda: rows(eye), "hips": lambda: theirs(w)}, seconds
    )
    yield Row("Jacobian 1,000 x 10, by rows", "autograd", m["rows"], m["hips"], 0.1)
    yield Row(
        "Jacobian 1,000 x 10, as chosen: by columns", "autograd", m["forward"], m["hips"], 0.03
    )


def by_example(seconds: float) -> Iterator[Row]:
    """Gradients of 1,000 examples of a network, 64-32-10."""
    jax = jax_or_none()
    for dtype, target in ((np.float64, 1.0), (np.float32, 1.5)):
        rng = np.random.default_rng(0)
        w = [
            rng.normal(size=shape).astype(dtype) / 8 for shape in ((64, 32), (32,), (32, 10), (10,))
        ]
        x, y = rng.normal(size=(1000, 64)).astype(dtype), rng.integers(0, 10, 1000)
        labels = np.eye(10, dtype=dtype)[y]

        def loss(w: Any, x: Any, label: Any, xp: Any = np) -> Any:
            z = xp.tanh(x @ w[0] + w[1]) @ w[2] + w[3]
            shifted = z - z.max(-1, keepdims=True)
            return xp.mean(xp.log(xp.sum(xp.exp(shifted), -1)) - xp.sum(shifted * label, -1))

        each, whole = ag.vmap(ag.grad(loss), (None, 0, 0)), ag.grad(loss)
        contenders = {
            "each": lambda each=each, args=(w, x, labels): each(*args),
            "whole": lambda whole=whole, args=(w, x, labels): whole(*args),
            "compiled": warmed(ag.compile(each), w, x, labels),
        }
        if jax:
            theirs = jax.jit(
                jax.vmap(
                    jax.grad(lambda w, x, y, loss=loss: loss(w, x, y, jax.numpy)), (None, 0, 0)
                )
            )
            args = (
                [jax.numpy.asarray(a) for a in w],
                jax.numpy.asarray(x),
                jax.numpy.asarray(labels),
            )
            contenders["jax"] = warmed(
                lambda theirs=theirs, args=args: jax.block_until_ready(theirs(*args))
            )
        m = interleaved(contenders, seconds)
        work = f"1,000 gradients by example, {np.dtype(dtype)}"
        yield Row(work, "one gradient", m["each"], m["whole"], 3.5)
        if jax:
            yield Row(f"{work}, compiled", "JAX jit", m["compiled"], m["jax"], target)


def forward_mode(seconds: float) -> Iterator[Row]:
    """A compiled jvp against an evaluation."""
    rng = np.random.default_rng(0)

    def f(x: Any) -> Any:
        return np.tanh(x) * np.exp(-(x**2)) / (1 + np.cos(x) ** 2)

    compiled = ag.compile(lambda x, t: ag.jvp(f, [x], [t]))
    for n in (1_000, 100_000):
        x, t = rng.normal(size=(2, n))
        m = interleaved({"ours": warmed(compiled, x, t), "plain": lambda x=x: f(x)}, seconds)
        yield Row(f"compiled jvp, {n:,} elements", "f itself", m["ours"], m["plain"], 4.0)


ALL = (whole_derivatives, by_example, forward_mode)
