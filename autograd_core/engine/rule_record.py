"""The derivative rules of a primitive, as one frozen record.

:class:`Rules` is built once from the functions that were given to ``defvjp``; whatever the engine
wants to know of them (which values they read, how many arguments they take) is derived there.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Rule = Callable[..., Any]

#: The length of an argument list that a rule takes as ``*args``.
ANY_NUMBER = 1 << 30


class ListRule:
    """One VJP for every member of a list argument; called with the index of the member.

    ``rule(i, g, out, *arrays, **kwargs)`` returns the cotangent of ``arrays[i]``.
    """

    __slots__ = ("rule",)

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __iter__(self) -> Iterator[Rule]:
        return (functools.partial(self.rule, i) for i in itertools.count())


@dataclass(frozen=True)
class Parameters:
    """The parameters of a function, by how they can be passed."""

    positional: tuple[str, ...]
    rest: str  # the name behind *, or ""
    keyword_only: tuple[str, ...]
    catch_all: bool  # whether it has **

    @classmethod
    def of(cls, fun: Callable[..., Any]) -> Parameters:
        """Return the parameters of a function.

        They are read from its code object where it has one: calling ``inspect.signature`` for
        every rule would double the import time.
        """
        code = getattr(fun, "__code__", None)
        if code is None or hasattr(fun, "__wrapped__") or hasattr(fun, "__self__"):
            of = inspect.signature(fun).parameters.values()
            return cls(
                tuple(p.name for p in of if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)),
                next((p.name for p in of if p.kind is p.VAR_POSITIONAL), ""),
                tuple(p.name for p in of if p.kind is p.KEYWORD_ONLY),
                any(p.kind is p.VAR_KEYWORD for p in of),
            )
        n, end = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
        names = code.co_varnames
        return cls(
            names[:n],
            names[end] if code.co_flags & inspect.CO_VARARGS else "",
            names[n:end],
            bool(code.co_flags & inspect.CO_VARKEYWORDS),
        )


#: Functions written in C that have no signature in NumPy 2.0.
_UNSIGNED: dict[Callable[..., Any], tuple[str, ...]] = {
    np.dot: ("a", "b", "out"),
    np.concatenate: ("arrays", "axis", "out", "dtype", "casting"),
    np.copyto: ("dst", "src", "casting", "where"),
    np.putmask: ("a", "mask", "values"),
}


def signature_of(fun: Callable[..., Any]) -> Parameters | None:
    """Return the parameters of a function, or None where they are not known."""
    try:
        return Parameters.of(fun)
    except (TypeError, ValueError):
        names = next((names for known, names in _UNSIGNED.items() if known is fun), None)
        return None if names is None else Parameters(names, "", (), False)


@dataclass(frozen=True)
class Rules:
    """The derivative rules of a primitive, and what the engine derives from them once.

    Attributes
    ----------
    vjps
        One rule per leading argument (None where there is no gradient), or a :class:`ListRule`.
    vjp_all
        One rule that returns the cotangents of all leading arguments, instead of ``vjps``.
    elementwise
        ``out[i]`` depends on element ``i`` of each (broadcast) argument alone.
    selects
        Elements of an argument may not influence the result (``where``, indexing).
    reads_no_values
        The rules depend on the cotangent alone: a cotangent of 0 gives 0.
    reads_out, reads_args, reads_rest
        Whether the rules read the values of the result, of each named argument, of the others.
    drops_values
        Some value is not read, so large arrays can be released.
    unread
        The positions of the named arguments that are not read.
    takes_list
        The first argument of the function is a list of arrays.
    has_gaps
        Some leading argument has no rule.
    plain_args
        Up to how many positional arguments a call needs no binding, as each has a rule of its own.
    n_rules, n_arrays, max_args
        How many arguments have rules, how many of them are sure to be arrays (those of ``vjp_all``
        without a default), and how many positional arguments the rules accept.
    names
        The rules' parameters after ``g`` and ``out``, without leading underscores.
    options
        The parameters that every rule accepts by keyword.
    """

    vjps: Sequence[Rule | None] | ListRule | None
    vjp_all: Rule | None
    elementwise: bool
    selects: bool
    reads_no_values: bool
    reads_out: bool
    reads_args: tuple[bool, ...]
    reads_rest: bool
    drops_values: bool
    unread: tuple[int, ...]
    takes_list: bool
    has_gaps: bool
    plain_args: int
    n_rules: int
    n_arrays: int
    max_args: float
    names: tuple[str, ...]
    options: frozenset[str]

    def reads(self, place: int) -> bool:
        """Return whether the rules read the values of the argument at a place."""
        return self.reads_args[place] if place < len(self.reads_args) else self.reads_rest

    def takes_array(self, place: int) -> bool:
        """Return whether the argument at a place has a rule, so that a list there is an array."""
        if isinstance(self.vjps, tuple):
            return place < len(self.vjps) and self.vjps[place] is not None
        return place < self.n_arrays

    @classmethod
    def of(
        cls,
        name: str,
        vjps: tuple[Rule | None, ...],
        vjp_list: Rule | None,
        vjp_all: Rule | None,
        elementwise: bool,
        selects: bool,
    ) -> Rules:
        """Build the record from what was given to :meth:`Primitive.defvjp`."""
        given = sum((bool(vjps), vjp_list is not None, vjp_all is not None))
        if given != 1:
            raise TypeError(
                f"{name}.defvjp takes rules for the arguments, or vjp_list=, or vjp_all=: "
                f"exactly one of the three, got {given}"
            )
        rules = [r for r in (*vjps, vjp_list, vjp_all) if r is not None]
        if not rules:
            raise TypeError(f"{name}.defvjp: every rule is None, so nothing is differentiable")
        skip = 3 if vjp_list else 2
        parameters = [Parameters.of(rule) for rule in rules]
        for p in parameters:
            if len(p.positional) < skip and not p.rest:
                raise TypeError(
                    f"{name}: a rule takes (g, out, *args), but this one takes only {p.positional}"
                )
            if p.catch_all:
                raise TypeError(
                    f"{name}: a rule names every keyword that it knows; **kwargs would let "
                    "an unknown one change the value but not the gradient"
                )
        outs = [p.positional[skip - 1 : skip] for p in parameters]
        arguments = [p.positional[skip:] for p in parameters]
        rests = [bool(p.rest) and not p.rest.startswith("_") for p in parameters]
        reads_rest = any(rests)

        def reads(i: int) -> bool:
            """Return whether some rule reads argument ``i``, by name or in its ``*rest``."""
            return any(
                not a[i].startswith("_") if i < len(a) else rest
                for a, rest in zip(arguments, rests, strict=True)
            )

        width = max(map(len, arguments))
        n_rules = n_arrays = len(vjps) or 1
        if vjp_all:
            defaults = getattr(vjp_all, "__defaults__", None) or ()
            n_rules, n_arrays = ANY_NUMBER, width - len(defaults)
        reads_out = any(not o or not o[0].startswith("_") for o in outs)
        reads_args = tuple(reads(i) for i in range(width))
        names: dict[str, None] = {}
        for a, p in zip(arguments, parameters, strict=True):
            every = (*a, p.rest, *p.keyword_only) if p.rest else (*a, *p.keyword_only)
            names |= dict.fromkeys(n.lstrip("_") for n in every)
        return cls(
            vjps=ListRule(vjp_list) if vjp_list else vjps or None,
            vjp_all=vjp_all,
            elementwise=elementwise,
            selects=selects,
            reads_no_values=not (reads_out or reads_rest or any(reads_args[:n_rules])),
            reads_out=reads_out,
            reads_args=reads_args,
            reads_rest=reads_rest,
            drops_values=not (reads_out and all(reads_args) and (reads_rest or not vjp_list)),
            unread=tuple(i for i, read in enumerate(reads_args) if not read),
            takes_list=vjp_list is not None,
            has_gaps=None in vjps,
            plain_args=0 if vjp_list or vjp_all or None in vjps else n_rules,
            n_rules=n_rules,
            n_arrays=n_arrays,
            max_args=min(
                math.inf if p.rest else len(a) for a, p in zip(arguments, parameters, strict=True)
            ),
            names=tuple(names),
            options=frozenset.intersection(
                *(
                    frozenset(n for n in (*a, *p.keyword_only) if n[0] != "_")
                    for a, p in zip(arguments, parameters, strict=True)
                )
            ),
        )
