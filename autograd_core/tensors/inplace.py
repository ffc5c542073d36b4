"""Assignment and augmented assignment: ``t[i] = v``, ``t += v``.

Where something is recorded, the handle is rebound to a new node, and whoever used the old value
keeps the old node.  Elsewhere the array is written in place, as NumPy does, and the write is
noted, so that a backward pass that needs the old value raises.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.graph import UNTRACKED, Constant, Leaf
from autograd_core.engine.mutation import note_write
from autograd_core.engine.recording import Handle, raw
from autograd_core.errors import InPlaceError
from autograd_core.tensors.methods import setitem
from autograd_core.tensors.numpy_dispatch import recording

_IN_PLACE: dict[Any, Callable[[Any, Any], Any]] = {
    operator.add: operator.iadd,
    operator.sub: operator.isub,
    operator.mul: operator.imul,
    operator.truediv: operator.itruediv,
    operator.pow: operator.ipow,
    operator.matmul: operator.imatmul,
}


def unboxed(a: Any) -> Any:
    """A NumPy number instead of an array without axes, as NumPy's own functions return."""
    return a[()] if isinstance(a, np.ndarray) and a.ndim == 0 else a


class InPlace(Handle):
    """What changes a Tensor under its own name."""

    __slots__ = ()

    def _own_leaf(self) -> Leaf:
        if self._node is UNTRACKED:
            self._node = Constant(self._data, self)
        assert isinstance(self._node, Leaf)
        return self._node

    def _wrote(self) -> None:
        if self._node is not UNTRACKED:
            self._node.out = self._data
        note_write(self._data, self._node.name)

    def _becomes(self, result: Any) -> Any:
        self._data, self._node = result._data, result._node
        return self

    def _in_place(
        self, value: Any, functional: Callable[[], Any], write: Callable[[Any], Any]
    ) -> Any:
        """Rebind this handle to a new node, or write where nothing is recorded."""
        if recording(self, value):
            if self._node.tracked and self._node.primitive is None:
                raise InPlaceError(
                    f"in-place change of {self._node.name or 'a leaf'} that requires gradients: "
                    "the value it had would be lost. Update it under `with ag.no_grad():`, or "
                    "write w = w + v for a new Tensor"
                )
            result = functional()
            if result.shape != self._data.shape:
                raise ValueError(
                    f"an in-place operation cannot change the shape {self._data.shape} to "
                    f"{result.shape}"
                )
            if result.dtype != self._data.dtype:
                if not np.can_cast(result.dtype, self._data.dtype, "same_kind"):
                    raise TypeError(
                        f"an in-place operation cannot change {self._data.dtype} to {result.dtype}"
                    )
                result = result.astype(self._data.dtype)
            return self._becomes(result)
        if self._node.primitive is not None:
            raise InPlaceError(
                f"in-place change of a recorded value (made by {self._node.primitive.name}) under "
                "no_grad would cut it from its history, and its gradient with it; do it outside "
                "no_grad, or on y = y.detach()"
            )
        number = isinstance(self._data, np.generic)
        if number or (isinstance(self._data, np.ndarray) and not self._data.flags.writeable):
            self._data = np.array(self._data)
        write(raw(value))
        self._data = unboxed(self._data)
        self._wrote()
        return self

    def _augment(self, fun: Callable[[Any, Any], Any], value: Any) -> Any:
        def write(v: Any) -> None:
            self._data = _IN_PLACE[fun](self._data, v)  # an array that cannot be written is new

        return self._in_place(value, lambda: fun(self, value), write)

    def __iadd__(self, value: Any) -> Any:
        return self._augment(operator.add, value)

    def __isub__(self, value: Any) -> Any:
        return self._augment(operator.sub, value)

    def __imul__(self, value: Any) -> Any:
        return self._augment(operator.mul, value)

    def __itruediv__(self, value: Any) -> Any:
        return self._augment(operator.truediv, value)

    def __ipow__(self, value: Any) -> Any:
        return self._augment(operator.pow, value)

    def __imatmul__(self, value: Any) -> Any:
        return self._augment(operator.matmul, value)

    def __setitem__(self, index: Any, value: Any) -> None:
        index = raw(index)

        def write(v: Any) -> None:
            self._data[index] = v

        self._in_place(value, lambda: setitem(self, value, index=index), write)
