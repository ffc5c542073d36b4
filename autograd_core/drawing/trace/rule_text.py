"""The formulas of derivative rules, read from the source of the rules themselves.

The first sentence of a rule's docstring says what it returns; without one, a rule that is one
expression, ``lambda g, out, x: g * np.cos(x)``, is its own formula. ``g`` is the gradient of the
result, and ``out`` the result. Where there is neither, or no source, there is no formula.
"""

import ast
import inspect
import re
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

from autograd_core.drawing.trace.trace import Op
from autograd_core.engine.rule_record import ListRule, Parameters

_LONGEST = 90


@lru_cache(maxsize=256)
def _expressions(file: str) -> dict[tuple[int | None, int | None], ast.expr]:
    """Return what the lambdas of a file return, by the line and column where that begins."""
    try:
        with open(file, encoding="utf-8") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):
        return {}
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Return):
            before = node.body[1:-1] if ast.get_docstring(node) else node.body[:-1]
            if not before and node.body[-1].value is not None:
                bodies.append(node.body[-1].value)
    return {(body.lineno, body.col_offset): body for body in bodies}


@lru_cache(maxsize=1024)
def _formula(rule: Callable[..., Any]) -> str:
    """Return what a rule computes, as short text; empty where that is not known."""
    sentence = re.match(r"(?:Return )?(.*?)(?:\.\s|\.?$)", inspect.getdoc(rule) or "", re.DOTALL)
    if sentence and sentence[1]:
        text = " ".join(sentence[1].split())
        return text if len(text) <= _LONGEST else ""
    code: CodeType | None = getattr(rule, "__code__", None)
    if code is None:
        return ""
    known = _expressions(code.co_filename)
    places = {(line, column) for line, _, column, _ in code.co_positions()}
    text = max((ast.unparse(known[p]) for p in places & known.keys()), key=len, default="")
    for name in code.co_varnames[: code.co_argcount]:  # a rule does not read what begins with _
        text = re.sub(rf"\b{name}\b", name.lstrip("_"), text)
    text = re.sub(r"\b(np|math)\.", "", text)
    hidden = any(re.search(rf"\b{name}\b", text) for name in code.co_freevars)
    return "" if hidden or len(text) > _LONGEST else text


def rule_facts(op: Op) -> list[tuple[str, str]]:
    """Return the formula of the gradient of each argument that one flows to, as facts of a box.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> x = ag.tensor(1.0, requires_grad=True, name="x")
    >>> dict(ag.draw(np.sin(x)).graph.boxes[1].facts)["gradient of x"]
    'g * cos(x)'
    """
    rules = op.primitive.rules
    if rules is None:
        return []
    found = {}
    for link in op.links:
        if not link.gradient or link.place < 0:
            continue
        vjps, name = rules.vjps, "each"
        if isinstance(vjps, tuple):
            rule = vjps[link.place] if link.place < len(vjps) else None
            own = Parameters.of(rule).positional[2:] if rule is not None else ()
            name = own[link.place].lstrip("_") if link.place < len(own) else name
        else:
            rule = vjps.rule if isinstance(vjps, ListRule) else rules.vjp_all
        if rule is not None and (text := _formula(rule)):
            found[f"gradient of {name}"] = text
    return list(found.items())
