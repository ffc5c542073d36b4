"""``checkpoint``: what it captures, and functions that do not repeat."""

import numpy as np
import pytest

import autograd_core as ag


def leaf(*values):
    return ag.tensor(list(values), requires_grad=True)


def test_a_function_of_nothing_but_what_it_captures():
    w = leaf(1.0, 2.0)
    ag.checkpoint(lambda: (w * w).sum())().backward()
    assert w.grad.tolist() == [2.0, 4.0]


def test_what_comes_by_keyword():
    w = leaf(1.0, 2.0)
    ag.checkpoint(lambda *, s: np.sin(np.sin(s)).sum())(s=w).backward()
    np.testing.assert_allclose(w.grad, np.cos(np.sin([1.0, 2.0])) * np.cos([1.0, 2.0]))


def test_a_captured_array_that_was_changed_raises():
    x, c = leaf(1.0, 2.0), ag.tensor([3.0, 4.0])
    y = ag.checkpoint(lambda x: (x * x * c).sum())(x)
    c += 1
    with pytest.raises(ag.MutationError, match="another value"):
        y.backward()


def test_a_random_function_raises():
    rng = np.random.default_rng(0)
    y = ag.checkpoint(lambda x: (x * rng.normal(size=2)).sum())(leaf(1.0, 2.0))
    with pytest.raises(ag.MutationError, match="seed"):
        y.backward()
