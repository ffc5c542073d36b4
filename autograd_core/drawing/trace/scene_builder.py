"""Units as a scene: boxes, arrows and clusters, with names, notes and labels.

Every name is deterministic: the same graph gives the same scene.  Parameters are cloned at each
use (shared boxes, not many boxes, make a layout slow and tangled).
"""

from __future__ import annotations

from dataclasses import replace

from autograd_core.drawing.colour.measures import Measure
from autograd_core.drawing.layout.toposort import in_order
from autograd_core.drawing.scene import Arrow, Box, Cluster, Scene
from autograd_core.drawing.trace.boxes import Boxes
from autograd_core.drawing.trace.folding import fold
from autograd_core.drawing.trace.groups import Unit, absorb, group, links_between, tail
from autograd_core.drawing.trace.header import subtitle
from autograd_core.drawing.trace.names import operation_text, shape_text, value_text
from autograd_core.drawing.trace.sources import Source
from autograd_core.drawing.trace.trace import Trace

_LOSS = -2  # the cluster of a loss, which is no module call
_CLONED = 6  # a source of more users is drawn at each


class _Builder(Boxes):
    def __init__(
        self,
        trace: Trace,
        units: list[Unit],
        level: str,
        measure: Measure,
        max_nodes: int,
    ) -> None:
        super().__init__(trace, level, measure)
        end = tail(trace, units)
        merged = level in ("modules", "compact")
        self.ends = end if merged else []  # what the output stands for
        self.loss = [] if merged else self.loss_of(units, end)
        self.all = units
        drawn = [u for u in range(len(units)) if u not in set(self.ends)]
        self.kept = drawn[-max_nodes:] if max_nodes < len(drawn) else drawn
        self.omitted = sum(len(units[u].ops) for u in drawn[: len(drawn) - len(self.kept)])
        self.place, self.reads = links_between(trace, units)
        self.earlier: Box | None = None  # stands for what was left out
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.unit_ids: dict[int, str] = {}
        self.sources: dict[int, str] = {}
        self.step: dict[int, int] = {}  # of the operations of the stack that is drawn
        self.labelled: set[int] = set()
        self.pairs: set[tuple[str, str]] = set()

    # -- boxes --------------------------------------------------------------------------------

    def unit(self, u: int) -> None:
        """The box of one unit, and the arrows into it."""
        unit, trace = self.all[u], self.trace
        box = self.stack(unit) if unit.steps else self.card(unit) if unit.card else self.pill(unit)
        if u in self.loss and not box.cluster:
            box = replace(box, cluster=self.clusters[_LOSS].id)
        self.unit_ids[u] = box.id
        self.boxes.append(self.measure.unit(trace, unit, box))
        self.incoming(u, box)

    def loss_of(self, units: list[Unit], end: list[int]) -> list[int]:
        """The units of a loss of several operations, for which a cluster is made."""
        links = [k for u in end[:1] for i in units[u].ops for k in self.trace.ops[i].links]
        met = any(k.source is not None and k.source.role == "target" for k in links)
        if len(end) < 2 or not met:
            return []
        name = self.loss_name([i for u in end for i in units[u].ops]) or "loss"
        self.clusters[_LOSS] = Cluster(self.ids.fresh("loss of several"), name)
        return end

    # -- sources and arrows -------------------------------------------------------------------

    def source(self, source: Source, unit: Unit) -> str:
        """The box of a source: cloned at each use for parameters and what very many use."""
        clone = source.role == "parameter" or len(source.users) > _CLONED
        if unit.steps:
            clone = False
        key = id(source) if source.role != "parameter" else 0
        if not clone and key in self.sources:
            return self.sources[key]
        box = self.source_box(source, unit if clone else None)
        self.boxes.append(self.measure.source(source, box))
        if not clone:
            self.sources[key] = box.id
        return box.id

    def incoming(self, u: int, box: Box) -> None:
        unit, trace = self.all[u], self.trace
        inside = set(unit.ops)
        self.step = {i: n for n, word in enumerate(unit.steps) for w in word for i in w.ops}
        seen: set[int] = set()  # sources: of a card one arrow stands for all
        for i in unit.ops:
            for link in trace.ops[i].links:
                if link.op in inside:
                    continue
                source = link.source
                if link.op >= 0 and self.place[link.op] < 0:
                    source = trace.views.get(link.op)
                if source is None:
                    self.connect(link.op, box.id, link.shape)
                elif not unit.card or id(source) not in seen:
                    seen.add(id(source))
                    self.from_source(source, unit, box, link.shape)
        if unit.steps and self.carries(unit):
            self.arrows.append(Arrow(box.id, box.id, "hₜ → hₜ₊₁", loop=True))

    def from_source(self, source: Source, unit: Unit, box: Box, shape: tuple[int, ...]) -> None:
        latest = max((self.step.get(i, 0) for i in source.users), default=0)
        if source.role == "parameter" and unit.card and (not unit.steps or latest > 0):
            return  # the card says it
        state = latest == 0 and source.name == "data" and all(i in self.step for i in source.users)
        if state and unit.steps and self.carries(unit):
            source.name = "h₀"  # what the first step is given
        name = self.source(source, unit)
        label = shape_text(shape) if shape != source.shape else ""
        label += " a step" if label and unit.steps else ""
        if (name, box.id) not in self.pairs:
            self.pairs.add((name, box.id))
            flows = source.tracked
            self.arrows.append(self.measure.from_source(Arrow(name, box.id, label, flows), source))

    def connect(self, op: int, target: str, shape: tuple[int, ...], last: bool = False) -> None:
        """An arrow from the unit of an operation, labelled where the shape is a new one."""
        trace, u = self.trace, self.place[op]
        if u not in self.unit_ids:
            if self.omitted and self.earlier is None:  # one arrow says where the rest would be
                text = f"{self.omitted:,} earlier operations"
                self.earlier = Box(self.ids.fresh("earlier"), "view", "…", note=text)
                self.boxes.append(self.earlier)
                self.arrows.append(Arrow(self.earlier.id, target))
            return
        name, unit = self.unit_ids[u], self.all[u]
        if (name, target) in self.pairs and (self.level not in ("ops", "full") or unit.card):
            return  # one arrow stands for all, but where each operand of an operation is drawn
        inside = set(unit.ops)
        before = {
            k.shape for i in unit.ops for k in trace.ops[i].links
            if k.op not in inside and not (k.source and k.source.role == "parameter")
        }  # fmt: skip
        again = op in self.labelled  # a label stands at the first arrow
        self.labelled.add(op)
        self.pairs.add((name, target))
        label = "" if shape in before or not shape or last or again else shape_text(shape)
        arrow = Arrow(name, target, label)
        self.arrows.append(self.measure.arrow(trace, op, arrow))

    # -- ends ---------------------------------------------------------------------------------

    def outputs(self) -> None:
        for tensor, made in self.trace.roots:
            value = value_text(tensor._data)
            text = value or shape_text(tensor.shape)
            if made < 0:
                continue
            ops = [i for u in self.ends for i in self.all[u].ops]
            given = self.trace.given.get(id(tensor._node)) or tensor.name
            title = given or (self.loss_name(ops) if value else "") or "output"
            facts = [("value" if value else "shape", text), ("dtype", str(tensor.dtype))]
            if ops:
                made_by = ", ".join(operation_text(self.trace.ops[i].node) for i in ops)
                facts.append(("made by", made_by))
            box = Box(
                self.ids.fresh(given or "output"),
                "output",
                title,
                "box",
                note=text,
                shape=tuple(tensor.shape),
                dtype=str(tensor.dtype),
                facts=tuple(facts),
            )
            if ops:
                unit = Unit(ops)
                inside = set(ops)
                targets = [k for i in ops for k in self.trace.ops[i].links if k.op not in inside]
                self.boxes.append(box)
                for k in sorted(targets, key=lambda k: k.op < 0):
                    if k.op >= 0:
                        self.connect(k.op, box.id, k.shape)
                    elif k.source is not None:
                        self.from_source(k.source, unit, box, k.shape)
            else:
                self.boxes.append(box)
                self.connect(made, box.id, tuple(tensor.shape), last=True)
        for source in self.trace.alone:
            self.boxes.append(self.measure.source(source, self.source_box(source, None)))


def build(
    trace: Trace,
    level: str,
    measure: Measure,
    *,
    title: str,
    folded: bool,
    depth: int | None,
    max_nodes: int,
) -> Scene:
    """The scene of a trace at a level."""
    units = group(trace, level, depth)
    if folded:
        units = fold(trace, units)
    if level == "compact":
        units = absorb(trace, units)
    measure.prepare(trace, units)
    b = _Builder(trace, units, level, measure, max_nodes)
    for u in b.kept:
        b.unit(u)
    b.outputs()
    ordered = in_order(b.boxes, b.arrows)
    finding = measure.finding()
    return Scene(
        title + (f"  —  {measure.heading}" if measure.heading else ""),
        finding or subtitle(trace, b.omitted, units, level),
        ordered,
        b.arrows,
        list(b.clusters.values()),
        measure.scale(),
        omitted=b.omitted,
    )
