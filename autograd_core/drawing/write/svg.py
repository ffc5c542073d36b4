"""A scene as SVG by the built-in layout; no program but Python is needed.

Colours are attributes and from the light palette, so that :mod:`palette` can make them dark. Each
box is a group with its number (``data-n``), and each arrow one with its own number (``data-e``)
and those of its ends (``data-a``, ``data-b``), for the page of :mod:`html`.
"""

import math
import re

from autograd_core.drawing.colour.palette import (
    ABSORBED,
    CLUSTER,
    EDGE,
    FONT,
    FRAME,
    INK,
    MUTED,
    PAGE,
    STYLES,
    WHITE,
    inks,
    legend,
)
from autograd_core.drawing.layout.layout_result import LOOP, LayoutResult
from autograd_core.drawing.layout.routes import (
    Path,
    Point,
    Route,
    route,
    route_beside,
    route_outside,
)
from autograd_core.drawing.layout.text_width import elided, width
from autograd_core.drawing.scene import Arrow, Box, Cluster, Scale, Scene, clean
from autograd_core.drawing.write.escaping import xml

_MARGIN = 24.0
_WIDEST = 380.0  # of a card
_WIDEST_LINE = 760.0  # of the header and the caption
_STACK = 8.0  # how far the cards behind the first one extend
_LEFT, _RIGHT = 17.0, 10.0  # padding of a card; the left one holds the stripe
_ROW = 19.0
_DASHES = ' stroke-dasharray="5 4"'
_DESCRIBED = 40  # boxes that the description lists one by one
_OPENING = r"<svg\b([^>]*)>(?:\s*<title>[^<]*</title>)?(?:\s*<desc>[^<]*</desc>)?"
Words = tuple[str, float, bool]  # a text, its size, and whether it is bold

# -- elements ---------------------------------------------------------------------------------


