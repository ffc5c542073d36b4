"""ndarray's methods on Tensors, each the NumPy function of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.array_types import imperative
from autograd_core.engine.primitive import Primitive, primitive_of
from autograd_core.engine.recording import Handle, apply, raw, wrapped
from autograd_core.errors import InPlaceError


@imperative
def _gather(x: Any, *, index: Any) -> Any:
    return x[index]


def _getitem(x: Any, *, index: Any) -> Any:
    try:
        return x[index]
    except NotImplementedError:  # Dask takes one list of places at a time
        return _gather(x, index=index)


@imperative
def _setitem(x: Any, value: Any, *, index: Any) -> Any:
    out = np.array(x) if isinstance(x, np.generic) else x.copy()
    out[index] = value
    return out if x.ndim else out[()]


def _astype(x: Any, *, dtype: Any) -> Any:
    return x.astype(dtype)


def _copy(x: Any) -> Any:
    return x.copy()


#: Operations that NumPy spells without a function; their rules stand in ``rules/``.
getitem = Primitive(_getitem, "getitem")
setitem = Primitive(_setitem, "setitem")
astype = Primitive(_astype, "astype")
copied = Primitive(_copy, "copy")

Method = Callable[..., Any]


def _method(fun: Callable[..., Any]) -> Method:
    entry = primitive_of(fun)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if "out" in kwargs or not entry.differentiable:
            return fun(self, *args, **kwargs)
        return apply(entry, (self, *args), kwargs)

    method.__name__ = entry.name
    method.__doc__ = f"As ``np.{entry.name}(t, ...)``."
    return method


def _plain(name: str) -> Method:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return wrapped(getattr(self._data, name)(*raw(args), **raw(kwargs)))

    method.__name__ = name
    method.__doc__ = f"ndarray.{name}: a plain result, without gradient."
    return method


class ArrayMethods(Handle):
    """The methods of an ndarray that make sense on a recorded value."""

    __slots__ = ()

    sum = _method(np.sum)
    prod = _method(np.prod)
    mean = _method(np.mean)
    var = _method(np.var)
    std = _method(np.std)
    max = _method(np.max)
    min = _method(np.min)
    cumsum = _method(np.cumsum)
    cumprod = _method(np.cumprod)
    clip = _method(np.clip)
    dot = _method(np.dot)
    trace = _method(np.trace)
    diagonal = _method(np.diagonal)
    ravel = _method(np.ravel)
    repeat = _method(np.repeat)
    squeeze = _method(np.squeeze)
    swapaxes = _method(np.swapaxes)
    take = _method(np.take)
    conj = conjugate = _method(np.conjugate)

    all = _plain("all")
    any = _plain("any")
    argmax = _plain("argmax")
    argmin = _plain("argmin")
    argsort = _plain("argsort")
    nonzero = _plain("nonzero")
    round = _plain("round")
    searchsorted = _plain("searchsorted")

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """As ``np.reshape``; the shape as a tuple or as separate numbers."""
        target = shape[0] if len(shape) == 1 else shape
        if isinstance(target, (int, np.integer)):
            target = (target,)
        options = {} if order == "C" else {"order": order}
        return apply(primitive_of(np.reshape), (self, target), options)

    def transpose(self, *axes: Any) -> Any:
        """As ``np.transpose``; the axes as a tuple or as separate numbers."""
        order = axes[0] if len(axes) == 1 else axes or None
        return apply(primitive_of(np.transpose), (self, order), {})

    def flatten(self, order: str = "C") -> Any:
        """A copy with one axis."""
        return (self.ravel() if order == "C" else self.ravel(order)).copy()

    def copy(self, order: str = "C") -> Any:
        """A copy of the values, recorded."""
        return apply(copied, (self,), {})

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """The values in another dtype; a gradient comes back in this one.

        Integers and booleans are piecewise constant: a plain result, without gradient.
        """
        if not copy and np.dtype(dtype) == self._data.dtype:
            return self
        if np.dtype(dtype).kind not in "fc":
            return wrapped(self._data.astype(dtype))
        return apply(astype, (self,), {"dtype": np.dtype(dtype)})

    @property
    def T(self) -> Any:
        """The transpose, all axes reversed."""
        return apply(primitive_of(np.transpose), (self,), {})

    @property
    def mT(self) -> Any:
        """The transpose of the last two axes."""
        if self._data.ndim < 2:
            raise ValueError(f".mT needs two axes or more, got shape {self._data.shape}")
        return apply(primitive_of(np.swapaxes), (self, -1, -2), {})

    @property
    def real(self) -> Any:
        """The real part."""
        return apply(primitive_of(np.real), (self,), {})

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return apply(primitive_of(np.imag), (self,), {})

    def sort(self, axis: int = -1) -> None:
        """Refused: ndarray.sort works in place. Use ``np.sort(t)``."""
        raise InPlaceError("t.sort() works in place; write s = np.sort(t)")
