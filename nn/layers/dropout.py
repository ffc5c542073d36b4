"""Dropout: zero some numbers at random while training (N. Srivastava and others, 2014)."""

# Primitives return an array for an array, so their calls are typed Any; layers promise a Tensor.
# mypy: no-warn-return-any

from typing import Any

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.functional.activations import as_float_array, masked
from nn.init import Rng, generator
from nn.module import Module, check_range
from nn.placement import as_of


@ag.primitive
def keep(x: Any, factors: Any) -> Any:
    """Return ``x factors``; where a factor is 0, no gradient goes back, whatever it is."""
    return x * factors


keep.defvjp(lambda g, _out, _x, f: masked(g, f), None, elementwise=True, selects=True)


class Dropout(Module):
    """Zero each number with probability ``p`` while training; divide the others by ``1 - p``.

    In evaluation it is the identity.  Under :func:`ag.vmap` each example draws its own.

    Parameters
    ----------
    p
        The probability of zeroing; with 1 everything is 0.
    rng
        Generator or seed that chooses which numbers are zeroed.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Dropout(0.5, rng=0)
    >>> layer(np.ones(6, np.float32)).tolist()
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]
    >>> layer.eval()(np.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    takes_array = True

    @accepts_pytorch
    def __init__(self, p: float = 0.5, *, rng: Rng = None) -> None:
        check_range(self, 0, 1, p=p)
        self.p = p
        self.rng = generator(rng)

    def _mask_shape(self, x: Any) -> tuple[int, ...]:
        return tuple(x.shape)

    def forward(self, x: Any) -> ag.Tensor:
        """Map ``x``, of any shape, to the same shape."""
        if not self.training or self.p == 0:
            return x
        x = as_float_array(x)
        dtype = np.float64 if np.dtype(x.dtype) == np.float64 else np.float32
        kept = ag.sample(self.rng.random, self._mask_shape(x), dtype=dtype) >= self.p
        factors = kept * x.dtype.type(1 / (1 - self.p) if self.p < 1 else 0)
        return keep(x, as_of(factors, x))

    def describe(self) -> str:
        return str(self.p)


class Dropout2d(Dropout):
    """Zero whole channels of ``x (N, C, ...)`` while training; see :class:`nn.Dropout`."""

    def _mask_shape(self, x: Any) -> tuple[int, ...]:
        if x.ndim < 3:
            raise ValueError(f"Dropout2d expects (N, C, ...), got shape {tuple(x.shape)}")
        return (*x.shape[:2], *(1,) * (x.ndim - 2))
