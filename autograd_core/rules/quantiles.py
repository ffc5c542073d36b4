"""Order statistics: median, quantile, percentile, and their NaN-aware forms.

A quantile is a mean of two neighbours in the sorted array.  Which two, and with what weights, NumPy
itself says for every ``method=``: the quantile of the ramp 0, 1, ..., n - 1 is the place between them.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.primitive import composition
from autograd_core.engine.recording import TensorBase, unwrap, wrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import as_array, floating, host, keeps
from autograd_core.rules.reductions import axes_of


def _places(n: int, q: Any, method: Any) -> Any:
    """Where the quantiles of ``n`` sorted numbers lie, as a (fractional) index."""
    if isinstance(q, TensorBase):
        if method != "linear":
            raise NotDifferentiableError(
                f"np.quantile has a gradient with respect to q for method='linear' alone, got "
                f"{method!r}; detach() it if none is wanted"
            )
        recorded: Any = q
        return recorded * (n - 1)
    return np.quantile(np.arange(float(n)), host(q), method=method)


def _quantile(
    a: Any, q: Any, axis: Any, method: str, keepdims: Any, skip_nan: bool, name: str, dtype: Any
) -> Any:
    """Of floating-point ``a``, with a result of ``dtype``."""
    q = q if isinstance(q, TensorBase) else np.asarray(q)
    if ((host(q) < 0) | (host(q) > 1)).any():
        raise ValueError("quantiles lie between 0 and 1, percentiles between 0 and 100")
    if a.size == 0:  # no gradient to lose; NumPy says what there is to say
        function = getattr(np, name)
        options = {"axis": axis, "keepdims": keeps(keepdims)}
        if name.endswith("median"):
            return wrap(function(host(a), **options))
        scaled = host(q) * (100 if "percentile" in name else 1)
        return wrap(function(host(a), scaled, method=method, **options))
    axes = axes_of(axis, a.ndim)
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    flat = a.transpose((*axes, *rest)).reshape((-1, *(a.shape[i] for i in rest)))
    columns = flat.reshape((flat.shape[0], -1))
    values = unwrap(columns)
    order = np.argsort(values, axis=0)  # NaNs come last
    columns = np.take_along_axis(columns, order, axis=0)
    missing = host(np.isnan(values).sum(axis=0))
    n, width = columns.shape
    counts = n - missing if skip_nan else np.full(width, n)
    if skip_nan and (counts == 0).any():
        warnings.warn(f"np.{name}: a slice holds NaNs alone", RuntimeWarning, stacklevel=5)
    flat_q = q.reshape(-1)
    places: Any
    if counts.size and (counts == counts[0]).all():
        places = _places(max(int(counts[0]), 1), flat_q, method).reshape((-1, 1))
    else:
        by_count = {c: _places(max(c, 1), flat_q, method) for c in set(counts.tolist())}
        places = (
            np.stack([by_count[c] for c in counts.tolist()], axis=-1) if width else flat_q[:, None]
        )
    low = np.floor(host(places)).astype(int)
    low, last = np.broadcast_to(low, (low.shape[0], width)), np.maximum(counts - 1, 0)
    low = np.minimum(low, np.maximum(last - 1, 0))
    high = np.minimum(low + 1, last)
    if not isinstance(places, TensorBase):
        places = asarray_like(places, values)
    weight = (places - asarray_like(low, values)).astype(dtype)
    below, above = (np.take_along_axis(columns, i, axis=0) for i in (low, high))
    out = np.where(unwrap(weight) == 0, below, below * (1 - weight) + above * weight)
    if isinstance(q, TensorBase):
        out = below + (above - below) * weight
    undefined = counts == 0 if skip_nan else missing > 0
    if undefined.any():
        out = np.where(asarray_like(undefined, values), math.nan, out)
    out = out.reshape(q.shape + tuple(a.shape[i] for i in rest))
    if skip_nan and q.ndim > 1 and rest and len(axes) != 1:  # NumPy's own order then
        out = np.moveaxis(out, tuple(range(q.ndim)), tuple(range(-q.ndim, 0)))
        out = np.moveaxis(out, tuple(range(-1, q.ndim - 1)), tuple(range(q.ndim)))
    if keeps(keepdims):
        out = out[(..., *(None if i in axes else slice(None) for i in range(a.ndim)))]
    return out


def _define(fun: Any, scale: float, skip_nan: bool) -> None:
    @composition(fun)
    def quantile(
        a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
        method: str = "linear", keepdims: Any = False, *, weights: Any = None,
        interpolation: Any = None,
    ) -> Any:  # fmt: skip
        for word, value in (("weights", weights), ("interpolation", interpolation)):
            if value is not None:
                raise NotDifferentiableError(
                    f"np.{fun.__name__} has no derivative rule for the keyword {word}=; leave it out"
                )
        a, plain = floating(as_array(a)), isinstance(q, (int, float, np.generic))
        dtype = fun(np.zeros(1, a.dtype), q if plain else host(q), method=method).dtype
        q = as_array(q) / scale
        return _quantile(a, q, axis, method, keepdims, skip_nan, fun.__name__, dtype)


_define(np.quantile, 1, False)
_define(np.percentile, 100, False)
_define(np.nanquantile, 1, True)
_define(np.nanpercentile, 100, True)


def _define_middle(fun: Any, skip_nan: bool) -> None:
    @composition(fun)
    def middle(
        a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
        keepdims: Any = False,
    ) -> Any:  # fmt: skip
        a = floating(as_array(a))
        return _quantile(a, 0.5, axis, "linear", keepdims, skip_nan, fun.__name__, a.dtype)


_define_middle(np.median, False)
_define_middle(np.nanmedian, True)
