"""The standard's dtypes, their limits and conversions, and the inspection of the namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.array_api._creation import CPU, asarray, check_device

_NAMES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
)

#: The dtypes by name, in the standard's order.
DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in _NAMES}


@dataclass(frozen=True)
class FloatInfo:
    """Result of :func:`finfo`, in Python numbers."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class IntegerInfo:
    """Result of :func:`iinfo`, in Python numbers."""

    bits: int
    max: int
    min: int
    dtype: np.dtype[Any]


def _dtype(of: Any) -> np.dtype[Any]:
    """Return a given dtype, or the dtype of a given array."""
    dtype: np.dtype[Any] = np.dtype(of if isinstance(of, type) else getattr(of, "dtype", of))
    return dtype


def finfo(of: Any, /) -> FloatInfo:
    """Return the limits of a floating-point dtype, or of an array's dtype.

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
    """Return the limits of an integer dtype, or of an array's dtype.

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
    """Return whether a dtype, or an array's, can be cast to another, as ``np.can_cast``.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.can_cast(xp.asarray([1.0]), xp.float32)
    False
    """
    return np.can_cast(_dtype(from_), to)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """Return the array in another dtype, recorded; its gradient has the old dtype.

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


class __array_namespace_info__:
    """The standard's inspection utilities: devices, dtypes and capabilities.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> info = xp.__array_namespace_info__()
    >>> info.default_dtypes()["real floating"]
    dtype('float64')
    >>> sorted(info.dtypes(kind="complex floating"))
    ['complex128', 'complex64']
    """

    def capabilities(self) -> dict[str, bool | int | None]:
        """Return what is supported: boolean indexing, value-dependent shapes, up to 64 axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """Return the device of new arrays."""
        return CPU

    def devices(self) -> list[str]:
        """Return the devices on which arrays can be created."""
        return [CPU]

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:
        """Return the default dtype of each kind of number."""
        check_device(device)
        return {
            "real floating": np.dtype(np.float64),
            "complex floating": np.dtype(np.complex128),
            "integral": np.dtype(np.int_),
            "indexing": np.dtype(np.intp),
        }

    def dtypes(
        self, *, device: Any = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, np.dtype[Any]]:
        """Return the dtypes by name: all, or those of a kind as in ``isdtype``."""
        check_device(device)
        if kind is None:
            return dict(DTYPES)
        return {name: dtype for name, dtype in DTYPES.items() if np.isdtype(dtype, kind)}
