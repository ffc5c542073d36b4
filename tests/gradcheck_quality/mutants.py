"""Mutants of this package's own rules: one change of one operator, number or name in one rule.

A mutant counts where it shows: where its gradients at a case's own arrays differ from the rule's.
"""

from __future__ import annotations

import ast
import copy
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.checking.cases import CASES, Case
from autograd_core.primitive import Primitive, table
from tests.autograd_core.rules.coverage import exercised

SWAPS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.MatMult: (ast.Mult,), ast.Pow: (ast.Mult,),
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A rule of a primitive, changed."""

    primitive: Primitive
    position: int
    rule: Callable[..., Any]
    change: str

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The mutant in its place, for a block."""
        before = self.primitive.vjps
        rules = list(before)
        rules[self.position] = self.rule
        self.primitive.vjps = tuple(rules)
        try:
            yield
        finally:
            self.primitive.vjps = before


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
    elif isinstance(node, ast.Call) and len(node.args) > 1 and not node.keywords:
        yield (
            "swap arguments",
            ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], []),
        )


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, by: ast.AST) -> None:
        self.target, self.by = target, by

    def visit(self, node: ast.AST) -> Any:
        return self.by if node is self.target else self.generic_visit(node)


_trees: dict[str, ast.Module] = {}


def _lambda(rule: Callable[..., Any]) -> ast.Lambda | None:
    """The source of a rule that is a lambda without a closure."""
    code = getattr(rule, "__code__", None)
    if code is None or code.co_freevars or code.co_name != "<lambda>":
        return None
    if code.co_filename not in _trees:
        _trees[code.co_filename] = ast.parse(inspect.getsource(sys.modules[rule.__module__]))
    for node in ast.walk(_trees[code.co_filename]):
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno:
            same = compile(
                ast.fix_missing_locations(ast.Expression(node)), code.co_filename, "eval"
            )
            inner = next(c for c in same.co_consts if hasattr(c, "co_code"))
            if (
                inner.co_code == code.co_code
                and inner.co_consts == code.co_consts
                and (inner.co_varnames == code.co_varnames and inner.co_names == code.co_names)
            ):
                return node
    return None


def mutants() -> Iterator[Mutant]:
    """One change at a time, of every rule that is written as a lambda."""
    for primitive in dict.fromkeys(table.values()):
        if not isinstance(primitive.vjps, tuple):
            continue
        for position, rule in enumerate(primitive.vjps):
            node = _lambda(rule) if rule is not None else None
            if node is None:
                continue
            names = [a.arg for a in node.args.args if not a.arg.startswith("_")]
            for target in list(ast.walk(node.body)):
                for change, by in _changed(target, names):
                    body = copy.deepcopy(node)
                    twin = dict(zip(ast.walk(node.body), ast.walk(body.body), strict=True))[target]
                    body.body = _Replace(twin, by).visit(body.body)
                    tree = ast.fix_missing_locations(ast.Expression(body))
                    made = eval(compile(tree, "<mutant>", "eval"), rule.__globals__)
                    yield Mutant(
                        primitive, position, made, f"{primitive.name}[{position}]: {change}"
                    )


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


def pulled(case: Case, order: int) -> list[np.ndarray[Any, Any]] | None:
    """The gradients of a random cotangent, and for order 2 theirs; None if that raises."""
    at = [i for i, a in enumerate(case.args) if np.asarray(a).dtype.kind in "fc"]

    def of(*xs: Any) -> Any:
        args = list(case.args)
        for i, x in zip(at, xs, strict=True):
            args[i] = x
        return case.f(*args)

    def gradients(*xs: Any) -> list[Any]:
        value, pull = ag.vjp(of, *xs)
        shape = np.shape(value)
        g = np.random.default_rng(0).uniform(0.5, 1.5, shape).astype(value.dtype)
        found = pull(g)
        return list(found) if len(at) > 1 else [found]

    xs = [case.args[i] for i in at]
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
