"""Python's operators on Tensors.

They call their primitive directly and do not travel through NumPy's protocols, which
would cost some 300 ns each.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.graph import RECORD, make_node, mode
from autograd_core.engine.primitive import SMALL, plain, primitive_of
from autograd_core.engine.recording import Handle, apply_simple, handle, raw, record, wrapped

Operator = Callable[[Any, Any], Any]


def _defers(other: Any) -> bool:
    """Whether the other operand is no number or array, or asks to answer itself (NEP 13)."""
    if isinstance(other, (np.ndarray, int, float, complex, np.generic, list, tuple)):
        return False
    return getattr(type(other), "__array_ufunc__", None) is None


def _binary(fun: Operator, ufunc: np.ufunc) -> tuple[Operator, Operator]:
    """An operator of two arguments and its reflected form."""
    entry = primitive_of(ufunc)

    def forward(self: Any, other: Any) -> Any:
        if isinstance(other, Handle):
            n, m = self._node, other._node
            if (n.tracked or m.tracked) and mode.get() == RECORD:
                args = (self._data, other._data)
                out = fun(*args)
                if type(out) is np.ndarray:
                    out.setflags(False)  # type: ignore[call-arg]
                    if out.nbytes > SMALL:
                        return record(entry, out, args, None, (n, m))
                return handle(out, make_node(entry, out, args, None, (n, m)))
        elif _defers(other):
            return NotImplemented
        return apply_simple(entry, (self, other))

    def reflected(self: Any, other: Any) -> Any:
        return NotImplemented if _defers(other) else apply_simple(entry, (other, self))

    return forward, reflected


def comparison(fun: Operator, ufunc: np.ufunc) -> Operator:
    """A comparison, or another operator that is piecewise constant: never recorded."""
    plain.add(ufunc)

    def compare(self: Any, other: Any) -> Any:
        return wrapped(fun(self._data, raw(other)))

    return compare


def _unary(ufunc: np.ufunc) -> Callable[[Any], Any]:
    entry = primitive_of(ufunc)
    return lambda self: apply_simple(entry, (self,))


class Operators(Handle):
    """The operators of a Tensor: forward, reflected, augmented, comparing."""

    __slots__ = ()

    __add__, __radd__ = _binary(operator.add, np.add)
    __sub__, __rsub__ = _binary(operator.sub, np.subtract)
    __mul__, __rmul__ = _binary(operator.mul, np.multiply)
    __truediv__, __rtruediv__ = _binary(operator.truediv, np.true_divide)
    __floordiv__ = comparison(operator.floordiv, np.floor_divide)
    __rfloordiv__ = comparison(lambda x, y: y // x, np.floor_divide)
    __mod__, __rmod__ = _binary(operator.mod, np.remainder)
    __pow__, __rpow__ = _binary(operator.pow, np.power)
    __matmul__, __rmatmul__ = _binary(operator.matmul, np.matmul)

    __lt__ = comparison(operator.lt, np.less)
    __le__ = comparison(operator.le, np.less_equal)
    __gt__ = comparison(operator.gt, np.greater)
    __ge__ = comparison(operator.ge, np.greater_equal)
    __eq__ = comparison(operator.eq, np.equal)
    __ne__ = comparison(operator.ne, np.not_equal)
    __and__ = __rand__ = comparison(operator.and_, np.bitwise_and)
    __or__ = __ror__ = comparison(operator.or_, np.bitwise_or)
    __xor__ = __rxor__ = comparison(operator.xor, np.bitwise_xor)
    __hash__ = object.__hash__

    __neg__ = _unary(np.negative)
    __pos__ = _unary(np.positive)
    __abs__ = _unary(np.absolute)

    def __invert__(self) -> Any:
        return wrapped(~self._data)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self
