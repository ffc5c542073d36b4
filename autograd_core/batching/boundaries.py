"""Into a level and out of it: the operations at both ends of a ``vmap``, and of a loop within one.

Each pair is its own adjoint.  Levels are numbered as they begin, and the newest is the outer
wrapper, so that an older level is entered and left inside newer ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.batching.alignment import spread
from autograd_core.engine.operands import BatchedBase, Level, batched
from autograd_core.engine.primitive import Primitive


def _in(x: Any, *, level: Level, axis: int) -> Any:
    if isinstance(x, BatchedBase) and x.level.number > level.number:
        return batched(_in(x.examples, level=level, axis=axis + 1), x.level)
    values = np.moveaxis(x, axis, 0) if axis else x
    if isinstance(values, np.ndarray):  # the caller's array: a write goes into a copy
        values = values.view()
        values.setflags(write=False)
    return batched(values, level)


def _out(x: Any, *, level: Level, axis: int) -> Any:
    if isinstance(x, BatchedBase) and x.level.number > level.number:
        return batched(_out(x.examples, level=level, axis=axis + 1), x.level)
    values = spread(x, level).examples
    return np.moveaxis(values, 0, axis) if axis else values


def _moves(fun: Any, name: str) -> Primitive:
    """Return a primitive that costs nothing, and whose result is written by itself."""
    primitive = Primitive(fun, name, kind="view")
    primitive.makes_views = False
    return primitive


def _pair(name: str) -> tuple[Primitive, Primitive]:
    enter, leave = _moves(_in, f"{name}_in"), _moves(_out, f"{name}_out")
    enter.defvjp(lambda g, _out, _x, *, level, axis: leave(g, level=level, axis=axis % _x.ndim))
    leave.defvjp(lambda g, _out, _x, *, level, axis: enter(g, level=level, axis=axis % _out.ndim))
    return enter, leave


#: Give a level to an array, whose batch is at ``axis``; and take it away.
batch_in, batch_out = _pair("batch")
batch_out.ends_level = True

#: The same for a loop within a level, which ends none.
loop_in, loop_out = _pair("loop")

#: Repeat a recorded value for all examples, without a sum over them in the sweep.
spread_recorded = _moves(spread, "spread").defvjp(lambda g, _out, _x, *, level: g)
