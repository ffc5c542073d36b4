"""Sorting and order statistics: sort, unique, median, quantile and their NaN-aware forms.

The cotangent of a sorted array goes back by the permutation that NumPy chose.  A quantile is a mean
of two neighbours in the sorted array; which two, and with what weights, NumPy itself says for every
``method=``: the quantile of the ramp 0, 1, ..., n - 1 is the place between them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_now, asarray_like, to_host
from autograd_core.engine.primitive import composition
from autograd_core.engine.recording import TensorBase, unwrap, wrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import as_array, exact_composition, floating, keeps, with_values_of
from autograd_core.rules.reductions import axes_of


@composition(np.sort)
def _sort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    if axis is None:
        a, axis = a.reshape(-1), -1
    chosen = np.argsort(a, axis=axis, kind="stable" if stable else kind)
    return np.take_along_axis(a, chosen, axis=axis)


@composition(np.unique)
def _unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: Any = None, **options: Any,
) -> Any:  # fmt: skip
    """Return the unique values; of equal ones, the first is the one that is recorded."""
    _, index, inverse, counts = np.unique(
        to_host(ar),
        return_index=True,
        return_inverse=True,
        return_counts=True,
        axis=axis,
        **options,
    )
    values = ar.reshape(-1)[index] if axis is None else np.take(ar, index, axis=axis)
    asked = ((return_index, index), (return_inverse, inverse), (return_counts, counts))
    extra = tuple(wrap(a) for wanted, a in asked if wanted)
    return (values, *extra) if extra else values


def _named_unique(fun: Any) -> None:
    """Compose an Array API form: the values in NumPy's order, and its other results."""

    @composition(fun)
    def unique(x: Any) -> Any:
        found = fun(to_host(x))
        values = found.values if hasattr(found, "values") else found
        known, first = np.unique(to_host(x), return_index=True, equal_nan=False)
        taken = x.reshape(-1)[first[np.searchsorted(known, values)]]
        return wrap(found)._replace(values=taken) if hasattr(found, "_replace") else taken


for _fun in (np.unique_values, np.unique_all, np.unique_counts, np.unique_inverse):
    _named_unique(_fun)


def _set_operation(fun: Any) -> None:
    """Compose an operation on sets: its values, each from the first place where it occurs."""

    @composition(fun)
    def operation(ar1: Any, ar2: Any, **options: Any) -> Any:
        found = fun(to_host(ar1), to_host(ar2), **options)
        values, *extra = found if isinstance(found, tuple) else (found,)
        sources = (ar1,) if fun is np.setdiff1d else (ar1, ar2)
        joined = np.concatenate([as_array(a, ar1).reshape(-1) for a in sources])
        known, first = np.unique(to_host(joined), return_index=True, equal_nan=False)
        taken = joined[first[np.searchsorted(known, values)]]
        return (taken, *map(wrap, extra)) if extra else taken


for _set in (np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d):
    _set_operation(_set)


@composition(np.sort_complex)
def _sort_complex(a: Any) -> Any:
    a = a if a.dtype.kind == "c" else a.astype(np.sort_complex(np.empty(1, a.dtype)).dtype)
    return np.take_along_axis(a, np.argsort(to_host(a), axis=-1), axis=-1)


@exact_composition(np.partition)
def _partition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    """Move each element to where NumPy put it, of equal ones the first to the first place."""
    if axis is None:
        a, axis = a.reshape(-1), -1
    options = {} if kind == "introselect" else {"kind": kind}  # CuPy has no kind=
    placed = np.partition(unwrap(a), kth, axis=axis, **options)
    sources, places = (np.argsort(v, axis=axis, kind="stable") for v in (unwrap(a), placed))
    sources = np.take_along_axis(sources, np.argsort(places, axis=axis), axis=axis)
    return np.take_along_axis(a, sources, axis=axis)


# -- quantiles ------------------------------------------------------------------------------------


#: Methods that take an element, or the mean of two: piecewise constant in q.
STEPS = frozenset(
    {
        *("lower", "higher", "nearest", "midpoint"),
        *("inverted_cdf", "averaged_inverted_cdf", "closest_observation"),
    }
)


def _places(n: int, q: Any, method: Any) -> Any:
    """Return where the quantiles of ``n`` sorted numbers lie, as a (fractional) index."""
    if isinstance(q, TensorBase) and method not in STEPS:
        if method != "linear":
            raise NotDifferentiableError(
                f"np.quantile has a gradient with respect to q only for method='linear', got "
                f"{method!r}; detach() it if none is wanted"
            )
        recorded: Any = q
        return recorded * (n - 1)
    return np.quantile(np.arange(float(n)), to_host(unwrap(q)), method=method)


