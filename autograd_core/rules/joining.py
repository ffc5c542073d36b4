"""Joining and splitting: concatenate, stack, split and related functions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from autograd_core.engine.primitive import Primitive, ShapeDtype, composition, defvjp
from autograd_core.rules import costs
from autograd_core.rules.common import along, as_array
from autograd_core.rules.indexing import put_sum


class _Joining(Primitive):
    """A function of any number of arrays, whose one rule reads their shapes alone.

    One rule for each member would be called with all members, n * n of them.
    """

    def drop_unread(self, out: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Replace all arrays by their shapes; those without axes are of no size."""
        out, *kept = (ShapeDtype(a) if isinstance(a, np.ndarray) else a for a in (out, *args))
        return out, tuple(kept)


def _parts(
    g: Any, _out: Any, *_arrays: Any, axis: Any = 0, dtype: Any = None, casting: Any = "same_kind"
) -> tuple[Any, ...]:
    """Return the slices of ``g`` that the arrays occupy."""
    if axis is None:
        ends = list(itertools.accumulate(a.size for a in _arrays))
        return tuple(
            g[end - a.size : end].reshape(a.shape) for a, end in zip(_arrays, ends, strict=True)
        )
    axis = axis % g.ndim
    ends = list(itertools.accumulate(a.shape[axis] for a in _arrays))
    return tuple(
        g[along(axis, slice(end - a.shape[axis], end))]
        for a, end in zip(_arrays, ends, strict=True)
    )


def _layers(
    g: Any, _out: Any, *_arrays: Any, axis: Any = 0, dtype: Any = None, casting: Any = "same_kind"
) -> tuple[Any, ...]:
    axis = axis % g.ndim
    return tuple(g[along(axis, i)] for i in range(len(_arrays)))


def _of_list(fun: Any, rule: Any) -> None:
    """Define a function of a list of arrays."""
    join = _Joining(lambda *arrays, **options: fun(arrays, **options), fun.__name__)
    join.defvjp(vjp_all=rule, flops=costs.none)

    @composition(fun)
    def joined(arrays: Any, axis: Any = 0, **options: Any) -> Any:
        return join(*map(as_array, arrays), axis=axis, **options)


_of_list(np.concatenate, _parts)
_of_list(np.stack, _layers)


def _rejoin(g: Any, _out: Any, _x: Any, indices_or_sections: Any = None, axis: Any = 0) -> Any:
    """Return the parts joined, or added up where decreasing cuts make them overlap."""
    if sum(part.shape[axis] for part in g) == _x.shape[axis]:
        return np.concatenate(g, axis=axis)
    cuts = np.asarray(indices_or_sections).tolist()
    before = (slice(None),) * (axis % _x.ndim)
    return sum(
        put_sum(part, index=(*before, slice(start, stop)), shape=_x.shape)
        for part, start, stop in zip(g, [0, *cuts], [*cuts, None], strict=True)
    )


for _fun in (np.split, np.array_split):
    defvjp(_fun, _rejoin, flops=costs.none).makes_views = True


@composition(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return _cast(np.concatenate([np.atleast_2d(a) for a in tup], axis=0), dtype)


@composition(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    arrays = [np.atleast_1d(a) for a in tup]
    return _cast(np.concatenate(arrays, axis=0 if arrays[0].ndim == 1 else 1), dtype)


composition(np.dstack)(lambda tup: np.concatenate([np.atleast_3d(a) for a in tup], axis=2))


@composition(np.column_stack)
def _column_stack(tup: Any) -> Any:
    columns = [np.atleast_1d(a) for a in tup]
    return np.concatenate([c[:, None] if c.ndim == 1 else c for c in columns], axis=1)


def _cast(t: Any, dtype: Any) -> Any:
    return t if dtype is None else t.astype(dtype)


@composition(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.concatenate([np.ravel(arr), np.ravel(values)], axis=0)
    return np.concatenate([arr, values], axis=axis)


composition(np.vsplit)(lambda ary, indices_or_sections: np.split(ary, indices_or_sections, 0))
composition(np.hsplit)(
    lambda ary, indices_or_sections: np.split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)
)
composition(np.dsplit)(lambda ary, indices_or_sections: np.split(ary, indices_or_sections, 2))
