"""Write a program as Python source: straight-line NumPy, with all memory allocated beforehand.

The source defines ``make(*captured)``, which allocates and returns the function, so that two
threads can each have their own.  What the function returns are fresh arrays, never its memory.
"""

from __future__ import annotations

import keyword
import math
import operator
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_core.program import blocks
from autograd_core.program.arena import Arena, memory, place
from autograd_core.program.blocks import (
    ENDING,
    Block,
    can_take_over,
    reduces_plainly,
    target_argument,
    with_blocks,
    write_block,
)
from autograd_core.program.lines import Line, Program, fields_of, leaves_of, replaced, values_in
from autograd_core.program.passes import INFIX, is_elementwise, is_one_number, is_view
from autograd_core.program.schedule import with_early_frees
from autograd_core.program.simplify import is_array, with_simple_calls
from autograd_core.program.trace import WRITERS
from autograd_core.program.traced import Number, Traced, astype

#: Reductions by functions, and the ufunc's method that does the same without its detours.
REDUCTIONS: dict[Any, Any] = ENDING | {
    np.prod: np.multiply.reduce, np.any: np.logical_or.reduce, np.all: np.logical_and.reduce,
}  # fmt: skip

#: Operators of Python numbers, as they are written.
OPERATORS: dict[Any, str] = INFIX | {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/",
    operator.floordiv: "//", operator.mod: "%", operator.lt: "<", operator.le: "<=",
    operator.gt: ">", operator.ge: ">=", operator.eq: "==", operator.ne: "!=",
}  # fmt: skip

#: Names that the text of a source uses by itself.
_RESERVED = {"make", "arena", "errstate", "slice", "lo", "hi", "j", "t"}

#: Dtypes beside which a complex number of Python has to be one of NumPy: ``1j * np.float64(2)``
#: is Python's.
_COMPLEX = (np.dtype(np.complex64), np.dtype(np.complex128))

#: Functions with ``out=`` that are neither elementwise nor products.
_INTO = {np.concatenate, np.stack, np.dot, np.outer, np.cumsum, np.cumprod}

#: Functions that fill a new array with one number.
_FILLS: dict[Any, Any] = {np.zeros: 0, np.ones: 1}

#: Views by functions that the array's method gives sooner.
_VIEW_METHODS = (np.reshape, np.swapaxes, np.transpose, np.squeeze, np.ravel, np.diagonal)

#: Arrays of more bytes are let go at their last use, where no memory of the program holds them.
LARGE = 1 << 16

#: In a program of more lines, large arrays are placed as small ones are.
MANY = 2000


@dataclass(frozen=True)
class Miss:
    """Tell the caller of a program that a guard failed: the number of the guard."""

    guard: int


@dataclass
class Source:
    """The text of a program, and what it refers to.

    Attributes
    ----------
    text
        Defines ``make(*captured)``.
    names
        Functions and constants by the names in the text.
    captured
        The captured arrays of the program, which ``make`` takes if it is given no others.
    origins
        The line of the user's code for each line of the text.
    buffer_bytes
        The size of the memory that one function holds.
    """

    text: str
    names: dict[str, Any] = field(default_factory=dict)
    captured: tuple[Any, ...] = ()
    origins: dict[int, str] = field(default_factory=dict)
    buffer_bytes: int = 0

    def make(self, *captured: Any) -> Any:
        """Return the function, with memory of its own, that reads these captured arrays."""
        if "make" not in self.names:
            exec(compile(self.text, "<program>", "exec"), self.names)
        return self.names["make"](*(captured or self.captured))


class Names:
    """Identifiers, each given once; ``taken`` are those that are used already."""

    def __init__(self, *taken: str) -> None:
        self.taken, self._again = set(taken), Counter[str]()

    def new(self, wanted: str) -> str:
        """Return an identifier like the wanted one that is not taken."""
        base = re.sub(r"\W", "_", wanted.replace("-", "m").replace("+", "")).strip("_") or "t"
        base = f"_{base}" if base[0].isdigit() else base
        base = name = f"{base}_" if keyword.iskeyword(base) else base
        while name in self.taken:
            self._again[base] += 1
            name = f"{base}_{self._again[base] + 1}"
        self.taken.add(name)
        return name


