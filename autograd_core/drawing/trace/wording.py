"""How operations, modules, shapes and numbers are written in a picture."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.drawing.trace.trace import Link, Op, Trace, plain
from autograd_core.engine.array_types import host_values
from autograd_core.engine.operands import whole_shape

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "negative": "negate",
    "greater": ">",
    "greater_equal": "≥",
    "less": "<",
    "less_equal": "≤",
    "setitem": "write",
    "write_view": "write",
    "sliding_window_view": "windows",
}
#: Operations that are written together with the number they take: ``× 0.5``.
_WITH_NUMBER = {"+", "−", "×", "÷", "power", "maximum", "minimum", ">", "≥", "<", "≤"}
#: How a sign is written inside a formula.
_INFIX = {"+": "+", "−": "−", "×": "·", "÷": "/"}
_LONGEST_FORMULA = 40
#: Part of a formula, and how loosely it binds: a name, a matrix product, ``·`` and ``/``, a sum.
Term = tuple[str, int]
_ATOM, _PRODUCT, _RATIO, _SUM = range(4)


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape such as ``32×784``, or ``scalar`` for no axes."""
    return "×".join(str(n) for n in shape) if shape else "scalar"


def raised(n: int) -> str:
    """Return an integer in superscript: ``⁻⁶`` for -6."""
    return str(n).translate(_RAISED)


def number_text(x: float) -> str:
    """Return a number in few characters.

    Examples
    --------
    >>> from autograd_core.drawing.trace.wording import number_text
    >>> number_text(0.01034), number_text(5.96e-9), number_text(12345.6), number_text(0.0)
    ('0.0103', '6.0·10⁻⁹', '1.2·10⁴', '0')
    """
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else "−∞"
    if x == 0:
        return "0"
    if isinstance(x, int) and abs(x) < 1_000_000:
        return str(x)
    if 1e-3 <= abs(x) < 1e4:
        return f"{x:.3g}" if abs(x) < 1000 else f"{x:.0f}"
    mantissa, exponent = f"{x:.1e}".split("e")
    return f"{mantissa}·10{raised(int(exponent))}"


def ranges_text(texts: Sequence[str]) -> str:
    """Return texts that differ in their numbers as one; "" where they differ otherwise.

    Examples
    --------
    >>> from autograd_core.drawing.trace.wording import ranges_text
    >>> ranges_text(["3×3, 16 → 32", "3×3, 32 → 64"])
    '3×3, 16..32 → 32..64'
    >>> ranges_text(["× 0.5", "× 0.25", "× 0.125"]), ranges_text(["x²", "x + 1"])
    ('× 0.5..0.125', '')
    """
    parts = [re.split(r"(\d+(?:\.\d+)?)", text) for text in dict.fromkeys(texts)]
    if len({tuple(p[::2]) for p in parts}) > 1:
        return ""
    text = ""
    for column in zip(*parts, strict=True):
        if len(set(column)) == 1:
            text += column[0]
            continue
        low, high = min(column, key=float), max(column, key=float)
        text += f"{high}..{low}" if column[0] == high else f"{low}..{high}"
    return text


def from_to(names: Sequence[str]) -> str:
    """Return the first and the last of some names, with what they have in common once.

    Examples
    --------
    >>> from autograd_core.drawing.trace.wording import from_to
    >>> from_to(["layers.0", "layers.1", "layers.2"]), from_to(["low", "middle", "high"])
    ('layers.0–2', 'low … high')
    """
    first, last = names[0], names[-1]
    stem = first.rstrip("0123456789")
    number = last.removeprefix(stem)
    return f"{first}–{number}" if first != stem and number.isdigit() else f"{first} … {last}"


def in_short(texts: Sequence[str]) -> str:
    """Return the first five texts, separated by commas."""
    return ", ".join(texts[:5]) + (" …" if len(texts) > 5 else "")


def power_text(ratio: float) -> str:
    """Return a ratio as a power of ten, ``×10⁻⁵``, or near 1 as it is, ``×0.055``."""
    if not math.isfinite(ratio) or ratio == 0:
        return f"×{number_text(ratio)}"
    if 0.02 <= ratio < 20:
        return f"×{ratio:.2g}"
    return f"×10{raised(round(math.log10(ratio)))}"


def value_text(array: Any) -> str:
    """Return the value of an array of one element, and an empty text for any other."""
    if not hasattr(array, "dtype") or math.prod(whole_shape(array)) != 1:
        return ""
    return f"{host_values(array).reshape(())[()]:.4g}"


