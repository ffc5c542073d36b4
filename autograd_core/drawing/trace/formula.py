"""What the operations of a unit compute, as a formula: ``tanh(x W + h U + b)``."""

from __future__ import annotations

from autograd_core.drawing.trace.names import operation_text, raised
from autograd_core.drawing.trace.trace import Link, Trace

_INFIX = {"add": " + ", "subtract": " − ", "multiply": " · ", "true_divide": " / "}
_PRODUCTS = ("matmul", "dot")
_LONGEST = 40


def formula(trace: Trace, ops: list[int], carried: set[int]) -> str:
    """The result of the last of ``ops`` in terms of what they read; empty if it is long.

    ``carried`` are operations outside whose results are the state of the step before.
    """
    inside = set(ops)
    made: dict[int, tuple[str, bool]] = {}  # text, and whether it is a sum
    if len({k.op for i in ops for k in trace.ops[i].links if k.op in carried}) > 1:
        return ""

    def term(link: Link) -> tuple[str, bool]:
        if link.op in inside:
            return made[link.op]
        if link.op in trace.views:
            return trace.views[link.op].name.rpartition(".")[2], False
        if link.op >= 0:
            return ("h" if link.op in carried else "x"), False
        assert link.source is not None
        name = link.source.name.rpartition(".")[2]
        return ("x" if link.source.role in ("input", "data") else name), False

    for i in ops:
        op = trace.ops[i]
        name = op.node.primitive.name if op.node.primitive is not None else ""
        parts = [term(k) for k in op.links]
        text = operation_text(op.node)
        if name in _INFIX and len(parts) == 2:
            if name in ("add", "subtract"):
                made[i] = (_INFIX[name].join(p for p, _ in parts), True)
            else:
                made[i] = (_INFIX[name].join(f"({p})" if s else p for p, s in parts), False)
        elif name in _PRODUCTS and len(parts) == 2:
            made[i] = (" ".join(f"({p})" if s else p for p, s in parts), False)
        elif name == "linear" and len(parts) in (2, 3):
            x, w, *b = (f"({p})" if s else p for p, s in parts)
            made[i] = (f"{x} {w}ᵀ" + (f" + {b[0]}" if b else ""), True)
        elif name == "getitem" and len(parts) == 1:
            made[i] = parts[0]
        elif len(parts) == 1 and (told := _with_number(text, *parts[0])):
            made[i] = told
        else:
            made[i] = (f"{text}({', '.join(p for p, _ in parts)})", False)
        if len(made[i][0]) > _LONGEST:
            return ""
    return made[ops[-1]][0]


def _with_number(text: str, part: str, is_sum: bool) -> tuple[str, bool] | None:
    """An operation with a number: ``x · 2``, ``1 − x``, ``x³``; None if it is none."""
    words = text.split(" ")
    closed = f"({part})" if is_sum else part
    if text == "square":
        return (closed if closed.isalpha() or is_sum else f"({part})") + "²", False
    if len(words) != 2:
        return None
    signs = {"+": "+", "−": "−", "×": "·", "÷": "/"}
    if words[0] in signs:
        loose = words[0] in "+−"
        return f"{part if loose else closed} {signs[words[0]]} {words[1]}", loose
    if words[1] in signs:
        loose = words[1] in "+−"
        return f"{words[0]} {signs[words[1]]} {closed}", loose
    if words[0] == "power" and words[1].isdigit():
        return (
            f"{closed if closed.isalpha() or is_sum else f'({part})'}{raised(int(words[1]))}",
            False,
        )
    return None
