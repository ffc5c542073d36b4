"""A scene in Graphviz's DOT language, and the ``dot`` program that lays it out.

Lessons from Graphviz:

* A straight critical path needs ``group`` on its nodes and ``weight`` on its edges.
* Parameters are at the left of their operation on the same rank, targets at the right.
* The title is the label of an invisible outer cluster, because the label of the graph itself, at
  the bottom, is the legend.
* ``size`` would scale the text, so it is never set.
* It takes neither an empty ``<B></B>`` nor a raw ``&``, and a picture can be wrong even where
  there is an error, so every text is escaped.
"""

import subprocess
from collections import Counter
from collections.abc import Iterable
from typing import Any

from autograd_core.drawing.colour.palette import (
    ABSORBED,
    CLUSTER,
    EDGE,
    FONT,
    FRAME,
    INK,
    MUTED,
    PAGE,
    STYLES,
    WHITE,
    inks,
    legend,
)
from autograd_core.drawing.scene import (
    Arrow,
    Box,
    Cell,
    Cluster,
    Scale,
    Scene,
    critical_path,
    walk_clusters,
)
from autograd_core.drawing.write.escaping import dot_label, dot_string
from autograd_core.errors import AutogradError

INSTALL = (
    "Graphviz's `dot` program is not installed (the Python package alone is not enough): "
    "apt install graphviz (Debian, Ubuntu), dnf install graphviz (Fedora), brew install graphviz "
    "(macOS), winget install graphviz (Windows), conda install -c conda-forge graphviz. "
    "Every format but PNG and PDF works without it: g.save('graph.svg')"
)
TIMEOUT = 20.0  # seconds
_WIDE = 168  # of a bar or a strip, in points
_LONG_LINE = 180  # characters of a line of the header or the caption

# -- tables -----------------------------------------------------------------------------------


def _font(
    text: str, size: float, color: str = MUTED, strong: bool = False, longest: int = 60
) -> str:
    """Return a text of a size and colour; nothing for an empty text."""
    if not text.strip():
        return ""
    safe = dot_label(text, longest)
    inner = f"<B>{safe}</B>" if strong else safe
    return f'<FONT POINT-SIZE="{size:g}" COLOR="{color}">{inner}</FONT>'


def _attributes(values: dict[str, Any]) -> str:
    return "".join(f' {name}="{value}"' for name, value in values.items() if value != "")


def _td(content: str = "", align: str = "", **more: Any) -> str:
    """Return a cell of a table."""
    return f"<TD{_attributes({'ALIGN': align, **more})}>{content}</TD>"


def _block(color: str, width: int, height: int, **more: Any) -> str:
    """Return a cell of a fixed size, filled with a colour."""
    return _td(BGCOLOR=color, **more, WIDTH=width, HEIGHT=height, FIXEDSIZE="TRUE")


def _table(rows: Iterable[str], padding: int = 0, spacing: int = 0, **more: Any) -> str:
    """Return a table of rows of cells; no border unless one is asked for."""
    values = {"BORDER": 0, **more, "CELLBORDER": 0, "CELLSPACING": spacing, "CELLPADDING": padding}
    return f"<TABLE{_attributes(values)}>{''.join(f'<TR>{row}</TR>' for row in rows)}</TABLE>"


# -- labels of boxes --------------------------------------------------------------------------


def _rows(box: Box) -> list[str]:
    """Return the rows of a card, without its stripe."""
    ink, muted, kind = inks(box)
    right = _font(box.type, 11, kind) + ("  " if box.type and box.steps else "")
    right += _font(box.steps, 11, kind, strong=True)
    left = _font(box.title, 11, ink, strong=True)
    rows = [_td(left or " ", "LEFT", WIDTH=76) + _td(right or " ", "RIGHT", WIDTH=84)]
    note, mark = _font(box.note, 9, muted), _font(box.mark, 10, ink, strong=True)
    if box.spec or note or mark:
        between = "   " if note and mark else ""
        spec = _font(box.spec, 10, ink)
        rows.append(_td(spec or " ", "LEFT") + _td((note + between + mark) or " ", "RIGHT"))
    if box.share is not None:
        rows.append(_td(_bar(box.share, STYLES[box.kind].stroke), "LEFT", COLSPAN=2))
    if box.absorbed:
        green = ink if box.fill else ABSORBED
        rows.append(_td(_font(box.merged, 10, green), "LEFT", COLSPAN=2))
    if box.strip:
        rows.append(_td(_strip(box.strip), "LEFT", COLSPAN=2))
        first, last = (_font(end, 9, muted) or " " for end in box.strip_ends)
        rows.append(_td(first, "LEFT") + _td(last, "RIGHT"))
    return rows


