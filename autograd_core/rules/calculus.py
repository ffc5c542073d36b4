"""Differences, integrals, interpolation, convolution, and statistics of second order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_now, asarray_like, is_lazy, to_host
from autograd_core.engine.primitive import Primitive, composition
from autograd_core.engine.recording import TensorBase
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules import costs
from autograd_core.rules.common import (
    along,
    as_array,
    axis_index,
    conj,
    exact_composition,
    floating,
    keeps,
    unset,
)

# -- differences and sums along an axis -----------------------------------------------------------


@composition(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n < 0:
        raise ValueError(f"diff takes n >= 0, got {n}")
    a = as_array(a)
    axis = axis_index(a, axis)
    one = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    given = [as_array(v, a) for v in (prepend, append) if v is not None and not unset(v)]
    if n and given:
        ends = [np.broadcast_to(v, one) if v.ndim == 0 else v for v in given]
        first = prepend is not None and not unset(prepend)
        a = np.concatenate([*ends[:first], a, *ends[first:]], axis=axis)
    for _ in range(n):
        a = a[along(axis, slice(1, None))] - a[along(axis, slice(None, -1))]
    return a


@exact_composition(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    flat = as_array(ary).reshape(-1)
    parts = (to_begin, flat[1:] - flat[:-1], to_end)
    return np.concatenate([as_array(p, flat).reshape(-1) for p in parts if p is not None])


def _spacing(x: Any, n: int, ndim: int, axis: int) -> Any:
    """Return the steps between coordinates, shaped to broadcast along ``axis``."""
    if x.ndim == 1:
        if x.shape[0] != n:
            raise ValueError(f"{x.shape[0]} coordinates for {n} samples; give one for each sample")
        d = x[1:] - x[:-1]
        return d.reshape((1,) * axis + (-1,) + (1,) * (ndim - axis - 1))
    return _diff(x, axis=axis)


@exact_composition(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = as_array(y)
    axis = axis_index(y, axis)
    step = dx if x is None else _spacing(as_array(x, y), y.shape[axis], y.ndim, axis)
    both = y[along(axis, slice(1, None))] + y[along(axis, slice(None, -1))]
    return (step * both / 2.0).sum(axis)


@exact_composition(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Take second-order differences inside, one-sided ones at the ends (Quarteroni et al. 2007)."""
    f = floating(as_array(f))
    one = isinstance(axis, (int, np.integer))
    named = range(f.ndim) if axis is None else (axis,) if one else tuple(axis)
    axes = [axis_index(f, a) for a in named]
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError(f"gradient takes no spacing, one, or one for each axis, got {len(varargs)}")
    spacings = varargs or (1.0,)
    spacings = spacings * len(axes) if len(spacings) == 1 else spacings
    results = tuple(
        _one_gradient(f, h if np.ndim(h) == 0 else as_array(h, f), a, edge_order)
        for h, a in zip(spacings, axes, strict=True)
    )
    return results[0] if len(results) == 1 else results


