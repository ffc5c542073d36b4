"""Linear algebra: inverse, solutions, determinants, Cholesky and QR factors, pseudo-inverse.

Formulas: Giles (2008), *An extended collection of matrix derivative results*; for QR also Walter
and Lehmann (2018), *Algorithmic differentiation of linear algebra functions*; for the pseudo-inverse
Golub and Pereyra (1973).  All hold for stacks of matrices, and for complex ones.

A function that reads one triangle of its argument (``cholesky``, ``eigh``) has the derivative of
just that function: the other triangle's gradient is 0.  For a symmetric gradient symmetrise first:
``np.linalg.cholesky((a + a.T) / 2)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_now, any_of, asarray_like
from autograd_core.engine.primitive import Primitive, composition, defvjp
from autograd_core.engine.recording import unwrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules import costs
from autograd_core.rules.common import (
    adjoint,
    as_array,
    conj,
    exact_composition,
    mT,
    with_values_of,
)

WELL_CONDITIONED = 1e4

# -- inverse and solutions ------------------------------------------------------------------------


def _solve_b(g: Any, _out: Any, a: Any, _b: Any) -> Any:
    """Return A^-T g."""
    if _b.ndim == 1:
        return np.linalg.solve(mT(a), g[..., None])[..., 0]
    return np.linalg.solve(mT(a), g)


def _solve_a(g: Any, out: Any, a: Any, _b: Any) -> Any:
    """Return -(A^-T g) x^T."""
    if _b.ndim == 1:
        return -np.linalg.solve(mT(a), g[..., None]) * out[..., None, :]
    return -np.linalg.solve(mT(a), g) @ mT(out)


def lower_part(h: Any) -> Any:
    """Return the gradient of the lower triangle from which a Hermitian matrix was completed.

    ``h`` is the gradient (not conjugated) of the full matrix, in which a lower entry occurs twice.
    """
    both = np.tril(h + adjoint(h))
    return both - np.tril(np.triu(both)) * 0.5


def triangle(h: Any, upper: bool) -> Any:
    """Return :func:`lower_part`, or its mirror image for functions that read the upper triangle."""
    return mT(lower_part(mT(h))) if upper else lower_part(h)


def _cholesky(g: Any, out: Any, _a: Any, *, upper: bool = False) -> Any:
    """Return L^-H Phi(L^H g) L^-1, Phi the lower triangle with half of the diagonal (Murray 2016)."""
    factor = adjoint(out) if upper else out
    cotangent = mT(g) if upper else conj(g)  # of L, conjugated
    phi = np.tril(adjoint(factor) @ cotangent)
    phi = phi - np.tril(np.triu(phi)) * 0.5
    inner = np.linalg.solve(adjoint(factor), phi)
    full = adjoint(np.linalg.solve(adjoint(factor), adjoint(inner)))
    return triangle(conj((full + adjoint(full)) * 0.5), upper)


# -- determinants ---------------------------------------------------------------------------------


def _products_without(s: Any, left_out: int) -> Any:
    """Return products of ``s`` along the last axis without one element, or without each pair.

    They are computed without a quotient, so they are right where elements are 0.
    """
    n = s.shape[-1]
    one = np.eye(n, dtype=bool)
    if left_out == 1:
        return np.where(asarray_like(one, s), 1.0, s[..., None, :]).prod(axis=-1)
    pair = asarray_like(one[:, None, :] | one[None, :, :], s)
    return np.where(pair, 1.0, s[..., None, None, :]).prod(axis=-1) * asarray_like(~one, s)


def _factors(a: Any) -> tuple[Any, Any, Any, Any]:
    """Return conj(U), the singular values, conj(Vh), and det(U) det(Vh)."""
    u, s, vh = np.linalg.svd(a)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return conj(u), s, conj(vh), sign[..., None, None]


def _cofactor(a: Any) -> Any:
    if 0 in a.shape[-2:]:
        return np.zeros_like(a)
    try:  # far from singular the inverse gives the same, in a fraction of the time
        inverse = np.linalg.inv(a)
        condition = abs(a).sum(-1).max(-1) * abs(inverse).sum(-1).max(-1)
        if not any_of(~(condition < WELL_CONDITIONED)):
            return np.linalg.det(a)[..., None, None] * mT(inverse)
    except np.linalg.LinAlgError:
        pass
    u, s, vh, sign = _factors(a)
    return sign * (u * _products_without(s, 1)[..., None, :]) @ vh


def _cofactor_slope(h: Any, a: Any) -> Any:
    """Return the gradient of sum(h * cofactor(a)), again a polynomial in the singular values."""
    if 0 in a.shape[-2:]:
        return np.zeros_like(a)
    u, s, vh, sign = _factors(a)
    k = mT(u) @ h @ mT(vh)
    pairs = _products_without(s, 2).astype(a.dtype)
    diagonal = (pairs @ np.diagonal(k, 0, -2, -1)[..., None])[..., 0]
    one = asarray_like(np.eye(s.shape[-1], dtype=a.dtype), a)
    return sign * (u @ (one * diagonal[..., None, :] - mT(k) * pairs) @ vh)


#: The matrix of cofactors, det(A) A^-T, also for singular A.
cofactor = Primitive(_cofactor, "cofactor", flops=costs.factorization(21))
cofactor_slope = Primitive(_cofactor_slope, "cofactor_slope", flops=costs.factorization(21))
cofactor.defvjp(lambda g, _out, a: cofactor_slope(g, a))


def _regular_slope(g: Any, _out: Any, h: Any, a: Any) -> Any:
    """Return the gradient of sum(g * slope(h, a)) by a, for regular A (else ``inv`` raises), B = A^-T.

    slope = d (<h, B> B - B h^T B) with dd = d <B, dA> and dB = -B dA^T B.
    """
    d, b = np.linalg.det(a)[..., None, None], mT(np.linalg.inv(a))

    def pair(x: Any, y: Any) -> Any:
        return (x * y).sum((-2, -1))[..., None, None]

    bh, bg = b @ mT(h) @ b, b @ mT(g) @ b
    hb, gb = pair(h, b), pair(g, b)
    value = hb * gb - pair(g, bh)
    inner = -gb * bh - hb * bg + bh @ mT(g) @ b + bg @ mT(h) @ b
    return d * (value * b + inner)


cofactor_slope.defvjp(lambda g, _out, _h, a: cofactor_slope(g, a), _regular_slope)


def _slogdet(g: Any, out: Any, a: Any) -> Any:
    """Return A^-T for log|det|; the sign of a complex determinant turns with Im tr(A^-1 dA)."""
    inverse = mT(np.linalg.inv(a))
    c = g[1]
    if a.dtype.kind == "c":
        c = c - 1j * (g[0] * 1j * out[0]).real
    return c[..., None, None] * inverse


# -- QR -------------------------------------------------------------------------------------------


def _qr_tall(g: Any, out: Any, _a: Any, mode: str = "reduced") -> Any:
    """Return (gQ + Q sym(triu(gR R^H - Q^H gQ))) R^-H, for m >= n, with real diag(R)."""
    gq, gr, q, r = conj(g[0]), conj(g[1]), out[0], out[1]
    n = r.shape[-1]
    extra: Any = 0.0
    if q.shape[-1] > n:  # complete: the further columns complete an orthonormal basis
        rest, g_rest = q[..., n:], gq[..., n:]
        turn = adjoint(rest) @ g_rest
        refuse_if(
            turn - adjoint(turn),
            gq,
            "np.linalg.qr(mode='complete'): the columns of Q beyond the rank are one of many "
            "orthonormal bases, and the result depends on which; use mode='reduced', or a "
            "function of their projector q2 @ q2.T",
        )
        q, gq, r, gr = q[..., :n], gq[..., :n], r[..., :n, :], gr[..., :n, :]
        extra = rest @ (adjoint(g_rest) @ q)
    inner = np.triu(gr @ adjoint(r) - adjoint(q) @ gq)
    inner = inner + adjoint(inner)
    c = gq + q @ (inner - np.tril(np.triu(inner)) * 0.5) - extra
    return conj(adjoint(np.linalg.solve(r, adjoint(c))))


def refuse_if(part: Any, scale: Any, reason: str) -> None:
    """Raise where a gradient would depend on a choice that the values do not determine."""
    part, scale = unwrap(part), unwrap(scale)
    if part.size == 0:
        return
    limit = 1e3 * float(np.finfo(part.dtype).eps) * np.maximum(abs(scale).max(), 1e-300)
    if any_now(abs(part).max() > limit):
        raise NotDifferentiableError(reason)


qr_tall = Primitive(np.linalg.qr, "qr", flops=costs.factorization(4 / 3)).defvjp(_qr_tall)


@composition(np.linalg.qr)
def _np_qr(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise NotDifferentiableError(
            f"np.linalg.qr(mode={mode!r}) has no derivative rule (it gives LAPACK's reflectors); "
            "'reduced', 'complete' and 'r' have"
        )
    if mode == "r" or a.shape[-2] < a.shape[-1]:
        return _exact_qr(a, mode)
    return qr_tall(a, **({"mode": mode} if mode == "complete" else {}))  # Dask has no mode=


def _qr(a: Any, mode: str) -> Any:
    m, n = a.shape[-2:]
    options = {"mode": "complete"} if mode == "complete" else {}
    if m >= n:
        result = qr_tall(a, **options)
    else:  # the first m columns are factored; the others are their coordinates
        square = qr_tall(a[..., :m], **options)
        q, r = square
        r = np.concatenate([r, adjoint(q) @ a[..., m:]], axis=-1)
        result = type(square)(q, r) if hasattr(square, "_fields") else (q, r)
    return result[1] if mode == "r" else result


_exact_qr = with_values_of(np.linalg.qr, _qr)


# -- pseudo-inverse, least squares ----------------------------------------------------------------


def _pinv(
    g: Any, out: Any, a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None
) -> Any:
    """Return -P^H g P^H + (1 - A P) g^H P P^H + P^H P g^H (1 - P A), with g and result conjugated."""
    p, g = out, conj(g)
    ph, gh = adjoint(p), adjoint(g)
    c = -ph @ g @ ph
    m, n = a.shape[-2:]
    if m > n or rank_deficient(a, p):
        left = gh @ p @ ph
        c = c + left - a @ (p @ left)
    if n > m or rank_deficient(a, p):
        right = ph @ p @ gh
        c = c + right - (right @ p) @ a
    return conj(c)


def rank_deficient(a: Any, p: Any) -> bool:
    """Return whether the projector P A has a smaller trace than the smaller side of A."""
    a, p = unwrap(a), unwrap(p)
    traces = (p * mT(a)).sum((-2, -1)).real
    return any_now(traces < min(a.shape[-2:]) - 0.5)


def from_lower(a: Any) -> Any:
    """Return the Hermitian matrix with the lower triangle of ``a``."""
    below = np.tril(a, -1)
    diagonal = np.tril(np.triu(a))
    diagonal = diagonal if a.dtype.kind != "c" else diagonal.real
    return below + adjoint(below) + diagonal


_full_pinv = Primitive(np.linalg.pinv, "pinv", flops=costs.factorization(21)).defvjp(_pinv)


@exact_composition(np.linalg.pinv)
def _np_pinv(a: Any, rcond: Any = None, hermitian: bool = False, **tolerance: Any) -> Any:
    if hermitian:
        a = from_lower(a)
    options = {k: v for k, v in tolerance.items() if k == "rtol"}
    if options.keys() != tolerance.keys():
        raise TypeError(f"np.linalg.pinv takes rcond=, rtol=, hermitian=, got {sorted(tolerance)}")
    return _full_pinv(a, **options if rcond is None else {**options, "rcond": rcond})


@exact_composition(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Return the pseudo-inverse times b, and the squared residuals where NumPy gives them."""
    a, b = as_array(a), as_array(b)
    m, n = a.shape
    solution, _, rank, _ = np.linalg.lstsq(unwrap(a), unwrap(b), rcond=rcond)
    eps = float(np.finfo(np.result_type(unwrap(a), unwrap(b), np.float32)).eps)
    cut = {None: eps * max(m, n), -1: eps}.get(rcond, rcond)
    x = _full_pinv(a, rcond=cut) @ b if m and n else solution
    left = b - a @ x
    square = (left * conj(left)).real if left.dtype.kind == "c" else left * left
    full = rank == n and m > n
    residuals = square.sum(0) if full else square.sum(0).reshape(-1)[:0]
    return x, residuals.reshape(-1), rank, np.linalg.svd(a, compute_uv=False)


# fmt: off
defvjp(np.linalg.inv,      lambda g, out, _a: -(mT(out) @ g @ mT(out)), kind="product", flops=costs.factorization(2))
defvjp(np.linalg.solve,    _solve_a, _solve_b, kind="product", flops=costs.factorization(2 / 3))
defvjp(np.linalg.cholesky, _cholesky, flops=costs.factorization(1 / 3))
defvjp(np.linalg.det,      lambda g, _out, a: g[..., None, None] * cofactor(a), flops=costs.factorization(2 / 3))
defvjp(np.linalg.slogdet,  _slogdet, flops=costs.factorization(2 / 3))
# fmt: on
