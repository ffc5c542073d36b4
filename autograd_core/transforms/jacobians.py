"""Whole derivatives: ``jacobian``, ``hessian``, ``hessian_diagonal``, ``laplacian``.

They pull back many cotangents, or push many tangents forward, as one batch.
"""

import functools
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ParamSpec

import numpy as np

from autograd_core.batching.boundaries import batch_out
from autograd_core.engine.array_types import asarray_like, is_host
from autograd_core.engine.graph import UNTRACKED
from autograd_core.engine.operands import BatchedBase, Level, batched
from autograd_core.engine.recording import make_tensor, unwrap
from autograd_core.engine.runs import open_runs
from autograd_core.errors import GraphError
from autograd_core.transforms.derivatives import transpose
from autograd_core.transforms.evaluation import (
    LinearizedCall,
    answers_other_words,
    check_argnums,
    is_single,
    to_plain,
)
from autograd_core.transforms.gradients import grad
from autograd_core.transforms.trees import Tree, dtype_of

P = ParamSpec("P")

#: How many rows of a Jacobian are computed at once: more take more memory, and are not faster.
CHUNK = 256

#: Cotangents (or tangents) number ``start`` to ``stop``, along a first axis.
Seeds = Callable[[int, int], Any]


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
            found = run.restore_inputs(_blocks(run, value, chunk))
            outputs.append(found[0] if is_single(argnums) else tuple(found))
        return to_plain(Tree(run.value).restore(outputs), run.tensors)

    return wrapped


def unit_rows(size: int) -> Seeds:
    """Return the rows of the identity matrix, some at a time."""
    return lambda start, stop: np.eye(stop - start, size, start)


def _blocks(run: LinearizedCall, value: Any, chunk: int | None) -> list[Any]:
    """Return the Jacobian of an array by each variable."""
    shape = np.shape(unwrap(value))
    size = math.prod(shape)
    if _prefers_columns(run, value, size):
        with suppress(Exception), np.errstate(divide="raise", over="raise", invalid="raise"):
            blocks = _columns(run, value, chunk)
            if all(np.isfinite(b._array).all() for b in blocks):
                return blocks
    found = pull_rows(run, value, size, unit_rows(size), chunk)
    return [_shaped(r, shape + v.shape) for r, v in zip(found, run.variables, strict=True)]


def _shaped(rows: Any, shape: tuple[int, ...]) -> Any:
    return rows.reshape(shape) if shape else rows[0]


def pull_rows(
    run: LinearizedCall,
    value: Any,
    count: int,
    seeds: Seeds,
    chunk: int | None,
    keep: Callable[[list[Any], int], list[Any]] = lambda rows, start: rows,
    variables: Sequence[Any] | None = None,
) -> list[Any]:
    """Return what ``count`` cotangents of an array are pulled back to, by variable.

    They are pulled back together, a chunk at a time, of whose rows ``keep(rows, start)`` is kept.
    What cannot be done in a batch (rules of other array types, hooks that take numbers) is done row
    by row, as it is for every error, so that errors name no batch.

    Parameters
    ----------
    seeds
        ``seeds(start, stop)`` returns cotangents, each raveled, as the rows of a matrix.
    """
    array, dtype = unwrap(value), dtype_of(value)
    shape, dtype = np.shape(array), dtype if dtype.kind in "fc" else np.dtype(float)
    targets = run.variables if variables is None else variables

    def rows_of(together: bool, step: int) -> list[Any]:
        parts = []
        for start in range(0, count, step):
            seed = seeds(start, min(start + step, count)).astype(dtype)
            seed = seed.reshape((len(seed), *shape))
            rows = _pulled(run, value, seed, together, targets)
            if dtype.kind == "c":
                others = _pulled(run, value, seed * 1j, together, targets)
                rows = [_complex_derivative(r, s) for r, s in zip(rows, others, strict=True)]
            parts.append(keep(rows, start))
        return [p[0] if len(p) == 1 else np.concatenate(p) for p in zip(*parts, strict=True)]

    if not count:
        return [make_tensor(np.zeros((0, *v.shape), v.dtype), UNTRACKED) for v in targets]
    if count > 1 and (is_host(array) or isinstance(array, BatchedBase)):
        with suppress(Exception):
            return rows_of(True, chunk or CHUNK)
    return rows_of(False, 1)


def _pulled(
    run: LinearizedCall, value: Any, seed: Any, together: bool, targets: Sequence[Any]
) -> list[Any]:
    """Return what cotangents are pulled back to: all as one batch, or the only one alone."""
    if not together:
        one = asarray_like(seed[0], value)
        return [g[None] for g in run.pull([value], [one], free=False, variables=targets)]
    level = Level(len(seed), tells=False)
    found = run.pull([value], [batched(seed, level)], free=False, variables=targets)
    return [batch_out(g, level=level, axis=0) for g in found]


