"""Functions that move elements without changing them, and functions applied along axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_now, to_host, writes_output
from autograd_core.engine.primitive import Primitive, composition, defvjp
from autograd_core.engine.recording import TensorBase, unwrap, wrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules import costs
from autograd_core.rules.common import along, as_array, axis_index
from autograd_core.rules.indexing import put_sum
from autograd_core.tensors.methods import astype, copied


def _back_to(g: Any, x: Any, order: Any = "C") -> Any:
    if order not in ("C", "F"):
        raise NotDifferentiableError(
            f"reshape and ravel with order={order!r} depend on the memory layout; use 'C' or 'F'"
        )
    return g.reshape(x.shape) if order == "C" else g.reshape(x.shape, order=order)


def _transpose(g: Any, _out: Any, _x: Any, axes: Any = None) -> Any:
    if axes is None:
        return g.T
    return g.transpose(tuple(np.argsort(np.atleast_1d(axes) % max(_x.ndim, 1)).tolist()))


def _roll(g: Any, _out: Any, _x: Any, shift: Any, axis: Any = None) -> Any:
    back = tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift
    return np.roll(g, back, axis)


def _repeat(g: Any, _out: Any, _x: Any, repeats: Any, axis: Any = None) -> Any:
    """Sum over the repetitions; unequal counts are summed by their source indices."""
    shape = _x.shape if axis is not None and _x.ndim else (_x.size,)
    along = 0 if axis is None else axis % len(shape)
    n, counts = shape[along], np.asarray(repeats).reshape(-1)
    if counts.size == 1:
        split = g.reshape((*shape[:along], n, int(counts[0]), *shape[along + 1 :]))
        return split.sum(along + 1).reshape(_x.shape)
    index = (slice(None),) * along + (np.repeat(np.arange(n), counts),)
    return put_sum(g, index=index, shape=shape).reshape(_x.shape)


@writes_output
def _embed_diagonal(
    g: Any, *, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Any:
    """Return zeros of a shape with ``g`` on the diagonal."""
    out = np.zeros_like(g, shape=shape)
    matrices = np.moveaxis(out, (axis1, axis2), (-2, -1))
    n = np.arange(g.shape[-1])
    matrices[..., n + max(-offset, 0), n + max(offset, 0)] = g
    return out


embed_diagonal = Primitive(_embed_diagonal, "embed_diagonal", flops=costs.none)
embed_diagonal.defvjp(
    lambda g, _out, _x, shape, offset=0, axis1=0, axis2=1: np.diagonal(g, offset, axis1, axis2)
)

#: The parts of an array along an axis, each without it: one node, however many there are.
unstack = Primitive(
    lambda x, *, axis: tuple(x[along(axis, i)] for i in range(x.shape[axis])),
    "unstack",
    kind="view",
).defvjp(lambda g, _out, _x, *, axis: np.stack(g, axis=axis))

# fmt: off
defvjp(np.reshape,      lambda g, _out, _x, shape=None, order="C", *, newshape=None, copy=None: _back_to(g, _x, order), kind="view")
defvjp(np.ravel,        lambda g, _out, _x, order="C": _back_to(g, _x, order), kind="view")
defvjp(np.expand_dims,  lambda g, _out, _x, axis: g.reshape(_x.shape), kind="view")
defvjp(np.squeeze,      lambda g, _out, _x, axis=None: g.reshape(_x.shape), kind="view")
defvjp(np.transpose,    _transpose, kind="view")
defvjp(np.swapaxes,     lambda g, _out, _x, axis1, axis2: g.swapaxes(axis1, axis2), kind="view")
defvjp(np.moveaxis,     lambda g, _out, _x, source, destination: np.moveaxis(g, destination, source), kind="view")
defvjp(np.broadcast_to, lambda g, _out, _x, shape, subok=False: g, kind="view")
defvjp(np.flip,         lambda g, _out, _x, axis=None: np.flip(g, axis), kind="view")
defvjp(np.roll,         _roll, flops=costs.none)
defvjp(np.rot90,        lambda g, _out, _x, k=1, axes=(0, 1): np.rot90(g, -k, axes), kind="view")
defvjp(np.repeat,       _repeat, flops=costs.none)
defvjp(np.copy,         lambda g, _out, _x, order="K", subok=False: g, kind="view")
defvjp(np.tril,         lambda g, _out, _x, k=0: np.tril(g, k), flops=costs.none)
defvjp(np.triu,         lambda g, _out, _x, k=0: np.triu(g, k), flops=costs.none)
defvjp(np.diagonal,     lambda g, _out, _x, offset=0, axis1=0, axis2=1:
                        embed_diagonal(g, shape=_x.shape, offset=offset, axis1=axis1, axis2=axis2),
       kind="view")
astype.defvjp(          lambda g, _out, _x, *, dtype: g)
copied.defvjp(          lambda g, _out, _x: g)
# fmt: on


@composition(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    axis, start = axis % a.ndim, start + a.ndim if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


composition(np.fliplr)(lambda m: np.flip(m, 1))
composition(np.flipud)(lambda m: np.flip(m, 0))


@composition(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return np.diagonal(v, k)
    n = v.shape[0] + abs(k)
    return embed_diagonal(v, shape=(n, n), offset=k)


@composition(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    options = {} if dtype is None else {"dtype": dtype}
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1, **options)


@composition(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    reps = tuple(np.atleast_1d(reps).tolist())
    ndim = max(len(reps), A.ndim)
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - A.ndim) + A.shape
    apart = A.reshape(tuple(n for s in shape for n in (1, s)))
    tiled = np.broadcast_to(
        apart, tuple(n for r, s in zip(reps, shape, strict=True) for n in (r, s))
    )
    out = tiled.reshape(tuple(r * s for r, s in zip(reps, shape, strict=True)))
    return out.copy() if 1 in (*reps, *shape) else out  # where reshape may return a view


def _at_least(ndim: int, t: Any) -> Any:
    """Add axes as NumPy does: in front, and for three axes one behind a matrix."""
    t = as_array(t)
    if t.ndim >= ndim:
        return t
    if ndim == 3:
        return t.reshape({0: (1, 1, 1), 1: (1, -1, 1), 2: (*t.shape, 1)}[t.ndim])
    return t.reshape((1,) * (ndim - t.ndim) + t.shape)


def _each_at_least(ndim: int, *arys: Any) -> Any:
    found = tuple(_at_least(ndim, a) for a in arys)
    return found[0] if len(found) == 1 else found


composition(np.atleast_1d)(lambda *arys: _each_at_least(1, *arys))
composition(np.atleast_2d)(lambda *arys: _each_at_least(2, *arys))
composition(np.atleast_3d)(lambda *arys: _each_at_least(3, *arys))


@composition(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(a if np.shape(a) == shape else np.broadcast_to(a, shape) for a in args)


def _on_axis(x: Any, axis: int, ndim: int) -> Any:
    """Return a vector along one of ``ndim`` axes, the others of length 1."""
    return x.reshape((1,) * axis + (-1,) + (1,) * (ndim - axis - 1))


@composition(np.meshgrid)
def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid takes indexing='xy' or 'ij', got {indexing!r}")
    axes = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        axes[:2] = 1, 0
    grids = [_on_axis(as_array(x), axis, len(xi)) for x, axis in zip(xi, axes, strict=True)]
    if not sparse:
        grids = list(np.broadcast_arrays(*grids))
    return tuple(g.copy() for g in grids) if copy else tuple(grids)


@composition(np.ix_)
def _ix(*args: Any) -> Any:
    vectors = []
    for a in map(as_array, args):
        plain = a.ndim != 1 or not a.size or a.dtype.kind == "b"  # NumPy selects, or refuses it
        vectors.append(wrap(np.ix_(to_host(a))[0]) if plain else a)
    return tuple(_on_axis(x, axis, len(args)) for axis, x in enumerate(vectors))


if hasattr(np, "unstack"):  # NumPy 2.1
    composition(np.unstack)(lambda x, /, *, axis=0: unstack(as_array(x), axis=axis_index(x, axis)))


def _cumulative(fun: Any, accumulation: Any, start: float) -> None:
    @composition(fun)
    def cumulative(
        x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False,
    ) -> Any:  # fmt: skip
        x = x if x.ndim else x.reshape(1)
        if axis is None:
            if x.ndim != 1:
                raise ValueError(f"np.{fun.__name__} of {x.ndim} axes needs an axis=")
            axis = 0
        axis = axis_index(x, axis)
        options = {} if dtype is None else {"dtype": dtype}
        result = accumulation(x, axis=axis, **options)
        if not include_initial:
            return result
        first = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        one = np.zeros_like(result, shape=first) + start
        return np.concatenate([one.astype(result.dtype), result], axis=axis)


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    _cumulative(np.cumulative_sum, np.cumsum, 0)
    _cumulative(np.cumulative_prod, np.cumprod, 1)


if hasattr(np, "astype"):  # NumPy 2.1

    @composition(np.astype)
    def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
        return x.astype(dtype, copy=copy)


@composition(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    flat = as_array(v).reshape(-1)
    n = flat.shape[0] + abs(k)
    return embed_diagonal(flat, shape=(n, n), offset=k)


@composition(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    a = as_array(a)
    if a.dtype.kind != "c":
        return a
    if tol > 1:
        tol = tol * float(np.finfo(a.dtype).eps)
    return a if any_now(~(abs(unwrap(a).imag) < tol)) else a.real


@composition(np.apply_along_axis)
def _apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    arr = as_array(arr)
    axis = axis_index(arr, axis)
    moved = np.moveaxis(arr, axis, -1)
    outer = moved.shape[:-1]
    rows = moved.reshape((math.prod(outer), moved.shape[-1]))
    results = [func1d(row, *args, **kwargs) for row in unstack(rows, axis=0)]
    results = [r if isinstance(r, TensorBase) else as_array(r) for r in results]
    stacked = np.stack(results).reshape(outer + results[0].shape)
    inner = results[0].ndim
    back = tuple(range(axis, axis + inner))
    return np.moveaxis(stacked, tuple(i + len(outer) - axis for i in back), back)


@composition(np.apply_over_axes)
def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    a = as_array(a)
    for axis in np.atleast_1d(axes).tolist():
        axis = axis_index(a, axis)
        result = func(a, axis)
        a = result if result.ndim == a.ndim else np.expand_dims(result, axis)
    return a
