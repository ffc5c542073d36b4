"""Export a model, run the file with onnxruntime, compare: shared by the tests of nn.onnx."""

import numpy as np
import pytest

import autograd_core as ag
import nn
import nn.onnx
from autograd_core.program import replaced

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
RNG = np.random.default_rng(0)


def w(*shape, dtype=np.float32):
    return RNG.normal(size=shape).astype(dtype)


class Plain(nn.Module):
    """A function as a module, with its parameters and layers as attributes."""

    def __init__(self, f, **parts):
        self.f = f
        vars(self).update(parts)

    def forward(self, *args):
        return self.f(self, *args)


def flat(tree):
    if isinstance(tree, (tuple, list)):
        return [leaf for member in tree for leaf in flat(member)]
    return [np.asarray(tree.data if isinstance(tree, ag.Tensor) else tree)]


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def check(tmp_path, model, example, axes=True, sizes=(1, 3, 7), tol=1e-5, **options):
    """Export, compare for other inputs and sizes of the batch, and return the operators used."""
    path = tmp_path / "model.onnx"
    nn.onnx.export(model, example, path, dynamic_batch=axes, **options)
    run = session(path)
    inputs = example if isinstance(example, tuple) else (example,)
    arrays = flat(inputs)
    along = [0] * len(arrays) if axes is True else [None] * len(arrays) if axes is False else axes
    rng = np.random.default_rng(1)
    for size in sizes if axes is not False else (None,):
        fresh = []
        for a, axis in zip(arrays, along, strict=True):
            b = a if axis is None else np.take(a, rng.integers(0, a.shape[axis], size), axis)
            if b.dtype.kind == "f":
                b = (b + 0.3 * rng.normal(size=b.shape)).astype(b.dtype)
            fresh.append(b)
        found = run.run(None, dict(zip([i.name for i in run.get_inputs()], fresh, strict=True)))
        parts = iter(fresh)
        args = replaced(inputs, lambda _: next(parts))  # noqa: B023
        with nn.evaluating(model):
            expected = flat(model(*args))
        assert len(found) == len(expected)
        for a, b, output in zip(found, expected, run.get_outputs(), strict=True):
            for length, n in zip(output.shape, b.shape, strict=True):
                assert length == n or (length == "batch" and size == n) or length is None
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            scale = max(1.0, float(np.abs(b).max(initial=0))) if b.dtype.kind == "f" else 1.0
            error = float(np.abs(a.astype(float) - b).max(initial=0)) / scale
            assert error <= tol
    file = onnx.load(path)
    assert file.ir_version == 8
    assert [(o.domain, o.version) for o in file.opset_import] == [("", 17)]
    return [node.op_type for node in file.graph.node]
