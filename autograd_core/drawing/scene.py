"""The scene: what a picture shows, as plain dataclasses, ready for any format.

A builder makes a scene of a recorded graph; a renderer (DOT, SVG, HTML, Mermaid, text) reads it
and nothing else.  Sizes, positions and fonts are the renderer's.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """One coloured cell, of a strip or of the scale in the legend."""

    fill: str
    text: str


@dataclass(frozen=True)
class Box:
    """One thing drawn: a module, an operation, a parameter, data or an output.

    Attributes
    ----------
    id
        Unique and the same for the same graph: ``"fc1.matmul"``.
    kind
        What it is, a key of ``palette.STYLES``.
    form
        ``"card"`` (a stripe at its left and two rows), ``"pill"`` (an operation) or ``"box"``
        (square: data, parameters, outputs).
    title
        Bold, left in the first row: a name, or an operation's sign.
    type
        Cards only: right in the first row, as ``"Linear"``.
    spec
        Cards only: left in the second row, as ``"784 → 16"``.
    note
        Muted: right in the second row of a card, after the title elsewhere.
    absorbed
        Cards only: a last row, the operations that were taken into the card.
    share
        Cards only: a bar, between 0 and 1 (of all parameters).
    fill
        A measurement's colour in place of the kind's fill, as ``"#2166AC"``; empty for none.
    mark
        The measurement in words, bold, at the right: ``"▼ ×10⁻⁵"``.
    hollow
        Drawn with a dashed outline: the measured gradient is exactly zero.
    repeats
        More than 1: a stack of cards, for so many folded steps.
    strip
        Of a stack: one cell a step, oldest first.
    strip_ends
        What stands below the first and the last cell.
    cluster
        The id of the cluster around it; empty for none.
    shape, dtype
        Of its result.
    facts
        Name and value of everything else known, for tooltips and the details panel.
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
    strip: tuple[Cell, ...] = ()
    strip_ends: tuple[str, str] = ("", "")
    cluster: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Arrow:
    """From one box to another.

    Attributes
    ----------
    label
        A shape, where it changes.
    gradient
        Whether a gradient flows back along it; dashed if not.
    width
        Of the line, in points; by the size of the gradient where that is shown.
    reverse
        The head is at the source: the arrow follows the gradient.
    loop
        What a folded step hands to the next one: from a stack to itself.
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
    """A rounded background around the boxes of one module call; ``parent`` nests it."""

    id: str
    title: str
    type: str = ""
    parent: str = ""


@dataclass(frozen=True)
class Scale:
    """The legend of a measurement: coloured cells with their texts, and the words at its ends."""

    cells: tuple[Cell, ...]
    left: str = ""
    right: str = ""
    caption: str = ""


@dataclass
class Scene:
    """Everything in a picture, in drawing order (a box after all that it depends on).

    ``title`` and ``subtitle`` stand above; below, the legend: the kinds that are present, or the
    ``scale`` of what the colours measure.  ``omitted`` operations were left out.
    """

    title: str
    subtitle: str
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)
    scale: Scale | None = None
    omitted: int = 0
