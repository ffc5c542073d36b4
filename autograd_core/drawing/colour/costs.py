"""``color="time"``, ``"memory"``, ``"flops"``: where the cost is.

Also ``color="value"``, the size of results, and colours by a function of a node.
"""

import math
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_core.drawing.colour.gradients import gradient_sizes, ratio_colour, rms
from autograd_core.drawing.colour.measures import Measure, statistics
from autograd_core.drawing.colour.palette import COST, GRADIENT, WHITE
from autograd_core.drawing.scene import Box, Cell, Scale
from autograd_core.drawing.trace.groups import Group
from autograd_core.drawing.trace.trace import Source, Trace
from autograd_core.drawing.trace.wording import number_text, value_text
from autograd_core.engine.graph import Node
from autograd_core.engine.primitive import ShapeDtype
from autograd_core.profiling.flops import forward_flops, needed_gradients
from autograd_core.profiling.profiler import saved_bytes
from autograd_core.profiling.quantities import bytes_text, count_text, time_text

_LIMITS = (0.05, 0.10, 0.20, 0.35, 0.50)
_SHARES = ("<5 %", "5–10", "10–20", "20–35", "35–50", ">50 %")
#: The heading of each cost, and how an amount is written.
_COSTS: dict[str, tuple[str, Callable[[float], str]]] = {
    "time": ("where the time goes", time_text),
    "memory": ("what is held for backward", bytes_text),
    "flops": ("where the arithmetic is", lambda n: f"{count_text(n)} FLOP"),
}


def share_colour(share: float) -> str:
    """Return the colour of a share of the cost."""
    return COST[sum(share >= limit for limit in _LIMITS)]


class Cost(Measure):
    """Colours every box by its share of a cost: ``"time"``, ``"memory"`` or ``"flops"``.

    ``seconds`` are those of the nodes by their numbers; without them each operation is run again.
    """

    def __init__(self, what: str, seconds: dict[int, float] | None = None) -> None:
        self.what, self.seconds = what, seconds
        self.heading, self.text = _COSTS[what]

    def prepare(self, trace: Trace, groups: list[Group]) -> None:
        held: set[int] = set()
        nodes = [op.node for op in trace.ops]
        self.saved = {n.seq: saved_bytes(n, held) for n in nodes}
        self.work = {n.seq: forward_flops(n) * (1 + needed_gradients(n)) for n in nodes}
        self.times: dict[int, float] = {}
        if self.what == "time":
            if "times" not in trace.measured:
                trace.measured["times"] = self.seconds or replayed(nodes)
            self.times = trace.measured["times"]
        costs: dict[str, Any] = {"time": self.times, "memory": self.saved, "flops": self.work}
        self.cost: dict[int, float] = costs[self.what]
        self.total = sum(self.cost.get(n.seq, 0) for n in nodes)
        self.context = [f"batch {trace.batch}"] if trace.batch else []
        self.context.append(str(trace.roots[0][0].dtype))

    def group(self, trace: Trace, group: Group, box: Box) -> Box:
        def total(costs: Any, ops: Iterable[int]) -> Any:
            return sum(costs.get(trace.ops[i].node.seq, 0) for i in ops)

        amount, saved = total(self.cost, group.ops), bytes_text(total(self.saved, group.ops))
        share = amount / self.total if self.total else 0.0
        facts = [*box.facts, ("held for backward", saved)]
        facts.append(("FLOPs, forward and backward", count_text(total(self.work, group.ops))))
        if self.times:
            seconds = time_text(total(self.times, group.ops))
            facts.append(("time, forward and backward", seconds))
        percent = f"{100 * share:.0f} %" if share >= 0.005 or not amount else "<1 %"
        box = replace(box, mark=percent, facts=tuple(facts))
        if group.steps:
            each = [total(self.cost, (i for g in step for i in g.ops)) for step in group.steps]
            most = max(each) or 1
            strip = tuple(Cell(COST[min(int(6 * e / most), 5)], self.text(e)) for e in each)
            first, last = group.ends(trace)
            ends = (first, f"{last}, most {self.text(most)}")
            return replace(box, note=self.text(amount), strip=strip, strip_ends=ends, share=None)
        if box.form == "card":
            kind = " ".join(p for p in (box.type, box.spec) if p)
            spec = self.text(amount) + (f"   {saved}" if self.what == "time" else "")
            box = replace(box, type=kind, spec=spec, note="", share=None)
        elif share < 0.01:
            box = replace(box, mark="")
        return replace(box, fill=share_colour(share))

    def finding(self) -> str:
        total = self.text(self.total)
        if self.what == "memory":
            return "  ·  ".join([f"{total} held for backward", *self.context])
        facts = [f"forward + backward {total}"]
        if self.what == "time":
            facts.append(f"{bytes_text(sum(self.saved.values()))} held for backward")
            if self.seconds is None:
                facts.append("each operation run again")
        return "  ·  ".join([*facts, *self.context])

    def scale(self) -> Scale:
        cells = tuple(Cell(c, t) for c, t in zip(COST, _SHARES, strict=True))
        return Scale(cells, f"share of {self.what if self.what != 'flops' else 'FLOPs'}")


