"""``Batched``: an array that shows one example and holds those of all.

It answers NumPy's protocols, so it sits inside a Tensor like any other array: functions, the
engine and its rules run on it unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_core.batching.alignment import axis_behind
from autograd_core.batching.dispatch import call_function, call_primitive, same_for_all
from autograd_core.batching.indexing import get_item, set_item
from autograd_core.batching.ufuncs import call_method, call_ufunc
from autograd_core.engine import admission
from autograd_core.engine.operands import BatchedBase, batched
from autograd_core.engine.recording import TensorBase, name_of
from autograd_core.errors import VmapError
from autograd_core.tensors.numpy_dispatch import split_out


def _refuse(what: str, remedy: str) -> Callable[..., Any]:
    def method(self: Batched, *args: Any, **kwargs: Any) -> Any:
        raise VmapError(f"{what} of a value that differs over the examples of ag.vmap; {remedy}")

    return method


_CHOICE = "choose by np.where(condition, a, b), which takes an element of either for each example"
_NUMBER = "keep it as an array, and compute with NumPy's functions"


def _operator(ufunc: np.ufunc, swapped: bool = False) -> Callable[..., Any]:
    def operate(self: Batched, other: Any) -> Any:
        if isinstance(other, TensorBase):
            return NotImplemented
        return call_ufunc(ufunc, (other, self) if swapped else (self, other), {})

    return operate


def _in_place(ufunc: np.ufunc) -> Callable[..., Any]:
    """Return an augmented assignment: it writes through views, but a number is replaced."""

    def operate(self: Batched, other: Any) -> Any:
        return ufunc(self, other, out=self) if self.ndim else ufunc(self, other)

    return operate


def _part(name: str) -> property:
    def get(self: Batched) -> Any:
        return batched(getattr(self.examples, name), self.level)

    def write(self: Batched, value: Any) -> None:
        get(self)[...] = value

    return property(get, write)


def _unary(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda self: call_ufunc(ufunc, (self,), {})


def _as_method(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: call_function(function, (self, *args), kwargs)


class Batched(BatchedBase, results=True):
    """The values of all examples of a level, with the batch in front.

    Parameters
    ----------
    examples
        An array of shape ``(level.size, *shape)``; it may be batched itself, by an older level, or
        traced.
    level
        The run of ``vmap`` that it belongs to.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.vmap(lambda x: print(x, x.shape) or x + 1)(np.zeros((2, 3))).shape
    Batched(shape=(3,), dtype=float64, of 2 examples) (3,)
    (2, 3)
    """

    __slots__ = ()

    shape = property(lambda self: self.examples.shape[1:])
    ndim = property(lambda self: self.examples.ndim - 1)
    size = property(lambda self: math.prod(self.examples.shape[1:]))
    dtype = property(lambda self: self.examples.dtype)
    nbytes = property(lambda self: self.examples.nbytes)
    itemsize = property(lambda self: self.examples.dtype.itemsize)
    strides = property(lambda self: self.examples.strides[1:])
    flags = property(lambda self: self.examples.flags)

    @property
    def base(self) -> Any:
        """The array that owns the memory, the same for all views; a number is no view."""
        memory = self.examples
        while isinstance(memory, BatchedBase) or getattr(memory, "base", None) is not None:
            memory = memory.examples if isinstance(memory, BatchedBase) else memory.base
        return memory if self.ndim else None

    T = property(lambda self: self.transpose())
    mT = property(lambda self: self.swapaxes(-1, -2))
    real = _part("real")
    imag = _part("imag")
    flat = property(_refuse("flat", "write x.reshape(-1)[i], which is a view"))

    def apply_primitive(self, primitive: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        return call_primitive(primitive, args, kwargs)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        outs = kwargs.pop("out", ())
        if any(isinstance(a, TensorBase) for a in (*args, *outs)):
            return NotImplemented
        if method == "__call__" and ufunc.signature is None:
            return call_ufunc(ufunc, args, kwargs, outs)
        if outs:
            return _write_out(getattr(ufunc, method)(*args, **kwargs), outs[0], ufunc.__name__)
        if method == "__call__":
            return call_ufunc(ufunc, args, kwargs)
        return call_method(ufunc, method, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, TensorBase) for t in types):
            return NotImplemented
        args, kwargs, out = split_out(function, args, kwargs)
        if out is not None:
            return _write_out(function(*args, **kwargs), out, name_of(function))
        return call_function(function, args, kwargs, self)

    __bool__ = _refuse("bool(), or if,", _CHOICE)
    __contains__ = _refuse("`in`", "compare with np.any(x == value)")
    __float__, __int__, __complex__ = (
        _refuse(f"{kind}()", _NUMBER) for kind in ("float", "int", "complex")
    )
    item, tolist = _refuse("item()", _NUMBER), _refuse("tolist()", _NUMBER)
    __index__ = _refuse("an index, or a length,", "index an array by it, ag.tensor(table)[i]")
    __array__ = _refuse(
        "a conversion to one plain array (np.asarray, an index or a write of an ndarray, a "
        "function that does not dispatch)",
        "begin with np.zeros(n, like=x) or ag.tensor(array), and index a plain table as "
        "ag.tensor(table)[i]",
    )

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Batched(shape={self.shape}, dtype={self.dtype}, of {self.level.size} examples)"

    __getitem__ = get_item
    __setitem__ = set_item
    __hash__ = object.__hash__

    def astype(self, dtype: Any, copy: bool = True, **options: Any) -> Any:
        if not copy and self.dtype == dtype:
            return self
        return batched(self.examples.astype(dtype), self.level)

    def copy(self, order: str = "C") -> Any:
        return batched(self.examples.copy(), self.level)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def conj(self) -> Any:
        return batched(self.examples.conj(), self.level)

    conjugate = conj

    def reshape(self, *shape: Any, order: str = "C", copy: Any = None) -> Any:
        wanted = shape[0] if len(shape) == 1 else shape
        wanted = (wanted,) if isinstance(wanted, (int, np.integer)) else tuple(wanted)
        if order not in "CAK":
            turned = self.transpose().reshape(wanted[::-1])
            return turned.transpose()
        if -1 in wanted:
            wanted = np.empty(self.shape, bool).reshape(wanted).shape
        return batched(self.examples.reshape((self.examples.shape[0], *wanted)), self.level)

    def transpose(self, *axes: Any) -> Any:
        order = axes[0] if len(axes) == 1 else axes or None
        n = self.ndim
        order = range(n)[::-1] if order is None else order
        behind = [axis_behind(a, n) for a in order]
        return batched(self.examples.transpose((0, *behind)), self.level)

    def swapaxes(self, a: int, b: int) -> Any:
        n = self.ndim
        return batched(self.examples.swapaxes(axis_behind(a, n), axis_behind(b, n)), self.level)

    def flatten(self, order: str = "C") -> Any:
        return self.reshape(-1, order=order).copy()

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None) -> None:
        self[...] = np.sort(self, axis, kind, order)

    def partition(self, kth: Any, axis: int = -1, kind: Any = "introselect") -> None:
        self[...] = np.partition(self, kth, axis, kind)

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Do nothing: results are shared by reference alone."""


