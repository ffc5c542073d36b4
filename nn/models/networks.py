"""Whole networks by one call."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nn.layers.activations import Identity, Tanh, named
from nn.layers.basic import Linear, Sequential
from nn.layers.convolution import Conv2d
from nn.layers.pooling import AvgPool2d, Flatten
from nn.models.language import CharRNN
from nn.module import Module


def mlp(
    sizes: Sequence[int],
    activation: str | Callable[[], Module] = "sigmoid",
    *,
    output: str | Callable[[], Module] | None = "same",
    init: Callable[..., Any] | str | None = None,
    bias_init: Callable[..., Any] | str | None = None,
    rng: np.random.Generator | int | None = None,
    dtype: Any = np.float32,
) -> Sequential:
    """A feedforward network: every neuron sums the layer before it, then is activated.

    Parameters
    ----------
    sizes
        The number of inputs, of the neurons of each hidden layer, and of outputs.
    activation
        Of the hidden layers: a name of :mod:`nn.activations`, or a module class.
    output
        Of the last layer: ``"same"`` as the hidden ones (the network of the quadratic cost), a
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
    rng = np.random.default_rng(rng)
    last = activation if output == "same" else output
    layers: list[Module] = []
    for i, (n, m) in enumerate(itertools.pairwise(sizes)):
        layers.append(Linear(n, m, init=init, bias_init=bias_init, rng=rng, dtype=dtype))
        chosen = activation if i < len(sizes) - 2 else last
        if chosen is not None and chosen not in ("identity", Identity):
            layers.append(named(chosen) if isinstance(chosen, str) else chosen())
    return Sequential(*layers)


def perceptron(
    inputs: int,
    outputs: int = 1,
    *,
    rng: np.random.Generator | int | None = None,
    dtype: Any = np.float32,
) -> Linear:
    """A perceptron: one layer of weighted sums, without a hidden one (F. Rosenblatt, 1958).

    It gives logits, for :func:`nn.binary_cross_entropy_with_logits` or :func:`nn.cross_entropy`;
    classes that a line parts it learns, XOR it cannot.

    Examples
    --------
    >>> import nn
    >>> sum(p.size for p in nn.models.perceptron(2).parameters())
    3
    """
    return Linear(inputs, outputs, rng=rng, dtype=dtype)


def lenet5(*, rng: np.random.Generator | int | None = None, dtype: Any = np.float32) -> Sequential:
    """LeNet-5 for images ``(N, 1, 28, 28)`` in ten classes, 61,706 parameters.

    Two convolutions with tanh and mean pooling, then 400-120-84-10 (Y. LeCun and others,
    *Gradient-based learning applied to document recognition*, 1998), with the simplifications
    that are usual: full connection between the maps, and logits for :func:`nn.cross_entropy`.

    Examples
    --------
    >>> import nn
    >>> sum(p.size for p in nn.models.lenet5(rng=0).parameters())
    61706
    """
    rng = np.random.default_rng(rng)
    options: dict[str, Any] = {"rng": rng, "dtype": dtype}
    return Sequential(
        *(Conv2d(1, 6, 5, padding=2, **options), Tanh(), AvgPool2d(2)),
        *(Conv2d(6, 16, 5, **options), Tanh(), AvgPool2d(2)),
        *(Flatten(), Linear(400, 120, **options), Tanh()),
        *(Linear(120, 84, **options), Tanh(), Linear(84, 10, **options)),
    )


def char_rnn(
    characters: int,
    kind: str = "gru",
    *,
    embed: int = 32,
    hidden: int = 128,
    rng: np.random.Generator | int | None = None,
    dtype: Any = np.float32,
    **options: Any,
) -> CharRNN:
    """A language model of characters: 32 numbers each, 128 hidden units, logits of the next one.

    Parameters
    ----------
    characters
        The size of the vocabulary.
    kind
        ``"rnn"``, ``"lstm"`` or ``"gru"``.
    embed, hidden, rng, dtype, **options
        As in :class:`nn.language.CharRNN`.

    Examples
    --------
    >>> import nn
    >>> [sum(p.size for p in nn.models.char_rnn(65, kind).parameters())
    ...  for kind in ("rnn", "lstm", "gru")]
    [31201, 93409, 72673]
    """
    return CharRNN(characters, kind, embed=embed, hidden=hidden, rng=rng, dtype=dtype, **options)
