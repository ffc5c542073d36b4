"""Selecting among arrays, and assignment in functional form.

An element that was not selected has cotangent 0, exactly, whatever its value: all of these functions
are composed of ``np.where`` and of assignment, which declare ``selects``.
"""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_now, asarray_like, to_host
from autograd_core.engine.primitive import composition
from autograd_core.engine.recording import any_tracked, unwrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import (
    along,
    as_array,
    axis_index,
    check_target,
    exact_composition,
    is_foreign,
)
from autograd_core.rules.indexing import along_axis, put_sum
from autograd_core.tensors.methods import getitem, setitem


@composition(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            f"select takes as many conditions as choices and at least one, got {len(condlist)} and "
            f"{len(choicelist)}"
        )
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = np.where(unwrap(condition), choice, out)
    return out


@composition(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Call each function on its own elements only, never outside its domain."""
    x = as_array(x)
    if x.size == 0:
        return x * 1
    if isinstance(condlist, (list, tuple)):
        single = (
            x.ndim > 0 and not hasattr(condlist[0], "ndim") and not isinstance(condlist[0], list)
        )
    else:
        single = np.ndim(condlist) == 0 or (np.ndim(condlist) == 1 and x.ndim > 0)
    conditions = [condlist] if single else condlist
    masks = [np.broadcast_to(to_host(c), x.shape) for c in conditions]
    if len(funclist) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    if len(funclist) != len(masks):
        raise ValueError(
            f"piecewise takes as many functions as conditions, or one more, got {len(funclist)} "
            f"and {len(masks)}"
        )
    out = np.zeros_like(x)
    for mask, f in zip(masks, funclist, strict=True):
        if callable(f):
            if mask.any():
                out = setitem(out, f(x[mask], *args, **kw), index=mask)
        else:
            out = np.where(asarray_like(mask, out), f, out)
    return out


@composition(np.choose)
def _choose(a: Any, choices: Any, mode: str = "raise") -> Any:
    which, n = to_host(a), len(choices)
    if mode == "wrap":
        which = which % n
    elif mode == "clip":
        which = np.clip(which, 0, n - 1)
    elif (which < 0).any() or (which >= n).any():
        raise ValueError(f"choose got an index outside the {n} choices; see its mode=")
    result = choices[0]
    for i in range(1, n):
        result = np.where(asarray_like(which == i, result), choices[i], result)
    shape = np.broadcast_shapes(which.shape, *(np.shape(c) for c in choices))
    return np.broadcast_to(result, shape)


@composition(np.compress)
def _compress(condition: Any, a: Any, axis: Any = None) -> Any:
    chosen = np.flatnonzero(to_host(condition))
    a = as_array(a)
    return a.reshape(-1)[chosen] if axis is None else a[along(axis_index(a, axis), chosen)]


@composition(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return as_array(arr).reshape(-1)[np.flatnonzero(to_host(condition))]


@exact_composition(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    x = to_host(x)
    n = max(minlength, int(x.max(initial=-1)) + 1)
    weights = as_array(weights)
    weights = weights if weights.dtype == np.float64 else weights.astype(float)
    return put_sum(weights, index=(x,), shape=(n,))


def _binned(weights: Any, places: list[Any], edges: list[Any]) -> Any:
    """Add weights in the bins between edges, of which the last includes its upper end."""
    inside, index = np.ones(places[0].shape, bool), []
    for x, e in zip(places, edges, strict=True):
        i = np.searchsorted(e, x, side="right") - 1
        i = np.where(x == e[-1], e.size - 2, i)
        inside = inside & (x >= e[0]) & (x <= e[-1])
        index.append(i)
    shape = tuple(e.size - 1 for e in edges)
    at = tuple(i[inside] for i in index)
    return put_sum(weights.reshape(-1)[np.flatnonzero(inside)], index=at, shape=shape)


def _as_density(counts: Any, edges: list[Any]) -> Any:
    """Divide counts by their sum and by the volumes of the bins."""
    for i, e in enumerate(edges):
        widths = e[1:] - e[:-1]
        counts = counts / widths.reshape(
            tuple(-1 if j == i else 1 for j in builtins.range(counts.ndim))
        )
    return counts


@exact_composition(np.histogram)
def _histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Add up recorded weights; the number of elements in a bin is piecewise constant."""
    values, fixed = to_host(a).reshape(-1), tuple(map(to_host, range)) if range else None
    host = bins if isinstance(bins, str) else to_host(bins)
    known = np.histogram_bin_edges(values, host, fixed)
    recorded = any_tracked([a, bins, range or ()])
    edges = np.histogram_bin_edges(a, bins, range) if recorded else known
    w = np.ones(values.shape) if weights is None else as_array(weights)
    if known.dtype.kind == "c":
        raise NotDifferentiableError(
            "np.histogram of complex numbers has no derivative rule; take z.real, or detach() it"
        )
    counts = _binned(w, [values], [known])
    return (_as_density(counts / counts.sum(), [edges]) if density else counts), edges


def _histogram_of_many(fun: Any) -> None:
    """Compose a histogram of several dimensions: only its weights have a gradient."""

    def composed(*args: Any, weights: Any = None, density: Any = None, **options: Any) -> Any:
        if any_tracked([*args, *options.values()]):
            raise NotDifferentiableError(
                f"np.{fun.__name__} has a gradient with respect to weights= alone, given by keyword; "
                "detach() the coordinates and the bins, or take np.histogram of each"
            )
        points, options = unwrap(args), unwrap(options)
        _, *edges = fun(*points, **options)
        edges = edges if fun is np.histogram2d else edges[0]
        columns = points[:2] if fun is np.histogram2d else np.atleast_2d(np.asarray(points[0]).T)
        counts = _binned(as_array(weights), [np.asarray(c) for c in columns], list(edges))
        counts = _as_density(counts / counts.sum(), list(edges)) if density else counts
        return (counts, *edges) if fun is np.histogram2d else (counts, edges)

    exact_composition(fun)(composed)


_histogram_of_many(np.histogram2d)
_histogram_of_many(np.histogramdd)


# -- assignment -----------------------------------------------------------------------------------


def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> Any:
    """Return a copy of ``a`` with ``v`` at places of the flattened array (functional ``np.put``).

    Parameters
    ----------
    a : array
    ind : integers
        Places in ``a.reshape(-1)``.
    v
        Repeated if shorter than ``ind``.
    mode : "raise", "wrap" or "clip"
        For places outside.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.put(np.zeros((2, 2)), [0, -1], [5.0, 6.0])
    array([[5., 0.],
           [0., 6.]])
    """
    a, at = as_array(a), to_host(ind).reshape(-1)
    if mode == "wrap":
        at = at % a.size
    elif mode == "clip":
        at = np.clip(at, 0, a.size - 1)
    values = as_array(v, a).reshape(-1)
    if at.size == 0 or values.size == 0:  # NumPy leaves the array unchanged
        return a * 1
    values = np.resize(values, at.shape)
    return setitem(a.reshape(-1), values, index=at).reshape(a.shape)


def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> Any:
    """Return a copy of ``arr`` with ``values`` at indices along an axis, as ``np.put_along_axis``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.put_along_axis(np.zeros((2, 3)), np.array([[0], [2]]), 9.0, axis=1)
    array([[9., 0., 0.],
           [0., 0., 9.]])
    """
    arr = as_array(arr)
    if axis is None:
        flat = setitem(arr.reshape(-1), values, index=to_host(indices))
        return flat.reshape(arr.shape)
    return setitem(
        arr, values, index=along_axis(arr.shape, to_host(indices), axis_index(arr, axis))
    )


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> Any:
    """Return a copy of ``a`` with ``val`` on its diagonal (functional ``np.fill_diagonal``).

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.fill_diagonal(np.zeros((2, 3)), [1.0, 2.0])
    array([[1., 0., 0.],
           [0., 2., 0.]])
    """
    a = as_array(a)
    places = np.zeros(a.shape, bool)
    np.fill_diagonal(places, True, wrap)
    return put(a, np.flatnonzero(places), val)


def putmask(a: Any, mask: Any, values: Any) -> Any:
    """Return a copy of ``a`` with ``values`` where ``mask`` holds (functional ``np.putmask``).

    Values are taken from the same places of ``values``, which is repeated to the size of ``a``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.putmask(np.zeros(4), np.array([True, False, True, False]), [1.0, 2.0])
    array([1., 0., 1., 0.])
    """
    a = as_array(a)
    values = as_array(values, a)
    return np.where(unwrap(mask), np.resize(values, a.shape), a) if values.size else a * 1


def place(arr: Any, mask: Any, vals: Any) -> Any:
    """Return a copy of ``arr`` with the values in turn where ``mask`` holds, as ``np.place``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.place(np.zeros(4), np.array([True, False, True, False]), [1.0, 2.0])
    array([1., 0., 2., 0.])
    """
    arr, mask = as_array(arr), to_host(mask)
    values, chosen = as_array(vals, arr).reshape(-1), mask.reshape(-1).astype(bool)
    if mask.size != arr.size:
        raise ValueError(f"place takes a mask of the size of arr, {arr.size}, got {mask.size}")
    if not values.size:
        if any_now(chosen):
            raise ValueError(f"place got no values for {np.count_nonzero(chosen)} places")
        return arr * 1
    turn = getitem(values, index=(np.cumsum(chosen) - 1) % values.size)
    chosen = asarray_like(chosen, arr)
    return np.where(chosen, turn.astype(arr.dtype), arr.reshape(-1)).reshape(arr.shape)


def _in_place(fun: Any, functional: Callable[..., Any]) -> None:
    """Compose NumPy's in-place form: the Tensor's handle is rebound to the new value."""
    name = next(iter(inspect.signature(functional).parameters))

    @composition(fun)
    def write(*args: Any, **kwargs: Any) -> None:
        target, args = (args[0], args[1:]) if args else (kwargs.pop(name), args)
        remedy = f"write b = ag.{fun.__name__}(a, ...), which returns a new Tensor"
        written = (*args, *kwargs.values())
        check_target(target, written, f"np.{fun.__name__}", remedy)
        if not is_foreign((target, *written)):  # NumPy's own errors
            fun(np.array(unwrap(target)), *unwrap(args), **unwrap(kwargs))
        t: Any = target
        t[...] = functional(t, *args, **kwargs)


for _fun, _functional in (
    (np.put, put),
    (np.put_along_axis, put_along_axis),
    (np.fill_diagonal, fill_diagonal),
    (np.putmask, putmask),
    (np.place, place),
):
    _in_place(_fun, _functional)


# -- inserting, deleting, resizing ----------------------------------------------------------------


def by_index(fun: Callable[..., Any], *arrays: Any) -> Any:
    """Return ``fun(*arrays)`` for a function that only moves elements.

    NumPy itself determines where each element goes: it moves the numbers of the elements, by which
    they are then indexed.
    """
    numbers, start = [], 0
    for a in arrays:
        numbers.append(start + np.arange(a.size).reshape(a.shape))
        start += a.size
    flat = [a.reshape(-1) for a in arrays]
    joined = flat[0] if len(flat) == 1 else np.concatenate(flat)
    source = fun(*numbers)
    return joined[source.reshape(-1)].reshape(source.shape)


@composition(np.delete)
def _delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    obj = obj if isinstance(obj, (slice, list)) else to_host(obj)
    return by_index(lambda i: np.delete(i, obj, axis), as_array(arr))


@composition(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    a, values = as_array(arr), as_array(values)
    obj = obj if isinstance(obj, (slice, list)) else to_host(obj)
    values = values if values.dtype == a.dtype else values.astype(a.dtype)
    return by_index(lambda i, v: np.insert(i, obj, v, axis), a, values)


@exact_composition(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    return by_index(lambda i: np.resize(i, new_shape), as_array(a))


@composition(np.trim_zeros)
def _trim_zeros(filt: Any, trim: Any = "fb", axis: Any = None) -> Any:
    a = as_array(filt)
    if not a.ndim:
        return a * 1
    options = {} if axis is None else {"axis": axis}
    kept = np.trim_zeros(to_host(a), trim, **options)
    if not kept.size:
        return a[tuple(slice(0, n) for n in kept.shape)]
    first = np.argwhere(to_host(a)).min(axis=0) if "f" in trim.lower() else [0] * a.ndim
    index = []
    for start, m, n in zip(first, kept.shape, a.shape, strict=True):
        start = 0 if m == n else int(start)  # an axis that was not trimmed begins at 0
        index.append(slice(start, start + m))
    return a[tuple(index)]


@composition(np.block)
def _block(arrays: Any) -> Any:
    def depth(x: Any) -> int:
        return 1 + max(map(depth, x)) if isinstance(x, list) else 0

    def widest(x: Any) -> int:
        return max(map(widest, x)) if isinstance(x, list) else int(np.ndim(x))

    levels = depth(arrays)
    ndim = max(levels, widest(arrays))

    def build(x: Any, level: int) -> Any:
        if isinstance(x, list):
            return np.concatenate([build(m, level + 1) for m in x], axis=level - levels)
        x = as_array(x)
        return x.reshape((1,) * (ndim - x.ndim) + x.shape)

    return build(arrays, 0) if isinstance(arrays, list) else build(arrays, 0).copy()
