"""The layers and fused primitives of :mod:`nn` in ONNX.

Layers that are missing here (Dropout, GlobalAvgPool, AdaptiveAvgPool2d, Tanh, ...) consist of
NumPy functions, which are translated one by one.
"""

import math
from functools import partial
from typing import Any

import numpy as np

from autograd_core.program import Traced
from nn.functional import activations as functional
from nn.functional.convolution import Geometry, convolve, convolve_transpose, geometry, per_axis
from nn.functional.normalization import standardized
from nn.functional.pooling import max_pool, sum_pool
from nn.layers.basic import Embedding, Flatten
from nn.layers.convolution import ConvTranspose2d
from nn.layers.normalization import BatchNorm1d, BatchNorm2d
from nn.layers.pooling import AvgPool2d
from nn.layers.recurrent import GRU, LSTM, RNN
from nn.layers.recurrent_cells import GRUCell, LSTMCell, RNNCell
from nn.onnx.graph import TRANSLATIONS, Graph, translation

# -- linear ---------------------------------------------------------------------------------------


@translation(functional.linear)
def _linear(graph: Graph, x: Any, weight: Any, bias: Any = None) -> Any:
    dtype = graph.result.dtype
    shift = None if bias is None else graph.name(bias, dtype)
    if x.ndim == 2:
        return graph.op("Gemm", graph.name(x, dtype), graph.name(weight, dtype), shift, transB=1)
    product = graph.op("MatMul", graph.name(x, dtype), graph.name(weight.T, dtype))
    return product if bias is None else graph.op("Add", product, shift)


@translation(Embedding)
def _embedding(graph: Graph, module: Any, ids: Any) -> Any:
    return graph.op("Gather", module.weight, ids)


@translation(Flatten)
def _flatten(graph: Graph, module: Any, x: Any) -> Any:
    return graph.op("Flatten", x, axis=1) if module.start_dim == 1 else None


# -- activations ----------------------------------------------------------------------------------


def _activation(
    kind: str, dtypes: str, default: dict[str, Any], graph: Graph, x: Any, *given: Any,
    **named: Any,
) -> Any:  # fmt: skip
    """Translate an activation by one operator, for some dtypes.

    Those that onnxruntime has in float32 only, or whose option ONNX holds in float32, are followed
    in float64.  ``default`` has the attribute that holds the option, if there is one.
    """
    values = (*given, *named.values(), *default.values())
    options = {k: type(v)(values[0]) for k, v in default.items()}
    return graph.op(kind, x, **options) if x.dtype.char in dtypes else None


TRANSLATIONS |= {
    functional.sigmoid: partial(_activation, "Sigmoid", "efd", {}),
    functional.relu: partial(_activation, "Relu", "efd", {}),
    functional.softmax: partial(_activation, "Softmax", "efd", {"axis": -1}),
    functional.log_softmax: partial(_activation, "LogSoftmax", "efd", {"axis": -1}),
    functional.leaky_relu: partial(_activation, "LeakyRelu", "f", {"alpha": 0.01}),
    functional.elu: partial(_activation, "Elu", "f", {"alpha": 1.0}),
    functional.softplus: partial(_activation, "Softplus", "f", {}),
    functional.silu: lambda graph, x: x * functional.sigmoid(x) if x.dtype.kind == "f" else None,
}


@translation(functional._gelu)
def _gelu(graph: Graph, x: Any, approximate: str = "none") -> Any:
    if approximate != "none" or x.dtype.kind != "f":
        return None
    half, root = (np.asarray(c, x.dtype) for c in (0.5, math.sqrt(0.5)))
    erf = graph.single(x.dtype, "Erf", graph.op("Mul", x, root))
    return graph.op("Mul", x, graph.op("Add", graph.op("Mul", erf, half), half))


# -- convolution and pooling ----------------------------------------------------------------------


def _window(geo: Geometry) -> dict[str, Any]:
    """Return the attributes in which ONNX describes a moving window."""
    return {"kernel_shape": geo.size, "strides": geo.stride, "pads": (*geo.before, *geo.after)}


