"""What can be checked: a function of Tensors, or a pair (forward, backward) of plain functions.

A :class:`Target` offers two methods: ``forward``, from arrays to values, and ``pullback``, from
arrays to values and the function from cotangents to gradients.  The checker knows nothing else of
what it checks; functions of other frameworks are subclasses (``adapters.py``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.engine.recording import unwrap
from autograd_core.errors import RuleError
from autograd_core.transforms.gradients import vjp
from autograd_core.transforms.trees import flatten

Array = np.ndarray[Any, Any]
Pull = Callable[[list[Array]], list[Any]]


def differentiable_leaves(tree: Any) -> list[Array]:
    """Return the arrays of a result that carry gradients: floating-point and complex ones."""
    if type(tree) is np.ndarray or isinstance(tree, np.generic):  # the common case is fast
        return [np.asarray(tree)] if tree.dtype.kind in "fc" else []
    leaves = [np.asarray(unwrap(a)) for a in flatten(tree)[0]]
    return [a for a in leaves if a.dtype.kind in "fc"]


class Target:
    """Base class of functions with gradients, of a list of floating-point arrays.

    Attributes
    ----------
    name : str
        What reports call it.
    max_order : int
        2 where the gradients can be differentiated again.
    takes_complex : bool
        Whether complex arguments may be tried (gradients conjugate, so they do not take them).
    """

    name: str
    max_order = 1
    takes_complex = True

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        """Return the values, computed by the plain function."""
        raise NotImplementedError

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        """Return the values, and the function from their cotangents to the gradients."""
        raise NotImplementedError

    def derivative(self, count: int) -> Target:
        """Return the gradients as a target of ``count`` inputs and the cotangents."""
        raise NotImplementedError

    def at(self, args: Sequence[Any], positions: Sequence[int]) -> Target:
        """Return the target as one of the arguments at some positions; the others are fixed."""
        return PartialTarget(self, args, positions)


class Recorded(Target):
    """A function of Tensors, differentiated by this package."""

    max_order = 2

    def __init__(self, f: Callable[..., Any], name: str) -> None:
        self.f, self.name = f, name

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return differentiable_leaves(self.f(*xs))

    def _vjp(self, xs: Sequence[Any]) -> tuple[Any, Callable[[Sequence[Any]], list[Any]]]:
        """Return the value as a tree, and the pull-back, of arrays or of Tensors."""
        value, pull = vjp(self.f, *xs)
        leaves, restore = flatten(value)

        def back(vs: Sequence[Any]) -> list[Any]:
            rest = iter(vs)  # and zeros for the leaves that carry no gradient
            cotangents = [
                next(rest) if np.asarray(unwrap(a)).dtype.kind in "fc" else np.zeros(np.shape(a))
                for a in leaves
            ]
            found = pull(restore(cotangents))
            return list(found) if len(xs) > 1 else [found]

        return value, back

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        value, back = self._vjp(xs)
        return differentiable_leaves(value), lambda vs: [unwrap(g) for g in back(vs)]

    def derivative(self, count: int) -> Target:
        def gradients(*both: Any) -> list[Any]:
            return self._vjp(both[:count])[1](both[count:])

        deeper = Recorded(gradients, f"the gradient of {self.name}")
        deeper.takes_complex = False
        return deeper


class Pair(Target):
    """A plain function and its hand-written backward.

    ``backward`` may follow any of the usual conventions, which its parameters identify:
    ``backward(g, out, *inputs)``, ``backward(g, *inputs)``, ``backward(g, cache)`` where forward
    returns ``(out, cache)``, or ``backward(g)`` where forward stores what it needs.
    """

    def __init__(
        self, forward: Callable[..., Any], backward: Callable[..., Any], name: str = ""
    ) -> None:
        self._forward, self._backward = forward, backward
        self.name = name or getattr(forward, "__name__", repr(forward))
        self._convention: str | None = None

    def _convention_of(self, inputs: int, result: Any) -> str:
        """Return the convention that ``backward`` follows."""
        try:
            given = inspect.signature(self._backward).parameters.values()
        except (TypeError, ValueError):
            return "g, out, *inputs"
        free = [p for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        needed = sum(p.default is p.empty for p in free)
        most = 1 << 30 if any(p.kind is p.VAR_POSITIONAL for p in given) else len(free)
        cached = isinstance(result, tuple) and len(result) == 2 and needed <= 2 <= most
        if cached and (inputs != 1 or free[1].name != names_of(self._forward, 1)[0]):
            return "g, cache"
        if needed <= inputs + 2 <= most:
            return "g, out, *inputs"
        if needed <= inputs + 1 <= most:
            return "g, *inputs"
        if most == 1:
            return "g"
        raise TypeError(
            f"backward takes {needed} arguments, but forward has {inputs} inputs; expected "
            "backward(g, out, *inputs), backward(g, *inputs), backward(g, cache) with a forward "
            "that returns (out, cache), or backward(g)"
        )

    def _run(self, args: Sequence[Any]) -> tuple[Any, Any]:
        result = self._forward(*args)
        if self._convention is None:
            self._convention = self._convention_of(len(args), result)
        return result if self._convention == "g, cache" else (result, None)

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return differentiable_leaves(self._run(xs)[0])

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        out, cache = self._run(xs)
        _, restore = flatten(out)

        def back(vs: list[Array]) -> list[Any]:
            if self._convention == "g":
                self._forward(*xs)  # backward reads what the last forward stored
            rest = {"g, cache": (cache,), "g": (), "g, *inputs": xs}
            found = self._backward(restore(list(vs)), *rest.get(self._convention or "", (out, *xs)))
            several = isinstance(found, (tuple, list))
            if len(xs) == 1 and isinstance(xs[0], (tuple, list)):  # a gradient of the same form
                several = several and len(found) == 1 and isinstance(found[0], (tuple, list))
            return list(found) if several else [found]

        return differentiable_leaves(out), back


class PartialTarget(Target):
    """A target with only some arguments varied; the others are fixed."""

    def __init__(self, inner: Target, args: Sequence[Any], positions: Sequence[int]) -> None:
        self.inner, self.args, self.positions = inner, list(args), list(positions)
        self.name, self.max_order = inner.name, inner.max_order

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return self.inner.forward(with_arguments(self.args, self.positions, xs))

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        values, pull = self.inner.pullback(with_arguments(self.args, self.positions, xs))

        def back(vs: list[Array]) -> list[Any]:
            found = pull(vs)
            if len(found) == len(self.args):
                return [found[i] for i in self.positions]
            if len(found) == len(self.positions):
                return found
            raise RuleError(
                f"backward returned {len(found)} gradients for {len(self.args)} inputs; it returns "
                "one for each, and None for those without a gradient"
            )

        return values, back


def with_arguments(args: Sequence[Any], positions: Sequence[int], xs: Sequence[Any]) -> list[Any]:
    """Return the arguments with those at some positions replaced."""
    replaced = dict(zip(positions, xs, strict=True))
    return [replaced.get(i, a) for i, a in enumerate(args)]


def partial(f: Callable[..., Any], args: Sequence[Any], positions: Sequence[int]) -> Any:
    """Return ``f`` as a function of the arguments at some positions; the others are fixed."""
    return lambda *xs: f(*with_arguments(args, positions, xs))


def name_of(f: Any) -> str:
    """Return what a report calls a function or pair."""
    f = f[0] if isinstance(f, tuple) and f else f
    return str(getattr(f, "name", None) or getattr(f, "__name__", None) or repr(f))


def names_of(f: Any, count: int) -> list[str]:
    """Return the names of the inputs, from the function's parameters."""
    f = f[0] if isinstance(f, tuple) and f else getattr(f, "f", f)
    try:
        parameters = inspect.signature(f).parameters.values()
        names = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    except (TypeError, ValueError):
        names = []
    return [*names, *(f"input {i}" for i in range(len(names), count))][:count]


def make_target(f: Any, args: Sequence[Any], positions: Sequence[int]) -> Target:
    """Return what the user gave as a target of the arguments at some positions.

    ``f`` is a function of Tensors, a pair (forward, backward), or a :class:`Target`.
    """
    if isinstance(f, Target):
        return f.at(args, positions)
    if isinstance(f, tuple):
        if len(f) != 2 or not all(callable(part) for part in f):
            raise TypeError(
                f"a pair is (forward, backward), two functions; got {len(f)} of "
                f"{', '.join(type(part).__name__ for part in f)}"
            )
        return Pair(*f).at(args, positions)
    if not callable(f):
        raise TypeError(
            "gradcheck takes a function, a pair (forward, backward), or what "
            f"ag.checking.from_torch and from_jax return; got {type(f).__name__}"
        )
    return Recorded(partial(f, args, positions), name_of(f))
