"""Indexing: getitem, its adjoint, assignment, take, take_along_axis.

Reading by an index and adding into zeros by it (:data:`put_sum`) are each other's adjoint.  The
second accumulates: an index that occurs twice gets both cotangents.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.batching.dispatch import rule
from autograd_core.engine.array_types import asarray_like, writes_output
from autograd_core.engine.operands import Level, writeable
from autograd_core.engine.primitive import Primitive, composition, defvjp, primitive, primitive_of
from autograd_core.engine.recording import unwrap
from autograd_core.engine.views import Steps, follow
from autograd_core.rules import costs
from autograd_core.rules.common import as_array
from autograd_core.tensors.methods import getitem, setitem, write_view


def is_basic(index: Any) -> bool:
    """Return whether an index has only integers, slices, None and Ellipsis, so it never repeats."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        p is None
        or p is Ellipsis
        or isinstance(p, (slice, np.integer))
        or (isinstance(p, int) and not isinstance(p, bool))
        for p in parts
    )


def _is_mask(index: Any) -> bool:
    return getattr(index, "dtype", None) == np.bool_


@writes_output
def _put_sum(g: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, g.dtype) if type(g) is np.ndarray else np.zeros_like(g, shape=shape)
    if is_basic(index) or _is_mask(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


#: Zeros of a shape, with ``g`` added at an index: the adjoint of ``x[index]``.
put_sum = Primitive(_put_sum, "put_sum", flops=costs.per_element(1))
put_sum.defvjp(lambda g, _out, _x, *, index, shape: getitem(g, index=index))


def _put_back(g: Any, _out: Any, _x: Any, *, index: Any) -> Any:
    if _x.size == _out.size and is_basic(index) and not _reverses(index):
        return g.reshape(_x.shape)  # all elements, in their order
    return put_sum(g, index=index, shape=_x.shape)


def _reverses(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(p, slice) and p.step is not None and p.step < 0 for p in parts)


getitem.defvjp(_put_back, selects=True)


@primitive(flops=lambda _out, _base, _index, values: values.size)
@writes_output
def scatter_add(base: Any, index: Any, values: Any) -> Any:
    """Return a copy of ``base`` with ``values`` added at ``index``; repeated indices add up.

    This is the functional form of ``np.add.at``.

    Parameters
    ----------
    base : array
    index
        Anything that indexes ``base``.
    values
        Broadcast against ``base[index]``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.scatter_add(np.zeros(3), [0, 0, 2], np.array([1.0, 2.0, 3.0]))
    array([3., 0., 3.])
    """
    out = base.copy()
    np.add.at(out, index, values)
    return out


scatter_add.defvjp(
    lambda g, _out, _base, _index, _values: g,
    None,
    lambda g, _out, _base, index, values: _fitting(getitem(g, index=index), values),
)


def _fitting(c: Any, value: Any) -> Any:
    """Return ``c`` with the leading axes of length 1 that assignment allows a value to have."""
    extra = np.ndim(value) - c.ndim
    return c.reshape((1,) * extra + c.shape) if extra > 0 else c


def _assigned(g: Any, _out: Any, _x: Any, _value: Any, *, index: Any) -> Any:
    """Return the cotangent of each value: of those written to one place, only the last counts."""
    c = getitem(g, index=index)
    if not (is_basic(index) or _is_mask(index)):
        order = np.arange(math.prod(c.shape)).reshape(c.shape)
        places = setitem(np.zeros(_x.shape, int), order, index=index)
        c = np.where(asarray_like(getitem(places, index=index) == order, c), c, 0.0)
    return _fitting(c, _value)


setitem.defvjp(
    lambda g, _out, _x, _value, *, index: setitem(g, 0.0, index=index),
    _assigned,
    selects=True,
    flops=costs.none,
)


def _read_back(steps: Steps, g: Any) -> Any:
    """Return the cotangent of what was written into a view; that of an imaginary part is -Im(g)."""
    c = follow(steps, g)
    return -c if any(fun is primitive_of(np.imag) for fun, *_ in steps) else c


write_view.defvjp(
    lambda g, _out, _x, _value, *, steps, layout: write_view(g, 0.0, steps=steps, layout=layout),
    lambda g, _out, _x, _value, *, steps, layout: _read_back(steps, g),
    selects=True,
    flops=costs.none,
)


def _take(g: Any, _out: Any, _x: Any, indices: Any, axis: Any = None, mode: Any = "raise") -> Any:
    shape = (_x.size,) if axis is None else _x.shape
    along = 0 if axis is None else axis % _x.ndim
    chosen, n = as_array(unwrap(indices)), shape[along]
    if mode == "wrap":
        chosen = chosen % n
    elif mode == "clip":
        chosen = np.clip(chosen, 0, n - 1)
    index = (slice(None),) * along + (chosen,)
    return put_sum(g, index=index, shape=shape).reshape(_x.shape)


@rule(put_sum.fun)
def _put_sum_batch(level: Level, _fun: Any, g: Any, *, index: Any, shape: Any) -> Any:
    """Add where the index differs over a batch, and the cotangent may not."""
    out = writeable(asarray_like(np.zeros(shape, g.dtype), g), g, index)
    np.add.at(out, index, g)
    return out


@rule(scatter_add.fun)
def _scatter_batch(level: Level, _fun: Any, base: Any, index: Any, values: Any) -> Any:
    out = writeable(base, index, values)
    np.add.at(out, index, values)
    return out


defvjp(np.take, _take, selects=True, flops=costs.none)


def along_axis(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """Return the index by which ``take_along_axis`` reads an array of ``shape``."""
    index = []
    for i, n in enumerate(shape):
        place = [1] * len(shape)
        place[i] = n
        index.append(indices if i == axis else np.arange(n).reshape(place))
    return tuple(index)


@composition(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    chosen = unwrap(indices)
    chosen = chosen if hasattr(chosen, "ndim") else np.asarray(chosen)
    if axis is None:
        return arr.reshape(-1)[chosen]
    return arr[along_axis(arr.shape, chosen, axis % arr.ndim)]
