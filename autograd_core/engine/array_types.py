"""What differs between array types: the few operations for which NumPy has no common spelling.

Rules are NumPy's functions, operators and methods, and so run on any array that answers NumPy's
protocols.  Three things have no such form, and stand here:

* :func:`to_host`: the values of an array, now, in this machine's memory (for what depends on
  values: which elements are unique, where a polynomial ends);
* :func:`beside`: a constant that was made here, taken to where another array is;
* :func:`imperative`: a function that writes into a fresh array.  CuPy runs it as it stands; for
  arrays that cannot be written it is given whole blocks, by an adapter in :data:`adapters`.

Examples
--------
An array type that needs another way registers it, under the first part of its module's name:

>>> from autograd_core.engine.array_types import adapters
>>> sorted(adapters)
['dask']
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.recording import Handle, raw


def is_host(a: Any) -> bool:
    """Whether it is an ndarray, or a number of NumPy or Python."""
    return isinstance(a, (np.ndarray, np.generic, int, float, complex))


def to_host(a: Any) -> Any:
    """The values as an ndarray: by the explicit conversion of the array's own type."""
    a = raw(a)
    if isinstance(a, np.ndarray):
        return a
    if not isinstance(a, (list, tuple)):
        for conversion in ("get", "compute"):  # CuPy, Dask
            if hasattr(a, conversion):
                return np.asarray(getattr(a, conversion)())
    return np.asarray(a)


def is_lazy(a: Any) -> bool:
    """Whether its values would have to be computed to be known (Dask)."""
    return hasattr(raw(a), "compute")


def any_of(mask: Any) -> bool:
    """Whether a mask holds anywhere; of a lazy one that may be, and must be provided for."""
    return is_lazy(mask) or bool(raw(mask).any())


def beside(constant: Any, a: Any) -> Any:
    """An ndarray that was computed here, as an array of the type of ``a``."""
    a = raw(a)
    if is_host(a) or not isinstance(constant, (np.ndarray, np.generic)):
        return constant
    return np.asarray(constant, like=a)


def imperative(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a forward function that writes into a fresh array of its first argument's type."""

    @functools.wraps(fun)
    def call(first: Any, *args: Any, **kwargs: Any) -> Any:
        if type(first) is not np.ndarray and not isinstance(first, Handle):
            adapter = adapters.get(type(first).__module__.partition(".")[0])
            if adapter is not None:
                return adapter(fun, first, *args, **kwargs)
        return fun(first, *args, **kwargs)

    return call


def _dask(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run lazily on whole arrays: each becomes one block, and the result is one block."""
    import dask.array as da
    from dask.delayed import delayed

    def is_lazy(a: Any) -> bool:
        return isinstance(a, da.Array)

    zeros = [np.zeros(a.shape, a.dtype) if is_lazy(a) else a for a in args]
    shown = fun(*zeros, **kwargs)  # what shape and dtype it has
    task = delayed(fun, pure=True)(*args, **kwargs)
    return da.from_delayed(task, shown.shape, shown.dtype)


#: How to run a function that writes, by the first part of the module's name of an array's type.
adapters: dict[str, Callable[..., Any]] = {"dask": _dask}
