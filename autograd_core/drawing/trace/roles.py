"""The roles and names of sources: which is an input, which a target, which slices one array."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from autograd_core.drawing.trace.sources import Freed, Source, is_zero, kind_of, plain_tensor

if TYPE_CHECKING:
    from autograd_core.drawing.trace.trace import Trace


def join_slices(trace: Trace) -> None:
    """Show three or more slices of one array, and windows into one, as that array."""
    slices: dict[int, list[Source]] = {}
    for source in trace.sources:
        base = getattr(source.array, "base", None)
        named = source.node is not None or source.identity & trace.given.keys()
        if isinstance(base, np.ndarray) and not named:
            slices.setdefault(id(base), []).append(source)
    instead: dict[int, Source] = {}
    for group in slices.values():
        base = group[0].array.base
        known = trace.known.get(id(base))
        if known is None and len(group) < 3 and group[0].array.size <= base.size:
            continue
        whole = known or Source(base, None)
        if known is None and base.ndim != len(group[0].shape) + 1 and len(group) > 2:
            whole = Source(Freed(), None)  # the array that was sliced is itself a view
            whole.note = f"{len(group)} slices of {'×'.join(map(str, group[0].shape))}"
        for source in group:
            instead[id(source)] = whole
            whole.users += source.users
    if not instead:
        return
    for op in trace.ops:
        for link in op.links:
            if link.source is not None:
                link.source = instead.get(id(link.source), link.source)
    merged = [instead.get(id(s), s) for s in trace.sources]
    trace.sources = list({id(s): s for s in merged}.values())


def find_targets(trace: Trace) -> None:
    """An untracked array that meets the network only at the loss is a target."""
    if any(t.size != 1 for t, _ in trace.roots):
        return
    free = [True] * len(trace.ops)  # no parameter is read further down
    for op in reversed(trace.ops):
        number = trace.index[op.node]
        reads = any(k.source and k.source.tracked for k in op.links)
        for link in op.links:
            if link.op >= 0 and (reads or not free[number]):
                free[link.op] = False
    for source in trace.sources:
        freed = isinstance(source.array, Freed)
        one = math.prod(source.shape) == 1 and not freed  # a factor, not a target
        if source.tracked or not source.users or one:
            continue
        ends = all(
            trace.ops[i].scope < 0 and free[i] and any(k.op >= 0 for k in trace.ops[i].links)
            for i in source.users
        )
        if ends and not (source.identity & trace.inputs):
            source.role = "target"


def name_sources(trace: Trace) -> None:
    parameters = {k: name for s in trace.scopes for k, name in s.parameters.items()}
    plain = [s for s in trace.sources if s.role == "data"]
    freed = [s for s in plain if isinstance(s.array, Freed)]
    arrays = [s for s in plain if s.shape and kind_of(s) in "fc" and not is_zero(s)]
    shown = arrays or freed or plain
    for source in trace.sources:
        known = [trace.given[k] for k in source.identity if k in trace.given]
        own = source.node.name if source.node is not None else None
        source.name = (known[0] if known else None) or own or ""
        if source.tracked and id(source.node) in parameters:
            source.name = source.name if known else parameters[id(source.node)]
        elif source.tracked and trace.scopes and plain_tensor(source.node):
            source.role = "input"  # a Tensor that no module calls its own
        if source.identity & trace.inputs:
            source.role = "input"
        elif source.role == "data" and shown and source is shown[0]:
            source.role = "input"
            source.name = source.name or "x"
        elif source.role == "target":
            source.name = source.name or "y"
        elif source.role == "data" and source.shape and is_zero(source):
            source.note = "zeros"
        source.name = source.name or ("parameter" if source.tracked else "data")
