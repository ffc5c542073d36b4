"""What a primitive is called with, beside plain arrays: operands, batched arrays, and their levels.

Each :func:`ag.vmap` that runs has a :class:`Level`.  A batched array holds the values of all
examples, the batch in front, and shows the shape of one example.  Levels are numbered as they
begin; of an array in several batches the newest level is the outer wrapper.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autograd_core.engine.primitive import Primitive


class Operand:
    """Base class of values that intercept primitive calls.

    A primitive that is called with an Operand, directly or in a list, does not run its function:
    it returns ``operand.apply_primitive(primitive, args, kwargs)``.  Tensors record there; an
    exporter's traced arrays write down the call.
    """

    __slots__ = ()

    def apply_primitive(
        self, primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return what ``primitive(*args, **kwargs)`` is for operands of this class."""
        raise NotImplementedError(f"{type(self).__name__} does not define apply_primitive")


class ShapeDtype:
    """Shape and dtype of an array that was released because no rule needs its values."""

    __slots__ = ("dtype", "levels", "shape")
    nbytes = 0  # of values held

    def __init__(self, array: Any) -> None:
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[Any] = array.dtype
        self.levels = levels_of(array)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return f"ShapeDtype(shape={self.shape}, dtype={self.dtype})"


class Level:
    """One run of ``vmap``: the number of its examples, and its place among the levels.

    A value without the level is the same for all examples.  ``tells`` says whether a function that
    runs example by example gives a warning.
    """

    __slots__ = ("number", "size", "tells")
    _numbers = itertools.count(1)

    def __init__(self, size: int, tells: bool = True) -> None:
        self.number, self.size, self.tells = next(Level._numbers), size, tells


class BatchedBase(Operand):
    """Values of all examples of a level, with the batch in front; the engine knows no more.

    The subclass defined with ``results=True`` is the class of every result.
    """

    __slots__ = ("__weakref__", "examples", "level")

    shape: Any
    dtype: Any
    nbytes: Any
    astype: Any

    def __init__(self, examples: Any, level: Level) -> None:
        self.examples, self.level = examples, level

    def __init_subclass__(cls, *, results: bool = False) -> None:
        global _Result
        super().__init_subclass__()
        if results:
            _Result = cls


_Result: Any = BatchedBase


def batched(values: Any, level: Level) -> Any:
    """Return a batched array of values with the batch in front."""
    return _Result(values, level)


def has(a: Any, level: Level) -> bool:
    """Return whether an array has a batch of this level as its outer one."""
    return isinstance(a, BatchedBase) and a.level is level


def spread(a: Any, level: Level) -> Any:
    """Return a value with the level, repeated for all examples where it has none."""
    if isinstance(a, BatchedBase):
        if a.level is level:
            return a
        if a.level.number > level.number:  # an older level is inside
            return batched(spread(a.examples, level), a.level)
    a = a if hasattr(a, "ndim") else np.asarray(a)
    return batched(np.broadcast_to(a, (level.size, *a.shape)), level)


def writeable(a: Any, *written: Any) -> Any:
    """Return a copy of a value, with the levels and the type of what will be written into it."""
    for level in sorted(_levels_in(written) - {*levels_of(a)}, key=lambda level: level.number):
        a = spread(a, level)
    if isinstance(all_examples(a), np.ndarray):
        for memory in _memories_in(written):
            if not isinstance(memory, np.ndarray):  # traced, or of another library
                return _copied_like(a, memory)
    return a.copy()


def _copied_like(a: Any, like: Any) -> Any:
    """Return a copy of an array in the library of another one."""
    if isinstance(a, BatchedBase):
        return batched(_copied_like(a.examples, like), a.level)
    return np.array(a, like=like)


def _memories_in(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the arrays of numbers with fractions among values, those of all examples of batches."""
    for a in values:
        if isinstance(a, (list, tuple)):
            yield from _memories_in(a)
        elif hasattr(type(m := all_examples(a)), "__array_function__") and m.dtype.kind in "fc":
            yield m


def all_examples(a: Any) -> Any:
    """Return the array with the batches of all levels in front."""
    while isinstance(a, BatchedBase):
        a = a.examples
    return a


def whole_shape(a: Any) -> tuple[int, ...]:
    """Return the shape of an array, or of what is left of one, with the batches of all levels."""
    return (*(level.size for level in reversed(levels_of(a))), *a.shape)


def _levels_in(values: Iterable[Any]) -> set[Level]:
    found: set[Level] = set()
    for a in values:
        if isinstance(a, Operand):
            found.update(levels_of(a))
        elif isinstance(a, (list, tuple)):
            found |= _levels_in(a)
        elif isinstance(a, dict):
            found |= _levels_in(a.values())
    return found


def levels_of(a: Any) -> tuple[Level, ...]:
    """Return the levels of an array, or of what is left of one, newest first."""
    if a.__class__ is np.ndarray:
        return ()
    if a.__class__ is ShapeDtype:
        return a.levels
    found = []
    a = getattr(a, "_array", a)
    while isinstance(a, BatchedBase):
        found.append(a.level)
        a = a.examples
    return tuple(found)


def newest(values: Iterable[Any], best: Level | None = None) -> Level | None:
    """Return the newest level of the arrays and Tensors among values, also in containers."""
    for a in values:
        if isinstance(a, Operand):
            a = getattr(a, "_array", a)
            if isinstance(a, BatchedBase) and (best is None or a.level.number > best.number):
                best = a.level
        elif isinstance(a, (list, tuple)):
            best = newest(a, best)
        elif isinstance(a, dict):
            best = newest(a.values(), best)
        elif hasattr(a, "__dataclass_fields__"):  # options in one object
            best = newest([getattr(a, name) for name in a.__dataclass_fields__], best)
    return best


def with_batch_rule(fun: Callable[..., Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that runs by its rule where an argument has a batch."""

    @functools.wraps(fun)
    def call(*args: Any, **kwargs: Any) -> Any:
        level = newest((args, kwargs))
        if level is None:
            return fun(*args, **kwargs)
        values = (*args, *kwargs.values())
        flags = tuple(has(a, level) for a in values)
        given = [a.examples if flag else a for a, flag in zip(values, flags, strict=True)]
        options = dict(zip(kwargs, given[len(args) :], strict=True))
        out = rule(level.size, flags, *given[: len(args)], **options)
        if isinstance(out, (tuple, list)):
            return tuple(batched(o, level) for o in out)
        return batched(out, level)

    return call