class Writer:
    """Writes one program; see :func:`write`.

    Attributes
    ----------
    names, of
        What the source refers to, by name; the texts of values and constants.
    before, blocks, body
        Lines of ``make``, those of functions inside it, and lines of the function itself.
    fixed
        Values whose arrays are the same at each call.
    owned, fresh
        Parts of the arena, and arrays of other functions, that hold one value and nothing else.
    """

    def __init__(self, program: Program, name: str, threads: int = 1) -> None:
        self.program, self.name, self.threads = program, name, threads
        self.names: dict[str, Any] = {"empty": np.empty, "ndarray": np.ndarray, "memory": memory}
        self.new = Names(*self.names, name, *_RESERVED).new
        self.before: list[str] = []
        self._made: dict[str, str] = {}
        self.blocks: list[str] = []
        self.body: list[tuple[str, Line | None]] = []
        self.of: dict[Any, str] = {}
        self.arena, self.at = Arena(), 0
        self.large: list[tuple[int, int, int]] = []  # bytes, first and last line
        self.views: list[str] = []  # of the large ones, without offsets
        self.fixed: set[Any] = set()
        self.owned: dict[Any, tuple[str, int]] = {}
        self.fresh: dict[Any, str] = {}
        self.local_names: dict[Any, list[str]] = defaultdict(list)
        self.kept = {v.root for v in values_in(program.outputs)}
        self.last: dict[Any, int] = {}
        self.casts: dict[Any, Counter[Any]] = defaultdict(Counter)
        self.places = len(program.lines) < MANY
        self.roots = [{v.root: None for v in _touched(line)} for line in program.lines]
        for i, line in enumerate(program.lines):
            self.last.update(dict.fromkeys(self.roots[i], i))
            for inner in line.chain.lines if isinstance(line, Block) else [line]:
                for a, dtype in zip(inner.args, self.dtypes_of_numbers(inner), strict=True):
                    if dtype is not None and isinstance(a, Number):
                        self.casts[a][dtype] += 1

    def source(self) -> Source:
        """Return the source."""
        program, guards = self.program, 0
        for value in (*program.inputs, *program.captured):
            self.of[value] = self.new(value.name or "captured")
        self.fixed.update(program.captured)
        for value in program.inputs:
            self._cast(value, None)
        for self.at, line in enumerate(program.lines):
            i = self.at
            if line.kind == "guard":
                self._guard(line, i, guards)
                guards += 1
            elif isinstance(line, Block):
                write_block(self, line)
            elif line.kind == "write":
                self._write(line)
            else:
                self._call(line, i)
            self._release(line, i)
        self.emit(f"return {self.text(replaced(program.outputs, self._returned))}", None)
        return self._assembled()

    def _assembled(self) -> Source:
        """Return the source of all lines, neighbours of one errstate in one block."""
        program = self.program
        given, captured = (
            ", ".join(self.of[v] for v in vs) for vs in (program.inputs, program.captured)
        )
        lines = [f"def make({captured}):"]
        offsets, size = place(self.large, self.arena.size)
        if size:
            lines.append(f"    arena = memory({size})")
        views = [view % offset for view, offset in zip(self.views, offsets, strict=True)]
        lines += [f"    {line}" for line in (*views, *self.before, *self.blocks)]
        lines.append(f"    def {self.name}({given}):")
        origins, state = {}, None
        for text, line in self.body:
            wanted = line.errstate if line else None
            if wanted is not None and wanted != state:
                self.names["errstate"] = np.errstate
                lines.append(f"        with errstate(**{self.constant(wanted, 'floating')}):")
            state = wanted
            lines.append(f"        {'' if state is None else '    '}{text}")
            if line and line.origin:
                origins[len(lines)] = line.origin
        lines.append(f"    return {self.name}\n")
        arrays = tuple(program.captured.values())
        return Source("\n".join(lines), self.names, arrays, origins, size)

    def emit(self, text: str, line: Line | None) -> None:
        """Add a line of the function, that of a line of the program if it is one."""
        self.body.append((text, line))

    # -- names and texts --------------------------------------------------------------------------

    def local(self, value: Any) -> str:
        """Return the name of a value that is a variable of the function."""
        if value not in self.of:
            self.of[value] = self.new(value.name or f"v{value.number}")
        if is_array(value):
            self.local_names[value.root].append(self.of[value])
        return self.of[value]

    def made(self, expression: str, wanted: str, once: bool = True) -> str:
        """Return the name of something that is made once, when the function is made."""
        if not once or expression not in self._made:
            self._made[expression] = self.new(wanted)
            self.before.append(f"{self._made[expression]} = {expression}")
        return self._made[expression]

    def constant(self, value: Any, wanted: str = "c") -> str:
        """Return the name of something that the source refers to; the same for the same."""
        owner = getattr(value, "__self__", None)
        key: Any = (id(value), "object")
        if isinstance(owner, np.ufunc):
            key = (owner, value.__name__)
        elif isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
            key = (type(value), value.dtype, value.tobytes())
            wanted = f"c{value.item()!r:.12}"
        elif isinstance(value, (np.dtype, tuple, slice)):
            key = (type(value), repr(value))
        if key not in self.of:
            base = getattr(value, "__name__", "") or getattr(value, "name", "") or wanted
            base = f"{owner.__name__}_{base}" if isinstance(owner, np.ufunc) else base
            self.of[key] = self.new(base)
            self.names[self.of[key]] = value
        return self.of[key]

    def text(self, tree: Any, weak: Any = None) -> str:
        """Return an argument as it is written, a number beside arrays as one of dtype ``weak``."""
        kind = type(tree)
        if kind is Traced:
            return self.of[tree]
        if kind is Number:
            return self.of.get((tree, weak)) or self.of[tree]
        if kind is tuple:
            if slice in map(type, tree) and _is_plain(tree):
                return self.constant(tree, "at")
            return f"({''.join(self.text(member) + ', ' for member in tree)})"
        if (names := fields_of(kind)) and values_in(tree):
            members = (self.text(getattr(tree, name)) for name in names)
            return f"{self.constant(kind)}({', '.join(members)})"
        if kind is list:
            return f"[{', '.join(map(self.text, tree))}]"
        if kind is dict:
            return f"{{{', '.join(f'{k!r}: {self.text(v)}' for k, v in tree.items())}}}"
        if kind is slice:
            parts = (tree.start, tree.stop, tree.step)
            return f"slice({', '.join(map(self.text, parts))})"
        if weak is not None:
            return self.constant(np.asarray(tree, weak))
        if kind is float and math.isfinite(tree):
            return repr(tree)
        plain = tree is None or kind in (int, bool, str)
        return repr(tree) if plain else "..." if tree is Ellipsis else self.constant(tree)

    def _cast(self, value: Any, line: Line | None) -> None:
        """Convert a number that lines of arrays use more than once."""
        for dtype, times in self.casts.get(value, {}).items():
            if times > 1:
                name = self.of[value, dtype] = self.new(f"{self.of[value]}_{dtype.name}")
                self.emit(f"{name} = {self.constant(dtype.type)}({self.of[value]})", line)

    # -- memory -----------------------------------------------------------------------------------

    def array_for(self, value: Any, line: Line) -> str:
        """Return the array that a value is written into: in the arena, or new if it is returned."""
        example = value.example
        order = "C" if example.flags.c_contiguous else "F"
        shape, dtype = example.shape, self.constant(example.dtype)
        if value in self.kept:
            name = self.local(value)
            self.emit(f"{name} = empty({shape}, {dtype}, {order!r})", line)
            return name
        wanted = f", None, {order!r}" if order == "F" else ""
        if self.places and example.nbytes > LARGE:
            offset, name = -len(self.large) - 1, self.new("b")
            self.large.append((example.nbytes, self.at, self.at))
            self.views.append(f"{name} = ndarray({shape}, {dtype}, arena, %d{wanted})")
        else:
            offset = self.arena.take(example.nbytes)
            name = self.made(f"ndarray({shape}, {dtype}, arena, {offset}{wanted})", "b")
        self._hold(value, (name, offset))
        return name

    def _hold(self, value: Any, place: tuple[str, int]) -> None:
        self.owned[value], self.of[value] = place, place[0]
        self.fixed.add(value)

    def _target(self, line: Line, i: int, value: Any) -> str:
        """Return the array that a result is written into; empty if the call makes it."""
        flags = value.flags
        if value.root is not value or not (flags.c_contiguous or flags.f_contiguous):
            return ""
        for operand in line.inputs if is_elementwise(line.function) else ():
            if not is_array(operand) or self.last[operand.root] != i or operand in self.kept:
                continue
            alike = operand.dtype == value.dtype and operand.shape == value.shape
            if alike and operand.strides == value.strides:  # one that dies here gives its own
                if operand in self.owned and value not in self.kept:
                    self._hold(value, self.owned.pop(operand))
                    return self.of[value]
                if operand in self.fresh:
                    name = self.of[value] = self.fresh.pop(operand)
                    self.local_names.pop(operand, None)
                    self._is_fresh(value)
                    return name
        return "" if value in self.kept else self.array_for(value, line)

    def taken_over(self, block: Block, value: Any) -> str:
        """Return the array of an operand of a block that dies in it, if a result can have it."""
        for operand in block.inputs if value not in self.kept else ():
            if operand not in self.owned or self.last[operand] != self.at:
                continue
            alike = operand.dtype == value.dtype and operand.shape == value.shape
            alone = all(v is operand for v in block.inputs if v.root is operand)
            if alike and alone and can_take_over(block.chain, value, operand):
                self._hold(value, self.owned.pop(operand))
                return self.of[value]
        return ""

    def _is_fresh(self, value: Any) -> None:
        self.local(value)
        if value not in self.kept:
            self.fresh[value] = self.of[value]

    def _release(self, line: Line, i: int) -> None:
        """Give back the memory of the values that are used for the last time."""
        for root in self.roots[i]:
            if self.last[root] != i or root in self.kept:
                continue
            if root in self.owned:
                offset = self.owned.pop(root)[1]
                if offset < 0:
                    self.large[-offset - 1] = (*self.large[-offset - 1][:2], i)
                else:
                    self.arena.give(offset, root.nbytes)
            elif root in self.local_names and root.nbytes > LARGE and root.role == "line":
                self.emit(" = ".join([*dict.fromkeys(self.local_names.pop(root)), "None"]), line)

    # -- lines ------------------------------------------------------------------------------------

    def _guard(self, line: Line, i: int, number: int) -> None:
        test = self.text(line.args[0])
        self.emit(f"if {f'not {test}' if line.expected else test}:", line)
        start = len(self.body)
        for undone in line.undo:
            self._write(undone) if undone.kind == "write" else self._call(undone, i)
        self.emit(f"return {self.constant(Miss(number), 'miss')}", line)
        self.body[start:] = [(f"    {text}", line) for text, _ in self.body[start:]]

    def _write(self, line: Line) -> None:
        function = line.function
        weak = self.dtypes_of_numbers(line)
        words = [self.text(a, w) for a, w in zip(line.args, weak, strict=True)]
        if function is operator.setitem:
            self.emit(f"{words[0]}[{words[1]}] = {words[2]}", line)
            return
        options = [f"{name}={self.text(v)}" for name, v in line.kwargs.items()]
        if function not in WRITERS and getattr(function, "__name__", "") != "at":
            target = self.text(line.result)
            positional = is_elementwise(function) and not options
            options.append(target_argument(function, target) if positional else f"out={target}")
        self.emit(f"{self.constant(function)}({', '.join([*words, *options])})", line)

    def _call(self, line: Line, i: int) -> None:
        value, function = line.result, line.function
        array = is_array(value) and isinstance(value, Traced)
        weak = self.dtypes_of_numbers(line)
        args: Any = self.operands(line) if array else line.args
        pairs = list(zip(args, weak, strict=True))
        if not array:  # scalars are quicker with scalars, arrays with arrays without axes
            kind = value.dtype.type if getattr(value, "dtype", None) in _COMPLEX else None
            pairs = [
                (kind(a), None) if kind and type(a) is complex and function in OPERATORS
                else (a, w) if w is None or type(a) is Number else (w.type(a), None)
                for a, w in pairs
            ]  # fmt: skip
        words = [self.text(a, w) for a, w in pairs]
        options = [f"{name}={self.text(v)}" for name, v in line.kwargs.items()]
        if is_view(line):
            expression = self._expression(line, words, options)
            if len(line.inputs) == 1 and line.inputs[0] in self.fixed:
                self.fixed.add(value)
                self.of[value] = self.made(expression, f"v{value.number}")
            else:
                self.emit(f"{self.local(value)} = {expression}", line)
            return
        if array and value.ndim and self._into(line, i, words, options):
            return
        for output in line.outputs:
            self.local(output)
        left = self._left(value)
        expression = self._expression(line, words, options)
        self.emit(f"{left} = {expression}" if left else expression, line)
        if function is np.mean and reduces_plainly(line):
            self.emit(self.division(line, left, left if array else ""), line)
        if array and (function is np.where or is_elementwise(function)) and value.root is value:
            self._is_fresh(value)
        if isinstance(value, Number):
            self._cast(value, line)

    def _into(self, line: Line, i: int, words: list[str], options: list[str]) -> bool:
        """Write a line that puts its result into an array, and return whether there is one."""
        value, function = line.result, line.function
        fills = function in _FILLS or function is np.full
        copies = function in (astype, np.copy)
        reduces = function in REDUCTIONS and reduces_plainly(line)
        writes = is_elementwise(function) or function is np.matmul or function in _INTO
        if not (writes or reduces or fills or copies or function is np.empty):
            return False
        target = self._target(line, i, value)
        if not target:
            return False
        named = options or function in _INTO
        out = f"out={target}" if named else target_argument(function, target)
        call = ", ".join([*words, *options, out])
        if reduces:
            axis, keep = axis_of(line)
            call = f"{words[0]}, {self.text(axis)}, None, {target}, {keep}"
            self.emit(f"{self.constant(REDUCTIONS[function])}({call})", line)
            if function is np.mean:
                self.emit(self.division(line, target, target), line)
        elif fills:
            self.emit(
                f"{target}.fill({words[1] if function is np.full else _FILLS[function]})", line
            )
        elif copies:
            self.emit(f"{self.constant(np.copyto)}({target}, {words[0]}, 'unsafe')", line)
        elif function is not np.empty:
            self.emit(f"{self.constant(function)}({call})", line)
        return True

    def division(self, line: Line, total: str, into: str = "") -> str:
        """Return the line that makes a mean of a sum."""
        count = line.result.dtype.type(line.args[0].size // line.result.size)
        if not into:
            return f"{total} = {total} / {self.constant(count)}"
        divide, number = self.constant(np.true_divide), self.constant(np.asarray(count))
        return f"{divide}({total}, {number}, {into})"

    def _left(self, result: Any) -> str:
        if isinstance(result, (Traced, Number)):
            return self.of[result]
        if isinstance(result, (tuple, list)):
            return "".join(f"{self._left(member) or '_'}, " for member in result)
        return ""

    def _expression(self, line: Line, words: list[str], options: list[str]) -> str:
        function, first = line.function, (line.args or (None,))[0]
        if function is operator.getitem:
            return f"{words[0]}[{words[1]}]"
        if function is astype:
            return f"{words[0]}.astype({words[1]})"
        numbers = not is_array(line.result) and not options
        if function is operator.pow or (function in OPERATORS and numbers):
            return f"{words[0]} {OPERATORS[function]} {words[1]}"
        if function in (np.negative, operator.neg) and numbers:
            return f"-{words[0]}"
        if function in _VIEW_METHODS and is_array(first) and not options:
            if function is np.transpose and len(words) == 1:
                return f"{words[0]}.T"
            return f"{words[0]}.{function.__name__}({', '.join(words[1:])})"
        if function in REDUCTIONS and reduces_plainly(line):
            axis, keep = axis_of(line)
            keep = ", None, None, True" if keep else ""
            return f"{self.constant(REDUCTIONS[function])}({words[0]}, {self.text(axis)}{keep})"
        return f"{self.constant(function)}({', '.join([*words, *options])})"

    def operands(self, line: Line) -> tuple[Any, ...]:
        """Return the arguments; beside a full array, constants of one number as that number."""
        value, args = line.result, line.args
        if not (is_elementwise(line.function) and is_array(value)) or line.kwargs:
            return args
        if not any(is_array(a) and a.shape == value.shape for a in args):
            return args
        return tuple(
            np.asarray(np.ravel(a)[0] if a.ndim else a)
            if isinstance(a, (np.ndarray, np.generic)) and is_one_number(a)
            else a
            for a in args
        )

    def dtypes_of_numbers(self, line: Line) -> list[Any]:
        """Return the dtypes that Python numbers among the arguments of a ufunc are converted to."""
        args, none, ufunc = line.args, [None] * len(line.args), line.function
        if not any(type(a) in (int, float, Number) for a in args):
            return none
        kinds = [type(a.example) if isinstance(a, Number) else type(a) for a in args]
        if int not in kinds and float not in kinds:
            return none
        if not isinstance(ufunc, np.ufunc) or ufunc.nout > 1 or line.kwargs:
            return none
        given = [getattr(a, "dtype", k) for a, k in zip(args, kinds, strict=True)]
        try:
            found = ufunc.resolve_dtypes((*given, None))
        except (TypeError, ValueError):
            return none
        return [d if k in (int, float) else None for k, d in zip(kinds, found, strict=False)]

    def _returned(self, leaf: Any) -> Any:
        """Return what is returned for an output: of a constant array a copy."""
        if isinstance(leaf, np.ndarray):
            self.of[id(leaf), "object"] = f"{self.constant(leaf)}.copy()"
        return leaf


def _touched(line: Line) -> list[Any]:
    """Return the values that a line reads, makes or writes into, also where a guard fails."""
    undone = [v for n in line.undo for v in (*n.inputs, *n.outputs)]
    return [*line.inputs, *line.outputs, *undone]


def _is_plain(index: tuple[Any, ...]) -> bool:
    """Return whether an index is made of slices, integers and None, all of them known."""
    return all(leaf is None or type(leaf) is int for leaf in leaves_of(index))


def axis_of(line: Line) -> tuple[Any, Any]:
    """Return the axis of a reduction, and whether it is kept."""
    axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis")
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    return axis, bool(line.kwargs.get("keepdims", False))


def write(
    program: Program, name: str = "program", blocked: bool = True, threads: int = 1
) -> Source:
    """Return the source of a program.

    Parameters
    ----------
    program, name
        What is written, and the name of its function.
    blocked
        Whether chains over large arrays run block by block; reductions then add in another order.
    threads
        How many threads share the blocks.
    """
    program = with_early_frees(with_simple_calls(program))
    if blocked:
        size = blocks.SIZE if threads == 1 else blocks.SIZE_OF_THREADS
        program = with_blocks(program, size)
    return Writer(program, name if name.isidentifier() else "program", threads).source()
