"""Hypothesis strategies for arrays: shapes, broadcasting, memory layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_core as ag

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


@st.composite
def arrays(draw: Any, shape: Any = shapes, low: float = -2.0, high: float = 2.0) -> Any:
    """Distinct numbers of a drawn shape, in a drawn memory layout."""
    n = draw(shape) if not isinstance(shape, tuple) else shape
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = int(np.prod(n))
    a = rng.permutation(np.linspace(low, high, size + 2)[1:-1] + 0.0137).reshape(n)
    layout = draw(st.sampled_from(["C", "F", "reversed", "strided", "read-only"]))
    if layout == "F":
        a = a.copy(order="F")
    elif layout == "reversed" and a.ndim:
        a = np.flip(np.flip(a).copy())
    elif layout == "strided" and a.ndim:
        a = np.repeat(a, 2, axis=0)[::2]
    elif layout == "read-only":
        a.setflags(write=False)
    return a


@st.composite
def broadcastable(draw: Any, low: float = -2.0, high: float = 2.0) -> Any:
    """Two arrays whose shapes broadcast."""
    both = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3))
    return tuple(draw(arrays(shape, low, high)) for shape in both.input_shapes)


@st.composite
def with_axis(draw: Any) -> Any:
    """An array of one axis or more, and an ``axis=``: an int, negative, a tuple or None."""
    a = draw(arrays(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)))
    one = st.integers(-a.ndim, a.ndim - 1)
    several = st.sets(st.integers(0, a.ndim - 1), min_size=1).map(tuple)
    return a, draw(st.one_of(st.none(), one, several))


def assert_slopes(f, *inputs, **options):
    """The gradients at these inputs alone; the other samples are drawn here, not by the checker."""
    ag.assert_gradients(f, *inputs, variants=False, **options)
