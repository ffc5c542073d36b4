"""Regularised, convolutional and recurrent networks: the figures of the literature.

The long ones by ``pytest -m mnist`` and ``-m slow``; each prints what it found.
"""

import numpy as np
import pytest

import nn
from nn.data.text import Characters, Streams, load_text
from nn.models import language
from tests.nn.models.test_results import DATA, mnist

__all__ = ["mnist"]  # a fixture


def bernoulli_cost(logits, y):
    """Return the cross-entropy of sigmoid outputs, averaged over examples (M. Nielsen)."""
    return nn.binary_cross_entropy_with_logits(logits, y, reduction="batchmean")


def train_by_the_book(x, y, held, sizes, eta, decay, epochs, large=False):
    init_rng, order_rng = np.random.default_rng(0).spawn(2)
    model = nn.mlp(
        sizes, output=None, init="normal" if large else "lecun_normal", bias_init="normal",
        rng=init_rng,
    )  # fmt: skip
    loader = nn.DataLoader((x, nn.one_hot(y, 10)), 10, shuffle=True, rng=order_rng)
    optimizer = nn.SGD(nn.param_groups(model, decay), lr=eta)
    held = (held[0], nn.one_hot(held[1], 10))
    history = nn.fit(
        model, loader, bernoulli_cost, optimizer, epochs, validation=held, progress=False
    )
    accuracy = history["validation_accuracy"]
    print(sizes, "decay", decay, "last", accuracy[-1], "best", max(accuracy))
    return accuracy


@pytest.mark.mnist
def test_overfitting_and_l2(mnist):
    x, y = mnist.x_train[:1000], mnist.y_train[:1000]
    held = mnist.x_test, mnist.y_test
    free, decayed = (
        train_by_the_book(x, y, held, [784, 30, 10], 0.5, lam / 1000, 400, large=True)[-1]
        for lam in (0.0, 0.1)
    )
    assert decayed - free >= 0.03


@pytest.mark.mnist
def test_cross_entropy_with_weight_decay(mnist):
    x, y = mnist.x_train[:50_000], mnist.y_train[:50_000]
    held = mnist.x_test, mnist.y_test
    accuracy = train_by_the_book(x, y, held, [784, 100, 10], 0.1, 5 / 50_000, 60)
    assert accuracy[-1] >= 0.976


def fit_mnist(mnist, model, optimizer, batch, epochs, shape=()):
    x, held = (a.reshape(-1, *shape) if shape else a for a in (mnist.x_train, mnist.x_test))
    loader = nn.DataLoader((x, mnist.y_train), batch, shuffle=True, rng=1)
    history = nn.fit(
        model, loader, nn.cross_entropy, optimizer, epochs, validation=(held, mnist.y_test),
        progress=False,
    )  # fmt: skip
    accuracy = history["validation_accuracy"]
    print(type(optimizer).__name__, "last", accuracy[-1], "best", max(accuracy))
    return accuracy


@pytest.mark.mnist
def test_wide_layers_with_dropout(mnist):
    layers = []
    for i, (n, m) in enumerate([(784, 512), (512, 512)]):
        layers += [nn.Linear(n, m, init="xavier_uniform", rng=i), nn.ReLU(), nn.Dropout(0.2, rng=i)]
    model = nn.Sequential(*layers, nn.Linear(512, 10, init="xavier_uniform", rng=9))
    optimizer = nn.RMSprop(model.parameters(), lr=1e-3, alpha=0.9)
    assert fit_mnist(mnist, model, optimizer, 128, 20)[-1] >= 0.98


@pytest.mark.mnist
def test_lenet5(mnist):
    model = nn.models.lenet5(rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.01, momentum=0.9)
    assert fit_mnist(mnist, model, optimizer, 64, 10, (1, 28, 28))[-1] >= 0.986


def test_lenet5_learns_small_images():
    """Train quickly, on 8x8 digits embedded in 28x28."""
    d = nn.load_digits()
    x = np.zeros((len(d.x_train), 1, 28, 28), np.float32)
    x[:, 0, 2:26, 2:26] = np.kron(d.x_train.reshape(-1, 8, 8), np.ones((3, 3), np.float32))
    model = nn.models.lenet5(rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.02, momentum=0.9)
    loader = nn.DataLoader((x[200:], d.y_train[200:]), 32, shuffle=True, rng=1)
    nn.fit(model, loader, nn.cross_entropy, optimizer, 3, progress=False)
    assert nn.evaluate(model, (x[:200], d.y_train[:200]))["accuracy"] > 0.9


