"""A scene as Mermaid, which GitHub and GitLab draw inside a README.

Mermaid refuses more than 500 edges and 50,000 characters, and is not readable long before; so at
most 300 boxes are written, the newest, and the diagram says what was left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograd_core.drawing.colour.palette import CLUSTER, INK, STYLES
from autograd_core.drawing.colour.themes import ink_on
from autograd_core.drawing.layout.text_width import clean
from autograd_core.drawing.scene import Box, Scene

MOST_BOXES, MOST_ARROWS, MOST_CHARACTERS = 300, 500, 50_000
_LONGEST = 60
_PLAIN = frozenset(" .,:/()[]=+%'!?@$^|{}-")
_LIST = re.compile(r"^(?:([-+])|(\d+)([.)]))")  # would begin a list


def quoted(text: str) -> str:
    """A text in quotes; what Mermaid or HTML could take for markup is written by its number."""
    text = clean(text)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    safe = "".join(
        c if c.isalnum() or c in _PLAIN or (ord(c) > 127 and not "\ud800" <= c <= "\udfff")
        else f"#{ord(c)};" for c in text
    )  # fmt: skip
    safe = _LIST.sub(lambda m: f"{m[2] or ''}#{ord(m[1] or m[3])};", safe.strip())
    return f'"{safe or " "}"'


def _lines(box: Box) -> str:
    times = f"× {box.repeats} steps" if box.repeats > 1 else ""
    absorbed = f"↳ {box.absorbed}" if box.absorbed else ""
    if box.form == "card":
        rows = [(box.title, box.type, times), (box.spec, box.note, box.mark), (absorbed,)]
    else:
        rows = [(box.title, box.note, box.mark)]
    told = ["  ".join(t for t in row if t.strip()) for row in rows]
    return '"' + "<br/>".join(quoted(t)[1:-1] for t in told if t) + '"'


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
        told = f"{first:,} older boxes and {dropped:,} arrows are left out"
        out += [f"  %% {told}", f"  left[{quoted('… ' + told)}]"]
    out += _members(scene, shown)
    for a in arrows:
        line = "-.->" if not a.gradient or a.loop else "-->"
        label = f"|{quoted(a.label)}|" if a.label.strip() else ""
        out.append(f"  n{number[a.source]} {line}{label} n{number[a.target]}")
    for kind, style in STYLES.items():
        members = [f"n{i}" for i, b in enumerate(shown) if b.kind == kind]
        if members:
            dash = ",stroke-dasharray:5 4" if kind == "view" else ""
            out.append(
                f"  classDef {kind} fill:{style.fill},stroke:{style.stroke},color:{INK}{dash}"
            )
            out.append(f"  class {','.join(members)} {kind}")
    for i, b in enumerate(shown):
        if b.fill:
            ink = {"#FDFDFD": "#FEFEFE"}.get(ink_on(b.fill), ink_on(b.fill))
            out.append(f"  style n{i} fill:{b.fill},color:{ink}")
    return "\n".join(out) + "\n"


def _members(scene: Scene, shown: Sequence[Box]) -> list[str]:
    """Boxes inside their clusters; by a stack, not by recursion."""
    known = {c.id: k for k, c in enumerate(scene.clusters)}
    inside: dict[str, list[str]] = {}
    for i, b in enumerate(shown):
        home = b.cluster if b.cluster in known else ""
        inside.setdefault(home, []).append(f"n{i}{_shape(b, _lines(b))}")
    inner: dict[str, list[int]] = {}
    for k, c in enumerate(scene.clusters):
        inner.setdefault(c.parent if c.parent in known else "", []).append(k)
    wanted: set[str] = set()
    parents = {c.id: c.parent for c in scene.clusters}
    for home in inside:
        while home in parents and home not in wanted:
            wanted.add(home)
            home = parents[home]
    out = [f"  {line}" for line in inside.get("", [])]
    stack: list[tuple[int, int]] = [(k, 1) for k in reversed(inner.get("", []))]
    while stack:
        k, deep = stack.pop()
        pad = "  " * deep
        if k < 0:
            out.append(f"{pad}end")
            continue
        c = scene.clusters[k]
        if c.id not in wanted:
            continue
        out.append(f"{pad}subgraph c{k} [{quoted(f'{c.title}  {c.type}'.strip())}]")
        out += [f"{pad}  {line}" for line in inside.get(c.id, [])]
        out.append(f"{pad}  style c{k} fill:{CLUSTER.fill},stroke:{CLUSTER.stroke},color:{INK}")
        stack.append((-1, deep))
        stack += [(i, deep + 1) for i in reversed(inner.get(c.id, []))]
    return out


def to_mermaid(scene: Scene, direction: str = "TB") -> str:
    """The scene as a Mermaid flowchart.

    Parameters
    ----------
    scene
        What to draw; of more than 300 boxes the newest, and of what is still longer than Mermaid
        takes, fewer.
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
