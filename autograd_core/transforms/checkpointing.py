"""stop_gradient and checkpoint (rematerialization)."""

import dataclasses
import functools
import numbers
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from autograd_core.engine.array_types import is_host
from autograd_core.engine.backward import Recomputed
from autograd_core.engine.diagnostics import observe
from autograd_core.engine.graph import (
    ANOMALY,
    RECOMPUTE,
    RECORD,
    UNTRACKED,
    Node,
    clock,
    make_node,
    mode,
    output_node,
    reachable,
)
from autograd_core.engine.modes import in_mode
from autograd_core.engine.operands import all_examples
from autograd_core.engine.recording import TensorBase, make_tensor, unwrap
from autograd_core.engine.runs import open_runs
from autograd_core.errors import MutationError
from autograd_core.transforms.trees import Tree, describe

Function = TypeVar("Function", bound=Callable[..., Any])

#: Types of leaves that are Tensors, or certainly hold none.
_HOLD_NO_TENSOR = (TensorBase, np.ndarray, np.generic, numbers.Number, str, bytes)


def stop_gradient(x: Any) -> Any:
    """Return the same value as a constant of the differentiation: no gradient flows through it.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(lambda x: x * ag.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    tree = Tree(x)
    for leaf, path in zip(tree.leaves, tree.paths(), strict=True):
        if not isinstance(leaf, _HOLD_NO_TENSOR) or getattr(leaf, "dtype", "") == np.object_:
            raise TypeError(
                f"stop_gradient takes arrays, numbers, and dicts, lists, tuples and dataclasses of "
                f"them; {f'its leaf {path}' if path else 'it'} is {describe(leaf)}, which may hold "
                "Tensors that it would miss. Call it on these"
            )
    return tree.restore(
        [make_tensor(a._array, UNTRACKED) if isinstance(a, TensorBase) else a for a in tree.leaves]
    )


def checkpoint(fun: Function) -> Function:
    """Return the same function without saved intermediate values: backward recomputes them.

    This trades time for memory.  Values that the function captures from outside (parameters of a
    model) get their gradients too.  The function must be deterministic; it may return a tree.
    What it changes besides, it changes twice unless it asks :func:`is_recomputing`.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(ag.checkpoint(lambda x: np.sin(np.sin(x))))(0.0)
    np.float64(1.0)
    """

    step = Recomputed(fun, f"checkpoint({getattr(fun, '__name__', 'f')})")
    step.defvjp(vjp_all=lambda _g, _out, *captured, again: ())
    # what it captured is read when it runs again; masks go on inside
    assert step.rules is not None
    step.rules = dataclasses.replace(step.rules, reads_no_values=True)

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        bits = mode.get()
        if not bits & RECORD:
            return fun(*args, **kwargs)
        begin = next(clock)
        call = _Call(fun, args, kwargs)
        tree = Tree(fun(*args, **kwargs))
        made = [
            i
            for i, a in enumerate(tree.leaves)
            if isinstance(a, TensorBase) and a._node.tracked and a._node.seq > begin
        ]
        outputs = [tree.leaves[i] for i in made]
        captured = _captured([t._node for t in outputs], begin)
        if not captured:
            return tree.restore(tree.leaves)
        call.expect(made, outputs)
        arrays = tuple(t._array for t in outputs)
        node = make_node(
            step,
            arrays[0] if len(arrays) == 1 else arrays,
            tuple(n.out for n in captured),
            {"again": call.again},
            tuple(captured),
        )
        observe(node, bits & ANOMALY, *arrays)
        if len(arrays) == 1:
            nodes = [node]
        else:
            nodes = [output_node(node, a, i) for i, a in enumerate(arrays)]
        leaves = list(tree.leaves)
        for i, array, n in zip(made, arrays, nodes, strict=True):
            leaves[i] = make_tensor(array, n)
        return tree.restore(leaves)

    return wrapped  # type: ignore[return-value]


class _Call:
    """A call to be repeated: its arguments as they were, and what it returned."""

    def __init__(self, fun: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.fun, self.tree = fun, Tree([args, kwargs])
        # handles of their own: those of the caller may be rebound by t += 1
        self.values = [
            (a._array, a._node) if isinstance(a, TensorBase) else None for a in self.tree.leaves
        ]
        self.runs = frozenset(open_runs)

    def expect(self, made: list[int], outputs: list[Any]) -> None:
        """Note which leaves of the result are recorded, and their values."""
        self.made, self.before = made, [_fingerprint(t._array) for t in outputs]

    def again(self) -> tuple[int, list[Any]]:
        """Make the call once more; return when it began, and the recorded leaves of its result."""
        begin = next(clock)
        handles: dict[int, Any] = {}  # what was one Tensor is one again
        leaves = [
            a if value is None else handles.setdefault(id(a), make_tensor(*value))
            for a, value in zip(self.tree.leaves, self.values, strict=True)
        ]
        args, kwargs = self.tree.restore(leaves)
        closed = self.runs - open_runs  # which differentiations depend on it is as it was
        try:
            open_runs.update(closed)
            found = Tree(in_mode(RECORD | RECOMPUTE, 0, self.fun, *args, **kwargs)).leaves
        finally:
            open_runs.difference_update(closed)
        outputs = [found[i] for i in self.made if i < len(found)]
        name = getattr(self.fun, "__name__", "f")
        for before, t in zip(self.before, outputs, strict=True):
            _check_same(f"checkpoint({name})", before, unwrap(t))
        return begin, outputs


def _captured(roots: list[Node], begin: int) -> list[Node]:
    """Return the nodes that a call's results depend on and that were made before it began."""
    inner = reachable(roots, since=begin)
    return list(dict.fromkeys(p for n in inner for p in n.parents if p.tracked and p.seq < begin))


def _fingerprint(value: Any) -> tuple[Any, ...] | None:
    """Return three sums over a value's elements, to recognise the same value recomputed."""
    value = all_examples(value)
    if not is_host(value) or getattr(value, "is_traced", False):
        return None
    flat = np.asarray(value).reshape(-1)
    weights = np.cos(np.arange(flat.size))
    with np.errstate(all="ignore"):
        return flat @ weights, flat.sum(), np.abs(flat).sum()


def _check_same(name: str, before: tuple[Any, ...] | None, value: Any) -> None:
    """Raise if a checkpointed function has another value when it runs again."""
    if before is None:
        return
    after = _fingerprint(value)
    assert after is not None
    rtol = 1e3 * float(np.finfo(value.dtype).eps)
    if not np.allclose(after, before, rtol=rtol, atol=rtol * abs(before[2]), equal_nan=True):
        raise MutationError(
            f"{name} has another value when backward runs it again, so its gradient would be "
            "wrong: something that it uses was changed in between, or it draws random numbers. "
            "Call backward() before the change, and give a random function its generator's seed"
        )
