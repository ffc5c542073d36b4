"""``nn.onnx.export``: trace a model, merge the graphs, build the file, check it, write it."""

import inspect
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.program import replaced
from nn.files.weights import checked_metadata, write_atomically
from nn.module import Module, evaluating
from nn.onnx.graph import ExportError, Graph, Node
from nn.onnx.merge_batches import merge_batches
from nn.onnx.tracing import arrays_of, leaves, trace
from nn.placement import device_of

#: The sizes of the batch with which a model is traced, to see what depends on it.
SIZES = (2, 3, 1)

#: The versions of the format, and the name of the axis of the batch.
IR_VERSION, OPSET, BATCH = 8, 17, "batch"

#: The largest error that is accepted, relative to the largest number of an output.
TOLERANCE = 1e-4


def export(
    model: Module, example: Any, path: str | Path, *, input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_batch: bool | Sequence[int | None] = True, check: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write a model, in evaluation mode, to an ONNX file (IR version 8, opset 17).

    The model is run on stand-ins for arrays, which record what is computed with them: layers as
    their ONNX operators, all other NumPy code function by function.  Code that reads a value that
    depends on the input (``if x.sum() > 0``, ``np.asarray(x)``) raises an error: the file never
    holds a number that is right for the example only.

    Parameters
    ----------
    model
        Any module that returns an array, or nested tuples of arrays.
    example
        One array, or a tuple of arrays for ``model(*example)`` (nested tuples, such as an LSTM's
        state, count as several inputs).  Their shapes and dtypes become those of the file; all
        axes but the one of the batch are fixed.
    path
        The file to write.  A temporary file beside it is renamed at the end.
    input_names, output_names
        The names in the file; by default those of the arguments of ``forward``, and ``output`` or
        ``output_0``, ``output_1``, ...
    dynamic_batch
        Whether the file takes batches of any size, on axis 0 of every input; or the axis of the
        batch of each input, None for an input without one (for ``model(x, h)`` with a state
        ``(1, N, H)`` of a GRU: ``(0, 1)``).
    check
        Whether to validate the file and, with onnxruntime, to run it on the example and on a
        batch of one and compare the results with the model's.
    metadata
        Strings by name, to be stored in the file; onnxruntime returns them as
        ``session.get_modelmeta().custom_metadata_map``.

    Raises
    ------
    ExportError
        If a function has no translation (see :func:`translation`), if the computation depends on
        the size of the batch in a way that ONNX cannot express, or if results differ by more than
        1e-4 of the largest number.  No file is written then.
    TypeError
        If ``model`` is not a module.
    ImportError
        If the package onnx is not installed.

    Notes
    -----
    A float64 model is exported in float64, but onnxruntime computes convolutions, mean pooling,
    recurrent layers, the exact GELU, and tan, arcsin, ..., arctanh in float32 only: there the
    file casts, and results agree to 1e-6, not 1e-12.

    Examples
    --------
    >>> import nn, numpy as np, pathlib, tempfile
    >>> model = nn.mlp([4, 8, 3], activation="relu", output=None, rng=0)
    >>> x = np.ones((5, 4), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "mlp.onnx"
    ...     nn.onnx.export(model, x, path, output_names=["logits"])
    ...     path.stat().st_size > 300
    True
    """
    if not isinstance(model, Module):
        raise TypeError(f"nn.onnx.export takes a module, got {type(model).__name__}")
    if find_spec("onnx") is None:
        raise ImportError("nn.onnx.export needs the package onnx: pip install onnx onnxruntime")
    if device_of(model.parameters()) is not None:
        raise ExportError("a model is exported from NumPy's arrays: move it with model.to(np)")
    example = example if isinstance(example, tuple) else (example,)
    arrays = [_array(model, leaf) for leaf in leaves(example)]
    given = iter(arrays)
    inputs, reserved = replaced(example, lambda _: next(given)), list(output_names or ())
    names = list(input_names) if input_names else _names(model, inputs)
    if len(names) != len(arrays) or len({*names, *reserved}) < len(names) + len(reserved):
        raise ExportError(
            f"the example has {len(arrays)} arrays and needs as many names, all different from one "
            f"another and from those of the outputs; got {names} and {reserved}"
        )
    axes = _batch_axes(arrays, dynamic_batch)
    described = list(zip(names, arrays, axes, strict=True))
    source = next(((name, axis) for name, _, axis in described if axis is not None), None)
    sizes = SIZES if source else (0, 0)
    batches = [_resized(inputs, axes, n) for n in sizes]
    graphs, outputs = zip(*(trace(model, b, names, reserved) for b in batches), strict=True)
    if reserved and len(reserved) != len(outputs[0]):
        raise ExportError(f"the model has {len(outputs[0])} outputs, got the names {reserved}")
    graph = merge_batches(graphs, sizes, source)
    if len({tuple(a.ndim for _, a in made) for made in outputs}) > 1:
        raise ExportError(
            f"with batches of {sizes} the model returns {[len(made) for made in outputs]} arrays, "
            "or arrays of another number of axes; return one array for the whole batch"
        )
    file = build(graph, described, outputs, sizes, reserved)
    for name, text in checked_metadata(metadata).items():
        file.metadata_props.add(key=name, value=text)
    compare("its recording", model, batches[0], [a for _, a in outputs[0]])
    if check:
        validate(file, model, [inputs, batches[-1]], names)
    write_atomically(path, lambda f: f.write(file.SerializeToString()))


# -- inputs ---------------------------------------------------------------------------------------


def _array(model: Module, value: Any) -> Any:
    """Return an input, of the precision of the weights: another would double the file."""
    a = ag.to_host(value)
    if a.dtype.kind not in "biuf":
        raise ExportError(f"inputs are arrays of real numbers or booleans, got dtype {a.dtype}")
    own = {p.dtype for p in model.parameters()}
    if a.dtype.kind == "f" and len(own) == 1 and a.dtype not in own:
        raise ExportError(
            f"the parameters are {(wanted := own.pop())}, the example is {a.dtype}; pass "
            f"example.astype(np.{wanted}), or cast the model: model.to(np.{a.dtype})"
        )
    return a


def _names(model: Module, inputs: Any) -> list[str]:
    """Return the names of forward's arguments, with a number for each array of a tuple."""
    found: list[str] = []
    parameters = inspect.signature(model.forward).parameters.values()
    own = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for i, tree in enumerate(inputs):
        name, nested = own[i] if i < len(own) else f"input_{i}", isinstance(tree, (tuple, list))
        found += [f"{name}_{k}" for k in range(len(leaves(tree)))] if nested else [name]
    return found


def _batch_axes(arrays: list[Any], dynamic: bool | Sequence[int | None]) -> list[int | None]:
    """Return the axis of the batch of each input, None for an input without one."""
    whole = [0 if dynamic else None] * len(arrays)
    axes = whole if isinstance(dynamic, bool) else list(dynamic)
    along = [(a, x) for a, x in zip(axes, arrays, strict=False) if a is not None]
    fits = len(axes) == len(arrays) and all(0 <= a < x.ndim for a, x in along)
    lengths = {x.shape[a] for a, x in along} if fits else {0}
    if len(lengths) > 1 or 0 in lengths:
        raise ExportError(
            f"inputs of shapes {[x.shape for x in arrays]} have no common batch of at least one on "
            f"the axes {axes}; pass the axis of each, as dynamic_batch=(0, 1), or None for an "
            "input without a batch"
        )
    return axes


def _resized(inputs: Any, axes: Sequence[int | None], size: int) -> Any:
    """Return the inputs with a batch of another size, which repeats the rows of the example."""
    along = iter(axes)
    return replaced(
        inputs, lambda a: a if (axis := next(along)) is None
        else np.take(a, np.arange(size) % a.shape[axis], axis)
    )  # fmt: skip


# -- the file --------------------------------------------------------------------------------------


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

    count = len(outputs[0])
    names = names or [graph.fresh(f"output_{i}" if count > 1 else "output") for i in range(count)]
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


# -- checks ---------------------------------------------------------------------------------------


def compare(source: str, model: Module, inputs: Any, found: Sequence[Any]) -> None:
    """Raise an ExportError where the results ``found`` by a source are not those of the model."""
    with evaluating(model), ag.no_grad():
        expected = [np.asarray(a) for a in leaves(arrays_of(model(*inputs)))]
    for i, (a, b) in enumerate(zip(expected, map(np.asarray, found), strict=True)):
        error = _relative_error(a, b)
        if error > TOLERANCE:
            raise ExportError(
                f"output {i} of the model ({a.dtype}, shape {a.shape}) and of {source} ({b.dtype}, "
                f"shape {b.shape}) differ by {error:.2g} of the largest number (inputs of shapes "
                f"{[x.shape for x in leaves(inputs)]}). Does the model change, or draw random "
                "numbers, in evaluation, or is a translation wrong?"
            )


def _relative_error(a: Any, b: Any) -> float:
    """Return the largest difference relative to the largest finite number of ``a``.

    It is infinite where only one of them is finite, and where integers, shapes or dtypes differ.
    """
    if a.dtype != b.dtype or a.shape != b.shape or a.dtype.kind != "f":
        return 0.0 if a.dtype == b.dtype and np.array_equal(a, b) else np.inf
    finite = np.isfinite(a)
    alike = np.array_equal(a[~finite], b[~finite], equal_nan=True)
    if not alike or not np.isfinite(b[finite]).all():
        return np.inf
    difference = np.abs(a[finite].astype(np.float64) - b[finite])
    largest = float(np.abs(a[finite]).max(initial=0)) or 1.0
    return float(difference.max(initial=0)) / largest


def validate(file: Any, model: Module, samples: Sequence[Any], names: Sequence[str]) -> None:
    """Check a model with onnx and, if it is installed, by running it with onnxruntime.

    Parameters
    ----------
    file
        The ``onnx.ModelProto``.
    model
        The module it was exported from.
    samples
        Inputs on which both are run and compared.
    names
        The names of the inputs.
    """
    import onnx

    try:
        onnx.checker.check_model(file, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"onnx refuses the exported graph: {error}") from error
    if find_spec("onnxruntime") is None:
        return
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = 1  # a check leaves the other cores alone
    written, where = file.SerializeToString(), ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(written, options, providers=where)
        feeds = [dict(zip(names, leaves(inputs), strict=True)) for inputs in samples]
        results = [session.run(None, feed) for feed in feeds]
    except Exception as error:  # its own exceptions have no public base class
        raise ExportError(f"onnxruntime cannot run the exported graph: {error}") from error
    for inputs, found in zip(samples, results, strict=True):
        compare("the exported file", model, inputs, found)
