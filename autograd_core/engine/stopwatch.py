"""Timing of single calls, for ``ag.profile``: on only where the mode has its bit set."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter
from typing import Any

from autograd_core.engine.graph import PROFILE, Node, mode, user_line
from autograd_core.engine.primitive import Primitive

#: [primitive, seconds, node, result] of every call so far.
calls: ContextVar[Any] = ContextVar("autograd_core.stopwatch", default=None)


def function_of(primitive: Primitive) -> Any:
    """The function of a primitive; under ``ag.profile`` one that notes its time."""
    return _timed(primitive) if mode.get() & PROFILE else primitive.fun


def _timed(primitive: Primitive) -> Any:
    so_far = calls.get()

    def run(*args: Any, **kwargs: Any) -> Any:
        start = perf_counter()
        out = primitive.fun(*args, **kwargs)
        so_far.append([primitive, perf_counter() - start, None, out])
        return out

    return run


def made(node: Node) -> None:
    """The call that was timed last is this node's; the line of code that made it is noted."""
    calls.get()[-1][2] = node
    node.watched().site = user_line()
