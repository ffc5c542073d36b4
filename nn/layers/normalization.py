"""BatchNorm, LayerNorm and GroupNorm: mean 0 and variance 1, over examples or over features.

One function stands behind the three (S. Ioffe, C. Szegedy, *Batch normalization*, 2015; J. L. Ba,
J. R. Kiros, G. Hinton, *Layer normalization*, 2016; Y. Wu, K. He, *Group normalization*, 2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import floating, plain
from nn.module import Module
from nn.parameter import Parameter


@ag.primitive
def standardized(
    x: Any, weight: Any, bias: Any, *, axes: tuple[int, ...], eps: float, mean: Any, inverse: Any
) -> Any:
    """``weight (x - mean) inverse + bias``; ``mean`` and ``inverse`` are those of ``x`` itself."""
    out = x - mean
    out *= inverse * weight
    out += bias
    return out


def _standardized(
    g: Any, _out: Any, x: Any, weight: Any, _bias: Any, *, axes: Any, eps: float, mean: Any,
    inverse: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    if isinstance(x, ag.Tensor):  # so that the second derivative sees what they depend on
        mean, inverse = moments(x, axes, eps)
    centred, count = x - mean, math.prod(x.shape[i] for i in axes)
    before = x.ndim - np.ndim(weight)  # axes that the weight lacks
    if any(i >= before and weight.shape[i - before] > 1 for i in axes):
        h, hat = g * weight, centred * inverse
        along = hat * (_products(h, hat, axes) / count)
        to_x = inverse * (h - h.sum(axis=axes, keepdims=True) / count - along)
        return to_x, g * hat, g
    to_weight, to_bias = inverse * _products(g, centred, axes), g.sum(axis=axes, keepdims=True)
    to_x = (g - to_bias / count - centred * (inverse * to_weight / count)) * (inverse * weight)
    return to_x, to_weight, to_bias


standardized.defvjp(joint=_standardized)


def _products(a: Any, b: Any, axes: tuple[int, ...]) -> Any:
    """The sum of ``a b`` over ``axes``, which stay as ones; in one pass."""
    every = list(range(a.ndim))
    found = np.einsum(a, every, b, every, [i for i in every if i not in axes])
    return found.reshape([1 if i in axes else n for i, n in enumerate(a.shape)])


def spread_of(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """The mean over ``axes``, and the variance (biased)."""
    mean = x.mean(axis=axes, keepdims=True)
    centred, count = x - mean, math.prod(x.shape[i] for i in axes)
    return mean, _products(centred, centred, axes) / count


def moments(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any]:
    """The mean over ``axes``, and one over the standard deviation (biased, with ``eps`` inside)."""
    mean, variance = spread_of(x, axes)
    return mean, 1 / np.sqrt(variance + eps)


def normalize(x: Any, weight: Any, bias: Any, axes: tuple[int, ...], eps: float) -> Any:
    """``x`` with mean 0 and variance 1 over ``axes``, times ``weight`` plus ``bias``."""
    x = floating(x)
    if x.dtype.itemsize < 4:  # sums of squares of float16 overflow
        return normalize(x.astype(np.float32), weight, bias, axes, eps).astype(x.dtype)
    mean, inverse = moments(plain(x), axes, eps)
    return standardized(x, weight, bias, axes=axes, eps=eps, mean=mean, inverse=inverse)


class _Norm(Module):
    weight: Any
    bias: Any

    def _affine(self, shape: Sequence[int], wanted: bool, dtype: Any) -> None:
        self.weight = Parameter(np.ones(shape), dtype=dtype) if wanted else None
        self.bias = Parameter(np.zeros(shape), dtype=dtype) if wanted else None

    def _both(self, x: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Weight and bias in a shape that broadcasts with ``x``."""
        if self.weight is None:
            return x.dtype.type(1), x.dtype.type(0)
        return self.weight.reshape(shape), self.bias.reshape(shape)


