"""Conv1d, Conv2d and ConvTranspose2d: layers of learned filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn import init as initializers
from nn.functional.convolution import conv, conv_transpose
from nn.functional.geometry import Padding, geometry, per_axis
from nn.module import Module
from nn.parameter import Parameter


class _Conv(Module):
    """What the layers share: a weight and a bias with PyTorch's shapes and first values."""

    axes: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: Any = 1,
        padding: Padding = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        init: Any = None,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        size = per_axis(kernel_size, self.axes, "kernel_size")
        if in_channels % groups or out_channels % groups or groups < 1:
            raise ValueError(
                f"groups={groups} must divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        geometry(size, stride, padding, dilation, groups)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, size
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        rng = np.random.default_rng(rng)
        first, second = in_channels, out_channels // groups
        if not self.transposed:
            first, second = out_channels, in_channels // groups
        shape = (first, second, *size)
        bound = 1 / np.sqrt(second * np.prod(size))
        values = (
            rng.uniform(-bound, bound, shape)
            if init is None
            else initializers.named(init)(shape, rng=rng)
        )
        self.weight = Parameter(values, dtype=dtype)
        self.bias = (
            Parameter(rng.uniform(-bound, bound, out_channels), dtype=dtype) if bias else None
        )

    def forward(self, x: Any) -> Any:
        """Map ``x (N, in_channels, ...)`` to ``(N, out_channels, ...)``."""
        return conv(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )

    def multiply_adds(self, output_shape: tuple[int, ...]) -> int:
        """Of one call whose result has ``output_shape``."""
        return int(np.prod(output_shape)) * int(np.prod(self.weight.shape[1:]))

    def describe(self) -> str:
        size = "×".join(map(str, self.kernel_size))
        said = [f"{self.in_channels}, {self.out_channels}, {size}"]
        for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)):
            value = getattr(self, name)
            if value != usual:
                said.append(f"{name}={value!r}")
        return ", ".join(said)


class Conv1d(_Conv):
    """:func:`conv` of ``x (N, C, L)``, with PyTorch's weight ``(out, C / groups, k)``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Conv1d(3, 8, 5, padding="same", rng=0)(np.zeros((2, 3, 20), np.float32)).shape
    (2, 8, 20)
    """

    axes = 1


class Conv2d(_Conv):
    """:func:`conv` of ``x (N, C, H, W)``, with PyTorch's weight ``(out, C / groups, kh, kw)``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Conv2d(1, 6, 5, padding=2, rng=0)(np.zeros((2, 1, 28, 28), np.float32)).shape
    (2, 6, 28, 28)
    """

    axes = 2


class ConvTranspose2d(_Conv):
    """:func:`conv_transpose` of ``x (N, C, H, W)``, with weight ``(C, out / groups, kh, kw)``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.ConvTranspose2d(8, 3, 2, stride=2, rng=0)(np.zeros((2, 8, 7, 7), np.float32)).shape
    (2, 3, 14, 14)
    """

    axes = 2
    transposed = True
    output_padding: Any = 0

    def __init__(self, *args: Any, output_padding: Any = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.output_padding = output_padding

    def forward(self, x: Any) -> Any:
        """Map ``x (N, in_channels, H, W)`` to ``(N, out_channels, ...)``."""
        return conv_transpose(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding,
            self.groups, self.dilation,
        )  # fmt: skip
