"""Functions of ``scipy.special`` that are Python and convert their arguments to ndarrays.

The ufuncs of ``scipy.special`` (``erf``, ``gammaln``, ``expit``, ...) answer Tensors by themselves.
These four do not dispatch; they are defined here with the same names and arguments.  The ufuncs are
found here too (``ag.special.gammaln`` is SciPy's), so that one import serves both.  (Under
``SCIPY_ARRAY_API=1`` SciPy's own ``logsumexp``, ``softmax`` and ``log_softmax`` take Tensors, too.)

Examples
--------
>>> import numpy as np, autograd_core as ag
>>> x = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> ag.special.logsumexp(x).backward()
>>> bool(np.allclose(x.grad.data, ag.special.softmax(x.data)))
True
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import unwrap
from autograd_core.rules.common import as_array, floating

Axis = int | tuple[int, ...] | None


def _polygamma(x: Any, *, n: int) -> Any:
    from scipy import special

    return special.polygamma(n, x).astype(x.dtype)


_polygamma_of = Primitive(_polygamma, "polygamma")
_polygamma_of.defvjp(lambda g, _out, x, *, n: g * _polygamma_of(x, n=n + 1), elementwise=True)
_polygamma_of.defbatch(lambda _size, _batched, x, *, n: _polygamma(x, n=n))


def polygamma(n: int, x: Any) -> Any:
    """Return the n-th derivative of digamma (NIST DLMF 5.15); needs SciPy.

    Parameters
    ----------
    n : int
        The order, 0 or more; 0 is digamma.
    x : array of real floating-point numbers

    Returns
    -------
    array
        Of the shape and dtype of ``x``; its derivative by ``x`` is that of order n + 1.

    Examples
    --------
    >>> import autograd_core as ag
    >>> round(float(ag.special.polygamma(1, 1.0)), 6)  # pi^2 / 6
    1.644934
    """
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise ValueError(f"polygamma takes a whole number n >= 0, got {n!r}")
    return _polygamma_of(floating(as_array(x)), n=int(n))


def _shifted(x: Any, axis: Axis) -> tuple[Any, Any]:
    """Return x minus its largest finite value along the axes, and that value (a constant)."""
    values = unwrap(x)
    top = values.real.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0).astype(top.dtype)
    return x - top, top


def logsumexp(a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum(b exp(a))) without overflow.

    Parameters
    ----------
    a : array
        The exponents.
    axis : int, tuple of int, or None for all
    b : array, optional
        Factors, broadcast against ``a``; the sum must be positive.
    keepdims : bool
        Keep the summed axes, of length 1.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(lambda x: ag.special.logsumexp(x))(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    a = floating(as_array(a))
    if b is None and a.dtype.kind == "f":
        reduce: Any = np.logaddexp.reduce
        return reduce(a, axis, keepdims=keepdims)
    shifted, top = _shifted(a, axis)
    terms = np.exp(shifted) if b is None else as_array(b) * np.exp(shifted)
    out = np.log(terms.sum(axis=axis, keepdims=True)) + top
    if keepdims:
        return out
    axes = tuple(range(out.ndim)) if axis is None else axis
    return out.squeeze(axes)


def softmax(x: Any, axis: Axis = None) -> Any:
    """Return exp(x) / sum(exp(x)) along the axes.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.special.softmax(np.array([0.0, np.log(3.0)]))
    array([0.25, 0.75])
    """
    e = np.exp(_shifted(floating(as_array(x)), axis)[0])
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x: Any, axis: Axis = None) -> Any:
    """Return the logarithm of :func:`softmax`, exact where that underflows.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.special.log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    shifted, _ = _shifted(floating(as_array(x)), axis)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return a ufunc of ``scipy.special``."""
        if not name.startswith("_"):
            try:
                from scipy import special
            except ImportError:
                special = None
            found = getattr(special, name, None)
            if isinstance(found, np.ufunc):
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
