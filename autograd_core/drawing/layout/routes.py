"""Routes of the arrows: through the gaps between ranks, and past boxes in lanes of their own.

All points are relative to the flow, ``(across, along)``; :class:`LayoutResult` turns them.
"""

from autograd_core.drawing.layout.placement import Path, Point, Route, backwards
from autograd_core.drawing.layout.ranks import Item, Layers

Numbers = dict[tuple[int, int], float]
_ROUND = 14.0  # radius of a corner
_CLEAR = 8.0  # between a lane and a box


def _ports(layers: Layers) -> Numbers:
    """Return how far from the middle each arrow begins (``arrow, 0``) and ends (``arrow, 1``).

    A straight arrow is in the middle; those at its left and right share the halves.
    """
    at_ends: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for n, chain in layers.chains.items():
        for end in (0, 1):
            me, other = (chain[0], chain[1]) if end == 0 else (chain[-1], chain[-2])
            down = 1 if other.rank > me.rank else 0
            at_ends.setdefault((me.box, down), []).append((other.x - me.x, n * 2 + end))
    found: Numbers = {}
    for (box, _), ends in at_ends.items():
        ends.sort()
        straight = [k for k, (dx, _) in enumerate(ends) if abs(dx) < 1]
        middle = straight[len(straight) // 2] if straight else (len(ends) - 1) / 2
        widest = max(middle, len(ends) - 1 - middle)
        step = min(18.0, max((layers.sizes[box][0] / 2 - 8) / max(widest, 0.5), 0.0))
        for k, (_, code) in enumerate(ends):
            found[code >> 1, code & 1] = (k - middle) * step
    return found


def _side(layers: Layers, item: Item, lane: Item) -> int:
    """Return -1 or 1 if a lane is reached straight across from that side of a box, else 0."""
    side = 1 if lane.x > item.x else -1
    reach = item.right if side > 0 else item.left
    half = layers.sizes[item.box][0] / 2
    if reach > half + 1 or abs(lane.x - item.x) < half + _ROUND:
        return 0
    rank, k = layers.ranks[item.rank], item.place
    for other in rank[k + 1 :] if side > 0 else reversed(rank[:k]):
        edge = other.x - other.left if side > 0 else -(other.x + other.right)
        if other.box >= 0:
            return side if edge > side * lane.x + _CLEAR else 0
        if (other.x - lane.x) * side < 0 and not other.border:
            return 0  # another lane is nearer
    return side


def route(layers: Layers) -> dict[int, Route]:
    """Return the routes of all arrows that run through ranks."""
    ports = _ports(layers)
    sides: dict[int, tuple[int, int]] = {}
    used: dict[tuple[int, int], set[int]] = {}
    for n, chain in layers.chains.items():
        if len(chain) > 3:
            first = _side(layers, chain[0], chain[1])
            last = _side(layers, chain[-1], chain[-2])
            sides[n] = (first, last)
            used.setdefault((chain[0].box, first), set()).add(0)
            used.setdefault((chain[-1].box, last), set()).add(1)
    both = {key for key, ends in used.items() if key[1] and len(ends) == 2}
    return {n: _route(layers, n, ports, both, sides.get(n, (0, 0))) for n in layers.chains}


def _exit(
    layers: Layers, item: Item, lane: float, port: float, side: int, apart: float, down: float
) -> Path:
    """Return the path from a box to the gap after it, or to a lane beside it."""
    (x, y), (w, h) = layers.at[item.box], layers.sizes[item.box]
    if not side:
        out = (x + port, layers.bands[item.rank][down > 0])
        return [("M", ((x + port, y + down * h / 2),)), ("L", (out,))]
    y += down * apart
    path: Path = [("M", ((x + side * w / 2, y),)), ("L", ((lane - side * _ROUND, y),))]
    return [*path, ("C", ((lane, y), (lane, y), (lane, y + down * _ROUND)))]


def _route(
    layers: Layers, n: int, ports: Numbers, both: set[tuple[int, int]], sideways: tuple[int, int]
) -> Route:
    """Return one route; where arrows leave and reach a box at one side, the latter come first."""
    chain = layers.chains[n]
    first, last = chain[0], chain[-1]
    down = 1.0 if last.rank > first.rank else -1.0
    ends = []
    for k, (item, lane) in enumerate(((first, chain[1]), (last, chain[-2]))):
        shared = (item.box, sideways[k]) in both
        apart = min(layers.sizes[item.box][1] / 5, 9.0) if shared else 0.0
        way = -down if k else down
        ends.append(_exit(layers, item, lane.x, ports[n, k], sideways[k], apart, way))
    path = [*ends[0]]
    for item in chain[1:-1]:
        low, high = layers.bands[item.rank][:: int(down)]
        path += [*_bend(path[-1][1][-1], (item.x, low)), ("L", ((item.x, high),))]
    path += [*_bend(path[-1][1][-1], ends[1][-1][1][-1]), *backwards(ends[1])[1:]]
    if sideways[0] or len(chain) > 2:
        middle = chain[len(chain) // 2]
        label = (middle.x, sum(layers.bands[middle.rank]) / 2)
    else:
        (start, out), (end, into) = ends[0][0][1][0], ends[1][-1][1][-1]
        slanted = abs(start - end) > 1
        if not slanted:  # between the clusters that end here and those that begin
            out = ends[0][-1][1][-1][1] + down * layers.pads[first.rank][down > 0]
            into -= down * layers.pads[last.rank][down < 0]
        label = (start, out + down * 11 if slanted else (out + into) / 2)
    others = [c.x - first.x for c in (last.before if down > 0 else last.after) if c is not first]
    left = bool(others) and min(others) > 1 and len(chain) == 2  # the others come from the right
    return Route(_simplified(path), label, "left" if left else "right")


def _bend(a: Point, b: Point) -> Path:
    """Return the commands from one end of a gap between ranks to the other."""
    if abs(a[0] - b[0]) < 0.5:
        return [("L", (b,))]
    middle = (a[1] + b[1]) / 2
    return [("C", ((a[0], middle), (b[0], middle), b))]


def _simplified(path: Path) -> Path:
    """Return the path without points in the middle of straight lines."""
    out: Path = []
    for name, points in path:
        if out and name == "L":
            last, (x, y) = out[-1], points[0]
            if last[1][-1] == (x, y):
                continue
            if last[0] == "L" and len(out) > 1:
                (ax, ay), (bx, by) = out[-2][1][-1], last[1][0]
                if abs((bx - ax) * (y - by) - (by - ay) * (x - bx)) < 0.01:
                    out.pop()
        out.append((name, points))
    return out


def route_beside(layers: Layers) -> dict[int, Route]:
    """Return the short routes from boxes that are placed beside their user."""
    ends: dict[tuple[int, int], list[int]] = {}
    for n, key in layers.beside.items():
        ends.setdefault(key, []).append(n)
    found = {}
    for (owner, side), arrows in ends.items():
        x, y = layers.at[owner]
        w, h = layers.sizes[owner]
        for n in arrows:
            a = layers.scene.arrows[n]
            other = (
                layers.number[a.source]
                if layers.number[a.source] != owner
                else layers.number[a.target]
            )
            ox, oy = layers.at[other]
            start = (ox - side * layers.sizes[other][0] / 2, oy)
            reach = max(h / 2 - 7, 0.0)
            end = (x + side * w / 2, max(y - reach, min(oy, y + reach)))
            middle = (start[0] + end[0]) / 2
            flat = abs(start[1] - end[1]) < 0.5
            bend = ("C", ((middle, start[1]), (middle, end[1]), end))
            path: Path = [("M", (start,)), ("L", (end,)) if flat else bend]
            path = path if a.source == layers.scene.boxes[other].id else backwards(path)
            found[n] = Route(path, (middle, (start[1] + end[1]) / 2), "above")
    return found


def route_outside(layers: Layers) -> dict[int, Route]:
    """Return routes of arrows too long for a lane between boxes: in lanes right of everything."""
    edge = max((i.x + i.right for rank in layers.ranks for i in rank), default=0.0) + 20
    found = {}
    for k, n in enumerate(layers.outside):
        a, b = (
            layers.number[layers.scene.arrows[n].source],
            layers.number[layers.scene.arrows[n].target],
        )
        (ax, ay), (bx, by), lane = layers.at[a], layers.at[b], edge + 6 * (k % 40)
        out = layers.bands[layers.items[a].rank][1]
        into = layers.bands[layers.items[b].rank][0]
        path: Path = [("M", ((ax, ay + layers.sizes[a][1] / 2),)), ("L", ((ax, out),))]
        path += [*_bend((ax, out), (lane, out + 26)), ("L", ((lane, into - 26),))]
        path += [*_bend((lane, into - 26), (bx, into)), ("L", ((bx, by - layers.sizes[b][1] / 2),))]
        found[n] = Route(path, (lane, (out + into) / 2))
    return found
