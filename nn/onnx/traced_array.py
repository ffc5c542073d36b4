"""Symbol: an array that writes down what is computed with it, as ONNX.

It answers NumPy's two dispatch protocols and ``ag.primitive``, as a Tensor does, and holds the
values of one example, so that shapes, dtypes and results of the ordinary code are at hand.  What
would leave the graph (``bool``, ``float``, ``np.asarray``, an index, an assignment) raises:
a value that depends on the input can never become a constant of the exported file in silence.

A Symbol without a name is a constant (a parameter, or what is computed of parameters alone); it
behaves as its value does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nn.onnx.dispatch import REMEDY, Value, call
from nn.onnx.graph import ExportError


class _NoAttributeError(ExportError, AttributeError):
    pass


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``, as a function."""
    return x[index]


def astype(x: Any, dtype: Any) -> Any:
    """``x.astype(dtype)``, as a function."""
    return x.astype(dtype)


def _method(fun: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: call(fun, (self, *args), kwargs)


def _binary(ufunc: Any) -> tuple[Callable[..., Any], ...]:
    """An operator, its reflected form, and the augmented one, which rebinds, as a Tensor's does."""
    return (
        lambda self, other: call(ufunc, (self, other), {}),
        lambda self, other: call(ufunc, (other, self), {}),
        lambda self, other: self._becomes(call(ufunc, (self, other), {})),
    )


class Symbol(Value):
    """A value of the graph (it has a name), or a constant."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Symbol({self.name or 'constant'}, shape={self.shape}, {self.dtype})"

    # -- the protocols ------------------------------------------------------------------------

    def apply_primitive(self, primitive: Any, args: Any, kwargs: Any) -> Any:
        return call(primitive, args, kwargs)

    def __array_function__(self, fun: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return call(fun, args, kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", (None,))[0]
        if method == "reduce" and ufunc in _REDUCTIONS:
            result = call(_REDUCTIONS[ufunc], args, {"axis": 0, **kwargs})
        elif method == "__call__":
            result = call(ufunc, args, kwargs)
        else:
            raise ExportError(f"np.{ufunc.__name__}.{method} is not translated to ONNX. {REMEDY}")
        if out is None:
            return result
        if not isinstance(out, Symbol):
            raise ExportError(
                f"np.{ufunc.__name__} with out= would write what depends on the input into an "
                f"array of shape {np.shape(out)}; leave out= away"
            )
        return out._becomes(result)

    def _becomes(self, other: Any) -> Symbol:
        self.value, self.graph, self.name = other.value, other.graph, other.name
        return self

    def _constant(self, what: str) -> Any:
        if self.traced:
            table = (
                "To read a table by it: a Parameter of a module, self.table[ids], or nn.Embedding. "
            )
            raise ExportError(
                f"{what} needs a value that depends on the input (of shape {self.shape}, "
                f"{self.dtype}, made by {self.name!r}): the file would hold that of the example. "
                + (table if self.dtype.kind in "iu" else "")
                + REMEDY
            )
        return self.value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        what = "a conversion to an array (np.asarray, assignment, a function of no translation)"
        return np.array(self._constant(what), dtype=dtype)

    def __bool__(self) -> bool:
        return bool(self._constant("bool(x), as in `if x > 0:`,"))

    def __float__(self) -> float:
        return float(self._constant("float(x)"))

    def __int__(self) -> int:
        return int(self._constant("int(x)"))

    def __index__(self) -> int:
        return operator.index(self._constant("the use of x as a number of places"))

    def item(self, *index: int) -> Any:
        return self._constant("x.item()").item(*index)

    def tolist(self) -> Any:
        return self._constant("x.tolist()").tolist()

    def __getattr__(self, name: str) -> Any:
        raise _NoAttributeError(f"an array that is exported has no attribute {name!r}. {REMEDY}")

    # -- what an array and a Tensor answer ----------------------------------------------------

    shape = property(lambda self: tuple(np.shape(self.value)))
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: int(np.prod(self.shape)))
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.itemsize)
    requires_grad = property(lambda self: False)
    data = property(lambda self: self)
    T = property(lambda self: call(np.transpose, (self,), {}))
    mT = property(lambda self: call(np.swapaxes, (self, -1, -2), {}))

    def numpy(self) -> Symbol:
        return self

    detach = numpy

    def copy(self) -> Symbol:
        return Symbol(self.value, self.graph, self.name)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        return call(astype, (self, dtype), {})

    def reshape(self, *shape: Any) -> Any:
        return call(np.reshape, (self, shape[0] if len(shape) == 1 else shape), {})

    def transpose(self, *axes: Any) -> Any:
        return call(np.transpose, (self, axes[0] if len(axes) == 1 else axes or None), {})

    def flatten(self) -> Any:
        return self.reshape(-1)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return call(getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        raise ExportError(
            f"an assignment x[{index!r}] = ... is not translated to ONNX; use np.where with a "
            "mask, or np.concatenate of the parts"
        )

    __add__, __radd__, __iadd__ = _binary(np.add)
    __sub__, __rsub__, __isub__ = _binary(np.subtract)
    __mul__, __rmul__, __imul__ = _binary(np.multiply)
    __truediv__, __rtruediv__, __itruediv__ = _binary(np.true_divide)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _binary(np.floor_divide)
    __mod__, __rmod__, __imod__ = _binary(np.remainder)
    __pow__, __rpow__, __ipow__ = _binary(np.power)
    __matmul__, __rmatmul__, __imatmul__ = _binary(np.matmul)
    __and__, __rand__, __iand__ = _binary(np.bitwise_and)
    __or__, __ror__, __ior__ = _binary(np.bitwise_or)
    __xor__, __rxor__, __ixor__ = _binary(np.bitwise_xor)
    __lt__, __le__, __gt__ = (_binary(f)[0] for f in (np.less, np.less_equal, np.greater))
    __ge__, __eq__, __ne__ = (_binary(f)[0] for f in (np.greater_equal, np.equal, np.not_equal))
    __hash__ = object.__hash__
    __neg__, __pos__, __abs__ = _method(np.negative), _method(np.positive), _method(np.absolute)
    __invert__ = _method(np.invert)


for _name in (
    *("sum", "prod", "mean", "var", "std", "max", "min", "cumsum", "clip", "dot", "ravel", "all"),
    *("any", "argmax", "argmin", "repeat", "squeeze", "swapaxes", "take", "diagonal", "trace"),
    *("round", "argsort", "cumprod"),
):
    setattr(Symbol, _name, _method(getattr(np, _name)))

_REDUCTIONS = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip

Value.kind = Symbol
