"""``color="grad"``: where the gradient vanishes, explodes, or does not arrive."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import median

from autograd_core.drawing.colour.gradients import Sizes, measure
from autograd_core.drawing.colour.measures import Measure
from autograd_core.drawing.colour.palette import GRADIENT
from autograd_core.drawing.scene import Arrow, Box, Cell, Scale
from autograd_core.drawing.trace.groups import Unit
from autograd_core.drawing.trace.names import number_text, power_text
from autograd_core.drawing.trace.sources import Source, size
from autograd_core.drawing.trace.trace import Trace

_TEXTS = ("≤10⁻⁴", "10⁻³", "10⁻²", "0.1", "×1", "×10", "×10²", "≥×10³")
_SMALL, _LARGE = 1e-3, 1e3  # of the last layer's gradient: vanishing, exploding


def colour(ratio: float) -> str:
    """The colour of a size relative to the last layer's, by its rounded power of ten."""
    if not math.isfinite(ratio):
        return GRADIENT[-1]
    power = round(math.log10(ratio)) if ratio > 0 else -4
    return GRADIENT[min(max(power, -4), 3) + 4]


def mark(ratio: float) -> str:
    """A ratio in words: ``▼ ×10⁻⁵``, ``▲ ×10³``, ``×0.055``, ``✕ NaN``, ``0``."""
    if not math.isfinite(ratio):
        return f"✕ {'NaN' if math.isnan(ratio) else '∞'}"
    if ratio == 0:
        return "0: no gradient"
    sign = "▼ " if ratio < 0.02 else "▲ " if ratio > 20 else ""
    return sign + power_text(ratio)


