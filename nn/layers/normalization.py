"""BatchNorm, LayerNorm and GroupNorm: mean 0 and variance 1, over examples or over features."""

# Primitives return an array for an array, so their calls are typed Any; layers promise a Tensor.
# mypy: no-warn-return-any

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.functional.activations import as_array, as_float_array
from nn.functional.blocks import is_batched
from nn.functional.normalization import mean_and_variance, normalize, standardized
from nn.module import Module, Parameter, check_counts, check_range


class _Norm(Module):
    """Base class of norms: the weight and the bias that may follow."""

    takes_array = True
    weight: Any
    bias: Any
    eps: Any

    def _set_affine(self, shape: Any, affine: bool, dtype: Any, bias: bool = True) -> None:
        check_range(self, 0, math.inf, eps=self.eps)
        self.weight = Parameter(np.ones(shape), dtype=dtype) if affine else None
        self.bias = Parameter(np.zeros(shape), dtype=dtype) if affine and bias else None

    def _affine(self) -> tuple[Any, Any]:
        """Return weight and bias; 1 and 0 where there are none."""
        return 1.0 if self.weight is None else self.weight, 0.0 if self.bias is None else self.bias


class _BatchNorm(_Norm):
    """Base class of batch normalization; ``dims`` are the numbers of axes an input may have."""

    buffers = ("running_mean", "running_var", "num_batches_tracked")
    dims: tuple[int, ...]

    @accepts_pytorch
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
        affine: bool = True, *, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        check_counts(self, num_features=num_features)
        check_range(self, 0, 1, momentum=0 if momentum is None else momentum)
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
        weight, bias = self._affine()
        if not self.training:
            inverse = (1 / np.sqrt(self.running_var + self.eps)).astype(x.dtype)
            scaled = (x - self.running_mean.reshape(shape)) * (weight * inverse).reshape(shape)
            return scaled if self.bias is None else scaled + bias.reshape(shape)
        if is_batched(x) or is_batched(self.running_mean):
            raise ag.VmapError(
                f"{type(self).__name__} in training lets the statistics of its batch into running "
                "ones, of which there is one set; under ag.vmap each example, or member of an "
                "ensemble, would have statistics of its own. Use model.eval(), whose statistics "
                "are fixed, or nn.GroupNorm or nn.LayerNorm, which have none",
                is_final=True,
            )
        count = x.size // self.num_features
        if count < 2:
            raise ValueError(
                f"{type(self).__name__} needs more than one value for each channel while training, "
                f"got shape {tuple(x.shape)}; use a larger batch, or model.eval()"
            )
        mean, variance = mean_and_variance(as_array(x), axes)
        inverse, unbiased = 1 / np.sqrt(variance + self.eps), variance * (count / (count - 1))
        if not ag.is_recomputing():
            self._track(mean, unbiased)
        return standardized(
            x, weight, bias, axes=axes, eps=self.eps, shape=x.shape,
            wide=(1, self.num_features, *shape[2:]), mean=mean, variance=variance,
        )  # fmt: skip

    def _track(self, mean: Any, variance: Any) -> None:
        """Let the statistics of a batch into the running ones."""
        self.num_batches_tracked += 1
        share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        for running, new in ((self.running_mean, mean), (self.running_var, variance)):
            change = share * (new.reshape(-1) - running)
            running += np.where(np.isfinite(change), change, 0)  # one bad batch spoils no others

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
        The weight of a new batch in the running mean and variance; None for the mean of all
        batches.  Statistics that are not finite do not enter.
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
    bias
        Whether the weight of ``affine`` has a bias beside it.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.LayerNorm(2)(np.array([[1.0, 3.0]], np.float32)).numpy().round(3).tolist()
    [[-1.0, 1.0]]
    """

    @accepts_pytorch
    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, affine: bool = True,
        bias: bool = True, *, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        lengths: Any = normalized_shape
        one = isinstance(lengths, (int, np.integer))
        self.normalized_shape: tuple[int, ...] = (lengths,) if one else tuple(lengths)
        for length in self.normalized_shape or (0,):
            check_counts(self, normalized_shape=length)
        self.eps = eps
        self._set_affine(self.normalized_shape, affine, dtype, bias)

    def forward(self, x: Any) -> ag.Tensor:
        """Normalize ``x (..., *normalized_shape)``."""
        n = self._check_axes(x)
        wide = (1,) * (x.ndim - n) + self.normalized_shape
        axes = tuple(range(x.ndim - n, x.ndim))
        return normalize(x, *self._affine(), axes, self.eps, wide=wide)

    def _check_axes(self, x: Any) -> int:
        """Return the number of normalized axes; ValueError unless they are the last of ``x``."""
        n = len(self.normalized_shape)
        if tuple(x.shape[-n:]) != self.normalized_shape:
            raise ValueError(
                f"{type(self).__name__}{self.normalized_shape} expects these last axes, got "
                f"{tuple(x.shape)}"
            )
        return n

    def describe(self) -> str:
        return str(self.normalized_shape)


class RMSNorm(LayerNorm):
    """Divide by the root of the mean square over the last axes (B. Zhang, R. Sennrich, 2019).

    Parameters
    ----------
    normalized_shape
        The lengths of these axes, or of the last one.
    eps
        Added to the mean square; by default the spacing of numbers near 1 in the input's dtype.
    affine, dtype
        As in :class:`nn.BatchNorm1d`; there is no bias.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.RMSNorm(2)(np.array([[1.0, 7.0]])).round(3).tolist()
    [[0.2, 1.4]]
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, affine: bool = True,
        *, dtype: Any = np.float32, **words: Any,
    ) -> None:  # fmt: skip
        super().__init__(normalized_shape, 0.0 if eps is None else eps, affine, False,
                         dtype=dtype, **words)  # fmt: skip
        self.eps = eps

    def forward(self, x: Any) -> ag.Tensor:
        """Normalize ``x (..., *normalized_shape)``."""
        self._check_axes(x)
        x = as_float_array(x)
        wide = x.astype(np.float32) if x.dtype.itemsize < 4 else x
        axes = tuple(range(x.ndim - len(self.normalized_shape), x.ndim))
        eps = float(np.finfo(x.dtype).eps) if self.eps is None else self.eps
        root = np.sqrt(np.mean(wide * wide, axis=axes, keepdims=True) + wide.dtype.type(eps))
        out = wide / root if self.weight is None else wide / root * self.weight
        return out.astype(x.dtype) if x.dtype.itemsize < 4 else out


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

    @accepts_pytorch
    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
        *, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        check_counts(self, num_groups=num_groups, num_channels=num_channels)
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
        shape = (x.shape[0], self.num_groups, size, math.prod(x.shape[2:]))
        wide = (1, self.num_groups, size, 1)
        return normalize(x, *self._affine(), (2, 3), self.eps, shape, wide)

    def describe(self) -> str:
        return f"{self.num_groups}, {self.num_channels}"
