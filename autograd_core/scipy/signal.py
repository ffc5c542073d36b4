"""``scipy.signal`` with derivatives: convolution, correlation, recursive filters, detrending.

All are linear in each argument.  The adjoint of a convolution is one with the reversed other
factor, of a filter it is the same filter in reversed time (Oppenheim and Schafer 2009,
*Discrete-time signal processing*), of a projection it is the projection.

Examples
--------
>>> import numpy as np, autograd_core as ag
>>> ag.grad(lambda h: ag.scipy.signal.convolve([1.0, 2.0], h)[1])(np.array([5.0, 6.0]))
array([2., 1.])
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import is_recording
from autograd_core.rules.common import as_array, axis_index, conj
from autograd_core.scipy.common import inexact, one_by_one, refuse, stacked, with_batch

# -- convolution ----------------------------------------------------------------------------------


def _full(in1: Any, in2: Any, *, method: str, axes: tuple[int, ...]) -> Any:
    from scipy import signal

    if method == "axes":
        return signal.fftconvolve(in1, in2, "full", axes)
    return signal.convolve(in1, in2, "full", method)


def _part(a: Any, axes: tuple[int, ...], starts: Any, sizes: Any) -> Any:
    """Return a range of some axes."""
    index = [slice(None)] * a.ndim
    for axis, start, size in zip(axes, starts, sizes, strict=True):
        index[axis] = slice(start, start + size)
    return a[tuple(index)]


def _adjoint(g: Any, other: Any, own: Any, method: str, axes: tuple[int, ...]) -> Any:
    whole = _convolve(g, np.flip(other, axes), method=method, axes=axes)
    return _part(whole, axes, [other.shape[i] - 1 for i in axes], [own.shape[i] for i in axes])


def _full_of_batch(
    size: int, flags: Any, in1: Any, in2: Any, *, method: str, axes: tuple[int, ...]
) -> Any:
    """Convolve a batch: where one alone has it, it is an axis like the others."""
    from scipy import signal

    if method == "auto":
        shown = (np.zeros(a.shape[f:], a.dtype) for a, f in zip((in1, in2), flags, strict=False))
        method = signal.choose_conv_method(*shown)
    if method == "fft" and np.result_type(in1, in2).kind not in "fc":
        raise one_by_one("signal.convolve")  # SciPy rounds to whole numbers
    in1, in2 = (a if flag else a[None] for a, flag in zip((in1, in2), flags, strict=False))
    behind = tuple(i + 1 for i in axes)
    if method == "direct" and all(flags[:2]):
        return _shifted_products(in1, in2)
    return _convolve(in1, in2, method="axes" if method == "fft" else method, axes=behind)


def _shifted_products(in1: Any, in2: Any) -> Any:
    """Return the convolution of each pair of a batch, as a sum over the elements of the smaller."""
    if in1.size < in2.size:
        in1, in2 = in2, in1
    n, m = in1.shape[1:], in2.shape[1:]
    shape = (in1.shape[0], *(a + b - 1 for a, b in zip(n, m, strict=True)))
    first = (slice(None), *(slice(0, 1) for _ in n))
    out = np.zeros_like(in1[first] * in2[first], shape=shape)
    for at in np.ndindex(*m):
        place = (slice(None), *(slice(i, i + k) for i, k in zip(at, n, strict=True)))
        out[place] += in1 * in2[(slice(None), *at)].reshape((-1,) + (1,) * len(n))
    return out


_convolve = with_batch(Primitive(_full, "convolve"), "signal.convolve", _full_of_batch).defvjp(
    lambda g, _out, _in1, in2, *, method, axes: _adjoint(g, in2, _in1, method, axes),
    lambda g, _out, in1, _in2, *, method, axes: _adjoint(g, in1, _in2, method, axes),
)


def _in_mode(in1: Any, in2: Any, mode: str, method: str, axes: tuple[int, ...]) -> Any:
    """Return the part of a convolution that a mode asks for."""
    n, m = ([a.shape[i] for i in axes] for a in (in1, in2))
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"mode is 'full', 'same' or 'valid', got {mode!r}")
    if mode == "valid":
        wide = all(a >= b for a, b in zip(n, m, strict=True))
        if not wide and not all(a <= b for a, b in zip(n, m, strict=True)):
            raise ValueError(
                "for mode='valid' one of the arrays must be at least as large in every dimension, "
                f"got shapes {in1.shape} and {in2.shape}"
            )
    out = _convolve(in1, in2, method=method, axes=axes)
    if mode == "full":
        return out
    if mode == "same":
        return _part(out, axes, [(b - 1) // 2 for b in m], n)
    starts = [min(a, b) - 1 for a, b in zip(n, m, strict=True)]
    return _part(out, axes, starts, [abs(a - b) + 1 for a, b in zip(n, m, strict=True)])


def _pair(name: str, in1: Any, in2: Any) -> tuple[Any, Any]:
    in1, in2 = as_array(in1), as_array(in2)
    if in1.ndim != in2.ndim:
        raise ValueError(f"{name} takes arrays of as many axes, got {in1.shape} and {in2.shape}")
    return in1, in2


def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Convolve two arrays of any dimension; as ``scipy.signal.convolve``.

    Parameters
    ----------
    in1, in2 : arrays of the same number of axes
    mode : 'full', 'valid' or 'same'
    method : 'auto', 'direct' or 'fft'

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.signal.convolve(np.array([1.0, 2.0]), np.array([1.0, 1.0]), method="direct")
    array([1., 3., 2.])
    """
    in1, in2 = _pair("convolve", in1, in2)
    return _in_mode(in1, in2, mode, method, tuple(range(in1.ndim)))


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """Convolve two arrays by Fourier transforms, along some axes; as ``scipy.signal.fftconvolve``.

    Parameters
    ----------
    in1, in2 : arrays of the same number of axes
        Along the other axes they broadcast.
    mode : 'full', 'valid' or 'same'
    axes : int or tuple of int, optional
        By default all.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.signal.fftconvolve(np.array([1.0, 2.0]), np.array([1.0, 1.0])).round(6)
    array([1., 3., 2.])
    """
    in1, in2 = _pair("fftconvolve", in1, in2)
    places = normalize_axis_tuple(range(in1.ndim) if axes is None else axes, in1.ndim)
    return _in_mode(in1, in2, mode, "axes", places)


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """Correlate two arrays of any dimension; as ``scipy.signal.correlate``.

    Parameters
    ----------
    in1, in2 : arrays of the same number of axes
        The second one is conjugated.
    mode : 'full', 'valid' or 'same'
    method : 'auto', 'direct' or 'fft'

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.signal.correlate(np.array([1.0, 2.0]), np.array([1.0, 3.0]), method="direct")
    array([3., 7., 2.])
    """
    in1, in2 = _pair("correlate", in1, in2)
    return convolve(in1, conj(np.flip(in2)), mode, method)


