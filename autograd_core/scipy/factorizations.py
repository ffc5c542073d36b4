"""Factorizations: Cholesky, LU, QR, eigenvectors (also generalised), and solutions by them.

Formulas: Murray (2016), *Differentiation of the Cholesky decomposition*; de Hoog, Anderssen and
Lukas (2011), *Differentiation of matrix functionals using triangular factorization*; Walter and
Lehmann (2018) for QR; Giles (2008) and Boeddeker et al. (2017) for eigenvectors.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.operands import newest
from autograd_core.engine.recording import unwrap
from autograd_core.errors import NotDifferentiableError, VmapError
from autograd_core.rules import decompositions as rules
from autograd_core.rules import linalg as numpy_rules
from autograd_core.rules.common import adjoint, as_array, conj, mT
from autograd_core.rules.costs import factorization, none
from autograd_core.scipy.common import inexact, stacked, taken
from autograd_core.scipy.systems import solve_triangular

# -- Cholesky -------------------------------------------------------------------------------------


def _cholesky(a: Any, *, lower: bool, check_finite: bool) -> Any:
    from scipy import linalg

    return linalg.cholesky(a, lower=lower, check_finite=check_finite)


_factor = stacked(_cholesky, "linalg.cholesky", 2, flops=factorization(1 / 3)).defvjp(
    lambda g, out, _a, *, lower, check_finite: numpy_rules._cholesky(g, out, _a, upper=not lower)
)


def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """Return the Cholesky factor of a positive definite matrix; as ``scipy.linalg.cholesky``.

    Parameters
    ----------
    a : array of shape (..., N, N)
        The triangle that is not read has gradient 0; for a symmetric gradient symmetrise first.
    lower : bool
        Whether to return L of a = L L^H, of the lower triangle, in place of U of a = U^H U.
    overwrite_a : bool
        Accepted as in SciPy; nothing is overwritten.
    check_finite : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.cholesky(np.array([[4.0, 2.0], [2.0, 2.0]]), lower=True)
    array([[2., 0.],
           [1., 1.]])
    """
    return _factor(inexact(a), lower=bool(lower), check_finite=bool(check_finite))


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Any, bool]:
    """Return a Cholesky factor for :func:`cho_solve`; as ``scipy.linalg.cho_factor``.

    The triangle of the result that is not the factor holds the entries of ``a``, as SciPy's does.

    Parameters
    ----------
    a : array of shape (..., N, N)
    lower : bool
    overwrite_a : bool
        Accepted as in SciPy; nothing is overwritten.
    check_finite : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.cho_factor(np.array([[4.0, 2.0], [2.0, 2.0]]))
    (array([[2., 1.],
           [2., 1.]]), False)
    """
    a = inexact(a)
    other = np.triu(a, 1) if lower else np.tril(a, -1)
    return cholesky(a, lower, check_finite=check_finite) + other, lower


def cho_solve(
    c_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """Return the solution of a x = b by a Cholesky factor; as ``scipy.linalg.cho_solve``.

    Parameters
    ----------
    c_and_lower : (array of shape (..., N, N), bool)
        As :func:`cho_factor` returns it.
    b : array of shape (N,) or (..., N, K)
    overwrite_b : bool
        Accepted as in SciPy; nothing is overwritten.
    check_finite : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> factor = ag.scipy.linalg.cho_factor(np.array([[4.0, 2.0], [2.0, 2.0]]))
    >>> ag.scipy.linalg.cho_solve(factor, np.array([6.0, 4.0]))
    array([1., 1.])
    """
    c, lower = c_and_lower
    first, second = (0, 2) if lower else (2, 0)
    b = inexact(b)
    vector = b.ndim == 1
    b = b[..., None] if vector else b
    y = solve_triangular(c, b, trans=first, lower=lower, check_finite=check_finite)
    x = solve_triangular(c, y, trans=second, lower=lower, check_finite=False)
    return x[..., 0] if vector else x


# -- LU -------------------------------------------------------------------------------------------


def _lu_packed(a: Any, *, check_finite: bool) -> Any:
    """Return L and U in one matrix, and LAPACK's row exchanges as numbers of the matrix's dtype."""
    from scipy import linalg

    packed, pivots = linalg.lu_factor(a, check_finite=check_finite)
    return packed, pivots.astype(packed.dtype)


def _order(exchanges: Any, *, m: int) -> Any:
    lead = exchanges.shape[:-1]
    order = np.broadcast_to(np.arange(m), (*lead, m)).copy()
    for at in itertools.product(*map(range, lead)):
        row = order[at]
        for i, j in enumerate(exchanges[at]):
            row[i], row[j] = row[j], row[i]
    return order


_exchanged = stacked(_order, "linalg.lu_factor", 1, opaque=True, flops=none)


def _rows_of(pivots: Any, m: int) -> Any:
    """Return which row of the matrix is which row of L U, from the exchanges."""
    return _exchanged(unwrap(pivots).real.astype(int), m=m)


def _take_rows(a: Any, order: Any) -> Any:
    """Return the rows of each matrix in an order of its own."""
    if order.ndim == 1:
        return taken(a, (..., order, slice(None)))
    lead = np.broadcast_shapes(a.shape[:-2], order.shape[:-1])
    a = np.broadcast_to(a, lead + a.shape[-2:])
    index = np.broadcast_to(order, (*lead, order.shape[-1]))[..., None]
    return np.take_along_axis(a, np.broadcast_to(index, (*index.shape[:-1], a.shape[-1])), -2)


def _pad(a: Any, m: int, n: int, one: bool) -> Any:
    """Return a matrix with rows and columns added: zeros, or those of the identity."""
    for axis, missing in ((-1, n - a.shape[-1]), (-2, m - a.shape[-2])):
        if missing:
            shape = list(a.shape)
            shape[axis] = missing
            block = np.zeros(tuple(shape), a.dtype)
            if one:
                part = np.eye(m, n, dtype=a.dtype)
                block = block + (part[:, -missing:] if axis == -1 else part[-missing:])
            a = np.concatenate([a, asarray_like(block, a)], axis=axis)
    return a


def _lu_rule(g: Any, out: Any, _a: Any, *, check_finite: bool) -> Any:
    """Return P L^-T (tril(L^T gL, -1) + triu(gU U^T)) U^-T, with L and U completed to squares."""
    packed, m, n = out[0], _a.shape[-2], _a.shape[-1]
    k = min(m, n)
    lower = _pad(np.tril(packed[..., :k], -1), m, m, False)
    upper = _pad(np.triu(packed[..., :k, :]), n, n, True)
    one = asarray_like(np.eye(m, dtype=packed.dtype), packed)
    gl, gu = np.tril(g[0], -1), np.triu(g[0])
    inner = np.tril(mT(lower + one) @ gl, -1) + np.triu(gu @ mT(upper))
    inner = solve_triangular(lower, inner, trans=1, lower=True, unit_diagonal=True)
    inner = mT(solve_triangular(upper, mT(inner)))
    return _take_rows(inner, np.argsort(_rows_of(out[1], m), axis=-1))


_packed = stacked(_lu_packed, "linalg.lu", 2, flops=factorization(2 / 3)).defvjp(_lu_rule)


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """Return L and U in one matrix, and the exchanged rows; as ``scipy.linalg.lu_factor``.

    The derivative holds while the choice of pivots stays the same; they are integers without one.

    Parameters
    ----------
    a : array of shape (..., M, N)
    overwrite_a : bool
        Accepted as in SciPy; nothing is overwritten.
    check_finite : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.lu_factor(np.array([[1.0, 2.0], [2.0, 2.0]]))
    (array([[2. , 2. ],
           [0.5, 1. ]]), array([1, 1], dtype=int32))
    """
    packed, pivots = _packed(inexact(a), check_finite=bool(check_finite))
    return packed, unwrap(pivots).real.astype(np.int32)


def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> tuple[Any, ...]:
    """Return the factors of a = P L U; as ``scipy.linalg.lu``.

    The derivative holds while the choice of pivots stays the same; P is a constant.

    Parameters
    ----------
    a : array of shape (..., M, N)
    permute_l : bool
        Return P L and U.
    overwrite_a : bool
        Accepted as in SciPy; nothing is overwritten.
    check_finite : bool
    p_indices : bool
        Return P as indices: ``a == l[p] @ u``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> p, l, u = ag.scipy.linalg.lu(np.array([[1.0, 2.0], [2.0, 2.0]]))
    >>> l, u
    (array([[1. , 0. ],
           [0.5, 1. ]]), array([[2., 2.],
           [0., 1.]]))
    """
    a = inexact(a)
    m, n = a.shape[-2:]
    packed, pivots = _packed(a, check_finite=bool(check_finite))
    k = min(m, n)
    left = np.tril(packed[..., :k], -1) + asarray_like(np.eye(m, k, dtype=packed.dtype), packed)
    u = np.triu(packed[..., :k, :])
    place = np.argsort(_rows_of(pivots, m), axis=-1)
    if permute_l:
        return _take_rows(left, place), u
    if p_indices:
        return place, left, u
    p = place[..., None] == asarray_like(np.arange(m), place)
    return p.astype(packed.real.dtype), left, u


def lu_solve(
    lu_and_piv: tuple[Any, Any],
    b: Any,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Return the solution of a x = b by LU factors; as ``scipy.linalg.lu_solve``.

    Parameters
    ----------
    lu_and_piv : (array of shape (..., N, N), integers of shape (..., N))
        As :func:`lu_factor` returns them.
    b : array of shape (N,) or (..., N, K)
    trans : 0, 1 or 2
        Solve a x = b, a^T x = b or a^H x = b.
    overwrite_b : bool
        Accepted as in SciPy; nothing is overwritten.
    check_finite : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> factors = ag.scipy.linalg.lu_factor(np.array([[1.0, 2.0], [2.0, 2.0]]))
    >>> ag.scipy.linalg.lu_solve(factors, np.array([3.0, 4.0]))
    array([1., 1.])
    """
    packed, pivots = lu_and_piv
    if trans not in (0, 1, 2):
        raise ValueError(f"lu_solve takes trans=0, 1 or 2, got {trans!r}")
    packed, b = inexact(packed), inexact(b)
    order = _rows_of(as_array(unwrap(pivots)), packed.shape[-1])
    vector = b.ndim == 1
    b = b[..., None] if vector else b
    check: Any = {"check_finite": check_finite}
    if trans == 0:
        b = _take_rows(b, order)
        y = solve_triangular(packed, b, lower=True, unit_diagonal=True, **check)
        x = solve_triangular(packed, y, **check)
    else:
        y = solve_triangular(packed, b, trans=trans, **check)
        x = solve_triangular(packed, y, trans=trans, lower=True, unit_diagonal=True, **check)
        x = _take_rows(x, np.argsort(order, axis=-1))
    return x[..., 0] if vector else x


