"""Where arrays are: of which dtype, and in which library of arrays (NumPy, CuPy, ...)."""

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

import autograd_core as ag


def conversion(target: Any) -> Callable[[Any], Any]:
    """Return the function of an array that gives it a dtype, or moves it to a library of arrays.

    Parameters
    ----------
    target
        A floating-point dtype, to which arrays of numbers with fractions are cast; or a module
        whose ``asarray`` makes its arrays: ``cupy``, or ``numpy`` for the way back.

    Raises
    ------
    TypeError
        For anything else.
    """
    if target is np:
        return ag.to_host
    if isinstance(target, ModuleType) and hasattr(target, "asarray"):
        return target.asarray  # type: ignore[no-any-return]
    words = str(target).partition(":")[0]
    if words in ("cuda", "gpu", "cpu", "mps"):
        raise TypeError(
            f"a model is moved by the library of its arrays, got {target!r}: model.to(cupy) for a "
            "GPU of NVIDIA, model.to(np) for the way back"
        )
    dtype = np.dtype(target)
    if dtype.kind not in "fc":
        raise TypeError(
            f"parameters are floating-point numbers and cannot be cast to {dtype}; "
            "use a dtype such as np.float32"
        )
    return lambda a: a.astype(dtype) if a.dtype.kind in "fc" else a


def memory_of(a: Any) -> Any:
    """Return the array in a Tensor, of all examples of a batch."""
    a = a.data if isinstance(a, ag.Tensor) else a
    while hasattr(a, "examples"):
        a = a.examples
    return a


def is_array(a: Any) -> bool:
    """Return whether a value is an array, of NumPy or of another library, and no Tensor."""
    return hasattr(type(a), "__array_function__") and not isinstance(a, ag.Tensor)


def plain_array(a: Any) -> np.ndarray[Any, Any]:
    """Return an array of another library as it is, and anything else as an ndarray."""
    foreign = is_array(a) and not isinstance(a, np.ndarray)
    found: np.ndarray[Any, Any] = a if foreign else np.asarray(a)
    return found


def as_of(a: Any, like: Any) -> Any:
    """Return a constant as an array of the library of another array, a Tensor or a batch."""
    like = memory_of(like)
    if isinstance(like, (np.ndarray, np.generic)):
        return ag.to_host(a) if is_array(a) and not isinstance(a, np.ndarray) else a
    there = isinstance(like, ag.Operand) or not isinstance(a, np.ndarray)
    return a if there else np.asarray(a, like=like)


def device_of(parameters: Iterable[Any]) -> Any:
    """Return an array of the library that parameters are of; None for NumPy's."""
    first = next(iter(parameters), None)
    return None if first is None or isinstance(first.data, (np.ndarray, np.generic)) else first.data


def moved(batch: Any, like: Any) -> Any:
    """Return a batch, an array or a tuple, list or dict of them, in the library of an array."""
    if isinstance(batch, Mapping):
        return {key: moved(value, like) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        members = [moved(value, like) for value in batch]
        return type(batch)(*members) if hasattr(batch, "_fields") else type(batch)(members)
    return as_of(batch, like)
