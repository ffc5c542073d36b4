"""Traced arrays: an example value and a place in the program that is being written.

A traced array answers NumPy's protocols, so it sits inside a Tensor like any other array: the
eager engine, its rules and the optimizers run on it unchanged.  Every call computes the example and
adds a line to the program.
"""

from __future__ import annotations

import copy
import itertools
import operator
import sys
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd_core.engine import admission
from autograd_core.engine.graph import TRACE
from autograd_core.engine.modes import in_mode
from autograd_core.engine.primitive import Operand, Primitive
from autograd_core.engine.recording import TensorBase, apply
from autograd_core.errors import CompileError, NeedsNumbersError
from autograd_core.program.lines import VALUES, Line, leaves_of, replaced, values_in

Array = np.ndarray[Any, Any]

#: Functions that write into their first argument, and say so by no ``out=``.
WRITERS = {np.put_along_axis, np.copyto, np.put, np.putmask, np.place, np.fill_diagonal}

#: Functions of shapes and dtypes alone, which the example answers.
_FACTS = {
    np.ndim, np.shape, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj,
    np.common_type, np.min_scalar_type, np.einsum_path, np.may_share_memory, np.shares_memory,
}  # fmt: skip

#: What is in these packages is no user's code.
OURS = ("autograd_core", "nn", "numpy")


#: Numbers traces.
_serials = itertools.count()


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
    """

    def __init__(self, opaque: Collection[Primitive] = ()) -> None:
        self.lines: list[Line] = []
        self.captured: dict[int, tuple[Array, Traced]] = {}
        self.opaque, self.serial = frozenset(opaque), next(_serials)
        self._views: dict[Traced, list[Traced]] = {}  # by their root
        self._before: list[tuple[Array, Array]] = []  # what was written into, and its copy
        self._generators: dict[int, Draws] = {}
        self._pinned: set[Any] = set()
        self._errstate = np.geterr()
        self._count = 0

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
                return primitive.fun(*args, **kwargs)
        except NeedsNumbersError:
            pass
        return _as_one_line(primitive.fun)(*args, **kwargs)

    def guard(self, value: Any, truth: bool) -> bool:
        """Add a guard: the program holds as long as a value has this truth, which is returned."""
        self.lines.append(Line(bool, (value,), {}, None, "guard", truth, _origin()))
        return truth

    def number(self) -> int:
        """Return the number of the next value."""
        self._count += 1
        return self._count

    def given(self, array: Any, name: str, role: str) -> Traced:
        """Return a value for an array that exists."""
        return Traced(self, array, name=name, role=role)

    def capture(self, array: Array, name: str = "") -> Traced:
        """Return the value of a plain array that the function uses: the same for the same array.

        A view is a line of the program, which takes it of the array that owns the memory.
        """
        if id(array) not in self.captured:
            base = owner_of(array)
            value = self.given(array, name, "captured")
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

    def _spoiled(self, array: Array) -> int:
        return self.serial % 2 if array.dtype.kind == "b" else self.serial % 97 + 1

    def _keep(self, root: Traced) -> None:
        """Give a value that somebody else can see, and the views of it, examples of their own."""
        owner = owner_of(root.example)
        if any(array is owner for array, _ in self._before):
            return
        own = owner.copy("K")
        if own.strides != owner.strides:
            raise CompileError(f"{_origin()} writes into an array that has gaps or overlaps itself")
        for value in (root, *self._views.get(root, ())):
            a = value.example
            value.example = view_of(own, _start(a, owner), a.shape, a.strides, a.dtype)
        self._before.append((owner, owner.copy("K")))
        owner[...] = self._spoiled(owner)

    def call(
        self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any],
        run: Callable[..., Any] | None = None,
    ) -> Any:  # fmt: skip
        """Run a function on the examples, and add the line.

        ``run`` is what to call in place of a function that takes numbers from a generator.
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
        state = np.geterr()
        if into is not None:
            if run is not None:
                raise CompileError(f"{_origin()}: a draw into an array that exists is not compiled")
            if into.root.role != "line":
                self._keep(into.root)
        given, options = example(args), example(kwargs)
        if out is not None:
            options["out"] = example(into)
        with np.errstate(all="ignore"):
            found = (run or function)(*given, **options)
        if into is not None:
            kind, result = "write", into
        else:
            kind = "draw" if run else "call"
            inputs = list(values_in((args, kwargs)))
            steady = run is None and all(getattr(v, "may_be_pinned", False) for v in inputs)
            result = self._value_of(found, inputs, steady)
        line = Line(function, args, kwargs, result, kind, origin=_origin())
        line.errstate = None if state == self._errstate else dict(state)
        self.lines.append(line)
        if isinstance(found, bool):  # the answer of np.array_equal, np.allclose
            return bool(result)
        return result

    def _admit(self, tree: Any) -> Any:
        return replaced(tree, lambda a: self.capture(a) if isinstance(a, np.ndarray) else a)

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
        return _no_number(f"a {type(found).__name__}")()


