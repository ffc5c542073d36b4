"""A scene laid out: ranks, order and coordinates, turned into one of four directions."""

import itertools
from collections.abc import Mapping

from autograd_core.drawing.layout.coordinates import assign_coordinates
from autograd_core.drawing.layout.crossings import order_ranks
from autograd_core.drawing.layout.placement import (
    Placement,
    Point,
    Rectangle,
    Route,
    Size,
    loop,
)
from autograd_core.drawing.layout.ranks import BETWEEN, Item, assign_ranks
from autograd_core.drawing.layout.routes import route, route_beside, route_outside
from autograd_core.drawing.layout.text_width import width
from autograd_core.drawing.scene import Scene, clean

_GAP = 30.0  # between two ranks
_TITLE = 22.0  # of a cluster's title
_INSIDE = 10.0  # between a cluster and its members


class LayoutResult:
    """A scene with the place of every box, cluster and arrow.

    Parameters
    ----------
    scene
        The scene to lay out.
    direction
        ``"TB"``, ``"LR"``, ``"BT"`` or ``"RL"``.
    sizes
        Width and height of each box.
    cards
        Sizes of the cards that clusters become when a reader closes them; none if omitted.
    """

    def __init__(
        self,
        scene: Scene,
        direction: str,
        sizes: list[Size],
        cards: Mapping[str, Size] | None = None,
    ) -> None:
        self.scene, self.direction = scene, direction
        self.flat = direction in ("LR", "RL")
        self.clusters = {c.id: c for c in scene.clusters}
        self.layers = assign_ranks(scene, sizes, self.flat)
        order_ranks(self.layers)
        self.labels = {
            chain[0].box: width(clean(scene.arrows[n].label), 11) + 2
            for n, chain in self.layers.chains.items()
            if scene.arrows[n].label and chain[0].path and chain[0].path == chain[-1].path
        }
        self.cards = {c: size for c, size in (cards or {}).items() if c in self.layers.clusters}
        self.pads = self._pads()
        self.anchors = self._anchors()
        halves = {c: (self.anchors[c], s[self.flat] / 2 + 4) for c, s in self.cards.items()}
        assign_coordinates(self.layers, self._room, self._widths(), halves)
        self._set_positions()

    # -- space -----------------------------------------------------------------------------------

    def _named(self, cluster: str) -> float:
        c = self.clusters[cluster]
        return width(clean(c.title), 12, True) + width(clean(c.type), 12) + 24

    def _widths(self) -> dict[str, float]:
        if self.flat:
            return {}
        return {c: min(self._named(c), 300.0) for c in self.layers.clusters}

    def _room(self, a: Item, b: Item) -> float:
        """Return the space that a border needs for its title: above in a row, beside an arrow."""
        if b.border > 0 and a.box in self.labels and not self.flat:
            inside = self.labels[a.box]  # labels stay on their cluster
            return max(inside - a.right, 0.0)
        if a.border >= 0:
            return 0.0
        c = a.path[-1]
        if self.flat:
            return _TITLE - 6
        entered = b.rank == self.layers.clusters[c][0] and len(b.before) > 0
        if not entered or self.direction == "BT":
            return 0.0
        return max(min(self._named(c), 200.0) - b.left - 12, 0.0)

    def _pads(self) -> dict[str, Point]:
        """Return how far each cluster extends before its first and after its last rank."""
        layers, pads = self.layers, dict[str, Point]()
        title = 0.0 if self.flat else _TITLE
        before, after = (title, 0.0) if self.direction != "BT" else (0.0, title)
        inner: dict[str, list[str]] = {}
        paths = {c: b[0][0].path for c, b in layers.borders.items()}
        for c, path in paths.items():
            if len(path) > 1:
                inner.setdefault(path[-2], []).append(c)
        for c in sorted(paths, key=lambda c: -len(paths[c])):
            first, last = layers.clusters[c]
            up = [pads[d][0] for d in inner.get(c, ()) if layers.clusters[d][0] == first]
            down = [pads[d][1] for d in inner.get(c, ()) if layers.clusters[d][1] == last]
            high = max(up, default=0.0) + _INSIDE + before
            low = max(down, default=0.0) + _INSIDE + after
            ranks = layers.ranks[first : last + 1]
            long = sum(max((i.h for i in rank), default=0.0) for rank in ranks) + high + low
            card = self.cards[c][not self.flat] + 8 if c in self.cards else 0.0
            more = max(card - long - _GAP * (last - first), 0.0) / 2
            pads[c] = (high + more, low + more)
        return pads

    def _anchors(self) -> dict[str, Item]:
        """Return the item that the card of each closed cluster has its middle at."""
        found: dict[str, Item] = {}
        column, items = self.layers.column, self.layers.items.values()
        for item in sorted(items, key=lambda i: (i.box not in column, i.rank, i.index)):
            for c in item.path:
                found.setdefault(c, item)
        return found

    def card(self, cluster: str) -> Rectangle:
        """Return the place of the card of a closed cluster on the page."""
        w, h = self.cards[cluster]
        x, y = self.point((self.anchors[cluster].x, sum(self._along(cluster)) / 2))
        return x - w / 2, y - h / 2, w, h

    def _along(self, c: str) -> Point:
        """Return where a cluster begins and ends along the flow."""
        (first, last), (before, after) = self.layers.clusters[c], self.pads[c]
        return self.layers.bands[first][0] - before, self.layers.bands[last][1] + after

    def _set_positions(self) -> None:
        """Set the positions along the flow, and those of the boxes beside others."""
        layers, count = self.layers, len(self.layers.ranks)
        top, bottom, label, slope = ([0.0] * (count + 1) for _ in range(4))
        for c, (first, last) in layers.clusters.items():
            top[first] = max(top[first], self.pads[c][0])
            bottom[last] = max(bottom[last], self.pads[c][1])
        for n, chain in layers.chains.items():
            text = self.scene.arrows[n].label
            r = min(chain[0].rank, chain[-1].rank)
            if text and len(chain) == 2:
                room = width(clean(text), 11) + 26 if self.flat else 22.0
                label[r] = max(label[r], min(room, 160.0))
            for a, b in itertools.pairwise(chain):
                g = min(a.rank, b.rank)
                slope[g] = max(slope[g], abs(a.x - b.x))
        layers.pads = list(zip(top, bottom, strict=True))
        at = 0.0
        for r, rank in enumerate(layers.ranks):
            at += top[r]
            tall = max((i.h for i in rank), default=0.0)
            layers.bands.append((at, at + tall))
            at += tall + bottom[r] + max(_GAP, label[r] + 14) + min(slope[r] / 14, 60.0)
        for i, item in layers.items.items():
            low, high = layers.bands[item.rank]
            middle = (low + high) / 2
            layers.at[i] = (item.x, middle)
            for sign, side in zip((-1, 1), item.sides, strict=True):
                tall = sum(self.layers.sizes[j][1] for j in side) + BETWEEN * (len(side) - 1)
                start = middle - tall / 2
                for j in side:
                    w, h = self.layers.sizes[j]
                    apart = item.w / 2 + item.gap + w / 2 + (item.extra if sign > 0 else 0.0)
                    layers.at[j] = (item.x + sign * apart, start + h / 2)
                    start += h + BETWEEN

    # -- turning --------------------------------------------------------------------------------

    def point(self, p: Point) -> Point:
        """Return a point of the flow (across, along) on the page (right, down)."""
        across, along = p
        along = along if self.direction in ("TB", "LR") else -along
        return (along, across) if self.flat else (across, along)

    def corners(self, i: int) -> Rectangle:
        """Return left, top, width and height of a box on the page."""
        x, y = self.point(self.layers.at[i])
        w, h = self.layers.sizes[i][::-1] if self.flat else self.layers.sizes[i]
        return x - w / 2, y - h / 2, w, h

    def around(self, c: str) -> Rectangle:
        """Return left, top, width and height of a cluster on the page."""
        lefts, rights = self.layers.borders[c]
        low, high = self._along(c)
        a = self.point((min(i.x for i in lefts), low))
        b = self.point((max(i.x for i in rights), high))
        x, y = min(a[0], b[0]), min(a[1], b[1])
        return x, y, abs(a[0] - b[0]), abs(a[1] - b[1])

    def placement(self) -> Placement:
        """Return the places of all boxes, clusters and arrows on the page."""
        layers = self.layers
        routes = route(layers) | route_beside(layers) | route_outside(layers)
        for n in layers.loops:
            i = self.layers.number[self.scene.arrows[n].source]
            (x, y), (w, h) = layers.at[i], self.layers.sizes[i]
            routes[n] = loop(x + w / 2, y, h)
        for n, r in routes.items():
            side = r.side
            if self.flat:
                turned = "below" if n in layers.loops else "above"
                side = "right" if side == "above" else turned
            path = [(name, tuple(map(self.point, points))) for name, points in r.path]
            routes[n] = Route(path, self.point(r.label), side)
        outer = sorted(layers.clusters, key=lambda c: len(layers.borders[c][0][0].path))
        places = [self.corners(i) for i in range(len(self.scene.boxes))]
        return Placement(places, {c: self.around(c) for c in outer}, dict(sorted(routes.items())))


def place(scene: Scene, direction: str, sizes: list[Size]) -> Placement:
    """Return where everything in a scene is; see :class:`LayoutResult`."""
    return LayoutResult(scene, direction, sizes).placement()
