"""Build the ``onnx.ModelProto`` that is written, from a Graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.onnx.graph import ExportError, Graph, Node

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

    def operator(node: Node, number: int) -> Any:
        name = f"{node.module}.{node.kind}" if node.module else node.kind
        options = {k: element_type(v) if k == "to" else v for k, v in node.attributes.items()}
        return helper.make_node(
            node.kind, node.inputs, node.outputs, name=f"{name}_{number}", **options
        )

    count = len(outputs[0])
    names = names or [graph.fresh(f"output_{i}" if count > 1 else "output") for i in range(count)]
    nodes = _needed_nodes(graph, [name for name, _ in outputs[0]], names)
    used = {name for node in nodes for name in node.inputs}
    body = helper.make_graph(
        [operator(n, i) for i, n in enumerate(nodes)],
        "model",
        [
            describe(name, a, [BATCH if i == axis else n for i, n in enumerate(a.shape)])
            for name, a, axis in inputs
        ],
        [
            describe(name, made[0][1], _shape([a.shape for _, a in made], sizes))
            for name, *made in zip(names, *outputs, strict=True)
        ],
        [numpy_helper.from_array(a, name) for name, a in graph.constants.items() if name in used],
    )
    return helper.make_model(
        body,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="autograd_core.nn",
    )


def _needed_nodes(graph: Graph, computed: Sequence[str], names: Sequence[str]) -> list[Node]:
    """Return the nodes that the outputs need, with the outputs renamed."""
    own = {name for node in graph.nodes for name in node.outputs}
    renamed: dict[str, str] = {}
    copies = []
    for name, to in zip(computed, names, strict=True):
        if name in own and name not in renamed:
            renamed[name] = to
        else:
            copies.append(Node("Identity", (renamed.get(name, name),), (to,), {}))
    nodes = [
        node._replace(
            inputs=tuple(renamed.get(n, n) for n in node.inputs),
            outputs=tuple(renamed.get(n, n) for n in node.outputs),
        )
        for node in graph.nodes
    ]
    needed, kept = set(names), []
    for node in reversed([*nodes, *copies]):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _shape(shapes: Sequence[tuple[int, ...]], sizes: Sequence[int]) -> list[Any]:
    """Return the shape of an output, with the batch by name and None for what depends on it."""
    if len({len(s) for s in shapes}) > 1:
        raise ExportError(
            f"with batches of {', '.join(map(str, sizes))} an output has shapes "
            f"{', '.join(map(str, shapes))}; ONNX needs the same number of axes for all"
        )
    return [
        lengths[0] if len(set(lengths)) == 1 else BATCH if lengths == tuple(sizes) else None
        for lengths in zip(*shapes, strict=True)
    ]
