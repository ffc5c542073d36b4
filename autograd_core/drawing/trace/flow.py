"""What every call read while ``ag.draw`` ran a function, recorded or not.

A graph holds only what needs a gradient.  On the tape of a run every call is noted, and an array
that is read is known by the call that made it: also one that left the graph (``detach()``,
``no_grad``, ``np.asarray``) and came back.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd_core.engine.diagnostics import Tape
from autograd_core.engine.graph import UNTRACKED, Given, Node, arrays_in, make_node
from autograd_core.engine.mutation import COPIED
from autograd_core.engine.primitive import SMALL, Primitive, ShapeDtype
from autograd_core.engine.recording import TensorBase, is_array, unwrap


class Unrecorded(Node):
    """A call that made no node, because nothing that it read needed a gradient."""

    __slots__ = ()
    tracked = False

    def saved(self) -> list[Any]:
        return []


class Operand(NamedTuple):
    """What a call read.

    ``place`` is the number of the argument, -1 for an option; ``node`` what made it (a leaf, or
    UNTRACKED for a plain array); ``array`` its values, None if they were freed; ``gradient`` tells
    whether a gradient flows back.
    """

    place: int
    node: Any
    array: Any
    gradient: bool = False


def operands(node: Node) -> list[Operand]:
    """Return what a node of the graph read: its arguments, and the arrays among its options."""
    args = node.args if node.args is not None else (None,) * len(node.parents)
    large = [a for a in arrays_in((node.kwargs or {}).values()) if a.nbytes > COPIED]
    options = [*(p.out for p in node.parents if isinstance(p, Given) and p.option), *large]
    return [
        *(Operand(i, p, a, p.tracked) for i, (p, a) in enumerate(zip(node.parents, args))),  # noqa: B905
        *(Operand(-1, UNTRACKED, a) for a in options),
    ]


def given_again(node: Node) -> list[Any]:
    """Return the constants that a checkpointed function was called with, and is called with again.

    Its node has what needs a gradient alone.
    """
    call = getattr((node.kwargs or {}).get("again"), "__self__", None)
    if call is None:
        return []
    pairs = zip(call.tree.leaves, call.values, strict=True)
    arrays = [
        a if kept is None else kept[0] for a, kept in pairs if kept is None or not kept[1].tracked
    ]
    return list(filter(is_array, arrays))


class Flow:
    """What the calls on a tape read: ``reads`` by their nodes."""

    def __init__(self, tape: Tape) -> None:
        self.reads: dict[Node, list[Operand]] = {}
        self._copies = tape.copies
        self._made: dict[int, Node] = {}
        for call in tape.calls:
            results = list(_arrays(call.result))
            if not results:
                continue  # a shape, or whether all are equal
            args, options = _bound(call.primitive, call.args, call.kwargs)
            node = call.node or make_node(
                call.primitive, unwrap(results[0]), unwrap(args), unwrap(options), (), _new
            )
            node.seq = call.number
            found = [Operand(i, *self.origin(a)) for i, a in enumerate(args)]
            for i, parent in enumerate(node.parents):
                if parent.tracked:
                    found[i] = Operand(i, parent, parent.out, True)
            self.reads[node] = found + [Operand(-1, *self.origin(a)) for a in _arrays(options)]
            for result in results:
                self._made[id(unwrap(result))] = node

    def origin(self, value: Any) -> tuple[Any, Any]:
        """Return the node that made a value, and its array."""
        array, node = unwrap(value), getattr(value, "_node", UNTRACKED)
        if not node.tracked:
            while id(array) not in self._made and id(array) in self._copies:
                node, array = UNTRACKED, self._copies[id(array)][1]
            node = self._made.get(id(array), node)
        return node, array

    def release(self) -> None:
        """Let go of the arrays, of which only shapes are drawn."""
        for node in self.reads:
            if isinstance(node, Unrecorded):
                node.out, node.args = _released(node.out), _released(node.args)
        self.reads, self._made, self._copies = {}, {}, {}


def _new(_: type[Node]) -> Node:
    return Node.__new__(Unrecorded)


def _bound(
    primitive: Primitive, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a call in the form of its rules; without rules, arrays first and then options."""
    rules = primitive.rules
    if rules is not None:
        try:
            direct = not options and len(args) <= rules.plain_args
            return (args, options) if direct else primitive.bind(args, options)
        except Exception:  # a call that could not be recorded, and need not
            pass
    options = {k: v for k, v in options.items() if k != "out"}
    nested = any(isinstance(a, (list, tuple)) for a in args)
    return (*(_arrays(args) if nested else args), *_arrays(options)), {}


def _arrays(value: Any) -> Iterator[Any]:
    """Yield the Tensors and arrays among nested values."""
    if isinstance(value, (TensorBase, np.generic)) or is_array(value):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _arrays(member)


def _released(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_released, value))
    return ShapeDtype(value) if is_array(value) and value.nbytes > SMALL else value