def _number(value: float) -> str:
    """Return a coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _words(
    x: float,
    y: float,
    text: str,
    size: float,
    fill: str = INK,
    *,
    bold: bool = False,
    anchor: str = "",
) -> str:
    """Return a text with its baseline at ``y``; nothing for an empty text."""
    if not text.strip():
        return ""
    strong = ' font-weight="bold"' if bold else ""
    at = f' text-anchor="{anchor}"' if anchor else ""
    return (
        f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" fill="{fill}"'
        f"{strong}{at}>{xml(text)}</text>"
    )


def _rectangle(
    x: float, y: float, w: float, h: float, fill: str, stroke: str, *, r: float = 0, more: str = ""
) -> str:
    """Return a rectangle with corners of radius ``r``; no outline if ``stroke`` is empty."""
    round_ = f' rx="{_number(r)}"' if r else ""
    line = f' stroke="{stroke}"' if stroke else ""
    return (
        f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(w)}" height="{_number(h)}"'
        f'{round_} fill="{fill}"{line}{more}/>'
    )


# -- boxes ------------------------------------------------------------------------------------


def _rows(box: Box) -> list[tuple[Words, Words]]:
    """Return the texts of a card: left and right of each row."""
    kind = "  ".join(t for t in (box.type, box.steps) if t)
    rows = [((box.title, 13.0, True), (kind, 13.0, box.repeats > 1))]
    right = "   ".join(t for t in (box.note, box.mark) if t)
    if box.spec or right:
        rows.append(((box.spec, 12.0, False), (right, 11.0, bool(box.mark))))
    if box.absorbed:
        rows.append(((box.merged, 12.0, False), ("", 12.0, False)))
    return rows


def box_size(box: Box) -> tuple[float, float]:
    """Return the width and height of a box, including the hidden cards of a stack."""
    if box.form == "card":
        rows = [
            sum(width(clean(text), size, bold) for text, size, bold in row)
            + (26 if row[1][0] else 0)
            for row in _rows(box)
        ]
        w = min(max(*rows, 150.0), _WIDEST) + _LEFT + _RIGHT
        h = 10 + _ROW * len(rows) + (9 if box.share is not None else 0) + (40 if box.strip else 0)
        if box.strip:
            w = max(w, 270.0)
        return (w + _STACK, h + _STACK) if box.repeats > 1 else (w, h)
    square = box.form == "box"
    parts = [(box.title, 12.5, square), (box.note, 11.0, False), (box.mark, 11.0, True)]
    shown = [width(clean(t), s, b) for t, s, b in parts if t]
    inner = sum(shown) + 8 * (len(shown) - 1)
    if not square:
        return min(max(inner + 26, 40 if len(box.title) < 3 else 82), _WIDEST), 26.0
    extra, h = {"output": (44, 38.0), "parameter": (24, 24.0)}.get(box.kind, (32, 30.0))
    return min(inner + extra, _WIDEST), h


def _pill(box: Box, x: float, y: float, w: float, h: float) -> str:
    """Return a pill or a square box with its upper left corner at ``x, y``."""
    style, square, output = STYLES[box.kind], box.form == "box", box.kind == "output"
    fill, dashes = box.fill or style.fill, _DASHES if box.hollow or box.kind == "view" else ""
    if output:
        inner = _rectangle(x + 4, y + 4, w - 8, h - 8, "none", style.stroke, more=dashes)
        out = [_rectangle(x, y, w, h, fill, style.stroke), inner]
    else:
        out = [_rectangle(x, y, w, h, fill, style.stroke, r=0 if square else 9, more=dashes)]
    ink, muted, _ = inks(box)
    room = w - (28 if output else 16)
    shown: list[tuple[str, float, str, bool]] = []
    for text, points, colour, bold in (
        (box.title, 12.5, ink, square),
        (box.note, 12.5 if output else 11.0, muted, False),
        (box.mark, 11.0, ink, True),
    ):
        if text.strip() and room > 12:
            text = elided(text, points, room, bold)
            room -= width(text, points, bold) + 8
            shown.append((text, points, colour, bold))
    total = sum(width(t, s, b) for t, s, _, b in shown) + 8 * (len(shown) - 1)
    at = x + (w - total) / 2
    for text, points, colour, bold in shown:
        out.append(_words(at, y + h / 2 + 4.4, text, points, colour, bold=bold))
        at += width(text, points, bold) + 8
    return "".join(out)


def _card(box: Box, x: float, y: float, w: float, h: float) -> str:
    """Return a card, or a stack of cards, with its upper left corner at ``x, y``."""
    style = STYLES[box.kind]
    fill = box.fill or style.fill
    ink, muted, kind = inks(box)
    out = []
    if box.repeats > 1:
        w, h = w - _STACK, h - _STACK
        behind = (_STACK, _STACK / 2)
        out += [_rectangle(x + k, y + k, w, h, fill, style.stroke, r=2) for k in behind]
    dashes = _DASHES if box.hollow else ""
    out.append(_rectangle(x, y, w, h, fill, style.stroke, r=2, more=dashes))
    out.append(_rectangle(x + 2.5, y + 2.5, 5, h - 5, style.stroke, "", r=1))
    room, at = w - _LEFT - _RIGHT, y + 18.0
    rows = _rows(box)
    for i, ((left, ls, lb), (right, rs, rb)) in enumerate(rows):
        last = box.absorbed and i == len(rows) - 1
        if last and box.share is not None:
            at += 9
        text = elided(right, rs, room * 0.7 if left else room, rb)
        taken = width(text, rs, rb) + 12 if text else 0
        colour = ABSORBED if last and not box.fill else ink
        out.append(_words(x + _LEFT, at, elided(left, ls, room - taken, lb), ls, colour, bold=lb))
        if text:
            colour = kind if i == 0 else ink if rb else muted
            out.append(_words(x + w - _RIGHT, at, text, rs, colour, bold=rb, anchor="end"))
        at += _ROW
    if box.share is not None:
        bar = at - 2 * _ROW - 3 if box.absorbed else at - _ROW + 6
        full = room * min(max(box.share, 0.0), 1.0)
        full = max(full, 2.0) if box.share > 0 else 0.0
        out.append(_rectangle(x + _LEFT, bar, room, 5, WHITE, ""))
        if full:
            out.append(_rectangle(x + _LEFT, bar, full, 5, style.stroke, ""))
        at += 0 if box.absorbed else 9
    if box.strip:
        out.append(_strip(box, x + _LEFT, at - 11, room, muted))
    return "".join(out)


def _strip(box: Box, x: float, y: float, room: float, muted: str) -> str:
    """Return one cell per step, and the texts below the first and the last cell."""
    most = int(room // 3)
    cells = box.strip
    if len(cells) > most:
        cells = tuple(cells[i * len(cells) // most] for i in range(most))
    step = room / len(cells)
    out = [
        _rectangle(x + i * step, y, step + 0.05, 18, c.fill, "").replace(
            "/>", f"><title>{xml(c.text)}</title></rect>"
        )
        for i, c in enumerate(cells)
    ]
    out.append(_rectangle(x, y, room, 18, "none", CLUSTER.stroke))
    first, last = (elided(t, 11, room / 2) for t in box.strip_ends)
    out.append(_words(x, y + 32, first, 11, muted))
    out.append(_words(x + room, y + 32, last, 11, muted, anchor="end"))
    return "".join(out)


def _cluster(d: LayoutResult, c: Cluster) -> str:
    x, y, w, h = d.around(c.id)
    title = elided(c.title, 12, w - 20, True)
    at = x + 12 + width(title, 12, True) + 8
    kind = elided(c.type, 12, max(x + w - 8 - at, 0.0)) if c.type else ""
    return (
        '<g class="cluster">'
        + _rectangle(x, y, w, h, CLUSTER.fill, CLUSTER.stroke, r=12)
        + _words(x + 12, y + 17, title, 12, INK, bold=True)
        + (_words(at, y + 17, kind, 12, MUTED) if len(kind) > 1 else "")
        + "</g>"
    )


# -- arrows -----------------------------------------------------------------------------------


def _head(tip: Point, back: Point, width: float) -> tuple[str, Point]:
    """Return a triangle with its tip at ``tip``, and the point where the line ends."""
    dx, dy = tip[0] - back[0], tip[1] - back[1]
    length = math.hypot(dx, dy) or 1.0
    dx, dy = dx / length, dy / length
    long, wide = 7.0 + 1.1 * width, 2.4 + 0.75 * width
    x, y = tip[0] - dx * long, tip[1] - dy * long
    corners = (tip, (x - dy * wide, y + dx * wide), (x + dy * wide, y - dx * wide))
    text = "L".join(f"{_number(x)} {_number(y)}" for x, y in corners)
    return f"M{text}Z", (tip[0] - dx * (long - 1), tip[1] - dy * (long - 1))


def _turned(d: LayoutResult, path: Path) -> Path:
    return [(name, tuple(d.point(p) for p in points)) for name, points in path]


def _arrow(d: LayoutResult, n: int, arrow: Arrow, route: Route) -> str:
    path = _turned(d, route.path)
    source = d.scene.boxes[d.number[arrow.source]]
    color = STYLES[source.kind].stroke if source.kind == "parameter" or arrow.loop else EDGE
    thick = max(arrow.width * 1.1, 0.6)
    if arrow.reverse:
        head, end = _head(path[0][1][0], path[1][1][0], thick)
        path[0] = ("M", (end,))
    else:
        last = path[-1][1]
        before = last[-2] if len(last) > 1 else path[-2][1][-1]
        head, end = _head(last[-1], before, thick)
        path[-1] = (path[-1][0], (*last[:-1], end))
    line = "".join(
        name + " ".join(f"{_number(x)} {_number(y)}" for x, y in points) for name, points in path
    )
    dashes = _DASHES if not arrow.gradient or arrow.loop else ""
    return (
        f'<g class="edge" data-e="{n}" data-a="{d.number[arrow.source]}" '
        f'data-b="{d.number[arrow.target]}"><path d="{line}" fill="none" stroke="{color}" '
        f'stroke-width="{_number(thick)}"{dashes}/><path d="{head}" fill="{color}"/>'
        + _label(d, arrow, route, color if arrow.loop else MUTED)
        + "</g>"
    )


def _label(d: LayoutResult, arrow: Arrow, route: Route, fill: str) -> str:
    (x, y), text = d.point(route.label), elided(arrow.label, 11, 180)
    if d.flat and not route.beside:
        down = 14 if arrow.loop else -6
        return _words(x, y + down, text, 11, fill, anchor="middle")
    if route.beside and not d.flat:
        return _words(x, y - 6, text, 11, fill, anchor="middle")
    if route.left:
        return _words(x - 7, y + 4, text, 11, fill, anchor="end")
    return _words(x + 7, y + 4, text, 11, fill)


def _loop(d: LayoutResult, i: int) -> Route:
    """Return the route from the right side of a stack back to it."""
    x, y = d.frame.at[i]
    w, h = d.sizes[i]
    right, reach = x + w / 2, LOOP * 1.2
    low, high = y - h * 0.28, y + h * 0.28
    points = ((right + reach, high + h * 0.2), (right + reach, low - h * 0.2), (right, low))
    return Route([("M", ((right, high),)), ("C", points)], (right + reach * 0.78, y))


def _extent(d: LayoutResult, routes: dict[int, Route]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of everything that is drawn."""
    places = [d.corners(i) for i in d.frame.at] + [d.around(c) for c in d.layers.clusters]
    points = [(x, y) for x, y, _, _ in places] + [(x + w, y + h) for x, y, w, h in places]
    points += [p for r in routes.values() for _, ps in _turned(d, r.path) for p in ps]
    for n, r in routes.items():
        if d.scene.arrows[n].label:
            x, y = d.point(r.label)
            wide = min(width(clean(d.scene.arrows[n].label), 11), 180.0)
            points += [(x + wide + 10, y + 6)] if not d.flat else [(x + wide / 2, y + 18)]
            points += [(x - wide - 10, y)] if r.left and not d.flat else []
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs, default=0), min(ys, default=0), max(xs, default=0), max(ys, default=0)


