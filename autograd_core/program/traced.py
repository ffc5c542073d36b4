"""Traced arrays: an example value and a place in the program that is being written.

A traced array answers NumPy's protocols, so it sits inside a Tensor like any other array: the
eager engine, its rules and the optimizers run on it unchanged.  Every call computes the example and
adds a line to the program.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.engine import admission
from autograd_core.engine.operands import BatchedBase, newest
from autograd_core.engine.primitive import Operand, Primitive
from autograd_core.engine.recording import TensorBase, apply
from autograd_core.errors import NeedsNumbersError, VmapError
from autograd_core.program.lines import VALUES, leaves_of, replaced, values_in

if TYPE_CHECKING:
    from autograd_core.program.trace import Trace

Array = np.ndarray[Any, Any]

#: Arrays that are outside of traced ones, and answer for both.
_OUTSIDE = (TensorBase, BatchedBase)


#: Functions of shapes and dtypes alone, which the example answers.
_FACTS = {
    np.ndim, np.shape, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj,
    np.common_type, np.min_scalar_type, np.einsum_path, np.may_share_memory, np.shares_memory,
}  # fmt: skip

#: The package of programs, where values are known by identity.
PROGRAM = "autograd_core.program"

#: What is in these packages is no user's code.
OURS = ("autograd_core", "nn", "numpy")


def example(tree: Any) -> Any:
    """Return a tree with the examples in place of the values."""
    return replaced(tree, lambda leaf: leaf.example if isinstance(leaf, (Traced, Number)) else leaf)


def _asks_as_ours() -> bool:
    """Return whether these packages ask for a class; to a user ``isinstance`` is as in NumPy."""
    frame: Any = sys._getframe(2)
    if frame.f_globals.get("__name__") == "abc":
        frame = frame.f_back
    return frame.f_globals.get("__name__", "").partition(".")[0] in OURS[:2]


def user_frame() -> Any:
    """Return the innermost frame of the user's code."""
    frame: Any = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
        frame = frame.f_back
    return frame


def origin(frame: Any = None) -> str:
    """Return where the user's code is, as ``file.py:12``."""
    frame = frame or user_frame()
    return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"


def name_by_variables(frame: Any) -> None:
    """Name the values that are local variables of a function and have no name yet."""
    if frame.f_locals is frame.f_globals:
        return
    for name, held in frame.f_locals.items():
        value = held._array if isinstance(held, TensorBase) else held
        if type(value) is Traced and not value.name and name.isidentifier():
            value.name = name


