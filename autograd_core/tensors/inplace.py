"""Assignment and augmented assignment: ``t[i] = v``, ``t += v``.

Where something is recorded, the Tensor is rebound to a new node, and whoever used the old value
keeps the old node; views (``A[1]``, ``A.T``) and what they were taken from are rebound together.
Elsewhere the array is written in place, as NumPy does, and the write is noted, so that a backward
pass that needs the old value raises.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.engine.diagnostics import note_call, run
from autograd_core.engine.graph import BATCH, DRAW, UNTRACKED, Constant, Leaf, mode
from autograd_core.engine.mutation import note_write
from autograd_core.engine.operands import newest, writeable
from autograd_core.engine.primitive import Primitive, cut_refused
from autograd_core.engine.recording import apply, is_recording, make_tensor, unwrap
from autograd_core.engine.runs import Variable
from autograd_core.engine.views import ViewOf, Views, bounds_of, follow, steps_of
from autograd_core.errors import InPlaceError
from autograd_core.tensors.methods import setitem, write_view

if TYPE_CHECKING:
    from autograd_core.tensors.tensor import Tensor

Binary = Callable[[Any, Any], Any]


def unboxed(a: Any) -> Any:
    """Return a NumPy number for an array without axes, as NumPy's own functions do."""
    return a[()] if isinstance(a, np.ndarray) and a.ndim == 0 else a


def augmented(fun: Binary, in_place: Binary) -> Callable[[Any, Any], Tensor]:
    """Return the method of an augmented assignment whose functional form is ``fun``."""

    def method(self: Any, value: Any) -> Tensor:
        if isinstance(self._array, np.generic) and is_result(self._node):
            return fun(self, value)  # type: ignore[no-any-return]  # a number cannot be changed

        def write(v: Any) -> None:
            self._array = in_place(self._array, v)  # of an array that cannot be written, a new one

        name = fun.__name__.strip("_")
        return self._in_place(value, lambda: fun(self, value), write, name, {})  # type: ignore[no-any-return]

    return method


def _writes_through(sharing: ViewOf) -> bool:
    """Return whether NumPy would write into the memory of the root by writing into a view.

    Raises
    ------
    InPlaceError
        For a view that NumPy makes read-only.
    """
    memory = np.empty_like(sharing.root._array)
    part = follow(steps_of(sharing), memory)
    if not part.flags.writeable:
        raise InPlaceError(
            f"{getattr(sharing.fun, '__name__', 'this function')} returns a read-only view, as "
            "NumPy does; write into the array that it was taken from, or into a copy: y = y.copy()"
        )
    return bool(np.shares_memory(part, memory))


def _in_layout_of(array: Any, result: Any) -> Any:
    """Return a result with its axes in the order in memory of an array, as a write leaves it."""
    new = result._array
    if array.ndim > 1 and type(array) is type(new) is np.ndarray and array.strides != new.strides:
        memory = np.empty_like(array)
        if memory.strides != new.strides:
            memory[...] = new
            memory.setflags(write=False)
            return make_tensor(memory, result._node)
    return result


def _layout(array: Any) -> tuple[int, ...] | None:
    """Return the order of an array's axes in memory, or None if it is the usual one."""
    if array.flags.c_contiguous:
        return None
    return tuple(sorted(range(array.ndim), key=lambda i: -abs(array.strides[i])))


def _live_views(root: Any) -> list[Any]:
    """Return the views of a root that are in use, each with its span in the root's memory."""
    if type(root._sharing) is not Views:
        return []
    start = bounds_of(root._array)[0]
    found = []
    for reference in root._sharing:
        view = reference()
        if view is None or type(view._sharing) is not ViewOf:
            continue
        if view._sharing.span is None:  # taken since the last write, so from this memory
            low, high = bounds_of(view._array)
            view._sharing = view._sharing._replace(span=(low - start, high - start))
        found.append(view)
    return found


def _renew(views: list[Any], root: Any, written: tuple[int, int] | None = None) -> None:
    """Take anew the views that overlap the bytes that were written (None: all of them)."""
    for view in views:
        low, high = view._sharing.span
        if written is None or (low < written[1] and written[0] < high):
            new = follow(steps_of(view._sharing), root)
            view._array, view._node = new._array, new._node


def _give_level(root: Any, *written: Any) -> None:
    """Give the memory of a Tensor the level of vmap of what is written into it."""
    if newest(written) is not None:
        views = _live_views(root)
        root._array = writeable(root._array, *written)
        _renew(views, root)


def is_result(node: Any) -> bool:
    """Return whether a call made the value, recorded or not, and not the user by ``ag.tensor``."""
    return node is UNTRACKED or node.primitive is not None


class InPlace:
    """Assignment and augmented assignment of a Tensor."""

    __slots__ = ()

    _array: Any
    _node: Any
    _sharing: Any

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
        """Take the array and node of ``result``, and so do the Tensors that share this memory."""
        sharing, whole = self._sharing, result
        root, written = self, None
        if type(sharing) is ViewOf and _writes_through(sharing):
            root = sharing.root
            options = {"steps": steps_of(sharing), "layout": _layout(root._array)}
            whole = apply(write_view, (root, result), options)
        elif type(sharing) is ViewOf:
            self._sharing = None
        views = _live_views(root)
        if root is not self:
            written = self._sharing.span
        root._array, root._node = whole._array, whole._node
        _renew(views, root, written)
        return self

    def _in_place(
        self, value: Any, functional: Callable[[], Any], write: Callable[[Any], Any], name: str,
        options: dict[str, Any],
    ) -> Any:  # fmt: skip
        """Rebind this Tensor to a new node, or write where nothing is recorded."""
        root = self._sharing.root if type(self._sharing) is ViewOf else self
        if is_recording(self, root, value):
            if root._node.tracked and root._node.primitive is None:
                view = "" if root is self else "a view of "
                if isinstance(root._node, Variable):
                    raise InPlaceError(
                        f"in-place change of {view}an argument of a function that is being "
                        "differentiated: the value it had would be lost. Write into a copy of it: "
                        "x = x.copy()"
                    )
                raise InPlaceError(
                    f"in-place change of {view}{root._node.name or 'a leaf'} that requires "
                    "gradients: the value it had would be lost. Update it under `with "
                    "ag.no_grad():`, or write w = w + v for a new Tensor"
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
            return self._becomes(_in_layout_of(self._array, result))
        if root._node.primitive is not None:
            raise InPlaceError(cut_refused("in-place change of", root._node.primitive.name))
        if mode.get() & BATCH:
            _give_level(root, value, options)
        number = isinstance(self._array, np.generic)
        if number or (isinstance(self._array, np.ndarray) and not self._array.flags.writeable):
            views = _live_views(root)
            root._array = np.array(root._array)
            _renew(views, root)
        if mode.get() & DRAW:
            run(Primitive(write, name), (unwrap(value),), {})
            note_call((self, value), options, self)
        else:
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

        options = {"index": index}
        self._in_place(value, lambda: setitem(self, value, **options), write, "setitem", options)
