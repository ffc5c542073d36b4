"""Distributions of several variables: Dirichlet and the multivariate normal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_of, asarray_like
from autograd_core.engine.recording import any_tracked, unwrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import mT
from autograd_core.scipy.common import float_type, inexact, with_scipy_values
from autograd_core.scipy.systems import solve_triangular


def _log_dirichlet(x: Any, alpha: Any) -> Any:
    from scipy import special

    if x.shape[0] == alpha.shape[0] - 1:
        x = np.concatenate([x, 1 - x.sum(0, keepdims=True)], axis=0)
    if any_of(unwrap(alpha) <= 0) or any_of(abs(unwrap(x).sum(0) - 1) > 1e-9):
        raise ValueError("dirichlet takes positive alpha, and entries x that sum to 1")
    norm = special.gammaln(alpha.sum()) - special.gammaln(alpha).sum()
    exponents = (alpha - 1).reshape((-1,) + (1,) * (x.ndim - 1))
    return special.xlogy(exponents, x).sum(0) + norm


def _as_scipy(distribution: str, method: str) -> Any:
    """Return the decorator of a composition with the values of a method of SciPy."""

    def value(*args: Any, **kwargs: Any) -> Any:
        from scipy import stats

        out = getattr(getattr(stats, distribution), method)(*args, **kwargs)
        return np.asarray(out).astype(float_type(*args, *kwargs.values()))[()]

    return with_scipy_values(f"stats.{distribution}.{method}", value)


_dirichlet_logpdf = _as_scipy("dirichlet", "logpdf")(_log_dirichlet)
_dirichlet_pdf = _as_scipy("dirichlet", "pdf")(lambda x, alpha: np.exp(_log_dirichlet(x, alpha)))


class Dirichlet:
    """The Dirichlet distribution; as ``scipy.stats.dirichlet``."""

    def __repr__(self) -> str:
        return "ag.scipy.stats.dirichlet"

    def logpdf(self, x: Any, alpha: Any) -> Any:
        """Return the logarithm of the density.

        Parameters
        ----------
        x : array of shape (K,), (K, N), (K - 1,) or (K - 1, N)
            Columns that sum to 1; the last entry may be left out.  By entries of all K the gradient
            is the formula's, in which they are independent.
        alpha : array of shape (K,)

        Examples
        --------
        >>> import numpy as np, autograd_core as ag
        >>> x = np.array([0.25, 0.75])
        >>> ag.grad(lambda a: ag.scipy.stats.dirichlet.logpdf(x, a))(np.ones(2)).round(4)
        array([-0.3863,  0.7123])
        """
        return _dirichlet_logpdf(inexact(x), inexact(alpha))

    def pdf(self, x: Any, alpha: Any) -> Any:
        """Return the density; the parameters are those of :meth:`logpdf`."""
        return _dirichlet_pdf(inexact(x), inexact(alpha))


def _completed(x: Any, mean: Any, cov: Any) -> tuple[Any, Any, Any]:
    """Return points, mean and covariance matrix of the forms that SciPy makes of the arguments."""
    shape = np.shape(unwrap(cov))
    n = max(1, np.size(unwrap(mean)) if mean is not None else 1, shape[0] if shape else 1)
    if mean is None and not shape and x.ndim:
        n = 1
    mean = np.zeros(n) if mean is None else inexact(mean).reshape(-1)
    cov = inexact(cov)
    if cov.ndim < 2:
        cov = cov * asarray_like(np.eye(n, dtype=cov.dtype), cov)
    if x.ndim == 0:
        x = x.reshape(1)
    elif x.ndim == 1 and n == 1:
        x = x[:, None]
    return x, mean, cov


def _log_normal(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """Return -((x - m)^T C^-1 (x - m) + log det C + n log 2 pi) / 2 by a Cholesky factor."""
    x, mean, cov = _completed(x, mean, cov)
    apart = x - mean
    n = cov.shape[-1]
    if allow_singular:
        values, vectors = np.linalg.eigh(unwrap(cov))
        near_zero = (1e3 if cov.dtype == np.float32 else 1e6) * np.finfo(cov.dtype).eps * values[-1]
        if any_of(values <= near_zero):  # as SciPy decides
            null = int((values <= near_zero).sum())
            return _log_singular(apart, any_tracked([cov]), values, vectors, null, near_zero)
    factor = np.linalg.cholesky((cov + mT(cov)) * 0.5)
    rows = apart.reshape(-1, n)
    white = mT(solve_triangular(factor, mT(rows), lower=True)).reshape(apart.shape)
    log_det = 2 * np.log(np.diagonal(factor)).sum()
    return -0.5 * ((white * white).sum(-1) + log_det + n * math.log(2 * math.pi))


def _log_singular(
    apart: Any, is_wanted: bool, values: Any, vectors: Any, null: int, near_zero: Any
) -> Any:
    """Return the density on the subspace that a singular covariance matrix leaves, 0 beside it."""
    if is_wanted:
        raise NotDifferentiableError(
            "ag.scipy.stats.multivariate_normal has no gradient with respect to a singular cov: "
            "its rank would change; add a small multiple of the identity, or detach() it"
        )
    beside = unwrap(apart) @ vectors[:, :null]
    values, vectors = values[null:], vectors[:, null:]
    white = apart @ (vectors / np.sqrt(values))
    constant = np.log(values).sum() + len(values) * math.log(2 * math.pi)
    out = -0.5 * ((white * white).sum(-1) + constant)
    return np.where(np.sqrt((beside * beside).sum(-1)) < 1e3 * near_zero, out, -np.inf)


def _squeezed(fun: Any) -> Any:
    """Return a function without the axes of length 1, as SciPy's results are."""

    def call(*args: Any, **kwargs: Any) -> Any:
        out = fun(*args, **kwargs)
        return out.squeeze()

    call.__name__ = fun.__name__
    return call


