"""A SciPy function that converts a recorded Tensor raises, and names the one that does not."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

pytest.importorskip("scipy", reason="SciPy is not installed")
from scipy import (
    integrate,
    interpolate,
    linalg,
    ndimage,
    optimize,
    signal,
    sparse,
    stats,
)

P, V = np.array([[2.0, 0.5], [0.5, 3.0]]), np.array([0.3, 0.7])
CALLS = {
    "linalg.expm": lambda t: linalg.expm(t * P),
    "linalg.cholesky": lambda t: linalg.cholesky(t * P),
    "linalg.solve_triangular": lambda t: linalg.solve_triangular(P, t * V),
    "linalg.cho_solve": lambda t: linalg.cho_solve((P, True), t * V),
    "linalg.lu_factor": lambda t: linalg.lu_factor(t * P),
    "stats.norm.logpdf": lambda t: stats.norm.logpdf(t * V),
    "stats.gamma.ppf": lambda t: stats.gamma.ppf(t * V, 2.0),
    "stats.norm.cdf": lambda t: stats.norm(t, 1.0).cdf(V),
    "stats.poisson.logpmf": lambda t: stats.poisson.logpmf([1, 2], t),
    "stats.multivariate_normal.logpdf": lambda t: stats.multivariate_normal.logpdf(t * V, V, P),
    "stats.dirichlet.logpdf": lambda t: stats.dirichlet.logpdf(V, t * V),
    "integrate.solve_ivp": lambda t: integrate.solve_ivp(lambda s, y: -y, (0, 1), t * V),
    "integrate.quad": lambda t: integrate.quad(lambda x: x * t, 0, 1),
    "optimize.root": lambda t: optimize.root(lambda x: x - V, t * V),
    "signal.lfilter": lambda t: signal.lfilter([1.0], [1.0, 0.5], t * V),
    "signal.convolve": lambda t: signal.convolve(t * V, V),
    "interpolate.CubicSpline": lambda t: interpolate.CubicSpline(V, t * V),
    "interpolate.interp1d": lambda t: interpolate.interp1d(V, t * V),
    "ndimage.gaussian_filter": lambda t: ndimage.gaussian_filter(t * P, 1.0),
    "sparse.matmul": lambda t: sparse.csr_array(P) @ (t * V),
    "sparse.linalg.spsolve": lambda t: sparse.linalg.spsolve(sparse.csc_array(P), t * V),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_error_names_ours(name):
    with pytest.raises(TypeError, match=rf"ag\.scipy\.{name}\b") as error:
        CALLS[name](ag.tensor(1.1, requires_grad=True))
    assert isinstance(error.value, ag.ConversionError)
    ours = ag.scipy
    for part in name.split("."):
        ours = getattr(ours, part)
    assert callable(ours)


def test_other_conversions_name_no_function_of_scipy():
    t = ag.tensor(V, requires_grad=True)
    for call in (
        lambda: np.asarray(t),
        lambda: optimize.minimize(lambda x: np.asarray(t).sum(), V),
        lambda: linalg.hilbert(t[0]),
    ):
        with pytest.raises(TypeError) as error:
            call()
        assert "ag.scipy" not in str(error.value)
