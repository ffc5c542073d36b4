"""A scene as SVG, whoever computed the places: the built-in layout, or Graphviz.

Shapes have classes, which the style sheet of :func:`palette.style` colours in the light, the dark
or the reader's theme. Boxes and arrows are groups, ``class="node ..."`` and ``class="edge ..."``,
in the order of the scene and of the placement.
"""

from collections.abc import Iterator
from itertools import chain

from autograd_core.drawing.colour.palette import FONT, legend, style
from autograd_core.drawing.layout.layout_result import place
from autograd_core.drawing.layout.placement import Placement, Rectangle, Route, Size, backwards
from autograd_core.drawing.layout.text_width import elided, width
from autograd_core.drawing.scene import Arrow, Box, Cluster, Scale, Scene, clean
from autograd_core.drawing.write.block import FORMS, attached, block_size, paint_block
from autograd_core.drawing.write.elements import (
    Words,
    fill_class,
    moved,
    number,
    point,
    rectangle,
    text_at,
    words_width,
)
from autograd_core.drawing.write.escaping import xml

_MARGIN = 24.0
_WIDEST = 380.0  # of a card
_WIDEST_LINE = 760.0  # of the header and the caption
_STACK = 8.0  # how far the cards behind the first one extend
_LEFT, _RIGHT = 17.0, 10.0  # padding of a card; the left one holds the stripe
_ROW = 19.0
_DESCRIBED = 40  # boxes that the description lists one by one
_SIDES = {"right": (7, 4, ""), "left": (-7, 4, "end"), "above": (0, -6, "middle"),
          "below": (0, 14, "middle"), "on": (0, 4, "middle")}  # fmt: skip

# -- boxes ------------------------------------------------------------------------------------


def _rows(box: Box) -> list[tuple[Words, Words]]:
    """Return the texts of a card: left and right of each row."""
    kind = "  ".join(t for t in (box.type, box.steps) if t)
    rows = [((box.title, 13.0, "b"), (kind, 13.0, "k b" if box.repeats > 1 else "k"))]
    right = "  ·  ".join(t for t in (box.note, box.mark) if t)
    if box.spec or right:
        rows.append(((box.spec, 12.0, ""), (right, 11.0, "b" if box.mark else "m")))
    if box.absorbed:
        rows.append(((box.merged, 12.0, "a"), ("", 12.0, "")))
    return rows


def _words(box: Box) -> list[Words]:
    """Return the texts of a pill or a square box, from left to right."""
    note = ("k", 12.5) if box.kind == "output" else ("m", 11.0)
    title = "b" if box.form == "box" else "m" if box.kind == "view" else ""
    texts = [(box.title, 12.5, title), (box.note, note[1], note[0]), (box.mark, 11.0, "b")]
    return [words for words in texts if words[0].strip()]


def box_size(box: Box) -> tuple[float, float]:
    """Return the width and height of a box, including the hidden cards of a stack."""
    if box.form == "card":
        rows = [
            words_width(left) + words_width(right) + (26 if right[0] else 0)
            for left, right in _rows(box)
        ]
        w = min(max(*rows, 150.0), _WIDEST) + _LEFT + _RIGHT
        h = 10 + _ROW * len(rows) + (9 if box.share is not None else 0) + (40 if box.strip else 0)
        if box.strip:
            w = max(w, 270.0)
        return (w + _STACK, h + _STACK) if box.repeats > 1 else (w, h)
    if box.form in FORMS:
        return block_size(box)
    words = _words(box)
    inner = sum(map(words_width, words)) + 8 * (len(words) - 1)
    if box.form == "pill":
        return min(max(inner + 26, 40 if len(box.title) < 3 else 82), _WIDEST), 26.0
    extra, h = {"output": (44, 38.0), "parameter": (24, 24.0)}.get(box.kind, (32, 30.0))
    return min(inner + extra, _WIDEST), h


