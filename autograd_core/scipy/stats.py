"""``scipy.stats`` with derivatives: densities, distribution functions, quantiles.

``ag.scipy.stats.norm.logpdf(x, loc, scale)`` and ``norm(loc, scale).logpdf(x)`` as in SciPy, with
gradients by the value and by the parameters.  Values are SciPy's, except that float32 is kept.  Not
by the shape parameters of t, gamma, beta and chi2 in ``cdf`` and ``ppf``, and not by whole numbers
(k, the n of binom): that raises and names the parameter.

Formulas: Johnson, Kotz and Balakrishnan, *Continuous univariate distributions*; NIST DLMF 8.17 for
the distribution functions of binom and nbinom.

Examples
--------
>>> import numpy as np, autograd_core as ag
>>> x = np.array([1.0, 2.0, 6.0])
>>> ag.grad(lambda m: ag.scipy.stats.norm.logpdf(x, loc=m).sum())(3.0)
np.float64(0.0)
>>> ag.grad(ag.scipy.stats.gamma.logpdf, argnums=1)(2.0, 3.0).round(4)
np.float64(-0.2296)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_of
from autograd_core.engine.recording import unwrap
from autograd_core.scipy.distributions import Continuous, Discrete
from autograd_core.scipy.multivariate import Dirichlet, MultivariateNormal

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def _special(name: str) -> Any:
    """Return a ufunc of scipy.special."""
    from scipy import special

    return getattr(special, name)


def _gammaln(x: Any) -> Any:
    return _special("gammaln")(x)


def _xlogy(x: Any, y: Any) -> Any:
    return _special("xlogy")(x, y)


def _xlog1py(x: Any, y: Any) -> Any:
    return _special("xlog1py")(x, y)


# -- log-densities of the standard distributions --------------------------------------------------


def _norm(z: Any) -> Any:
    return -(z * z) / 2 - HALF_LOG_TWO_PI


def _t(z: Any, df: Any) -> Any:
    if any_of(np.isinf(unwrap(df))):  # there it is the normal distribution
        normal = np.isinf(unwrap(df))
        return np.where(normal, _norm(z), _t(z, np.where(normal, 1.0, df)))
    constant = _gammaln((df + 1) / 2) - _gammaln(df / 2) - np.log(df * math.pi) / 2
    return constant - (df + 1) / 2 * np.log1p(z * z / df)


def _cauchy(z: Any) -> Any:
    return -math.log(math.pi) - np.log1p(z * z)


def _laplace(z: Any) -> Any:
    return -abs(z) - math.log(2.0)


def _logistic(z: Any) -> Any:
    return _special("log_expit")(z) + _special("log_expit")(-z)


def _gamma(z: Any, a: Any) -> Any:
    return _xlogy(a - 1.0, z) - z - _gammaln(a)


def _chi2(z: Any, df: Any) -> Any:
    return _xlogy(df / 2 - 1, z) - z / 2 - _gammaln(df / 2) - math.log(2.0) / 2 * df


def _beta(z: Any, a: Any, b: Any) -> Any:
    return _xlogy(a - 1.0, z) + _xlog1py(b - 1.0, -z) - _special("betaln")(a, b)


def _lognorm(z: Any, s: Any) -> Any:
    positive = np.where(z > 0, z, 1.0)
    log = np.log(positive)
    return np.where(z > 0, -((log / s) ** 2) / 2 - np.log(s) - log - HALF_LOG_TWO_PI, -np.inf)


def _lognorm_by_s(z: Any, s: Any) -> Any:
    """Return d/ds of Phi(log(z) / s)."""
    inside = (z > 0) & (z < np.inf)
    log = np.log(np.where(inside, z, 1.0))
    return -np.exp(_norm(log / s)) * log / (s * s)


# -- logarithms of probabilities, and distribution functions --------------------------------------


def _poisson(k: Any, mu: Any) -> Any:
    return _xlogy(k, mu) - _gammaln(k + 1) - mu


def _binom(k: Any, n: Any, p: Any) -> Any:
    ways = _gammaln(n + 1.0) - _gammaln(k + 1) - _gammaln(n - k + 1)
    return ways + _xlogy(k, p) + _xlog1py(n - k, -p)


def _nbinom(k: Any, n: Any, p: Any) -> Any:
    ways = _gammaln(n + k) - _gammaln(k + 1) - _gammaln(n)
    return ways + n * np.log(p) + _xlog1py(k, -p)


def _rest(k: Any, n: Any) -> Any:
    """Return n - k of the binomial distribution where it is read."""
    return np.where(n > k, n - k, 1.0)


def _is_probability(p: Any) -> Any:
    return (p >= 0) & (p <= 1)


norm = Continuous("norm", (), _norm)
t = Continuous("t", ("df",), _t)
cauchy = Continuous("cauchy", (), _cauchy)
laplace = Continuous("laplace", (), _laplace)
logistic = Continuous("logistic", (), _logistic)
gamma = Continuous("gamma", ("a",), _gamma, (0.0, np.inf))
beta = Continuous("beta", ("a", "b"), _beta, (0.0, 1.0))
expon = Continuous("expon", (), lambda z: -z, (0.0, np.inf))
chi2 = Continuous("chi2", ("df",), _chi2, (0.0, np.inf))
uniform = Continuous("uniform", (), lambda z: z * 0.0, (0.0, 1.0))
lognorm = Continuous("lognorm", ("s",), _lognorm, (0.0, np.inf), by_shape=_lognorm_by_s)

poisson = Discrete(
    "poisson",
    ("mu",),
    _poisson,
    lambda k, mu: _special("gammaincc")(k + 1, mu),
    lambda k, mu: _special("gammainc")(k + 1, mu),
    lambda mu: np.greater_equal(mu, 0),
    by_cdf=("mu",),
)
binom = Discrete(
    "binom",
    ("n", "p"),
    _binom,
    lambda k, n, p: _special("betainc")(_rest(k, n), k + 1, 1 - p),
    lambda k, n, p: _special("betainc")(k + 1, _rest(k, n), p),
    lambda n, p: (n >= 0) & (n == np.floor(n)) & _is_probability(p),
    whole=("n",),
    by_cdf=("p",),
    top=lambda n, _p: n,
)
nbinom = Discrete(
    "nbinom",
    ("n", "p"),
    _nbinom,
    lambda k, n, p: _special("betainc")(n, k + 1, p),
    lambda k, n, p: _special("betainc")(k + 1, n, 1 - p),
    lambda n, p: (n > 0) & (p > 0) & (p <= 1),
    by_cdf=("p",),
)
bernoulli = Discrete(
    "bernoulli",
    ("p",),
    lambda k, p: _xlogy(k, p) + _xlog1py(1 - k, -p),
    lambda k, p: 1 - p + k * 0.0,
    lambda k, p: p + k * 0.0,
    _is_probability,
    by_cdf=("p",),
    top=lambda _p: 1,
)

dirichlet = Dirichlet()
multivariate_normal = MultivariateNormal()

# fmt: off
__all__ = [
    "bernoulli", "beta", "binom", "cauchy", "chi2", "dirichlet", "expon", "gamma", "laplace",
    "logistic", "lognorm", "multivariate_normal", "nbinom", "norm", "poisson", "t", "uniform",
]
# fmt: on
