"""What can be checked: a function of Tensors, or a pair (forward, backward) of plain functions.

A :class:`Subject` is two things: ``forward``, values from arrays, and ``pullback``, values and the
function from cotangents to gradients.  The checker knows nothing else about what it checks; other
frameworks' functions come in by a subclass (``adapters.py``).
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


def numbers(tree: Any) -> list[Array]:
    """The arrays of a result that carry gradients: floating-point and complex ones."""
    if type(tree) is np.ndarray or isinstance(tree, np.generic):  # as a rule; the rest is slower
        return [np.asarray(tree)] if tree.dtype.kind in "fc" else []
    leaves = [np.asarray(unwrap(a)) for a in flatten(tree)[0]]
    return [a for a in leaves if a.dtype.kind in "fc"]


def _full(leaves: list[Any], vs: Sequence[Any]) -> list[Any]:
    """Cotangents for every leaf of a result: 0 for those that carry no gradient."""
    rest = iter(vs)
    return [
        next(rest) if np.asarray(unwrap(a)).dtype.kind in "fc" else np.zeros(np.shape(a))
        for a in leaves
    ]


class Subject:
    """A function with gradients, of a list of floating-point arrays."""

    name: str
    max_order = 1
    takes_complex = True  # gradients do not: they conjugate

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        """The values, by the plain function."""
        raise NotImplementedError

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        """The values, and the function from their cotangents to the gradients."""
        raise NotImplementedError

    def derivative(self, count: int) -> Subject:
        """The gradients as a function of ``count`` inputs and the cotangents."""
        raise NotImplementedError

    def at(self, args: Sequence[Any], positions: Sequence[int]) -> Subject:
        """The same, of the arguments at some positions; the others stay what they are."""
        return Placed(self, args, positions)


class Recorded(Subject):
    """A function of Tensors, differentiated by this package."""

    max_order = 2

    def __init__(self, f: Callable[..., Any], name: str) -> None:
        self.f, self.name = f, name

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return numbers(self.f(*xs))

    def _recorded(self, xs: Sequence[Any]) -> tuple[Any, Callable[[Sequence[Any]], list[Any]]]:
        """The value as a tree, and the pull-back, of arrays or of Tensors."""
        value, pull = vjp(self.f, *xs)
        leaves, restore = flatten(value)

        def back(vs: Sequence[Any]) -> list[Any]:
            found = pull(restore(_full(leaves, vs)))
            return list(found) if len(xs) > 1 else [found]

        return value, back

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        value, back = self._recorded(xs)
        return numbers(value), lambda vs: [unwrap(g) for g in back(vs)]

    def derivative(self, count: int) -> Subject:
        def gradients(*both: Any) -> list[Any]:
            return self._recorded(both[:count])[1](both[count:])

        deeper = Recorded(gradients, f"the gradient of {self.name}")
        deeper.takes_complex = False
        return deeper


class Pair(Subject):
    """A plain function and its hand-written backward.

    ``backward`` may be written in any of the usual ways; which one, its parameters tell:
    ``backward(g, out, *inputs)``, ``backward(g, *inputs)``, ``backward(g, cache)`` where forward
    returns ``(out, cache)``, or ``backward(g)`` where forward keeps what it needs.
    """

    def __init__(
        self, forward: Callable[..., Any], backward: Callable[..., Any], name: str = ""
    ) -> None:
        self._forward, self._backward = forward, backward
        self.name = name or getattr(forward, "__name__", repr(forward))
        self._style: str | None = None

    def _settle(self, inputs: int, result: Any) -> str:
        """Which convention ``backward`` follows."""
        try:
            given = inspect.signature(self._backward).parameters.values()
        except (TypeError, ValueError):
            return "g, out, *inputs"
        free = [p for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        needed = sum(p.default is p.empty for p in free)
        most = 1 << 30 if any(p.kind is p.VAR_POSITIONAL for p in given) else len(free)
        pair = isinstance(result, tuple) and len(result) == 2
        if needed <= inputs + 2 <= most:
            return "g, out, *inputs"
        if most == 2 and pair:
            return "g, cache"
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
        if self._style is None:
            self._style = self._settle(len(args), result)
        return result if self._style == "g, cache" else (result, None)

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return numbers(self._run(xs)[0])

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        out, cache = self._run(xs)
        _, restore = flatten(out)

        def back(vs: list[Array]) -> list[Any]:
            g = restore(list(vs))
            if self._style == "g, cache":
                found = self._backward(g, cache)
            elif self._style == "g":
                self._forward(*xs)  # what backward needs is what the last forward kept
                found = self._backward(g)
            elif self._style == "g, *inputs":
                found = self._backward(g, *xs)
            else:
                found = self._backward(g, out, *xs)
            return list(found) if isinstance(found, (tuple, list)) else [found]

        return numbers(out), back


class Placed(Subject):
    """A subject of which only some arguments are varied; the others stay what they are."""

    def __init__(self, inner: Subject, args: Sequence[Any], positions: Sequence[int]) -> None:
        self.inner, self.args, self.positions = inner, list(args), list(positions)
        self.name, self.max_order = inner.name, inner.max_order

    def _fill(self, xs: Sequence[Any]) -> list[Any]:
        full = list(self.args)
        for i, x in zip(self.positions, xs, strict=True):
            full[i] = x
        return full

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return self.inner.forward(self._fill(xs))

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        values, pull = self.inner.pullback(self._fill(xs))

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


def name_of(f: Any) -> str:
    """What a report calls it."""
    f = f[0] if isinstance(f, tuple) and f else f
    return str(getattr(f, "name", None) or getattr(f, "__name__", None) or repr(f))


def names_of(f: Any, count: int) -> list[str]:
    """The inputs' names, from the function's parameters."""
    f = f[0] if isinstance(f, tuple) and f else getattr(f, "f", f)
    try:
        names = [
            p.name
            for p in inspect.signature(f).parameters.values()
            if p.kind is not p.VAR_POSITIONAL
        ]
    except (TypeError, ValueError):
        names = []
    return [*names, *(f"input {i}" for i in range(len(names), count))][:count]


def subject_of(f: Any, args: Sequence[Any], positions: Sequence[int]) -> Subject:
    """What a user gave, as a subject of the arguments at some positions; the others stay.

    A user gives a function of Tensors, a pair (forward, backward), or a :class:`Subject`.
    """
    if isinstance(f, Subject):
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
    return Recorded(filled(f, args, positions), name_of(f))


def filled(f: Callable[..., Any], args: Sequence[Any], positions: Sequence[int]) -> Any:
    """``f`` as a function of the arguments at some positions."""

    def of_variables(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(positions, xs, strict=True):
            full[i] = x
        return f(*full)

    return of_variables