# -- header and legend ------------------------------------------------------------------------


def _header(scene: Scene) -> tuple[str, float, float]:
    """Return title and subtitle at the origin, and the width and height they take."""
    title = elided(scene.title, 18, _WIDEST_LINE, True)
    out, wide = [_words(0, 17, title, 18, INK, bold=True)], width(title, 18, True)
    at = 38.0 if title.strip() else 14.0
    for line in scene.subtitle.split("\n"):
        text = elided(line, 12.5, _WIDEST_LINE)
        out.append(_words(0, at, text, 12.5, MUTED))
        wide, at = max(wide, width(text, 12.5)), at + 18.0
    return "".join(out), wide, at + 4


def _footer(scene: Scene, room: float) -> tuple[str, float, float]:
    """Return the legend at the origin, and the width and height it takes."""
    if scene.scale is not None:
        return _scale(scene.scale)
    out, x, y, wide = [], 0.0, 26.0, 0.0
    for kind, style in legend(scene.boxes):
        need = 24 + width(style.label, 11) + 16
        if x and x + need > room:
            x, y = 0.0, y + 20
        dashes = ' stroke-dasharray="4 3"' if kind == "view" else ""
        out.append(_rectangle(x, y, 18, 12, style.fill, style.stroke, r=1, more=dashes))
        out.append(_words(x + 24, y + 10, style.label, 11, MUTED))
        x += need
        wide = max(wide, x)
    return "".join(out), wide, y + 14 if out else 0.0


