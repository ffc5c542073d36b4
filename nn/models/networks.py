"""Functions that build complete networks."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nn.init import Initializer, Rng, generator
from nn.layers.activations import Identity, Tanh, named
from nn.layers.basic import Flatten, Linear, Sequential
from nn.layers.convolution import Conv2d
from nn.layers.pooling import AvgPool2d
from nn.models.language import CharRNN
from nn.module import Module


def mlp(
    sizes: Sequence[int],
    activation: str | Callable[[], Module] = "sigmoid",
    *,
    output: str | Callable[[], Module] | None = "same",
    init: Initializer | None = None,
    bias_init: Initializer | None = None,
    rng: Rng = None,
    dtype: Any = np.float32,
) -> Sequential:
    """Build a feedforward network: each neuron applies its activation to a weighted sum.

    Parameters
    ----------
    sizes
        The number of inputs, of the neurons of each hidden layer, and of outputs.
    activation
        The activation of the hidden layers: a module class, or a name that
        :func:`nn.layers.activations.named` knows.
    output
        The activation of the last layer: ``"same"`` as the hidden ones (for the quadratic cost), a
        name or class, or None, for losses that take logits.
    init, bias_init, rng, dtype
        As in :class:`nn.Linear`.

    Examples
    --------
    >>> import nn
    >>> nn.mlp([784, 16, 16, 10], activation="relu", output=None)
    Sequential(
      (0): Linear(784, 16)
      (1): ReLU()
      (2): Linear(16, 16)
      (3): ReLU()
      (4): Linear(16, 10)
    )
    """
    if len(sizes) < 2:
        raise ValueError(f"mlp needs at least the number of inputs and of outputs, got {sizes}")
    rng = generator(rng)
    last = activation if output == "same" else output
    layers: list[Module] = []
    for i, (n, m) in enumerate(itertools.pairwise(sizes)):
        layers.append(Linear(n, m, init=init, bias_init=bias_init, rng=rng, dtype=dtype))
        chosen = activation if i < len(sizes) - 2 else last
        if chosen is not None and chosen not in ("identity", Identity):
            layers.append(named(chosen) if isinstance(chosen, str) else chosen())
    return Sequential(*layers)


def perceptron(
    inputs: int, outputs: int = 1, *, rng: Rng = None, dtype: Any = np.float32
) -> Linear:
    """Build a perceptron: one layer of weighted sums, without a hidden one (F. Rosenblatt, 1958).

    Its outputs are logits, for :func:`nn.binary_cross_entropy_with_logits` or
    :func:`nn.cross_entropy`; it learns classes that a line separates, but not XOR.

    Examples
    --------
    >>> import nn
    >>> sum(p.size for p in nn.models.perceptron(2).parameters())
    3
    """
    return Linear(inputs, outputs, rng=rng, dtype=dtype)


def lenet5(*, rng: Rng = None, dtype: Any = np.float32) -> Sequential:
    """Build LeNet-5 for images ``(N, 1, 28, 28)`` in ten classes, with 61,706 parameters.

    Two convolutions with tanh and mean pooling, then 400-120-84-10 (Y. LeCun and others,
    *Gradient-based learning applied to document recognition*, 1998), with the usual
    simplifications: full connection between the maps, and logits for :func:`nn.cross_entropy`.

    Examples
    --------
    >>> import nn
    >>> sum(p.size for p in nn.models.lenet5(rng=0).parameters())
    61706
    """
    rng = generator(rng)
    options: dict[str, Any] = {"rng": rng, "dtype": dtype}
    return Sequential(
        *(Conv2d(1, 6, 5, padding=2, **options), Tanh(), AvgPool2d(2)),
        *(Conv2d(6, 16, 5, **options), Tanh(), AvgPool2d(2)),
        *(Flatten(), Linear(400, 120, **options), Tanh()),
        *(Linear(120, 84, **options), Tanh(), Linear(84, 10, **options)),
    )


def char_rnn(characters: int, kind: str = "gru", **options: Any) -> CharRNN:
    """Build a language model of characters that returns logits of the next character.

    Parameters
    ----------
    characters
        The size of the vocabulary.
    kind
        ``"rnn"``, ``"lstm"`` or ``"gru"``.
    **options
        ``embed`` (32 numbers for each character by default), ``hidden`` (128 hidden units), and
        the other options of :class:`nn.language.CharRNN`.

    Examples
    --------
    >>> import nn
    >>> [sum(p.size for p in nn.models.char_rnn(65, kind).parameters())
    ...  for kind in ("rnn", "lstm", "gru")]
    [31201, 93409, 72673]
    """
    return CharRNN(characters, kind, **options)
