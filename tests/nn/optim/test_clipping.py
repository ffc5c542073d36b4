"""Gradient clipping: against PyTorch, and norms that are not finite."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.nn.optim.test_optimizer import cost, parameters


def test_clipping_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    for limit in (0.5, 1e6):
        ours = parameters()
        theirs = [torch.tensor(p.data.copy(), requires_grad=True) for p in ours]
        cost(ours).backward()
        cost(theirs).backward()
        norm = nn.clip_grad_norm_(ours, limit)
        assert norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_(theirs, limit)))
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=1e-12)
    nn.clip_grad_value_(ours, 0.1)
    assert max(np.abs(p.grad.data).max() for p in ours) <= 0.1


def test_a_norm_that_is_not_finite_changes_nothing():
    w = nn.Parameter([1.0, 2.0])
    w.grad = ag.tensor(np.array([np.nan, 1.0], np.float32))
    assert np.isnan(nn.clip_grad_norm_([w], 1.0))
    assert w.grad.numpy()[1] == 1.0


def test_one_parameter_alone_is_clipped():
    for clip in (nn.clip_grad_norm_, nn.clip_grad_value_):
        w = nn.Parameter([3.0, 4.0])
        np.sum(w * w / 2).backward()
        clip(w, 1.0)
        assert np.abs(w.grad.data).max() <= 1
        with pytest.raises(ValueError, match="result of an operation"):
            clip([w * 2], 1.0)
        with pytest.raises(TypeError, match="got tuple"):
            clip(nn.Linear(2, 1).named_parameters(), 1.0)