def _index_text(index: Any) -> str:
    if isinstance(index, tuple):
        return ", ".join(_index_text(i) for i in index)
    if isinstance(index, slice):
        ends = ["" if e is None else str(e) for e in (index.start, index.stop, index.step)]
        return ":".join(ends if index.step is not None else ends[:2])
    if index is Ellipsis:
        return "…"
    if index is None:
        return "new"
    return str(index) if isinstance(index, (int, np.integer)) else "array"


def operation_text(op: Op) -> str:
    """Return the text on an operation: its sign or name, and a number that belongs to it."""
    node, name = op.node, op.name
    if name == "getitem":
        index = (node.kwargs or {}).get("index")
        if isinstance(index, np.ndarray) and index.dtype.kind in "iu":
            return "rows" if getattr(node.out, "ndim", 1) > 1 else "pick"
        return f"[{_index_text(index)}]" if index is not None else "index"
    if name == "setitem" and node.kwargs:
        return f"write [{_index_text(node.kwargs.get('index'))}]"
    if name == "reshape" and op.links:
        was, now = op.links[0].shape, op.shape
        if len(now) == 2 and len(was) > 2 and was[0] == now[0]:
            return "flatten"
    sign = _SYMBOLS.get(name, name)
    if sign not in _WITH_NUMBER or not node.args or len(node.args) != 2 or len(op.links) != 1:
        return sign
    first = op.links[0].place == 0
    number = _number(node.args[first])
    if not number:
        return sign
    if first:
        return "square" if (sign, number) == ("power", "2") else f"{sign} {number}"
    return f"{number} {sign}"


def _number(a: Any) -> str:
    """Return a plain number as text, and an empty text for anything else."""
    a = plain(a)
    if type(a) is complex:
        return f"({a:.3g})"
    return number_text(a) if isinstance(a, (int, float)) else ""


def pill_title(module: Any, operation: str) -> str:
    """Return the title of a module without parameters: ``relu``, ``maxpool2d 2×2``."""
    name = type(module).__name__.lower()
    if operation.replace("_", "").split(" ")[0] == name:
        return operation
    return f"{name} {spec_of(module)}".strip()


def spec_of(module: Any) -> str:
    """Return a module's input and output sizes, ``784 → 16``, or else its own description.

    Examples
    --------
    >>> import nn
    >>> from autograd_core.drawing.trace.wording import spec_of
    >>> spec_of(nn.Linear(784, 16, bias=False)), spec_of(nn.LeakyReLU())
    ('784 → 16, bias=False', '0.01')
    >>> spec_of(nn.Conv2d(8, 8, 3, groups=8)), spec_of(nn.LayerNorm(32))
    ('3×3 groups 8, 8 → 8', '32')
    """
    describe = getattr(module, "describe", None)
    text = re.sub(r"\((\d+),\)", r"\1", str(describe()) if callable(describe) else "")
    if "→" in text:
        return text
    for before, after in (
        ("in_features", "out_features"),
        ("in_channels", "out_channels"),
        ("input_size", "hidden_size"),
    ):
        n, m = getattr(module, before, None), getattr(module, after, None)
        if n is None or m is None:
            continue
        kernel = getattr(module, "kernel_size", None)
        if kernel is not None:
            sizes = kernel if isinstance(kernel, tuple) else (kernel, kernel)
            return f"{shape_text(sizes)}{_window_options(module)}, {n} → {m}"
        rest = re.match(rf"{n}, {m}(, .*)", text)
        return f"{n} → {m}{rest[1] if rest else ''}"
    return text


def _window_options(module: Any) -> str:
    """Return the options of a convolution that are not the default."""
    text = ""
    for name, short, usual in (
        ("padding", "pad", 0), ("stride", "stride", 1), ("dilation", "dilation", 1),
        ("groups", "groups", 1),
    ):  # fmt: skip
        value = getattr(module, name, usual)
        sizes = value if isinstance(value, tuple) else (value,)
        if any(v != usual for v in sizes):
            text += f" {short} {shape_text(sizes if len(set(sizes)) > 1 else sizes[:1])}"
    return text


def state_of(trace: Trace, before: list[int], ops: list[int]) -> set[tuple[int, int]]:
    """Return which links of a step read the one before: numbers of operations, and of links."""
    places = ((n, m, k) for n, i in enumerate(ops) for m, k in enumerate(trace.ops[i].links))
    return {(n, m) for n, m, k in places if k.op in before}


