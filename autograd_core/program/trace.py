"""The program that is being written: calls become lines, and generators draw by lines."""

from __future__ import annotations

import copy
import itertools
import operator
from collections.abc import Callable, Collection
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd_core.engine.graph import RECORD, TRACE, mode
from autograd_core.engine.modes import in_mode
from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import TensorBase
from autograd_core.errors import CompileError, NeedsNumbersError
from autograd_core.program.lines import Line, leaves_of, replaced, values_in
from autograd_core.program.traced import (
    Number,
    Traced,
    as_one_line,
    astype,
    example,
    item,
    name_by_variables,
    no_number,
    origin,
    user_frame,
)

Array = np.ndarray[Any, Any]

#: Functions that write into their first argument, and say so by no ``out=``.
WRITERS = {np.put_along_axis, np.copyto, np.put, np.putmask, np.place, np.fill_diagonal}

#: Numbers traces.
_serials = itertools.count()


#: Where NumPy keeps how floating-point errors are handled: another object inside np.errstate.
_handling: ContextVar[Any] = np._core.umath._extobj_contextvar  # type: ignore[attr-defined]


class Trace:
    """The program that is being written in this thread or task.

    Examples are the arrays themselves.  One that a line writes into gets an example of its own, and
    is spoiled until :meth:`restore`, differently in each trace: what reads its numbers by the way,
    without a line, is found out when two traces are compared.

    Parameters
    ----------
    opaque
        Primitives whose calls are one line each, not looked into.

    Attributes
    ----------
    lines
        The lines so far.
    captured
        ``(array, value)`` of each plain array that was met, by its id.
    failed
        The last error of a call, which may have been caught.
    is_running
        Whether the user's code runs, to which a number is equal to what it is.
    """

    def __init__(self, opaque: Collection[Primitive] = ()) -> None:
        self.lines: list[Line] = []
        self.captured: dict[int, tuple[Array, Traced]] = {}
        self.opaque, self.serial = frozenset(opaque), next(_serials)
        self._views: dict[Traced, list[Traced]] = {}  # by their root
        self._before: list[tuple[Array, Array]] = []  # what was written into, and its copy
        self._generators: dict[int, Draws] = {}
        self._pinned: set[Any] = set()
        self._handling = _handling.get()
        self._count = 0
        self.failed: Exception | None = None
        self.is_running = False

    def run(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return ``f(*args, **kwargs)``, run while this trace is the one of its thread or task."""
        token = trace.set(self)
        try:
            return in_mode(TRACE, 0, f, *args, **kwargs)
        finally:
            trace.reset(token)

    def run_primitive(self, primitive: Primitive, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run a primitive on traced arrays: its own code or, if it is opaque, one line.

        One that needs numbers of a traced array is one line, too.
        """
        if primitive in self.opaque:
            return self.call(primitive, args, kwargs)
        try:
            if not primitive.opaque:
                found = primitive.fun(*args, **kwargs)  # a plain array that it wrote into
                return self.resolved(found)
        except NeedsNumbersError:
            pass
        return as_one_line(primitive.fun, not primitive.opaque)(*args, **kwargs)

    def guard(self, value: Any, truth: bool) -> bool:
        """Add a guard: the program holds as long as a value has this truth, which is returned."""
        self.lines.append(Line(bool, (value,), {}, None, "guard", truth, origin()))
        return truth

    def number(self) -> int:
        """Return the number of the next value."""
        self._count += 1
        return self._count

    def capture(self, array: Array, name: str = "") -> Traced:
        """Return the value of a plain array that the function uses: the same for the same array.

        A view is a line of the program, which takes it of the array that owns the memory.
        """
        if id(array) not in self.captured:
            base = owner_of(array)
            value = Traced(self, array, name=name, role="captured")
            if base is not array:
                owner = self.capture(base, name)
                layout = (_start(array, base), array.shape, array.strides, array.dtype)
                value = self._view(view_of(owner.example, *layout), owner, name)
                self.lines.append(Line(view_of, (owner, *layout), {}, value))
            self.captured[id(array)] = (array, value)
        return self.captured[id(array)][1]

    def _view(self, array: Array, root: Traced, name: str = "") -> Traced:
        value = Traced(self, array, root, name=name)
        self._views.setdefault(root, []).append(value)
        return value

    def resolved(self, leaf: Any) -> Any:
        """Return the value of an array that lines have met, and anything else as it is."""
        met = isinstance(leaf, np.ndarray) and id(owner_of(leaf)) in self.captured
        return self.capture(leaf) if met else leaf

    def draws(self, generator: np.random.Generator) -> Draws:
        """Return what stands for a generator: the same for the same one."""
        if id(generator) not in self._generators:
            self._generators[id(generator)] = Draws(self, generator)
        return self._generators[id(generator)]

    def restore(self) -> bool:
        """Give back every array that was spoiled; return whether nothing else wrote into one."""
        untouched = [(array == self._spoiled(array)).all() for array, _ in self._before]
        for array, before in self._before:
            array[...] = before
        return all(untouched)

    def forget(self) -> None:
        """Let go of lines, arrays and copies, of which the program keeps what it needs."""
        for held in (self.lines, self.captured, self._views, self._before, self._generators):
            held.clear()

    def _spoiled(self, array: Array) -> int:
        return self.serial % 2 if array.dtype.kind == "b" else self.serial % 97 + 1

    def _keep(self, root: Traced) -> None:
        """Give a value that somebody else can see, and the views of it, examples of their own."""
        owner = owner_of(root.example)
        if any(array is owner for array, _ in self._before):
            return
        own = owner.copy("K")
        if own.strides != owner.strides:
            raise CompileError(f"{origin()} writes into an array that has gaps or overlaps itself")
        for value in (root, *self._views.get(root, ())):
            a = value.example
            value.example = view_of(own, _start(a, owner), a.shape, a.strides, a.dtype)
        self._before.append((owner, owner.copy("K")))
        owner[...] = self._spoiled(owner)

    def call(
        self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any],
        run: Callable[..., Any] | None = None, varies: bool = True,
    ) -> Any:  # fmt: skip
        """Run a function on the examples, and add the line.

        ``run`` is what to call in place of a function that takes numbers from a generator.  The
        shape of a result that may depend on numbers becomes a guard; ``varies=False`` says that it
        depends on shapes alone.
        """
        kwargs = dict(kwargs)
        out = kwargs.pop("out", None)
        out = out[0] if isinstance(out, tuple) else out
        into = None if out is None else self._admit(out)
        args, kwargs = self._admit(args), self._admit(kwargs)
        if (
            function in WRITERS
            or getattr(function, "__name__", "") == "at"
            or function is operator.setitem
        ):
            into = args[0]
        if into is not None:
            if run is not None:
                raise CompileError(f"{origin()}: a draw into an array that exists is not compiled")
            if into.root.role != "line":
                self._keep(into.root)
        given, options = example(args), example(kwargs)
        if out is not None:
            options["out"] = example(into)
        with np.errstate(all="ignore"):
            try:
                found = (run or function)(*given, **options)
            except Exception as error:  # the user may catch it, which no guard would tell
                self.failed = error
                raise
        if into is not None:
            kind, result = "write", into
        else:
            kind = "draw" if run else "call"
            inputs = list(values_in((args, kwargs)))
            steady = run is None and all(getattr(v, "may_be_pinned", False) for v in inputs)
            result = self._value_of(found, inputs, steady)
        frame = user_frame()
        name_by_variables(frame)
        line = Line(function, args, kwargs, result, kind, origin=origin(frame))
        line.errstate = None if _handling.get() is self._handling else dict(np.geterr())
        self.lines.append(line)
        if isinstance(found, bool):  # the answer of np.array_equal, np.allclose
            return bool(result)
        if kind == "call" and varies and shape_may_vary(function, args):
            for value in values_in(result):
                if isinstance(value.example, np.ndarray):
                    self.call(has_shape, (value, value.shape), {})
        return result

    def _admit(self, tree: Any) -> Any:
        return replaced(tree, self._admitted)

    def _admitted(self, leaf: Any) -> Any:
        if isinstance(leaf, TensorBase):
            if leaf._node.tracked and mode.get() & RECORD:
                raise CompileError(
                    f"{origin()} puts a Tensor that records into an array, and would lose its "
                    "gradient; write t.detach() for the values alone"
                )
            leaf = leaf._array
        return self.capture(leaf) if isinstance(leaf, np.ndarray) else leaf

    def _value_of(self, found: Any, inputs: list[Any], steady: bool) -> Any:
        """Return the values of a result; one that is a view has the root of what it looks at."""
        if isinstance(found, np.ndarray):
            arrays = [v for v in inputs if isinstance(v.example, np.ndarray)]
            owners = [v.root for v in arrays if np.may_share_memory(found, v.example)]
            return self._view(found, owners[0]) if owners else Traced(self, found)
        if isinstance(found, np.generic):
            return Traced(self, found)
        if isinstance(found, (tuple, list)):
            members = [self._value_of(member, inputs, steady) for member in found]
            return type(found)(*members) if hasattr(found, "_fields") else type(found)(members)
        if isinstance(found, (bool, int, float, complex)):
            return Number(self, found, may_be_pinned=steady)
        if found is None:
            return None
        return no_number(f"a {type(found).__name__}")()


