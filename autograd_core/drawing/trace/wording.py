"""How operations, modules, shapes and numbers are written in a picture."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.drawing.trace.trace import Link, Op, Trace

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
    "sliding_window_view": "windows",
}
#: Operations that are written together with the number they take: ``× 0.5``.
_WITH_NUMBER = {"+", "−", "×", "÷", "power", "maximum", "minimum", ">", "≥", "<", "≤"}
#: How a sign is written inside a formula.
_INFIX = {"+": "+", "−": "−", "×": "·", "÷": "/"}
_LONGEST_FORMULA = 40


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
    if getattr(array, "size", 0) != 1 or not hasattr(array, "__array__"):
        return ""
    return f"{np.asarray(array).reshape(())[()]:.4g}"


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
    if name == "reshape" and op.links:
        was, now = op.links[0].shape, op.shape
        if len(now) == 2 and len(was) > 2 and was[0] == now[0]:
            return "flatten"
    sign, number, leads = _with_number(op)
    if leads:
        return f"{number} {sign}"
    return "square" if (sign, number) == ("power", "2") else f"{sign} {number}".rstrip()


def _with_number(op: Op) -> tuple[str, str, bool]:
    """Return the sign or name of an operation, its number or "", and whether that comes first."""
    args, sign = op.node.args, _SYMBOLS.get(op.name, op.name)
    if sign not in _WITH_NUMBER or not args or len(args) != 2 or len(op.links) != 1:
        return sign, "", False
    place = op.links[0].place
    number = _number(args[place == 0])
    return sign, number, bool(number) and place != 0


def _number(a: Any) -> str:
    """Return a plain number as text, and an empty text for anything else."""
    if getattr(a, "shape", None) == () and hasattr(a, "item"):
        a = a.item()
    return number_text(a) if isinstance(a, (int, float)) else str(a) if type(a) is complex else ""


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
    made: dict[int, tuple[str, bool]] = {}  # the text, and whether it is a sum
    read = [trace.ops[ops[n]].links[m] for n, m in state]
    if len({(k.op, id(k.source)) for k in read}) > 1:
        return ""

    def term(link: Link, place: tuple[int, int]) -> tuple[str, bool]:
        if link.op in inside:
            return made[link.op]
        if place in state:
            return "h", False
        source = trace.views.get(link.op, link.source)
        if source is None:
            return "x", False
        is_data = link.source is not None and source.role in ("input", "data")
        return ("x" if is_data else source.name.rpartition(".")[2]), False

    for n, i in enumerate(ops):
        terms = [term(k, (n, m)) for m, k in enumerate(trace.ops[i].links)]
        made[i] = _applied(trace.ops[i], terms)
        if len(made[i][0]) > _LONGEST_FORMULA:
            return ""
    return made[ops[-1]][0]


def _applied(op: Op, terms: list[tuple[str, bool]]) -> tuple[str, bool]:
    """Return an operation applied to terms, and whether the result is a sum."""
    plain = [t for t, _ in terms]
    closed = [f"({t})" if is_sum else t for t, is_sum in terms]
    sign = _INFIX.get(_SYMBOLS.get(op.name, ""), "")
    if sign and len(terms) == 2:
        return f" {sign} ".join(plain if sign in "+−" else closed), sign in "+−"
    if op.name in ("matmul", "dot") and len(terms) == 2:
        return " ".join(closed), False
    if op.name == "linear" and len(terms) in (2, 3):
        return f"{closed[0]} {closed[1]}ᵀ" + "".join(f" + {b}" for b in closed[2:]), True
    if op.name == "getitem" and len(terms) == 1:
        return terms[0]
    sign, number, leads = _with_number(op)
    if len(terms) == 1 and number and sign in _INFIX:
        is_sum = sign in "+−"
        ends = (number, closed[0]) if leads else (plain[0] if is_sum else closed[0], number)
        return f" {_INFIX[sign]} ".join(ends), is_sum
    if operation_text(op) == "square":
        sign, number = "power", "2"
    if len(terms) == 1 and sign == "power" and number.isdigit() and not leads:
        base = closed[0] if closed[0].isalpha() or closed != plain else f"({closed[0]})"
        return f"{base}{raised(int(number))}", False
    return f"{operation_text(op)}({', '.join(plain)})", False
