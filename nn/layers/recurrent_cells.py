"""What one step of a recurrent network is, and RNNCell, LSTMCell and GRUCell, which take one.

The layers of :mod:`nn.recurrent` and the cells share the three kinds: how many gates and states,
and how the two weights and biases meet in :mod:`nn.recurrence`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.functional import recurrence
from nn.functional.activations import linear
from nn.module import Module
from nn.parameter import Parameter


class Kind(Module):
    """Base class: the parameters ``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh``."""

    gates: int
    states: int = 1
    input_size: int
    hidden_size: int

    def set_sizes(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        if min(input_size, hidden_size, num_layers) < 1:
            raise ValueError(
                f"{type(self).__name__} needs at least one input, one hidden unit and one layer, "
                f"got {input_size}, {hidden_size} and {num_layers}"
            )
        self.input_size, self.hidden_size = input_size, hidden_size

    def shapes(self, suffix: str, inputs: int, bias: bool) -> list[tuple[str, tuple[int, ...]]]:
        """The names of one set of parameters and their shapes, in PyTorch's order."""
        rows = self.gates * self.hidden_size
        found: list[tuple[str, tuple[int, ...]]] = [
            (f"weight_ih{suffix}", (rows, inputs)),
            (f"weight_hh{suffix}", (rows, self.hidden_size)),
        ]
        if bias:
            found += [(f"bias_ih{suffix}", (rows,)), (f"bias_hh{suffix}", (rows,))]
        return found

    def draw(self, shapes: list[tuple[str, tuple[int, ...]]], rng: Any, dtype: Any) -> None:
        """Make the parameters: U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = self.hidden_size**-0.5
        for name, shape in shapes:
            setattr(self, name, Parameter(rng.uniform(-bound, bound, shape), dtype=dtype))

    def run(self, x: Any, first: list[Any], suffix: str = "", valid: Any = None) -> tuple[Any, ...]:
        """The states ``(T, N, H)`` of the sequence ``x (T, N, features)``, each kind of them.

        Where ``valid (T, N, 1)`` is false, a state is of no interest, but has to be finite.
        """
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_ih, w_hh, b_ih, b_hh = (vars(self).get(f"{name}{suffix}") for name in names)
        return self.states_of(x, first, w_ih, w_hh, b_ih, b_hh, valid)

    def states_of(
        self, x: Any, first: list[Any], w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
        valid: Any = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        """What :meth:`run` returns, of one set of parameters; a bias may be None."""
        raise NotImplementedError

    def given(self, state: Any, shape: tuple[int, ...], dtype: Any) -> list[Any]:
        """The states to begin with, one of each kind: zeros unless given."""
        if state is None:
            return [np.zeros(shape, dtype) for _ in range(self.states)]
        parts = list(state) if self.states > 1 else [state]
        if len(parts) != self.states or any(tuple(np.shape(s)) != shape for s in parts):
            raise ValueError(
                f"{type(self).__name__} takes a state "
                + (f"of {self.states} arrays, each " if self.states > 1 else "")
                + f"of shape {shape}, got {[tuple(np.shape(s)) for s in parts]}"
            )
        return parts


def _together(b_ih: Any, b_hh: Any) -> Any:
    return None if b_ih is None else b_ih + b_hh


class Elman(Kind):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`` (J. Elman, 1990), or relu of it."""

    gates = 1
    nonlinearity = "tanh"

    def set_nonlinearity(self, nonlinearity: str) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity = nonlinearity

    def states_of(
        self, x: Any, first: list[Any], w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
        valid: Any = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        xs, relu = linear(x, w_ih, _together(b_ih, b_hh)), self.nonlinearity == "relu"
        if relu and valid is not None:
            xs = np.where(valid, xs, -np.inf)  # a state of 0: it might grow without bound
        return (recurrence.rnn(xs, first[0], w_hh, relu=relu),)


class LongShortTerm(Kind):
    """Gates i, f, g, o; ``c' = f c + i g``, ``h' = o tanh(c')``."""

    gates, states = 4, 2

    def states_of(
        self, x: Any, first: list[Any], w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
        valid: Any = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        xs = linear(x, w_ih, _together(b_ih, b_hh))
        return tuple(recurrence.lstm(xs, *first, w_hh)[:2])

    def raise_forget_bias(self, by: float) -> None:
        """Add a number to the forget gate's part of every ``bias_ih``."""
        if by and not any(name.startswith("bias_ih") for name in vars(self)):
            raise ValueError("forget_bias needs bias=True")
        for name, p in vars(self).items():
            if name.startswith("bias_ih"):
                p.data = p.data + np.repeat([0, by, 0, 0], self.hidden_size).astype(p.dtype)


class GatedUnit(Kind):
    """Gates r, z, n; ``n = tanh(W x + b + r (W h + b))``, ``h' = (1 - z) n + z h``."""

    gates = 3

    def states_of(
        self, x: Any, first: list[Any], w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
        valid: Any = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        bias = np.zeros(w_hh.shape[:1], w_hh.dtype) if b_hh is None else b_hh
        return (recurrence.gru(linear(x, w_ih, b_ih), first[0], w_hh, bias)[0],)


class _Cell(Kind):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        self.set_sizes(input_size, hidden_size)
        self.draw(self.shapes("", input_size, bias), np.random.default_rng(rng), dtype)

    def forward(self, x: Any, state: Any = None) -> Any:
        """One step.

        Parameters
        ----------
        x
            Shape (N, input_size).
        state
            The state before, ``(N, hidden_size)``, for LSTMCell a pair (hidden, cell) of them;
            zeros unless given.

        Returns
        -------
        The state after, alike.
        """
        if x.ndim != 2 or x.shape[1] != self.input_size:
            raise ValueError(
                f"{type(self).__name__}({self.input_size}, {self.hidden_size}) expects an input "
                f"(N, {self.input_size}), got shape {tuple(x.shape)}"
            )
        first = self.given(state, (len(x), self.hidden_size), x.dtype)
        after = tuple(s[0] for s in self.run(x[None], first))
        return after if self.states > 1 else after[0]

    def describe(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


class RNNCell(Elman, _Cell):
    """One step of :class:`nn.RNN`.

    Parameters
    ----------
    input_size, hidden_size
        Features of the input and of the state.
    bias
        Whether there are two, ``bias_ih`` and ``bias_hh``.
    nonlinearity
        ``"tanh"`` or ``"relu"``.
    rng, dtype
        Of the initial values.

    Examples
    --------
    >>> import numpy as np, nn
    >>> cell, h = nn.RNNCell(3, 4, rng=0), None
    >>> for x in np.zeros((5, 2, 3), np.float32):
    ...     h = cell(x, h)
    >>> h.shape
    (2, 4)
    """

    def __init__(self, *args: Any, nonlinearity: str = "tanh", **kwargs: Any) -> None:
        self.set_nonlinearity(nonlinearity)
        super().__init__(*args, **kwargs)


class LSTMCell(LongShortTerm, _Cell):
    """One step of :class:`nn.LSTM`; the state is a pair (hidden, cell).

    Parameters are those of :class:`RNNCell`, and

    forget_bias
        Added to the forget gate's ``bias_ih``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> h, c = nn.LSTMCell(3, 4, rng=0)(np.zeros((2, 3), np.float32))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    def __init__(self, *args: Any, forget_bias: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.raise_forget_bias(forget_bias)


class GRUCell(GatedUnit, _Cell):
    """One step of :class:`nn.GRU`.

    Parameters are those of :class:`RNNCell`, without nonlinearity.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.GRUCell(3, 4, rng=0)(np.zeros((2, 3), np.float32)).shape
    (2, 4)
    """
