"""Joining and splitting: concatenate, stack, split and related functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.primitive import composition, defvjp
from autograd_core.rules import costs
from autograd_core.rules.indexing import put_sum


def _part(
    i: int, g: Any, _out: Any, *_arrays: Any, axis: Any = 0, dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:  # fmt: skip
    """Return the slice of ``g`` that array ``i`` occupies."""
    x = _arrays[i]
    if axis is None:
        start = sum(a.size for a in _arrays[:i])
        return g[start : start + x.size].reshape(x.shape)
    along = axis % g.ndim
    start = sum(a.shape[along] for a in _arrays[:i])
    return g[(slice(None),) * along + (slice(start, start + x.shape[along]),)]


def _layer(
    i: int, g: Any, _out: Any, *_arrays: Any, axis: Any = 0, dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:  # fmt: skip
    return g[(slice(None),) * (axis % g.ndim) + (i,)]


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


defvjp(np.concatenate, vjp_list=_part, flops=costs.none)
defvjp(np.stack, vjp_list=_layer, flops=costs.none)
defvjp(np.split, _rejoin, flops=costs.none)
defvjp(np.array_split, _rejoin, flops=costs.none)


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
