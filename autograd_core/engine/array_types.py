"""The few operations for which the array types that speak NumPy's protocols differ.

Rules are NumPy's functions, operators and methods, and so run on any array that answers NumPy's
protocols.  Three operations have no such form and are defined here:

* :func:`to_host`: the values of an array, now, in this machine's memory (for what depends on
  values: which elements are unique, where a polynomial ends);
* :func:`asarray_like`: a constant that was computed here, as an array of another's type;
* :func:`writes_output`: a decorator for functions that write into a fresh array.  CuPy runs them
  as they are; for arrays that cannot be written an adapter in :data:`adapters` runs them on
  whole blocks.

Examples
--------
An array type that needs another way registers it, under the first part of its module's name:

>>> from autograd_core.engine.array_types import adapters
>>> sorted(adapters)
['dask']
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.operands import BatchedBase, all_examples
from autograd_core.engine.recording import TensorBase, unwrap


def is_host(a: Any) -> bool:
    """Return whether a value is an ndarray, or stands for one, or is a number."""
    numbers = (np.ndarray, np.generic, int, float, complex)
    return isinstance(a, numbers) or getattr(a, "is_traced", False) is True


def to_host(a: Any) -> Any:
    """Return the values of an array, or of a Tensor, as an ndarray in this machine's memory.

    Parameters
    ----------
    a
        An array of NumPy, which is returned itself; one with a conversion of its own (``get`` of
        CuPy, ``compute`` of Dask); a Tensor of these; or what ``np.asarray`` takes.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.to_host(ag.tensor([1.0, 2.0]))
    array([1., 2.])
    """
    a = unwrap(a)
    if isinstance(a, (np.ndarray, BatchedBase)):
        return a
    if hasattr(type(a), "__array_function__"):
        for conversion in ("get", "compute"):  # CuPy, Dask
            if hasattr(a, conversion):
                return np.asarray(getattr(a, conversion)())
    return np.asarray(a)


def host_values(a: Any) -> Any:
    """Return the values of all examples as an ndarray, for people and pictures."""
    return to_host(all_examples(unwrap(a)))


def is_lazy(a: Any) -> bool:
    """Return whether the values must be computed before they are known (Dask)."""
    return hasattr(unwrap(a), "compute")


def any_of(mask: Any) -> bool:
    """Return whether a mask is True anywhere; assumed of a lazy one, whose values are not known."""
    return is_lazy(mask) or any_now(mask)


def any_now(mask: Any) -> bool:
    """Return whether a mask is True anywhere; the values of a lazy one are computed."""
    mask = to_host(mask) if is_lazy(mask) else unwrap(mask)
    return bool(np.any(all_examples(mask)))


def asarray_like(constant: Any, a: Any) -> Any:
    """Return an ndarray that was computed here as an array of the type of ``a``."""
    a = unwrap(a)
    if is_host(a) or not isinstance(constant, (np.ndarray, np.generic)):
        return constant
    return np.asarray(constant, like=a)


def writes_output(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a forward function that writes into a fresh array of its first argument's type."""

    @functools.wraps(fun)
    def call(first: Any, *args: Any, **kwargs: Any) -> Any:
        if type(first) is not np.ndarray and not isinstance(first, TensorBase):
            adapter = adapters.get(type(first).__module__.partition(".")[0])
            if adapter is not None:
                return adapter(fun, first, *args, **kwargs)
        return fun(first, *args, **kwargs)

    return call


def _dask(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run lazily on whole arrays: each becomes one block, and the result is one block."""
    import dask.array as da
    from dask.delayed import delayed

    zeros = [np.zeros(a.shape, a.dtype) if isinstance(a, da.Array) else a for a in args]
    shown = fun(*zeros, **kwargs)  # for its shape and dtype
    task = delayed(fun, pure=True)(*args, **kwargs)
    return da.from_delayed(task, shown.shape, shown.dtype)


#: How to run a function that writes, by the first part of the module's name of an array's type.
adapters: dict[str, Callable[..., Any]] = {"dask": _dask}
