"""Linear equations by their structure: triangular, banded, Toeplitz, Sylvester.

Each rule solves one system of the same structure with the transposed matrix: of A x = b it is
gb = A^-T g and gA = -gb x^T, of which the entries that the solver reads are kept (Giles 2008).  For
Sylvester's and Lyapunov's equations it is the adjoint equation (Kao and Hennequin 2020, *Automatic
differentiation of Sylvester, Lyapunov, and algebraic Riccati equations*).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.rules.common import adjoint, conj, mT
from autograd_core.rules.costs import factorization, solution
from autograd_core.rules.indexing import put_sum
from autograd_core.rules.linalg import from_lower
from autograd_core.scipy.common import inexact, over_stack, stacked

# -- triangular -----------------------------------------------------------------------------------


def _triangular(a: Any, b: Any, *, lower: bool, unit_diagonal: bool, check_finite: bool) -> Any:
    from scipy import linalg

    return linalg.solve_triangular(
        a, b, lower=lower, unit_diagonal=unit_diagonal, check_finite=check_finite
    )


def _triangular_rule(
    g: Any, out: Any, a: Any, _b: Any, *, lower: bool, unit_diagonal: bool, check_finite: bool
) -> Any:
    options = {"unit_diagonal": unit_diagonal, "check_finite": check_finite}
    gb = _solve_triangular(mT(a), columns_of(g, _b), lower=not lower, **options)
    full = -gb @ mT(columns_of(out, _b))
    offset = int(unit_diagonal)
    return np.tril(full, -offset) if lower else np.triu(full, offset), as_was(gb, _b)


def columns_of(x: Any, b: Any) -> Any:
    """Return solutions as columns: ``x`` itself, or with an axis more where ``b`` is a vector."""
    return x[..., None] if b.ndim == 1 else x


def as_was(x: Any, b: Any) -> Any:
    """Return columns of the shape of solutions again; the inverse of :func:`columns_of`."""
    return x[..., 0] if b.ndim == 1 else x


_solve_triangular = stacked(_triangular, "linalg.solve_triangular", 2, flops=solution(0, 1)).defvjp(
    vjp_all=_triangular_rule
)


def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Return the solution of a x = b for a triangular matrix; as ``scipy.linalg.solve_triangular``.

    Parameters
    ----------
    a : array of shape (..., N, N)
        The other triangle is not read, and has gradient 0.
    b : array of shape (N,) or (..., N, K)
    trans : 0 or "N", 1 or "T", 2 or "C"
        Solve a x = b, a^T x = b or a^H x = b.
    lower, unit_diagonal : bool
        Which triangle is read, and whether its diagonal is taken as ones.
    overwrite_b : bool
        Accepted as in SciPy; nothing is overwritten.
    check_finite : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> a = np.array([[2.0, 0.0], [1.0, 4.0]])
    >>> ag.scipy.linalg.solve_triangular(a, np.array([2.0, 9.0]), lower=True)
    array([1., 2.])
    """
    a, b = inexact(a), inexact(b)
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise ValueError(f"solve_triangular takes trans=0, 1, 2, 'N', 'T' or 'C', got {trans!r}")
    if trans in (1, 2, "T", "C"):
        a = mT(a) if trans in (1, "T") else adjoint(a)
        lower = not lower
    return _solve_triangular(
        a, b, lower=bool(lower), unit_diagonal=bool(unit_diagonal), check_finite=bool(check_finite)
    )


# -- general, with a structure --------------------------------------------------------------------


def _general(a: Any, b: Any, *, assume_a: str | None, lower: bool, check_finite: bool) -> Any:
    from scipy import linalg

    options = {} if assume_a is None else {"assume_a": assume_a}
    return linalg.solve(a, b, lower=lower, check_finite=check_finite, **options)


