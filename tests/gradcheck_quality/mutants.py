"""Mutants of this package's own rules: one change of one operator, number, name or call in one.

A mutant counts where it shows: where its gradients at a case's own arrays differ from the rule's.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.engine.primitive import Primitive, table
from autograd_core.engine.rule_record import ListRule
from autograd_core.rules.cases import CASES, Case
from tests.autograd_core.rules.coverage import exercised

SWAPS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.MatMult: (ast.Mult,), ast.Pow: (ast.Mult,),
}  # fmt: skip


COMPARISONS: dict[type, type] = {
    ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A rule of a primitive, changed; ``position`` is that of its argument, or vjp_list or vjp_all."""

    primitive: Primitive
    position: int | str
    rule: Callable[..., Any]
    change: str

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The mutant in its place, for a block."""
        before = self.primitive.rules
        assert before is not None
        if self.position == "vjp_all":
            self.primitive.rules = replace(before, vjp_all=self.rule)
        elif self.position == "vjp_list":
            self.primitive.rules = replace(before, vjps=ListRule(self.rule))
        else:
            vjps: list[Any] = list(before.vjps or ())
            vjps[int(self.position)] = self.rule
            self.primitive.rules = replace(before, vjps=tuple(vjps))
        try:
            yield
        finally:
            self.primitive.rules = before


def _changed(node: ast.AST, names: list[str]) -> Iterator[tuple[str, ast.AST]]:
    """What a node may become."""
    if isinstance(node, ast.BinOp):
        for other in SWAPS.get(type(node.op), ()):
            yield (
                f"{type(node.op).__name__} -> {other.__name__}",
                ast.BinOp(node.left, other(), node.right),
            )
        yield "drop the right", node.left
        yield "drop the left", node.right
        if isinstance(node.op, (ast.Sub, ast.Div, ast.MatMult)):
            yield "swap operands", ast.BinOp(node.right, node.op, node.left)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "drop the sign", node.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield f"{node.value} + 1", ast.Constant(node.value + 1)
        yield f"-{node.value}", ast.UnaryOp(ast.USub(), node)
    elif isinstance(node, ast.Name) and node.id in names:
        for other in names:
            if other != node.id:
                yield f"{node.id} -> {other}", ast.Name(other, ast.Load())
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        other = COMPARISONS[type(node.ops[0])]
        yield "turn the comparison", ast.Compare(node.left, [other()], node.comparators)
    elif isinstance(node, ast.Call):
        if len(node.args) > 1 and not node.keywords:
            swapped = [node.args[1], node.args[0], *node.args[2:]]
            yield "swap arguments", ast.Call(node.func, swapped, [])
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("sum", "conj"):
            module = isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
            yield f"drop {node.func.attr}", node.args[0] if module else node.func.value


def _detached(node: ast.AST, names: list[str]) -> Iterator[tuple[str, ast.AST]]:
    """A value that a rule reads without its own derivative: the value is right, its slope not."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        yield f"detach {node.id}", ast.Call(ast.Name("_detach", ast.Load()), [node], [])


def _detach(value: Any) -> Any:
    return value.detach() if isinstance(value, ag.Tensor) else value


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, by: ast.AST) -> None:
        self.target, self.by = target, by

    def visit(self, node: ast.AST) -> Any:
        return self.by if node is self.target else self.generic_visit(node)


_trees: dict[str, ast.Module] = {}
Source = ast.Lambda | ast.FunctionDef


def _source(rule: Callable[..., Any]) -> Source | None:
    """The syntax of a rule, a lambda or a function; None where it has none (a partial)."""
    code = getattr(rule, "__code__", None)
    if code is None or hasattr(rule, "__wrapped__"):
        return None
    if code.co_filename not in _trees:
        _trees[code.co_filename] = ast.parse(inspect.getsource(sys.modules[rule.__module__]))
    *_, last, _ = code.co_positions()  # of what a lambda returns; the return itself has none
    for node in ast.walk(_trees[code.co_filename]):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if (node.name, first) == (code.co_name, code.co_firstlineno):
                return node
        elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>":
            b = node.body
            if last == (b.lineno, b.end_lineno, b.col_offset, b.end_col_offset):
                return node
    return None


