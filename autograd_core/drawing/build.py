"""Units as a scene: boxes, arrows and clusters, with names, notes and labels.

Every name is deterministic: the same graph gives the same scene.  Parameters are cloned at each
use (shared boxes, not many boxes, make a layout slow and tangled).
"""

from __future__ import annotations

from typing import Any

from autograd_core.drawing.folding import fold
from autograd_core.drawing.formula import formula
from autograd_core.drawing.header import subtitle
from autograd_core.drawing.measures import Measure
from autograd_core.drawing.modules import spec_of
from autograd_core.drawing.names import Ids, operation_text, shape_text, value_text, words
from autograd_core.drawing.scene import Arrow, Box, Cluster, Scene
from autograd_core.drawing.trace import Source, Trace, size
from autograd_core.drawing.units import Unit, absorb, group, links_between, tail

_CLONED = 6  # a source of more users is drawn at each


class _Builder:
    def __init__(
        self,
        trace: Trace,
        units: list[Unit],
        level: str,
        measure: Measure,
        max_nodes: int,
        whole: int,
    ) -> None:
        self.trace, self.level, self.measure, self.whole = trace, level, measure, whole
        self.ends = tail(trace, units) if level in ("modules", "compact") else []
        self.all = units
        drawn = [u for u in range(len(units)) if u not in set(self.ends)]
        self.kept = drawn[-max_nodes:] if max_nodes < len(drawn) else drawn
        self.omitted = sum(len(units[u].ops) for u in drawn[: len(drawn) - len(self.kept)])
        self.place, self.reads = links_between(trace, units)
        self.ids = Ids()
        self.earlier: Box | None = None  # stands for what was left out
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.clusters: dict[int, Cluster] = {}
        self.unit_ids: dict[int, str] = {}
        self.sources: dict[int, str] = {}
        self.pairs: set[tuple[str, str]] = set()
        self.total = sum(size(s) for s in trace.sources if s.role == "parameter")

    # -- clusters -----------------------------------------------------------------------------

    def cluster(self, scope: int) -> str:
        """The id of the cluster of a module call, made with those around it if it is new."""
        missing = []
        while scope >= 0 and scope not in self.clusters:
            missing.append(scope)
            scope = self.trace.scopes[scope].parent
            if not self._drawn(scope):
                scope = -1
        for i in reversed(missing):
            s = self.trace.scopes[i]
            parent = self.clusters[s.parent].id if s.parent in self.clusters else ""
            kind = s.type if s.type != s.title else ""
            self.clusters[i] = Cluster(self.ids.fresh(s.path), s.title, kind, parent)
        return self.clusters[missing[0] if missing else scope].id if missing or scope >= 0 else ""

    def _drawn(self, scope: int) -> bool:
        s = self.trace.scopes[scope] if scope >= 0 else None
        return s is not None and (s.parent >= 0 or s.start != self.hidden_start)

    hidden_start = -1

    # -- boxes --------------------------------------------------------------------------------

    def unit(self, u: int) -> None:
        """The box of one unit, and the arrows into it."""
        unit, trace = self.all[u], self.trace
        box = self.stack(unit) if unit.steps else self.card(unit) if unit.card else self.pill(unit)
        self.unit_ids[u] = box.id
        self.boxes.append(self.measure.unit(trace, unit, box))
        self.incoming(u, box)

    def path(self, unit: Unit, name: str) -> str:
        scope = unit.scope if unit.scope >= 0 else trace_scope(self.trace, unit)
        path = self.trace.scopes[scope].path if scope >= 0 else ""
        return f"{path}.{name}" if path and self._drawn(scope) else name

    def pill(self, unit: Unit) -> Box:
        trace, first = self.trace, self.trace.ops[unit.ops[0]]
        last = trace.ops[unit.ops[-1]]
        primitive = last.node.primitive
        assert primitive is not None
        title, name = operation_text(last.node), primitive.name.lstrip("_")
        if len(unit.ops) > 1 and unit.scope >= 0:
            scope = trace.scopes[unit.scope]
            title = name = scope.type.lower()
            title = f"{title} {spec_of(scope.module)}".strip()
        given = trace.given.get(id(last.node)) or last.node.name or ""
        if any(made == unit.ops[-1] for _, made in trace.roots):
            given = ""  # the name of the output
        note = given
        facts = [("operation", name), ("shape", shape_text(last.shape)), ("dtype", last.dtype)]
        if self.level == "full":
            held = self.measure.saved_text(trace, unit)
            note = "  ".join(p for p in (note, shape_text(last.shape), held) if p)
        site = first.node.watch.site if first.node.watch else None
        facts += [("line", site)] if site else []
        return Box(
            self.ids.fresh(given or self.path(unit, name)),
            unit.category(trace),
            title,
            note=note,
            cluster=self.cluster(unit.home) if unit.home >= 0 else "",
            shape=last.shape,
            dtype=last.dtype,
            facts=tuple(facts),
        )

    def card(self, unit: Unit) -> Box:
        trace = self.trace
        scope = trace.scopes[unit.scope]
        last = trace.ops[unit.ops[-1]]
        own = trace.parameters(unit.ops)
        count = sum(size(p) for p in own)
        facts = [("module", scope.type), ("shape", shape_text(last.shape)), ("dtype", last.dtype)]
        facts += [(p.name.rpartition(".")[2], shape_text(p.shape)) for p in own]
        compact = self.level == "compact"
        return Box(
            self.ids.fresh(scope.path),
            "module",
            scope.title,
            "card",
            type=scope.type if scope.type != scope.title else "",
            spec=spec_of(scope.module),
            note=f"{count:,} params",
            absorbed=", ".join(self.pill_text(a) for a in unit.absorbed),
            share=count / self.total if compact and self.total else None,
            cluster=self.cluster(unit.home) if unit.home >= 0 else "",
            shape=last.shape,
            dtype=last.dtype,
            facts=tuple(facts),
        )

    def pill_text(self, unit: Unit) -> str:
        """What the pill of a unit would say."""
        last = self.trace.ops[unit.ops[-1]].node
        if len(unit.ops) > 1 and unit.scope >= 0:
            scope = self.trace.scopes[unit.scope]
            return f"{scope.type.lower()} {spec_of(scope.module)}".strip()
        return operation_text(last)

    def stack(self, unit: Unit) -> Box:
        trace, word = self.trace, unit.steps[0]
        last = trace.ops[unit.ops[-1]]
        own = trace.parameters(i for w in unit.steps[1] for i in w.ops)
        count = sum(size(p) for p in own)
        told = [
            trace.scopes[u.scope].title if u.card and u.scope >= 0 else self.pill_text(u)
            for u in word
        ]
        kinds = [u.category(trace) for u in word]
        inner = [t for t, k in zip(told, kinds, strict=True) if k != "view"] or told
        if unit.scope >= 0:
            scope = trace.scopes[unit.scope]
            title, kind, spec = scope.title, scope.type, spec_of(scope.module)
            spec = spec or self.formula(unit) or ", ".join(inner[:5])
            name = scope.path
        else:
            one = len(word) == 1
            title, kind = (told[0] if one else "step"), ""
            listed = ", ".join(inner[:5]) + (" …" if len(inner) > 5 else "")
            spec = "" if one else self.formula(unit) or listed
            name = operation_name(trace, word[0]) if one else "step"
        return Box(
            self.ids.fresh(name),
            "module" if own else unit.steps[0][-1].category(trace),
            title,
            "card",
            type=kind if kind != title else "",
            spec=spec,
            note=f"{count:,} params, shared" if count else "",
            repeats=len(unit.steps),
            cluster=self.cluster(unit.home) if unit.home >= 0 else "",
            shape=last.shape,
            dtype=last.dtype,
            facts=(
                ("steps", str(len(unit.steps))),
                ("operations", str(len(unit.ops))),
                ("shape", shape_text(last.shape)),
                ("dtype", last.dtype),
            ),
        )

    def formula(self, unit: Unit) -> str:
        """What one step computes, of the second step: the first may be given its state."""
        before, word = unit.steps[0], unit.steps[1]
        carried = {i for w in before for i in w.ops}
        text = formula(self.trace, [i for w in word for i in w.ops], carried)
        return f"h ← {text}" if text and self.carries(unit) else text

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

    def source_box(self, source: Source, unit: Unit | None) -> Box:
        parameter = source.role == "parameter"
        home = unit.home if unit is not None and parameter else -1
        path = self.trace.scopes[home].path if home >= 0 else ""
        name = source.name
        if path and name.startswith(path + "."):
            name = name[len(path) + 1 :]
        elif path and home >= 0:
            name = name.rpartition(".")[2] if "." in name else name
        dims = shape_text(source.shape) if source.shape else value_text(source.array)
        whole = getattr(getattr(source.array, "dtype", None), "kind", "") in "iu"
        lead = {"target": "labels" if whole else "target", "input": "input"}.get(source.role, "")
        note = " ".join(p for p in (source.note or lead, dims) if p)
        note = f"{lead} {note}" if source.note and lead else note
        dtype = str(getattr(source.array, "dtype", ""))
        return Box(
            self.ids.fresh(source.name),
            "parameter" if parameter else "data",
            name,
            "box",
            note=note,
            cluster=self.cluster(home) if home >= 0 else "",
            shape=source.shape,
            dtype=dtype,
            facts=(
                ("role", source.role),
                ("shape", shape_text(source.shape)),
                ("dtype", dtype),
                *self.measure.statistics(source.array),
            ),
        )

    def incoming(self, u: int, box: Box) -> None:
        unit, trace = self.all[u], self.trace
        inside = set(unit.ops)
        for i in unit.ops:
            for link in trace.ops[i].links:
                if link.op in inside:
                    continue
                if link.op >= 0 and self.place[link.op] < 0 and link.op in trace.views:
                    self.from_source(trace.views[link.op], unit, box, link.shape)
                elif link.op >= 0:
                    self.connect(link.op, box.id, link.shape)
                elif link.source is not None:
                    self.from_source(link.source, unit, box, link.shape)
        if unit.steps and self.carries(unit):
            self.arrows.append(Arrow(box.id, box.id, "hₜ → hₜ₊₁", loop=True))

    def carries(self, unit: Unit) -> bool:
        """Whether a folded step reads the one before it."""
        step = {i: n for n, word in enumerate(unit.steps) for w in word for i in w.ops}
        return any(
            k.op in step and step[k.op] < step[i] for i in unit.ops for k in self.trace.ops[i].links
        )

    def from_source(self, source: Source, unit: Unit, box: Box, shape: tuple[int, ...]) -> None:
        if source.role == "parameter" and unit.card:
            later = {i for word in unit.steps[1:] for w in word for i in w.ops}
            if not unit.steps or later & set(source.users):
                return  # the card says it
        if unit.steps and source.name == "data" and self.carries(unit):
            first = {i for w in unit.steps[0] for i in w.ops}
            if first.issuperset(source.users):
                source.name = "h₀"  # the state that the first step is given
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
        self.pairs.add((name, target))
        inside = set(unit.ops)
        before = {
            k.shape for i in unit.ops for k in trace.ops[i].links
            if k.op not in inside and not (k.source and k.source.role == "parameter")
        }  # fmt: skip
        label = "" if shape in before or not shape or last else shape_text(shape)
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

    def loss_name(self, ops: list[int]) -> str:
        """``mean squared error`` for the operations that end in a loss."""
        nodes = [self.trace.ops[i].node for i in ops]
        names = [n.primitive.name for n in nodes if n.primitive is not None]
        losses = [n for n in names if n.endswith(("loss", "cost", "entropy", "error"))]
        if not losses:
            parameters = any(s.role == "parameter" for s in self.trace.sources)
            met = any(s.role == "target" for s in self.trace.sources)
            return "loss" if parameters and met else ""
        averaged = "mean" in names or (losses[0].startswith("squared") and len(names) > 1)
        text = words(losses[0]).replace("softmax ", "").replace("soft ", "")
        return f"mean {text}" if averaged and "entropy" not in text else text


