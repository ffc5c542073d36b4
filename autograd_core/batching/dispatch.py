"""Run a function on batched arrays: by its rule, by its composition, or example by example."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from autograd_core.batching.looping import loop
from autograd_core.engine.levels import on_batch
from autograd_core.engine.operands import BatchedBase, all_examples, newest
from autograd_core.engine.primitive import Primitive, compositions
from autograd_core.engine.recording import apply, holds_tensor
from autograd_core.errors import VmapError
from autograd_core.tensors.numpy_dispatch import WRITERS

Rule = TypeVar("Rule", bound=Callable[..., Any])

#: How functions run on a whole batch: ``rule(level, fun, *args, **kwargs)`` returns the result, or
#: NotImplemented for a call that it leaves to the loop.
rules: dict[Callable[..., Any], Callable[..., Any]] = {}

#: The compositions that are running, which may call the function that they compose.
_running: ContextVar[frozenset[Any]] = ContextVar("autograd_core.batching", default=frozenset())


def rule(*functions: Callable[..., Any]) -> Callable[[Rule], Rule]:
    """Register the decorated rule for functions."""

    def register(found: Rule) -> Rule:
        rules.update(dict.fromkeys(functions, found))
        return found

    return register


def call_function(
    fun: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    like: BatchedBase | None = None,
) -> Any:
    """Run a function on batched arrays: by its rule, by its composition, or by the loop.

    ``like`` is an array that was given by ``like=`` alone.
    """
    level, known = newest((args, kwargs)), rules.get(fun)
    if level is None:
        if like is not None and known is not None:
            return known(like.level, fun, *args, like=all_examples(like), **kwargs)
        return fun(*args, **kwargs)
    if known is not None:
        found = known(level, fun, *args, **kwargs)
        if found is not NotImplemented:
            return found
    composed, running = compositions.get(fun), _running.get()
    if composed is not None and fun in WRITERS:  # the loop would write into copies
        return composed(*args, **kwargs)
    if composed is not None and fun not in running:
        token = _running.set(running | {fun})
        try:
            return composed(*args, **kwargs)
        except Exception:  # also what would be final in the user's own code
            pass
        finally:
            _running.reset(token)
    return loop(fun, args, kwargs)


def run_on_batch(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run what failed on batched arrays, or on Tensors of them, in another way."""
    tensors = holds_tensor(args) or holds_tensor(tuple(kwargs.values()))
    return (loop if tensors else call_function)(fun, args, kwargs)


VmapError.run_on_batch = staticmethod(run_on_batch)


def call_primitive(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a primitive on batched arrays as it is or, if it fails, otherwise."""
    if holds_tensor(args) or holds_tensor(tuple(kwargs.values())):
        return apply(primitive, args, kwargs)
    try:
        return primitive.fun(*args, **kwargs)
    except Exception as error:
        return on_batch(error, primitive.fun, args, kwargs)


def same_for_all(what: str) -> VmapError:
    """Return the error for a write of a batch into an array that has none, or an older one."""
    return VmapError(
        f"{what} writes values that differ over the examples of ag.vmap into an array that is the "
        "same for all of them; begin with np.zeros(n, like=x), of an x that differs as the values "
        "do, or write the functional form: np.where(mask, v, a), ag.put(a, i, v)"
    )


def refused(message: str) -> VmapError:
    """Return the error for what no other way can do, either."""
    return VmapError(message, is_final=True)
