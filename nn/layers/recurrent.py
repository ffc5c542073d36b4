"""RNN, LSTM and GRU: layers, directions, dropout between layers, lengths, carried states.

Weights have PyTorch's names, shapes and order of gates; ``batch_first`` is always true, the one
deviation.  For backpropagation through a part of a long sequence at a time, hand the states on
with ``nn.detached(state)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from nn.layers.dropout import Dropout
from nn.layers.recurrent_cells import Elman, GatedUnit, Kind, LongShortTerm


def detached(state: Any) -> Any:
    """A state without its history: the gradient of what follows ends here.

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


def _reversed_within(lengths: Any, steps: int) -> Any:
    """For each step and example, the step that mirrors it within the sequence, (T, N, 1)."""
    t = np.arange(steps)[:, None]
    return np.where(t < lengths, lengths - 1 - t, t)[..., None]


class _Recurrent(Kind):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        self.set_sizes(input_size, hidden_size, num_layers)
        rng = np.random.default_rng(rng)
        self.num_layers, self.bias, self.bidirectional = num_layers, bias, bidirectional
        self.between = Dropout(dropout, rng=rng.spawn(1)[0])
        shapes = []
        for layer in range(num_layers):
            inputs = hidden_size * (1 + bidirectional) if layer else input_size
            for suffix in self._suffixes(layer):
                shapes += self.shapes(suffix, inputs, bias)
        self.draw(shapes, rng, dtype)

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", *([f"_l{layer}_reverse"] if self.bidirectional else [])]

    def _direction(self, x: Any, suffix: str, first: list[Any], lengths: Any) -> tuple[Any, Any]:
        """The hidden states ``(T, N, H)`` of ``x (T, N, features)``, and the last states."""
        steps, mirror, valid = x.shape[0], None, None
        if (lengths < x.shape[0]).any():
            valid = (np.arange(steps)[:, None] < lengths)[..., None]
            x = np.where(valid, x, 0)  # whatever fills up, nan too, reaches no gradient
        if suffix.endswith("_reverse"):
            mirror = _reversed_within(lengths, steps)
            x = np.take_along_axis(x, mirror, axis=0)
        found = self.run(x, first, suffix, valid)
        at = -1 if valid is None else (lengths - 1, np.arange(x.shape[1]))
        last = [states[at] for states in found]
        hidden = found[0]
        if valid is not None:
            hidden = np.where(valid, hidden, 0)
        if mirror is not None:
            hidden = np.take_along_axis(hidden, mirror, axis=0)
        return hidden, last

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """Run sequences through every layer.

        Parameters
        ----------
        x
            Shape (N, T, input_size).
        state
            The states before the first step, ``(layers * directions, N, hidden_size)``, for LSTM
            a pair (hidden, cell) of them; zeros unless given.
        lengths
            Whole numbers, shape (N,), from 1 to T: how long each sequence is, where it is padded.

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
        ends = np.full(n, steps) if lengths is None else np.asarray(lengths)
        if (
            ends.shape != (n,)
            or ends.dtype.kind not in "iu"
            or (ends < 1).any()
            or (ends > steps).any()
        ):
            raise ValueError(f"lengths are {n} whole numbers from 1 to {steps}, got {lengths!r}")
        shape = (self.num_layers * (1 + self.bidirectional), n, self.hidden_size)
        ends = ends.astype(np.int64)
        given = self.given(state, shape, x.dtype)
        hidden, final, at = np.swapaxes(x, 0, 1), [], 0
        for layer in range(self.num_layers):
            if layer:
                hidden = self.between(hidden)
            sides = []
            for suffix in self._suffixes(layer):
                side, last = self._direction(hidden, suffix, [s[at] for s in given], ends)
                sides.append(side)
                final.append(last)
                at += 1
            hidden = np.concatenate(sides, axis=-1) if len(sides) > 1 else sides[0]
        together = tuple(np.stack(part) for part in zip(*final, strict=True))
        return np.swapaxes(hidden, 0, 1), together if self.states > 1 else together[0]

    def describe(self) -> str:
        more = f", num_layers={self.num_layers}" if self.num_layers > 1 else ""
        more += ", bidirectional=True" if self.bidirectional else ""
        return f"{self.input_size}, {self.hidden_size}{more}"


class RNN(Elman, _Recurrent):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`` over sequences (J. Elman, 1990).

    Parameters
    ----------
    input_size, hidden_size
        Features of the input and of the state.
    num_layers
        Each takes the hidden states of the one before.
    nonlinearity
        ``"tanh"`` or ``"relu"``.
    bias
        Whether there are two, ``bias_ih`` and ``bias_hh``.
    dropout
        Between layers, while training.
    bidirectional
        Whether a second set of weights reads each sequence from its end.

    Examples
    --------
    >>> import numpy as np, nn
    >>> outputs, last = nn.RNN(3, 4, rng=0)(np.zeros((2, 5, 3), np.float32))
    >>> outputs.shape, last.shape
    ((2, 5, 4), (1, 2, 4))
    """

    def __init__(self, *args: Any, nonlinearity: str = "tanh", **kwargs: Any) -> None:
        self.set_nonlinearity(nonlinearity)
        super().__init__(*args, **kwargs)


class LSTM(LongShortTerm, _Recurrent):
    """Long short-term memory: gates i, f, g, o; the state is a pair (hidden, cell).

    Parameters
    ----------
    forget_bias
        Added to the forget gate's first bias: 1 or more lets gradients through from the start.
    input_size, hidden_size, num_layers, bias, dropout, bidirectional
        As in :class:`RNN`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> outputs, (h, c) = nn.LSTM(3, 4, num_layers=2, rng=0)(np.zeros((2, 5, 3), np.float32))
    >>> outputs.shape, h.shape, c.shape
    ((2, 5, 4), (2, 2, 4), (2, 2, 4))
    """

    def __init__(self, *args: Any, forget_bias: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.raise_forget_bias(forget_bias)


class GRU(GatedUnit, _Recurrent):
    """Gated recurrent units: gates r, z, n; ``h' = (1 - z) n + z h``.

    Parameters are those of :class:`RNN`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> gru = nn.GRU(3, 4, bidirectional=True, rng=0)
    >>> outputs, last = gru(np.zeros((2, 5, 3), np.float32), lengths=[5, 2])
    >>> outputs.shape, last.shape
    ((2, 5, 8), (2, 2, 4))
    """
