"""Comparisons that the tests of every submodule share."""

from __future__ import annotations

import numpy as np

import autograd_core as ag


def check(f, *inputs, **options):
    """Gradients to second order, at these inputs (along random directions of large ones).

    Sweeps over options check the first order; ``test_cases.py`` checks the second one of each function.
    """
    report = ag.gradcheck(f, *inputs, variants=False, max_elems=4, **options)
    assert report.verdict == "pass", str(report)


def same(ours, theirs, rtol=1e-12, atol=1e-13):
    """Values (also in tuples) are equal, for arrays and for Tensors."""
    if isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs)
        for o, t in zip(ours, theirs, strict=True):
            same(o, t, rtol, atol)
        return
    ours = ours.numpy() if isinstance(ours, ag.Tensor) else ours
    assert np.shape(ours) == np.shape(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def recorded(f, *inputs):
    """The value on Tensors that need gradients."""
    return f(*(ag.tensor(x, requires_grad=np.asarray(x).dtype.kind in "fc") for x in inputs))


def gradients(f, *inputs):
    """The gradients of the sum of the result."""
    return ag.grad(lambda *a: np.sum(f(*a)), tuple(range(len(inputs))))(*inputs)
