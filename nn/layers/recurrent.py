"""RNN, LSTM and GRU over sequences: several layers, both directions, dropout, lengths, states.

Weights have PyTorch's names, shapes and order of gates; ``batch_first`` is always true, the one
deviation.  To backpropagate through one part of a long sequence at a time, pass the states on
as ``nn.detached(state)``.
"""

from typing import Any

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.init import Rng, generator
from nn.layers.dropout import Dropout
from nn.layers.recurrent_cells import GRUKernel, LSTMKernel, RecurrentKernel, RNNKernel, States
from nn.placement import as_of


def detached(state: Any) -> Any:
    """Return a state without its history, so that no gradient flows beyond it.

    Examples
    --------
    >>> import numpy as np, nn
    >>> lstm = nn.LSTM(3, 4, rng=0)
    >>> y, state = lstm(np.zeros((2, 5, 3), np.float32))
    >>> y, state = lstm(np.zeros((2, 5, 3), np.float32), nn.detached(state))
    """
    if isinstance(state, tuple):
        return tuple(detached(s) for s in state)
    return state.detach() if isinstance(state, ag.Tensor) else state


def _mirrored_steps(lengths: Any, steps: int) -> Any:
    """Return, for each step and example, the step that mirrors it in the sequence, (T, N, 1)."""
    t = np.arange(steps)[:, None]
    return np.where(t < lengths, lengths - 1 - t, t)[..., None]


class _Recurrent(RecurrentKernel):
    """Base class of recurrent layers."""

    @accepts_pytorch
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        rng: Rng = None,
        dtype: Any = np.float32,
    ) -> None:
        self.set_sizes(input_size, hidden_size, num_layers)
        rng = generator(rng)
        self.num_layers, self.bias, self.bidirectional = num_layers, bias, bidirectional
        self.between = Dropout(dropout, rng=rng.spawn(1)[0])
        for layer in range(num_layers):
            inputs = hidden_size * (1 + bidirectional) if layer else input_size
            for suffix in self._suffixes(layer):
                self.draw_parameters(suffix, inputs, bias, rng, dtype)

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", *([f"_l{layer}_reverse"] if self.bidirectional else [])]

    def _run_direction(self, x: Any, suffix: str, first: States, lengths: Any) -> tuple[Any, Any]:
        """Return the hidden states ``(T, N, H)`` of ``x (T, N, features)``, and the last states."""
        steps, mirror, valid = x.shape[0], None, None
        if (lengths < steps).any():
            valid = as_of((np.arange(steps)[:, None] < lengths)[..., None], x)
            x = np.where(valid, x, 0)  # padding, even nan, reaches no gradient
        if suffix.endswith("_reverse"):
            mirror = _mirrored_steps(lengths, steps)
            x = np.take_along_axis(x, mirror, axis=0)
        found = self.run(x, first, suffix, valid)
        at = -1 if valid is None else (lengths - 1, np.arange(x.shape[1]))
        last = [states[at] for states in found]
        hidden = found[0] if valid is None else np.where(valid, found[0], 0)
        if mirror is not None:
            hidden = np.take_along_axis(hidden, mirror, axis=0)
        return hidden, last

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[ag.Tensor, Any]:
        """Run sequences through every layer.

        Parameters
        ----------
        x
            Shape (N, T, input_size).
        state
            The states before the first step, ``(layers * directions, N, hidden_size)``, for LSTM
            a pair (hidden, cell) of them; zeros by default.
        lengths
            Whole numbers from 1 to T, shape (N,): the length of each sequence, where it is padded.

        Returns
        -------
        (outputs, state)
            The hidden states of the last layer, ``(N, T, hidden_size * directions)``, 0 beyond the
            length; and the last states, of the shape of ``state``.
        """
        if x.ndim != 3 or x.shape[2] != self.input_size:
            raise ValueError(
                f"{type(self).__name__}({self.input_size}, {self.hidden_size}) expects an input "
                f"(N, T, {self.input_size}), got shape {tuple(x.shape)}"
            )
        n, steps = x.shape[:2]
        if steps < 1:
            raise ValueError("a recurrent layer needs at least one step, got a sequence of none")
        ends = np.full(n, steps) if lengths is None else ag.to_host(lengths)
        whole = ends.shape == (n,) and ends.dtype.kind in "iu"
        if not whole or (ends < 1).any() or (ends > steps).any():
            raise ValueError(f"lengths are {n} whole numbers from 1 to {steps}, got {lengths!r}")
        ends = ends.astype(np.int64)
        shape = (self.num_layers * (1 + self.bidirectional), n, self.hidden_size)
        first = self.initial_states(state, shape, x)
        hidden: Any = np.swapaxes(x, 0, 1)
        last_states: list[Any] = []
        for layer in range(self.num_layers):
            if layer:
                hidden = self.between(hidden)
            directions = []
            for suffix in self._suffixes(layer):
                given = tuple(s[len(last_states)] for s in first)
                direction, last = self._run_direction(hidden, suffix, given, ends)
                directions.append(direction)
                last_states.append(last)
            hidden = directions[0]
            if self.bidirectional:
                hidden = np.concatenate(directions, axis=-1)
        stacked = tuple(np.stack(kind) for kind in zip(*last_states, strict=True))
        return np.swapaxes(hidden, 0, 1), stacked if self.states > 1 else stacked[0]

    def describe(self) -> str:
        layers = f", num_layers={self.num_layers}" if self.num_layers > 1 else ""
        return super().describe() + layers + ", bidirectional=True" * self.bidirectional


class RNN(RNNKernel, _Recurrent):
    """Compute ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`` over sequences (J. Elman, 1990).

    Parameters
    ----------
    input_size, hidden_size
        The number of features of the input and of the state.
    num_layers
        The number of layers; each takes the hidden states of the one before.
    nonlinearity
        ``"tanh"`` or ``"relu"``.
    bias
        Whether the two biases ``bias_ih`` and ``bias_hh`` are added.
    dropout
        The probability of zeroing hidden states between layers, while training.
    bidirectional
        Whether a second set of weights reads each sequence from its end.
    rng, dtype
        Generator or seed, and dtype, of the initial values.

    Examples
    --------
    >>> import numpy as np, nn
    >>> outputs, last = nn.RNN(3, 4, rng=0)(np.zeros((2, 5, 3), np.float32))
    >>> outputs.shape, last.shape
    ((2, 5, 4), (1, 2, 4))
    """


class LSTM(LSTMKernel, _Recurrent):
    """Run a long short-term memory: gates i, f, g, o; the state is a pair (hidden, cell).

    Parameters
    ----------
    forget_bias
        Added to the forget gate's first bias: 1 or more lets gradients through from the start.
    input_size, hidden_size, num_layers, bias, dropout, bidirectional, rng, dtype
        As in :class:`nn.RNN`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> outputs, (h, c) = nn.LSTM(3, 4, num_layers=2, rng=0)(np.zeros((2, 5, 3), np.float32))
    >>> outputs.shape, h.shape, c.shape
    ((2, 5, 4), (2, 2, 4), (2, 2, 4))
    """


class GRU(GRUKernel, _Recurrent):
    """Run gated recurrent units: gates r, z, n; ``h' = (1 - z) n + z h``.

    Parameters are those of :class:`nn.RNN`, without ``nonlinearity``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> gru = nn.GRU(3, 4, bidirectional=True, rng=0)
    >>> outputs, last = gru(np.zeros((2, 5, 3), np.float32), lengths=[5, 2])
    >>> outputs.shape, last.shape
    ((2, 5, 8), (2, 2, 4))
    """
