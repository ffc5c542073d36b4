"""Write a program as Python source: straight-line NumPy, with every array allocated beforehand.

The source defines ``make()``, which allocates buffers and returns the function, so that two threads
can each have their own.  What is returned are fresh arrays, never buffers.
"""

from __future__ import annotations

import keyword
import math
import operator
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_core.program.lines import Line, Program, replaced, values_in
from autograd_core.program.passes import INFIX, is_elementwise, is_one_number, is_view
from autograd_core.program.traced import WRITERS, Traced, astype

#: Reductions by functions, and the ufunc's method that does the same without its detours.
REDUCTIONS: dict[Any, Any] = {
    np.sum: np.add.reduce, np.prod: np.multiply.reduce, np.max: np.maximum.reduce,
    np.min: np.minimum.reduce, np.any: np.logical_or.reduce, np.all: np.logical_and.reduce,
}  # fmt: skip


@dataclass(frozen=True)
class Miss:
    """What a program returns if a guard fails: the number of the guard."""

    guard: int


@dataclass
class Source:
    """The text of a program, and what it refers to.

    Attributes
    ----------
    text
        Defines ``make()``.
    names
        Functions and constants by the names in the text.
    buffer_bytes
        The size of all buffers together.
    """

    text: str
    names: dict[str, Any] = field(default_factory=dict)
    buffer_bytes: int = 0

    def make(self) -> Any:
        """Return the function, with buffers of its own."""
        if "make" not in self.names:
            exec(compile(self.text, "<program>", "exec"), self.names)
        return self.names["make"]()


