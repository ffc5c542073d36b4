"""Functions of matrices: the exponential, the logarithm and the square root; block diagonals.

The derivative of f at A in the direction E is the upper right block of f([[A, E], [0, A]]) (Mathias
1996, *A chain rule for matrix functions and applications*), and its adjoint that of A^T; for the
square root it solves Sylvester's equation (Higham 2008, *Functions of matrices*).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.primitive import Primitive
from autograd_core.rules.common import mT
from autograd_core.rules.costs import factorization
from autograd_core.scipy.common import inexact, stacked
from autograd_core.scipy.systems import sylvester


def _derivative(fun: Callable[[Any], Any], a: Any, direction: Any) -> Any:
    """Return the derivative of a matrix function at ``a``: a block of one twice the size."""
    n = a.shape[-1]
    top = np.concatenate([a, direction], axis=-1)
    bottom = np.concatenate([np.zeros_like(a), a], axis=-1)
    return fun(np.concatenate([top, bottom], axis=-2))[..., :n, n:]


def _exponential(A: Any) -> Any:
    from scipy import linalg

    return linalg.expm(A).astype(A.dtype, copy=False)


def _logarithm(A: Any) -> Any:
    from scipy import linalg

    wide = A.astype(np.result_type(A, np.float64))  # SciPy's is inexact in single precision
    state = np.random.get_state()  # noqa: NPY002  (SciPy draws, to estimate a norm)
    try:
        return _as_precise_as(A, linalg.logm(wide))
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _root(A: Any) -> Any:
    from scipy import linalg

    return _as_precise_as(A, linalg.sqrtm(A))


def _as_precise_as(a: Any, out: Any) -> Any:
    """Return a result in the precision of the argument; it may be complex where that is real."""
    single = a.dtype in (np.float32, np.complex64)
    name = ("c8" if single else "c16") if out.dtype.kind == "c" else ("f4" if single else "f8")
    return out.astype(name, copy=False)


_expm: Primitive = stacked(_exponential, "linalg.expm", 2, flops=factorization(44 / 3)).defvjp(
    lambda g, _out, A: _derivative(_expm, mT(A), g)
)
_logm: Primitive = stacked(_logarithm, "linalg.logm", 2, flops=factorization(25)).defvjp(
    lambda g, _out, A: _derivative(_logm, mT(A), g)
)
_sqrtm = stacked(_root, "linalg.sqrtm", 2, flops=factorization(85 / 3)).defvjp(
    lambda g, out, _A: sylvester(mT(out), mT(out), g)
)


def expm(A: Any) -> Any:
    """Return the exponential of a matrix; as ``scipy.linalg.expm``.

    Parameters
    ----------
    A : array of shape (..., N, N)

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.expm(np.array([[0.0, 2.0], [0.0, 0.0]]))
    array([[1., 2.],
           [0., 1.]])
    """
    return _expm(inexact(A))


def logm(A: Any) -> Any:
    """Return the principal logarithm of a matrix; as ``scipy.linalg.logm``.

    Parameters
    ----------
    A : array of shape (..., N, N)
        Without eigenvalues on the closed negative real axis.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.logm(np.eye(2)).round(6) + 0.0
    array([[0., 0.],
           [0., 0.]])
    """
    return _logm(inexact(A))


def sqrtm(A: Any) -> Any:
    """Return the principal square root of a matrix; as ``scipy.linalg.sqrtm``.

    Parameters
    ----------
    A : array of shape (..., N, N)
        Without eigenvalues on the negative real axis; a singular one has no derivative.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.sqrtm(np.diag([4.0, 9.0]))
    array([[2., 0.],
           [0., 3.]])
    """
    return _sqrtm(inexact(A))


def block_diag(*arrs: Any) -> Any:
    """Return a matrix with the given ones along its diagonal; as ``scipy.linalg.block_diag``.

    Parameters
    ----------
    *arrs : arrays of shape (..., M, N), (N,) or ()
        A vector counts as one row.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.linalg.block_diag(np.eye(1), [[2.0, 3.0]])
    array([[1., 0., 0.],
           [0., 2., 3.]])
    """
    blocks = [np.atleast_2d(inexact(a)) for a in arrs] or [np.zeros((1, 0))]
    lead = np.broadcast_shapes(*(b.shape[:-2] for b in blocks))
    width = sum(b.shape[-1] for b in blocks)
    dtype, rows, start = np.result_type(*(b.dtype for b in blocks)), [], 0
    for b in blocks:
        b = np.broadcast_to(b, lead + b.shape[-2:])
        end = width - start - b.shape[-1]
        sides = [np.zeros((*b.shape[:-1], k), dtype, like=b) for k in (start, end)]
        rows.append(np.concatenate([sides[0], b, sides[1]], axis=-1))
        start += b.shape[-1]
    return np.concatenate(rows, axis=-2)
