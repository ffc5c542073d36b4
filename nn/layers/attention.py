"""Attention: every place of a sequence takes a weighted mean of the values of all places.

The function, its layer of several heads and the layer of a transformer are those of A. Vaswani and
others, *Attention is all you need*, 2017; parameters, arguments and masks are PyTorch's.  Queries,
keys and values come from one product, and NumPy's own functions do the rest: a primitive that
computes the weights again on the way back was measured to take half as long again.
"""

# Primitives return an array for an array, so their calls are typed Any; layers promise a Tensor.
# mypy: no-warn-return-any

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.functional.activations import as_float_array, linear, softmax
from nn.init import Rng, generator, xavier_uniform
from nn.layers.activations import named
from nn.layers.basic import Linear
from nn.layers.dropout import Dropout
from nn.layers.normalization import LayerNorm
from nn.module import Module, Parameter, check_counts
from nn.placement import as_of


@functools.lru_cache(maxsize=16)
def _causal(rows: int, columns: int, dtype: Any) -> Any:
    """Return what hides later places: 0 up to the diagonal, -inf above it."""
    hidden = np.triu(np.full((rows, columns), -np.inf, dtype), 1)
    hidden.flags.writeable = False
    return hidden


def _summand(mask: Any, dtype: Any, hides: bool, *shapes: tuple[int, ...]) -> Any:
    """Return a mask as what is added to scores; True hides a place, or the others are hidden."""
    mask = mask if hasattr(mask, "dtype") else np.asarray(mask)
    if mask.dtype.kind not in "bf" or (shapes and tuple(mask.shape) not in shapes):
        raise ValueError(
            "a mask is of booleans (write mask.astype(bool)), or of floats that are added to the "
            f"scores, of shape {' or '.join(map(str, shapes))}; got {mask.dtype}, "
            f"{tuple(mask.shape)}"
        )
    if mask.dtype.kind == "b":
        return np.where(mask if hides else ~mask, dtype.type(-np.inf), dtype.type(0))
    return mask.astype(dtype, copy=False)


