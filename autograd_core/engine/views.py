"""Which Tensors are views of which, so that a write into one is seen by all.

In NumPy ``A[1]``, ``A.T`` and ``A.reshape(-1)`` share the memory of ``A``.  Recorded values are
never overwritten, so a write rebinds handles instead: a view knows the Tensor that it was taken
from (its *root*) and by which calls, a root knows its views weakly, and
``tensors/inplace.py`` gives all of them their new values.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from autograd_core.engine.primitive import Operand


class Step(NamedTuple):
    """One call that took a view: a primitive, its arguments, and which of them is the array.

    ``part`` tells which of several results the view is.
    """

    primitive: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    place: int
    part: int | None

    def __call__(self, x: Any) -> Any:
        """Return the same view of ``x``, an array or a Tensor (which records)."""
        args = (*self.args[: self.place], x, *self.args[self.place + 1 :])
        out = self.primitive(*args, **self.kwargs)
        return out if self.part is None else out[self.part]


class ViewOf(NamedTuple):
    """What a view is: the Tensor that it was taken from, and by which calls."""

    root: Any
    steps: tuple[Step, ...]


def follow(steps: tuple[Step, ...], x: Any) -> Any:
    """Return the view of ``x`` that some calls take."""
    for step in steps:
        x = step(x)
    return x


class _OfList(NamedTuple):
    """A primitive that takes a list of arrays, as a function of a single one."""

    primitive: Callable[..., Any]

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        return self.primitive([x], *args, **kwargs)


class Views(list[Any]):
    """Weak references to the views of one root; the dead ones are dropped now and then."""

    __slots__ = ("limit",)

    def __init__(self) -> None:
        self.limit = 16

    def add(self, view: Any) -> None:
        if len(self) >= self.limit:
            self[:] = [r for r in self if r() is not None]
            self.limit = 2 * len(self) + 16
        self.append(weakref.ref(view))


def note_view(
    result: Any, primitive: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Note that a call on a Tensor returned a view of it, or several."""
    if args and type(args[0]) is list and len(args[0]) == 1:  # np.einsum("ii->i", x)
        note_view(result, _OfList(primitive).__call__, (args[0][0], *args[1:]), kwargs)
        return
    several = isinstance(result, (list, tuple))
    for i, view in enumerate(result if several else (result,)):
        if getattr(view._array, "base", None) is None:  # a copy, or a number
            continue
        place = next((i for i, a in enumerate(args) if isinstance(a, Operand)), None)
        if place is None:
            continue
        parent: Any = args[place]
        placed = (*args[:place], None, *args[place + 1 :])
        step = Step(primitive, placed, kwargs, place, i if several else None)
        origin = parent._sharing
        root, before = origin if type(origin) is ViewOf else (parent, ())
        if root._sharing is None:
            root._sharing = Views()
        root._sharing.add(view)
        view._sharing = ViewOf(root, (*before, step))
