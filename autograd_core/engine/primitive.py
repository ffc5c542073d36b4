"""Primitives: functions whose derivative is known, and the table that finds them.

A primitive is a NumPy function (or yours) together with one vector-Jacobian
product per array argument.  With this file a reader can

* give a new function a derivative:      ``@primitive`` and ``f.defvjp(...)``
* give another library's function one:   ``defvjp(scipy.special.erf, ...)``

A rule is ordinary NumPy, ``vjp(g, out, *args, **kwargs)``: ``g`` is the cotangent
of ``out``, the result is the cotangent of one argument.  Given arrays it runs as plain
NumPy; given Tensors it records itself, and so can be differentiated again.

A parameter whose name begins with an underscore is *not read* by the rule, except
for its shape and dtype: large arrays are then reduced to these two (a :class:`ShapeDtype`),
so ``lambda g, _out, _x, _y: g`` keeps no large array alive.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

import numpy as np

from autograd_core.engine.operands import BatchedBase, with_batch_rule
from autograd_core.engine.operands import Operand as Operand
from autograd_core.engine.operands import ShapeDtype as ShapeDtype
from autograd_core.engine.rule_record import ANY_NUMBER, Parameters, Rule, Rules, signature_of
from autograd_core.errors import InPlaceError, NotDifferentiableError

Flops = Callable[..., float]
Function = TypeVar("Function", bound=Callable[..., Any])

#: Arrays of at most this many bytes are kept whole even where no rule reads their values:
#: below it the bookkeeping costs more than the memory.
SMALL = 4096

#: Types of arrays that are released where no rule reads their values.
_RELEASED = (np.ndarray, BatchedBase)

#: What a primitive may declare itself to be: pictures colour by it, and it gives the default
#: count of floating-point operations.
KINDS = ("elementwise", "product", "reduction", "view")


#: Keywords of other libraries, and NumPy's.
OUR_WORDS = {"dim": "axis", "dims": "axis", "keepdim": "keepdims"}

#: The spellings of defvjp's options in version 0.1.
_RENAMED = {"each": "vjp_list", "joint": "vjp_all", "masks": "selects"}


class Primitive:
    """A function with derivative rules; calling it on Tensors records one node.

    Parameters
    ----------
    fun
        The forward function on arrays.  It may return one array, or a tuple or list.
    name
        What pictures and errors call it; by default ``fun.__name__``.
    kind
        What it is to a picture and to ``ag.profile``: one of :data:`KINDS`.
    flops
        How many floating-point operations a call takes: a function
        ``flops(out, *args, **kwargs)`` that reads shapes alone.  By default none for a view, one
        per element of the largest argument for a reduction, one per element of the result for
        others; for a Python function without a kind, the sum of what it calls.

    opaque
        Whether it is one line of a compiled program, and so are its rules: one made of a loop.

    Attributes
    ----------
    rules : Rules or None
        The derivative rules, once :meth:`defvjp` was called.

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

    #: Whether a level of vmap ends here: a sweep that passes sums over the batch beyond.
    ends_level = False

    def __init__(
        self,
        fun: Callable[..., Any],
        name: str | None = None,
        *,
        kind: str = "",
        flops: Flops | None = None,
        opaque: bool = False,
    ) -> None:
        self.fun, self.opaque = fun, opaque
        self.name: str = name or str(getattr(fun, "__name__", fun))
        self.rules: Rules | None = None
        self.commutative = False
        self._declare(kind, flops)
        functools.update_wrapper(self, fun, updated=())
        self.__name__ = self.name

    def _declare(self, kind: str, flops: Flops | None) -> None:
        if kind and kind not in KINDS:
            raise ValueError(f"{self.name}: kind is one of {', '.join(KINDS)}, got {kind!r}")
        self.kind, self.flops = kind, flops
        self.makes_views = kind == "view"

    def __repr__(self) -> str:
        return self.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for a in args:
            if isinstance(a, Operand):
                return a.apply_primitive(self, args, kwargs)
        for a in (*args, *kwargs.values()):
            for member in a if isinstance(a, (list, tuple)) else (a,):
                if isinstance(member, Operand):
                    return member.apply_primitive(self, args, kwargs)
        if kwargs and not OUR_WORDS.keys().isdisjoint(kwargs):
            self.refuse_unknown(kwargs)
        return self.fun(*args, **kwargs)

    def defvjp(
        self,
        *vjps: Rule | None,
        vjp_list: Rule | None = None,
        vjp_all: Rule | None = None,
        elementwise: bool = False,
        selects: bool = False,
        kind: str = "",
        flops: Flops | None = None,
        commutative: bool = False,
        **renamed: Any,
    ) -> Primitive:
        """Give the function its vector-Jacobian products.

        Parameters
        ----------
        *vjps
            One rule ``(g, out, *args, **kwargs) -> cotangent`` per leading argument;
            None for an argument without gradient.  The engine sums the result to the
            argument's shape where it was broadcast, and casts it to its dtype.
        vjp_list
            Instead, for a function of a list of arrays: ``(i, g, out, *arrays, **kwargs)``.
        vjp_all
            Instead, one rule that returns the cotangents of all leading arguments at once,
            as a tuple; for rules that share most of their work.
        elementwise
            ``out[i]`` depends on element ``i`` of each (broadcast) argument alone.
        selects
            Elements of an argument may not influence the result (``where``): there the rule gives
            exactly 0, and the gradient below is 0 whatever the derivatives are.
        kind, flops
            As in :class:`Primitive`, for functions of other packages.  The kind of an
            ``elementwise`` primitive is "elementwise" unless another is given.
        commutative
            The result is the same in any order of the arguments; pictures number those of others.

        Returns
        -------
        Primitive
            The primitive itself.
        """
        for old in renamed.keys() & _RENAMED.keys():
            warnings.warn(
                f"defvjp({old}=...) is now spelled {_RENAMED[old]}=",
                DeprecationWarning,
                stacklevel=2,
            )
        renamed = {_RENAMED.get(k, k): v for k, v in renamed.items()}
        vjp_list = renamed.pop("vjp_list", vjp_list)
        vjp_all = renamed.pop("vjp_all", vjp_all)
        selects = renamed.pop("selects", selects)
        if renamed:
            raise TypeError(f"{self.name}.defvjp has no option {', '.join(renamed)}")
        self.rules = Rules.of(self.name, vjps, vjp_list, vjp_all, elementwise, selects)
        for derived in ("parameters", "argument_names", "first_option"):  # of rules it had before
            self.__dict__.pop(derived, None)
        self.commutative = commutative
        kind = kind or self.kind or ("elementwise" if elementwise else "")
        self._declare(kind, flops or self.flops)
        return self

    def defbatch(self, rule: Callable[..., Any]) -> Primitive:
        """Say how the function runs on a whole batch under :func:`ag.vmap`.

        Without it the function runs on batched arrays as they are, which answer NumPy's functions;
        what fails there runs once for each example, which is right, and slower.

        Parameters
        ----------
        rule
            Called as ``rule(size, batched, *args, **kwargs)``: ``batched[i]`` tells whether the
            ``i``-th argument, those by keyword last, has the batch, of ``size`` examples, as an
            axis in front.  It returns an array, or a tuple of arrays, with the batch in front.

        Returns
        -------
        Primitive
            The primitive itself.

        Examples
        --------
        >>> import numpy as np, autograd_core as ag
        >>> @ag.primitive
        ... def total(x):
        ...     return x.sum()
        >>> total.defbatch(lambda size, batched, x: x.reshape(size, -1).sum(1))
        total
        >>> ag.vmap(total)(np.ones((2, 3)))
        array([3., 3.])
        """
        self.fun = with_batch_rule(self.fun, rule)
        return self

    def with_function(self, fun: Callable[..., Any]) -> Primitive:
        """Return a primitive with the same facts and rules and another forward function."""
        other = Primitive(fun, self.name, kind=self.kind, flops=self.flops, opaque=self.opaque)
        other.rules, other.commutative = self.rules, self.commutative
        return other

    @functools.cached_property
    def signature(self) -> Parameters | None:
        """The parameters of the function, where they are known."""
        return signature_of(self.fun)

    @functools.cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the function's positional parameters, or of its rules' if it has none."""
        if self.signature is not None and self.signature.positional:
            return self.signature.positional
        return self.rules.names if self.rules is not None else ()

    @functools.cached_property
    def argument_names(self) -> tuple[str, ...]:
        """The names of the arguments; a loss calls the values that it compares with ``target``."""
        return tuple(name.lstrip("_") for name in self.parameters)

    def bind(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Bring a call of a primitive with rules into the one form that its rules expect.

        Arrays that have rules become positional and options become keywords, so that an option by
        position and the same one by keyword are the same call.  The members of a list argument
        become arguments of their own.

        Raises
        ------
        NotDifferentiableError
            For an option that the rules do not know.
        """
        rules, names, place = self.rules, self.parameters, self.first_option
        assert rules is not None
        options = dict(kwargs)
        rest = args[place:]
        if rules.takes_list:
            if not args:
                raise TypeError(f"{self.name} takes its list of arrays as the first argument")
            args = tuple(a if hasattr(a, "shape") else np.asarray(a) for a in args[0])
        elif rest:
            args = args[:place]
        else:
            for i, name in enumerate(names[len(args) : place] if options else (), len(args)):
                if name not in options or (i >= rules.n_arrays and name in rules.options):
                    break
                args = (*args, options.pop(name))
        if rest:
            by_name = dict(zip(names[place:], rest, strict=False))
            known = (rules.options | {"out"}) - options.keys()
            if len(by_name) < len(rest) or not by_name.keys() <= known:
                raise NotDifferentiableError(
                    f"{self.name} was called with {place + len(rest)} arguments, and its rule "
                    f"takes {place}: pass the others by keyword, each once "
                    f"({', '.join(sorted(rules.options)) or 'none known'})"
                )
            options |= by_name
        if options.pop("out", None) is not None:
            raise InPlaceError(out_refused(self.name))
        if not options.keys() <= rules.options:
            self.refuse_unknown(options)
            raise NotDifferentiableError(
                f"{self.name} has no derivative rule for the keyword "
                f"{', '.join(sorted(options.keys() - rules.options))}=; its rule knows "
                f"{', '.join(sorted(rules.options)) or 'none'}. Leave it out, or detach() the "
                "Tensor if no gradient is wanted"
            )
        return args, options

    @functools.cached_property
    def first_option(self) -> int:
        """The position from which on every argument can be passed to the rules by keyword."""
        rules, names = self.rules, self.parameters
        assert rules is not None
        if rules.takes_list:
            return 1
        if rules.max_args == math.inf or (self.signature is not None and self.signature.rest):
            return ANY_NUMBER
        place = min(int(rules.max_args), len(names))
        shared = [n for n in rules.names if n in names]
        if shared == [n for n in names if n in shared]:  # else position and name mean two things
            while place > rules.n_rules and names[place - 1] in (*rules.options, "out"):
                place -= 1
        return place

    def refuse_unknown(self, options: Iterable[str]) -> None:
        """Raise Python's own error for keywords that the function itself does not take."""
        known = self.signature
        if known is not None and not known.catch_all:
            for name in {*options} - {*known.positional, *known.keyword_only}:
                ours = OUR_WORDS.get(name, "")
                ours = f"; NumPy's word is {ours}=" if ours in known.positional else ""
                raise TypeError(f"{self.name}() got an unexpected keyword argument {name!r}{ours}")

    def drop_unread(self, out: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Replace large arrays whose values no rule reads by their :class:`ShapeDtype`."""
        rules = self.rules
        assert rules is not None
        if not rules.reads_out and isinstance(out, _RELEASED) and out.nbytes > SMALL:
            out = ShapeDtype(out)
        kept: list[Any] | None = None
        unread = rules.unread
        if rules.takes_list and not rules.reads_rest:
            unread = (*unread, *range(len(rules.reads_args), len(args)))
        for i in unread:
            a = args[i] if i < len(args) else None
            if isinstance(a, _RELEASED) and a.nbytes > SMALL:
                kept = kept or list(args)
                kept[i] = ShapeDtype(a)
        return out, args if kept is None else tuple(kept)


def out_refused(name: str) -> str:
    """Return the message for a call that records and writes into one of its arguments."""
    return (
        f"{name} with out= (or copy=False) would overwrite values that the graph needs; write "
        f"the functional form, y = {name}(...)"
    )


def cut_refused(what: str, made: str) -> str:
    """Return the message for a write under ``no_grad`` into what ``made`` had recorded."""
    return (
        f"{what} a recorded value (made by {made}) under no_grad would cut it from its history, "
        "and its gradient with it; do it outside no_grad, or on y = y.detach()"
    )


def augmented_refused(name: str) -> str:
    """Return the message for an augmented assignment of a Tensor to a plain array."""
    sign = {"add": "+", "subtract": "-", "multiply": "*", "true_divide": "/", "divide": "/"}
    sign |= {"power": "**", "matmul": "@", "remainder": "%"}
    o = sign.get(name.rpartition(".")[2], "+")
    return (
        f"u {o}= t of a plain array u and a recorded Tensor t would lose the gradient of t; write "
        f"u = u {o} t, or make u a Tensor to begin with: np.zeros_like(t), np.zeros(n, like=t)"
    )


#: Every function with rules.  A new function is one line: ``defvjp(np.f, rule, ...)``.
table: dict[Callable[..., Any], Primitive] = {}

#: Functions written as a composition of dispatching NumPy: they need no rule of their own.
compositions: dict[Callable[..., Any], Callable[..., Any]] = {}

#: Called for the primitive of a ufunc that is not in the table, when it first meets a Tensor: for
#: packages whose functions get rules without being imported.
finders: list[Callable[[Any], Primitive | None]] = []

#: Functions whose result is piecewise constant or not a number: they return unrecorded results.
NON_DIFFERENTIABLE: set[Callable[..., Any]] = set()


def primitive_of(fun: Callable[..., Any]) -> Primitive:
    """Return the table's entry for ``fun``, made (without rules yet) at the first request."""
    if isinstance(fun, Primitive):
        return fun
    if fun not in table:
        table[fun] = Primitive(fun)
    return table[fun]


@overload
def primitive(fun: Callable[..., Any]) -> Primitive: ...
@overload
def primitive(
    *, kind: str = "", flops: Flops | None = None, opaque: bool = False
) -> Callable[[Callable[..., Any]], Primitive]: ...
def primitive(
    fun: Callable[..., Any] | None = None, *, kind: str = "", flops: Flops | None = None,
    opaque: bool = False,
) -> Any:  # fmt: skip
    """Decorate a function on arrays, so that it can be given a derivative.

    Parameters
    ----------
    fun
        The function; left out where options are given.
    kind, flops, opaque
        As in :class:`Primitive`.

    Returns
    -------
    Primitive
        Called on arrays it is the function; called on Tensors it records one node.
        Give it rules with ``.defvjp``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> @ag.primitive(kind="product", flops=lambda out, a, b: 2 * out.size * a.shape[-1])
    ... def product(a, b):
    ...     return a @ b
    >>> product.kind
    'product'
    """
    if fun is None:
        return functools.partial(Primitive, kind=kind, flops=flops, opaque=opaque)
    return Primitive(fun, kind=kind, flops=flops, opaque=opaque)


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
    """Register the decorated function as what ``fun`` does on Tensors.

    It is written with functions that dispatch, so it needs no rule of its own.
    """

    def register(implementation: Function) -> Function:
        compositions[fun] = implementation
        return implementation

    return register
