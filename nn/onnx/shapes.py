"""Functions that move elements, in ONNX: reshape, transpose, concatenate, indexing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.onnx.functions import common
from nn.onnx.graph import FUNCTIONS, WRITTEN, ExportError, Graph
from nn.onnx.traced_array import Symbol, astype, getitem

_FIRST, _LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def _reshaping(fun: Any) -> Any:
    """Every function that only changes the shape: ONNX is told the resulting one."""

    def translate(graph: Graph, a: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.pop("order", "C") != "C" or any(v in ("F", "A", "K") for v in args if v == v):
            raise ExportError(f"np.{fun.__name__} with order= is not translated to ONNX")
        return graph.shape(a, fun(np.empty(a.shape, bool), *args, **kwargs).shape)

    return translate


def _permuting(fun: Any) -> Any:
    """Every function that only changes the order of axes, found by what it does to their names."""

    def translate(graph: Graph, a: Any, *args: Any, **kwargs: Any) -> Any:
        numbered = fun(np.empty(tuple(range(a.ndim)), bool), *args, **kwargs)
        return graph.op("Transpose", a, perm=list(numbered.shape))

    return translate


def _concatenate(graph: Graph, arrays: Any, axis: Any = 0, out: None = None) -> Any:
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    dtype = common(*arrays)
    given = [graph.name(a, dtype) for a in arrays]
    return graph.op("Concat", *given, axis=int(axis) % np.ndim(_shaped(arrays[0])))


def _shaped(a: Any) -> Any:
    return a.value if isinstance(a, Symbol) else a


def _stack(arrays: Any, axis: Any = 0, out: None = None) -> Any:
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis)


def _array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Any]:
    parts = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    before = (slice(None),) * (axis % ary.ndim)
    starts = np.cumsum([0, *(len(p) for p in parts)]).tolist()
    return [ary[(*before, slice(a, b))] for a, b in itertools.pairwise(starts)]


def _split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Any]:
    np.split(np.empty(ary.shape[axis], bool), indices_or_sections)  # refuses uneven parts
    return _array_split(ary, indices_or_sections, axis)


def _broadcast_to(graph: Graph, array: Any, shape: Any) -> Any:
    target = (shape,) if isinstance(shape, (int, np.integer)) else shape
    return graph.op("Expand", array, np.array([int(n) for n in target], np.int64))


def _flip(m: Any, axis: Any = None) -> Any:
    axes = range(m.ndim) if axis is None else np.atleast_1d(axis) % m.ndim
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.roll(a.reshape(-1), shift, 0).reshape(a.shape)
    for s, along in zip(*np.broadcast_arrays(np.atleast_1d(shift), axis), strict=True):
        before, n = (slice(None),) * (int(along) % a.ndim), max(a.shape[along], 1)
        cut = -int(s) if abs(int(s)) <= n else -int(s) % n  # as it is, if that is right: no n
        a = np.concatenate([a[(*before, slice(cut, None))], a[(*before, slice(cut))]], axis=along)
    return a


def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    a, axis = (a.reshape(-1), 0) if axis is None else (a, axis)
    return np.take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis=axis)


def _take(graph: Graph, a: Any, indices: Any, axis: Any = None) -> Any:
    if axis is None:
        a, axis = graph.op("Reshape", a, np.array([-1])), 0
    return graph.op("Gather", a, graph.name(indices, np.int64), axis=int(axis))


def _take_along_axis(graph: Graph, arr: Any, indices: Any, axis: Any = -1) -> Any:
    at, shape = indices if hasattr(indices, "ndim") else np.asarray(indices), list(arr.shape)
    if axis is None:
        return None
    shape[axis] = at.shape[axis]
    wide = np.broadcast_to(at, tuple(shape))
    return graph.op("GatherElements", arr, graph.name(wide, np.int64), axis=int(axis) % arr.ndim)


def _masking(fun: Any) -> Any:
    """tril and triu: zeros where the matrix of ones has them."""
    return lambda m, k=0: np.where(fun(np.ones(m.shape[-2:], bool), k), m, m.dtype.type(0))


def _pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    if mode != "constant" or np.ndim(constant_values):
        raise ExportError("np.pad is translated to ONNX with mode='constant' and one value only")
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    for axis, (before, after) in enumerate(widths):
        ends = []
        for width in (before, after):
            shape = [*array.shape[:axis], width, *array.shape[axis + 1 :]]
            ends.append(np.full(shape, constant_values, array.dtype))
        if before or after:
            array = np.concatenate([ends[0], array, ends[1]], axis=axis)
    return array


def _astype(graph: Graph, x: Any, dtype: Any) -> Any:
    return graph.op("Cast", x, to=np.dtype(dtype))


# -- indexing -------------------------------------------------------------------------------------


def _parts(index: Any, ndim: int) -> list[Any]:
    """The parts of an index, with as many ``slice(None)`` as Ellipsis, or its absence, means."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(p, list) for p in parts):
        parts = [np.asarray(p) if isinstance(p, list) else p for p in parts]
    taken = sum(_taken(p) for p in parts)
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
    return [*parts[:at], *[slice(None)] * (ndim - taken), *parts[at + 1 :]]


