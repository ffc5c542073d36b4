"""Whole derivatives and products with them: ``jvp``, ``jacobian``, ``hessian``, ``hvp``."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, ParamSpec

import numpy as np

from autograd_core.batching.boundaries import batch_out
from autograd_core.engine.array_types import asarray_like, is_host
from autograd_core.engine.graph import UNTRACKED
from autograd_core.engine.operands import BatchedBase, Level, batched
from autograd_core.engine.recording import TensorBase, make_tensor, unwrap
from autograd_core.engine.runs import open_runs
from autograd_core.engine.structural_zeros import random_like
from autograd_core.errors import GraphError
from autograd_core.transforms.evaluation import (
    LinearizedCall,
    answers_other_words,
    check_argnums,
    holds_tracked,
    is_single,
    to_plain,
)
from autograd_core.transforms.gradients import grad
from autograd_core.transforms.trees import Tree, as_inexact, dtype_of, matching_leaves

P = ParamSpec("P")
Function = Callable[..., Any]

#: How many rows of a Jacobian are computed at once: more take more memory, and are not faster.
CHUNK = 256


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return the value of ``fun(*primals)`` and its derivative along ``tangents``.

    It is computed by pulling back twice: the pull-back is linear in its cotangent, and its
    transpose is the push-forward.

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
    for p, t in zip(points, directions, strict=True):
        if np.iscomplexobj(unwrap(t)) and not np.iscomplexobj(unwrap(p)):
            raise GraphError("the tangent of a real primal is real, got a complex one")

    run = LinearizedCall(fun, primals, range(len(primals)), {}, "jvp()")
    value, outputs = Tree(run.value), run.outputs(run.value)
    values = [unwrap(v) for v in outputs]
    sloped = [i for i, v in enumerate(values) if dtype_of(v).kind in "fc"]

    def pulled(*cotangents: Any) -> Any:
        return run.pull([outputs[i] for i in sloped], cotangents, free=False)

    # linear in the cotangent, so any would do; but at 0 no rule could see what it must refuse
    start = tuple(random_like(as_inexact(values[i], lambda: "the value")) for i in sloped)
    transposed = LinearizedCall(pulled, start, range(len(start)), {}, "jvp()")
    transposed.tensors = any(isinstance(a, TensorBase) for a in (*points, *directions))
    transposed.recorded = holds_tracked((points, directions))
    found = dict(
        zip(sloped, transposed.pull(transposed.value, directions, free=False), strict=True)
    )
    pushed = [
        found[i] if i in found else make_tensor(np.zeros_like(v)[()], UNTRACKED)
        for i, v in enumerate(values)
    ]
    return run.strip_tree(run.value), to_plain(value.restore(pushed), transposed.tensors)


@answers_other_words
def jacobian(
    fun: Callable[P, Any], argnums: int | Sequence[int] = 0, chunk: int | None = None
) -> Callable[P, Any]:
    """Return the Jacobian, as a function: shape ``value.shape + argument.shape``.

    All elements of the value are pulled back together, as one batch; where the arguments have far
    fewer elements than the value, theirs are pushed forward instead.

    Parameters
    ----------
    fun
        Returns an array or a number, or a tree of them; the Jacobian is then a tree like it.
    argnums
        The position, or positions, of the arguments; several give a tuple in each leaf.
    chunk
        How many rows are computed at once, 256 by default: fewer take less memory.

    Raises
    ------
    GraphError
        If a leaf of the value is neither a number nor an array of numbers, or if a complex value
        is not a holomorphic function of complex arguments.

    Notes
    -----
    For a complex value the Jacobian is its derivative, with respect to real arguments or, where it
    is holomorphic, to complex ones: what ``jvp`` multiplies by.  For a real value of complex
    arguments its rows are gradients, as those of ``grad``: directions of steepest ascent.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.jacobian(lambda x: x ** 2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    >>> ag.jacobian(np.sin)(0j)
    np.complex128(1-0j)
    """

    @functools.wraps(fun)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        run = LinearizedCall(fun, args, check_argnums(argnums, args), kwargs, "jacobian()")
        outputs = []
        for value in run.outputs(run.value):
            found = run.restore_inputs(_blocks(run, value, chunk or CHUNK))
            outputs.append(found[0] if is_single(argnums) else tuple(found))
        return to_plain(Tree(run.value).restore(outputs), run.tensors)

    return wrapped


def _blocks(run: LinearizedCall, value: Any, chunk: int) -> list[Any]:
    """Return the Jacobian of an array by each variable: a batch of cotangents at once.

    What cannot be done in a batch (rules of other array types, hooks that take numbers) is done row
    by row, as it is for every error, so that errors name no batch.
    """
    shape, array = np.shape(unwrap(value)), unwrap(value)
    size = math.prod(shape)
    if size > 1 and (is_host(array) or isinstance(array, BatchedBase)):
        with suppress(Exception), np.errstate(divide="raise", over="raise", invalid="raise"):
            if _prefers_columns(run, value, size):
                blocks = _columns(run, value, chunk)
                if all(np.isfinite(b._array).all() for b in blocks):
                    return blocks
        with suppress(Exception):
            return _rows_in_batches(run, value, shape, chunk)
    rows = list(_rows(run, value, shape))
    return [_stacked([row[i] for row in rows], shape, v) for i, v in enumerate(run.variables)]


def _rows_in_batches(
    run: LinearizedCall, value: Any, shape: tuple[int, ...], chunk: int
) -> list[Any]:
    size, dtype = math.prod(shape), dtype_of(value)
    parts = []
    for start in range(0, size, chunk):
        level = Level(min(chunk, size - start), tells=False)
        seed = np.zeros((level.size, size), dtype if dtype.kind in "fc" else float)
        seed[np.arange(level.size), start + np.arange(level.size)] = 1
        seed = seed.reshape((level.size, *shape))
        found = _pulled(run, value, seed, level)
        if dtype.kind == "c":
            other = _pulled(run, value, seed * 1j, level)
            found = [_complex_derivative(r, s) for r, s in zip(found, other, strict=True)]
        parts.append(found)
    wholes = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    return [w.reshape(shape + v.shape) for w, v in zip(wholes, run.variables, strict=True)]


def _pulled(run: LinearizedCall, value: Any, seed: Any, level: Level) -> list[Any]:
    found = run.pull([value], [batched(seed, level)], free=False)
    return [batch_out(g, level=level, axis=0) for g in found]


def _prefers_columns(run: LinearizedCall, value: Any, size: int) -> bool:
    """Return whether forward mode is worth the second linearization, and nothing is around it."""
    inputs = sum(v.size for v in run.variables)
    plain = all(
        type(a._array) is np.ndarray and a.dtype.kind == "f" for a in (*run.variables, value)
    )
    return plain and size >= 8 * max(inputs, 4) and not (run.tensors or run.recorded or open_runs)


def _columns(run: LinearizedCall, value: Any, chunk: int) -> list[Any]:
    """Return the Jacobian by pushing a batch of tangents forward, as :func:`jvp` does one."""

    def pulled(cotangent: Any) -> Any:
        return run.pull([value], [cotangent], free=False)

    transposed = LinearizedCall(pulled, (random_like(value),), [0], {}, "jacobian()")
    sizes = [v.size for v in run.variables]
    ends = np.cumsum(sizes).tolist()
    columns = []
    for start in range(0, ends[-1], chunk):
        level = Level(min(chunk, ends[-1] - start), tells=False)
        chosen = np.zeros((level.size, ends[-1]), value.dtype)
        chosen[np.arange(level.size), start + np.arange(level.size)] = 1
        tangents = [
            batched(chosen[:, end - n : end].astype(v.dtype).reshape((level.size, *v.shape)), level)
            for v, n, end in zip(run.variables, sizes, ends, strict=True)
        ]
        (pushed,) = transposed.pull(transposed.value, tangents, free=False)
        columns.append(unwrap(batch_out(pushed, level=level, axis=0)))
    whole = np.moveaxis(np.concatenate(columns), 0, -1)
    return [
        make_tensor(whole[..., end - n : end].reshape(value.shape + v.shape), UNTRACKED)
        for v, n, end in zip(run.variables, sizes, ends, strict=True)
    ]


def _stacked(rows: list[Any], shape: tuple[int, ...], v: Any) -> Any:
    if not rows:
        return make_tensor(np.zeros(shape + v.shape, v.dtype), UNTRACKED)
    return rows[0] if shape == () else np.stack(rows).reshape(shape + v.shape)


def _rows(run: LinearizedCall, value: Any, shape: tuple[int, ...]) -> Iterator[list[Any]]:
    """Yield the derivatives of each element of an array with respect to every variable."""
    dtype = dtype_of(value)
    for index in np.ndindex(*shape):
        seed = np.zeros(shape, dtype if dtype.kind in "fc" else float)
        seed[index] = 1
        row = run.pull([value], [asarray_like(seed, value)], free=False)
        if dtype.kind == "c":
            other = run.pull([value], [asarray_like(seed * 1j, value)], free=False)
            row = [_complex_derivative(r, s) for r, s in zip(row, other, strict=True)]
        yield row


def _complex_derivative(of_real: Any, of_imaginary: Any) -> Any:
    """Return the derivative of a complex number from the gradients of its two parts."""
    if of_real.dtype.kind != "c":
        return of_real + 1j * of_imaginary
    found, turned = unwrap(of_real).conj(), unwrap(of_imaginary).conj()
    rtol = 1e3 * np.finfo(of_real.dtype).eps
    scale = float(abs(found).max(initial=0.0) + abs(turned).max(initial=0.0))
    if not np.allclose(turned, -1j * found, rtol=rtol, atol=rtol * scale, equal_nan=True):
        raise GraphError(
            "jacobian() of a complex function that is not holomorphic (it depends on the conjugate "
            "of its argument) is no complex matrix; differentiate its real and imaginary parts, "
            "or use jvp or hvp along a direction"
        )
    return of_real.conj()


@answers_other_words
def hessian(
    fun: Callable[P, Any], argnums: int | Sequence[int] = 0, chunk: int | None = None
) -> Callable[P, Any]:
    """Return the second derivatives of a scalar function: shape ``x.shape + x.shape``.

    ``chunk`` is that of :func:`jacobian`.  For several ``argnums`` it is a tuple of tuples:
    ``[i][j]`` differentiates by the argument of ``argnums[i]``, then by that of ``argnums[j]``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.hessian(lambda x: np.prod(x))(np.array([2.0, 3.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    return jacobian(grad(fun, argnums), argnums, chunk)


def hvp(fun: Function, x: Any, v: Any) -> Any:
    """Return the Hessian of a scalar function times a vector, without forming the Hessian.

    Parameters
    ----------
    x, v
        The point and the direction: trees of the same keys and shapes.

    Raises
    ------
    GraphError
        If ``v`` has other keys or shapes than ``x``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.hvp(lambda x: np.sum(x ** 3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
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
