"""``ag.profile``: the time, memory and floating-point operations of every recorded call.

The ordinary path is not touched: under a bit of the mode the engine times every function that it
runs, and a backward pass hands its nodes through an observer that reads the clock between them.
"""

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from autograd_core.engine.backward import sweep, unit_cotangents
from autograd_core.engine.diagnostics import Tape, TimedCall, tape
from autograd_core.engine.graph import DRAW, PROFILE, RECORD, Leaf, Node, producer, reachable
from autograd_core.engine.modes import in_mode
from autograd_core.engine.mutation import owner_of
from autograd_core.engine.recording import TensorBase
from autograd_core.profiling.flops import forward_flops, needed_gradients
from autograd_core.profiling.quantities import bytes_text, count_text, time_text
from autograd_core.profiling.variables import as_variables


@dataclass
class Row:
    """One operation.

    Attributes
    ----------
    name
        Of its primitive.
    shape
        Of its (first) result.
    forward, backward
        Seconds.
    result
        Bytes of its result.
    saved
        Bytes that it holds for backward, and no operation before it does.
    flops, backward_flops
        Floating-point operations, by the formulas of :mod:`autograd_core.flops`.
    number
        The number of its node; 0 where nothing was recorded.
    """

    name: str
    shape: tuple[int, ...]
    forward: float
    backward: float = 0.0
    result: int = 0
    saved: int = 0
    flops: int = 0
    backward_flops: int = 0
    number: int = 0

    @property
    def seconds(self) -> float:
        return self.forward + self.backward


@dataclass
class Profile:
    """The result of :func:`profile`; ``print(profile)`` shows a table.

    Attributes
    ----------
    rows : list of Row
        In the order in which the operations ran.
    wall : float
        Seconds from beginning to end, forward and backward.
    result
        What the function returned.
    """

    rows: list[Row]
    wall: float
    result: Any = field(repr=False, default=None)

    @property
    def forward(self) -> float:
        """Seconds inside operations, forward."""
        return sum(r.forward for r in self.rows)

    @property
    def backward(self) -> float:
        """Seconds inside rules, backward, with the accumulation of their results."""
        return sum(r.backward for r in self.rows)

    @property
    def between(self) -> float:
        """Seconds outside all operations: Python, recording, and what NumPy did on plain arrays."""
        return max(self.wall - self.forward - self.backward, 0.0)

    def by_number(self) -> dict[int, Row]:
        """Return the rows of recorded operations by the number of their node."""
        return {r.number: r for r in self.rows if r.number}

    def by_name(self) -> list[Row]:
        """Return one row for each primitive, the slowest first; ``shape`` is (calls,)."""
        found: dict[str, Row] = {}
        for r in self.rows:
            t = found.setdefault(r.name, Row(r.name, (0,), 0.0))
            t.shape = (t.shape[0] + 1,)
            t.forward += r.forward
            t.backward += r.backward
            t.result += r.result
            t.saved += r.saved
            t.flops += r.flops
            t.backward_flops += r.backward_flops
        return sorted(found.values(), key=lambda r: -r.seconds)

    def __str__(self) -> str:
        head = ("operation", "calls", "forward", "backward", "share", "results", "held", "FLOPs")
        total = self.wall or 1.0
        table: list[tuple[str, ...]] = [head]
        rows = self.by_name()
        for r in [*rows, None]:
            if r is None:
                one = (self.forward, self.backward)
                sums = [sum(getattr(x, k) for x in rows) for k in ("result", "saved")]
                work = sum(x.flops + x.backward_flops for x in rows)
                label, calls = "all operations", str(len(self.rows))
            else:
                one, sums = (r.forward, r.backward), [r.result, r.saved]
                work, label, calls = r.flops + r.backward_flops, r.name, str(r.shape[0])
            times = [time_text(t) if t else "" for t in one]
            share = f"{100 * sum(one) / total:.0f} %"
            held = [bytes_text(n) if n else "" for n in sums]
            table.append((label, calls, *times, share, *held, count_text(work) if work else ""))
        table.append(("between them", "", time_text(self.between), "",
                      f"{100 * self.between / total:.0f} %", "", "", ""))  # fmt: skip
        table.append(("wall clock", "", time_text(self.wall), "", "100 %", "", "", ""))
        widths = [max(len(row[i]) for row in table) for i in range(len(head))]
        lines = [
            "  ".join(
                cell.ljust(w) if i == 0 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        ]
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-3], rule, *lines[-3:]])


