"""``accumulate`` and ``reduceat`` of ufuncs, each one node.

A partial result out[i] = f(out[i-1], x[i]) has the derivatives of f at these two, which the rule of f
gives for all elements at once.  The cotangents s of the partial results are then a linear recurrence:
s[i] = g[i] + s[i+1] times the derivative of out[i+1] by out[i].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.array_types import to_host
from autograd_core.engine.primitive import Primitive, table
from autograd_core.rules.common import along
from autograd_core.rules.indexing import put_sum
from autograd_core.rules.reductions import backwards, widen_float16


def _accumulate(ufunc: np.ufunc) -> None:
    """Define the partial results of a ufunc from its own two rules."""
    rules: Any = table[ufunc].rules
    by_result, by_element = rules.vjps

    def rule(g: Any, out: Any, x: Any, axis: Any = 0, dtype: Any = None) -> Any:
        if not x.size:
            return np.zeros_like(x)
        x = x if dtype is None else x.astype(dtype)
        g, out, x = (v.swapaxes(axis, -1) for v in (g, out, x))
        step = (out[..., 1:], out[..., :-1], x[..., 1:])
        carried = by_result(np.ones_like(out[..., 1:]), *step)
        s = backwards(np.concatenate([np.zeros_like(out[..., :1]), carried], axis=-1), g)
        parts = [s[..., :1], by_element(s[..., 1:], *step)]
        return np.concatenate(parts, axis=-1).swapaxes(axis, -1)

    method: Any = ufunc.accumulate
    table[method] = Primitive(method, f"{ufunc.__name__}.accumulate", kind="reduction").defvjp(
        rule, selects=rules.selects
    )


def _is_folded(fun: Any) -> bool:
    """Return whether a function is a ufunc of two arguments with a rule for each."""
    if not isinstance(fun, np.ufunc) or (fun.nin, fun.nout) != (2, 1) or fun.signature is not None:
        return False
    rules = table[fun].rules
    return rules is not None and rules.n_rules == 2 and not rules.has_gaps


# those of add, multiply and hypot have rules of their own, in the file of reductions
for _fun in [*filter(_is_folded, table)]:
    if _fun not in (np.add, np.multiply, np.hypot):
        _accumulate(_fun)  # type: ignore[arg-type]


# -- reductions of segments -----------------------------------------------------------------------


def _segments(indices: Any, n: int) -> tuple[Any, Any, Any]:
    """Return the elements of all segments in a row, the segment of each, and where segments begin."""
    starts = to_host(indices)
    stops = np.append(starts[1:], n)
    lengths = np.where(stops > starts, stops - starts, 1)
    begin = np.cumsum(lengths) - lengths
    segment = np.repeat(np.arange(starts.size), lengths)
    return np.arange(segment.size) - begin[segment] + starts[segment], segment, begin


def _add_reduceat(
    g: Any, _out: Any, _x: Any, indices: Any, axis: Any = 0, dtype: Any = None
) -> Any:
    axis = axis % _x.ndim
    elements, segment, _ = _segments(indices, _x.shape[axis])
    return put_sum(g[along(axis, segment)], index=along(axis, elements), shape=_x.shape)


def _extreme_reduceat(
    g: Any, out: Any, x: Any, indices: Any, axis: Any = 0, dtype: Any = None
) -> Any:
    """Give equal shares to all elements of a segment that attain its maximum or minimum."""
    axis = axis % x.ndim
    elements, segment, begin = _segments(indices, x.shape[axis])
    ties = x[along(axis, elements)] == out[along(axis, segment)]
    count = np.add.reduceat(ties, begin, axis=axis, dtype=int)
    share = widen_float16(g) / np.where(count == 0, 1, count).astype(widen_float16(g).dtype)
    share = np.where(ties, share[along(axis, segment)], 0.0)
    return put_sum(share, index=along(axis, elements), shape=x.shape)


for _ufunc in (np.add, np.maximum, np.minimum):
    _method: Any = _ufunc.reduceat
    _rule, _selects = (_add_reduceat, False) if _ufunc is np.add else (_extreme_reduceat, True)
    table[_method] = Primitive(_method, f"{_ufunc.__name__}.reduceat", kind="reduction").defvjp(
        _rule, selects=_selects
    )
