"""Functions of functions: ``grad``, ``vjp``, ``jvp``, ``jacobian``, ``hessian`` and their kin.

Each takes a function written in plain NumPy and returns, or evaluates, another one.  Arguments
may be numbers, arrays, Tensors, or nested dicts, lists, tuples and dataclasses of them.
Arrays in, arrays out; what belongs to an outer differentiation stays a Tensor, so the
functions nest to any order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.differentiate import pull_back
from autograd_core.errors import GraphError
from autograd_core.graph import RECORD, UNTRACKED, Leaf, Node, conjugate, mode, reachable
from autograd_core.modes import enable_grad, no_grad
from autograd_core.primitive import Primitive
from autograd_core.recording import Handle, apply, handle, raw, record
from autograd_core.trees import flatten

Function = Callable[..., Any]

#: The same value under a new node, to tell one differentiation's variable from another's.
alias = Primitive(lambda x: x, "alias").defvjp(lambda g, _out, _x: g, elementwise=True)


def _variable(value: Any) -> Any:
    """A fresh Tensor to differentiate by; linked to ``value`` if that is itself recorded."""
    if isinstance(value, Handle):
        if value._node.tracked and mode.get() & RECORD:
            return apply(alias, (value,), {})
        value = value._data
    if not hasattr(value, "dtype"):
        value = np.asarray(value)[()]
    if value.dtype.kind not in "fc":
        if value.dtype.kind not in "biu":
            raise TypeError(f"cannot differentiate by a value of dtype {value.dtype}")
        value = value.astype(float)
    return handle(value, Leaf(value))


class _Run:
    """One recorded evaluation of a function: its variables, its outputs, its pull-back."""

    def __init__(self, fun: Function, args: tuple[Any, ...], argnums: Sequence[int], kwargs: Any):
        leaves, self.restore_inputs = flatten([args[i] for i in argnums])
        self.tensors = any(isinstance(a, Handle) for a in leaves)
        self.inner: list[Any] = []  # variables of a run inside this one that belongs to it
        with enable_grad():
            self.variables = [_variable(a) for a in leaves]
            replaced = list(args)
            for i, value in zip(argnums, self.restore_inputs(self.variables), strict=True):
                replaced[i] = value
            self.value = fun(*replaced, **kwargs)

    def outer(self, outputs: Sequence[Any]) -> bool:
        """Whether another differentiation, around this one, watches the result."""
        own = {v._node for v in (*self.variables, *self.inner)}
        return any(
            isinstance(n, Leaf) and n not in own
            for n in reachable(o._node for o in outputs if isinstance(o, Handle))
        )

    def pull(self, outputs: Sequence[Any], seeds: Sequence[Any], free: bool) -> list[Any]:
        """Gradients of the variables; zeros where the outputs do not depend on one."""
        live = [
            (o, s)
            for o, s in zip(outputs, seeds, strict=True)
            if isinstance(o, Handle) and o._node.tracked
        ]
        found: dict[Node, Any] = {}
        if live:
            outs, cotangents = zip(*live, strict=True)
            seeded = any(isinstance(s, Handle) and s._node.tracked for s in cotangents)
            again = seeded or self.outer(outs)
            targets = {v._node for v in self.variables}
            found, _ = pull_back(outs, cotangents, targets, again, free and not again)
        results = []
        for v in self.variables:
            g = found.get(v._node)
            if g is None:
                g = np.zeros_like(v._data)
            g = conjugate(g)
            results.append(g if isinstance(g, Handle) else handle(g, UNTRACKED))
        return results


def _plain(value: Any, tensors: bool) -> Any:
    """Arrays for a caller who gave arrays; a Tensor that is still recorded stays one."""
    leaves, restore = flatten(value)
    return restore(
        [
            (a if tensors or a._node.tracked else a._data) if isinstance(a, Handle) else a
            for a in leaves
        ]
    )


def _scalar(value: Any) -> Any:
    if not (np.shape(raw(value)) == () or np.size(raw(value)) == 1):
        raise GraphError(
            f"grad() differentiates a scalar, but the function returned shape "
            f"{np.shape(raw(value))}; reduce it (np.sum), or use jacobian or vjp"
        )
    return value


def _check_argnums(argnums: int | Sequence[int], args: tuple[Any, ...]) -> list[int]:
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise TypeError(
                f"argnums={argnums}, but the function was called with {len(args)} positional "
                "arguments; pass what is differentiated by position"
            )
    return [n % len(args) for n in numbers]


def value_and_grad(
    fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Function:
    """A function that returns ``fun``'s value and its gradient.

    Parameters
    ----------
    fun
        Returns a scalar, or with ``has_aux`` a pair (scalar, anything).
    argnums
        The position, or positions, of the arguments to differentiate by.
    has_aux
        Whether ``fun`` returns something beside the value; the result is then
        ``((value, aux), gradient)``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.value_and_grad(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        numbers = _check_argnums(argnums, args)
        run = _Run(fun, args, numbers, kwargs)
        if has_aux:
            if not (isinstance(run.value, tuple) and len(run.value) == 2):
                raise TypeError("with has_aux=True the function returns a pair (value, aux)")
            value, aux = run.value
        else:
            value, aux = run.value, None
        gradient = run.restore_inputs(run.pull([_scalar(value)], [None], free=True))
        gradient = _plain(gradient[0] if isinstance(argnums, int) else tuple(gradient), run.tensors)
        value = _settle(value, run)
        if not has_aux:
            return value, gradient
        return (value, _plain_tree(aux, run)), gradient

    return wrapped


def _settle(value: Any, run: _Run) -> Any:
    """The value of a finished run: still recorded only if an outer differentiation watches."""
    if not isinstance(value, Handle):
        return value
    if run.outer([value]):
        return value
    value = handle(value._data, UNTRACKED)
    return _plain(value, run.tensors)


def _plain_tree(value: Any, run: _Run) -> Any:
    leaves, restore = flatten(value)
    return restore([_settle(a, run) for a in leaves])


def grad(fun: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """The gradient of a scalar function, as a function.

    See :func:`value_and_grad` for the parameters.  An argument on which the value does not
    depend has gradient zero.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(np.tanh)(0.0)
    np.float64(1.0)
    >>> ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(2.0)
    np.float64(1.0)
    """
    both = value_and_grad(fun, argnums, has_aux)

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def elementwise_grad(fun: Function, argnums: int = 0) -> Function:
    """The derivative of a function that acts on each element by itself, as a function.

    It is the gradient of the sum, which for such a function is the derivative, elementwise.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.elementwise_grad(np.square)(np.array([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    """
    return grad(lambda *args, **kwargs: np.sum(fun(*args, **kwargs)), argnums)


def vjp(fun: Function, *args: Any, **kwargs: Any) -> tuple[Any, Function]:
    """The value of ``fun(*args)``, and the function that pulls a cotangent back.

    Returns
    -------
    (value, pull)
        ``pull(cotangent)`` takes a tree like the value and returns the cotangent of the
        argument (a tuple of them, if there are several).  It may be called again.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> y, pull = ag.vjp(np.sin, np.array([0.0, 1.0]))
    >>> pull(np.array([1.0, 0.0]))
    array([1., 0.])
    """
    run = _Run(fun, args, range(len(args)), kwargs)
    outputs, _ = flatten(run.value)

    def pull(cotangent: Any) -> Any:
        seeds, _ = flatten(cotangent)
        if len(seeds) != len(outputs):
            raise GraphError(
                f"the value has {len(outputs)} arrays, so a cotangent has as many, got {len(seeds)}"
            )
        back = run.restore_inputs(run.pull(outputs, seeds, free=False))
        tensors = run.tensors or any(isinstance(s, Handle) for s in seeds)
        return _plain(back[0] if len(args) == 1 else tuple(back), tensors)

    return _plain_tree(run.value, run), pull


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of ``fun(*primals)`` and its derivative along ``tangents``.

    Computed by pulling back twice: the pull-back is linear in its cotangent, and its transpose
    is the push-forward.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.jvp(np.sin, [np.array(0.0)], [np.array(2.0)])
    (np.float64(0.0), np.float64(2.0))
    """
    if len(primals) != len(tangents):
        raise TypeError(f"{len(primals)} primals need as many tangents, got {len(tangents)}")
    values, restore = flatten(_call_plain(fun, primals))
    directions, _ = flatten(list(tangents))
    points, _ = flatten(list(primals))
    for p, t in zip(points, directions, strict=True):
        if np.shape(raw(p)) != np.shape(raw(t)):
            raise GraphError(
                f"a tangent has the shape of its primal, {np.shape(raw(p))}, got {np.shape(raw(t))}"
            )

    inner: list[Any] = []

    def pulled(*cotangents: Any) -> Any:
        run = _Run(fun, tuple(primals), range(len(primals)), {})
        inner.extend(run.variables)
        outputs, _ = flatten(run.value)
        return run.pull(outputs, cotangents, free=False)

    start = [np.zeros_like(np.asarray(raw(v))) for v in values]
    transposed = _Run(pulled, tuple(start), range(len(start)), {})
    transposed.inner = inner
    pushed = transposed.pull(transposed.value, directions, free=False)
    tensors = any(isinstance(a, Handle) for a in (*points, *directions))
    return restore(values), _plain(restore(pushed), tensors)


def _call_plain(fun: Function, args: Sequence[Any]) -> Any:
    run = _Run(fun, tuple(args), range(len(args)), {})
    return _plain_tree(run.value, run)


def jacobian(fun: Function, argnums: int = 0) -> Function:
    """The Jacobian, as a function: shape ``value.shape + argument.shape``.

    One pull-back per element of the value.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.jacobian(lambda x: x ** 2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        run = _Run(fun, args, _check_argnums(argnums, args), kwargs)
        value = run.value
        shape = np.shape(raw(value))
        dtype = getattr(value, "dtype", np.dtype(float))
        rows: list[list[Any]] = [[] for _ in run.variables]
        for index in np.ndindex(*shape):
            seed = np.zeros(shape, dtype)
            seed[index] = 1
            for row, g in zip(rows, run.pull([value], [seed], free=False), strict=True):
                row.append(g)
        columns = [
            np.stack(row).reshape(shape + v.shape)
            if row
            else handle(np.zeros(shape + v.shape, v.dtype), UNTRACKED)
            for row, v in zip(rows, run.variables, strict=True)
        ]
        return _plain(run.restore_inputs(columns)[0], run.tensors)

    return wrapped


def hessian(fun: Function, argnums: int = 0) -> Function:
    """The matrix of second derivatives of a scalar function: shape ``x.shape + x.shape``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.hessian(lambda x: np.prod(x))(np.array([2.0, 3.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    return jacobian(grad(fun, argnums), argnums)


def hvp(fun: Function, x: Any, v: Any) -> Any:
    """The Hessian of a scalar function times a vector, without the Hessian.

    Parameters
    ----------
    x, v
        The point and the direction: trees of the same shapes.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.hvp(lambda x: np.sum(x ** 3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    directions, _ = flatten(v)

    def slope(x: Any) -> Any:
        gradient, _ = flatten(grad(fun)(x))
        if len(gradient) != len(directions):
            raise GraphError(f"x has {len(gradient)} arrays, v has {len(directions)}")
        return sum(np.sum(g * d) for g, d in zip(gradient, directions, strict=True))

    return grad(slope)(x)


def stop_gradient(x: Any) -> Any:
    """The same value, through which no gradient flows: a constant of the differentiation.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(lambda x: x * ag.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    leaves, restore = flatten(x)
    return restore([handle(a._data, UNTRACKED) if isinstance(a, Handle) else a for a in leaves])


def checkpoint(fun: Function) -> Function:
    """The same function, which keeps no intermediate value: backward computes them again.

    Trades time for memory.  Values that the function captures from outside (parameters of a
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
        first = _Run(fun, args, range(len(args)), kwargs)
        value = first.value
        if not isinstance(value, Handle):
            raise TypeError(
                f"a checkpointed function returns one Tensor, this one returned "
                f"{type(value).__name__}; checkpoint a part that does"
            )
        if not value._node.tracked:
            return value
        own = {v._node for v in first.variables}
        captured = _captured(value._node, own)
        outside = [handle(n.out, n) for n in captured]

        def again(g: Any, _out: Any, *values: Any) -> tuple[Any, ...]:
            run = _Run(fun, restore(list(values[: len(inputs)])), range(len(args)), kwargs)
            targets = dict.fromkeys((*(v._node for v in run.variables), *captured))
            create = isinstance(g, Handle)
            seed = conjugate(g)
            found, _ = pull_back([run.value], [seed], set(targets), create, free=False)
            zero = (np.zeros_like(raw(v)) for v in values)
            return tuple(
                z if (c := found.get(n)) is None else c for n, z in zip(targets, zero, strict=True)
            )

        step = Primitive(fun, f"checkpoint({getattr(fun, '__name__', 'f')})").defvjp(joint=again)
        everything = (*inputs, *outside)
        return record(
            step,
            value._data,
            tuple(raw(a) if isinstance(a, Handle) else np.asarray(a) for a in everything),
            None,
            tuple(a._node if isinstance(a, Handle) else UNTRACKED for a in everything),
        )

    return wrapped


def _captured(root: Node, own: set[Node]) -> list[Node]:
    """The nodes from outside a run (made before it) that its result depends on."""
    begin = min((n.seq for n in own), default=root.seq)
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


__all__ = [
    "checkpoint",
    "elementwise_grad",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
