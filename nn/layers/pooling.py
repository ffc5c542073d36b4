"""Pooling layers: the maximum or the mean of each window, or of a whole image."""

# Primitives return an array for an array, so their calls are typed Any; layers promise a Tensor.
# mypy: no-warn-return-any

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.functional.pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from nn.module import Module


class _Pool(Module):
    """Base class of pooling by windows."""

    takes_array = True

    @accepts_pytorch
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def describe(self) -> str:
        stride = "" if self.stride is None else f", stride={self.stride}"
        padding = f", padding={self.padding}" if self.padding else ""
        return f"{self.kernel_size}{stride}{padding}"


class MaxPool2d(_Pool):
    """Take the maximum of each window; see :func:`nn.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding
        Numbers, or one for each axis.  The stride is the size of the window by default.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.MaxPool2d(2)(np.zeros((1, 6, 28, 28))).shape
    (1, 6, 14, 14)
    """

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C, H', W')``."""
        return max_pool2d(x, self.kernel_size, self.stride, self.padding)


class AvgPool2d(_Pool):
    """Take the mean of each window, padding included; see :func:`nn.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding
        Numbers, or one for each axis.  The stride is the size of the window by default.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.AvgPool2d(2)(np.zeros((1, 6, 28, 28))).shape
    (1, 6, 14, 14)
    """

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C, H', W')``."""
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding)


class AdaptiveAvgPool2d(Module):
    """Take the means of ``output_size`` windows; see :func:`nn.adaptive_avg_pool2d`."""

    takes_array = True

    def __init__(self, output_size: int | Sequence[int]) -> None:
        self.output_size = output_size

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``(N, C, H, W)`` to ``(N, C, *output_size)``."""
        return adaptive_avg_pool2d(x, self.output_size)

    def describe(self) -> str:
        return str(self.output_size)


class GlobalAvgPool(Module):
    """Take the mean over all axes but the first two: ``(N, C, ...)`` becomes ``(N, C)``."""

    takes_array = True

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``(N, C, ...)`` to ``(N, C)``."""
        return np.mean(x, axis=tuple(range(2, x.ndim)))
