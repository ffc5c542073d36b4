"""Gradient clipping: by the norm of all gradients together, or number by number."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

import autograd_core as ag
from nn.module import Parameter
from nn.optim.optimizer import as_parameters


def _gradients(given: Parameter | Iterable[Parameter]) -> list[tuple[Parameter, Any]]:
    parameters = as_parameters(given, "clipping")
    if not parameters:
        raise ValueError(
            "clipping got no parameters (an iterator is empty after its first use; pass "
            "model.parameters() again)"
        )
    return [(p, p.grad.detach()) for p in parameters if p.grad is not None]


def first_not_finite(parameters: Iterable[Parameter]) -> Parameter | None:
    """Return the first parameter whose gradient is not finite; None if there is none.

    The squared norm tells, in one pass; a norm that overflows is looked at number by number.
    """
    given = [(p, p.grad.data) for p in parameters if p.grad is not None]
    at = _first_not_finite(*[g for _, g in given])
    return None if at < 0 else given[at][0]


@ag.primitive(opaque=True)
def _first_not_finite(*arrays: Any) -> int:
    """Return the position of the first array that is not finite; -1 if there is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        squares: Any = sum(np.vdot(a, a) for a in arrays)
        if math.isfinite(abs(squares)):  # a device is waited for once
            return -1
        for i, a in enumerate(arrays):
            if not math.isfinite(abs(np.vdot(a, a))) and not np.isfinite(a).all():
                return i
    return -1


def clip_grad_norm_(parameters: Parameter | Iterable[Parameter], max_norm: float) -> float:
    """Scale all gradients together, so that their Euclidean norm is at most ``max_norm``.

    Returns
    -------
    float
        The norm before clipping.  If it is not finite, the gradients are left as they are.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([3.0, 4.0])
    >>> np.sum(w * w / 2).backward()
    >>> nn.clip_grad_norm_([w], 1.0), w.grad.numpy().round(3).tolist()
    (5.0, [0.6000000238418579, 0.800000011920929])
    """
    if not max_norm >= 0:
        raise ValueError(f"max_norm is a number >= 0, got {max_norm!r}")
    gradients = _gradients(parameters)
    norm: float
    norm, factor = _norm_and_factor(max_norm, *(g.data for _, g in gradients))
    if not (type(factor) is float and factor == 1.0):  # a program multiplies by 1
        for p, g in gradients:
            p.grad = g * factor
    return norm


@ag.primitive(opaque=True)
def _norm_and_factor(max_norm: float, *arrays: Any) -> tuple[float, float]:
    """Return the norm of all numbers of some arrays together, and what makes it small enough."""
    wide = (a.astype(float) for a in arrays)
    squares = [np.vdot(a, a) for a in wide]
    if arrays and not isinstance(arrays[0], np.ndarray):
        squares = [sum(squares)]  # a device is waited for once
    norm = math.sqrt(math.fsum(map(float, squares)))
    return norm, max_norm / (norm + 1e-6) if max_norm < norm < math.inf else 1.0


def clip_grad_value_(parameters: Parameter | Iterable[Parameter], clip_value: float) -> None:
    """Clip every number of every gradient to ``[-clip_value, clip_value]``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([3.0, 0.5])
    >>> np.sum(w * w / 2).backward()
    >>> nn.clip_grad_value_([w], 1.0)
    >>> w.grad
    Tensor([1. , 0.5], float32)
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_value is a number >= 0, got {clip_value!r}")
    for p, g in _gradients(parameters):
        p.grad = np.clip(g, -clip_value, clip_value)
