"""``vmap``: a function of one example as a function of many, without a loop."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.batching.boundaries import batch_in, batch_out
from autograd_core.engine.graph import BATCH
from autograd_core.engine.modes import in_mode
from autograd_core.engine.operands import Level, levels_of
from autograd_core.engine.recording import TensorBase, unwrap
from autograd_core.errors import VmapError
from autograd_core.transforms.randomness import refusing_draws
from autograd_core.transforms.trees import Tree, branch_of, describe, same_keys

Function = Callable[..., Any]


def vmap(fun: Function, in_axes: Any = 0, out_axes: Any = 0) -> Function:
    """Return a function that runs ``fun`` on every example of a batch at once.

    Parameters
    ----------
    fun
        A function of one example, of arrays, numbers and trees of them.  It may use derivatives and
        ``vmap`` itself.
    in_axes
        The axis of the batch in the positional arguments: one integer for all; or a sequence with
        an integer, None (the same for all examples) or a tree of these for each.  A tree stops
        where one integer, or None, holds for all leaves below.
    out_axes
        Where the batch is put in what it returns: an integer or a tree of them.

    Returns
    -------
    function
        Its results are stacked: ``fun(x[0]), fun(x[1]), ...``.  Arguments by keyword have the batch
        in front, where ``in_axes`` is an integer, and are the same for all examples otherwise.

    Raises
    ------
    VmapError
        For what depends on the values of an example and has to be one for all: ``if``, ``float``,
        a boolean mask; for draws of random numbers that would be the same for all examples; and for
        ``backward()``.
    ValueError
        If the batches have different lengths, or there is none.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> ag.vmap(np.dot, in_axes=(0, None))(x, np.array([1.0, -1.0]))
    array([-1., -1., -1.])
    >>> def loss(w, x):
    ...     return np.tanh(x @ w) ** 2
    >>> ag.vmap(ag.grad(loss), in_axes=(None, 0))(np.zeros(2), x).shape
    (3, 2)
    """

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        tree, axes = _places(args, kwargs, in_axes)
        leaves = [
            _as_array(a) if x is not None else a for a, x in zip(tree.leaves, axes, strict=True)
        ]
        level = Level(_size_of(leaves, axes, tree))
        inside = [
            a if x is None else batch_in(a, level=level, axis=x % a.ndim)
            for a, x in zip(leaves, axes, strict=True)
        ]
        given, options = tree.restore(inside)
        out = Tree(in_mode(BATCH, 0, refusing_draws(fun, level), *given, **options))
        places = _spread_axes(out_axes, out, "out_axes")
        return out.restore(
            [_left(a, level, x, out) for a, x in zip(out.leaves, places, strict=True)]
        )

    return wrapped


def _as_array(a: Any) -> Any:
    return a if hasattr(a, "shape") else np.asarray(a)


def _places(args: tuple[Any, ...], kwargs: dict[str, Any], in_axes: Any) -> tuple[Tree, list[Any]]:
    """Return the tree of all arguments, and for each leaf the axis of its batch or None."""
    if isinstance(in_axes, (tuple, list)):
        if len(in_axes) != len(args):
            raise ValueError(
                f"in_axes has {len(in_axes)} entries for {len(args)} positional arguments; it has "
                "one for each (None: the same for all examples)"
            )
        each, rest = list(in_axes), None
    else:
        each, rest = [in_axes] * len(args), in_axes if isinstance(in_axes, int) else None
    rest = 0 if rest is not None else None
    axes: list[Any] = []
    for a, x in zip((*args, kwargs), (*each, rest), strict=True):
        axes += _spread_axes(x, Tree(a), "in_axes")
    return Tree((args, kwargs)), axes


def _spread_axes(axes: Any, tree: Tree, name: str) -> list[Any]:
    """Return an axis for each leaf of a tree, of a tree that may stop above the leaves."""
    found: list[Any] = []
    stack = [(tree.restore([0.0] * len(tree.leaves)), axes)]
    while stack:
        item, axis = stack.pop()
        branch = branch_of(item)
        if axis is None or isinstance(axis, (int, np.integer)):
            found += [axis] * len(Tree(item).leaves)
        elif branch is None:
            raise ValueError(f"{name} has {describe(axis)} for one array; an axis is an integer")
        else:
            other = branch_of(axis, static=True)
            below = dict(zip(other[0], other[1], strict=True)) if other else {}
            if not same_keys(below, branch[0], item):
                raise ValueError(
                    f"{name} has {describe(axis)} where the value has the keys {list(branch[0])}"
                )
            stack += [
                (child, below[key])
                for key, child in zip(reversed(branch[0]), reversed(branch[1]), strict=True)
            ]
    return found


def _size_of(leaves: Sequence[Any], axes: Sequence[Any], tree: Tree) -> int:
    """Return the length of the batch, which all batched leaves share."""
    sizes: dict[int, str] = {}
    for a, x, path in zip(leaves, axes, tree.paths(), strict=True):
        if x is None:
            continue
        shape = np.shape(a)
        if not -len(shape) <= x < len(shape):
            raise ValueError(
                f"vmap over axis {x} of a value of shape {shape}, which has no such axis; in_axes= "
                "has None for what is the same for all examples"
            )
        sizes.setdefault(shape[x], path)
    if len(sizes) != 1:
        found = " and ".join(f"{n} (argument {p[3:]})" for n, p in sizes.items())
        raise ValueError(
            f"the batches of vmap have different lengths: {found}"
            if sizes
            else "vmap has no batch: in_axes is None for every argument"
        )
    return next(iter(sizes))


def _left(value: Any, level: Level, axis: Any, tree: Tree) -> Any:
    """Return a result with the batch as an axis."""
    if not hasattr(value, "shape"):
        value = np.asarray(value)
        if value.dtype.kind not in "biufc":
            raise VmapError(
                f"a function under vmap returns numbers and arrays, this one returned "
                f"{describe(tree.leaves[0])}"
            )
    if axis is None:
        if level in levels_of(value):
            raise ValueError("out_axes is None for a value that differs over the batch")
        return value
    out = batch_out(value, level=level, axis=axis % (value.ndim + 1))
    if isinstance(out, TensorBase) and not (isinstance(value, TensorBase) and out._node.tracked):
        return unwrap(out)
    return out
