"""Dropout: shares of zeros, its gradient, and what is refused."""

import numpy as np
import pytest

import autograd_core as ag
import nn


def test_dropout():
    layer, x = nn.Dropout(0.3, rng=0), np.ones((400, 500), np.float32)
    y = layer(x)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert y.dtype == np.float32
    assert layer.eval()(x) is x
    assert np.array_equal(nn.Dropout(0.3, rng=0)(x), y)
    assert not nn.Dropout(1.0)(x).any()
    assert nn.Dropout(0.0)(x) is x
    whole = nn.Dropout2d(0.5, rng=0)(np.ones((5, 8, 3, 3)))
    assert set(np.unique(whole.sum((2, 3)))) == {0.0, 18.0}


def test_the_gradient_of_dropout_is_its_mask():
    x = ag.tensor(np.ones((50, 40)), requires_grad=True)
    y = nn.Dropout(0.4, rng=0)(x)
    y.backward(np.ones(y.shape))
    assert np.array_equal(x.grad.numpy(), y.numpy())


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nn.Dropout(1.5), "p is a number from 0 to 1, got 1.5"),
    (lambda: nn.Dropout2d(0.5)(np.ones((2, 3))), "N, C"),
])  # fmt: skip
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("select", [
    lambda x: nn.relu(x), lambda x: nn.Dropout(0.5, rng=0)(x),
    lambda x: nn.max_pool2d(x.reshape(1, 1, 2, 2), 2),
], ids=["relu", "dropout", "max_pool2d"])  # fmt: skip
def test_what_is_not_selected_gets_no_gradient(select):
    """The root has an infinite slope at the zeros, and at the maximum of the pool itself."""
    x = ag.tensor(np.array([-1.0, 2.0, -3.0, -0.5]), requires_grad=True)
    with np.errstate(all="ignore"):
        np.sqrt(np.abs(select(x))).sum().backward()
    chosen = nn.Dropout(0.5, rng=0)(np.ones(4)) > 0 if x.grad.data[0] else x.data > 0
    assert not np.isnan(x.grad.data).any()
    assert (x.grad.data != 0).tolist() == chosen.tolist()
