"""Helpers of the rule files: compositions with NumPy's values, arrays from lists, options, indices."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_core.batching.dispatch import same_for_all
from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.operands import Operand, levels_of, newest
from autograd_core.engine.primitive import Primitive, composition
from autograd_core.engine.recording import (
    TensorBase,
    any_tracked,
    link,
    stack_nested,
    unwrap,
    wrap,
)
from autograd_core.errors import ConversionError, RuleError


def as_array(a: Any, like: Any = 0) -> Any:
    """Return an array or Tensor unchanged; a list (also of Tensors) or a number as an array.

    A new array has the type of ``like`` (CuPy, Dask), if that is an array of another library.
    """
    if hasattr(a, "ndim"):
        return a
    if isinstance(a, (list, tuple)) and _is_of_operands(a):
        return stack_nested(a)
    return asarray_like(np.asarray(a), like)


def _is_of_operands(values: Any) -> bool:
    """Return whether nested lists hold what NumPy cannot make one array of."""
    return any_tracked(values) or any(
        _is_of_operands(v) if isinstance(v, (list, tuple)) else isinstance(unwrap(v), Operand)
        for v in values
    )


def conj(a: Any) -> Any:
    """Return the complex conjugate; a real array unchanged."""
    return a.conj() if a.dtype.kind == "c" else a


def mT(a: Any) -> Any:
    """Return the transpose of the last two axes, by a method that every array type has."""
    return a.swapaxes(-1, -2)


def adjoint(a: Any) -> Any:
    """Return the conjugate transpose of the last two axes."""
    return conj(mT(a))


def floating(a: Any) -> Any:
    """Return integers and booleans as float64, as NumPy's true division does."""
    return a if a.dtype.kind in "fc" else a.astype(float)


def unset(value: Any) -> bool:
    """Return whether a value is NumPy's marker for an argument that was not given."""
    return isinstance(value, type(np._NoValue))


def keeps(keepdims: Any) -> bool:
    """Return ``keepdims=`` as a bool; NumPy also accepts 1."""
    return bool(keepdims) and not unset(keepdims)


def axis_index(a: Any, axis: int) -> int:
    """Return ``axis`` counted from 0; raise NumPy's own error if there is no such axis."""
    if not -a.ndim <= axis < a.ndim:
        raise np.exceptions.AxisError(axis, a.ndim)
    return int(axis % a.ndim)


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """Return the index that takes ``part`` of one axis (counted from 0) and all of the others."""
    return (*(slice(None),) * axis, part)


# -- compositions with NumPy's own values ---------------------------------------------------------


def exact_composition(fun: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Register the decorated function as the derivative of ``fun``, whose values NumPy computes."""

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        composition(fun)(with_values_of(fun, implementation))
        return implementation

    return register


def with_values_of(
    fun: Callable[..., Any], implementation: Callable[..., Any]
) -> Callable[..., Any]:
    """Return a function with the values of ``fun`` and the derivative of a composition.

    ``fun`` runs on the plain arrays, so values, dtypes, warnings and errors are NumPy's own; arrays of
    other libraries get what the composition computes.
    """

    @functools.wraps(implementation)
    def call(*args: Any, **kwargs: Any) -> Any:
        if is_foreign((*args, *kwargs.values())):
            return implementation(*args, **kwargs)
        value = fun(*unwrap(args), **unwrap(kwargs))
        return with_value(fun.__name__, value, implementation, args, kwargs)

    return call


def with_value(
    name: str,
    value: Any,
    implementation: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Return ``value``, recorded with the derivative of ``implementation(*args, **kwargs)``."""
    recorded = list(tracked((*args, *kwargs.values())))
    if all(t._array.size == 0 for t in recorded):  # gradients without elements
        arrays, nodes = tuple(t._array for t in recorded), tuple(t._node for t in recorded)
        return _each(lambda v: link(_of_nothing(name), v, arrays, None, nodes), value)
    with np.errstate(all="ignore"):  # NumPy has warned
        composed = implementation(*args, **kwargs)

    def revalued(v: Any, t: Any) -> Any:
        if not any_tracked([t]):
            return wrap(v)
        if t.shape != np.shape(v):
            raise RuleError(f"{name} has the shape {np.shape(v)}, and was composed as {t!r}")
        return link(_revalued(name), v, (t._array,), None, (t._node,))

    return _each(revalued, value, composed)


def _each(make: Callable[..., Any], value: Any, *beside: Any) -> Any:
    """Return a result with ``make`` applied to its floating-point parts, the others unrecorded."""
    if isinstance(value, (tuple, list)):
        parts = [_each(make, v, *others) for v, *others in zip(value, *beside, strict=True)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return make(value, *beside) if np.asarray(value).dtype.kind in "fc" else wrap(value)


@functools.cache
def _revalued(name: str) -> Primitive:
    """Return the primitive of a result that NumPy computed, as a function of the composed one."""
    return Primitive(lambda x: x, name, kind="view").defvjp(lambda g, _out, _x: g, elementwise=True)


@functools.cache
def _of_nothing(name: str) -> Primitive:
    """Return the primitive of a result of arrays without elements."""
    return Primitive(lambda *arrays: arrays, name, kind="view").defvjp(
        vjp_list=lambda i, g, _out, *_arrays: np.zeros(_arrays[i].shape, _arrays[i].dtype)
    )


def tracked(values: Any) -> Iterator[Any]:
    """Yield the Tensors that need gradients, also those in nested lists."""
    for v in values:
        if isinstance(v, TensorBase):
            if v._node.tracked:
                yield v
        elif isinstance(v, (list, tuple)):
            yield from tracked(v)


def check_target(target: Any, written: Any, name: str, remedy: str) -> None:
    """Raise if a function would write recorded values, or those of a batch, into a plain array."""
    if isinstance(target, TensorBase):
        return
    if any_tracked(written):
        raise ConversionError(
            f"{name} into a plain array would lose the gradient of a recorded Tensor; {remedy}"
        )
    level = newest(written)
    if level is not None and level not in levels_of(target):
        raise same_for_all(name)


def is_foreign(values: Any) -> bool:
    """Return whether an array of another library, inside a Tensor or not, is among ``values``."""
    return any(
        is_foreign(v)
        if isinstance(v, (list, tuple))
        else hasattr(v, "__array_function__") and not isinstance(v, np.ndarray)
        for v in map(unwrap, values)
    )
