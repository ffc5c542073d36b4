"""The scene: the content of a picture as plain dataclasses, independent of any format.

A builder makes a scene from a recorded graph; a writer (DOT, SVG, HTML, Mermaid, text) reads the
scene and nothing else. Sizes, positions and fonts are up to the writer. :func:`toposort`,
:func:`critical_path`, :func:`cluster_paths` and :func:`outline` tell about order and nesting.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush


def clean(text: str) -> str:
    """Return a text on one line: every character that is not printable becomes a space."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)


@dataclass(frozen=True)
class Cell:
    """One coloured cell of a strip, or of the scale in the legend."""

    fill: str
    text: str


@dataclass(frozen=True)
class Box:
    """A module, an operation, a parameter, data or an output, drawn as one box.

    Attributes
    ----------
    id
        Unique, and the same every time for the same graph: ``"fc1.matmul"``.
    kind
        What the box is, a key of ``palette.STYLES``.
    form
        ``"card"`` (a stripe at the left and two rows), ``"pill"`` (an operation) or ``"box"``
        (square corners: data, parameters, outputs); ``"block"`` (a volume) or ``"slab"`` (a thin
        one), of the size of ``shape``.
    title
        Bold, at the left of the first row: a name, or the sign of an operation.
    type
        Cards only: at the right of the first row, such as ``"Linear"``.
    spec
        Cards only: at the left of the second row, such as ``"784 → 16"``.
    note
        Muted text: at the right of the second row of a card, elsewhere after the title.
    absorbed
        Cards only: the last row, which names the operations merged into the card.
    share
        Cards only: length of a bar between 0 and 1 (share of all parameters).
    fill
        Colour of a measurement in place of the fill of the kind, such as ``"#2166AC"``; empty
        for none.
    mark
        The measurement in words, bold, at the right: ``"▼ ×10⁻⁵"``.
    hollow
        Whether the outline is dashed because the measured gradient is exactly zero.
    repeats, unit
        Number of folded steps; a stack of cards if greater than 1. ``unit`` is the word behind it.
    strip
        Stacks only: one cell per step, oldest first.
    strip_ends
        Texts below the first and the last cell of the strip.
    cluster
        Id of the enclosing cluster; empty for none.
    shape, dtype
        Shape and dtype of the result.
    facts
        Names and values of everything else known, for tooltips and the details panel.
    """

    id: str
    kind: str
    title: str
    form: str = "pill"
    type: str = ""
    spec: str = ""
    note: str = ""
    absorbed: str = ""
    share: float | None = None
    fill: str = ""
    mark: str = ""
    hollow: bool = False
    repeats: int = 1
    unit: str = "steps"
    strip: tuple[Cell, ...] = ()
    strip_ends: tuple[str, str] = ("", "")
    cluster: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def steps(self) -> str:
        """Return ``"× 20 steps"`` for a stack, and an empty text otherwise."""
        return f"× {self.repeats} {self.unit}".rstrip() if self.repeats > 1 else ""

    @property
    def merged(self) -> str:
        """Return the row that names the absorbed operations: ``"↳ relu, maxpool 2×2"``."""
        return f"↳ {self.absorbed}" if self.absorbed else ""

    @property
    def lines(self) -> list[str]:
        """Return the texts of the box, one row per line, for formats without cards."""
        rows = [(self.title, self.note, self.mark)]
        if self.form == "card":
            rows = [(self.title, self.type, self.steps), (self.spec, self.note, self.mark)]
            rows.append((self.merged, "", ""))
        lines = ["  ".join(t for t in row if t.strip()) for row in rows]
        return [line for line in lines if line]

    @property
    def tooltip(self) -> list[str]:
        """Return the lines of the tooltip: all texts of the box, then one fact per line."""
        head = " ".join(t for t in (self.title, self.type, self.spec, self.note, self.mark) if t)
        return [head, *(f"{name}: {value}" for name, value in self.facts)]


@dataclass(frozen=True)
class Arrow:
    """An arrow from one box to another.

    Attributes
    ----------
    source, target
        Ids of the boxes.
    label
        The shape, where it changes.
    gradient
        Whether a gradient flows back along the arrow; it is dashed if not.
    width
        Line width in points; depends on the size of the gradient where that is shown.
    reverse
        Whether the head is at the source: such an arrow follows the gradient.
    loop
        Whether the arrow leads from a stack to itself: what one step hands to the next.
    """

    source: str
    target: str
    label: str = ""
    gradient: bool = True
    width: float = 1.2
    reverse: bool = False
    loop: bool = False


