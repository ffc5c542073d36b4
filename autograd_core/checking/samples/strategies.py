"""Hypothesis strategies for inputs of a gradient check; the package hypothesis is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from autograd_core.checking.samples import signatures


@st.composite  # type: ignore[untyped-decorator]
def gradcheck_inputs(
    draw: Any, signature: str, *, low: float = -2.0, high: float = 2.0
) -> tuple[np.ndarray[Any, Any], ...]:
    """Draw arrays whose shapes follow a signature, such as ``"(...,n,k),(k,m)->(...,n,m)"``.

    Elements are distinct and none is near 0, so that kinks are met only where they are wanted.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> import numpy as np, autograd_core as ag
    >>> from autograd_core.checking.samples.strategies import gradcheck_inputs
    >>> @settings(max_examples=3, deadline=None, derandomize=True)
    ... @given(gradcheck_inputs("(n,k),(k)->(n)"))
    ... def test_product(inputs):
    ...     ag.assert_gradients(np.matmul, *inputs, variants=False)
    >>> test_product()
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = draw(st.sampled_from(list(signatures.sample_shapes(signature, rng, 4))))
    return tuple(signatures.draw(shapes, rng, low, high))
