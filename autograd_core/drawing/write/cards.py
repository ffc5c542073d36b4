"""Boxes as Graphviz's HTML-like labels: cards, stacks of cards, the header and the legend.

Graphviz takes neither an empty ``<B></B>`` nor a raw ``&``; an error can still leave a wrong
picture, so every text passes through :func:`text`.
"""

from __future__ import annotations

from autograd_core.drawing.colour.palette import ABSORBED, INK, MUTED, STYLES
from autograd_core.drawing.colour.themes import ink_on
from autograd_core.drawing.scene import Box, Cell, Scale, Scene

_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "]": "&#93;"}
)  # a ] before a tag is an error in Graphviz 2.43
FRAME = "#9AA5B1"  # around the cells of a scale
LONGEST = 60  # characters of a text


def text(words: str) -> str:
    """Text inside a label: one line, escaped, and not wider than a page."""
    clean = "".join(c if c.isprintable() else " " for c in words)
    if len(clean) > LONGEST:
        clean = clean[: LONGEST - 1] + "…"
    return clean.translate(_ENTITIES)


def bold(words: str) -> str:
    return f"<B>{text(words)}</B>" if words.strip() else ""


def font(words: str, size: float, color: str = MUTED, strong: bool = False) -> str:
    """Text of a size and colour; nothing for no text."""
    if not words.strip():
        return ""
    return (
        f'<FONT POINT-SIZE="{size:g}" COLOR="{color}">{bold(words) if strong else text(words)}'
        "</FONT>"
    )


def _cell(content: str, align: str, width: int = 0, more: str = "") -> str:
    wide = f' WIDTH="{width}"' if width else ""
    return f'<TD ALIGN="{align}"{wide}{more}>{content}</TD>'


def _rows(box: Box) -> list[str]:
    """The rows of a card, without its stripe."""
    ink = ink_on(box.fill) if box.fill else INK
    kind = ink if box.fill else STYLES[box.kind].stroke
    muted = ink if box.fill else MUTED
    times = f"× {box.repeats} steps" if box.repeats > 1 else ""
    right = font(box.type, 11, kind) + ("  " if box.type and times else "")
    right += font(times, 11, kind, strong=True)
    left = font(box.title, 11, ink, strong=True) or " "
    rows = [_cell(left, "LEFT", 76) + _cell(right or " ", "RIGHT", 84)]
    note = font(box.note, 9, muted)
    mark = font(box.mark, 10, ink, strong=True)
    if box.spec or note or mark:
        between = "   " if note and mark else ""
        spec = font(box.spec, 10, ink) or " "
        rows.append(_cell(spec, "LEFT") + _cell((note + between + mark) or " ", "RIGHT"))
    if box.share is not None:
        rows.append(_cell(_bar(box.share, STYLES[box.kind].stroke), "LEFT", 0, ' COLSPAN="2"'))
    if box.absorbed:
        green = ink if box.fill else ABSORBED
        rows.append(_cell(font(f"↳ {box.absorbed}", 10, green), "LEFT", 0, ' COLSPAN="2"'))
    if box.strip:
        rows.append(_cell(_strip(box.strip), "LEFT", 0, ' COLSPAN="2"'))
        first, last = (font(end, 9, muted) or " " for end in box.strip_ends)
        rows.append(_cell(first, "LEFT") + _cell(last, "RIGHT"))
    return rows


_WIDE = 168  # of a bar or a strip, in points


def _bar(share: float, color: str) -> str:
    """A share of all parameters."""
    full = round(_WIDE * min(max(share, 0.0), 1.0))
    full = max(full, 2) if share > 0 else 0
    parts = [(full, color), (_WIDE - full, "#FFFFFF")]
    cells = "".join(
        f'<TD BGCOLOR="{c}" WIDTH="{w}" HEIGHT="4" FIXEDSIZE="TRUE"></TD>' for w, c in parts if w
    )
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>{cells}</TR></TABLE>'
    )


