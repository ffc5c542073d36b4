"""Blocks: feature maps as volumes in oblique projection, vectors as bars, layers as slabs.

Lengths are logarithms: from left to right the channels, upwards the height, and backwards the width
of a map. The size, and what was measured, are above a block, and its caption below.
"""

from collections.abc import Iterator
from math import log2, prod

from autograd_core.drawing.layout.placement import Placement, Point, Rectangle, Route, Size
from autograd_core.drawing.layout.text_width import elided, width
from autograd_core.drawing.scene import Box, Scene
from autograd_core.drawing.write.elements import fill_class, number, rectangle, text_at

FORMS = ("block", "slab")
_TEXT = 20.0  # height of a line above or below
_WIDEST = 130.0  # of a caption
_BACK = 0.3  # how much of a length backwards is seen to the right and upwards


def _length(n: int) -> float:
    return 8.0 + 11.0 * log2(1 + n)


def _volume(box: Box) -> tuple[float, float, float]:
    """Return how far a block extends to the right, upwards, and backwards."""
    *channels, high, deep = box.shape if len(box.shape) > 1 else (1, *box.shape, 0)
    if len(box.shape) == 2:  # a sequence of vectors
        channels, high, deep = [high], deep, 0
    thick = 6.0 if box.form == "slab" else 6.0 + 5.0 * log2(1 + prod(channels))
    return thick, _length(high), _BACK * _length(deep or 1)


def _above(box: Box) -> str:
    """Return the text above a block: its size, and what was measured."""
    return "  ".join(filter(None, (box.note, box.mark)))


def block_size(box: Box) -> Size:
    """Return the width and height of a block with its texts."""
    thick, high, back = _volume(box)
    texts = width(_above(box), 11), min(width(box.title, 11.5), _WIDEST)
    return max(thick + back, *texts) + 4, high + back + 2 * _TEXT


def _front(box: Box, place: Rectangle) -> Rectangle:
    """Return the place of the front of a block; the whole is in the middle of its place."""
    (x, y, w, h), (thick, high, back) = place, _volume(box)
    return x + (w - thick - back) / 2, y + (h - high - back) / 2 + back, thick, high


def paint_block(box: Box, place: Rectangle) -> Iterator[str]:
    """Yield the elements of a block: its front, its top and its side, and its texts."""
    front, (x, y, w, h), back = _front(box, place), place, _volume(box)[2]
    left, top, right, bottom = front[0], front[1], front[0] + front[2], front[1] + front[3]

    def face(shade: float, *corners: Point) -> str:
        d = "M" + "L".join(f"{number(a)} {number(b)}" for a, b in corners) + "Z"
        over = f'<path d="{d}" fill="#000000" fill-opacity="{shade}" stroke="none"/>'
        return f'<path d="{d}"/>{over}'

    yield f'<g class="{fill_class(box.fill)}">' if box.fill else "<g>"  # not around the texts
    yield rectangle(front)
    behind = (right + back, top - back)
    yield face(0.05, (left, top), (left + back, top - back), behind, (right, top))
    yield face(0.15, (right, top), behind, (right + back, bottom - back), (right, bottom))
    yield "</g>"
    middle = x + w / 2
    yield text_at(middle, top - back - 7, _above(box), 11, "b" if box.mark else "m", "middle")
    yield text_at(middle, y + h - 6, elided(box.title, 11.5, w), 11.5, "b", "middle")


def attached(scene: Scene, where: Placement) -> Placement:
    """Return a placement in which arrows reach the blocks, past the room of their texts."""
    places = {b.id: (b, p) for b, p in zip(scene.boxes, where.boxes, strict=True)}

    def moved(name: str, p: Point, ends: bool) -> Point:
        """Return where an arrow ends, or where it begins: behind the faces, which hide it."""
        box, (x, y, w, h) = places[name]
        if box.form not in FORMS:
            return p
        left, top, thick, _ = _front(box, (x, y, w, h))
        back = _volume(box)[2] * (1.0 if ends else 0.5)
        if abs(p[0] - x) < 1:
            return left, p[1]
        if abs(p[0] - x - w) < 1:
            return left + thick + back, p[1]
        if abs(p[1] - y) < 1:
            return p[0], top - _volume(box)[2] - _TEXT if _above(box) else top - back
        return p

    routes = {}
    for n, route in where.routes.items():
        arrow, path = scene.arrows[n], [*route.path]
        path[0] = ("M", (moved(arrow.source, path[0][1][0], arrow.reverse),))
        name, (*before, last) = path[-1]
        path[-1] = (name, (*before, moved(arrow.target, last, not arrow.reverse)))
        routes[n] = Route(path, route.label, route.side)
    return Placement(where.boxes, where.clusters, routes)
