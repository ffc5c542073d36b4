"""The normal distribution function: against the standard library."""

import math

import numpy as np

import autograd_core as ag


def test_normal_distribution_function():
    from nn.functional.erf import erfc, normal_cdf

    x = np.concatenate([np.linspace(-30, 30, 20001), [0.46875, 4, -4, 1e300, -1e300, 1e-300]])
    with np.errstate(all="raise", under="ignore"):
        ours = erfc(x)
    np.testing.assert_allclose(ours, [math.erfc(v) for v in x], rtol=2e-15, atol=1e-300)
    ag.assert_gradients(normal_cdf, np.random.default_rng(0).normal(size=(4, 3)) * 2, order=2)
