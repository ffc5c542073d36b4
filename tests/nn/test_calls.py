"""functional_call, and gradients by example of layers and losses under ag.vmap."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.errors import StateError

rng = np.random.default_rng(0)
ROWS, LABELS = rng.normal(size=(4, 8)), np.array([0, 2, 1, 2])
IMAGES = rng.normal(size=(4, 2, 8, 8))


def dense(*layers):
    return nn.Sequential(nn.Linear(8, 5, rng=0), *layers, nn.Linear(5, 3, rng=0))


MODELS = {
    "tanh": (lambda: dense(nn.Tanh()), ROWS),
    "gelu": (lambda: dense(nn.GELU()), ROWS),
    "layer norm": (lambda: dense(nn.LayerNorm(5)), ROWS),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(27, 3, rng=0),
        ),
        IMAGES,
    ),
    "embedding": (
        lambda: nn.Sequential(nn.Embedding(7, 5, rng=0), nn.Flatten(), nn.Linear(20, 3, rng=0)),
        rng.integers(0, 7, (4, 4)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_gradients_by_example(name):
    make, inputs = MODELS[name]
    model = make().to(np.float64)
    weights = {k: p.numpy().copy() for k, p in model.named_parameters()}

    def loss(weights, x, label):
        return nn.cross_entropy(nn.functional_call(model, weights, x[None]), label[None])

    found = ag.vmap(ag.grad(loss), (None, 0, 0))(weights, inputs, LABELS)
    for i, (x, label) in enumerate(zip(inputs, LABELS, strict=True)):
        wanted = ag.grad(loss)(weights, x, label)
        assert found.keys() == wanted.keys()
        for key, g in wanted.items():
            assert np.allclose(found[key][i], g, rtol=1e-12, atol=1e-14)


def test_clipped_gradients_by_example():
    model = dense(nn.Tanh()).to(np.float64)
    weights = {k: p.numpy().copy() for k, p in model.named_parameters()}

    def loss(weights, x, y):
        return nn.mse_loss(nn.functional_call(model, weights, x), y)

    slopes = ag.vmap(ag.grad(loss), (None, 0, 0))(weights, ROWS, rng.normal(size=(4, 3)))
    norms = np.sqrt(sum(np.sum(g.reshape(4, -1) ** 2, 1) for g in slopes.values()))
    factors = np.minimum(1, 0.1 / norms)
    clipped = {k: np.einsum("i,i...->...", factors, g) / 4 for k, g in slopes.items()}
    assert np.sqrt(sum(np.sum(g**2) for g in clipped.values())) <= 0.1


def test_an_ensemble_is_trained_at_once():
    models = [nn.Linear(8, 1, rng=seed).to(np.float64) for seed in range(3)]
    stacked = {
        k: np.stack([dict(m.named_parameters())[k].numpy() for m in models])
        for k in ("weight", "bias")
    }
    target = ROWS.sum(1, keepdims=True)

    def loss(weights):
        error = nn.functional_call(models[0], weights, ROWS) - target
        return np.mean(error * error)

    step = ag.vmap(ag.value_and_grad(loss))
    first, _ = step(stacked)
    for _ in range(20):
        _, slopes = step(stacked)
        stacked = {k: w - 0.05 * slopes[k] for k, w in stacked.items()}
    last, _ = step(stacked)
    assert last.shape == (3,)
    assert (last < first / 2).all()


class Tied(nn.Module):
    def __init__(self):
        self.first = nn.Parameter(np.ones((2, 2)))
        self.parts = [self.first, {"again": self.first}]

    def forward(self, x):
        return x @ self.first @ self.parts[0] @ self.parts[1]["again"]


def test_a_tied_parameter_is_replaced_everywhere():
    model = Tied()
    out = nn.functional_call(model, {"first": 2 * np.ones((2, 2))}, np.ones(2))
    assert np.array_equal(np.asarray(out), [64.0, 64.0])
    assert isinstance(model.first, nn.Parameter)
    assert model.parts[1]["again"] is model.first
    assert np.array_equal(np.asarray(model(np.ones(2)).detach()), [8.0, 8.0])


def test_what_the_model_does_not_have():
    model = nn.Linear(2, 1)
    with pytest.raises(StateError, match="no parameter scale"):
        nn.functional_call(model, {"scale": np.ones(1)}, np.ones((1, 2)))
    with pytest.raises(StateError, match="shape"):
        nn.functional_call(model, {"bias": np.ones(2)}, np.ones((1, 2)))


def test_parameters_come_back_after_an_error():
    model = nn.Linear(2, 1)
    weight = model.weight
    with pytest.raises(ValueError, match="expects"):
        nn.functional_call(model, {"weight": np.ones((1, 2))}, np.ones((1, 3)))
    assert model.weight is weight


def test_layer_norm_of_one_row():
    layer = nn.LayerNorm(5).to(np.float64)
    x = ag.tensor(ROWS[:1, :5], requires_grad=True)
    assert ag.gradcheck(lambda x: layer(x), x.numpy()).verdict == "pass"
    np.sum(layer(x) ** 2).backward()
    assert x.grad.shape == (1, 5)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("axes", [(0, 0, 0), (0, None, None), (None, 0, None), (None, None, 0)])
def test_convolution_runs_as_more_examples_or_groups(groups, axes):
    x, w = rng.normal(size=(3, 2, 4, 6, 6)), rng.normal(size=(3, 6, 4 // groups, 3, 3))
    args = [
        a if i == 0 else a[0] for a, i in zip((x, w, rng.normal(size=(3, 6))), axes, strict=True)
    ]

    def loss(x, w, b):
        return np.sum(np.sin(nn.conv(x, w, b, stride=2, padding=1, groups=groups)))

    found = ag.vmap(ag.grad(loss, (0, 1, 2)), axes)(*args)
    for k in range(3):
        row = [a[k] if i == 0 else a for a, i in zip(args, axes, strict=True)]
        for g, wanted in zip(found, ag.grad(loss, (0, 1, 2))(*row), strict=True):
            assert np.allclose(g[k], wanted, rtol=1e-12, atol=1e-13)


def test_pooling_runs_as_more_examples():
    x = rng.normal(size=(3, 2, 4, 6, 6))

    def loss(x):
        return np.sum(nn.max_pool2d(x, 2) ** 3) + np.sum(nn.avg_pool2d(x, 3, 1) ** 3)

    wanted = np.stack([ag.grad(loss)(v) for v in x])
    assert np.allclose(ag.vmap(ag.grad(loss))(x), wanted, rtol=1e-12, atol=1e-14)