_normal_logpdf = _as_scipy("multivariate_normal", "logpdf")(_squeezed(_log_normal))
_normal_pdf = _as_scipy("multivariate_normal", "pdf")(
    _squeezed(lambda *args, **kwargs: np.exp(_log_normal(*args, **kwargs)))
)


class MultivariateNormal:
    """The multivariate normal distribution; as ``scipy.stats.multivariate_normal``."""

    def __repr__(self) -> str:
        return "ag.scipy.stats.multivariate_normal"

    def __call__(
        self, mean: Any = None, cov: Any = 1, allow_singular: bool = False
    ) -> FrozenMultivariateNormal:
        """Return the distribution with these parameters, whose methods take the points alone."""
        return FrozenMultivariateNormal(mean, cov, allow_singular)

    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """Return the logarithm of the density.

        Parameters
        ----------
        x : array of shape (..., N)
        mean : array of shape (N,), optional
        cov : number, array of shape (N,) for a diagonal, or (N, N)
            Symmetric; the gradient is that of the symmetric part, and symmetric.
        allow_singular : bool
            By a singular ``cov`` there is no gradient.

        Examples
        --------
        >>> import numpy as np, autograd_core as ag
        >>> f = ag.scipy.stats.multivariate_normal.logpdf
        >>> ag.grad(lambda m: f(np.array([1.0, 2.0]), m, np.diag([1.0, 4.0])))(np.zeros(2))
        array([1. , 0.5])
        """
        return _normal_logpdf(inexact(x), mean, cov, allow_singular)

    def pdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """Return the density; the parameters are those of :meth:`logpdf`."""
        return _normal_pdf(inexact(x), mean, cov, allow_singular)

    def entropy(self, mean: Any = None, cov: Any = 1) -> Any:
        """Return the differential entropy, log det (2 pi e cov) / 2."""
        _, _, cov = _completed(np.zeros(1), mean, cov)
        return 0.5 * np.linalg.slogdet(2 * math.pi * math.e * (cov + mT(cov)) * 0.5)[1]


class FrozenMultivariateNormal:
    """A multivariate normal distribution whose parameters are given."""

    def __init__(self, mean: Any, cov: Any, allow_singular: bool) -> None:
        self._parameters = (mean, cov, allow_singular)

    def logpdf(self, x: Any) -> Any:
        """Return the logarithm of the density."""
        return MultivariateNormal().logpdf(x, *self._parameters)

    def pdf(self, x: Any) -> Any:
        """Return the density."""
        return MultivariateNormal().pdf(x, *self._parameters)

    def entropy(self) -> Any:
        """Return the differential entropy."""
        return MultivariateNormal().entropy(*self._parameters[:2])
