"""Folding: a run of three or more equal steps, such as those of a recurrent network, is one stack.

Groups are treated as letters, and a run of three or more equal words is folded. Two groups are
the same letter if they are the same operations of the same module on the same shapes and
parameters. Two words are equal if their letters are, and if they read each other, the previous
word and what precedes the run in the same way. Each period that is tried costs one pass.
"""

from collections import Counter
from collections.abc import Hashable

from autograd_core.drawing.trace.groups import Group
from autograd_core.drawing.trace.trace import Link, Source, Trace

LEAST = 3  # repetitions worth folding
_PERIODS = 12  # how many periods are tried
_ROUNDS = 3  # how deeply repetitions nest


def _parameter(trace: Trace, link: Link) -> Source | None:
    """Return the parameter that a link reads, directly or through a view, if any."""
    if link.source is not None:
        return link.source if link.source.role == "parameter" else None
    return trace.views.get(link.op)


def _letter(trace: Trace, group: Group) -> Hashable:
    """Return a key that equal groups have in common."""
    inside = {i: n for n, i in enumerate(group.ops)}
    module = id(trace.scopes[group.scope].module) if group.scope >= 0 else 0
    word: list[Hashable] = [module, len(group.steps), group.is_card]
    for i in group.ops:
        op = trace.ops[i]
        word += [op.name, op.shape, op.dtype]
        word += [inside[i] - inside[k.op] if k.op in inside else k.shape for k in op.links]
    return tuple(word)


class _Letters:
    """Groups as letters, with what each reads.

    Attributes
    ----------
    letters
        A number for each group; equal groups have equal numbers.
    reads
        What each group reads: groups by their number, -1 for data, -2 and below for parameters.
    """

    def __init__(self, trace: Trace, groups: list[Group]) -> None:
        place = {i: g for g, one in enumerate(groups) for i in one.ops}
        known: dict[Hashable, int] = {}
        self.letters = [known.setdefault(_letter(trace, g), len(known)) for g in groups]
        numbers: dict[int, int] = {}
        self.reads = [
            [
                place.get(k.op, -1) if p is None else numbers.setdefault(id(p), -2 - len(numbers))
                for k in trace.links(one.ops)
                if (p := _parameter(trace, k)) is not None or place.get(k.op, -1) != g
            ]
            for g, one in enumerate(groups)
        ]

    def periods(self) -> list[int]:
        """Return the most common distances between equal letters, the shortest first."""
        last: dict[int, int] = {}
        distances: Counter[int] = Counter()
        for i, letter in enumerate(self.letters):
            if letter in last:
                distances[i - last[letter]] += 1
            last[letter] = i
        common = [d for d, n in distances.most_common(_PERIODS) if n >= LEAST - 1]
        return sorted(set(common) | ({sum(common[:3])} if len(common) > 2 else set()))

    def repeats(self, i: int, period: int, start: int) -> bool:
        """Return whether group ``i`` repeats the one a period earlier, in a run from ``start``."""
        before = i - period
        if self.letters[i] != self.letters[before]:
            return False
        for now, then in zip(self.reads[i], self.reads[before], strict=True):
            same = now - i == then - before and now >= 0
            outside = now == then if min(now, then) < -1 else now < start and then < start
            first = before < start + period and then < start <= now  # the initial state
            if not (same or outside or first):
                return False
        return True

    def runs(self) -> list[tuple[int, int, int]]:
        """Return (length, period, start) of all runs of equal words."""
        found: list[tuple[int, int, int]] = []
        for period in self.periods():
            start, i = 0, period
            while i <= len(self.letters):
                if i < len(self.letters) and self.repeats(i, period, start):
                    i += 1
                    continue
                if i - start >= LEAST * period:
                    found.append((i - start, period, start))
                start = max(start + 1, i - period + 1)
                i = start + period
        return found


def _first_step(
    trace: Trace, groups: list[Group], reads: list[list[int]], length: int, period: int, start: int
) -> int:
    """Return where the first step of a run begins: with a module call, or at the least state."""

    def handed_on(begin: int) -> int:
        """Return how many groups of a step the next step reads."""
        following = range(begin + period, begin + 2 * period)
        return len({v for g in following for v in reads[g] if begin <= v < begin + period})

    def given(begin: int) -> int:
        """Return how often the first step reads what was made before it."""
        return sum(0 <= v < begin for g in range(begin, begin + period) for v in reads[g])

    ranks: dict[tuple[bool, bool, int], int] = {}
    for shift in range(min(period, length - LEAST * period + 1)):
        begin = start + shift
        lossy = shift > length % period  # one repetition would be lost
        if not lossy and _common_scope(trace, groups[begin : begin + period]) >= 0:
            return begin
        ranks.setdefault((handed_on(begin) != 1, lossy, given(begin)), begin)
    return ranks[min(ranks)]


def _common_scope(trace: Trace, step: list[Group]) -> int:
    """Return the innermost module call that begins and ends with a step; -1 if there is none."""
    chains = [
        list(trace.enclosing(g.scope if g.scope >= 0 else trace.ops[g.ops[0]].scope)) for g in step
    ]
    first, last = step[0].ops[0], step[-1].ops[-1]
    before = trace.ops[first - 1].node.seq if first else 0
    after = trace.ops[last + 1].node.seq if last + 1 < len(trace.ops) else float("inf")
    for s in chains[0]:
        scope = trace.scopes[s]
        if all(s in c for c in chains) and before <= scope.start and after > scope.stop:
            return s
    return -1


def _stack(trace: Trace, steps: list[list[Group]]) -> Group:
    """Return the stack of equal steps as one group."""
    first = steps[0]
    scope = _common_scope(trace, first)
    cards = [g for g in first if g.is_card]
    if scope < 0 and len(cards) == 1:
        scope = cards[0].scope
    clusters = {g.cluster for step in steps for g in step}
    cluster = first[0].cluster
    if scope >= 0 and len(clusters) > 1:  # each step had a cluster: the stack is outside of it
        cluster = trace.scopes[scope].parent
        cluster = cluster if any(g.cluster == cluster for g in first) else -1
    stack = Group([i for step in steps for g in step for i in g.ops], scope, cluster, is_card=True)
    stack.steps = steps
    return stack


def fold(trace: Trace, groups: list[Group]) -> list[Group]:
    """Return the groups with every run of three or more equal steps replaced by one stack."""
    for _ in range(_ROUNDS):
        words = _Letters(trace, groups)
        taken = [False] * len(groups)
        stacks: dict[int, tuple[int, Group]] = {}
        for length, period, start in sorted(words.runs(), key=lambda r: (-r[0], r[1])):
            begin = _first_step(trace, groups, words.reads, length, period, start)
            count = (start + length - begin) // period
            end = begin + count * period
            if count < LEAST or any(taken[begin:end]):
                continue
            taken[begin:end] = [True] * (end - begin)
            steps = [groups[k : k + period] for k in range(begin, end, period)]
            stacks[begin] = (end, _stack(trace, steps))
        if not stacks:
            return groups
        folded: list[Group] = []
        i = 0
        while i < len(groups):
            i, group = stacks.get(i, (i + 1, groups[i]))
            folded.append(group)
        groups = folded
    return groups
