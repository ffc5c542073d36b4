"""Floating-point operations of one recorded call.

A primitive declares the cost of a call (``flops=``, see :class:`ag.Primitive` and
:mod:`autograd_core.rules.costs`).  One that declares none costs nothing if it is a view, one
operation per element of its largest argument if it is a reduction, and one per element of its
result otherwise.  A Python function without a kind costs what it calls: it is run once more, on
ones, to see.

A multiply-add counts as two.  The bias of a fused layer begins the sum and adds nothing, as in
PyTorch's ``FlopCounterMode``.  The backward pass costs as much as the forward pass for each
argument that a gradient flows to.
"""

import math
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from autograd_core.engine.graph import UNTRACKED, Given, Leaf, Node, reachable
from autograd_core.engine.modes import enable_grad
from autograd_core.engine.operands import levels_of
from autograd_core.engine.primitive import Primitive, ShapeDtype, table
from autograd_core.engine.recording import TensorBase, is_array, make_tensor


def forward_flops(node: Node) -> int:
    """Return the floating-point operations of one recorded call, for all examples of a batch.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from autograd_core.profiling.flops import forward_flops
    >>> x = ag.tensor(np.ones((10, 4)), requires_grad=True)
    >>> forward_flops(np.exp(x)._node), forward_flops(np.sum(x)._node)
    (40, 40)
    """
    primitive = node.primitive
    if primitive is None or primitive.kind == "view":
        return 0
    args, options = _arguments(node), node.kwargs or {}
    out = node.out[0] if isinstance(node.out, (tuple, list)) else node.out
    levels = {level for a in (out, *args) for level in levels_of(a)}
    return math.prod(level.size for level in levels) * _of_one(primitive, out, args, options)


def _of_one(primitive: Primitive, out: Any, args: list[Any], options: dict[str, Any]) -> int:
    """Return the operations of a call, by the shapes of one example."""
    if primitive.flops is not None:
        return round(primitive.flops(out, *args, **options))
    if primitive.kind == "reduction":
        return max((_size(a) for a in args), default=_size(out))
    if not primitive.kind and primitive.fun not in table:
        called = _flops_of_calls(primitive, args, options)
        if called is not None:
            return called
    return _size(out)


def needed_gradients(node: Node) -> int:
    """Return the number of a call's arguments that need a gradient."""
    return sum(p.tracked for p in node.parents)


def backward_flops(node: Node) -> int:
    """Return the floating-point operations of one call's rules, for the gradients it needs."""
    return forward_flops(node) * needed_gradients(node)


def multiply_adds(node: Node) -> int:
    """Return the multiply-adds (MACs) of a product or a convolution, and 0 for other calls.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from autograd_core.profiling.flops import multiply_adds
    >>> w = ag.tensor(np.ones((784, 16)), requires_grad=True)
    >>> multiply_adds((np.ones((32, 784)) @ w)._node) == 32 * 784 * 16
    True
    """
    product = node.primitive is not None and node.primitive.kind == "product"
    return forward_flops(node) // 2 if product else 0


def _arguments(node: Node) -> list[Any]:
    """Return the arguments, or stand-ins of the same shape once they are freed."""
    given: Iterable[Any] | None = node.args
    if given is None:  # the parents that stand for options are no arguments
        given = [p.out for p in node.parents if not (isinstance(p, Given) and p.option)]
    return [a if a is not None else np.float64(0) for a in given]


def _size(a: Any) -> int:
    return math.prod(getattr(a, "shape", ()))


def _flops_of_calls(primitive: Primitive, args: list[Any], options: dict[str, Any]) -> int | None:
    """Return the total cost of a Python function's calls; None if it fails on arrays of ones."""

    def variable(a: Any) -> Any:
        known = is_array(a) or isinstance(a, (np.generic, ShapeDtype))
        if not known or a.dtype.kind not in "fc":
            return a
        ones = np.ones(a.shape, a.dtype)
        return make_tensor(ones, Leaf(ones))

    variables = [variable(a) for a in args]
    if primitive.rules is not None and primitive.rules.takes_list:
        variables = [variables]
    with suppress(Exception), np.errstate(all="ignore"), enable_grad():
        out = primitive.fun(*variables, **options)
        outs = out if isinstance(out, (tuple, list)) else [out]
        nodes = [o._node for o in outs if isinstance(o, TensorBase) and o._node is not UNTRACKED]
        if nodes:
            return sum(forward_flops(n) for n in reachable(nodes))
    return None
