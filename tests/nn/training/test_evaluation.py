"""evaluate, accuracy and r2_score: means over batches, usual metrics, names, what is refused."""

import numpy as np
import pytest

import nn
from nn.training.evaluation import examples
from tests.nn.training.example import X, Y, parts

RNG = np.random.default_rng(0)


def test_means_are_weighted_by_batch_size():
    model = nn.mlp([4, 2], rng=0)
    whole = nn.evaluate(model, (X, Y), nn.quadratic_cost)
    parted = nn.evaluate(model, nn.DataLoader((X, Y), 10), nn.quadratic_cost)
    assert whole == pytest.approx(parted, rel=1e-5)
    labels = nn.evaluate(model, (X, Y.argmax(1)), metrics={"right": nn.accuracy})
    assert labels["right"] == whole["accuracy"]


class Sum(nn.Module):
    """Sum what several inputs hold, plus a parameter."""

    def __init__(self):
        self.shift = nn.Parameter(0.0)

    def forward(self, x):
        a, b = x.values() if isinstance(x, dict) else x
        return a + b + self.shift


@pytest.mark.parametrize("pack", [tuple, list, lambda ab: dict(zip("ab", ab, strict=True))])
def test_a_batch_of_several_inputs_counts_its_examples(pack):
    """Three batches of 1, 1 and 98 rows, in inputs of two arrays each."""
    model, batches = Sum(), []
    for n, value in ((1, 10.0), (1, 10.0), (98, 0.0)):
        a = np.full((n, 2), value, np.float32)
        batches.append((pack((a, np.zeros_like(a))), np.zeros((n, 2), np.float32)))
    assert nn.evaluate(model, batches, nn.mse_loss, {}) == {"loss": pytest.approx(2.0)}
    optimizer = nn.SGD(model.parameters(), lr=0.0)
    history = nn.fit(model, batches, nn.mse_loss, optimizer, 1, progress=False)
    assert history["loss"] == pytest.approx([2.0])


def test_accuracy_of_one_output_is_refused():
    with pytest.raises(ValueError, match="say where the border is"):
        nn.accuracy(np.ones((4, 1)), np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"class numbers of shape \(4,\)"):
        nn.accuracy(np.ones((4, 2)), np.ones((4, 1)))
    model, y = nn.mlp([4, 1], output=None, rng=0), Y[:, :1]
    assert list(nn.evaluate(model, (X, y), nn.mse_loss)) == ["loss"]


def test_a_prediction_of_nan_is_wrong():
    p = np.array([[np.nan, np.nan], [0.2, 0.8], [np.nan, 1.0], [0.9, 0.1]])
    assert nn.accuracy(p, np.array([0, 1, 0, 1])) == 0.25


REAL = X @ RNG.normal(size=(4, 3)).astype(np.float32)


@pytest.mark.parametrize(("prediction", "target", "loss", "names"), [
    (3, (X[:, :3] > 0).astype(np.float32), nn.mse_loss, ["loss"]),  # several labels at once
    (2, Y, nn.mse_loss, ["loss", "accuracy"]),
    (2, Y.argmax(1), nn.cross_entropy, ["loss", "accuracy"]),
    (2, 0.1 + 0.8 * Y, nn.cross_entropy, ["loss", "accuracy"]),
    (4, X, nn.mse_loss, ["loss", "r2", "mae"]),  # an autoencoder
    (3, REAL, nn.mse_loss, ["loss", "r2", "mae"]),
    (1, REAL[:, :1], nn.l1_loss, ["loss", "r2", "mae"]),
    (1, Y[:, :1], nn.binary_cross_entropy_with_logits, ["loss"]),
])  # fmt: skip
def test_usual_metrics_suit_the_targets(prediction, target, loss, names):
    model = nn.mlp([4, prediction], output=None, rng=0)
    assert list(nn.evaluate(model, nn.DataLoader((X, target), 20), loss)) == names
    history = nn.fit(
        model, [(X, target)], loss, nn.SGD(model.parameters(), lr=0.0), 1,
        validation=(X, target), progress=False,
    )  # fmt: skip
    assert [n for n in history.epochs[0] if n.startswith("validation")] == [
        f"validation_{name}" for name in names
    ]


def test_r2_is_that_of_scikit_learn_for_batches_of_any_size():
    metrics = pytest.importorskip("sklearn.metrics")
    model = nn.mlp([4, 5, 3], output=None, rng=0)
    y = REAL + 1000
    y[:, 2] = 7
    outputs = model(X).detach().data
    expected = metrics.r2_score(y, outputs)
    assert nn.r2_score(outputs, y) == pytest.approx(expected, rel=1e-5)
    for size in (1, 7, 53):
        found = nn.evaluate(model, nn.DataLoader((X, y), size), metrics=["r2", "mae"])
        assert found["r2"] == pytest.approx(expected, rel=1e-5)
        assert found["mae"] == pytest.approx(np.abs(y - outputs).mean(), rel=1e-5)
    assert nn.r2_score(y[:, 2], y[:, 2]) == 1
    assert nn.r2_score(outputs[:, 2], y[:, 2]) == 0
    assert np.isnan(nn.r2_score(y[:1], y[:1]))
    assert np.isnan(nn.r2_score(y[:0], y[:0]))
    with pytest.raises(ValueError, match="one shape"):
        nn.r2_score(y, y[:, 0])


