"""What stands around a picture: title and subtitle above, the legend below."""

from __future__ import annotations

from autograd_core.drawing.colour.palette import INK, MUTED, STYLES
from autograd_core.drawing.layout.text_width import elided, width
from autograd_core.drawing.scene import Scale, Scene
from autograd_core.drawing.write.shapes import rectangle, words

_WIDEST = 760.0
_FRAME = "#9AA5B1"


def header(scene: Scene) -> tuple[str, float, float]:
    """The header at the origin, and the width and height it takes."""
    title = elided(scene.title, 18, _WIDEST, True)
    lines = [elided(line, 12.5, _WIDEST) for line in scene.subtitle.split("\n")]
    out = [words(0, 17, title, 18, INK, bold=True)]
    at = 38.0 if title.strip() else 14.0
    for line in lines:
        out.append(words(0, at, line, 12.5, MUTED))
        at += 18.0
    wide = max(width(title, 18, True), *(width(line, 12.5) for line in lines))
    return "".join(out), wide, at + 4


def footer(scene: Scene, room: float) -> tuple[str, float, float]:
    """The legend at the origin, and the width and height it takes."""
    if scene.scale is not None:
        return _scale(scene.scale)
    present = {b.kind for b in scene.boxes}
    if {"module", "linear"} <= present:
        present.discard("linear")  # they have one colour
    out, x, y, wide = [], 0.0, 26.0, 0.0
    for kind, style in STYLES.items():
        if kind not in present:
            continue
        need = 24 + width(style.label, 11) + 16
        if x and x + need > room:
            x, y = 0.0, y + 20
        dashes = ' stroke-dasharray="4 3"' if kind == "view" else ""
        out.append(rectangle(x, y, 18, 12, style.fill, style.stroke, r=1, more=dashes))
        out.append(words(x + 24, y + 10, style.label, 11, MUTED))
        x += need
        wide = max(wide, x)
    return "".join(out), wide, y + 14 if out else 0.0


def _scale(scale: Scale) -> tuple[str, float, float]:
    cell = max(46.0, *(width(c.text, 10) + 8 for c in scale.cells)) if scale.cells else 46.0
    out = [words(0, 38, scale.left, 11.5, MUTED)]
    start = x = width(scale.left, 11.5) + (10 if scale.left else 0)
    for c in scale.cells:
        out.append(rectangle(x, 27, cell, 14, c.fill, _FRAME))
        out.append(words(x + cell / 2, 54, c.text, 10, MUTED, anchor="middle"))
        x += cell
    out.append(words(x + 10, 38, scale.right, 11.5, MUTED))
    wide, at = x + 10 + width(scale.right, 11.5), 74.0
    for line in (part.strip() for part in scale.caption.split("  ")):
        if line:
            told = elided(line, 10.5, _WIDEST)
            out.append(words(0, at, told, 10.5, MUTED))
            wide, at = max(wide, width(told, 10.5)), at + 15
    return "".join(out), max(wide, start), at - 8
