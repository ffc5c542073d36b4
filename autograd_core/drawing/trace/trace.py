"""A recorded graph as a flat list of operations, with named sources and module calls.

Bookkeeping nodes are left out. Every input of an operation is another operation or a
:class:`Source`; sources have a name and a role: parameter, input, target or other data. Modules
are recognised by the methods they have (``named_modules``, ``named_parameters``), not by their
class: this package does not import :mod:`nn`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.engine.graph import (
    GET_OUTPUT,
    UNTRACKED,
    Given,
    Leaf,
    Node,
    arrays_in,
    producer,
    reachable,
)
from autograd_core.engine.mutation import COPIED
from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import TensorBase
from autograd_core.engine.scopes import calls
from autograd_core.tensors.tensor import Tensor


class Source:
    """An array that no drawn operation made.

    Attributes
    ----------
    array
        The array, or :class:`Freed`.
    node
        The leaf of a Tensor; None for a plain array.
    tracked
        Whether a gradient is wanted.
    role
        ``"parameter"``, ``"input"``, ``"target"`` or ``"data"``.
    name, note
        What the box says.
    users
        Numbers of the operations that read it.
    """

    def __init__(self, array: Any, node: Node | None = None, note: str = "") -> None:
        self.array, self.node, self.note, self.name = array, node, note, ""
        self.tracked = node is not None and node.tracked
        self.role = "parameter" if self.tracked else "data"
        self.users: list[int] = []

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(getattr(self.array, "shape", ()))

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def identity(self) -> set[int]:
        """Return the ids by which the user may have named the source."""
        return {id(self.array), id(self.node)}

    @property
    def is_zero(self) -> bool:
        """Return whether all values are 0; False for an empty or very large array."""
        a = self.array
        return isinstance(a, np.ndarray) and 0 < a.size <= 1_000_000 and not a.any()


class Freed:
    """Placeholder for an array that backward has freed; not even its shape is known."""


@dataclass(eq=False)
class Link:
    """One input of an operation: operation number ``op``, or a source (then ``op`` is -1)."""

    op: int
    source: Source | None
    shape: tuple[int, ...]


@dataclass(eq=False)
class Op:
    """One recorded call, and the number of the innermost module call around it (-1 for none)."""

    node: Node
    primitive: Primitive
    links: list[Link]
    scope: int = -1

    @property
    def name(self) -> str:
        return self.primitive.name.lstrip("_")

    @property
    def kind(self) -> str:
        """Return the kind of the primitive; an unknown one is drawn like an elementwise one."""
        return self.primitive.kind or "elementwise"

    @property
    def result(self) -> Any:
        """Return the result, or the first of several; only shape and dtype if not kept."""
        out = self.node.out
        return out[0] if isinstance(out, (tuple, list)) else out

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.result.shape)

    @property
    def dtype(self) -> str:
        return str(self.result.dtype)


class Scope:
    """One call of a module.

    Attributes
    ----------
    module
        The module.
    start, stop
        The call made the nodes numbered in between.
    type
        Name of the module's class.
    path, title
        Dotted name below the outermost module, and the last part of it.
    parent, depth, children
        Number of the enclosing scope (-1 for none), nesting level, number of direct children.
    parameters
        Outermost scopes only: names of parameters by the id of their nodes.
    """

    def __init__(self, module: Any, start: int, stop: int) -> None:
        self.module, self.start, self.stop = module, start, stop
        self.type = type(module).__name__
        self.path = self.title = ""
        self.parent, self.depth, self.children = -1, 0, 0
        self.parameters: dict[int, str] = {}


class Trace:
    """A recorded graph, ready to be grouped and drawn.

    Attributes
    ----------
    ops
        Operations in the order in which they ran.
    scopes
        Module calls, outer ones first.
    sources
        Sources in the order of their first use.
    roots
        The Tensors to draw, each with the number of the operation that made it (-1 for a leaf).
    alone
        Sources that are roots themselves.
    views
        The parameter behind each operation that is only a view of one.
    measured
        Results of expensive measurements, shared by all levels of a picture.
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
        self.measured: dict[str, Any] = {}
        for node in nodes:
            if node.primitive is not None and node.primitive is not GET_OUTPUT:
                self._add(node, node.primitive)
        _join_slices(self)
        self.roots = [(t, self.index.get(producer(t._node), -1)) for t in roots]
        self.alone = [self._source(t._node, t._array) for t, made in self.roots if made < 0]
        self.views = self._views_of_parameters()
        self.scopes = _find_scopes(nodes, self.given)
        self._assign_scopes()
        _find_targets(self)
        _name_sources(self)

    def _add(self, node: Node, primitive: Primitive) -> None:
        links: list[Link] = []
        args = node.args if node.args is not None else (None,) * len(node.parents)
        for position, (parent, saved) in enumerate(zip(node.parents, args, strict=False)):
            given, array = isinstance(parent, Given), saved
            if given and parent.option:
                continue
            made = self.index.get(producer(parent))
            if made is not None:
                links.append(Link(made, None, tuple(parent.out.shape)))
                continue
            if given or (isinstance(parent, Leaf) and parent.out is not None):
                array = parent.out
            called = array is not None and id(array) in self.given
            if not getattr(array, "shape", ()) and not (parent.tracked or called):
                freed = node.args is None and position < 2 and not parent.tracked
                if not (freed and primitive.kind in ("product", "reduction")):
                    continue  # a number, which is written on the operation
                array = Freed()
            links.append(self._read(UNTRACKED if given else parent, array))
            if given and saved is not None:  # views of the copy are views of the array
                self.known.setdefault(id(saved), self._source(UNTRACKED, array))
        links += [self._read(UNTRACKED, array) for array in _index_arrays(node)]
        self.index[node] = len(self.ops)
        self.ops.append(Op(node, primitive, links))

    def _read(self, node: Node, array: Any) -> Link:
        """Return a link from the operation that is being added to a source."""
        source = self._source(node, array)
        source.users.append(len(self.ops))
        return Link(-1, source, source.shape)

    def _source(self, node: Node, array: Any) -> Source:
        own = isinstance(node, Leaf) and node.out is not None
        key = id(node) if own else id(array)
        if key not in self.known:
            self.known[key] = source = Source(array, node if own else None)
            self.sources.append(source)
        return self.known[key]

    def _views_of_parameters(self) -> dict[int, Source]:
        """Return operations that are only a view of a parameter, such as ``b[:, None]``."""
        ends = {made for _, made in self.roots}
        found: dict[int, Source] = {}
        for i, op in enumerate(self.ops):
            if len(op.links) != 1 or op.kind != "view" or i in ends:
                continue
            (link,) = op.links
            source = link.source if link.source is not None else found.get(link.op)
            gathers = op.name == "getitem" and math.prod(op.shape) > math.prod(link.shape)
            if source is not None and source.tracked and not gathers:
                found[i] = source
        return found

    def _assign_scopes(self) -> None:
        """Give every operation its innermost call, and every call its parent, depth and title."""
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
            if scope.parent < 0:
                continue
            above = self.scopes[scope.parent]
            scope.depth = above.depth + 1
            above.children += 1
            inside = scope.path.removeprefix(above.path + ".")
            whole = above.parent < 0 and not inside.startswith(above.path)
            scope.title = inside if inside != scope.path or whole else scope.title

    @property
    def batch(self) -> int:
        """Return the length of the first axis of the input; 0 if there is no such input."""
        inputs = [s for s in self.sources if s.role == "input" and len(s.shape) > 1]
        return inputs[0].shape[0] if inputs else 0

    def enclosing(self, scope: int) -> Iterable[int]:
        """Yield a scope and the scopes around it, from the inside out."""
        while scope >= 0:
            yield scope
            scope = self.scopes[scope].parent

    def links(self, ops: Iterable[int]) -> list[Link]:
        """Return all inputs of several operations."""
        return [link for i in ops for link in self.ops[i].links]

    def sources_of(self, ops: Iterable[int], role: str) -> list[Source]:
        """Return the sources of a role that operations read, each once."""
        read = (link.source for link in self.links(ops))
        return list({id(s): s for s in read if s is not None and s.role == role}.values())

    def parameters(self, ops: Iterable[int]) -> list[Source]:
        """Return the parameters that operations read, each once."""
        return self.sources_of(ops, "parameter")


