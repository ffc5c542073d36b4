"""One graph of several, recorded with batches of different sizes.

All must have the same operators.  A constant that differs between them depends on the size of the
batch; here it becomes a computation from that size: a shape or a place ``a + b n``, an array of
``n`` equal rows, the numbers from 0 to ``n - 1``.  What is none of these is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.onnx.graph import Array, ExportError, Graph, Node


def unite(graphs: Sequence[Graph], sizes: Sequence[int], source: tuple[str, int] | None) -> Graph:
    """The first graph, made right for every size of the batch.

    Parameters
    ----------
    graphs, sizes
        One for each size.
    source
        The input that has a batch, and on which axis; None where the sizes are all one.
    """
    first = graphs[0]
    for size, other in zip(sizes, graphs, strict=True):
        _same_operators(first, other, sizes[0], size)
    prelude = _Prelude(first, source)
    for name in list(first.constants):
        arrays = [g.constants[name] for g in graphs]
        if not all(_equal(a, arrays[0]) for a in arrays):
            users = [n for n in first.nodes if name in n.inputs]
            if source is None:
                raise ExportError(_by_chance(users))
            _depend(prelude, name, arrays, sizes, users)
    first.nodes[:0] = prelude.nodes
    return first


def _equal(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _by_chance(users: Sequence[Node]) -> str:
    return (
        f"two calls of the model with the same input differ in a constant of "
        f"{', '.join(map(str, users)) or 'the graph'}: does it draw random numbers in evaluation?"
    )


def _same_operators(first: Graph, other: Graph, size: int, another: int) -> None:
    for mine, theirs in zip(first.nodes, other.nodes, strict=False):
        if mine != theirs:
            raise ExportError(_different(size, another, f"{mine} there is {theirs}"))
    if len(first.nodes) != len(other.nodes):
        counts = f"{len(first.nodes)} operators there are {len(other.nodes)}"
        raise ExportError(_different(size, another, counts))


def _different(size: int, another: int, what: str) -> str:
    return (
        f"the model computes otherwise with a batch of {another} than with one of {size}: instead "
        f"of {what}. If it loops over the batch, or asks for its size, write it by functions of "
        "whole arrays, or export for the size of the example: dynamic_batch=False"
    )


class _Prelude:
    """Nodes in front, which compute constants from the size of the batch."""

    def __init__(self, graph: Graph, source: tuple[str, int] | None) -> None:
        self.graph, self.source, self.size = graph, source, ""
        self.nodes: list[Node] = []

    def op(self, kind: str, *inputs: Any, output: str = "", **attributes: Any) -> str:
        graph, start = self.graph, len(self.graph.nodes)
        name = str(graph.op(kind, *inputs, **attributes))
        made = graph.nodes[start]
        del graph.nodes[start:]
        self.nodes.append(made._replace(outputs=(output,)) if output else made)
        return output or name

    def linear(self, a: Array, b: Array, output: str = "") -> str:
        """``a + b n``, for ``a`` and ``b`` of one dtype and at most one axis."""
        if not self.size:
            assert self.source is not None
            name, axis = self.source
            shape = self.op("Shape", name)
            self.size = self.op("Gather", shape, np.array(axis))
        n = self.size
        if a.dtype != np.int64:
            n = self.op("Cast", n, to=a.dtype)
        return self.op("Add", self.op("Mul", n, b), a, output=output)


def _fit(values: Sequence[Any], sizes: Sequence[int]) -> tuple[Array, Array] | None:
    """``a`` and ``b`` of ``a + b n``, if all values are that, exactly."""
    arrays = [np.asarray(v) for v in values]
    wide = [a.astype(np.float64) for a in arrays]
    if any(a.shape != arrays[0].shape for a in arrays) or arrays[0].dtype.kind not in "iuf":
        return None
    low, high = int(np.argmin(sizes)), int(np.argmax(sizes))
    b = (wide[high] - wide[low]) / (sizes[high] - sizes[low])
    a = wide[low] - b * sizes[low]
    dtype = arrays[0].dtype
    found = a.astype(dtype), b.astype(dtype)
    exact = all(
        np.array_equal(found[0] + found[1] * np.asarray(n, dtype), v)
        for n, v in zip(sizes, arrays, strict=True)
    )
    return found if exact else None


def _depend(
    prelude: _Prelude, name: str, arrays: list[Array], sizes: Sequence[int], users: list[Node]
) -> None:
    """Compute the constant ``name`` from the size of the batch, and remove it."""
    graph, a = prelude.graph, arrays[0]
    reshapes = bool(users) and all(n.kind == "Reshape" and n.inputs[1] == name for n in users)
    if a.ndim <= 1 and all(b.shape == a.shape for b in arrays):
        moving = np.array([len({b.flat[i] for b in arrays}) > 1 for i in range(a.size)])
        if reshapes and moving.sum() == 1 and 0 not in a:
            graph.constants[name] = np.where(moving, -1, a)  # what is left over
            return
        line = _fit(arrays, sizes)
        if line is not None:
            del graph.constants[name]
            prelude.linear(*line, output=name)
            return
    elif _rows(prelude, name, arrays, sizes):
        return
    shown = " and ".join(f"{b.tolist()}" if b.size < 5 else f"shape {b.shape}" for b in arrays[:2])
    raise ExportError(
        f"a constant of {', '.join(map(str, users)) or 'the result'} depends on the size of the "
        f"batch in a way that ONNX is not told: {shown} for batches of {sizes[0]} and {sizes[1]}. "
        "Compute it from the input (np.mean instead of a sum by 1 / len(x), np.zeros_like), or "
        "export for the size of the example: dynamic_batch=False"
    )


def _rows(prelude: _Prelude, name: str, arrays: list[Array], sizes: Sequence[int]) -> bool:
    """An array whose shape depends on the size: equal rows, or the numbers from 0 on."""
    graph, a = prelude.graph, arrays[0]
    shapes = [np.array(b.shape, np.int64) for b in arrays]
    line = _fit(shapes, sizes) if len({b.ndim for b in arrays}) == 1 else None
    if line is None:
        return False
    growing = tuple(int(i) for i in np.flatnonzero(line[1]))
    cores = [
        b[tuple(slice(0, 1) if i in growing else slice(None) for i in range(a.ndim))]
        for b in arrays
    ]
    if all(
        _equal(np.broadcast_to(c, b.shape).copy(), b) for c, b in zip(cores, arrays, strict=True)
    ):
        if not all(_equal(c, cores[0]) for c in cores):
            return False
        del graph.constants[name]
        prelude.op("Expand", cores[0].copy(), prelude.linear(*line), output=name)
        return True
    if all(_equal(b.reshape(-1), np.arange(b.size, dtype=b.dtype)) for b in arrays) and (
        len(growing) == 1 and a.size == a.shape[growing[0]] and a.dtype.kind in "if"
    ):
        del graph.constants[name]
        low, slope = (np.asarray(v[growing[0]], a.dtype) for v in line)
        stop = prelude.linear(low, slope)
        one = np.ones((), a.dtype)
        places = prelude.op("Range", np.zeros((), a.dtype), stop, one)
        shape = np.where(np.arange(a.ndim) == growing[0], -1, 1)
        prelude.op("Reshape", places, shape, output=name)
        return True
    return False
