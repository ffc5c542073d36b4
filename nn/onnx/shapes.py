"""NumPy functions that move elements, in ONNX: reshape, transpose, concatenate, indexing."""

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.program import Traced, astype
from nn.onnx.functions import common, flat_if_none
from nn.onnx.graph import DECOMPOSITIONS, TRANSLATIONS, ExportError, Graph, Translation

_FIRST, _LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def _reshaping(fun: Any) -> Translation:
    """Return the translation of a function that only changes the shape."""

    def translate(graph: Graph, a: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.pop("order", "C") != "C" or any(v in ("F", "A", "K") for v in args if v == v):
            raise ExportError(f"np.{fun.__name__} is not translated to ONNX with order=")
        return graph.shape(a, fun(np.empty(a.shape, bool), *args, **kwargs).shape)

    return translate


def _permuting(fun: Any) -> Translation:
    """Return the translation of a function that only changes the order of the axes."""

    def translate(graph: Graph, a: Any, *args: Any, **kwargs: Any) -> Any:
        numbered = np.empty(range(a.ndim), bool)  # the length of each axis is its number
        return graph.op("Transpose", a, perm=list(fun(numbered, *args, **kwargs).shape))

    return translate


def _concatenate(graph: Graph, arrays: Any, axis: Any = 0, out: None = None) -> Any:
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    names = [graph.name(a, common(*arrays)) for a in arrays]
    return graph.op("Concat", *names, axis=int(axis) % np.ndim(arrays[0]))


def _stack(arrays: Any, axis: Any = 0, out: None = None) -> Any:
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis)


def _splitting(fun: Any) -> Any:
    """Return split or array_split by slices, whose limits are found by splitting positions."""

    def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Any]:
        parts = fun(np.arange(ary.shape[axis]), indices_or_sections)
        before = (slice(None),) * (axis % ary.ndim)
        stops = np.cumsum([0, *map(len, parts)]).tolist()
        return [ary[(*before, slice(a, b))] for a, b in itertools.pairwise(stops)]

    return split


def _broadcast_to(graph: Graph, array: Any, shape: Any) -> Any:
    target = (shape,) if isinstance(shape, (int, np.integer)) else shape
    return graph.op("Expand", array, np.array([int(n) for n in target], np.int64))


def _flip(m: Any, axis: Any = None) -> Any:
    axes = range(m.ndim) if axis is None else np.atleast_1d(axis) % m.ndim
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


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


def _take(graph: Graph, a: Any, indices: Any, axis: Any = None) -> Any:
    name, axis = flat_if_none(graph, a, axis)
    return graph.op("Gather", name, graph.name(indices, np.int64), axis=axis)


