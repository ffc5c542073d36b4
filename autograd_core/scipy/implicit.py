"""A user's function: its arguments that have gradients, its result as plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.operands import Operand, newest
from autograd_core.engine.recording import any_tracked, is_recording, unwrap
from autograd_core.errors import NeedsNumbersError, NotDifferentiableError, VmapError
from autograd_core.rules.common import as_array
from autograd_core.transforms.trees import flatten as flatten_tree
from autograd_core.transforms.trees import is_traced_number

Function = Callable[..., Any]


def split(args: tuple[Any, ...]) -> tuple[list[Any], Callable[..., tuple[Any, ...]]]:
    """Return the floating-point leaves of the arguments, and what puts others in their places."""
    leaves, restore = flatten_tree(args)
    leaves = [
        np.asarray(a) if isinstance(a, float) else np.multiply(a, 1.0) if is_traced_number(a) else a
        for a in leaves
    ]
    places = [i for i, a in enumerate(leaves) if getattr(getattr(a, "dtype", 0), "kind", "") == "f"]

    def join(*values: Any) -> tuple[Any, ...]:
        whole = list(leaves)
        for i, v in zip(places, values, strict=True):
            whole[i] = v
        return restore(whole)  # type: ignore[no-any-return]

    return [leaves[i] for i in places], join


def is_plain(args: Any) -> bool:
    """Return whether a tree of arguments is what SciPy takes: nothing recorded, batched, traced."""
    leaves = flatten_tree(args)[0]
    return not is_recording(*leaves) and not any(
        isinstance(a, Operand) or getattr(a, "is_traced", False) for a in unwrap(leaves)
    )


class Solution(dict[str, Any]):
    """What a solver found for a whole batch, or in each run of a program, as attributes."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(
            f"under ag.vmap and ag.compile a solution has {', '.join(self)} alone, and no "
            f"{name!r}, which SciPy gives for one run"
        )

    __setattr__ = dict.__setitem__


def solution(found: Any, **values: Any) -> Any:
    """Return SciPy's result with some values put in; these alone if it is of more than one run."""
    if any(isinstance(unwrap(v), Operand) for v in values.values()):
        return Solution(values, success=True)
    found.update(values)
    return found


def plain(args: Any) -> Any:
    """Return a tree of arguments with the arrays inside of Tensors."""
    leaves, restore = flatten_tree(args)
    return restore(unwrap(leaves))


def as_tuple(args: Any) -> tuple[Any, ...]:
    """Return ``args=`` of SciPy as a tuple; None is none, and one object is one argument."""
    if args is None:
        return ()
    return args if isinstance(args, tuple) else (args,)


def numbers(name: str, value: Any) -> Any:
    """Return the plain numbers of a result, whose arguments are plain.

    Raises
    ------
    NotDifferentiableError
        If it needs gradients: the function then reads a Tensor that it captured.
    """
    if any_tracked((value,)):
        raise NotDifferentiableError(
            f"the function that {name} was given reads a Tensor that needs gradients from outside; "
            "pass it by args=, so that the rule knows of it"
        )
    value = unwrap(value)
    if newest((value,)) is not None:
        raise VmapError(
            f"the function that {name} was given reads a value that differs over the examples of "
            "ag.vmap from outside, or a whole number of args=; pass it by args=, as a float",
            is_final=True,
        )
    if getattr(value, "is_traced", False):
        raise NeedsNumbersError(
            f"the function that {name} was given reads an array of a compiled function from "
            "outside; pass it by args=, as floats, so that the program knows of it"
        )
    return np.asarray(value)


def flatten(parts: Any, like: Any) -> Any:
    """Return arrays as one vector (of the kind of ``like``)."""
    parts = [as_array(p).reshape(-1) for p in parts]
    return np.concatenate(parts) if parts else np.zeros(0, like.dtype)


def unflatten(vector: Any, like: Any) -> list[Any]:
    """Return a vector as arrays of the shapes of others."""
    out, start = [], 0
    for a in like:
        size = int(np.prod(a.shape, dtype=int))
        out.append(vector[start : start + size].reshape(a.shape))
        start += size
    return out
