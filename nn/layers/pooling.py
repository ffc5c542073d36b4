"""Pooling: the largest or the mean of each window, and Flatten.

A maximum goes back to the first largest element of its window (in the order of rows), as in
PyTorch.  Which one that is, is kept as a number between 0 and the size of the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import floating, plain
from nn.functional.geometry import Geometry, geometry, per_axis
from nn.module import Module

Array = np.ndarray[Any, Any]


def _like(x: Array, lengths: Sequence[int], value: float = 0.0) -> Array:
    """An array of other lengths, in the order of memory that ``x`` has (examples may be last)."""
    order = np.argsort([-abs(s) for s in x.strides], kind="stable")
    shape = (*x.shape[:2], *lengths)
    wide = np.full([shape[i] for i in order], value, x.dtype)
    return wide.transpose(np.argsort(order))


def _padded(x: Array, geo: Geometry) -> Array:
    """The input with its zeros; itself, if there are none."""
    if not any(geo.before):
        return x
    wide = _like(x, geo.widths(x.shape[2:]))
    wide[(..., *geo.inside(x.shape[2:]))] = x
    return wide


def _chosen(x: Array, geo: Geometry) -> tuple[Array, Array]:
    """The largest of each window, and its number."""
    counts = geo.results(x.shape[2:])
    wide = x
    if any(geo.before):
        low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        wide = _like(x, geo.widths(x.shape[2:]), low)
        wide[(..., *geo.inside(x.shape[2:]))] = x
    first, *others = geo.places(counts)
    best = wide[(..., *first)].copy(order="K")
    which = np.zeros_like(best, np.uint8 if len(others) < 256 else np.int64)
    for number, at in enumerate(others, 1):
        part = wide[(..., *at)]
        larger = (part > best) | (np.isnan(part) & ~np.isnan(best))
        np.copyto(best, part, where=larger)
        which[larger] = number
    return best, which


@ag.primitive
def pick(x: Any, which: Any, *, geo: Geometry) -> Any:
    """One element of each window, by number."""
    wide = _padded(x, geo)
    out = np.zeros_like(which, x.dtype)
    for number, at in enumerate(geo.places(which.shape[2:])):
        np.copyto(out, wide[(..., *at)], where=which == number)
    return out


@ag.primitive
def place(g: Any, which: Any, *, geo: Geometry, lengths: tuple[int, ...]) -> Any:
    """The transpose of :func:`pick`: each element added where it was taken."""
    wide = _like(g, geo.widths(lengths))
    for number, at in enumerate(geo.places(which.shape[2:])):
        wide[(..., *at)] += g * (which == number)
    return wide[(..., *geo.inside(lengths))]


pick.defvjp(lambda g, _out, _x, which, *, geo: place(g, which, geo=geo, lengths=_x.shape[2:]))
place.defvjp(lambda h, _out, _g, which, *, geo, lengths: pick(h, which, geo=geo))


@ag.primitive
def largest(x: Any, *, geo: Geometry) -> Any:
    """The maximum of each window."""
    return _chosen(x, geo)[0]


def _largest(g: Any, _out: Any, x: Any, *, geo: Geometry) -> Any:
    _, which = _chosen(plain(x), geo)
    return place(g, which, geo=geo, lengths=x.shape[2:])


largest.defvjp(_largest)


@ag.primitive
def total(x: Any, *, geo: Geometry) -> Any:
    """The sum of each window, zeros around the input included."""
    wide, counts = _padded(x, geo), geo.results(x.shape[2:])
    first, *others = geo.places(counts)
    out = wide[(..., *first)].copy(order="K")
    for at in others:
        out += wide[(..., *at)]
    return out


@ag.primitive
def share(g: Any, *, geo: Geometry, lengths: tuple[int, ...]) -> Any:
    """The transpose of :func:`total`: each element added to its whole window."""
    wide = _like(g, geo.widths(lengths))
    for at in geo.places(g.shape[2:]):
        wide[(..., *at)] += g
    return wide[(..., *geo.inside(lengths))]


total.defvjp(lambda g, _out, _x, *, geo: share(g, geo=geo, lengths=_x.shape[2:]))
share.defvjp(lambda h, _out, _g, *, geo, lengths: total(h, geo=geo))


def _windows(x: Any, size: Any, stride: Any, padding: Any) -> Geometry:
    if np.ndim(x) != 4:
        raise ValueError(f"2-d pooling expects an input (N, C, H, W), got shape {np.shape(x)}")
    kernel = per_axis(size, 2, "kernel_size")
    geo = geometry(kernel, kernel if stride is None else stride, padding, 1)
    if any(2 * b > k for b, k in zip(geo.before, kernel, strict=True)):
        raise ValueError(f"padding {geo.before} is more than half of the window {kernel}")
    if min(geo.results(x.shape[2:])) < 1:
        raise ValueError(
            f"a window of {kernel} does not fit into an input of shape {tuple(x.shape)}"
        )
    return geo


def max_pool2d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """The maximum of each window of ``x (N, C, H, W)``; the stride is its size unless given.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    return largest(x, geo=_windows(x, kernel_size, stride, padding))


