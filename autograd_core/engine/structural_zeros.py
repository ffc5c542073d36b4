"""Structural zeros: mask non-finite derivatives at elements that cannot influence the result.

``where(x > 0, log(x), x)`` at x = -1 is nan by the chain rule alone: 0 (not taken) times nan.
What counts is not that the cotangent *is* 0, which may be chance, but that no path leads from the
element to the result.  So a primitive that declares ``selects`` (``where``, ``clip``, indexing)
begins a *mask*: an array that is 0 exactly at the elements from which no path leads.  It
propagates through elementwise primitives, those whose rules read no values and those that select
themselves, and is computed only when a derivative came out that is not finite.

A mask is found by running the adjoint itself on random positive numbers: what is 0 then is 0 for
every cotangent, and nothing cancels by chance.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_of, is_host
from autograd_core.engine.cotangents import sum_to_shape
from autograd_core.engine.diagnostics import origin
from autograd_core.engine.graph import Node
from autograd_core.engine.levels import sum_ended
from autograd_core.engine.operands import Level, all_examples
from autograd_core.engine.primitive import ShapeDtype
from autograd_core.engine.recording import unwrap


class ZeroMask:
    """An array, computed at the first request from the masks above it, without recursion."""

    __slots__ = ("_above", "_step", "_value")

    def __init__(self, step: Callable[..., Any], *above: ZeroMask) -> None:
        self._step: Callable[..., Any] | None = step
        self._above = above
        self._value: Any = None

    def value(self) -> Any:
        """Return the array: 0 where no path leads to the result, positive elsewhere."""
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

    def __or__(self, other: ZeroMask) -> ZeroMask:
        """Return the mask of a value with two uses: a path leads on from either."""
        return ZeroMask(lambda a, b: a + b, self, other)


def random_like(like: Any) -> Any:
    """Return pseudo-random numbers between 1 and 2 of the shape, dtype and type of an array.

    They are the fraction of a large sine (Rey 1998), computed where the array is, so that no
    device has to be waited for.
    """
    size, here = math.prod(like.shape), type(like) is ShapeDtype or is_host(like)
    places = np.arange(size) if here else np.arange(size, like=like)
    numbers = (np.sin(12.9898 * places) * 43758.5453) % 1.0 + 1.0
    return numbers.reshape(like.shape).astype(like.dtype)


def _prototype(g: Any) -> Any:
    """Return what :func:`random_like` needs of a cotangent, without its values where possible."""
    g = unwrap(g)
    return ShapeDtype(g) if is_host(g) else g


def passes_mask(node: Node) -> bool:
    """Return whether a mask propagates through a node's primitive."""
    rules = node.primitive.rules if node.primitive is not None else None
    return rules is not None and (rules.elementwise or rules.reads_no_values or rules.selects)


def begins_mask(node: Node, unused: list[bool] | None) -> bool:
    """Return whether some elements of a node's arguments may not influence its result.

    ``unused`` tells which of several results nothing used.
    """
    assert node.primitive is not None
    rules = node.primitive.rules
    assert rules is not None
    return (
        rules.selects
        or (node.kwargs is not None and "where" in node.kwargs)
        or (unused is not None and rules.reads_no_values and any(unused))
    )


def propagate(
    node: Node,
    position: int,
    rule: Any,
    above: ZeroMask | None,
    g: Any,
    unused: list[bool] | None,
    ended: Collection[Level] = (),
) -> ZeroMask:
    """Return the mask of an argument of a node.

    Parameters
    ----------
    node, position
        The node, and which argument.
    rule
        The rule for that argument, where the primitive has one for each.
    above
        The mask of the node's result; None where all of it influences the end.
    g
        The cotangent of the result, or a list of those of its results.
    unused
        Which results nothing used, if there are several.
    ended
        The levels of vmap that the sweep has passed.
    """
    primitive, out, args, kwargs = node.primitive, node.out, node.args, node.kwargs or {}
    assert primitive is not None
    assert args is not None
    rules = primitive.rules
    assert rules is not None
    shape, own = args[position].shape, ShapeDtype(args[position])
    prototype = [_prototype(x) for x in g] if unused else _prototype(g)
    by_rule = rules.selects or rules.reads_no_values
    if not by_rule:
        out, args = None, ()

    def step(mask: Any = None) -> Any:
        if unused:
            tried: Any = [
                random_like(k) * (not no) for k, no in zip(prototype, unused, strict=True)
            ]
        else:
            tried = random_like(prototype)
            tried = tried if mask is None else tried * (mask != 0)
        if by_rule:
            with np.errstate(all="ignore"):
                if rules.vjp_all is None:
                    tried = rule(tried, out, *args, **kwargs)
                else:
                    tried = rules.vjp_all(tried, out, *args, **kwargs)[position]
        elif not rules.elementwise:  # a reduction of what ``where=`` chose
            tried = np.ones(shape)
        if "where" in kwargs:
            tried = tried * unwrap(kwargs["where"])
        found = sum_to_shape(abs(tried), shape)
        return sum_ended(found, own, ended) if ended else found

    return ZeroMask(step) if above is None else ZeroMask(step, above)


def zero_unreachable(node: Node, mask: ZeroMask, c: Any, report: bool) -> Any:
    """Set to 0 what is not finite in ``c`` and cannot influence the result."""
    bad = ~np.isfinite(unwrap(c))
    every = all_examples(bad)
    # of others it is not asked, which would wait for a device
    if is_host(every) and not every.any():
        return c
    hidden = bad & (mask.value() == 0)
    if report and any_of(hidden):
        warnings.warn(
            f"{origin(node)} has {int(hidden.sum())} derivatives that are not finite "
            "where its result was not used; their gradient is 0",
            RuntimeWarning,
            stacklevel=3,
        )
    return np.where(hidden, 0.0, c)