def _strip(strip: tuple[Cell, ...]) -> str:
    """One coloured cell a step; neighbours share one where there are more than fit."""
    most = _WIDE // 3
    shown = strip
    if len(strip) > most:
        shown = tuple(strip[i * len(strip) // most] for i in range(most))
    width = max(220 // len(shown), 3)
    cells = "".join(
        f'<TD BGCOLOR="{c.fill}" BORDER="0" WIDTH="{width}" HEIGHT="16" FIXEDSIZE="TRUE"></TD>'
        for c in shown
    )
    return (
        '<TABLE BORDER="1" COLOR="#CBD2D9" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
        f"<TR>{cells}</TR></TABLE>"
    )


def card(box: Box) -> str:
    """The label of a card, or of a stack of cards."""
    style = STYLES[box.kind]
    fill = box.fill or style.fill
    rows = _rows(box)
    stacked = box.repeats > 1
    stripe = ""
    if not stacked:
        stripe = (
            f'<TD ROWSPAN="{len(rows)}" WIDTH="5" FIXEDSIZE="FALSE" BGCOLOR="{style.stroke}" '
            'CELLPADDING="0"></TD>'
        )
    body = "".join(f"<TR>{stripe if i == 0 else ''}{row}</TR>" for i, row in enumerate(rows))
    dashed = ' STYLE="dashed"' if box.hollow else ""
    port = ' PORT="top"' if stacked else ""
    table = (
        f'<TABLE{port} BORDER="1" COLOR="{style.stroke}" BGCOLOR="{fill}"{dashed} '
        f'CELLBORDER="0" CELLSPACING="0" CELLPADDING="3">{body}</TABLE>'
    )
    for _ in range(2 if stacked else 0):
        table = (
            f'<TABLE BORDER="1" SIDES="RB" COLOR="{style.stroke}" CELLBORDER="0" '
            f'CELLSPACING="0" CELLPADDING="2"><TR><TD>{table}</TD></TR></TABLE>'
        )
    return table


def pill(box: Box) -> str:
    """The label of an operation, of data or of an output."""
    ink = ink_on(box.fill) if box.fill else MUTED if box.kind == "view" else INK
    square = box.form == "box"
    large = square and box.kind != "parameter"
    title = font(box.title, 11 if large else 10 if square else 10.5, ink, strong=square)
    muted = ink if box.fill else MUTED
    note = (
        font(box.note, 11, STYLES["output"].stroke)
        if box.kind == "output"
        else font(box.note, 9.5 if large else 9, muted)
    )
    mark = font(box.mark, 9.5, ink, strong=True)
    return "  ".join(p for p in (title, note, mark) if p) or " "


def header(scene: Scene) -> str:
    """Title and subtitle, as the label of the outermost cluster."""
    title = font(scene.title, 15, INK, strong=True) or " "
    lines = scene.subtitle.split("\n")
    below = "".join(f'<TR><TD ALIGN="LEFT">{_long(line) or " "}</TD></TR>' for line in lines)
    return (
        '<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">'
        f'<TR><TD ALIGN="LEFT">{title}</TD></TR>{below}<TR><TD HEIGHT="6"></TD></TR></TABLE>'
    )


def _long(line: str) -> str:
    """A line of the header, which may be twice as long as a label."""
    clean = "".join(c if c.isprintable() else " " for c in line)
    clean = clean if len(clean) <= 3 * LONGEST else clean[: 3 * LONGEST - 1] + "…"
    if not clean.strip():
        return ""
    return f'<FONT POINT-SIZE="10" COLOR="{MUTED}">{clean.translate(_ENTITIES)}</FONT>'


def legend(scene: Scene) -> str:
    """The kinds that are present, or the scale of what the colours measure."""
    if scene.scale is not None:
        return _scale(scene.scale)
    present = {b.kind for b in scene.boxes}
    if "module" in present and "linear" in present:
        present.discard("linear")
    cells = "".join(
        f'<TD BGCOLOR="{s.fill}" BORDER="1" COLOR="{s.stroke}" WIDTH="14" HEIGHT="10" '
        f'FIXEDSIZE="TRUE"></TD><TD ALIGN="LEFT">{font(s.label + "  ", 9)}</TD>'
        for kind, s in STYLES.items()
        if kind in present
    )
    return (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="0"><TR>'
        f"{cells or '<TD></TD>'}</TR></TABLE>"
    )


def _scale(scale: Scale) -> str:
    cells = "".join(
        f'<TD BGCOLOR="{c.fill}" BORDER="1" COLOR="{FRAME}" WIDTH="32" HEIGHT="10" '
        'FIXEDSIZE="TRUE"></TD>'
        for c in scale.cells
    )
    texts = "".join(f"<TD>{font(c.text, 8) or ' '}</TD>" for c in scale.cells)
    left = f'<TD ALIGN="LEFT">{font(scale.left + "  ", 9) or " "}</TD>'
    right = f"<TD>{font('  ' + scale.right, 9) or ' '}</TD>"
    told = [line.strip() for line in scale.caption.split("  ") if line.strip()]
    caption = "".join(f'<TR><TD ALIGN="LEFT">{_caption(line)}</TD></TR>' for line in told)
    return (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1"><TR><TD ALIGN="LEFT">'
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
        f"<TR>{left}{cells}{right}</TR><TR><TD></TD>{texts}<TD></TD></TR></TABLE></TD></TR>"
        f"{caption}</TABLE>"
    )


def _caption(words: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in words)[: 3 * LONGEST]
    return f'<FONT POINT-SIZE="8" COLOR="{MUTED}">{clean.translate(_ENTITIES)}</FONT>'