def as_one_line(function: Callable[..., Any], varies: bool = False) -> Callable[..., Any]:
    """Return a function whose calls are one line each; not of Tensors, which record inside.

    ``varies`` tells whether the shape of its result may depend on numbers.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        values = list(values_in((args, kwargs)))
        if not values or any(isinstance(a, TensorBase) for a in leaves_of((args, kwargs))):
            return function(*args, **kwargs)
        return values[0].owner.call(function, args, kwargs, varies=varies)

    return call


NeedsNumbersError.as_one_line = staticmethod(as_one_line)


def no_number(what: str) -> Callable[..., Any]:
    def refuse(self: Traced, *args: Any, **kwargs: Any) -> Any:
        raise NeedsNumbersError(
            f"{what} of a traced array at {origin()}: a compiled function is traced once, and its "
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
        if isinstance(other, BatchedBase):
            return NotImplemented
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

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return Traced if _asks_as_ours() else type(self.example)

    def __copy__(self) -> Traced:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Traced:
        return self.copy()

    shape = property(lambda self: np.shape(self.example))
    ndim = property(lambda self: np.ndim(self.example))
    size = property(lambda self: np.size(self.example))
    dtype = property(lambda self: self.example.dtype)
    nbytes = property(lambda self: self.example.nbytes)
    itemsize = property(lambda self: self.example.dtype.itemsize)
    strides = property(lambda self: self.example.strides)
    flags = property(lambda self: self.example.flags)
    base = property(lambda self: None if self._root is self else self.root)

    T = property(lambda self: self.transpose())
    mT = property(lambda self: self.swapaxes(-1, -2))
    real = property(lambda self: self.owner.call(np.real, (self,), {}) if _complex(self) else self)
    imag = property(lambda self: self.owner.call(np.imag, (self,), {}))

    def apply_primitive(self, primitive: Primitive, args: Any, kwargs: dict[str, Any]) -> Any:
        leaves = list(leaves_of((args, kwargs)))
        if any(isinstance(a, TensorBase) for a in leaves):
            return apply(primitive, args, kwargs)
        for a in leaves:
            if isinstance(a, BatchedBase):
                return a.apply_primitive(primitive, args, kwargs)
        return self.owner.run_primitive(primitive, args, kwargs)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, _OUTSIDE) for a in (*args, *kwargs.get("out", ()))):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.owner.call(function, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, _OUTSIDE) for t in types):
            return NotImplemented
        if function in _FACTS:
            return function(*example(args), **example(kwargs))
        if function in _LIKE and isinstance(args[0], Traced):
            return _LIKE[function](self.owner, *args, **kwargs)
        return self.owner.call(function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        return no_number("a conversion (np.asarray)")(self)  # type: ignore[no-any-return]

    __float__, __int__, __complex__ = map(no_number, ("float()", "int()", "complex()"))
    __index__, tolist = map(no_number, ("an integer index", "tolist()"))

    def __bool__(self) -> bool:
        return self.owner.guard(self, bool(self.example))

    def __len__(self) -> int:
        return len(self.example)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if newest((index,)) is not None:
            raise VmapError("an index that differs over the batch, of a traced array")
        return self.owner.call(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        if newest((index, value)) is not None:
            raise VmapError("a write of a batch into one traced array")
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

    __str__, __format__ = map(no_number, ("str()", "a format"))

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
    if isinstance(left, _OUTSIDE) or isinstance(right, _OUTSIDE):
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
        if any(isinstance(a, _OUTSIDE) for a in args):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return self.owner.call(function, args, kwargs)

    def __bool__(self) -> bool:
        return self.owner.guard(self, bool(self.example))

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return Number if _asks_as_ours() else type(self.example)

    def forget(self) -> None:
        """Do nothing: an example is one number."""

    @property
    def pinned(self) -> Any:
        """The number as a constant, by a guard that it stays the same."""
        if not self.may_be_pinned:
            no_number("the value of a number computed from it")(self)
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

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        return np.asarray(self.pinned, *args, **kwargs)

    def __hash__(self) -> int:
        """Return that of the number, for a key in a dict; of the object to the program itself."""
        asks = sys._getframe(1).f_globals.get("__name__", "")
        inside = asks.startswith(PROGRAM) or not self.owner.is_running
        return object.__hash__(self) if inside else hash(self.pinned)

    def __str__(self) -> str:
        return str(self.pinned)

    def __format__(self, spec: str) -> str:
        return format(self.pinned, spec)

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.pinned, digits)

    def __repr__(self) -> str:
        return f"Number({self.name or self.number}, {self.example!r})"


def _of_numbers(function: Callable[..., Any], swapped: bool = False) -> Callable[..., Any]:
    """Return an operator of numbers; beside an array it is that of arrays."""

    def operate(self: Number, *other: Any) -> Any:
        if other and not isinstance(other[0], (Number, int, float, complex)):
            return NotImplemented
        args = (self, *other)[:: -1 if swapped else 1]
        return self.owner.call(function, args, {})

    return operate


for _name in [
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"),
    *("and_", "or_", "xor", "lshift", "rshift"),
]:
    _method = _name.rstrip("_")
    setattr(Number, f"__{_method}__", _of_numbers(getattr(operator, _name)))
    setattr(Number, f"__r{_method}__", _of_numbers(getattr(operator, _name), swapped=True))
for _name in ["lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs"]:
    setattr(Number, f"__{_name}__", _of_numbers(getattr(operator, _name)))
admission._ways[Number] = None


VALUES.update((Traced, Number))


def item(array: Any, *index: int) -> Any:
    """Return an element of an array as a Python number."""
    return array.item(*index)


def astype(array: Any, dtype: Any) -> Any:
    """Return an array with another dtype."""
    return array.astype(dtype)
