"""A scene laid out: ranks, order and coordinates, turned into one of four directions."""

import itertools

from autograd_core.drawing.layout.coordinates import assign_coordinates
from autograd_core.drawing.layout.crossings import order_ranks
from autograd_core.drawing.layout.ranks import BETWEEN, Item, Size, assign_ranks
from autograd_core.drawing.layout.routes import Frame, Point
from autograd_core.drawing.layout.text_width import width
from autograd_core.drawing.scene import Scene, clean

LOOP = 46.0  # how far a loop reaches
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
    """

    def __init__(self, scene: Scene, direction: str, sizes: list[Size]) -> None:
        self.scene, self.direction = scene, direction
        self.flat = direction in ("LR", "RL")
        natural = sizes[:]
        cards = [i for i, b in enumerate(scene.boxes) if b.form == "card"]
        widest = max((natural[i][0] for i in cards), default=0.0)
        for i in cards:  # cards of one width read as a column
            if widest <= 1.6 * natural[i][0]:
                natural[i] = (widest, natural[i][1])
        self.sizes = [(h, w) if self.flat else (w, h) for w, h in natural]
        self.number = {b.id: i for i, b in enumerate(scene.boxes)}
        self.clusters = {c.id: c for c in scene.clusters}
        loops = {
            self.number[a.source]: LOOP + (18 if self.flat else 12 + width(clean(a.label), 12))
            for a in scene.arrows
            if (a.loop or a.source == a.target) and a.source in self.number
        }
        self.layers = assign_ranks(scene, self.sizes, loops)
        order_ranks(self.layers)
        self.labels = {
            chain[0].box: width(clean(scene.arrows[n].label), 11) + 2
            for n, chain in self.layers.chains.items()
            if scene.arrows[n].label and chain[0].path and chain[0].path == chain[-1].path
        }
        self.pads = self._pads()
        assign_coordinates(self.layers, self._room, self._widths())
        self.frame = self._frame()

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
            pads[c] = (
                max(up, default=0.0) + _INSIDE + before,
                max(down, default=0.0) + _INSIDE + after,
            )
        return pads

    def _frame(self) -> Frame:
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
        bands: list[Point] = []
        at = 0.0
        for r, rank in enumerate(layers.ranks):
            at += top[r]
            tall = max((i.h for i in rank), default=0.0)
            bands.append((at, at + tall))
            at += tall + bottom[r] + max(_GAP, label[r] + 14) + min(slope[r] / 14, 60.0)
        places: dict[int, Point] = {}
        for i, item in layers.items.items():
            low, high = bands[item.rank]
            middle = (low + high) / 2
            places[i] = (item.x, middle)
            for sign, side in zip((-1, 1), item.sides, strict=True):
                tall = sum(self.sizes[j][1] for j in side) + BETWEEN * (len(side) - 1)
                start = middle - tall / 2
                for j in side:
                    w, h = self.sizes[j]
                    apart = item.w / 2 + item.gap + w / 2 + (item.extra if sign > 0 else 0.0)
                    places[j] = (item.x + sign * apart, start + h / 2)
                    start += h + BETWEEN
        pads = list(zip(top, bottom, strict=True))
        return Frame(places, self.sizes, bands, pads)

    # -- turning --------------------------------------------------------------------------------

    def point(self, p: Point) -> Point:
        """Return a point of the flow (across, along) on the page (right, down)."""
        across, along = p
        along = along if self.direction in ("TB", "LR") else -along
        return (along, across) if self.flat else (across, along)

    def corners(self, i: int) -> tuple[float, float, float, float]:
        """Return left, top, width and height of a box on the page."""
        x, y = self.point(self.frame.at[i])
        w, h = self.sizes[i][::-1] if self.flat else self.sizes[i]
        return x - w / 2, y - h / 2, w, h

    def around(self, c: str) -> tuple[float, float, float, float]:
        """Return left, top, width and height of a cluster on the page."""
        lefts, rights = self.layers.borders[c]
        first, last = self.layers.clusters[c]
        low = self.frame.bands[first][0] - self.pads[c][0]
        high = self.frame.bands[last][1] + self.pads[c][1]
        a = self.point((min(i.x for i in lefts), low))
        b = self.point((max(i.x for i in rights), high))
        x, y = min(a[0], b[0]), min(a[1], b[1])
        return x, y, abs(a[0] - b[0]), abs(a[1] - b[1])
