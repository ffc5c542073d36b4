"""Sorting: the cotangent goes back by the permutation that NumPy chose."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.primitive import composition
from autograd_core.engine.recording import wrap
from autograd_core.rules.common import as_array, host


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
    """Of equal values the first is the one that is returned."""
    _, index, inverse, counts = np.unique(
        host(ar), return_index=True, return_inverse=True, return_counts=True, axis=axis, **options
    )
    values = ar.reshape(-1)[index] if axis is None else np.take(ar, index, axis=axis)
    asked = ((return_index, index), (return_inverse, inverse), (return_counts, counts))
    extra = tuple(wrap(a) for wanted, a in asked if wanted)
    return (values, *extra) if extra else values


def _named_unique(fun: Any) -> None:
    """The Array API's forms: the values, in NumPy's order, and what else they name."""

    @composition(fun)
    def unique(x: Any) -> Any:
        found = fun(host(x))
        values = found.values if hasattr(found, "values") else found
        known, first = np.unique(host(x), return_index=True, equal_nan=False)
        taken = x.reshape(-1)[first[np.searchsorted(known, values)]]
        return wrap(found)._replace(values=taken) if hasattr(found, "_replace") else taken


for _fun in (np.unique_values, np.unique_all, np.unique_counts, np.unique_inverse):
    _named_unique(_fun)


@composition(np.union1d)
def _union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate([as_array(ar1).reshape(-1), as_array(ar2).reshape(-1)]))


@composition(np.sort_complex)
def _sort_complex(a: Any) -> Any:
    a = a if a.dtype.kind == "c" else a.astype(np.sort_complex(host(a)).dtype)
    return np.take_along_axis(a, np.argsort(host(a), axis=-1), axis=-1)


@composition(np.partition)
def _partition(
    a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if axis is None:
        a, axis = a.reshape(-1), -1
    options = {} if kind == "introselect" else {"kind": kind}  # CuPy has no kind=
    return np.take_along_axis(a, np.argpartition(a, kth, axis=axis, **options), axis=axis)
