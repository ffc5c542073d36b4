"""What becomes one box: operations grouped by level.

A :class:`Unit` is an operation (level ``ops``), or all operations of one module call (level
``modules``).  Units are in the order in which they ran, and each covers a stretch of it, so that
no grouping can make a cycle.
"""

from __future__ import annotations

from autograd_core.drawing.colour.palette import category
from autograd_core.drawing.trace.trace import Trace

LEVELS = ("modules", "compact", "ops", "full")


class Unit:
    """Operations that one box stands for.

    Attributes
    ----------
    ops
        Numbers of operations of the trace.
    scope
        The module call that it is; -1 for a single operation.
    home
        The innermost module call around it that is drawn as a cluster; -1 for none.
    card
        Whether it has parameters of its own.
    absorbed
        Units that were taken into it (level ``compact``).
    steps
        The units of every folded step, oldest first; empty if it is no stack.
    """

    __slots__ = ("absorbed", "card", "home", "ops", "scope", "steps")

    def __init__(self, ops: list[int], scope: int = -1, home: int = -1, card: bool = False):
        self.ops, self.scope, self.home, self.card = ops, scope, home, card
        self.absorbed: list[Unit] = []
        self.steps: list[list[Unit]] = []

    def category(self, trace: Trace) -> str:
        """The most telling of its operations' categories."""
        if self.card:
            return "module"
        if self.scope >= 0 and "pool" in trace.scopes[self.scope].type.lower():
            return "reduce"
        present = {category(trace.ops[i].node.primitive) for i in self.ops}  # type: ignore[arg-type]
        return next((c for c in ("linear", "reduce", "elementwise") if c in present), present.pop())


def hidden_scope(trace: Trace) -> int:
    """The module that is the whole picture, around which nothing is drawn; -1 if there is none."""
    outer = [i for i, s in enumerate(trace.scopes) if s.parent < 0]
    modules = {id(trace.scopes[i].module) for i in outer}
    return outer[0] if len(modules) == 1 and trace.scopes[outer[0]].children else -1


def _with_parameters(trace: Trace) -> list[bool]:
    """Of every scope, whether operations in it read parameters."""
    found = [False] * len(trace.scopes)
    for op in trace.ops:
        if any(k.source is not None and k.source.role == "parameter" for k in op.links):
            scope = op.scope
            while scope >= 0 and not found[scope]:
                found[scope] = True
                scope = trace.scopes[scope].parent
    return found


def module_scopes(trace: Trace, depth: int | None) -> list[int]:
    """Of every scope, the one whose box it is part of at level ``modules``; -1 for none.

    A call is a box if none inside it has parameters but itself; a deeper one than ``depth`` is
    part of that at ``depth``.
    """
    reads = _with_parameters(trace)
    inner = [False] * len(trace.scopes)  # a call inside has parameters
    for i in range(len(trace.scopes) - 1, -1, -1):
        parent = trace.scopes[i].parent
        if parent >= 0 and (reads[i] or inner[i]):
            inner[parent] = True
    chosen: list[int] = []
    for i, scope in enumerate(trace.scopes):
        above = chosen[scope.parent] if scope.parent >= 0 else -1
        leaf = not inner[i] if reads[i] else not scope.children
        deepest = depth is not None and scope.depth >= max(depth, 1)
        chosen.append(above if above >= 0 else i if leaf or deepest else -1)
    return chosen


def _cluster_of(trace: Trace, scope: int, hidden: int, depth: int | None) -> int:
    """The innermost scope from ``scope`` outwards that is drawn as a cluster."""
    while scope >= 0:
        s = trace.scopes[scope]
        is_hidden = hidden >= 0 and s.parent < 0 and s.children
        if not is_hidden and (depth is None or s.depth <= depth):
            return scope
        scope = s.parent
    return -1


def group(trace: Trace, level: str, depth: int | None) -> list[Unit]:
    """The units of a level, in the order in which they ran."""
    hidden = hidden_scope(trace)
    plain = level in ("ops", "full")
    chosen = [-1] * len(trace.scopes) if plain else module_scopes(trace, depth)
    reads = _with_parameters(trace)
    units: list[Unit] = []
    for i, op in enumerate(trace.ops):
        box = chosen[op.scope] if op.scope >= 0 else -1
        if box < 0 and i in trace.views and level != "full":
            continue  # its parameter is drawn at its user
        if box >= 0 and units and units[-1].scope == box:
            units[-1].ops.append(i)
            continue
        home = trace.scopes[box].parent if box >= 0 else op.scope
        home = _cluster_of(trace, home, hidden, depth)
        units.append(Unit([i], box, home, box >= 0 and reads[box]))
    return units


def links_between(trace: Trace, units: list[Unit]) -> tuple[list[int], list[list[int]]]:
    """Which unit each operation is in (-1 for none), and which units each reads, repeatedly."""
    place = [-1] * len(trace.ops)
    for u, unit in enumerate(units):
        for i in unit.ops:
            place[i] = u
    reads = [
        [
            place[k.op]
            for i in unit.ops
            for k in trace.ops[i].links
            if k.op >= 0 and place[k.op] not in (u, -1)
        ]
        for u, unit in enumerate(units)
    ]
    return place, reads


def absorb(trace: Trace, units: list[Unit]) -> list[Unit]:
    """Level ``compact``: take units without parameters into the only card that feeds them."""
    place, reads = links_between(trace, units)
    used: list[set[int]] = [set() for _ in units]
    for u, sources in enumerate(reads):
        for v in sources:
            used[v].add(u)
    ends = {place[made] for _, made in trace.roots if made >= 0}
    into = list(range(len(units)))
    for u, unit in enumerate(units):
        feeding = set(reads[u])
        if unit.card or len(feeding) != 1 or trace.parameters(unit.ops):
            continue
        (v,) = feeding
        sole = used[v] == {u} and v not in ends
        foreign = any(k.source is not None for i in unit.ops for k in trace.ops[i].links)
        host = units[into[v]]
        if sole and host.card and not host.steps and not foreign and unit.home == host.home:
            into[u] = into[v]
            host.absorbed.append(unit)
            host.ops = host.ops + unit.ops
    return [unit for u, unit in enumerate(units) if into[u] == u]


def tail(trace: Trace, units: list[Unit]) -> list[int]:
    """The units at the end that make a loss of the network's result: what its value stands for.

    From the one root upwards while a unit has no parameters, ran outside all modules, and reads
    one unit; empty unless the root is one number that modules or parameters led to.
    """
    if len(trace.roots) != 1 or trace.roots[0][0].size != 1 or trace.roots[0][1] < 0:
        return []
    place, reads = links_between(trace, units)
    uses = [0] * len(units)
    for sources in reads:
        for v in set(sources):
            uses[v] += 1
    found: list[int] = []
    u = place[trace.roots[0][1]]
    while True:
        unit = units[u]
        inside = trace.ops[unit.ops[0]].scope >= 0
        if inside or unit.card or unit.steps or trace.parameters(unit.ops) or uses[u] > 1:
            return found[::-1]
        feeding = set(reads[u])
        if len(feeding) != 1:
            return found[::-1]
        found.append(u)
        (u,) = feeding
        links = [k for i in unit.ops for k in trace.ops[i].links]
        met = any(k.source is not None and k.source.role == "target" for k in links)
        if uses[u] != 1 or met:  # where the target is met the network ends
            return found[::-1]
