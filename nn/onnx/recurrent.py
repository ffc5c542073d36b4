"""RNN, LSTM, GRU and their cells in ONNX.

ONNX keeps the parameters of both directions in one array, and gates in another order: i o f g
for LSTM, z r n for GRU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.layers.recurrent import GRU, LSTM, RNN
from nn.layers.recurrent_cells import GRUCell, LSTMCell, RNNCell
from nn.onnx.graph import MODULES, Graph
from nn.onnx.traced_array import Symbol

_GATES = {"RNN": [0], "LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2]}


def _kind(module: Any) -> str:
    return {1: "RNN", 3: "GRU", 4: "LSTM"}[module.gates]


def _turned(module: Any, name: str) -> Any:
    """A parameter with its gates in ONNX's order; zeros for a bias that is not there."""
    p = vars(module).get(name)
    size = module.hidden_size
    a = np.zeros(module.gates * size) if p is None else np.asarray(p.data)
    return np.concatenate([a[i * size : (i + 1) * size] for i in _GATES[_kind(module)]])


def _sweep(
    graph: Graph,
    module: Any,
    x: Any,
    suffixes: list[str],
    first: list[Any],
    lengths: Any,
    dtype: Any,
) -> Any:
    """One layer over ``x (T, N, features)``: names of (T, D, N, H) and of the last states."""
    parts = [
        np.stack([
            np.concatenate([_turned(module, name + s) for name in names]) for s in suffixes
        ]).astype(dtype)
        for names in (["weight_ih"], ["weight_hh"], ["bias_ih", "bias_hh"])
    ]  # fmt: skip
    kind = _kind(module)
    options: dict[str, Any] = {"hidden_size": module.hidden_size}
    if len(suffixes) > 1:
        options["direction"] = "bidirectional"
    if kind == "GRU":
        options["linear_before_reset"] = 1
    elif kind == "RNN":
        options["activations"] = [module.nonlinearity.capitalize()] * len(suffixes)
    given = [x, *parts, lengths, *first]
    return graph.single(dtype, kind, *given, outputs=module.states + 1, **options)


def _states(graph: Graph, module: Any, state: Any, dtype: Any) -> list[Any]:
    """The given states, each kind of them, or none."""
    if state is None:
        return []
    parts = list(state) if module.states > 1 else [state]
    return [s.astype(dtype) if s.dtype != dtype else s for s in parts]


def _layers(graph: Graph, module: Any, x: Any, state: Any = None, lengths: Any = None) -> Any:
    n, steps = x.shape[:2]
    sides, dtype = 1 + module.bidirectional, x.dtype
    if lengths is not None:
        lengths = lengths if isinstance(lengths, Symbol) else np.asarray(lengths)
        lengths = lengths.astype(np.int32)
    first = _states(graph, module, state, dtype)
    hidden = graph.op("Transpose", x, perm=(1, 0, 2))
    final: list[list[str]] = [[] for _ in range(module.states)]
    for layer in range(module.num_layers):
        begin = [s[layer * sides : (layer + 1) * sides] for s in first]
        suffixes = module._suffixes(layer)
        made = _sweep(graph, module, hidden, suffixes, begin, lengths, dtype)
        for found, name in zip(final, made[1:], strict=True):
            found.append(name)
        width = sides * module.hidden_size
        last = layer == module.num_layers - 1
        perm, shape = (
            ((2, 0, 1, 3), (n, steps, width)) if last else ((0, 2, 1, 3), (steps, n, width))
        )
        hidden = graph.shape(graph.op("Transpose", made[0], perm=perm), shape)
    together = tuple(graph.op("Concat", *found, axis=0) for found in final)
    return hidden, together if module.states > 1 else together[0]


def _cell(graph: Graph, module: Any, x: Any, state: Any = None) -> Any:
    first = [s[None] for s in _states(graph, module, state, x.dtype)]
    made = _sweep(graph, module, x[None], [""], first, None, x.dtype)
    after = tuple(graph.op("Squeeze", name, np.array([0])) for name in made[1:])
    return after if module.states > 1 else after[0]


MODULES.update(dict.fromkeys((RNN, LSTM, GRU), _layers))
MODULES.update(dict.fromkeys((RNNCell, LSTMCell, GRUCell), _cell))