def identities(names: Mapping[str, Any]) -> dict[int, str]:
    """Return names by the ids of the named modules and arrays, and of the nodes of Tensors."""
    found: dict[int, str] = {}
    for name, value in names.items():
        if isinstance(value, (int, float, complex, str, bytes, type(None))):
            continue  # Python shares these objects, so their ids identify nothing
        found[id(value)] = name
        if isinstance(value, TensorBase):
            found[id(value._array)] = found[id(value._node)] = name
    return found


def _index_arrays(node: Node) -> list[Any]:
    """Return the arrays in the index of a gathering operation, such as the ids of an embedding."""
    index = (node.kwargs or {}).get("index")
    parts = index if isinstance(index, tuple) else (index,)
    given = [p.out for p in node.parents if isinstance(p, Given) and p.option]
    arrays = [*given, *(a for a in arrays_in(parts) if a.nbytes > COPIED)]
    return [a for a in arrays if a.ndim and a.dtype.kind in "iub"] if index is not None else []


def _find_scopes(nodes: Iterable[Node], given: Mapping[int, str]) -> list[Scope]:
    """Return the module calls around ``nodes``, named by the outermost modules' attributes."""
    scopes = [Scope(*call) for call in calls(nodes)]
    paths: dict[int, str] = {}
    end = 0
    for scope in scopes:
        if scope.start >= end:  # an outermost call
            end = scope.stop
            for name, module in getattr(scope.module, "named_modules", tuple)():
                paths.setdefault(id(module), name)
            for name, parameter in getattr(scope.module, "named_parameters", tuple)():
                scope.parameters[id(getattr(parameter, "_node", None))] = name
        scope.path = given.get(id(scope.module)) or paths.get(id(scope.module), "") or scope.type
        scope.title = scope.path.rpartition(".")[2] or scope.path
    return scopes


