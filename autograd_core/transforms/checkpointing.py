"""stop_gradient and checkpoint (rematerialization)."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from autograd_core.engine.array_types import is_host
from autograd_core.engine.cotangents import conjugate
from autograd_core.engine.differentiate import pull_back
from autograd_core.engine.graph import RECORD, UNTRACKED, Node, clock, mode
from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import TensorBase, link, make_tensor, unwrap
from autograd_core.errors import MutationError
from autograd_core.transforms.evaluation import LinearizedCall
from autograd_core.transforms.trees import flatten

Function = TypeVar("Function", bound=Callable[..., Any])


def stop_gradient(x: Any) -> Any:
    """Return the same value as a constant of the differentiation: no gradient flows through it.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(lambda x: x * ag.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    leaves, restore = flatten(x)
    return restore(
        [make_tensor(a._array, UNTRACKED) if isinstance(a, TensorBase) else a for a in leaves]
    )


def checkpoint(fun: Function) -> Function:
    """Return the same function without saved intermediate values: backward recomputes them.

    This trades time for memory.  Values that the function captures from outside (parameters of a
    model) get their gradients too.  The function must be deterministic.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(ag.checkpoint(lambda x: np.sin(np.sin(x))))(0.0)
    np.float64(1.0)
    """

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        inputs, restore = flatten(args)
        if not mode.get() & RECORD:
            return fun(*args, **kwargs)
        begin = next(clock)
        first = LinearizedCall(fun, args, range(len(args)), kwargs)
        value = first.value
        if not isinstance(value, TensorBase):
            raise TypeError(
                f"a checkpointed function returns one Tensor, this one returned "
                f"{type(value).__name__}; checkpoint a part that does"
            )
        if not value._node.tracked:
            return value
        before = _fingerprint(value._array)
        own = {v._node for v in first.variables}
        captured = _captured(value._node, own, begin)
        outside = [make_tensor(n.out, n) for n in captured]

        def again(g: Any, _out: Any, *values: Any) -> tuple[Any, ...]:
            run = LinearizedCall(
                fun, restore(list(values[: len(inputs)])), range(len(args)), kwargs
            )
            _check_same(step.name, before, unwrap(run.value))
            targets = dict.fromkeys((*(v._node for v in run.variables), *captured))
            create = isinstance(g, TensorBase)
            seed = conjugate(g)
            found, _ = pull_back([run.value], [seed], set(targets), create, free=False)
            zero = (np.zeros_like(unwrap(v)) for v in values)
            return tuple(
                z if (c := found.get(n)) is None else c for n, z in zip(targets, zero, strict=True)
            )

        step = Primitive(fun, f"checkpoint({getattr(fun, '__name__', 'f')})").defvjp(vjp_all=again)
        everything = (*inputs, *outside)
        return link(
            step,
            value._array,
            tuple(unwrap(a) if isinstance(a, TensorBase) else np.asarray(a) for a in everything),
            None,
            tuple(a._node if isinstance(a, TensorBase) else UNTRACKED for a in everything),
        )

    return wrapped  # type: ignore[return-value]


def _captured(root: Node, own: set[Node], begin: int) -> list[Node]:
    """Return the nodes that a call's result depends on and that were made before it began."""
    outside: dict[Node, None] = {}
    stack, seen = [root], {root}
    while stack:
        for parent in stack.pop().parents:
            if not parent.tracked or parent in seen or parent in own:
                continue
            seen.add(parent)
            if parent.seq < begin:
                outside[parent] = None
            else:
                stack.append(parent)
    return list(outside)


def _fingerprint(value: Any) -> tuple[Any, ...] | None:
    """Return three sums over a value's elements, to recognise the same value recomputed."""
    if not is_host(value):
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
    rtol = 1e3 * float(np.finfo(np.asarray(value).dtype).eps)
    if not np.allclose(after, before, rtol=rtol, atol=rtol * abs(before[2]), equal_nan=True):
        raise MutationError(
            f"{name} has another value when backward runs it again, so its gradient would be "
            "wrong: something that it uses was changed in between, or it draws random numbers. "
            "Call backward() before the change, and give a random function its generator's seed"
        )
