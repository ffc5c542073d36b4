"""A recorded graph as a flat list of operations, with named sources and module calls.

Bookkeeping nodes are left out. Every input of an operation is another operation or a
:class:`Source`; sources have a name and a role: parameter, input, target or other data. Modules
are recognised by the methods they have (``named_modules``, ``named_parameters``), not by their
class: this package does not import :mod:`nn`.
"""

import inspect
import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.drawing.trace.flow import Flow, Operand, given_again, operands
from autograd_core.engine.diagnostics import Tape
from autograd_core.engine.graph import GET_OUTPUT, UNTRACKED, Given, Leaf, Node, producer
from autograd_core.engine.operands import BatchedBase, whole_shape
from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import TensorBase, is_array
from autograd_core.engine.scopes import calls, first_shape
from autograd_core.tensors.tensor import Tensor

Named = Mapping[str, Any]  # objects by their names


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
        return whole_shape(self.array) if hasattr(self.array, "shape") else ()

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def name_in(self, names: Mapping[int, str]) -> str:
        """Return its name, or that of what it is a view of, among names by ids; "" for none."""
        base = getattr(self.array, "base", None)
        whole = base if getattr(base, "size", 0) == self.size else None
        found = (names.get(id(a), "") for a in (self.array, self.node, whole) if a is not None)
        return next(filter(None, found), "")

    @property
    def is_zero(self) -> bool:
        """Return whether all values are 0; False for an empty or very large array."""
        a = self.array
        return isinstance(a, np.ndarray) and 0 < a.size <= 1_000_000 and not a.any()


def plain(a: Any) -> Any:
    """Return the number in an array without axes, if it is one number; else the array."""
    one = hasattr(a, "item") and not isinstance(a, BatchedBase) and a.shape == ()
    return a.item() if one else a


class Freed:
    """Placeholder for an array that backward has freed; not even its shape is known."""