#: The trace of this thread or task, if one is running.
trace: ContextVar[Trace | None] = ContextVar("autograd_core.trace", default=None)


class Draws(np.random.Generator):
    """Stands for a generator in a trace: each draw is a line that draws from the generator."""

    def __init__(self, owner: Trace, generator: np.random.Generator) -> None:
        super().__init__(copy.deepcopy(generator.bit_generator))
        self.owner, self.generator, self.is_drawing = owner, generator, False

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if (
            name.startswith("_")
            or not callable(found)
            or name in ("owner", "generator", "is_drawing")
        ):
            return found
        if name == "spawn":
            raise CompileError(f"{origin()} spawns generators, which a program does not repeat")
        if self.is_drawing:  # by a method that calls others, such as permutation
            return found

        def draw(*args: Any, **kwargs: Any) -> Any:
            if name == "shuffle":
                raise CompileError(
                    f"{origin()} shuffles an array in place, which a program does not do; index it "
                    "by generator.permutation(len(x))"
                )
            self.is_drawing = True
            try:
                return self.owner.call(getattr(self.generator, name), args, kwargs, found)
            finally:
                self.is_drawing = False

        draw.__self__ = self  # type: ignore[attr-defined]  # as a method has it
        return draw


#: NumPy's functions whose results have shapes that depend on numbers.
_VARYING = {
    np.nonzero, np.flatnonzero, np.argwhere, np.extract, np.compress, np.delete, np.insert,
    np.repeat, np.tile, np.resize, np.pad, np.split, np.array_split, np.trim_zeros, np.unique,
    np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, np.intersect1d,
    np.union1d, np.setdiff1d, np.setxor1d, np.bincount, np.histogram, np.histogram_bin_edges,
    np.roots, np.poly, np.polyadd, np.polysub, np.polymul, np.polydiv, np.linalg.lstsq, np.ix_,
}  # fmt: skip