#: The trace of this thread or task, if one is running.
trace: ContextVar[Trace | None] = ContextVar("autograd_core.trace", default=None)


def example(tree: Any) -> Any:
    """Return a tree with the examples in place of the values."""
    return replaced(tree, lambda leaf: leaf.example if isinstance(leaf, (Traced, Number)) else leaf)


def _origin() -> str:
    frame: Any = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
        frame = frame.f_back
    return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"


def _as_one_line(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose calls are one line each; not of Tensors, which record inside."""

    def call(*args: Any, **kwargs: Any) -> Any:
        values = list(values_in((args, kwargs)))
        if not values or any(isinstance(a, TensorBase) for a in leaves_of((args, kwargs))):
            return function(*args, **kwargs)
        return values[0].owner.call(function, args, kwargs)

    return call


NeedsNumbersError.as_one_line = staticmethod(_as_one_line)


def _no_number(what: str) -> Callable[..., Any]:
    def refuse(self: Traced, *args: Any, **kwargs: Any) -> Any:
        raise NeedsNumbersError(
            f"{what} of a traced array at {_origin()}: a compiled function is traced once, and its "
            "numbers are not known then. Keep to NumPy's functions (np.where in place of a choice "
            "by a number), or leave that part out of what is compiled"
        )

    return refuse


def _as_method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return self.owner.call(function, (self, *args), kwargs)

    return method


def _in_place(ufunc: np.ufunc) -> Callable[..., Any]:
    """Return an in-place operator; a number is not written into, but replaced."""

    def operate(self: Traced, other: Any) -> Any:
        into = {"out": self} if isinstance(self.example, np.ndarray) else {}
        return self.owner.call(ufunc, (self, other), into)

    return operate


def _like(fill: Any) -> Callable[..., Any]:
    """Return a creation function after a prototype, of which only the form is read."""

    def make(
        owner: Trace, prototype: Any, *value: Any, dtype: Any = None, order: str = "K",
        shape: Any = None, **ignored: Any,
    ) -> Any:  # fmt: skip
        found = prototype.example
        shape = found.shape if shape is None else shape
        dtype = found.dtype if dtype is None else np.dtype(dtype)
        fortran = found.flags.f_contiguous and not found.flags.c_contiguous
        order = ("F" if fortran else "C") if order in "KA" else order
        return owner.call(fill, (shape, *value), {"dtype": dtype, "order": order})

    return make


_LIKE = {
    np.zeros_like: _like(np.zeros),
    np.ones_like: _like(np.ones),
    np.empty_like: _like(np.empty),
    np.full_like: _like(np.full),
}

#: Methods of arrays that are NumPy's functions of the same name.
_METHODS = [
    "all",
    "any",
    "argmax",
    "argmin",
    "argpartition",
    "argsort",
    "choose",
    "clip",
    "compress",
    "cumprod",
    "cumsum",
    "diagonal",
    "dot",
    "max",
    "mean",
    "min",
    "nonzero",
    "partition",
    "prod",
    "ptp",
    "ravel",
    "repeat",
    "round",
    "searchsorted",
    "squeeze",
    "std",
    "sum",
    "swapaxes",
    "take",
    "trace",
    "var",
]


class Traced(Operand, np.lib.mixins.NDArrayOperatorsMixin):
    """A value of a program: an example, and its number.

    Parameters
    ----------
    owner
        The trace that it belongs to.
    example
        An array or a NumPy scalar with the shape, the dtype and typical numbers.
    root
        The value whose memory it looks into; itself by default.
    name, role
        ``role`` is ``input``, ``captured`` or ``line``.
    """

    __slots__ = ("__weakref__", "_root", "example", "name", "number", "owner", "role")
    is_traced = True

    def __init__(
        self, owner: Trace, example: Any, root: Traced | None = None, *, name: str = "",
        role: str = "line",
    ) -> None:  # fmt: skip
        self.owner, self.example, self.name, self.role = owner, example, name, role
        self._root: Traced = self if root is None else root
        self.number = owner.number()

    @property
    def root(self) -> Traced:
        """The value whose memory this one looks into, after passes that put others in its place."""
        found = self._root
        while found._root is not found:
            found = found._root
        return found

    def stands_for(self, other: Traced) -> None:
        """Let another value take the place of this one, for the views of it, too."""
        self._root = other.root

    def forget(self) -> None:
        """Keep the form of the example, and no longer its numbers."""
        if isinstance(self.example, np.ndarray):
            self.example = np.broadcast_to(np.empty((), self.dtype), self.shape)

    shape = property(lambda self: np.shape(self.example))
    ndim = property(lambda self: np.ndim(self.example))
    size = property(lambda self: np.size(self.example))
    dtype = property(lambda self: self.example.dtype)
    nbytes = property(lambda self: self.example.nbytes)
    itemsize = property(lambda self: self.example.dtype.itemsize)
    strides = property(lambda self: self.example.strides)
    flags = property(lambda self: self.example.flags)
    base = None

    T = property(lambda self: self.transpose())
    mT = property(lambda self: self.swapaxes(-1, -2))
    real = property(lambda self: self.owner.call(np.real, (self,), {}) if _complex(self) else self)
    imag = property(lambda self: self.owner.call(np.imag, (self,), {}))

    def apply_primitive(self, primitive: Primitive, args: Any, kwargs: dict[str, Any]) -> Any:
        if any(isinstance(a, TensorBase) for a in leaves_of((args, kwargs))):
            return apply(primitive, args, kwargs)
        return self.owner.run_primitive(primitive, args, kwargs)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, TensorBase) for a in (*args, *kwargs.get("out", ()))):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.owner.call(function, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, TensorBase) for t in types):
            return NotImplemented
        if function in _FACTS:
            return function(*example(args), **example(kwargs))
        if function in _LIKE and isinstance(args[0], Traced):
            return _LIKE[function](self.owner, *args, **kwargs)
        return self.owner.call(function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        return _no_number("a conversion (np.asarray)")(self)  # type: ignore[no-any-return]

    __float__, __int__, __complex__ = map(_no_number, ("float()", "int()", "complex()"))
    __index__, tolist = map(_no_number, ("an integer index", "tolist()"))

    def __bool__(self) -> bool:
        return self.owner.guard(self, bool(self.example))

    def __len__(self) -> int:
        return len(self.example)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return self.owner.call(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self.owner.call(operator.setitem, (self, index, value), {})

    def __pow__(self, other: Any) -> Any:
        return _operator(operator.pow, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _operator(operator.pow, other, self)

    def copy(self, order: Any = "C") -> Traced:
        if not isinstance(self.example, np.ndarray):  # a number's is the number
            return self
        return self.owner.call(np.copy, (self,), {"order": order})  # type: ignore[no-any-return]

    def item(self, *index: int) -> Any:
        return self.owner.call(item, (self, *index), {})

    def astype(self, dtype: Any, copy: bool = True) -> Traced:
        if not copy and self.dtype == dtype:
            return self
        return self.owner.call(astype, (self, np.dtype(dtype)), {})  # type: ignore[no-any-return]

    def reshape(self, *shape: Any, **options: Any) -> Traced:
        wanted = shape[0] if len(shape) == 1 else shape
        return self.owner.call(np.reshape, (self, wanted), options)  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> Traced:
        wanted = axes[0] if len(axes) == 1 else (axes or None)
        return self.owner.call(np.transpose, (self, wanted), {})  # type: ignore[no-any-return]

    def flatten(self, order: str = "C") -> Traced:
        return self.reshape(-1, order=order).copy()

    def conj(self) -> Traced:
        return self.owner.call(np.conj, (self,), {}) if _complex(self) else self

    conjugate = conj

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Do nothing: whether a result may be written into is not part of a program."""

    __str__, __format__ = map(_no_number, ("str()", "a format"))

    def __repr__(self) -> str:
        return f"Traced({self.name or self.number}, shape={self.shape}, dtype={self.dtype})"

    __hash__ = object.__hash__


for _name in _METHODS:
    setattr(Traced, _name, _as_method(getattr(np, _name)))
for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide,
    "floordiv": np.floor_divide, "mod": np.remainder, "pow": np.power, "matmul": np.matmul,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
}.items():  # fmt: skip
    setattr(Traced, f"__i{_name}__", _in_place(_ufunc))