@dataclass(frozen=True)
class Cluster:
    """A rounded background around the boxes of one module call, nested inside ``parent``."""

    id: str
    title: str
    type: str = ""
    parent: str = ""


@dataclass(frozen=True)
class Scale:
    """The legend of a measurement: coloured cells with texts, words at both ends, a caption."""

    cells: tuple[Cell, ...]
    left: str = ""
    right: str = ""
    caption: str = ""


@dataclass
class Scene:
    """Everything in a picture, in drawing order (each box after all boxes it depends on).

    ``title`` and ``subtitle`` are written above the boxes. The legend below shows the kinds that
    are present, or the ``scale`` of the measurement that the colours show. ``omitted`` counts the
    operations that were left out.
    """

    title: str
    subtitle: str
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    scale: Scale | None = None
    omitted: int = 0


def toposort(boxes: list[Box], arrows: list[Arrow]) -> list[Box]:
    """Sort boxes so that each follows all it reads, and sources precede their first user.

    Boxes on a cycle (arrows of two pictures can make one) come last, in their given order.
    """
    waiting = {b.id: 0 for b in boxes}
    users: dict[str, list[str]] = {b.id: [] for b in boxes}
    for a in arrows:
        if not a.loop:
            waiting[a.target] += 1
            users[a.source].append(a.target)
    by_id = {b.id: b for b in boxes}
    place = {b.id: n for n, b in enumerate(boxes)}
    first_use = {i: min((place[t] for t in users[i]), default=n) for i, n in place.items()}
    ready = [(first_use[i], place[i], i) for i, n in waiting.items() if n == 0]
    heapify(ready)
    done: dict[str, Box] = {}
    while ready:
        _, _, name = heappop(ready)
        done[name] = by_id[name]
        for t in users[name]:
            waiting[t] -= 1
            if waiting[t] == 0:
                heappush(ready, (place[t], place[t], t))
    return list((done | by_id).values())


def critical_path(scene: Scene) -> dict[str, int]:
    """Return the boxes on the longest path to an output, with their distances from its end.

    The writers draw this path as a straight line. Parameters and loops do not count.
    """
    longest: dict[str, int] = {}
    before: dict[str, str] = {}
    incoming: dict[str, list[str]] = {b.id: [] for b in scene.boxes}
    kinds = {b.id: b.kind for b in scene.boxes}
    for a in scene.arrows:
        if not a.loop and kinds[a.source] != "parameter":
            incoming[a.target].append(a.source)
    for b in scene.boxes:  # each after all boxes that it reads
        known = [source for source in incoming[b.id] if source in longest]
        before[b.id] = max(known, key=lambda i: longest[i], default="")
        longest[b.id] = 1 + longest.get(before[b.id], 0)
    ends = [b.id for b in scene.boxes if b.kind == "output"] or list(longest)
    found: dict[str, int] = {}
    box = max(ends, key=lambda i: longest[i], default="")
    while box:
        found[box] = len(found)
        box = before[box]
    return found


def cluster_paths(scene: Scene) -> dict[str, tuple[str, ...]]:
    """Return the clusters around each cluster, from the outermost to itself."""
    parents = {c.id: c.parent for c in scene.clusters}
    found: dict[str, tuple[str, ...]] = {"": ()}
    for start in parents:
        chain: list[str] = []
        at = start
        while at in parents and at not in chain and at not in found:
            chain.append(at)
            at = parents[at]
        above = found.get(at, ()) if at not in chain else ()
        for c in reversed(chain):
            above = found[c] = (*above, c)
    return found


def outline(scene: Scene, boxes: list[Box]) -> Iterator[tuple[Box | Cluster, int, bool]]:
    """Yield boxes, and the clusters around them where they open, and (True) where they close.

    Each comes with its depth. Clusters that none of the boxes is in are left out. Uses a stack, not
    recursion.
    """
    paths = cluster_paths(scene)
    inside: dict[str, list[Box | Cluster]] = {}
    for b in boxes:
        inside.setdefault(b.cluster if b.cluster in paths else "", []).append(b)
    shown = {c for name in inside for c in paths[name]}
    for cluster in scene.clusters:
        if cluster.id in shown:
            inside.setdefault(["", *paths[cluster.id]][-2], []).append(cluster)
    stack = [(thing, 1, False) for thing in reversed(inside.get("", []))]
    while stack:
        thing, depth, closes = stack.pop()
        yield thing, depth, closes
        if isinstance(thing, Cluster) and not closes:
            stack.append((thing, depth, True))
            stack += [(one, depth + 1, False) for one in reversed(inside.get(thing.id, []))]