# -- QR -------------------------------------------------------------------------------------------


def _qr_tall(a: Any, *, mode: str, check_finite: bool) -> Any:
    from scipy import linalg

    q, r = linalg.qr(a, mode=mode, check_finite=check_finite)
    return q, r


def _qr_rule(g: Any, out: Any, _a: Any, *, mode: str, check_finite: bool) -> Any:
    name = "complete" if mode == "full" else "reduced"
    return numpy_rules._qr_tall(g, out, _a, mode=name)


_tall = stacked(_qr_tall, "linalg.qr", 2, flops=factorization(4 / 3)).defvjp(_qr_rule)


def _order_of_columns(a: Any) -> Any:
    from scipy import linalg

    return linalg.qr(a, mode="r", pivoting=True)[-1]


_pivots = stacked(_order_of_columns, "linalg.qr", 2, opaque=True, flops=factorization(4 / 3))


def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> tuple[Any, ...]:
    """Return the factors of a = Q R; as ``scipy.linalg.qr``.

    With ``pivoting`` the order of the columns comes last; it is a constant.  For more rows than
    columns and mode 'full' the further columns of Q are one basis of many, and a result that
    depends on the choice raises.

    Parameters
    ----------
    a : array of shape (..., M, N)
    overwrite_a, lwork
        Accepted as in SciPy; nothing is overwritten.
    mode : 'full', 'economic' or 'r'
        'raw' has no derivative (LAPACK's reflectors).
    pivoting : bool
    check_finite : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> q, r = ag.scipy.linalg.qr(np.array([[3.0, 1.0], [4.0, 2.0]]))
    >>> abs(r).round(6)
    array([[5. , 2.2],
           [0. , 0.4]])
    """
    if mode not in ("full", "economic", "r"):
        raise NotDifferentiableError(
            f"scipy.linalg.qr(mode={mode!r}) has no derivative rule (it gives LAPACK's "
            "reflectors); 'full', 'economic' and 'r' have"
        )
    a = inexact(a)
    m, n = a.shape[-2:]
    order: tuple[Any, ...] = ()
    if pivoting:
        order = (_pivots(unwrap(a)),)
        a = mT(_take_rows(mT(a), order[0]))
    options: Any = {"mode": "economic" if mode == "economic" else "full"}
    if mode == "r":
        options["mode"] = "economic"
    options["check_finite"] = bool(check_finite)
    q, r = _tall(a if m >= n else a[..., :m], **options)
    if m < n:
        r = np.concatenate([r, adjoint(q) @ a[..., m:]], axis=-1)
    if mode != "r":
        return (q, r, *order)
    return (_pad(r, m, n, False), *order)