def test_losses_and_metrics_by_name():
    model, loader, _, optimizer = parts()
    found = nn.evaluate(model, (X, Y), "mse_loss", ["accuracy", nn.l1_loss])
    assert list(found) == ["loss", "accuracy", "l1_loss"]
    assert nn.evaluate(model, (X, Y), metrics="accuracy") == {"accuracy": found["accuracy"]}
    assert list(nn.evaluate(model, (X, Y), metrics={"right": "accuracy"})) == ["right"]
    assert list(nn.evaluate(model, (X, Y), metrics=nn.accuracy)) == ["accuracy"]
    history = nn.fit(
        model, loader, "quadratic_cost", optimizer, 1, validation=(X, Y), metrics=["accuracy"],
        progress=False,
    )  # fmt: skip
    assert "validation_accuracy" in history.epochs[0]
    for call, error, words in (
        (lambda: nn.evaluate(model, (X, Y), "crossentropy"), ValueError, "choose one of mse_loss"),
        (lambda: nn.evaluate(model, (X, Y), metrics=["acc"]), ValueError, "one of accuracy, r2"),
        (lambda: nn.evaluate(model, (X, Y), 3), TypeError, "function of prediction and target"),
        (lambda: nn.evaluate(model, (X, Y), metrics=[nn.ReLU]), TypeError, "such as nn.accuracy"),
    ):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize(("data", "words"), [
    (nn.DataLoader(X, 2), r"an array of shape \(2, 4\).*nn\.DataLoader\(\(x, y\)"),
    ([X, Y], "an array of shape"),
    ([(X, Y, Y)], "3 members"),
    ([{"x": X, "y": Y}], "a dict"),
])  # fmt: skip
def test_a_batch_is_a_pair(data, words):
    model, _, loss, optimizer = parts()
    with pytest.raises(TypeError, match=words):
        nn.fit(model, data, loss, optimizer, 1, progress=False)
    with pytest.raises(TypeError, match=words):
        nn.evaluate(model, data, loss)


def test_classes_may_be_on_the_second_axis():
    s = RNG.normal(size=(8, 3, 2, 2))
    found = nn.evaluate(nn.Identity(), (s, s.argmax(1)), "cross_entropy")
    assert found["accuracy"] == 1
    square = RNG.normal(size=(8, 2, 2))
    assert nn.evaluate(nn.Identity(), (square, square.argmax(1)), nn.cross_entropy)["accuracy"] == 1
    assert nn.accuracy(square, square.argmax(1), axis=1) == 1
    assert nn.accuracy(s.swapaxes(1, -1), s.argmax(1).swapaxes(1, 2)) == 1
    with pytest.raises(ValueError, match=r"axis 1 or on axis 2 .*axis=1"):
        nn.accuracy(square, square.argmax(1))


def test_ignored_targets_do_not_count():
    logits, t = np.eye(4) * 5, np.array([0, 1, -100, -100])
    assert nn.accuracy(logits, t) == 1
    assert np.isnan(nn.accuracy(logits, np.full(4, -100)))
    whole = nn.evaluate(nn.Identity(), (logits, t), "cross_entropy")
    for order in ([0, 1, 2, 3], [2, 3, 0, 1], [0, 2, 1, 3]):
        batches = nn.DataLoader((logits[order], t[order]), 2)
        assert nn.evaluate(nn.Identity(), batches, "cross_entropy") == pytest.approx(whole)


def test_usual_metrics_are_chosen_by_all_batches():
    y = np.array([[0.0], [1.0], [0.5], [2.0]])
    assert list(nn.evaluate(nn.Identity(), nn.DataLoader((y, y), 2))) == ["r2", "mae"]
    y = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert list(nn.evaluate(nn.Identity(), nn.DataLoader((y, y), 1))) == ["r2", "mae"]
    assert list(nn.evaluate(nn.Identity(), (y, y.astype(int)))) == ["r2", "mae"]


def test_examples_are_the_length_that_inputs_and_targets_share():
    assert examples(np.ones((2, 3)), [np.ones((30, 4)), np.ones((1, 4))]) == 2
    assert examples({"class_weight": np.ones(7), "x": np.ones((5, 2))}, np.ones(5)) == 5
    assert examples(1.0, 2.0) == 1


def test_what_evaluate_refuses():
    model = nn.Identity()
    data = (X, X)
    for call, words in (
        (lambda: nn.evaluate(model, iter([]), nn.mse_loss), "found no batch"),
        (
            lambda: nn.evaluate(model, data, metrics=[lambda p, y: 0.0] * 2),
            "two metrics are called",
        ),
        (lambda: nn.evaluate(model, data, "mse_loss", {"loss": nn.l1_loss}), "another name"),
        (lambda: nn.evaluate(model, data, lambda p, y: p - y), r'one number.*reduction="mean"'),
    ):
        with pytest.raises(ValueError, match=words):
            call()
