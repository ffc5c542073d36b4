"""A scene as Graphviz DOT.

What Graphviz taught: a straight spine wants ``group`` on its nodes and ``weight`` on its edges;
parameters stand left of their operation on the same rank, targets right of it; the title is the
label of an invisible outer cluster, because the graph's own label, at the bottom, is the legend;
``size`` scales the text, so it is never set.
"""

from __future__ import annotations

from collections import Counter

from autograd_core.drawing.colour.palette import CLUSTER, EDGE, FONT, INK, MUTED, PAGE, STYLES
from autograd_core.drawing.layout.critical_path import spine
from autograd_core.drawing.scene import Arrow, Box, Cluster, Scene
from autograd_core.drawing.write import cards


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


def _arrow(
    arrow: Arrow, boxes: dict[str, Box], column: dict[str, int], backwards: bool, upright: bool
) -> str:
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
    apart = column.get(arrow.source, -1) - column.get(arrow.target, len(column))
    if apart == 1:
        attributes.append('weight="20"')
    elif apart > 1:  # past the side of the spine
        side = "e" if upright else "s"
        attributes.append(f'weight="1" tailport="{side}" headport="{side}"')
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
    uses = Counter(a.source for a in scene.arrows)
    backwards: set[Arrow] = set()
    count: dict[str, int] = {}
    last: dict[str, Arrow] = {}
    for a in scene.arrows:
        source, target = boxes[a.source], boxes[a.target]
        if source.kind != "parameter" or target.form == "card" or target.kind == "output":
            continue
        if uses[a.source] > 1:  # Graphviz fails on several labelled arrows along one rank
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


def _spaces(scene: Scene, column: dict[str, int]) -> dict[str, list[str]]:
    """Invisible boxes that keep the spine off the labels of clusters without parameters.

    A label stands at the left, where the arrow to a cluster's first box would run through it.
    """
    taken = {b.id for b in scene.boxes}
    made: dict[str, list[str]] = {}
    for c in scene.clusters:
        inside = [b for b in scene.boxes if b.cluster == c.id]
        first = next((b for b in inside if b.id in column), None)
        wide = 0.08 * (len(c.title) + len(c.type)) - (
            1.2 if first and first.form == "card" else 0.5
        )
        if first is None or wide <= 0 or any(b.kind == "parameter" for b in inside):
            continue
        name = f"{c.id} space"
        while name in taken:
            name += "_"
        taken.add(name)
        made[c.id] = [
            f'{quoted(name)} [label="" style="invis" width="{min(wide, 3):.2f}" height="0.1"];',
            f"{{rank=same; {quoted(name)}; {quoted(first.id)}}}",
            f'{quoted(name)} -> {quoted(first.id)} [style="invis"];',
        ]
    return made


def _ends(scene: Scene, boxes: dict[str, Box], column: dict[str, int]) -> list[str]:
    """Targets at the right of what comes last before the loss."""
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
            lines.append(f'{quoted(before[0])} -> {quoted(a.source)} [style="invis"];')
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
    for cluster, space in (_spaces(scene, column) if direction in ("TB", "BT") else {}).items():
        lines.setdefault(cluster, []).extend(space)
    sides, backwards = _sides(scene, boxes)
    ends = _ends(scene, boxes, column)
    upright = direction in ("TB", "BT")
    arrows = [_arrow(a, boxes, column, a in backwards, upright) for a in scene.arrows]
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
