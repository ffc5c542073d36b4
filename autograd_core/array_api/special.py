"""Special functions: SciPy's ufuncs, under the names of the proposed extension.

The standard has no such extension yet, but SciPy already looks for one before it falls back to
converting its arguments to ndarrays.  Nearly each name is the bare ufunc of ``scipy.special``,
which accepts Tensors by NEP 13, even where ``SCIPY_ARRAY_API=1`` hides it behind a wrapper.  The
few functions that are not ufuncs are those of :mod:`autograd_core.special`.  SciPy is imported at
the first access to a name.

Examples
--------
>>> import autograd_core as ag, autograd_core.array_api as xp
>>> x = ag.tensor([0.0], requires_grad=True)
>>> xp.special.expit(x)
Tensor([0.5], float64, made by expit)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.primitive import finders, table
from autograd_core.engine.recording import unwrap
from autograd_core.special import log_softmax as log_softmax
from autograd_core.special import logsumexp as logsumexp
from autograd_core.special import polygamma as _polygamma
from autograd_core.special import softmax as softmax

sinc = np.sinc

#: Functions that SciPy composes of others where a namespace does not have them.
_COMPOSED_BY_SCIPY = frozenset({"betaincc", "chdtr", "chdtrc", "stdtr"})


def polygamma(n: Any, x: Any, /) -> Any:
    """Return the n-th derivative of digamma; see :func:`autograd_core.special.polygamma`."""
    order = unwrap(n)
    whole = np.ndim(order) == 0 and np.result_type(order).kind in "iu"
    return _polygamma(int(order) if whole else n, x)


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import scipy.special
    except ImportError as error:
        raise AttributeError(f"{__name__}.{name} needs SciPy: pip install scipy") from error
    found = getattr(scipy.special, name, None)
    fun = getattr(found, "__wrapped__", found)
    if not isinstance(fun, np.ufunc):
        raise AttributeError(
            f"{__name__} offers the ufuncs of scipy.special, and {name!r} is not one of them"
        )
    if name in _COMPOSED_BY_SCIPY and not _has_rule(fun):
        raise AttributeError(f"{name} has no derivative rule: scipy.special.{name} composes it")
    return fun


def _has_rule(ufunc: np.ufunc) -> bool:
    return ufunc in table or any(find(ufunc) for find in finders)
