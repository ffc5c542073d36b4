"""The line below a picture's title: parameters, batch, dtype, operations, cost."""

from __future__ import annotations

from autograd_core.drawing.trace.groups import Unit
from autograd_core.drawing.trace.names import count_text
from autograd_core.drawing.trace.sources import size
from autograd_core.drawing.trace.trace import Trace
from autograd_core.profiling.flops import multiply_adds


def batch_of(trace: Trace) -> int:
    """The first axis of the input, if there is one."""
    for source in trace.sources:
        if source.role == "input" and len(source.shape) > 1:
            return source.shape[0]
    return 0


def subtitle(trace: Trace, omitted: int, units: list[Unit], level: str) -> str:
    """The facts of a graph in one line."""
    parameters = [s for s in trace.sources if s.role == "parameter"]
    facts: list[str] = []
    if parameters:
        count = sum(size(s) for s in parameters)
        facts.append(f"{count:,} parameter{'s' if count != 1 else ''}")
    batch = batch_of(trace)
    if batch and trace.scopes:
        facts.append(f"batch {batch}")
    facts.append(str(trace.roots[0][0].dtype))
    macs = sum(multiply_adds(op.node) for op in trace.ops)
    if level in ("ops", "full") or not macs or not batch or not trace.scopes:
        facts.append(f"{len(trace.ops):,} op{'s' if len(trace.ops) != 1 else ''}")
    else:
        facts.append(f"{count_text(macs / batch)} MAC / sample")
    stacks = [u for u in units if u.steps]
    if stacks:
        facts.append("one step drawn for " + ", ".join(str(len(u.steps)) for u in stacks[:3]))
    if omitted:
        facts.append(f"the {omitted:,} oldest not drawn")
    return "  ·  ".join(facts)