# -- eigenvalues of Hermitian matrices ------------------------------------------------------------


def _eigen(a: Any, *, lower: bool, **options: Any) -> Any:
    from scipy import linalg

    w, v = linalg.eigh(a, lower=lower, **options)
    return w, v


def _eigen_rule(
    g: Any, out: Any, _a: Any, *, lower: bool, driver: Any = None, check_finite: bool = True
) -> Any:
    return rules._eigh(g, out, _a, UPLO="L" if lower else "U")


def _pencil(a: Any, b: Any, *, lower: bool, **options: Any) -> Any:
    from scipy import linalg

    w, v = linalg.eigh(a, b, lower=lower, **options)
    return w, v


def _pencil_rule(
    g: Any,
    out: Any,
    _a: Any,
    _b: Any,
    *,
    lower: bool,
    driver: Any = None,
    check_finite: bool = True,
) -> Any:
    """Return V K V^H and -V (K W + diag(V^H gV) / 2) V^H, where K = V^H gV / gaps + diag(gw)."""
    w, v = out[0], out[1]
    gw, gv = g[0], conj(g[1])
    x = adjoint(v) @ gv
    diagonal = np.diagonal(x, 0, -2, -1)
    name = {"name": "scipy.linalg.eigh", "values": "eigenvalues", "vectors": "eigenvectors"}
    if v.dtype.kind == "c":
        numpy_rules.refuse_if(diagonal.imag, x, rules.PHASE.format(**name))
    closed, reason = rules._coinciding(w), rules.MIXED.format(**name)
    rules._refuse_mixed(x, gw, closed, reason)
    gaps = w[..., None, :] - w[..., :, None]
    k = rules._over_gaps(x, gaps, closed, x, reason) + rules._on_diagonal(gw)
    by_b = k * w[..., None, :] + rules._on_diagonal(diagonal.real) * 0.5
    upper = not lower
    return tuple(numpy_rules.triangle(conj(v @ inner @ adjoint(v)), upper) for inner in (k, -by_b))


