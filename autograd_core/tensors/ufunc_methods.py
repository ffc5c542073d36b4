"""The methods of ufuncs on recorded Tensors: reduce, accumulate, reduceat, outer.

A few are functions with rules of their own (``np.add.reduce`` is ``np.sum``).  All others are
computed by their definition, one call of the ufunc after another, so every binary ufunc with
a rule can be reduced.
"""

import functools
import math
from typing import Any

import numpy as np

from autograd_core.engine.primitive import table
from autograd_core.engine.recording import unwrap
from autograd_core.errors import NotDifferentiableError

#: Methods of ufuncs, as the functions whose derivative is known.
_functions: dict[tuple[str, str], Any] = {
    ("add", "reduce"): np.sum, ("multiply", "reduce"): np.prod,
    ("maximum", "reduce"): np.max, ("minimum", "reduce"): np.min,
    ("add", "accumulate"): np.cumsum, ("multiply", "accumulate"): np.cumprod,
}  # fmt: skip


def call_method(
    ufunc: np.ufunc, method: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return ``ufunc.method(*args, **kwargs)`` of recorded Tensors."""
    if method == "outer":
        x, y = (a if hasattr(a, "ndim") else np.asarray(a) for a in args)
        return ufunc(x.reshape(x.shape + (1,) * y.ndim), y, **kwargs)
    if method in ("reduce", "accumulate"):
        names = ("axis", "dtype", "out", "keepdims", "initial", "where")
        options = {"axis": 0, **dict(zip(names, args[1:], strict=False)), **kwargs}
        options = {k: v for k, v in options.items() if v is not None or k == "axis"}
        known = _functions.get((ufunc.__name__, method)) or table.get(getattr(ufunc, method))
        if known is not None:
            return known(args[0], **options)
        dtype = options.pop("dtype", None)
        x = args[0] if dtype is None else args[0].astype(dtype)
        if ufunc.nin == 2 and ufunc.nout == 1 and ufunc.signature is None:
            return (
                reduce(ufunc, x, **options)
                if method == "reduce"
                else accumulate(ufunc, x, **options)
            )
    if method == "reduceat":
        return (table.get(ufunc.reduceat) or functools.partial(reduceat, ufunc))(*args, **kwargs)
    raise NotDifferentiableError(
        f"{name} has no derivative rule; write it with functions that have one, such as "
        "np.sum, np.cumsum, or for np.add.at ag.scatter_add(base, index, values)"
    )


def _first_axis(x: Any, axis: Any) -> Any:
    """Return an array whose first axis holds the axes to reduce, and these axes."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(a % x.ndim for a in axes) if x.ndim else ()
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    moved = x.transpose((*sorted(axes), *rest))
    return moved.reshape((math.prod(x.shape[i] for i in axes), *(x.shape[i] for i in rest))), axes


def reduce(
    ufunc: Any,
    x: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Return ``ufunc.reduce``: f(...f(f(x0, x1), x2)..., xn)."""
    ufunc.reduce(np.ones((1,) * x.ndim), axis=axis)  # raises NumPy's own errors
    flat, axes = _first_axis(x, axis)
    mask = None
    if where is not True:
        mask = _first_axis(np.broadcast_to(unwrap(where), x.shape), axis)[0]
    if initial is None:
        initial = ufunc.identity if mask is not None or flat.shape[0] == 0 else None
        if initial is None and (mask is not None or flat.shape[0] == 0):
            raise ValueError(
                f"{ufunc.__name__}.reduce has no identity: an empty array or where= needs initial="
            )
    start = 0
    if initial is None:
        out, start = flat[0], 1
    else:
        out = np.broadcast_to(initial, flat.shape[1:])
    for i in range(start, flat.shape[0]):
        following = ufunc(out, flat[i])
        out = following if mask is None else np.where(mask[i], following, out)
    if keepdims:
        out = out.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))
    return out


def accumulate(ufunc: Any, x: Any, axis: int = 0) -> Any:
    """Return ``ufunc.accumulate``: every partial result of :func:`reduce`."""
    moved = np.moveaxis(x, axis, 0)
    if not moved.shape[0]:
        return x * 1
    parts = [moved[0]]
    for i in range(1, moved.shape[0]):
        parts.append(ufunc(parts[-1], moved[i]))
    return np.stack(parts, axis=axis % x.ndim)


def reduceat(ufunc: Any, x: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    """Return ``ufunc.reduceat``: a reduction from each index to the next (or one element)."""
    x = x if dtype is None else x.astype(dtype)
    axis = axis % x.ndim
    moved = np.moveaxis(x, axis, 0)
    ufunc.reduceat(np.ones(moved.shape[0]), unwrap(indices))  # raises NumPy's own errors
    at = np.asarray(unwrap(indices)).tolist()
    ends = [*at[1:], moved.shape[0]]
    parts = [
        ufunc.reduce(moved[i:j], axis=0) if i + 1 < j else moved[i]
        for i, j in zip(at, ends, strict=True)
    ]
    return np.stack(parts, axis=axis)