def _write_out(result: Any, out: Any, name: str) -> Any:
    """Write a result into an array that was given by ``out=``."""
    if not isinstance(out, Batched):
        raise same_for_all(f"{name} with out=")
    if np.shape(result) != out.shape or not np.can_cast(result.dtype, out.dtype, "same_kind"):
        raise ValueError(
            f"{name} gives {result.dtype} of shape {np.shape(result)}, which out= of "
            f"{out.dtype} and shape {out.shape} cannot take"
        )
    out[...] = result
    return out


for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide,
    "floordiv": np.floor_divide, "mod": np.remainder, "pow": np.power, "matmul": np.matmul,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    "lshift": np.left_shift, "rshift": np.right_shift, "divmod": np.divmod,
}.items():  # fmt: skip
    setattr(Batched, f"__{_name}__", _operator(_ufunc))
    setattr(Batched, f"__r{_name}__", _operator(_ufunc, swapped=True))
    setattr(Batched, f"__i{_name}__", _in_place(_ufunc))
for _name, _ufunc in {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal,
}.items():  # fmt: skip
    setattr(Batched, f"__{_name}__", _operator(_ufunc))
for _name, _ufunc in {
    "neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert,
}.items():  # fmt: skip
    setattr(Batched, f"__{_name}__", _unary(_ufunc))
for _function in (
    *(np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min, np.all, np.any, np.ptp),
    *(np.argmax, np.argmin, np.argsort, np.cumsum, np.cumprod, np.clip, np.diagonal, np.dot),
    *(np.ravel, np.repeat, np.round, np.searchsorted, np.squeeze, np.take, np.trace),
    *(np.nonzero, np.choose, np.compress, np.put),
):
    setattr(Batched, _function.__name__, _as_method(_function))
Batched.__hash__ = object.__hash__  # type: ignore[method-assign, assignment]

admission._ways[Batched] = None
