"""The box of each thing: an operation's pill, a module's card, a stack of steps, data."""

from __future__ import annotations

from autograd_core.drawing.colour.measures import Measure
from autograd_core.drawing.scene import Box, Cluster
from autograd_core.drawing.trace.formula import formula
from autograd_core.drawing.trace.groups import Unit, hidden_scope
from autograd_core.drawing.trace.modules import pill_title, spec_of
from autograd_core.drawing.trace.names import Ids, operation_text, shape_text, value_text, words
from autograd_core.drawing.trace.sources import Source, size
from autograd_core.drawing.trace.trace import Trace
from autograd_core.engine.graph import Node


class Boxes:
    """Makes boxes of one picture, with deterministic names, and the clusters they stand in."""

    def __init__(self, trace: Trace, level: str, measure: Measure) -> None:
        self.trace, self.level, self.measure = trace, level, measure
        self.ids = Ids()
        self.clusters: dict[int, Cluster] = {}
        self.total = sum(size(s) for s in trace.sources if s.role == "parameter")
        hidden = hidden_scope(trace)
        self.hidden_start = trace.scopes[hidden].start if hidden >= 0 else -1
        self.alone = self._alone()

    def _alone(self) -> set[int]:
        """The calls of one operation that has their name already: ``sigmoid`` in a ``Sigmoid``."""
        inside: dict[int, list[int]] = {}
        for i, op in enumerate(self.trace.ops):
            inside.setdefault(op.scope, []).append(i)
        around = {s.parent for s in self.trace.scopes}
        return {
            scope
            for scope, ops in inside.items()
            if scope >= 0 and scope not in around and len(ops) == 1
            and not self.trace.parameters(ops)
            and operation_text(self.trace.ops[ops[0]].node) == self.trace.scopes[scope].type.lower()
        }  # fmt: skip

    def cluster(self, scope: int) -> str:
        """The id of the cluster of a module call, made with those around it if it is new."""
        missing = []
        if scope in self.alone:
            scope = self.trace.scopes[scope].parent
            scope = scope if self._drawn(scope) else -1
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
        if unit.scope >= 0:
            module = trace.scopes[unit.scope].module
            title = pill_title(module, title if len(unit.ops) == 1 else "")
            name = title.split(" ")[0]
        given = trace.given.get(id(last.node)) or last.node.name or ""
        if any(made == unit.ops[-1] for _, made in trace.roots):
            given = ""  # the name of the output
        note = given
        facts = [("operation", name), ("shape", shape_text(last.shape)), ("dtype", last.dtype)]
        if self.level == "full":
            held = self.measure.saved_text(trace, unit)
            note = "  ".join(p for p in (note, shape_text(last.shape), held) if p)
        facts += line_of(first.node)
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
        facts += line_of(last.node)
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
        text = operation_text(last)
        if unit.scope >= 0:
            module = self.trace.scopes[unit.scope].module
            return pill_title(module, text if len(unit.ops) == 1 else "")
        return text

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

    def carries(self, unit: Unit) -> bool:
        """Whether a folded step reads the one before it."""
        step = {i: n for n, word in enumerate(unit.steps) for w in word for i in w.ops}
        return any(
            k.op in step and step[k.op] < step[i] for i in unit.ops for k in self.trace.ops[i].links
        )

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

    def loss_name(self, ops: list[int]) -> str:
        """``mean squared error`` for the operations that end in a loss."""
        nodes = [self.trace.ops[i].node for i in ops]
        names = [n.primitive.name for n in nodes if n.primitive is not None]
        losses = [n for n in names if n.endswith(("loss", "cost", "entropy", "error"))]
        if names[:1] == ["subtract"] and names[1:2] and names[-1] in ("mean", "sum"):
            kind = {"power": "squared", "square": "squared", "multiply": "squared",
                    "absolute": "absolute"}.get(names[1])  # fmt: skip
            if kind and len(names) == 3:
                return f"{'mean ' if names[-1] == 'mean' else ''}{kind} error"
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


def line_of(node: Node) -> list[tuple[str, str]]:
    """The user's line that made a node, where it was noted."""
    site = node.watch.site if node.watch else None
    return [("line", site)] if site else []
