"""One recorded evaluation of a function, which all transforms share.

:class:`LinearizedCall` replaces the arguments by fresh variables, records the call, and pulls
cotangents back.  While the function runs, the call is *open*.  What an open call's variables reach
is watched by it and stays a Tensor; what only finished calls, or leaves that the function captured,
have reached is plain again: arrays in, arrays out.
"""

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from autograd_core.engine.admission import admit
from autograd_core.engine.differentiate import identity, private, pull_back
from autograd_core.engine.graph import RECORD, UNTRACKED, Leaf, Node, reachable
from autograd_core.engine.modes import in_mode
from autograd_core.engine.mutation import own_copy
from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import (
    TensorBase,
    any_tracked,
    apply,
    is_array,
    make_tensor,
    unwrap,
)
from autograd_core.engine.runs import Run, Variable, open_runs, reaches_open_run
from autograd_core.errors import GraphError
from autograd_core.transforms.trees import Tree, as_inexact, describe, is_number

P = ParamSpec("P")
T = TypeVar("T")
Function = Callable[..., Any]

#: The identity under a new node, which distinguishes the variables of two differentiations.
alias = Primitive(lambda x: x, "alias", flops=lambda *_args: 0).defvjp(
    lambda g, _out, _x: g, elementwise=True
)


class LinearizedCall:
    """One recorded evaluation of a function: its variables, its outputs, its pull-back.

    Parameters
    ----------
    fun, args, kwargs
        The call.
    argnums
        The positions of the arguments to differentiate.
    name
        The transform, for errors.
    keeps
        The pull-back outlives this statement, so the variables are copies.
    """

    def __init__(
        self,
        fun: Function,
        args: tuple[Any, ...],
        argnums: Sequence[int],
        kwargs: Any,
        name: str,
        keeps: bool = False,
    ):
        tree = Tree([args[i] for i in argnums])
        self.name, self.restore_inputs = name, tree.restore
        self.tensors = any(isinstance(a, TensorBase) for a in tree.leaves)
        #: Whether a recorded Tensor was given, whose owner may differentiate the result
        self.recorded = holds_tracked((args, kwargs))
        self.run = Run()
        self.variables: list[Any] = []
        self.value = in_mode(RECORD, 0, self._call, fun, args, argnums, kwargs, tree, keeps)

    def _call(
        self,
        fun: Function,
        args: tuple[Any, ...],
        argnums: Sequence[int],
        kwargs: Any,
        tree: Tree,
        keeps: bool,
    ) -> Any:
        for i, leaf in enumerate(tree.leaves):
            if leaf.__class__ is not np.ndarray or leaf.dtype.kind not in "fc":
                leaf = as_inexact(leaf, functools.partial(_place, argnums, tree, i))
            self.variables.append(self._variable(leaf, keeps))
        replaced = list(args)
        for i, value in zip(argnums, tree.restore(self.variables), strict=True):
            replaced[i] = value
        try:
            try:
                open_runs.add(self.run)
                return fun(*replaced, **kwargs)
            finally:
                open_runs.discard(self.run)
        finally:  # once more, for an interrupt in the first
            open_runs.discard(self.run)

    def _variable(self, value: Any, keeps: bool) -> Any:
        """Return a fresh variable of the value, linked to it if it is itself recorded."""
        if isinstance(value, TensorBase):
            if value._node.tracked:
                return apply(alias, (value,), {})
            value = value._array
        if keeps and is_array(value):
            value = own_copy(value)
        return make_tensor(value, Variable(value, self.run))

    def outputs(self, value: Any) -> list[Any]:
        """Return the leaves of a value, all of them numbers or arrays of numbers.

        Raises
        ------
        GraphError
            For a value without leaves, and for leaves of other types.
        """
        tree = Tree(value)
        if not tree.leaves:
            raise GraphError(
                f"{self.name} differentiates a function of numbers and arrays, but it returned "
                f"{describe(value)}; return what is to be differentiated"
            )
        for leaf, path in zip(tree.leaves, tree.paths(), strict=True):
            if not is_number(leaf):
                raise GraphError(
                    f"{self.name} differentiates a function that returns numbers, arrays, or "
                    "dicts, lists, tuples and dataclasses of them, but "
                    f"{f'its value at {path}' if path else 'its value'} is {describe(leaf)}; "
                    "leave it out of what the function returns"
                )
        self._warn_of_lost_history(tree.leaves)
        return [a if isinstance(a, TensorBase) else admit(a) for a in tree.leaves]

    def scalar(self, value: Any) -> Any:
        """Return a value that is one real number without axes; raise for any other.

        Raises
        ------
        GraphError
            Saying what was returned, and the remedy.
        """
        if not is_number(value):
            remedy = "return the number alone"
            if value is None:
                remedy = "add the return statement"
            elif isinstance(value, (tuple, list, dict)):
                remedy += ", or with has_aux=True a pair (number, anything else)"
            raise GraphError(
                f"{self.name} differentiates a function that returns one number without axes (a "
                f"Tensor, array or Python number), this one returned {describe(value)}; {remedy}"
            )
        shape = np.shape(unwrap(value))
        if shape != ():
            raise GraphError(
                f"{self.name} differentiates a scalar, a number without axes, but the function "
                f"returned shape {shape}; reduce it (np.sum), or use jacobian or vjp"
            )
        if np.iscomplexobj(unwrap(value)):
            raise GraphError(
                f"{self.name} differentiates a real number, but the function returned a complex "
                "one, which has no single gradient; take a real function of it (z.real, "
                "np.abs(z)), or use vjp with a cotangent, or jacobian for a holomorphic function"
            )
        self._warn_of_lost_history([value])
        return value

    def _warn_of_lost_history(self, outputs: Sequence[Any]) -> None:
        if self.run.left:
            effect = (
                "what was computed from its result has no part in the derivative"
                if any_tracked(outputs)
                else "the value depends on no recorded Tensor, so its derivative is 0"
            )
            warnings.warn(
                f"{self.name}: {self.run.left} was called on a recorded Tensor on the way, which "
                f"leaves the graph: {effect}. Compute with the Tensor itself; where it is meant, "
                "write t.detach() before",
                stacklevel=4,
            )

    def watched(self, outputs: Sequence[Any], tensors: bool = False) -> bool:
        """Return whether a result must stay recorded.

        It must where an open call depends on it; and where Tensors were given, whose owner may
        differentiate again: recorded ones, or others together with leaves that were captured.
        """
        nodes = [o._node for o in outputs if isinstance(o, TensorBase) and o._node.tracked]
        if self.recorded:
            return bool(nodes)
        if reaches_open_run(nodes):
            return True
        return (tensors or self.tensors) and any(
            isinstance(n, Leaf) and not isinstance(n, Variable) for n in reachable(nodes)
        )

    def pull(
        self,
        outputs: Sequence[Any],
        seeds: Sequence[Any],
        free: bool,
        variables: Sequence[Any] | None = None,
    ) -> list[Any]:
        """Return the gradients of the variables, all or some; zeros for what no output reaches."""
        variables = self.variables if variables is None else variables
        live = [
            (o, s)
            for o, s in zip(outputs, seeds, strict=True)
            if isinstance(o, TensorBase) and o._node.tracked
        ]
        found: dict[Node, Any] = {}
        if live:
            outs, cotangents = zip(*live, strict=True)
            given = any(isinstance(s, TensorBase) for s in cotangents)
            again = any_tracked(cotangents) or self.watched(outs, given)
            targets = {v._node for v in variables}
            found, _ = pull_back(outs, cotangents, targets, again, free and not again)
        taken = set(map(identity, seeds))
        results = []
        for v in variables:
            g = found.get(v._node)
            if g is None:
                g = np.zeros_like(v._array) if v.shape else np.zeros_like(v._array)[()]
            elif not v.shape and _is_boxed(g) and not _is_boxed(v._array):
                g = g[()]  # of a number
            results.append(private(g, taken))
        return results

    def strip_tape(self, value: Any) -> Any:
        """Return a value of the finished call, recorded only if it is watched."""
        if not isinstance(value, TensorBase) or self.watched([value]):
            return value
        return make_tensor(value._array, UNTRACKED) if self.tensors else value._array

    def strip_tree(self, value: Any) -> Any:
        """Apply :meth:`strip_tape` to every leaf of a tree."""
        if isinstance(value, TensorBase):  # the common case
            return self.strip_tape(value)
        tree = Tree(value)
        return tree.restore([self.strip_tape(a) for a in tree.leaves])


