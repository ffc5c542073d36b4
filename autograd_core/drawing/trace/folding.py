"""Repeated steps folded into one: a recurrent network's twenty calls are one stack.

Units are letters, and a run of three or more equal words of them is folded.  Two units are the
same letter if they are the same operations of the same module on the same shapes and parameters;
two words are equal if their letters are, and read each other, the word before and what lies
before the run in the same way.  Everything is one pass over the units for each period tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from autograd_core.drawing.trace.groups import Unit
from autograd_core.drawing.trace.sources import Source
from autograd_core.drawing.trace.trace import Link, Trace

LEAST = 3  # repetitions worth folding
_PERIODS = 12  # how many periods are tried
_ROUNDS = 3  # how deeply repetitions nest


def _parameter(trace: Trace, link: Link) -> Source | None:
    """The parameter that a link reads, if it reads one, perhaps through a view."""
    if link.source is not None:
        return link.source if link.source.role == "parameter" else None
    return trace.views.get(link.op)


def _letter(trace: Trace, unit: Unit) -> Hashable:
    """What is equal for equal units."""
    inside = {i: n for n, i in enumerate(unit.ops)}
    module = id(trace.scopes[unit.scope].module) if unit.scope >= 0 else 0
    word: list[Hashable] = [module, len(unit.steps), bool(unit.card)]
    for i in unit.ops:
        op = trace.ops[i]
        word += [op.node.primitive.name if op.node.primitive else "", op.shape, op.dtype]
        for k in op.links:
            if k.op in inside:
                word.append(("i", inside[i] - inside[k.op]))
            else:
                word.append(("x", k.shape))
    return tuple(word)


class _Units:
    """Units as letters, with what each reads."""

    def __init__(self, trace: Trace, units: list[Unit]) -> None:
        place: dict[int, int] = {}
        for u, unit in enumerate(units):
            for i in unit.ops:
                place[i] = u
        known: dict[Hashable, int] = {}
        self.letters = [known.setdefault(_letter(trace, u), len(known)) for u in units]
        numbers: dict[int, int] = {}  # of parameters: -2 and below; -1 is other data
        self.reads = [
            [
                place.get(k.op, -1) if p is None else numbers.setdefault(id(p), -2 - len(numbers))
                for i in unit.ops
                for k in trace.ops[i].links
                if (p := _parameter(trace, k)) is not None or place.get(k.op, -1) != u
            ]
            for u, unit in enumerate(units)
        ]

    def periods(self) -> list[int]:
        """The commonest distances between equal letters, the shortest first."""
        last: dict[int, int] = {}
        distances: Counter[int] = Counter()
        for i, letter in enumerate(self.letters):
            if letter in last:
                distances[i - last[letter]] += 1
            last[letter] = i
        common = [d for d, n in distances.most_common(_PERIODS) if n >= LEAST - 1]
        return sorted(set(common) | ({sum(common[:3])} if len(common) > 2 else set()))

    def repeats(self, i: int, period: int, start: int) -> bool:
        """Whether unit ``i`` does what the one a period before it does, in a run from ``start``."""
        before = i - period
        if self.letters[i] != self.letters[before]:
            return False
        for now, then in zip(self.reads[i], self.reads[before], strict=True):
            same = now - i == then - before and now >= 0
            outside = now == then if min(now, then) < -1 else now < start and then < start
            first = before < start + period and then < start <= now  # what the first step is given
            if not (same or outside or first):
                return False
        return True

    def runs(self) -> list[tuple[int, int, int]]:
        """(length, period, start) of all runs of equal words."""
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


def _aligned(
    trace: Trace, units: list[Unit], reads: list[list[int]], length: int, period: int, start: int
) -> int:
    """Where the first word begins: with a module call, or where least is handed on."""

    def handed(begin: int) -> int:
        """How many units of a word the next one reads."""
        following = range(begin + period, begin + 2 * period)
        return len({v for u in following for v in reads[u] if begin <= v < begin + period})

    def given(begin: int) -> int:
        """How often the first word reads what was made before it."""
        return sum(0 <= v < begin for u in range(begin, begin + period) for v in reads[u])

    best, least = start, (True, True, 0)
    for shift in range(min(period, length - LEAST * period + 1)):
        begin = start + shift
        lossy = shift > length % period  # a repetition is lost
        if not lossy and common_scope(trace, units[begin : begin + period]) >= 0:
            return begin
        rank = (handed(begin) != 1, lossy, given(begin))
        if shift == 0 or rank < least:
            best, least = begin, rank
    return best


def common_scope(trace: Trace, word: list[Unit]) -> int:
    """The innermost module call that is around all units of a word; -1 if there is none."""
    above: list[int] | None = None
    for unit in word:
        scope = unit.scope if unit.scope >= 0 else trace.ops[unit.ops[0]].scope
        chain: list[int] = []
        while scope >= 0:
            chain.append(scope)
            scope = trace.scopes[scope].parent
        above = chain if above is None else [s for s in above if s in set(chain)]
    first, last = word[0].ops[0], word[-1].ops[-1]
    for s in above or []:  # one that began with the word and ended with it
        scope_of_word = trace.scopes[s]
        before = trace.ops[first - 1].node.seq if first else 0
        after = (
            trace.ops[last + 1].node.seq if last + 1 < len(trace.ops) else scope_of_word.stop + 1
        )
        if before <= scope_of_word.start and after > scope_of_word.stop:
            return s
    return -1


def _stack(trace: Trace, words: list[list[Unit]]) -> Unit:
    first = words[0]
    ops = [i for word in words for unit in word for i in unit.ops]
    scope = common_scope(trace, first)
    cards = [u for u in first if u.card]
    if scope < 0 and len(cards) == 1:
        scope = cards[0].scope
    homes = {u.home for word in words for u in word}
    home = homes.pop() if len(homes) == 1 else first[0].home
    if scope >= 0 and len(homes) >= 1:  # each step had its own cluster: the stack stands outside
        home = trace.scopes[scope].parent
        home = home if any(u.home == home for u in first) else -1
    stack = Unit(ops, scope, home, bool(cards) or bool(trace.parameters(first[0].ops)))
    stack.card = True
    stack.steps = words
    return stack


def fold(trace: Trace, units: list[Unit]) -> list[Unit]:
    """Units with every run of three or more equal words replaced by one stack."""
    for _ in range(_ROUNDS):
        letters = _Units(trace, units)
        runs = letters.runs()
        if not runs:
            return units
        taken = [False] * len(units)
        stacks: dict[int, tuple[int, Unit]] = {}
        for length, period, start in sorted(runs, key=lambda r: (-r[0], r[1])):
            begin = _aligned(trace, units, letters.reads, length, period, start)
            count = (start + length - begin) // period
            end = begin + count * period
            if count < LEAST or any(taken[begin:end]):
                continue
            taken[begin:end] = [True] * (end - begin)
            words = [units[begin + k * period : begin + (k + 1) * period] for k in range(count)]
            stacks[begin] = (end, _stack(trace, words))
        if not stacks:
            return units
        folded: list[Unit] = []
        i = 0
        while i < len(units):
            end, unit = stacks.get(i, (i + 1, units[i]))
            folded.append(unit)
            i = end
        units = folded
    return units
