"""Rules of functions that compute: reductions, along an axis, element by element, of matrices.

Each gives NumPy's function the values of all examples, with the axes behind the batch.
"""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np

from autograd_core.batching.alignment import (
    align,
    axes_behind,
    axis_behind,
    flat,
    has,
    ndim,
    rebatched,
    spread,
)
from autograd_core.batching.dispatch import refused, rule, same_for_all
from autograd_core.engine.operands import BatchedBase, Level, batched, newest


def _options(names: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments after the array by name, without ``out`` and what was not given."""
    given = {**dict(zip(names.split(), args, strict=False)), **kwargs}
    given.pop("out", None)
    return {k: v for k, v in given.items() if v is not np._NoValue}


# -- facts ----------------------------------------------------------------------------------------


@rule(np.shape, np.ndim, np.size)
def _form(level: Level, fun: Any, a: Any, axis: Any = None) -> Any:
    shape = a.shape if hasattr(a, "shape") else (len(a), *np.shape(a[0]))
    if fun is np.size:
        return math.prod(shape) if axis is None else shape[axis]
    return shape if fun is np.shape else len(shape)


@rule(np.result_type, np.can_cast, np.min_scalar_type, np.common_type)
@rule(np.iscomplexobj, np.isrealobj)
def _type(level: Level, fun: Any, *args: Any, **kwargs: Any) -> Any:
    plain = [np.empty(a.shape, a.dtype) if isinstance(a, BatchedBase) else a for a in args]
    return fun(*plain, **kwargs)


@rule(np.shares_memory, np.may_share_memory)
def _shares(level: Level, fun: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    return fun(*(x.examples if isinstance(x, BatchedBase) else x for x in (a, b)), **kwargs)


@rule(np.array_equal, np.allclose, np.array_equiv)
def _one_truth(level: Level, fun: Any, *args: Any, **kwargs: Any) -> Any:
    raise refused(
        f"np.{fun.__name__} is one truth, which differs over the batch of ag.vmap; use "
        "np.all(a == b) or np.all(np.isclose(a, b)), and np.where to choose by it"
    )


# -- reductions and along an axis -----------------------------------------------------------------

_REDUCE = "axis dtype out keepdims initial where"
_NAMES_OF: dict[Any, str] = {
    **dict.fromkeys((np.max, np.min, np.amax, np.amin), "axis out keepdims initial where"),
    **dict.fromkeys((np.nanmax, np.nanmin), "axis out keepdims initial where"),
    **dict.fromkeys((np.any, np.all), "axis out keepdims where"),
    **dict.fromkeys((np.mean, np.nanmean), "axis dtype out keepdims where"),
    **dict.fromkeys((np.var, np.std, np.nanvar, np.nanstd), "axis dtype out ddof keepdims where"),
    **dict.fromkeys((np.median, np.nanmedian), "axis out overwrite_input keepdims"),
    **dict.fromkeys((np.ptp,), "axis out keepdims"),
    **dict.fromkeys((np.count_nonzero,), "axis keepdims"),
}


@rule(np.sum, np.prod, np.nansum, np.nanprod, *_NAMES_OF)
def _reduction(level: Level, fun: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    a = spread(a, level)
    options = _options(_NAMES_OF.get(fun, _REDUCE), args, kwargs)
    axes = axes_behind(options.pop("axis", None), a.ndim)
    for name in ("where", "mean"):
        if name in options:
            options[name] = align(options[name], a.ndim, level)
    if newest(options.values()) is level:
        return NotImplemented
    return batched(fun(a.examples, axis=axes, **options), level)


@rule(np.quantile, np.percentile, np.nanquantile, np.nanpercentile)
def _quantile(level: Level, fun: Any, a: Any, q: Any, *args: Any, **kwargs: Any) -> Any:
    options = _options("axis out overwrite_input method keepdims", args, kwargs)
    if not has(a, level) or isinstance(q, BatchedBase) or newest([options]) is not None:
        return NotImplemented
    axes = axes_behind(options.pop("axis", None), a.ndim)
    found = fun(a.examples, q, axis=axes, **options)
    return batched(np.moveaxis(found, np.ndim(q), 0), level)


@rule(np.argmax, np.argmin, np.nanargmax, np.nanargmin)
@rule(np.cumsum, np.cumprod, np.nancumsum, np.nancumprod)
def _along(level: Level, fun: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    counts = "cum" in fun.__name__
    options = _options("axis dtype out" if counts else "axis out keepdims", args, kwargs)
    axis, keeps = options.pop("axis", None), options.pop("keepdims", False)
    whole = axis is None or not a.ndim
    place = 1 if whole else axis_behind(axis, a.ndim)
    found = fun(flat(a) if whole else a.examples, axis=place, **options)
    if keeps:
        shape = [1 if whole or i + 1 == place else n for i, n in enumerate(a.shape)]
        found = found.reshape((level.size, *shape))
    return batched(found, level)


_LAST, _ALL = {"axis": -1}, {"axes": None}

#: The parameters after the array, and the axes that are meant where none are given.
_SHIFTED: dict[Any, tuple[str, dict[str, Any]]] = {
    **dict.fromkeys((np.sort, np.argsort), ("axis kind order", _LAST)),
    **dict.fromkeys((np.partition, np.argpartition), ("kth axis kind order", _LAST)),
    **dict.fromkeys(
        (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft), ("n axis norm out", _LAST)
    ),
    **dict.fromkeys((np.fft.hfft, np.fft.ihfft), ("n axis norm out", _LAST)),
    **dict.fromkeys(
        (np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn), ("s axes norm out", _ALL)
    ),
    **dict.fromkeys(
        (np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2),
        ("s axes norm out", {"axes": (-2, -1)}),
    ),
    **dict.fromkeys((np.fft.fftshift, np.fft.ifftshift), ("axes", _ALL)),
    **dict.fromkeys(
        (np.diagonal, np.trace), ("offset axis1 axis2 dtype", {"axis1": 0, "axis2": 1})
    ),
    **dict.fromkeys((np.linalg.diagonal, np.linalg.trace), ("", {})),
    **dict.fromkeys((np.split, np.array_split), ("indices_or_sections axis", {"axis": 0})),
    np.diff: ("n axis prepend append", _LAST),
    np.unwrap: ("discont axis", _LAST),
    np.trapezoid: ("x dx axis", _LAST),
    np.flip: ("axis", {"axis": None}),
    np.rot90: ("k axes", {"axes": (0, 1)}),
}


@rule(*_SHIFTED)
def _shifted(level: Level, fun: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    names, places = _SHIFTED[fun]
    options = {**places, **_options(names, args, kwargs)}
    beside = [options.get(k) for k in ("x", "prepend", "append")]  # arrays, that have no batch
    if not has(a, level) or newest([options]) or any(b is not None for b in beside):
        return NotImplemented
    if places is _LAST and options["axis"] is None:
        return batched(fun(flat(a), **{**options, "axis": 1}), level)
    if places is _ALL and options["axes"] is None and options.get("s") is not None:
        options["axes"] = range(-len(options["s"]), 0)
    options |= {name: axes_behind(options[name], a.ndim) for name in places}
    return rebatched(fun(a.examples, **options), level)


# -- element by element ---------------------------------------------------------------------------


@rule(np.real, np.imag, np.angle, np.i0, np.sinc, np.fix, np.round, np.around)
@rule(np.isclose, np.iscomplex, np.isreal, np.isneginf, np.isposinf, np.where)
def _elementwise(level: Level, fun: Any, *args: Any, **kwargs: Any) -> Any:
    if fun is np.where and len(args) == 1:
        return NotImplemented
    n = max(map(ndim, args))
    options = {k: align(v, n, level) for k, v in kwargs.items()}
    return batched(fun(*(align(a, n, level) for a in args), **options), level)


@rule(np.nan_to_num)
def _nan_to_num(level: Level, fun: Any, x: Any, copy: bool = True, **kwargs: Any) -> Any:
    found = _elementwise(level, fun, x, **kwargs)
    if copy:
        return found
    if not has(x, level):
        raise same_for_all("np.nan_to_num with copy=False")
    x[...] = found
    return x


@rule(np.clip)
def _clip(level: Level, fun: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    options = _options("a_min a_max out", args, kwargs)
    for old, new in (("a_min", "min"), ("a_max", "max")):
        if old in options:
            options[new] = options.pop(old)
    given = a, options.pop("min", None), options.pop("max", None)
    n = max(ndim(x) for x in given if x is not None)
    places = [align(x, n, level) for x in given]  # NumPy 2.0 takes the limits by position alone
    return batched(np.clip(*places, **{k: align(v, n, level) for k, v in options.items()}), level)


@rule(np.interp)
def _interp(level: Level, fun: Any, x: Any, xp: Any, fp: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(xp, BatchedBase) or isinstance(fp, BatchedBase) or newest((args, kwargs)):
        return NotImplemented
    return batched(fun(x.examples, xp, fp, *args, **kwargs), level)


@rule(np.searchsorted, np.digitize)
def _positions(level: Level, fun: Any, a: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
    table, x = (a, v) if fun is np.searchsorted else (v, a)
    if newest((args, kwargs)) is not None:
        return NotImplemented
    if isinstance(table, BatchedBase):
        return _in_tables(level, table, x, *args, **kwargs) if table is a else NotImplemented
    pair = (table, x.examples) if fun is np.searchsorted else (x.examples, table)
    return batched(fun(*pair, *args, **kwargs), level)


def _in_tables(level: Level, table: Any, x: Any, side: Any = "left", sorter: Any = None) -> Any:
    """Sort each table together with its values: the place is the number of entries before one."""
    if sorter is not None or side not in ("left", "right"):
        return NotImplemented
    x, entries = spread(x, level), spread(table, level).examples
    values, n = flat(x), entries.shape[1]
    parts, first = ([values, entries], x.size) if side == "left" else ([entries, values], 0)
    order = np.concatenate(parts, 1).argsort(1, kind="stable")
    before = np.cumsum((order >= first) & (order < first + n), 1)
    found = np.take_along_axis(before, order.argsort(1), 1)
    found = found[:, :first] if side == "left" else found[:, n:]
    return batched(found.reshape((level.size, *x.shape)), level)


@rule(np.isin)
def _isin(level: Level, fun: Any, a: Any, tests: Any, **kwargs: Any) -> Any:
    return NotImplemented if newest([tests]) else batched(fun(a.examples, tests, **kwargs), level)


# -- matrices -------------------------------------------------------------------------------------


@rule(np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.cholesky, np.linalg.qr)
@rule(np.linalg.eigh, np.linalg.eig, np.linalg.eigvals, np.linalg.eigvalsh, np.linalg.svd)
@rule(np.linalg.svdvals, np.linalg.matrix_power, np.linalg.pinv, np.linalg.cond)
@rule(np.linalg.matrix_rank)
def _matrix(level: Level, fun: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
    if not has(a, level) or newest((args, kwargs)) is not None or a.ndim < 2:
        return NotImplemented
    return rebatched(fun(a.examples, *args, **kwargs), level)


@rule(np.linalg.solve)
def _solve(level: Level, fun: Any, a: Any, b: Any) -> Any:
    if ndim(b) == 1:
        if not has(a, level) and a.ndim == 2:  # one factorization
            return batched(fun(a, b.examples.T).T, level)
        column = batched(b.examples[:, :, None], level) if has(b, level) else np.asarray(b)[:, None]
        return _solve(level, fun, a, column)[..., 0]
    n = max(ndim(a), ndim(b))
    return batched(fun(align(a, n, level), align(b, n, level)), level)


@rule(np.einsum)
def _einsum(level: Level, fun: Any, subscripts: Any, *arrays: Any, **kwargs: Any) -> Any:
    if not isinstance(subscripts, str) or kwargs.keys() - {"optimize"}:
        return NotImplemented
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    if not arrow:  # the letters that stand once, in alphabetical order
        once = sorted(c for c in {*left} - {*".,"} if left.count(c) == 1)
        right = ("..." if "..." in left else "") + "".join(once)
    new = next(c for c in string.ascii_letters if c not in subscripts)
    terms = [
        new + term if has(a, level) else term
        for term, a in zip(left.split(","), arrays, strict=True)
    ]
    values = [a.examples if has(a, level) else a for a in arrays]
    return batched(fun(f"{','.join(terms)}->{new}{right}", *values, **kwargs), level)


@rule(np.dot)
def _dot(level: Level, fun: Any, a: Any, b: Any) -> Any:
    if ndim(b) == 1 and ndim(a) > 1:
        return a @ b
    if ndim(a) < 1 or ndim(b) < 2 or max(ndim(a), ndim(b)) < 3:
        return NotImplemented
    return np.tensordot(a, b, axes=((ndim(a) - 1,), (ndim(b) - 2,)))


@rule(np.convolve, np.correlate)
def _convolve(level: Level, fun: Any, a: Any, v: Any, mode: str | None = None) -> Any:
    """Add the shifted products, one for each element of the shorter."""
    a, v = spread(a, level).examples, spread(v, level).examples
    n, m = a.shape[1], v.shape[1]
    mode = mode or ("full" if fun is np.convolve else "valid")
    if not n or not m or mode not in ("full", "same", "valid"):
        return NotImplemented
    if fun is np.correlate:
        v = v[:, ::-1].conj()
    if m > n:
        a, v = v, a
    longer, shorter = max(n, m), min(n, m)
    whole = np.zeros_like(a[:, :1] * v[:, :1], shape=(level.size, n + m - 1))
    for i in range(shorter):
        whole[:, i : i + longer] += a * v[:, i : i + 1]
    start = {"full": 0, "valid": shorter - 1, "same": (shorter - 1) // 2}[mode]
    if fun is np.correlate and m > n and mode == "same":
        start = shorter // 2
    size = {"full": n + m - 1, "valid": longer - shorter + 1, "same": longer}[mode]
    return batched(whole[:, start : start + size], level)


@rule(np.outer)
def _outer(level: Level, fun: Any, a: Any, b: Any) -> Any:
    """Multiply by einsum, which takes a fraction of the time of a product that broadcasts."""
    return np.einsum("i,j->ij", *(np.reshape(x, -1) for x in (a, b)))