def _of_product(a: Any, b: Any, lower: bool, type: int) -> tuple[Any, Any]:
    """Return the eigenvalues and vectors of a b or b a: of L^H a L, with b = L L^H."""
    a, b = (numpy_rules.from_lower(x if lower else adjoint(x)) for x in (a, b))
    factor = cholesky(b, lower=True)
    w, y = _eigh(adjoint(factor) @ a @ factor, lower=True, driver=None, check_finite=True)
    v = factor @ y if type == 3 else solve_triangular(factor, y, trans="C", lower=True)
    return w, v


_eigh = stacked(_eigen, "linalg.eigh", 2, flops=factorization(9)).defvjp(_eigen_rule)
_eigh_pencil = stacked(_pencil, "linalg.eigh", 2, flops=factorization(34 / 3)).defvjp(
    vjp_all=_pencil_rule
)


def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: str | None = None,
) -> Any:
    """Return eigenvalues and eigenvectors of Hermitian matrices; as ``scipy.linalg.eigh``.

    Eigenvectors are unique up to a phase, and where eigenvalues repeat up to a rotation: a result
    that depends on the choice raises.  A subset is taken of all, in which signs may be others than
    SciPy's.

    Parameters
    ----------
    a : array of shape (..., N, N)
        Symmetric or Hermitian; the triangle that is not read has gradient 0.
    b : array of shape (..., N, N), optional
        Positive definite.
    lower : bool
        Which triangle is read.
    eigvals_only : bool
    overwrite_a, overwrite_b : bool
        Accepted as in SciPy; nothing is overwritten.
    type : 1, 2 or 3
        With ``b``: a v = w b v and v^H b v = 1; a b v = w v and v^H b v = 1; b a v = w v and
        v^H b^-1 v = 1.  Signs of vectors may be others than SciPy's for 2 and 3.
    check_finite : bool
    subset_by_index : (int, int), optional
        The first and the last of the eigenvalues wanted.
    subset_by_value : (float, float), optional
        The half-open interval (low, high] in which they are wanted.
    driver : str, optional

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> a, b = np.diag([2.0, 6.0]), np.diag([1.0, 2.0])
    >>> ag.scipy.linalg.eigh(a, b, eigvals_only=True)
    array([2., 3.])
    """
    if type not in (1, 2, 3):
        raise ValueError(f"eigh takes type=1, 2 or 3, got {type!r}")
    options: Any = {"lower": bool(lower), "driver": driver, "check_finite": bool(check_finite)}
    if b is None:
        w, v = _eigh(inexact(a), **options)
    elif type == 1:
        w, v = _eigh_pencil(inexact(a), inexact(b), **options)
    else:
        w, v = _of_product(inexact(a), inexact(b), lower, type)
    if subset_by_index is not None or subset_by_value is not None:
        if subset_by_index is not None:
            first, last = subset_by_index
            part = slice(int(first), int(last) + 1)
        else:
            low, high = subset_by_value
            values = unwrap(w)
            if values.ndim > 1:
                raise ValueError("eigh takes subset_by_value of one matrix, not of a stack")
            if newest((values,)) is not None:
                raise VmapError(
                    "eigh(subset_by_value=...) finds another number of eigenvalues in each example "
                    "of ag.vmap; use subset_by_index=, or np.where of all eigenvalues"
                )
            part = slice(*np.searchsorted(values, (low, high), side="right"))
        w, v = w[..., part], v[..., part]
    return w if eigvals_only else (w, v)
