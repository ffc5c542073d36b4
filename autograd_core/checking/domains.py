"""Domains: projections onto the sets on which the inputs of some functions lie.

A projection leaves what is on the domain as it is, and moves other points there smoothly; it is
written in NumPy.  A function is checked as ``f(project(x))``: every difference stays on the domain,
and the gradient is compared along it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Projection = Callable[[Any], Any]


def simplex(x: Any) -> Any:
    """Project onto positive numbers that sum to 1 along the last axis.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> entropy = lambda p: -(p * np.log(p)).sum()
    >>> pair = entropy, lambda g, out, p: -g * (np.log(p) + 1)
    >>> ag.gradcheck(pair, np.array([0.2, 0.8]), domain=ag.checking.simplex).verdict
    'pass'
    """
    x = positive(x)
    return x / x.sum(-1, keepdims=True)


def positive(x: Any) -> Any:
    """Project onto positive numbers."""
    return np.abs(x)


def probabilities(x: Any) -> Any:
    """Project onto numbers between 0 and 1, both left out."""
    return np.clip(x, 1e-6, 1 - 1e-6)


def increasing(x: Any) -> Any:
    """Project onto numbers in increasing order along the last axis."""
    return np.sort(x, axis=-1)


def symmetric(x: Any) -> Any:
    """Project onto symmetric matrices, of the last two axes."""
    return (x + np.swapaxes(x, -1, -2)) / 2


def spd(x: Any) -> Any:
    """Project onto symmetric matrices; those near a positive definite one are so too."""
    return symmetric(x)


def orthogonal(x: Any) -> Any:
    """Project onto matrices with orthonormal columns, by Newton's iteration for the polar factor.

    It converges from singular values below the square root of 3 (N. Higham, *Functions of
    Matrices*, 2008, section 8.3).
    """
    for _ in range(6):
        x = 1.5 * x - 0.5 * x @ (np.swapaxes(x, -1, -2) @ x)
    return x
