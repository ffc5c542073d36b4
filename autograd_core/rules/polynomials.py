"""Polynomials as arrays of coefficients, highest power first; Vandermonde matrices."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like, to_host
from autograd_core.engine.primitive import composition, defvjp
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import as_array, exact_composition, floating


@exact_composition(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    """Evaluate by Horner's scheme."""
    p, x = as_array(p), as_array(x)
    y = x * 0
    for i in range(p.shape[0]):
        y = y * x + p[i]
    return y


def _padded(a: Any, n: int) -> Any:
    return a if a.shape[0] == n else np.concatenate([np.zeros_like(a, shape=(n - a.shape[0],)), a])


def _pair(a1: Any, a2: Any) -> tuple[Any, Any]:
    a, b = (np.atleast_1d(as_array(v)) for v in (a1, a2))
    n = max(a.shape[0], b.shape[0])
    return _padded(a, n), _padded(b, n)


composition(np.polyadd)(lambda a1, a2: operator.add(*_pair(a1, a2)))
composition(np.polysub)(lambda a1, a2: operator.sub(*_pair(a1, a2)))


def _trimmed(a: Any) -> Any:
    """Return coefficients without leading zeros, as in NumPy's ``poly1d``."""
    if not a.shape[0]:
        return np.zeros_like(a, shape=(1,))
    nonzero = np.flatnonzero(to_host(a))
    return a[int(nonzero[0]) if nonzero.size else a.shape[0] - 1 :]


@exact_composition(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    a, b = (_trimmed(np.atleast_1d(as_array(v))) for v in (a1, a2))
    return np.convolve(a, b)


@exact_composition(np.polydiv)
def _polydiv(u: Any, v: Any) -> Any:
    """Return the quotient and the remainder of long division."""
    u, v = (np.atleast_1d(as_array(a)) + 0.0 for a in (u, v))
    m, n = u.shape[0] - 1, v.shape[0] - 1
    rest, quotient = u, []
    for _ in range(m - n + 1):
        quotient.append(rest[0] / v[0])
        taken = quotient[-1] * v
        rest = np.concatenate([rest[1 : n + 1] - taken[1:], rest[n + 1 :]])
    if not quotient:
        return u[:1] * 0, u
    if rest.shape[0] == 0:
        rest = u[:1] * 0
    kept = np.polydiv(to_host(u), to_host(v))[1].shape[0]  # without leading zeros, up to rounding
    rest = rest[max(rest.shape[0] - kept, 0) :]
    return np.stack(quotient), _padded(rest, kept)


@composition(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    p = as_array(p)
    for _ in range(m):
        n = p.shape[0] - 1
        p = p[:-1] * asarray_like(np.arange(n, 0, -1), p)
    return p


@exact_composition(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    p = as_array(p)
    constants = asarray_like(np.zeros(m), p) if k is None else np.atleast_1d(as_array(k, p))
    if constants.shape[0] == 1 < m:
        constants = constants[np.zeros(m, int)]
    if constants.shape[0] < m:
        raise ValueError(f"polyint with m={m} takes {m} constants k=, got {constants.shape[0]}")
    for i in range(m):
        p = np.concatenate(
            [p / asarray_like(np.arange(p.shape[0], 0, -1), p), constants[i : i + 1]]
        )
    return p


@exact_composition(np.polyfit)
def _polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Fit by least squares on columns of length 1, as NumPy scales them."""
    if full or cov:
        raise NotDifferentiableError(
            "np.polyfit has no derivative rule for full=True and cov=; take the coefficients alone, "
            "and np.linalg.lstsq for the rest"
        )
    x, y = floating(as_array(x)), floating(as_array(y))
    left, right = np.vander(x, int(deg) + 1), y
    if w is not None:
        w = as_array(w)
        left = left * w[:, None]
        right = right * (w[:, None] if right.ndim == 2 else w)
    scale = np.sqrt((left * left).sum(0))
    rcond = x.shape[0] * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    c = np.linalg.lstsq(left / scale, right, rcond)[0]
    return c / (scale[:, None] if c.ndim == 2 else scale)


@exact_composition(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    """Return coefficients from the roots, or of a matrix's characteristic polynomial."""
    roots = as_array(seq_of_zeros)
    roots = roots.astype(np.dtype(np.mintypecode(roots.dtype.char)), copy=False)
    if roots.ndim == 2:
        roots = np.linalg.eigvals(roots)
    a = np.ones_like(roots, shape=(1,))
    for i in range(roots.shape[0]):
        a = np.concatenate([a, a[:1] * 0]) - np.concatenate([a[:1] * 0, a * roots[i]])
    if a.dtype.kind == "c":
        values = to_host(roots)
        if np.array_equal(np.sort_complex(values), np.sort_complex(values.conj())):
            return a.real
    return a


def _roots(g: Any, out: Any, p: Any) -> Any:
    """Apply the implicit function theorem: dr = -(sum of r^(n-k) dp[k]) / p'(r)."""
    slope = np.polyval(_polyder(p), out)
    idle = (g == 0) & (slope == 0)  # a multiple root that is not used
    share = np.where(idle, 0.0, g) / np.where(idle, 1.0, slope)
    return -(share[:, None] * np.vander(out, p.shape[0])).sum(0)


defvjp(np.roots, _roots, flops=lambda out, _p: 25 * out.size**3)


@exact_composition(np.vander)
def _vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    x = as_array(x)
    x = x.astype(np.promote_types(x.dtype, int), copy=False)
    n = x.shape[0] if N is None else int(N)
    columns = [x**0] if n else []  # 1 also of inf
    for _ in range(n - 1):
        columns.append(columns[-1] * x)
    if not columns:
        return np.zeros_like(x, shape=(x.shape[0], 0))
    return np.stack(columns if increasing else columns[::-1], axis=-1)
