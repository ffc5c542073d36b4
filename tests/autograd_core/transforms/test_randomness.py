import numpy as np
import pytest

import autograd_core as ag

X = np.arange(3.0)


def test_samples_are_those_of_a_loop():
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    found = ag.vmap(lambda x: x + ag.sample(rng.normal, (2, 2), scale=3.0))(X)
    assert np.array_equal(found, [x + other.normal(size=(2, 2), scale=3.0) for x in X])
    nested = ag.vmap(lambda x: ag.vmap(lambda y: x * y * ag.sample(rng.integers, low=9))(X))(X)
    assert np.array_equal(nested, [[x * y * other.integers(9) for y in X] for x in X])
    assert ag.sample(rng.random, 4).shape == (4,)
    assert np.array_equal(
        ag.vmap(lambda x: ag.sample(rng.random, 2))(np.zeros(0)), np.zeros((0, 2))
    )


def test_samples_pass_gradients():
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    noise = other.normal(size=3)
    noisy = lambda w, x: np.tanh(w * x + ag.sample(rng.normal))
    found = ag.grad(lambda w: np.sum(ag.vmap(noisy, (None, 0))(w, X)))(0.5)
    assert np.isclose(found, np.sum(X / np.cosh(0.5 * X + noise) ** 2))


@pytest.mark.parametrize(
    "draws",
    [
        lambda rng: ag.sample(rng.normal) * rng.normal(),
        lambda rng: rng.normal() * ag.sample(rng.normal),
        lambda rng: ag.vmap(lambda x: x * ag.sample(rng.normal))(X) * rng.normal(),
        lambda rng: ag.vmap(lambda x: x * rng.normal())(X),
    ],
)
def test_draws_beside_samples_are_refused_and_given_back(draws):
    rng = np.random.default_rng(0)
    with pytest.raises(ag.VmapError, match=r"ag\.sample"):
        ag.vmap(lambda x: x * draws(rng))(X)
    assert rng.normal() == np.random.default_rng(0).normal()


def test_a_checkpoint_that_draws_is_found_out():
    rng = np.random.default_rng(0)
    noisy = ag.checkpoint(lambda x: np.sin(x) * ag.sample(rng.normal))
    for call in (lambda: ag.vmap(ag.grad(noisy))(X),
                 lambda: ag.grad(lambda x: np.sum(ag.vmap(noisy)(x)))(X)):  # fmt: skip
        with pytest.raises(ag.MutationError, match="random"):
            call()