def trace_scope(trace: Trace, unit: Unit) -> int:
    """The innermost module call around the first operation of a unit."""
    return trace.ops[unit.ops[0]].scope


def operation_name(trace: Trace, unit: Unit) -> str:
    """The name of the primitive that a unit ends with."""
    primitive = trace.ops[unit.ops[-1]].node.primitive
    return primitive.name.lstrip("_") if primitive is not None else ""


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
    b = _Builder(trace, units, level, measure, max_nodes, len(trace.ops))
    from autograd_core.drawing.units import hidden_scope

    hidden = hidden_scope(trace)
    b.hidden_start = trace.scopes[hidden].start if hidden >= 0 else -1
    for u in b.kept:
        b.unit(u)
    b.outputs()
    ordered = _in_order(b.boxes, b.arrows)
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


def _in_order(boxes: list[Box], arrows: list[Arrow]) -> list[Box]:
    """Boxes with every one after those that it reads: sources were made with their first user."""
    waiting: dict[str, Any] = {b.id: 0 for b in boxes}
    users: dict[str, list[str]] = {b.id: [] for b in boxes}
    for a in arrows:
        if not a.loop:
            waiting[a.target] += 1
            users[a.source].append(a.target)
    by_id = {b.id: b for b in boxes}
    place = {b.id: n for n, b in enumerate(boxes)}
    from heapq import heapify, heappop, heappush

    first_use = {b.id: min((place[t] for t in users[b.id]), default=place[b.id]) for b in boxes}
    ready = [(first_use[i], place[i], i) for i, n in waiting.items() if n == 0]
    heapify(ready)
    done: list[Box] = []
    while ready:
        _, _, name = heappop(ready)
        done.append(by_id[name])
        for t in users[name]:
            waiting[t] -= 1
            if waiting[t] == 0:
                heappush(ready, (place[t], place[t], t))
    return done
