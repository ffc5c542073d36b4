"""Keep which Tensors are views of which, so that a write into one is seen by all.

In NumPy ``A[1]``, ``A.T`` and ``A.reshape(-1)`` share the memory of ``A``.  Recorded values are
never overwritten, so a write rebinds handles instead: a view knows the Tensor that it was taken
from (its *root*) and by which calls, a root knows its views weakly, and
``tensors/inplace.py`` gives all of them their new values.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds

from autograd_core.engine.operands import BatchedBase


def bounds_of(array: Any) -> tuple[int, int]:
    """Return where the memory of an array begins and ends; of a traced one, that of its example."""
    while isinstance(array, BatchedBase):
        array = array.examples
    return byte_bounds(getattr(array, "example", array))


class ViewOf(NamedTuple):
    """How a view came about: the Tensor at the root, what it was taken from, and by which call.

    ``origin`` is that of the parent, where this is a view too; ``part`` tells which of several
    results the view is; ``span`` is where its bytes begin and end in the root's memory, once known.
    """

    root: Any
    origin: ViewOf | None
    fun: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    part: int | None
    span: tuple[int, int] | None


#: The calls that take a view of an array, in their order.
Steps = tuple[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], int | None], ...]


def steps_of(view: ViewOf | None) -> Steps:
    """Return the calls that lead from the root to a view."""
    steps = []
    while view is not None:
        steps.append((view.fun, view.args, view.kwargs, view.part))
        view = view.origin
    return tuple(reversed(steps))


def follow(steps: Steps, x: Any) -> Any:
    """Return the view of ``x``, an array or a Tensor (which records), that some calls take."""
    for fun, args, kwargs, part in steps:
        x = fun(x, *args, **kwargs)
        x = x if part is None else x[part]
    return x


class Views(list[Any]):
    """Weak references to the views of one root; the dead ones are dropped now and then."""

    __slots__ = ("limit",)

    def __init__(self) -> None:
        self.limit = 16

    def drop_dead(self) -> None:
        self[:] = [r for r in self if r() is not None]
        self.limit = 2 * len(self) + 16


def note_views(
    result: Any,
    fun: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    part: int | None = None,
    new: Any = tuple.__new__,
    ref: Any = weakref.ref,
) -> None:
    """Note that a call on a Tensor, its first argument, returned a view of it, or several."""
    if result.__class__ is list or result.__class__ is tuple:
        for i, view in enumerate(result):
            note_views(view, fun, args, kwargs, i)
        return
    array: Any = getattr(result, "_array", None)
    base = getattr(array, "base", None)
    if not args:
        return
    parent = args[0]
    if not hasattr(parent, "_sharing"):  # np.einsum("ii->i", x), or its primitive, of a list
        if base is None:
            return
        place = next((i for i, a in enumerate(args) if hasattr(a, "_sharing")), None)
        if place is not None:
            parent, before, call = args[place], args[:place], fun
            fun = lambda x, *a, **k: call(*before, x, *a, **k)
            args = args[place:]
        elif parent.__class__ is list and len(parent) == 1 and hasattr(parent[0], "_sharing"):
            parent, of_list = parent[0], fun
            fun = lambda x, *a, **k: of_list([x], *a, **k)
        else:
            return
    if parent is result:
        return
    memory = parent._array
    if base is None:  # a copy, a number, or the argument itself
        if array is not memory or parent is result or isinstance(array, np.generic):
            return
    elif base is not memory and base is not getattr(memory, "base", None):
        base = getattr(base, "base", None)  # NumPy's windows keep the array in an object
        if base is None or (base is not memory and base is not getattr(memory, "base", None)):
            return  # a reshaped copy
    origin = parent._sharing
    span = None
    if origin.__class__ is ViewOf:
        root = origin[0]
        if origin[-1] is not None:  # the root has been written since, so has other memory
            (low, high), (start, _) = bounds_of(array), bounds_of(memory)
            offset = origin[-1][0] - start
            span = low + offset, high + offset
        views = root._sharing
    else:
        root, views, origin = parent, origin, None
        if views is None:
            views = root._sharing = Views()
    if len(views) >= views.limit:
        views.drop_dead()
    views.append(ref(result))
    # a NamedTuple's own constructor takes three times as long
    rest = args[1:]
    if rest:  # a list is a shape that its owner may change
        rest = tuple([list(a) if type(a) is list else getattr(a, "_array", a) for a in rest])
    result._sharing = new(ViewOf, (root, origin, fun, rest, kwargs, part, span))