def _general_rule(
    g: Any, out: Any, a: Any, _b: Any, *, assume_a: str | None, lower: bool, check_finite: bool
) -> Any:
    assume = {"upper triangular": "lower triangular", "lower triangular": "upper triangular"}
    gb = _solve(
        mT(a),
        columns_of(g, _b),
        assume_a=assume.get(assume_a or "", assume_a),
        lower=lower,
        check_finite=check_finite,
    )
    return -gb @ mT(columns_of(out, _b)), as_was(gb, _b)


_solve = stacked(_general, "linalg.solve", 2, flops=solution(2 / 3, 2)).defvjp(
    vjp_all=_general_rule
)
_NAMES = {
    "general": "gen",
    "symmetric": "sym",
    "hermitian": "her",
    "positive definite": "pos",
}


def _read(a: Any, assume_a: str | None, lower: bool) -> Any:
    """Return the matrix that a solver for a structure completes from the entries that it reads."""
    if assume_a in ("her", "pos") or (assume_a == "sym" and a.dtype.kind != "c"):
        return from_lower(a if lower else adjoint(a))
    if assume_a == "sym":
        half = a if lower else mT(a)
        return np.tril(half) + mT(np.tril(half, -1))
    if assume_a == "upper triangular":
        return np.triu(a)
    if assume_a == "lower triangular":
        return np.tril(a)
    if assume_a == "diagonal":
        return np.tril(np.triu(a))
    if assume_a == "tridiagonal":
        return np.tril(np.triu(a, -1), 1)
    return a


def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    """Return the solution of a x = b; as ``scipy.linalg.solve``.

    Parameters
    ----------
    a : array of shape (..., N, N)
    b : array of shape (N,) or (..., N, K)
    lower : bool
        Which triangle is read where ``assume_a`` is 'sym', 'her' or 'pos'; the entries that are not
        read have gradient 0.
    overwrite_a, overwrite_b : bool
        Accepted as in SciPy; nothing is overwritten.
    check_finite : bool
    assume_a : str, optional
        As in SciPy: 'gen', 'sym', 'her', 'pos', 'diagonal', 'tridiagonal', 'banded',
        'upper triangular', 'lower triangular'.
    transposed : bool
        Solve a^T x = b.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> a = np.array([[4.0, 1.0], [1.0, 3.0]])
    >>> ag.scipy.linalg.solve(a, np.array([6.0, 7.0]), assume_a="pos").round(6)
    array([1., 2.])
    """
    a, b = inexact(a), inexact(b)
    kind = None if assume_a is None else _NAMES.get(assume_a, assume_a)
    a = _read(a, kind, lower)
    if transposed:
        a = mT(a)
        swapped = {"upper triangular": "lower triangular", "lower triangular": "upper triangular"}
        kind = swapped.get(kind or "", kind)
    return _solve(a, b, assume_a=kind, lower=bool(lower), check_finite=bool(check_finite))


# -- banded ---------------------------------------------------------------------------------------


def _banded(ab: Any, b: Any, *, l_and_u: tuple[int, int], check_finite: bool) -> Any:
    from scipy import linalg

    return linalg.solve_banded(l_and_u, ab, b, check_finite=check_finite)


def _transposed_bands(ab: Any, below: int, above: int) -> Any:
    """Return the diagonals of the transposed matrix: the one k to the right moves by -k."""
    rows = [np.roll(ab[..., above - k, :], -k, -1) for k in range(-below, above + 1)]
    return np.stack(rows, axis=-2)


def _banded_rule(
    g: Any, out: Any, ab: Any, _b: Any, *, l_and_u: tuple[int, int], check_finite: bool
) -> Any:
    below, above = l_and_u
    across = _transposed_bands(ab, below, above)
    back, right = columns_of(g, _b), columns_of(out, _b)
    left = _solve_banded(across, back, l_and_u=(above, below), check_finite=check_finite)
    n, rows = ab.shape[-1], []
    for k in range(above, -below - 1, -1):  # entry (j - k, j) of the matrix
        row = np.arange(n) - k
        inside = asarray_like((row >= 0) & (row < n), ab)
        rows.append(np.where(inside, -(np.roll(left, k, -2) * right).sum(-1), 0.0))
    return np.stack(rows, axis=-2), as_was(left, _b)


