"""Boxes as SVG: cards with a stripe, pills, squares, stacks with a strip; and their sizes."""

from __future__ import annotations

from autograd_core.drawing.colour.palette import ABSORBED, CLUSTER, INK, MUTED, STYLES
from autograd_core.drawing.colour.themes import ink_on
from autograd_core.drawing.layout.text_width import clean, elided, width
from autograd_core.drawing.scene import Box

WIDEST = 380.0  # of a card
STACK = 8.0  # how far the cards behind the first one reach
_LEFT, _RIGHT = 17.0, 10.0  # inside a card; the left one holds the stripe
_ROW = 19.0
_DASHES = ' stroke-dasharray="5 4"'


def escaped(text: str) -> str:
    """Text for an element or an attribute of XML."""
    out = clean(text)
    for raw, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        out = out.replace(raw, entity)
    return "".join(c if c < "\ud800" or c > "\udfff" else "?" for c in out)


def number(value: float) -> str:
    """A coordinate: two decimals at most."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def words(
    x: float,
    y: float,
    text: str,
    size: float,
    fill: str = INK,
    *,
    bold: bool = False,
    anchor: str = "",
) -> str:
    """A text with its baseline at ``y``; nothing for none."""
    if not text.strip():
        return ""
    strong = ' font-weight="bold"' if bold else ""
    at = f' text-anchor="{anchor}"' if anchor else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{fill}"'
        f"{strong}{at}>{escaped(text)}</text>"
    )


def rectangle(
    x: float, y: float, w: float, h: float, fill: str, stroke: str, *, r: float = 0, more: str = ""
) -> str:
    """A rectangle; ``r`` rounds its corners."""
    round_ = f' rx="{number(r)}"' if r else ""
    line = f' stroke="{stroke}"' if stroke else ""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}"'
        f'{round_} fill="{fill}"{line}{more}/>'
    )


def _rows(box: Box) -> list[tuple[tuple[str, float, bool], tuple[str, float, bool]]]:
    """The texts of a card: left and right of each row, as text, size and boldness."""
    times = f"× {box.repeats} steps" if box.repeats > 1 else ""
    kind = "  ".join(t for t in (box.type, times) if t)
    rows = [((box.title, 13.0, True), (kind, 13.0, box.repeats > 1))]
    right = "   ".join(t for t in (box.note, box.mark) if t)
    if box.spec or right:
        rows.append(((box.spec, 12.0, False), (right, 11.0, bool(box.mark))))
    if box.absorbed:
        rows.append(((f"↳ {box.absorbed}", 12.0, False), ("", 12.0, False)))
    return rows


def size(box: Box) -> tuple[float, float]:
    """Width and height of a box, a stack's hidden cards included."""
    if box.form == "card":
        wide = [
            width(clean(a[0]), a[1], a[2]) + width(clean(b[0]), b[1], b[2]) + (26 if b[0] else 0)
            for a, b in _rows(box)
        ]
        rows = len(wide)
        w = min(max(*wide, 150.0) if len(wide) > 1 else max(wide[0], 150.0), WIDEST)
        w += _LEFT + _RIGHT
        h = 10 + _ROW * rows + (9 if box.share is not None else 0) + (40 if box.strip else 0)
        if box.strip:
            w = max(w, 270.0)
        return (w + STACK, h + STACK) if box.repeats > 1 else (w, h)
    if box.form == "box":
        inner = _inline(box, True)
        if box.kind == "output":
            return min(inner + 44, WIDEST), 38.0
        return min(inner + (24 if box.kind == "parameter" else 32), WIDEST), (
            24.0 if box.kind == "parameter" else 30.0
        )
    return min(max(_inline(box, False) + 26, 40 if len(box.title) < 3 else 82), WIDEST), 26.0


def _inline(box: Box, bold: bool) -> float:
    parts = [(box.title, 12.5, bold), (box.note, 11.0, False), (box.mark, 11.0, True)]
    told = [width(clean(t), s, b) for t, s, b in parts if t]
    return sum(told) + 8 * (len(told) - 1)


def drawn(box: Box, x: float, y: float, w: float, h: float) -> str:
    """The box with its left upper corner at ``x, y``."""
    return (_card if box.form == "card" else _plain)(box, x, y, w, h)


