"""Ufuncs and their methods on batched arrays."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from autograd_core.batching.alignment import (
    align,
    axes_behind,
    axis_behind,
    has,
    ndim,
    rebatched,
    spread,
)
from autograd_core.batching.dispatch import same_for_all
from autograd_core.batching.indexing import write_at
from autograd_core.batching.looping import loop
from autograd_core.engine.operands import BatchedBase, Level, batched, newest


def call_ufunc(
    ufunc: np.ufunc, args: tuple[Any, ...], kwargs: dict[str, Any], outs: tuple[Any, ...] = ()
) -> Any:
    """Return ``ufunc(*args)`` for all examples at once, or write it into ``outs``."""
    level = newest((args, kwargs, outs)) if kwargs or outs else _newest(args)
    assert level is not None
    if ufunc.signature is not None:
        if ufunc is np.matmul and not kwargs:
            return matmul(level, *args)
        return _with_core_axes(level, ufunc, args, kwargs)
    n = max(map(ndim, args))
    if kwargs or outs:
        n = max(n, ndim(kwargs.get("where", True)), *map(ndim, outs))
        if not all(out is None or has(out, level) for out in outs):
            raise same_for_all(f"{ufunc.__name__} with out=")
        kwargs = {k: align(v, n, level) for k, v in kwargs.items()}
        if outs:
            kwargs["out"] = tuple(align(out, n, level) for out in outs)
    found = ufunc(*[align(a, n, level) for a in args], **kwargs)
    if type(found) is not tuple:
        return outs[0] if outs else batched(found, level)
    return tuple(
        batched(part, level) if out is None else out
        for part, out in itertools.zip_longest(found, outs)
    )


def _newest(args: tuple[Any, ...]) -> Level | None:
    found = None
    for a in args:
        if isinstance(a, BatchedBase) and (found is None or a.level.number > found.number):
            found = a.level
    return found


def _with_core_axes(level: Level, ufunc: np.ufunc, args: Any, kwargs: dict[str, Any]) -> Any:
    assert ufunc.signature is not None
    if kwargs.keys() == {"axis"} and ufunc.signature == "(n),(n)->()":
        args, kwargs = [np.moveaxis(a, kwargs["axis"], -1) for a in args], {}
    if not kwargs.keys().isdisjoint(("axis", "axes", "keepdims")):
        return loop(ufunc, args, kwargs)
    inputs = ufunc.signature.partition("->")[0][1:-1].split("),(")
    cores = [c.count(",") + 1 if c else 0 for c in inputs]
    n = max(ndim(a) - c for a, c in zip(args, cores, strict=True))
    if any(ndim(a) < c for a, c in zip(args, cores, strict=True)):
        return loop(ufunc, args, kwargs)
    aligned = [align(a, c + n, level) for a, c in zip(args, cores, strict=True)]
    return rebatched(ufunc(*aligned, **kwargs), level)


def matmul(level: Level, a: Any, b: Any) -> Any:
    """Return the product of matrices and vectors, as few large products as possible."""
    a = a if hasattr(a, "ndim") else np.asarray(a)
    b = b if hasattr(b, "ndim") else np.asarray(b)
    in_a, in_b, dims = has(a, level), has(b, level), (a.ndim, b.ndim)
    x, y = a.examples if in_a else a, b.examples if in_b else b
    if 0 in dims:
        return np.matmul(np.empty(a.shape), np.empty(b.shape))  # raises NumPy's own error
    if dims == (1, 1):
        if in_a and in_b:
            return batched((x[:, None, :] @ y[:, :, None])[:, 0, 0], level)
        return batched(x @ y if in_a else y @ x, level)
    if dims == (1, 2) and not (in_a and in_b):
        return batched(x @ y, level)
    if dims[0] == 1:
        row = matmul(level, batched(x[:, None], level) if in_a else x[None], b)
        return batched(row.examples[..., 0, :], level)
    if dims[1] == 1:
        if not in_b:
            return batched(x @ y, level)
        if not in_a and dims[0] == 2:
            return batched(y @ x.T, level)
        return batched(matmul(level, a, batched(y[:, :, None], level)).examples[..., 0], level)
    if dims == (2, 2) and in_a and not in_b:  # one product in place of many
        rows = x.reshape((x.shape[0] * x.shape[1], x.shape[2])) @ y
        return batched(rows.reshape((*x.shape[:2], y.shape[1])), level)
    n = max(dims)
    return batched(align(a, n, level) @ align(b, n, level), level)


#: The positional parameters of the methods of ufuncs, after the array.
_NAMES = {
    "reduce": ("axis", "dtype", "out", "keepdims", "initial", "where"),
    "accumulate": ("axis", "dtype", "out"),
    "reduceat": ("indices", "axis", "dtype", "out"),
}


def call_method(ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return a method of a ufunc for all examples at once: reduce, accumulate, outer, at."""
    level = newest((args, kwargs))
    assert level is not None
    if method == "at":
        if not isinstance(args[0], BatchedBase):
            raise same_for_all(f"{ufunc.__name__}.at")
        return write_at(ufunc, *args)
    if method == "outer":
        x, y = (a if hasattr(a, "ndim") else np.asarray(a) for a in args)
        return call_ufunc(ufunc, (x.reshape(x.shape + (1,) * y.ndim), y), kwargs)
    if method not in _NAMES:
        return loop(getattr(ufunc, method), args, kwargs)
    x = spread(args[0], level)
    options = {**dict(zip(_NAMES[method], args[1:], strict=False)), **kwargs}
    options.pop("out", None)
    axis = options.pop("axis", 0)
    if "where" in options:
        options["where"] = align(options["where"], x.ndim, level)
    if any(isinstance(options.get(k), BatchedBase) for k in ("initial", "indices")):
        return loop(getattr(ufunc, method), args, kwargs)
    behind = axes_behind(axis, x.ndim) if method == "reduce" else axis_behind(axis, x.ndim)
    places = (options.pop("indices"),) if method == "reduceat" else ()
    return batched(getattr(ufunc, method)(x.examples, *places, axis=behind, **options), level)
