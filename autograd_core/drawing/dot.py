"""A scene as Graphviz DOT, and DOT as a picture by the ``dot`` program."""

from __future__ import annotations

from autograd_core.drawing.palette import EDGE, FONT, INK, MUTED, PAGE, STYLES
from autograd_core.drawing.scene import Arrow, Box, Scene
from autograd_core.errors import AutogradError

INSTALL = (
    "Graphviz's `dot` program is not installed (the Python package alone is not enough): "
    "apt install graphviz (Debian, Ubuntu), dnf install graphviz (Fedora), brew install graphviz "
    "(macOS), winget install graphviz (Windows), conda install -c conda-forge graphviz. "
    "Without it .dot still works: g.save('graph.dot')"
)
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
TIMEOUT = 30.0  # seconds


class GraphvizError(AutogradError, RuntimeError):
    """The ``dot`` program is absent, failed, or took too long."""


def _quoted(text: str) -> str:
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    escaped = clean.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _escaped(text: str) -> str:
    """Text inside an HTML-like label; control characters would make it invalid."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean.translate(_ENTITIES)


def _bold(text: str) -> str:
    return f"<B>{_escaped(text)}</B>" if text.strip() else ""


def _font(text: str, size: float, color: str = MUTED) -> str:
    if not text.strip():
        return ""
    return f'<FONT POINT-SIZE="{size}" COLOR="{color}">{_escaped(text)}</FONT>'


def _box(box: Box) -> str:
    style = STYLES[box.kind]
    note_color = style.stroke if box.kind == "output" else MUTED
    square = box.kind in ("data", "parameter", "output")
    title = _bold(box.title) if square else _escaped(box.title)
    note = _font(box.note, 9.5, note_color)
    look = (
        "filled" if square else "rounded,filled,dashed" if box.kind == "view" else "rounded,filled"
    )
    attributes = {
        "shape": '"box"',
        "style": f'"{look}"',
        "fillcolor": f'"{style.fill}"',
        "color": f'"{style.stroke}"',
        "label": f"<{'  '.join(p for p in (title, note) if p) or ' '}>",
        "tooltip": _quoted(", ".join(f"{k} {v}" for k, v in box.facts)),
        "class": f'"{box.kind}"',
    }
    if box.kind == "output":
        attributes["peripheries"] = '"2"'
    if not square:
        attributes["group"] = '"spine"'
    return f"  {_quoted(box.id)} [{' '.join(f'{k}={v}' for k, v in attributes.items())}];"


def _arrow(arrow: Arrow, source: Box | None) -> str:
    attributes = []
    if source is not None and source.kind in ("parameter", "data"):
        attributes.append(f'color="{STYLES[source.kind].stroke}" penwidth="1"')
    else:
        attributes.append('weight="20"')
    if not arrow.gradient:
        attributes.append('style="dashed"')
    if arrow.label:
        attributes.append(f"label={_quoted('  ' + arrow.label)}")
    return f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)} [{' '.join(attributes)}];"


def _legend(scene: Scene) -> str:
    present = {b.kind for b in scene.boxes}
    cells = "".join(
        f'<TD BGCOLOR="{s.fill}" BORDER="1" COLOR="{s.stroke}" WIDTH="14" HEIGHT="10" '
        f'FIXEDSIZE="TRUE"></TD><TD ALIGN="LEFT">{_font(s.label + "  ", 9)}</TD>'
        for kind, s in STYLES.items()
        if kind in present
    )
    return (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="0"><TR>'
        f"{cells or '<TD></TD>'}</TR></TABLE>"
    )


def _header(scene: Scene) -> str:
    title = f'<FONT POINT-SIZE="15">{_bold(scene.title)}</FONT>' if scene.title.strip() else " "
    return (
        '<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">'
        f'<TR><TD ALIGN="LEFT">{title}</TD></TR>'
        f'<TR><TD ALIGN="LEFT">{_font(scene.subtitle, 10)}</TD></TR>'
        '<TR><TD HEIGHT="6"></TD></TR></TABLE>'
    )


def to_dot(scene: Scene, direction: str = "TB") -> str:
    """The scene in Graphviz's language; the same scene gives the same text, byte for byte."""
    boxes = {b.id: b for b in scene.boxes}
    sides = [
        f"  {{rank=same; {_quoted(a.source)}; {_quoted(a.target)}}}"
        for a in scene.arrows
        if boxes[a.source].kind == "parameter"
    ]
    return "\n".join(
        [
            "digraph {",
            f'  graph [rankdir="{direction}" nodesep="0.25" ranksep="0.28" pad="0.2" '
            f'bgcolor="{PAGE}" fontname="{FONT}" fontcolor="{INK}" labelloc="b" labeljust="l" '
            f"newrank=true tooltip={_quoted(scene.title)} label=<{_legend(scene)}>];",
            f'  node [fontname="{FONT}" fontsize="11" fontcolor="{INK}" penwidth="1.1" '
            'height="0.28" width="0.5" margin="0.12,0.03"];',
            f'  edge [color="{EDGE}" penwidth="1.2" arrowsize="0.6" fontname="{FONT}" '
            f'fontsize="9" fontcolor="{MUTED}"];',
            f'  subgraph "cluster_page" {{ label=<{_header(scene)}>; labelloc="t"; labeljust="l"; '
            f'pencolor="{PAGE}"; margin="4";',
            *(_box(b) for b in scene.boxes),
            *(_arrow(a, boxes[a.source]) for a in scene.arrows),
            *sides,
            "  }",
            "}",
            "",
        ]
    )


def render(dot: str, format: str) -> bytes:
    """Lay DOT out with the ``dot`` program: ``svg``, ``png`` or ``pdf``."""
    import subprocess  # here, because it would cost every user of the package 10 ms

    from graphviz import DOT_BINARY

    command = [str(DOT_BINARY), f"-T{format}", *(["-Gdpi=144"] if format == "png" else [])]
    try:
        done = subprocess.run(
            command, input=dot.encode(), capture_output=True, timeout=TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise GraphvizError(INSTALL) from None
    except subprocess.TimeoutExpired:
        raise GraphvizError(
            f"dot took more than {TIMEOUT:.0f} s for this graph; draw less of it with max_nodes="
        ) from None
    if done.returncode or not done.stdout:
        raise GraphvizError(f"dot failed: {done.stderr.decode(errors='replace').strip()[:400]}")
    return bytes(done.stdout)