class _BatchNorm(_Norm):
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    dims: tuple[int, ...]

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True,
        *, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self._affine((num_features,), affine, dtype)
        self.running_mean = np.zeros(num_features, dtype)
        self.running_var = np.ones(num_features, dtype)
        self.num_batches_tracked = np.array(0)

    def forward(self, x: Any) -> Any:
        """Normalize ``x (N, C, ...)`` by each channel; statistics of the batch while training."""
        if x.ndim not in self.dims or x.shape[1] != self.num_features:
            raise ValueError(
                f"{type(self).__name__}({self.num_features}) expects an input of "
                f"{' or '.join(map(str, self.dims))} axes with {self.num_features} channels on the "
                f"second, got shape {tuple(x.shape)}"
            )
        x = floating(x)
        if x.dtype.itemsize < 4:  # sums of squares of float16 overflow
            return self.forward(x.astype(np.float32)).astype(x.dtype)
        axes, shape = (0, *range(2, x.ndim)), (1, -1, *(1,) * (x.ndim - 2))
        weight, bias = self._both(x, shape)
        if not self.training:
            inverse = 1 / np.sqrt(self.running_var.reshape(shape) + self.eps)
            return (x - self.running_mean.reshape(shape)) * (
                weight * inverse.astype(x.dtype)
            ) + bias
        count = x.size // self.num_features
        if count < 2:
            raise ValueError(
                f"{type(self).__name__} needs more than one value for each channel while training, "
                f"got shape {tuple(x.shape)}; use a larger batch, or model.eval()"
            )
        mean, variance = spread_of(plain(x), axes)
        inverse, unbiased = 1 / np.sqrt(variance + self.eps), variance * (count / (count - 1))
        for running, new in ((self.running_mean, mean), (self.running_var, unbiased)):
            running += self.momentum * (new.reshape(-1) - running)
        self.num_batches_tracked += 1
        return standardized(x, weight, bias, axes=axes, eps=self.eps, mean=mean, inverse=inverse)

    def describe(self) -> str:
        return str(self.num_features)


class BatchNorm1d(_BatchNorm):
    """Each feature of ``x (N, C)`` or ``(N, C, L)`` with mean 0 and variance 1 over the batch.

    Parameters
    ----------
    num_features
        C.
    eps
        Added to the variance.
    momentum
        The weight of a new batch in the running mean and variance, which evaluation uses.
    affine
        Whether a weight and a bias follow.

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.BatchNorm1d(2)(np.array([[1.0, 10.0], [3.0, 30.0]], np.float32))
    >>> y.numpy().round(3).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Each channel of ``x (N, C, H, W)`` with mean 0 and variance 1; see :class:`BatchNorm1d`."""

    dims = (4,)


class LayerNorm(_Norm):
    """Each example with mean 0 and variance 1 over its last axes.

    Parameters
    ----------
    normalized_shape
        The lengths of these axes, or of the last one.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.LayerNorm(2)(np.array([[1.0, 3.0]], np.float32)).numpy().round(3).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, affine: bool = True,
        *, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        one = isinstance(normalized_shape, (int, np.integer))
        self.normalized_shape = (normalized_shape,) if one else tuple(normalized_shape)  # type: ignore[arg-type]
        self.eps = eps
        self._affine(self.normalized_shape, affine, dtype)  # type: ignore[arg-type]

    def forward(self, x: Any) -> Any:
        """Normalize ``x (..., *normalized_shape)``."""
        n = len(self.normalized_shape)
        if tuple(x.shape[-n:]) != self.normalized_shape:
            raise ValueError(
                f"LayerNorm{self.normalized_shape} expects these last axes, got {tuple(x.shape)}"
            )
        weight, bias = self._both(x, self.normalized_shape)  # type: ignore[arg-type]
        return normalize(x, weight, bias, tuple(range(x.ndim - n, x.ndim)), self.eps)

    def describe(self) -> str:
        return str(self.normalized_shape)


class GroupNorm(_Norm):
    """Each example with mean 0 and variance 1 over each of ``num_groups`` groups of channels.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.GroupNorm(2, 4)(np.zeros((1, 4, 3, 3), np.float32)).shape
    (1, 4, 3, 3)
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
        *, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        if num_channels % num_groups:
            raise ValueError(f"{num_channels} channels cannot be split into {num_groups} groups")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self._affine((num_channels,), affine, dtype)

    def forward(self, x: Any) -> Any:
        """Normalize ``x (N, C, ...)``."""
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ValueError(
                f"GroupNorm({self.num_groups}, {self.num_channels}) expects {self.num_channels} "
                f"channels on the second axis, got shape {tuple(x.shape)}"
            )
        each = self.num_channels // self.num_groups
        apart = x.reshape(x.shape[0], self.num_groups, each, int(np.prod(x.shape[2:])))
        weight, bias = self._both(x, (1, self.num_groups, each, 1))
        return normalize(apart, weight, bias, (2, 3), self.eps).reshape(x.shape)

    def describe(self) -> str:
        return f"{self.num_groups}, {self.num_channels}"