def _scale(scale: Scale) -> tuple[str, float, float]:
    cell = max([46.0, *(width(c.text, 10) + 8 for c in scale.cells)])
    out = [_words(0, 38, scale.left, 11.5, MUTED)]
    x = width(scale.left, 11.5) + (10 if scale.left else 0)
    for c in scale.cells:
        out.append(_rectangle(x, 27, cell, 14, c.fill, FRAME))
        out.append(_words(x + cell / 2, 54, c.text, 10, MUTED, anchor="middle"))
        x += cell
    out.append(_words(x + 10, 38, scale.right, 11.5, MUTED))
    wide, at = x + 10 + width(scale.right, 11.5), 74.0
    for line in (part.strip() for part in scale.caption.split("  ")):
        if line:
            text = elided(line, 10.5, _WIDEST_LINE)
            out.append(_words(0, at, text, 10.5, MUTED))
            wide, at = max(wide, width(text, 10.5)), at + 15
    return "".join(out), wide, at - 8


# -- the whole --------------------------------------------------------------------------------


def description(scene: Scene) -> str:
    """Return a picture in a few sentences, for screen readers.

    Examples
    --------
    >>> from autograd_core.drawing.write.svg import description
    >>> from autograd_core.drawing.scene import Box, Scene
    >>> description(Scene("net", "2 ops", [Box("a", "product", "matmul"), Box("b", "view", "T")]))
    '2 ops. 2 boxes: matmul; T.'
    """
    boxes = "; ".join(
        " ".join(t for t in (b.title, b.type, b.steps, b.note, b.mark) if t)
        for b in scene.boxes[:_DESCRIBED]
    )
    more = f"; and {len(scene.boxes) - _DESCRIBED} more" if len(scene.boxes) > _DESCRIBED else ""
    return f"{scene.subtitle}. {len(scene.boxes)} boxes: {boxes}{more}."


