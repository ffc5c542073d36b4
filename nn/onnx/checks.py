"""What is checked of a file before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

import autograd_core as ag
from nn.module import Module, evaluating
from nn.onnx.dispatch import values
from nn.onnx.graph import ExportError
from nn.onnx.tracing import leaves

#: Of the largest number of an output.
TOLERANCE = 1e-4


def compare(who: str, model: Module, inputs: Any, found: Sequence[Any]) -> None:
    """Raise where results ``found`` are not those of the model itself."""
    with evaluating(model), ag.no_grad():
        expected = [np.asarray(a) for a in leaves(values(model(*inputs)))]
    if len(found) != len(expected):
        raise ExportError(f"the model has {len(expected)} outputs, {who} {len(found)}")
    for i, (a, b) in enumerate(zip(expected, map(np.asarray, found), strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            raise ExportError(
                f"output {i} of the model is {a.dtype} of shape {a.shape}, of {who} {b.dtype} of "
                f"shape {b.shape}"
            )
        error = _difference(a, b)
        if error > TOLERANCE:
            raise ExportError(
                f"output {i} of the model and of {who} differ by {error:.2g} of the largest "
                f"number (inputs of shapes {[x.shape for x in leaves(inputs)]}). Does the model "
                "change, or draw random numbers, in evaluation, or is a translation wrong?"
            )


def _difference(a: Any, b: Any) -> float:
    """The largest, relative to the largest finite number of ``a``; inf where one is not finite."""
    if a.dtype.kind != "f" or not a.size:
        return 0.0 if np.array_equal(a, b) else np.inf
    finite = np.isfinite(a)
    if (
        not np.array_equal(a[~finite], b[~finite], equal_nan=True)
        or not np.isfinite(b[finite]).all()
    ):
        return np.inf
    wide = np.abs(a[finite].astype(np.float64) - b[finite])
    largest = float(np.abs(a[finite]).max(initial=0)) or 1.0
    return float(wide.max(initial=0)) / largest


def validate(file: Any, model: Module, samples: Sequence[Any], names: Sequence[str]) -> None:
    """ONNX's own check, with its inference of shapes; and a run by onnxruntime, if it is there."""
    import onnx

    try:
        onnx.checker.check_model(file, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"onnx refuses the exported graph: {error}") from error
    if find_spec("onnxruntime") is None:
        return
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.intra_op_num_threads = 1  # it is a check, and leaves the other cores alone
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
