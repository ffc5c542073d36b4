"""Ranks of a layered layout, and the chains of dummies along long arrows.

This is the method of Sugiyama, Tagawa and Toda (1981): ranks by longest path, and a dummy on every
rank that a long arrow passes. :mod:`crossings` then orders each rank and :mod:`coordinates` places
the items. Parameters and targets with a single use are placed beside their user and move with it.
A cluster keeps its members together between two chains of border dummies. All directions are
relative to the flow: *along* it (downwards for ``"TB"``) and *across* it.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from autograd_core.drawing.layout.placement import LOOP, Point, Size
from autograd_core.drawing.layout.text_width import width
from autograd_core.drawing.scene import Scene, clean, cluster_paths, critical_path

SIDE = 26.0  # between an operation and the boxes beside it
BETWEEN = 10.0  # between boxes beside the same operation
#: Beyond this many dummies (in all, and per box) the longest arrows run outside of everything.
_DUMMIES, _EACH = 30_000, 8


class Item:
    """An item of a rank: a box with the boxes beside it, a dummy, or the border of a cluster."""

    __slots__ = (
        *("box", "rank", "place", "w", "h", "left", "right", "path", "border", "x"),
        *("before", "after", "sides", "index", "key", "extra", "late", "gap"),
    )

    def __init__(self, index: int, box: int = -1) -> None:
        self.index, self.box, self.rank, self.place = index, box, 0, 0
        self.w = self.h = self.left = self.right = self.x = self.key = self.extra = 0.0
        self.gap = SIDE  # to the boxes beside it
        self.path: tuple[str, ...] = ()
        self.late = box < 0  # starts at the right: dummies and targets
        self.border = 0  # -1 and 1: the left and right border of path[-1]
        self.before: list[Item] = []
        self.after: list[Item] = []
        self.sides: tuple[list[int], list[int]] = ([], [])


@dataclass
class Layers:
    """A scene as ranks in order, with the chain of items along each drawn arrow.

    The last three fields are positions: the centre of each box, where each rank begins and ends
    along the flow, and the space that clusters need before and after it.
    """

    scene: Scene
    sizes: list[Size]  # across and along the flow
    number: dict[str, int]  # of the boxes, by their ids
    ranks: list[list[Item]]
    items: dict[int, Item]  # by the number of the box
    chains: dict[int, list[Item]]  # by the number of the arrow
    beside: dict[int, tuple[int, int]]  # arrow to a neighbour: its owner's box, and -1 or 1
    outside: list[int]  # arrows too long for dummies
    loops: list[int]
    column: set[int]  # boxes on the critical path
    clusters: dict[str, tuple[int, int]] = field(default_factory=dict)  # first and last rank
    borders: dict[str, tuple[list[Item], list[Item]]] = field(default_factory=dict)
    at: dict[int, Point] = field(default_factory=dict)
    bands: list[Point] = field(default_factory=list)
    pads: list[Point] = field(default_factory=list)


def _beside(
    scene: Scene, plain: list[tuple[int, int, int]]
) -> tuple[dict[int, tuple[int, int]], dict[int, tuple[list[int], list[int]]]]:
    """Return the leaves beside their only user: arrow to owner and side, owner to neighbours."""
    boxes = scene.boxes
    outs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    ins: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, a, b in plain:
        outs[a].append((number, b))
        ins[b].append((number, a))
    arrows: dict[int, tuple[int, int]] = {}
    neighbours: dict[int, tuple[list[int], list[int]]] = {}
    for b, incoming in ins.items():
        leaves = [
            (n, a) for n, a in incoming
            if boxes[a].form == "box" and a not in ins and len(outs[a]) == 1
            and boxes[a].kind in ("parameter", "data")
        ]  # fmt: skip
        if len(leaves) == len(incoming):  # at least one must come from above
            data = [leaf for leaf in leaves if boxes[leaf[1]].kind == "data"]
            above = data or leaves[:1]
            leaves = [leaf for leaf in leaves if leaf not in above]
        sides: tuple[list[int], list[int]] = ([], [])
        for n, a in leaves:
            right = boxes[a].kind == "data"
            if boxes[a].cluster == boxes[b].cluster and len(sides[right]) < 6:
                sides[right].append(a)
                arrows[n] = (b, 1 if right else -1)
        if sides[0] or sides[1]:
            neighbours[b] = sides
    return arrows, neighbours


def _ranks(count: int, edges: list[tuple[int, int, int]]) -> list[int]:
    """Rank by longest paths from the sources, then move chains without other inputs down."""
    rank = [0] * count
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for _, a, b in edges:  # a < b
        after[a].append(b)
        before[b].append(a)
    for v in range(count):
        if before[v]:
            rank[v] = max(rank[u] for u in before[v]) + 1
    free = [False] * count
    for v in range(count):
        free[v] = all(free[u] and len(after[u]) == 1 for u in before[v])
    for v in range(count - 1, -1, -1):
        if free[v] and after[v]:
            rank[v] = min(rank[t] for t in after[v]) - 1
    return rank


def assign_ranks(scene: Scene, sizes: list[Size], flat: bool) -> Layers:
    """Return the ranks of a scene.

    Parameters
    ----------
    scene
        The scene to lay out.
    sizes
        Width and height of each box.
    flat
        Whether the flow is from left to right, or back.
    """
    number = {b.id: i for i, b in enumerate(scene.boxes)}
    sizes = [(h, w) if flat else (w, h) for w, h in sizes]
    extra: dict[int, float] = {}  # space that a box needs at its right
    plain, loops, turned = [], [], set()
    for n, arrow in enumerate(scene.arrows):
        a, b = number.get(arrow.source), number.get(arrow.target)
        if a is None or b is None:
            continue
        if a == b or arrow.loop:
            loops.append(n)
            extra[a] = LOOP + (18 if flat else 12 + width(clean(arrow.label), 12))
        else:
            if a > b:
                turned.add(n)
            plain.append((n, min(a, b), max(a, b)))
    beside, neighbours = _beside(scene, plain)
    hidden = {i for sides in neighbours.values() for side in sides for i in side}
    gaps: dict[int, float] = {}
    for n, (owner, _) in beside.items():  # room for the label
        room = width(clean(scene.arrows[n].label), 11) + 14
        gaps[owner] = max(gaps.get(owner, SIDE), min(room, 194.0))
    edges = [e for e in plain if e[0] not in beside]
    rank = _ranks(len(scene.boxes), edges)
    around = cluster_paths(scene)
    column = critical_path(scene) if not turned else set()
    items: dict[int, Item] = {}
    for i, box in enumerate(scene.boxes):
        if i in hidden:
            continue
        item = items[i] = Item(len(items), i)
        item.rank, item.path = rank[i], around.get(box.cluster, ())
        item.late = box.kind == "data"
        item.w, item.h = sizes[i]
        item.sides = neighbours.get(i, ([], []))
        item.gap = gaps.get(i, SIDE)
        item.extra = extra.get(i, 0.0)
        reach = [item.w / 2, item.w / 2 + item.extra]
        for k, side in enumerate(item.sides):
            if side:
                reach[k] += item.gap + max(sizes[j][0] for j in side)
                tall = sum(sizes[j][1] for j in side) + BETWEEN * (len(side) - 1)
                item.h = max(item.h, tall)
        item.left, item.right = reach
    spine = {number[i] for i in column if i in number}
    layers = Layers(scene, sizes, number, [], items, {}, beside, [], loops, spine)
    for item in items.values():
        for c in item.path:
            first, last = layers.clusters.get(c, (item.rank, item.rank))
            layers.clusters[c] = (min(first, item.rank), max(last, item.rank))
    _chains(layers, edges, turned)
    _borders(layers, around)
    return layers


def _chains(layers: Layers, edges: list[tuple[int, int, int]], turned: set[int]) -> None:
    """Turn arrows into chains of items, one on each rank between their ends."""
    items, budget = layers.items, min(_DUMMIES, 500 + _EACH * len(layers.items))
    every, span = list(items.values()), layers.clusters

    def passing(rank: int, u: Item, v: Item) -> tuple[str, ...]:
        """Return the clusters that an arrow is in at a rank: those of an end that reach it."""
        found: list[tuple[str, ...]] = []
        for path in (v.path, u.path):
            k = 0
            while k < len(path) and span[path[k]][0] <= rank <= span[path[k]][1]:
                k += 1
            found.append(path[:k])
        return max(found, key=len)

    chains: dict[int, list[Item]] = {}
    spans = sorted(edges, key=lambda e: (items[e[2]].rank - items[e[1]].rank, e[0]))
    for n, a, b in spans:
        u, v = items[a], items[b]
        budget -= max(v.rank - u.rank - 1, 0)
        if budget < 0:
            layers.outside.append(n)
            continue
        chain = [u]
        for r in range(u.rank + 1, v.rank):
            dummy = Item(len(every))
            dummy.rank, dummy.path = r, passing(r, u, v)
            dummy.left = dummy.right = 2.0
            every.append(dummy)
            chain.append(dummy)
        chain.append(v)
        for p, q in itertools.pairwise(chain):
            p.after.append(q)
            q.before.append(p)
        chains[n] = chain[::-1] if n in turned else chain
    layers.chains = chains
    count = max((i.rank for i in every), default=-1) + 1
    layers.ranks = [[] for _ in range(count)]
    for item in every:
        layers.ranks[item.rank].append(item)


def _borders(layers: Layers, around: Mapping[str, tuple[str, ...]]) -> None:
    """Add a left and a right border item for each cluster to every rank that it spans."""
    index = itertools.count(sum(map(len, layers.ranks)))
    for c, (first, last) in layers.clusters.items():
        layers.borders[c] = ([], [])
        for r in range(first, last + 1):
            for side, chain in zip((-1, 1), layers.borders[c], strict=True):
                item = Item(next(index))
                item.rank, item.path, item.border, item.late = r, around[c], side, False
                chain.append(item)
                layers.ranks[r].append(item)