def accessible(svg: str, scene: Scene) -> str:
    """Return an SVG with the role, title and description of a scene in place of its own."""

    def opening(m: re.Match[str]) -> str:
        attributes = re.sub(r'\s(?:role|aria-label)="[^"]*"', "", m[1])
        return (
            f'<svg{attributes} role="img" aria-label="{xml(scene.title)}">'
            f"<title>{xml(scene.title)}</title><desc>{xml(description(scene))}</desc>"
        )

    return re.sub(_OPENING, opening, svg, count=1)


def to_svg(scene: Scene, direction: str = "TB") -> str:
    """Return the scene as SVG; the same scene gives the same text, byte for byte.

    Parameters
    ----------
    scene
        The scene to draw.
    direction
        ``"TB"`` (downwards), ``"LR"``, ``"BT"`` or ``"RL"``.

    Raises
    ------
    ValueError
        If the direction is another one.

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
    d = LayoutResult(scene, direction, [box_size(b) for b in scene.boxes])
    routes = route(d.layers, d.frame)
    routes |= route_beside(scene, d.layers, d.frame) | route_outside(scene, d.layers, d.frame)
    routes |= {n: _loop(d, d.number[scene.arrows[n].source]) for n in d.layers.loops}
    left, top, right, bottom = _extent(d, routes)
    above, head_w, head_h = _header(scene)
    below, foot_w, foot_h = _footer(scene, max(right - left, head_w, 360.0))
    w = max(right - left, head_w, foot_w) + 2 * _MARGIN
    h = bottom - top + head_h + foot_h + 2 * _MARGIN
    dx, dy = (w - (right - left)) / 2 - left, _MARGIN + head_h - top
    borders = d.layers.borders
    outer = sorted(d.layers.clusters, key=lambda c: len(borders[c][0][0].path))
    body = ["", *(_cluster(d, d.clusters[c]) for c in outer)]
    body += [_arrow(d, n, scene.arrows[n], routes[n]) for n in sorted(routes)]
    for i, box in enumerate(scene.boxes):
        tip = "\n".join(map(xml, box.tooltip))
        shape = (_card if box.form == "card" else _pill)(box, *d.corners(i))
        group = f'<g class="node {xml(box.kind)}" data-n="{i}">'
        body.append(f"{group}<title>{tip}</title>{shape}</g>")
    lines = "\n".join([*body, ""])
    shown = f"{len(scene.boxes)} boxes and {len(routes)} arrows. {scene.subtitle}"

    def moved(x: float, y: float, content: str) -> str:
        return f'<g transform="translate({_number(x)} {_number(y)})">{content}</g>'

    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_number(w)}" '
        f'height="{_number(h)}" viewBox="0 0 {_number(w)} {_number(h)}" font-family="{FONT}">'
        f"<title>{xml(scene.title)}</title><desc>{xml(shown)}</desc>"
        f"{_rectangle(0, 0, w, h, PAGE, '')}{moved(_MARGIN, _MARGIN, above)}"
        f"{moved(dx, dy, lines)}"
        f"{moved(_MARGIN, h - _MARGIN - foot_h, below)}</svg>\n"
    )
