"""Initial values of parameters: functions that take a shape and return an array.

A weight has the shape ``(out, in)``, or ``(out, in, *kernel)``.  Its fan-in is the number of inputs
that each output sums; its fan-out is the number of outputs that each input reaches.  Normal
distributions are not truncated.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Rng = np.random.Generator | np.random.RandomState | int | None

#: A function of a shape and ``rng=``, or the name of one in this module.
Initializer = Callable[..., Any] | str


def generator(rng: Rng) -> np.random.Generator:
    """Return the generator for the option ``rng=``: itself, or one with a seed.

    NumPy's legacy ``RandomState`` draws the seed of a new one.
    """
    if isinstance(rng, np.random.RandomState):
        kind: Any = np.uint32
        return np.random.default_rng(rng.randint(0, 1 << 32, 4, kind))
    return np.random.default_rng(rng)


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Return the fan-in and fan-out of a weight.

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
    """Return zeros; for biases only, as hidden units that start equal stay equal."""
    return np.zeros(shape)


def normal(shape: Sequence[int], mean: float = 0.0, std: float = 1.0, *, rng: Rng = None) -> Array:
    """Draw from the normal distribution N(mean, std^2)."""
    return generator(rng).normal(mean, std, shape)


def uniform(shape: Sequence[int], low: float = 0.0, high: float = 1.0, *, rng: Rng = None) -> Array:
    """Draw from the uniform distribution U(low, high)."""
    return generator(rng).uniform(low, high, shape)


def _uniform_of(variance: float, shape: Sequence[int], rng: Rng) -> Array:
    bound = math.sqrt(3 * variance)
    return uniform(shape, -bound, bound, rng=rng)


def xavier_uniform(shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None) -> Array:
    """Draw uniformly with variance ``2 gain^2 / (fan_in + fan_out)`` (Glorot, Bengio, 2010)."""
    return _uniform_of(2 * gain**2 / sum(fans(shape)), shape, rng)


def xavier_normal(shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None) -> Array:
    """Draw normally with variance ``2 gain^2 / (fan_in + fan_out)`` (Glorot, Bengio, 2010)."""
    return normal(shape, 0.0, math.sqrt(2 * gain**2 / sum(fans(shape))), rng=rng)


def kaiming_uniform(shape: Sequence[int], *, gain: float = math.sqrt(2), rng: Rng = None) -> Array:
    """Draw uniformly with variance ``gain^2 / fan_in`` (He, Zhang, Ren, Sun, 2015).

    The default gain, sqrt(2), suits ReLU.
    """
    return _uniform_of(gain**2 / fans(shape)[0], shape, rng)


def kaiming_normal(shape: Sequence[int], *, gain: float = math.sqrt(2), rng: Rng = None) -> Array:
    """Draw normally with variance ``gain^2 / fan_in`` (He, Zhang, Ren, Sun, 2015).

    The default gain, sqrt(2), suits ReLU.
    """
    return normal(shape, 0.0, math.sqrt(gain**2 / fans(shape)[0]), rng=rng)


def lecun_normal(shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None) -> Array:
    """Draw normally with variance ``gain^2 / fan_in`` (LeCun, Bottou, Orr, Mueller, 1998)."""
    return kaiming_normal(shape, gain=gain, rng=rng)


def orthogonal(shape: Sequence[int], *, gain: float = 1.0, rng: Rng = None) -> Array:
    """Draw orthonormal rows or columns, whichever are fewer, times ``gain`` (Saxe et al., 2013).

    All axes after the first count as columns.  The distribution is uniform over such matrices:
    the signs of the diagonal of R are moved into Q.
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    a = normal((max(rows, columns), min(rows, columns)), rng=rng)
    q, r = np.linalg.qr(a)
    q = q * np.sign(np.diagonal(r))
    return np.asarray(gain * (q if rows >= columns else q.T).reshape(shape))


glorot_uniform, glorot_normal = xavier_uniform, xavier_normal
he_uniform, he_normal = kaiming_uniform, kaiming_normal

#: The names that :func:`named` knows.
NAMES = (
    *("zeros", "normal", "uniform", "xavier_uniform", "xavier_normal", "glorot_uniform"),
    *("glorot_normal", "kaiming_uniform", "kaiming_normal", "he_uniform", "he_normal"),
    *("lecun_normal", "orthogonal"),
)


def named(name: str) -> Callable[..., Array]:
    """Return an initializer by its name.

    Examples
    --------
    >>> import nn
    >>> nn.init.named("xavier_normal")((16, 784), rng=0).std().round(3)
    np.float64(0.05)
    """
    if name not in NAMES:
        raise ValueError(f"no initializer is called {name!r}; choose one of {', '.join(NAMES)}")
    found: Callable[..., Array] = globals()[name]
    return found


def initializer(given: Initializer | None, fan_in: int) -> Callable[..., Array]:
    """Return the function for the option ``init=`` of a layer.

    Parameters
    ----------
    given
        A function of a shape, and of ``rng=`` if it takes it, its name, or None for
        U(-1/sqrt(fan_in), 1/sqrt(fan_in)), the default of PyTorch.
    fan_in
        The number of inputs that each output sums.
    """
    if given is None:
        bound = fan_in**-0.5
        return partial(uniform, low=-bound, high=bound)
    if isinstance(given, str):
        return named(given)
    if not callable(given) or isinstance(given, type):
        raise TypeError(
            "init is a function of a shape, such as nn.init.kaiming_normal, or its name, got "
            f"{given!r}"
        )
    return partial(_draw, given)


def _draw(function: Callable[..., Any], shape: tuple[int, ...], *, rng: Rng) -> Array:
    """Call an initializer from elsewhere, and check the shape of what it returns."""
    try:
        parameters = inspect.signature(function).parameters.values()
        random = any(p.name == "rng" or p.kind == p.VAR_KEYWORD for p in parameters)
    except ValueError:  # a function of C without a signature
        random = False
    values = np.asarray(function(shape, rng=rng) if random else function(shape))
    if values.shape != shape:
        raise ValueError(
            f"init is to return an array of the shape it is given, {shape}, got {values.shape}"
        )
    return values


def __getattr__(name: str) -> Any:
    if name.removesuffix("_") in NAMES:
        raise AttributeError(
            f"module 'nn.init' has no attribute {name!r}: its functions return arrays, as in "
            f"p.data = nn.init.{name.removesuffix('_')}(p.shape).astype(p.dtype)"
        )
    raise AttributeError(f"module 'nn.init' has no attribute {name!r}")
