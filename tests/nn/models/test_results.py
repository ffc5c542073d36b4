"""The results that the literature reports, reproduced.  The long ones: ``pytest -m mnist``."""

import os
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn

DATA = Path(os.environ.get("AUTOGRAD_CORE_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture(scope="session")
def mnist():
    if not (DATA / "mnist").is_dir():
        pytest.skip(f"no MNIST in {DATA}; name its folder in AUTOGRAD_CORE_DATA")
    return nn.load_mnist(DATA / "mnist", download=False)


# -- backpropagation by hand ----------------------------------------------------------------


def logistic(z):
    return 1 / (1 + np.exp(-z))


def step_by_hand(w, x, y, eta):
    """Take one step of the algorithm as derived on paper, without autodiff."""
    w1, b1, w2, b2 = w
    a1 = logistic(x @ w1.T + b1)
    a2 = logistic(a1 @ w2.T + b2)
    d2 = (a2 - y) * a2 * (1 - a2) / len(x)
    d1 = (d2 @ w2) * a1 * (1 - a1)
    for p, g in zip(w, (d1.T @ x, d1.sum(0), d2.T @ a1, d2.sum(0)), strict=True):
        p -= eta * g


def test_trajectory_equals_backpropagation_by_hand(mnist):
    x, y = mnist.x_train[:2000].astype(float), np.eye(10)[mnist.y_train[:2000]]
    model = nn.mlp([784, 30, 10], init="normal", bias_init="normal", rng=1, dtype=np.float64)
    by_hand = list(model.state_dict().values())
    start = [w.copy() for w in by_hand]
    optimizer = nn.SGD(model.parameters(), lr=3.0)
    for i in range(0, 2000, 10):
        loss = nn.quadratic_cost(model(x[i : i + 10]), y[i : i + 10])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step_by_hand(by_hand, x[i : i + 10], y[i : i + 10], 3.0)
    for p, w, before in zip(model.parameters(), by_hand, start, strict=True):
        np.testing.assert_allclose(p.data, w, rtol=0, atol=1e-9)
        assert np.abs(w - before).max() > 1e-2


# -- handwriting ----------------------------------------------------------------------------


def train_digits(x, y, held, sizes, seed, *, epochs=30, **options):
    init_rng, order_rng = np.random.default_rng(seed).spawn(2)
    model = nn.mlp(sizes, rng=init_rng, **options)
    loader = nn.DataLoader((x, nn.one_hot(y, 10)), 10, shuffle=True, rng=order_rng)
    optimizer = nn.SGD(model.parameters(), lr=3.0)
    validation = (held[0], nn.one_hot(held[1], 10))
    history = nn.fit(
        model, loader, nn.quadratic_cost, optimizer, epochs, validation=validation, progress=False
    )
    print(sizes, options, "seed", seed, history["validation_accuracy"][-1])
    return history["validation_accuracy"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_digits_of_8x8(seed):
    d = nn.load_digits()
    accuracy = train_digits(
        d.x_train, d.y_train, (d.x_test, d.y_test), [64, 16, 16, 10], seed, init="xavier_normal"
    )
    assert accuracy[-1] >= 0.95


MNIST = [
    ([784, 30, 10], "normal", "normal", 0.940),
    ([784, 16, 16, 10], "normal", "normal", 0.920),
    ([784, 16, 16, 10], "lecun_normal", "zeros", 0.935),
    ([784, 100, 10], "lecun_normal", "zeros", 0.970),
]


@pytest.mark.mnist
@pytest.mark.parametrize(("sizes", "init", "bias_init", "least"), MNIST)
def test_mnist_with_quadratic_cost(mnist, sizes, init, bias_init, least):
    x, y = mnist.x_train[:50_000], mnist.y_train[:50_000]
    held = (mnist.x_test, mnist.y_test)
    accuracy = train_digits(x, y, held, sizes, 0, init=init, bias_init=bias_init)
    assert accuracy[-1] >= least


# -- why hidden layers, why activations -------------------------------------------------------

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])


def train_xor(model, steps, lr):
    x, y = XOR
    optimizer = nn.Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        loss = nn.binary_cross_entropy_with_logits(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = int(((model(x).data > 0) == (y > 0.5)).sum())
    return loss.item(), right


@pytest.mark.parametrize("seed", range(3))
def test_a_perceptron_cannot_learn_xor(seed):
    loss, right = train_xor(nn.Linear(2, 1, rng=seed, dtype=np.float64), 2000, 0.05)
    assert abs(loss - np.log(2)) < 1e-6
    assert right <= 3


def test_a_hidden_layer_of_four_learns_xor_from_every_seed():
    solved = 0
    for seed in range(20):
        model = nn.mlp([2, 4, 1], "tanh", output=None, init="xavier_normal", rng=seed)
        solved += train_xor(model.to(np.float64), 400, 0.1)[1] == 4
    assert solved == 20


def test_many_linear_layers_are_one():
    model = nn.mlp([7, 50, 30, 20, 3], "identity", rng=0, dtype=np.float64)
    weight, bias = np.eye(7), np.zeros(7)
    for layer in model:
        weight, bias = layer.weight.data @ weight, layer.weight.data @ bias + layer.bias.data
    x = np.random.default_rng(1).normal(size=(100, 7))
    np.testing.assert_allclose(model(x).data, x @ weight.T + bias, rtol=0, atol=1e-12)


# -- initialization ---------------------------------------------------------------------------


def growth_per_layer(init, activation=nn.relu, width=256, layers=50):
    """Return the geometric mean of E[a^2] of a layer over the same of the layer before it."""
    ratios = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        a = first = rng.normal(size=(width, 200))
        for _ in range(layers):
            a = activation(init((width, width), rng=rng) @ a)
        ratios.append(((a * a).mean() / (first * first).mean()) ** (1 / layers))
    return float(np.mean(ratios))


def test_initialisation_laws():
    assert 0.9 <= growth_per_layer(nn.init.kaiming_normal) <= 1.1
    assert 0.9 <= growth_per_layer(nn.init.kaiming_uniform) <= 1.1
    assert abs(growth_per_layer(nn.init.xavier_normal) - 0.5) <= 0.05
    assert growth_per_layer(nn.init.normal) > 50


def test_hidden_units_that_start_equal_stay_equal():
    model = nn.mlp([4, 5, 2], init="zeros", rng=0)
    rng = np.random.default_rng(0)
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    x, y = rng.random((20, 4)).astype(np.float32), rng.random((20, 2)).astype(np.float32)
    for _ in range(20):
        optimizer.zero_grad()
        nn.quadratic_cost(model(x), y).backward()
        optimizer.step()
    hidden = model[0].weight.data
    assert (hidden == hidden[0]).all()
    assert (hidden != 0).any()


def test_the_engine_sees_the_whole_network():
    model = nn.mlp([3, 4, 2], rng=0, dtype=np.float64)
    x, y = np.random.default_rng(0).random((5, 3)), np.random.default_rng(1).random((5, 2))
    weights = [p.data for p in model.parameters()]

    def cost(w1, b1, w2, b2):
        hidden = nn.sigmoid(nn.linear(x, w1, b1))
        return nn.quadratic_cost(nn.sigmoid(nn.linear(hidden, w2, b2)), y)

    ag.assert_gradients(cost, *weights, order=2)