def _bar(share: float, color: str) -> str:
    """Return a bar that shows a share of all parameters."""
    full = round(_WIDE * min(max(share, 0.0), 1.0))
    full = max(full, 2) if share > 0 else 0
    parts = ((color, full), (WHITE, _WIDE - full))
    return _table(["".join(_block(c, w, 4) for c, w in parts if w)])


def _strip(strip: tuple[Cell, ...]) -> str:
    """Return one coloured cell per step; only some steps where there are more than fit."""
    most = _WIDE // 3
    if len(strip) > most:
        strip = tuple(strip[i * len(strip) // most] for i in range(most))
    width = max(220 // len(strip), 3)
    cells = "".join(_block(c.fill, width, 16, BORDER=0) for c in strip)
    return _table([cells], BORDER=1, COLOR=CLUSTER.stroke)


def _card(box: Box) -> str:
    """Return the label of a card, or of a stack of cards."""
    style, stacked, rows = STYLES[box.kind], box.repeats > 1, _rows(box)
    if not stacked:
        stripe = _td(BGCOLOR=style.stroke, ROWSPAN=len(rows), WIDTH=5, CELLPADDING=0)
        rows[0] = stripe + rows[0]
    table = _table(
        rows, 3, BORDER=1, COLOR=style.stroke, BGCOLOR=box.fill or style.fill,
        STYLE="dashed" if box.hollow else "", PORT="top" if stacked else "",
    )  # fmt: skip
    for _ in range(2 if stacked else 0):
        table = _table([_td(table)], 2, BORDER=1, SIDES="RB", COLOR=style.stroke)
    return table


def _pill(box: Box) -> str:
    """Return the label of an operation, of data or of an output."""
    ink, muted, _ = inks(box)
    square = box.form == "box"
    large = square and box.kind != "parameter"
    title = _font(box.title, 11 if large else 10 if square else 10.5, ink, strong=square)
    note = _font(box.note, 11 if box.kind == "output" else 9.5 if large else 9, muted)
    mark = _font(box.mark, 9.5, ink, strong=True)
    return "  ".join(p for p in (title, note, mark) if p) or " "


def _header(scene: Scene) -> str:
    """Return title and subtitle, as the label of the outermost cluster."""
    title = _font(scene.title, 15, INK, strong=True)
    lines = [_font(line, 10, longest=_LONG_LINE) for line in scene.subtitle.split("\n")]
    rows = [_td(line or " ", "LEFT") for line in (title, *lines)]
    return _table([*rows, _td(HEIGHT=6)], 1)


def _legend(scene: Scene) -> str:
    """Return the kinds that are present, or the scale of what the colours measure."""
    if scene.scale is not None:
        return _scale(scene.scale)
    cells = "".join(
        _block(s.fill, 14, 10, BORDER=1, COLOR=s.stroke) + _td(_font(s.label + "  ", 9), "LEFT")
        for _, s in legend(scene.boxes)
    )
    return _table([cells or "<TD></TD>"], spacing=3)


def _scale(scale: Scale) -> str:
    cells = "".join(_block(c.fill, 32, 10, BORDER=1, COLOR=FRAME) for c in scale.cells)
    texts = "".join(_td(_font(c.text, 8) or " ") for c in scale.cells)
    left = _td(_font(scale.left + "  ", 9) or " ", "LEFT")
    right = _td(_font("  " + scale.right, 9) or " ")
    lines = [line.strip() for line in scale.caption.split("  ") if line.strip()]
    caption = [_td(_font(line, 8, longest=_LONG_LINE), "LEFT") for line in lines]
    colours = _table([left + cells + right, f"<TD></TD>{texts}<TD></TD>"], 1)
    return _table([_td(colours, "LEFT"), *caption], 1)


# -- statements -------------------------------------------------------------------------------


def _listed(attributes: dict[str, str]) -> str:
    return f"[{' '.join(f'{k}={v}' for k, v in attributes.items())}]"


def _box(box: Box, group: str) -> str:
    style = STYLES[box.kind]
    attributes = {"tooltip": dot_string("\n".join(box.tooltip)), "class": f'"{box.kind}"'}
    if box.form == "card":
        attributes |= {"shape": '"plain"', "label": f"<{_card(box)}>"}
    else:
        square = box.form == "box"
        dashed = ",dashed" if box.hollow or box.kind == "view" else ""
        attributes |= {
            "style": f'"{"" if square else "rounded,"}filled{dashed}"',
            "fillcolor": f'"{box.fill or style.fill}"',
            "color": f'"{style.stroke}"',
            "label": f"<{_pill(box)}>",
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
        attributes["group"] = f'"{group}"'
    return f"{dot_string(box.id)} {_listed(attributes)};"


def _arrow(
    arrow: Arrow, boxes: dict[str, Box], column: dict[str, int], backwards: bool, upright: bool
) -> str:
    source, target = boxes[arrow.source], boxes[arrow.target]
    stroke = STYLES[source.kind].stroke
    ends = [dot_string(arrow.source), dot_string(arrow.target)]
    label = dot_string(f"  {arrow.label}  ")
    if arrow.loop:
        return (
            f'{" -> ".join(ends)} [label={label} style="dashed" color="{stroke}" '
            f'fontcolor="{stroke}" tailport="top:se" headport="top:ne"];'
        )
    attributes: dict[str, str] = {}
    apart = column.get(arrow.source, -1) - column.get(arrow.target, len(column))
    if apart == 1:
        attributes["weight"] = '"20"'
    elif apart > 1:  # past the side of the critical path
        side = '"e"' if upright else '"s"'
        attributes |= {"weight": '"1"', "tailport": side, "headport": side}
    elif source.form != "box":
        attributes["weight"] = '"2"'
    if source.kind == "parameter":
        attributes["color"] = f'"{stroke}"'
    if arrow.width != 1.2:
        attributes["penwidth"] = f'"{arrow.width:.1f}"'
        attributes["arrowsize"] = f'"{max(0.7 - 0.06 * arrow.width, 0.4):.2f}"'
    elif source.kind == "parameter":
        attributes["penwidth"] = '"1"'
    if arrow.reverse != backwards:
        attributes["dir"] = '"back"'
    if not arrow.gradient:
        attributes["style"] = '"dashed"'
    if arrow.label:
        attributes["label"] = label
    if target.repeats > 1 and source.form == "box":
        attributes["headport"] = '"top:n"'
    line = " -> ".join(ends[::-1] if backwards else ends)
    return f"{line} {_listed(attributes)};" if attributes else f"{line};"


def _cluster(cluster: Cluster) -> list[str]:
    """Return the lines that open a cluster."""
    kind = f"  {_font(cluster.type, 10.5)}" if cluster.type.strip() else ""
    label = f"{_font(cluster.title, 10.5, INK, strong=True) or ' '}{kind}"
    return [
        f"subgraph {dot_string('cluster_' + cluster.id)} {{",
        f'  label=<{label}>; labeljust="l"; labelloc="t"; style="rounded,filled"; '
        f'color="{CLUSTER.stroke}"; pencolor="{CLUSTER.stroke}"; fillcolor="{CLUSTER.fill}"; '
        f'margin="8"; tooltip={dot_string(cluster.title + " " + cluster.type)};',
    ]


def _nested(scene: Scene, lines: dict[str, list[str]]) -> list[str]:
    """Return the lines of all clusters, inner ones inside."""
    made = lines.get("", [])[:]
    for cluster, depth, opens in walk_clusters(scene):
        pad = "  " * depth
        if opens:
            inside = [f"  {line}" for line in lines.get(cluster.id, [])]
            made += [pad + line for line in (*_cluster(cluster), *inside)]
        else:
            made.append(f"{pad}}}")
    return made


def _same_rank(left: str, right: str) -> str:
    return f"{{rank=same; {dot_string(left)}; {dot_string(right)}}}"


def _invisible(source: str, target: str, more: str = "") -> str:
    return f'{dot_string(source)} -> {dot_string(target)} [style="invis"{more}];'


def _sides(scene: Scene, boxes: dict[str, Box]) -> tuple[list[str], set[Arrow]]:
    """Place parameters beside their operation: the first at its left, the second at its right.

    Returns the lines, and the arrows that must be written backwards: on one rank Graphviz puts
    the tail of an arrow at the left of its head.
    """
    lines: list[str] = []
    uses = Counter(a.source for a in scene.arrows)
    backwards: set[Arrow] = set()
    count: Counter[str] = Counter()
    last: dict[str, Arrow] = {}
    for a in scene.arrows:
        source, target = boxes[a.source], boxes[a.target]
        if source.kind != "parameter" or target.form == "card" or target.kind == "output":
            continue
        if uses[a.source] > 1:  # Graphviz fails on several labelled arrows along one rank
            continue
        count[a.target] += 1
        if count[a.target] > 2:
            continue
        lines.append(_same_rank(a.source, a.target))
        if count[a.target] == 2:
            backwards.add(a)
            continue
        before = last.get(source.cluster) if source.cluster else None
        if before is not None:  # below one another
            lines.append(_invisible(before.source, a.source, ' weight="5"'))
        last[source.cluster] = a
    return lines, backwards


def _spaces(scene: Scene, column: dict[str, int]) -> dict[str, list[str]]:
    """Return invisible boxes that keep the critical path off the labels of some clusters.

    A label is at the left, where the arrow to the first box of a cluster without parameters would
    run through it.
    """
    taken = {b.id for b in scene.boxes}
    made: dict[str, list[str]] = {}
    for c in scene.clusters:
        inside = [b for b in scene.boxes if b.cluster == c.id]
        first = next((b for b in inside if b.id in column), None)
        if first is None or any(b.kind == "parameter" for b in inside):
            continue
        wide = 0.08 * (len(c.title) + len(c.type)) - (1.2 if first.form == "card" else 0.5)
        if wide <= 0:
            continue
        name = f"{c.id} space"
        while name in taken:
            name += "_"
        taken.add(name)
        size = f'width="{min(wide, 3):.2f}" height="0.1"'
        made[c.id] = [
            f'{dot_string(name)} [label="" style="invis" {size}];',
            _same_rank(name, first.id),
            _invisible(name, first.id),
        ]
    return made


def _targets(scene: Scene, boxes: dict[str, Box], column: dict[str, int]) -> list[str]:
    """Place targets at the right of what comes last before the loss."""
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
            lines += [_same_rank(before[0], a.source), _invisible(before[0], a.source)]
    return lines


def to_dot(scene: Scene, direction: str = "TB") -> str:
    """Return the scene in Graphviz's language; the same scene gives the same text.

    Parameters
    ----------
    scene
        The scene to draw.
    direction
        Graphviz's ``rankdir``: ``"TB"``, ``"LR"``, ``"BT"`` or ``"RL"``.
    """
    boxes = {b.id: b for b in scene.boxes}
    column = critical_path(scene)
    upright = direction in ("TB", "BT")
    lines: dict[str, list[str]] = {}
    for b in scene.boxes:
        lines.setdefault(b.cluster, []).append(_box(b, "spine" if b.id in column else ""))
    for cluster, space in (_spaces(scene, column) if upright else {}).items():
        lines.setdefault(cluster, []).extend(space)
    sides, backwards = _sides(scene, boxes)
    arrows = [_arrow(a, boxes, column, a in backwards, upright) for a in scene.arrows]
    return "\n".join(
        [
            "digraph {",
            f'  graph [rankdir="{direction}" nodesep="0.25" ranksep="0.26" pad="0.2" '
            f'bgcolor="{PAGE}" fontname="{FONT}" fontcolor="{INK}" labelloc="b" labeljust="l" '
            f"newrank=true tooltip={dot_string(scene.title)} label=<{_legend(scene)}>];",
            f'  node [shape="box" fontname="{FONT}" fontsize="11" fontcolor="{INK}" '
            'penwidth="1.1" height="0.27" width="0.5" margin="0.12,0.02"];',
            f'  edge [color="{EDGE}" penwidth="1.2" arrowsize="0.6" fontname="{FONT}" '
            f'fontsize="9" fontcolor="{MUTED}"];',
            f'  subgraph "cluster_page" {{ label=<{_header(scene)}>; labelloc="t"; '
            f'labeljust="l"; pencolor="{PAGE}"; margin="4";',
            *(f"  {line}" for line in _nested(scene, lines)),
            *(f"    {line}" for line in (*arrows, *sides, *_targets(scene, boxes, column))),
            "  }",
            "}",
            "",
        ]
    )


# -- the program ------------------------------------------------------------------------------


class GraphvizError(AutogradError, RuntimeError):
    """Raised when the ``dot`` program is absent, fails, or takes too long."""


def render(dot: str, format: str, timeout: float = TIMEOUT) -> bytes:
    """Lay DOT out with the ``dot`` program, as ``svg``, ``png`` or ``pdf``.

    Raises
    ------
    GraphvizError
        If the program is absent (the error says how to install it), fails, or takes longer than
        ``timeout`` seconds.
    """
    try:
        from graphviz import DOT_BINARY
    except ImportError:
        DOT_BINARY = "dot"
    command = [str(DOT_BINARY), f"-T{format}", *(["-Gdpi=144"] if format == "png" else [])]
    try:
        done = subprocess.run(
            command, input=dot.encode(), capture_output=True, timeout=timeout, check=False
        )
    except OSError:
        raise GraphvizError(INSTALL) from None
    except subprocess.TimeoutExpired:
        raise GraphvizError(
            f"dot took more than {timeout:.0f} s for this graph; draw less of it with max_nodes="
        ) from None
    if done.returncode or not done.stdout:
        raise GraphvizError(f"dot failed: {done.stderr.decode(errors='replace').strip()[:400]}")
    return bytes(done.stdout)
