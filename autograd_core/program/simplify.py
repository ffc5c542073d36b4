"""Calls that come down to simpler ones with the same bits: powers, views, broadcast operands."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_core.program.lines import Line, Program, replaced, values_in
from autograd_core.program.passes import is_elementwise
from autograd_core.program.traced import Traced

#: What NumPy itself computes for a power of real floating-point numbers.
_POWERS: dict[Any, Any] = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}


def with_simple_calls(program: Program) -> Program:
    """Return a program in which some calls are written as simpler ones, bit for bit the same."""
    same, made = dict[Traced, Traced](), dict[Traced, Line]()
    written = program.written
    taken = {v.root for v in values_in(program.outputs)} | written

    def change(leaf: Any) -> Any:
        return same.get(leaf, leaf) if isinstance(leaf, Traced) else leaf

    kept = []
    for line in program.lines:
        if same:
            line.args, line.kwargs = replaced(line.args, change), replaced(line.kwargs, change)
        value = line.result
        if line.kind == "call" and isinstance(value, Traced) and is_array(value):
            _simplify(line, made)
            other = _is_as_before(line, made)
            if other is None:
                other = _is_needless_copy(line, taken, written)
            if other is not None:
                same[value] = other
                value.stands_for(other)
                continue
            made[value] = line
        kept.append(line)
    outputs = replaced(program.outputs, change)
    return Program(_read_ones(kept, outputs), program.inputs, outputs, program.captured)


def _read_ones(lines: list[Line], outputs: Any) -> list[Line]:
    """Return lines without the calls whose results no line reads, views of arguments, too."""
    read, kept = set(values_in(outputs)), []
    for line in reversed(lines):
        if line.kind != "call" or not line.outputs or any(v in read for v in line.outputs):
            kept.append(line)
            undone = (v for n in line.undo for v in (*n.inputs, *n.outputs))
            read.update(line.inputs, undone, line.outputs if line.kind == "write" else ())
    return kept[::-1]


def _simplify(line: Line, made: dict[Traced, Line]) -> None:
    """Change the function and arguments of a line to simpler ones."""
    value, args = line.result, line.args
    if line.function is operator.pow and value.dtype.kind == "f":
        base, exponent = args
        plain = type(exponent) in (int, float) and is_array(base) and base.dtype == value.dtype
        if plain and exponent in _POWERS:
            line.function, line.args = _POWERS[exponent], (base,)
        elif plain or type(base) in (int, float):
            line.function = np.power
    elif line.function is np.swapaxes and _is_flipped(line):
        line.function, line.args = np.transpose, (args[0],)
    elif line.function is np.transpose and args[1:] == (None,):
        line.args = args[:1]
    if is_elementwise(line.function) and not line.kwargs:
        narrow = [_broadcast_from(a, made) for a in line.args]
        pairs = list(zip(line.args, narrow, strict=True))
        if any(n is None and isinstance(a, Traced) and a.shape == value.shape for a, n in pairs):
            line.args = tuple(a if n is None else n for a, n in pairs)


def _broadcast_from(a: Any, made: dict[Traced, Line]) -> Any:
    """Return what an operand was broadcast from, which need not be done beside a full one."""
    line = made.get(a) if isinstance(a, Traced) else None
    if line is None or line.function is not np.broadcast_to or line.kwargs:
        return None
    return line.args[0] if isinstance(line.args[0], Traced) else None


def _is_flipped(line: Line) -> bool:
    """Return whether a line exchanges the two axes of a matrix."""
    if line.function is np.transpose:
        axes: Any = line.args[1] if len(line.args) > 1 else None
        flips = axes is None or tuple(axes) in ((1, 0), (-1, -2))
    else:
        flips = line.function is np.swapaxes and {a % 2 for a in line.args[1:]} == {0, 1}
    return flips and not line.kwargs and bool(line.result.ndim == 2)


def _is_as_before(line: Line, made: dict[Traced, Line]) -> Traced | None:
    """Return the value that a line gives again: of a matrix transposed twice, or as it was."""
    first = line.args[0] if line.args else None
    if not isinstance(first, Traced) or not is_array(first):
        return None
    if line.function is np.asarray and len(line.args) == 1 and not line.kwargs:
        return first
    if line.function is np.reshape and not line.kwargs and first.shape == line.result.shape:
        return first
    inner = made.get(first)
    if inner is not None and _is_flipped(line) and _is_flipped(inner):
        source: Traced = inner.args[0]
        return source
    return None


def _is_needless_copy(line: Line, taken: set[Traced], written: set[Traced]) -> Traced | None:
    """Return what a line copies, if that is the program's own and is neither returned nor written.

    It is taken from then on.
    """
    first = line.args[0] if line.function is np.copy else None
    if not isinstance(first, Traced) or not is_array(first):
        return None
    root, value = first.root, line.result
    alike = first.size == root.size and first.strides == value.strides
    if not alike or root.role != "line" or root in taken or value.root in written:
        return None
    taken.add(root)
    return first


def is_array(value: Any) -> bool:
    """Return whether a value is an array, not a NumPy scalar or a Python number."""
    return isinstance(getattr(value, "example", None), np.ndarray)
