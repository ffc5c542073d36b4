"""Whole derivatives and products with them: ``jvp``, ``jacobian``, ``hessian``, ``hvp``."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.graph import UNTRACKED
from autograd_core.engine.recording import TensorBase, make_tensor, unwrap
from autograd_core.engine.structural_zeros import random_like
from autograd_core.errors import GraphError
from autograd_core.transforms.evaluation import (
    LinearizedCall,
    check_argnums,
    to_plain,
    to_plain_tree,
)
from autograd_core.transforms.gradients import grad
from autograd_core.transforms.trees import flatten

P = ParamSpec("P")
Function = Callable[..., Any]


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return the value of ``fun(*primals)`` and its derivative along ``tangents``.

    It is computed by pulling back twice: the pull-back is linear in its cotangent, and its
    transpose is the push-forward.

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
        if np.shape(unwrap(p)) != np.shape(unwrap(t)):
            raise GraphError(
                f"a tangent has the shape of its primal, {np.shape(unwrap(p))}, got "
                f"{np.shape(unwrap(t))}"
            )

    inner: list[Any] = []

    def pulled(*cotangents: Any) -> Any:
        run = LinearizedCall(fun, tuple(primals), range(len(primals)), {})
        inner.extend(run.variables)
        outputs, _ = flatten(run.value)
        return run.pull(outputs, cotangents, free=False)

    # linear in the cotangent, so any would do; but at 0 no rule could see what it must refuse
    start = [random_like(unwrap(v)) for v in values]
    transposed = LinearizedCall(pulled, tuple(start), range(len(start)), {})
    transposed.inner = inner
    pushed = transposed.pull(transposed.value, directions, free=False)
    tensors = any(isinstance(a, TensorBase) for a in (*points, *directions))
    return restore(values), to_plain(restore(pushed), tensors)


def _call_plain(fun: Function, args: Sequence[Any]) -> Any:
    run = LinearizedCall(fun, tuple(args), range(len(args)), {})
    return to_plain_tree(run.value, run)


def jacobian(fun: Callable[P, Any], argnums: int = 0) -> Callable[P, Any]:
    """Return the Jacobian, as a function: shape ``value.shape + argument.shape``.

    It takes one pull-back per element of the value.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.jacobian(lambda x: x ** 2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @functools.wraps(fun)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        run = LinearizedCall(fun, args, check_argnums(argnums, args), kwargs)
        value = run.value
        if not hasattr(value, "shape") and not isinstance(value, (int, float, complex)):
            raise GraphError(
                f"jacobian() takes a function that returns one array, this one returned "
                f"{type(value).__name__}; np.stack or np.concatenate its parts, or use vjp"
            )
        shape = np.shape(unwrap(value))
        dtype = getattr(value, "dtype", np.dtype(float))
        rows: list[list[Any]] = [[] for _ in run.variables]
        for index in np.ndindex(*shape):
            seed = np.zeros(shape, dtype)
            seed[index] = 1
            seeds = [asarray_like(seed, value)]
            for row, g in zip(rows, run.pull([value], seeds, free=False), strict=True):
                row.append(g)
        columns = [
            np.stack(row).reshape(shape + v.shape)
            if row
            else make_tensor(np.zeros(shape + v.shape, v.dtype), UNTRACKED)
            for row, v in zip(rows, run.variables, strict=True)
        ]
        return to_plain(run.restore_inputs(columns)[0], run.tensors)

    return wrapped


def hessian(fun: Callable[P, Any], argnums: int = 0) -> Callable[P, Any]:
    """Return the second derivatives of a scalar function: shape ``x.shape + x.shape``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.hessian(lambda x: np.prod(x))(np.array([2.0, 3.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    return jacobian(grad(fun, argnums), argnums)


def hvp(fun: Function, x: Any, v: Any) -> Any:
    """Return the Hessian of a scalar function times a vector, without forming the Hessian.

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
