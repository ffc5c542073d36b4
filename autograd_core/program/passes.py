"""Passes: each takes a program and returns one that computes the same with less.

A value whose memory a line writes into is left alone: it has no single value to be equal to.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.program.lines import Line, Program, leaves_of, replaced, values_in
from autograd_core.program.traced import Number, Traced

#: Constants of more elements are not computed while a program is built, unless one number is all.
MANY = 64


def is_value(leaf: Any) -> bool:
    """Return whether something is a value of a program: an array or a number."""
    return isinstance(leaf, (Traced, Number))


def _with(others: dict[Any, Any], tree: Any) -> Any:
    """Return a tree with others in place of some values."""
    return replaced(tree, lambda leaf: others.get(leaf, leaf) if is_value(leaf) else leaf)


def is_elementwise(function: Any) -> bool:
    """Return whether a function works element by element and has one result."""
    return isinstance(function, np.ufunc) and function.signature is None and function.nout == 1


def without_dead_lines(program: Program) -> Program:
    """Return a program without the lines whose results nothing needs.

    Guards and draws stay, and so do writes into what the caller can see.
    """
    seen = {v.root for v in values_in(program.outputs)} | set(program.captured)
    live = seen | set(program.inputs)
    kept = []
    for line in reversed(program.lines):
        if line.kind in ("guard", "draw") or any(v.root in live for v in line.outputs):
            kept.append(line)
            live |= {v.root for v in line.inputs}
    return Program(kept[::-1], program.inputs, program.outputs, program.captured)


def with_values_for_writes(program: Program) -> Program:
    """Return a program in which what a call fills by ``out=`` is a value of its own.

    That holds for arrays of the program's own that nothing looks into; so ``s *= 2; s += 1`` are
    two products of calls, and equal ones are found, inlined and evaluated in blocks.
    """
    calls = [line.result for line in program.lines if line.kind == "call"]
    own = {value for value in calls if is_value(value) and value.root is value}
    bound = {v.root for line in program.lines for v in line.outputs if v.root is not v}
    bound |= {
        line.result.root
        for line in program.lines
        if line.kind == "write" and not _is_call_into(line)
    }
    now: dict[Any, Any] = {}

    lines = []
    for line in program.lines:
        line.args, line.kwargs = _with(now, line.args), _with(now, line.kwargs)
        value = line.result
        if line.kind == "write" and value in own and value not in bound:
            line.result = now[value] = Traced(value.owner, value.example, name=value.name)
            line.kind = "call"
        lines.append(line)
    return Program(lines, program.inputs, _with(now, program.outputs), program.captured)


def _is_call_into(line: Line) -> bool:
    """Return whether a write into an array gives the same numbers as a call that makes it."""
    value = line.result
    if not is_elementwise(line.function) or line.kwargs or not isinstance(value, Traced):
        return False
    given = [a.dtype if hasattr(a, "dtype") else type(_example(a)) for a in line.args]
    shapes = [np.shape(_example(a)) for a in line.args]
    try:
        dtype = line.function.resolve_dtypes((*given, None))[-1]  # type: ignore[attr-defined]
        return bool(dtype == value.dtype and np.broadcast_shapes(*shapes) == value.shape)
    except (TypeError, ValueError):
        return False


def _example(a: Any) -> Any:
    return a.example if is_value(a) else a


def with_constants_folded(program: Program) -> Program:
    """Return a program in which what depends on no input is computed once, when it is built.

    A product with 1 that changes neither shape nor dtype is its other factor.
    """
    written, known = program.written, dict[Any, Any]()
    returned = {v.root for v in values_in(program.outputs)}

    def folds(line: Line) -> bool:
        value = line.result
        alone = line.kind == "call" and is_value(value) and value.root not in written
        return alone and not line.inputs and line.function is not np.empty

    kept = []
    for line in program.lines:
        line.args, line.kwargs = _with(known, line.args), _with(known, line.kwargs)
        if folds(line):
            known[line.result] = _constant(line)
        elif (same := _same_factor(line, written | returned)) is not None:
            known[line.result] = same
            line.result.stands_for(same)
        else:
            kept.append(line)
    return Program(kept, program.inputs, _with(known, program.outputs), program.captured)


def _constant(line: Line) -> Any:
    """Return the value of a line without inputs; one number, seen as a whole shape, stays one.

    It is computed again: a write, which is a call by now, may have changed the example since.
    """
    value = line.result.example
    if isinstance(value, np.ndarray):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = line.function(*line.args, **line.kwargs)
    many = isinstance(value, np.ndarray) and value.size > MANY
    fills = is_elementwise(line.function) or line.function in (np.ones, np.zeros, np.full)
    if many and fills and (value == value.flat[0]).all():
        return np.broadcast_to(value.flat[0], value.shape)
    return value


def _same_factor(line: Line, written: set[Traced]) -> Traced | None:
    """Return the factor that a product with 1 leaves as it is."""
    value = line.result
    if line.function is not np.multiply or line.kwargs or not isinstance(value, Traced):
        return None
    for factor, other in (line.args, line.args[::-1]):
        if not isinstance(factor, Traced) or isinstance(other, Traced) or factor.root in written:
            continue
        alike = factor.shape == value.shape and factor.dtype == value.dtype
        if alike and value.root not in written and is_one_number(other) and np.ravel(other)[0] == 1:
            return factor
    return None


def is_one_number(value: Any) -> bool:
    """Return whether a constant is a number, or an array of one number repeated by strides of 0."""
    if isinstance(value, np.ndarray):
        return value.size > 0 and not any(value.strides)
    return isinstance(value, (int, float, complex, np.generic))


def with_equal_lines_once(program: Program) -> Program:
    """Return a program that computes equal calls of equal arguments once.

    Two arrays that are both returned stay two: who is given them may write into one.
    """
    written, first, same = program.written, dict[Any, Any](), dict[Any, Any]()
    returned = {v.root for v in values_in(program.outputs)}

    kept = []
    for line in program.lines:
        line.args, line.kwargs = _with(same, line.args), _with(same, line.kwargs)
        value = line.result
        pure = line.kind == "call" and is_value(value)
        if pure and not any(v.root in written for v in (*line.inputs, value)):
            key = (line.function, _key(line.args), _key(line.kwargs))
            before = first.get(key)
            two = before is not None and {value.root, before.result.root} <= returned
            if before is not None and not two and _are_handled_alike(before, line):
                same[value] = before.result
                if isinstance(value, Traced):
                    value.stands_for(before.result)
                continue
            first[key] = line
        kept.append(line)
    return Program(kept, program.inputs, _with(same, program.outputs), program.captured)


def _are_handled_alike(first: Line, second: Line) -> bool:
    """Return whether an equal line may be left out: the first then warns of what both warn of."""
    if first.errstate == second.errstate:
        return True
    handled = first.errstate or second.errstate or {}
    silent = "ignore" in (handled.get(kind) for kind in ("divide", "over", "invalid"))
    if (first.errstate and second.errstate) or not silent:
        return False
    first.errstate = None  # one, of a rule, is silent
    return True


def _key(tree: Any) -> Any:
    """Return something hashable that is equal for equal arguments; arrays are equal if the same."""
    if isinstance(tree, (list, tuple)):
        return (type(tree), *map(_key, tree))
    if isinstance(tree, dict):
        return tuple((name, _key(member)) for name, member in tree.items())
    if isinstance(tree, slice):
        return (slice, _key(tree.start), _key(tree.stop), _key(tree.step))
    if tree is None or isinstance(tree, (bool, int, float, complex, str, np.generic, np.dtype)):
        return (type(tree), repr(tree))
    return id(tree)


def with_guards_first(program: Program) -> Program:
    """Return a program whose guards, and what they need, come before everything else.

    What happens before a guard all the same, draws and writes into arrays that somebody else can
    see, is undone where it fails.
    """
    needed: set[Traced] = set()
    written: set[Traced] = set()
    early, draws = set(), False
    for i in range(len(program.lines) - 1, -1, -1):
        line = program.lines[i]
        roots = {v.root for v in line.outputs}
        if (
            line.kind == "guard"
            or roots & needed
            or (line.kind == "draw" and draws)
            or written & {v.root for v in line.inputs}
        ):
            early.add(i)
            draws = draws or line.kind == "draw"
            needed |= {v.root for v in line.inputs}
            written |= roots if line.kind == "write" else set()
    first = [program.lines[i] for i in sorted(early)]
    lines = [line for i, line in enumerate(program.lines) if i not in early]
    return Program(
        [*_undone(program, first), *first, *lines],
        program.inputs, program.outputs, program.captured,
    )  # fmt: skip


def _undone(program: Program, lines: list[Line]) -> list[Line]:
    """Return lines that keep what is to be undone if a guard fails, and note it at the guards."""
    saves, undo = list[Line](), list[Line]()
    met: set[Any] = set()
    last = max((i for i, line in enumerate(lines) if line.kind == "guard"), default=-1)
    for line in lines[: last + 1]:
        written = {v.root for v in line.outputs} if line.kind == "write" else set()
        for value in (*program.captured, *program.inputs):
            if value.root in written and value not in met:
                met.add(value)
                kept = Traced(value.owner, value.example)
                saves.append(Line(np.copy, (value,), {}, kept))
                undo.append(Line(np.copyto, (value, kept), {}, None))
        generator = getattr(line.function, "__self__", None)
        if line.kind == "draw" and id(generator) not in met:
            met.add(id(generator))
            state = Number(line.result.owner, {}, "state")
            saves.append(Line(state_of, (generator,), {}, state))
            undo.append(Line(set_state, (generator, state), {}, None))
        if line.kind == "guard":
            line.undo = list(undo)
    return saves


def fragile(program: Program) -> tuple[list[Any], list[Any]]:
    """Return the captured arrays and the generators that change before a call that may raise."""
    risky = [i for i, line in enumerate(program.lines) if _may_raise(line)]
    early = program.lines[: risky[-1]] if risky else []
    roots = {v.root for line in early if line.kind == "write" for v in line.outputs}
    arrays = [array for value, array in program.captured.items() if value.root in roots]
    return arrays, generators_of(early)


def generators_of(lines: list[Line]) -> list[Any]:
    """Return the generators that lines draw from."""
    draws = [getattr(line.function, "__self__", None) for line in lines if line.kind == "draw"]
    return list({id(g): g for g in draws}.values())


def _may_raise(line: Line) -> bool:
    function = line.function
    plain = isinstance(function, np.ufunc) or getattr(function, "__module__", "") == "numpy"
    return line.kind == "call" and not plain and not is_view(line)


def state_of(generator: np.random.Generator) -> Any:
    """Return the state of a generator."""
    return generator.bit_generator.state


def set_state(generator: np.random.Generator, state: Any) -> None:
    """Set the state of a generator."""
    generator.bit_generator.state = state


def with_effects_last(program: Program) -> Program:
    """Return a program that writes into what others can see once all else is computed.

    An error before that leaves everything as it was.
    """
    visible = {v.root for v in (*program.captured, *program.inputs)}
    late, moved, read = list[Line](), set[Traced](), set[Traced]()
    kept, draws = [], False
    for line in program.lines:
        roots = {v.root for v in line.outputs}
        inputs = {v.root for v in line.inputs}
        begins = roots & (visible | read) if line.kind == "write" else line.kind == "draw" and draws
        if begins or (roots | inputs) & moved:
            draws = draws or line.kind == "draw"
            late.append(line)
            moved |= roots
            read |= inputs
        else:
            kept.append(line)
    return Program([*kept, *late], program.inputs, program.outputs, program.captured)


#: The passes in their order.
PASSES: tuple[Callable[[Program], Program], ...] = (
    with_values_for_writes, without_dead_lines, with_constants_folded, with_equal_lines_once,
    without_dead_lines, with_effects_last, with_guards_first,
)  # fmt: skip


def differences(first: Program, second: Program) -> list[str]:
    """Return where two traces of one function differ: lines, or numbers that are not inputs."""
    if len(first.lines) != len(second.lines):
        return [f"one trace has {len(first.lines)} lines, the next {len(second.lines)}"]
    found, free = [], second.overwritten
    ends = zip(leaves_of(first.outputs), leaves_of(second.outputs), strict=False)
    for p, q in ends:
        if not _alike(p, q):
            found.append(f"it returns {_shown(p)} in one trace and {_shown(q)} in the next")
    for a, b in zip(first.lines, second.lines, strict=True):
        names = [getattr(line.function, "__name__", "") for line in (a, b)]
        if names[0] != names[1]:
            found.append(f"{b.origin} calls {names[0]} in one trace and {names[1]} in the next")
            continue
        pairs = zip(leaves_of((a.args, a.kwargs)), leaves_of((b.args, b.kwargs)), strict=False)
        for p, q in pairs:
            if not (isinstance(q, Traced) and q in free) and not _alike(p, q):
                found.append(
                    f"{b.origin} uses {_shown(p)} in one trace and {_shown(q)} in the next"
                )
    return found


def _alike(p: Any, q: Any) -> bool:
    if isinstance(p, Traced) and isinstance(q, Traced):
        if p.role == q.role == "captured":
            return np.array_equal(p.example, q.example, equal_nan=p.dtype.kind in "fc")
        return p.role == q.role
    plain = (int, float, complex, str, bytes, np.generic)
    if isinstance(p, plain) and isinstance(q, plain):
        return bool(p == q or (p != p and q != q))
    return type(p) is type(q)


def _shown(leaf: Any) -> str:
    return f"an array of {leaf.example.ravel()[:3]}..." if isinstance(leaf, Traced) else repr(leaf)


def is_view(line: Line) -> bool:
    """Return whether a line returns memory of one of its inputs."""
    value = line.result
    return isinstance(value, Traced) and value.root is not value and line.kind == "call"


#: Operators and what Python writes for them.
INFIX: dict[Any, str] = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.true_divide: "/", operator.pow: "**",
    np.matmul: "@", np.remainder: "%", np.floor_divide: "//", np.less: "<", np.less_equal: "<=",
    np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=",
}  # fmt: skip