def _banded_flops(
    out: Any, ab: Any, _b: Any, *, l_and_u: tuple[int, int], **_options: Any
) -> float:
    below, above = l_and_u
    return float(2 * (below * above * ab.shape[-1] + (below + above) * out.size))


_solve_banded = stacked(_banded, "linalg.solve_banded", 2, flops=_banded_flops).defvjp(
    vjp_all=_banded_rule
)


def solve_banded(
    l_and_u: tuple[int, int],
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """Return the solution of a x = b for a banded matrix; as ``scipy.linalg.solve_banded``.

    Parameters
    ----------
    l_and_u : (int, int)
        How many diagonals lie below and above the main one.
    ab : array of shape (..., l + u + 1, N)
        The diagonals, ``ab[u + i - j, j] == a[i, j]``; the corners that belong to no entry have
        gradient 0.
    b : array of shape (N,) or (..., N, K)
    overwrite_ab, overwrite_b : bool
        Accepted as in SciPy; nothing is overwritten.
    check_finite : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ab = np.array([[0.0, 1.0], [2.0, 4.0]])  # [[2, 1], [0, 4]]
    >>> ag.scipy.linalg.solve_banded((0, 1), ab, np.array([4.0, 8.0]))
    array([1., 2.])
    """
    below, above = map(int, l_and_u)
    ab, b = inexact(ab), inexact(b)
    if ab.shape[-2] != below + above + 1:
        raise ValueError(
            f"solve_banded(({below}, {above}), ab, b) takes {below + above + 1} diagonals, got ab "
            f"of shape {ab.shape}"
        )
    return _solve_banded(ab, b, l_and_u=(below, above), check_finite=bool(check_finite))


# -- Toeplitz -------------------------------------------------------------------------------------


def _diagonals(n: int, m: int) -> Any:
    """Return for each entry (i, j) the position of its diagonal in (c[::-1], r[1:])."""
    return (n - 1) + np.arange(m) - np.arange(n)[:, None]


def toeplitz(c: Any, r: Any = None) -> Any:
    """Return the matrix with constant diagonals; as ``scipy.linalg.toeplitz``.

    Parameters
    ----------
    c : array of shape (..., N)
        The first column.
    r : array of shape (..., M), optional
        The first row, by default the conjugate of ``c``; ``r[0]`` is not read.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.toeplitz([1.0, 2.0], [1.0, 5.0, 6.0])
    array([[1., 5., 6.],
           [2., 1., 5.]])
    """
    c = np.atleast_1d(inexact(c))
    r = conj(c) if r is None else np.atleast_1d(inexact(r))
    lead = np.broadcast_shapes(c.shape[:-1], r.shape[:-1])
    c, r = (np.broadcast_to(v, lead + v.shape[-1:]) for v in (c, r))
    values = np.concatenate([c[..., ::-1], r[..., 1:]], axis=-1)
    return values[..., _diagonals(c.shape[-1], r.shape[-1])]


def _toeplitz(c: Any, r: Any, b: Any, *, check_finite: bool) -> Any:
    from scipy import linalg

    return linalg.solve_toeplitz((c, r), b, check_finite=check_finite)


def _toeplitz_rule(g: Any, out: Any, c: Any, r: Any, _b: Any, *, check_finite: bool) -> Any:
    n = c.shape[-1]
    first = c[..., :1]
    column = np.concatenate([first, r[..., 1:]], axis=-1)
    row = np.concatenate([first, c[..., 1:]], axis=-1)
    gb = _solve_toeplitz(column, row, columns_of(g, _b), check_finite=check_finite)
    full = -gb @ mT(columns_of(out, _b))
    shape = (*full.shape[:-2], 2 * n - 1)
    values = put_sum(full, index=(..., _diagonals(n, n)), shape=shape)
    zero = values[..., :1] * 0.0
    return (
        values[..., :n][..., ::-1],
        np.concatenate([zero, values[..., n:]], axis=-1),
        as_was(gb, _b),
    )


_solve_toeplitz = stacked(_toeplitz, "linalg.solve_toeplitz", 1, 1, 2, flops=solution(0, 4)).defvjp(
    vjp_all=_toeplitz_rule
)


def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """Return the solution of T x = b for a Toeplitz matrix; as ``scipy.linalg.solve_toeplitz``.

    Parameters
    ----------
    c_or_cr : array of shape (..., N), or a tuple of two
        The first column, or the first column and the first row (whose first entry is not read).
    b : array of shape (N,) or (..., N, K)
    check_finite : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.solve_toeplitz(np.array([2.0, 1.0]), np.array([4.0, 5.0])).round(6)
    array([1., 2.])
    """
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    c = inexact(c)
    r = conj(c) if r is None else inexact(r)
    return _solve_toeplitz(c, r, inexact(b), check_finite=bool(check_finite))


# -- Sylvester and Lyapunov -----------------------------------------------------------------------


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    from scipy import linalg

    return over_stack(linalg.solve_sylvester, a, b, q)


def _sylvester_rule(g: Any, out: Any, a: Any, b: Any, _q: Any) -> Any:
    s = sylvester(mT(a), mT(b), g)
    return -s @ mT(out), -mT(out) @ s, s


sylvester = stacked(
    _sylvester,
    "linalg.solve_sylvester",
    2,
    flops=lambda _out, a, b, _q: 25 * (a.size * a.shape[-1] + b.size * b.shape[-1]),  # Schur forms
).defvjp(vjp_all=_sylvester_rule)


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """Return the solution of a x + x b = q; as ``scipy.linalg.solve_sylvester``.

    Parameters
    ----------
    a, b, q : arrays of shape (..., M, M), (..., N, N), (..., M, N)

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> one = np.eye(2)
    >>> ag.scipy.linalg.solve_sylvester(one, 3 * one, 8 * one).round(6)
    array([[2., 0.],
           [0., 2.]])
    """
    return sylvester(inexact(a), inexact(b), inexact(q))


def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """Return the solution of a x + x a^H = q; as ``scipy.linalg.solve_continuous_lyapunov``.

    Parameters
    ----------
    a, q : arrays of shape (..., N, N)

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.solve_continuous_lyapunov(np.eye(1), np.eye(1))
    array([[0.5]])
    """
    a = inexact(a)
    return sylvester(a, adjoint(a), inexact(q))


def _lyapunov(a: Any, q: Any, *, method: str | None) -> Any:
    from scipy import linalg

    dtype = np.result_type(a, q)
    solved = over_stack(lambda x, y: linalg.solve_discrete_lyapunov(x, y, method=method), a, q)
    return solved.astype(dtype)


def _lyapunov_rule(g: Any, out: Any, a: Any, _q: Any, *, method: str | None) -> Any:
    s = _discrete(mT(a), g, method=method)
    return s @ conj(a) @ mT(out) + conj(mT(s) @ a @ out), s


_discrete = stacked(_lyapunov, "linalg.solve_discrete_lyapunov", 2, flops=factorization(50)).defvjp(
    vjp_all=_lyapunov_rule
)


def solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    """Return the solution of a x a^H - x + q = 0; as ``scipy.linalg.solve_discrete_lyapunov``.

    Parameters
    ----------
    a, q : arrays of shape (..., N, N)
    method : 'direct' or 'bilinear', optional

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.solve_discrete_lyapunov(0.5 * np.eye(1), 3 * np.eye(1))
    array([[4.]])
    """
    if method not in (None, "direct", "bilinear"):
        raise ValueError(f"solve_discrete_lyapunov has no method {method!r}: direct or bilinear")
    return _discrete(inexact(a), inexact(q), method=method)
