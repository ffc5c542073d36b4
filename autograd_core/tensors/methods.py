"""ndarray's methods on Tensors, each the NumPy function of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.engine.array_types import writes_output
from autograd_core.engine.primitive import OUR_WORDS, Primitive, primitive_of
from autograd_core.engine.recording import apply, is_recording, run_plain, run_unrecorded
from autograd_core.engine.views import follow
from autograd_core.errors import InPlaceError, NotDifferentiableError


@writes_output
def _gather(x: Any, *, index: Any) -> Any:
    return x[index]


def _getitem(x: Any, *, index: Any) -> Any:
    try:
        return x[index]
    except NotImplementedError:  # Dask takes one list of places at a time
        return _gather(x, index=index)


@writes_output
def _setitem(x: Any, value: Any, *, index: Any) -> Any:
    if isinstance(x, np.generic):
        out = np.array(x)
    else:  # in the same order in memory, so that reshape does the same
        out = x.copy("K") if type(x) is np.ndarray else x.copy()
    out[index] = value
    return out if x.ndim else out[()]


def _write_view(x: Any, value: Any, *, steps: Any, layout: Any) -> Any:
    out = x.transpose(layout).copy().transpose(np.argsort(layout)) if layout else x.copy()
    follow(steps, out)[...] = value
    return out


def _astype(x: Any, *, dtype: Any) -> Any:
    return x.astype(dtype)


def _copy(x: Any) -> Any:
    return x.copy()


#: Operations that NumPy spells without a function; their rules are in ``rules/``.
getitem = Primitive(_getitem, "getitem", kind="view")
setitem = Primitive(_setitem, "setitem")
write_view = Primitive(_write_view, "write_view")
astype = Primitive(_astype, "astype", kind="view")
copied = Primitive(_copy, "copy", kind="view")

if TYPE_CHECKING:
    from autograd_core.tensors.tensor import Tensor

Method = Callable[..., "Tensor"]


def _method(fun: Callable[..., Any]) -> Method:
    entry = primitive_of(fun)
    names = entry.parameters
    before_out = names.index("out") if "out" in names else len(names)

    def method(self: Any, *args: Any, **kwargs: Any) -> Tensor:
        if kwargs and not OUR_WORDS.keys().isdisjoint(kwargs):
            entry.refuse_unknown(kwargs)
        if "out" in kwargs or "initial" in kwargs or len(args) >= before_out or entry.rules is None:
            return fun(self, *args, **kwargs)  # type: ignore[no-any-return]
        return apply(entry, (self, *args), kwargs)  # type: ignore[no-any-return]

    method.__name__ = entry.name
    method.__doc__ = f"Return ``np.{entry.name}(t, ...)``."
    return method


def _plain(name: str) -> Method:
    def method(self: Any, *args: Any, **kwargs: Any) -> Tensor:
        of_array = getattr(type(self._array), name)
        return run_plain(of_array, (self, *args), kwargs, name)  # type: ignore[no-any-return]

    method.__name__ = name
    method.__doc__ = f"Return ndarray.{name}, unrecorded: it has no gradient."
    return method


class ArrayMethods:
    """The methods of an ndarray that make sense on a recorded value."""

    __slots__ = ()

    _array: Any

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

    def reshape(self, *shape: Any, order: str = "C") -> Tensor:
        """Reshape as ``np.reshape`` does; the shape is a tuple or separate numbers."""
        target = shape[0] if len(shape) == 1 else shape
        if isinstance(target, (int, np.integer)):
            target = (target,)
        options = {} if order == "C" else {"order": order}
        return apply(primitive_of(np.reshape), (self, target), options)  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> Tensor:
        """Permute the axes as ``np.transpose`` does; the axes are a tuple or separate numbers."""
        order = axes[0] if len(axes) == 1 else axes or None
        return apply(primitive_of(np.transpose), (self, order), {})  # type: ignore[no-any-return]

    def flatten(self, order: str = "C") -> Tensor:
        """Return a copy with one axis."""
        return (self.ravel() if order == "C" else self.ravel(order)).copy()

    def copy(self, order: str = "C") -> Tensor:
        """Return a copy of the values, recorded."""
        return apply(copied, (self,), {})  # type: ignore[no-any-return]

    def astype(self, dtype: Any, copy: bool = True) -> Tensor:
        """Return the values in another dtype; the gradient has the original one.

        Integers and booleans are piecewise constant: an unrecorded result, without gradient.
        """
        if not copy and np.dtype(dtype) == self._array.dtype:
            return self  # type: ignore[return-value]
        if np.dtype(dtype).kind == "O" and is_recording(self):
            raise NotDifferentiableError(
                "astype(object) of a recorded Tensor would lose its gradient; list(t) holds its "
                "elements as Tensors, and t.detach() leaves the graph"
            )
        if np.dtype(dtype).kind not in "fc":
            return run_unrecorded(astype, (self,), {"dtype": dtype})  # type: ignore[no-any-return]
        return apply(astype, (self,), {"dtype": np.dtype(dtype)})  # type: ignore[no-any-return]

    @property
    def T(self) -> Tensor:
        """The transpose, all axes reversed."""
        return apply(primitive_of(np.transpose), (self,), {})  # type: ignore[no-any-return]

    @property
    def mT(self) -> Tensor:
        """The transpose of the last two axes."""
        if self._array.ndim < 2:
            raise ValueError(f".mT needs two axes or more, got shape {self._array.shape}")
        return apply(primitive_of(np.swapaxes), (self, -1, -2), {})  # type: ignore[no-any-return]

    @property
    def real(self) -> Tensor:
        """The real part."""
        return apply(primitive_of(np.real), (self,), {})  # type: ignore[no-any-return]

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Tensor:
        """The imaginary part."""
        return apply(primitive_of(np.imag), (self,), {})  # type: ignore[no-any-return]

    @imag.setter
    def imag(self, value: Any) -> None:
        self.imag[...] = value

    def sort(self, axis: int = -1) -> None:
        """Raise: ndarray.sort works in place. Use ``np.sort(t)``."""
        raise InPlaceError("t.sort() works in place; write s = np.sort(t)")