def _timed(nodes: list[Node], spent: dict[int, float]) -> Iterator[Node]:
    """Yield the nodes of a sweep, and note how long it spends on each."""
    clock = time.perf_counter
    for node in nodes:
        start = clock()
        yield node
        if node.primitive is not None:
            number = producer(node).seq
            spent[number] = spent.get(number, 0.0) + clock() - start


def profile(
    f: Callable[..., Any],
    *args: Any,
    backward: bool = True,
    into: Tape | None = None,
) -> Profile:
    """Run a function, and backward from what it returns, measuring every operation.

    Parameters
    ----------
    f
        Any function or module; its operations on Tensors are measured.
    *args
        Its arguments.  Of a function that refers to no Tensor and no module, arrays of
        floating-point numbers need gradients, as for ``ag.draw``.
    backward
        Also run backward from the sum of the results, in which no ``.grad`` changes and no hook
        runs.
    into
        A tape on which the calls are noted with their arguments, for a picture.

    Returns
    -------
    Profile

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> w = ag.tensor(np.ones((300, 100)), requires_grad=True)
    >>> p = ag.profile(lambda x: np.sum(np.tanh(x @ w)), np.ones((50, 300)))
    >>> [(r.name, r.shape, r.flops) for r in p.rows]
    [('matmul', (50, 100), 3000000), ('tanh', (50, 100), 5000), ('sum', (), 5000)]
    >>> print(str(p).splitlines()[0].split())
    ['operation', 'calls', 'forward', 'backward', 'share', 'results', 'held', 'FLOPs']
    """
    if not callable(f):
        raise TypeError(
            f"ag.profile runs a function on the arguments after it, ag.profile(f, x); got a "
            f"{type(f).__name__}"
        )
    args = as_variables(f, args)
    clock = time.perf_counter
    running = into if into is not None else Tape()
    before = tape.get()
    spent: dict[int, float] = {}
    try:
        tape.set(running)
        start = clock()
        result = in_mode(PROFILE | RECORD | (DRAW if into is not None else 0), 0, f, *args)
        wall = clock() - start
    finally:
        tape.set(before)
    nodes = {call.number: call.node for call in running.calls if call.node is not None}
    rows = _rows(running.calls)
    if backward:
        wall += run_backward(result, spent)
    for row in rows:
        row.backward = spent.get(row.number, 0.0)
        if row.backward:
            row.backward_flops = row.flops * needed_gradients(nodes[row.number])
    return Profile(rows, wall, result)


def run_backward(result: Any, spent: dict[int, float]) -> float:
    """Sweep from the sum of a result's Tensors, note the time of every node; return the total."""
    roots: list[Any] = []
    waiting = [result]
    while waiting:
        value = waiting.pop()
        if isinstance(value, TensorBase):
            roots += [value] if value._node.tracked else []
        elif isinstance(value, (list, tuple, dict)):
            waiting += value.values() if isinstance(value, dict) else value
    if not roots:
        return 0.0
    clock = time.perf_counter
    start = clock()
    seeds = unit_cotangents(roots)
    sweep(reachable(seeds), seeds, hooks=False, observer=functools.partial(_timed, spent=spent))
    return clock() - start


def _rows(calls: list[TimedCall]) -> list[Row]:
    """Return rows of timed calls; an array shared by several is counted once, in the first."""
    held: set[int] = set()
    rows = []
    for call in calls:
        parts = call.out if isinstance(call.out, (tuple, list)) else (call.out,)
        shape = tuple(getattr(parts[0], "shape", ())) if parts else ()
        row = Row(call.primitive.name.lstrip("_"), shape, call.seconds)
        row.result = sum(int(getattr(o, "nbytes", 0)) for o in parts)
        if call.node is not None:
            row.number, row.flops = call.number, forward_flops(call.node)
            row.saved = saved_bytes(call.node, held)
        rows.append(row)
    return rows


def saved_bytes(node: Node, held: set[int]) -> int:
    """Return the bytes a node holds for backward that are not in ``held``, parameters excluded."""
    total = 0
    leaves = {id(p.out) for p in node.parents if isinstance(p, Leaf) and p.tracked}
    for a in node.saved():
        whole = owner_of(a)
        if id(whole) not in held and id(a) not in leaves and id(whole) not in leaves:
            held.add(id(whole))
            total += a.nbytes
    return total
