"""Products of vectors and matrices: matmul, dot, inner, outer, tensordot, kron.

Transposes, never conjugate ones: inside a sweep cotangents of complex numbers are not conjugated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.engine.primitive import composition, defvjp
from autograd_core.rules import costs
from autograd_core.rules.common import mT


def _matmul_x(g: Any, _out: Any, _x: Any, y: Any) -> Any:
    """g y^T, for matrices; vectors are rows on the left, columns on the right."""
    if y.ndim == 1:
        return g * y if _x.ndim == 1 else g[..., None] * y
    if _x.ndim == 1:
        return (y @ g[..., None])[..., 0]
    if _x.ndim == 2 and y.ndim > 2:  # one contraction instead of a batch of results to sum
        n, k = _x.shape
        left = np.moveaxis(g, -2, 0).reshape((n, -1))
        return left @ np.moveaxis(y, -2, 0).reshape((k, -1)).T
    return g @ mT(y)


def _matmul_y(g: Any, _out: Any, x: Any, _y: Any) -> Any:
    """x^T g."""
    if x.ndim == 1:
        return g * x if _y.ndim == 1 else x[:, None] * g[..., None, :]
    if _y.ndim == 1:
        return (g[..., None, :] @ x)[..., 0, :]
    if _y.ndim == 2 and x.ndim > 2:
        k, m = _y.shape
        return x.reshape((-1, k)).T @ g.reshape((-1, m))
    return mT(x) @ g


defvjp(np.matmul, _matmul_x, _matmul_y, kind="product", flops=costs.contraction)


def _array(a: Any) -> Any:
    return a if hasattr(a, "ndim") else np.asarray(a)


@composition(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    a, b = _array(a), _array(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if b.ndim <= 2:
        return a @ b
    return np.tensordot(a, b, (-1, -2))


@composition(np.inner)
def _inner(a: Any, b: Any) -> Any:
    a, b = _array(a), _array(b)
    return a * b if a.ndim == 0 or b.ndim == 0 else np.tensordot(a, b, (-1, -1))


@composition(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    return _array(a).reshape((-1, 1)) * _array(b).reshape((1, -1))


@composition(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return np.conj(_array(a).reshape(-1)) @ _array(b).reshape(-1)


@composition(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Transpose the contracted axes together, multiply as matrices, and give the shape back."""
    a, b = _array(a), _array(b)
    if isinstance(axes, (int, np.integer)):
        n = int(axes)
        axes_a, axes_b = tuple(range(a.ndim - n, a.ndim)), tuple(range(n))
    else:
        axes_a, axes_b = (
            (int(s),) if isinstance(s, (int, np.integer)) else tuple(int(i) for i in s)
            for s in axes
        )
    axes_a = tuple(i % a.ndim for i in axes_a)
    axes_b = tuple(i % b.ndim for i in axes_b)
    shared = tuple(a.shape[i] for i in axes_a)
    if len(axes_a) != len(axes_b) or shared != tuple(b.shape[i] for i in axes_b):
        raise ValueError(
            f"tensordot contracts axes of equal length, got {axes_a} of {a.shape} and {axes_b} "
            f"of {b.shape}"
        )
    free_a = tuple(i for i in range(a.ndim) if i not in axes_a)
    free_b = tuple(i for i in range(b.ndim) if i not in axes_b)
    shape_a, shape_b = tuple(a.shape[i] for i in free_a), tuple(b.shape[i] for i in free_b)
    n = math.prod(shared)
    left = a.transpose(free_a + axes_a).reshape((math.prod(shape_a), n))
    right = b.transpose(axes_b + free_b).reshape((n, math.prod(shape_b)))
    return (left @ right).reshape(shape_a + shape_b)


@composition(np.kron)
def _kron(a: Any, b: Any) -> Any:
    a, b = _array(a), _array(b)
    ndim = max(a.ndim, b.ndim)
    shape_a = (1,) * (ndim - a.ndim) + a.shape
    shape_b = (1,) * (ndim - b.ndim) + b.shape
    spread_a = a.reshape(tuple(n for s in shape_a for n in (s, 1)))
    spread_b = b.reshape(tuple(n for s in shape_b for n in (1, s)))
    product = spread_a * spread_b
    return product.reshape(tuple(p * q for p, q in zip(shape_a, shape_b, strict=True)))
