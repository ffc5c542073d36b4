"""What the page tells of every box, whatever its colours show: gradients, time and memory, too."""

from __future__ import annotations

from dataclasses import replace

from autograd_core.drawing.colour.costs import Cost
from autograd_core.drawing.colour.flow import GradientFlow
from autograd_core.drawing.colour.measures import Measure
from autograd_core.drawing.scene import Arrow, Box, Scale
from autograd_core.drawing.trace.groups import Unit
from autograd_core.drawing.trace.sources import Source
from autograd_core.drawing.trace.trace import Trace
from autograd_core.profiling.profiler import Profile

Ranges = dict[int, list[tuple[str, str]]]

#: Operations of larger graphs are not run again for their times.
_REPLAYED = 2000


class Detailed(Measure):
    """Another measure, with the facts of the others added to its own."""

    def __init__(self, shown: Measure, profile: Profile | None, ranges: Ranges) -> None:
        self.shown, self.profile, self.ranges = shown, profile, ranges
        self.heading = shown.heading
        self.others: list[Measure] = []

    def prepare(self, trace: Trace, units: list[Unit]) -> None:
        quick = self.profile is not None or len(trace.ops) <= _REPLAYED
        self.others = [GradientFlow(), Cost("time" if quick else "memory", self.profile)]
        for measure in (self.shown, *self.others):
            measure.prepare(trace, units)

    def unit(self, trace: Trace, unit: Unit, box: Box) -> Box:
        told = [m.unit(trace, unit, box) for m in self.others]
        node = trace.ops[unit.ops[-1]].node
        values = self.ranges.get(node.seq) or self.statistics(node.out)
        values = values or [("values", "not kept; draw the function, ag.draw(f, x), to see them")]
        return _joined(
            self.shown.unit(trace, unit, box), [replace(box, facts=tuple(values)), *told]
        )

    def source(self, source: Source, box: Box) -> Box:
        return _joined(self.shown.source(source, box), [m.source(source, box) for m in self.others])

    def arrow(self, trace: Trace, op: int, arrow: Arrow) -> Arrow:
        return self.shown.arrow(trace, op, arrow)

    def from_source(self, arrow: Arrow, source: Source) -> Arrow:
        return self.shown.from_source(arrow, source)

    def finding(self) -> str:
        return self.shown.finding()

    def scale(self) -> Scale | None:
        return self.shown.scale()


def _joined(box: Box, others: list[Box]) -> Box:
    """The first box, with the facts of the others that it does not tell."""
    facts = dict(box.facts)
    for other in others:
        for name, value in other.facts:
            facts.setdefault(name, value)
    return replace(box, facts=tuple(facts.items()))
