"""Linear and Sequential: what a feedforward network is made of; and Embedding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from nn import init
from nn.functional import activations as functional
from nn.module import Module
from nn.parameter import Parameter

Initializer = Callable[..., Any]


class Linear(Module):
    """The weighted sums of a layer: ``x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features
        The last axis of the input and of the output.
    bias
        Whether there is one.
    init, bias_init
        Functions of a shape (see :mod:`nn.init`), or their names, for the weight and the bias;
        by default both are U(-1/sqrt(in_features), 1/sqrt(in_features)), as in PyTorch.  With
        ``init`` alone the bias starts at zero.
    rng
        Generator or seed of the initial values.
    dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter (out_features, in_features)
    bias : Parameter (out_features,) or None

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Linear(784, 16, rng=0)
    >>> layer(np.zeros((10, 784), np.float32)).shape
    (10, 16)
    """

    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: Initializer | str | None = None,
        bias_init: Initializer | str | None = None,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        if in_features < 1 or out_features < 1:
            raise ValueError(
                f"Linear needs at least one input and one output, got "
                f"Linear({in_features}, {out_features})"
            )
        self.in_features, self.out_features = in_features, out_features
        rng = np.random.default_rng(rng)
        first = _initializer(init, in_features)
        self.weight = Parameter(first((out_features, in_features), rng=rng), dtype=dtype)
        self.bias = None
        if bias:
            second = "zeros" if init is not None and bias_init is None else bias_init
            values = _initializer(second, in_features)((out_features,), rng=rng)
            self.bias = Parameter(values, dtype=dtype)

    def forward(self, x: Any) -> Any:
        """Map ``x (..., in_features)`` to ``(..., out_features)``."""
        if x.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"Linear({self.in_features}, {self.out_features}) expects a last axis of "
                f"{self.in_features}, got shape {x.shape}" + _remedy(x.shape, self.in_features)
            )
        return functional.linear(x, self.weight, self.bias)

    def describe(self) -> str:
        tail = "" if self.bias is not None else ", bias=False"
        return f"{self.in_features}, {self.out_features}{tail}"

    def multiply_adds(self, output_shape: tuple[int, ...]) -> int:
        """Of one call whose result has ``output_shape``."""
        return int(np.prod(output_shape)) * self.in_features


class Embedding(Module):
    """A table of vectors, one for each of a number of things (words, characters): ``weight[ids]``.

    Parameters
    ----------
    num_embeddings, embedding_dim
        The number of rows, and the length of each.
    padding_idx
        A row that is zero and gets no gradient, for what fills up short sequences.
    init
        A function of a shape, or its name; by default N(0, 1), as in PyTorch.
    rng, dtype
        Of the initial values.

    Attributes
    ----------
    weight : Parameter (num_embeddings, embedding_dim)

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Embedding(10, 3, padding_idx=0, rng=0)
    >>> vectors = layer(np.array([[4, 2, 0], [7, 0, 0]]))
    >>> vectors.shape, vectors[1, 1].tolist()
    ((2, 3, 3), [0.0, 0.0, 0.0])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        init: Initializer | str = "normal",
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        if num_embeddings < 1 or embedding_dim < 1:
            raise ValueError(
                f"Embedding needs at least one row of at least one number, got "
                f"Embedding({num_embeddings}, {embedding_dim})"
            )
        if padding_idx is not None and not 0 <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx is from 0 to {num_embeddings - 1}, got {padding_idx}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx
        values = _initializer(init, embedding_dim)(
            (num_embeddings, embedding_dim), rng=np.random.default_rng(rng)
        )
        if padding_idx is not None:
            values[padding_idx] = 0
        self.weight = Parameter(values, dtype=dtype)

    def forward(self, ids: Any) -> Any:
        """Look up whole numbers ``ids (...)``: ``(..., embedding_dim)``."""
        rows = functional.embedding(ids, self.weight)
        if self.padding_idx is None:
            return rows
        padding = (functional.plain(ids) == self.padding_idx)[..., None]
        return np.where(padding, self.weight.detach()[self.padding_idx], rows)

    def describe(self) -> str:
        tail = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{tail}"


def _initializer(given: Initializer | str | None, in_features: int) -> Initializer:
    if given is None:
        bound = in_features**-0.5
        return lambda shape, rng: init.uniform(shape, -bound, bound, rng=rng)
    return init.named(given) if isinstance(given, str) else given


def _remedy(shape: tuple[int, ...], wanted: int) -> str:
    flat = int(np.prod(shape[1:])) if len(shape) > 2 else 0
    return f"; flatten it first: x.reshape({shape[0]}, {wanted})" if flat == wanted else ""


class Sequential(Module):
    """Layers one after the other; each is a module or any function of one Tensor.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Linear(2, 4), np.tanh, nn.Linear(4, 1))
    >>> model(np.zeros((5, 2), np.float32)).shape
    (5, 1)
    >>> len(model), model[0]
    (3, Linear(2, 4))
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        for i, layer in enumerate(layers):
            if not callable(layer):
                raise TypeError(
                    f"layer {i} of Sequential is a {type(layer).__name__}, not a module or a "
                    "function; to pass a list write Sequential(*layers)"
                )
        self.layers = list(layers)

    def members(self) -> Iterable[tuple[str, Any]]:
        """The layers by number: ``0.weight``, as PyTorch names them."""
        return ((str(i), layer) for i, layer in enumerate(self.layers))

    def forward(self, x: Any) -> Any:
        """Run ``x`` through every layer."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Callable[[Any], Any]]:
        return iter(self.layers)

    def __getitem__(self, index: Any) -> Any:
        picked = self.layers[index]
        return Sequential(*picked) if isinstance(index, slice) else picked