def _plain(box: Box, x: float, y: float, w: float, h: float) -> str:
    style = STYLES[box.kind]
    fill, square = box.fill or style.fill, box.form == "box"
    dashes = _DASHES if box.hollow or box.kind == "view" else ""
    out = []
    if box.kind == "output":
        out.append(rectangle(x, y, w, h, fill, style.stroke))
        out.append(rectangle(x + 4, y + 4, w - 8, h - 8, "none", style.stroke, more=dashes))
    else:
        out.append(rectangle(x, y, w, h, fill, style.stroke, r=0 if square else 9, more=dashes))
    ink = ink_on(box.fill) if box.fill else INK
    muted = ink if box.fill else style.stroke if box.kind == "output" else MUTED
    if box.kind == "view" and not box.fill:
        ink = MUTED
    room = w - (28 if box.kind == "output" else 16)
    parts = [
        (box.title, 12.5, ink, square),
        (box.note, 11.0 if box.kind != "output" else 12.5, muted, False),
        (box.mark, 11.0, ink, True),
    ]
    shown: list[tuple[str, float, str, bool]] = []
    for text, points, colour, bold in parts:
        if text.strip() and room > 12:
            text = elided(text, points, room, bold)
            room -= width(text, points, bold) + 8
            shown.append((text, points, colour, bold))
    total = sum(width(t, s, b) for t, s, _, b in shown) + 8 * (len(shown) - 1)
    at = x + (w - total) / 2
    for text, points, colour, bold in shown:
        out.append(words(at, y + h / 2 + 4.4, text, points, colour, bold=bold))
        at += width(text, points, bold) + 8
    return "".join(out)


def _card(box: Box, x: float, y: float, w: float, h: float) -> str:
    style = STYLES[box.kind]
    fill, out = box.fill or style.fill, []
    ink = ink_on(box.fill) if box.fill else INK
    muted = ink if box.fill else MUTED
    kind = ink if box.fill else style.stroke
    if box.repeats > 1:
        w, h = w - STACK, h - STACK
        behind = (STACK, STACK / 2)
        out += [rectangle(x + k, y + k, w, h, fill, style.stroke, r=2) for k in behind]
    dashes = _DASHES if box.hollow else ""
    out.append(rectangle(x, y, w, h, fill, style.stroke, r=2, more=dashes))
    out.append(rectangle(x + 2.5, y + 2.5, 5, h - 5, style.stroke, "", r=1))
    room, at = w - _LEFT - _RIGHT, y + 18.0
    rows = _rows(box)
    for i, ((left, ls, lb), (right, rs, rb)) in enumerate(rows):
        last = box.absorbed and i == len(rows) - 1
        if last and box.share is not None:
            at += 9
        told = elided(right, rs, room * 0.7 if left else room, rb)
        taken = width(told, rs, rb) + 12 if told else 0
        colour = ABSORBED if last and not box.fill else ink
        out.append(words(x + _LEFT, at, elided(left, ls, room - taken, lb), ls, colour, bold=lb))
        if told:
            colour = kind if i == 0 else ink if rb else muted
            out.append(words(x + w - _RIGHT, at, told, rs, colour, bold=rb, anchor="end"))
        at += _ROW
    if box.share is not None:
        bar = at - 2 * _ROW - 3 if box.absorbed else at - _ROW + 6
        full = room * min(max(box.share, 0.0), 1.0)
        full = max(full, 2.0) if box.share > 0 else 0.0
        out.append(rectangle(x + _LEFT, bar, room, 5, "#FFFFFF", ""))
        if full:
            out.append(rectangle(x + _LEFT, bar, full, 5, style.stroke, ""))
        at += 0 if box.absorbed else 9
    if box.strip:
        out.append(_strip(box, x + _LEFT, at - 11, room, muted))
    return "".join(out)


def _strip(box: Box, x: float, y: float, room: float, muted: str) -> str:
    """One cell a step, and what stands below the first and the last."""
    most = int(room // 3)
    cells = box.strip
    if len(cells) > most:
        cells = tuple(cells[i * len(cells) // most] for i in range(most))
    step = room / len(cells)
    out = [
        rectangle(x + i * step, y, step + 0.05, 18, c.fill, "").replace(
            "/>", f"><title>{escaped(c.text)}</title></rect>"
        )
        for i, c in enumerate(cells)
    ]
    out.append(rectangle(x, y, room, 18, "none", CLUSTER.stroke))
    first, last = (elided(t, 11, room / 2) for t in box.strip_ends)
    out.append(words(x, y + 32, first, 11, muted))
    out.append(words(x + room, y + 32, last, 11, muted, anchor="end"))
    return "".join(out)
