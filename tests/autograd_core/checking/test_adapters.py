"""Functions of PyTorch and JAX are checked as they are."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.checking import from_jax, from_torch

X = np.array([[0.5, 1.5, -0.3], [-2.0, 1.0, 0.7]])


def test_torch_functions():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    right = from_torch(lambda x, w: torch.tanh(x @ w.T))
    assert ag.gradcheck(right, X, 0.3 * X).ok
    assert ag.gradcheck(from_torch(torch.exp), X + 1j * X[::-1]).ok
    assert ag.gradcheck(from_torch(lambda x, i: x[i]), X, np.array([0, 0, 1])).ok

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * x.sin()

    report = ag.gradcheck(from_torch(Wrong.apply), X)
    assert report.verdict == "fail"
    detached = from_torch(lambda x: x.detach() * x)
    assert ag.gradcheck(detached, X, order=1).verdict == "fail"


def test_torch_second_order():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Halfway(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x.detach() ** 2

    assert ag.gradcheck(from_torch(Halfway.apply), X, order=1).ok
    assert ag.gradcheck(from_torch(Halfway.apply), X).findings[0].order == 2


def test_jax_functions():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    jnp = jax.numpy
    assert ag.gradcheck(from_jax(lambda x, w: jnp.tanh(x @ w.T)), X, 0.3 * X).ok
    assert ag.gradcheck(from_jax(jnp.exp), X + 1j * X[::-1]).ok

    @jax.custom_vjp
    def wrong(x):
        return jnp.sin(x)

    wrong.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (-g * jnp.cos(x),))
    assert ag.gradcheck(from_jax(wrong), X, order=1).verdict == "fail"
