"""``color="time"``, ``"memory"``, ``"flops"``: where the cost is.

Also ``"value"``, how large results are, and colours by a function of a node.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_core.drawing.colour.flow import colour
from autograd_core.drawing.colour.gradients import rms
from autograd_core.drawing.colour.measures import Measure
from autograd_core.drawing.colour.palette import COST, GRADIENT
from autograd_core.drawing.colour.replay import replayed
from autograd_core.drawing.scene import Box, Cell, Scale
from autograd_core.drawing.trace.groups import Unit
from autograd_core.drawing.trace.header import batch_of
from autograd_core.drawing.trace.names import bytes_text, count_text, number_text, time_text
from autograd_core.drawing.trace.trace import Trace
from autograd_core.engine.graph import Node
from autograd_core.profiling.flops import backward_flops, forward_flops
from autograd_core.profiling.profiler import Profile, saved_bytes

_LIMITS = (0.05, 0.10, 0.20, 0.35, 0.50)
_SHARES = ("<5 %", "5–10", "10–20", "20–35", "35–50", ">50 %")
_HEADINGS = {
    "time": "where the time goes",
    "memory": "what is held for backward",
    "flops": "where the arithmetic is",
}


def share_colour(share: float) -> str:
    """The colour of a share of the cost."""
    return COST[sum(share >= limit for limit in _LIMITS)]


class Cost(Measure):
    """Colours every box by its share of a cost that operations have."""

    def __init__(self, what: str, profile: Profile | None = None) -> None:
        self.what, self.profile = what, profile
        self.heading = _HEADINGS[what]

    def prepare(self, trace: Trace, units: list[Unit]) -> None:
        held: set[int] = set()
        nodes = [op.node for op in trace.ops]
        self.saved = {n.seq: saved_bytes(n, held) for n in nodes}
        self.work = {n.seq: forward_flops(n) + backward_flops(n) for n in nodes}
        self.times: dict[int, float] = {}
        if self.what == "time":
            if "times" not in trace.measured:
                known = self.profile.by_number() if self.profile is not None else {}
                run = {number: row.seconds for number, row in known.items()}
                trace.measured["times"] = run or replayed(nodes)
            self.times = trace.measured["times"]
        costs: dict[str, Any] = {"time": self.times, "memory": self.saved, "flops": self.work}
        self.cost: dict[int, float] = costs[self.what]
        self.total = sum(self.cost.get(n.seq, 0) for n in nodes)
        kind = f"batch {batch_of(trace)}" if batch_of(trace) and trace.scopes else ""
        self.told = [kind] if kind else []
        self.told.append(str(trace.roots[0][0].dtype))

    def text(self, amount: float) -> str:
        """An amount of what is measured."""
        if self.what == "time":
            return time_text(amount)
        return bytes_text(amount) if self.what == "memory" else f"{count_text(amount)} FLOP"

    def unit(self, trace: Trace, unit: Unit, box: Box) -> Box:
        numbers = [trace.ops[i].node.seq for i in unit.ops]
        amount = sum(self.cost.get(n, 0) for n in numbers)
        saved = sum(self.saved.get(n, 0) for n in numbers)
        share = amount / self.total if self.total else 0.0
        facts = [*box.facts, ("held for backward", bytes_text(saved))]
        facts.append(
            ("FLOPs, forward and backward", count_text(sum(self.work[n] for n in numbers)))
        )
        if self.times:
            seconds = sum(self.times.get(n, 0) for n in numbers)
            facts.append(("time, forward and backward", time_text(seconds)))
        percent = f"{100 * share:.0f} %" if share >= 0.005 or not amount else "<1 %"
        fill = share_colour(share)
        strip: tuple[Cell, ...] = ()
        if unit.steps:
            each = [
                sum(self.cost.get(trace.ops[i].node.seq, 0) for w in word for i in w.ops)
                for word in unit.steps
            ]
            most = max(each) or 1
            strip = tuple(Cell(COST[min(int(6 * e / most), 5)], self.text(e)) for e in each)
            return replace(
                box, note=self.text(amount), mark=percent, strip=strip, facts=tuple(facts),
                strip_ends=("t = 0", f"t = {len(each) - 1}, most {self.text(most)}"),
            )  # fmt: skip
        if box.form == "card":
            kind = " ".join(p for p in (box.type, box.spec) if p)
            spec = self.text(amount)
            if self.what == "time":
                spec += f"   {bytes_text(saved)}"
            return replace(
                box, type=kind, spec=spec, note="", mark=percent, fill=fill, facts=tuple(facts),
                share=None,
            )  # fmt: skip
        mark = percent if share >= 0.01 else ""
        return replace(box, fill=fill, mark=mark, facts=tuple(facts))

    def finding(self) -> str:
        lead = {
            "time": f"forward + backward {time_text(self.total)}",
            "memory": f"{bytes_text(self.total)} held for backward",
            "flops": f"forward + backward {count_text(self.total)} FLOP",
        }[self.what]
        facts = [lead]
        if self.what == "time":
            facts.append(f"{bytes_text(sum(self.saved.values()))} held for backward")
            if self.profile is None:
                facts.append("each operation run again")
        return "  ·  ".join([*facts, *self.told])

    def scale(self) -> Scale:
        cells = tuple(Cell(c, t) for c, t in zip(COST, _SHARES, strict=True))
        return Scale(cells, f"share of {self.what if self.what != 'flops' else 'FLOPs'}")


class Values(Measure):
    """Colours every operation by the size of its result."""

    heading = "how large values are"

    def prepare(self, trace: Trace, units: list[Unit]) -> None:
        self.found: list[tuple[str, float]] = []

    def unit(self, trace: Trace, unit: Unit, box: Box) -> Box:
        out = trace.ops[unit.ops[-1]].node.out
        out = out[0] if isinstance(out, (tuple, list)) else out
        if not isinstance(out, (np.ndarray, np.generic)) or not out.size:
            return replace(box, mark="", note=box.note or "value not kept")
        with np.errstate(all="ignore"):
            size = rms(out)
        self.found.append((box.id, size))
        text = f"✕ {number_text(size)}" if not math.isfinite(size) else f"~{number_text(size)}"
        facts = (*box.facts, ("rms", number_text(size)), *self.statistics(np.asarray(out)))
        if unit.steps:
            return replace(box, mark=text, facts=facts)
        return replace(
            box, fill=colour(size) if size else "#FFFFFF", mark=text, hollow=size == 0, facts=facts
        )

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
        return Scale(cells, "small", "large", "Fill: rms of the result.")


class ByFunction(Measure):
    """Colours by a function of a node: a number (its share of the largest), or a colour."""

    def __init__(self, function: Callable[[Node], Any]) -> None:
        self.function = function
        self.heading = str(getattr(function, "__name__", "")).strip("<>").replace("lambda", "")

    def prepare(self, trace: Trace, units: list[Unit]) -> None:
        self.answers: dict[int, Any] = {}
        for i, op in enumerate(trace.ops):
            answer = self.function(op.node)
            named = isinstance(answer, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", answer)
            number = isinstance(answer, (int, float, np.number))
            if answer is not None and not named and not number:
                raise ValueError(
                    'a color function returns a number, a colour "#RRGGBB" or None for every '
                    f"node; for {op.node!r} it returned {answer!r}"
                )
            self.answers[i] = answer
        sums = [self.sum(u) for u in units]
        self.most = max((abs(s) for s in sums if s is not None and math.isfinite(s)), default=0.0)

    def sum(self, unit: Unit) -> float | None:
        """The numbers of a unit's operations, added."""
        numbers = [self.answers[i] for i in unit.ops]
        known = [float(n) for n in numbers if n is not None and not isinstance(n, str)]
        return sum(known) if known else None

    def unit(self, trace: Trace, unit: Unit, box: Box) -> Box:
        colours = [a for i in unit.ops if isinstance(a := self.answers[i], str)]
        if colours:
            return replace(box, fill=colours[-1].upper())
        total = self.sum(unit)
        if total is None:
            return replace(box, fill="#FFFFFF")
        text = number_text(total)
        fine = math.isfinite(total)
        share = abs(total) / self.most if self.most and fine else 0.0
        facts = (*box.facts, (self.heading or "measured", text))
        fill = COST[min(int(6 * share), 5)] if fine else GRADIENT[-1]
        return replace(box, fill=fill, mark=text if fine else f"✕ {text}", facts=facts)

    def scale(self) -> Scale | None:
        if not self.most:
            return None
        cells = tuple(Cell(c, number_text(self.most * (k + 1) / 6)) for k, c in enumerate(COST))
        return Scale(cells, self.heading, "", "Each colour up to the number below it.")
