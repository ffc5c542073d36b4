"""Colours and categories: what a shape and a colour in a picture mean.

Shape carries the meaning, colour repeats it: parameters and data are square boxes, operations
are pills (dashed where only the view changes), the output has a double border.
"""

from __future__ import annotations

from typing import NamedTuple

from autograd_core.engine.primitive import Primitive


class Style(NamedTuple):
    """Fill and stroke of one category, and what the legend calls it."""

    fill: str
    stroke: str
    label: str


PAGE, INK, MUTED, EDGE = "#FFFFFF", "#1F2933", "#52606D", "#8492A6"
CLUSTER = Style("#F7F9FB", "#CBD2D9", "")
#: The text of operations that a card has absorbed.
ABSORBED = "#00684D"
FONT = "Arial,Helvetica,sans-serif"

#: The size of a gradient by rounded power of ten, from 1e-4 (and below) to 1e3 (and above).
GRADIENT = (
    *("#2166AC", "#4F9BC8", "#92C5DE", "#D1E5F0"),
    *("#F7F7F7", "#FDDBC7", "#F4A582", "#B2182B"),
)
#: A share of the cost: below 5 %, 10 %, 20 %, 35 %, 50 %, and above.
COST = ("#FEFEFA", "#FDF1D8", "#FBD99A", "#F6B84E", "#E08A1E", "#A8570C")

STYLES: dict[str, Style] = {
    "module": Style("#DCEBF7", "#005F99", "module with parameters"),
    "parameter": Style("#FFF6D6", "#A88600", "parameter"),
    "linear": Style("#DCEBF7", "#005F99", "matmul / conv"),
    "elementwise": Style("#DDF3EA", "#008A66", "elementwise"),
    "reduce": Style("#F8E6F0", "#B3518A", "reduce"),
    "view": Style("#FFFFFF", "#7A8693", "view"),
    "data": Style("#F0F4F8", "#7B8794", "data"),
    "output": Style("#FDE3D8", "#A8320A", "output"),
}

_LINEAR = {
    *("matmul", "dot", "inner", "outer", "vdot", "vecdot", "matvec", "vecmat", "tensordot"),
    *("einsum", "kron", "linear", "convolve", "correlate", "solve", "inv", "multi_dot"),
    *("rnn", "lstm", "gru", "conv_transpose"),
}
_VIEWS = {
    *("reshape", "ravel", "transpose", "swapaxes", "moveaxis", "rollaxis", "expand_dims"),
    *("squeeze", "broadcast_to", "getitem", "copy", "flip", "rot90", "astype", "diagonal"),
    *("sliding_window_view", "atleast_1d", "atleast_2d", "atleast_3d", "real", "imag"),
}
_REDUCTIONS = {
    *("sum", "mean", "var", "std", "prod", "max", "min", "amax", "amin", "trace", "median"),
    *("cumsum", "cumprod", "ptp", "average", "norm", "logsumexp"),
}


def category(primitive: Primitive) -> str:
    """Which of the styles an operation has."""
    name = primitive.name
    if name in _LINEAR or "conv" in name:
        return "linear"
    if name in _VIEWS:
        return "view"
    if name in _REDUCTIONS or name.endswith(("_loss", "_cost", "_entropy", "_error")):
        return "reduce"
    return "reduce" if "pool" in name else "elementwise"
