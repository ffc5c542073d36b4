"""Histograms by layer: what the notes say, and what is refused."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.nn.plot.axes_texts import texts

pytest.importorskip("matplotlib")


def test_activations_say_what_is_saturated(ax, trained):
    model, d, *_ = trained
    training = model.training
    nn.plot.activations(model, d.x_test, ax=ax)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["1 Sigmoid", "3 Sigmoid"]
    out = np.asarray(model(d.x_test).detach())
    share = 100 * np.mean((out < 0.02) | (out > 0.98))
    assert texts(ax)[1] == f"{share:.0f} % saturated"
    assert model.training == training
    assert all("forward" not in vars(m) for _, m in model.named_modules())


def test_activations_say_what_is_dead(ax):
    model = nn.mlp([4, 8, 2], "relu", output=None, rng=0)
    first = next(m for _, m in model.named_modules() if type(m).__name__ == "Linear")
    first.bias.data[:4] = -1e3
    nn.plot.activations(model, np.random.default_rng(0).random((20, 4), np.float32), ax=ax)
    assert texts(ax)[0].startswith("50 % dead")


def test_gradients_say_how_large_and_how_many_are_zero(ax, trained):
    model, d, *_ = trained
    loss = nn.quadratic_cost(model(d.x_train[:50]), nn.one_hot(d.y_train[:50], 10))
    model.zero_grad() if hasattr(model, "zero_grad") else None
    loss.backward()
    nn.plot.gradients(model, ax=ax)
    g = next(model.parameters()).grad.data
    assert f"{100 * np.mean(g == 0):.0f} % zero" in texts(ax)[0]
    assert len(texts(ax)) == len(list(model.parameters()))
    with pytest.raises(ValueError, match=r"call loss\.backward\(\) first"):
        nn.plot.gradients(nn.mlp([2, 2]))


def test_gradients_that_are_all_zero_or_not_finite_are_drawn(ax):
    model = nn.mlp([2, 2], rng=0)
    weight, bias = model.parameters()
    weight.grad = ag.tensor(np.zeros((2, 2), np.float32))
    bias.grad = ag.tensor(np.array([np.nan, 1], np.float32))
    nn.plot.gradients(model, ax=ax)
    assert "no gradient but zero" in texts(ax)
    assert "rms 0, 100 % zero" in texts(ax)
    assert "rms 1, 50 % not finite" in texts(ax)