def _quantile(
    a: Any, q: Any, axis: Any, method: str, keepdims: bool, skip_nan: bool, dtype: Any
) -> Any:
    """Return quantiles of a floating-point array, with dtype ``dtype``."""
    if a.size == 0:  # NaN, or nothing: it depends on nothing
        return 0.0
    q = q if isinstance(q, TensorBase) else np.asarray(q)
    at = to_host(q)
    if ((at < 0) | (at > 1)).any():
        raise ValueError(
            "quantiles lie between 0 and 1, percentiles between 0 and 100; got quantiles from "
            f"{at.min():g} to {at.max():g}"
        )
    axes = axes_of(axis, a.ndim)
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    flat = a.transpose((*axes, *rest)).reshape((-1, *(a.shape[i] for i in rest)))
    columns = flat.reshape((flat.shape[0], -1))
    values = unwrap(columns)
    order = np.argsort(values, axis=0)  # NaNs come last
    columns = np.take_along_axis(columns, order, axis=0)
    missing = np.isnan(values).sum(axis=0)
    missing = to_host(missing) if skip_nan else missing
    n, width = columns.shape
    counts = n - missing if skip_nan else np.full(width, n)
    flat_q = q.reshape(-1)
    places: Any
    if counts.size and (counts == counts[0]).all():
        places = _places(max(int(counts[0]), 1), flat_q, method).reshape((-1, 1))
    else:
        by_count = {c: _places(max(c, 1), flat_q, method) for c in set(counts.tolist())}
        places = (
            np.stack([by_count[c] for c in counts.tolist()], axis=-1) if width else flat_q[:, None]
        )
    low = np.floor(to_host(places)).astype(int)
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
    if any_now(undefined):
        out = np.where(asarray_like(undefined, values), math.nan, out)
    out = out.reshape(q.shape + tuple(a.shape[i] for i in rest))
    if skip_nan and q.ndim > 1 and rest and len(axes) != 1:  # NumPy's order in this case
        out = np.moveaxis(out, tuple(range(q.ndim)), tuple(range(-q.ndim, 0)))
        out = np.moveaxis(out, tuple(range(-1, q.ndim - 1)), tuple(range(q.ndim)))
    if keepdims:
        out = out[(..., *(None if i in axes else slice(None) for i in range(a.ndim)))]
    return out


def _quantile_like(fun: Any, scale: float, skip_nan: bool) -> None:
    def composed(a: Any, q: Any, *, axis: Any, method: str, keepdims: bool) -> Any:
        a, plain = floating(as_array(a)), isinstance(q, (int, float, np.generic))
        dtype = fun(np.zeros(1, a.dtype), q if plain else to_host(q), method=method).dtype
        q = as_array(q) / scale
        return _quantile(a, q, axis, method, keepdims, skip_nan, dtype)

    exact = with_values_of(fun, composed)

    @composition(fun)
    def quantile(
        a: Any, q: Any, axis: Any = None, overwrite_input: bool = False,
        method: str = "linear", keepdims: Any = False, *, weights: Any = None,
        interpolation: Any = None,
    ) -> Any:  # fmt: skip
        for word, value in (("weights", weights), ("interpolation", interpolation)):
            if value is not None:
                raise NotDifferentiableError(
                    f"np.{fun.__name__} has no derivative rule for the keyword {word}=; leave it out"
                )
        return exact(a, q, axis=axis, method=method, keepdims=keeps(keepdims))


_quantile_like(np.quantile, 1, False)
_quantile_like(np.percentile, 100, False)
_quantile_like(np.nanquantile, 1, True)
_quantile_like(np.nanpercentile, 100, True)


def _median(fun: Any, skip_nan: bool) -> None:
    def composed(a: Any, *, axis: Any, keepdims: bool) -> Any:
        a = floating(as_array(a))
        return _quantile(a, 0.5, axis, "linear", keepdims, skip_nan, a.dtype)

    exact = with_values_of(fun, composed)

    @composition(fun)
    def median(
        a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: Any = False,
    ) -> Any:  # fmt: skip
        return exact(a, axis=axis, keepdims=keeps(keepdims))


_median(np.median, False)
_median(np.nanmedian, True)
