"""The recorded graph: its nodes, whether anything records, and the backward sweep.

A :class:`Node` is one call of a primitive.  It holds raw arrays and its parent nodes,
never a Tensor, so a graph has no reference cycles and dies by reference counting alone.
With this file a reader can walk a graph
backwards: ``reachable(nodes)`` gives its nodes newest first, which is a topological order.
"""

from __future__ import annotations

import itertools
import operator
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd_core.engine.primitive import Primitive
from autograd_core.errors import AnomalyError

#: Bits of the mode, which each thread and each asynchronous task has to itself.
RECORD, ANOMALY, STRICT_NAN, PROFILE = 1, 2, 4, 8
mode: ContextVar[int] = ContextVar("autograd_core.mode", default=RECORD)

#: Numbers nodes and in-place writes in the order in which they happen.
clock = itertools.count(1)


class Watch:
    """What somebody wants to know about a node: kept apart, because most have none."""

    __slots__ = ("digests", "hooks", "name", "retain", "site")

    def __init__(self) -> None:
        self.name: str | None = None
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retain: weakref.ref[Any] | None = None  # the handle whose .grad is wanted
        self.site: str | None = None  # the user's line that made it (under detect_anomaly)
        self.digests: tuple[int, ...] = ()  # checksums of what it saved (the same)


class Node:
    """One recorded call: ``out = primitive(*args, **kwargs)``.

    ``parents[i]`` is the node of ``args[i]``; one that is not ``tracked`` gets no gradient.
    ``args`` is None once a backward pass has freed it.
    """

    __slots__ = (
        *("__weakref__", "args", "call", "kwargs", "out"),
        *("parents", "primitive", "seq", "watch"),
    )
    tracked = True

    primitive: Primitive | None
    out: Any
    args: tuple[Any, ...] | None
    kwargs: dict[str, Any] | None
    parents: tuple[Node, ...]
    seq: int
    watch: Watch | None
    call: Any  # the modules whose result this is (see scopes.py)

    def __repr__(self) -> str:
        kind = self.primitive.name if self.primitive else type(self).__name__.lower()
        return f"<{kind} node {tuple(getattr(self.out, 'shape', ()))}>"

    def watched(self) -> Watch:
        if self.watch is None:
            self.watch = Watch()
        return self.watch

    @property
    def name(self) -> str | None:
        return self.watch.name if self.watch else None

    def saved(self) -> list[Any]:
        """The arrays whose values a rule of this node will read."""
        primitive, args = self.primitive, self.args
        if primitive is None or args is None:
            return []
        flags = itertools.chain(primitive.saves, itertools.repeat(primitive.saves_rest))
        kept = [a for a, keep in zip(args, flags, strict=False) if keep]
        if primitive.saves_out:
            kept.extend(self.out if isinstance(self.out, (tuple, list)) else [self.out])
        kept.extend((self.kwargs or {}).values())
        return list(_arrays(kept))


def _arrays(values: Iterable[Any]) -> Iterator[Any]:
    """The ndarrays among values, and in tuples and lists among them (an index)."""
    for a in values:
        if isinstance(a, np.ndarray):
            yield a
        elif isinstance(a, (tuple, list)):
            yield from (b for b in a if isinstance(b, np.ndarray))


class Leaf(Node):
    """The node of a Tensor that no operation made: where gradients arrive."""

    __slots__ = ("owner",)

    def __init__(self, data: Any, owner: Any = None, name: str | None = None) -> None:
        self.primitive, self.args, self.kwargs, self.parents = None, None, None, ()
        self.out, self.seq, self.watch, self.call = data, next(clock), None, None
        self.owner: weakref.ref[Any] | None = None if owner is None else weakref.ref(owner)
        if name is not None:
            self.watched().name = name


class Constant(Leaf):
    """The node of a Tensor that needs no gradient."""

    __slots__ = ()
    tracked = False


#: Stands for every plain array, number and unrecorded result.
UNTRACKED = Constant(None)


def _pick(values: Any, index: int) -> Any:
    return values[index]


#: The bookkeeping node between an operation of several outputs and each of them.
PICK = Primitive(_pick, "pick")


def make_node(
    primitive: Primitive,
    out: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    parents: tuple[Node, ...],
    new: Callable[[type[Node]], Node] = Node.__new__,
) -> Node:
    """Record one call.  (Slots are filled here: an ``__init__`` would cost twice as much.)"""
    node = new(Node)
    node.primitive = primitive
    node.out = out
    node.args = args
    node.kwargs = kwargs
    node.parents = parents
    node.seq = next(clock)
    node.watch = node.call = None
    return node


def pick_node(parent: Node, out: Any, index: int) -> Node:
    """The node of one of several results; whole numbers carry no gradient."""
    if out.dtype.kind not in "fc":
        return UNTRACKED
    return make_node(PICK, out, (index,), None, (parent,))


def reachable(roots: Iterable[Node]) -> list[Node]:
    """Every tracked node that ``roots`` depend on, newest first (a topological order)."""
    seen = {n for n in roots if n.tracked}
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent.tracked and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=operator.attrgetter("seq"), reverse=True)


def leading_to(order: list[Node], targets: set[Node]) -> set[Node]:
    """The nodes of ``order`` from which a target can be reached, the targets included."""
    needed: set[Node] = set()
    for node in reversed(order):
        if node in targets or any(p in needed for p in node.parents):
            needed.add(node)
    return needed


def user_line() -> str:
    """The innermost line of code that is neither this package's nor NumPy's."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        module = frame.f_globals.get("__name__", "").split(".")[0]
        if module not in ("autograd_core", "nn", "numpy", "contextlib"):
            break
        frame = frame.f_back
    file = frame.f_code.co_filename
    file = "notebook cell" if "ipykernel_" in file else file  # else the name of a temporary file
    return f"{file}:{frame.f_lineno}, in {frame.f_code.co_name}"


def digests(args: Any, kwargs: Any) -> tuple[int, ...]:
    """Checksums of the bytes of the arrays that a call was given."""
    given = itertools.chain(args or (), (kwargs or {}).values())
    return tuple(hash(a.tobytes()) for a in _arrays(given))


def watch_anomaly(node: Node, out: Any) -> None:
    """Under ``detect_anomaly``: note the user's line and checksums; refuse non-finite values."""
    watch = node.watched()
    watch.site = user_line()
    watch.digests = digests(node.args, node.kwargs)
    if out.dtype.kind in "fc" and not np.isfinite(out).all():
        assert node.primitive is not None
        raise AnomalyError(
            f"{node.primitive.name} gave the first non-finite value, in a result of shape "
            f"{out.shape}, at {watch.site}"
        )
