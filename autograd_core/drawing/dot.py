"""A scene as Graphviz DOT.

What Graphviz taught: a straight spine wants ``group`` on its nodes and ``weight`` on its edges;
parameters stand left of their operation on the same rank, targets right of it; the title is the
label of an invisible outer cluster, because the graph's own label, at the bottom, is the legend;
``size`` scales the text, so it is never set.
"""

from __future__ import annotations

from autograd_core.drawing import cards
from autograd_core.drawing.palette import CLUSTER, EDGE, FONT, INK, MUTED, PAGE, STYLES
from autograd_core.drawing.scene import Arrow, Box, Cluster, Scene
from autograd_core.drawing.spine import spine


def quoted(text: str) -> str:
    """A string of Graphviz's language; its own escapes (``\\N``) are defused."""
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    escaped = clean.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _tooltip(box: Box) -> str:
    told = [box.title, box.type, box.spec, box.note, box.mark]
    head = " ".join(t for t in told if t)
    return "\n".join([head, *(f"{k}: {v}" for k, v in box.facts)])


def _box(box: Box, group: str) -> str:
    style = STYLES[box.kind]
    attributes = {"tooltip": quoted(_tooltip(box)), "class": f'"{box.kind}"'}
    if box.form == "card":
        attributes |= {"shape": '"plain"', "label": f"<{cards.card(box)}>"}
    else:
        square = box.form == "box"
        dashed = ",dashed" if box.hollow or box.kind == "view" else ""
        attributes |= {
            "style": f'"{"" if square else "rounded,"}filled{dashed}"',
            "fillcolor": f'"{box.fill or style.fill}"',
            "color": f'"{style.stroke}"',
            "label": f"<{cards.pill(box)}>",
        }
        if box.kind == "output":
            attributes |= {"peripheries": '"2"', "height": '"0.32"', "margin": '"0.16,0.04"'}
        elif box.kind == "parameter":
            attributes |= {"height": '"0.24"', "margin": '"0.08,0.02"'}
        elif square:
            attributes |= {"height": '"0.3"', "margin": '"0.14,0.04"'}
        elif len(box.title) > 2:
            attributes["width"] = '"0.9"'
    if group:
        attributes["group"] = quoted(group)
    return f"{quoted(box.id)} [{' '.join(f'{k}={v}' for k, v in attributes.items())}];"


def _arrow(arrow: Arrow, boxes: dict[str, Box], on_spine: bool, backwards: bool) -> str:
    source, target = boxes[arrow.source], boxes[arrow.target]
    stroke = STYLES[source.kind].stroke
    ends = f"{quoted(arrow.source)} -> {quoted(arrow.target)}"
    if arrow.loop:
        return (
            f"{ends} [label={quoted(f'  {arrow.label}  ')} "
            f'style="dashed" color="{stroke}" fontcolor="{stroke}" '
            'tailport="top:se" headport="top:ne"];'
        )
    attributes = []
    if on_spine:
        attributes.append('weight="20"')
    elif source.form != "box":
        attributes.append('weight="2"')
    if source.kind == "parameter":
        attributes.append(f'color="{stroke}"')
    if arrow.width != 1.2:
        attributes.append(f'penwidth="{arrow.width:.1f}"')
        attributes.append(f'arrowsize="{max(0.7 - 0.06 * arrow.width, 0.4):.2f}"')
    elif source.kind == "parameter":
        attributes.append('penwidth="1"')
    if backwards:
        ends = f"{quoted(arrow.target)} -> {quoted(arrow.source)}"
    if arrow.reverse != backwards:
        attributes.append('dir="back"')
    if not arrow.gradient:
        attributes.append('style="dashed"')
    if arrow.label:
        attributes.append(f"label={quoted('  ' + arrow.label + '  ')}")
    if target.repeats > 1 and source.form == "box":
        attributes.append('headport="top:n"')
    return f"{ends} [{' '.join(attributes)}];" if attributes else f"{ends};"


def _cluster_open(cluster: Cluster) -> list[str]:
    kind = f"  {cards.font(cluster.type, 10.5)}" if cluster.type.strip() else ""
    label = f"{cards.font(cluster.title, 10.5, INK, strong=True) or ' '}{kind}"
    return [
        f"subgraph {quoted('cluster_' + cluster.id)} {{",
        f'  label=<{label}>; labeljust="l"; labelloc="t"; style="rounded,filled"; '
        f'color="{CLUSTER.stroke}"; pencolor="{CLUSTER.stroke}"; fillcolor="{CLUSTER.fill}"; '
        f'margin="8"; tooltip={quoted(cluster.title + " " + cluster.type)};',
    ]


