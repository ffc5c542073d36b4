"""Functions of functions: ``grad``, ``value_and_grad``, ``elementwise_grad``, ``vjp``.

Each takes a function written in plain NumPy and returns, or evaluates, another one.  Arguments
may be numbers, arrays, Tensors, or nested dicts, lists, tuples and dataclasses of them.
Arrays in, arrays out; a value that an outer differentiation watches stays a Tensor, so the
functions nest to any order.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import numpy as np

from autograd_core.engine.recording import TensorBase, unwrap
from autograd_core.errors import GraphError
from autograd_core.transforms.evaluation import (
    LinearizedCall,
    check_argnums,
    strip_tape,
    to_plain,
    to_plain_tree,
)
from autograd_core.transforms.trees import flatten

P = ParamSpec("P")
Function = Callable[..., Any]


def _scalar(value: Any) -> Any:
    if not (np.shape(unwrap(value)) == () or np.size(unwrap(value)) == 1):
        raise GraphError(
            f"grad() differentiates a scalar, but the function returned shape "
            f"{np.shape(unwrap(value))}; reduce it (np.sum), or use jacobian or vjp"
        )
    return value


def value_and_grad(
    fun: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[P, tuple[Any, Any]]:
    """Return a function that computes ``fun``'s value and its gradient.

    Parameters
    ----------
    fun
        Returns a scalar, or with ``has_aux`` a pair (scalar, anything).
    argnums
        The position, or positions, of the arguments to differentiate with respect to.
    has_aux
        Whether ``fun`` returns auxiliary data beside the value; the result is then
        ``((value, aux), gradient)``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.value_and_grad(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """

    @functools.wraps(fun)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> tuple[Any, Any]:
        numbers = check_argnums(argnums, args)
        run = LinearizedCall(fun, args, numbers, kwargs)
        if has_aux:
            if not (isinstance(run.value, tuple) and len(run.value) == 2):
                raise TypeError("with has_aux=True the function returns a pair (value, aux)")
            value, aux = run.value
        else:
            value, aux = run.value, None
        gradient = run.restore_inputs(run.pull([_scalar(value)], [None], free=True))
        gradient = to_plain(
            gradient[0] if isinstance(argnums, int) else tuple(gradient), run.tensors
        )
        value = strip_tape(value, run)
        if not has_aux:
            return value, gradient
        return (value, to_plain_tree(aux, run)), gradient

    return wrapped


def grad(
    fun: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[P, Any]:
    """Return the gradient of a scalar function, as a function of the same arguments.

    Parameters
    ----------
    fun
        Returns a scalar, or with ``has_aux`` a pair (scalar, anything).
    argnums
        The position, or positions, of the arguments to differentiate with respect to.
    has_aux
        Whether ``fun`` returns auxiliary data beside the value; the result is then
        ``(gradient, aux)``.

    Returns
    -------
    function
        Its result has the structure, shape and dtype of the argument, or is a tuple of such for
        several ``argnums``.  An argument on which the value does not depend has gradient zero.

    Raises
    ------
    GraphError
        If the value is not a scalar.

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
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def elementwise_grad(fun: Callable[P, Any], argnums: int = 0) -> Callable[P, Any]:
    """Return the derivative of a function that acts on each element separately.

    It is the gradient of the sum, which for such a function is the elementwise derivative.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.elementwise_grad(np.square)(np.array([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    """

    @functools.wraps(fun)
    def total(*args: P.args, **kwargs: P.kwargs) -> Any:
        return np.sum(fun(*args, **kwargs))

    return grad(total, argnums)


def vjp(fun: Function, *args: Any, **kwargs: Any) -> tuple[Any, Function]:
    """Return the value of ``fun(*args)``, and the function that pulls a cotangent back.

    Returns
    -------
    (value, pull)
        ``pull(cotangent)`` takes a tree like the value and returns the cotangent of the
        argument (a tuple of them, if there are several).  It can be called repeatedly.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> y, pull = ag.vjp(np.sin, np.array([0.0, 1.0]))
    >>> pull(np.array([1.0, 0.0]))
    array([1., 0.])
    """
    run = LinearizedCall(fun, args, range(len(args)), kwargs)
    outputs, _ = flatten(run.value)

    def pull(cotangent: Any) -> Any:
        seeds, _ = flatten(cotangent)
        if len(seeds) != len(outputs):
            raise GraphError(
                f"the value has {len(outputs)} arrays, so a cotangent has as many, got {len(seeds)}"
            )
        back = run.restore_inputs(run.pull(outputs, seeds, free=False))
        tensors = run.tensors or any(isinstance(s, TensorBase) for s in seeds)
        return to_plain(back[0] if len(args) == 1 else tuple(back), tensors)

    return to_plain_tree(run.value, run), pull
