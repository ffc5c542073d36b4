"""Assignment and augmented assignment: ``t[i] = v``, ``t += v``.

Where something is recorded, the Tensor is rebound to a new node, and whoever used the old value
keeps the old node.  Elsewhere the array is written in place, as NumPy does, and the write is
noted, so that a backward pass that needs the old value raises.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.engine.graph import UNTRACKED, Constant, Leaf
from autograd_core.engine.mutation import note_write
from autograd_core.engine.recording import is_recording, unwrap
from autograd_core.errors import InPlaceError
from autograd_core.tensors.methods import setitem

if TYPE_CHECKING:
    from autograd_core.tensors.tensor import Tensor

Binary = Callable[[Any, Any], Any]


def unboxed(a: Any) -> Any:
    """Return a NumPy number for an array without axes, as NumPy's own functions do."""
    return a[()] if isinstance(a, np.ndarray) and a.ndim == 0 else a


def augmented(fun: Binary, in_place: Binary) -> Callable[[Any, Any], Tensor]:
    """Return the method of an augmented assignment whose functional form is ``fun``."""

    def method(self: Any, value: Any) -> Tensor:
        def write(v: Any) -> None:
            self._array = in_place(self._array, v)  # of an array that cannot be written, a new one

        return self._in_place(value, lambda: fun(self, value), write)  # type: ignore[no-any-return]

    return method


class InPlace:
    """Assignment and augmented assignment of a Tensor."""

    __slots__ = ()

    _array: Any
    _node: Any

    def _own_leaf(self) -> Leaf:
        if self._node is UNTRACKED:
            self._node = Constant(self._array, self)
        assert isinstance(self._node, Leaf)
        return self._node

    def _wrote(self) -> None:
        if self._node is not UNTRACKED:
            self._node.out = self._array
        note_write(self._array, self._node.name)

    def _becomes(self, result: Any) -> Any:
        self._array, self._node = result._array, result._node
        return self

    def _in_place(
        self, value: Any, functional: Callable[[], Any], write: Callable[[Any], Any]
    ) -> Any:
        """Rebind this Tensor to a new node, or write where nothing is recorded."""
        if is_recording(self, value):
            if self._node.tracked and self._node.primitive is None:
                raise InPlaceError(
                    f"in-place change of {self._node.name or 'a leaf'} that requires gradients: "
                    "the value it had would be lost. Update it under `with ag.no_grad():`, or "
                    "write w = w + v for a new Tensor"
                )
            result = functional()
            if result.shape != self._array.shape:
                raise ValueError(
                    f"an in-place operation cannot change the shape {self._array.shape} to "
                    f"{result.shape}"
                )
            if result.dtype != self._array.dtype:
                if not np.can_cast(result.dtype, self._array.dtype, "same_kind"):
                    raise TypeError(
                        f"an in-place operation cannot change {self._array.dtype} to {result.dtype}"
                    )
                result = result.astype(self._array.dtype)
            return self._becomes(result)
        if self._node.primitive is not None:
            raise InPlaceError(
                f"in-place change of a recorded value (made by {self._node.primitive.name}) under "
                "no_grad would cut it from its history, and its gradient with it; do it outside "
                "no_grad, or on y = y.detach()"
            )
        number = isinstance(self._array, np.generic)
        if number or (isinstance(self._array, np.ndarray) and not self._array.flags.writeable):
            self._array = np.array(self._array)
        write(unwrap(value))
        self._array = unboxed(self._array)
        self._wrote()
        return self

    __iadd__ = augmented(operator.add, operator.iadd)
    __isub__ = augmented(operator.sub, operator.isub)
    __imul__ = augmented(operator.mul, operator.imul)
    __itruediv__ = augmented(operator.truediv, operator.itruediv)
    __ipow__ = augmented(operator.pow, operator.ipow)
    __imatmul__ = augmented(operator.matmul, operator.imatmul)

    def __setitem__(self, index: Any, value: Any) -> None:
        index = unwrap(index)

        def write(v: Any) -> None:
            self._array[index] = v

        self._in_place(value, lambda: setitem(self, value, index=index), write)
