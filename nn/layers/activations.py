"""Activations as modules; the functions themselves are in :mod:`nn.functional`."""

# Primitives return an array for an array, so their calls are typed Any; layers promise a Tensor.
# mypy: no-warn-return-any

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.functional import activations as functional
from nn.module import Module, Parameter, check_counts


class Identity(Module):
    """Return the input."""

    def forward(self, x: Any) -> ag.Tensor:
        return x


class Sigmoid(Module):
    """Apply ``1 / (1 + exp(-x))``."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.sigmoid(x)


class Tanh(Module):
    """Apply the hyperbolic tangent."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.tanh(x)


class ReLU(Module):
    """Apply ``max(0, x)``."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.relu(x)


class LeakyReLU(Module):
    """Return ``x`` above 0, and ``negative_slope * x`` below."""

    @accepts_pytorch
    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> ag.Tensor:
        return functional.leaky_relu(x, negative_slope=self.negative_slope)

    def describe(self) -> str:
        return f"{self.negative_slope}"


class ELU(Module):
    """Return ``x`` above 0, and ``alpha (exp(x) - 1)`` below."""

    @accepts_pytorch
    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> ag.Tensor:
        return functional.elu(x, alpha=self.alpha)

    def describe(self) -> str:
        return f"{self.alpha}"


class GELU(Module):
    """Multiply ``x`` by the normal distribution function of ``x``.

    ``approximate`` is ``"none"`` for the exact function, or ``"tanh"``.
    """

    @accepts_pytorch
    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> ag.Tensor:
        return functional.gelu(x, approximate=self.approximate)

    def describe(self) -> str:
        return "" if self.approximate == "none" else f"approximate={self.approximate!r}"


class ReLU6(Module):
    """Apply ``min(max(0, x), 6)``."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.relu6(x)


class Hardswish(Module):
    """Apply ``x relu6(x + 3) / 6``."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.hardswish(x)


class Mish(Module):
    """Apply ``x tanh(softplus(x))``."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.mish(x)


class SELU(Module):
    """Apply ``1.0507 elu(x, 1.6733)``, for weights drawn by :func:`nn.init.lecun_normal`."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.selu(x)


class PReLU(Module):
    """Return ``x`` above 0, and ``weight x`` below, with trained weights (K. He and others, 2015).

    Parameters
    ----------
    num_parameters
        1, or the number C of channels of inputs ``(N, C, ...)``.
    init
        The initial weights.
    dtype
        The dtype of the weights.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.PReLU()(np.array([-2.0, 3.0], np.float32)).tolist()
    [-0.5, 3.0]
    """

    takes_array = True

    @accepts_pytorch
    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = np.float32
    ) -> None:  # fmt: skip
        check_counts(self, num_parameters=num_parameters)
        self.weight = Parameter(np.full(num_parameters, init), dtype=dtype)

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``x``, with the channels on its second axis, to the same shape."""
        n = self.weight.size
        if n > 1 and (x.ndim < 2 or x.shape[1] != n):
            raise ValueError(
                f"PReLU({n}) expects {n} channels on the second axis, got shape {tuple(x.shape)}"
            )
        weight = self.weight.reshape(n, *(1,) * (x.ndim - 2)) if n > 1 else self.weight
        return np.where(x > 0, x, weight * x)

    def describe(self) -> str:
        return str(self.weight.size)


class SiLU(Module):
    """Apply ``x sigmoid(x)``."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.silu(x)


class Softplus(Module):
    """Apply ``log(1 + exp(x))``."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.softplus(x)


class Softmax(Module):
    """Turn numbers into positive ones that sum to 1 along ``axis``."""

    @accepts_pytorch
    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> ag.Tensor:
        return functional.softmax(x, axis=self.axis)

    def describe(self) -> str:
        return f"axis={self.axis}"


class LogSoftmax(Softmax):
    """Apply the logarithm of the softmax along ``axis``."""

    def forward(self, x: Any) -> ag.Tensor:
        return functional.log_softmax(x, axis=self.axis)


_BY_NAME: dict[str, Callable[[], Module]] = {
    "identity": Identity,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "silu": SiLU,
    "relu6": ReLU6,
    "hardswish": Hardswish,
    "mish": Mish,
    "selu": SELU,
    "softplus": Softplus,
    "softmax": Softmax,
    "log_softmax": LogSoftmax,
}

#: The names that :func:`named` knows.
NAMES = tuple(_BY_NAME)


def named(name: str) -> Module:
    """Return a new activation module by its name.

    Examples
    --------
    >>> from nn.layers.activations import named
    >>> named("leaky_relu")
    LeakyReLU(0.01)
    """
    if name not in _BY_NAME:
        raise ValueError(f"no activation is called {name!r}; choose one of {', '.join(NAMES)}")
    return _BY_NAME[name]()
