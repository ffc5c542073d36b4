"""What SciPy computes but does not dispatch, with derivatives: SciPy's names and values.

``ag.scipy.linalg.expm`` stands for ``scipy.linalg.expm``.  Much of SciPy needs no replacement: the
ufuncs of ``scipy.special`` take Tensors by themselves.  SciPy is imported when a function is
called.

Examples
--------
>>> import numpy as np, autograd_core as ag
>>> ag.grad(lambda a: np.trace(ag.scipy.linalg.expm(a)))(np.zeros((2, 2)))
array([[1., 0.],
       [0., 1.]])
"""

import sys

from autograd_core import special
from autograd_core.scipy import (
    integrate,
    interpolate,
    linalg,
    ndimage,
    optimize,
    signal,
    sparse,
    stats,
)

__all__ = [
    "integrate",
    "interpolate",
    "linalg",
    "ndimage",
    "optimize",
    "signal",
    "sparse",
    "special",
    "stats",
]

#: ``from autograd_core.scipy.special import logsumexp`` as in SciPy.
sys.modules[f"{__name__}.special"] = special
