"""The way that is always right: run a function once for each example, and stack the results."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.batching.alignment import has
from autograd_core.batching.boundaries import loop_in, loop_out, spread_recorded
from autograd_core.engine.levels import on_batch
from autograd_core.engine.operands import Level, batched, newest
from autograd_core.engine.recording import TensorBase, name_of
from autograd_core.errors import VmapError

#: The functions that have run example by example, each of which was warned of once.
looped: set[str] = set()


def loop(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the results of a function for each example of the newest level, stacked.

    Raises
    ------
    VmapError
        If the results of the examples have different shapes.
    """
    level = newest((args, kwargs))
    assert level is not None
    if level.tells:
        _tell(fun)
    whole: dict[int, Any] = {}

    def part_of(value: Any, i: int) -> Any:
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*(part_of(v, i) for v in value))
        if type(value) in (list, tuple):
            return type(value)(part_of(v, i) for v in value)
        if type(value) is dict:
            return {k: part_of(v, i) for k, v in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
            return dataclasses.replace(value, **part_of(fields, i))
        if has(value, level):
            return value.examples[i] if level.size else _zeros_of(value)
        if isinstance(value, TensorBase) and (has(value._array, level) or value._node.tracked):
            # what is recorded is spread first: the cotangents of the parts are not to be summed
            if id(value) not in whole:
                t = value if has(value._array, level) else spread_recorded(value, level=level)
                whole[id(value)] = loop_out(t, level=level, axis=0)
            return whole[id(value)][i] if level.size else _zeros_of(value._array)
        return value

    results = [
        _run_example(fun, part_of(args, i), part_of(kwargs, i)) for i in range(max(level.size, 1))
    ]
    name = getattr(fun, "__name__", str(fun))
    stacked = _stack(results, level, name)
    return stacked if level.size else _emptied(stacked, level)


def _run_example(fun: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Return the result for one example, which may be in the batch of an older level."""
    try:
        return fun(*args, **kwargs)
    except Exception as error:
        return on_batch(error, fun, args, kwargs)


def _tell(fun: Callable[..., Any]) -> None:
    name = getattr(fun, "public_name", "") or (
        name_of(fun) if hasattr(fun, "__name__") else str(fun)
    )
    if name not in looped:
        looped.add(name)
        warnings.warn(
            f"ag.vmap: {name} has no way to run on a whole batch, so it runs once for each "
            "example, which is slower; a function of your own gets one by f.defbatch(rule)",
            UserWarning,
            stacklevel=3,
        )


def _zeros_of(a: Any) -> Any:
    """Return the zeros by which an empty batch finds out the shape of a result."""
    return np.zeros(a.shape, a.dtype)[()]


def _emptied(stacked: Any, level: Level) -> Any:
    if isinstance(stacked, (tuple, list)):
        parts = [_emptied(s, level) for s in stacked]
        return type(stacked)(*parts) if hasattr(stacked, "_fields") else type(stacked)(parts)
    a = stacked._array if isinstance(stacked, TensorBase) else stacked
    return batched(np.zeros((0, *a.shape), a.dtype), level) if has(a, level) else stacked


def _stack(results: Sequence[Any], level: Level, name: str) -> Any:
    first = results[0]
    if isinstance(first, (tuple, list)):
        if any(len(r) != len(first) for r in results):
            raise _of_values(name, "number of results")
        parts = [_stack(r, level, name) for r in zip(*results, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    plain = (bool, int, float, complex, str, type(None), np.dtype, slice)
    if isinstance(first, plain) and not isinstance(first, np.generic):
        if all(r == first for r in results):
            return first
        return batched(np.array(results), level)
    if any(np.shape(r) != np.shape(first) for r in results):
        raise _of_values(name, "shape of the result")
    if any(isinstance(r, TensorBase) for r in results):
        return loop_in(np.stack(results), level=level, axis=0)
    return batched(np.stack(results), level)


def _of_values(name: str, what: str) -> VmapError:
    return VmapError(
        f"the {what} of {name} depends on the values, so it differs over the batch of ag.vmap, "
        "whose examples are to have one shape; use np.where(mask, x, fill), or a loop"
    )
