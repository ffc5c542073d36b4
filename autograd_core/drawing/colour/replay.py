"""The time of operations that were recorded before anybody asked: each is run again."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from autograd_core.engine.graph import GET_OUTPUT, Node
from autograd_core.engine.primitive import ShapeDtype


def replayed(nodes: Iterable[Node], repeats: int = 3) -> dict[int, float]:
    """Seconds of each recorded operation, forward and backward, found by running it again.

    For graphs that were recorded before anybody asked.  Values that were not kept are ones.
    """
    found: dict[int, float] = {}
    for node in nodes:
        primitive = node.primitive
        if primitive is None or primitive is GET_OUTPUT or node.args is None:
            continue
        args = tuple(np.ones(a.shape, a.dtype) if type(a) is ShapeDtype else a for a in node.args)
        with np.errstate(all="ignore"), suppress(Exception):  # ones may be no argument of it
            found[node.seq] = _again(node, args, node.kwargs or {}, repeats)
    return found


def _again(node: Node, args: Any, options: dict[str, Any], repeats: int) -> float:
    """The least of several times that one operation and its rules take."""
    primitive = node.primitive
    assert primitive is not None
    assert primitive.rules is not None
    given = (list(args),) if primitive.rules.takes_list else args
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        out = primitive.fun(*given, **options)
        forward = time.perf_counter() - start
        g = [np.ones_like(o) for o in out] if isinstance(out, (tuple, list)) else out
        best = min(best, forward + _rules(node, args, out, g, options))
    return best


def _rules(node: Node, args: Any, out: Any, g: Any, options: dict[str, Any]) -> float:
    """Seconds of the rules of one node."""
    rules = node.primitive.rules if node.primitive is not None else None
    assert rules is not None
    start = time.perf_counter()
    if rules.vjp_all is not None:
        rules.vjp_all(g, out, *args, **options)
    else:
        for rule, parent in zip(rules.vjps or (), node.parents):  # noqa: B905
            if parent.tracked and rule is not None:
                rule(g, out, *args, **options)
    return time.perf_counter() - start