def _filter(graph: Graph, kind: str, geo: Geometry, *operands: Any, **attributes: Any) -> Any:
    """Add a convolution of the input, the weight and the bias, which may be None."""
    dtype = graph.result.dtype
    given = [a if a is None or a.dtype == dtype else a.astype(dtype) for a in operands]
    window = {**_window(geo), "dilations": geo.dilation, "group": geo.groups}
    return graph.single(dtype, kind, *given, **window, **attributes)


@translation(convolve)
def _convolve(graph: Graph, x: Any, weight: Any, bias: Any = None, *, geo: Geometry) -> Any:
    return _filter(graph, "Conv", geo, x, weight, bias)


@translation(convolve_transpose)
def _convolve_transpose(
    graph: Graph, g: Any, weight: Any, bias: Any = None, *, geo: Geometry, lengths: Any
) -> Any:
    of_axes = zip(g.shape[2:], geo.stride, geo.dilation, geo.size, strict=True)
    least = [(m - 1) * s + d * (k - 1) + 1 for m, s, d, k in of_axes]
    more = [n - m for n, m in zip(geo.padded_lengths(lengths), least, strict=True)]
    return _filter(graph, "ConvTranspose", geo, g, weight, bias, output_padding=more)


@translation(ConvTranspose2d)
def _conv_transpose(graph: Graph, module: Any, x: Any) -> Any:
    """Translate the convolution and the bias by one operator."""
    options = module.stride, module.padding, module.dilation, module.groups
    geo, lengths = geometry(module.kernel_size, *options), graph.result.shape[2:]
    return _convolve_transpose(graph, x, module.weight, module.bias, geo=geo, lengths=lengths)


@translation(max_pool)
def _max_pool(graph: Graph, x: Any, *, geo: Geometry) -> Any:
    return graph.op("MaxPool", x, **_window(geo), dilations=geo.dilation)


@translation(sum_pool)
def _sum_pool(graph: Graph, x: Any, *, geo: Geometry) -> Any:
    return graph.op("Mul", _mean(graph, x, geo), np.asarray(math.prod(geo.size), x.dtype))


def _mean(graph: Graph, x: Any, geo: Geometry) -> Any:
    return graph.single(x.dtype, "AveragePool", x, **_window(geo), count_include_pad=1)


@translation(AvgPool2d)
def _avg_pool(graph: Graph, module: Any, x: Any) -> Any:
    if module.ceil_mode or not module.count_include_pad:
        return None
    size = per_axis(module.kernel_size, 2, "kernel_size")
    stride = size if module.stride is None else module.stride
    return _mean(graph, x, geometry(size, stride, module.padding, 1))


# -- normalization --------------------------------------------------------------------------------


@translation(BatchNorm1d, BatchNorm2d)
def _batch_norm(graph: Graph, module: Any, x: Any) -> Any:
    if module.training:
        return None
    mean, var = module.running_mean.astype(x.dtype), module.running_var.astype(x.dtype)
    plain = module.weight is None
    weight, bias = (np.ones_like(mean), 0 * mean) if plain else (module.weight, module.bias)
    given = graph.name(weight, x.dtype), graph.name(bias, x.dtype)
    return graph.op("BatchNormalization", x, *given, mean, var, epsilon=float(module.eps))


@translation(standardized)
def _standardized(
    graph: Graph, x: Any, weight: Any, bias: Any, *, axes: Any, eps: float, shape: Any, wide: Any,
    mean: Any = None, variance: Any = None,
) -> Any:  # fmt: skip
    """Use the operator of layers; ONNX has one for groups since opset 18 only."""
    last = tuple(range(len(shape) - len(axes), len(shape)))
    if tuple(shape) == x.shape and axes == last:
        own = shape[last[0] :]
        given = [a if np.ndim(a) else np.full(own, a) for a in (weight, bias)]
        names = [graph.name(a, x.dtype) for a in given]
        options: dict[str, Any] = {"axis": -len(axes), "epsilon": float(eps)}
        return graph.op("LayerNormalization", x, *names, **options)
    weight, bias = (np.reshape(a, wide) if np.ndim(a) else a for a in (weight, bias))
    centred = x.reshape(shape)
    centred = centred - centred.mean(axis=axes, keepdims=True)
    squares = (centred * centred).mean(axis=axes, keepdims=True)
    return (centred / np.sqrt(squares + eps) * weight + bias).reshape(x.shape)


