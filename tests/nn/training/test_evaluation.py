"""evaluate and accuracy: means over batches, and what is refused."""

import numpy as np
import pytest

import nn
from tests.nn.training.example import X, Y


def test_means_are_weighted_by_batch_size():
    model = nn.mlp([4, 2], rng=0)
    whole = nn.evaluate(model, (X, Y), nn.quadratic_cost)
    parted = nn.evaluate(model, nn.DataLoader((X, Y), 10), nn.quadratic_cost)
    assert whole == pytest.approx(parted, rel=1e-5)
    labels = nn.evaluate(model, (X, Y.argmax(1)), metrics={"right": nn.accuracy})
    assert labels["right"] == whole["accuracy"]


def test_accuracy_of_one_output_is_refused():
    with pytest.raises(ValueError, match="say where the border is"):
        nn.accuracy(np.ones((4, 1)), np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"class numbers of shape \(4,\)"):
        nn.accuracy(np.ones((4, 2)), np.ones((4, 1)))
    model, y = nn.mlp([4, 1], output=None, rng=0), Y[:, :1]
    assert list(nn.evaluate(model, (X, y), nn.mse_loss)) == ["loss"]
