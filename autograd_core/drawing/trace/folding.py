"""Folding: a run of equal steps or blocks, such as those of a recurrent network, is one stack.

Groups are treated as letters, and a run of equal words is folded. What makes two letters equal
depends on what is looked for (:class:`Likeness`): steps are the same operations of the same module
on the same shapes and parameters, blocks those of modules of one class. Two words are equal if
their letters are, and if they read each other, the previous word and what precedes the run in the
same way. Each period that is tried costs one pass.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from autograd_core.drawing.trace.groups import Group
from autograd_core.drawing.trace.trace import Op, Scope, Source, Trace
from autograd_core.drawing.trace.wording import pill_title

#: A run of equal words: begin, end and period, in numbers of groups, and the module calls if known.
Run = tuple[int, int, int, list[int]]
Chosen = Callable[[Scope], bool]

_PERIODS = 12  # how many periods are tried for words of one length
_ROUNDS = 3  # how deeply repetitions nest
_SIZES = ("shape", "wide")  # options that say how large the arguments are
_LEAD = 8  # how many groups before a block may belong to it


class Likeness(NamedTuple):
    """What equal groups have in common besides their operations, and the least that fold.

    ``own`` if the parameters may differ, and the modules within one class; ``sized`` if the shapes
    are the same.
    """

    own: bool
    sized: bool
    least: int


STEPS = Likeness(own=False, sized=True, least=3)
BLOCKS = Likeness(own=True, sized=False, least=3)
LAYERS = Likeness(own=True, sized=True, least=9)  # fewer are read more easily one by one
CHOSEN = BLOCKS._replace(least=2)


def chosen_scopes(trace: Trace, fold: Any) -> Chosen | None:
    """Return which module calls fold, from the argument ``fold`` of ``ag.draw``; None for all.

    Raises
    ------
    ValueError
        If a name is that of no module of the graph.
    TypeError
        If a function returns anything but True and False.
    """
    if isinstance(fold, (bool, np.bool_)):
        return None
    if callable(fold):
        if isinstance(fold, type):
            return lambda scope: isinstance(scope.module, fold)

        def asked(scope: Scope) -> bool:
            answer = fold(scope.module)
            if not isinstance(answer, (bool, np.bool_)):
                raise TypeError(
                    f"fold, as a function, is given a module and returns True or False; for "
                    f"{scope.type} {scope.path} it returned {answer!r}; write bool(...) around it"
                )
            return bool(answer)

        return asked
    names = [fold] if isinstance(fold, str) else list(fold)
    for name in names:
        if not any(_is_called(scope, name) for scope in trace.scopes):
            known = sorted({s.type for s in trace.scopes})
            there = f"there are {', '.join(known)}" if known else "no module was called"
            raise ValueError(
                f"fold names classes or paths of modules, but {name!r} is none in this graph: "
                f"{there}; fold=True folds all that is equal"
            )
    return lambda scope: any(_is_called(scope, name) for name in names)


def _is_called(scope: Scope, name: str) -> bool:
    """Return whether a name is the class or path of a module, of its list, or a pattern of it."""
    texts = (scope.type, scope.path, scope.path.rpartition(".")[0])
    return any(fnmatchcase(text, name) for text in texts if text)


class _Letters:
    """Groups as letters, with what each reads.

    Attributes
    ----------
    letters
        A number for each group; equal groups have equal numbers.
    reads
        What each group reads: groups by their number, -1 for data, -2 and below for parameters.
    """

    def __init__(self, trace: Trace, groups: list[Group], like: Likeness) -> None:
        self.trace, self.groups, self.like = trace, groups, like
        place = {i: g for g, one in enumerate(groups) for i in one.ops}
        known: dict[Hashable, int] = {}
        self.letters = [known.setdefault(self._letter(g), len(known)) for g in groups]
        numbers: dict[int, int] = {}
        self.reads: list[list[int]] = []
        for g, one in enumerate(groups):
            self.reads.append([])
            for link in trace.links(one.ops):
                source = trace.parameter(link)
                if source is not None:
                    number = 0 if like.own else numbers.setdefault(id(source), len(numbers))
                    self.reads[g].append(-2 - number)
                elif place.get(link.op, -1) != g:
                    self.reads[g].append(place.get(link.op, -1))

    def _letter(self, group: Group) -> Hashable:
        """Return a key that equal groups have in common."""
        trace, like = self.trace, self.like
        inside = {i: n for n, i in enumerate(group.ops)}
        module = trace.scopes[group.scope].module if group.scope >= 0 else None
        word: list[Hashable] = [len(group.steps), group.is_card]
        word.append(id(type(module) if like.own else module))
        if like.own and module is not None and not group.is_card:
            word.append(pill_title(module, ""))  # a rate of dropout is no option of an operation
        for i in group.ops:
            op = trace.ops[i]
            word += [op.name, op.dtype, op.shape if like.sized else len(op.shape)]
            word += _options(op, like)
            for link in op.links:
                own = inside[i] - inside[link.op] if link.op in inside else 0
                word.append(own or (link.shape if like.sized else -len(link.shape)))
        return tuple(word)

    def periods(self) -> list[int]:
        """Return the most common distances between equal words of a few lengths, sorted."""
        found: set[int] = set()
        for length in (1, 4, 16):
            last: dict[Hashable, int] = {}
            distances: Counter[int] = Counter()
            for i in range(len(self.letters) - length + 1):
                word = tuple(self.letters[i : i + length])
                if word in last:
                    distances[i - last[word]] += 1
                last[word] = i
            common = distances.most_common(_PERIODS)
            found.update(d for d, n in common if n >= self.like.least - 1)
        return sorted(found)

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

    def runs(self) -> Iterator[Run]:
        """Yield all runs of equal words of the periods that are tried."""
        for period in self.periods():
            start, i = 0, period
            while i <= len(self.letters):
                if i < len(self.letters) and self.repeats(i, period, start):
                    i += 1
                    continue
                if i - start >= self.like.least * period:
                    begin = self.first_step(i - start, period, start)
                    yield begin, i - (i - begin) % period, period, []
                start = max(start + 1, i - period + 1)
                i = start + period

    def first_step(self, length: int, period: int, start: int) -> int:
        """Return where the first step of a run begins: with a module call, or the least state."""
        ranks: dict[tuple[bool, bool, int], int] = {}
        for shift in range(min(period, length - self.like.least * period + 1)):
            begin = start + shift
            lossy = shift > length % period  # one repetition would be lost
            step = range(begin, begin + period)
            if not lossy and _common_scope(self.trace, [self.groups[g] for g in step]) >= 0:
                return begin
            following = range(begin + period, begin + 2 * period)
            handed_on = len({v for g in following for v in self.reads[g] if v in step})
            given = sum(0 <= v < begin for g in step for v in self.reads[g])
            ranks.setdefault((handed_on != 1, lossy, given), begin)
        return ranks[min(ranks)]

    def blocks(self, chosen: Chosen | None) -> Iterator[Run]:
        """Yield the runs of calls of one class, below one call, that were chosen.

        By default modules of one list or of numbered names, inside which modules have parameters.
        What follows each call, or leads to it, is part of its step.
        """
        trace = self.trace
        begins: dict[int, int] = {}
        sizes: Counter[int] = Counter()
        for g, one in enumerate(self.groups):
            for s in trace.enclosing(_scope_of(trace, one)):
                begins.setdefault(s, g)
                sizes[s] += 1
        siblings: dict[Hashable, list[int]] = {}
        for s in sorted(begins):
            scope = trace.scopes[s]
            stem = scope.path.rstrip("0123456789")
            if chosen(scope) if chosen else scope.holds and stem != scope.path:
                key = (scope.parent, type(scope.module), "" if chosen else stem)
                siblings.setdefault(key, []).append(s)
        for calls in siblings.values():
            first = 0
            while first + self.like.least <= len(calls):
                places = [begins[s] for s in calls[first:]]
                period = places[1] - places[0]
                leads = range(min(max(period - sizes[calls[first]], 0), places[0], _LEAD) + 1)
                n, lead = max((self.count(places, period, k), -k) for k in leads)
                start = places[0] + lead
                if n >= self.like.least:
                    yield start, start + n * period, period, calls[first : first + n]
                first += max(n - 1, 1)

    def count(self, places: list[int], period: int, lead: int) -> int:
        """Return how many steps are equal that begin ``lead`` groups before some groups."""
        start, end = places[0] - lead, len(self.groups)
        for n, place in enumerate(places):
            step = range(start + n * period, start + (n + 1) * period)
            equal = not n or all(g < end and self.repeats(g, period, start) for g in step)
            if not (equal and period and place == step.start + lead):
                return n
        return len(places)


def _options(op: Op, like: Likeness) -> list[Hashable]:
    """Return the options of an operation that equal groups have in common, and its numbers.

    Steps of plain code may differ in their numbers, such as a time, whose range is shown, and in
    their indices.
    """
    found: list[Hashable] = [
        (name, repr(value))
        for name, value in (op.node.kwargs or {}).items()
        if (like.own if name == "index" else not getattr(value, "shape", ()))
        and (like.sized or name not in _SIZES)
    ]
    numbers = op.numbers
    return found + (list(map(repr, numbers)) if like.own else [len(numbers)])


def _scope_of(trace: Trace, group: Group) -> int:
    """Return the innermost module call around a group."""
    return group.scope if group.scope >= 0 else trace.ops[group.ops[0]].scope


def _common_scope(trace: Trace, step: list[Group]) -> int:
    """Return the innermost module call that begins and ends with a step; -1 if there is none."""
    chains = [list(trace.enclosing(_scope_of(trace, g))) for g in step]
    first, last = step[0].ops[0], step[-1].ops[-1]
    before = trace.ops[first - 1].node.seq if first else 0
    after = trace.ops[last + 1].node.seq if last + 1 < len(trace.ops) else float("inf")
    for s in chains[0]:
        scope = trace.scopes[s]
        if all(s in c for c in chains) and before <= scope.start and after > scope.stop:
            return s
    return -1


def _call(trace: Trace, step: list[Group]) -> int:
    """Return the module call that a step is, or that it begins with; -1 if there is none."""
    common = _common_scope(trace, step)
    if common >= 0:
        return common
    cards = [g.scope for g in step if g.is_card]
    return cards[0] if len(cards) == 1 else -1


def _own_parameters(trace: Trace, steps: list[list[Group]]) -> list[Source]:
    """Return the parameters of steps, each once; without initial states, which one step reads."""
    first, second, *others = [trace.links(i for g in step for i in g.ops) for step in steps]
    pairs = zip(first, second, strict=True)
    typical = [k for k, then in pairs if trace.parameter(then) is not None]
    read = [trace.parameter(k) for k in [*typical, *second, *(k for one in others for k in one)]]
    return list({id(p): p for p in read if p is not None}.values())


def _stack(trace: Trace, steps: list[list[Group]], calls: list[int]) -> Group:
    """Return the stack of equal steps as one group."""
    scope, cluster = calls[0], steps[0][0].cluster
    if scope >= 0:  # a step may have a cluster: the stack is outside of it
        start = trace.scopes[scope].start
        around = trace.enclosing(cluster)
        cluster = next((c for c in around if trace.scopes[c].start < start), -1)
    stack = Group([i for step in steps for g in step for i in g.ops], scope, cluster, is_card=True)
    stack.steps, stack.own = steps, _own_parameters(trace, steps)
    if min(calls) >= 0 and len({id(trace.scopes[s].module) for s in calls}) > 1:
        stack.blocks = calls
    return stack


def _folded(trace: Trace, groups: list[Group], runs: Iterable[Run]) -> list[Group]:
    """Return the groups with runs replaced by stacks, the longest first."""
    taken = [False] * len(groups)
    stacks: dict[int, tuple[int, Group]] = {}
    for begin, end, period, calls in sorted(runs, key=lambda r: (r[0] - r[1], r[2])):
        if any(taken[begin:end]):
            continue
        taken[begin:end] = [True] * (end - begin)
        steps = [groups[k : k + period] for k in range(begin, end, period)]
        stack = _stack(trace, steps, calls or [_call(trace, s) for s in steps])
        whole = stack.scope >= 0 and trace.scopes[stack.scope].parent < 0
        if calls or not whole or not trace.scopes[stack.scope].children or stack.carries(trace):
            stacks[begin] = (end, stack)  # three calls of the network itself are drawn
    folded: list[Group] = []
    i = 0
    while i < len(groups):
        i, group = stacks.get(i, (i + 1, groups[i]))
        folded.append(group)
    return folded


def fold(
    trace: Trace, groups: list[Group], blocks: bool = True, chosen: Chosen | None = None
) -> list[Group]:
    """Return the groups with every run of equal steps replaced by one stack.

    Parameters
    ----------
    trace, groups
        The graph, and its groups in the order in which they ran.
    blocks
        Whether equal modules with weights of their own fold, and not only steps of one module.
    chosen
        Which module calls fold, two or more, and nothing else; None for all that is equal.
    """
    passes = [STEPS, *[BLOCKS, LAYERS] * blocks] if chosen is None else [CHOSEN]
    for like in passes:
        for _ in range(_ROUNDS):
            words, before = _Letters(trace, groups, like), len(groups)
            groups = _folded(trace, groups, words.runs() if like.sized else words.blocks(chosen))
            if len(groups) == before:
                break
    return groups
