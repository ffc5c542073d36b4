"""Counts of floating-point operations, as functions that primitives declare (``flops=``).

Each takes the result and the arguments of the call and reads their shapes alone.  A multiply-add
counts as two, a division, a square root or an ``exp`` as one; comparisons, copies and views as
none.  Those of matrices follow Golub, Van Loan, *Matrix Computations*, 4th ed., 2013.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Flops = Callable[..., float]


def none(*_args: Any, **_options: Any) -> float:
    """Return the cost of a call that only copies: 0."""
    return 0.0


def per_element(n: float) -> Flops:
    """Return the cost of ``n`` operations for each element of the first argument."""
    return lambda _out, a, *_args, **_options: n * a.size


def contraction(out: Any, a: Any, b: Any) -> float:
    """Return the cost of ``a @ b``: 2 n k for n results, each a sum of k products."""
    length = a.shape[-1] if a.ndim else (b.shape[-2] if b.ndim > 1 else b.size)
    return float(2 * out.size * length)


def correlation(out: Any, a: Any, b: Any, **_options: Any) -> float:
    """Return the cost of a convolution of vectors: every result sums the shorter one's length."""
    return float(2 * out.size * min(a.size, b.size))


def einsum(out: Any, *arrays: Any, subscripts: str = "", **_options: Any) -> float:
    """Return the cost of one product of all indices, two operations each."""
    left = subscripts.replace(" ", "").split("->")[0].split(",")
    if not subscripts or "..." in subscripts or len(left) != len(arrays):
        longest = max((max(a.shape, default=1) for a in arrays), default=1)
        return float(2 * out.size * longest)
    sizes: dict[str, int] = {}
    for letters, a in zip(left, arrays, strict=True):
        sizes.update(zip(letters, a.shape, strict=False))
    return float(2 * math.prod(sizes.values()))


def factorization(factor: float) -> Flops:
    """Return the cost of ``factor`` m n^2 operations on stacks of m x n matrices, n the shorter.

    Cholesky 1/3, LU (solve, det) 2/3, inverse 2, QR 4/3, symmetric eigenvalues 9, eigenvalues 25,
    singular values 21; of a pencil that is symmetric 34/3, the Schur form 25; its square root 85/3,
    the exponential 44/3, without squarings (Higham, *Functions of Matrices*, 2008, ch. 6 and 10).
    """

    def flops(_out: Any, a: Any, *_args: Any, **_options: Any) -> float:
        shape: tuple[int, ...] = (1, 1, *a.shape)
        short, long = sorted(shape[-2:])
        return factor * math.prod(shape[:-2]) * short * short * long

    return flops


def solution(cubic: float, square: float) -> Flops:
    """Return the cost of ``cubic`` n^3 operations for each matrix, ``square`` n^2 for each column.

    A triangular matrix 0 and 1, a general one 2/3 and 2, a Toeplitz matrix 0 and 4.
    """

    def flops(out: Any, a: Any, *_args: Any, **_options: Any) -> float:
        n: int = a.shape[-1]
        return float(cubic * a.size * n + square * out.size * n)

    return flops


def fourier(out: Any, *_args: Any, **_options: Any) -> float:
    """Return the cost of a fast Fourier transform: 5 n log2 n for n results."""
    return float(5 * out.size * math.log2(max(out.size, 2)))
