"""A scene as SVG by the built-in layout: no program but Python is needed.

Colours are attributes and of the light palette, which is what :mod:`themes` turns dark.  Each box
is a group with its number (``data-n``) and each arrow one with its own and those of its ends, for
the page of :mod:`html`.
"""

from __future__ import annotations

import math

from autograd_core.drawing.colour.palette import CLUSTER, EDGE, FONT, INK, MUTED, PAGE, STYLES
from autograd_core.drawing.layout import routes
from autograd_core.drawing.layout.layout_result import LOOP, Arranged
from autograd_core.drawing.layout.routes import Point, Route, Way
from autograd_core.drawing.layout.text_width import clean, elided, width
from autograd_core.drawing.scene import Arrow, Box, Cluster, Scene
from autograd_core.drawing.write.legend import footer, header
from autograd_core.drawing.write.shapes import drawn, escaped, number, rectangle, words

MARGIN = 24.0


def _turned(d: Arranged, way: Way) -> Way:
    return [(name, tuple(d.point(p) for p in points)) for name, points in way]


def _head(tip: Point, back: Point, width: float) -> tuple[str, Point]:
    """A triangle with its tip at ``tip``, and where the line ends."""
    dx, dy = tip[0] - back[0], tip[1] - back[1]
    length = math.hypot(dx, dy) or 1.0
    dx, dy = dx / length, dy / length
    long, wide = 7.0 + 1.1 * width, 2.4 + 0.75 * width
    base = (tip[0] - dx * long, tip[1] - dy * long)
    corners = (
        tip,
        (base[0] - dy * wide, base[1] + dx * wide),
        (base[0] + dy * wide, base[1] - dx * wide),
    )
    text = "L".join(f"{number(x)} {number(y)}" for x, y in corners)
    return f"M{text}Z", (tip[0] - dx * (long - 1), tip[1] - dy * (long - 1))


def _arrow(d: Arranged, n: int, arrow: Arrow, route: Route) -> str:
    way = _turned(d, route.way)
    source = d.scene.boxes[d.number[arrow.source]]
    color = STYLES[source.kind].stroke if source.kind == "parameter" or arrow.loop else EDGE
    thick = max(arrow.width * 1.1, 0.6)
    if arrow.reverse:
        head, end = _head(way[0][1][0], way[1][1][0], thick)
        way[0] = ("M", (end,))
    else:
        last = way[-1][1]
        before = last[-2] if len(last) > 1 else way[-2][1][-1]
        head, end = _head(last[-1], before, thick)
        way[-1] = (way[-1][0], (*last[:-1], end))
    path = "".join(
        name + " ".join(f"{number(x)} {number(y)}" for x, y in points) for name, points in way
    )
    dashes = ' stroke-dasharray="5 4"' if not arrow.gradient or arrow.loop else ""
    ends = f'data-a="{d.number[arrow.source]}" data-b="{d.number[arrow.target]}"'
    out = [
        f'<g class="edge" data-e="{n}" {ends}>',
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{number(thick)}"{dashes}/>',
        f'<path d="{head}" fill="{color}"/>',
    ]
    if arrow.label:
        out.append(_label(d, arrow, route, color))
    return "".join(out) + "</g>"


def _label(d: Arranged, arrow: Arrow, route: Route, color: str) -> str:
    x, y = d.point(route.label)
    text, fill = elided(arrow.label, 11, 180), color if arrow.loop else MUTED
    if route.beside and not d.flat:
        return words(x, y - 6, text, 11, fill, anchor="middle")
    if d.flat and not route.beside:
        down = 14 if arrow.loop else -6
        return words(x, y + down, text, 11, fill, anchor="middle")
    if route.left:
        return words(x - 7, y + 4, text, 11, fill, anchor="end")
    return words(x + 7, y + 4, text, 11, fill)


def _loop(d: Arranged, i: int) -> Route:
    """From the right of a stack back to it."""
    x, y = d.frame.at[i]
    w, h = d.sizes[i]
    right, reach = x + w / 2, LOOP * 1.2
    low, high = y - h * 0.28, y + h * 0.28
    points = ((right + reach, high + h * 0.2), (right + reach, low - h * 0.2), (right, low))
    return Route([("M", ((right, high),)), ("C", points)], (right + reach * 0.78, y))


def _tooltip(box: Box) -> str:
    told = (box.title, box.type, box.spec, box.note, box.mark)
    head = " ".join(t for t in told if t)
    return "\n".join(escaped(t) for t in (head, *(f"{k}: {v}" for k, v in box.facts)))


