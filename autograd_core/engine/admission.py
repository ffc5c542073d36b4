"""Decide what may sit inside a Tensor: the one test of everything that is not a plain array.

An array type qualifies by its behaviour, not by its name: it answers both of NumPy's protocols,
aligns by position, multiplies element by element, and keeps NaN.  Its instances are kept as they
are (CuPy, Dask, arrays of ours).  What only converts (a pandas Series with the labels 0, 1, ...;
a memory map; another framework's tensor) becomes an ndarray, once, here.  The rest means something
else than NumPy by the same operators (labels, masks, units, matrix products), so it is refused.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.primitive import Operand

#: Types of values that are admitted as they are.
_PLAIN = (np.ndarray, int, float, complex, bool, str, bytes, list, tuple, dict, slice, range)

#: How to admit values of a type; None: as they are.
_ways: dict[type, Callable[[Any], Any] | None] = dict.fromkeys((*_PLAIN, type(None)))

#: What an array type is asked with.
_SAMPLE = np.array([[1.0, 2.0], [3.0, np.nan]])


def admit(value: Any) -> Any:
    """Return an operand as something that may sit inside a Tensor, or raise.

    Arrays that qualify, and whatever is no array (None, a string, a list), are returned as they
    are.

    Raises
    ------
    TypeError
        For an array-like value that means something else than NumPy by the same operators.

    Examples
    --------
    >>> import numpy as np
    >>> admit(np.ma.masked_array([1.0, 2.0], mask=[True, False]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    TypeError: MaskedArray: an array of this type cannot take part in a recorded computation: ...
    """
    kind = type(value)
    try:
        way = _ways[kind]
    except KeyError:
        way = _ways[kind] = _way_of(value)
    return value if way is None else way(value)


def _way_of(value: Any) -> Callable[[Any], Any] | None:
    """Return how values of the type of ``value`` are admitted."""
    kind = type(value)
    if isinstance(value, (np.generic, Operand)):
        return None
    if isinstance(value, np.ndarray):
        own = (kind.__array_ufunc__, kind.__array_function__) != (
            np.ndarray.__array_ufunc__,
            np.ndarray.__array_function__,
        )
        return _refuse if own or not _behaves(_SAMPLE.view(kind)) else _convert
    if isinstance(value, numbers.Number):
        return _number
    if hasattr(kind, "__array_ufunc__") and hasattr(kind, "__array_function__"):
        try:
            sample = np.asarray(_SAMPLE, like=value)
        except Exception:  # it does not make arrays, so it cannot be asked
            return _refuse
        return None if isinstance(value, type(sample)) and _behaves(sample) else _refuse
    if hasattr(kind, "__array__") or hasattr(kind, "__array_ufunc__"):
        return _convert_by_position
    if hasattr(kind, "toarray"):  # SciPy's sparse arrays
        return _refuse
    return None


def _behaves(a: Any) -> bool:
    """Return whether a sample aligns by position, multiplies by element and keeps NaN."""
    plain = _SAMPLE
    with np.errstate(all="ignore"):
        try:
            pairs = [
                (a[::-1] * a, plain[::-1] * plain),
                (a.sum(), plain.sum()),
                ((a / 0.0).sum(0), (plain / 0.0).sum(0)),
            ]
            return all(
                np.array_equal(_values(x), y, equal_nan=True) and np.shape(x) == np.shape(y)
                for x, y in pairs
            )
        except Exception:
            return False


def _values(a: Any) -> Any:
    if hasattr(a, "get"):  # CuPy
        return a.get()
    if hasattr(a, "compute"):  # Dask, in this thread, which errstate reaches
        return a.compute(scheduler="sync")
    return a if isinstance(a, np.generic) else np.asarray(a)


def _number(value: Any) -> Any:
    """Return a Fraction or another exact number as the float that it is closest to."""
    exact = isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real)
    return complex(value) if exact else float(value)


def _convert(value: Any) -> Any:
    return np.asarray(value)


def _convert_by_position(value: Any) -> Any:
    """Convert what has no protocols of its own, if its labels say the same as its positions."""
    axes = getattr(value, "axes", None)
    labels = axes if isinstance(axes, list) else []
    if hasattr(value, "dims") or not all(
        len(a) == n and np.array_equal(a, np.arange(n))
        for a, n in zip(labels, np.shape(value), strict=False)
    ):
        _refuse(value)
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        _refuse(value)
    return array


def _refuse(value: Any) -> Any:
    """Raise for a value that NumPy's operators would treat otherwise than an array."""
    if isinstance(value, np.ma.MaskedArray):
        why, remedy = "its mask would be lost", "a.filled(value), and np.where for the mask"
    elif isinstance(value, np.matrix):
        why, remedy = "its * is a matrix product", "np.asarray(a), and @ for products"
    elif hasattr(value, "todense"):
        why, remedy = "it is sparse", "a.todense(), or a.toarray()"
    elif hasattr(value, "dims") or hasattr(value, "axes"):
        why, remedy = "it aligns by labels, not by position", "a.to_numpy() in the order you mean"
    else:
        why = "its operators do not do what NumPy's do on its values alone (units, labels, masks)"
        remedy = "np.asarray(a)"
    name = type(value).__name__
    raise TypeError(
        f"{name}: an array of this type cannot take part in a recorded computation: {why}. "
        f"Convert it first: {remedy}"
    )


def defers(value: Any) -> bool:
    """Return whether an operator defers to the other operand: neither number nor array (NEP 13)."""
    kind = type(value)
    if hasattr(kind, "__array_ufunc__"):
        return kind.__array_ufunc__ is None
    return not (
        isinstance(value, (list, tuple, numbers.Number))
        or hasattr(kind, "__array__")
        or hasattr(kind, "toarray")
    )
