"""What a screen reader is told of an SVG: a role, a title, a description."""

from __future__ import annotations

import re

from autograd_core.drawing.scene import Scene

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_OPENING = r"<svg\b([^>]*)>(?:\s*<title>[^<]*</title>)?(?:\s*<desc>[^<]*</desc>)?"
_MOST = 40  # boxes that are told one by one


def escaped(text: str) -> str:
    """Text inside an SVG: one line of printable characters, escaped."""
    return "".join(c if c.isprintable() else " " for c in text).translate(_ENTITIES)


def description(scene: Scene) -> str:
    """A picture in a few sentences.

    Examples
    --------
    >>> from autograd_core.drawing.write.accessibility import description
    >>> from autograd_core.drawing.scene import Box, Scene
    >>> description(Scene("net", "2 ops", [Box("a", "linear", "matmul"), Box("b", "view", "T")]))
    '2 ops. 2 boxes: matmul; T.'
    """
    told = []
    for b in scene.boxes[:_MOST]:
        times = f"× {b.repeats} steps" if b.repeats > 1 else ""
        told.append(" ".join(t for t in (b.title, b.type, times, b.note, b.mark) if t))
    more = f"; and {len(scene.boxes) - _MOST} more" if len(scene.boxes) > _MOST else ""
    return f"{scene.subtitle}. {len(scene.boxes)} boxes: {'; '.join(told)}{more}."


def described(svg: str, scene: Scene) -> str:
    """An SVG with ``role="img"``, a title and a description, in place of those it has."""

    def opened(m: re.Match[str]) -> str:
        attributes = re.sub(r'\s(?:role|aria-label)="[^"]*"', "", m[1])
        return (
            f'<svg{attributes} role="img" aria-label="{escaped(scene.title)}">'
            f"<title>{escaped(scene.title)}</title><desc>{escaped(description(scene))}</desc>"
        )

    return re.sub(_OPENING, opened, svg, count=1)
