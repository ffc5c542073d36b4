"""Recording: what happens when a primitive is called on Tensors.

:func:`apply` unwraps the Tensors, runs the function on bare arrays, and, where a gradient may
be wanted, makes one node and a handle of it.  Everything that records goes through here.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from autograd_core.engine.graph import (
    ANOMALY,
    PROFILE,
    RECORD,
    UNTRACKED,
    Node,
    make_node,
    mode,
    pick_node,
    watch_anomaly,
)
from autograd_core.engine.primitive import SMALL, Operand, Primitive
from autograd_core.engine.stopwatch import function_of, made
from autograd_core.errors import NotDifferentiableError

_new = object.__new__


class Handle(Operand):
    """The two halves of a Tensor, an array and a node, and its gradient."""

    __slots__ = ("__weakref__", "_data", "_grad", "_node")

    #: The class of which results are made; tensor.py names it.
    kind: ClassVar[type[Any]]

    _data: Any
    _grad: Any
    _node: Node


def handle(data: Any, node: Node) -> Any:
    """A Tensor from its two halves; every result of an operation is made here."""
    t = _new(Handle.kind)
    t._data = data
    t._node = node
    t._grad = None
    return t


def record(
    primitive: Primitive,
    out: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    parents: tuple[Node, ...],
) -> Any:
    """Make the node of one call, and the handle of its result."""
    if out.dtype.kind not in "fc":  # rounded to whole numbers: piecewise constant
        return handle(out, UNTRACKED)
    kept = out
    if primitive.lean:
        kept, args = primitive.thin(out, args)
    node = make_node(primitive, kept, args, kwargs, parents)
    bits = mode.get()
    if bits & ANOMALY:
        watch_anomaly(node, out)
    if bits & PROFILE:
        made(node)
    return handle(out, node)


def frozen(out: Any, args: Any) -> Any:
    """The result of a recorded operation: an array (not an argument itself), read-only."""
    if type(out) is np.ndarray:
        for a in args:
            if a is out:
                out = out.view()
                break
        out.setflags(False)
        return out
    return out if hasattr(out, "dtype") else frozen(np.asarray(out), ())


def raw(value: Any) -> Any:
    """The array inside a Tensor, and inside lists, tuples and dicts of Tensors."""
    if isinstance(value, Handle):
        return value._data
    if type(value) in (list, tuple):
        return type(value)(raw(v) for v in value)
    if type(value) is dict:
        return {k: raw(v) for k, v in value.items()}
    return value


def any_tracked(values: Any) -> bool:
    """Whether a Tensor that needs gradients is among ``values``, or in a list among them."""
    for v in values:
        if isinstance(v, Handle):
            if v._node.tracked:
                return True
        elif isinstance(v, (list, tuple)) and any_tracked(v):
            return True
    return False


def stacked(value: Any) -> Any:
    """Nested lists of Tensors and numbers as one Tensor."""
    if not isinstance(value, (list, tuple)):
        return value if isinstance(value, Handle) else np.asarray(value)
    members = [stacked(v) for v in value]
    for m in members:  # numbers become arrays of the type of those that are none of NumPy's
        if isinstance(m, Handle) and not isinstance(m._data, (np.ndarray, np.generic)):
            like = m._data
            members = [v if isinstance(v, Handle) else np.asarray(v, like=like) for v in members]
            break
    return np.stack(members)


def wrapped(out: Any) -> Any:
    """Results of unrecorded operations: arrays and NumPy numbers become Tensors."""
    if isinstance(out, (np.ndarray, np.generic)):
        return handle(out, UNTRACKED)
    if type(out) is list:
        return [wrapped(o) for o in out]
    if isinstance(out, tuple):
        parts = [wrapped(o) for o in out]
        return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)
    if hasattr(out, "__array_ufunc__") and not isinstance(out, Handle):
        return handle(out, UNTRACKED)
    return out


def run_plain(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a primitive without recording."""
    return wrapped(function_of(primitive)(*raw(args), **raw(kwargs)))