def _taken(p: Any) -> int:
    """How many axes a part of an index is about."""
    if p is None or p is Ellipsis:
        return 0
    return int(p.ndim) if getattr(p, "dtype", None) == np.bool_ else 1


def _constant_mask(p: Any) -> Any:
    """A mask that is a constant, as the places where it is true."""
    if getattr(p, "dtype", None) != np.bool_:
        return [p]
    if isinstance(p, Symbol) and p.traced:
        raise ExportError(
            "an index by a mask that depends on the input has a result whose shape does; "
            "use np.where(mask, x, 0)"
        )
    return list(np.nonzero(np.asarray(p)))


def _cut(p: slice, axis: int, length: int) -> tuple[int, int, int, int]:
    """A slice as ONNX has it; its numbers as they are, so that they do not depend on the length."""
    step = 1 if p.step is None else int(p.step)
    start = (_LAST if step < 0 else 0) if p.start is None else int(p.start)
    stop = (_FIRST if step < 0 else _LAST) if p.stop is None else int(p.stop)
    if step < 0 and start < 0:  # before the first element ONNX begins at 0, NumPy finds nothing
        start += length
        start, stop = (start, stop) if start >= 0 else (0, 0)
    return start, stop, axis, step


def _getitem(graph: Graph, x: Any, index: Any) -> Any:
    if any(isinstance(p, (bool, np.bool_)) for p in _parts(index, x.ndim)):
        raise ExportError("an index True or False is not translated to ONNX")
    parts = [q for p in _parts(index, x.ndim) for q in _constant_mask(p)]
    arrays = [i for i, p in enumerate(parts) if np.ndim(_shaped(p)) and not isinstance(p, slice)]
    arrays += [i for i, p in enumerate(parts) if isinstance(p, Symbol) and i not in arrays]
    if arrays:
        return _gathered(graph, x, parts, sorted(arrays))
    cuts: list[tuple[int, int, int, int]] = []  # start, stop, axis, step
    axis = 0
    for p in parts:
        if p is None:
            continue
        if not isinstance(p, slice):
            cuts.append((int(p), int(p) + 1 or _LAST, axis, 1))
        elif p != slice(None):
            cuts.append(_cut(p, axis, x.shape[axis]))
        axis += 1
    name = graph.name(x)
    if cuts:
        name = graph.op("Slice", name, *(np.array(v, np.int64) for v in zip(*cuts, strict=True)))
    if all(isinstance(p, slice) for p in parts):
        return name if cuts else graph.op("Identity", name)
    return graph.shape(name, np.empty(x.shape, bool)[tuple(parts)].shape)


def _gathered(graph: Graph, x: Any, parts: Sequence[Any], arrays: list[int]) -> Any:
    """One array among full slices, or several arrays in front."""
    full = all(
        isinstance(p, slice) and p == slice(None) for i, p in enumerate(parts) if i not in arrays
    )
    whole = [parts[i] for i in arrays]
    if full and len(arrays) == 1:
        return graph.op("Gather", x, graph.name(whole[0], np.int64), axis=arrays[0])
    if full and arrays == list(range(len(arrays))):
        shape = np.broadcast_shapes(*(np.shape(_shaped(a)) for a in whole))
        columns = []
        for a in whole:
            wide = graph.op("Expand", graph.name(a, np.int64), np.array(shape, np.int64))
            columns.append(graph.op("Unsqueeze", wide, np.array([-1])))
        return graph.op("GatherND", x, graph.op("Concat", *columns, axis=-1))
    said = ", ".join("array" if i in arrays else repr(p) for i, p in enumerate(parts))
    raise ExportError(
        f"the index [{said}] of shape {tuple(x.shape)} is not translated to ONNX: arrays stand "
        "alone among full slices, or on the first axes; take the slices first, x[:, 1:][:, ids]"
    )


FUNCTIONS.update(
    {
        **{f: _reshaping(f) for f in (np.reshape, np.ravel, np.expand_dims, np.squeeze)},
        **{f: _permuting(f) for f in (np.transpose, np.swapaxes, np.moveaxis, np.rollaxis)},
        np.concatenate: _concatenate,
        np.broadcast_to: _broadcast_to,
        np.take: _take,
        np.take_along_axis: _take_along_axis,
        astype: _astype,
        getitem: _getitem,
    }
)
WRITTEN.update(
    {
        np.stack: _stack,
        np.split: _split,
        np.array_split: _array_split,
        np.flip: _flip,
        np.roll: _roll,
        np.repeat: _repeat,
        np.pad: _pad,
        np.copy: lambda a: a.copy(),
        np.tril: _masking(np.tril),
        np.triu: _masking(np.triu),
    }
)
