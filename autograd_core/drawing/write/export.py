"""A scene as JSON, as text for a terminal, and as a networkx graph."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from autograd_core.drawing.layout.text_width import clean, width
from autograd_core.drawing.scene import Box, Scene

_SIGNS = {"module": "■", "data": "□", "parameter": "▫", "output": "◎", "view": "◌"}
_LONGEST = 48


def to_json(scene: Scene) -> str:
    """Everything in the scene, as JSON that reads the same each time.

    Examples
    --------
    >>> import json
    >>> from autograd_core.drawing.write.export import to_json
    >>> from autograd_core.drawing.scene import Box, Scene
    >>> json.loads(to_json(Scene("net", "", [Box("x", "data", "x", "box")])))["boxes"][0]["id"]
    'x'
    """
    return json.dumps(asdict(scene), indent=1, ensure_ascii=True, default=str)


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        2 if width(c, 1) >= 1 and ord(c) > 0x1100 and c not in "→←↳▼▲✕∇…—" else 1 for c in text
    )


def _cut(text: str) -> str:
    text = clean(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _row(box: Box, sources: list[str]) -> tuple[str, str, str, str, str]:
    what = " ".join(t for t in (box.type, f"× {box.repeats} steps" if box.repeats > 1 else "") if t)
    if box.form != "card":
        what = box.title if box.title != box.id else ""
    told = [box.spec, box.note, f"↳ {box.absorbed}" if box.absorbed else ""]
    shape = "×".join(map(str, box.shape)) if box.shape and box.kind != "output" else ""
    if shape and any(shape in t for t in told):
        shape = ""
    arrow = "← " + ", ".join(_cut(s) for s in sources) if sources else ""
    sign = _SIGNS.get(box.kind, "○")
    details = "  ".join(_cut(t) for t in (*told, shape, box.mark) if t)
    return sign, _cut(box.id), _cut(what), details, arrow


def to_text(scene: Scene) -> str:
    """One aligned line a box, each below all that it reads, with what it reads.

    The sign in front: ``■`` a module, ``○`` an operation, ``◌`` a view, ``▫`` a parameter,
    ``□`` data, ``◎`` an output.

    Examples
    --------
    >>> from autograd_core.drawing.write.export import to_text
    >>> from autograd_core.drawing.scene import Arrow, Box, Scene
    >>> boxes = [Box("x", "data", "x", "box", note="3×4"), Box("tanh", "elementwise", "tanh")]
    >>> print(to_text(Scene("a neuron", "", boxes, [Arrow("x", "tanh")])))
    a neuron
    <BLANKLINE>
    □ x     3×4
    ○ tanh       ← x
    """
    sources: dict[str, list[str]] = {b.id: [] for b in scene.boxes}
    for a in scene.arrows:
        if a.target in sources and not a.loop:
            sources[a.target].append(a.source)
    rows = [_row(b, sources[b.id]) for b in scene.boxes]
    used = [k for k in range(5) if any(row[k] for row in rows)]
    widths = [max((_cells(row[k]) for row in rows), default=0) for k in range(5)]
    lines = [clean(scene.title)]
    lines += [clean(line) for line in scene.subtitle.split("\n") if line.strip()]
    lines.append("")
    for row in rows:
        line = ""
        for k in used:
            line += row[k] + " " * (widths[k] - _cells(row[k]) + (1 if k == 0 else 2))
        lines.append(line.rstrip())
    if scene.scale is not None:
        words = (scene.scale.left, *(c.text for c in scene.scale.cells), scene.scale.right)
        lines += ["", "  ".join(clean(w) for w in words if w)]
        lines += [clean(scene.scale.caption)] if scene.scale.caption else []
    return "\n".join(lines)


def to_networkx(scene: Scene) -> Any:
    """The scene as a ``networkx.MultiDiGraph``, the fields of boxes and arrows as attributes.

    Raises
    ------
    ImportError
        If networkx is not installed.
    """
    try:
        import networkx
    except ImportError as error:
        raise ImportError(
            "to_networkx() needs networkx, which is not installed: pip install networkx. "
            "Without it, picture.graph holds the same boxes and arrows as dataclasses"
        ) from error
    graph = networkx.MultiDiGraph(title=scene.title, subtitle=scene.subtitle)
    for b in scene.boxes:
        graph.add_node(b.id, **{k: v for k, v in vars(b).items() if k != "id"})
    for a in scene.arrows:
        told = {k: v for k, v in vars(a).items() if k not in ("source", "target")}
        graph.add_edge(a.source, a.target, **told)
    return graph
