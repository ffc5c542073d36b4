"""A scene as Mermaid, which GitHub and GitLab draw inside a README.

Mermaid refuses more than 500 edges or 50,000 characters, and becomes unreadable long before that.
At most 300 boxes are written, the newest ones, and the diagram says what was left out.
"""

from collections.abc import Sequence

from autograd_core.drawing.colour.palette import (
    ALWAYS_LIGHT,
    CLUSTER,
    INK,
    INVERSE,
    STYLES,
    ink_on,
)
from autograd_core.drawing.scene import Box, Scene, clean, walk_clusters
from autograd_core.drawing.write.escaping import mermaid_text

MOST_BOXES, MOST_ARROWS, MOST_CHARACTERS = 300, 500, 50_000


def _label(box: Box) -> str:
    """Return the texts of a box in quotes, a row below the other."""
    return '"' + "<br/>".join(mermaid_text(line)[1:-1] for line in box.lines) + '"'


def _shape(box: Box, label: str) -> str:
    if box.kind == "output" or box.repeats > 1:
        return f"[[{label}]]"
    return f"([{label}])" if box.form == "pill" else f"[{label}]"


def _text(scene: Scene, direction: str, most: int) -> str:
    first = max(len(scene.boxes) - most, 0)
    shown = scene.boxes[first:]
    number = {b.id: i for i, b in enumerate(shown)}
    arrows = [a for a in scene.arrows if a.source in number and a.target in number]
    dropped = max(len(arrows) - MOST_ARROWS, 0)
    arrows = arrows[dropped:]
    out = [f"flowchart {direction}", f"  %% {clean(scene.title)}"]
    out += [f"  %% {clean(line)}" for line in scene.subtitle.split("\n") if line.strip()]
    if first or dropped:
        text = f"{first:,} older boxes and {dropped:,} arrows are left out"
        out += [f"  %% {text}", f"  left[{mermaid_text('… ' + text)}]"]
    out += _members(scene, shown)
    for a in arrows:
        line = "-.->" if not a.gradient or a.loop else "-->"
        label = f"|{mermaid_text(a.label)}|" if a.label.strip() else ""
        out.append(f"  n{number[a.source]} {line}{label} n{number[a.target]}")
    for kind, look in STYLES.items():
        members = ",".join(f"n{i}" for i, b in enumerate(shown) if b.kind == kind)
        if members:
            dash = ",stroke-dasharray:5 4" if kind == "view" else ""
            colours = f"fill:{look.fill},stroke:{look.stroke},color:{INK}{dash}"
            out += [f"  classDef {kind} {colours}", f"  class {members} {kind}"]
    for i, b in enumerate(shown):
        if b.fill:
            ink = ink_on(b.fill)
            ink = ALWAYS_LIGHT if ink == INVERSE else ink  # Mermaid has no dark theme of ours
            out.append(f"  style n{i} fill:{b.fill},color:{ink}")
    return "\n".join(out) + "\n"


def _members(scene: Scene, shown: Sequence[Box]) -> list[str]:
    """Return the boxes inside their clusters; empty clusters are left out."""
    number = {c.id: k for k, c in enumerate(scene.clusters)}
    inside: dict[str, list[str]] = {}
    for i, b in enumerate(shown):
        cluster = b.cluster if b.cluster in number else ""
        inside.setdefault(cluster, []).append(f"n{i}{_shape(b, _label(b))}")
    parents = {c.id: c.parent for c in scene.clusters}
    wanted: set[str] = set()
    for cluster in inside:
        while cluster in parents and cluster not in wanted:
            wanted.add(cluster)
            cluster = parents[cluster]
    out = [f"  {line}" for line in inside.get("", [])]
    for c, depth, opens in walk_clusters(scene):
        pad, name = "  " * depth, f"c{number[c.id]}"
        if c.id in wanted and opens:
            out.append(f"{pad}subgraph {name} [{mermaid_text(f'{c.title}  {c.type}'.strip())}]")
            out += [f"{pad}  {line}" for line in inside.get(c.id, [])]
            out.append(
                f"{pad}  style {name} fill:{CLUSTER.fill},stroke:{CLUSTER.stroke},color:{INK}"
            )
        elif c.id in wanted:
            out.append(f"{pad}end")
    return out


def to_mermaid(scene: Scene, direction: str = "TB") -> str:
    """Return the scene as a Mermaid flowchart.

    Parameters
    ----------
    scene
        The scene to draw; at most the newest 300 boxes, fewer if the text would be longer than
        Mermaid accepts.
    direction
        ``"TB"``, ``"LR"``, ``"BT"`` or ``"RL"``.

    Examples
    --------
    >>> from autograd_core.drawing.write.mermaid import to_mermaid
    >>> from autograd_core.drawing.scene import Arrow, Box, Scene
    >>> boxes = [Box("x", "data", "x", "box"), Box("tanh", "elementwise", "tanh")]
    >>> print(to_mermaid(Scene("a neuron", "", boxes, [Arrow("x", "tanh")])).splitlines()[4])
      n0 --> n1
    """
    most = MOST_BOXES
    text = _text(scene, direction, most)
    while len(text) > MOST_CHARACTERS and most > 1:
        most = min(most * MOST_CHARACTERS // len(text), most - 1)
        text = _text(scene, direction, most)
    return text
