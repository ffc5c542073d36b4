"""Norms, condition numbers, and products and equations composed of other functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_of, to_host
from autograd_core.engine.primitive import Primitive, composition
from autograd_core.engine.recording import unwrap, wrap
from autograd_core.rules import costs
from autograd_core.rules.common import (
    as_array,
    axis_index,
    conj,
    exact_composition,
    floating,
    mT,
)
from autograd_core.rules.reductions import axes_of, largest, restore_axes


def _two_norm(x: Any, *, axis: Any, keepdims: Any) -> Any:
    square = (x * conj(x)).real if x.dtype.kind == "c" else x * x
    return np.sqrt(square.sum(axis=axis, keepdims=keepdims))


def _two_norm_x(g: Any, out: Any, x: Any, *, axis: Any, keepdims: Any) -> Any:
    """Return x / |x|, and 0 at the origin, also where the squares over- or underflow."""
    length, share = unwrap(out), g
    info = np.finfo(length.dtype)
    if any_of((length > info.max) | (length < float(info.tiny) ** 0.5 / float(info.eps))):
        top = largest(x, axis)
        x = x / top
        out, share = _two_norm(x, axis=axis, keepdims=True), restore_axes(g, x, axis, keepdims)
    flat = out == 0
    share = np.where(flat, 0.0, share) / np.where(flat, 1.0, out)
    return restore_axes(share, x, axis, keepdims) * conj(x)


two_norm = Primitive(_two_norm, "norm", kind="reduction", flops=costs.per_element(2)).defvjp(
    _two_norm_x
)


def _power_norm(x: Any, *, p: float, axis: Any, keepdims: Any) -> Any:
    return (abs(x) ** p).sum(axis=axis, keepdims=keepdims) ** (1 / p)


def _power_norm_x(g: Any, _out: Any, x: Any, *, p: float, axis: Any, keepdims: Any) -> Any:
    """Return |u|^(p-1) (sum |u|^p)^(1/p-1) times the sign of x, for u = x / max |x|.

    So no power over- or underflows.  It is 0 at the origin, for p < 1 at any element 0, and for
    p < 0 in any row with one, where the norm is 0.
    """
    size = abs(x)
    zero = unwrap(size) == 0
    safe = np.where(zero, 1.0, size)
    top = largest(x, axis) if p > 0 else unwrap(safe).min(axis=axis, keepdims=True)
    flat = (zero.all if p > 0 else zero.any)(axis=axis, keepdims=True)
    u = safe / top
    total = np.where(flat, 1.0, np.where(zero, 0.0, u**p).sum(axis=axis, keepdims=True))
    slope = np.where(zero | flat, 0.0, u ** (p - 1)) * total ** (1 / p - 1)
    return restore_axes(g, x, axis, keepdims) * slope * (conj(x) / safe)


power_norm = Primitive(_power_norm, "norm", kind="reduction", flops=costs.per_element(3)).defvjp(
    _power_norm_x
)


def _vector(x: Any, p: Any, axis: Any, keepdims: Any) -> Any:
    if p is None or p == 2:
        return two_norm(x, axis=axis, keepdims=keepdims)
    if p == math.inf:
        return abs(x).max(axis=axis, keepdims=keepdims)
    if p == -math.inf:
        return abs(x).min(axis=axis, keepdims=keepdims)
    if p == 0:
        return wrap((unwrap(x) != 0).astype(abs(unwrap(x)).dtype).sum(axis=axis, keepdims=keepdims))
    if p == 1:
        return abs(x).sum(axis=axis, keepdims=keepdims)
    if isinstance(p, str):
        raise ValueError(f"norm of vectors takes a number for ord=, got {p!r}")
    return power_norm(x, p=float(p), axis=axis, keepdims=bool(keepdims))


def _matrix(x: Any, p: Any, axis: tuple[int, int], keepdims: Any) -> Any:
    row, column = (axis_index(x, a) for a in axis)
    if row == column:
        raise ValueError(f"norm of matrices needs two different axes, got {axis}")
    if p in (None, "fro", "f"):
        return two_norm(x, axis=(row, column), keepdims=keepdims)
    if p in (1, -1, math.inf, -math.inf):
        first, second = (row, column) if abs(p) == 1 else (column, row)
        sums = abs(x).sum(axis=first, keepdims=True)
        result = sums.max(second, keepdims=True) if p > 0 else sums.min(second, keepdims=True)
    elif p in (2, -2, "nuc"):
        s = np.linalg.svd(np.moveaxis(x, (row, column), (-2, -1)), compute_uv=False)
        result = s.sum(-1) if p == "nuc" else s.max(-1) if p == 2 else s.min(-1)
        shape = tuple(1 if i in (row, column) else n for i, n in enumerate(x.shape))
        return result.reshape(shape) if keepdims else result
    else:
        raise ValueError(
            f"norm of matrices takes ord= None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {p!r}"
        )
    return result if keepdims else result.squeeze((row, column))


@exact_composition(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    x = floating(as_array(x))
    if axis is None:
        if ord is None or (ord in ("f", "fro") and x.ndim == 2) or (ord == 2 and x.ndim == 1):
            return two_norm(x, axis=None, keepdims=keepdims)
        axis = tuple(range(x.ndim))
    axis = axis if isinstance(axis, tuple) else (int(axis),)
    if len(axis) == 1:
        return _vector(x, ord, axis[0], keepdims)
    if len(axis) == 2:
        return _matrix(x, ord, axis, keepdims)
    raise ValueError(f"norm with ord= takes one or two axes, got {axis} of an array {x.shape}")


@exact_composition(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    x = floating(as_array(x))
    return _vector(x, ord, axes_of(axis, x.ndim), keepdims)


@exact_composition(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    return _matrix(floating(as_array(x)), ord, (-2, -1), keepdims)


@exact_composition(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    x = as_array(x)
    if p in (None, 2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    singular: Any = False
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        singular = np.linalg.slogdet(unwrap(x))[0] == 0
        x = np.where(singular[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)
        inverse = np.linalg.inv(x)
    value = _matrix(x, p, (-2, -1), False) * _matrix(inverse, p, (-2, -1), False)
    return value if singular is False else np.where(singular, math.inf, value)


@composition(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    """Multiply by repeated squaring."""
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 0:
        return wrap(np.linalg.matrix_power(to_host(a), 0))
    if n == 3:  # in NumPy's order
        return a @ a @ a
    result: Any = None
    square = a
    while n:
        if n % 2:
            result = square if result is None else result @ square
        n //= 2
        square = square @ square if n else square
    return result if result is not a else a * 1


@composition(np.linalg.multi_dot)
def _multi_dot(arrays: Any) -> Any:
    """Multiply in the order with the fewest multiplications (Cormen et al., *matrix-chain order*)."""
    items = list(map(as_array, arrays))
    if len(items) < 2:
        raise ValueError(f"multi_dot takes two arrays or more, got {len(items)}")
    row, column = items[0].ndim == 1, items[-1].ndim == 1
    if row:
        items[0] = items[0][None]
    if column:
        items[-1] = items[-1][:, None]
    sizes = [items[0].shape[0], *(a.shape[1] for a in items)]
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(len(items))}
    for width in range(1, len(items)):
        for i in range(len(items) - width):
            j = i + width
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Any:
        k = best[i, j][1]
        return items[i] if i == j else product(i, k) @ product(k + 1, j)

    result = product(0, len(items) - 1)
    result = result[0] if row else result
    return result[..., 0] if column else result


@composition(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = as_array(a), as_array(b)
    if axes is not None:
        a = np.moveaxis(a, axes, tuple(range(a.ndim - len(axes), a.ndim)))
    left = a.shape[b.ndim :]
    n = math.prod(left)
    rows = b.size
    return np.linalg.solve(a.reshape((rows, n)), b.reshape(rows)).reshape(left)


@composition(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError(f"tensorinv takes a positive ind=, got {ind}")
    rows, columns = math.prod(a.shape[ind:]), math.prod(a.shape[:ind])
    return np.linalg.inv(a.reshape((columns, rows))).reshape(a.shape[ind:] + a.shape[:ind])


# -- products that NumPy names twice --------------------------------------------------------------


composition(np.linalg.outer)(lambda x1, x2, /: np.outer(x1, x2))
composition(np.linalg.matmul)(lambda x1, x2, /: np.matmul(x1, x2))
composition(np.linalg.tensordot)(lambda x1, x2, /, *, axes=2: np.tensordot(x1, x2, axes))
composition(np.linalg.trace)(
    lambda x, /, *, offset=0, dtype=None: np.trace(x, offset, -2, -1, dtype)
)
composition(np.linalg.diagonal)(lambda x, /, *, offset=0: np.diagonal(x, offset, -2, -1))
composition(np.matrix_transpose)(lambda x, /: mT(as_array(x)))
composition(np.linalg.matrix_transpose)(lambda x, /: mT(as_array(x)))


def _last(a: Any, axis: int) -> Any:
    return a if axis == -1 else np.moveaxis(a, axis, -1)


@exact_composition(np.vecdot)
@exact_composition(np.linalg.vecdot)
def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1, keepdims: bool = False) -> Any:
    """Return the product of the conjugate of the first with the second."""
    a, b = _last(as_array(x1), axis), _last(as_array(x2), axis)
    result = (conj(a)[..., None, :] @ b[..., None])[..., 0, 0]
    return np.expand_dims(result, axis) if keepdims else result


if hasattr(np, "matvec"):  # NumPy 2.2
    exact_composition(np.matvec)(lambda x1, x2, /: (as_array(x1) @ as_array(x2)[..., None])[..., 0])
    exact_composition(np.vecmat)(
        lambda x1, x2, /: (conj(as_array(x1))[..., None, :] @ as_array(x2))[..., 0, :]
    )


@composition(np.cross)
def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = (_last(as_array(v), i) for v, i in ((a, axisa), (b, axisb)))
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ValueError(
            f"cross takes vectors of 2 or 3 elements, got {a.shape[-1]}, {b.shape[-1]}"
        )
    x = [a[..., i] for i in range(a.shape[-1])]
    y = [b[..., i] for i in range(b.shape[-1])]
    third = x[0] * y[1] - x[1] * y[0]
    if len(x) == len(y) == 2:
        return third
    if len(x) == 3 and len(y) == 3:
        first, second = x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2]
    elif len(x) == 3:
        first, second = -x[2] * y[1], x[2] * y[0]
    else:
        first, second = x[1] * y[2], -x[0] * y[2]
    result = np.stack([first, second, third], axis=-1)
    return result if axisc == -1 else np.moveaxis(result, -1, axisc)


@composition(np.linalg.cross)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    a, b = as_array(x1), as_array(x2)
    if a.shape[axis] != 3 or b.shape[axis] != 3:
        raise ValueError(
            f"np.linalg.cross takes vectors of 3 elements, got {a.shape[axis]} and {b.shape[axis]}"
        )
    return np.cross(a, b, axis=axis)
