"""``scipy.sparse`` with derivatives: products and solutions with a constant sparse matrix.

A sparse matrix is a constant here: gradients reach the dense array.  ``matmul`` stands for SciPy's
``a @ x``, which would make an ndarray of a Tensor.

Examples
--------
>>> import numpy as np, scipy.sparse, autograd_core as ag
>>> a = scipy.sparse.csr_array([[2.0, 0.0], [1.0, 4.0]])
>>> ag.grad(lambda x: ag.scipy.sparse.matmul(a, x).sum())(np.ones(2))
array([3., 4.])
>>> ag.grad(lambda b: ag.scipy.sparse.linalg.spsolve(a, b).sum())(np.ones(2))
array([0.375, 0.25 ])
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.primitive import Primitive
from autograd_core.scipy.common import inexact, with_batch


def _is_sparse(a: Any) -> bool:
    from scipy import sparse

    return bool(sparse.issparse(a))


def _of_columns(fun: Callable[..., Any], name: str, rule: Callable[..., Any]) -> Primitive:
    """Return the primitive of a function of columns, which are those of all examples of a batch."""
    made = Primitive(fun, name.rpartition(".")[2], opaque=True).defvjp(rule)

    def batched(size: int, _flags: Any, x: Any) -> Any:
        columns = np.moveaxis(x, 0, -1)
        out = made(columns.reshape((columns.shape[0], -1)))
        return np.moveaxis(out.reshape((-1, *columns.shape[1:])), -1, 0)

    return with_batch(made, name, batched)


def _left(a: Any, x: Any) -> Any:
    """Return a @ x; the adjoint multiplies by the transposed matrix."""

    def rule(g: Any, _out: Any, _x: Any) -> Any:
        return _left(a.T, g)

    return _of_columns(lambda x: a @ x, "sparse.matmul", rule)(x)


def matmul(a: Any, b: Any) -> Any:
    """Return a @ b, one of which is a sparse matrix, a constant.

    Parameters
    ----------
    a, b : a sparse matrix or array of SciPy, and an array of shape (N,) or of two axes
        In either order.

    Examples
    --------
    >>> import numpy as np, scipy.sparse, autograd_core as ag
    >>> a = scipy.sparse.diags_array([1.0, 2.0])
    >>> ag.scipy.sparse.matmul(np.ones((1, 2)), a)
    array([[1., 2.]])
    """
    if _is_sparse(a) and not _is_sparse(b):
        return _left(a, inexact(b))
    if _is_sparse(b) and not _is_sparse(a):
        a = inexact(a)
        return _left(b.T, a.T).T
    raise TypeError("ag.scipy.sparse.matmul takes one sparse matrix of SciPy and one dense array")


def spsolve(A: Any, b: Any, permc_spec: str | None = None, use_umfpack: bool = True) -> Any:
    """Return the solution of A x = b; as ``scipy.sparse.linalg.spsolve``.

    Parameters
    ----------
    A : sparse matrix or array of shape (N, N)
        A constant; CSC or CSR is fastest.
    b : array of shape (N,), (N, 1) or (N, K)
    permc_spec, use_umfpack
        As in SciPy.

    Examples
    --------
    >>> import numpy as np, scipy.sparse, autograd_core as ag
    >>> a = scipy.sparse.csc_array([[2.0, 0.0], [1.0, 4.0]])
    >>> ag.scipy.sparse.spsolve(a, np.array([2.0, 9.0]))
    array([1., 2.])
    """
    if not _is_sparse(A):
        raise TypeError(
            f"ag.scipy.sparse.spsolve takes a sparse matrix, got {type(A).__name__}; for a dense "
            "one np.linalg.solve"
        )
    b = inexact(b)
    options: Any = {"permc_spec": permc_spec, "use_umfpack": use_umfpack}
    matrix = A if A.format in ("csc", "csr") else A.tocsc()
    b = b[:, 0] if b.ndim == 2 and b.shape[1] == 1 else b  # of which SciPy makes a vector, too

    def forward(b: Any) -> Any:
        from scipy.sparse import linalg

        return np.asarray(linalg.spsolve(matrix, b, **options))

    def rule(g: Any, _out: Any, _b: Any) -> Any:
        return spsolve(matrix.T, g, **options)

    return _of_columns(forward, "sparse.linalg.spsolve", rule)(b)


#: SciPy's place for it: ``scipy.sparse.linalg.spsolve``.
linalg = types.SimpleNamespace(spsolve=spsolve)

__all__ = ["linalg", "matmul", "spsolve"]
