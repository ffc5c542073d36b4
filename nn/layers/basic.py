"""Linear, Embedding, Flatten and Sequential: the layers of a feedforward network."""

# Primitives return an array for an array, so their calls are typed Any; layers promise a Tensor.
# mypy: no-warn-return-any

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.functional.activations import embedding, linear
from nn.init import Initializer, Rng, generator, initializer
from nn.module import Module, Parameter, check_counts


class Linear(Module):
    """Compute weighted sums of the inputs: ``x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features
        The length of the last axis of the input and of the output.
    bias
        Whether a bias is added.
    init, bias_init
        Functions of a shape (see :mod:`nn.init`), or their names, for the weight and the bias;
        by default both are U(-1/sqrt(in_features), 1/sqrt(in_features)), as in PyTorch.  With
        ``init`` alone the bias starts at zero.
    rng
        Generator or seed of the initial values.
    dtype
        The dtype of the parameters.

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
    takes_array = True

    @accepts_pytorch
    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: Rng = None,
        dtype: Any = np.float32,
    ) -> None:
        check_counts(self, in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        rng = generator(rng)
        draw = initializer(init, in_features)
        self.weight = Parameter(draw((out_features, in_features), rng=rng), dtype=dtype)
        self.bias = None
        if bias:
            zero = init is not None and bias_init is None
            draw = initializer("zeros" if zero else bias_init, in_features)
            self.bias = Parameter(draw((out_features,), rng=rng), dtype=dtype)

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``x (..., in_features)`` to ``(..., out_features)``."""
        n, shape = self.in_features, x.shape
        if shape[-1:] != (n,):
            flat = len(shape) > 2 and int(np.prod(shape[1:])) == n
            raise ValueError(
                f"Linear({n}, {self.out_features}) expects a last axis of {n}, got shape {shape}"
                + (f"; flatten it first: x.reshape({shape[0]}, {n})" if flat else "")
            )
        return linear(x, self.weight, self.bias)

    def describe(self) -> str:
        suffix = "" if self.bias is not None else ", bias=False"
        return f"{self.in_features}, {self.out_features}{suffix}"

    def multiply_adds(self, output_shape: tuple[int, ...]) -> int:
        """Return the number of multiply-adds of a call whose result has ``output_shape``."""
        return int(np.prod(output_shape)) * self.in_features


class Embedding(Module):
    """Look up vectors of words or characters by their numbers: ``weight[ids]``.

    Parameters
    ----------
    num_embeddings, embedding_dim
        The number of rows, and the length of each.
    padding_idx
        A row that is zero and gets no gradient, for the padding of short sequences.
    init
        A function of a shape, or its name; by default N(0, 1), as in PyTorch.
    rng, dtype
        Generator or seed, and dtype, of the initial values.

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

    @accepts_pytorch
    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        init: Initializer = "normal",
        rng: Rng = None,
        dtype: Any = np.float32,
    ) -> None:
        check_counts(self, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and not 0 <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx is from 0 to {num_embeddings - 1}, got {padding_idx}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx
        draw = initializer(init, embedding_dim)
        values = draw((num_embeddings, embedding_dim), rng=generator(rng))
        if padding_idx is not None:
            values[padding_idx] = 0
        self.weight = Parameter(values, dtype=dtype)

    def forward(self, ids: Any) -> ag.Tensor:
        """Look up whole numbers ``ids (...)``; the result has shape ``(..., embedding_dim)``."""
        return embedding(ids, self.weight, self.padding_idx)

    def describe(self) -> str:
        suffix = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{suffix}"


class Flatten(Module):
    """Join the axes from ``start_dim`` to ``end_dim``: ``(N, C, H, W)`` becomes ``(N, C H W)``."""

    takes_array = True
    end_dim = -1

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``(N, ...)`` to ``(N, features)``."""
        shape = tuple(x.shape)
        first, last = (d + x.ndim if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < x.ndim:
            raise ValueError(
                f"Flatten({self.start_dim}, {self.end_dim}) has no axes to join in shape {shape}"
            )
        return x.reshape(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])


class Sequential(Module):
    """Apply layers one after the other; each is a module or any function of one Tensor.

    A dict of layers gives them names, which replace their numbers in names of parameters.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Linear(2, 4), np.tanh, nn.Linear(4, 1))
    >>> model(np.zeros((5, 2), np.float32)).shape
    (5, 1)
    >>> len(model), model[0]
    (3, Linear(2, 4))
    """

    def __init__(self, *layers: Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]]) -> None:
        given: Any = layers[0] if len(layers) == 1 and isinstance(layers[0], Mapping) else None
        members = dict(given or {str(i): layer for i, layer in enumerate(layers)})
        for name, layer in members.items():
            if isinstance(layer, type):
                raise TypeError(
                    f"layer {name} of Sequential is the class {layer.__name__}; write "
                    f"{layer.__name__}()"
                )
            owner = getattr(layer, "func", layer)
            owner = owner if isinstance(owner, Module) else getattr(owner, "__self__", None)
            if isinstance(owner, Module) and owner is not layer:
                raise TypeError(
                    f"layer {name} of Sequential calls a {type(owner).__name__} whose parameters "
                    "would not be found; give the module itself, or a module that holds it"
                )
            if not callable(layer):
                raise TypeError(
                    f"layer {name} of Sequential is a {type(layer).__name__}, not a module or a "
                    "function; to pass a list write Sequential(*layers)"
                )
        self.layers = list(members.values())
        self._names = list(members) if given else []

    def members(self) -> Iterable[tuple[str, Any]]:
        """Return the layers by number, ``0.weight`` as in PyTorch, or by their names."""
        names = vars(self).get("_names", [])
        return ((names[i] if i < len(names) else str(i), v) for i, v in enumerate(self.layers))

    def forward(self, x: Any) -> ag.Tensor:
        """Run ``x`` through every layer."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Callable[[Any], Any]]:
        return iter(self.layers)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            return dict(self.members())[index]
        found = self.layers[index]
        return Sequential(*found) if isinstance(index, slice) else found