def _attend(
    query: Any, key: Any, value: Any, added: Any, is_causal: bool, scale: float | None,
    dropout: Callable[[Any], Any] | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Return the means ``(..., L, D)`` and the weights ``(..., L, S)``, before dropout."""
    factor = query.dtype.type(query.shape[-1] ** -0.5 if scale is None else scale)
    scores = (query * factor) @ np.swapaxes(key, -1, -2)
    hidden = _causal(*scores.shape[-2:], np.dtype(scores.dtype)) if is_causal else 0
    causal = as_of(hidden, scores)
    if added is None:
        weights = softmax(scores + causal if is_causal else scores)
    else:  # a query that sees no place gets zeros
        alive = np.any(added + causal != -np.inf, axis=-1, keepdims=True)
        weights = softmax(np.where(alive, scores + (added + causal), 0))
        weights = np.where(alive, weights, 0)
    return (weights if dropout is None else dropout(weights)) @ value, weights


def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, *, is_causal: bool = False,
    scale: float | None = None, dropout: Callable[[Any], Any] | None = None,
) -> Any:  # fmt: skip
    """Return ``softmax(query @ key.T * scale + mask) @ value`` (A. Vaswani and others, 2017).

    Parameters
    ----------
    query : (..., L, E)
    key : (..., S, E)
    value : (..., S, D)
    attn_mask
        What broadcasts to ``(..., L, S)``: booleans, True where a query sees a key, or numbers that
        are added to the scores.  A query that sees no key gets zeros.
    is_causal
        Whether query ``i`` sees keys up to ``i`` alone.
    scale
        By default ``1 / sqrt(E)``.
    dropout
        A function of the weights, such as an :class:`nn.Dropout` (PyTorch's ``dropout_p``).

    Returns
    -------
    array (..., L, D)

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.eye(3)
    >>> nn.scaled_dot_product_attention(x, x, x, is_causal=True).round(2)
    array([[1.  , 0.  , 0.  ],
           [0.36, 0.64, 0.  ],
           [0.26, 0.26, 0.47]])
    """
    name = "scaled_dot_product_attention"
    q, k, v = (as_float_array(a, name) for a in (query, key, value))
    shapes = [tuple(a.shape) for a in (q, k, v)]
    if min(map(len, shapes)) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"{name} expects query (..., L, E), key (..., S, E) and value (..., S, D), got shapes "
            f"{', '.join(map(str, shapes))}"
        )
    narrow = q.dtype.itemsize < 4  # sums of float16 overflow
    if narrow:
        q, k, v = (a.astype(np.float32) for a in (q, k, v))
    added = None if attn_mask is None else _summand(attn_mask, q.dtype, False)
    out, _ = _attend(q, k, v, added, is_causal, scale, dropout)
    return out.astype(query.dtype) if narrow else out


class MultiheadAttention(Module):
    """Attend with several heads: each to its own projection of queries, keys and values.

    Parameters
    ----------
    embed_dim, num_heads
        The length E of vectors, and the number of heads, which divides it.
    dropout
        The probability with which each weight is dropped in training.
    bias
        Whether the projections have biases.
    rng, dtype
        Generator or seed, and dtype, of the initial values.

    Attributes
    ----------
    in_proj_weight : Parameter (3 E, E)
        The projections of queries, keys and values, in this order.
    in_proj_bias : Parameter (3 E,) or None
    out_proj : Linear (E, E)

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.MultiheadAttention(8, 2, rng=0)
    >>> out, weights = layer(np.zeros((4, 5, 8), np.float32))
    >>> out.shape, weights.shape
    ((4, 5, 8), (4, 5, 5))
    """

    takes_array = True
    in_proj_bias: Parameter | None

    @accepts_pytorch
    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, *,
        rng: Rng = None, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        check_counts(self, embed_dim=embed_dim, num_heads=num_heads)
        if embed_dim % num_heads:
            raise ValueError(f"{num_heads} heads do not divide vectors of {embed_dim} numbers")
        self.embed_dim, self.num_heads, n, rng = embed_dim, num_heads, embed_dim, generator(rng)
        self.in_proj_weight = Parameter(xavier_uniform((3 * n, n), rng=rng), dtype=dtype)
        self.in_proj_bias = Parameter(np.zeros(3 * n), dtype=dtype) if bias else None
        self.out_proj = Linear(n, n, bias, bias_init="zeros", rng=rng, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng.spawn(1)[0])

    def forward(
        self, query: Any, key: Any = None, value: Any = None, key_padding_mask: Any = None,
        need_weights: bool = True, attn_mask: Any = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[ag.Tensor, Any]:  # fmt: skip
        """Attend from ``query`` to ``key``, and return means and weights.

        Parameters
        ----------
        query : (N, L, E) or (L, E)
        key, value : (N, S, E) or (S, E)
            By default the queries themselves, and the keys.
        key_padding_mask : (N, S) or (S,)
            True where a key is padding, which no query sees; or numbers added to scores.
        need_weights
            Whether weights are returned, else None.
        attn_mask : (L, S) or (N * num_heads, L, S)
            True where a query does **not** see a key, as in PyTorch, and contrary to
            :func:`nn.scaled_dot_product_attention`; or numbers that are added to the scores.
        average_attn_weights
            Whether weights are the mean over heads, ``(N, L, S)``, not ``(N, num_heads, L, S)``.
        is_causal
            Whether query ``i`` sees keys up to ``i`` alone; no mask is needed.

        Returns
        -------
        tuple
            A Tensor of the shape of ``query``, and the weights.
        """
        key = query if key is None else key
        value = key if value is None else value
        n, heads = self.embed_dim, self.num_heads
        for what, a in (("query", query), ("key", key), ("value", value)):
            if a.ndim not in (2, 3) or a.shape[-1] != n or a.ndim != query.ndim:
                raise ValueError(
                    f"MultiheadAttention({n}, {heads}) expects a {what} (N, T, {n}) or (T, {n}), "
                    f"got shape {tuple(a.shape)}"
                )
        q, k, v = (self._heads(a) for a in self._projections(query, key, value))
        added, keys = None, tuple(key.shape[:-1])
        if key_padding_mask is not None:
            added = _summand(key_padding_mask, q.dtype, True, keys)
            added = added.reshape(*keys[:-1], 1, 1, keys[-1])
        if attn_mask is not None:
            scores = query.shape[-2], keys[-1]
            shapes = scores, (math.prod(q.shape[:-2]), *scores)
            hidden = _summand(attn_mask, q.dtype, True, *shapes)
            hidden = hidden.reshape(*q.shape[:-2], *scores) if hidden.ndim == 3 else hidden
            added = hidden if added is None else added + hidden
        out, weights = _attend(q, k, v, added, is_causal, None, self.dropout)
        out = self.out_proj(np.swapaxes(out, -2, -3).reshape(query.shape))
        if need_weights and average_attn_weights:
            weights = np.mean(weights, axis=-3)
        return out, weights if need_weights else None

    def _projections(self, query: Any, key: Any, value: Any) -> Any:
        """Return queries, keys and values; of a sequence that attends to itself by one product."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        if query is key is value:
            return np.split(linear(query, weight, bias), 3, axis=-1)
        biases = [None] * 3 if bias is None else np.split(bias, 3)
        weights = np.split(weight, 3)
        return [linear(*given) for given in zip((query, key, value), weights, biases, strict=True)]

    def _heads(self, x: Any) -> Any:
        """Return ``(..., T, E)`` as ``(..., num_heads, T, E / num_heads)``."""
        return np.swapaxes(x.reshape(*x.shape[:-1], self.num_heads, -1), -2, -3)

    def describe(self) -> str:
        return f"{self.embed_dim}, {self.num_heads}"


class TransformerEncoderLayer(Module):
    """Attend, then pass every place through two linear layers; both are added to their input.

    Parameters
    ----------
    d_model, nhead
        The length E of vectors, and the number of heads.
    dim_feedforward
        The number of units between the two linear layers.
    dropout
        The probability of dropping weights, units and what is added, in training.
    activation
        The name of an activation (see :func:`nn.layers.activations.named`), or a function.
    layer_norm_eps
        Added to the variances.
    norm_first
        Whether to normalize what goes into both parts, not the sums (R. Xiong and others, *On
        layer normalization in the transformer architecture*, 2020): deep stacks train without a
        long warm-up.
    bias
        Whether linear layers and norms have biases.
    rng, dtype
        Generator or seed, and dtype, of the initial values.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.TransformerEncoderLayer(8, 2, 32, norm_first=True, rng=0).eval()
    >>> layer(np.zeros((4, 5, 8), np.float32), is_causal=True).shape
    (4, 5, 8)
    """

    takes_array = True

    @accepts_pytorch
    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu", layer_norm_eps: float = 1e-5, *,
        norm_first: bool = False, bias: bool = True, rng: Rng = None, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        options: dict[str, Any] = {"rng": generator(rng), "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, **options)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **options)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **options)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        drops = [Dropout(dropout, rng=rng) for rng in options["rng"].spawn(3)]
        self.dropout, self.dropout1, self.dropout2 = drops
        self.activation = named(activation) if isinstance(activation, str) else activation
        self.norm_first = norm_first

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> ag.Tensor:  # fmt: skip
        """Map ``src (N, T, E)`` or ``(T, E)`` to the same shape.

        ``src_mask``, ``src_key_padding_mask`` and ``is_causal`` are ``attn_mask``,
        ``key_padding_mask`` and ``is_causal`` of :class:`nn.MultiheadAttention`.
        """
        masks = {"key_padding_mask": src_key_padding_mask, "attn_mask": src_mask}

        def attended(x: Any) -> Any:
            found, _ = self.self_attn(x, need_weights=False, is_causal=is_causal, **masks)
            return self.dropout1(found)

        def fed(x: Any) -> Any:
            return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        if self.norm_first:
            x = src + attended(self.norm1(src))
            return x + fed(self.norm2(x))
        x = self.norm1(src + attended(src))
        return self.norm2(x + fed(x))
