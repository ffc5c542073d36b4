"""Groups: the operations that become one box, at each level.

A :class:`Group` is one operation (level ``ops``) or all operations of one module call (level
``modules``). Groups are in the order in which they ran and each covers a contiguous range of it,
so no grouping can make a cycle.
"""

from autograd_core.drawing.trace.trace import Source, Trace

LEVELS = ("blocks", "modules", "compact", "ops", "full")


class Group:
    """Operations that are drawn as one box.

    Attributes
    ----------
    ops
        Numbers of the operations in the trace.
    scope
        The module call that the group is; -1 for a single operation.
    cluster
        The innermost module call around it that is drawn as a cluster; -1 for none.
    is_card
        Whether it is drawn as a card: it has parameters of its own, or is a stack.
    absorbed
        Groups that were merged into it (level ``compact``).
    steps
        The groups of each folded step, oldest first; empty unless it is a stack.
    own
        Stacks only: the parameters of the steps.
    blocks
        Stacks only: the module calls that the steps are, where they are different modules.
    """

    def __init__(
        self, ops: list[int], scope: int = -1, cluster: int = -1, is_card: bool = False
    ) -> None:
        self.ops, self.scope, self.cluster, self.is_card = ops, scope, cluster, is_card
        self.absorbed: list[Group] = []
        self.steps: list[list[Group]] = []
        self.own: list[Source] = []
        self.blocks: list[int] = []

    def kind(self, trace: Trace) -> str:
        """Return the kind of its box: that of its most characteristic operation."""
        if self.is_card:
            return "module"
        present = {trace.ops[i].kind for i in self.ops}
        return next((c for c in ("product", "reduction", "elementwise") if c in present), "view")

    def parameters(self, trace: Trace) -> list[Source]:
        """Return its parameters, each once; a stack has those of its steps, no initial states."""
        return self.own if self.steps else trace.parameters(self.ops)

    def each(self, trace: Trace) -> list[list[Source]]:
        """Return the parameters that each step reads."""
        return [trace.parameters(i for g in step for i in g.ops) for step in self.steps]

    def layers(self, trace: Trace) -> list[list[Source]]:
        """Return its parameters; those of each block of a stack apart."""
        return self.each(trace) if self.blocks else [self.parameters(trace)]

    def carries(self, trace: Trace) -> bool:
        """Return whether a folded step reads the step before it."""
        step = self.step_of()
        return any(step.get(k.op, step[i]) < step[i] for i in self.ops for k in trace.ops[i].links)

    def ends(self, trace: Trace) -> tuple[str, str]:
        """Return the names of the first and the last step of a stack."""
        if self.blocks:
            return trace.scopes[self.blocks[0]].title, trace.scopes[self.blocks[-1]].title
        return "t = 0", f"t = {len(self.steps) - 1}"

    def step_of(self) -> dict[int, int]:
        """Return the number of the folded step of each operation; empty unless it is a stack."""
        return {i: n for n, step in enumerate(self.steps) for g in step for i in g.ops}


def _box_scopes(trace: Trace, depth: int | None) -> list[int]:
    """Return for every scope the scope whose box it is part of at level ``modules``; -1 for none.

    A call is one box if no call inside it has parameters; calls deeper than ``depth`` are part
    of the box of the call at ``depth``.
    """
    chosen: list[int] = []
    for i, scope in enumerate(trace.scopes):
        above = chosen[scope.parent] if scope.parent >= 0 else -1
        leaf = not scope.holds if scope.reads else not scope.children
        deepest = depth is not None and scope.depth >= max(depth, 1)
        chosen.append(above if above >= 0 else i if leaf or deepest else -1)
    return chosen


def _cluster_of(trace: Trace, scope: int, depth: int | None) -> int:
    """Return the innermost scope from ``scope`` outwards that is drawn as a cluster."""
    drawn = (s for s in trace.enclosing(scope) if s not in trace.hidden)
    return next((s for s in drawn if depth is None or trace.scopes[s].depth <= depth), -1)


def group(trace: Trace, level: str, depth: int | None) -> list[Group]:
    """Return the groups of a level, in the order in which they ran."""
    every = level in ("ops", "full")
    chosen = [-1] * len(trace.scopes) if every else _box_scopes(trace, depth)
    groups: list[Group] = []
    for i, op in enumerate(trace.ops):
        box = chosen[op.scope] if op.scope >= 0 else -1
        if box < 0 and i in trace.views and level != "full":
            continue  # its parameter is drawn at its user
        if box >= 0 and groups and groups[-1].scope == box:
            groups[-1].ops.append(i)
            continue
        around = trace.scopes[box].parent if box >= 0 else op.scope
        is_card = box >= 0 and trace.scopes[box].reads
        groups.append(Group([i], box, _cluster_of(trace, around, depth), is_card))
    return groups


def links_between(
    trace: Trace, groups: list[Group]
) -> tuple[list[int], list[list[int]], list[set[int]]]:
    """Return the group of each operation (-1 for none), and what each group reads and is read by.

    A group that is read several times is listed several times.
    """
    place = [-1] * len(trace.ops)
    for g, one in enumerate(groups):
        for i in one.ops:
            place[i] = g
    reads: list[list[int]] = [[] for _ in groups]
    users: list[set[int]] = [set() for _ in groups]
    for g, one in enumerate(groups):
        for link in trace.links(one.ops):
            if link.op >= 0 and place[link.op] not in (g, -1):
                reads[g].append(place[link.op])
                users[place[link.op]].add(g)
    return place, reads, users


def merge_into_cards(trace: Trace, groups: list[Group]) -> list[Group]:
    """Merge groups without parameters into the only card that feeds them (level ``compact``)."""
    place, reads, users = links_between(trace, groups)
    ends = {place[made] for _, made in trace.roots if made >= 0}
    into = list(range(len(groups)))
    for g, one in enumerate(groups):
        feeding = set(reads[g])
        if one.is_card or len(feeding) != 1 or any(k.source for k in trace.links(one.ops)):
            continue
        (v,) = feeding
        card = groups[into[v]]
        sole = users[v] == {g} and v not in ends
        if sole and card.is_card and not card.steps and one.cluster == card.cluster:
            into[g] = into[v]
            card.absorbed.append(one)
            card.ops = card.ops + one.ops
    return [one for g, one in enumerate(groups) if into[g] == g]


def loss_tail(trace: Trace, groups: list[Group]) -> list[int]:
    """Return the groups at the end that compute a loss from the result of the network.

    Follows the only root upwards, the way of its gradient, while a group has no parameters, ran
    outside all modules and reads one group. Empty unless the root is one number.
    """
    if len(trace.roots) != 1 or trace.roots[0][0].size != 1 or trace.roots[0][1] < 0:
        return []
    place, reads, users = links_between(trace, groups)
    found: list[int] = []
    g = place[trace.roots[0][1]]
    while True:
        one = groups[g]
        gradients = {place[k.op] for k in trace.links(one.ops) if k.op >= 0 and k.gradient}
        feeding = (gradients - {g, -1}) or set(reads[g])
        inside = trace.ops[one.ops[0]].scope >= 0 or one.is_card or trace.parameters(one.ops)
        if inside or len(users[g]) > 1 or len(feeding) != 1:
            return found[::-1]
        found.append(g)
        (g,) = feeding
        compares = any(trace.ops[i].is_loss for i in one.ops) or trace.sources_of(one.ops, "data")
        if len(users[g]) != 1 or compares:
            return found[::-1]  # the network ends where the target comes in