class Writer:
    """Writes one program; see :func:`write`."""

    def __init__(self, program: Program, name: str) -> None:
        self.program, self.name = program, name
        self.names: dict[str, Any] = {"empty": np.empty}
        self.before: list[str] = []
        self.body: list[str] = []
        self.of: dict[Any, str] = {}
        self.fixed: set[Traced] = set()  # values whose arrays are the same at each call
        self.owned: dict[Traced, str] = {}  # roots and the buffers that they are in
        self.free: dict[Any, list[str]] = defaultdict(list)
        self.buffers: list[tuple[str, Any]] = []
        self.kept = {v.root for v in values_in(program.outputs)}
        self.last: dict[Traced, int] = {}
        for i, line in enumerate(program.lines):
            self.last.update(dict.fromkeys((v.root for v in (*line.inputs, *line.outputs)), i))

    def source(self) -> Source:
        """Return the source."""
        program, guards = self.program, 0
        for value in program.inputs:
            self.of[value] = self._new(value.name)
        for value, array in program.captured.items():
            self.of[value] = self._constant(array, value.name or "captured")
            self.fixed.add(value)
        for i, line in enumerate(program.lines):
            if line.kind == "guard":
                test = (
                    f"not {self.text(line.args[0])}" if line.expected else self.text(line.args[0])
                )
                missed = self._constant(Miss(guards), "miss")
                self.body.append(f"if {test}: return {missed}")
                guards += 1
            elif line.kind == "write":
                self._write(line)
            else:
                self._call(line, i)
            self._release(line, i)
        returned = self.text(replaced(program.outputs, self._fresh))
        arguments = ", ".join(self.of[v] for v in program.inputs)
        made = [
            f"{name} = empty({like.shape}, {self._constant(like.dtype)})"
            for name, like in self.buffers
        ]
        lines = [
            "def make():",
            *(f"    {line}" for line in (*made, *self.before)),
            f"    def {self.name}({arguments}):",
            *(f"        {line}" for line in (*self.body, f"return {returned}")),
            f"    return {self.name}",
        ]
        size = sum(like.nbytes for _, like in self.buffers)
        return Source("\n".join(lines) + "\n", self.names, size)

    # -- names ------------------------------------------------------------------------------------

    def _new(self, wanted: str) -> str:
        """Return a name that is not taken."""
        name = "".join(c if c.isalnum() else "_" for c in wanted).strip("_") or "f"
        name = f"_{name}" if name[0].isdigit() else name
        taken = {*self.names, self.name, "make"}
        while name in taken or keyword.iskeyword(name):
            name += "_"
        self.names.setdefault(name, None)
        return name

    def _constant(self, value: Any, wanted: str = "c") -> str:
        """Return the name of something that the source refers to; the same for the same."""
        key: Any = (id(value), "object")
        if isinstance(value, np.generic):
            key = (type(value), value.tobytes())
        elif isinstance(value, np.dtype):
            key = value
        if key not in self.of:
            base = getattr(value, "__name__", "") or getattr(value, "name", "") or wanted
            owner = getattr(value, "__self__", None)
            if isinstance(owner, np.ufunc):
                base = f"{owner.__name__}_{base}"
            self.of[key] = self._new(base)
            self.names[self.of[key]] = value
        return self.of[key]

    def text(self, tree: Any, weak: Any = None) -> str:
        """Return an argument as it is written; a Python number as one of the dtype ``weak``."""
        if getattr(tree, "is_traced", False):
            return self.of[tree]
        kind = type(tree)
        if kind is tuple:
            return f"({''.join(self.text(member) + ', ' for member in tree)})"
        if isinstance(tree, tuple):
            return f"{self._constant(kind)}({', '.join(map(self.text, tree))})"
        if kind is list:
            return f"[{', '.join(map(self.text, tree))}]"
        if kind is dict:
            return f"{{{', '.join(f'{k!r}: {self.text(v)}' for k, v in tree.items())}}}"
        if kind is slice:
            parts = (tree.start, tree.stop, tree.step)
            return f"slice({', '.join(map(self.text, parts))})"
        if weak is not None and kind in (int, float, bool):
            return self._constant(weak.type(tree))
        if kind is float and math.isfinite(tree):
            return repr(tree)
        plain = tree is None or kind in (int, bool, str)
        return repr(tree) if plain else "..." if tree is Ellipsis else self._constant(tree)

    # -- buffers ----------------------------------------------------------------------------------

    def _allocate(self, like: Any) -> str:
        """Return a buffer of this shape and dtype, one that is free if there is one."""
        free = self.free[like.shape, like.dtype]
        if free:
            return free.pop()
        name = self._new(f"b{len(self.buffers)}")
        self.buffers.append((name, like))
        return name

    def _release(self, line: Line, i: int) -> None:
        """Free the buffers of the values that are used for the last time."""
        for root in {v.root for v in (*line.inputs, *line.outputs)}:
            if self.last[root] == i and root in self.owned:
                like = root.example
                self.free[like.shape, like.dtype].append(self.owned.pop(root))

    def _target(self, line: Line, i: int) -> str | None:
        """Return the buffer that a result is written into; None for one that is returned."""
        value = line.result
        if value.root is not value or value in self.kept or not value.example.flags.c_contiguous:
            return None
        if is_elementwise(line.function):
            for operand in dict.fromkeys(line.inputs):  # one that dies here gives its own
                alike = operand.shape == value.shape and operand.dtype == value.dtype
                dies = operand.root is operand and self.last[operand] == i
                only = all(v is operand for v in line.inputs if v.root is operand)
                if operand in self.owned and alike and dies and only:
                    return self.owned.pop(operand)
        return self._allocate(value.example)

    # -- lines ------------------------------------------------------------------------------------

    def _write(self, line: Line) -> None:
        args = ", ".join(map(self.text, line.args))
        options = [f"{name}={self.text(v)}" for name, v in line.kwargs.items()]
        if line.function is operator.setitem:
            target, index, value = map(self.text, line.args)
            self.body.append(f"{target}[{index}] = {value}")
            return
        named = line.function in WRITERS or getattr(line.function, "__name__", "") == "at"
        if not named:
            options.append(f"out={self.text(line.result)}")
        call = ", ".join([args, *options]) if args else ", ".join(options)
        self.body.append(f"{self._constant(line.function)}({call})")

    def _call(self, line: Line, i: int) -> None:
        value, function, args = line.result, line.function, line.args
        array = isinstance(value, Traced) and isinstance(value.example, np.ndarray)
        if function is np.empty and value not in self.kept and array:
            self._place(value, self._allocate(value.example))
            return
        reduces = function in REDUCTIONS and self._reduces_plainly(line)
        weak = self._dtypes_of_numbers(line)
        if is_elementwise(function) and array:  # a number that stands for a whole shape
            args = tuple(
                a.flat[0] if isinstance(a, np.ndarray) and a.size > 1 and is_one_number(a) else a
                for a in args
            )
            full = any(isinstance(a, Traced) and a.shape == value.shape for a in args)
            args = args if full else line.args
        words = [self.text(a, w) for a, w in zip(args, weak, strict=True)]
        options = [f"{name}={self.text(v)}" for name, v in line.kwargs.items()]
        for output in line.outputs:
            self.of.setdefault(output, self._new(output.name or f"v{output.number}"))
        if is_view(line) and self._is_fixed(line):
            self.fixed.add(value)
            self.before.append(f"{self.of[value]} = {self._expression(line, words, options)}")
            return
        writes = is_elementwise(function) or function is np.matmul or reduces
        target = self._target(line, i) if array and writes and value.ndim else None
        if target is None:
            left = self._left(line.result)
            expression = self._expression(line, words, options)
            self.body.append(f"{left} = {expression}" if left else expression)
            return
        self._place(value, target)
        if reduces:
            axis = args[1] if len(args) > 1 else line.kwargs.get("axis")
            keep = bool(line.kwargs.get("keepdims", False))
            call = f"{words[0]}, {self.text(axis)}, None, {target}, {keep}"
            self.body.append(f"{self._constant(REDUCTIONS[function])}({call})")
        else:
            call = ", ".join([*words, *options, f"out={target}"] if options else [*words, target])
            self.body.append(f"{self._constant(function)}({call})")

    def _place(self, value: Traced, buffer: str) -> None:
        self.owned[value], self.of[value] = buffer, buffer
        self.fixed.add(value)

    def _is_fixed(self, line: Line) -> bool:
        """Return whether a view is of an array that is the same at each call."""
        first, *others = line.inputs
        return first in self.fixed and not others

    def _left(self, result: Any) -> str:
        if getattr(result, "is_traced", False):
            return self.of[result]
        if isinstance(result, (tuple, list)):
            return "".join(f"{self._left(member) or '_'}, " for member in result)
        return ""

    def _expression(self, line: Line, words: list[str], options: list[str]) -> str:
        function = line.function
        if function is operator.getitem:
            return f"{words[0]}[{words[1]}]"
        if function is astype:
            return f"{words[0]}.astype({words[1]})"
        numbers = not any(isinstance(v.example, np.ndarray) for v in line.inputs)
        if function is operator.pow or (function in INFIX and numbers and not options):
            return f"{words[0]} {INFIX[function]} {words[1]}"
        if function in REDUCTIONS and self._reduces_plainly(line):
            axis = line.args[1] if len(line.args) > 1 else line.kwargs.get("axis")
            keep = ", keepdims=True" if line.kwargs.get("keepdims") else ""
            return f"{self._constant(REDUCTIONS[function])}({words[0]}, {self.text(axis)}{keep})"
        return f"{self._constant(function)}({', '.join([*words, *options])})"

    def _reduces_plainly(self, line: Line) -> bool:
        """Return whether a reduction is that of the ufunc, bit for bit."""
        first = line.args[0]
        if len(line.args) > 2 or line.kwargs.keys() - {"axis", "keepdims"}:
            return False
        if not (isinstance(first, Traced) and isinstance(first.example, np.ndarray)):
            return False
        logical = line.function in (np.any, np.all)
        return bool(first.dtype.kind == "b" if logical else first.dtype.char in "fdl")

    def _dtypes_of_numbers(self, line: Line) -> list[Any]:
        """Return the dtypes that Python numbers among the arguments of a ufunc are converted to."""
        args, none, ufunc = line.args, [None] * len(line.args), line.function
        if not isinstance(ufunc, np.ufunc) or ufunc.nout > 1 or line.kwargs:
            return none
        given = [
            a.dtype if isinstance(a, (Traced, np.ndarray, np.generic)) else type(a) for a in args
        ]
        try:
            found = ufunc.resolve_dtypes((*given, None))
        except (TypeError, ValueError):
            return none
        return [d if type(a) in (int, float) else None for a, d in zip(args, found, strict=False)]

    def _fresh(self, leaf: Any) -> Any:
        """Return what is returned for an output: of a constant array a copy."""
        if isinstance(leaf, Traced) and leaf.root in self.program.captured:
            copied = Traced(leaf.owner, leaf.example)
            self.of[copied] = f"{self.of[leaf]}.copy()"
            return copied
        if isinstance(leaf, np.ndarray):
            self.of[(id(leaf), "object")] = f"{self._constant(leaf)}.copy()"
        return leaf


def write(program: Program, name: str = "program") -> Source:
    """Return the source of a program."""
    return Writer(program, name if name.isidentifier() else "program").source()


def names_of(arguments: Iterable[str]) -> list[str]:
    """Return names of arguments as they can stand in a source."""
    return [a if a.isidentifier() else f"x{i}" for i, a in enumerate(arguments)]