def replayed(nodes: Iterable[Node], repeats: int = 3) -> dict[int, float]:
    """Return the seconds of recorded operations, forward and backward, by running each again.

    For graphs that were recorded without being timed. Values that were not kept are replaced by
    ones; an operation that fails on them has no time.
    """
    found: dict[int, float] = {}
    for node in nodes:
        if node.args is None:
            continue
        args = tuple(np.ones(a.shape, a.dtype) if type(a) is ShapeDtype else a for a in node.args)
        with np.errstate(all="ignore"), suppress(Exception):
            found[node.seq] = min(_run_again(node, args, node.kwargs or {}) for _ in range(repeats))
    return found


def _run_again(node: Node, args: Any, options: dict[str, Any]) -> float:
    """Return the seconds that one operation and its rules take."""
    primitive = node.primitive
    assert primitive is not None
    rules = primitive.rules
    assert rules is not None
    given = (list(args),) if rules.takes_list else args
    start = time.perf_counter()
    out = primitive.fun(*given, **options)
    forward = time.perf_counter() - start
    g: Any = [np.ones_like(o) for o in out] if isinstance(out, (tuple, list)) else out
    start = time.perf_counter()
    if rules.vjp_all is not None:
        rules.vjp_all(g, out, *args, **options)
    else:
        for rule, parent in zip(rules.vjps or (), node.parents):  # noqa: B905
            if parent.tracked and rule is not None:
                rule(g, out, *args, **options)
    return forward + time.perf_counter() - start


