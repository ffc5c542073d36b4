"""Indexing of batched arrays, and by batched arrays."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_core.batching.alignment import align, has, ndim, spread
from autograd_core.batching.dispatch import refused, rule, same_for_all
from autograd_core.engine.operands import BatchedBase, Level, batched, newest, writeable
from autograd_core.engine.views import Steps, follow
from autograd_core.tensors.methods import getitem, setitem, write_view

#: Where the axes of an index are in what it gives, and where they belong: for np.moveaxis.
Move = tuple[Any, Any] | None


def _is_advanced(part: Any) -> bool:
    if isinstance(part, np.ndarray):
        return part.ndim > 0 or part.dtype.kind not in "iu"
    return isinstance(part, (BatchedBase, list, bool, np.bool_))


def _axes_of(part: Any) -> int:
    """Return how many axes a part of an index takes."""
    if part is None or part is Ellipsis:
        return 0
    is_mask = getattr(part, "dtype", None) == np.bool_ or isinstance(part, bool)
    return ndim(part) if is_mask else 1


def _parts(x: Any, index: Any) -> list[Any]:
    """Return one part for each axis, with lists as arrays and what was left out as slices."""
    parts = list(index) if isinstance(index, tuple) else [index]
    parts = [np.asarray(p, None if len(p) else int) if isinstance(p, list) else p for p in parts]
    rest = [slice(None)] * (x.ndim - sum(map(_axes_of, parts)))
    at = next((i for i, p in enumerate(parts) if p is Ellipsis), len(parts))
    found: list[Any] = []
    for p in (*parts[:at], *rest, *parts[at + 1 :]):
        if getattr(p, "dtype", None) == np.bool_ and ndim(p) > 0:
            found += p.nonzero()
        else:
            found.append(p)
    return found


def index_behind(x: Any, index: Any, level: Level) -> tuple[tuple[Any, ...], Move]:
    """Return the index of the values of ``x``, and how to move the axes of what it gives."""
    given = index if isinstance(index, tuple) else (index,)
    if any(isinstance(p, BatchedBase) and p.dtype == np.bool_ for p in given):
        raise refused(
            "a boolean mask that differs over the batch of ag.vmap takes another number of "
            "elements in each example; use np.where(mask, x, fill), or multiply by the mask"
        )
    if not any(map(_is_advanced, given)):
        plain = (operator.index(p) if isinstance(p, np.ndarray) else p for p in given)
        return (slice(None), *plain), None
    parts = _parts(x, index)
    places = [i for i, p in enumerate(parts) if not (p is None or isinstance(p, slice))]
    together = places[-1] - places[0] + 1 == len(places)
    n = len(np.broadcast_shapes(*(np.shape(parts[i]) for i in places)))
    if any(isinstance(p, BatchedBase) for p in parts):
        rows = np.arange(level.size).reshape((level.size,) + (1,) * n)
        full = (rows, *(align(p, n, level) if has(p, level) else p for p in parts))
        # NumPy puts the batch and the axes of the index in front
        before = places[0] if together else 0
        moved = (tuple(range(1, 1 + n)), tuple(range(1 + before, 1 + before + n)))
        return full, moved if before else None
    # NumPy puts the axes of an index that is not in one place in front, before the batch
    return (slice(None), *parts), None if together else (n, 0)


def get_item(x: Any, index: Any) -> Any:
    """Return ``x[index]``, either of which may be batched."""
    level = newest((x, index))
    assert level is not None
    x = spread(x, level)
    full, move = index_behind(x, index, level)
    values = x.examples
    older = isinstance(values, np.ndarray) and newest(full) is not None
    found = get_item(values, full) if older else values[full]
    return batched(found if move is None else np.moveaxis(found, *move), level)


def _fitted(x: Any, full: Any, move: Move, value: Any, level: Level) -> Any:
    """Return a value as NumPy assigns it to the values of ``x`` at an index."""
    if not has(value, level) and (move is None or ndim(value) == 0):
        return value
    target = x.examples[full]
    shown = target if move is None else np.moveaxis(target, *move)
    n = shown.ndim - 1
    if has(value, level):
        while value.ndim > n:  # leading axes of length 1, which an assignment allows
            value = value[0]
        value = align(value, n, level)
    value = np.broadcast_to(value, shown.shape)
    return value if move is None else np.moveaxis(value, move[1], move[0])


def set_item(x: Any, index: Any, value: Any) -> None:
    """Write into a batched array in place, as ``x[index] = value``."""
    level = newest((x, index, value))
    if level is not x.level:
        raise same_for_all("an assignment")
    assert level is not None
    if not x.flags.writeable:
        raise ValueError(
            "assignment destination is read-only: an argument of a function under ag.vmap is the "
            "caller's array; write into a copy, x = x.copy()"
        )
    full, move = index_behind(x, index, level)
    x.examples[full] = _fitted(x, full, move, value, level)


def write_at(ufunc: np.ufunc, x: Any, index: Any, *value: Any) -> None:
    """Apply a ufunc in place at an index: ``ufunc.at``."""
    level = newest((x, index, value))
    if level is not x.level:
        raise same_for_all(f"{ufunc.__name__}.at")
    assert level is not None
    full, move = index_behind(x, index, level)
    ufunc.at(x.examples, full, *(_fitted(x, full, move, v, level) for v in value))


@rule(getitem.fun)
def _getitem(level: Level, _fun: Any, x: Any, *, index: Any) -> Any:
    return get_item(x, index)


@rule(setitem.fun)
def _setitem(level: Level, _fun: Any, x: Any, value: Any, *, index: Any) -> Any:
    out = writeable(x, value, index)
    out[index] = value
    return out


@rule(write_view.fun)
def _write_view(level: Level, _fun: Any, x: Any, value: Any, *, steps: Steps, layout: Any) -> Any:
    if layout:
        out = writeable(x.transpose(layout), value).transpose(np.argsort(layout).tolist())
    else:
        out = writeable(x, value)
    follow(steps, out)[...] = value
    return out
