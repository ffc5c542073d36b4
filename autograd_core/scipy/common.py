"""Helpers of the files of this folder: arguments as arrays, SciPy's values, batches.

Each primitive of ``ag.scipy`` is made by :func:`stacked`, which says once how SciPy's function runs
on all examples of ``ag.vmap``; what it cannot runs example by example.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.levels import on_batch
from autograd_core.engine.operands import Operand
from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import any_tracked, holds_tensor, unwrap, wrap
from autograd_core.errors import NeedsNumbersError, NotDifferentiableError, VmapError
from autograd_core.rules.common import as_array, floating, is_foreign, with_values_of
from autograd_core.rules.costs import Flops

Function = Callable[..., Any]


def inexact(a: Any) -> Any:
    """Return an array or Tensor of floating-point numbers, of a list, a number or an array."""
    return floating(as_array(a))


def with_scipy_values(name: str, value: Function) -> Callable[[Function], Function]:
    """Decorate a composition that gives the derivative of a function whose values are SciPy's.

    ``value`` runs on plain arrays.  Arrays of other libraries, traced and batched ones get what the
    composition computes; where it fails on a batch, it runs once for each example.
    """
    value.__name__ = name.partition(".")[2]

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        recorded = with_values_of(value, implementation)

        @functools.wraps(implementation)
        def call(*args: Any, **kwargs: Any) -> Any:
            everything = (*args, *kwargs.values())
            if any_tracked(everything) or is_foreign(everything):
                try:
                    return recorded(*args, **kwargs)
                except Exception as error:
                    return on_batch(error, call, args, kwargs)
            out = value(*unwrap(args), **unwrap(kwargs))
            return wrap(out) if holds_tensor(everything) else out

        call.public_name = f"ag.scipy.{name}"  # type: ignore[attr-defined]
        return call

    return register


def stacked(
    fun: Function,
    name: str,
    *axes: int | None,
    opaque: bool = False,
    flops: Flops | None = None,
) -> Primitive:
    """Return the primitive of a function of SciPy, which under ``ag.vmap`` runs on stacks.

    Parameters
    ----------
    fun : function (*arrays, **options)
    name : str
        The function's name below ``ag.scipy``, for warnings; pictures leave out its module.
    *axes : int or None
        How many axes one item of each argument has: 0 of an element-wise function, 2 of one of
        matrices, in front of which there may be any number that broadcast.  The last holds for all
        further arguments.  Where a vector stands for a matrix of one column, so does the result.
        None is an argument that is the same for all examples.  Without any axes it runs once for
        each.
    opaque, flops
        As in :class:`~autograd_core.engine.primitive.Primitive`.
    """
    made = Primitive(fun, name.partition(".")[2], opaque=opaque, flops=flops)

    def rule(size: int, flags: tuple[bool, ...], *args: Any, **options: Any) -> Any:
        if not axes:
            raise one_by_one(name)
        items = [axes[min(i, len(axes) - 1)] for i in range(len(args))]
        shown = [np.ndim(a) - flag for a, flag in zip(args, flags, strict=False)]
        columns = any(k == 2 and n == 1 for k, n in zip(items, shown, strict=True))
        arrays = []
        lead = max(n - k for k, n in zip(items, shown, strict=True) if k is not None)
        for a, k, n, flag in zip(args, items, shown, flags, strict=False):
            if k is None:
                if flag:
                    raise one_by_one(name)
            elif k == 2 and n == 1:
                a, n = a[..., None], 2
            if flag and k is not None and n - k < lead:
                a = a.reshape(a.shape[:1] + (1,) * (lead - n + k) + a.shape[1:])
            arrays.append(a)
        out = made(*arrays, **options)
        return out[..., 0] if columns else out

    return with_batch(made, name, rule)


def with_batch(made: Primitive, name: str, rule: Function) -> Primitive:
    """Give a primitive of SciPy's a batching rule, and the name by which a warning knows it."""
    fun = made.fun

    @functools.wraps(fun)
    def of_numbers(*args: Any, **options: Any) -> Any:
        if any(getattr(a, "is_traced", False) for a in args):  # it is one line of a program
            raise NeedsNumbersError(f"ag.scipy.{name} needs the numbers of traced arrays")
        return fun(*args, **options)

    made.fun = of_numbers
    made.defbatch(rule)
    made.fun.public_name = f"ag.scipy.{name}"  # type: ignore[attr-defined]
    return made


def one_by_one(name: str) -> VmapError:
    """Return the error of a batching rule that leaves a call to the loop over the examples."""
    return VmapError(f"ag.scipy.{name} has no way to run on these batches")


def taken(a: Any, index: Any) -> Any:
    """Return ``a[index]``, also of a plain array at places that are batched or traced."""
    if isinstance(a, np.ndarray):
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(i, Operand) for i in parts):
            return unwrap(wrap(a)[index])
    return a[index]


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