def box_sizes(scene: Scene, direction: str = "TB") -> list[Size]:
    """Return the size of each box.

    Cards of similar widths get one width, so that they read as a column; blocks in a row get one
    height, so that their captions are one line.
    """
    sizes = [box_size(b) for b in scene.boxes]
    row = direction in ("LR", "RL")
    blocks = [i for i, b in enumerate(scene.boxes) if row and b.form in FORMS]
    highest = max((sizes[i][1] for i in blocks), default=0.0)
    for i in blocks:
        sizes[i] = (sizes[i][0], highest)
    cards = [i for i, b in enumerate(scene.boxes) if b.form == "card"]
    widest = max((sizes[i][0] for i in cards), default=0.0)
    for i in cards:
        w, h = sizes[i]
        sizes[i] = (widest if widest <= 1.6 * w else w, h)
    return sizes


def _pill(box: Box, place: Rectangle) -> Iterator[str]:
    """Yield the elements of a pill or a square box."""
    x, y, w, h = place
    output = box.kind == "output"
    yield rectangle(place, r=9 if box.form == "pill" else 0)
    if output:
        yield rectangle((x + 4, y + 4, w - 8, h - 8), "line")
    room, shown = w - (28 if output else 16), list[Words]()
    for text, size, css in _words(box):
        if room > 12:
            shown.append((elided(text, size, room, "b" in css), size, css))
            room -= words_width(shown[-1]) + 8
    at = x + (w - sum(map(words_width, shown)) - 8 * (len(shown) - 1)) / 2
    for words in shown:
        yield text_at(at, y + h / 2 + 4.4, *words)
        at += words_width(words) + 8


