"""The standard's Fourier transform extension."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.fft import fft as fft
from numpy.fft import fftshift as fftshift
from numpy.fft import hfft as hfft
from numpy.fft import ifft as ifft
from numpy.fft import ifftshift as ifftshift
from numpy.fft import ihfft as ihfft
from numpy.fft import irfft as irfft
from numpy.fft import rfft as rfft

from autograd_core.array_api._creation import asarray, check_device

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfftn", "rfft", "rfftfreq", "rfftn",
]  # fmt: skip


def _several_axes(fun: Any) -> Any:
    """Return NumPy's function with ``s`` without ``axes`` allowed: it means the last axes."""

    def transform(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
        if s is not None and axes is None:
            axes = tuple(range(-len(s), 0))
        return fun(x, s=s, axes=axes, norm=norm)

    transform.__name__ = fun.__name__
    transform.__doc__ = (
        f"As ``np.fft.{fun.__name__}``; ``s`` without ``axes`` refers to the last axes."
    )
    return transform


fftn = _several_axes(np.fft.fftn)
ifftn = _several_axes(np.fft.ifftn)
rfftn = _several_axes(np.fft.rfftn)
irfftn = _several_axes(np.fft.irfftn)


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """Return the frequencies of the ``n`` results of ``fft``, for samples ``d`` apart.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.fft.fftfreq(4, d=0.5)
    Tensor([ 0. ,  0.5, -1. , -0.5], float64)
    """
    check_device(device)
    return asarray(np.fft.fftfreq(n, d), dtype=dtype)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """Return the frequencies of the results of ``rfft`` of ``n`` samples ``d`` apart.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> xp.fft.rfftfreq(4)
    Tensor([0.  , 0.25, 0.5 ], float64)
    """
    check_device(device)
    return asarray(np.fft.rfftfreq(n, d), dtype=dtype)