def formula(trace: Trace, ops: list[int], state: set[tuple[int, int]]) -> str:
    """Return what operations compute, such as ``tanh(x W + h U + b)``; empty if it is long.

    Parameters
    ----------
    trace
        The graph.
    ops
        Numbers of the operations; the formula is the result of the last one.
    state
        Which links are written as the state ``h``: numbers within ``ops``, and of the links.
    """
    inside = set(ops)
    made: dict[int, Term] = {}
    read = [trace.ops[ops[n]].links[m] for n, m in state]
    if len({(k.op, id(k.source)) for k in read}) > 1:
        return ""
    others: set[tuple[int, int, str]] = set()  # what is written x

    def term(link: Link, place: tuple[int, int], index: str = "") -> Term:
        if link.op in inside:
            return made[link.op]
        if place in state:
            return "h", _ATOM
        source = trace.views.get(link.op, link.source)
        if source is None or (link.source is not None and source.role in ("input", "data")):
            others.add((link.op, id(source), index))
            return "x", _ATOM
        name = source.name.rpartition(".")[2]
        return _viewed(trace, link.op, name) if link.op in trace.views else name, _ATOM

    for n, i in enumerate(ops):
        op = trace.ops[i]
        index = operation_text(op) if op.name == "getitem" else ""
        terms = [term(k, (n, m), index) for m, k in enumerate(op.links)]
        outside = terms == [("x", _ATOM)] and op.links[0].op not in inside
        made[i] = terms[0] if index and outside else _applied(op, terms)  # x[:, t] is x
        if len(made[i][0]) > _LONGEST_FORMULA:
            return ""
    return made[ops[-1]][0] if len(others) <= 1 else ""


def _viewed(trace: Trace, view: int, name: str) -> str:
    """Return the name of a parameter that is read through views: ``Wᵀ``, ``W[:, :4]``."""
    steps: list[Op] = []
    while view in trace.views:
        steps.append(trace.ops[view])
        view = trace.ops[view].links[0].op
    for op in reversed(steps):
        was = op.links[0].shape
        if op.name in ("transpose", "matrix_transpose", "swapaxes") and len(was) == 2:
            name += "ᵀ" if op.shape == was[::-1] else ""
        elif (index := operation_text(op)).startswith("["):
            name += "" if set(index) <= set("[]:, new…") else index
        elif math.prod(op.shape) != math.prod(was) or len(was) > 2:
            name = f"{op.name}({name})"
    return name


def _applied(op: Op, terms: list[Term]) -> Term:
    """Return an operation applied to terms."""
    text = operation_text(op)
    plain = [t for t, _ in terms]
    sign = _INFIX.get(_SYMBOLS.get(op.name, ""), "")
    if sign and len(terms) == 2:
        rank = _SUM if sign in "+−" else _RATIO
        # what follows a minus or a fraction bar is one term
        least = (rank, {"+": _SUM, "·": _RATIO, "−": _RATIO, "/": _ATOM}[sign])
        return f" {sign} ".join(_closed(t, n) for t, n in zip(terms, least, strict=True)), rank
    factors = [_closed(t, _PRODUCT) for t in terms]
    if op.name in ("matmul", "dot") and len(terms) == 2:
        return " ".join(factors), _PRODUCT
    if op.name == "linear" and len(terms) in (2, 3):
        transposed = _closed(terms[1], _ATOM)
        return f"{factors[0]} {transposed}ᵀ" + "".join(f" + {b}" for b in plain[2:]), _SUM
    if op.name == "getitem" and len(terms) == 1:
        return _closed(terms[0], _ATOM) + text, _ATOM
    if len(terms) == 1 and (result := _with_number(text, terms[0])):
        return result
    return f"{text}({', '.join(plain)})", _ATOM


def _closed(term: Term, loosest: int) -> str:
    """Return a term, in brackets if it binds more loosely than what is around it allows."""
    text, rank = term
    return f"({text})" if rank > loosest else text


def _with_number(text: str, term: Term) -> Term | None:
    """Return an operation with a number, such as ``x · 2``, ``1 − x`` or ``x³``, else None."""
    base = term[0] if term[0].isalpha() else f"({term[0]})"
    if text == "square":
        return f"{base}²", _ATOM
    first, _, second = text.partition(" ")
    if first == "power" and second.isdigit():
        return f"{base}{raised(int(second))}", _ATOM
    for number, sign, leads in ((second, first, False), (first, second, True)):
        if sign in _INFIX and number:
            rank = _SUM if sign in "+−" else _RATIO
            behind = {"−": _RATIO, "/": _ATOM}.get(_INFIX[sign], rank)
            part = _closed(term, behind if leads else rank)
            ends = (number, part) if leads else (part, number)
            return f" {_INFIX[sign]} ".join(ends), rank
    return None
