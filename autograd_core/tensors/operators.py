"""Python's operators on Tensors.

They call their primitive directly and do not travel through NumPy's protocols, which
would cost some 300 ns each.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.engine.admission import defers
from autograd_core.engine.graph import DRAW, RECORD, mode
from autograd_core.engine.primitive import NON_DIFFERENTIABLE, Primitive, primitive_of
from autograd_core.engine.recording import TensorBase, apply, link, run_plain, unwrap, wrap

if TYPE_CHECKING:
    from autograd_core.tensors.tensor import Tensor

#: Types of operands that are certainly no reason to defer.
_PLAIN = frozenset({np.ndarray, int, float, complex, list, tuple, np.float64, np.float32})

Operator = Callable[[Any, Any], "Tensor"]

#: The operator ``**``, which computes some powers (squares of complex numbers) otherwise than
#: ``np.power``; its rules are in ``rules/``.
power = Primitive(operator.pow, "power")


def _binary(
    fun: Callable[[Any, Any], Any], ufunc: np.ufunc | Primitive
) -> tuple[Operator, Operator]:
    """Return an operator of two arguments and its reflected form."""
    entry = primitive_of(ufunc)

    def forward(self: Any, other: Any) -> Tensor:
        if isinstance(other, TensorBase):
            n, m = self._node, other._node
            if (n.tracked or m.tracked) and mode.get() == RECORD:
                args = (self._array, other._array)
                return link(entry, fun(*args), args, None, (n, m))  # type: ignore[no-any-return]
        elif other.__class__ not in _PLAIN and defers(other):
            return NotImplemented  # type: ignore[no-any-return]
        return apply(entry, (self, other), {})  # type: ignore[no-any-return]

    def reflected(self: Any, other: Any) -> Tensor:
        return NotImplemented if defers(other) else apply(entry, (other, self), {})

    return forward, reflected


def plain_operator(fun: Callable[[Any, Any], Any], ufunc: np.ufunc) -> Operator:
    """Return an operator that is piecewise constant, such as a comparison: never recorded."""
    NON_DIFFERENTIABLE.add(ufunc)

    def operator(self: Any, other: Any) -> Tensor:
        if mode.get() & DRAW:
            return run_plain(fun, (self, other), {}, ufunc.__name__)  # type: ignore[no-any-return]
        return wrap(fun(self._array, unwrap(other)))  # type: ignore[no-any-return]

    return operator


def _unary(ufunc: np.ufunc) -> Callable[[Any], Tensor]:
    entry = primitive_of(ufunc)
    return lambda self: apply(entry, (self,), {})


class Operators:
    """The operators of a Tensor: forward, reflected, augmented, comparing."""

    __slots__ = ()

    _array: Any
    __add__, __radd__ = _binary(operator.add, np.add)
    __sub__, __rsub__ = _binary(operator.sub, np.subtract)
    __mul__, __rmul__ = _binary(operator.mul, np.multiply)
    __truediv__, __rtruediv__ = _binary(operator.truediv, np.true_divide)
    __floordiv__ = plain_operator(operator.floordiv, np.floor_divide)
    __rfloordiv__ = plain_operator(lambda x, y: y // x, np.floor_divide)
    __mod__, __rmod__ = _binary(operator.mod, np.remainder)
    __pow__, __rpow__ = _binary(operator.pow, power)
    __matmul__, __rmatmul__ = _binary(operator.matmul, np.matmul)

    __lt__ = plain_operator(operator.lt, np.less)
    __le__ = plain_operator(operator.le, np.less_equal)
    __gt__ = plain_operator(operator.gt, np.greater)
    __ge__ = plain_operator(operator.ge, np.greater_equal)
    __eq__ = plain_operator(operator.eq, np.equal)  # type: ignore[assignment]
    __ne__ = plain_operator(operator.ne, np.not_equal)  # type: ignore[assignment]
    __and__ = __rand__ = plain_operator(operator.and_, np.bitwise_and)
    __or__ = __ror__ = plain_operator(operator.or_, np.bitwise_or)
    __xor__ = __rxor__ = plain_operator(operator.xor, np.bitwise_xor)
    __hash__ = object.__hash__

    __neg__ = _unary(np.negative)
    __pos__ = _unary(np.positive)
    __abs__ = _unary(np.absolute)

    def __invert__(self) -> Tensor:
        return run_plain(np.invert, (self,), {})  # type: ignore[no-any-return]

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return other // self, other % self
