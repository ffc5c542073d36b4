"""Print the mathematics of a program: infix operators, single uses inlined, shapes in comments.

The text is Python that computes the same to rounding.  It allocates as it goes and knows nothing
of buffers, blocks or guards' other ways.
"""

from __future__ import annotations

import builtins
import functools
import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import TensorBase, wrap
from autograd_core.program.lines import Line, Program, fields_of, leaves_of, values_in
from autograd_core.program.passes import is_elementwise, is_one_number
from autograd_core.program.simplify import is_array, with_simple_calls
from autograd_core.program.source import OPERATORS as NUMBERS
from autograd_core.program.source import REDUCTIONS, Names, axis_of
from autograd_core.program.trace import WRITERS
from autograd_core.program.traced import Number, Traced, astype

#: Operators of two arguments, as they are written.
OPERATORS = NUMBERS | {np.power: "**", np.bitwise_and: "&", np.bitwise_or: "|", np.bitwise_xor: "^"}

#: Operators of one argument.
_PREFIX: dict[Any, str] = {
    np.negative: "-", operator.neg: "-", np.invert: "~", np.logical_not: "~",
}  # fmt: skip

#: How tightly operators bind; a name, a call or an index binds tightest.
_RANKS = {
    **dict.fromkeys(["<", "<=", ">", ">=", "==", "!="], 1), "|": 2, "^": 3, "&": 4,
    **dict.fromkeys(["+", "-"], 5), **dict.fromkeys(["*", "/", "//", "%", "@"], 6), "**": 8,
}  # fmt: skip
_UNARY, _ATOM = 7, 9

#: Functions that read better as methods.
_METHODS = (np.reshape, np.ravel, np.swapaxes, np.squeeze, np.copy, np.conjugate)

#: What the result of a function is called, if it has no name.
_HINTS = {
    "sum": "total", "mean": "mean", "max": "largest", "min": "smallest", "exp": "e", "matmul": "p",
    "log": "log", "sqrt": "root", "tanh": "tanh", "zeros": "zeros",
}  # fmt: skip

#: Where NumPy's functions are found.
_MODULES = {
    "np": np, "np.linalg": np.linalg, "np.fft": np.fft, "np.emath": np.emath,
    "np.lib.stride_tricks": np.lib.stride_tricks, "math": math,
}  # fmt: skip


@dataclass
class Readable:
    """The text of a program as mathematics.

    Attributes
    ----------
    text
        Defines the function; needs ``numpy as np``.
    names
        What else it refers to: captured arrays, large constants, functions that are not NumPy's.
    """

    text: str
    names: dict[str, Any] = field(default_factory=dict)

    @property
    def definition(self) -> str:
        """The text where it runs: arrays outside the function that it changes are its globals."""
        found = re.findall(r"^    (\w+) [-+*/@%]+= ", self.text, re.MULTILINE)
        changed = sorted(set(found) & self.names.keys())
        first, rest = self.text.split("\n", 1)
        return f"{first}\n    global {', '.join(changed)}\n{rest}" if changed else self.text


