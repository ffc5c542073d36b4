"""Build a scene from groups of operations: boxes, arrows and clusters, with names and labels.

Every id is deterministic: the same graph gives the same scene. Parameters are drawn again at each
use, because few shared boxes with many arrows make a layout slow and tangled.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograd_core.drawing.blocks import to_blocks
from autograd_core.drawing.colour.measures import Facts, Measure, statistics
from autograd_core.drawing.scene import Arrow, Box, Cluster, Scene, clean, toposort
from autograd_core.drawing.trace.groups import Group, links_between, loss_tail
from autograd_core.drawing.trace.rule_text import rule_facts
from autograd_core.drawing.trace.trace import Link, Source, Trace
from autograd_core.drawing.trace.wording import (
    formula,
    from_to,
    in_short,
    operation_text,
    pill_title,
    ranges_text,
    shape_text,
    spec_of,
    state_of,
    value_text,
)
from autograd_core.engine.graph import Node
from autograd_core.profiling.flops import multiply_adds
from autograd_core.profiling.quantities import bytes_text, count_text

_LOSS = -2  # key of the cluster of a loss, which is no module call
_PLACES = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"  # of the operands of an operation
_CLONED = 6  # a source with more users is drawn again at each use


class SceneBuilder:
    """The boxes, arrows and clusters of one scene while it is being built.

    Parameters
    ----------
    trace, groups
        The recorded graph, and its operations as they are drawn.
    level
        ``"modules"``, ``"compact"``, ``"ops"``, ``"full"`` or ``"blocks"``.
    measures
        The first one colours boxes and arrows; all add facts to the boxes.
    max_nodes
        Maximum number of groups that are drawn; the oldest ones are omitted.
    """

    def __init__(
        self, trace: Trace, groups: list[Group], level: str, measures: list[Measure], max_nodes: int
    ) -> None:
        for measure in measures:
            measure.prepare(trace, groups)
        self.trace, self.groups, self.level = trace, groups, level
        self.measures, self.measure = measures, measures[0]
        self.taken: set[str] = set()
        self.numbered: Counter[str] = Counter()
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.clusters: dict[int, Cluster] = {}
        every = [s for s in trace.sources if s.role == "parameter"]
        self.total = sum(s.size for s in every)
        self.frozen = sum(s.size for s in every if not s.tracked)
        uses = (id(s) for g in groups for s in g.parameters(trace))
        self.shared = {i for i, n in Counter(uses).items() if n > 1}
        self.counted: set[int] = set()  # parameters on the cards before
        self.single = self._single_operations()
        tail = loss_tail(trace, groups)
        self.loss_title = self._loss_name([i for g in tail for i in groups[g].ops])
        tail = tail if self.loss_title else []
        merged = level not in ("ops", "full")
        self.ends = tail if merged else []  # the groups that the output box stands for
        self.loss = tail if len(tail) > 1 and not merged else []
        if self.loss:
            self.clusters[_LOSS] = Cluster(self.fresh("loss of several"), self.loss_title)
        drawn = [g for g in range(len(groups)) if g not in set(self.ends)]
        self.kept = drawn[-max_nodes:]
        self.omitted = sum(len(groups[g].ops) for g in drawn[: len(drawn) - len(self.kept)])
        self.place, _, _ = links_between(trace, groups)
        self.earlier = ""  # the box that stands for the omitted operations
        self.group_ids: dict[int, str] = {}
        self.sources: dict[int, str] = {}
        self.labelled: set[int] = set()
        self.pairs: set[tuple[str, str]] = set()
        self.numbers: dict[int, str] = {}  # of the operands of the operation that is being added

    def fresh(self, name: str) -> str:
        """Return ``name`` in printable characters as an id, with a number if it is taken."""
        made = stem = clean(name)
        while made in self.taken:
            self.numbered[stem] += 1
            made = f"{stem}_{self.numbered[stem] + 1}"
        self.taken.add(made)
        return made

    def add(self, colour: Callable[[Measure], Box]) -> None:
        """Add a box, coloured by the first measure, with the facts of all measures."""
        coloured = [colour(measure) for measure in self.measures]
        facts = dict(fact for one in reversed(coloured) for fact in reversed(one.facts))
        self.boxes.append(replace(coloured[0], facts=tuple(facts.items())[::-1]))

    # -- clusters -----------------------------------------------------------------------------

    def _single_operations(self) -> set[int]:
        """Return calls of one operation of the same name, such as ``sigmoid`` in ``Sigmoid``."""
        trace = self.trace
        inside = Counter(op.scope for op in trace.ops)
        return {
            op.scope for i, op in enumerate(trace.ops)
            if op.scope >= 0 and inside[op.scope] == 1
            and operation_text(op) == trace.scopes[op.scope].type.lower()
            and not (trace.scopes[op.scope].children or trace.parameters([i]))
        }  # fmt: skip

    def cluster(self, scope: int) -> str:
        """Return the id of the cluster of a module call, made with those around it if it is new.

        Empty where no cluster is drawn.
        """
        if scope in self.single:
            scope = self.trace.scopes[scope].parent
        if not self._is_drawn(scope):
            return ""
        if scope not in self.clusters:
            s = self.trace.scopes[scope]
            parent = self.cluster(s.parent)
            kind = s.type if s.type != s.title else ""
            self.clusters[scope] = Cluster(self.fresh(s.path), s.title, kind, parent)
        return self.clusters[scope].id

    def _is_drawn(self, scope: int) -> bool:
        return scope >= 0 and scope not in self.trace.hidden

    def _loss_name(self, ops: list[int]) -> str:
        """Return the name of the loss that operations compute, such as ``mean squared error``.

        Empty if they are none that is known.
        """
        names = [self.trace.ops[i].primitive.name for i in ops]
        losses = [self.trace.ops[i].name for i in ops if self.trace.ops[i].is_loss]
        if len(names) == 3 and names[0] == "subtract" and names[-1] in ("mean", "sum"):
            text = operation_text(self.trace.ops[ops[1]])
            if text in ("square", "absolute"):
                kind = "squared" if text == "square" else text
                return f"{'mean ' if names[-1] == 'mean' else ''}{kind} error"
        if not losses:
            return ""
        averaged = "mean" in names or (losses[0].startswith("squared") and len(names) > 1)
        text = losses[0].replace("_", " ").replace("softmax ", "").replace("soft ", "")
        return f"mean {text}" if averaged and "entropy" not in text else text

    # -- boxes of groups ----------------------------------------------------------------------

    def group(self, g: int) -> None:
        """Add the box of one group, and the arrows into it."""
        one, trace = self.groups[g], self.trace
        box = self.stack(one) if one.steps else self.card(one) if one.is_card else self.pill(one)
        if g in self.loss and not box.cluster:
            box = replace(box, cluster=self.clusters[_LOSS].id)
        self.group_ids[g] = box.id
        self.add(lambda measure: measure.group(trace, one, box))
        self.incoming(one, box.id)

    def box(self, group: Group, name: str, facts: Facts, **fields: Any) -> Box:
        """Return the box of a group, with the shape and dtype of its last result."""
        last = self.trace.ops[group.ops[-1]]
        facts[1:1] = rule_facts(last) if len(group.ops) == 1 else []
        facts += [("shape", shape_text(last.shape)), ("dtype", last.dtype), *_line(last.node)]
        if fields.get("type") == fields["title"]:
            del fields["type"]
        return Box(self.fresh(name), cluster=self.cluster(group.cluster), shape=last.shape,
                   dtype=last.dtype, facts=tuple(facts), **fields)  # fmt: skip

    def title(self, group: Group) -> str:
        """Return what the pill of a group says."""
        text = operation_text(self.trace.ops[group.ops[-1]])
        if group.scope < 0:
            return text
        module = self.trace.scopes[group.scope].module
        return pill_title(module, text if len(group.ops) == 1 else "")

    def pill(self, group: Group) -> Box:
        """Return the box of operations without parameters."""
        trace, last = self.trace, self.trace.ops[group.ops[-1]]
        title = self.title(group)
        name = title.split(" ")[0] if group.scope >= 0 else last.name
        given = trace.given.get(id(last.node)) or last.node.name or ""
        if any(made == group.ops[-1] for _, made in trace.roots):
            given = ""  # it is the name of the output
        note = given
        if self.level == "full":
            held = {id(a): a.nbytes for i in group.ops for a in trace.ops[i].node.saved()}
            saved = f"holds {bytes_text(sum(held.values()))}" if held else ""
            note = "  ".join(p for p in (given, shape_text(last.shape), saved) if p)
        scope = group.scope if group.scope >= 0 else trace.ops[group.ops[0]].scope
        path = trace.scopes[scope].path if self._is_drawn(scope) else ""
        full_name = given or (f"{path}.{name}" if path else name)
        facts = [("operation", name)]
        return self.box(group, full_name, facts, kind=group.kind(trace), title=title, note=note)

    def card(self, group: Group) -> Box:
        """Return the box of a module with parameters."""
        scope, own = self.trace.scopes[group.scope], self.trace.parameters(group.ops)
        note, share = self.parameters_text(own)
        sizes = [(p.name.rpartition(".")[2], shape_text(p.shape)) for p in own]
        absorbed = ", ".join(self.title(a) for a in group.absorbed)
        return self.box(
            group, scope.path, [("module", scope.type), *sizes], kind="module", title=scope.title,
            type=scope.type, form="card", spec=spec_of(scope.module), note=note,
            absorbed=absorbed, share=share,
        )  # fmt: skip

    def parameters_text(
        self, own: list[Source], repeated: bool = False
    ) -> tuple[str, float | None]:
        """Return what a card says of its parameters, and the share of all that it shows, if any.

        The numbers of parameters on all cards add up to the header's; those that are shared are
        told apart from the second time on.
        """
        new = [p for p in own if id(p) not in self.counted]
        self.counted |= {id(p) for p in own}
        count, again = sum(p.size for p in new), sum(p.size for p in own) - sum(p.size for p in new)
        parts = [f"{count:,} params"] if new else []
        if again:
            parts.append(f"{again:,} shared")
        elif repeated or any(id(p) in self.shared for p in new):
            parts.append("shared")
        if frozen := sum(p.size for p in own if not p.tracked):
            parts.append(f"{frozen:,} frozen" if frozen < count + again else "frozen")
        shown = self.level == "compact" and self.total
        return ", ".join(parts), count / self.total if shown else None

    def stack(self, group: Group) -> Box:
        """Return the box of folded steps; the second step is taken as typical.

        The first step may be given its initial state in another way than the others.
        """
        trace, first = self.trace, group.steps[0]
        steps = [[i for g in step for i in g.ops] for step in group.steps]
        reads = Counter(id(p) for step in group.each(trace) for p in step)
        note, share = self.parameters_text(group.own, repeated=max(reads.values(), default=0) > 1)
        parts = [
            trace.scopes[g.scope].title if g.is_card and g.scope >= 0
            else ranges_text([self.title(step[k]) for step in group.steps])
            or trace.ops[g.ops[-1]].name
            for k, g in enumerate(first)
        ]  # fmt: skip
        kinds = [g.kind(trace) for g in first]
        inner = [p for p, k in zip(parts, kinds, strict=True) if k != "view"] or parts
        state = state_of(trace, steps[0], steps[1])
        text = ranges_text([formula(trace, ops, state) for ops in steps])
        text = f"h ← {text}" if text and group.carries(self.trace) else text
        text = text or in_short(inner)
        if group.blocks:
            calls = [trace.scopes[s] for s in group.blocks]
            name, kind = calls[0].path, calls[0].type
            title = from_to([s.title for s in calls])
            within = {s.path: s.type if s.title.isdigit() else s.title
                      for s in trace.scopes if s.parent == group.scope}  # fmt: skip
            text = self.differing(group) or in_short(list(within.values()) or inner)
        elif group.scope >= 0:
            scope = trace.scopes[group.scope]
            name, title, kind = scope.path, scope.title, scope.type
            text = spec_of(scope.module) or text
        elif len(first) == 1:
            name, title, kind, text = trace.ops[first[0].ops[-1]].name, parts[0], "", ""
        else:
            name, title, kind = "step", "step", ""
        differing = [
            len({repr(n) for n in numbers})
            for ops in zip(*steps, strict=False)
            for numbers in zip(*(trace.ops[i].numbers for i in ops), strict=False)
        ]
        if sum(n > 1 for n in differing) > f"{title} {text}".count(".."):
            text = ", ".join(filter(None, (text, "numbers differ")))
        facts = [("steps", str(len(group.steps))), ("operations", str(len(group.ops)))]
        unit = "steps" if group.carries(trace) and not group.blocks else ""
        return self.box(
            group, name, facts, kind="module" if group.own else kinds[-1], title=title, type=kind,
            form="card", spec=text, note=note, share=share if group.own else None,
            repeats=len(group.steps), unit=unit,
        )  # fmt: skip

    def differing(self, group: Group) -> str:
        """Return the sizes of folded modules, with the range of those that differ; "" for none."""
        trace = self.trace
        specs = [spec_of(trace.scopes[s].module) for s in group.blocks]
        shapes = [trace.ops[step[-1].ops[-1]].shape for step in group.steps]
        if not any(specs) and len(set(shapes)) > 1:
            images = {len(s) for s in shapes} == {4} and len({s[1] for s in shapes}) > 1
            specs = [f"{s[1]} channels" if images else shape_text(s[1:]) for s in shapes]
        return ranges_text(specs)

    # -- sources ------------------------------------------------------------------------------

    def source(self, source: Source, group: Group) -> str:
        """Return the id of the box of a source, which is added unless an earlier one serves.

        Parameters, and other sources with many users, get a box at each use outside of stacks.
        """
        parameter = source.role == "parameter"
        if not group.steps and (parameter or len(source.users) > _CLONED):
            return self.add_source(source, group.cluster if parameter else -1)
        if id(source) not in self.sources:
            self.sources[id(source)] = self.add_source(source, -1)
        return self.sources[id(source)]

    def add_source(self, source: Source, scope: int) -> str:
        """Add the box of a source, inside a module call (-1 for none), and return its id."""
        name = source.name
        if scope >= 0 and (path := self.trace.scopes[scope].path):
            name = name.removeprefix(path + ".")
        dims = shape_text(source.shape) if source.shape else value_text(source.array)
        dtype = getattr(source.array, "dtype", None)
        whole = getattr(dtype, "kind", "") in ("i", "u")
        lead = {"target": "labels" if whole else "target", "input": "input"}.get(source.role, "")
        lead = lead if lead != name else ""
        shared = "shared" if source.shape and id(source) in self.shared else ""
        note = " ".join(p for p in (lead, source.note, dims, shared) if p)
        kind = "parameter" if source.role == "parameter" else "data"
        text = str(dtype) if dtype is not None else ""
        facts = (("role", source.role), ("shape", shape_text(source.shape)), ("dtype", text))
        box = Box(self.fresh(source.name), kind, name, "box", note=note,
                  cluster=self.cluster(scope), shape=source.shape, dtype=text,
                  facts=(*facts, *statistics(source.array)))  # fmt: skip
        self.add(lambda measure: measure.source(source, box))
        return box.id

    # -- arrows -------------------------------------------------------------------------------

    def places(self, group: Group) -> dict[int, str]:
        """Return the numbers of the operands of an operation by the ids of their links.

        Empty where their order does not matter, or where all but one tell what they are.
        """
        op = self.trace.ops[group.ops[-1]]
        checkpointed = "again" in (op.node.kwargs or {})  # its operands are those of what is inside
        if len(group.ops) > 1 or group.is_card or op.primitive.commutative or checkpointed:
            return {}
        unsaid = []
        for link in op.links:
            source = self.trace.views.get(link.op, link.source)
            name = "".join(op.primitive.argument_names[link.place : link.place + 1])
            own = source.name.rpartition(".")[2] if source and source.role == "parameter" else ""
            said = source is not None and name and (own.startswith(name) or name == source.role)
            unsaid += [link] if link.place >= 0 and not said else []
        texts = {id(k): _PLACES[k.place : k.place + 1] or f"({k.place + 1})" for k in unsaid}
        return texts if len(unsaid) > 1 else {}

    def incoming(self, group: Group, target: str) -> None:
        """Add the arrows into the box of a group."""
        trace, inside = self.trace, set(group.ops)
        seen: set[int] = set()  # one arrow into a card stands for all
        self.numbers = self.places(group)
        for link in trace.links(group.ops):
            if link.op in inside:
                continue
            source = link.source
            if link.op >= 0 and self.place[link.op] < 0:
                source = trace.views.get(link.op)
            if source is None:
                self.connect(link.op, target, link)
            elif not group.is_card or id(source) not in seen:
                seen.add(id(source))
                self.from_source(source, group, target, link)
        if group.steps and group.carries(self.trace):
            label = "to the next" if group.blocks else "hₜ → hₜ₊₁"
            self.arrows.append(Arrow(target, target, label, loop=True))

    def from_source(self, source: Source, group: Group, target: str, link: Link) -> None:
        """Add an arrow from a source, unless the card says it already."""
        step = group.step_of()
        latest = max((step.get(i, 0) for i in source.users), default=0)
        if group.is_card and source in group.parameters(self.trace):
            return
        own = source.name == "data" and not source.name_in(self.trace.passed)
        if own and group.scope >= 0 and not group.steps and self.trace.ran:
            return  # a constant that the module makes for itself
        initial = latest == 0 and source.name == "data" and all(i in step for i in source.users)
        if initial and group.steps and group.carries(self.trace):
            source.name = "h₀"  # the state that the first step starts from
        name = self.source(source, group)
        label = shape_text(link.shape) if link.shape != source.shape else ""
        label += " a step" if label and group.steps else ""
        number = self.numbers.get(id(link), "")
        label = f"{number} {label}".strip()
        if number or (name, target) not in self.pairs:
            self.pairs.add((name, target))
            arrow = Arrow(name, target, label, link.gradient)
            self.arrows.append(self.measure.arrow(arrow, source))

    def omission(self) -> str:
        """Return the id of the box that stands for the operations that were left out."""
        if not self.earlier:
            self.earlier = self.fresh("earlier")
            text = f"{self.omitted:,} earlier operations"
            self.boxes.append(Box(self.earlier, "view", "…", note=text))
        return self.earlier

    def connect(self, op: int, target: str, link: Link, last: bool = False) -> None:
        """Add an arrow from the group of an operation, labelled where the shape is a new one."""
        trace, g, shape = self.trace, self.place[op], link.shape
        name, group = self.group_ids.get(g) or self.omission(), self.groups[g]
        number = "" if group.steps else self.numbers.get(id(link), "")
        merged = not number and (self.level not in ("ops", "full") or group.is_card)
        if merged and (name, target) in self.pairs:
            return  # elsewhere each operand of an operation has its own arrow
        inside = set(group.ops)
        before = {
            k.shape for k in trace.links(group.ops)
            if k.op not in inside and not (k.source and k.source.role == "parameter")
        }  # fmt: skip
        known = shape in before or op in self.labelled  # only the first arrow has a label
        self.labelled.add(op)
        self.pairs.add((name, target))
        label = "" if known or not shape or last else shape_text(shape)
        arrow = Arrow(name, target, f"{number} {label}".strip(), link.gradient)
        self.arrows.append(self.measure.arrow(arrow, trace.ops[op]))

    # -- outputs ------------------------------------------------------------------------------

    def outputs(self) -> None:
        """Add the boxes of the results, and of sources that are results themselves."""
        ops = [i for g in self.ends for i in self.groups[g].ops]
        self.numbers = {}
        for name, (tensor, made) in zip(self.trace.root_names, self.trace.roots, strict=True):
            if made < 0:
                continue
            value, shape, dtype = value_text(tensor._array), tuple(tensor.shape), str(tensor.dtype)
            text = value or shape_text(shape) + " values" * (len(shape) == 1)  # 2 is no value
            given = self.trace.given.get(id(tensor._array)) or tensor.name
            given = given or ("" if name.isdigit() else name)
            title = given or (self.loss_title if value else "") or "output"
            facts = [("value" if value else "shape", text), ("dtype", dtype)]
            made_by = ", ".join(operation_text(self.trace.ops[i]) for i in ops)
            facts += [("made by", made_by)] if ops else []
            box = Box(self.fresh(given or "output"), "output", title, "box", note=text,
                      shape=shape, dtype=dtype, facts=tuple(facts))  # fmt: skip
            self.boxes.append(box)
            if not ops:
                link = Link(made, None, shape, gradient=self.trace.ops[made].node.tracked)
                self.connect(made, box.id, link, last=True)
            else:
                self.incoming(Group(ops), box.id)
        for source in self.trace.alone:
            self.add_source(source, -1)

    def subtitle(self) -> str:
        """Return the facts of the graph in one line: parameters, batch, dtype, operations."""
        trace = self.trace
        count, batch = self.total, trace.batch
        facts = [f"{count:,} parameter{'s' * (count != 1)}"] if count else []
        if self.frozen:
            facts[0] += f", {self.frozen:,} frozen" if self.frozen < count else ", frozen"
        if batch:
            facts.append(f"batch {batch}")
        facts.append(str(trace.roots[0][0].dtype))
        macs = sum(multiply_adds(op.node) for op in trace.ops)
        hidden = any("again" in (op.node.kwargs or {}) for op in trace.ops)  # in a checkpoint
        if self.level in ("ops", "full") or not macs or not batch or hidden:
            facts.append(f"{len(trace.ops):,} op{'s' if len(trace.ops) != 1 else ''}")
        else:
            facts.append(f"{count_text(macs / batch)} MAC / sample")
        stacks = [str(len(g.steps)) for g in self.groups if g.steps and not g.blocks]
        if stacks:
            facts.append("one step drawn for " + ", ".join(stacks[:3]))
        if self.omitted:
            facts.append(f"the {self.omitted:,} oldest not drawn")
        return "  ·  ".join(facts)

    def scene(self, title: str) -> Scene:
        """Return the scene, with a text above the picture."""
        for g in self.kept:
            self.group(g)
        self.outputs()
        scene = Scene(
            title + (f"  —  {self.measure.heading}" if self.measure.heading else ""),
            self.measure.finding() or self.subtitle(),
            toposort(self.boxes, self.arrows),
            self.arrows,
            list(self.clusters.values()),
            self.measure.scale(),
            self.omitted,
        )
        if self.level != "blocks":
            return scene
        products = {i for i, op in enumerate(self.trace.ops) if op.kind == "product"}
        mixing = {self.group_ids[g] for g in self.kept if products & set(self.groups[g].ops)}
        return to_blocks(scene, mixing, self.trace.batch)


def _line(node: Node) -> Facts:
    """Return the line of the user's code that made a node, where it was noted.

    Its file is told relative to the working directory, or without its folder.
    """
    site = node.diagnostics.site if node.diagnostics else None
    if not site:
        return []
    file, _, line = site.rpartition(":")
    path = os.path.abspath(file)
    inside = path.startswith(os.getcwd() + os.sep)
    file = os.path.relpath(path) if inside else f"<...>/{os.path.basename(path)}"
    return [("line", f"{file}:{line}")]
