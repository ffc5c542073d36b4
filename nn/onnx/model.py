"""Build the ``onnx.ModelProto`` that is written, from a Graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.onnx.graph import Graph, Node

IR_VERSION, OPSET = 8, 17
BATCH = "batch"


def build(
    graph: Graph, inputs: Sequence[tuple[str, Any, int | None]],
    outputs: Sequence[Sequence[tuple[str, Any]]], sizes: Sequence[int], names: Sequence[str],
) -> Any:  # fmt: skip
    """Return the ``onnx.ModelProto`` of a graph.

    Parameters
    ----------
    graph
        The operators and constants.
    inputs
        The name, the array and the axis of the batch of each input.
    outputs, sizes
        What the model returns for batches of these sizes, with the name of each; the first belong
        to the graph.
    names
        The names of the outputs; if empty, ``output``, or ``output_0``, ``output_1``, ...
    """
    from onnx import helper, numpy_helper

    def element_type(dtype: Any) -> int:
        return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def describe(name: str, array: Any, shape: Sequence[Any]) -> Any:
        return helper.make_tensor_value_info(name, element_type(array.dtype), shape)

    def operator(number: int, node: Node) -> Any:
        name = f"{node.module}.{node.kind}_{number}".removeprefix(".")
        options = {k: element_type(v) if k == "to" else v for k, v in node.attributes.items()}
        return helper.make_node(node.kind, node.inputs, node.outputs, name=name, **options)

    stems = [f"output_{i}" for i in range(len(outputs[0]))]
    names = names or list(map(graph.fresh, stems if len(stems) > 1 else ["output"] * len(stems)))
    nodes = _needed_nodes(graph, [name for name, _ in outputs[0]], names)
    used = {name for node in nodes for name in node.inputs}
    body = helper.make_graph(
        [operator(i, node) for i, node in enumerate(nodes)],
        "model",
        [describe(n, a, [BATCH if i == axis else m for i, m in enumerate(a.shape)])
         for n, a, axis in inputs],
        [describe(name, made[0][1], _shape([a.shape for _, a in made], sizes))
         for name, *made in zip(names, *outputs, strict=True)],
        [numpy_helper.from_array(a, name) for name, a in graph.constants.items() if name in used],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(
        body, ir_version=IR_VERSION, opset_imports=opsets, producer_name="autograd_core.nn"
    )


def _needed_nodes(graph: Graph, computed: Sequence[str], names: Sequence[str]) -> list[Node]:
    """Return the nodes that the outputs need, with the outputs renamed."""
    own = {name for node in graph.nodes for name in node.outputs}
    pairs = list(zip(computed, names, strict=True))
    renamed = {name: to for name, to in reversed(pairs) if name in own}

    def rename(found: Sequence[str]) -> tuple[str, ...]:
        return tuple(renamed.get(name, name) for name in found)

    nodes = [n._replace(inputs=rename(n.inputs), outputs=rename(n.outputs)) for n in graph.nodes]
    nodes += [Node("Identity", rename([n]), (to,), {}) for n, to in pairs if renamed.get(n) != to]
    needed, kept = set(names), []
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _shape(shapes: Sequence[tuple[int, ...]], sizes: Sequence[int]) -> list[Any]:
    """Return the shape of an output, with the batch by name and None for what depends on it."""
    return [
        lengths[0] if len(set(lengths)) == 1 else BATCH if lengths == tuple(sizes) else None
        for lengths in zip(*shapes, strict=True)
    ]
