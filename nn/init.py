"""Initial values: functions of a shape that return an array.

A weight has the shape ``(out, in)``, or ``(out, in, *kernel)``: its fan-in is the number of
inputs that one output sums, its fan-out the number of outputs that one input reaches.  Normal
distributions are not truncated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Rng = np.random.Generator | int | None


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """The fan-in and fan-out of a weight.

    Examples
    --------
    >>> import nn
    >>> nn.init.fans((16, 784)), nn.init.fans((6, 3, 5, 5))
    ((784, 16), (75, 150))
    """
    if len(shape) < 2:
        raise ValueError(
            f"a weight of shape {tuple(shape)} has no fan-in and fan-out: it needs two axes, "
            "(out, in); for a bias use zeros, normal or uniform"
        )
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def zeros(shape: Sequence[int], *, rng: Rng = None) -> Array:
    """All 0; for biases only: hidden units that start equal stay equal."""
    return np.zeros(shape)


def normal(shape: Sequence[int], mean: float = 0.0, std: float = 1.0, *, rng: Rng = None) -> Array:
    """N(mean, std^2)."""
    return np.random.default_rng(rng).normal(mean, std, shape)


def uniform(shape: Sequence[int], low: float = 0.0, high: float = 1.0, *, rng: Rng = None) -> Array:
    """U(low, high)."""
    return np.random.default_rng(rng).uniform(low, high, shape)


def _spread(shape: Sequence[int], variance: float, even: bool, rng: Rng) -> Array:
    if even:
        bound = math.sqrt(3 * variance)
        return uniform(shape, -bound, bound, rng=rng)
    return normal(shape, 0.0, math.sqrt(variance), rng=rng)


def xavier_uniform(shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None) -> Array:
    """Uniform of variance ``2 gain^2 / (fan_in + fan_out)`` (Glorot, Bengio, 2010)."""
    return _spread(shape, 2 * gain**2 / sum(fans(shape)), True, rng)


def xavier_normal(shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None) -> Array:
    """Normal of variance ``2 gain^2 / (fan_in + fan_out)`` (Glorot, Bengio, 2010)."""
    return _spread(shape, 2 * gain**2 / sum(fans(shape)), False, rng)


def kaiming_uniform(shape: Sequence[int], *, gain: float = math.sqrt(2), rng: Rng = None) -> Array:
    """Uniform of variance ``gain^2 / fan_in`` (He, Zhang, Ren, Sun, 2015); sqrt(2) suits ReLU."""
    return _spread(shape, gain**2 / fans(shape)[0], True, rng)


def kaiming_normal(shape: Sequence[int], *, gain: float = math.sqrt(2), rng: Rng = None) -> Array:
    """Normal of variance ``gain^2 / fan_in`` (He, Zhang, Ren, Sun, 2015); sqrt(2) suits ReLU."""
    return _spread(shape, gain**2 / fans(shape)[0], False, rng)


def lecun_normal(shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None) -> Array:
    """Normal of variance ``gain^2 / fan_in`` (LeCun, Bottou, Orr, Mueller, 1998)."""
    return _spread(shape, gain**2 / fans(shape)[0], False, rng)


def orthogonal(shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None) -> Array:
    """Orthonormal rows or columns, whichever are fewer, times ``gain`` (Saxe et al., 2013).

    Axes after the first are taken together.  Uniform over all such matrices: the signs of R's
    diagonal are moved into Q.
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    a = normal((max(rows, columns), min(rows, columns)), rng=rng)
    q, r = np.linalg.qr(a)
    q = q * np.sign(np.diagonal(r))
    return np.asarray(gain * (q if rows >= columns else q.T).reshape(shape))


glorot_uniform, glorot_normal = xavier_uniform, xavier_normal
he_uniform, he_normal = kaiming_uniform, kaiming_normal

_BY_NAME: dict[str, Callable[..., Array]] = {
    "zeros": zeros,
    "normal": normal,
    "uniform": uniform,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "kaiming_uniform": kaiming_uniform,
    "kaiming_normal": kaiming_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
}

#: The names that :func:`named` knows.
NAMES = tuple(_BY_NAME)


def named(name: str) -> Callable[..., Array]:
    """An initialiser by its name.

    Examples
    --------
    >>> import nn
    >>> nn.init.named("xavier_normal")((16, 784), rng=0).std().round(3)
    np.float64(0.05)
    """
    if name not in _BY_NAME:
        raise ValueError(f"no initialiser is called {name!r}; known are {', '.join(NAMES)}")
    return _BY_NAME[name]