def apply(
    primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any], simple: bool = True
) -> Any:
    """Run a primitive on Tensors and arrays, and record it if a gradient may be wanted."""
    if simple and primitive.simple and not kwargs and len(args) <= primitive.width:
        return apply_simple(primitive, args)
    if not mode.get() & RECORD:
        return run_plain(primitive, args, kwargs)
    arrays: list[Any] = []
    parents: list[Node] = []
    tracked = False
    given, options = args, kwargs
    if primitive.each:
        args, kwargs = flattened(primitive, args, kwargs)
    for a in args:
        if isinstance(a, Handle):
            arrays.append(a._data)
            parents.append(a._node)
            tracked = tracked or a._node.tracked
        else:
            arrays.append(a)
            parents.append(UNTRACKED)
    if not tracked and not any_tracked((*args, *kwargs.values())):
        return run_plain(primitive, given, options)
    if not tracked and not primitive.each:  # recorded Tensors in a list
        joined = tuple(
            stacked(a) if isinstance(a, (list, tuple)) and any_tracked(a) else a for a in args
        )
        if any(a is not b for a, b in zip(joined, args, strict=True)):
            return apply(primitive, joined, kwargs)
    if kwargs:
        moved, kwargs = primitive.bind(args, kwargs)
        if len(moved) != len(args):
            return apply(primitive, moved, kwargs)
    rules = primitive.vjps
    if not primitive.differentiable:
        raise NotDifferentiableError(no_rule(primitive.name))
    width = len(args) if rules is None else min(len(args), len(rules))
    if len(args) > primitive.most and not primitive.each:
        return apply(primitive, *primitive.by_keyword(args, kwargs), simple=False)
    if len(args) > width or primitive.partial:
        refuse_arguments_without_rule(primitive, args, width)
        arrays[width:] = raw(args[width:])
        del parents[width:]
    if kwargs:
        for name, value in kwargs.items():
            if any_tracked([value]):
                raise NotDifferentiableError(no_gradient(primitive, f"{name}="))
        kwargs = raw(kwargs)
    saved = tuple(arrays)
    fun = function_of(primitive)
    out = fun(arrays, **kwargs) if primitive.each else fun(*saved, **kwargs)
    if isinstance(out, (tuple, list)):
        return record_several(primitive, out, saved, kwargs or None, tuple(parents))
    return record(primitive, frozen(out, saved), saved, kwargs or None, tuple(parents))


def apply_simple(primitive: Primitive, args: tuple[Any, ...]) -> Any:
    """:func:`apply` for the commonest call: no keywords, and a rule for every argument."""
    arrays: list[Any] = []
    parents: list[Node] = []
    tracked = False
    for a in args:
        if isinstance(a, Handle):
            arrays.append(a._data)
            node = a._node
            parents.append(node)
            if node.tracked:
                tracked = True
        else:
            arrays.append(a)
            parents.append(UNTRACKED)
    if not tracked or mode.get() != RECORD:
        return apply(primitive, args, {}, simple=False)
    args = tuple(arrays)
    out = primitive.fun(*args)
    if out.__class__ is not np.ndarray:
        if isinstance(out, (tuple, list)):
            return record_several(primitive, out, args, None, tuple(parents))
        out = frozen(out, ())
    else:
        for a in args:
            if a is out:  # the argument itself must stay as writeable as it is
                out = out.view()
        out.setflags(False)
    kept = out
    if primitive.lean and (out.nbytes > SMALL or not primitive.elementwise):
        kept, args = primitive.thin(out, args)
    return handle(out, make_node(primitive, kept, args, None, tuple(parents)))


def flattened(
    primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The members of a list argument as arguments of their own; the others by keyword."""
    names = primitive.parameters
    if not args:
        raise TypeError(f"{primitive.name} takes its list of arrays as the first argument")
    arrays = tuple(a if hasattr(a, "shape") else np.asarray(a) for a in args[0])
    return arrays, {**dict(zip(names[1:], args[1:], strict=False)), **kwargs}


def no_gradient(primitive: Primitive, argument: str) -> str:
    return (
        f"{primitive.name} has no gradient with respect to its argument {argument}, which is a "
        "recorded Tensor; detach() it if none is wanted"
    )


def refuse_arguments_without_rule(primitive: Primitive, args: tuple[Any, ...], width: int) -> None:
    rules = list(zip(range(width), primitive.vjps or (), strict=False))
    missing = [i for i, rule in rules if rule is None] + list(range(width, len(args)))
    for i in missing:
        if any_tracked([args[i]]):
            raise NotDifferentiableError(no_gradient(primitive, str(i)))


def record_several(
    primitive: Primitive,
    out: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    parents: tuple[Node, ...],
) -> Any:
    """One node for a call of several results, and a handle for each."""
    parts = [frozen(o, args) for o in out]
    node = make_node(primitive, tuple(parts), args, kwargs, parents)
    bits = mode.get()
    if bits & ANOMALY:
        for part in parts:
            watch_anomaly(node, part)
    if bits & PROFILE:
        made(node)
    handles = [handle(o, pick_node(node, o, i)) for i, o in enumerate(parts)]
    if hasattr(out, "_fields"):
        return type(out)(*handles)
    return type(out)(handles)


def no_rule(name: str) -> str:
    return (
        f"{name} has no derivative rule. Give it one with ag.defvjp({name}, rule, ...), or wrap "
        "your own function with @ag.primitive and f.defvjp(rule, ...); if no gradient is wanted, "
        "call it on t.detach()"
    )


def name_of(fun: Any) -> str:
    module = (getattr(fun, "__module__", "") or "").replace("numpy", "np", 1)
    if isinstance(fun, np.ufunc) and not module:
        module = "np"
    return f"{module}.{fun.__name__}" if module else str(fun.__name__)


Handle._apply = staticmethod(apply)  # type: ignore[method-assign]