admission._ways[Traced] = None


def _complex(value: Traced) -> bool:
    return bool(value.dtype.kind == "c")


def _operator(function: Callable[..., Any], left: Any, right: Any) -> Any:
    """Record an operator by itself: of numbers it is not NumPy's function bit for bit."""
    if isinstance(left, TensorBase) or isinstance(right, TensorBase):
        return NotImplemented
    owner = (left if isinstance(left, Traced) else right).owner
    return owner.call(function, (left, right), {})


class Number:
    """A Python number that changes from call to call, such as a step count or a learning rate.

    It is weak, as Python numbers are: beside an array it takes the array's dtype.  Arithmetic
    gives numbers again, by a line of plain Python; a comparison becomes a guard; what needs its
    value (an index, ``math.sqrt``) makes it a constant, by a guard that it stays the same, unless
    it was computed from arrays.
    """

    __slots__ = ("example", "may_be_pinned", "name", "number", "owner", "role", "root")
    is_traced = True

    def __init__(
        self, owner: Trace, example: Any, name: str = "", role: str = "line",
        may_be_pinned: bool = True,
    ) -> None:  # fmt: skip
        self.owner, self.example, self.name, self.role = owner, example, name, role
        self.root, self.number, self.may_be_pinned = self, owner.number(), may_be_pinned

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, TensorBase) for a in args):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.owner.call(function, args, kwargs)

    def __bool__(self) -> bool:
        return self.owner.guard(self, bool(self.example))

    def forget(self) -> None:
        """Do nothing: an example is one number."""

    @property
    def pinned(self) -> Any:
        """The number as a constant, by a guard that it stays the same."""
        if not self.may_be_pinned:
            _no_number("the value of a number computed from it")(self)
        if self not in self.owner._pinned:
            self.owner._pinned.add(self)
            self.owner.guard(self == self.example, True)
        return self.example

    def __float__(self) -> float:
        return float(self.pinned)

    def __int__(self) -> int:
        return int(self.pinned)

    def __index__(self) -> int:
        return operator.index(self.pinned)

    def __complex__(self) -> complex:
        return complex(self.pinned)

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.pinned, digits)

    def __repr__(self) -> str:
        return f"Number({self.name or self.number}, {self.example!r})"

    __hash__ = object.__hash__


