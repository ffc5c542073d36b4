"""``nn.gradcheck``: modules by inputs and parameters, losses."""

import numpy as np
import pytest

import autograd_core as ag
import nn

X = np.linspace(-1, 1, 10).reshape(5, 2)


class Shared(nn.Module):
    """Module with a parameter in two places, one in a list, one in a tuple, one in a dict."""

    def __init__(self):
        self.a = nn.Parameter(np.array([0.5, -0.7]))
        self.again = self.a
        self.more = [nn.Parameter(np.array([1.5, 0.2])), (nn.Parameter(np.array([0.1, 0.4])),)]
        self.named = {"b": nn.Parameter(np.array([2.0, -1.0]))}

    def forward(self, x):
        return np.tanh(x * self.a + self.again) * self.more[0] + self.more[1][0] * self.named["b"]


class Wrong(nn.Module):
    def __init__(self):
        self.gain = nn.Parameter(np.array([0.5, -0.7]))

    def forward(self, x):
        return x * ag.stop_gradient(self.gain)


def test_every_parameter_is_checked():
    model = Shared()
    before = model.state_dict()
    report = nn.gradcheck(model, X)
    assert report.ok, report
    assert report.entries >= 10 + 8
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
        assert value.dtype == np.float32
    assert model.again is model.a


def test_a_detached_parameter_is_named():
    report = nn.gradcheck(Wrong(), X)
    assert report.verdict == "fail"
    assert report.findings[0].input_name == "gain"


@pytest.mark.parametrize(
    "loss", [nn.mse_loss, nn.l1_loss, lambda p, t: nn.huber_loss(p, t, delta=0.3)]
)
def test_losses(loss):
    assert nn.gradcheck(loss, X, X[::-1] * 0.7 + 0.05, variants=True).ok


def test_a_model_with_its_loss():
    model = nn.mlp([2, 3, 2], rng=0)
    assert nn.gradcheck(model, X).ok
    assert nn.gradcheck(lambda x, y: nn.cross_entropy(model(x), y), X, np.array([0, 1, 1, 0, 1])).ok


def test_a_check_leaves_the_module_as_it_was():
    model = nn.Sequential(nn.Linear(3, 3, rng=0), nn.BatchNorm1d(3), nn.Dropout(0.5, rng=0))
    before = model.state_dict()
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert nn.gradcheck(model, x).ok  # the mask of the dropout is one
    for name, a in model.state_dict().items():
        np.testing.assert_array_equal(a, before[name])
