"""Functions that build networks: activations, seeds, and what they refuse."""

import numpy as np
import pytest

import nn


def test_mlp():
    model = nn.mlp([5, 4, 3], "relu", output=None, init="kaiming_normal", rng=0)
    assert [type(layer).__name__ for layer in model] == ["Linear", "ReLU", "Linear"]
    assert repr(nn.mlp([5, 4, 3], nn.Tanh, output="softmax")[3]) == "Softmax(axis=-1)"
    assert len(nn.mlp([5, 4], "identity")) == 1
    with pytest.raises(ValueError, match="no activation"):
        nn.mlp([1, 2], "sigmoidal")
    with pytest.raises(ValueError, match="inputs"):
        nn.mlp([3])
    for same in (0, np.random.default_rng(0)):
        a, b = nn.mlp([5, 4], rng=0).state_dict(), nn.mlp([5, 4], rng=same).state_dict()
        np.testing.assert_array_equal(a["0.weight"], b["0.weight"])
