"""The recorded graph: its nodes, their order, and the mode in which calls record.

A :class:`Node` is one call of a primitive.  It holds plain arrays and its parent nodes,
never a Tensor, so a graph has no reference cycles and is freed by reference counting alone.
With this file a reader can walk a graph
backwards: ``reachable(nodes)`` gives its nodes newest first, which is a topological order.
"""

from __future__ import annotations

import itertools
import operator
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd_core.engine.operands import all_examples
from autograd_core.engine.primitive import Primitive

#: Bits of the mode, which every thread and every asynchronous task has to itself.
RECORD, ANOMALY, STRICT_NAN, PROFILE, RECOMPUTE, DRAW, TRACE, BATCH = 1, 2, 4, 8, 16, 32, 64, 128
mode: ContextVar[int] = ContextVar("autograd_core.mode", default=RECORD)

#: Further variables of a thread or task on which the results of functions may depend.
contexts: list[ContextVar[Any]] = []

#: Numbers nodes and in-place writes in the order in which they happen.
clock = itertools.count(1)


class Diagnostics:
    """Optional diagnostics of a node, stored separately because few nodes have any."""

    __slots__ = ("digests", "hooks", "name", "retain", "samples", "site")

    def __init__(self) -> None:
        self.name: str | None = None
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retain: weakref.ref[Any] | None = None  # the Tensor whose .grad is wanted
        self.site: str | None = None  # the user's line that made it (under detect_anomaly)
        self.digests: tuple[int, ...] = ()  # checksums of what it saved (under detect_anomaly)
        self.samples: tuple[tuple[Any, int], ...] = ()  # large plain arrays that it saved


class Node:
    """One recorded call: ``out = primitive(*args, **kwargs)``.

    ``parents[i]`` is the node of ``args[i]``; one that is not ``tracked`` gets no gradient.
    ``args`` is None once a backward pass has freed it.
    """

    __slots__ = (
        *("__weakref__", "args", "diagnostics", "kwargs", "module_calls"),
        *("out", "parents", "primitive", "seq"),
    )
    tracked = True

    primitive: Primitive | None
    out: Any
    args: tuple[Any, ...] | None
    kwargs: dict[str, Any] | None
    parents: tuple[Any, ...]  # Nodes, and Given in place of plain arrays
    seq: int
    diagnostics: Diagnostics | None
    module_calls: Any  # the module calls that returned this result (see scopes.py)

    def __repr__(self) -> str:
        kind = self.primitive.name if self.primitive else type(self).__name__.lower()
        return f"<{kind} node {tuple(getattr(self.out, 'shape', ()))}>"

    def with_diagnostics(self) -> Diagnostics:
        """Return the node's diagnostics, made at the first request."""
        if self.diagnostics is None:
            self.diagnostics = Diagnostics()
        return self.diagnostics

    @property
    def name(self) -> str | None:
        return self.diagnostics.name if self.diagnostics else None

    def saved(self) -> list[Any]:
        """Return the arrays whose values a rule of this node will read."""
        if self.primitive is None or self.args is None:
            return []
        rules = self.primitive.rules
        if rules is None:  # the output of an operation with several
            return []
        flags = itertools.chain(rules.reads_args, itertools.repeat(rules.reads_rest))
        kept = [a for a, keep in zip(self.args, flags, strict=False) if keep]
        if rules.reads_out:
            kept.extend(self.out if isinstance(self.out, (tuple, list)) else [self.out])
        kept.extend((self.kwargs or {}).values())
        return list(arrays_in(kept))


def arrays_in(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the arrays among values, and in tuples and lists among them (an index).

    Of a batched array it is the one with all examples.
    """
    for a in values:
        if isinstance(a, (tuple, list)):
            yield from arrays_in(a)
        elif hasattr(a := all_examples(a), "strides") and not isinstance(a, np.generic):
            yield a


class Leaf(Node):
    """The node of a Tensor that no operation made: where gradients arrive."""

    __slots__ = ("owner",)

    def __init__(self, data: Any, owner: Any = None, name: str | None = None) -> None:
        self.primitive, self.args, self.kwargs, self.parents = None, None, None, ()
        self.out, self.seq = data, next(clock)
        self.diagnostics, self.module_calls = None, None
        self.owner: weakref.ref[Any] | None = None if owner is None else weakref.ref(owner)
        if name is not None:
            self.with_diagnostics().name = name


class Constant(Leaf):
    """The node of a Tensor that needs no gradient."""

    __slots__ = ()
    tracked = False


#: The node of every plain array, number and unrecorded result.
UNTRACKED = Constant(None)


class Given:
    """The parent in place of a plain array that was copied, by which its owner knows it.

    ``option`` tells that it came as an option (an index, a mask) and not as an argument.
    """

    __slots__ = ("option", "out")
    tracked = False
    primitive = None
    parents = ()

    def __init__(self, out: Any, option: bool) -> None:
        self.out, self.option = out, option


#: Selects one output of an operation that has several; its node is bookkeeping.
GET_OUTPUT = Primitive(lambda outputs, index: outputs[index], "get_output", kind="view")


def make_node(
    primitive: Primitive,
    out: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    parents: tuple[Node, ...],
    new: Callable[[type[Node]], Node] = Node.__new__,
) -> Node:
    """Make the node of one call.  (Slots are filled here: an ``__init__`` takes twice as long.)"""
    node = new(Node)
    node.primitive = primitive
    node.out = out
    node.args = args
    node.kwargs = kwargs
    node.parents = parents
    node.seq = next(clock)
    node.diagnostics = node.module_calls = None
    return node


def producer(node: Node) -> Node:
    """Return the node of the call that computed a value, which may be one of several results."""
    return node.parents[0] if node.primitive is GET_OUTPUT else node


def was_freed(node: Node) -> bool:
    """Return whether a backward pass has released what the node saved, so nothing can follow it."""
    node = producer(node)
    return node.primitive is not None and node.args is None


def output_node(parent: Node, out: Any, index: int) -> Node:
    """Make the node of one of several results; whole numbers carry no gradient."""
    if out.dtype.kind not in "fc":
        return UNTRACKED
    return make_node(GET_OUTPUT, out, (index,), None, (parent,))


def reachable(roots: Iterable[Node], since: int = 0) -> list[Node]:
    """Return every tracked node that ``roots`` depend on, newest first (a topological order).

    Nodes that were made before ``since`` are left out, and what lies beyond them.
    """
    seen = {n for n in roots if n.tracked and n.seq >= since}
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent.tracked and parent not in seen and parent.seq >= since:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=operator.attrgetter("seq"), reverse=True)


def leading_to(order: list[Node], targets: set[Node]) -> set[Node]:
    """Return the nodes of ``order`` that depend on a target, and the targets."""
    needed = set(targets)
    for node in reversed(order):
        if node not in needed and any(p in needed for p in node.parents):
            needed.add(node)
    return needed
