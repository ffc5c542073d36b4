"""Eigenvalues and singular values: eigh, eig, svd, and compositions of them.

Formulas: Giles (2008); for complex matrices Boeddeker et al. (2017), *On the computation of
complex-valued gradients with application to statistically optimum beamforming*.

Eigenvectors are unique up to a phase.  Where LAPACK fixes it by a real component, that choice is
differentiated too, so the rule is the derivative of the function that ran.  Where values repeat, the
vectors are not differentiable: functions of the values have a gradient, and so do functions of the
vectors whose gradient does not mix the repeated ones; others raise, as no finite answer is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_now, asarray_like
from autograd_core.engine.primitive import Primitive, composition, defvjp
from autograd_core.engine.recording import unwrap
from autograd_core.rules import costs
from autograd_core.rules.common import (
    adjoint,
    as_array,
    conj,
    exact_composition,
    with_values_of,
)
from autograd_core.rules.linalg import refuse_if, triangle

MIXED = (
    "{name}: two {values} coincide and the result depends on how their vectors are mixed, so no "
    "gradient is defined. Write the function without the vectors (a @ a, np.linalg.inv, solve, "
    "matrix_power), or separate the {values}"
)
LOST = (
    "np.linalg.svd: a singular value is 0, so its vectors are one choice of many, and the result depends "
    "on the value and on vectors: no gradient is defined. Write the function without the vectors, or "
    "leave out the values that are 0 with their vectors (u[..., :r], s[..., :r], vh[..., :r, :])"
)
PHASE = (
    "{name}: the result depends on the phase of complex {vectors}, which the matrix does not "
    "determine. Make it invariant, for instance by abs(v) or v * np.conj(v[..., :1, :])"
)


def _diagonal(a: Any) -> Any:
    return np.diagonal(a, 0, -2, -1)


def _on_diagonal(v: Any) -> Any:
    return v[..., None] * asarray_like(np.eye(v.shape[-1], dtype=v.dtype), v)


def _coinciding(values: Any) -> Any:
    """Return which pairs of values are equal up to rounding, except those on the diagonal."""
    values = unwrap(values)
    n = values.shape[-1]
    gaps = abs(values[..., None, :] - values[..., :, None])
    if not n:
        return gaps > 0
    limit = float(np.finfo(gaps.dtype).eps) * n * abs(values).max(-1)
    return (gaps <= limit[..., None, None]) & asarray_like(~np.eye(n, dtype=bool), values)


def _over_gaps(numerator: Any, gaps: Any, closed: Any, scale: Any, reason: str) -> Any:
    """Return numerator / gaps, 0 on the diagonal and at closed gaps (or raise if it is not 0 there)."""
    refuse_if(np.where(closed, unwrap(numerator), 0.0), scale, reason)
    closed = closed | asarray_like(np.eye(numerator.shape[-1], dtype=bool), numerator)
    return np.where(closed, 0.0, numerator) / np.where(closed, 1.0, gaps)


def _refuse_mixed(x: Any, gw: Any, closed: Any, reason: str) -> None:
    """Raise where values repeat and both they and their vectors have cotangents.

    U h(w) U^H would need h', which the cotangents do not determine.
    """
    if any_now(closed):
        size = abs(unwrap(gw))
        valued = size[..., None, :] + size[..., :, None] > 0
        refuse_if(np.where(closed & valued, unwrap(x), 0.0), x, reason)


def _real_row(v: Any) -> int | None:
    """Return the row, first or last, that LAPACK made real by its choice of phases, or None."""
    for row in (0, -1):
        if v.shape[-2] and not any_now(unwrap(v)[..., row, :].imag != 0):
            return row
    return None


def _fix_phase(gv: Any, v: Any, tau: Any, reason: str, scale: Any = None) -> Any:
    """Add the contribution of the phase, for vectors that LAPACK made real in one row."""
    scale = gv if scale is None else scale
    row, eps = _real_row(v), 1e3 * float(np.finfo(v.dtype).eps)
    if row is None:
        refuse_if(tau, scale, reason)
        return gv
    height = v[..., row, :].real
    small = abs(unwrap(height)) < eps
    refuse_if(np.where(small, unwrap(tau), 0.0), scale, reason)
    turn = np.where(small, 0.0, tau) / np.where(small, 1.0, height)
    place = asarray_like(np.arange(v.shape[-2])[:, None] == row % v.shape[-2], v)
    return gv - np.where(place, 1j, 0.0) * turn[..., None, :]


# -- Hermitian ------------------------------------------------------------------------------------


def _eigh(g: Any, out: Any, _a: Any, UPLO: Any = "L") -> Any:
    """Return U (diag(gw) + skew(U^H gU) / gaps) U^H."""
    name = {"name": "np.linalg.eigh", "values": "eigenvalues", "vectors": "eigenvectors"}
    w, u = out[0], out[1]
    gw, gu = g[0], conj(g[1])
    x = adjoint(u) @ gu
    if u.dtype.kind == "c":
        gu = _fix_phase(gu, u, _diagonal(x).imag, PHASE.format(**name))
        x = adjoint(u) @ gu
    closed, reason = _coinciding(w), MIXED.format(**name)
    _refuse_mixed(x, gw, closed, reason)
    gaps = w[..., None, :] - w[..., :, None]
    inner = _over_gaps((x - adjoint(x)) * 0.5, gaps, closed, x, reason) + _on_diagonal(gw)
    return triangle(conj(u @ inner @ adjoint(u)), str(UPLO).upper() == "U")


# -- general --------------------------------------------------------------------------------------


def _eig(g: Any, out: Any, a: Any) -> Any:
    """Return V^-H (diag(gw) + V^H gv' / conj(gaps)) V^H.

    gv' adds the two conditions by which LAPACK normalises a vector: its length is 1, and its
    largest component is real.
    """
    w, v = out[0], out[1]
    if not v.size:
        return np.zeros_like(a)
    gw, gv = conj(g[0]), conj(g[1])
    t = _diagonal(adjoint(v) @ gv)
    gv = gv - v * t.real[..., None, :]
    if v.dtype.kind == "c" and v.shape[-1]:
        size = abs(unwrap(v))
        largest = size.argmax(-2)[..., None, :]
        at = asarray_like(np.arange(size.shape[-2])[:, None], size) == largest
        height = np.where(at, v, 0.0).sum(-2).real
        gv = gv - np.where(at, 1j, 0.0) * (t.imag / height)[..., None, :]
    gaps = conj(w[..., None, :] - w[..., :, None])
    x = adjoint(v) @ gv
    reason = MIXED.format(name="np.linalg.eig", values="eigenvalues")
    inner = _over_gaps(x, gaps, _coinciding(w), x, reason) + _on_diagonal(gw)
    return conj(np.linalg.solve(adjoint(v), inner @ adjoint(v)))


# -- singular values ------------------------------------------------------------------------------


def _svd(g: Any, out: Any, a: Any, vectors: bool) -> Any:
    """Return U (skew(U^H gU)/F S + S skew(V^H gV)/F + diag(gs)) V^H, and the parts beyond min(m, n).

    With ``vectors``, a matrix of zeros counts as one whose vectors are used, because the cotangents
    alone do not show it.
    """
    name = {"name": "np.linalg.svd", "values": "singular values", "vectors": "singular vectors"}
    u, s, vh = out[0], out[1], out[2]
    gu, gs, gv = conj(g[0]), g[1], adjoint(conj(g[2]))
    v, k = adjoint(vh), s.shape[-1]
    reason = PHASE.format(**name)
    basis = (
        "np.linalg.svd: the vectors beyond the singular values are one of many orthonormal bases, "
        "and the result depends on which; use full_matrices=False"
    )
    u, gu, more_u = _split(u, gu, k, basis)
    v, gv, more_v = _split(v, gv, k, basis)
    x, y = adjoint(u) @ gu, adjoint(v) @ gv
    if a.dtype.kind == "c":
        tau = _diagonal(x).imag + _diagonal(y).imag
        both = np.concatenate([unwrap(gu), unwrap(gv)], -2)  # tau may be the rounding of either
        if _real_row(v) is not None:
            gv = _fix_phase(gv, v, tau, reason, both)
            y = adjoint(v) @ gv
        else:
            gu = _fix_phase(gu, u, tau, reason, both)
            x = adjoint(u) @ gu
    mixed = MIXED.format(**name)
    column, row = s[..., None, :], s[..., :, None]
    gaps = (column - row) * (column + row)
    numerator = (x - adjoint(x)) * column + row * (y - adjoint(y))
    closed, size = _coinciding(s), abs(unwrap(x)) + abs(unwrap(y))
    _refuse_mixed(size, gs, closed, mixed)
    inner = _over_gaps(numerator, gaps, closed, size * unwrap(column), mixed) + _on_diagonal(gs)
    zero = unwrap(s) <= float(np.finfo(s.dtype).eps) * k * unwrap(s)[..., :1]
    safe = np.where(zero, 1.0, s)
    if a.dtype.kind == "c":
        turning = _diagonal(x).imag
        refuse_if(np.where(zero, unwrap(turning), 0.0), x, reason)
        inner = inner + _on_diagonal(np.where(zero, 0.0, turning / safe) * 1j)
    c = u @ inner @ adjoint(v)
    m, n = a.shape[-2:]
    _refuse_lost(g, zero, m != n, vectors)
    beyond = "np.linalg.svd: a singular value is 0, where the vectors are not differentiable"
    if m > k:
        part = gu - u @ x if more_u is None else _turned(more_u, u, gu)
        refuse_if(np.where(zero[..., None, :], unwrap(part), 0.0), gu, beyond)
        c = c + (np.where(zero[..., None, :], 0.0, part) / safe[..., None, :]) @ adjoint(v)
    if n > k:
        part = gv - v @ y if more_v is None else _turned(more_v, v, gv)
        refuse_if(np.where(zero[..., None, :], unwrap(part), 0.0), gv, beyond)
        c = c + u @ adjoint(np.where(zero[..., None, :], 0.0, part) / safe[..., None, :])
    return conj(c)


def _refuse_lost(g: Any, zero: Any, beyond: bool, vectors: bool) -> None:
    """Raise where a singular value is 0, its vectors are not unique, and both have cotangents.

    In a product u s vh the vectors that are multiplied by 0 get a cotangent of 0, which no longer
    determines their rotation; functions of the values alone have no cotangent of vectors, and are allowed.
    """
    gu, gs, gvh = (abs(unwrap(part)) for part in g)
    free = zero & asarray_like(np.asarray(beyond), zero) | zero & (zero.sum(-1) > 1)[..., None]
    asked = gu.sum((-2, -1)) + gvh.sum((-2, -1)) > 0
    asked = (asked | vectors & zero.all(-1))[..., None]
    scale = gs.sum() + gu.sum() + gvh.sum()
    refuse_if(np.where(free & asked, gs, 0.0), scale, LOST)


def _split(u: Any, gu: Any, k: int, reason: str) -> tuple[Any, Any, Any]:
    """Return the first k vectors with their cotangents, and the others, if any, with theirs."""
    if u.shape[-1] == k:
        return u, gu, None
    rest, g_rest = u[..., k:], gu[..., k:]
    turn = adjoint(rest) @ g_rest
    refuse_if(turn - adjoint(turn), gu, reason)
    return u[..., :k], gu[..., :k], (rest, g_rest)


def _turned(others: Any, u: Any, gu: Any) -> Any:
    """Return the rotation of the first vectors into the others: U2 (U2^H gU1 - gU2^H U1)."""
    rest, g_rest = others
    return rest @ (adjoint(rest) @ gu - adjoint(g_rest) @ u)


# fmt: off
defvjp(np.linalg.eigh, _eigh, flops=costs.factorization(9))
defvjp(np.linalg.eig,  _eig, flops=costs.factorization(25))
# once with its vectors, once of the singular values alone
svd = Primitive(np.linalg.svd, "svd", flops=costs.factorization(21)).defvjp(
    lambda g, out, a, full_matrices=True: _svd(g, out, a, vectors=True))
svd_values = Primitive(np.linalg.svd, "svd", flops=costs.factorization(21)).defvjp(
    lambda g, out, a, full_matrices=False: _svd(g, out, a, vectors=False))
# fmt: on


exact_composition(np.linalg.eigvalsh)(lambda a, UPLO="L": np.linalg.eigh(a, UPLO)[0])
composition(np.linalg.eigvals)(lambda a: np.linalg.eig(a)[0])


def _hermitian_svd(a: Any, compute_uv: Any) -> Any:
    """Return the SVD from the eigenvalues in descending order; V takes their signs, as in NumPy."""
    w, u = np.linalg.eigh(a)
    order = np.argsort(abs(unwrap(w)), axis=-1)[..., ::-1]
    w = np.take_along_axis(w, order, axis=-1)
    if not compute_uv:
        return abs(w)
    u = np.take_along_axis(u, order[..., None, :], axis=-1)
    return u, abs(w), adjoint(u * np.sign(unwrap(w))[..., None, :])


def _without_vectors(a: Any, full_matrices: Any, compute_uv: Any, hermitian: Any) -> Any:
    return _hermitian_svd(a, compute_uv) if hermitian else svd_values(a, full_matrices=False)[1]


_exact_svd = with_values_of(np.linalg.svd, _without_vectors)


@composition(np.linalg.svd)
def _np_svd(
    a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False
) -> Any:
    a = as_array(a)
    if compute_uv and not hermitian and a.size:
        return svd(a, full_matrices=full_matrices)
    return _exact_svd(a, full_matrices, compute_uv, hermitian)


exact_composition(np.linalg.svdvals)(
    lambda x, /: _without_vectors(as_array(x), False, False, False)
)
