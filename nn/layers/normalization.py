"""BatchNorm, LayerNorm and GroupNorm: mean 0 and variance 1, over examples or over features."""

# Primitives return an array for an array, so their calls are typed Any; layers promise a Tensor.
# mypy: no-warn-return-any

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import as_array, as_float_array
from nn.functional.normalization import mean_and_variance, normalize, standardized
from nn.module import Module, Parameter


class _Norm(Module):
    """Base class of norms: the weight and the bias that may follow."""

    weight: Any
    bias: Any

    def _set_affine(self, shape: Sequence[int], affine: bool, dtype: Any) -> None:
        self.weight = Parameter(np.ones(shape), dtype=dtype) if affine else None
        self.bias = Parameter(np.zeros(shape), dtype=dtype) if affine else None

    def _affine(self, x: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Return weight and bias in a shape that broadcasts with ``x``."""
        if self.weight is None:
            return x.dtype.type(1), x.dtype.type(0)
        return self.weight.reshape(shape), self.bias.reshape(shape)


class _BatchNorm(_Norm):
    """Base class of batch normalization; ``dims`` are the numbers of axes an input may have."""

    buffers = ("running_mean", "running_var", "num_batches_tracked")
    dims: tuple[int, ...]

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True,
        *, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self._set_affine((num_features,), affine, dtype)
        self.running_mean = np.zeros(num_features, dtype)
        self.running_var = np.ones(num_features, dtype)
        self.num_batches_tracked = np.array(0)

    def forward(self, x: Any) -> ag.Tensor:
        """Normalize each channel of ``x (N, C, ...)``; by statistics of the batch in training."""
        if x.ndim not in self.dims or x.shape[1] != self.num_features:
            raise ValueError(
                f"{type(self).__name__}({self.num_features}) expects an input of "
                f"{' or '.join(map(str, self.dims))} axes with {self.num_features} channels on the "
                f"second, got shape {tuple(x.shape)}"
            )
        x = as_float_array(x)
        if x.dtype.itemsize < 4:  # sums of squares of float16 overflow
            return self.forward(x.astype(np.float32)).astype(x.dtype)
        axes, shape = (0, *range(2, x.ndim)), (1, -1, *(1,) * (x.ndim - 2))
        weight, bias = self._affine(x, shape)
        if not self.training:
            inverse = 1 / np.sqrt(self.running_var.reshape(shape) + self.eps)
            factor = weight * inverse.astype(x.dtype)
            return (x - self.running_mean.reshape(shape)) * factor + bias
        count = x.size // self.num_features
        if count < 2:
            raise ValueError(
                f"{type(self).__name__} needs more than one value for each channel while training, "
                f"got shape {tuple(x.shape)}; use a larger batch, or model.eval()"
            )
        mean, variance = mean_and_variance(as_array(x), axes)
        inverse, unbiased = 1 / np.sqrt(variance + self.eps), variance * (count / (count - 1))
        for running, new in ((self.running_mean, mean), (self.running_var, unbiased)):
            running += self.momentum * (new.reshape(-1) - running)
        self.num_batches_tracked += 1
        return standardized(x, weight, bias, axes=axes, eps=self.eps, mean=mean, inverse=inverse)

    def describe(self) -> str:
        return str(self.num_features)


class BatchNorm1d(_BatchNorm):
    """Normalize each feature of ``x (N, C)`` or ``(N, C, L)`` to mean 0 and variance 1.

    Training uses the statistics of the batch, evaluation their running means.

    Parameters
    ----------
    num_features
        The number C of features.
    eps
        Added to the variance.
    momentum
        The weight of a new batch in the running mean and variance.
    affine
        Whether a weight and a bias follow.
    dtype
        The dtype of parameters and statistics.

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.BatchNorm1d(2)(np.array([[1.0, 10.0], [3.0, 30.0]], np.float32))
    >>> y.numpy().round(3).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalize each channel of ``x (N, C, H, W)``; see :class:`nn.BatchNorm1d`."""

    dims = (4,)


class LayerNorm(_Norm):
    """Normalize each example to mean 0 and variance 1 over its last axes.

    Parameters
    ----------
    normalized_shape
        The lengths of these axes, or of the last one.
    eps, affine, dtype
        As in :class:`nn.BatchNorm1d`.

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
        lengths: Any = normalized_shape
        one = isinstance(lengths, (int, np.integer))
        self.normalized_shape: tuple[int, ...] = (lengths,) if one else tuple(lengths)
        self.eps = eps
        self._set_affine(self.normalized_shape, affine, dtype)

    def forward(self, x: Any) -> ag.Tensor:
        """Normalize ``x (..., *normalized_shape)``."""
        n = len(self.normalized_shape)
        if tuple(x.shape[-n:]) != self.normalized_shape:
            raise ValueError(
                f"LayerNorm{self.normalized_shape} expects these last axes, got {tuple(x.shape)}"
            )
        weight, bias = self._affine(x, self.normalized_shape)
        return normalize(x, weight, bias, tuple(range(x.ndim - n, x.ndim)), self.eps)

    def describe(self) -> str:
        return str(self.normalized_shape)


class GroupNorm(_Norm):
    """Normalize each example to mean 0 and variance 1 over each of its groups of channels.

    Parameters
    ----------
    num_groups, num_channels
        Into how many groups the channels, on the second axis, are split; and their number.
    eps, affine, dtype
        As in :class:`nn.BatchNorm1d`.

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
        self._set_affine((num_channels,), affine, dtype)

    def forward(self, x: Any) -> ag.Tensor:
        """Normalize ``x (N, C, ...)``."""
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ValueError(
                f"GroupNorm({self.num_groups}, {self.num_channels}) expects {self.num_channels} "
                f"channels on the second axis, got shape {tuple(x.shape)}"
            )
        size = self.num_channels // self.num_groups
        grouped = x.reshape(x.shape[0], self.num_groups, size, int(np.prod(x.shape[2:])))
        weight, bias = self._affine(x, (1, self.num_groups, size, 1))
        return normalize(grouped, weight, bias, (2, 3), self.eps).reshape(x.shape)

    def describe(self) -> str:
        return f"{self.num_groups}, {self.num_channels}"