@dataclass(eq=False)
class Link:
    """One input of an operation: operation number ``op``, or a source (then ``op`` is -1).

    ``place`` is the number of the argument, -1 for an option; ``gradient`` tells whether a gradient
    flows back.
    """

    op: int
    source: Source | None
    shape: tuple[int, ...]
    place: int = -1
    gradient: bool = False


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
    def is_loss(self) -> bool:
        """Return whether the primitive calls one of its arguments a target."""
        return "target" in self.primitive.argument_names

    @property
    def numbers(self) -> list[Any]:
        """Return its arguments that are plain numbers, which belong to it."""
        linked = {link.place for link in self.links}
        args = [plain(a) for i, a in enumerate(self.node.args or ()) if i not in linked]
        return [a for a in args if isinstance(a, (int, float, complex))]

    @property
    def result(self) -> Any:
        """Return the result, or the first of several; only shape and dtype if not kept."""
        out = self.node.out
        return out[0] if isinstance(out, (tuple, list)) else out

    @property
    def shape(self) -> tuple[int, ...]:
        return whole_shape(self.result)

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
    reads, holds
        Whether operations in it read parameters, and whether those of a call inside it do.
    shape
        Shape of its first input.
    inputs
        Names of what it was called with, by their ids.
    parameters, attributes
        Outermost scopes only: names of parameters and of other arrays of the module, by their ids.
    """

    def __init__(self, module: Any, start: int, stop: int, shape: tuple[int, ...] = ()) -> None:
        self.module, self.start, self.stop, self.shape = module, start, stop, shape
        self.type = type(module).__name__
        self.path = self.title = ""
        self.parent, self.depth, self.children = -1, 0, 0
        self.reads = self.holds = False
        self.parameters: dict[int, str] = {}
        self.attributes: dict[int, str] = {}
        self.inputs: dict[int, str] = {}


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
    hidden
        Calls of the one module around the whole picture, which are not drawn.
    views
        The parameter behind each operation that is only a view of one.
    passed
        Names of what modules were called with, by the ids.
    ran
        Whether all that ran is known, and not only what was recorded.
    measured
        Results of expensive measurements, shared by all levels of a picture.
    """

    def __init__(
        self, roots: Named, names: Named, inputs: Named, variables: Named, tape: Tape | None = None
    ) -> None:
        """Read the graph of some Tensors.

        Parameters
        ----------
        roots
            The Tensors by their names; those without one have numbers.
        names, inputs, variables
            Names that were given, of the arguments of the function that was run, and of variables.
        tape
            What was noted while the function ran.
        """
        self.given = identities(names)
        self.inputs = identities(inputs)
        self.called = identities(variables)
        self.named = self.given | self.inputs | self.called
        self.ops: list[Op] = []
        self.sources: list[Source] = []
        self.known: dict[int, Source] = {}
        self.index: dict[Node, int] = {}
        self.measured: dict[str, Any] = {}
        self.ran, self.flow = tape is not None, Flow(tape or Tape())
        origins = [self.flow.origin(t) for t in roots.values()]
        nodes = self._history([node for node, _ in origins])
        for node in nodes:
            if node.primitive is not None and node.primitive is not GET_OUTPUT:
                self._add(node, node.primitive)
        _join_slices(self)
        made = [self.index.get(producer(node), -1) for node, _ in origins]
        self.roots = list(zip(roots.values(), made, strict=True))
        self.root_names = list(roots)
        self.alone = [self._source(*o) for o, i in zip(origins, made, strict=True) if i < 0]
        self.scopes = _find_scopes(nodes, tape, self.given, self.called)
        self.passed = {k: name for s in self.scopes for k, name in s.inputs.items()}
        self._assign_scopes()
        _find_targets(self)
        _name_sources(self)
        self.views = self._views_of_parameters()
        for i, op in enumerate(self.ops):
            if self.parameters([i]):
                for number, s in enumerate(self.enclosing(op.scope)):
                    self.scopes[s].reads = True
                    self.scopes[s].holds |= number > 0
        outer = [i for i, s in enumerate(self.scopes) if s.parent < 0]
        one = len({id(self.scopes[i].module) for i in outer}) == 1
        self.hidden = {i for i in outer if one and self.scopes[i].children}
        self.flow.release()

    def _history(self, roots: list[Any]) -> list[Node]:
        """Return all calls that lead to some nodes, in the order in which they ran."""
        seen = {node for node in roots if node.primitive is not None}
        waiting = list(seen)
        while waiting:
            node = waiting.pop()
            for _, parent, *_ in self._reads(node):
                if parent.primitive is not None and parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return sorted(seen, key=lambda node: node.seq)

    def _reads(self, node: Node) -> list[Operand]:
        if found := self.flow.reads.get(node):
            return found
        found = operands(node)
        constants = enumerate(given_again(node), len(found))
        return found + [Operand(i, *self.flow.origin(a)) for i, a in constants]

    def _add(self, node: Node, primitive: Primitive) -> None:
        links: list[Link] = []
        for place, parent, saved, gradient in self._reads(node):
            given, array = isinstance(parent, Given), saved
            if given and parent.option:
                continue
            made = self.index.get(producer(parent))
            if made is not None:
                shape = whole_shape(saved if hasattr(saved, "shape") else parent.out)
                links.append(Link(made, None, shape, place, gradient))
                continue
            if given or (isinstance(parent, Leaf) and parent.out is not None):
                array = parent.out
            called = array is not None and (id(array) in self.named or id(parent) in self.named)
            if place < 0 and not (array.ndim and array.dtype.kind in "iub"):
                continue  # not an index or a mask
            if not getattr(array, "shape", ()) and not (parent.tracked or called):
                freed = node.args is None and place < 2 and not parent.tracked
                if not (freed and primitive.kind in ("product", "reduction")):
                    continue  # a number, which is written on the operation
                array = Freed()
            source = self._source(UNTRACKED if given else parent, array)
            source.users.append(len(self.ops))
            links.append(Link(-1, source, source.shape, place, gradient))
            if given and saved is not None:  # views of the copy are views of the array
                self.known.setdefault(id(saved), source)
        self.index[node] = len(self.ops)
        self.ops.append(Op(node, primitive, links))

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
            source = found.get(link.op, link.source)
            gathers = op.name == "getitem" and math.prod(op.shape) > math.prod(link.shape)
            if source is not None and source.role == "parameter" and not gathers:
                found[i] = source
        return found

    def _assign_scopes(self) -> None:
        """Give every operation its innermost call, and every call its parent, depth and title."""
        stack: list[int] = []
        begun = [(scope.start, -1, i) for i, scope in enumerate(self.scopes)]
        for number, op, i in sorted(begun + [(op.node.seq, i, 0) for i, op in enumerate(self.ops)]):
            while stack and self.scopes[stack[-1]].stop < number:
                stack.pop()
            parent = stack[-1] if stack else -1
            if op >= 0:
                self.ops[op].scope = parent
                continue
            stack.append(i)
            scope = self.scopes[i]
            scope.parent = parent
            if parent >= 0:
                above = self.scopes[parent]
                scope.depth = above.depth + 1
                above.children += 1
                inside = scope.path.removeprefix(above.path + ".")
                whole = above.parent < 0 and not inside.startswith(above.path)
                scope.title = inside if inside != scope.path or whole else scope.title

    @property
    def batch(self) -> int:
        """Return the length of the first axis of the input of the outermost modules.

        0 if there are none, or if they disagree.
        """
        found = {s.shape[0] for s in self.scopes if s.parent < 0 and len(s.shape) > 1}
        return found.pop() if len(found) == 1 else 0

    def enclosing(self, scope: int) -> Iterable[int]:
        """Yield a scope and the scopes around it, from the inside out."""
        while scope >= 0:
            yield scope
            scope = self.scopes[scope].parent

    def links(self, ops: Iterable[int]) -> list[Link]:
        """Return all inputs of several operations."""
        return [link for i in ops for link in self.ops[i].links]

    def parameter(self, link: Link) -> Source | None:
        """Return the parameter that a link reads, directly or through a view, if any."""
        source = self.views.get(link.op, link.source)
        return source if source and source.role == "parameter" else None

    def sources_of(self, ops: Iterable[int], role: str) -> list[Source]:
        """Return the sources of a role that operations read, each once."""
        read = (self.views.get(link.op, link.source) for link in self.links(ops))
        return list({id(s): s for s in read if s is not None and s.role == role}.values())

    def parameters(self, ops: Iterable[int]) -> list[Source]:
        """Return the parameters that operations read, each once."""
        return self.sources_of(ops, "parameter")