def _is_boxed(a: Any) -> bool:
    """Return whether a value without axes is an array, or stands for one, and no number."""
    return isinstance(getattr(a, "example", a), np.ndarray)


def holds_tracked(value: Any) -> bool:
    """Return whether a Tensor that needs gradients is in nested lists, tuples and dicts."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, TensorBase):
            if item._node.tracked:
                return True
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
    return False


def _place(argnums: Sequence[int], tree: Tree, leaf: int) -> str:
    """Return what a leaf of the list of arguments is to the user: ``argument 1['w']``."""
    number, _, rest = tree.paths()[leaf][1:].partition("]")
    return f"argument {argnums[int(number)]}{rest}"


def to_plain(value: Any, tensors: bool) -> Any:
    """Return arrays to a caller who gave arrays; a Tensor that is still recorded stays one."""
    if isinstance(value, TensorBase):  # the common case
        return value if tensors or value._node.tracked else value._array
    tree = Tree(value)
    return tree.restore(
        [to_plain(a, tensors) if isinstance(a, TensorBase) else a for a in tree.leaves]
    )


def check_argnums(argnums: int | Sequence[int], args: tuple[Any, ...]) -> list[int]:
    """Return the positions of the arguments to differentiate, counted from 0.

    Raises
    ------
    TypeError
        For a position that is no integer, is not there, or occurs twice.
    """
    numbers: list[Any] = [argnums] if is_single(argnums) else list(argnums)  # type: ignore[arg-type]
    for n in numbers:
        if not is_single(n) or isinstance(n, bool):
            raise TypeError(f"argnums is an integer or a sequence of them, got {argnums!r}")
        if not -len(args) <= n < len(args):
            raise TypeError(
                f"argnums={argnums}, but the function was called with {len(args)} positional "
                "arguments; pass what is differentiated by position"
            )
    places = [int(n) % len(args) for n in numbers]
    if len(set(places)) < len(places):
        raise TypeError(
            f"argnums={argnums} names an argument twice; name each once (its gradient is the same)"
        )
    return places


def is_single(argnums: Any) -> bool:
    """Return whether ``argnums`` is one position, so that the result is no tuple."""
    return isinstance(argnums, (int, np.integer))


#: What other libraries call ``argnums``.
_OTHER_WORDS = frozenset({"argnum", "argnames", "wrt"})


def answers_other_words(transform: Callable[P, T]) -> Callable[P, T]:
    """Decorate a transform: a keyword of another library raises with our word for it."""

    @functools.wraps(transform)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for word in _OTHER_WORDS.intersection(kwargs):
            raise TypeError(
                f"{transform.__name__}() got an unexpected keyword argument {word!r}; our word is "
                "argnums="
            )
        return transform(*args, **kwargs)

    return call
