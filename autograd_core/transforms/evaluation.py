"""One recorded evaluation of a function, which all transforms share.

:class:`LinearizedCall` replaces the arguments by fresh variables, records the call, and pulls
cotangents back.  Variables belong to one call: an inner differentiation never mistakes an outer
variable for its own, and the graph shows whether an outer differentiation is active.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.engine.cotangents import conjugate
from autograd_core.engine.differentiate import pull_back
from autograd_core.engine.graph import RECORD, UNTRACKED, Leaf, Node, mode, reachable
from autograd_core.engine.modes import enable_grad
from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import TensorBase, apply, make_tensor
from autograd_core.transforms.trees import flatten

Function = Callable[..., Any]

#: The identity under a new node, which distinguishes the variables of two differentiations.
alias = Primitive(lambda x: x, "alias", flops=lambda *_args: 0).defvjp(
    lambda g, _out, _x: g, elementwise=True
)


def _variable(value: Any) -> Any:
    """Return a fresh variable of the value, linked to it if it is itself recorded."""
    if isinstance(value, TensorBase):
        if value._node.tracked and mode.get() & RECORD:
            return apply(alias, (value,), {})
        value = value._array
    if isinstance(value, (int, float, complex)) and not isinstance(value, bool):
        value = np.asarray(value * 1.0)[()]
    elif not hasattr(value, "dtype"):
        value = np.asarray(value)[()]
    if value.dtype.kind not in "fc":
        raise TypeError(
            f"gradients are with respect to floating-point or complex values, got {value.dtype}; "
            "pass x.astype(float), or leave the argument out of argnums"
        )
    return make_tensor(value, Leaf(value))


class LinearizedCall:
    """One recorded evaluation of a function: its variables, its outputs, its pull-back."""

    def __init__(self, fun: Function, args: tuple[Any, ...], argnums: Sequence[int], kwargs: Any):
        leaves, self.restore_inputs = flatten([args[i] for i in argnums])
        self.tensors = any(isinstance(a, TensorBase) for a in leaves)
        self.inner: list[Any] = []  # variables of a call inside this one that belong to it
        with enable_grad():
            self.variables = [_variable(a) for a in leaves]
            replaced = list(args)
            for i, value in zip(argnums, self.restore_inputs(self.variables), strict=True):
                replaced[i] = value
            self.value = fun(*replaced, **kwargs)

    def outer(self, outputs: Sequence[Any]) -> bool:
        """Return whether an outer differentiation depends on the result."""
        own = {v._node for v in (*self.variables, *self.inner)}
        return any(
            isinstance(n, Leaf) and n not in own
            for n in reachable(o._node for o in outputs if isinstance(o, TensorBase))
        )

    def pull(self, outputs: Sequence[Any], seeds: Sequence[Any], free: bool) -> list[Any]:
        """Return the gradients of the variables; zeros where no output depends on one."""
        live = [
            (o, s)
            for o, s in zip(outputs, seeds, strict=True)
            if isinstance(o, TensorBase) and o._node.tracked
        ]
        found: dict[Node, Any] = {}
        if live:
            outs, cotangents = zip(*live, strict=True)
            seeded = any(isinstance(s, TensorBase) and s._node.tracked for s in cotangents)
            again = seeded or self.outer(outs)
            targets = {v._node for v in self.variables}
            found, _ = pull_back(outs, cotangents, targets, again, free and not again)
        results = []
        for v in self.variables:
            g = found.get(v._node)
            if g is None:
                g = np.zeros_like(v._array)
            g = conjugate(g)
            results.append(g if isinstance(g, TensorBase) else make_tensor(g, UNTRACKED))
        return results


def to_plain(value: Any, tensors: bool) -> Any:
    """Return arrays to a caller who gave arrays; a Tensor that is still recorded stays one."""
    leaves, restore = flatten(value)
    return restore(
        [
            (a if tensors or a._node.tracked else a._array) if isinstance(a, TensorBase) else a
            for a in leaves
        ]
    )


def check_argnums(argnums: int | Sequence[int], args: tuple[Any, ...]) -> list[int]:
    """Return the positions of the arguments to differentiate, counted from 0."""
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise TypeError(
                f"argnums={argnums}, but the function was called with {len(args)} positional "
                "arguments; pass what is differentiated by position"
            )
    return [n % len(args) for n in numbers]


def strip_tape(value: Any, call: LinearizedCall) -> Any:
    """Return the value of a finished call, recorded only if an outer differentiation needs it."""
    if not isinstance(value, TensorBase):
        return value
    if call.outer([value]):
        return value
    value = make_tensor(value._array, UNTRACKED)
    return to_plain(value, call.tensors)


def to_plain_tree(value: Any, call: LinearizedCall) -> Any:
    """Apply :func:`strip_tape` to every leaf of a tree."""
    leaves, restore = flatten(value)
    return restore([strip_tape(a, call) for a in leaves])
