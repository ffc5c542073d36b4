"""Un-broadcast and cast a rule's result to the argument's shape and dtype, so rules need not."""

import math
from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.graph import Node
from autograd_core.engine.primitive import ShapeDtype
from autograd_core.errors import RuleError


def name_cotangent(g: Any, out: Any) -> None:
    """Name a traced cotangent after the value that it belongs to, for a program that is printed."""
    name = getattr(out, "name", None)
    if name and getattr(g, "name", None) == "":
        g.name = f"d_{name}"


def conjugate(g: Any) -> Any:
    """Return the conjugate of a complex array, and a real one as it is."""
    return g.conj() if g.dtype.kind == "c" else g


def sum_to_shape(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum ``g`` over the axes along which an array of ``shape`` was broadcast."""
    extra = g.ndim - len(shape)
    if extra < 0:
        return g
    axes = (
        *range(extra),
        *(i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1),
    )
    if not axes:
        return g
    g = g.sum(axes)
    return g if g.shape == shape or g.size != math.prod(shape) else g.reshape(shape)


def match_argument(c: Any, a: Any, node: Node, position: int) -> Any:
    """Return a rule's result with the shape and dtype of the argument ``a``.

    Raises
    ------
    RuleError
        If it is no array, or its shape does not sum to the argument's.
    """
    assert node.primitive is not None
    where = f"the rule of {node.primitive.name} for argument {position}"
    if not hasattr(c, "dtype"):
        if not isinstance(c, (int, float, complex)):
            raise RuleError(
                f"{where} returned {type(c).__name__}, but a cotangent is an array of shape "
                f"{a.shape}; for an argument without gradient put None in place of the rule"
            )
        c = np.asarray(c) if type(a) is ShapeDtype else asarray_like(np.asarray(c), a)
    if c.shape != a.shape:
        came, c = c.shape, sum_to_shape(c, a.shape)
        if c.shape != a.shape:
            raise RuleError(
                f"{where} returned shape {came}, which does not sum to the argument's shape "
                f"{a.shape}"
            )
    if c.dtype != a.dtype:
        if c.dtype.kind == "c" and a.dtype.kind != "c":
            c = c.real
        if c.dtype != a.dtype:
            c = c.astype(a.dtype)
    return c
