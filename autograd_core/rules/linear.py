"""Products of vectors and matrices: matmul, dot, inner, outer, tensordot, kron, einsum.

Rules take transposes, never conjugate ones: in a backward sweep the cotangents of complex numbers are
not conjugated.  An einsum is first made explicit: one letter an axis, no ellipsis, the output spelled
out.  The cotangent of an operand is then an einsum again, of the output's cotangent with all other
operands.
"""

from __future__ import annotations

import math
import string
from collections import Counter
from typing import Any

import numpy as np

from autograd_core.engine.cotangents import sum_to_shape
from autograd_core.engine.primitive import Primitive, composition, defvjp
from autograd_core.rules import costs
from autograd_core.rules.common import as_array, exact_composition, mT
from autograd_core.rules.indexing import put_sum
from autograd_core.rules.reductions import expand


def _matmul_x(g: Any, _out: Any, _x: Any, y: Any) -> Any:
    """Return g y^T, for matrices; vectors are rows on the left, columns on the right."""
    if y.ndim == 1:
        return g * y if _x.ndim == 1 else g[..., None] * y
    if _x.ndim == 1:
        return (y @ g[..., None])[..., 0]
    if _x.ndim == 2 and y.ndim > 2:  # one contraction instead of a batch of results to sum
        n, k = _x.shape
        results = math.prod(y.shape[:-2]) * y.shape[-1]
        left = np.moveaxis(g, -2, 0).reshape((n, results))
        return left @ np.moveaxis(y, -2, 0).reshape((k, results)).T
    return g @ mT(y)


def _matmul_y(g: Any, _out: Any, x: Any, _y: Any) -> Any:
    """Return x^T g."""
    if x.ndim == 1:
        if _y.ndim < 3:
            return g * x if _y.ndim == 1 else np.outer(x, g)
        return x[:, None] * g[..., None, :]
    if _y.ndim == 1:
        return (g[..., None, :] @ x)[..., 0, :]
    if _y.ndim == 2 and x.ndim > 2:
        rows = math.prod(x.shape[:-1])
        return x.reshape((rows, _y.shape[0])).T @ g.reshape((rows, _y.shape[1]))
    return mT(x) @ g


defvjp(np.matmul, _matmul_x, _matmul_y, kind="product", flops=costs.contraction)


def _dot_a(g: Any, _out: Any, _a: Any, b: Any) -> Any:
    """Return the sum of g over the axes of ``b`` that were not summed, times b."""
    b = b if b.ndim > 1 else b[:, None]
    n = math.prod(b.shape[:-2]) * b.shape[-1]
    columns = b.swapaxes(-1, -2).reshape((n, b.shape[-2]))
    return (g.reshape((math.prod(_a.shape[:-1]), n)) @ columns).reshape(_a.shape)


def _dot_b(g: Any, _out: Any, a: Any, _b: Any) -> Any:
    """Return the sum of g over the axes of ``a`` that were not summed, times a."""
    shape = _b.shape if _b.ndim > 1 else (*_b.shape, 1)
    m, n = math.prod(a.shape[:-1]), math.prod(shape[:-2]) * shape[-1]
    c = (a.reshape((m, shape[-2])).T @ g.reshape((m, n))).reshape(
        (shape[-2], *shape[:-2], shape[-1])
    )
    return np.moveaxis(c, 0, -2).reshape(_b.shape)


#: The dot product of arrays of more than two axes, which NumPy computes otherwise than ``@``.
dot = Primitive(np.dot, "dot", kind="product", flops=costs.contraction).defvjp(_dot_a, _dot_b)


