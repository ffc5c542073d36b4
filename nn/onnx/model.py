"""From a Graph to the ``onnx.ModelProto`` that is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.onnx.graph import ExportError, Graph, Node

IR_VERSION, OPSET = 8, 17
BATCH = "batch"


def build(
    graph: Graph,
    inputs: Sequence[tuple[str, Any, int | None]],
    made: Sequence[str],
    results: Sequence[Sequence[Any]],
    sizes: Sequence[int],
    output_names: Sequence[str],
) -> Any:
    """The model.

    Parameters
    ----------
    inputs
        Name, array and axis of the batch of each.
    made
        The names of the values that are returned.
    results, sizes
        The outputs for batches of these sizes.
    output_names
        Or none, for ``output``.
    """
    from onnx import helper, numpy_helper

    many = len(made) > 1
    wanted = list(output_names) or [
        graph.fresh(f"output_{i}" if many else "output") for i in range(len(made))
    ]
    nodes = _ending(graph, made, wanted)
    used = {name for node in nodes for name in node.inputs}
    takes = [
        _info(name, a.dtype, [BATCH if i == axis else n for i, n in enumerate(a.shape)])
        for name, a, axis in inputs
    ]
    gives = [
        _info(name, found[0].dtype, _shape([r.shape for r in found], sizes))
        for name, found in zip(wanted, zip(*results, strict=True), strict=True)
    ]
    constants = [
        numpy_helper.from_array(a, name) for name, a in graph.constants.items() if name in used
    ]
    body = helper.make_graph(
        [_proto(n, i) for i, n in enumerate(nodes)], "model", takes, gives, constants
    )
    return helper.make_model(
        body,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="autograd_core.nn",
    )


def _ending(graph: Graph, made: Sequence[str], wanted: Sequence[str]) -> list[Node]:
    """The nodes that the outputs need, which get their names."""
    computed = {name for node in graph.nodes for name in node.outputs}
    renamed: dict[str, str] = {}
    last = []
    for name, to in zip(made, wanted, strict=True):
        if name in computed and name not in renamed:
            renamed[name] = to
        else:
            last.append(Node("Identity", (renamed.get(name, name),), (to,), {}, ""))
    nodes = [
        node._replace(
            inputs=tuple(renamed.get(n, n) for n in node.inputs),
            outputs=tuple(renamed.get(n, n) for n in node.outputs),
        )
        for node in graph.nodes
    ]
    needed, kept = set(wanted), []
    for node in reversed([*nodes, *last]):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _shape(shapes: Sequence[tuple[int, ...]], sizes: Sequence[int]) -> list[Any]:
    """An output's, where the batch may have any size."""
    if len({len(s) for s in shapes}) > 1:
        raise ExportError(
            f"with batches of {', '.join(map(str, sizes))} an output has shapes "
            f"{', '.join(map(str, shapes))}: ONNX wants one number of axes"
        )
    alike = [len(set(lengths)) == 1 for lengths in zip(*shapes, strict=True)]
    batch = [lengths == tuple(sizes) for lengths in zip(*shapes, strict=True)]
    return [
        n if same else BATCH if is_batch else None
        for n, same, is_batch in zip(shapes[0], alike, batch, strict=True)
    ]


def _type(dtype: Any) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _info(name: str, dtype: Any, shape: Sequence[Any]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, _type(dtype), shape)


def _proto(node: Node, number: int) -> Any:
    from onnx import helper

    attributes = {k: _type(v) if k == "to" else v for k, v in node.attributes.items()}
    stem = f"{node.place}.{node.kind}" if node.place else node.kind
    return helper.make_node(
        node.kind, list(node.inputs), list(node.outputs), name=f"{stem}_{number}", **attributes
    )
