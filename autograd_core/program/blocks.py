"""Run chains of elementwise lines over large arrays block by block, so that they stay in cache.

A block is a range of one axis.  Which axis of each value that is follows from how the value was
made, never from lengths that happen to agree: an elementwise line aligns axes from the right, a
reduction removes some, a reshape keeps an axis that has as many elements behind it as before.  A
reduction over the axis itself ends a chain: each block gives a part, and the parts are reduced.
"""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.program.lines import Line, Program, values_in
from autograd_core.program.passes import is_elementwise, is_view
from autograd_core.program.simplify import is_array
from autograd_core.program.traced import Traced, astype

if TYPE_CHECKING:
    from autograd_core.program.source import Writer

#: Arrays of fewer elements are in cache anyhow.
LEAST = 1 << 16

#: Elements of a block, on one thread and on several.
SIZE, SIZE_OF_THREADS = 1 << 15, 1 << 16

#: How many lines a chain may reach over.
REACH = 400

#: Elementwise functions that are no ufuncs, which make their own arrays.
SELECTING = (np.where, np.clip)

#: Views that keep the order of the elements.
_RESHAPING = (np.reshape, np.ravel, np.expand_dims, np.squeeze)

#: Reductions whose parts are reduced in the same way.
ENDING: dict[Any, Any] = {
    np.sum: np.add.reduce, np.mean: np.add.reduce, np.max: np.maximum.reduce,
    np.min: np.minimum.reduce, np.amax: np.maximum.reduce, np.amin: np.minimum.reduce,
}  # fmt: skip


