"""``scipy.ndimage`` with derivatives: interpolated coordinates, Gaussian filters, convolution.

Values are SciPy's; the derivative is of a composition in NumPy: a prefilter (a matrix for each
axis, SciPy's filter of the identity), B-spline weights (Unser, Aldroubi and Eden 1993, *B-spline
signal processing*), and for filters a border by ``np.pad``.

Examples
--------
>>> import numpy as np, autograd_core as ag
>>> image = np.arange(12.0).reshape(3, 4)
>>> ag.grad(lambda c: ag.scipy.ndimage.map_coordinates(image, c, order=1)[0])(
...     np.array([[0.5], [1.5]]))
array([[4.],
       [1.]])
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_core.engine.recording import any_tracked, unwrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import along, as_array
from autograd_core.scipy.common import inexact, refuse, taken, with_scipy_values
from autograd_core.scipy.signal import convolve as _convolve

#: SciPy's names of borders, and ``np.pad``'s.
BORDERS = {
    "reflect": "symmetric", "grid-mirror": "symmetric", "mirror": "reflect", "nearest": "edge",
    "wrap": "wrap", "grid-wrap": "wrap", "constant": "constant", "grid-constant": "constant",
}  # fmt: skip
#: The borders of :func:`map_coordinates` with gradients.
COORDINATES = ("constant", "nearest", "mirror", "reflect", "grid-mirror", "grid-wrap")


def _no_output(name: str, output: Any) -> None:
    if output is not None and not isinstance(output, (type, str, np.dtype)):
        raise refuse(
            f"ag.scipy.ndimage.{name}", "output=", "the result is returned; leave output= out"
        )


def _pad(a: Any, widths: Any, mode: str, cval: Any) -> Any:
    options: Any = {"constant_values": cval} if BORDERS[mode] == "constant" else {}
    border: Any = BORDERS[mode]
    return np.pad(a, widths, border, **options)


def _mode(name: str, mode: Any, known: Any = BORDERS) -> str:
    if mode not in known:
        raise NotDifferentiableError(
            f"ag.scipy.ndimage.{name} has no gradients with mode={mode!r}; {', '.join(known)} have"
        )
    return str(mode)


# -- coordinates ----------------------------------------------------------------------------------


def _prefilter(a: Any, mode: str) -> Any:
    """Return the coefficients of the interpolating cubic spline, axis by axis."""
    from scipy import ndimage

    for axis, n in enumerate(a.shape):
        if n > 1:
            matrix = ndimage.spline_filter1d(np.eye(n), 3, axis=0, mode=mode)
            matrix = matrix.astype(np.result_type(a.dtype, np.float32).char.lower())
            a = np.moveaxis(np.tensordot(matrix, a, ([1], [axis])), 0, axis)
    return a


def _folded(x: Any, n: int, mode: str) -> Any:
    """Return coordinates (or whole numbers) brought into the image."""
    if n == 1:
        return x * 0
    if mode == "nearest":
        return np.clip(x, 0, n - 1)
    if mode in ("mirror", "constant"):
        x = x % (2 * (n - 1))
        return np.where(x > n - 1, 2 * (n - 1) - x, x)
    if mode == "grid-wrap":
        return x % n
    x = (x + 0.5) % (2 * n)
    return np.where(x > n, 2 * n - x, x) - 0.5


def _folded_index(i: Any, n: int, mode: str) -> Any:
    if mode in ("reflect", "grid-mirror"):
        i = i % (2 * n)
        return np.where(i >= n, 2 * n - 1 - i, i)
    return _folded(i, n, "grid-wrap" if mode == "grid-wrap" else "mirror")


def _weights(t: Any, order: int) -> list[Any]:
    """Return the B-spline weights of the neighbours, t after the second of four or first of two."""
    if order == 1:
        return [1 - t, t]
    u = 1 - t
    return [
        u * u * u / 6,
        2 / 3 - t * t + t * t * t / 2,
        2 / 3 - u * u + u * u * u / 2,
        t * t * t / 6,
    ]


def _sampled(
    input: Any, coordinates: Any, order: int, mode: str, cval: float, prefilter: bool
) -> Any:
    if order not in (1, 3):
        raise NotDifferentiableError(
            f"ag.scipy.ndimage.map_coordinates has no gradients with order={order}; 1 and 3 have"
        )
    mode = _mode("map_coordinates", mode, COORDINATES)
    a, shape = input, input.shape
    border = 12 if mode == "nearest" and order == 3 and prefilter else 0
    if border:  # as SciPy does, since the prefilter has no such border
        a = _pad(a, border, "nearest", cval)
    if order == 3 and prefilter:
        a = _prefilter(a, "nearest" if border else mode)
    inside: Any = True
    neighbours = []
    for axis, n in enumerate(shape):
        x = coordinates[axis]
        if mode == "constant":
            plain = unwrap(x)
            inside = inside & (plain >= 0) & (plain <= n - 1)
        x = _folded(x + border, n + 2 * border, mode)
        base = np.floor(unwrap(x))
        places = base.astype(int) - (order == 3)
        m = n + 2 * border
        neighbours.append(
            [
                (_folded_index(places + k, m, mode), w)
                for k, w in enumerate(_weights(x - base, order))
            ]
        )
    out: Any = 0.0
    for corner in itertools.product(*neighbours):
        term = taken(a, tuple(i for i, _ in corner))
        for _, w in corner:
            term = term * w
        out = out + term
    return np.where(inside, out, cval) if mode == "constant" else out


def _value_of_coordinates(
    input: Any, coordinates: Any, order: int, mode: str, cval: float, prefilter: bool
) -> Any:
    from scipy import ndimage

    dtype = input.dtype if input.dtype.kind in "fc" else None
    return ndimage.map_coordinates(input, coordinates, dtype, order, mode, cval, prefilter)


_coordinates = with_scipy_values("ndimage.map_coordinates", _value_of_coordinates)(_sampled)


def map_coordinates(
    input: Any,
    coordinates: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
) -> Any:
    """Return an image between its pixels; as ``scipy.ndimage.map_coordinates``.

    Gradients reach the image and the coordinates.

    Parameters
    ----------
    input : array of N axes
    coordinates : array of shape (N, K, ...)
    output
        Refused: the result is returned, in the dtype of the image.
    order : int
        With gradients 1 (linear) or 3 (a cubic spline).
    mode : str
        With gradients 'constant', 'nearest', 'mirror', 'reflect', 'grid-mirror' or 'grid-wrap'.
    cval : number
    prefilter : bool

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> image = np.array([0.0, 1.0, 4.0, 9.0])
    >>> ag.scipy.ndimage.map_coordinates(image, np.array([[1.5]]), order=1)
    array([2.5])
    """
    _no_output("map_coordinates", output)
    image, points = inexact(input), inexact(coordinates)
    if points.shape[0] != image.ndim:
        raise ValueError(
            f"map_coordinates takes coordinates of shape ({image.ndim}, ...) for an image of "
            f"{image.ndim} axes, got {points.shape}"
        )
    return _coordinates(image, points, int(order), mode, float(cval), bool(prefilter))


# -- filters --------------------------------------------------------------------------------------


def _kernel(sigma: Any, order: int, radius: int) -> Any:
    """Return the samples of a derivative of a Gaussian density, of sum 1 before differentiation."""
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * x**2)
    weights = weights / weights.sum()
    s = 1 / (sigma * sigma)
    if order == 0:
        return weights
    if order == 1:
        return -x * s * weights
    if order == 2:
        return (x**2 * s - 1) * s * weights
    if order == 3:
        return (3 * x * s - x**3 * s * s) * s * weights
    raise NotDifferentiableError(
        f"ag.scipy.ndimage.gaussian_filter has no gradients with order={order}; 0 to 3 have"
    )


def _each(value: Any, n: int) -> list[Any]:
    """Return one value for each axis."""
    if isinstance(value, (list, tuple)) or np.ndim(value):
        values = list(value)
        if len(values) != n:
            raise ValueError(
                f"gaussian_filter takes one value for each of {n} axes, got {len(values)}"
            )
        return values
    return [value] * n


def _smoothed(
    input: Any,
    sigma: Any,
    order: Any,
    mode: Any,
    cval: float,
    truncate: float,
    radius: Any,
    axes: Any,
) -> Any:
    places = normalize_axis_tuple(range(input.ndim) if axes is None else axes, input.ndim)
    out = input
    n = len(places)
    each = (_each(v, n) for v in (sigma, order, mode, radius))
    for axis, s, k, border, r in zip(places, *each, strict=True):
        if float(unwrap(s)) <= 1e-15:
            continue
        size = int(truncate * float(unwrap(s)) + 0.5) if r is None else int(r)
        weights = _kernel(s, int(k), size)[::-1].astype(input.dtype)
        widths = [(0, 0)] * input.ndim
        widths[axis] = (size, size)
        padded = _pad(out, widths, _mode("gaussian_filter", border), cval)
        length = input.shape[axis]
        windows = [padded[along(axis, slice(i, i + length))] for i in range(2 * size + 1)]
        out = sum(w * weights[i] for i, w in enumerate(windows))
    return out


def _value_of_smoothed(
    input: Any,
    sigma: Any,
    order: Any,
    mode: Any,
    cval: float,
    truncate: float,
    radius: Any,
    axes: Any,
) -> Any:
    from scipy import ndimage

    more: dict[str, Any] = {} if axes is None else {"axes": axes}
    return ndimage.gaussian_filter(
        input, sigma, order, None, mode, cval, truncate, radius=radius, **more
    )


_gaussian = with_scipy_values("ndimage.gaussian_filter", _value_of_smoothed)(_smoothed)


def gaussian_filter(
    input: Any,
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Any:
    """Smooth an image with a Gaussian; as ``scipy.ndimage.gaussian_filter``.

    Gradients reach the image and ``sigma`` (the radius of the kernel stays as it is).

    Parameters
    ----------
    input : array
    sigma : number, or one for each axis
    order : int, or one for each axis
        The derivative of the Gaussian; with gradients 0 to 3.
    output
        Refused: the result is returned.
    mode : str, or one for each axis
    cval, truncate, radius, axes
        As in SciPy.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(lambda x: ag.scipy.ndimage.gaussian_filter(x, 0.5)[1])(np.eye(3)[1]).round(4)
    array([0.1067, 0.7866, 0.1067])
    """
    _no_output("gaussian_filter", output)
    return _gaussian(inexact(input), sigma, order, mode, float(cval), truncate, radius, axes)


def _filtered(input: Any, weights: Any, mode: str, cval: float, origin: Any) -> Any:
    mode = _mode("convolve", mode)
    widths = []
    for size, shift in zip(weights.shape, _each(origin, weights.ndim), strict=True):
        before = size // 2 - int(shift) - (1 - size % 2)
        widths.append((before, size - 1 - before))
    return _convolve(_pad(input, widths, mode, cval), weights, "valid", "direct")


def _value_of_filtered(input: Any, weights: Any, mode: str, cval: float, origin: Any) -> Any:
    from scipy import ndimage

    return ndimage.convolve(input, weights, None, mode, cval, origin)


_convolved = with_scipy_values("ndimage.convolve", _value_of_filtered)(_filtered)


def convolve(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
) -> Any:
    """Convolve an image with a kernel, at its own size; as ``scipy.ndimage.convolve``.

    Parameters
    ----------
    input, weights : arrays of the same number of axes
    output
        Refused: the result is returned.
    mode : str
    cval : number
    origin : int, or one for each axis

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scipy.ndimage.convolve(np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 0.0]))
    array([3., 6., 8.])
    """
    _no_output("convolve", output)
    image, kernel = inexact(input), as_array(weights)
    if any_tracked([image]) and kernel.dtype.kind not in "fc":
        kernel = inexact(kernel)
    return _convolved(image, kernel, mode, float(cval), origin)


__all__ = ["convolve", "gaussian_filter", "map_coordinates"]
