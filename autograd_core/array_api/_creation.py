"""Arrays from numbers, shapes and other arrays, and the device they are created on.

None of NumPy's constructors of a shape dispatches, so each has a wrapper here.  A recorded Tensor
among the arguments stays recorded (``asarray``, ``full``, ``linspace``) or raises.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.graph import UNTRACKED
from autograd_core.engine.recording import (
    TensorBase,
    is_recording,
    make_tensor,
    stack_nested,
    unwrap,
    wrap,
)
from autograd_core.errors import ConversionError
from autograd_core.tensors.inplace import unboxed

#: The device of everything that NumPy holds, and of everything that this namespace creates.
CPU = "cpu"


def check_device(device: Any) -> None:
    """Raise unless a device is None or the one of this namespace."""
    if device is not None and device != CPU:
        raise ValueError(
            f"new arrays are NumPy's, on the device {CPU!r}; got device={device!r}. Make the array "
            "from one on that device (zeros_like, full_like, ...), or move it with t.to_device"
        )


def _tensor(array: Any) -> Any:
    """Return a Tensor of a new array, or one that shares the array."""
    if array.dtype.kind not in "biufcSUMm":
        raise TypeError(
            f"expected numbers, got an object that NumPy takes for dtype {array.dtype} (rows of "
            "unequal length?)"
        )
    return make_tensor(unboxed(array), UNTRACKED)


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    """Return a Tensor of a Tensor (itself), an array, numbers, or nested lists of these.

    Parameters
    ----------
    obj
        A Tensor is returned itself, recorded if it was.  An array is shared, not copied, unless
        the dtype changes.  Tensors in nested lists are stacked, recorded.
    dtype
        By default, the dtype that NumPy infers from the values.
    device
        None, or ``"cpu"``.
    copy
        True always copies (a recorded Tensor into a recorded one); False raises where a copy cannot
        be avoided; None copies only where that is necessary.

    Raises
    ------
    ValueError
        With ``copy=False``, if another dtype or a list needs a copy.

    Examples
    --------
    >>> import autograd_core as ag, autograd_core.array_api as xp
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> xp.asarray(x) is x
    True
    >>> xp.asarray([[x[0], 0.0], [0.0, x[1]]])
    Tensor([[1., 0.],
            [0., 2.]], float64, made by stack)
    """
    if not isinstance(obj, TensorBase) or device != getattr(obj, "device", None):
        check_device(device)
    if isinstance(obj, (list, tuple)):
        if is_recording(obj) and copy is not False:
            obj, copy = stack_nested(obj), None
        obj = unwrap(obj) if not isinstance(obj, TensorBase) else obj
    if isinstance(obj, TensorBase) or _foreign(obj):
        return _as_it_is(obj, dtype, copy)
    if hasattr(obj, "__dlpack__") and not hasattr(obj, "__array__"):
        obj = np.from_dlpack(obj)
    return _tensor(np.array(obj, dtype=dtype, copy=copy))


def _foreign(obj: Any) -> bool:
    """Return whether an object is another library's array that answers NumPy's protocols."""
    return not isinstance(obj, np.ndarray) and hasattr(type(obj), "__array_function__")


def _as_it_is(obj: Any, dtype: Any, copy: bool | None) -> Any:
    """Return a Tensor of a Tensor or another library's array, which need no conversion."""
    change = dtype is not None and np.dtype(dtype) != obj.dtype
    if change and copy is False:
        raise ValueError(
            f"asarray with copy=False cannot turn {obj.dtype} into {np.dtype(dtype)}; leave copy= "
            "or dtype= out"
        )
    if change:
        obj = obj.astype(dtype)
    elif copy:
        obj = obj.copy()
    return obj if isinstance(obj, TensorBase) else _tensor(obj)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """Return a Tensor that shares the memory of another library's array.

    Parameters
    ----------
    x
        An object with ``__dlpack__``, such as a ``torch.Tensor``, of any shape.
    device
        None, or ``"cpu"``.
    copy
        True copies; False and None share the memory where the producer can.

    Raises
    ------
    ConversionError
        For a Tensor that needs gradients: DLPack carries values only.

    Examples
    --------
    >>> import numpy as np, autograd_core.array_api as xp
    >>> xp.from_dlpack(np.arange(3.0))
    Tensor([0., 1., 2.], float64)
    """
    check_device(device)
    array = np.from_dlpack(x)
    return _tensor(array.copy() if copy else array)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return a Tensor of a shape with undefined values."""
    check_device(device)
    return _tensor(np.empty(shape, dtype))


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return zeros of a shape; float64 by default.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.zeros(2, dtype=xp.int8)
    Tensor([0, 0], int8)
    """
    check_device(device)
    return _tensor(np.zeros(shape, dtype))


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return ones of a shape; float64 by default."""
    check_device(device)
    return _tensor(np.ones(shape, dtype))


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return one value throughout a shape; the gradient of the value is the sum over the shape.

    Examples
    --------
    >>> import autograd_core as ag, autograd_core.array_api as xp
    >>> x = ag.tensor(2.0, requires_grad=True)
    >>> xp.sum(xp.full((2, 3), x)).backward()
    >>> x.grad
    Tensor(6., float64)
    """
    check_device(device)
    if is_recording(fill_value):
        filled = np.broadcast_to(fill_value, shape)
        return filled if dtype is None else filled.astype(dtype, copy=False)
    return _tensor(np.full(shape, unwrap(fill_value), dtype))


def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return one value throughout the shape and in the dtype of ``x``; see :func:`full`."""
    if is_recording(fill_value):
        return full(x.shape, fill_value, dtype=x.dtype if dtype is None else dtype, device=device)
    return wrap(np.full_like(unwrap(x), unwrap(fill_value), dtype=dtype, device=device))


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None
) -> Any:
    """Return numbers from ``start`` (or 0) up to but without ``stop``, in steps.

    Raises
    ------
    ConversionError
        If a bound is a recorded Tensor, because the length of the result depends on it.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.arange(1, 7, 2)
    Tensor([1, 3, 5], int64)
    """
    check_device(device)
    if is_recording(start, stop, step):
        raise ConversionError(
            "xp.arange of a recorded Tensor would lose its gradient; write start + step * "
            "xp.arange(n) with a number n, or xp.linspace(start, stop, num)"
        )
    return _tensor(np.arange(unwrap(start), unwrap(stop), unwrap(step), dtype=dtype))


def linspace(
    start: Any,
    stop: Any,
    /,
    num: int,
    *,
    dtype: Any = None,
    device: Any = None,
    endpoint: bool = True,
) -> Any:
    """Return ``num`` evenly spaced numbers from ``start`` to ``stop``, which may be recorded.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.linspace(0, 1, 3)
    Tensor([0. , 0.5, 1. ], float64)
    """
    check_device(device)
    return wrap(np.linspace(start, stop, num, endpoint=endpoint, dtype=dtype))


def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: Any = None,
    device: Any = None,
) -> Any:
    """Return a matrix of zeros with ones on the ``k``-th diagonal."""
    check_device(device)
    return _tensor(np.eye(n_rows, n_cols, k, dtype))
