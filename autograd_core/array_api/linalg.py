"""The standard's linear algebra extension: nearly all are NumPy's own functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import cholesky as cholesky
from numpy.linalg import cross as cross
from numpy.linalg import det as det
from numpy.linalg import diagonal as diagonal
from numpy.linalg import eigh as eigh
from numpy.linalg import eigvalsh as eigvalsh
from numpy.linalg import inv as inv
from numpy.linalg import matmul as matmul
from numpy.linalg import matrix_norm as matrix_norm
from numpy.linalg import matrix_power as matrix_power
from numpy.linalg import matrix_rank as matrix_rank
from numpy.linalg import matrix_transpose as matrix_transpose
from numpy.linalg import outer as outer
from numpy.linalg import qr as qr
from numpy.linalg import slogdet as slogdet
from numpy.linalg import solve as solve
from numpy.linalg import svd as svd
from numpy.linalg import svdvals as svdvals
from numpy.linalg import tensordot as tensordot
from numpy.linalg import trace as trace
from numpy.linalg import vecdot as vecdot
from numpy.linalg import vector_norm as vector_norm

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matmul",
    "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "outer", "pinv", "qr",
    "slogdet", "solve", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip


def pinv(x: Any, /, *, rtol: Any = None) -> Any:
    """Return the pseudo-inverse of (a stack of) matrices.

    Parameters
    ----------
    x
        Matrices, of shape ``(..., M, N)``.
    rtol
        Singular values below this times the largest count as 0; by default ``max(M, N)`` times
        the dtype's epsilon (the default of ``np.linalg.pinv`` is 1e-15).

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.linalg.pinv(xp.asarray([[2.0], [0.0]]))
    Tensor([[0.5, 0. ]], float64)
    """
    return np.linalg.pinv(x, rtol=rtol)


def _complex(x: Any) -> Any:
    return x.astype(np.result_type(x.dtype, np.complex64), copy=False)


def eig(x: Any, /) -> Any:
    """Return eigenvalues and right eigenvectors, complex even where all are real.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.linalg.eig(xp.asarray([[2.0, 0.0], [0.0, 3.0]])).eigenvalues
    Tensor([2.+0.j, 3.+0.j], complex128)
    """
    found = np.linalg.eig(x)
    return type(found)(*map(_complex, found))


def eigvals(x: Any, /) -> Any:
    """Return eigenvalues of square matrices, complex even where all are real."""
    return _complex(np.linalg.eigvals(x))
