"""A scene as Mermaid, which GitHub and GitLab draw inside a README.

Mermaid refuses more than 500 edges or 50,000 characters, and becomes unreadable long before that.
At most 300 boxes are written, the newest ones, and the diagram says what was left out.
"""

from autograd_core.drawing.colour.palette import ALWAYS_LIGHT, CLUSTER, INK, INVERSE, STYLES, ink_on
from autograd_core.drawing.scene import Box, Scene, clean, outline
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
    clusters = {c.id: f"c{k}" for k, c in enumerate(scene.clusters)}
    for thing, depth, closes in outline(scene, shown):
        pad = "  " * depth
        if closes:
            out.append(f"{pad}end")
        elif isinstance(thing, Box):
            out.append(f"{pad}n{number[thing.id]}{_shape(thing, _label(thing))}")
        else:
            name, title = clusters[thing.id], mermaid_text(f"{thing.title}  {thing.type}".strip())
            out.append(f"{pad}subgraph {name} [{title}]")
            colours = f"fill:{CLUSTER.fill},stroke:{CLUSTER.stroke},color:{INK}"
            out.append(f"{pad}  style {name} {colours}")
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
