"""Functions of functions: ``grad``, ``value_and_grad``, ``elementwise_grad``, ``vjp``.

Each takes a function written in plain NumPy and returns, or evaluates, another one.  Arguments
may be numbers, arrays, Tensors, or nested dicts, lists, tuples and dataclasses of them.
Arrays in, arrays out; a value that an outer transform, running now, differentiates stays a Tensor,
so the functions nest to any order.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import numpy as np

from autograd_core.engine.recording import TensorBase
from autograd_core.transforms.evaluation import (
    LinearizedCall,
    answers_other_words,
    check_argnums,
    is_single,
    to_plain,
)
from autograd_core.transforms.trees import describe, is_number, matching_leaves

P = ParamSpec("P")
Function = Callable[..., Any]


@answers_other_words
def value_and_grad(
    fun: Callable[P, Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
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

    return _value_and_grad(fun, argnums, has_aux, "value_and_grad()")


def _value_and_grad(
    fun: Callable[P, Any],
    argnums: int | Sequence[int],
    has_aux: bool,
    name: str,
) -> Callable[P, tuple[Any, Any]]:
    @functools.wraps(fun)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> tuple[Any, Any]:
        run = LinearizedCall(fun, args, check_argnums(argnums, args), kwargs, name)
        value, aux = run.value, None
        if has_aux:
            if not (isinstance(value, tuple) and len(value) == 2):
                raise TypeError(
                    "with has_aux=True the function returns a pair (value, aux), this one "
                    f"returned {describe(value)}"
                )
            value, aux = value
        gradient = run.restore_inputs(run.pull([run.scalar(value)], [None], free=True))
        gradient = to_plain(gradient[0] if is_single(argnums) else tuple(gradient), run.tensors)
        value = run.strip_tape(value)
        return ((value, run.strip_tree(aux)) if has_aux else value), gradient

    return wrapped


@answers_other_words
def grad(
    fun: Callable[P, Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
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

        Arrays in, arrays out: also where the function captured Tensors that need gradients, the
        gradient is a plain array.  To train through it, give it a Tensor: ``ag.grad(f)(t)`` is a
        recorded one.

    Raises
    ------
    GraphError
        If the value is not one real number without axes.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(np.tanh)(0.0)
    np.float64(1.0)
    >>> ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(2.0)
    np.float64(1.0)
    """
    both = _value_and_grad(fun, argnums, has_aux, "grad()")

    if not has_aux:
        return _gradient_of(both)

    @functools.wraps(fun)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        value, gradient = both(*args, **kwargs)
        return gradient, value[1]

    return wrapped


def _gradient_of(both: Callable[P, tuple[Any, Any]]) -> Callable[P, Any]:
    @functools.wraps(both)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        return both(*args, **kwargs)[1]

    return wrapped


@answers_other_words
def elementwise_grad(fun: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Callable[P, Any]:
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
        value = fun(*args, **kwargs)
        return np.sum(value) if is_number(value) else value

    return _gradient_of(_value_and_grad(total, argnums, False, "elementwise_grad()"))


def vjp(fun: Function, *args: Any, **kwargs: Any) -> tuple[Any, Function]:
    """Return the value of ``fun(*args)``, and the function that pulls a cotangent back.

    Returns
    -------
    (value, pull)
        ``pull(cotangent)`` takes a tree like the value, matched by its keys, and returns the
        cotangent of the argument (a tuple of them, if there are several).  It can be called
        repeatedly.

    Raises
    ------
    GraphError
        If a leaf of the value is neither a number nor an array of numbers, or if a cotangent has
        other keys or shapes than the value.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> y, pull = ag.vjp(np.sin, np.array([0.0, 1.0]))
    >>> pull(np.array([1.0, 0.0]))
    array([1., 0.])
    """
    run = LinearizedCall(fun, args, range(len(args)), kwargs, "vjp()", keeps=True)
    outputs = run.outputs(run.value)

    def pull(cotangent: Any) -> Any:
        seeds = matching_leaves(cotangent, run.value, "the cotangent")
        back = run.restore_inputs(run.pull(outputs, seeds, free=False))
        tensors = run.tensors or any(isinstance(s, TensorBase) for s in seeds)
        return to_plain(back[0] if len(args) == 1 else tuple(back), tensors)

    return run.strip_tree(run.value), pull
