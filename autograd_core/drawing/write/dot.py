"""A scene in Graphviz's DOT language: plain text to edit by hand.

The ids of boxes are the names of nodes, and the texts of a box are its label. With the sizes that
our boxes have, :mod:`graphviz` of the layout asks ``dot`` for positions.

* A straight critical path needs ``group`` on its nodes and ``weight`` on its edges.
* Parameters are beside their operation on the same rank; so are targets and what precedes the loss.
"""

from collections import Counter
from collections.abc import Sequence

from autograd_core.drawing.colour.palette import CLUSTER, EDGE, FONT, INK, MUTED, STYLES
from autograd_core.drawing.layout.placement import Size
from autograd_core.drawing.scene import Arrow, Box, Scene, critical_path, outline
from autograd_core.drawing.write.escaping import cut, dot_string


def _attributes(values: dict[str, str]) -> str:
    return f" [{' '.join(f'{k}={v}' for k, v in values.items())}]" if values else ""


def _box(box: Box, on_path: bool) -> str:
    look = STYLES[box.kind]
    rounded = "rounded," if box.form == "pill" else ""
    dashed = ",dashed" if box.hollow or box.kind == "view" else ""
    values = {
        "label": dot_string("\n".join(cut(line) for line in box.lines)),
        "fillcolor": f'"{box.fill or look.fill}"',
        "color": f'"{look.stroke}"',
        "style": f'"{rounded}filled{dashed}"',
        "tooltip": dot_string("\n".join(box.tooltip)),
    }
    if box.kind == "output" or box.repeats > 1:
        values["peripheries"] = "2" if box.kind == "output" else "3"
    if on_path:
        values["group"] = '"path"'
    return f"{dot_string(box.id)}{_attributes(values)};"


def _arrow(
    arrow: Arrow, source: Box, column: dict[str, int], backwards: bool, values: dict[str, str]
) -> str:
    ends = [dot_string(arrow.source), dot_string(arrow.target)]
    if arrow.label.strip():
        values["label"] = dot_string(f"  {cut(arrow.label)}  ")
    if column.get(arrow.source, -1) - column.get(arrow.target, len(column)) == 1:
        values["weight"] = "20"
    elif source.form != "box" and not arrow.loop and arrow.source not in column:
        values["weight"] = "2"
    if source.kind == "parameter":
        values["color"] = f'"{STYLES["parameter"].stroke}"'
    if arrow.width != 1.2:
        values["penwidth"] = f"{arrow.width:.1f}"
    if arrow.reverse != backwards:
        values["dir"] = "back"
    if not arrow.gradient or arrow.loop:
        values["style"] = "dashed"
    return f"{' -> '.join(ends[::-1] if backwards else ends)}{_attributes(values)};"


def _beside(scene: Scene, boxes: dict[str, Box], column: dict[str, int]) -> dict[Arrow, bool]:
    """Return arrows along one rank: whether their source is at the right of their target.

    The first parameter of an operation is at its left and the second at its right. A target of a
    loss is at the right too.
    """
    uses = Counter(a.source for a in scene.arrows)
    count: Counter[str] = Counter()
    found = {}
    for a in scene.arrows:
        source, target = boxes[a.source], boxes[a.target]
        if source.kind == "parameter" and target.form != "card" and target.kind != "output":
            count[a.target] += uses[a.source] == 1  # dot fails on several labels along one rank
            if uses[a.source] == 1 and count[a.target] < 3:
                found[a] = count[a.target] == 2
        elif source.kind == "data" and target.repeats == uses[a.source] == 1:
            others = [b for b in scene.arrows if b.target == a.target and b.source in column]
            if others and a.target in column and a.source not in column:
                found[a] = True
    return found


def to_dot(scene: Scene, direction: str = "TB", sizes: Sequence[Size] = ()) -> str:
    """Return the scene in Graphviz's language; the same scene gives the same text.

    Parameters
    ----------
    scene
        The scene to draw.
    direction
        Graphviz's ``rankdir``: ``"TB"``, ``"LR"``, ``"BT"`` or ``"RL"``.
    sizes
        Width and height of each box in points, where it is to have another than its label.

    Examples
    --------
    >>> from autograd_core.drawing.scene import Arrow, Box, Scene
    >>> from autograd_core.drawing.write.dot import to_dot
    >>> boxes = [Box("x", "data", "x", "box"), Box("tanh", "elementwise", "tanh")]
    >>> print(to_dot(Scene("a neuron", "", boxes, [Arrow("x", "tanh")])).splitlines()[-2])
      "x" -> "tanh" [weight=20];
    """
    boxes = {b.id: b for b in scene.boxes}
    column = critical_path(scene)
    beside = _beside(scene, boxes, column)
    title = "\n".join(cut(t, 180) for t in (scene.title, *scene.subtitle.split("\n")) if t.strip())
    lines = [
        f"rankdir={direction}; nodesep=0.3; ranksep=0.4; newrank=true;",
        f'fontname="{FONT}"; fontcolor="{INK}"; labelloc=t; label={dot_string(title)};',
        f'node [shape=box fontname="{FONT}" fontsize=12 fontcolor="{INK}" height=0.3 '
        'margin="0.16,0.06"];',
        f'edge [color="{EDGE}" arrowsize=0.7 fontname="{FONT}" fontsize=11 fontcolor="{MUTED}"];',
    ]
    for thing, depth, closes in outline(scene, scene.boxes):
        pad = "  " * (depth - 1)
        if closes:
            lines.append(f"{pad}}}")
        elif isinstance(thing, Box):
            lines.append(pad + _box(thing, thing.id in column))
        else:
            name = " ".join(
                cut(t, 20 if sizes else 60) for t in (thing.title, thing.type) if t.strip()
            )
            lines += [
                f"{pad}subgraph {dot_string('cluster_' + thing.id)} {{",
                f"{pad}  label={dot_string(name)}; labeljust=l; labelloc=t; "
                f'style="rounded,filled"; color="{CLUSTER.stroke}"; fillcolor="{CLUSTER.fill}"; '
                "margin=12;",
            ]
    for n, a in enumerate(scene.arrows):
        own = {"id": f'"{n}"'} if sizes else {}
        lines.append(_arrow(a, boxes[a.source], column, beside.get(a, False), own))
        if a in beside:
            lines.append(f"{{rank=same; {dot_string(a.source)}; {dot_string(a.target)}}}")
    for b, (w, h) in zip(scene.boxes, sizes, strict=False):
        size = f"width={w / 72:.4f} height={h / 72:.4f} fixedsize=true peripheries=1"
        lines.append(f"{dot_string(b.id)} [{size}];")
    return "\n".join(["digraph {", *(f"  {line}" for line in lines), "}", ""])
