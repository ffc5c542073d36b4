"""Helpers of the files of this folder: arguments as arrays, SciPy's values, stacks of matrices."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.recording import any_tracked, holds_tensor, unwrap, wrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import as_array, floating, is_foreign, with_values_of

Function = Callable[..., Any]


def inexact(a: Any) -> Any:
    """Return an array or Tensor of floating-point numbers, of a list, a number or an array."""
    return floating(as_array(a))


def with_scipy_values(value: Function) -> Callable[[Function], Function]:
    """Decorate a composition that gives the derivative of a function whose values are SciPy's.

    ``value`` runs on plain arrays.  Arrays of other libraries get what the composition computes.
    """

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        recorded = with_values_of(value, implementation)

        @functools.wraps(implementation)
        def call(*args: Any, **kwargs: Any) -> Any:
            everything = (*args, *kwargs.values())
            if any_tracked(everything) or is_foreign(everything):
                return recorded(*args, **kwargs)
            out = value(*unwrap(args), **unwrap(kwargs))
            return wrap(out) if holds_tensor(everything) else out

        return call

    return register


def over_stack(fun: Callable[..., Any], *arrays: Any, axes: int = 2) -> Any:
    """Return ``fun`` of each matrix of stacks that broadcast, stacked (NumPy arrays alone)."""
    if all(a.ndim == axes for a in arrays):
        return fun(*arrays)
    lead = np.broadcast_shapes(*(a.shape[:-axes] for a in arrays))
    full = [np.broadcast_to(a, lead + a.shape[-axes:]) for a in arrays]
    parts = [fun(*(a[i] for a in full)) for i in itertools.product(*map(range, lead))]
    if not parts:
        like = full[-1]
        return np.empty(like.shape, like.dtype)
    return np.stack(parts).reshape(lead + parts[0].shape)


def float_type(*arrays: Any) -> np.dtype[Any]:
    """Return the floating-point dtype of a result; integers and Python numbers do not widen it."""
    types = [a.dtype for a in map(unwrap, arrays) if hasattr(a, "dtype")]
    kinds = [t for t in types if t.kind in "fc"]
    return np.result_type(*kinds) if kinds else np.dtype(float)


def refuse(name: str, what: str, remedy: str) -> NotDifferentiableError:
    """Return the error for an argument without a gradient."""
    return NotDifferentiableError(f"{name} has no gradient with respect to {what}; {remedy}")