class Values(Measure):
    """Colours every operation by the rms of its result; a number is shown with its gradient."""

    heading = "how large values are"

    def prepare(self, trace: Trace, groups: list[Group]) -> None:
        self.found: list[tuple[str, float]] = []
        inner = [op.shape for op in trace.ops[:-1]] + [s.shape for s in trace.sources]
        numbers = any(math.prod(shape) == 1 for shape in inner)
        self.gradients = gradient_sizes(trace).numbers if numbers else {}

    def number(self, node: Node | None, array: Any, box: Box) -> Box:
        """Return the box of a single number with its sign, and its gradient where it is known."""
        gradient = self.gradients.get(node, "") if node is not None else ""
        value = value_text(array) if box.kind != "data" and box.kind != "parameter" else ""
        marks = [value, f"∇ {gradient}" if gradient else ""]
        return replace(box, mark="  ".join(m for m in marks if m))

    def source(self, source: Source, box: Box) -> Box:
        return self.number(source.node, source.array, box) if source.size == 1 else box

    def group(self, trace: Trace, group: Group, box: Box) -> Box:
        out = trace.ops[group.ops[-1]].result
        if isinstance(out, ShapeDtype) or not hasattr(out, "dtype") or not out.size:
            return replace(box, mark="", note=box.note or "value not kept")
        with np.errstate(all="ignore"):
            size = rms(out)
        self.found.append((box.id, size))
        text = f"{'~' if math.isfinite(size) else '✕ '}{number_text(size)}"
        facts = (*box.facts, ("rms", number_text(size)), *statistics(out))
        box = replace(box, mark=text, facts=facts)
        if math.prod(trace.ops[group.ops[-1]].shape) == 1 and math.isfinite(size):
            box = self.number(trace.ops[group.ops[-1]].node, out, box)
        if group.steps:
            return box
        return replace(box, fill=ratio_colour(size) if size else WHITE, hollow=size == 0)

    def finding(self) -> str:
        bad = [name for name, size in self.found if not math.isfinite(size)]
        if bad:
            return f"✕ the first value that is not finite is made by {bad[0]}"
        sizes = [s for _, s in self.found if s]
        if not sizes:
            return "every value is 0, or was not kept"
        return f"rms of every result: from {number_text(min(sizes))} to {number_text(max(sizes))}"

    def scale(self) -> Scale:
        texts = ("≤10⁻⁴", "10⁻³", "10⁻²", "0.1", "1", "10", "10²", "≥10³")
        cells = tuple(Cell(c, t) for c, t in zip(GRADIENT, texts, strict=True))
        gradients = "  ∇: gradient of the output." if self.gradients else ""
        return Scale(cells, "small", "large", "Fill: rms of the result." + gradients)


class ByFunction(Measure):
    """Colours by a function of a node, which returns a number or a colour ``"#RRGGBB"``.

    A number is shown as its share of the largest one.
    """

    def __init__(self, function: Callable[[Node], Any]) -> None:
        self.function = function
        self.heading = str(getattr(function, "__name__", "")).strip("<>").replace("lambda", "")

    def prepare(self, trace: Trace, groups: list[Group]) -> None:
        self.answers = [self.function(op.node) for op in trace.ops]
        for op, answer in zip(trace.ops, self.answers, strict=True):
            named = isinstance(answer, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", answer)
            number = isinstance(answer, (int, float, np.number))
            if answer is not None and not named and not number:
                raise ValueError(
                    'a color function returns a number, a colour "#RRGGBB" or None for every '
                    f"node, but for {op.node!r} it returned {answer!r}"
                )
        sums = [self.sum(g) for g in groups]
        self.most = max((abs(s) for s in sums if s is not None and math.isfinite(s)), default=0.0)

    def sum(self, group: Group) -> float | None:
        """Return the sum of the numbers of a group's operations; None if there are none."""
        answers = [self.answers[i] for i in group.ops]
        known = [float(a) for a in answers if a is not None and not isinstance(a, str)]
        return sum(known) if known else None

    def group(self, trace: Trace, group: Group, box: Box) -> Box:
        colours = [a for i in group.ops if isinstance(a := self.answers[i], str)]
        if colours:
            return replace(box, fill=colours[-1].upper())
        total = self.sum(group)
        if total is None:
            return replace(box, fill=WHITE)
        text = number_text(total)
        facts = (*box.facts, (self.heading or "measured", text))
        if not math.isfinite(total):
            return replace(box, fill=GRADIENT[-1], mark=f"✕ {text}", facts=facts)
        share = abs(total) / self.most if self.most else 0.0
        return replace(box, fill=COST[min(int(6 * share), 5)], mark=text, facts=facts)

    def scale(self) -> Scale | None:
        if not self.most:
            return None
        cells = tuple(Cell(c, number_text(self.most * (k + 1) / 6)) for k, c in enumerate(COST))
        return Scale(cells, self.heading, "", "Each colour up to the number below it.")
