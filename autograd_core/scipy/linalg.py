"""``scipy.linalg`` with derivatives: what does not dispatch to NumPy's own rules.

SciPy's names, signatures and values, for stacks of matrices where SciPy (1.16 and later) takes
them. ``scipy.linalg.inv``, ``det``, ``pinv``, ``lstsq``, ``svd``, ``norm`` are NumPy's:
``np.linalg``.

Examples
--------
>>> import numpy as np, autograd_core as ag
>>> ag.grad(lambda a: np.trace(ag.scipy.linalg.expm(a)))(np.zeros((2, 2)))
array([[1., 0.],
       [0., 1.]])
"""

from autograd_core.scipy.factorizations import (
    cho_factor,
    cho_solve,
    cholesky,
    eigh,
    lu,
    lu_factor,
    lu_solve,
    qr,
)
from autograd_core.scipy.matrix_functions import block_diag, expm, logm, sqrtm
from autograd_core.scipy.systems import (
    solve,
    solve_banded,
    solve_continuous_lyapunov,
    solve_discrete_lyapunov,
    solve_sylvester,
    solve_toeplitz,
    solve_triangular,
    toeplitz,
)

# fmt: off
__all__ = [
    "block_diag", "cho_factor", "cho_solve", "cholesky", "eigh", "expm", "logm", "lu", "lu_factor",
    "lu_solve", "qr", "solve", "solve_banded", "solve_continuous_lyapunov",
    "solve_discrete_lyapunov", "solve_sylvester", "solve_toeplitz", "solve_triangular", "sqrtm",
    "toeplitz",
]
# fmt: on