def _card(box: Box, place: Rectangle) -> Iterator[str]:
    """Yield the elements of a card, or of a stack of cards."""
    x, y, w, h = place
    if box.repeats > 1:
        w, h = w - _STACK, h - _STACK
        for k in (_STACK, _STACK / 2):
            yield rectangle((x + k, y + k, w, h), r=2)
    yield rectangle((x, y, w, h), r=2)
    yield rectangle((x + 2.5, y + 2.5, 5, h - 5), "k", r=1)
    left, right, at = x + _LEFT, x + w - _RIGHT, y + 18.0
    room, rows = right - left, _rows(box)
    for i, (first, last) in enumerate(rows):
        if box.share is not None and i == len(rows) - bool(box.absorbed):
            at += 9
        most = room - min(words_width(first) + 12, room * 0.3) if first[0] else room
        text = elided(last[0], last[1], most, "b" in last[2])
        taken = words_width((text, *last[1:])) + 12 if text else 0
        yield text_at(
            left, at, elided(first[0], first[1], room - taken, "b" in first[2]), *first[1:]
        )
        yield text_at(right, at, text, *last[1:], "end")
        at += _ROW
    if box.share is not None:
        bar = at - (2 * _ROW + 3 if box.absorbed else _ROW - 6)
        share = min(max(box.share, 0.0), 1.0)
        yield rectangle((left, bar, room, 5), "page bare")
        yield rectangle((left, bar, max(room * share, 2.0 if share else 0.0), 5), "k")
        at += 0 if box.absorbed else 9
    if box.strip:
        cells = box.strip[:: -(-len(box.strip) * 3 // int(room))]  # some, where not all fit
        step = room / len(cells)
        for i, c in enumerate(cells):
            where = (left + i * step, at - 11, step + 0.1, 18.0)
            yield rectangle(where, f"{fill_class(c.fill)} bare", tip=c.text)
        yield rectangle((left, at - 11, room, 18), "line")
        start, end = (elided(t, 11, room / 2) for t in box.strip_ends)
        yield text_at(left, at + 21, start, 11, "m") + text_at(right, at + 21, end, 11, "m", "end")


def paint_box(box: Box, place: Rectangle, tip: bool = True) -> str:
    """Return a box as one group, with its tooltip if wanted."""
    names = ["node", clean(box.kind)]
    names += [fill_class(box.fill)] if box.fill and box.form not in FORMS else []
    names += ["dashed"] if box.hollow else []
    title = f"<title>{chr(10).join(map(xml, box.tooltip))}</title>" if tip else ""
    painter = paint_block if box.form in FORMS else _card if box.form == "card" else _pill
    inside = "".join(painter(box, place))
    return f'<g class="{" ".join(names)}">{title}{inside}</g>'


def _title(c: Cluster, place: Rectangle) -> str:
    """Return the title of a cluster, on a ground of its own where an arrow runs below it."""
    x, y, w, _ = place
    title = elided(c.title, 12, w - 20, True)
    at = x + 20 + width(title, 12, True)
    kind = elided(c.type, 12, max(x + w - 8 - at, 0.0)) if c.type else ""
    kind = kind if len(kind) > 1 else ""
    ground = (x + 10, y + 5, at - x - 16 + width(kind, 12), 16.0)
    texts = text_at(x + 12, y + 17, title, 12, "b") + text_at(at, y + 17, kind, 12, "m")
    return f'<g class="cluster">{rectangle(ground, "bare") if texts else ""}{texts}</g>'


# -- arrows -----------------------------------------------------------------------------------


def _arrow(arrow: Arrow, source: Box, route: Route) -> str:
    """Return an arrow as one group: its line, its head, its label."""
    names = "edge"
    if source.kind == "parameter" or arrow.loop:
        names += " " + source.kind
    path = backwards(route.path) if arrow.reverse else route.path
    points = [complex(*p) for _, ps in path for p in ps]
    thick = max(arrow.width * 1.1, 0.6)
    tip, along = points[-1], points[-1] - points[-2]
    along /= abs(along) or 1.0
    long, wide = 7.0 + 1.1 * thick, (2.4 + 0.75 * thick) * 1j
    corners = [tip, tip + along * (wide - long), tip - along * (wide + long)]
    points[-1] -= along * (long - 1)  # the line ends below the head
    rest = iter(points)
    line = "".join(name + " ".join(point(next(rest)) for _ in ps) for name, ps in path)
    dashed = " dashed" if not arrow.gradient or arrow.loop else ""
    (x, y), (dx, dy, anchor) = route.label, _SIDES[route.side]
    css = "k" if arrow.loop else "m"
    label = text_at(x + dx, y + dy, elided(arrow.label, 11, 180), 11, css, anchor)
    return (
        f'<g class="{names}"><path d="{line}" class="line{dashed}" stroke-width="{number(thick)}"/>'
        f'<path d="M{"L".join(map(point, corners))}Z" class="head"/>{label}</g>'
    )


def extent(scene: Scene, where: Placement) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of everything that is drawn."""
    places = [*where.boxes, *where.clusters.values()]
    points = [(x, y) for x, y, _, _ in places] + [(x + w, y + h) for x, y, w, h in places]
    for n, r in where.routes.items():
        points += [p for _, ps in r.path for p in ps]
        if label := clean(scene.arrows[n].label):
            (x, y), (dx, _, anchor) = r.label, _SIDES[r.side]
            w = min(width(label, 11), 180.0) + 4
            x += dx - {"": 0.0, "middle": w / 2, "end": w}[anchor]
            points += [(x, y - 16), (x + w, y + 16)]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs, default=0), min(ys, default=0), max(xs, default=0), max(ys, default=0)


# -- header and legend ------------------------------------------------------------------------


def _lines(text: list[str], y: float, size: float, step: float) -> tuple[str, float, float]:
    """Return lines below one another, the width they take, and where the next would be."""
    lines = [elided(line, size, _WIDEST_LINE) for line in text]
    drawn = [text_at(0, y + step * k, line, size, "m") for k, line in enumerate(lines)]
    return "".join(drawn), max((width(t, size) for t in lines), default=0.0), y + step * len(lines)


def _header(scene: Scene) -> tuple[str, float, float]:
    """Return title and subtitle at the origin, and the width and height they take."""
    title = elided(scene.title, 18, _WIDEST_LINE, True)
    top = 38.0 if title.strip() else 14.0
    lines, wide, at = _lines(scene.subtitle.split("\n"), top, 12.5, 18.0)
    return text_at(0, 17, title, 18, "b") + lines, max(wide, width(title, 18, True)), at + 4


def footer(scene: Scene, room: float) -> tuple[str, float, float]:
    """Return the legend at the origin, and the width and height it takes."""
    if scene.scale is not None:
        return _scale(scene.scale)
    out, x, y, wide = [], 0.0, 26.0, 0.0
    for kind, look in legend(scene.boxes):
        need = 24 + width(look.label, 11) + 16
        if x and x + need > room:
            x, y = 0.0, y + 20
        out += [rectangle((x, y, 18, 12), kind, r=1), text_at(x + 24, y + 10, look.label, 11, "m")]
        x += need
        wide = max(wide, x)
    return "".join(out), wide, y + 14 if out else 0.0


def _scale(scale: Scale) -> tuple[str, float, float]:
    cell = max([46.0, *(width(c.text, 11) + 8 for c in scale.cells)])
    out = [text_at(0, 38, scale.left, 11.5, "m")]
    x = width(scale.left, 11.5) + (10 if scale.left else 0)
    for c in scale.cells:
        out.append(rectangle((x, 27, cell, 14), f"{fill_class(c.fill)} cell"))
        out.append(text_at(x + cell / 2, 54, c.text, 11, "m", "middle"))
        x += cell
    out.append(text_at(x + 10, 38, scale.right, 11.5, "m"))
    caption = [line.strip() for line in scale.caption.split("  ") if line.strip()]
    lines, wide, at = _lines(caption, 74.0, 11, 15.0)
    return "".join([*out, lines]), max(wide, x + 10 + width(scale.right, 11.5)), at - 8


# -- the whole --------------------------------------------------------------------------------


def fills(*scenes: Scene) -> set[str]:
    """Return the measured fills that occur in scenes."""
    cells = [c for s in scenes for b in s.boxes for c in b.strip]
    cells += [c for s in scenes if s.scale for c in s.scale.cells]
    found = [b.fill for s in scenes for b in s.boxes if b.fill] + [c.fill for c in cells]
    return {fill.upper() for fill in found}


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


def paint(scene: Scene, where: Placement, tips: bool = True) -> dict[str, list[str]]:
    """Return the frames and titles of clusters, the arrows, and the boxes, in drawing order."""
    clusters = {c.id: c for c in scene.clusters}
    boxes = {b.id: b for b in scene.boxes}
    where = attached(scene, where) if any(b.form in FORMS for b in scene.boxes) else where
    arrows = [(scene.arrows[n], route) for n, route in where.routes.items()]
    return {
        "frames": [rectangle(place, "cluster", 12) for place in where.clusters.values()],
        "edges": [_arrow(a, boxes[a.source], route) for a, route in arrows],
        "titles": [_title(clusters[c], place) for c, place in where.clusters.items()],
        "nodes": [paint_box(*one, tips) for one in zip(scene.boxes, where.boxes, strict=True)],
    }


def to_svg(
    scene: Scene,
    direction: str = "TB",
    theme: str = "auto",
    where: Placement | None = None,
    page: Size | None = None,
) -> str:
    """Return the scene as SVG; the same scene gives the same text, byte for byte.

    Parameters
    ----------
    scene
        The scene to draw.
    direction
        ``"TB"`` (downwards), ``"LR"``, ``"BT"`` or ``"RL"``.
    theme
        ``"light"``, ``"dark"``, or ``"auto"`` to follow the reader's screen.
    where
        The places of everything; those of the built-in layout if omitted.
    page
        Largest width and height; a larger picture is made smaller. No limit if omitted.

    Raises
    ------
    ValueError
        If the direction or the theme is another one.

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
    where = where or place(scene, direction, box_sizes(scene, direction))
    left, top, right, bottom = extent(scene, where)
    above, head_w, head_h = _header(scene)
    below, foot_w, foot_h = footer(scene, max(right - left, head_w, 360.0))
    w = max(right - left, head_w, foot_w) + 2 * _MARGIN
    h = bottom - top + head_h + foot_h + 2 * _MARGIN
    dx, dy = (w - (right - left)) / 2 - left, _MARGIN + head_h - top
    scale = min(1.0, page[0] / w, page[1] / h) if page else 1.0
    body = "\n".join(["", *chain(*paint(scene, where).values()), ""])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" class="ag-{theme}" '
        f'width="{number(w * scale)}" height="{number(h * scale)}" '
        f'viewBox="0 0 {number(w)} {number(h)}" '
        f'font-family="{FONT}">'
        f"<title>{xml(scene.title)}</title><desc>{xml(description(scene))}</desc>"
        f"<style>{style(theme, fills(scene))}</style>{rectangle((0, 0, w, h), 'page')}"
        f"{moved(_MARGIN, _MARGIN, above)}{moved(dx, dy, body)}"
        f"{moved(_MARGIN, h - _MARGIN - foot_h, below)}</svg>\n"
    )