def _cluster(d: Arranged, c: Cluster) -> str:
    x, y, w, h = d.around(c.id)
    title = elided(c.title, 12, w - 20, True)
    at = x + 12 + width(title, 12, True) + 8
    kind = elided(c.type, 12, max(x + w - 8 - at, 0.0)) if c.type else ""
    return (
        '<g class="cluster">'
        + rectangle(x, y, w, h, CLUSTER.fill, CLUSTER.stroke, r=12)
        + words(x + 12, y + 17, title, 12, INK, bold=True)
        + (words(at, y + 17, kind, 12, MUTED) if len(kind) > 1 else "")
        + "</g>"
    )


def _ways(d: Arranged) -> dict[int, Route]:
    found = routes.route(d.made, d.frame)
    found.update(routes.beside(d.scene, d.made, d.frame))
    found.update(routes.outside(d.scene, d.made, d.frame))
    found.update({n: _loop(d, d.number[d.scene.arrows[n].source]) for n in d.made.loops})
    return found


def _extent(d: Arranged, ways: dict[int, Route]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of everything that is drawn."""
    boxes = [d.corners(i) for i in d.frame.at] + [d.around(c) for c in d.made.clusters]
    points = [p for r in ways.values() for _, ps in _turned(d, r.way) for p in ps]
    for n, r in ways.items():
        if d.scene.arrows[n].label:
            x, y = d.point(r.label)
            wide = min(width(clean(d.scene.arrows[n].label), 11), 180.0)
            points += [(x + wide + 10, y + 6)] if not d.flat else [(x + wide / 2, y + 18)]
            points += [(x - wide - 10, y)] if r.left and not d.flat else []
    xs = [x for x, *_ in boxes] + [x for x, _ in points]
    ys = [y for _, y, *_ in boxes] + [y for _, y in points]
    rights = [x + w for x, _, w, _ in boxes] + [x for x, _ in points]
    bottoms = [y + h for _, y, _, h in boxes] + [y for _, y in points]
    return min(xs, default=0), min(ys, default=0), max(rights, default=0), max(bottoms, default=0)


def to_svg(scene: Scene, direction: str = "TB") -> str:
    """The scene as SVG, laid out here; the same scene gives the same text, byte for byte.

    Parameters
    ----------
    scene
        What to draw.
    direction
        ``"TB"`` (downwards), ``"LR"``, ``"BT"`` or ``"RL"``.

    Raises
    ------
    ValueError
        For another direction.

    Examples
    --------
    >>> from autograd_core.drawing.scene import Arrow, Box, Scene
    >>> from autograd_core.drawing.write.svg import to_svg
    >>> boxes = [Box("x", "data", "x", "box"), Box("tanh", "elementwise", "tanh")]
    >>> to_svg(Scene("a neuron", "", boxes, [Arrow("x", "tanh")]))[:4]
    '<svg'
    """
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"direction is TB, LR, BT or RL, got {direction!r}")
    d = Arranged(scene, direction)
    ways = _ways(d)
    left, top, right, bottom = _extent(d, ways)
    above, head_w, head_h = header(scene)
    below, foot_w, foot_h = footer(scene, max(right - left, head_w, 360.0))
    w = max(right - left, head_w, foot_w) + 2 * MARGIN
    h = bottom - top + head_h + foot_h + 2 * MARGIN
    dx, dy = (w - (right - left)) / 2 - left, MARGIN + head_h - top
    paths = {c: b[0][0].path for c, b in d.made.borders.items()}
    outer = sorted(d.made.clusters, key=lambda c: len(paths[c]))
    body: list[str] = [_cluster(d, d.clusters[c]) for c in outer]
    body += [_arrow(d, n, scene.arrows[n], ways[n]) for n in sorted(ways)]
    for i, box in enumerate(scene.boxes):
        tip = f"<title>{_tooltip(box)}</title>"
        shape = drawn(box, *d.corners(i))
        body.append(f'<g class="node {escaped(box.kind)}" data-n="{i}">{tip}{shape}</g>')
    shown = f"{len(scene.boxes)} boxes and {len(ways)} arrows. {scene.subtitle}"
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{number(w)}" '
            f'height="{number(h)}" viewBox="0 0 {number(w)} {number(h)}" font-family="{FONT}">',
            f"<title>{escaped(scene.title)}</title><desc>{escaped(shown)}</desc>",
            rectangle(0, 0, w, h, PAGE, ""),
            f'<g transform="translate({number(MARGIN)} {number(MARGIN)})">{above}</g>',
            f'<g transform="translate({number(dx)} {number(dy)})">\n',
            "\n".join(body),
            "\n</g>",
            f'<g transform="translate({number(MARGIN)} {number(h - MARGIN - foot_h)})">{below}</g>',
            "</svg>\n",
        ]
    )
