"""Coordinates of a layered layout: straight columns first, then everything close to its arrows.

As in Brandes and Köpf (2001), items are joined into vertical blocks, here by priority: borders of
clusters, the critical path, dummies of long arrows, then single arrows, none crossing another.
Longest paths keep the blocks apart; then each block moves to the median of its neighbours along
arrows, as far as the blocks beside it allow.
"""

import itertools
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

from autograd_core.drawing.layout.ranks import Item, Layers

_APART, _LANE, _PAD = 24.0, 14.0, 12.0
_ROUNDS = 10


@dataclass(eq=False)
class _Block:
    """Items with one coordinate; the least distances to blocks beside it, and what pulls it."""

    items: list[Item]
    x: float = 0.0
    left: dict["_Block", float] = field(default_factory=dict)
    right: dict["_Block", float] = field(default_factory=dict)
    pulls: list["_Block"] = field(default_factory=list)

    def keep(self, other: "_Block", distance: float) -> None:
        """Keep a block at the right of this one, at least this far."""
        if distance > self.right.get(other, -1.0):
            self.right[other] = other.left[self] = distance


def _blocks(layers: Layers) -> list[_Block]:
    """Return the items as vertical blocks, each of which has one coordinate."""
    joined: list[list[tuple[int, int]]] = [[] for _ in layers.ranks]  # places in two ranks, sorted
    below: dict[Item, Item] = {}

    def join(a: Item, b: Item) -> None:
        """Join two items of neighbouring ranks, unless that crosses an earlier pair."""
        pairs = joined[a.rank]
        k = bisect_left(pairs, (a.place, -1))
        taken = k < len(pairs) and (pairs[k][0] == a.place or pairs[k][1] <= b.place)
        if not taken and (k == 0 or pairs[k - 1][1] < b.place):
            pairs.insert(k, (a.place, b.place))
            below[a] = b

    for chains in layers.borders.values():
        for chain in chains:
            for a, b in itertools.pairwise(chain):
                join(a, b)
    flows = [c if c[0].rank <= c[-1].rank else c[::-1] for c in layers.chains.values()]
    later = []
    for a, b in (flow for flow in flows if len(flow) == 2):
        if a.box in layers.column and b.box in layers.column:
            join(a, b)
        else:
            later.append((a, b))
    for flow in flows:
        for a, b in itertools.pairwise(flow[1:-1]):
            join(a, b)
    # arrows that are alone at one of their ends come before others
    later.sort(key=lambda e: (len(e[0].after) + len(e[1].before), e[0].index, e[1].index))
    for a, b in later:
        join(a, b)
    blocks, taken = [], set(below.values())
    for rank in layers.ranks:
        for item in rank:
            if item not in taken:
                block = [item]
                while block[-1] in below:
                    block.append(below[block[-1]])
                blocks.append(_Block(block))
    return blocks


def _apart(a: Item, b: Item, room: Callable[[Item, Item], float]) -> float:
    """Return the smallest distance between the centres of two neighbours."""
    if a.border or b.border:
        return a.right + b.left + _PAD + room(a, b)
    if a.box < 0 and b.box < 0:
        return a.right + b.left + _LANE - 4
    return a.right + b.left + (_APART if a.box >= 0 and b.box >= 0 else _LANE)


def assign_coordinates(
    layers: Layers,
    room: Callable[[Item, Item], float],
    widths: dict[str, float],
    cards: dict[str, tuple[Item, float]],
) -> None:
    """Give every item its ``x``.

    Parameters
    ----------
    layers
        Ordered ranks.
    room
        Space that a border needs beyond its padding, for the title of its cluster.
    widths
        Smallest width of each cluster.
    cards
        Clusters that can be closed: the item that their card has its middle at, and half the
        width of the card.
    """
    blocks = _blocks(layers)
    where = {item: block for block in blocks for item in block.items}
    for rank in layers.ranks:
        for a, b in itertools.pairwise(rank):
            where[a].keep(where[b], _apart(a, b, room))
    for c, (lefts, rights) in layers.borders.items():
        for a, b in zip(lefts, rights, strict=True):
            if where[a] is not where[b]:
                where[a].keep(where[b], widths.get(c, 0.0))
    for c, (item, half) in cards.items():
        for border in layers.borders[c]:
            edge = border[item.rank - border[0].rank]
            a, b = (edge, item) if edge.border < 0 else (item, edge)
            where[a].keep(where[b], half)
    for chain in layers.chains.values():
        for a, b in itertools.pairwise(chain):
            p, q = where[a], where[b]
            if p is not q:
                heavy = 3 if a.box in layers.column and b.box in layers.column else 1
                p.pulls += [q] * heavy
                q.pulls += [p] * heavy
    waiting = {block: len(block.left) for block in blocks}
    sequence = [block for block in blocks if not block.left]
    for block in sequence:  # grows while it is walked
        for other, distance in block.right.items():
            other.x = max(other.x, block.x + distance)
            waiting[other] -= 1
            if waiting[other] == 0:
                sequence.append(other)
    _relax(sequence)
    for item, block in where.items():
        item.x = block.x


def _relax(sequence: list[_Block]) -> None:
    """Move each block towards the median of the blocks that it is connected to."""
    inf = float("inf")
    for turn in range(_ROUNDS):
        moved = 0.0
        for block in reversed(sequence) if turn % 2 == 0 else sequence:
            low = max((b.x + d for b, d in block.left.items()), default=-inf)
            high = min((b.x - d for b, d in block.right.items()), default=inf)
            border = block.items[0].border
            if border:  # as close to the members as possible
                aim = high if border < 0 else low
            elif block.pulls:
                ends = sorted(b.x for b in block.pulls)
                aim = (ends[(len(ends) - 1) // 2] + ends[len(ends) // 2]) / 2
            else:
                continue
            new = max(low, min(aim, high))
            if -inf < new < inf:
                moved = max(moved, abs(new - block.x))
                block.x = new
        if moved < 0.5:
            break
