"""Conv1d, Conv2d and ConvTranspose2d: layers of learned filters."""

# Primitives return an array for an array, so their calls are typed Any; layers promise a Tensor.
# mypy: no-warn-return-any

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.functional.convolution import Padding, conv, conv_transpose, geometry, per_axis
from nn.init import Initializer, Rng, generator, initializer
from nn.module import Module, Parameter, check_counts

_DEFAULTS = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}


class _Conv(Module):
    """Base class of convolutions: the weight and the bias, with PyTorch's shapes and defaults."""

    axes: int
    transposed = False
    takes_array = True
    output_padding: Any = 0

    @accepts_pytorch
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
        init: Initializer | None = None,
        rng: Rng = None,
        dtype: Any = np.float32,
    ) -> None:
        size = per_axis(kernel_size, self.axes, "kernel_size")
        check_counts(self, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"groups={groups} must divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        geometry(size, stride, padding, dilation, groups)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, size
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        rng = generator(rng)
        first, second = in_channels, out_channels // groups
        if not self.transposed:
            first, second = out_channels, in_channels // groups
        fan_in = second * int(np.prod(size))
        draw = initializer(init, fan_in)
        self.weight = Parameter(draw((first, second, *size), rng=rng), dtype=dtype)
        draw = initializer(None, fan_in)
        self.bias = Parameter(draw((out_channels,), rng=rng), dtype=dtype) if bias else None

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``x (N, in_channels, ...)`` to ``(N, out_channels, ...)``."""
        return conv(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )

    def multiply_adds(self, output_shape: tuple[int, ...]) -> int:
        """Return the number of multiply-adds of a call whose result has ``output_shape``."""
        return int(np.prod(output_shape)) * int(np.prod(self.weight.shape[1:]))

    def describe(self) -> str:
        size = "×".join(map(str, self.kernel_size))
        parts = [f"{self.in_channels}, {self.out_channels}, {size}"]
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                parts.append(f"{name}={value!r}")
        return ", ".join(parts)


class Conv1d(_Conv):
    """Convolve ``x (N, C, L)`` by :func:`nn.conv`; the weight has shape ``(out, C / groups, k)``.

    Parameters
    ----------
    in_channels, out_channels
        The length of the second axis of the input and of the output.
    kernel_size, stride, padding, dilation, groups
        As in :func:`nn.conv`; numbers, or one for each axis.
    bias
        Whether a bias is added.
    init
        A function of a shape, or its name, for the weight; by default weight and bias are
        U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as in PyTorch.
    rng, dtype
        Generator or seed, and dtype, of the initial values.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Conv1d(3, 8, 5, padding="same", rng=0)(np.zeros((2, 3, 20), np.float32)).shape
    (2, 8, 20)
    """

    axes = 1


class Conv2d(_Conv):
    """Convolve ``x (N, C, H, W)`` by :func:`nn.conv`.

    The weight has shape ``(out, C / groups, kh, kw)``.  Parameters are those of
    :class:`nn.Conv1d`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Conv2d(1, 6, 5, padding=2, rng=0)(np.zeros((2, 1, 28, 28), np.float32)).shape
    (2, 6, 28, 28)
    """

    axes = 2


class ConvTranspose2d(_Conv):
    """Enlarge ``x (N, C, H, W)`` by :func:`nn.conv_transpose`.

    The weight has shape ``(C, out / groups, kh, kw)``.  Parameters, in PyTorch's order, are those
    of :class:`nn.Conv1d`, and

    output_padding
        Added to the length of each axis; a number, or one for each axis.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.ConvTranspose2d(8, 3, 2, stride=2, rng=0)(np.zeros((2, 8, 7, 7), np.float32)).shape
    (2, 3, 14, 14)
    """

    axes = 2
    transposed = True

    @accepts_pytorch
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: Any = 1,
        padding: Padding = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        *,
        init: Initializer | None = None,
        rng: Rng = None,
        dtype: Any = np.float32,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            init=init, rng=rng, dtype=dtype,
        )  # fmt: skip
        self.output_padding = output_padding

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``x (N, in_channels, H, W)`` to ``(N, out_channels, ...)``."""
        return conv_transpose(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding,
            self.groups, self.dilation,
        )  # fmt: skip
