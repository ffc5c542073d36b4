"""RNN, LSTM, GRU and their cells in ONNX.

ONNX keeps the parameters of both directions in one array, and the gates in another order: i o f g
for LSTM, z r n for GRU.
"""

from typing import Any

import numpy as np

from autograd_core.program import Traced
from nn.layers.recurrent import GRU, LSTM, RNN
from nn.layers.recurrent_cells import GRUCell, LSTMCell, RNNCell
from nn.onnx.graph import Graph, translation

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
    parts = [
        np.stack([
            np.concatenate([_reordered(module, name + s) for name in names]) for s in suffixes
        ]).astype(dtype)
        for names in (["weight_ih"], ["weight_hh"], ["bias_ih", "bias_hh"])
    ]  # fmt: skip
    kind = _KINDS[module.gates][0]
    return graph.single(
        dtype, kind, x, *parts, lengths, *first, outputs=module.states + 1,
        hidden_size=module.hidden_size,
        direction="bidirectional" if len(suffixes) > 1 else None,
        linear_before_reset=1 if kind == "GRU" else None,
        activations=[module.nonlinearity.capitalize()] * len(suffixes) if kind == "RNN" else None,
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
