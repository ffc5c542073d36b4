"""NumPy functions that move elements, in ONNX: reshape, transpose, concatenate, indexing."""

import inspect
import itertools
import operator
from functools import partial
from typing import Any

import numpy as np

from autograd_core.program import Traced, astype
from nn.onnx.functions import flat_if_none
from nn.onnx.graph import DECOMPOSITIONS, ExportError, Graph, translation

_FIRST, _LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@translation(np.reshape, np.ravel, np.expand_dims, np.squeeze)
def _reshape(graph: Graph, a: Any, *args: Any, order: str = "C", **kwargs: Any) -> Any:
    """Translate a function that only changes the shape."""
    if order != "C" or any(v in ("F", "A", "K") for v in args if isinstance(v, str)):
        raise ExportError("np.reshape and np.ravel are translated to ONNX with order='C' only")
    return graph.shape(a, graph.result.shape)


def _permute(fun: Any, graph: Graph, a: Any, *args: Any, **kwargs: Any) -> Any:
    """Translate a function that only changes the order of the axes."""
    numbered = np.empty(range(a.ndim), bool)  # the length of each axis is its number
    return graph.op("Transpose", a, perm=list(fun(numbered, *args, **kwargs).shape))


@translation(np.concatenate)
def _concatenate(graph: Graph, arrays: Any, axis: Any = 0) -> Any:
    arrays, axis = ([np.ravel(a) for a in arrays], 0) if axis is None else (arrays, int(axis))
    names = [graph.name(a, graph.result.dtype) for a in arrays]
    return graph.op("Concat", *names, axis=axis % graph.result.ndim)


@translation(np.broadcast_to)
def _broadcast_to(graph: Graph, array: Any, shape: Any) -> Any:
    return graph.op("Expand", array, np.array(graph.result.shape, np.int64))


@translation(np.take)
def _take(graph: Graph, a: Any, indices: Any, axis: Any = None) -> Any:
    name, axis = flat_if_none(graph, a, axis)
    return graph.op("Gather", name, graph.name(indices, np.int64), axis=axis)


@translation(np.take_along_axis)
def _take_along_axis(graph: Graph, arr: Any, indices: Any, axis: Any = -1) -> Any:
    name, axis = flat_if_none(graph, arr, axis)
    wide = graph.name(np.broadcast_to(indices, graph.result.shape), np.int64)
    return graph.op("GatherElements", name, wide, axis=axis % graph.result.ndim)


@translation(np.pad)
def _pad(
    graph: Graph, array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0
) -> Any:
    if mode != "constant" or np.ndim(constant_values):
        raise ExportError(
            f"np.pad is translated to ONNX with one constant value only, got mode={mode!r}, "
            f"constant_values={constant_values!r}"
        )
    widths = np.broadcast_to(pad_width, (array.ndim, 2)).T.reshape(-1).astype(np.int64)
    return graph.op("Pad", array, widths, np.asarray(constant_values, array.dtype))


for _f in (np.transpose, np.swapaxes, np.moveaxis, np.rollaxis):
    translation(_f)(partial(_permute, _f))
translation(np.copy)(lambda graph, a, order="K": graph.name(a))
translation(astype)(lambda graph, x, dtype: graph.op("Cast", x, to=np.dtype(dtype)))

# -- in terms of others ---------------------------------------------------------------------------


def _split(fun: Any, ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Any]:
    """Split by slices, whose limits are found by splitting positions."""
    parts = fun(np.arange(ary.shape[axis]), indices_or_sections)
    stops = np.cumsum([0, *map(len, parts)]).tolist()
    before = (slice(None),) * (axis % ary.ndim)
    return [ary[(*before, slice(a, b))] for a, b in itertools.pairwise(stops)]


def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return _roll(a.reshape(-1), shift, 0).reshape(a.shape)
    for s, along in zip(*np.broadcast_arrays(np.atleast_1d(shift), axis), strict=True):
        before, n = (slice(None),) * (int(along) % a.ndim), max(a.shape[along], 1)
        # Where it can, the cut does not depend on n, which may be the size of the batch.
        cut = -int(s) if abs(int(s)) <= n else -int(s) % n
        a = np.concatenate([a[(*before, slice(cut, None))], a[(*before, slice(cut))]], axis=along)
    return a


def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    a, axis = (a.reshape(-1), 0) if axis is None else (a, axis)
    return np.take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis=axis)


def _mask(fun: Any, m: Any, k: int = 0) -> Any:
    """Choose between a matrix and zeros, for tril and triu."""
    return np.where(fun(np.ones(m.shape[-2:], bool), k), m, m.dtype.type(0))


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    moved = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = moved.shape[-2:]
    positions = np.diagonal(np.arange(rows * columns).reshape(rows, columns), offset)
    return moved.reshape(*moved.shape[:-2], rows * columns)[..., positions]


