"""Switches: whether operations record, and whether non-finite values raise.

A switch belongs to the thread or asynchronous task that sets it, and is restored when its
block ends, by an exception too.  Each is a context manager and a decorator; on a generator
function the mode is set while its body runs and given back around each ``yield``.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from autograd_core.engine.graph import ANOMALY, RECOMPUTE, RECORD, STRICT_NAN, mode

Function = TypeVar("Function", bound=Callable[..., Any])


def in_mode(on: int, off: int, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return ``fun(*args, **kwargs)``, run with some bits of the mode set and others cleared.

    An interrupt at any point, one inside either ``finally`` included, leaves the mode as it was.
    """
    before = mode.get()
    try:
        try:
            mode.set((before | on) & ~off)
            return fun(*args, **kwargs)
        finally:
            mode.set(before)
    finally:
        mode.set(before)


def _switched(on: int, off: int) -> Iterator[None]:
    """Set some bits of the mode and clear others until the generator is resumed.

    Where an interrupt keeps the end of a ``with`` from beginning, Python closes the generator once
    nothing refers to it; the mode is then given back unless an outer block has done so.
    """
    before = mode.get()
    inside, closed = (before | on) & ~off, True

    def give_back() -> None:
        if not closed or mode.get() == inside:
            mode.set(before)

    try:
        try:
            mode.set(inside)
            yield
            closed = False
        finally:
            give_back()
    finally:  # once more, for an interrupt in the first
        give_back()


class _Switch:
    """Base class of switches: set some bits of the mode and clear others within a block."""

    on = 0
    off = 0

    def __init__(self) -> None:
        self._blocks: list[Iterator[None]] = []

    def __enter__(self) -> None:
        block = _switched(self.on, self.off)
        next(block)
        self._blocks.append(block)

    def __exit__(self, *exc: object) -> None:
        next(self._blocks.pop(), None)

    def __call__(self, fun: Function) -> Function:
        switch = type(self)
        if isinstance(fun, (staticmethod, classmethod)):
            return type(fun)(self(fun.__func__))
        if isinstance(fun, type) or not callable(fun):
            raise TypeError(
                f"@ag.{switch.__name__}() decorates a function, got the "
                f"{'class' if isinstance(fun, type) else 'object'} {fun!r}; decorate its methods"
            )
        if inspect.isasyncgenfunction(fun):

            @functools.wraps(fun)
            async def asynchronous(*args: Any, **kwargs: Any) -> Any:
                inner = fun(*args, **kwargs)
                step, value = inner.asend, None
                while True:
                    try:
                        with switch():
                            item = await step(value)
                    except StopAsyncIteration:
                        return
                    try:
                        step, value = inner.asend, (yield item)
                    except GeneratorExit:
                        with switch():
                            await inner.aclose()
                        raise
                    except BaseException as error:
                        step, value = inner.athrow, error

            return asynchronous  # type: ignore[return-value]
        if inspect.isgeneratorfunction(fun):

            @functools.wraps(fun)
            def generator(*args: Any, **kwargs: Any) -> Any:
                inner = fun(*args, **kwargs)
                step, value = inner.send, None
                while True:
                    try:
                        with switch():
                            item = step(value)
                    except StopIteration as stop:
                        return stop.value
                    try:
                        step, value = inner.send, (yield item)
                    except GeneratorExit:
                        with switch():
                            inner.close()
                        raise
                    except BaseException as error:
                        step, value = inner.throw, error

            return generator  # type: ignore[return-value]
        if inspect.iscoroutinefunction(fun):

            @functools.wraps(fun)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with switch():
                    return await fun(*args, **kwargs)

            return coroutine  # type: ignore[return-value]

        @functools.wraps(fun)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return in_mode(switch.on, switch.off, fun, *args, **kwargs)

        return wrapped  # type: ignore[return-value]


class no_grad(_Switch):
    """Record nothing inside the block; parameters may be updated in place.

    Examples
    --------
    >>> import autograd_core as ag
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> with ag.no_grad():
    ...     (w * 2).requires_grad
    False
    """

    off = RECORD


class enable_grad(_Switch):
    """Record operations inside the block, also within ``no_grad``."""

    on = RECORD


class detect_anomaly(_Switch):
    """Raise ``AnomalyError`` at the first non-finite value, forward or backward.

    A derivative that is not finite on a branch that was not taken (see :class:`strict_nan`) is
    reported by a ``RuntimeWarning``; its gradient is 0.

    The error names the operation and the line of the user's code that made it.  An array that
    was changed in place between forward and backward (``w.data[0] = 1``) raises too, by
    checksum.  It is far slower: for finding an error, not for training.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> x = ag.tensor([1.0, 0.0], requires_grad=True)
    >>> with np.errstate(divide="ignore"), ag.detect_anomaly():
    ...     np.log(x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    autograd_core.errors.AnomalyError: log gave the first non-finite value...
    """

    on = ANOMALY


class strict_nan(_Switch):
    """Follow IEEE arithmetic in backward passes, also where ``np.where`` took another branch.

    By default an element that was not taken (by ``np.where``, ``np.select``, ``np.clip``,
    ``np.maximum``, an index, an assignment, ``where=``) has gradient 0, whatever the derivatives
    below are there.  In this block 0 times infinity is NaN again, as in other libraries.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> def f(x):
    ...     return np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    >>> x = np.array([0.0, 4.0])
    >>> ag.grad(f)(x)
    array([0.  , 0.25])
    >>> with np.errstate(all="ignore"), ag.strict_nan():
    ...     ag.grad(f)(x)
    array([ nan, 0.25])
    """

    on = STRICT_NAN


def is_grad_enabled() -> bool:
    """Return whether operations record here."""
    return bool(mode.get() & RECORD)


def is_recomputing() -> bool:
    """Return whether :func:`ag.checkpoint` is running a function again, for its derivatives.

    A function that changes something besides its result (running statistics, a counter) asks, so
    that one call changes it once.

    Examples
    --------
    >>> import autograd_core as ag
    >>> ag.grad(ag.checkpoint(lambda x: (print(ag.is_recomputing()), x * x)[1]))(3.0)
    False
    True
    np.float64(6.0)
    """
    return bool(mode.get() & RECOMPUTE)
