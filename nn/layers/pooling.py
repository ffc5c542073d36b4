"""Pooling layers: the maximum or the mean of each window, or of a whole image; upsampling."""

# Primitives return an array for an array, so their calls are typed Any; layers promise a Tensor.
# mypy: no-warn-return-any

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.functional import pooling as functional
from nn.module import Module


class _Pool(Module):
    """Base class of pooling by windows."""

    takes_array = True
    _pool: Callable[..., Any]
    kernel_size: Any
    _options: tuple[str, ...]
    ceil_mode, dilation, count_include_pad = False, 1, True  # as in pickles of version 0.1

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``(N, C, ...)`` to the same with other lengths."""
        return type(self)._pool(x, *(getattr(self, name) for name in self._options))

    def describe(self) -> str:
        defaults = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
        defaults["count_include_pad"] = True
        others = (f"{k}={getattr(self, k)}" for k, v in defaults.items() if getattr(self, k) != v)
        return ", ".join([str(self.kernel_size), *others])


class _MaxPool(_Pool):
    _options = "kernel_size", "stride", "padding", "dilation", "ceil_mode"

    @accepts_pytorch
    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, *,
        ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.ceil_mode = dilation, ceil_mode


class _AvgPool(_Pool):
    _options = "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"

    @accepts_pytorch
    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad


class MaxPool1d(_MaxPool):
    """Take the maximum of each window of ``(N, C, L)``; see :class:`nn.MaxPool2d`."""

    _pool = staticmethod(partial(functional.windowed_max, 1))


class MaxPool2d(_MaxPool):
    """Take the maximum of each window of ``(N, C, H, W)``; see :func:`nn.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation
        Numbers, or one for each axis.  The stride is the size of the window by default.
    ceil_mode
        Whether a last window may reach beyond the input.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.MaxPool2d(2)(np.zeros((1, 6, 28, 28))).shape
    (1, 6, 14, 14)
    """

    _pool = staticmethod(functional.max_pool2d)


class AvgPool1d(_AvgPool):
    """Take the mean of each window of ``(N, C, L)``; see :class:`nn.AvgPool2d`."""

    _pool = staticmethod(partial(functional.windowed_mean, 1))


class AvgPool2d(_AvgPool):
    """Take the mean of each window of ``(N, C, H, W)``; see :func:`nn.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding
        Numbers, or one for each axis.  The stride is the size of the window by default.
    ceil_mode
        Whether a last window may reach beyond the input.
    count_include_pad
        Whether the zeros of the padding count.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.AvgPool2d(2)(np.zeros((1, 6, 28, 28))).shape
    (1, 6, 14, 14)
    """

    _pool = staticmethod(functional.avg_pool2d)


class _Adaptive(Module):
    """Base class of pooling to a given number of windows."""

    takes_array = True
    _pool: Callable[..., Any]

    @accepts_pytorch
    def __init__(self, output_size: int | Sequence[int]) -> None:
        self.output_size = output_size

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``(N, C, ...)`` to ``(N, C, *output_size)``."""
        return type(self)._pool(x, self.output_size)

    def describe(self) -> str:
        return str(self.output_size)


class AdaptiveAvgPool1d(_Adaptive):
    """Take the means of ``output_size`` windows; see :class:`nn.AdaptiveAvgPool2d`."""

    _pool = staticmethod(partial(functional.adaptive_avg_pool, 1))


class AdaptiveAvgPool2d(_Adaptive):
    """Take the means of ``output_size`` windows; see :func:`nn.adaptive_avg_pool2d`."""

    _pool = staticmethod(functional.adaptive_avg_pool2d)


class AdaptiveMaxPool1d(_Adaptive):
    """Take the maxima of ``output_size`` windows; see :class:`nn.AdaptiveMaxPool2d`."""

    _pool = staticmethod(partial(functional.adaptive_max_pool, 1))


class AdaptiveMaxPool2d(_Adaptive):
    """Take the maxima of ``output_size`` windows; see :func:`nn.adaptive_max_pool2d`."""

    _pool = staticmethod(functional.adaptive_max_pool2d)


class Upsample(Module):
    """Stretch sequences or images; see :func:`nn.interpolate`.

    Parameters
    ----------
    size, scale_factor, mode, align_corners
        As in :func:`nn.interpolate`; one of the first two.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Upsample(scale_factor=2)(np.zeros((1, 3, 7, 5))).shape
    (1, 3, 14, 10)
    """

    takes_array = True

    def __init__(
        self, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
        align_corners: bool | None = None,
    ) -> None:  # fmt: skip
        self.options = size, scale_factor, mode, bool(align_corners)

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``(N, C, ...)`` to ``(N, C, ...)`` with other lengths."""
        return functional.interpolate(x, *self.options)

    def describe(self) -> str:
        return ", ".join(map(str, self.options))


class GlobalAvgPool(Module):
    """Take the mean over all axes but the first two: ``(N, C, ...)`` becomes ``(N, C)``."""

    takes_array = True

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``(N, C, ...)`` to ``(N, C)``."""
        mean: Any = np.mean(x, axis=tuple(range(2, x.ndim)))
        return mean