def shape_may_vary(function: Any, args: Any) -> bool:
    """Return whether the shape of what a call returns may depend on more than shapes."""
    if function is operator.getitem:
        index = list(leaves_of(args[1]))
        masks = any(getattr(i, "dtype", None) == np.bool_ for i in index)
        return masks or any(isinstance(p, slice) and values_in(p) for p in _parts(args[1]))
    if function is np.where:
        return len(args) == 1
    owner = getattr(function, "__self__", function)
    if isinstance(owner, np.ufunc) or function in _STEADY:
        return False
    home = getattr(function, "__module__", None) or ""
    return function in _VARYING or home.partition(".")[0] not in ("numpy", "_operator")


def _parts(index: Any) -> Any:
    return index if isinstance(index, tuple) else (index,)


def has_shape(array: Any, shape: tuple[int, ...]) -> bool:
    """Return whether an array has a shape."""
    return array.shape == shape  # type: ignore[no-any-return]


def owner_of(array: Array) -> Array:
    """Return the array that owns the memory of another."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _start(array: Array, owner: Array) -> int:
    """Return how many bytes from the start of its owner an array begins."""
    first, second = (a.__array_interface__["data"][0] for a in (array, owner))
    return first - second  # type: ignore[no-any-return]


def view_of(owner: Array, start: int, shape: Any, strides: Any, dtype: Any) -> Array:
    """Return a view of an array without gaps, by its layout in memory."""
    return np.ndarray(shape, dtype, owner.ravel("K"), start, strides)


#: Functions of this package whose results have shapes that depend on shapes alone.
_STEADY = {astype, item, view_of, has_shape}
