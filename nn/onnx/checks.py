"""Check an exported model before it is written."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

import autograd_core as ag
from nn.module import Module, evaluating
from nn.onnx.graph import ExportError
from nn.onnx.traced_array import example_values
from nn.onnx.trees import leaves

#: The largest error that is accepted, relative to the largest number of an output.
TOLERANCE = 1e-4


def compare(source: str, model: Module, inputs: Any, found: Sequence[Any]) -> None:
    """Raise an ExportError where the results ``found`` by a source are not those of the model."""
    with evaluating(model), ag.no_grad():
        expected = [np.asarray(a) for a in leaves(example_values(model(*inputs)))]
    if len(found) != len(expected):
        raise ExportError(f"the model has {len(expected)} outputs, {source} {len(found)}")
    for i, (a, b) in enumerate(zip(expected, map(np.asarray, found), strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            raise ExportError(
                f"output {i} of the model is {a.dtype} of shape {a.shape}, of {source} {b.dtype} "
                f"of shape {b.shape}"
            )
        error = _relative_error(a, b)
        if error > TOLERANCE:
            raise ExportError(
                f"output {i} of the model and of {source} differ by {error:.2g} of the largest "
                f"number (inputs of shapes {[x.shape for x in leaves(inputs)]}). Does the model "
                "change, or draw random numbers, in evaluation, or is a translation wrong?"
            )


def _relative_error(a: Any, b: Any) -> float:
    """Return the largest difference relative to the largest finite number of ``a``.

    It is infinite where only one of them is finite, and where integers differ.
    """
    if a.dtype.kind != "f" or not a.size:
        return 0.0 if np.array_equal(a, b) else np.inf
    finite = np.isfinite(a)
    infinite_alike = np.array_equal(a[~finite], b[~finite], equal_nan=True)
    if not infinite_alike or not np.isfinite(b[finite]).all():
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
    try:
        session = onnxruntime.InferenceSession(
            file.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        for inputs in samples:
            given = dict(zip(names, leaves(inputs), strict=True))
            compare("the exported file", model, inputs, session.run(None, given))
    except ExportError:
        raise
    except Exception as error:  # its own exceptions have no public base class
        raise ExportError(f"onnxruntime cannot run the exported graph: {error}") from error
