"""The three kinds of recurrent network, and RNNCell, LSTMCell and GRUCell, which take one step.

The cells share the kinds with the layers of :mod:`nn.layers.recurrent`: the number of gates and
states, and how weights and biases meet in :mod:`nn.functional.recurrence`.
"""

from typing import Any

import numpy as np

from nn._pytorch import accepts_pytorch
from nn.functional import recurrence
from nn.functional.activations import linear
from nn.init import Rng, generator, initializer
from nn.module import Module, Parameter, check_counts
from nn.placement import as_of

States = tuple[Any, ...]


class RecurrentKernel(Module):
    """Base class: the parameters ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh``."""

    takes_array = True
    gates: int
    states: int = 1
    input_size: int
    hidden_size: int

    def set_sizes(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        """Check and store the sizes."""
        check_counts(self, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size, self.hidden_size = input_size, hidden_size

    def draw_parameters(self, suffix: str, inputs: int, bias: bool, rng: Any, dtype: Any) -> None:
        """Draw one set of parameters, in PyTorch's order.

        They are U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)).
        """
        rows, draw = self.gates * self.hidden_size, initializer(None, self.hidden_size)
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, inputs), "weight_hh": (rows, self.hidden_size)
        }  # fmt: skip
        if bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        for name, shape in shapes.items():
            setattr(self, name + suffix, Parameter(draw(shape, rng=rng), dtype=dtype))

    def run(self, x: Any, first: States, suffix: str = "", valid: Any = None) -> States:
        """Return the states ``(T, N, H)``, of each kind, of the sequence ``x (T, N, features)``.

        Where ``valid (T, N, 1)`` is false, states do not matter, but have to be finite.
        """
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_ih, w_hh, b_ih, b_hh = (vars(self).get(name + suffix) for name in names)
        return self.scan(x, first, (w_ih, w_hh), (b_ih, b_hh), valid)

    def scan(self, x: Any, first: States, weights: Any, biases: Any, valid: Any) -> States:
        """Do what :meth:`run` does with one set of parameters; the biases may be None."""
        raise NotImplementedError

    def initial_states(self, state: Any, shape: tuple[int, ...], x: Any) -> States:
        """Return the states to begin with, one of each kind: zeros when ``state`` is None."""
        if state is None:
            return tuple(as_of(np.zeros(shape, x.dtype), x) for _ in range(self.states))
        given = tuple(state) if self.states > 1 else (state,)
        if len(given) != self.states or any(tuple(np.shape(s)) != shape for s in given):
            raise ValueError(
                f"{type(self).__name__} takes a state "
                + (f"of {self.states} arrays, each " if self.states > 1 else "")
                + f"of shape {shape}, got {[tuple(np.shape(s)) for s in given]}"
            )
        return given

    def describe(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


def _input_sums(x: Any, weight: Any, biases: Any) -> Any:
    """Return the part of the gates' arguments that does not depend on the states."""
    b_ih, b_hh = biases
    return linear(x, weight, None if b_ih is None else b_ih + b_hh)


class RNNKernel(RecurrentKernel):
    """Elman network (1990): ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or relu for tanh."""

    gates = 1
    nonlinearity = "tanh"

    def __init__(self, *args: Any, nonlinearity: str = "tanh", **kwargs: Any) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(*args, **kwargs)

    def scan(self, x: Any, first: States, weights: Any, biases: Any, valid: Any) -> States:
        xs, relu = _input_sums(x, weights[0], biases), self.nonlinearity == "relu"
        if relu and valid is not None:
            xs = np.where(valid, xs, -np.inf)  # a state of 0, as others may grow without bound
        return (recurrence.rnn(xs, first[0], weights[1], relu=relu),)


class LSTMKernel(RecurrentKernel):
    """Long short-term memory: gates i, f, g, o; ``c' = f c + i g``, ``h' = o tanh(c')``."""

    gates, states = 4, 2

    def __init__(self, *args: Any, forget_bias: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        biases = [p for name, p in vars(self).items() if name.startswith("bias_ih")]
        if forget_bias and not biases:
            raise ValueError("forget_bias needs bias=True")
        added = np.repeat([0, forget_bias, 0, 0], self.hidden_size)
        for p in biases:
            p.data = p.data + added.astype(p.dtype)

    def scan(self, x: Any, first: States, weights: Any, biases: Any, valid: Any) -> States:
        xs = _input_sums(x, weights[0], biases)
        return tuple(recurrence.lstm(xs, *first, weights[1])[:2])


class GRUKernel(RecurrentKernel):
    """Gated recurrent unit: ``n = tanh(W x + b + r (W h + b))``, ``h' = (1 - z) n + z h``."""

    gates = 3

    def scan(self, x: Any, first: States, weights: Any, biases: Any, valid: Any) -> States:
        (w_ih, w_hh), (b_ih, b_hh) = weights, biases
        bias = as_of(np.zeros(w_hh.shape[:1], w_hh.dtype), w_hh) if b_hh is None else b_hh
        return (recurrence.gru(linear(x, w_ih, b_ih), first[0], w_hh, bias)[0],)


class _Cell(RecurrentKernel):
    """Base class of cells: one step, with one set of parameters."""

    @accepts_pytorch
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        rng: Rng = None,
        dtype: Any = np.float32,
    ) -> None:
        self.set_sizes(input_size, hidden_size)
        self.draw_parameters("", input_size, bias, generator(rng), dtype)

    def forward(self, x: Any, state: Any = None) -> Any:
        """Take one step.

        Parameters
        ----------
        x
            Shape (N, input_size).
        state
            The state before, ``(N, hidden_size)``, for LSTMCell a pair (hidden, cell) of them;
            zeros by default.

        Returns
        -------
        Tensor or tuple of Tensor
            The state after, of the same shape.
        """
        if x.ndim != 2 or x.shape[1] != self.input_size:
            raise ValueError(
                f"{type(self).__name__}({self.input_size}, {self.hidden_size}) expects an input "
                f"(N, {self.input_size}), got shape {tuple(x.shape)}"
            )
        first = self.initial_states(state, (len(x), self.hidden_size), x)
        after = tuple(s[0] for s in self.run(x[None], first))
        return after if self.states > 1 else after[0]


class RNNCell(RNNKernel, _Cell):
    """Take one step of :class:`nn.RNN`.

    Parameters
    ----------
    input_size, hidden_size
        The number of features of the input and of the state.
    bias
        Whether the two biases ``bias_ih`` and ``bias_hh`` are added.
    nonlinearity
        ``"tanh"`` or ``"relu"``.
    rng, dtype
        Generator or seed, and dtype, of the initial values.

    Examples
    --------
    >>> import numpy as np, nn
    >>> cell, h = nn.RNNCell(3, 4, rng=0), None
    >>> for x in np.zeros((5, 2, 3), np.float32):
    ...     h = cell(x, h)
    >>> h.shape
    (2, 4)
    """


class LSTMCell(LSTMKernel, _Cell):
    """Take one step of :class:`nn.LSTM`; the state is a pair (hidden, cell).

    Parameters
    ----------
    forget_bias
        Added to the forget gate's part of ``bias_ih``.
    input_size, hidden_size, bias, rng, dtype
        As in :class:`nn.RNNCell`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> h, c = nn.LSTMCell(3, 4, rng=0)(np.zeros((2, 3), np.float32))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """


class GRUCell(GRUKernel, _Cell):
    """Take one step of :class:`nn.GRU`.

    Parameters are those of :class:`nn.RNNCell`, without ``nonlinearity``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.GRUCell(3, 4, rng=0)(np.zeros((2, 3), np.float32)).shape
    (2, 4)
    """