class _Printer:
    """Prints one program."""

    def __init__(self, program: Program, name: str, names: Mapping[Any, str], width: int) -> None:
        self.program, self.name, self.width = program, name, width
        self.wanted = {v: n for v, n in names.items() if n}
        self.written = program.written
        self.new = Names(name, "np", "math", *dir(builtins)).new
        self.names: dict[str, Any] = {}
        self.of: dict[Any, str] = {}
        self.pending: dict[Any, tuple[str, int, Line]] = {}  # values that are written where used
        self.body: list[tuple[str, str]] = []
        self.uses: Counter[Any] = Counter(v for n in program.lines for v in n.inputs)
        several = len(list(leaves_of(program.outputs))) > 1
        self.uses.update(v for v in values_in(program.outputs) for _ in range(1 + several))

    def print(self) -> Readable:
        """Return the text."""
        for value in self.program.inputs:
            self.of[value] = self.new(self.wanted.get(value) or value.name or "x")
        for value, array in self.program.captured.items():
            self.of[value] = self.new(self.wanted.get(value) or value.name or "captured")
            self.names[self.of[value]] = array
        for line in self.program.lines:
            self._line(line)
        outputs = self.program.outputs
        self._fit(lambda: self.text(outputs)[0], len("    return "), values_in(outputs))
        text = self.text(outputs)[0]
        plain = type(outputs) is tuple and len(outputs) > 1
        self.body.append((f"return {text[1:-1] if plain else text}", ""))
        pad = 2 + min(64, max((len(text) for text, note in self.body if note), default=0))
        lines = [f"    {text:{pad if note else 0}}{note}" for text, note in self.body]
        given = ", ".join(self.of[v] for v in self.program.inputs)
        return Readable("\n".join([f"def {self.name}({given}):", *lines, ""]), self.names)

    # -- names ------------------------------------------------------------------------------------

    def refer(self, value: Any, wanted: str) -> str:
        """Return the name of something outside the text; the same for the same."""
        if id(value) not in self.of:
            self.of[id(value)] = self.new(wanted)
            self.names[self.of[id(value)]] = value
        return self.of[id(value)]

    def function(self, function: Any) -> str:
        """Return how a function is called."""
        name = getattr(function, "__name__", "function")
        name = "abs" if function is np.absolute else name
        for module, members in _MODULES.items():
            if getattr(members, name, None) is function:
                return f"{module}.{name}"
        owner = getattr(function, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"{self.function(owner)}.{name}"
        if isinstance(owner, np.random.Generator):
            return f"{self.refer(owner, 'rng')}.{name}"
        return name if getattr(builtins, name, None) is function else self.refer(function, name)

    # -- expressions ------------------------------------------------------------------------------

    def text(self, tree: Any, rank: int = 0) -> tuple[str, int]:
        """Return an argument as it is written, in brackets if it binds less than ``rank``."""
        text, binds = self._bare(tree)
        return (text, binds) if binds >= rank else (f"({text})", _ATOM)

    def _bare(self, tree: Any) -> tuple[str, int]:
        if isinstance(tree, (Traced, Number)):
            if tree in self.pending:
                return self.pending[tree][:2]
            return self.of[tree], _ATOM
        kind = type(tree)
        if names := fields_of(kind):
            members = ", ".join(self.text(getattr(tree, name))[0] for name in names)
            return f"{self.function(kind)}({members})", _ATOM
        if isinstance(tree, tuple):
            members = ", ".join(self.text(member)[0] for member in tree)
            return f"({members}{',' * (len(tree) == 1)})", _ATOM
        if kind is list:
            return f"[{', '.join(self.text(member)[0] for member in tree)}]", _ATOM
        if kind is dict:
            return f"{{{', '.join(f'{k!r}: {self.text(v)[0]}' for k, v in tree.items())}}}", _ATOM
        if kind is slice:
            parts = (self.text(p)[0] for p in (tree.start, tree.stop, tree.step))
            return f"slice({', '.join(parts)})", _ATOM
        if tree is Ellipsis:
            return "...", _ATOM
        if isinstance(tree, np.dtype):
            known = getattr(np, tree.name, None)
            return (f"np.{tree.name}" if known is tree.type else f"np.dtype({tree.str!r})"), _ATOM
        if isinstance(tree, (np.generic, np.ndarray)):
            return self._array(tree)
        if kind in (float, complex):
            return _number(tree)
        if tree is None or kind in (int, bool, str):
            return repr(tree), _UNARY if kind is int and tree < 0 else _ATOM
        if isinstance(tree, type) or callable(tree):
            return self.function(tree), _ATOM
        return self.refer(tree, "constant"), _ATOM

    def _array(self, value: Any) -> tuple[str, int]:
        """Return a constant array or NumPy scalar, with its dtype."""
        dtype = self.text(value.dtype)[0]
        if value.dtype.kind in "biufc" and (value.ndim == 0 or is_one_number(value)):
            text = _number(np.ravel(value)[0])[0]
            if isinstance(value, np.generic):
                return f"{dtype}({text})", _ATOM
            return f"np.full({value.shape}, {text}, {dtype})", _ATOM
        if 0 < value.size <= 8 and value.dtype.kind in "biuf" and np.isfinite(value).all():
            return f"np.array({value.tolist()}, {dtype})", _ATOM
        return self.refer(value, "constant"), _ATOM

    def _operands(self, line: Line) -> list[Any]:
        """Return the arguments of a ufunc, constants as plain numbers where that is the same."""
        function, value, args = line.function, line.result, list(line.args)
        chooses = function is np.where and len(args) == 3
        if line.kwargs or not isinstance(value, Traced):
            return args
        if not (is_elementwise(function) or chooses):
            return args
        full = any(is_array(a) and a.shape == value.shape for a in args) or not is_array(value)
        for i, a in enumerate(args):
            number = _one_number(a)
            if number is None or (isinstance(a, np.ndarray) and a.ndim and not full):
                continue
            if np.iscomplexobj(number) and not is_array(value):  # 1j * np.float64(2) is Python's
                args[i] = np.complex128(number) if type(number) is complex else number
                continue
            for plain in _spellings(number):
                if _gives(function, [*args[:i], plain, *args[i + 1 :]], i, number) == value.dtype:
                    args[i] = plain
                    break
        return args

    def expression(self, line: Line) -> tuple[str, int]:
        """Return the call of a line, and how tightly it binds."""
        function, args = line.function, self._operands(line)
        first = args[0] if args else None
        if not line.kwargs:
            if function in OPERATORS and len(args) == 2:
                sign = OPERATORS[function]
                rank = _RANKS[sign]
                left = self.text(first, rank + (rank in (1, _RANKS["**"])))[0]
                right = self.text(args[1], _UNARY if sign == "**" else rank + 1)[0]
                return f"{left} {sign} {right}", rank
            if function in _PREFIX and (_PREFIX[function] == "-" or line.result.dtype == bool):
                return f"{_PREFIX[function]}{self.text(first, _UNARY)[0]}", _UNARY
            if function is np.square:
                return f"{self.text(first, _ATOM)[0]} ** 2", _RANKS["**"]
            if function is np.reciprocal and line.result.dtype.kind == "f":
                return f"1 / {self.text(first, _RANKS['/'] + 1)[0]}", _RANKS["/"]
            if function is np.transpose and len(args) == 1 and is_array(first):
                return self._transposed(first)
            if function is operator.getitem:
                return f"{self.text(first, _ATOM)[0]}[{self._index(args[1])}]", _ATOM
            if function is astype:
                return f"{self.text(first, _ATOM)[0]}.astype({self.text(args[1])[0]})", _ATOM
            if function in _METHODS and is_array(first):
                given = ", ".join(self.text(a)[0] for a in args[1:])
                return f"{self.text(first, _ATOM)[0]}.{function.__name__}({given})", _ATOM
        words = [self.text(a)[0] for a in args]
        options = dict(line.kwargs)
        if function in REDUCTIONS and (len(args) == 2 or "axis" in options):
            words[1:] = []
            options = {
                "axis": axis_of(line)[0],
                **{k: v for k, v in options.items() if k != "axis"},
            }
        for name, value in options.items():
            plain = (name, value) in (("order", "C"), ("keepdims", False)) and not is_array(value)
            if not plain:
                words.append(f"{name}={self.text(value)[0]}")
        return f"{self.function(function)}({', '.join(words)})", _ATOM

    def _transposed(self, value: Any) -> tuple[str, int]:
        """Return the transpose of a value: of a product of matrices, the product of transposes."""
        line = self.pending[value][2] if value in self.pending else None
        if line is not None and line.function is np.transpose and len(line.args) == 1:
            return self.text(line.args[0])
        if line is not None and line.function is np.matmul and value.ndim == 2:
            left, right = line.args
            if is_array(left) and is_array(right) and left.ndim == right.ndim == 2:
                texts = (
                    _bracketed(*self._transposed(right), 6),
                    _bracketed(*self._transposed(left), 7),
                )
                return " @ ".join(texts), _RANKS["@"]
        return f"{self.text(value, _ATOM)[0]}.T", _ATOM

    def _index(self, index: Any) -> str:
        """Return an index as it stands between square brackets."""
        if isinstance(index, tuple) and index:
            return ", ".join(map(self._index, index)) + "," * (len(index) == 1)
        if isinstance(index, slice):
            bounds = (index.start, index.stop, index.step)[: 2 if index.step is None else 3]
            return ":".join("" if p is None else self.text(p)[0] for p in bounds)
        return self.text(index)[0]

    # -- lines ------------------------------------------------------------------------------------

    def _fit(self, render: Callable[[], str], begin: int, inputs: list[Any]) -> None:
        """Give names to the longest expressions inside a text, until it fits the width."""
        while begin + len(render()) > self.width:
            inside = [v for v in inputs if v in self.pending and len(self.pending[v][0]) > 12]
            if not inside:
                return
            self._name(max(inside, key=lambda v: len(self.pending[v][0])))

    def _name(self, value: Any) -> None:
        """Write a value that was pending as a statement."""
        text, _, line = self.pending.pop(value)
        self._assign(value, text, line)

    def _assign(self, value: Any, text: str, line: Line) -> None:
        hint = _HINTS.get(getattr(line.function, "__name__", ""), "t")
        self.of[value] = self.new(self.wanted.get(value) or value.name or hint)
        self._emit(f"{self.of[value]} = {text}", line, value)

    def _emit(self, text: str, line: Line, value: Any = None) -> None:
        shape = f"{value.shape}  " if is_array(value) else ""
        self.body.append(
            (text, f"  # {shape}{line.origin}".rstrip() if shape or line.origin else "")
        )

    def _line(self, line: Line) -> None:
        value = line.result
        if line.kind == "guard":
            test = self.text(line.args[0], 0 if line.expected else 2)[0]
            self._emit(f"assert {'' if line.expected else 'not '}{test}", line)
        elif line.kind == "write":
            self._write(line)
        elif isinstance(value, (Traced, Number)):
            named = self.wanted.get(value) or value.name
            begin = 4 + len(named or "total_2") + len(" = ")
            self._fit(lambda: self.expression(line)[0], begin, line.inputs)
            text, rank = self.expression(line)
            touched = any(v.root in self.written for v in (*line.inputs, value))
            short = rank == _ATOM and text.endswith(".T") and len(text) < 24
            once = self.uses[value] == 1 or short
            if line.kind == "draw" or named or touched or not once:
                self._assign(value, text, line)
            else:
                self.pending[value] = (text, rank, line)
        else:
            left = self._targets(value)
            text = self.expression(line)[0]
            self._emit(f"{left} = {text}" if left else text, line)

    def _targets(self, result: Any) -> str:
        """Return the names of the results of a line that has several."""
        if not isinstance(result, (tuple, list)):
            return ""
        names = []
        for member in result:
            if isinstance(member, (Traced, Number)) and self.uses[member]:
                self.of[member] = self.new(self.wanted.get(member) or member.name or "t")
                names.append(self.of[member])
            else:
                inner = isinstance(member, (tuple, list)) and member
                names.append(f"({self._targets(member)})" if inner else "_")
        return ", ".join(names) + "," * (len(names) == 1)

    def _write(self, line: Line) -> None:
        function, target = line.function, line.result
        if function is operator.setitem:
            left = f"{self.text(line.args[0])[0]}[{self._index(line.args[1])}]"
            number = _one_number(line.args[2])
            value = (
                (_spellings(number) or [line.args[2]])[0] if number is not None else line.args[2]
            )
            self._emit(f"{left} = {self.text(value)[0]}", line)
            return
        text = self.text(target)[0]
        if function in WRITERS or getattr(function, "__name__", "") == "at":
            self._emit(self.expression(line)[0], line)
        elif OPERATORS.get(function, "<")[0] not in "<>=!" and line.args[0] is target:
            self._emit(f"{text} {OPERATORS[function]}= {self.text(line.args[1])[0]}", line, target)
        else:
            words = [self.text(a)[0] for a in line.args]
            words += [f"{name}={self.text(v)[0]}" for name, v in line.kwargs.items()]
            call = f"{self.function(function)}({', '.join([*words, f'out={text}'])})"
            self._emit(call, line, target)


def _one_number(a: Any) -> Any:
    """Return the number that a constant is, or that it repeats; None for what is no such thing."""
    if isinstance(a, np.ndarray) and a.size:
        first = np.ravel(a[(0,) * a.ndim])[0]
        return first if (a.size <= 1 << 16 and (a == first).all()) or is_one_number(a) else None
    return a if isinstance(a, (int, float, complex, np.generic)) else None


def _gives(function: Any, args: list[Any], i: int, number: Any) -> Any:
    """Return the dtype of a result with a Python number at ``i``; None if it is another number."""
    if function is np.where:
        small = [np.empty(1, a.dtype) if hasattr(a, "dtype") else a for a in args]
        return np.where(True, *small[1:]).dtype if args[i] == number else None
    kinds = [getattr(a, "dtype", None) or _kind(a) for a in args]
    try:
        found = function.resolve_dtypes((*kinds, None))
        return found[-1] if found[i].type(args[i]) == found[i].type(number) else None
    except (TypeError, ValueError, OverflowError):
        return None


def _spellings(number: Any) -> list[Any]:
    """Return Python numbers that a constant may be: an integer for 2.0, few digits of a float32."""
    value = number.item() if isinstance(number, np.generic) else number
    if type(value) is not float:
        return [value] if type(value) in (int, complex) else []
    if not math.isfinite(value):
        return []
    whole = [int(value)] if value == int(value) and abs(value) < 1e6 else []
    return [*whole, float(str(number)), value]


def _bracketed(text: str, binds: int, rank: int) -> str:
    """Return an expression in brackets if it binds less than ``rank``."""
    return text if binds >= rank else f"({text})"


def _kind(a: Any) -> Any:
    """Return the type of a Python number, that of its example where it changes."""
    return type(a.example) if isinstance(a, Number) else type(a)


def _number(number: Any) -> tuple[str, int]:
    """Return a number as it is written, and how tightly that binds."""
    value = number.item() if isinstance(number, np.generic) else number
    if isinstance(value, complex):
        return repr(value), _ATOM
    if isinstance(value, float) and not math.isfinite(value):
        text = "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
    elif isinstance(number, (np.float32, np.float16)):
        text = str(number)
    else:
        text = repr(value)
    return text, _UNARY if text.startswith("-") else _ATOM


def as_readable(
    program: Program, name: str = "program", names: Mapping[Any, str] | None = None, width: int = 88
) -> Readable:
    """Return the mathematics of a program, and what its text refers to."""
    name = name if name.isidentifier() else "program"
    return _Printer(with_simple_calls(program), name, names or {}, width).print()


def readable(
    program: Program, name: str = "program", names: Mapping[Any, str] | None = None, width: int = 88
) -> str:
    """Return the mathematics of a program as the text of a Python function.

    Parameters
    ----------
    program, name
        What is printed, and the name of the function.
    names
        Names of values; others have their own, or one after the function that made them.
    width
        How long a statement may become by inlining what is used once.
    """
    return as_readable(program, name, names, width).text


def as_function(
    program: Program, name: str, given: list[Any]
) -> tuple[Callable[..., Any], list[Any]]:
    """Return what is printed as a function of Tensors, and all arguments as Tensors.

    ``given`` are the inputs; captured arrays, copied, are arguments after them.  What is one line
    of the program is one operation.
    """
    name = name if name.isidentifier() else "program"
    printed = as_readable(program, name)
    first, rest = printed.text.split("\n", 1)
    captured = {n: v for n, v in printed.names.items() if isinstance(v, np.ndarray)}
    names: dict[str, Any] = {"np": np, "math": math}
    for n, value in printed.names.items():
        numpy = (getattr(value, "__module__", None) or "numpy").startswith("numpy")
        names[n] = value if numpy or isinstance(value, type) else Primitive(value, n)
    in_place = re.compile(r"^    (\w+) ([-+*/])= (.*?)(  #.*)?$", re.MULTILINE)
    changed = {name for name, *_ in in_place.findall(rest)} & captured.keys()
    rest = in_place.sub(r"    \1 = \1 \2 (\3)\4", rest)  # which a picture shows
    body, results = rest.rsplit("\n    return ", 1)
    rest = f"{body}\n    return [{results.rstrip()}], [{', '.join(sorted(changed))}]\n"
    inputs = first[first.index("(") + 1 : -2]
    exec(f"def {name}({', '.join([*filter(None, [inputs]), *captured])}):\n{rest}", names)
    tensors = [wrap(a.copy()) if hasattr(a, "dtype") else a for a in (*given, *captured.values())]
    f = names[name]

    @functools.wraps(f)
    def run(*arguments: Any) -> list[Any]:
        return [v for v in leaves_of(f(*arguments)) if isinstance(v, TensorBase)]

    return run, tensors
