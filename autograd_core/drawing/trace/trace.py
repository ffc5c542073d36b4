"""What was recorded, flat: operations in order, what they read, and the modules they ran in.

Bookkeeping nodes are gone, every input of an operation is another operation or a
:class:`Source`, and sources have names and roles: parameter, input, target.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd_core.drawing.colour.palette import category
from autograd_core.drawing.trace.modules import Scope, find_scopes
from autograd_core.drawing.trace.roles import find_targets, join_slices, name_sources
from autograd_core.drawing.trace.sources import Freed, Source, identities
from autograd_core.engine.graph import PICK, UNTRACKED, Leaf, Node, reachable


class Link:
    """One input of an operation: operation ``op`` of the trace, or a source (``op`` is -1)."""

    __slots__ = ("op", "shape", "source", "via")

    def __init__(self, op: int, source: Source | None, shape: tuple[int, ...], via: Node) -> None:
        self.op, self.source, self.shape, self.via = op, source, shape, via


class Op:
    """One recorded call."""

    __slots__ = ("links", "node", "scope")

    def __init__(self, node: Node, links: list[Link]) -> None:
        self.node, self.links = node, links
        self.scope = -1  # the innermost module call around it

    @property
    def shape(self) -> tuple[int, ...]:
        """Of its result, or of the first of several."""
        out = self.node.out
        return tuple((out[0] if isinstance(out, (tuple, list)) else out).shape)

    @property
    def dtype(self) -> str:
        out = self.node.out
        return str((out[0] if isinstance(out, (tuple, list)) else out).dtype)


class Trace:
    """A recorded graph, ready to be grouped and drawn.

    Attributes
    ----------
    ops
        In the order in which they ran.
    scopes
        The module calls, outer ones first.
    sources
        In the order of their first use.
    roots
        What is drawn: the Tensors, with the operation that made each (-1 for a leaf).
    """

    def __init__(self, roots: list[Any], names: Mapping[str, Any], inputs: Mapping[str, Any]):
        self.given = identities(names) | {k: n for k, n in identities(inputs).items() if n}
        self.inputs = set(identities(inputs))
        nodes = reachable(t._node for t in roots)
        nodes.reverse()
        self.ops: list[Op] = []
        self.sources: list[Source] = []
        self.known: dict[int, Source] = {}
        self.index: dict[Node, int] = {}
        self.measured: dict[str, Any] = {}  # once for all levels of a picture
        for node in nodes:
            if node.primitive is not None and node.primitive is not PICK:
                self._add(node)
        join_slices(self)
        self.roots = [(t, self.index.get(origin(t._node), -1)) for t in roots]
        self.alone = [self._source(t._node, t._data) for t, made in self.roots if made < 0]
        self.views = self._views_of_parameters()
        self.scopes: list[Scope] = find_scopes(nodes, self.given)
        self._place()
        find_targets(self)
        name_sources(self)

    def _add(self, node: Node) -> None:
        number = len(self.ops)
        links: list[Link] = []
        args = node.args if node.args is not None else (None,) * len(node.parents)
        for position, (parent, array) in enumerate(zip(node.parents, args, strict=False)):
            made = self.index.get(origin(parent))
            if made is not None:
                links.append(Link(made, None, tuple(parent.out.shape), parent))
                continue
            if isinstance(parent, Leaf) and parent.out is not None:
                array = parent.out
            if not getattr(array, "shape", ()) and not (parent.tracked or self._called(array)):
                freed = node.args is None and position < 2 and parent is UNTRACKED
                if not (freed and takes_arrays(node)):
                    continue  # a number: part of the operation
                array = Freed()
            source = self._source(parent, array)
            source.users.append(number)
            links.append(Link(-1, source, source.shape, parent))
        for array in index_arrays(node):
            source = self._source(UNTRACKED, array)
            source.users.append(number)
            links.append(Link(-1, source, source.shape, UNTRACKED))
        self.index[node] = number
        self.ops.append(Op(node, links))

    def _called(self, array: Any) -> bool:
        return array is not None and id(array) in self.given

    def _source(self, node: Node, array: Any) -> Source:
        own = isinstance(node, Leaf) and node.out is not None
        key = id(node) if own else id(array)
        if key not in self.known:
            self.known[key] = source = Source(array, node if own else None)
            self.sources.append(source)
        return self.known[key]

    def _views_of_parameters(self) -> dict[int, Source]:
        """Operations that only turn a parameter (``b[:, None]``): they are not worth a box."""
        ends = {made for _, made in self.roots}
        found: dict[int, Source] = {}
        for i, op in enumerate(self.ops):
            primitive = op.node.primitive
            if len(op.links) != 1 or primitive is None or category(primitive) != "view":
                continue
            link = op.links[0]
            source = link.source if link.source is not None else found.get(link.op)
            if source is None or not source.tracked or i in ends:
                continue
            if primitive.name != "getitem" or math.prod(op.shape) <= math.prod(link.shape):
                found[i] = source
        return found

    def _place(self) -> None:
        """Give every operation the innermost call around it."""
        stack: list[int] = []
        upcoming = 0
        for op in self.ops:
            seq = op.node.seq
            while upcoming < len(self.scopes) and self.scopes[upcoming].start < seq:
                while stack and self.scopes[stack[-1]].stop < self.scopes[upcoming].start:
                    stack.pop()
                self.scopes[upcoming].parent = stack[-1] if stack else -1
                stack.append(upcoming)
                upcoming += 1
            while stack and self.scopes[stack[-1]].stop < seq:
                stack.pop()
            op.scope = stack[-1] if stack else -1
        for scope in self.scopes:
            above = self.scopes[scope.parent] if scope.parent >= 0 else None
            scope.depth = above.depth + 1 if above else 0
            if above:
                above.children += 1
                inside = scope.path.removeprefix(above.path + ".")
                whole = above.parent < 0 and not inside.startswith(above.path)
                scope.title = inside if inside != scope.path or whole else scope.title

    def parameters(self, ops: Iterable[int]) -> list[Source]:
        """The parameters that operations read, once each."""
        found: dict[int, Source] = {}
        for i in ops:
            for link in self.ops[i].links:
                if link.source is not None and link.source.role == "parameter":
                    found[id(link.source)] = link.source
        return list(found.values())


def index_arrays(node: Node) -> list[Any]:
    """The arrays of an index that gathers, as the ids of an embedding."""
    index = (node.kwargs or {}).get("index")
    parts = index if isinstance(index, tuple) else (index,)
    return [a for a in parts if isinstance(a, np.ndarray) and a.ndim and a.dtype.kind in "iub"]


def origin(node: Node) -> Node:
    """The operation that a bookkeeping node stands for."""
    while node.primitive is PICK:
        node = node.parents[0]
    return node


def takes_arrays(node: Node) -> bool:
    """Whether the first two arguments of an operation are arrays, never numbers."""
    primitive = node.primitive
    if primitive is None:
        return False
    return category(primitive) == "linear" or primitive.name.endswith(
        ("_entropy", "_error", "_cost")
    )
