"""How things are written in a picture: shapes, numbers, bytes, operations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.engine.graph import Node

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "true_divide": "÷",
    "negative": "negate",
    "sliding_window_view": "windows",
}
_BARE = {"+", "−", "×", "÷", "power", "maximum", "minimum"}


def shape_text(shape: Sequence[int]) -> str:
    """A shape as people write it: ``32×784``; ``scalar`` for no axes."""
    return "×".join(str(n) for n in shape) if shape else "scalar"


def raised(n: int) -> str:
    """``-6`` as ``⁻⁶``."""
    return str(n).translate(_RAISED)


def number_text(x: float) -> str:
    """A number in few characters: ``0.0103``, ``6.0·10⁻⁹``.

    Examples
    --------
    >>> from autograd_core.drawing.trace.names import number_text
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


def power_text(ratio: float) -> str:
    """A ratio by its power of ten: ``×10⁻⁵``; near 1 as it is, ``×0.055``."""
    if not math.isfinite(ratio) or ratio == 0:
        return f"×{number_text(ratio)}"
    if 0.02 <= ratio < 20:
        return f"×{ratio:.2g}"
    return f"×10{raised(round(math.log10(ratio)))}"


def bytes_text(n: float) -> str:
    """Bytes in the unit in which people say them: ``1,666 KiB``."""
    for unit in ("B", "KiB", "MiB"):
        if n < (1024 if unit == "B" else 10_000 if unit == "KiB" else 1024):
            return f"{n:,.0f} {unit}" if n >= 10 or unit == "B" else f"{n:.1f} {unit}"
        n /= 1024
    return f"{n:,.1f} GiB"


def count_text(n: float) -> str:
    """A count: ``272``, ``12.96 k``, ``0.42 M``."""
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e5, "M"), (1e4, "k")):
        if n >= limit:
            scale = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3}[unit]
            return f"{n / scale:.2f} {unit}"
    return f"{n:,.0f}"


def time_text(seconds: float) -> str:
    """A time: ``6.93 ms``, ``12 µs``."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 1e-4:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds * 1e6:.1f} µs"


def value_text(array: Any) -> str:
    """The value of one number; nothing for others."""
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


def operation_text(node: Node) -> str:
    """What is written on an operation: its sign or name, and a number that belongs to it."""
    assert node.primitive is not None
    name = node.primitive.name.lstrip("_")
    if name == "getitem":
        index = (node.kwargs or {}).get("index")
        if isinstance(index, np.ndarray) and index.dtype.kind in "iu":
            return "rows" if getattr(node.out, "ndim", 1) > 1 else "pick"
        return f"[{_index_text(index)}]" if index is not None else "index"
    before = node.parents[0].out if node.parents else None
    if name == "reshape" and before is not None and hasattr(before, "shape"):
        was, now = before.shape, node.out.shape
        if len(now) == 2 and len(was) > 2 and was[0] == now[0]:
            return "flatten"
    sign = _SYMBOLS.get(name, name)
    if sign not in _BARE or not node.args:
        return sign
    numbers = [_number(a) for a, p in zip(node.args, node.parents, strict=False) if not p.tracked]
    if len(node.args) != 2 or len(numbers) != 1 or not numbers[0]:
        return sign
    if node.parents[0].tracked:
        return "square" if (sign, numbers[0]) == ("power", "2") else f"{sign} {numbers[0]}"
    return f"{numbers[0]} {sign}"


def _number(a: Any) -> str:
    """A plain number, written; empty for everything else."""
    if getattr(a, "shape", None) == () and hasattr(a, "item"):
        a = a.item()
    return number_text(a) if isinstance(a, (int, float)) else ""


def words(name: str) -> str:
    """A function's name as words: ``softmax_cross_entropy`` is ``softmax cross entropy``."""
    return name.strip("_").replace("_", " ")


class Ids:
    """Names that no other thing in a picture has, the same for the same graph."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._taken: set[str] = set()

    def fresh(self, name: str) -> str:
        """``name`` of printable characters, with a number if it is taken."""
        stem = "".join(c if c.isprintable() else " " for c in name)
        self._counts[stem] += 1
        made = stem if self._counts[stem] == 1 else f"{stem}_{self._counts[stem]}"
        while made in self._taken:
            self._counts[stem] += 1
            made = f"{stem}_{self._counts[stem]}"
        self._taken.add(made)
        return made
