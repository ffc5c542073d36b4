"""Targets that change how another is called: by leaves, on a domain, in a dtype, in time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_core.checking.target import Array, Pair, Pull, Target, name_of
from autograd_core.errors import RuleError
from autograd_core.transforms.gradients import vjp
from autograd_core.transforms.trees import Tree


class Wrapper(Target):
    """Base class of targets that change how another one is called."""

    def __init__(self, inner: Target) -> None:
        self.inner, self.name, self.takes_complex = inner, inner.name, inner.takes_complex

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return self.inner.forward(xs)

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        return self.inner.pullback(xs)


class OfLeaves(Wrapper):
    """A target whose arguments are trees, as one of their leaves."""

    def __init__(self, inner: Target, tree: Tree) -> None:
        super().__init__(inner)
        self.tree = tree

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return self.inner.forward(self.tree.restore(list(xs)))

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        args = self.tree.restore(list(xs))
        values, pull = self.inner.pullback(args)

        def back(vs: list[Array]) -> list[Any]:
            found = pull(vs)
            if len(found) != len(args):
                raise RuleError(f"backward returned {len(found)} gradients for {len(args)} inputs")
            leaves: list[Any] = []
            for arg, g in zip(args, found, strict=True):
                whole, own = Tree(arg).paths(), Tree(g)
                given = dict(zip(own.paths(), own.leaves, strict=True))
                if unknown := given.keys() - set(whole):
                    raise RuleError(
                        f"a gradient has {', '.join(sorted(unknown))}, its argument "
                        f"{', '.join(whole)}; it is of the same form, and may leave out what has "
                        "no gradient"
                    )
                leaves += map(given.get, whole)
            return leaves

        return values, back


class OnDomain(Wrapper):
    """A target of points that are projected onto a domain first."""

    def __init__(self, inner: Target, projections: Sequence[Callable[[Any], Any] | None]) -> None:
        super().__init__(inner)
        self.projections = projections

    def _projected(self, xs: Sequence[Array]) -> list[Array]:
        pairs = zip(self.projections, xs, strict=True)
        return [np.asarray(x if p is None else p(x)) for p, x in pairs]

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return self.inner.forward(self._projected(xs))

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        values, pull = self.inner.pullback(self._projected(xs))

        def back(vs: list[Array]) -> list[Any]:
            return [
                g if p is None or g is None or np.shape(g) != x.shape else vjp(p, x)[1](g)
                for p, x, g in zip(self.projections, xs, pull(vs), strict=True)
            ]

        return values, back


class Meant(Wrapper):
    """A backward pass together with the function whose derivative it is meant to be."""

    def __init__(self, inner: Target, meant: Target) -> None:
        super().__init__(inner)
        self.meant = meant

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return self.meant.forward(xs)

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        return self.meant.forward(xs), self.inner.pullback(xs)[1]


class InDtype(Wrapper):
    """A target whose inputs are cast to one dtype."""

    def __init__(self, inner: Target, dtype: Any) -> None:
        super().__init__(inner)
        self.dtype, self.takes_complex = np.dtype(dtype), False

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return self.inner.forward([x.astype(self.dtype) for x in xs])

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        values, pull = self.inner.pullback([x.astype(self.dtype) for x in xs])
        return values, lambda vs: pull([c.astype(v.dtype) for c, v in zip(vs, values, strict=True)])


class OutOfTime(BaseException):
    """The time budget was spent; no handler of exceptions of the user's function stops it."""


class Timed(Wrapper):
    """A target that calls ``tick`` before each call, which may raise :class:`OutOfTime`."""

    def __init__(self, inner: Target, tick: Callable[[], None]) -> None:
        super().__init__(inner)
        self.tick, self.max_order = tick, inner.max_order

    def derivative(self, count: int) -> Target:
        return Timed(self.inner.derivative(count), self.tick)

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        self.tick()
        return self.inner.forward(xs)

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        self.tick()
        return self.inner.pullback(xs)


def is_tree(a: Any) -> bool:
    """Return whether an input is a container of arrays, not an array or a list of numbers."""
    if isinstance(a, (list, tuple)):
        return any(is_tree(m) or np.ndim(m) or isinstance(m, np.ndarray) for m in a)
    return isinstance(a, Mapping) or (dataclasses.is_dataclass(a) and not isinstance(a, type))


def of_leaves(f: Any, tree: Tree) -> Any:
    """Return a function of trees, or a pair, as one of their leaves."""
    if isinstance(f, (tuple, Target)):
        return OfLeaves(Pair(*f) if isinstance(f, tuple) else f, tree)

    def of_arrays(*leaves: Any) -> Any:
        return f(*tree.restore(list(leaves)))

    of_arrays.__name__ = name_of(f)
    return of_arrays