def _one_gradient(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    n = f.shape[axis]
    if edge_order not in (1, 2):
        raise ValueError(f"gradient takes edge_order 1 or 2, got {edge_order}")
    if n < edge_order + 1:
        raise ValueError(
            f"gradient needs {edge_order + 1} samples or more along axis {axis}, got {n}"
        )

    def at(i: Any) -> Any:
        return f[along(axis, i)]

    grid = np.ndim(h) > 0
    if grid:
        steps = _spacing(h, n, f.ndim, axis)
        left, right = steps[along(axis, slice(None, -1))], steps[along(axis, slice(1, None))]
        first, last = (steps[along(axis, i)] for i in (slice(0, 1), slice(n - 2, None)))
    else:
        steps = left = right = first = last = h
    before, middle, after = at(slice(0, n - 2)), at(slice(1, n - 1)), at(slice(2, None))
    if grid:
        inner = (
            left * left * after + (right * right - left * left) * middle - right * right * before
        ) / (left * right * (left + right))
    else:
        inner = (after - before) / (2.0 * h)
    if edge_order == 1:
        start = (at(slice(1, 2)) - at(slice(0, 1))) / first
        end = (at(slice(n - 1, None)) - at(slice(n - 2, n - 1))) / last
    else:
        d1, d2 = (steps[along(axis, slice(i, i + 1))] for i in (0, 1)) if grid else (h, h)
        e1, e2 = (steps[along(axis, slice(n - i, n - i + 1))] for i in (3, 2)) if grid else (h, h)
        a, b, c = (at(slice(i, i + 1)) for i in range(3))
        start = -(2.0 * d1 + d2) / (d1 * (d1 + d2)) * a + (d1 + d2) / (d1 * d2) * b
        start = start - d1 / (d2 * (d1 + d2)) * c
        a, b, c = (at(slice(n - i, n - i + 1)) for i in (3, 2, 1))
        end = e2 / (e1 * (e1 + e2)) * a - (e2 + e1) / (e1 * e2) * b
        end = end + (2.0 * e2 + e1) / (e2 * (e1 + e2)) * c
    return np.concatenate([start, inner, end], axis=axis)


@exact_composition(np.unwrap)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    """Add whole periods, which are constant except for the period itself."""
    values, length = to_host(p), to_host(period)
    turned = np.unwrap(values, discont, axis, period=length.item())
    turns = np.round((turned - values) / length).astype(turned.dtype)
    return as_array(p) + asarray_like(turns, p) * period


# -- interpolation --------------------------------------------------------------------------------


def double(a: Any) -> Any:
    """Return real numbers as float64 and complex ones as complex128."""
    return a.astype(np.result_type(a.dtype, float), copy=False)


@exact_composition(np.interp)
def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Interpolate linearly; the slope at a knot is the one to its right."""
    one = next((a for a in (x, fp, xp) if hasattr(a, "ndim")), 0)
    x, xp, fp = (double(as_array(a, one)) for a in (x, xp, fp))
    if not xp.size and not x.size:
        return x + fp.sum()  # NumPy 2.5 interpolates nothing between no knots
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"interp takes xp and fp of one length, got {xp.shape} and {fp.shape}")
    if period is not None:
        if isinstance(period, TensorBase):
            raise NotDifferentiableError(
                "np.interp has no gradient with respect to period=; pass a number, or detach() it"
            )
        period = abs(period)
        x, xp = (a - period * np.floor(to_host(a) / period) for a in (x, xp))
        order = np.argsort(to_host(xp))
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    values, knots = to_host(x), to_host(xp)
    n = knots.shape[0]
    if n == 1:
        inside = fp[0] + x * 0.0
    else:
        i = np.clip(np.searchsorted(knots, values, side="right"), 1, n - 1)
        step = xp[i] - xp[i - 1]
        same = to_host(step) == 0
        slope = (fp[i] - fp[i - 1]) / np.where(asarray_like(same, step), 1.0, step)
        inside = fp[i - 1] + slope * (x - xp[i - 1])
    below, above = (asarray_like(m, x) for m in (values < knots[0], values > knots[-1]))
    inside = np.where(below, fp[0] if left is None else left, inside)
    return np.where(above, fp[-1] if right is None else right, inside)


# -- convolution ----------------------------------------------------------------------------------


def _spread(g: Any, n: int, m: int, mode: Any) -> Any:
    """Return the cotangent of the full convolution from the part that ``mode`` keeps."""
    code = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    missing = n + m - 1 - g.shape[0]
    if code == "full" or not missing:
        return g
    before = min(n, m) - 1 if code == "valid" else (min(n, m) - 1) // 2
    return np.pad(g, ((before, missing - before),))


# fmt: off
convolve = Primitive(np.convolve, "convolve", kind="product", flops=costs.correlation).defvjp(
    lambda g, _out, _a, v, mode="full": np.convolve(_spread(g, _a.shape[0], v.shape[0], mode), v[::-1], "valid"),
    lambda g, _out, a, _v, mode="full": np.convolve(_spread(g, a.shape[0], _v.shape[0], mode), a[::-1], "valid"),
)
# fmt: on


@composition(np.convolve)
def _np_convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    return convolve(np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v)), mode=mode)


@exact_composition(np.correlate)
def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    a, v = np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v))
    if mode in ("same", 1) and v.shape[0] > a.shape[0]:
        return np.convolve(conj(v), a[::-1], mode)[::-1]
    return np.convolve(a, conj(v)[::-1], mode)


# -- averages and covariance ----------------------------------------------------------------------


@exact_composition(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    a, keep = as_array(a), keeps(keepdims)
    if weights is None:
        mean = a.mean(axis=axis, keepdims=keep)
        total = np.full(mean.shape, a.size / max(mean.size, 1), mean.dtype)
    else:
        w = as_array(weights, a)
        if w.shape != a.shape:
            if axis is None:
                raise TypeError(
                    f"weights of shape {w.shape} for {a.shape} need an axis=, or the shape of the array"
                )
            axes = axis if isinstance(axis, tuple) else (axis,)
            axes = tuple(axis_index(a, i) for i in axes)
            if w.shape != tuple(a.shape[i] for i in axes):
                raise ValueError(
                    f"average takes weights of the lengths of the axes {axes} of {a.shape}, got {w.shape}"
                )
            w = w.transpose(tuple(np.argsort(axes).tolist()))
            w = w.reshape(tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))
            w = np.broadcast_to(w, a.shape)
        total = w.sum(axis=axis, keepdims=keep)
        if not is_lazy(total) and any_now(total == 0):
            raise ZeroDivisionError(
                "the weights of an average sum to 0; give weights with another sum"
            )
        mean = (a * w).sum(axis=axis, keepdims=keep) / total
    return (mean, np.broadcast_to(total, mean.shape)) if returned else mean


@exact_composition(np.cov)
def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    x = _observations(m, rowvar, TURNS_ROW)
    x = x if y is None else np.concatenate([x, _observations(y, rowvar, False)], axis=0)
    x = double(x) if dtype is None else x.astype(dtype)
    ddof = ddof if ddof is not None else (0 if bias else 1)
    w: Any = None
    if fweights is not None:
        w = asarray_like(to_host(fweights).astype(float), x)
    if aweights is not None:
        aweights = double(as_array(aweights, x).real)
        w = aweights if w is None else w * aweights
    if w is None:
        centred, total, norm = x - x.mean(1, keepdims=True), x.shape[1], x.shape[1] - ddof
        weighted = centred
    else:
        total = w.sum()
        centred = x - (x * w).sum(1, keepdims=True) / total
        weighted = centred * w
        if ddof == 0:
            norm = total
        elif aweights is None:
            norm = total - ddof
        else:
            norm = total - ddof * (w * aweights).sum() / total
    if any_now(norm <= 0):  # no degrees of freedom are left
        norm = np.where(norm <= 0, 0.0, norm)
    return (weighted @ conj(centred).T * np.true_divide(1, norm)).squeeze()


def _observations(v: Any, rowvar: bool, turns_row: bool) -> Any:
    """Return observations with one variable per row.

    With ``rowvar=False`` NumPy transposes a matrix of one row only if it is the first array.
    """
    v = floating(as_array(v))
    matrix = v.ndim == 2
    v = v if matrix else v.reshape((1, -1))
    return v.T if not rowvar and (v.shape[0] != 1 or (turns_row and matrix)) else v


#: Whether this NumPy transposes a matrix of one row as well, as NumPy 2.2 and later do.
TURNS_ROW = bool(np.cov(np.zeros((1, 2)), rowvar=False, ddof=0).ndim)


@exact_composition(np.corrcoef)
def _corrcoef(
    x: Any, y: Any = None, rowvar: bool = True, bias: Any = None, ddof: Any = None,
    *, dtype: Any = None,
) -> Any:  # fmt: skip
    c = _cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.diagonal(c).real)
    return c / deviation[:, None] / deviation[None, :]
