"""Merge graphs of the same model, traced with batches of different sizes, into one.

All must have the same operators.  A constant that differs between them depends on the size n of
the batch and is replaced by a computation from n: a shape or an index becomes ``a + b n``, an
array of n equal rows an expanded row, and the numbers from 0 to ``n - 1`` a range.  Any other
dependence is refused.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from nn.onnx.graph import Array, ExportError, Graph


def merge_batches(
    graphs: Sequence[Graph], sizes: Sequence[int], source: tuple[str, int] | None
) -> Graph:
    """Return the first graph, made right for every size of the batch.

    Parameters
    ----------
    graphs, sizes
        The graphs, and the size of the batch with which each was traced.
    source
        The name of an input with a batch, and the axis of the batch in it; None if no input has
        one.

    Raises
    ------
    ExportError
        If the operators differ, or a constant depends on the size in a way that is not covered.
    """
    first = graphs[0]
    for size, other in zip(sizes, graphs, strict=True):
        for mine, theirs in itertools.zip_longest(first.nodes, other.nodes):
            if mine != theirs:
                raise ExportError(
                    f"the model computes otherwise with a batch of {size} than with one of "
                    f"{sizes[0]}: {theirs or 'nothing'} instead of {mine or 'nothing'}. If it "
                    "loops over the batch or branches on its size, write it with functions of "
                    "whole arrays, or export for the size of the example: dynamic_batch=False"
                )
    constants = {name: [g.constants[name] for g in graphs] for name in first.constants}
    before = Graph()  # the nodes in front, which compute constants from the size of the batch
    before.names, before.constants, count = first.names, first.constants, ""
    if source is not None:
        count = before.op("Gather", before.op("Shape", source[0]), np.array(source[1]))
    for name, arrays in constants.items():
        if all(_equal(a, arrays[0]) for a in arrays):
            continue
        users = [n for n in first.nodes if name in n.inputs]
        shown = ", ".join(map(str, users))
        if source is None:
            raise ExportError(
                f"two calls of the model with the same input differ in a constant of "
                f"{shown or 'the graph'}; does it draw random numbers in evaluation?"
            )
        shapes = users and all(n.kind == "Reshape" and n.inputs[1] == name for n in users)
        if shapes and _same_shapes(arrays) and 0 not in arrays[0]:
            differs = np.any([a != arrays[0] for a in arrays], axis=0)
            if differs.sum() == 1:  # a length that ONNX infers
                first.constants[name] = np.where(differs, -1, arrays[0])
                continue
        if not _compute(before, count, arrays, sizes):
            values = [f"{a.tolist()}" if a.size < 5 else f"shape {a.shape}" for a in arrays[:2]]
            raise ExportError(
                f"a constant of {shown or 'the result'} depends on the size of the batch in a way "
                f"that cannot be expressed in ONNX: {' and '.join(values)} for batches of "
                f"{sizes[0]} and {sizes[1]}. Compute it from the input (np.mean instead of a sum "
                "times 1 / len(x), np.zeros_like), or export for the size of the example: "
                "dynamic_batch=False"
            )
        before.nodes[-1] = before.nodes[-1]._replace(outputs=(name,))
        del first.constants[name]
    first.nodes[:0] = before.nodes
    return first


def _equal(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _same_shapes(arrays: Sequence[Array]) -> bool:
    return len({a.shape for a in arrays}) == 1


def _fit(arrays: Sequence[Array], sizes: Sequence[int]) -> tuple[Array, Array] | None:
    """Return ``a`` and ``b`` such that ``a + b n`` is each array exactly, or None."""
    dtype = arrays[0].dtype
    if not _same_shapes(arrays) or dtype.kind not in "iuf":
        return None
    wide = [a.astype(np.float64) for a in arrays[:2]]
    slope = (wide[1] - wide[0]) / (sizes[1] - sizes[0])
    a, b = (wide[0] - slope * sizes[0]).astype(dtype), slope.astype(dtype)
    pairs = zip(sizes, arrays, strict=True)
    return (a, b) if all(np.array_equal(a + b * dtype.type(n), v) for n, v in pairs) else None


def _line(graph: Graph, count: str, a: Array, b: Array) -> str:
    """Compute ``a + b n``, for ``a`` and ``b`` of one dtype, from the name of n."""
    n = count if a.dtype == np.int64 else graph.op("Cast", count, to=a.dtype)
    return str(graph.op("Add", graph.op("Mul", n, b), a))


def _compute(graph: Graph, count: str, arrays: list[Array], sizes: Sequence[int]) -> bool:
    """Add nodes that compute a constant from n, or return False if that is not possible.

    The constant is ``a + b n``, with at most one axis, or it grows with n and has equal rows, or
    the numbers from 0 on.
    """
    first = arrays[0]
    line = _fit(arrays, sizes) if first.ndim <= 1 else None
    if line is not None:
        _line(graph, count, *line)
        return True
    fitted = _fit([np.array(a.shape, np.int64) for a in arrays], sizes)
    if fitted is None or _same_shapes(arrays):
        return False
    growing = np.flatnonzero(fitted[1])
    cut = tuple(slice(0, 1) if i in growing else slice(None) for i in range(first.ndim))
    if all(_equal(np.broadcast_to(first[cut], a.shape), a) for a in arrays):
        graph.op("Expand", first[cut].copy(), _line(graph, count, *fitted))
        return True
    single = len(growing) == 1 and first.size == first.shape[growing[0]]
    if not (single and first.dtype.kind in "if"):
        return False
    if any(not _equal(a.reshape(-1), np.arange(a.size, dtype=a.dtype)) for a in arrays):
        return False
    a, b = (v[growing[0]].astype(first.dtype) for v in fitted)
    zero, one = np.zeros((), first.dtype), np.ones((), first.dtype)
    numbers = graph.op("Range", zero, _line(graph, count, a, b), one)
    graph.op("Reshape", numbers, np.where(np.arange(first.ndim) == growing[0], -1, 1))
    return True
