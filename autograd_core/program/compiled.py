"""``ag.compile``: trace a function once for each form of its arguments, then run the program.

A function is traced twice: numbers that differ between the traces are no constants, and are
refused.  Programs of one signature form a tree by the outcomes of their guards.
"""

from __future__ import annotations

import functools
import importlib
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograd_core.engine.graph import RECORD, mode
from autograd_core.errors import CompileError
from autograd_core.program.passes import PASSES
from autograd_core.program.readable import as_function, readable
from autograd_core.program.recording import (
    EXTEND,
    CaughtError,
    IsRecorded,
    Slot,
    form,
    is_input,
    record,
    settled,
)
from autograd_core.program.saved import save
from autograd_core.program.source import Miss
from autograd_core.program.state import MISSING
from autograd_core.program.trace import trace
from autograd_core.program.version import NUMBERS, Version

#: How many programs a signature may have before the function is run eagerly.
LIMIT = 16

#: Held while a function is traced, when its arrays are exchanged for traced ones.
_tracing = threading.RLock()


class _Family:
    """The versions of one signature, the last that was made first."""

    def __init__(self) -> None:
        self.versions: list[Version] = []
        self.volatile: set[Slot] = set()
        self.count = self.unsettled = self.clashes = 0
        self.trouble: Exception | None = None


