"""A scene as JSON, as text for a terminal, and as a graph of networkx."""

import json
from dataclasses import asdict
from typing import Any
from unicodedata import east_asian_width

from autograd_core.drawing.scene import Box, Scene, clean
from autograd_core.drawing.write.escaping import cut

_SIGNS = {"module": "■", "data": "□", "parameter": "▫", "output": "◎", "view": "◌"}
_LONGEST = 48


def to_json(scene: Scene) -> str:
    """Return everything in the scene as JSON; the same scene gives the same text.

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
    """Return how many columns of a terminal a text takes."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _row(box: Box, sources: list[str]) -> tuple[str, str, str, str, str]:
    """Return the columns of a line: sign, id, what it is, details, sources."""
    what = " ".join(t for t in (box.type, box.steps) if t)
    if box.form != "card":
        what = box.title if box.title != box.id else ""
    texts = [box.spec, box.note, box.merged]
    shape = "×".join(map(str, box.shape)) if box.shape and box.kind != "output" else ""
    if any(shape in t for t in texts):
        shape = ""
    arrow = "← " + ", ".join(cut(s, _LONGEST) for s in sources) if sources else ""
    details = "  ".join(cut(t, _LONGEST) for t in (*texts, shape, box.mark) if t)
    sign = _SIGNS.get(box.kind, "○")
    return sign, cut(box.id, _LONGEST), cut(what, _LONGEST), details, arrow


def to_text(scene: Scene) -> str:
    """Return one aligned line per box, each below the boxes it reads, followed by their names.

    The sign at the beginning: ``■`` a module, ``○`` an operation, ``◌`` a view, ``▫`` a parameter,
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
        texts = (scene.scale.left, *(c.text for c in scene.scale.cells), scene.scale.right)
        lines += ["", "  ".join(clean(t) for t in texts if t)]
        lines += [clean(scene.scale.caption)] if scene.scale.caption else []
    return "\n".join(lines)


def to_networkx(scene: Scene) -> Any:
    """Return a ``networkx.MultiDiGraph`` with the fields of boxes and arrows as attributes.

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
        fields = {k: v for k, v in vars(a).items() if k not in ("source", "target")}
        graph.add_edge(a.source, a.target, **fields)
    return graph
