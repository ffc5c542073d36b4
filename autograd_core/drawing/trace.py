"""What was recorded, flat: operations in order, what they read, and the modules they ran in.

Bookkeeping nodes are gone, every input of an operation is another operation or a
:class:`Source`, and sources have names and roles: parameter, input, target.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd_core.drawing.modules import Scope, find_scopes
from autograd_core.drawing.palette import category
from autograd_core.graph import PICK, UNTRACKED, Leaf, Node, reachable
from autograd_core.primitive import Spec
from autograd_core.recording import Handle


class Source:
    """An array that no drawn operation made."""

    __slots__ = ("array", "name", "node", "note", "role", "tracked", "users")

    def __init__(self, array: Any, node: Node | None) -> None:
        self.array = array
        self.node = node  # of a Tensor
        self.tracked = node is not None and node.tracked
        self.role = "parameter" if self.tracked else "data"  # or "input", "target"
        self.name = ""
        self.note = ""
        self.users: list[int] = []

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(getattr(self.array, "shape", ()))


class Freed:
    """An array that backward has freed: nothing is known of it but that it was there."""


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
        self.given = _identities(names) | {k: n for k, n in _identities(inputs).items() if n}
        self.inputs = set(_identities(inputs))
        nodes = reachable(t._node for t in roots)
        nodes.reverse()
        self.ops: list[Op] = []
        self.sources: list[Source] = []
        self._known: dict[int, Source] = {}
        self.index: dict[Node, int] = {}
        for node in nodes:
            if node.primitive is not None and node.primitive is not PICK:
                self._add(node)
        self._whole_bases()
        self.roots = [(t, self.index.get(origin(t._node), -1)) for t in roots]
        self.alone = [self._source(t._node, t._data) for t, made in self.roots if made < 0]
        self.views = self._views_of_parameters()
        self.scopes: list[Scope] = find_scopes(nodes, self.given)
        self._place()
        self._targets()
        self._name_sources()

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
        self.index[node] = number
        self.ops.append(Op(node, links))

    def _called(self, array: Any) -> bool:
        return array is not None and id(array) in self.given

    def _source(self, node: Node, array: Any) -> Source:
        own = isinstance(node, Leaf) and node.out is not None
        key = id(node) if own else id(array)
        if key not in self._known:
            self._known[key] = source = Source(array, node if own else None)
            self.sources.append(source)
        return self._known[key]

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
            if source is not None and source.tracked and i not in ends:
                found[i] = source
        return found

    def _whole_bases(self) -> None:
        """Show three or more slices of one array, and windows into one, as that array."""
        slices: dict[int, list[Source]] = {}
        for source in self.sources:
            base = getattr(source.array, "base", None)
            named = source.node is not None or self._identity(source) & self.given.keys()
            if isinstance(base, np.ndarray) and not named:
                slices.setdefault(id(base), []).append(source)
        instead: dict[int, Source] = {}
        for group in slices.values():
            base = group[0].array.base
            if len(group) < 3 and group[0].array.size <= base.size:
                continue
            known = self._known.get(id(base))
            whole = known or Source(base, None)
            if known is None and base.ndim != len(group[0].shape) + 1 and len(group) > 2:
                whole = Source(Freed(), None)  # the array that was sliced is itself a view
                whole.note = f"{len(group)} slices of {'×'.join(map(str, group[0].shape))}"
            for source in group:
                instead[id(source)] = whole
                whole.users += source.users
        if not instead:
            return
        for op in self.ops:
            for link in op.links:
                if link.source is not None:
                    link.source = instead.get(id(link.source), link.source)
        merged = [instead.get(id(s), s) for s in self.sources]
        self.sources = list({id(s): s for s in merged}.values())

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

    def _targets(self) -> None:
        """An untracked array that meets the network only at the loss is a target."""
        if any(t.size != 1 for t, _ in self.roots):
            return
        free = [True] * len(self.ops)  # no parameter is read further down
        for op in reversed(self.ops):
            number = self.index[op.node]
            reads = any(k.source and k.source.tracked for k in op.links)
            for link in op.links:
                if link.op >= 0 and (reads or not free[number]):
                    free[link.op] = False
        for source in self.sources:
            freed = isinstance(source.array, Freed)
            if source.tracked or not source.users or not (source.shape or freed):
                continue
            ends = all(
                self.ops[i].scope < 0 and free[i] and any(k.op >= 0 for k in self.ops[i].links)
                for i in source.users
            )
            if ends and not (self._identity(source) & self.inputs):
                source.role = "target"

    def _identity(self, source: Source) -> set[int]:
        return {id(source.array), id(source.node)}

    def _name_sources(self) -> None:
        parameters = {k: name for s in self.scopes for k, name in s.parameters.items()}
        plain = [s for s in self.sources if s.role == "data"]
        freed = [s for s in plain if isinstance(s.array, Freed)]
        arrays = [s for s in plain if s.shape and _kind(s) in "fc" and not _zero(s)]
        shown = arrays or freed or plain
        for source in self.sources:
            known = [self.given[k] for k in self._identity(source) if k in self.given]
            own = source.node.name if source.node is not None else None
            source.name = (known[0] if known else None) or own or ""
            if source.tracked and id(source.node) in parameters:
                source.name = source.name if known else parameters[id(source.node)]
            elif source.tracked and self.scopes and _plain_tensor(source.node):
                source.role = "input"  # a Tensor that no module calls its own
            if self._identity(source) & self.inputs:
                source.role = "input"
            elif source.role == "data" and shown and source is shown[0]:
                source.role = "input"
                source.name = source.name or "x"
            elif source.role == "target":
                source.name = source.name or "y"
            elif source.role == "data" and source.shape and _zero(source):
                source.note = "zeros"
            source.name = source.name or ("parameter" if source.tracked else "data")

    def parameters(self, ops: Iterable[int]) -> list[Source]:
        """The parameters that operations read, once each."""
        found: dict[int, Source] = {}
        for i in ops:
            for link in self.ops[i].links:
                if link.source is not None and link.source.role == "parameter":
                    found[id(link.source)] = link.source
        return list(found.values())


def origin(node: Node) -> Node:
    """The operation that a bookkeeping node stands for."""
    while node.primitive is PICK:
        node = node.parents[0]
    return node


def _plain_tensor(node: Node | None) -> bool:
    """Whether a leaf is of a Tensor itself, not of a subclass such as ``nn.Parameter``."""
    owner = node.owner() if isinstance(node, Leaf) and node.owner is not None else None
    return owner is not None and type(owner) is Handle.kind


def takes_arrays(node: Node) -> bool:
    """Whether the first two arguments of an operation are arrays, never numbers."""
    primitive = node.primitive
    if primitive is None:
        return False
    return category(primitive) == "linear" or primitive.name.endswith(
        ("_entropy", "_error", "_cost")
    )


def _identities(names: Mapping[str, Any]) -> dict[int, str]:
    """Names by the identity of Tensors' nodes and arrays, of arrays and of modules."""
    found: dict[int, str] = {}
    for name, value in names.items():
        if isinstance(value, (int, float, complex, str, bytes, type(None))):
            continue  # Python shares these: an identity says nothing
        found[id(value)] = name
        if isinstance(value, Handle):
            found[id(value._data)] = found[id(value._node)] = name
    return found


def _kind(source: Source) -> str:
    dtype = getattr(source.array, "dtype", None)
    return str(getattr(dtype, "kind", "f"))


def _zero(source: Source) -> bool:
    a = source.array
    return isinstance(a, np.ndarray) and 0 < a.size <= 1_000_000 and not a.any()


def size(source: Source) -> int:
    """How many numbers a source holds."""
    a = source.array
    return int(a.size) if isinstance(a, (np.ndarray, Spec)) else int(np.prod(source.shape))