class Compiled:
    """A compiled function; see :func:`compile`.

    A call that records, or that is traced itself, calls the function.

    Attributes
    ----------
    f
        The function that was given.
    traces
        How often it was traced to a program.

    Examples
    --------
    >>> import autograd_core as ag, numpy as np
    >>> slope = ag.compile(ag.grad(lambda w: np.sum(np.tanh(w) ** 2)))
    >>> slope(np.zeros(2)), slope(np.zeros(3)), slope.traces     # two forms of the argument
    (array([0., 0.]), array([0., 0., 0.]), 2)
    >>> print(slope.source, end="")
    def program(w):
        tanh = np.tanh(w)...
        d_w = 2 * tanh * (1 - tanh * tanh)...
        return d_w
    """

    def __init__(
        self, f: Callable[..., Any], limit: int, check: bool, options: dict[str, Any]
    ) -> None:
        functools.update_wrapper(self, f)
        self.f, self.limit, self.check, self.options, self.traces = f, limit, check, options, 0
        self.__name__: str = getattr(f, "__name__", type(f).__name__)
        self.numbers: tuple[type, ...] = (float,)
        self._families: dict[Any, _Family] = {}
        self._latest: Version | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bits, arrays = mode.get(), list[Any]()
        if bits & ~RECORD or trace.get() is not None:
            return self.f(*args, **kwargs)
        parts: list[Any] = [bits]
        try:
            for a in args:
                if a.__class__ is np.ndarray:  # the common case
                    arrays.append(a)
                    parts.append((a.shape, a.dtype, a.strides))
                else:
                    parts.append(form(a, arrays, self.numbers))
            if kwargs:
                parts.append(form(kwargs, arrays, self.numbers))
        except IsRecorded:
            return self.f(*args, **kwargs)
        key = tuple(parts)
        family = self._families.get(key)
        if family is None:
            if len(self._families) == self.limit and int not in self.numbers:
                self.numbers = NUMBERS  # whole numbers change, too
                return self(*args, **kwargs)
            if len(self._families) == 2 * self.limit:
                self._warn(f"was compiled for {2 * self.limit} forms of its arguments", "")
            family = self._families[key] = _Family()
        candidates = family.versions
        for _ in range(self.limit + 1):
            for version in candidates:
                inputs = version.holds()
                if inputs is not None:
                    break
            else:
                made = self._traced(family, args, kwargs, candidates)
                if made is None:
                    break
                inputs = made.holds()
                if self.check and not made.clashes([*arrays, *inputs]):
                    found = made.compare([*arrays, *inputs], lambda: self.f(*args, **kwargs))
                    candidates.insert(0, made)
                    return found
                candidates.insert(0, made)
                version = made
            values = [*arrays, *inputs]
            if version.clashes(values):
                family.clashes += 1
                if family.clashes == self.limit:
                    self._warn(
                        "is given memory that it also writes into, by two ways, at nearly every "
                        "call, which no program does"
                    )
                break
            try:
                found = version.call(values)
            except Exception:  # the function may know what to do; if not, the error is its own
                return version.retried(lambda: self.f(*args, **kwargs))
            if type(found) is not Miss:
                return found
            candidates = version.others.setdefault(found.guard, [])
        trouble, family.trouble = family.trouble, None
        result = self.f(*args, **kwargs)
        if trouble is not None:  # in tracing alone
            family.count = self.limit
            self._warn(f"could not be traced ({type(trouble).__name__}: {trouble})")
            family.count += 1
        return result

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    @property
    def source(self) -> str:
        """The mathematics of the program that was made last, as NumPy with names of the user's.

        A comment gives the shape of each result, and the line of the user's code; guards are
        ``assert``.  It is Python, and computes the same to rounding.
        """
        return readable(self._version.program, self.__name__)

    @property
    def code(self) -> str:
        """The source that runs: every array allocated beforehand, and one call a line."""
        return self._version.source.text

    def save(self, path: str | Path) -> None:
        """Write the program that was made last as a module that needs NumPy alone.

        It holds for arguments of one form, and for the branches that were taken; a guard is an
        ``assert``.  State, as it is now, becomes variables of the module; calls go on from there.
        CompileError says what cannot stand alone: another package, or a generator.

        Parameters
        ----------
        path
            The module, a file that ends in ``.py``; its last function has the name and the
            arguments of this one.  Large arrays are kept in an ``.npz`` file beside it.

        Examples
        --------
        >>> import autograd_core as ag, numpy as np, runpy, tempfile
        >>> accumulated = lambda total: ag.compile(lambda x: np.add(total, x, out=total).copy())
        >>> add = accumulated(np.zeros(2))
        >>> _ = add(np.array([1.0, 2.0]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     add.save(folder + "/saved.py")
        ...     saved = runpy.run_path(folder + "/saved.py")
        >>> saved["program"](np.array([1.0, 2.0]))
        array([2., 4.])
        """
        version = self._version
        save(version.program, self.__name__, path, state=version.state())

    def draw(self, *args: Any, **options: Any) -> Any:
        """Draw the program that was made last: every line of :attr:`source`, updates included.

        Parameters
        ----------
        *args
            Arguments of the compiled function.
        **options
            Those of :func:`ag.draw`.
        """
        f, given = self._as_function(args)
        return importlib.import_module("autograd_core").draw(f, *given, **options)

    def profile(self, *args: Any) -> Any:
        """Measure every line of :attr:`source`, each by itself: time, memory, operations.

        Returns
        -------
        Profile
            See :func:`ag.profile`; the program itself is quicker, as it allocates nothing.
        """
        f, given = self._as_function(args)
        return importlib.import_module("autograd_core").profile(f, *given, backward=False)

    def _as_function(self, args: Any) -> tuple[Callable[..., Any], list[Any]]:
        """Return the program as a function of Tensors, and copies of all that it reads."""
        self(*args)
        version, arrays = self._version, list[Any]()
        form((args, {}), arrays, self.numbers)
        given = [*arrays, *(plain for _, plain, _ in version.state().values)]
        return as_function(version.program, self.__name__, given)

    @property
    def _version(self) -> Version:
        if self._latest is None:
            raise CompileError(
                f"{self.__name__} was not compiled yet: call it once, or twice if the first call "
                "makes state, as that of a step of Adam does"
            )
        return self._latest

    def _traced(
        self, family: _Family, args: Any, kwargs: Any, near: list[Version]
    ) -> Version | None:
        """Return a new version; None if this call is to be made eagerly."""
        with _tracing:
            if family.count >= self.limit:
                if family.count == self.limit:
                    self._warn(
                        f"was traced {self.limit} times for arguments of one form: it takes other "
                        "ways through its code, or what it reads changes, at nearly every call "
                        "(np.where has no branches, and what is an argument may change)"
                    )
                family.count += 1
                return None
            for version in near[:1]:
                family.volatile |= version.changed()
            try:
                version_or_none = self._recorded(family, args, kwargs)
            except CaughtError:  # this call is not what others are like
                family.count += 1
                return None
            except CompileError:
                raise
            except Exception as error:  # the user's, as the call will tell
                family.trouble = error
                return None
            if version_or_none is not None:
                family.count += 1
                self.traces += 1
                self._latest = version_or_none
            return version_or_none

    def _recorded(self, family: _Family, args: Any, kwargs: Any) -> Version | None:
        while True:
            first = record(self.f, args, kwargs, family.volatile, (), int in self.numbers)
            more = {e.slot for e in first.effects if is_input(e.old)}
            more -= family.volatile | {slot.slot for slot in first.slots}
            if not more:
                break
            family.volatile |= more
        if any(e.old is MISSING for e in first.effects) and family.unsettled < 2:
            family.unsettled += 1  # the first steps make their state
            return None
        growing = {id(e.place.holder) for e in first.effects if e.key is EXTEND}
        whole_numbers = int in self.numbers
        try:  # what gradients the Tensors have now may make no difference
            other = record(self.f, args, kwargs, family.volatile, growing, whole_numbers, True)
            alike = other.is_like(first)
        except Exception:
            alike = False
        if alike:
            second, first = first, other
            second.read = other.read
            unread = [s for s in second.slots if s.place.is_gradient(s.key)]
            dropped = {id(v) for s in unread for v in s.inputs}
            second.slots = [s for s in second.slots if s not in unread]
            inputs = second.program.inputs
            inputs[:] = [v for v in inputs if id(v) not in dropped]
        else:
            second = record(self.f, args, kwargs, family.volatile, growing, whole_numbers)
        program = settled(first, second, self.__name__)
        for apply in PASSES:
            program = apply(program)
        return Version(second, program, self.__name__, self.options)

    def _warn(self, what: str, then: str = "; it is run eagerly from here on") -> None:
        warnings.warn(f"{self.__name__} {what}{then}", stacklevel=4)

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}, {self.traces} programs>"

    def __reduce__(self) -> Any:
        return Compiled, (self.f, self.limit, self.check, self.options)


