"""The layers and fused primitives of :mod:`nn` in ONNX.

What is not here (Dropout, GlobalAvgPool, AdaptiveAvgPool2d, tanh, ...) is NumPy, which is
translated as such.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn.functional import activations as functional
from nn.functional.convolution import Geometry, convolve, convolve_transpose, geometry, per_axis
from nn.functional.pooling import max_pool, sum_pool
from nn.layers.basic import Embedding, Flatten
from nn.layers.convolution import Conv1d, Conv2d, ConvTranspose2d
from nn.layers.normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm
from nn.layers.pooling import AvgPool2d
from nn.onnx.functions import common
from nn.onnx.graph import MODULES, Graph, translation

# -- linear ---------------------------------------------------------------------------------------


@translation(functional.linear)
def _linear(graph: Graph, x: Any, weight: Any, bias: Any = None) -> Any:
    dtype = common(*(a for a in (x, weight, bias) if a is not None))
    given = None if bias is None else graph.name(bias, dtype)
    if x.ndim == 2:
        return graph.op("Gemm", graph.name(x, dtype), graph.name(weight, dtype), given, transB=1)
    product = graph.op("MatMul", graph.name(x, dtype), graph.name(weight.T, dtype))
    return product if bias is None else graph.op("Add", product, given)


@translation(Embedding)
def _embedding(graph: Graph, module: Any, ids: Any) -> Any:
    return graph.op("Gather", module.weight, ids)


@translation(Flatten)
def _flatten(graph: Graph, module: Any, x: Any) -> Any:
    return graph.op("Flatten", x, axis=1) if module.start_dim == 1 else None


# -- activations ----------------------------------------------------------------------------------


@translation(functional.sigmoid)
def _sigmoid(graph: Graph, x: Any) -> Any:
    return graph.op("Sigmoid", x) if x.dtype.kind == "f" else None


@translation(functional.relu)
def _relu(graph: Graph, x: Any) -> Any:
    return graph.op("Relu", x) if x.dtype.kind == "f" else None


@translation(functional.silu)
def _silu(graph: Graph, x: Any) -> Any:
    return graph.op("Mul", x, graph.op("Sigmoid", x)) if x.dtype.kind == "f" else None


# In float64, which onnxruntime has not for all of these (and whose parameters ONNX holds in
# float32), their own NumPy code is followed.


@translation(functional.leaky_relu)
def _leaky_relu(graph: Graph, x: Any, negative_slope: float = 0.01) -> Any:
    return graph.op("LeakyRelu", x, alpha=float(negative_slope)) if _is_single(x) else None


@translation(functional.elu)
def _elu(graph: Graph, x: Any, alpha: float = 1.0) -> Any:
    return graph.op("Elu", x, alpha=float(alpha)) if _is_single(x) else None


@translation(functional.softplus)
def _softplus(graph: Graph, x: Any) -> Any:
    return graph.op("Softplus", x) if _is_single(x) else None


def _is_single(x: Any) -> bool:
    return bool(x.dtype == np.float32)


@translation(functional._gelu)
def _gelu(graph: Graph, x: Any, approximate: str = "none") -> Any:
    if approximate != "none" or x.dtype.kind != "f":
        return None
    half, root = (np.asarray(c, x.dtype) for c in (0.5, math.sqrt(0.5)))
    erf = graph.single(x.dtype, "Erf", graph.op("Mul", x, root))
    return graph.op("Mul", x, graph.op("Add", graph.op("Mul", erf, half), half))


@translation(functional.softmax)
def _softmax(graph: Graph, x: Any, axis: int = -1) -> Any:
    return graph.op("Softmax", x, axis=int(axis)) if x.dtype.kind == "f" else None


@translation(functional.log_softmax)
def _log_softmax(graph: Graph, x: Any, axis: int = -1) -> Any:
    return graph.op("LogSoftmax", x, axis=int(axis)) if x.dtype.kind == "f" else None


# -- convolution and pooling ----------------------------------------------------------------------


def _moving(geo: Geometry) -> dict[str, Any]:
    """How a window moves, as ONNX says it."""
    return {"kernel_shape": geo.size, "strides": geo.stride, "pads": (*geo.before, *geo.after)}


@translation(convolve)
def _convolve(graph: Graph, x: Any, weight: Any, *, geo: Geometry, bias: Any = None) -> Any:
    dtype = common(x, weight)
    given = _cast(graph, (x, weight, bias), dtype)
    options = {**_moving(geo), "dilations": geo.dilation, "group": geo.groups}
    return graph.single(dtype, "Conv", *given, **options)


@translation(convolve_transpose)
def _spread(
    graph: Graph, g: Any, weight: Any, *, geo: Geometry, lengths: Any, bias: Any = None
) -> Any:  # fmt: skip
    dtype = common(g, weight)
    of_axes = zip(lengths, g.shape[2:], geo.stride, geo.dilation, geo.size, strict=True)
    least = [n - ((m - 1) * s + d * (k - 1) + 1) for n, m, s, d, k in of_axes]
    more = [n + b + a for n, b, a in zip(least, geo.before, geo.after, strict=True)]
    options = {**_moving(geo), "dilations": geo.dilation, "group": geo.groups}
    given = _cast(graph, (g, weight, bias), dtype)
    return graph.single(dtype, "ConvTranspose", *given, **options, output_padding=more)


def _cast(graph: Graph, given: Any, dtype: Any) -> list[Any]:
    """Operands of one dtype; None where there is none."""
    return [
        a if a is None or a.dtype == dtype else a.astype(dtype)
        for a in given
    ]  # fmt: skip


def _conv(graph: Graph, module: Any, x: Any) -> Any:
    """With the bias in the same operator."""
    numbers = (module.stride, module.padding, module.dilation, module.groups)
    geo = geometry(module.weight.shape[2:], *numbers)
    return _convolve(graph, x, module.weight, geo=geo, bias=module.bias)


@translation(ConvTranspose2d)
def _conv_transpose(graph: Graph, module: Any, x: Any) -> Any:
    numbers = (module.stride, module.padding, module.dilation, module.groups)
    geo = geometry(module.weight.shape[2:], *numbers)
    more = per_axis(module.output_padding, 2, "output_padding", least=0)
    of_axes = zip(x.shape[2:], geo.stride, geo.dilation, geo.size, more, strict=True)
    wide = [(n - 1) * s + d * (k - 1) + 1 + m for n, s, d, k, m in of_axes]
    both = zip(wide, geo.before, geo.after, strict=True)
    lengths = [n - b - a for n, b, a in both]
    return _spread(graph, x, module.weight, geo=geo, lengths=lengths, bias=module.bias)


MODULES.update({Conv1d: _conv, Conv2d: _conv})


@translation(max_pool)
def _largest(graph: Graph, x: Any, *, geo: Geometry) -> Any:
    return graph.op("MaxPool", x, **_moving(geo))


@translation(sum_pool)
def _total(graph: Graph, x: Any, *, geo: Geometry) -> Any:
    return graph.op("Mul", _mean(graph, x, geo), np.asarray(math.prod(geo.size), x.dtype))


@translation(AvgPool2d)
def _avg_pool(graph: Graph, module: Any, x: Any) -> Any:
    size = per_axis(module.kernel_size, 2, "kernel_size")
    stride = size if module.stride is None else module.stride
    return _mean(graph, x, geometry(size, stride, module.padding, 1))


def _mean(graph: Graph, x: Any, geo: Geometry) -> Any:
    return graph.single(x.dtype, "AveragePool", x, **_moving(geo), count_include_pad=1)


# -- norms ----------------------------------------------------------------------------------------


def _batch_norm(graph: Graph, module: Any, x: Any) -> Any:
    if module.training:
        return None
    mean, var = module.running_mean.astype(x.dtype), module.running_var.astype(x.dtype)
    given = [graph.name(a, x.dtype) for a in _affine(module, mean.shape)]
    return graph.op("BatchNormalization", x, *given, mean, var, epsilon=float(module.eps))


MODULES.update({BatchNorm1d: _batch_norm, BatchNorm2d: _batch_norm})


def _affine(module: Any, shape: Any) -> tuple[Any, Any]:
    if module.weight is None:
        return np.ones(shape), np.zeros(shape)
    return module.weight, module.bias


@translation(LayerNorm)
def _layer_norm(graph: Graph, module: Any, x: Any) -> Any:
    given = [graph.name(a, x.dtype) for a in _affine(module, module.normalized_shape)]
    options: dict[str, Any] = {"axis": -len(module.normalized_shape), "epsilon": float(module.eps)}
    return graph.op("LayerNormalization", x, *given, **options)


@translation(GroupNorm)
def _group_norm(graph: Graph, module: Any, x: Any) -> Any:
    """By NumPy: ONNX has it since opset 18."""
    apart = x.reshape(x.shape[0], module.num_groups, math.prod(x.shape[1:]) // module.num_groups)
    centred = apart - apart.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    standard = (centred / np.sqrt(variance + module.eps)).reshape(x.shape)
    wide = (-1, *(1,) * (x.ndim - 2))
    weight, bias = (
        np.asarray(a.data if hasattr(a, "detach") else a, x.dtype).reshape(wide)
        for a in _affine(module, module.num_channels)
    )
    return standard * weight + bias