# -- recursive filters ----------------------------------------------------------------------------


def _recursive(b: Any, a: Any, x: Any) -> Any:
    from scipy import signal

    return signal.lfilter(b, a, x)


def _by_lag(g: Any, signal: Any, n: int) -> Any:
    """Return the sums of g[t] signal[t - k] for n lags k."""
    length = g.shape[-1]
    sums = [(g[..., k:] * signal[..., : max(length - k, 0)]).sum() for k in range(n)]
    return np.stack(sums)


def _recursive_rule(g: Any, out: Any, b: Any, a: Any, x: Any) -> Any:
    """Return the gradients of y = b x / a (as polynomials of the delay), with a[0] = 1 constant."""
    one = np.ones_like(b[:1])
    by_b = _by_lag(g, _filter(one, a, x), b.shape[0])
    by_a = -_by_lag(g, _filter(one, a, out), a.shape[0])
    by_a = np.concatenate([by_a[:1] * 0.0, by_a[1:]])
    return by_b, by_a, np.flip(_filter(b, a, np.flip(g, -1)), -1)


_filter = stacked(
    _recursive,
    "signal.lfilter",
    None,
    None,
    1,
    flops=lambda out, b, a, _x: 2 * out.size * (b.size + a.size),
).defvjp(vjp_all=_recursive_rule)


def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Filter a signal with a recursive or a finite filter; as ``scipy.signal.lfilter``.

    Parameters
    ----------
    b, a : arrays of shape (M,), (N,)
        Numerator and denominator.
    x : array
    axis : int
    zi : array, optional
        Initial states, without gradients only.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.signal.lfilter([1.0], [1.0, -0.5], np.array([1.0, 0.0, 0.0]))
    array([1.  , 0.5 , 0.25])
    """
    if zi is not None:
        if is_recording(b, a, x, zi):
            raise refuse(
                "ag.scipy.signal.lfilter",
                "a call with zi=",
                "filter the initial states as a signal: y + lfilter(zi, a, impulse)",
            )
        from scipy import signal

        return signal.lfilter(b, a, x, axis, zi)
    b, a, x = np.atleast_1d(inexact(b)), np.atleast_1d(inexact(a)), inexact(x)
    out = _filter(b / a[0], a / a[0], np.moveaxis(x, axis, -1))
    return np.moveaxis(out, -1, axis)


# -- trends ---------------------------------------------------------------------------------------


def _without_trend(data: Any, *, axis: int, type: str, bp: Any) -> Any:
    from scipy import signal

    return signal.detrend(data, axis, type, bp)


def _trend_rule(g: Any, _out: Any, _data: Any, *, axis: int, type: str, bp: Any) -> Any:
    return _detrend(g, axis=axis, type=type, bp=bp)


_detrend: Primitive = with_batch(
    Primitive(_without_trend, "detrend"),
    "signal.detrend",
    lambda size, flags, data, *, axis, **options: _detrend(
        data, axis=axis_index(data[0], axis) + 1, **options
    ),
).defvjp(_trend_rule)


def detrend(
    data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Any:
    """Subtract a line fitted by least squares, or the mean; as ``scipy.signal.detrend``.

    Parameters
    ----------
    data : array
    axis : int
    type : 'linear' or 'constant'
    bp : int or array of int
        Where a new line begins.
    overwrite_data : bool
        Accepted as in SciPy; nothing is overwritten.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.signal.detrend(np.array([1.0, 2.0, 6.0]), type="constant")
    array([-2., -1.,  3.])
    """
    return _detrend(inexact(data), axis=axis, type=type, bp=bp)


__all__ = ["convolve", "correlate", "detrend", "fftconvolve", "lfilter"]