# -- recurrent -------------------------------------------------------------------------------------

# ONNX keeps the parameters of both directions in one array, and the gates in another order: i o f g
# for LSTM, z r n for GRU.

#: The operator, and the gates in its order, by the number of gates.
_KINDS = {1: ("RNN", [0]), 3: ("GRU", [1, 0, 2]), 4: ("LSTM", [0, 3, 1, 2])}


def _reordered(module: Any, name: str) -> Any:
    """Return a parameter with its gates in ONNX's order; zeros for a bias that is missing."""
    p = vars(module).get(name)
    a = np.zeros(module.gates * module.hidden_size) if p is None else np.asarray(p.data)
    return np.concatenate([np.split(a, module.gates)[i] for i in _KINDS[module.gates][1]])


def _layer(
    graph: Graph, module: Any, x: Any, suffixes: list[str], first: list[Any],
    lengths: Any, dtype: Any,
) -> Any:  # fmt: skip
    """Add one layer over ``x (T, N, features)``: the hidden states (T, D, N, H), the last states.

    The parameters of each of the D directions have a suffix.
    """
    groups = (["weight_ih"], ["weight_hh"], ["bias_ih", "bias_hh"])
    parts = [
        [np.concatenate([_reordered(module, name + s) for name in names]) for s in suffixes]
        for names in groups
    ]
    kind, both = _KINDS[module.gates][0], "bidirectional" if len(suffixes) > 1 else None
    names = [module.nonlinearity.capitalize()] * len(suffixes) if kind == "RNN" else None
    return graph.single(
        dtype, kind, x, *(np.asarray(part, dtype) for part in parts), lengths, *first,
        outputs=module.states + 1, hidden_size=module.hidden_size, direction=both,
        linear_before_reset=1 if kind == "GRU" else None, activations=names,
    )  # fmt: skip


def _initial_states(module: Any, state: Any, dtype: Any) -> list[Any]:
    """Return each kind of initial state, in the dtype of the input; none by default."""
    parts = () if state is None else state if module.states > 1 else (state,)
    return [s.astype(dtype, copy=False) for s in parts]


@translation(RNN, LSTM, GRU)
def _layers(graph: Graph, module: Any, x: Any, state: Any = None, lengths: Any = None) -> Any:
    n, steps = x.shape[:2]
    directions = 1 + module.bidirectional
    if lengths is not None:
        given = lengths if isinstance(lengths, Traced) else np.asarray(lengths)
        lengths = given.astype(np.int32)
    initial = _initial_states(module, state, x.dtype)
    hidden = graph.op("Transpose", x, perm=(1, 0, 2))
    final = []
    for i in range(module.num_layers):
        first = [s[i * directions : (i + 1) * directions] for s in initial]
        suffixes = module._suffixes(i)
        made = _layer(graph, module, hidden, suffixes, first, lengths, x.dtype)
        final.append(made[1:])
        last = i == module.num_layers - 1
        perm, shape = ((2, 0, 1, 3), (n, steps)) if last else ((0, 2, 1, 3), (steps, n))
        hidden = graph.op("Transpose", made[0], perm=perm)
        hidden = graph.shape(hidden, (*shape, directions * module.hidden_size))
    states = tuple(graph.op("Concat", *names, axis=0) for names in zip(*final, strict=True))
    return hidden, states if module.states > 1 else states[0]


@translation(RNNCell, LSTMCell, GRUCell)
def _cell(graph: Graph, module: Any, x: Any, state: Any = None) -> Any:
    first = [s[None] for s in _initial_states(module, state, x.dtype)]
    made = _layer(graph, module, x[None], [""], first, None, x.dtype)
    after = tuple(graph.op("Squeeze", name, np.array([0])) for name in made[1:])
    return after if module.states > 1 else after[0]
