"""Products with derivatives, which need no matrix: ``jvp``, ``hvp``, ``gnvp``."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.engine.graph import UNTRACKED
from autograd_core.engine.recording import TensorBase, make_tensor, unwrap
from autograd_core.engine.structural_zeros import random_like
from autograd_core.errors import GraphError
from autograd_core.transforms.evaluation import LinearizedCall, holds_tracked, to_plain
from autograd_core.transforms.gradients import grad
from autograd_core.transforms.trees import Tree, as_inexact, dtype_of, matching_leaves

Function = Callable[..., Any]


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return the value of ``fun(*primals)`` and its derivative along ``tangents``.

    It is computed by pulling back twice: the pull-back is linear in its cotangent, and its
    transpose is the push-forward.  So there is one rule for each function, not two, and the price
    is in recording: about 5 evaluations of ``fun`` on large arrays and 30 to 60 on arrays of ten
    elements; compiled (``ag.compile(lambda x, t: ag.jvp(fun, [x], [t]))``) 2 to 3, as the first
    pull-back, whose value nobody needs, is dropped.

    Parameters
    ----------
    fun
        Returns a tree whose leaves are numbers and arrays; the derivative is a tree like it.
    primals, tangents
        The arguments, and a direction for each: a tree of the same keys and shapes.

    Raises
    ------
    GraphError
        If a tangent has other keys or shapes than its primal, or the value has other leaves.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.jvp(np.sin, [np.array(0.0)], [np.array(2.0)])
    (np.float64(0.0), np.float64(2.0))
    """
    primals = tuple(primals)
    if len(primals) != len(tangents):
        raise TypeError(f"{len(primals)} primals need as many tangents, got {len(tangents)}")
    points = Tree(list(primals)).leaves
    directions = matching_leaves(list(tangents), list(primals), "tangents")
    run = LinearizedCall(fun, primals, range(len(primals)), {}, "jvp()")
    for v, t in zip(run.variables, directions, strict=True):
        if dtype_of(unwrap(t)).kind == "c" and v.dtype.kind != "c":
            raise GraphError("the tangent of a real primal is real, got a complex one")
    pushed = _pushed(run, run.outputs(run.value), points, directions)
    tensors = any(isinstance(a, TensorBase) for a in (*points, *directions))
    return run.strip_tree(run.value), to_plain(Tree(run.value).restore(pushed), tensors)


def _pushed(
    run: LinearizedCall, outputs: list[Any], points: list[Any], directions: list[Any]
) -> list[Any]:
    """Return the derivative of each output of a call along a direction; zeros of integers."""
    sloped = [i for i, v in enumerate(outputs) if dtype_of(unwrap(v)).kind in "fc"]
    transposed = transpose(run, [outputs[i] for i in sloped])
    transposed.tensors = any(isinstance(a, TensorBase) for a in (*points, *directions))
    transposed.recorded = holds_tracked((points, directions))
    pushed = [make_tensor(np.zeros_like(unwrap(v))[()], UNTRACKED) for v in outputs]
    found = transposed.pull(transposed.value, directions, free=False)
    for i, t in zip(sloped, found, strict=True):
        pushed[i] = t
    return pushed


def transpose(run: LinearizedCall, outputs: list[Any]) -> LinearizedCall:
    """Return the recorded pull-back of a call: what pulls it back pushes tangents forward."""

    def pulled(*cotangents: Any) -> Any:
        return run.pull(outputs, cotangents, free=False)

    # linear in the cotangent, so any would do; but at 0 no rule could see what it must refuse
    start = tuple(random_like(as_inexact(unwrap(v), lambda: "the value")) for v in outputs)
    return LinearizedCall(pulled, start, range(len(start)), {}, run.name)


def hvp(fun: Function, x: Any, v: Any) -> Any:
    """Return the Hessian of a scalar function times a vector, without forming the Hessian.

    Parameters
    ----------
    x, v
        The point and the direction: trees of the same keys and shapes.  Many directions are one
        batch under :func:`vmap`, for which the function and its gradient are computed once.

    Raises
    ------
    GraphError
        If ``v`` has other keys or shapes than ``x``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> x, f = np.array([1.0, 2.0]), lambda x: np.sum(x ** 3)
    >>> ag.hvp(f, x, np.array([1.0, 1.0]))
    array([ 6., 12.])
    >>> ag.vmap(lambda v: ag.hvp(f, x, v))(np.eye(2))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    directions = matching_leaves(v, x, "v")

    def slope(x: Any) -> Any:
        gradient = Tree(grad(fun)(x)).leaves
        return sum(
            np.sum(g * d if g.dtype.kind != "c" else (np.conj(g) * d).real)
            for g, d in zip(gradient, directions, strict=True)
        )

    run = LinearizedCall(slope, (x,), [0], {}, "hvp()")
    run.recorded |= holds_tracked(directions)
    tensors = run.tensors or any(isinstance(d, TensorBase) for d in directions)
    found = run.pull([run.scalar(run.value)], [None], free=True)
    return to_plain(run.restore_inputs(found)[0], tensors)


def gnvp(fun: Function, x: Any, v: Any, loss: Function | None = None) -> Any:
    """Return a Gauss-Newton matrix times a vector, without forming the matrix.

    The matrix is ``J.T @ H @ J`` with the Jacobian J of ``fun`` at ``x`` and the Hessian H of
    ``loss`` at ``fun(x)``: what remains of the Hessian of ``loss(fun(x))`` when ``fun`` is taken as
    linear.  It is positive semidefinite for every convex loss.

    Parameters
    ----------
    fun
        Returns residuals, or predictions: an array or a tree of them.
    x, v
        The point and the direction: trees of the same keys and shapes.
    loss
        A scalar function of what ``fun`` returns.  None: half the sum of its squares, so that the
        matrix is ``J.T @ J``.

    Raises
    ------
    GraphError
        If ``v`` has other keys or shapes than ``x``.

    References
    ----------
    Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent", Neural
    Computation 14 (2002).

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> ag.gnvp(lambda x: A @ x, np.zeros(2), np.array([1.0, 0.0])), A.T @ A[:, 0]
    (array([35., 44.]), array([35., 44.]))
    """
    directions = matching_leaves(v, x, "v")
    points = Tree(x).leaves
    run = LinearizedCall(fun, (x,), [0], {}, "gnvp()")
    run.recorded |= holds_tracked(directions)
    outputs, tree = run.outputs(run.value), Tree(run.value)
    cotangents = _pushed(run, outputs, points, directions)
    if loss is not None:
        predicted = tree.restore([run.strip_tape(v) for v in outputs])
        cotangents = Tree(hvp(loss, predicted, tree.restore(cotangents))).leaves
    tensors = any(isinstance(a, TensorBase) for a in (*points, *directions))
    found = run.pull(outputs, cotangents, free=False)
    return to_plain(run.restore_inputs(found)[0], tensors)