def _rebuilt(node: Source, rule: Callable[..., Any]) -> Any:
    """A function of this syntax, with the globals, the closure and the defaults of the rule."""
    cells = rule.__closure__ or ()
    free = {n: c.cell_contents for n, c in zip(rule.__code__.co_freevars, cells, strict=True)}
    made: Any = copy.deepcopy(node)
    if isinstance(made, ast.FunctionDef):
        made.decorator_list, made.returns = [], None
        body = [made, ast.Return(ast.Name(made.name, ast.Load()))]
    else:
        body = [ast.Return(made)]
    outer = ast.parse(f"def _outer({', '.join(free)}): pass")
    assert isinstance(outer.body[0], ast.FunctionDef)
    outer.body[0].body = body
    space = {**rule.__globals__, "_detach": _detach}
    exec(compile(ast.fix_missing_locations(outer), "<mutant>", "exec"), space)
    return space["_outer"](**free)


def _rules(primitive: Primitive) -> Iterator[tuple[int | str, Callable[..., Any]]]:
    rules = primitive.rules
    if rules is None:
        return
    if rules.vjp_all is not None:
        yield "vjp_all", rules.vjp_all
    elif isinstance(rules.vjps, ListRule):
        yield "vjp_list", rules.vjps.rule
    else:
        yield from ((i, r) for i, r in enumerate(rules.vjps or ()) if r is not None)


@functools.cache
def mutants(changes: Callable[..., Any] = _changed) -> list[Mutant]:
    """One change at a time, of every rule."""
    return list(_made(changes))


def _made(changes: Callable[..., Any]) -> Iterator[Mutant]:
    for primitive in dict.fromkeys(table.values()):
        for position, rule in _rules(primitive):
            node = _source(rule)
            if node is None:
                continue
            names = [a.arg for a in node.args.args if not a.arg.startswith("_")]
            inside = [node.body] if isinstance(node, ast.Lambda) else node.body
            for target in [n for part in inside for n in ast.walk(part)]:
                for change, by in changes(target, names):
                    body = copy.deepcopy(node)
                    twin = dict(zip(ast.walk(node), ast.walk(body), strict=True))[target]
                    try:
                        made = _rebuilt(_Replace(twin, by).visit(body), rule)
                    except (SyntaxError, ValueError, TypeError):  # not a program
                        continue
                    what = f"{primitive.name}[{position}]: {change}"
                    yield Mutant(primitive, position, made, what)


def detached() -> list[Mutant]:
    """Right at first order and wrong at second: one value of a rule is taken for a constant."""
    return mutants(_detached)


@functools.cache
def cases_of() -> dict[Primitive, Case]:
    """A case for each primitive."""
    found: dict[Primitive, Case] = {}
    with np.errstate(all="ignore"):
        for case in CASES:
            try:
                for fun in exercised(case):
                    if fun in table:
                        found.setdefault(table[fun], case)
            except Exception:  # a case of another kind
                continue
    return found


def pulled(
    f: Callable[..., Any], inputs: Sequence[Any], order: int
) -> list[np.ndarray[Any, Any]] | None:
    """The gradients of a random cotangent, and for order 2 theirs; None if that raises."""
    at = [i for i, a in enumerate(inputs) if np.asarray(a).dtype.kind in "fc"]

    def of(*xs: Any) -> Any:
        args = list(inputs)
        for i, x in zip(at, xs, strict=True):
            args[i] = x
        return f(*args)

    def gradients(*xs: Any) -> list[Any]:
        value, pull = ag.vjp(of, *xs)
        shape = np.shape(value)
        g = np.random.default_rng(0).uniform(0.5, 1.5, shape).astype(value.dtype)
        found = pull(g)
        return list(found) if len(at) > 1 else [found]

    xs = [inputs[i] for i in at]
    try:
        with np.errstate(all="ignore"):
            if order == 1:
                return gradients(*xs)
            value, pull = ag.vjp(gradients, *xs)
            rng = np.random.default_rng(1)
            found = pull([rng.uniform(0.5, 1.5, v.shape).astype(v.dtype) for v in value])
            return list(found) if len(at) > 1 else [found]
    except Exception:
        return None


def differ(a: list[Any] | None, b: list[Any] | None) -> bool:
    """Whether a mutant shows (one that raises does not count)."""
    if a is None or b is None:
        return False
    return any(
        not np.allclose(x, y, rtol=1e-5, atol=1e-5 * np.abs(y).max(initial=1e-300), equal_nan=True)
        for x, y in zip(a, b, strict=True)
    )
