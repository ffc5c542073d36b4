"""Linear and Sequential: initial values, and what they refuse."""

import numpy as np
import pytest

import nn


def test_linear_is_drawn_from_the_distribution_of_pytorch():
    layer = nn.Linear(400, 300, rng=0)
    for p in (layer.weight, layer.bias):
        assert np.abs(p.data).max() <= 0.05
        assert abs(p.data.std() - 0.05 / np.sqrt(3)) < 0.002
    assert nn.Linear(2, 3, bias=False).bias is None
    assert (nn.Linear(2, 3, init="normal").bias.data == 0).all()
    assert (nn.Linear(2, 3, init=lambda shape, rng: np.full(shape, 5)).weight.data == 5).all()


def test_linear_names_its_errors():
    with pytest.raises(ValueError, match=r"reshape\(10, 784\)"):
        nn.Linear(784, 16)(np.zeros((10, 28, 28), np.float32))
    with pytest.raises(ValueError, match="last axis of 3"):
        nn.Linear(3, 2)(np.zeros((4, 5), np.float32))
    with pytest.raises(ValueError, match="in_features is a whole number from 1 up, got 0"):
        nn.Linear(0, 2)
    with pytest.raises(ValueError, match="no initializer"):
        nn.Linear(1, 2, init="random")
    with pytest.raises(TypeError, match="layer 0"):
        nn.Sequential([nn.Linear(1, 2)])
