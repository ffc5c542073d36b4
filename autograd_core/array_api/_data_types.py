"""The standard's dtypes and what is asked about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.array_api._creation import asarray
from autograd_core.array_api._device import check_device

_NAMES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
)

#: By name, in the standard's order.
DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in _NAMES}


@dataclass(frozen=True)
class FloatInfo:
    """What :func:`finfo` returns; the numbers are Python's."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class IntegerInfo:
    """What :func:`iinfo` returns; the numbers are Python's."""

    bits: int
    max: int
    min: int
    dtype: np.dtype[Any]


def _dtype(of: Any) -> np.dtype[Any]:
    """The dtype that is given, or that of the array that is."""
    dtype: np.dtype[Any] = np.dtype(of if isinstance(of, type) else getattr(of, "dtype", of))
    return dtype


def finfo(of: Any, /) -> FloatInfo:
    """Limits of a floating-point dtype, or of an array's.

    Parameters
    ----------
    of
        A real or complex floating-point dtype, or an array of one.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.finfo(xp.float32).bits
    32
    """
    info = np.finfo(_dtype(of))
    return FloatInfo(
        info.bits,
        float(info.eps),
        float(info.max),
        float(info.min),
        float(info.smallest_normal),
        np.dtype(info.dtype),
    )


def iinfo(of: Any, /) -> IntegerInfo:
    """Limits of an integer dtype, or of an array's.

    Parameters
    ----------
    of
        An integer dtype, or an array of one.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.iinfo(xp.asarray([1, 2], dtype=xp.int8)).max
    127
    """
    info = np.iinfo(_dtype(of))
    return IntegerInfo(info.bits, int(info.max), int(info.min), np.dtype(info.dtype))


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether a dtype, or that of an array, becomes another without loss, as ``np.can_cast``.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.can_cast(xp.asarray([1.0]), xp.float32)
    False
    """
    return np.can_cast(_dtype(from_), to)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """The values of an array in another dtype, recorded; a gradient comes back in the old one.

    Parameters
    ----------
    x
        An array of any shape.
    dtype
        The new dtype.
    copy
        False returns ``x`` itself where the dtype is already this one.
    device
        None, or where the array is.

    Raises
    ------
    TypeError
        From complex to real numbers, where half of the value and of the gradient would be lost;
        take ``xp.real(x)`` or ``xp.abs(x)``.

    Examples
    --------
    >>> import autograd_core as ag, autograd_core.array_api as xp
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> xp.astype(x, xp.float32)
    Tensor([1., 2.], float32, made by astype)
    """
    t = asarray(x)
    if device is not None and device != t.device:
        check_device(device)
        return astype(t, dtype, copy=copy).to_device(device)
    dtype = np.dtype(dtype)
    if t.dtype.kind == "c" and dtype.kind not in "cb":
        raise TypeError(
            f"astype from {t.dtype} to {dtype} would lose the imaginary part; take xp.real(x) or "
            "xp.abs(x) first"
        )
    return t.astype(dtype, copy=copy)