def _nested(scene: Scene, lines: dict[str, list[str]]) -> list[str]:
    """The lines of all clusters, inner ones inside; by a stack, not by recursion."""
    inner: dict[str, list[Cluster]] = {}
    for c in scene.clusters:
        inner.setdefault(c.parent, []).append(c)
    made = lines.get("", [])[:]
    stack: list[tuple[Cluster | None, int]] = [(c, 1) for c in reversed(inner.get("", []))]
    while stack:
        cluster, deep = stack.pop()
        pad = "  " * deep
        if cluster is None:
            made.append(f"{pad}}}")
            continue
        made += [pad + line for line in _cluster_open(cluster)]
        made += [f"{pad}  {line}" for line in lines.get(cluster.id, [])]
        stack.append((None, deep))
        stack += [(c, deep + 1) for c in reversed(inner.get(cluster.id, []))]
    return made


def _sides(scene: Scene, boxes: dict[str, Box]) -> tuple[list[str], set[Arrow]]:
    """Parameters beside their operation: the first at its left, the second at its right.

    Returns the lines, and the arrows that are to be written backwards: on one rank Graphviz puts
    the tail of an arrow at the left of its head.
    """
    lines: list[str] = []
    backwards: set[Arrow] = set()
    count: dict[str, int] = {}
    last: dict[str, Arrow] = {}
    for a in scene.arrows:
        source, target = boxes[a.source], boxes[a.target]
        if source.kind != "parameter" or target.form == "card":
            continue
        n = count[a.target] = count.get(a.target, 0) + 1
        if n > 2:
            continue
        lines.append(f"{{rank=same; {quoted(a.source)}; {quoted(a.target)}}}")
        if n == 2:
            backwards.add(a)
            continue
        before = last.get(source.cluster) if source.cluster else None
        if before is not None:  # below one another
            names = f"{quoted(before.source)} -> {quoted(a.source)}"
            lines.append(f'{names} [style="invis" weight="5"];')
        last[source.cluster] = a
    return lines, backwards


def _ends(scene: Scene, boxes: dict[str, Box], column: set[str]) -> list[str]:
    """Targets on the rank of what comes last before the loss."""
    lines = []
    for a in scene.arrows:
        source = boxes[a.source]
        if source.kind != "data" or source.note.split(" ")[0] not in ("target", "labels"):
            continue
        before = [
            b.source for b in scene.arrows
            if b.target == a.target and b.source in column and not b.loop
        ]  # fmt: skip
        if before:
            lines.append(f"{{rank=same; {quoted(before[0])}; {quoted(a.source)}}}")
    return lines


def to_dot(scene: Scene, direction: str = "TB") -> str:
    """The scene in Graphviz's language; the same scene gives the same text, byte for byte.

    Parameters
    ----------
    scene
        What to draw.
    direction
        Graphviz's ``rankdir``.
    """
    boxes = {b.id: b for b in scene.boxes}
    column = spine(scene)
    lines: dict[str, list[str]] = {}
    for b in scene.boxes:
        group = "spine" if b.id in column else ""
        lines.setdefault(b.cluster, []).append(_box(b, group))
    flat = direction in ("TB", "BT")
    sides, backwards = _sides(scene, boxes) if flat else ([], set())
    ends = _ends(scene, boxes, column) if flat else []
    arrows = [
        _arrow(a, boxes, a.source in column and a.target in column, a in backwards)
        for a in scene.arrows
    ]
    return "\n".join(
        [
            "digraph {",
            f'  graph [rankdir="{direction}" nodesep="0.25" ranksep="0.26" pad="0.2" '
            f'bgcolor="{PAGE}" fontname="{FONT}" fontcolor="{INK}" labelloc="b" labeljust="l" '
            f"newrank=true tooltip={quoted(scene.title)} label=<{cards.legend(scene)}>];",
            f'  node [shape="box" fontname="{FONT}" fontsize="11" fontcolor="{INK}" '
            'penwidth="1.1" height="0.27" width="0.5" margin="0.12,0.02"];',
            f'  edge [color="{EDGE}" penwidth="1.2" arrowsize="0.6" fontname="{FONT}" '
            f'fontsize="9" fontcolor="{MUTED}"];',
            f'  subgraph "cluster_page" {{ label=<{cards.header(scene)}>; labelloc="t"; '
            f'labeljust="l"; pencolor="{PAGE}"; margin="4";',
            *(f"  {line}" for line in _nested(scene, lines)),
            *(f"    {line}" for line in (*arrows, *sides, *ends)),
            "  }",
            "}",
            "",
        ]
    )