# -- memory ---------------------------------------------------------------------------------


class Adder(nn.Module):
    """Recurrent network of 64 units that reads the sum from its last state."""

    def __init__(self, kind):
        self.recurrent = language.KINDS[kind](2, 64, rng=0)
        self.output = nn.Linear(64, 1, rng=1)

    def forward(self, x):
        return self.output(self.recurrent(x)[0][:, -1])[:, 0]


def adding_problem(rng, batch=50, steps=50):
    """Draw numbers, two of them marked, and their sum (Hochreiter, Schmidhuber, 1997)."""
    x = np.zeros((batch, steps, 2), np.float32)
    x[..., 0] = rng.random((batch, steps))
    first = rng.integers(0, steps // 2, batch)
    second = rng.integers(steps // 2, steps, batch)
    rows = np.arange(batch)
    x[rows, first, 1] = x[rows, second, 1] = 1
    return x, x[rows, first, 0] + x[rows, second, 0]


def steps_until_it_adds(kind, most):
    """Return the step at which the error (mean of the last 50) falls below 0.01, and the last error."""
    rng = np.random.default_rng(0)
    model = Adder(kind)
    optimizer = nn.Adam(model.parameters(), lr=1e-3)
    recent, step = [], 0
    while step < most:
        step += 1
        x, y = adding_problem(rng)
        loss = nn.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        recent = [*recent[-49:], loss.item()]
        if np.mean(recent) < 0.01:
            break
    print("adding problem", kind, "steps", step, "error", np.mean(recent))
    return step, float(np.mean(recent))


@pytest.mark.slow
def test_adding_problem():
    assert steps_until_it_adds("gru", 1600)[1] < 0.01
    assert steps_until_it_adds("lstm", 4500)[1] < 0.01
    assert steps_until_it_adds("rnn", 4000)[1] > 0.15


def gradient_by_step(make, steps=100):
    """Return the norm of the last state's gradient at each input, relative to the last input."""
    recurrent = make(64, 64, rng=0, dtype=float)
    x = nn.Parameter(np.random.default_rng(1).normal(size=(1, steps, 64)), dtype=float)
    (recurrent(x)[0][:, -1] ** 2).sum().backward()
    norms = np.linalg.norm(x.grad.numpy()[0], axis=-1)
    return norms / norms[-1]


def test_gradients_vanish_unless_the_cell_keeps_them():
    rnn, forgetful, lasting = (
        gradient_by_step(make)[0]
        for make in (nn.RNN, nn.LSTM, lambda *a, **k: nn.LSTM(*a, forget_bias=3.0, **k))
    )
    print("vanishing gradients", rnn, forgetful, lasting)
    assert rnn < 1e-12
    assert forgetful < 1e-12
    assert lasting > 0.1


# -- language -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "most"), [("gru", 1.80), ("lstm", 2.0), ("rnn", 2.0)])
def test_character_model(kind, most):
    path = DATA / "tinyshakespeare.txt.gz"
    if not path.is_file():
        pytest.skip(f"no {path.name} in {DATA}; name its folder in AUTOGRAD_CORE_DATA")
    text = load_text(path)
    characters = Characters(text)
    numbers = characters.encode(text)
    cut = len(numbers) * 9 // 10
    held = numbers[cut:]
    used = (len(held) - 1) // 256 * 256
    validation = nn.DataLoader(
        (held[:used].reshape(-1, 256), held[1 : used + 1].reshape(-1, 256)), 32
    )
    model = nn.models.char_rnn(len(characters), kind, stateful=True, rng=0)
    streams, batches = Streams(numbers[:cut], 32, 64), []
    while len(batches) < 1500:
        batches += list(streams)
    optimizer, losses = nn.Adam(model.parameters(), lr=2e-3), []
    for part in range(3):
        nn.fit(
            model, batches[500 * part : 500 * (part + 1)], language.next_character_loss, optimizer,
            1, max_norm=1.0, progress=False,
        )  # fmt: skip
        losses.append(nn.evaluate(model, validation, language.next_character_loss, {})["loss"])
    print("characters", kind, "nats at 500, 1000, 1500 steps:", losses)
    assert losses[0] < 2.48
    assert losses[-1] < most