def compile(
    f: Callable[..., Any] | None = None, *, check: bool = True, blocks: bool = True,
    threads: int = 1, limit: int = LIMIT,
) -> Any:  # fmt: skip
    """Return a function that computes the same as ``f`` by a program of NumPy calls.

    The first call of each form of arguments traces ``f``; later ones run what was traced.  Where
    a branch on a value comes out otherwise, another program is made.  What ``f`` changes (Tensors,
    arrays, variables, generators) changes as it does eagerly.  Python that is not NumPy, such as
    ``print``, happens while ``f`` is traced and checked alone; ``autograd_core/program/README.md``
    has the limits.

    Parameters
    ----------
    f
        A function of arrays; a derivative, ``ag.compile(ag.grad(f))``; or a training step with
        its effects, such as ``loss.backward()`` and ``optimizer.step()``.  Left out where options
        are given to a decorator, ``@ag.compile(check=False)``.
    check
        Whether the first run of each program is compared with ``f`` itself, result and state.
    blocks
        Whether chains of operations on large arrays run block by block, in the cache of a core;
        sums then add in another order, and differ by rounding.  Without, all is equal bit for bit.
    threads
        How many threads share the blocks.
    limit
        How many programs are made for arguments of one form, as branches are taken or names
        rebound, before it is run eagerly, with a warning.

    Returns
    -------
    Compiled
        A callable, with the readable ``source`` of its program.

    Raises
    ------
    CompileError
        At a call that is traced, before anything was changed: if the function needs a number of a
        traced array, does not do the same twice, or changes what it was given.

    Examples
    --------
    >>> import autograd_core as ag, numpy as np
    >>> slope = ag.compile(ag.grad(lambda x: (x**3).sum()))
    >>> slope(np.array([1.0, 2.0]))
    array([ 3., 12.])

    A step with its state:

    >>> def descent(w, rate):
    ...     def step(x):
    ...         np.sum((x @ w) ** 2).backward()
    ...         w.data, w.grad = w.data - rate * w.grad.numpy(), None
    ...     return ag.compile(step)
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> descent(w, rate=0.1)(np.eye(2))
    >>> w
    Tensor([0.8, 1.6], float64, requires_grad)
    """
    for name, value in (("threads", threads), ("limit", limit)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is a whole number from 1 up, got {value!r}")
    for name, value in (("check", check), ("blocks", blocks)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} is True or False, got {value!r}")
    if f is None:
        return functools.partial(compile, check=check, blocks=blocks, threads=threads, limit=limit)
    if not callable(f):
        raise TypeError(f"ag.compile takes a function, got {type(f).__name__}")
    return Compiled(f, limit, check, {"blocked": blocks, "threads": threads})
