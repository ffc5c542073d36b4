"""Levels of ``vmap`` in the engine: where one ends, and what fails on batched arrays.

An argument without the batch gets a cotangent for each example.  Inside the level these are
different derivatives; beyond the operation that ends the level their sum is one, as for any
argument that was broadcast.  The shapes that show are the same, so that nothing else would notice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from autograd_core.engine.operands import BatchedBase, Level, batched, levels_of, newest
from autograd_core.engine.primitive import Primitive
from autograd_core.errors import VmapError


def _sum_batch(x: Any, *, level: Level) -> Any:
    """Return the sum over the examples of a level, without the level."""
    if level not in levels_of(x):
        return x * level.size
    return (
        x.examples.sum(0)
        if x.level is level
        else batched(_sum_batch(x.examples, level=level), x.level)
    )


#: The sum over a level: the adjoint of being the same for all its examples.
batch_sum = Primitive(_sum_batch, "batch_sum").defvjp(lambda g, _out, _x, *, level: g)
batch_sum.ends_level = True


def sum_ended(c: Any, argument: Any, ended: Collection[Level]) -> Any:
    """Sum a cotangent over the levels that have ended and that its argument does not have."""
    own = levels_of(argument)
    for level in levels_of(c):
        if level in ended and level not in own:
            c = (
                _sum_batch(c, level=level)
                if isinstance(c, BatchedBase)
                else batch_sum(c, level=level)
            )
    return c


def on_batch(
    error: Exception, fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
    composed: bool = False,
) -> Any:  # fmt: skip
    """Return what a function that failed on batched arrays gives for them, or raise the error.

    An error that is final is that of the user's own call, and not of one in a composition.
    """
    if newest((args, kwargs)) is None or (getattr(error, "is_final", False) and not composed):
        raise error
    return VmapError.run_on_batch(fun, args, kwargs)
