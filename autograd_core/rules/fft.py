"""Fourier transforms, all linear; transforms of several axes are composed of those of one.

The matrix of a transform is symmetric, so the cotangent of ``fft`` is ``fft`` of the cotangent.  A real
transform keeps half of the spectrum: its cotangent is the same, of the half that was kept; the inverse
uses each kept entry twice, but for the first and (of an even number) the last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.primitive import composition, defvjp
from autograd_core.rules import costs
from autograd_core.rules.common import along, as_array, axis_index, conj


def _opposite(norm: Any) -> Any:
    return {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, "ortho")


def _resized(g: Any, n: int, axis: int) -> Any:
    """Return ``g`` cut, or padded with zeros, to length ``n``, as ``n=`` does to the input."""
    axis = axis_index(g, axis)
    have = g.shape[axis]
    if have == n:
        return g
    if have > n:
        return g[along(axis, slice(0, n))]
    zeros = np.zeros_like(g, shape=(*g.shape[:axis], n - have, *g.shape[axis + 1 :]))
    return np.concatenate([g, zeros], axis=axis)


def _same(fun: Any) -> Any:
    def rule(g: Any, _out: Any, _a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
        return _resized(fun(g, None, axis, norm), _a.shape[axis], axis)

    return rule


def _rfft(g: Any, _out: Any, _a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    have = _a.shape[axis]
    return _resized(np.fft.fft(g, have if n is None else n, axis, norm).real, have, axis)


def _weights(half: int, n: int, ndim: int, axis: int, dtype: Any) -> Any:
    """Return 1, 2, ..., 2, and 1 again if ``n`` is even: how often each entry is used."""
    w = np.full(half, 2.0, np.empty(0, dtype).real.dtype)
    w[0] = 1
    if n % 2 == 0:
        w[n // 2 :] = 1
    shape = [1] * ndim
    shape[axis] = half
    return w.reshape(shape)


def _irfft(g: Any, _out: Any, _a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    n = g.shape[axis]
    half = conj(np.fft.rfft(g, n, axis, _opposite(norm)))
    axis = axis_index(g, axis)
    return _resized(
        half * asarray_like(_weights(n // 2 + 1, n, g.ndim, axis, g.dtype), g), _a.shape[axis], axis
    )


# fmt: off
defvjp(np.fft.fft,   _same(np.fft.fft), flops=costs.fourier)
defvjp(np.fft.ifft,  _same(np.fft.ifft), flops=costs.fourier)
defvjp(np.fft.rfft,  _rfft, flops=costs.fourier)
defvjp(np.fft.irfft, _irfft, flops=costs.fourier)
# fmt: on


composition(np.fft.hfft)(
    lambda a, n=None, axis=-1, norm=None: np.fft.irfft(np.conj(a), n, axis, _opposite(norm))
)
composition(np.fft.ihfft)(
    lambda a, n=None, axis=-1, norm=None: np.conj(np.fft.rfft(a, n, axis, _opposite(norm)))
)


def _axes(a: Any, s: Any, axes: Any) -> list[tuple[Any, int]]:
    """Return the length and the axis of each transform."""
    if axes is None:
        axes = range(-len(s), 0) if s is not None else range(a.ndim)
    sizes = [None] * len(axes) if s is None else [None if n == -1 else n for n in s]
    if len(sizes) != len(axes):
        raise ValueError(
            f"s= and axes= must have the same length, got {len(sizes)} and {len(axes)}"
        )
    return list(zip(sizes, axes, strict=True))


def _several(first: Any, rest: Any, last_first: bool, default: Any) -> Any:
    """Return a transform of several axes: ``first`` along the last one, ``rest`` along the others."""

    def transform(a: Any, s: Any = None, axes: Any = default, norm: Any = None) -> Any:
        a = as_array(a)
        pairs = _axes(a, s, axes)
        if not pairs:
            return a * 1
        *others, (n, axis) = pairs
        if last_first:
            a = first(a, n, axis, norm)
        for m, other in reversed(others) if last_first else others:
            a = rest(a, m, other, norm)
        return a if last_first else first(a, n, axis, norm)

    return transform


for _suffix, _default in (("2", (-2, -1)), ("n", None)):
    for _name, _first, _rest, _last_first in (
        ("fft", np.fft.fft, np.fft.fft, True),
        ("ifft", np.fft.ifft, np.fft.ifft, True),
        ("rfft", np.fft.rfft, np.fft.fft, True),
        ("irfft", np.fft.irfft, np.fft.ifft, False),
    ):
        composition(getattr(np.fft, _name + _suffix))(
            _several(_first, _rest, _last_first, _default)
        )


def _shifted(x: Any, axes: Any, sign: int) -> Any:
    x = as_array(x)
    if axes is None:
        axes = tuple(range(x.ndim))
    axes = (axes,) if isinstance(axes, (int, np.integer)) else tuple(axes)
    return np.roll(x, tuple(sign * (x.shape[i] // 2) for i in axes), axes)


composition(np.fft.fftshift)(lambda x, axes=None: _shifted(x, axes, 1))
composition(np.fft.ifftshift)(lambda x, axes=None: _shifted(x, axes, -1))
