"""Functions of a user's function: its arguments that have gradients, and its result as plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.recording import any_tracked, is_recording, unwrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import as_array
from autograd_core.transforms.trees import flatten as flatten_tree

Function = Callable[..., Any]


def split(args: tuple[Any, ...]) -> tuple[list[Any], Callable[..., tuple[Any, ...]]]:
    """Return the floating-point leaves of the arguments, and how all are put together again of such."""
    leaves, restore = flatten_tree(args)
    leaves = [np.asarray(a) if isinstance(a, float) else a for a in leaves]
    places = [i for i, a in enumerate(leaves) if getattr(getattr(a, "dtype", 0), "kind", "") == "f"]

    def join(*values: Any) -> tuple[Any, ...]:
        whole = list(leaves)
        for i, v in zip(places, values, strict=True):
            whole[i] = v
        return restore(whole)  # type: ignore[no-any-return]

    return [leaves[i] for i in places], join


def records(args: Any) -> bool:
    """Return whether a Tensor that needs gradients is in a tree of arguments, and calls are recorded."""
    return is_recording(*flatten_tree(args)[0])


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
    return np.asarray(unwrap(value))


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
