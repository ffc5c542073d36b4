"""``color="grad"``: where the gradient vanishes, explodes or does not arrive.

Measuring changes no ``.grad`` and runs no hook.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

import numpy as np

from autograd_core.drawing.colour.measures import Measure
from autograd_core.drawing.colour.palette import GRADIENT, WHITE
from autograd_core.drawing.scene import Arrow, Box, Cell, Scale
from autograd_core.drawing.trace.groups import Group
from autograd_core.drawing.trace.trace import Op, Source, Trace
from autograd_core.drawing.trace.wording import number_text, power_text, value_text
from autograd_core.engine.array_types import host_values
from autograd_core.engine.backward import sweep, unit_cotangents
from autograd_core.engine.graph import Leaf, Node, reachable
from autograd_core.engine.operands import whole_shape
from autograd_core.errors import GraphError

_TEXTS = ("≤10⁻⁴", "10⁻³", "10⁻²", "0.1", "×1", "×10", "×10²", "≥×10³")
#: Sizes relative to the gradient of the last layer: vanishing below, exploding above.
_SMALL, _LARGE = 1e-3, 1e3


@dataclass
class Sizes:
    """Root mean squares of gradients: of the results of nodes, and of leaves.

    ``numbers`` are the gradients that are one number. ``partial`` if backward had freed the graph;
    then there are only leaves, with the sizes of their ``.grad``.
    """

    known: dict[Node, float] = field(default_factory=dict)
    numbers: dict[Node, str] = field(default_factory=dict)
    partial: bool = False

    def note(self, node: Node, gradient: Any) -> None:
        """Note the size of a gradient."""
        self.known[node] = rms(gradient)
        self.numbers[node] = value_text(getattr(gradient, "_array", gradient))

    def of(self, sources: list[Source]) -> float | None:
        """Return the rms over all elements of several parameters; None if no gradient arrives."""
        known = [(self.known[s.node], s.size) for s in sources if s.node in self.known]
        n = sum(size for _, size in known)
        return math.sqrt(sum(rms * rms * size for rms, size in known) / n) if n else None


def rms(g: Any) -> float:
    """Return the root mean square of an array, computed in double precision."""
    a = host_values(g)
    if not a.size:
        return 0.0
    wide = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
    largest = float(np.max(np.abs(wide)))
    if not largest or not np.isfinite(largest):
        return largest  # NaN and infinity stay visible
    return largest * float(np.sqrt(np.mean(np.abs(wide / largest) ** 2)))


def gradient_sizes(trace: Trace) -> Sizes:
    """Run backward from the roots (from the sum of their elements) and note the rms everywhere.

    It runs once for all levels of a picture.
    """
    if "gradients" not in trace.measured:
        trace.measured["gradients"] = _gradient_sizes(trace)
    found: Sizes = trace.measured["gradients"]
    return found


def _gradient_sizes(trace: Trace) -> Sizes:
    sizes = Sizes()
    cotangents = unit_cotangents(t for t, _ in trace.roots if t._node.tracked)
    order = reachable(cotangents)

    def observe(nodes: list[Node]) -> Iterator[Node]:
        for node in nodes:
            g = cotangents.get(node)
            if g is not None and type(g) is not dict and not isinstance(node, Leaf):
                sizes.note(node, g)
            yield node

    try:
        with np.errstate(all="ignore"):
            sweep(order, cotangents, hooks=False, observer=observe)
        leaves = {n: g for n, g in cotangents.items() if isinstance(n, Leaf)}
    except GraphError:  # what an earlier backward stored
        sizes = Sizes(partial=True)
        owners = {n: n.owner() for n in order if isinstance(n, Leaf) and n.owner is not None}
        leaves = {n: g for n, o in owners.items() if (g := getattr(o, "_grad", None)) is not None}
    for leaf, gradient in leaves.items():
        sizes.note(leaf, gradient)
    return sizes


def ratio_colour(ratio: float) -> str:
    """Return the colour of a size relative to a reference, by its rounded power of ten."""
    if not math.isfinite(ratio):
        return GRADIENT[-1]
    power = round(math.log10(ratio)) if ratio > 0 else -4
    return GRADIENT[min(max(power, -4), 3) + 4]


def mark(ratio: float, exact: bool = False) -> str:
    """Return a ratio in words: ``▼ ×10⁻⁵``, ``▲ ×10³``, ``×0.055``, ``✕ NaN``.

    With ``exact`` it has its mantissa: ``▼ ×6.3·10⁻⁶``.
    """
    if not math.isfinite(ratio):
        return f"✕ {'NaN' if math.isnan(ratio) else '∞'}"
    if ratio == 0:
        return "0: no gradient"
    sign = "▼ " if ratio < 0.02 else "▲ " if ratio > 20 else ""
    return sign + (f"×{number_text(ratio)}" if exact else power_text(ratio))


class GradientFlow(Measure):
    """Colours parameters and cards by the rms of their gradient, relative to the last layer's."""

    heading = "gradient flow"

    def prepare(self, trace: Trace, groups: list[Group]) -> None:
        self.sizes = gradient_sizes(trace)
        self.layers: list[tuple[str, float]] = []  # relative size of every layer, in order
        self.stacks: list[tuple[str, float]] = []  # of every stack: first step over last
        self.has_parameters = any(s.role == "parameter" for s in trace.sources)
        self.of_sum = len(trace.roots) > 1 or trace.roots[0][0].size != 1
        known = [self.sizes.of(own) for g in groups for own in g.layers(trace)]
        fine = [r for r in known if r and math.isfinite(r)]
        self.reference = fine[-1] if fine else 0.0
        self.last = ""  # the name of the layer that has it
        results = [
            r for n, r in self.sizes.known.items()
            if math.isfinite(r) and not isinstance(n, Leaf) and whole_shape(n.out)
        ]  # fmt: skip
        self.largest = max(results, default=0.0)

    def ratio(self, rms: float) -> float:
        """Return a size relative to the gradient of the last layer."""
        return rms / self.reference if self.reference else rms if not math.isfinite(rms) else 0.0

    def coloured(self, box: Box, rms: float) -> Box:
        """Return a box with the colour and mark of a gradient."""
        ratio = self.ratio(rms)
        fill = WHITE if rms == 0 else ratio_colour(ratio)
        return replace(box, fill=fill, mark=mark(ratio), hollow=rms == 0)

    def group(self, trace: Trace, group: Group, box: Box) -> Box:
        own = self.sizes.known.get(trace.ops[group.ops[-1]].node)
        if own is not None:
            box = replace(box, facts=(*box.facts, ("rms of ∂L/∂result", number_text(own))))
        rms = self.sizes.of(group.parameters(trace))
        if group.steps:
            return self.stack(trace, group, box, rms)
        is_card = box.form == "card"
        if rms is None:
            text = box.mark if own is None or math.isfinite(own) else mark(own)
            return replace(box, fill=WHITE, mark=text, note="no gradient" if is_card else box.note)
        size, ratio = number_text(rms), self.ratio(rms)
        self.layers.append((box.title if is_card else box.id, ratio))
        self.last = self.layers[-1][0] if rms == self.reference else self.last
        box = replace(box, facts=(*box.facts, ("rms of ∂L/∂W", size),
                                  ("of the last layer's", mark(ratio))))  # fmt: skip
        if not is_card:
            return replace(box, fill=WHITE)
        kind = " ".join(p for p in (box.type, box.spec) if p)
        return self.coloured(replace(box, type=kind, spec=f"∇ {size}", note="", share=None), rms)

    def stack(self, trace: Trace, group: Group, box: Box, rms: float | None) -> Box:
        """Return a stack with the gradient of each step's result, relative to the last step's.

        Blocks with weights of their own are layers: their weights count, as those of other layers.
        """
        sizes = sizes_of_own = [self.sizes.of(own) for own in group.layers(trace)]
        if not group.blocks:
            ends = [[trace.ops[g.ops[-1]].node for g in reversed(step)] for step in group.steps]
            known = [(self.sizes.known[n] for n in step if n in self.sizes.known) for step in ends]
            sizes = [next(of_step, None) for of_step in known]
        if rms is not None:
            box = replace(box, facts=(*box.facts, ("rms of ∂L/∂W", number_text(rms))))
            self.last = box.title if self.reference in sizes_of_own else self.last
        last = self.reference if group.blocks else sizes[-1] or 0.0
        if last <= 0 or not math.isfinite(last):
            return box
        ratios = [None if s is None else s / last for s in sizes]
        strip = tuple(Cell(ratio_colour(r or 0), "none" if r is None else mark(r)) for r in ratios)
        start, end = group.ends(trace)
        if group.blocks:
            names = [trace.scopes[s].title for s in group.blocks]
            self.layers += [(n, r) for n, r in zip(names, ratios, strict=True) if r is not None]
            end += f"   {mark(ratios[-1] or 0.0, exact=True)}"
        elif ratios[0] is not None:
            self.stacks.append((box.title, ratios[0]))
        start += f"   {mark(ratios[0] or 0.0, exact=True)}"
        return replace(box, strip=strip, strip_ends=(start, end), share=None)

    def source(self, source: Source, box: Box) -> Box:
        rms = self.sizes.known.get(source.node) if source.node is not None else None
        if rms is None or source.role != "parameter":
            return box
        facts = (*box.facts, ("rms of the gradient", number_text(rms)))
        return self.coloured(replace(box, facts=facts), rms)

    def width(self, rms: float | None) -> float:
        """Return the line width in points, log-scaled by gradient norm: from 0.5 to 4."""
        if rms is None or not self.largest or not rms > 0 or not math.isfinite(rms):
            return 0.5
        return min(max(4 + 0.875 * math.log10(rms / self.largest), 0.5), 4.0)

    def arrow(self, arrow: Arrow, start: Op | Source) -> Arrow:
        is_source, node = isinstance(start, Source), start.node
        if isinstance(start, Source) and start.role != "parameter":
            return replace(arrow, width=0.6)
        if self.sizes.partial or node is None or not node.tracked:
            return arrow
        rms = self.sizes.known.get(node)
        width = 1.0 if is_source else self.width(rms)
        return replace(arrow, width=width, reverse=True, gradient=bool(rms))

    def finding(self) -> str:
        lines = [*self._about_layers(), *self._about_stacks()]
        if self.of_sum:
            lines.append("of the sum of all results")
        if self.sizes.partial:
            lines.append("from .grad: backward has freed the graph")
        return "  ·  ".join(lines)

    def _about_stacks(self) -> list[str]:
        return [
            f"{'▼ vanishing' if first < 1 else '▲ exploding'} through time: step 0 of {name} gets "
            f"{number_text(first)} of the gradient of the last step"
            for name, first in self.stacks
            if 0 <= first < _SMALL or first > _LARGE
        ]

    def _about_layers(self) -> list[str]:
        if not self.layers:
            text = "no parameter gets a gradient" if self.has_parameters else "of the inputs alone"
            return [] if self.stacks else [text]
        bad = [name for name, r in self.layers if not math.isfinite(r)]
        if bad:
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            return [f"✕ the gradient of {bad[-1]}{more} is not finite"]
        none = [name for name, r in self.layers if r == 0]
        lines = [f"0: exactly no gradient arrives at {', '.join(none[:4])}"] if none else []
        layers = [(f"layer {n}" if n.isdigit() else n, r) for n, r in self.layers if r > 0]
        if len(layers) < 2:
            return lines or (["one layer has parameters"] if not self.stacks else [])
        last = f"layer {self.last}" if self.last.isdigit() else self.last
        low, high = min(layers, key=lambda p: p[1]), max(layers, key=lambda p: p[1])
        ratios = [b[1] / a[1] for a, b in zip(layers[1:], layers, strict=False)]
        if low[1] < _SMALL:
            lines.append(
                f"▼ vanishing: {low[0]} gets {number_text(low[1])} of the gradient {last} gets "
                f"(median ratio {power_text(median(ratios)).lstrip('×')} a layer)"
            )
        if high[1] > _LARGE:
            lines.append(
                f"▲ exploding: {high[0]} gets {number_text(high[1])} times the gradient {last} gets"
            )
        return lines or [
            f"every layer gets between {power_text(low[1])} and {power_text(high[1])} of the "
            f"gradient {last} gets"
        ]

    def scale(self) -> Scale:
        cells = tuple(Cell(c, t) for c, t in zip(GRADIENT, _TEXTS, strict=True))
        strip = "  Strip: rms of ∂L/∂h at each step, relative to the last step."
        caption = (
            "Fill: rms of ∂L/∂W relative to the last layer.  Arrows follow the gradient; "
            "their width is the logarithm of its size." + (strip if self.stacks else "")
        )
        return Scale(cells, "▼ vanishing", "exploding ▲", caption)
