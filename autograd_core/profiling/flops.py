"""Floating-point operations of one recorded call, by formula.

A multiply-add counts as two, a division, a square root or an ``exp`` as one; comparisons, copies
and views as none.  The families and their formulas:

* products of matrices (``matmul``, ``linear``, ``dot``, ``inner``, ``einsum``):
  ``2 n k`` for ``n`` results, each a sum of ``k`` products; ``linear`` adds its bias;
* convolutions: ``2 n k``, ``k`` the numbers of one filter (of ``np.convolve`` the shorter length);
* recurrences (``rnn``, ``lstm``, ``gru``): ``2`` for each element of the weight, step and example;
* element by element: one for each element of the result;
* reductions: one for each element of the argument (``var``, ``std``: four);
* factorisations of an ``n × n`` matrix (Golub, Van Loan, *Matrix Computations*, 4th ed., 2013):
  Cholesky ``n³/3``, LU (``solve``, ``inv``, ``det``) ``2n³/3``, QR ``4n³/3``, symmetric
  eigenvalues ``9n³``, eigenvalues ``25n³``, singular values ``21n³``; ``fft``: ``5 n log₂ n``.

The backward pass of a product of two recorded matrices is two products: twice the forward ones;
of anything else as much as forward, for each argument that a gradient flows to.
"""

from __future__ import annotations

import math
from typing import Any

from autograd_core.engine.graph import Node

PRODUCTS = {"matmul", "linear", "dot", "inner", "einsum", "vdot", "vecdot", "matvec"}
CONVOLUTIONS = {"convolve", "correlate", "spread"}
RECURRENCES = {"rnn": 2, "lstm": 3, "gru": 2}  # which argument is the weight
_VIEWS = {
    *("reshape", "ravel", "transpose", "swapaxes", "moveaxis", "rollaxis", "expand_dims"),
    *("squeeze", "broadcast_to", "getitem", "setitem", "copy", "flip", "rot90", "astype"),
    *("diagonal", "concatenate", "stack", "split", "array_split", "pad", "roll", "repeat", "tile"),
    *("take", "where", "sort", "take_along_axis", "sliding_window_view", "atleast_1d", "real"),
    *("imag", "conjugate", "positive", "vstack", "hstack", "pick", "triu", "tril"),
}
_REDUCTIONS = {"sum": 1, "mean": 1, "prod": 1, "cumsum": 1, "cumprod": 1, "max": 1, "min": 1,
               "trace": 1, "nansum": 1, "nanmean": 1, "var": 4, "std": 4, "norm": 2,
               "logsumexp": 3, "softmax": 3, "log_softmax": 3, "squared_error": 3,
               "quadratic_cost": 3, "softmax_cross_entropy": 4, "soft_cross_entropy": 5,
               "average": 2}  # fmt: skip
_CUBIC = {"cholesky": 1 / 3, "solve": 2 / 3, "inv": 2, "det": 2 / 3, "slogdet": 2 / 3, "qr": 4 / 3,
          "eigh": 9, "eigvalsh": 4 / 3, "eig": 25, "svd": 21, "pinv": 21, "lstsq": 21}  # fmt: skip


def _shape(a: Any) -> tuple[int, ...]:
    return tuple(getattr(a, "shape", ()))


def _shapes(node: Node) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
    """Of the arguments (by their nodes once they are freed), and of the (first) result."""
    given = node.args if node.args is not None else [p.out for p in node.parents]
    out = node.out[0] if isinstance(node.out, (tuple, list)) else node.out
    return [_shape(a) for a in given], _shape(out)


def multiply_adds(node: Node) -> int:
    """The products that one call sums: the MACs of a product or a convolution, else 0.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from autograd_core.profiling.flops import multiply_adds
    >>> w = ag.tensor(np.ones((784, 16)), requires_grad=True)
    >>> multiply_adds((np.ones((32, 784)) @ w)._node) == 32 * 784 * 16
    True
    """
    name = node.primitive.name if node.primitive is not None else ""
    if name not in PRODUCTS | CONVOLUTIONS and name not in RECURRENCES:
        return 0
    args, out = _shapes(node)
    n = math.prod(out)
    if len(args) < 2:
        return 0
    a, b = args[0], args[1]
    if name in RECURRENCES:  # xs (T, N, ...)
        return math.prod(a[:2]) * math.prod(args[RECURRENCES[name]])
    if name in CONVOLUTIONS and len(b) > 2:  # (N, C, ...) with (M, C, ...), or its transpose
        if name == "convolve":
            return n * math.prod(b[1:])
        return math.prod(a) * math.prod(b[1:]) if name == "spread" else n * a[0] * math.prod(a[2:])
    if name in CONVOLUTIONS:
        return n * min(math.prod(a) if a else 1, math.prod(b) if b else 1)
    if name == "einsum":
        return _einsum(node, args, n)
    if name == "linear":
        return n * (a[-1] if a else b[-1] if b else 1)
    return n * (a[-1] if a else b[0] if len(b) == 1 else b[-2] if b else 1)


def _einsum(node: Node, args: list[tuple[int, ...]], n: int) -> int:
    options = node.kwargs or {}
    text = str(options.get("subscripts", "")).replace(" ", "")
    left = text.split("->")[0].split(",")
    if not text or "..." in text or len(left) != len(args):
        return n * max((max(a, default=1) for a in args), default=1)
    sizes: dict[str, int] = {}
    for part, a in zip(left, args, strict=True):
        sizes.update(zip(part, a, strict=False))
    return math.prod(sizes.values())


def forward_flops(node: Node) -> int:
    """Floating-point operations of one recorded call.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from autograd_core.profiling.flops import forward_flops
    >>> x = ag.tensor(np.ones((10, 4)), requires_grad=True)
    >>> forward_flops(np.exp(x)._node), forward_flops(np.sum(x)._node)
    (40, 40)
    """
    name = node.primitive.name.lstrip("_") if node.primitive is not None else "pick"
    args, out = _shapes(node)
    n = math.prod(out)
    products = multiply_adds(node)
    if products:
        bias = n if name == "linear" and len(args) > 2 and args[2] else 0
        return 2 * products + bias
    if name in _VIEWS:
        return 0
    if name in _REDUCTIONS:
        return _REDUCTIONS[name] * max((math.prod(a) for a in args), default=n)
    if name in _CUBIC and args and len(args[0]) >= 2:
        *batch, rows, columns = args[0]
        short, long = sorted((rows, columns))
        return round(_CUBIC[name] * math.prod(batch) * short * short * long)
    if "fft" in name:
        return round(5 * n * math.log2(max(n, 2)))
    return n


def backward_flops(node: Node) -> int:
    """Floating-point operations of the rules of one call, for the gradients that are wanted."""
    wanted = sum(p.tracked for p in node.parents)
    return forward_flops(node) * wanted
