"""Summaries: counts, and a model that is left as it was."""

import pytest

import nn


def test_summary_counts():
    s = nn.summary(nn.mlp([784, 16, 16, 10]), (784,))
    assert (s.parameters, s.multiply_adds) == (13_002, 12_960)
    assert "13,002" in repr(s)
    model = nn.mlp([3, 2])
    nn.summary(model, 3)
    assert "forward" not in vars(model[0])
    with pytest.raises(ValueError, match="last axis"):
        nn.summary(model, 4)
    assert "forward" not in vars(model[0])
    assert model[0].training