def identities(names: Named) -> dict[int, str]:
    """Return names by the ids of the named modules and arrays, and of the nodes of Tensors.

    Arrays in containers have the name of their key, or of the container and their number.
    """
    found: dict[int, str] = {}
    waiting = list(names.items())[::-1]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, (int, float, complex, str, bytes, type(None))):
            continue  # Python shares these objects, so their ids identify nothing
        ids = [id(value)]
        if isinstance(value, TensorBase):
            ids = [id(value._array), *([id(value._node)] * (value._node is not UNTRACKED))]
        elif type(value) is dict:
            waiting += [(k if isinstance(k, str) else f"{name}[{k!r}]", value[k]) for k in value]
        elif type(value) in (list, tuple):
            waiting += [(f"{name}[{i}]", v) for i, v in enumerate(value)]
        for i in ids:
            found.setdefault(i, name)
    return found


def arguments(fun: Callable[..., Any], args: Iterable[Any], kwargs: Any = None) -> dict[str, Any]:
    """Return what a function or module is called with by the names of its parameters."""
    fun = getattr(fun, "forward", fun) if hasattr(fun, "named_parameters") else fun
    try:
        return dict(inspect.signature(fun).bind_partial(*args, **kwargs or {}).arguments)
    except (TypeError, ValueError):  # no signature, or another one
        return {}


def _find_scopes(
    nodes: list[Node], tape: Tape | None, given: Mapping[int, str], variables: Mapping[int, str]
) -> list[Scope]:
    """Return the module calls around ``nodes``, named by the outermost modules' attributes.

    Several outermost modules have the names of variables, and lead the names inside them.
    """
    found = {(c.start, id(c.module)): Scope(*c) for c in calls(nodes)}
    for module, start, stop, args, kwargs in tape.modules if tape else ():
        scope = Scope(module, start, stop, first_shape(args) or first_shape(kwargs))
        scope.inputs = identities(arguments(module, args, kwargs))
        found[start, id(module)] = scope
    numbers = [node.seq for node in nodes]
    scopes = [s for _, s in sorted(found.items(), key=lambda item: item[0][0])]
    scopes = [s for s in scopes if bisect_right(numbers, s.start) < bisect_right(numbers, s.stop)]
    paths: dict[int, str] = {}
    ends = itertools.accumulate((s.stop for s in scopes), max, initial=0)
    outer = {s for s, end in zip(scopes, ends, strict=False) if s.start >= end}
    several = len({id(s.module) for s in outer}) > 1
    given = {**variables, **given} if several else given
    for scope in scopes:
        if scope in outer:
            lead = f"{given.get(id(scope.module), scope.type)}." if several else ""
            for name, module in getattr(scope.module, "named_modules", tuple)():
                path = (lead + name).rstrip(".")
                paths.setdefault(id(module), path)
                for key, value in vars(module).items():
                    if is_array(value):
                        scope.attributes[id(value)] = f"{path}.{key}" if path else key
            for name, parameter in getattr(scope.module, "named_parameters", tuple)():
                scope.parameters |= identities({lead + name: parameter})
        scope.path = given.get(id(scope.module)) or paths.get(id(scope.module), "") or scope.type
        scope.title = scope.path.rpartition(".")[2] or scope.path
    return scopes