def _of_numbers(function: Callable[..., Any], swapped: bool = False) -> Callable[..., Any]:
    """Return an operator of numbers; beside an array it is that of arrays."""

    def operate(self: Number, *other: Any) -> Any:
        if other and not isinstance(other[0], (Number, int, float, complex)):
            return NotImplemented
        args = (self, *other)[:: -1 if swapped else 1]
        return self.owner.call(function, args, {})

    return operate


for _name in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]:
    setattr(Number, f"__{_name}__", _of_numbers(getattr(operator, _name)))
    setattr(Number, f"__r{_name}__", _of_numbers(getattr(operator, _name), swapped=True))
for _name in ["lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs"]:
    setattr(Number, f"__{_name}__", _of_numbers(getattr(operator, _name)))
Number.__hash__ = object.__hash__  # type: ignore[assignment, method-assign]
admission._ways[Number] = None


VALUES.update((Traced, Number))


class Draws(np.random.Generator):
    """Stands for a generator in a trace: each draw is a line that draws from the generator."""

    def __init__(self, owner: Trace, generator: np.random.Generator) -> None:
        super().__init__(copy.deepcopy(generator.bit_generator))
        self.owner, self.generator = owner, generator

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or not callable(found) or name in ("owner", "generator"):
            return found
        if name == "spawn":
            raise CompileError(f"{_origin()} spawns generators, which a program does not repeat")
        return lambda *args, **kwargs: self.owner.call(
            getattr(self.generator, name), args, kwargs, found
        )


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


def item(array: Any, *index: int) -> Any:
    """Return an element of an array as a Python number."""
    return array.item(*index)


def astype(array: Any, dtype: Any) -> Any:
    """Return an array with another dtype."""
    return array.astype(dtype)