class GradientFlow(Measure):
    """Colours parameters and cards by the rms of their gradient, relative to the last ones'."""

    heading = "gradient flow"

    def prepare(self, trace: Trace, units: list[Unit]) -> None:
        if "gradients" not in trace.measured:
            trace.measured["gradients"] = measure(trace)
        self.sizes: Sizes = trace.measured["gradients"]
        self.found: list[tuple[str, float]] = []  # of every layer, in order
        self.steps: list[tuple[str, float]] = []  # of every stack: first step over last
        self.reference = 0.0
        self.of_sum = len(trace.roots) > 1 or trace.roots[0][0].size != 1
        for unit in units:
            rms = self.of(trace, unit)
            if rms is not None and math.isfinite(rms) and rms > 0:
                self.reference = rms
        nodes = [
            v for n, v in self.sizes.nodes.items() if math.isfinite(v) and v > 0 and n.out.shape
        ]
        self.largest = max(nodes, default=0.0)

    def of(self, trace: Trace, unit: Unit) -> float | None:
        """The rms of the gradient of all parameters of a unit."""
        return self.sizes.of(trace.parameters(unit.ops), size)

    def ratio(self, rms: float) -> float:
        return rms / self.reference if self.reference else rms if not math.isfinite(rms) else 0.0

    def unit(self, trace: Trace, unit: Unit, box: Box) -> Box:
        node = trace.ops[unit.ops[-1]].node
        own = self.sizes.nodes.get(node)
        facts = box.facts
        if own is not None:
            facts = (*facts, ("rms of ∂L/∂result", number_text(own)))
        if unit.steps:
            return self.stack(trace, unit, replace(box, facts=facts))
        rms = self.of(trace, unit) if trace.parameters(unit.ops) else None
        if rms is None:
            plain = box.form == "pill"
            bad = own is not None and not math.isfinite(own)
            fill = "#FFFFFF" if plain or box.form == "card" else box.fill
            text = mark(own) if bad and own is not None else box.mark
            note = box.note if plain else "no gradient"
            return replace(box, fill=fill, facts=facts, mark=text, note=note)
        ratio = self.ratio(rms)
        name = box.title if box.form == "card" else box.id
        self.found.append((name, ratio))
        facts = (*facts, ("rms of ∂L/∂W", number_text(rms)), ("of the last layer's", mark(ratio)))
        if box.form != "card":
            return replace(box, fill="#FFFFFF", facts=facts)
        kind = " ".join(p for p in (box.type, box.spec) if p)
        return replace(
            box,
            type=kind,
            spec=f"∇ {number_text(rms)}",
            note="",
            mark=mark(ratio),
            fill="#FFFFFF" if rms == 0 else colour(ratio),
            hollow=rms == 0,
            facts=facts,
            share=None,
        )

    def stack(self, trace: Trace, unit: Unit, box: Box) -> Box:
        """A stack of steps: the gradient of each step's result, relative to the last step's."""
        sizes = []
        for word in unit.steps:
            of_step = [self.sizes.nodes.get(trace.ops[w.ops[-1]].node) for w in word]
            known = [s for s in of_step if s is not None]
            sizes.append(known[-1] if known else -1.0)
        rms = self.of(trace, unit)
        last = sizes[-1]
        if rms is not None:
            box = replace(box, facts=(*box.facts, ("rms of ∂L/∂W", number_text(rms))))
        if last <= 0 or not math.isfinite(last):
            return box
        cells = []
        for s in sizes:
            ratio = s / last if s >= 0 else 0.0
            cells.append(Cell(colour(ratio), mark(ratio) if s >= 0 else "none"))
        first = sizes[0] / last
        self.steps.append((box.title, first))
        ends = (f"t = 0   {_exact(first)}", f"t = {len(sizes) - 1}")
        return replace(box, strip=tuple(cells), strip_ends=ends)

    def source(self, source: Source, box: Box) -> Box:
        rms = self.sizes.leaves.get(source.node) if source.node is not None else None
        if rms is None or source.role != "parameter":
            return box
        ratio = self.ratio(rms)
        fill = "#FFFFFF" if rms == 0 else colour(ratio)
        facts = (*box.facts, ("rms of the gradient", number_text(rms)))
        return replace(box, fill=fill, mark=mark(ratio), hollow=rms == 0, facts=facts)

    def width(self, rms: float | None) -> float:
        """Of an arrow, from 0.5 to 4 points, by the power of ten of the gradient's size."""
        if rms is None or not self.largest or not rms > 0 or not math.isfinite(rms):
            return 0.5
        return min(max(4 + 0.875 * math.log10(rms / self.largest), 0.5), 4.0)

    def arrow(self, trace: Trace, op: int, arrow: Arrow) -> Arrow:
        if self.sizes.partial:
            return arrow
        rms = self.sizes.nodes.get(trace.ops[op].node)
        return replace(arrow, width=self.width(rms), reverse=True, gradient=bool(rms))

    def from_source(self, arrow: Arrow, source: Source) -> Arrow:
        if source.role != "parameter" or self.sizes.partial or source.node is None:
            return arrow if source.role == "parameter" else replace(arrow, width=0.6)
        rms = self.sizes.leaves.get(source.node)
        return replace(arrow, reverse=True, width=1.0, gradient=bool(rms))

    def finding(self) -> str:
        """What the picture shows, in a sentence."""
        lines = [*self._layers(), *self._stacks()]
        if self.of_sum:
            lines.append("of the sum of all results")
        if self.sizes.partial:
            lines.append("from .grad: backward has freed the graph")
        return "  ·  ".join(lines)

    def _stacks(self) -> list[str]:
        told = []
        for name, first in self.steps:
            if 0 <= first < _SMALL or first > _LARGE:
                word = "▼ vanishing" if first < 1 else "▲ exploding"
                told.append(
                    f"{word} through time: step 0 of {name} gets {number_text(first)} of the "
                    "gradient of the last step"
                )
        return told

    def _layers(self) -> list[str]:
        if not self.found:
            return [] if self.steps else ["no parameter gets a gradient"]
        bad = [name for name, r in self.found if not math.isfinite(r)]
        if bad:
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            return [f"✕ the gradient of {bad[-1]}{more} is not finite"]
        none = [name for name, r in self.found if r == 0]
        told = []
        if none:
            told.append(f"0: exactly no gradient arrives at {', '.join(none[:4])}")
        layers = [
            (f"layer {name}" if name.isdigit() else name, r) for name, r in self.found if r > 0
        ]
        if len(layers) < 2:
            return told or (["one layer has parameters"] if not self.steps else [])
        last = layers[-1][0]
        low, high = min(layers, key=lambda p: p[1]), max(layers, key=lambda p: p[1])
        ratios = [b[1] / a[1] for a, b in zip(layers[1:], layers, strict=False)]
        between = f"(median ratio {power_text(median(ratios)).lstrip('×')} a layer)"
        if low[1] < _SMALL:
            told.append(
                f"▼ vanishing: {low[0]} gets {number_text(low[1])} of the gradient {last} gets "
                + between
            )
        if high[1] > _LARGE:
            told.append(
                f"▲ exploding: {high[0]} gets {number_text(high[1])} times the gradient {last} gets"
            )
        if not told:
            told.append(
                f"every layer gets between {power_text(low[1])} and {power_text(high[1])} of the "
                f"gradient {last} gets"
            )
        return told

    def scale(self) -> Scale:
        cells = tuple(Cell(c, t) for c, t in zip(GRADIENT, _TEXTS, strict=True))
        strip = (
            "  Strip: rms of ∂L/∂h at each step, relative to the last step." if self.steps else ""
        )
        return Scale(
            cells,
            "▼ vanishing",
            "exploding ▲",
            "Fill: rms of ∂L/∂W relative to the last layer.  Arrows follow the gradient; "
            "their width is the logarithm of its size." + (strip if self.steps else ""),
        )


def _exact(ratio: float) -> str:
    """A ratio with its mantissa: ``▼ ×6.3·10⁻⁶``."""
    if not math.isfinite(ratio) or ratio == 0:
        return mark(ratio)
    sign = "▼ " if ratio < 0.02 else "▲ " if ratio > 20 else ""
    return f"{sign}×{number_text(ratio)}"