def avg_pool2d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """The mean of each window of ``x (N, C, H, W)``, zeros of the padding included.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    x = floating(x)
    if x.dtype.itemsize < 4:  # sums of float16 overflow
        return avg_pool2d(x.astype(np.float32), kernel_size, stride, padding).astype(x.dtype)
    geo = _windows(x, kernel_size, stride, padding)
    return total(x, geo=geo) * x.dtype.type(1 / np.prod(geo.size))


def adaptive_avg_pool2d(x: Any, output_size: Any) -> Any:
    """Means over so many windows as ``output_size`` says, of nearly equal size (they may overlap).

    Window ``i`` of ``n`` goes from ``floor(i H / n)`` to ``ceil((i + 1) H / n)``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.adaptive_avg_pool2d(np.arange(9.0).reshape(1, 1, 3, 3), 2)
    array([[[[2., 3.],
             [5., 6.]]]])
    """
    rows, columns = (
        _averages(n, m, x.dtype)
        for n, m in zip(x.shape[2:], per_axis(output_size, 2, "output_size"), strict=True)
    )
    return rows @ x @ columns.T


def _averages(length: int, count: int, dtype: Any) -> Array:
    """The matrix (count, length) that takes the means."""
    start = np.arange(count) * length // count
    stop = -(-(np.arange(1, count + 1) * length) // count)
    at = np.arange(length)
    inside = (at >= start[:, None]) & (at < stop[:, None])
    return (inside / (stop - start)[:, None]).astype(dtype)


class _Pool(Module):
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def describe(self) -> str:
        said = [str(self.kernel_size)]
        said += [f"stride={self.stride}"] if self.stride is not None else []
        return ", ".join(said + ([f"padding={self.padding}"] if self.padding else []))


class MaxPool2d(_Pool):
    """:func:`max_pool2d` as a layer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.MaxPool2d(2)(np.zeros((1, 6, 28, 28))).shape
    (1, 6, 14, 14)
    """

    def forward(self, x: Any) -> Any:
        """Map ``(N, C, H, W)`` to ``(N, C, H', W')``."""
        return max_pool2d(x, self.kernel_size, self.stride, self.padding)


class AvgPool2d(_Pool):
    """:func:`avg_pool2d` as a layer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.AvgPool2d(2)(np.zeros((1, 6, 28, 28))).shape
    (1, 6, 14, 14)
    """

    def forward(self, x: Any) -> Any:
        """Map ``(N, C, H, W)`` to ``(N, C, H', W')``."""
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding)


class AdaptiveAvgPool2d(Module):
    """:func:`adaptive_avg_pool2d` as a layer."""

    def __init__(self, output_size: int | Sequence[int]) -> None:
        self.output_size = output_size

    def forward(self, x: Any) -> Any:
        """Map ``(N, C, H, W)`` to ``(N, C, *output_size)``."""
        return adaptive_avg_pool2d(x, self.output_size)

    def describe(self) -> str:
        return str(self.output_size)


class GlobalAvgPool(Module):
    """The mean over all axes but the first two: ``(N, C, ...)`` to ``(N, C)``."""

    def forward(self, x: Any) -> Any:
        """Map ``(N, C, ...)`` to ``(N, C)``."""
        return np.mean(x, axis=tuple(range(2, x.ndim)))


class Flatten(Module):
    """All axes from ``start_dim`` on as one: ``(N, C, H, W)`` to ``(N, C H W)``."""

    def __init__(self, start_dim: int = 1) -> None:
        self.start_dim = start_dim

    def forward(self, x: Any) -> Any:
        """Map ``(N, ...)`` to ``(N, features)``."""
        kept = x.shape[: self.start_dim]
        return x.reshape(*kept, int(np.prod(x.shape[self.start_dim :])))
