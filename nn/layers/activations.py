"""Activations as modules; the functions themselves are in :mod:`nn.functional`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nn.functional import activations as functional
from nn.module import Module


class Identity(Module):
    """Returns its input."""

    def forward(self, x: Any) -> Any:
        return x


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``."""

    def forward(self, x: Any) -> Any:
        return functional.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        return functional.tanh(x)


class ReLU(Module):
    """``max(0, x)``."""

    def forward(self, x: Any) -> Any:
        return functional.relu(x)


class LeakyReLU(Module):
    """``x`` above 0, ``negative_slope * x`` below."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return functional.leaky_relu(x, negative_slope=self.negative_slope)

    def describe(self) -> str:
        return f"{self.negative_slope}"


class ELU(Module):
    """``x`` above 0, ``alpha (exp(x) - 1)`` below."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return functional.elu(x, alpha=self.alpha)

    def describe(self) -> str:
        return f"{self.alpha}"


class GELU(Module):
    """``x`` times the normal distribution function of ``x``; exact, or the tanh approximation."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return functional.gelu(x, approximate=self.approximate)

    def describe(self) -> str:
        return "" if self.approximate == "none" else f"approximate={self.approximate!r}"


class SiLU(Module):
    """``x sigmoid(x)``."""

    def forward(self, x: Any) -> Any:
        return functional.silu(x)


class Softplus(Module):
    """``log(1 + exp(x))``."""

    def forward(self, x: Any) -> Any:
        return functional.softplus(x)


class Softmax(Module):
    """Positive numbers that sum to 1 along ``axis``."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return functional.softmax(x, axis=self.axis)

    def describe(self) -> str:
        return f"axis={self.axis}"


class LogSoftmax(Softmax):
    """The logarithm of the softmax along ``axis``."""

    def forward(self, x: Any) -> Any:
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
    "softplus": Softplus,
    "softmax": Softmax,
    "log_softmax": LogSoftmax,
}

#: The names that :func:`named` knows.
NAMES = tuple(_BY_NAME)


def named(name: str) -> Module:
    """A new activation module by its name.

    Examples
    --------
    >>> from nn.layers.activations import named
    >>> named("leaky_relu")
    LeakyReLU(0.01)
    """
    if name not in _BY_NAME:
        raise ValueError(f"no activation is called {name!r}; known are {', '.join(NAMES)}")
    return _BY_NAME[name]()