def _join_slices(trace: Trace) -> None:
    """Replace three or more slices of one array, or windows into one, by that array."""
    slices: dict[int, list[Source]] = {}
    for source in trace.sources:
        base = getattr(source.array, "base", None)
        if is_array(base) and not (source.node or source.name_in(trace.given)):
            slices.setdefault(id(base), []).append(source)
    for group in slices.values():
        base, shape = group[0].array.base, group[0].shape
        known, members = trace.known.get(id(base)), set(group)
        whole = known
        if whole is None and len(group) < 3 and group[0].size <= base.size:
            continue
        if whole is None and base.ndim != len(shape) + 1 and len(group) > 2:
            note = f"{len(group)} slices of {'×'.join(map(str, shape))}"
            whole = Source(Freed(), note=note)  # the sliced array is itself a view
        whole = whole or Source(base)
        for user in {i for source in group for i in source.users}:
            whole.users.append(user)
            for link in trace.ops[user].links:
                link.source = whole if link.source in members else link.source
        trace.sources = [s for s in trace.sources if s not in members] + [whole] * (not known)
    trace.sources.sort(key=lambda source: min(source.users, default=len(trace.ops)))


def _find_targets(trace: Trace) -> None:
    """Mark arrays that only reach a loss, as its target: the argument that it calls so."""
    leading: set[int] = set()
    found: list[Source] = []
    for i, op in enumerate(trace.ops):
        if not op.is_loss:
            continue
        leading.add(i)
        place = op.primitive.argument_names.index("target")
        waiting = [k for k in op.links if k.place == place]
        while waiting:
            link = waiting.pop()
            if link.source is not None:
                found.append(link.source)
            elif not trace.ops[link.op].node.tracked and trace.ops[link.op].scope < 0:
                leading.add(link.op)
                waiting += trace.ops[link.op].links
    for source in found:
        if not source.tracked and leading.issuperset(source.users):
            source.role = "target"


def _name_sources(trace: Trace) -> None:
    """Give every source its role, and a name where one is certain, else that of its role."""
    parameters = {k: name for s in trace.scopes for k, name in s.parameters.items()}
    attributes = {k: name for s in trace.scopes for k, name in s.attributes.items()}
    entered = {k: n for s in trace.scopes if s.parent < 0 for k, n in s.inputs.items()}
    waiting = {s.start: s for s in trace.scopes if s.parent < 0 and s.shape and not s.inputs}
    for source in trace.sources:
        own = {id(source.node): source.node.name or ""} if source.node is not None else {}
        known = (trace.given, parameters, own, trace.inputs, trace.called, entered, attributes)
        name = next(filter(None, map(source.name_in, known)), "")
        around = list(trace.enclosing(trace.ops[source.users[0]].scope)) if source.users else []
        outer = trace.scopes[around[-1]] if around else None
        if source.name_in(parameters):
            source.role = "parameter"
        elif source.role != "target" and source.name_in(trace.inputs | entered):
            source.role = "input"
        elif source.tracked and outer is not None and _is_plain_tensor(source.node):
            source.role = "input"  # a Tensor that is no module's parameter
        elif source.role == "data" and outer is not None and outer.start in waiting:
            whole = source.array
            if source.shape not in ((), outer.shape):  # perhaps a view of the input
                whole = getattr(whole, "base", None)
            if isinstance(whole, Freed) or getattr(whole, "shape", ()) == outer.shape:
                del waiting[outer.start]
                source.role, source.array = "input", whole
                name = name or next(iter(arguments(outer.module, [None])), "")
        if source.role == "data" and source.shape and source.is_zero:
            source.note = "zeros"
        source.name = name or ("y" if source.role == "target" else source.role)


def _is_plain_tensor(node: Node | None) -> bool:
    """Return whether a leaf belongs to a Tensor itself, not to a subclass like ``nn.Parameter``.

    One whose owner is gone is none of the parameters of a module that is alive.
    """
    owner = node.owner() if isinstance(node, Leaf) and node.owner is not None else None
    return isinstance(node, Leaf) and (owner is None or type(owner) is Tensor)