@composition(np.dot)
def _dot(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return a @ b if a.ndim <= 2 and b.ndim <= 2 else dot(a, b)


@composition(np.inner)
def _inner(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    return _dot(a, mT(b) if a.ndim and b.ndim > 1 else b)


composition(np.outer)(lambda a, b: as_array(a).reshape((-1, 1)) * as_array(b).reshape((1, -1)))
exact_composition(np.vdot)(lambda a, b: np.conj(as_array(a).reshape(-1)) @ as_array(b).reshape(-1))


@composition(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Transpose the contracted axes together, multiply as matrices, and restore the shape."""
    a, b = as_array(a), as_array(b)
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
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    shape_a = (1,) * (ndim - a.ndim) + a.shape
    shape_b = (1,) * (ndim - b.ndim) + b.shape
    spread_a = a.reshape(tuple(n for s in shape_a for n in (s, 1)))
    spread_b = b.reshape(tuple(n for s in shape_b for n in (1, s)))
    product = spread_a * spread_b
    return product.reshape(tuple(p * q for p, q in zip(shape_a, shape_b, strict=True)))


# -- einsum ---------------------------------------------------------------------------------------

LETTERS = string.ascii_uppercase + string.ascii_lowercase  # of the numbers in a sublist, as NumPy's


def _letters_of(sublist: Any) -> str:
    return "".join("..." if s is Ellipsis else LETTERS[s] for s in sublist)


def explicit(args: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Return subscripts such as ``"ij,jk->ik"`` and the operands, from any form of arguments.

    Examples
    --------
    >>> explicit(("...ij,...jk", np.ones((5, 2, 3)), np.ones((3, 4))))[0]
    'aij,jk->aik'
    >>> explicit((np.ones((2, 3)), [0, 1], np.ones(3), [1], [0]))[0]
    'AB,B->A'
    """
    if isinstance(args[0], str):
        subscripts, operands = args[0].replace(" ", ""), list(args[1:])
    else:
        operands = list(args[: len(args) // 2 * 2 : 2])
        inputs = ",".join(_letters_of(s) for s in args[1::2])
        subscripts = inputs + ("->" + _letters_of(args[-1]) if len(args) % 2 else "")
    operands = [a if hasattr(a, "ndim") else np.asarray(a) for a in operands]
    left, arrow, right = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum {subscripts!r} names {len(terms)} operands, got {len(operands)}")
    free = [c for c in string.ascii_letters if c not in subscripts]
    widths = [a.ndim - len(t.replace("...", "")) for t, a in zip(terms, operands, strict=True)]
    widest = max((w for t, w in zip(terms, widths, strict=True) if "..." in t), default=0)
    dots = "".join(free[:widest])
    if not arrow:
        counts = Counter(left.replace(",", "").replace(".", ""))
        right = ("..." if "..." in left else "") + "".join(
            sorted(c for c, n in counts.items() if n == 1)
        )
    full = [t.replace("...", dots[widest - w :]) for t, w in zip(terms, widths, strict=True)]
    return ",".join(full) + "->" + right.replace("...", dots), operands


def _forward(operands: list[Any], *, subscripts: str, optimize: Any = False) -> Any:
    return np.einsum(subscripts, *operands, optimize=optimize)


def _cotangent(
    i: int, g: Any, _out: Any, *operands: Any, subscripts: str, optimize: Any = False
) -> Any:
    left, _, right = subscripts.partition("->")
    terms = left.split(",")
    mine, x = terms[i], operands[i]
    others = [(t, a) for j, (t, a) in enumerate(zip(terms, operands, strict=True)) if j != i]
    known = set(right).union(*(t for t, _ in others))
    labels = "".join(dict.fromkeys(mine))
    found = "".join(c for c in labels if c in known)
    inputs = ",".join([right, *(t for t, _ in others)])
    c = np.einsum(f"{inputs}->{found}", g, *(a for _, a in others), optimize=optimize)
    sizes, shape = dict(zip(mine, x.shape, strict=True)), dict(zip(found, c.shape, strict=True))
    whole = tuple(shape.get(s, 1) if sizes[s] == 1 else sizes[s] for s in labels)
    if c.shape != whole:  # axes summed away in this operand, or of length 1 in all others
        c = expand(c.reshape(tuple(shape.get(s, 1) for s in labels)), whole)
    if labels != mine:  # a diagonal was taken
        c, at = sum_to_shape(c, tuple(sizes[s] for s in labels)), []
        for label in mine:
            place = [1] * len(labels)
            place[labels.index(label)] = -1
            at.append(np.arange(x.shape[mine.index(label)]).reshape(place))
        c = put_sum(c, index=tuple(at), shape=x.shape)
    return c


einsum = Primitive(_forward, "einsum", kind="product", flops=costs.einsum)
einsum.defvjp(vjp_list=_cotangent)
einsum.makes_views = True  # np.einsum("ii->i", x) is the diagonal of x


@composition(np.einsum)
def _einsum(
    *operands: Any,
    dtype: Any = None,
    order: str = "K",
    casting: str = "safe",
    optimize: Any = False,
) -> Any:
    subscripts, arrays = explicit(operands)
    result = einsum(arrays, subscripts=subscripts, optimize=optimize)
    return result if dtype is None else result.astype(dtype)