def _join_slices(trace: Trace) -> None:
    """Replace three or more slices of one array, or windows into one, by that array."""
    slices: dict[int, list[Source]] = {}
    for source in trace.sources:
        base = getattr(source.array, "base", None)
        named = source.node is not None or source.identity & trace.given.keys()
        if isinstance(base, np.ndarray) and not named:
            slices.setdefault(id(base), []).append(source)
    instead: dict[int, Source] = {}
    for group in slices.values():
        base = group[0].array.base
        known = trace.known.get(id(base))
        if known is None and len(group) < 3 and group[0].array.size <= base.size:
            continue
        whole = known or Source(base)
        if known is None and base.ndim != len(group[0].shape) + 1 and len(group) > 2:
            note = f"{len(group)} slices of {'×'.join(map(str, group[0].shape))}"
            whole = Source(Freed(), note=note)  # the sliced array is itself a view
        for source in group:
            instead[id(source)] = whole
            whole.users += source.users
    for link in trace.links(range(len(trace.ops))):
        link.source = instead.get(id(link.source), link.source)
    merged = [instead.get(id(s), s) for s in trace.sources]
    trace.sources = list({id(s): s for s in merged}.values())


def _find_targets(trace: Trace) -> None:
    """Mark untracked arrays that meet the network only at the loss as targets."""
    if any(t.size != 1 for t, _ in trace.roots):
        return
    free = [True] * len(trace.ops)  # no parameter is read further down
    for number, op in reversed(list(enumerate(trace.ops))):
        reads = any(k.source and k.source.tracked for k in op.links)
        for link in op.links:
            if link.op >= 0 and (reads or not free[number]):
                free[link.op] = False
    for source in trace.sources:
        one = source.size == 1 and not isinstance(source.array, Freed)  # a factor, not a target
        if source.tracked or one or source.identity & trace.inputs:
            continue
        users = [(trace.ops[i], free[i]) for i in source.users]
        if users and all(
            op.scope < 0 and at_end and any(k.op >= 0 for k in op.links) for op, at_end in users
        ):
            source.role = "target"


def _name_sources(trace: Trace) -> None:
    """Give every source a name, and inputs their role."""
    parameters = {k: name for s in trace.scopes for k, name in s.parameters.items()}
    plain = [s for s in trace.sources if s.role == "data"]
    freed = [s for s in plain if isinstance(s.array, Freed)]
    arrays = [
        s for s in plain
        if s.shape and getattr(s.array, "dtype", np.dtype(float)).kind in "fc" and not s.is_zero
    ]  # fmt: skip
    first = next(iter(arrays or freed or plain), None)
    for source in trace.sources:
        known = [trace.given[k] for k in source.identity if k in trace.given]
        own = source.node.name if source.node is not None else None
        source.name = (known[0] if known else None) or own or ""
        if source.tracked and id(source.node) in parameters:
            source.name = source.name if known else parameters[id(source.node)]
        elif source.tracked and trace.scopes and _is_plain_tensor(source.node):
            source.role = "input"  # a Tensor that is no module's parameter
        if source.identity & trace.inputs:
            source.role = "input"
        elif source.role == "data" and source is first:
            source.role = "input"
            source.name = source.name or "x"
        elif source.role == "target":
            source.name = source.name or "y"
        elif source.role == "data" and source.shape and source.is_zero:
            source.note = "zeros"
        source.name = source.name or ("parameter" if source.tracked else "data")


def _is_plain_tensor(node: Node | None) -> bool:
    """Return whether a leaf belongs to a Tensor itself, not to a subclass like ``nn.Parameter``."""
    owner = node.owner() if isinstance(node, Leaf) and node.owner is not None else None
    return owner is not None and type(owner) is Tensor
