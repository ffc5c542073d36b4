"""Weights that sum to 1, and gradients that do not depend on scale, at any size of the numbers."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn

SIZES = [0.0, 1.0, -1e6, 1e50, -1e300, 1000.0, -60000.0, np.inf, -np.inf]
DTYPES = ["f2", "f4", "f8"]
#: Functions of a vector whose gradient is a vector of weights.
SUMS = {
    "logaddexp": lambda x: np.logaddexp(x[0], x[1]),
    "logaddexp2": lambda x: np.logaddexp2(x[0], x[1]),
    "logaddexp.reduce": np.logaddexp.reduce,
    "logaddexp2.reduce": np.logaddexp2.reduce,
    "logaddexp.accumulate": lambda x: np.logaddexp.accumulate(x)[-1],
    "logsumexp": ag.special.logsumexp,
    "logsumexp of axes": lambda x: ag.special.logsumexp(x.reshape(1, 2), axis=(0, 1)),
    "max": np.max,
    "median": np.median,
    "mean": np.mean,
    "average": lambda x: np.average(x, weights=[0.3, 0.6]),
}


def at(size, dtype):
    """Return a pair of equal numbers, or skip a size that the dtype lacks."""
    with np.errstate(over="ignore"):
        x = np.full(2, size, dtype)
    if np.isinf(x[0]) and np.isfinite(size):
        pytest.skip(f"{size} is infinite in {dtype}")
    return x


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SUMS)
@pytest.mark.filterwarnings("ignore:(invalid|overflow):RuntimeWarning")
def test_equal_numbers_share_a_weight_of_1(name, size, dtype):
    x, f = at(size, dtype), SUMS[name]
    if np.isnan(f(x)) or (np.isinf(size) and name in ("average", "median")):
        return  # no number, so no slope
    g = ag.grad(f)(x)
    assert g.dtype == x.dtype
    np.testing.assert_allclose(g.sum(dtype=float), 1, rtol=4 * np.finfo(dtype).eps)
    if name != "average":
        assert g[0] == g[1]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gap", [1e-3, 0.3, 5.0, 30.0])
@pytest.mark.parametrize("size", [0.0, -1e6, 1e4, 1e12])
@pytest.mark.parametrize("name", [n for n in SUMS if n.startswith("log")])
def test_weights_are_the_softmax(name, size, gap, dtype):
    x = at(size, dtype)
    x[1] = x[0] + np.asarray(gap, dtype)
    base = 2.0 if "2" in name else np.e
    ratio = base ** float(x[1].astype(float) - x[0].astype(float))
    g = ag.grad(SUMS[name])(x)
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(g, [1 / (1 + ratio), ratio / (1 + ratio)], rtol=99 * eps, atol=eps)
    np.testing.assert_allclose(g.sum(dtype=float), 1, rtol=4 * eps)


def test_a_starting_value_and_a_mask_take_their_share():
    x = np.array([1.0, 1.0, 900.0])
    mask = np.array([True, True, False])
    for f in (np.logaddexp, np.logaddexp2):
        g = ag.grad(lambda x, f=f: f.reduce(x, initial=1.0, where=mask))(x)
        np.testing.assert_allclose(g, [1 / 3, 1 / 3, 0])
    second = ag.hessian(np.logaddexp.reduce)(np.full(2, 1e6))
    np.testing.assert_allclose(second, [[0.25, -0.25], [-0.25, 0.25]])
    assert ag.grad(ag.grad(np.logaddexp))(3.0, 3.0) == 0.25


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [2, 1000, 70_000])
def test_softmax_and_its_logarithm_over_many_classes(classes, dtype):
    x = np.zeros(classes, dtype)
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(
        nn.softmax(x).sum(dtype=float), 1, rtol=max(2e-3 * (dtype == "f2"), 9 * eps)
    )
    np.testing.assert_allclose(np.exp(nn.log_softmax(x).astype(float)) * classes, 1, rtol=20 * eps)
    pull = ag.vjp(nn.log_softmax, x)[1]
    seed = np.zeros(classes, dtype)
    seed[0] = 1
    assert abs(pull(seed).sum(dtype=float)) < 2e-3 if dtype == "f2" else 1e-6
    loss = ag.grad(lambda x: nn.cross_entropy(x[None], np.array([0])))(x)
    assert abs(loss.sum(dtype=float)) < 2e-3 if dtype == "f2" else 1e-6


ORDERS = [2, 1, np.inf, 3, 2.5, 100, 1000, 0.5, -1, -3, -100]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e-20, 1e20, 1e160, 1e300])
@pytest.mark.filterwarnings("ignore:(divide|overflow|invalid|underflow):RuntimeWarning")
def test_gradients_of_norms_do_not_depend_on_scale(order, scale):
    x = np.array([3.0, -4.0, 3.5])
    expected = {2: x / np.sqrt((x * x).sum())}.get(order)
    for f in (np.linalg.norm, lambda x, p: np.linalg.vector_norm(x, ord=p)):
        g = ag.grad(lambda x, f=f: f(x, order))
        np.testing.assert_allclose(g(x * scale), g(x), rtol=1e-12)
        if expected is not None:
            np.testing.assert_allclose(g(x), expected)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
@pytest.mark.filterwarnings("ignore:(overflow|underflow):RuntimeWarning")
def test_unit_vectors_at_any_scale(scale):
    x = np.array([[3.0, 4.0], [0.0, 0.0]]) * scale
    g = ag.grad(lambda x: np.sum(np.linalg.norm(x, axis=1)))(x)
    np.testing.assert_allclose(g, [[0.6, 0.8], [0, 0]])
    g = ag.grad(lambda x: np.linalg.norm(x, "fro"))(x)
    np.testing.assert_allclose(g, [[0.6, 0.8], [0, 0]])
    g = ag.grad(lambda x: np.hypot.reduce(x[0]))(x)
    np.testing.assert_allclose(g[0], [0.6, 0.8])
    z = (3 + 4j) * scale
    np.testing.assert_allclose(ag.grad(lambda z: np.linalg.norm(z.reshape(1)))(z), 0.6 + 0.8j)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_a_hypotenuse_that_overflows_has_a_direction():
    big = 1.5e308
    np.testing.assert_allclose(ag.grad(np.hypot, (0, 1))(big, big), [0.5**0.5, 0.5**0.5])
    np.testing.assert_allclose(ag.grad(np.hypot.reduce)(np.full(3, big)), [3**-0.5] * 3)
