"""Traced arrays: an example value and a place in the program that is being written.

A traced array answers NumPy's protocols, so it sits inside a Tensor like any other array: the
eager engine, its rules and the optimizers run on it unchanged.  Every call computes the example and
adds a line to the program.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd_core.engine import admission
from autograd_core.engine.recording import TensorBase
from autograd_core.errors import NeedsNumbersError
from autograd_core.program.lines import Line, leaves_of, replaced, values_in

Array = np.ndarray[Any, Any]

#: Functions that write into their first argument, and say so by no ``out=``.
WRITERS = {np.put_along_axis, np.copyto, np.put, np.putmask, np.place, np.fill_diagonal}

#: Functions of shapes and dtypes alone, which the example answers.
_FACTS = {np.ndim, np.shape, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj}

#: Frames of these packages are no user's code.
_OURS = ("autograd_core", "nn", "numpy")


class Trace:
    """The program that is being written in this thread or task.

    Attributes
    ----------
    lines
        The lines so far.
    captured
        ``(array, value)`` of each plain array that was met, by its id.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.captured: dict[int, tuple[Array, Traced]] = {}
        self._count = 0

    def number(self) -> int:
        """Return the number of the next value."""
        self._count += 1
        return self._count

    def capture(self, array: Array) -> Traced:
        """Return the value of a plain array that the function uses: the same for the same array."""
        if id(array) not in self.captured:
            value = Traced(self, array.copy(), role="captured")
            self.captured[id(array)] = (array, value)
        return self.captured[id(array)][1]

    def known(self, leaf: Any) -> Any:
        """Return the value of an array that was captured, which lines may have written into."""
        return self.captured.get(id(leaf), (leaf, leaf))[1]

    def call(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Run a function on the examples, and add the line."""
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
        given, options = example(args), example(kwargs)
        with np.errstate(all="ignore"):
            if into is not None and out is not None:
                options["out"] = into.example
            found = function(*given, **options)
        if into is not None:
            line = Line(function, args, kwargs, into, "write", origin=_origin())
            self.lines.append(line)
            return into
        result = self._value_of(found, list(values_in((args, kwargs))))
        self.lines.append(Line(function, args, kwargs, result, origin=_origin()))
        return result

    def _admit(self, tree: Any) -> Any:
        return replaced(tree, lambda a: self.capture(a) if isinstance(a, np.ndarray) else a)

    def _value_of(self, found: Any, inputs: list[Traced]) -> Any:
        """Return the values of a result; one that is a view has the root of what it looks at."""
        if isinstance(found, np.ndarray):
            arrays = [v for v in inputs if isinstance(v.example, np.ndarray)]
            owners = [v.root for v in arrays if np.may_share_memory(found, v.example)]
            return Traced(self, found, owners[0] if owners else None)
        if isinstance(found, np.generic):
            return Traced(self, found)
        if isinstance(found, (tuple, list)):
            members = [self._value_of(member, inputs) for member in found]
            return type(found)(*members) if hasattr(found, "_fields") else type(found)(members)
        return found


#: The trace of this thread or task, if one is running.
trace: ContextVar[Trace | None] = ContextVar("autograd_core.trace", default=None)


def example(tree: Any) -> Any:
    """Return a tree with the examples in place of the values."""
    return replaced(tree, lambda leaf: leaf.example if isinstance(leaf, Traced) else leaf)


def _origin() -> str:
    frame: Any = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
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


def _no_number(what: str) -> Callable[..., Any]:
    def refuse(self: Traced, *args: Any, **kwargs: Any) -> Any:
        raise NeedsNumbersError(
            f"{what} of a traced array at {_origin()}: a compiled function is traced once, and its "
            "numbers are not known then. Keep to NumPy's functions (np.where in place of a choice "
            "by a number), or leave that part out of what is compiled",
            _as_one_line,
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
    "copy",
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


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
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
        return _no_number("np.asarray")(self)  # type: ignore[no-any-return]

    __float__ = __int__ = __index__ = __complex__ = _no_number("the number")
    item = tolist = _no_number("the number")

    def __bool__(self) -> bool:
        truth = bool(self.example)
        line = Line(bool, (self,), {}, None, "guard", truth, _origin())
        self.owner.lines.append(line)
        return truth

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

    def conj(self) -> Traced:
        return self.owner.call(np.conj, (self,), {}) if _complex(self) else self

    conjugate = conj

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Do nothing: whether a result may be written into is not part of a program."""

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
    value (an index, ``math.sqrt``) makes it a constant, by a guard that it stays the same.
    """

    __slots__ = ("_value", "example", "name", "number", "owner", "role", "root")
    is_traced = True

    def __init__(self, owner: Trace, example: Any, name: str = "", role: str = "line") -> None:
        self.owner, self.example, self.name, self.role = owner, example, name, role
        self.root, self.number = self, owner.number()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, TensorBase) for a in args):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.owner.call(function, args, kwargs)

    def __bool__(self) -> bool:
        return self.owner.guard(self, bool(self.example))

    def _pinned(self) -> Any:
        """Return the number as a constant, once and for all of this program."""
        if not self.owner.guard(self == self.example, True):
            raise AssertionError
        return self.example

    def __float__(self) -> float:
        return float(self._pinned())

    def __int__(self) -> int:
        return int(self._pinned())

    def __index__(self) -> int:
        return operator.index(self._pinned())

    def __repr__(self) -> str:
        return f"Number({self.name or self.number}, {self.example!r})"

    __hash__ = object.__hash__


def astype(array: Any, dtype: Any) -> Any:
    """Return an array with another dtype."""
    return array.astype(dtype)