class Chain:
    """Lines that run together, block by block along an axis.

    Attributes
    ----------
    lines
        What is done with each block.
    axes
        The axis of each value inside along which the blocks lie.
    ends
        The lines that reduce over that axis.
    shape, axis
        The shape of the first result, in which the axis of values from outside is known.
    length, step
        The length of the axis, and of a block.
    """

    def __init__(self, seed: Line, size: int) -> None:
        self.shape: tuple[int, ...] = seed.result.shape
        behind = [math.prod(self.shape[k + 1 :]) for k in range(len(self.shape))]
        fits = (k for k, n in enumerate(self.shape) if n > 1 and behind[k] <= size // 2)
        self.axis = next(fits)
        self.length = self.shape[self.axis]
        self.step = max(1, size * self.length // math.prod(self.shape))
        self.errstate = seed.errstate
        self.axes: dict[Traced, int] = {}
        self.lines: list[Line] = []
        self.ends: set[Line] = set()

    def takes(self, line: Line) -> bool:
        """Add a line if it can run in blocks, and return whether it can."""
        value = line.result
        if line.kind != "call" or not isinstance(value, Traced) or line.errstate != self.errstate:
            return False
        if line.function in ENDING:
            return self._takes_reduction(line)
        if not is_array(value) or not value.flags.c_contiguous:
            return False
        if is_in_blocks(line):
            return self._takes_elementwise(line)
        return is_view(line) and self._takes_view(line)

    def _add(self, line: Line, axis: int | None) -> bool:
        """Add a line whose result has the blocks along an axis, if there is one."""
        value = line.result
        if axis is None or not 0 <= axis < value.ndim or value.shape[axis] != self.length:
            return False
        self.axes[value] = axis
        self.lines.append(line)
        return True

    def _takes_elementwise(self, line: Line) -> bool:
        value = line.result
        behind = {v.ndim - self.axes[v] for v in line.inputs if v in self.axes}
        if not behind and value.shape == self.shape:
            behind = {value.ndim - self.axis}
        return self._add(line, value.ndim - behind.pop() if len(behind) == 1 else None)

    def _takes_reduction(self, line: Line) -> bool:
        array, value = line.args[0], line.result
        if not is_array(array) or not reduces_plainly(line):
            return False
        axis = self.axes.get(array, self.axis if array.shape == self.shape else None)
        if axis is None:
            return False
        over, keeps = reduced_axes(line)
        if axis in over:
            self.lines.append(line)
            self.ends.add(line)
            return True
        if not is_array(value) or not value.flags.c_contiguous:
            return False
        return self._add(line, axis if keeps else axis - sum(a < axis for a in over))

    def _takes_view(self, line: Line) -> bool:
        source, *others = line.inputs
        if others or source not in self.axes or line.args[0] is not source:
            return False
        value, axis = line.result, self.axes[source]
        if line.function is np.broadcast_to:
            return self._add(line, value.ndim - source.ndim + axis)
        index = line.args[1] if line.function is operator.getitem else ()
        plain = (None, Ellipsis, slice(None))
        whole = all(any(i is p or (p == i and type(i) is slice) for p in plain)
                    for i in (index if isinstance(index, tuple) else (index,)))  # fmt: skip
        known = line.function in _RESHAPING or line.function is operator.getitem
        if not known or not whole or line.kwargs.keys() - {"axis"} or value.size != source.size:
            return False
        behind = math.prod(source.shape[axis + 1 :])  # so many elements lie behind the axis
        places = [
            k for k, n in enumerate(value.shape)
            if n == self.length and math.prod(value.shape[k + 1 :]) == behind
        ]  # fmt: skip
        return self._add(line, places[0] if places else None)


@dataclass(slots=True, eq=False)
class Block(Line):
    """The line of a chain: it reads what comes from outside, and makes what is used later."""

    chain: Any = None


def is_in_blocks(line: Line) -> bool:
    """Return whether a line works element by element, on arrays that are broadcast."""
    known = is_elementwise(line.function) or line.function in SELECTING
    if line.function is np.where and len(line.args) != 3:
        return False
    return (known or line.function is astype) and not line.kwargs


def target_argument(function: Any, target: str) -> str:
    """Return how a ufunc takes the array that it writes into; by position is sooner."""
    return f"out={target}" if function in (np.maximum, np.minimum) else target  # NumPy 2.4 warns


def reduced_axes(line: Line) -> tuple[tuple[int, ...], bool]:
    """Return the axes that a reduction is over, and whether it keeps them with length 1."""
    axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis")
    ndim = line.args[0].ndim
    axes = range(ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(a % ndim for a in axes), bool(line.kwargs.get("keepdims", False))


def reduces_plainly(line: Line) -> bool:
    """Return whether a reduction by a function is the ufunc's, bit for bit."""
    first = line.args[0]
    if len(line.args) > 2 or line.kwargs.keys() - {"axis", "keepdims"} or not is_array(first):
        return False
    if line.function in (np.any, np.all):
        return bool(first.dtype.kind == "b")
    if line.function is np.mean:  # a division by the count, in the dtype if that is exact
        count = first.size // max(1, line.result.size)
        return first.dtype.char in "fd" and 0 < count < 1 << 24
    return first.dtype.char in "fdlFD"


def with_blocks(program: Program, size: int) -> Program:
    """Return a program in which chains of lines over large arrays are single lines."""
    done: list[Line] = []
    rest = program.lines
    needed = set(values_in(program.outputs))
    while True:
        at = next((i for i, line in enumerate(rest) if _starts(line)), None)
        if at is None:
            return Program([*done, *rest], program.inputs, program.outputs, program.captured)
        before, chain, after = _split(rest[at:], size)
        done += [*rest[:at], *before]
        done += _joined(chain, after, needed) if len(chain.lines) > 1 else chain.lines
        rest = after


def _starts(line: Line) -> bool:
    """Return whether a chain can begin with a line."""
    value = line.result
    if line.kind != "call" or not is_array(value) or value.size < LEAST:
        return False
    return is_in_blocks(line) and value.flags.c_contiguous and value.root is value


def _split(lines: list[Line], size: int) -> tuple[list[Line], Chain, list[Line]]:
    """Return lines that can run before a chain, the chain that the first one begins, and others."""
    chain = Chain(lines[0], size)
    before: list[Line] = []
    after: list[Line] = []
    late: set[Traced] = set()  # what comes after
    for i, line in enumerate(lines):
        if i == REACH or line.kind in ("write", "guard", "blocks"):
            return before, chain, after + lines[i:]
        reads = {v.root for v in line.inputs}
        waits = bool(reads & late) or (line.kind == "draw" and any(n.kind == "draw" for n in after))
        if not waits and chain.takes(line):
            if line in chain.ends:
                late.add(line.result)
            continue
        # what needs a large array that is not there yet would keep others alive until then
        large = any(v.size >= LEAST for v in line.outputs if is_array(v) and v.root is v)
        if i and (waits or large or any(v in chain.axes for v in reads)):
            after.append(line)
            late.update(v.root for v in line.outputs)
        else:
            before.append(line)
    return before, chain, after


def _joined(chain: Chain, after: list[Line], needed: set[Traced]) -> list[Line]:
    """Return the line of a chain, and views of what it makes that are used later."""
    made = {line.result for line in chain.lines}
    used = needed | {v for line in after for v in line.inputs}
    views: list[Line] = []
    for line in reversed(chain.lines):
        if line.result in used and is_view(line):
            views.insert(0, line)
            used.add(line.args[0])
    reads = dict.fromkeys(v for line in chain.lines for v in line.inputs if v not in made)
    results = (n.result for n in chain.lines if n.result in used and n not in views)
    joined = Block(Loop, tuple(reads), {}, tuple(results), "blocks", chain=chain)
    joined.origin, joined.errstate = chain.lines[0].origin, chain.errstate
    return [joined, *views]


class Loop:
    """Runs the function of a block over all blocks, on several threads if there are.

    Parameters
    ----------
    chain
        What is run.
    arrays
        Shape, axis and dtype of the temporary arrays.
    threads
        How many threads share the blocks.
    """

    pool: ThreadPoolExecutor | None = None

    def __init__(self, chain: Chain, arrays: list[Any], threads: int) -> None:
        n, step = chain.length, chain.step
        self.ranges = [(at, min(at + step, n)) for at in range(0, n, step)]
        self.arrays, self.step, self.rest, self.threads = arrays, step, n % step, threads

    def scratch(self) -> list[tuple[Any, Any]]:
        """Return temporary arrays for each thread: of a block, and of the last, shorter one."""
        found = []
        for _ in range(self.threads):
            full = [np.empty(shape, dtype) for shape, _, dtype in self.arrays]
            cuts = [(slice(None),) * axis + (slice(self.rest),) for _, axis, _ in self.arrays]
            found.append((full, [t[cut] for t, cut in zip(full, cuts, strict=True)]))
        return found

    def __call__(self, block: Callable[..., None], scratch: list[Any], arrays: Any) -> None:
        def run(thread: int) -> None:
            full, short = scratch[thread]
            for j in range(thread, len(self.ranges), self.threads):
                lo, hi = self.ranges[j]
                block(lo, hi, j, full if hi - lo == self.step else short, *arrays)

        if self.threads > 1 and Loop.pool is None:
            Loop.pool = ThreadPoolExecutor(64)
        submit: Any = Loop.pool and Loop.pool.submit
        jobs = [submit(copy_context().run, run, k) for k in range(1, self.threads)]
        run(0)
        for job in jobs:
            job.result()


class _BlockWriter:
    """Writes the function of one block: into ``results`` what is used later, else temporaries."""

    def __init__(self, writer: Writer, chain: Chain, results: dict[Traced, str]) -> None:
        self.writer, self.chain, self.results = writer, chain, results
        self.arrays: list[Any] = []  # temporary ones: shape, axis, dtype
        self.free: dict[Any, list[str]] = defaultdict(list)
        self.holds: dict[Traced, str] = {}  # the temporary of each value that has one
        self.local: dict[Traced, str] = {}
        self.slices: dict[str, str] = {}
        self.body: list[str] = []
        self.root: dict[Traced, Traced] = {}
        for line in chain.lines:
            source = line.args[0]
            self.root[line.result] = self.root.get(source, source) if is_view(line) else line.result
        self.last = {self._root(v): i for i, n in enumerate(chain.lines) for v in n.inputs}
        for i, line in enumerate(chain.lines):
            self._line(line, i)
            for v in {self._root(v) for v in (*line.inputs, line.result)}:
                if self.last.get(v, i) <= i and v in self.holds:
                    self._give(self.holds.pop(v))

    def _root(self, value: Traced) -> Traced:
        return self.root.get(value, value)

    def _give(self, name: str) -> None:
        self.free[self.arrays[int(name[2:])]].append(name)

    def _part(self, text: str, axis: int) -> str:
        """Return the name of the slice of an array that belongs to the block."""
        return self.slices.setdefault(f"{text}[{':, ' * axis}lo:hi]", f"_s{len(self.slices)}")

    def _operand(self, a: Any, behind: int, weak: Any = None) -> str:
        """Return the text of an argument, cut along the axis with so many axes from it on."""
        if isinstance(a, Traced) and a in self.local:
            return self.local[a]
        text, shape = self.writer.text(a, weak), getattr(a, "shape", ())
        axis = len(shape) - behind
        cut = axis >= 0 and shape[axis] == self.chain.length
        return self._part(text, axis) if cut else text

    def _temporary(self, line: Line, i: int) -> str:
        """Return the array that a line writes into: one of an operand that dies, or a free one."""
        value, axis = line.result, self.chain.axes[line.result]
        kind = ((*value.shape[:axis], self.chain.step, *value.shape[axis + 1 :]), axis, value.dtype)
        for a in line.inputs:
            name = self.holds.get(a)
            if name and self.arrays[int(name[2:])] == kind and self.last[a] == i:
                self._give(self.holds.pop(a))
                break
        if not self.free[kind]:
            self.free[kind].append(f"_t{len(self.arrays)}")
            self.arrays.append(kind)
        return self.holds.setdefault(value, self.free[kind].pop())

    def _line(self, line: Line, i: int) -> None:
        value, function, constant = line.result, line.function, self.writer.constant
        if line in self.chain.ends:
            self.body.append(f"{self.results[value]}[j] = {self._reduction(line, 'None')}")
            return
        axis = self.chain.axes[value]
        if is_view(line):
            shape = "".join(f"{'hi - lo' if k == axis else n}, " for k, n in enumerate(value.shape))
            view = constant(np.broadcast_to if function is np.broadcast_to else np.reshape)
            self.local[value] = f"_v{i}"
            self.body.append(f"_v{i} = {view}({self.local[line.args[0]]}, ({shape}))")
            return
        into = self._part(self.results[value], axis) if value in self.results else ""
        if function in ENDING:
            into = into or self._temporary(line, i)
            self.body.append(self._reduction(line, into))
            if function is np.mean:
                self.body.append(self.writer.division(line, into, into))
        else:
            weak = self.writer.dtypes_of_numbers(line)
            pairs = zip(self.writer.operands(line), weak, strict=True)
            words = [self._operand(a, value.ndim - axis, w) for a, w in pairs]
            if function in SELECTING:
                made = f"{constant(function)}({', '.join(words)})"
                self.body.append(f"{f'{into}[...]' if into else f'_w{i}'} = {made}")
                into = into or f"_w{i}"
            else:
                into = into or self._temporary(line, i)
                if function is astype:
                    self.body.append(f"{constant(np.copyto)}({into}, {words[0]}, 'unsafe')")
                else:
                    out = target_argument(function, into)
                    self.body.append(f"{constant(function)}({', '.join([*words, out])})")
        self.local[value] = into

    def _reduction(self, line: Line, into: str) -> str:
        array = line.args[0]
        over, keeps = reduced_axes(line)
        operand = self._operand(array, array.ndim - self.chain.axes.get(array, self.chain.axis))
        reduce = self.writer.constant(ENDING[line.function])
        return f"{reduce}({operand}, {over}, None, {into}, {keeps})"


def can_take_over(chain: Chain, value: Traced, operand: Traced) -> bool:
    """Return whether a block may make a value in the memory of an operand of the same shape.

    The operand is read for the last time where the value is made, element by element, or before
    that; and no line reads more of it than the part that belongs to the chain.
    """
    behind, made = value.ndim - chain.axes[value], False
    for line in chain.lines:
        reads = any(v is operand for v in line.inputs)
        if reads:
            result = line.result
            like = result if is_in_blocks(line) else operand
            axis = chain.axes[result] if is_in_blocks(line) else chain.axis
            if made or like.ndim - axis != behind:
                return False
        made = made or line.result is value
    return made


def write_block(writer: Writer, block: Block) -> None:
    """Write the function of one block, and the line that runs it over all of them."""
    chain, results = block.chain, dict[Traced, str]()
    for value in block.outputs:
        if value in chain.axes:
            results[value] = writer.taken_over(block, value) or writer.array_for(value, block)
        else:  # of a reduction over the blocks: what each of them gives
            count = -(-chain.length // chain.step)
            made = f"empty({(count, *value.shape)}, {writer.constant(value.dtype)})"
            results[value] = writer.made(made, "parts", once=False)
    inner = _BlockWriter(writer, chain, results)
    values = [*block.inputs, *(v for v in results if v in chain.axes)]
    moving = list(dict.fromkeys(writer.of[v] for v in values if v not in writer.fixed))
    casts = ((v, dtype) for v in block.inputs for dtype in writer.casts.get(v, ()))
    moving += [writer.of[cast] for cast in casts if cast in writer.of]
    head = ["".join(f"_t{k}, " for k in range(len(inner.arrays))) + "= t"] if inner.arrays else []
    head += [f"{name} = {text}" for text, name in inner.slices.items()]
    name = writer.new("block")
    writer.blocks.append(f"def {name}({', '.join(['lo', 'hi', 'j', 't', *moving])}):")
    writer.blocks += [f"    {text}" for text in (*head, *inner.body)]
    loop = writer.constant(Loop(chain, inner.arrays, writer.threads), "loop")
    scratch = writer.made(f"{loop}.scratch()", "scratch", once=False)
    writer.emit(f"{loop}({name}, {scratch}, ({''.join(f'{n}, ' for n in moving)}))", block)
    for line in chain.lines:
        if line in chain.ends and line.result in results:
            value, reduce = line.result, writer.constant(ENDING[line.function])
            writer.local(value)
            writer.emit(f"{writer.of[value]} = {reduce}({results[value]}, 0)", block)
            if line.function is np.mean:
                writer.emit(writer.division(line, writer.of[value]), block)
