"""Primitives: functions whose derivative is known, and the table that finds them.

A primitive is a NumPy function (or yours) together with one vector-Jacobian
product per array argument.  With this file a reader can

* give a new function a derivative:      ``@primitive`` and ``f.defvjp(...)``
* give somebody else's function one:     ``defvjp(scipy.special.erf, ...)``

A rule is ordinary NumPy, ``vjp(g, out, *args, **kwargs)``: ``g`` is the cotangent
of ``out``, the result is the cotangent of one argument.  Handed arrays it runs
bare; handed Tensors it records itself, and so is differentiable again.

A parameter whose name begins with an underscore is *not read* by the rule, except
for its shape and dtype: for large arrays only those two are kept (a :class:`Spec`),
so ``lambda g, _out, _x, _y: g`` saves no memory-hungry array at all.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from autograd_core.errors import NotDifferentiableError

Rule = Callable[..., Any]
Function = TypeVar("Function", bound=Callable[..., Any])

#: Arrays of at most this many bytes are kept whole even where a rule ignores their values:
#: below it the bookkeeping costs more than the memory.
SMALL = 4096


class Spec:
    """What is left of an array whose values no rule reads: its shape and dtype."""

    __slots__ = ("dtype", "shape")
    nbytes = 0  # of values held

    def __init__(self, array: Any) -> None:
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[Any] = array.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    def __repr__(self) -> str:
        return f"Spec(shape={self.shape}, dtype={self.dtype})"


class Operand:
    """What answers for a primitive: a class whose instances record what is done to them."""

    __slots__ = ()

    @staticmethod
    def _apply(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise TypeError(f"an Operand must say how it records {primitive.name}")


class Each:
    """The rules of a function of a list: one rule for all its members, told which one is asked.

    ``rule(i, g, out, *arrays, **kwargs)`` is the cotangent of ``arrays[i]``.
    """

    __slots__ = ("rule",)

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __iter__(self) -> Iterator[Rule]:
        return (functools.partial(self.rule, i) for i in itertools.count())

    def __len__(self) -> int:
        return 1 << 30  # any number of arrays


def _parameters(rule: Rule) -> tuple[list[str], str, list[str], bool]:
    """A rule's positional parameters, its ``*rest``, those by keyword, and if it has ``**``.

    Read from the code object: ``inspect.signature`` of all rules would double the import time.
    """
    code = getattr(rule, "__code__", None)
    if code is None or hasattr(rule, "__wrapped__"):
        of = inspect.signature(rule).parameters.values()
        rest = [p.name for p in of if p.kind is p.VAR_POSITIONAL]
        return (
            [p.name for p in of if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)],
            rest[0] if rest else "",
            [p.name for p in of if p.kind is p.KEYWORD_ONLY],
            any(p.kind is p.VAR_KEYWORD for p in of),
        )
    n, end = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames
    starred = bool(code.co_flags & inspect.CO_VARARGS)
    return (
        list(names[:n]),
        names[end] if starred else "",
        list(names[n:end]),
        bool(code.co_flags & inspect.CO_VARKEYWORDS),
    )


class Primitive:
    """A function with derivative rules; calling it on Tensors records one node.

    Parameters
    ----------
    fun
        The forward function on arrays.  It may return one array, or a tuple or list.
    name
        What pictures and errors call it; by default ``fun.__name__``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> @ag.primitive
    ... def cube(x):
    ...     return x * x * x
    >>> cube.defvjp(lambda g, out, x: g * 3 * x * x)
    cube
    >>> ag.grad(cube)(2.0)
    np.float64(12.0)
    """

    def __init__(self, fun: Callable[..., Any], name: str | None = None) -> None:
        self.fun = fun
        self.name: str = name or str(getattr(fun, "__name__", fun))
        self.vjps: Sequence[Rule | None] | Each | None = None
        self.joint: Rule | None = None
        self.differentiable = False  # whether it has rules
        self.each = False  # takes a list of arrays as its first argument
        self.elementwise = False  # out[i] depends on args[i] alone
        self.masks = False  # some elements of its arguments are not taken
        self.linear = False  # its rules read no values: a cotangent of 0 gives 0
        self.saves_out = True
        self.saves: tuple[bool, ...] = ()  # whether the values of argument i are read; () is all
        self.saves_rest = True  # whether those of a list, or beyond ``saves``, are
        self.dropped: tuple[int, ...] = ()  # the arguments whose values are not read
        self.lean = False  # some value is not read
        self.simple = False  # one rule for every argument
        self.width = 0  # how many arguments have rules
        self.most: float = 0  # how many arguments, those by keyword aside, the rules take
        self.partial = False  # some leading argument has no rule
        self.parameters: tuple[str, ...] = ()  # of the rules, after g and out
        self.keywords: frozenset[str] = frozenset()
        functools.update_wrapper(self, fun, updated=())
        self.__name__ = self.name

    def __repr__(self) -> str:
        return self.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for a in args:
            if isinstance(a, Operand):
                return a._apply(self, args, kwargs)
        for a in (*args, *kwargs.values()):
            for member in a if isinstance(a, (list, tuple)) else (a,):
                if isinstance(member, Operand):
                    return member._apply(self, args, kwargs)
        return self.fun(*args, **kwargs)

    def defvjp(
        self,
        *vjps: Rule | None,
        each: Rule | None = None,
        joint: Rule | None = None,
        elementwise: bool = False,
        masks: bool = False,
    ) -> Primitive:
        """Give the function its vector-Jacobian products.

        Parameters
        ----------
        *vjps
            One rule ``(g, out, *args, **kwargs) -> cotangent`` per leading argument;
            None for an argument without gradient.  The engine sums the result to the
            argument's shape where it was broadcast, and casts it to its dtype.
        each
            Instead, for a function of a list of arrays: ``(i, g, out, *arrays, **kwargs)``.
        joint
            Instead, one rule that returns the cotangents of all leading arguments at once,
            as a tuple; for rules that share most of their work.
        elementwise
            ``out[i]`` depends on element ``i`` of each (broadcast) argument alone.
        masks
            Elements of an argument may not be taken (``where``): there the rule gives exactly 0,
            and the gradient below is 0 whatever the derivatives are.
        """
        given = (bool(vjps), each is not None, joint is not None)
        if sum(given) != 1:
            raise TypeError(
                f"{self.name}.defvjp takes rules for the arguments, or each=, or joint=: "
                f"exactly one of the three, got {sum(given)}"
            )
        rules = [r for r in (*vjps, each, joint) if r is not None]
        if not rules:
            raise TypeError(f"{self.name}.defvjp: every rule is None, so nothing is differentiable")
        skip = 3 if each else 2
        positional: list[list[str]] = []
        most = math.inf
        known: dict[str, None] = {}
        for rule in rules:
            names, rest, by_keyword, catch_all = _parameters(rule)
            if len(names) < skip and not rest:
                raise TypeError(
                    f"{self.name}: a rule takes (g, out, *args), but this one takes only "
                    f"{tuple(names)}"
                )
            if catch_all:
                raise TypeError(
                    f"{self.name}: a rule names every keyword that it knows; **kwargs would let "
                    "an unknown one change the value but not the gradient"
                )
            positional.append(names)
            most = most if rest else min(most, len(names) - skip)
            known.update(dict.fromkeys(n.lstrip("_") for n in names[skip:]))
            known.update(dict.fromkeys([rest.lstrip("_")] if rest else []))
            known.update(dict.fromkeys(by_keyword))
            if each:
                self.saves_rest = not rest.startswith("_")
        self.vjps = Each(each) if each else (tuple(vjps) or None)
        self.partial = None in vjps
        self.differentiable = True
        self.joint, self.each, self.elementwise, self.masks = joint, bool(each), elementwise, masks
        self.parameters = tuple(known)
        self.keywords = frozenset(known)
        self.saves_out = any(not n[skip - 1 : skip] or n[skip - 1][0] != "_" for n in positional)
        width = min(len(n) for n in positional) - skip
        self.saves = tuple(
            any(n[skip + i][0] != "_" for n in positional) for i in range(max(width, 0))
        )
        self.dropped = tuple(i for i, keep in enumerate(self.saves) if not keep)
        self.width = len(rules) if each or joint else len(vjps)
        self.most = most
        self.simple = not (each or joint or self.partial)
        self.lean = not (self.saves_out and self.saves_rest and all(self.saves))
        read = self.saves if joint else self.saves[: len(vjps)]
        self.linear = not (self.saves_out or any(read) or (each and self.saves_rest))
        return self

    def by_keyword(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Options that came by position, and that the rules take by keyword alone."""
        names = _parameters(self.fun)[0] if hasattr(self.fun, "__code__") else []
        most = int(self.most)
        extra = dict(zip(names[most:], args[most:], strict=False))
        if len(extra) < len(args) - most or extra.keys() - self.keywords or extra.keys() & kwargs:
            raise NotDifferentiableError(
                f"{self.name} was called with {len(args)} arguments, and its rule takes {most}: "
                f"hand the others by keyword ({', '.join(sorted(self.keywords)) or 'none known'})"
            )
        return args[:most], {**kwargs, **extra}

    def bind(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Move arrays that came by keyword to their place, and refuse unknown keywords."""
        unknown = kwargs.keys() - self.keywords
        if unknown:
            raise NotDifferentiableError(
                f"np.{self.name} has no derivative rule for the keyword "
                f"{', '.join(sorted(unknown))}=; its rule knows "
                f"{', '.join(sorted(self.keywords)) or 'none'}. Leave it out, or detach() the "
                "Tensor if no gradient is wanted"
            )
        count = 1 if self.each else len(self.vjps or ())
        names = list(self.parameters)[:count]
        if not self.each and any(n in kwargs for n in names):
            kwargs = dict(kwargs)
            moved = list(args)
            for name in names[len(args) :]:
                if name not in kwargs:
                    break
                moved.append(kwargs.pop(name))
            args = tuple(moved)
        return args, kwargs

    def thin(self, out: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Replace large arrays whose values no rule reads by their :class:`Spec`."""
        if not self.saves_out and isinstance(out, np.ndarray) and out.nbytes > SMALL:
            out = Spec(out)
        kept: list[Any] | None = None
        dropped = self.dropped if self.saves_rest else range(len(args))
        for i in dropped:
            a = args[i] if i < len(args) else None
            if isinstance(a, np.ndarray) and a.nbytes > SMALL:
                kept = kept or list(args)
                kept[i] = Spec(a)
        if kept is not None:
            args = tuple(kept)
        return out, args


#: Every function with rules.  A new function is one line: ``defvjp(np.f, rule, ...)``.
table: dict[Callable[..., Any], Primitive] = {}

#: Functions written as a composition of dispatching NumPy: they need no rule of their own.
compositions: dict[Callable[..., Any], Callable[..., Any]] = {}

#: Asked for the primitive of a ufunc that is not in the table, when it first meets a Tensor: for
#: packages whose functions get rules without being imported.
finders: list[Callable[[Any], Primitive | None]] = []

#: Functions whose result is piecewise constant or not a number: plain results, no gradient.
plain: set[Callable[..., Any]] = set()


def primitive_of(fun: Callable[..., Any]) -> Primitive:
    """The table's entry for ``fun``, made (still without rules) if it is the first request."""
    if isinstance(fun, Primitive):
        return fun
    if fun not in table:
        table[fun] = Primitive(fun)
    return table[fun]


def primitive(fun: Callable[..., Any]) -> Primitive:
    """Decorate a function on arrays, so that it can be given a derivative.

    Returns
    -------
    Primitive
        Called on arrays it is the function; called on Tensors it records one node.
        Give it rules with ``.defvjp``.
    """
    return Primitive(fun)


def defvjp(fun: Callable[..., Any], *vjps: Rule | None, **options: Any) -> Primitive:
    """Give a function that dispatches (a ufunc, or a NEP 18 function) its derivative.

    The same as ``f.defvjp`` (see :meth:`Primitive.defvjp`) for functions of other packages.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> _ = ag.defvjp(np.cbrt, lambda g, out, x: g / (3 * out * out))
    >>> ag.grad(np.cbrt)(8.0).round(6)
    np.float64(0.083333)
    """
    dispatches = isinstance(fun, (np.ufunc, Primitive)) or hasattr(fun, "__wrapped__")
    if not dispatches and not hasattr(fun, "_implementation"):
        raise TypeError(
            f"{fun!r} does not dispatch through NumPy's protocols, so a Tensor would never reach "
            "its rule; decorate it with @ag.primitive and call the result instead"
        )
    return primitive_of(fun).defvjp(*vjps, **options)


def composition(fun: Callable[..., Any]) -> Callable[[Function], Function]:
    """Register the decorated function as what ``fun`` does on Tensors."""

    def register(implementation: Function) -> Function:
        compositions[fun] = implementation
        return implementation

    return register
