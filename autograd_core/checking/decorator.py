"""``gradchecked``: a function that is its own test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.checking.api import assert_gradients
from autograd_core.checking.samples import signatures


def gradchecked(
    *,
    shapes: Sequence[tuple[int, ...]] | None = None,
    signature: str | None = None,
    low: float | None = None,
    high: float | None = None,
    seed: int = 0,
    **options: Any,
) -> Callable[[Callable[..., Any]], Callable[[], None]]:
    """Make a test of a function: its gradients hold at samples that are drawn here.

    Parameters
    ----------
    shapes
        Of the inputs; or
    signature
        in NumPy's generalised-ufunc syntax, from which legal shapes and ranks are sampled.
    low, high
        The range of the numbers; by default of both signs and 0.2 to 1.8 in size.
    seed, **options
        Handed to :func:`gradcheck`.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> @ag.checking.gradchecked(signature="(n,k),(k,m)->(n,m)")
    ... def test_product(a, b):
    ...     return np.tanh(a @ b)
    >>> test_product()      # pytest does this; silent if every gradient is right
    """
    if (shapes is None) == (signature is None):
        raise TypeError("gradchecked takes either shapes= or signature=, one of the two")

    def decorate(f: Callable[..., Any]) -> Callable[[], None]:
        def test() -> None:
            rng = np.random.default_rng(seed)
            if signature is None:
                inputs = signatures.draw(shapes or (), rng, low, high)
            else:
                inputs = signatures.draw_for(signature, rng, low, high)
            assert_gradients(f, *inputs, seed=seed, signature=signature, **options)

        test.__name__ = test.__qualname__ = getattr(f, "__name__", "test")
        test.__doc__, test.__module__ = f.__doc__, f.__module__
        return test

    return decorate
