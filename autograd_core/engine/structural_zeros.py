"""Which elements a result depends on, for derivatives that are not finite where it does not.

``where(x > 0, log(x), x)`` at x = -1 is nan by the chain rule alone: 0 (not taken) times nan.
What counts is not that the cotangent *is* 0, which may be chance, but that no path leads from the
element to the result.  So a primitive that declares ``masks`` (``where``, ``clip``, indexing, ...)
begins a *reach*: an array that is 0 exactly at the elements from which no path leads.  It passes on
through elementwise and linear primitives, and is computed only when a derivative came out that is
not finite.

A reach is found by running the adjoint itself on random positive numbers: what is 0 then is 0 for
every cotangent, and nothing cancels by chance.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_of, is_host
from autograd_core.engine.cotangents import sum_to_shape
from autograd_core.engine.graph import Node
from autograd_core.engine.primitive import Spec
from autograd_core.engine.recording import raw


class Reach:
    """An array that is computed when it is asked for, from those above it, without recursion."""

    __slots__ = ("_above", "_step", "_value")

    def __init__(self, step: Callable[..., Any], *above: Reach) -> None:
        self._step: Callable[..., Any] | None = step
        self._above = above
        self._value: Any = None

    def value(self) -> Any:
        """The array: 0 where no path leads on, positive elsewhere."""
        stack = [self]
        while stack:
            last = stack[-1]
            waiting = [a for a in last._above if a._step is not None]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if last._step is not None:
                last._value = last._step(*(a._value for a in last._above))
                last._step, last._above = None, ()
        return self._value

    def __or__(self, other: Reach) -> Reach:
        """Where a path leads on from either of two uses."""
        return Reach(lambda a, b: a + b, self, other)


def probe(like: Any) -> Any:
    """Numbers between 1 and 2 without a pattern, of a cotangent's shape, dtype and type.

    The fraction of a large sine (Rey 1998): it is made where the array is, without waiting for it.
    """
    size, here = math.prod(like.shape), type(like) is Spec or is_host(like)
    places = np.arange(size) if here else np.arange(size, like=like)
    numbers = (np.sin(12.9898 * places) * 43758.5453) % 1.0 + 1.0
    return numbers.reshape(like.shape).astype(like.dtype)


def _kind(g: Any) -> Any:
    """What :func:`probe` needs to know of a cotangent, without its values where that can be."""
    g = raw(g)
    return Spec(g) if is_host(g) else g


def through(
    node: Node, position: int, rule: Any, above: Reach | None, g: Any, unused: list[bool] | None
) -> Reach:
    """The reach of an argument of a node.

    Parameters
    ----------
    node, position
        The node, and which argument.
    rule
        The rule for that argument, where the primitive has one for each.
    above
        The reach of the node's result; None where all of it counts.
    g
        The cotangent of the result, or a list of those of its results.
    unused
        Which results nobody used, if there are several.
    """
    primitive, out, args, kwargs = node.primitive, node.out, node.args, node.kwargs or {}
    assert primitive is not None
    assert args is not None
    shape = args[position].shape
    kind = [_kind(x) for x in g] if unused else _kind(g)
    joint, by_rule = primitive.joint, primitive.masks or primitive.linear
    if not by_rule:
        out, args = None, ()

    def step(on: Any = None) -> Any:
        if unused:
            tried: Any = [probe(k) * (not no) for k, no in zip(kind, unused, strict=True)]
        else:
            tried = probe(kind) if on is None else probe(kind) * (on != 0)
        if by_rule:
            with np.errstate(all="ignore"):
                tried = (
                    rule(tried, out, *args, **kwargs)
                    if joint is None
                    else joint(tried, out, *args, **kwargs)[position]
                )
        elif not primitive.elementwise:  # a reduction of what ``where=`` chose
            tried = np.ones(shape)
        if "where" in kwargs:
            tried = tried * raw(kwargs["where"])
        return sum_to_shape(abs(tried), shape)

    return Reach(step) if above is None else Reach(step, above)


def hide(node: Node, reach: Reach, c: Any, report: bool) -> Any:
    """Make exactly 0 what is not finite in ``c`` and does not reach the result."""
    bad = ~np.isfinite(raw(c))
    if is_host(bad) and not bad.any():  # of others it is not asked, which would wait for a device
        return c
    hidden = bad & (reach.value() == 0)
    if report and any_of(hidden):
        assert node.primitive is not None
        made = f" (recorded at {node.watch.site})" if node.watch and node.watch.site else ""
        warnings.warn(
            f"{node.primitive.name}{made} has {int(hidden.sum())} derivatives that are not finite "
            "where its result was not used; their gradient is 0",
            RuntimeWarning,
            stacklevel=3,
        )
    return np.where(hidden, 0.0, c)
