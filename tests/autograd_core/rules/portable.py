"""Run a case on another array type: gradients of first and second order, and their comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.rules.cases import Case


def is_differentiated(a: Any) -> bool:
    return np.asarray(a).dtype.kind in "fc"


def bare(case: Case, kind: Callable[[Any], Any]) -> Any:
    """Return the call itself on bare arrays of the type; it raises where the type has no such call."""
    return case.f(*(kind(np.array(a)) if is_differentiated(a) else a for a in case.args))


def gradients_of(case: Case, kind: Callable[[Any], Any]) -> list[Any]:
    """Return the gradients of a random pairing, and the gradients of a pairing of those."""
    rng = np.random.default_rng(1)
    args = [
        ag.tensor(kind(np.array(a)), requires_grad=True) if is_differentiated(a) else a
        for a in case.args
    ]
    leaves = [a for a in args if isinstance(a, ag.Tensor)]

    def seed(like: Any) -> Any:
        return ag.tensor(kind(rng.uniform(0.5, 1.5, like.shape).astype(like.dtype)))

    def pull(outputs: list[Any], create_graph: bool) -> list[Any]:
        live = [o for o in outputs if o is not None and o.requires_grad]
        seeds = [seed(o) for o in live]
        if not live:
            return []
        return list(ag.gradients(live, leaves, seeds, create_graph=create_graph, allow_unused=True))

    first = pull([case.f(*args)], True)
    return [*first, *pull(first, False)]


def assert_same(
    found: list[Any], expected: list[Any], kind: type, to_host: Callable[[Any], Any]
) -> None:
    """Assert that gradients are arrays of the type with the numbers of plain NumPy."""
    for f, e in zip(found, expected, strict=True):
        assert (f is None) == (e is None)
        if f is not None:
            assert isinstance(f.data, kind), type(f.data)
            assert (f.shape, f.dtype) == (e.shape, e.dtype)
            np.testing.assert_allclose(to_host(f.data), e.data, rtol=1e-8, atol=1e-9)
