"""Order lines so that memory is free early.

Of the lines that could be next, the one that frees most is taken, or that takes least; so the
gradient of a weight is made as soon as it can be, and the activations that it needs are let go.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from autograd_core.program.lines import Line, Program, values_in
from autograd_core.program.simplify import is_array

#: Programs whose arrays have fewer bytes in all, or that have more lines, keep their order.
BYTES, LINES = 1 << 20, 2000


def with_early_frees(program: Program) -> Program:
    """Return a program in an order that needs less memory; small programs stay as they are."""
    lines = program.lines
    made: dict[Any, int] = {
        v: v.nbytes for line in lines for v in line.outputs if v.root is v and is_array(v)
    }
    if len(lines) > LINES or sum(made.values()) < BYTES:
        return program
    after, waiting = _dependences(lines)
    users: dict[Any, set[int]] = defaultdict(set)
    for i, line in enumerate(lines):
        for v in (*line.inputs, *line.outputs):
            users[v.root].add(i)
    for v in values_in(program.outputs):
        users[v.root].add(-1)

    def taken(i: int) -> int:
        """Return how many bytes a line takes, less those that it frees."""
        new = lines[i].outputs if lines[i].kind != "write" else ()
        size: int = sum(made.get(v, 0) for v in new)
        ends = {v.root for v in (*lines[i].inputs, *lines[i].outputs)}
        return size - sum(made.get(v, 0) for v in ends if users[v] == {i})

    ready = [i for i, n in enumerate(waiting) if not n]
    order: list[Line] = []
    while ready:
        i = min(ready, key=lambda i: (taken(i), i))
        ready.remove(i)
        order.append(lines[i])
        for v in {v.root for v in (*lines[i].inputs, *lines[i].outputs)}:
            users[v].discard(i)
        for j in after[i]:
            waiting[j] -= 1
            if not waiting[j]:
                ready.append(j)
    return Program(order, program.inputs, program.outputs, program.captured)


def _dependences(lines: list[Line]) -> tuple[list[set[int]], list[int]]:
    """Return which lines come after each line, and how many come before it."""
    after: list[set[int]] = [set() for _ in lines]
    writer: dict[Any, int] = {}
    readers: dict[Any, list[int]] = defaultdict(list)
    for i, line in enumerate(lines):
        undone = [v for n in line.undo for v in (*n.inputs, *n.outputs)]
        reads: set[Any] = {w for v in (*line.inputs, *undone) for w in (v, v.root)}
        writes: set[Any] = {v.root if line.kind == "write" else v for v in line.outputs}
        if line.kind in ("draw", "guard"):
            writes.add("order")
        elif line.kind == "write":  # nothing is written before a guard that came first
            reads.add("order")
        before = [writer[v] for v in reads | writes if v in writer]
        before += [j for v in writes for j in readers.pop(v, ())]
        for j in before:
            after[j].add(i)
        writer.update(dict.fromkeys(writes, i))
        for v in reads:
            readers[v].append(i)
    waiting = [0] * len(lines)
    for i, later in enumerate(after):
        later.discard(i)
        for j in later:
            waiting[j] += 1
    return after, waiting