def _prefers_columns(run: LinearizedCall, value: Any, size: int) -> bool:
    """Return whether forward mode is worth the second linearization, and nothing is around it."""
    inputs = sum(v.size for v in run.variables)
    return size >= 8 * max(inputs, 4) and can_push(run, value)


def can_push(run: LinearizedCall, value: Any) -> bool:
    """Return whether tangents can be pushed forward: real plain arrays, and nothing around it."""
    return all(
        type(unwrap(a)) is np.ndarray and a.dtype.kind == "f" for a in (*run.variables, value)
    ) and not (run.tensors or run.recorded or open_runs)


def _columns(run: LinearizedCall, value: Any, chunk: int | None) -> list[Any]:
    """Return the Jacobian by pushing a batch of tangents forward."""
    sizes = [v.size for v in run.variables]
    count = sum(sizes)
    pushed = push_columns(run, value, count, unit_rows(count), chunk)
    whole = np.moveaxis(pushed, 0, -1)
    return [
        make_tensor(whole[..., end - n : end].reshape(value.shape + v.shape), UNTRACKED)
        for v, n, end in zip(run.variables, sizes, np.cumsum(sizes).tolist(), strict=True)
    ]


def push_columns(
    run: LinearizedCall, value: Any, count: int, seeds: Seeds, chunk: int | None
) -> Any:
    """Return what ``count`` tangents are pushed forward to, as :func:`jvp` does one.

    Parameters
    ----------
    seeds
        ``seeds(start, stop)`` returns tangents, each of all variables raveled, as rows.
    """
    transposed = transpose(run, [value])
    ends = np.cumsum([v.size for v in run.variables])[:-1]
    columns = []
    for start in range(0, count, chunk or CHUNK):
        chosen = seeds(start, min(start + (chunk or CHUNK), count))
        level = Level(len(chosen), tells=False)
        tangents = [
            batched(part.astype(v.dtype).reshape((len(part), *v.shape)), level)
            for v, part in zip(run.variables, np.split(chosen, ends, axis=1), strict=True)
        ]
        (pushed,) = transposed.pull(transposed.value, tangents, free=False)
        columns.append(unwrap(batch_out(pushed, level=level, axis=0)))
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


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


@answers_other_words
def hessian_diagonal(
    fun: Callable[P, Any], argnums: int | Sequence[int] = 0, chunk: int | None = None
) -> Callable[P, Any]:
    """Return the diagonal of the Hessian of a scalar function: a tree like the argument.

    It costs as many sweeps as the argument has elements, as the Hessian does, ``chunk`` of them at
    a time (256 by default); what is not on the diagonal is dropped after each chunk, so that the
    memory it takes does not grow with the square.

    Raises
    ------
    GraphError
        If an argument is complex.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.hessian_diagonal(lambda x: np.prod(x) + np.sum(x ** 3))(np.array([2.0, 3.0]))
    array([12., 18.])
    """

    @functools.wraps(fun)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        run, diagonals = _diagonals(fun, argnums, chunk, "hessian_diagonal()", args, kwargs)
        found = run.restore_inputs(diagonals)
        return to_plain(found[0] if is_single(argnums) else tuple(found), run.tensors)

    return wrapped


@answers_other_words
def laplacian(
    fun: Callable[P, Any], argnums: int | Sequence[int] = 0, chunk: int | None = None
) -> Callable[P, Any]:
    """Return the sum of the second derivatives of a scalar function, the trace of its Hessian.

    It is the sum of :func:`hessian_diagonal`, over all leaves and all ``argnums``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> potential = lambda r: 1 / np.sqrt(r @ r)
    >>> points = np.array([[1.0, 2.0, 2.0], [0.0, 3.0, 4.0]])
    >>> np.round(ag.vmap(ag.laplacian(potential))(points), 12) + 0.0
    array([0., 0.])
    """

    @functools.wraps(fun)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        run, diagonals = _diagonals(fun, argnums, chunk, "laplacian()", args, kwargs)
        return to_plain(sum(np.sum(d) for d in diagonals), run.tensors)

    return wrapped


def _diagonals(
    fun: Callable[..., Any],
    argnums: int | Sequence[int],
    chunk: int | None,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[LinearizedCall, list[Any]]:
    """Return the recorded call of the gradient, and the diagonal of the Hessian by variable."""
    run = LinearizedCall(grad(fun, argnums), args, check_argnums(argnums, args), kwargs, name)
    diagonals = []
    for g, v in zip(run.outputs(run.value), run.variables, strict=True):
        if v.dtype.kind == "c":
            raise GraphError(
                f"{name} is of real arguments, got a complex one; give the function the real and "
                "imaginary parts as arguments of their own"
            )

        def own(rows: list[Any], start: int) -> list[Any]:
            each = np.arange(len(rows[0]))
            return [rows[0].reshape((len(each), -1))[each, start + each]]

        (found,) = pull_rows(run, g, v.size, unit_rows(v.size), chunk, own, [v])
        diagonals.append(_shaped(found, v.shape))
    return run, diagonals