def _take_along_axis(graph: Graph, arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return None
    shape = list(arr.shape)
    shape[axis] = np.shape(indices)[axis]
    wide = np.broadcast_to(indices, tuple(shape))
    return graph.op("GatherElements", arr, graph.name(wide, np.int64), axis=int(axis) % arr.ndim)


def _masking(fun: Any) -> Any:
    """Return tril or triu as a choice between the matrix and zeros."""
    return lambda m, k=0: np.where(fun(np.ones(m.shape[-2:], bool), k), m, m.dtype.type(0))


def _pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    if mode != "constant" or np.ndim(constant_values):
        raise ExportError(
            f"np.pad is translated to ONNX with mode='constant' and one constant value only, got "
            f"mode={mode!r}, constant_values={constant_values!r}"
        )
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    for axis, (before, after) in enumerate(widths):
        if before or after:
            shapes = [(*array.shape[:axis], n, *array.shape[axis + 1 :]) for n in (before, after)]
            first, last = (np.full(shape, constant_values, array.dtype) for shape in shapes)
            array = np.concatenate([first, array, last], axis=axis)
    return array


def _astype(graph: Graph, x: Any, dtype: Any) -> Any:
    return graph.op("Cast", x, to=np.dtype(dtype))


# -- indexing -------------------------------------------------------------------------------------


def _parts(index: Any, ndim: int) -> list[Any]:
    """Return the parts of an index, with full slices in place of Ellipsis or at the end."""
    parts = list(index) if isinstance(index, tuple) else [index]
    parts = [np.asarray(p) if isinstance(p, list) else p for p in parts]
    taken = sum(map(_axes_of_part, parts))
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
    return [*parts[:at], *[slice(None)] * (ndim - taken), *parts[at + 1 :]]


def _is_mask(p: Any) -> bool:
    return bool(getattr(p, "dtype", None) == np.bool_)


def _axes_of_part(p: Any) -> int:
    """Return the number of axes that a part of an index is about."""
    if p is None or p is Ellipsis:
        return 0
    return int(p.ndim) if _is_mask(p) else 1


def _without_mask(p: Any) -> Any:
    """Return the parts of an index that replace a part: of a mask, where it is true."""
    if not _is_mask(p):
        return [p]
    if isinstance(p, Traced):
        raise ExportError(
            "the shape of x[mask] depends on the input if the mask does; use np.where(mask, x, 0)"
        )
    return list(np.nonzero(np.asarray(p)))


def _slice_inputs(p: slice, axis: int, length: int) -> tuple[int, int, int, int]:
    """Return the start, stop, axis and step of a slice in ONNX.

    They do not depend on the length, which may be the size of the batch, unless they have to.
    """
    step = 1 if p.step is None else int(p.step)
    start = (_LAST if step < 0 else 0) if p.start is None else int(p.start)
    stop = (_FIRST if step < 0 else _LAST) if p.stop is None else int(p.stop)
    if step < 0 and start < 0:  # before the first element ONNX begins at 0, NumPy finds nothing
        start += length
        start, stop = (start, stop) if start >= 0 else (0, 0)
    return start, stop, axis, step


def _getitem(graph: Graph, x: Any, index: Any) -> Any:
    parts = _parts(index, x.ndim)
    if any(isinstance(p, (bool, np.bool_)) for p in parts):
        raise ExportError(
            "an index True or False is not translated to ONNX; use np.where, or x[None]"
        )
    parts = [q for p in parts for q in _without_mask(p)]
    arrays = [i for i, p in enumerate(parts) if isinstance(p, Traced) or np.ndim(p)]
    if arrays:
        return _gather(graph, x, parts, arrays)
    cuts: list[tuple[int, int, int, int]] = []  # start, stop, axis, step
    axis = 0
    for p in parts:
        if p is None:
            continue
        if not isinstance(p, slice):
            cuts.append((int(p), int(p) + 1 or _LAST, axis, 1))
        elif p != slice(None):
            cuts.append(_slice_inputs(p, axis, x.shape[axis]))
        axis += 1
    name = graph.name(x)
    if cuts:
        name = graph.op("Slice", name, *(np.array(v, np.int64) for v in zip(*cuts, strict=True)))
    if all(isinstance(p, slice) for p in parts):
        return name if cuts else graph.op("Identity", name)
    return graph.shape(name, np.empty(x.shape, bool)[tuple(parts)].shape)


def _setitem(x: Any, index: Any, value: Any) -> Any:
    raise ExportError(
        f"an assignment x[{index!r}] = ... is not translated to ONNX; use np.where with a mask, or "
        "np.concatenate of the parts"
    )


def _gather(graph: Graph, x: Any, parts: Sequence[Any], arrays: list[int]) -> Any:
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


TRANSLATIONS.update(
    {
        **{f: _reshaping(f) for f in (np.reshape, np.ravel, np.expand_dims, np.squeeze)},
        **{f: _permuting(f) for f in (np.transpose, np.swapaxes, np.moveaxis, np.rollaxis)},
        np.concatenate: _concatenate,
        np.broadcast_to: _broadcast_to,
        np.take: _take,
        np.take_along_axis: _take_along_axis,
        astype: _astype,
        operator.getitem: _getitem,
        np.copy: lambda graph, a, order="K": graph.name(a),
    }
)
DECOMPOSITIONS.update(
    {
        operator.setitem: _setitem,
        np.stack: _stack,
        **{f: _splitting(f) for f in (np.split, np.array_split)},
        np.flip: _flip,
        np.roll: _roll,
        np.repeat: _repeat,
        np.pad: _pad,
        **{f: _masking(f) for f in (np.tril, np.triu)},
    }
)