def _setitem(x: Any, index: Any, value: Any) -> Any:
    raise ExportError(
        f"an assignment x[{index!r}] = ... is not translated to ONNX; use np.where with a mask, or "
        "np.concatenate of the parts"
    )


DECOMPOSITIONS |= {
    np.stack: lambda arrays, axis=0: np.concatenate(
        [np.expand_dims(a, axis) for a in arrays], axis=axis
    ),
    **{f: partial(_split, f) for f in (np.split, np.array_split)},
    **{f: partial(_mask, f) for f in (np.tril, np.triu)},
    np.flip: inspect.unwrap(np.flip), np.roll: _roll, np.repeat: _repeat,
    np.diagonal: _diagonal, operator.setitem: _setitem,
}  # fmt: skip

# -- indexing -------------------------------------------------------------------------------------


def _parts(index: Any, ndim: int) -> list[Any]:
    """Return the parts of an index, with full slices for Ellipsis, and places for masks."""
    parts: list[Any] = []
    for p in index if isinstance(index, tuple) else (index,):
        p = np.asarray(p) if isinstance(p, list) else p
        if isinstance(p, (bool, np.bool_)):
            raise ExportError("the index True or False is not translated to ONNX; use x[None]")
        if getattr(p, "dtype", None) != np.bool_:
            parts.append(p)
        elif isinstance(p, Traced):
            raise ExportError("the shape of x[mask] depends on the input; use np.where(mask, x, 0)")
        else:
            parts += np.nonzero(p)
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
    taken = sum(p is not None and p is not Ellipsis for p in parts)
    return [*parts[:at], *[slice(None)] * (ndim - taken), *parts[at + 1 :]]


def _limits(p: Any, axis: int, length: int) -> tuple[int, int, int, int]:
    """Return the start, stop, axis and step in ONNX of a slice or a place.

    They do not depend on the length, which may be the size of the batch, unless they have to.
    """
    if not isinstance(p, slice):
        return int(p), int(p) + 1 or _LAST, axis, 1
    step = 1 if p.step is None else int(p.step)
    start = (_LAST if step < 0 else 0) if p.start is None else int(p.start)
    stop = (_FIRST if step < 0 else _LAST) if p.stop is None else int(p.stop)
    if step < 0 and start < 0:  # before the first element ONNX begins at 0, NumPy finds nothing
        start += length
        start, stop = (start, stop) if start >= 0 else (0, 0)
    return start, stop, axis, step


@translation(operator.getitem)
def _getitem(graph: Graph, x: Any, index: Any) -> Any:
    parts = _parts(index, x.ndim)
    arrays = [i for i, p in enumerate(parts) if isinstance(p, Traced) or np.ndim(p)]
    if arrays:
        return _gather(graph, x, parts, arrays)
    axes = enumerate(p for p in parts if p is not None)
    cuts = [_limits(p, axis, x.shape[axis]) for axis, p in axes if p != slice(None)]
    name = graph.name(x)
    if cuts:
        name = graph.op("Slice", name, *(np.array(v, np.int64) for v in zip(*cuts, strict=True)))
    if all(isinstance(p, slice) for p in parts):
        return name if cuts else graph.op("Identity", name)
    return graph.shape(name, graph.result.shape)


def _gather(graph: Graph, x: Any, parts: list[Any], arrays: list[int]) -> Any:
    """Index by one array among full slices, or by several arrays on the first axes."""
    full = all(p == slice(None) for i, p in enumerate(parts) if i not in arrays)
    indices = [parts[i] for i in arrays]
    if full and len(arrays) == 1:
        return graph.op("Gather", x, graph.name(indices[0], np.int64), axis=arrays[0])
    if full and arrays == list(range(len(arrays))):
        shape = np.array(np.broadcast_shapes(*map(np.shape, indices)), np.int64)
        wide = (graph.op("Expand", graph.name(a, np.int64), shape) for a in indices)
        columns = [graph.op("Unsqueeze", name, np.array([-1])) for name in wide]
        return graph.op("GatherND", x, graph.op("Concat", *columns, axis=-1))
    shown = ", ".join("array" if i in arrays else repr(p) for i, p in enumerate(parts))
    raise ExportError(
        f"the index [{shown}] of an array of shape {tuple(x.shape)} is not translated to ONNX: it "
        "takes one array among full slices, or arrays on the first axes; take the slices first, "
        "x[:, 1:][:, ids]"
    )
