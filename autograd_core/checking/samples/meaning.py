"""Whether a function that accepts other shapes than the sample's is likely to be meant to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Forward = Callable[[list[Array]], list[Array]]


def is_elementwise(forward: Forward, xs: Sequence[Array], rng: np.random.Generator) -> bool:
    """Return whether each output depends on the corresponding (broadcast) inputs alone."""
    try:
        whole = np.broadcast_shapes(*(x.shape for x in xs))
        values = forward([x.copy() for x in xs])
        if any(v.shape != whole for v in values):
            return False
        for i, x in enumerate(xs):
            for k in rng.permutation(x.size)[:3].tolist():
                moved = [a.copy() for a in xs]
                moved[i].reshape(-1)[k] *= 1.01
                own = np.broadcast_to(np.arange(x.size).reshape(x.shape) == k, whole)
                found = forward(moved)
                if any((v != w)[~own].any() for v, w in zip(found, values, strict=True)):
                    return False
    except Exception:
        return False
    return True


def shows_a_batch(
    meant: str,
    forward: Forward,
    sample: tuple[Sequence[Array], Sequence[Array]],
    variant: tuple[Sequence[Array], Sequence[Array]],
) -> bool:
    """Return whether the values of a variant show that the function takes batches.

    Parameters
    ----------
    meant
        ``"part"``, for inputs without their leading axes; ``"stack"``, for two samples in one;
        ``"number"``, for single numbers; see :class:`Variant`.
    forward
        The function.
    sample, variant
        The inputs and the values of the sample, and of the variant.
    """
    (own, sample_values), (xs, values) = sample, variant
    if meant == "number":
        return all(v.ndim == 0 for v in (*values, *sample_values))
    if meant == "part":
        expected = [v[0] for v in sample_values if v.ndim and len(v)]
    elif meant == "stack":
        more = [x.ndim > a.ndim for x, a in zip(xs, own, strict=True)]
        halves = [[x[k] if m else x for x, m in zip(xs, more, strict=True)] for k in (0, 1)]
        try:
            both = [forward([np.array(x) for x in half]) for half in halves]
        except Exception:
            return False
        expected = [np.stack(pair) for pair in zip(*both, strict=True)]
    else:
        return False
    return len(expected) == len(values) and all(
        e.shape == v.shape and np.allclose(e, v, rtol=1e-9, atol=1e-12, equal_nan=True)
        for e, v in zip(expected, values, strict=True)
    )
