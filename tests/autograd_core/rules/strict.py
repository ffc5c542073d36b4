"""A stand-in for a GPU array, which answers NumPy's two protocols and refuses what CuPy refuses.

Inside is an ndarray, but nothing can reach it by accident:

* no implicit conversion to the host (``__array__`` raises); ``get()`` is the explicit one, and ``bool``,
  ``float``, ``item`` and their like are counted, because each of them waits for the device;
* no ndarray as an operand of a ufunc or an argument of a function (numbers of NumPy and Python are
  taken); integer and boolean ndarrays are taken as an index, as CuPy copies those;
* results without axes are arrays, not numbers; results of several parts are plain tuples;
* functions, keywords, positions and methods are those of CuPy 14 (``cupy_table.txt``, read from its
  signatures), ``ufunc.reduce`` and ``accumulate`` those of add and multiply, as in its source.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tests.autograd_core.rules.cupy_table import qualified, table

#: The ufuncs whose methods CuPy has; it has ``outer`` of all.
UFUNC_METHODS = {
    "reduce": ("add", "multiply"),
    "accumulate": ("add", "multiply"),
    "reduceat": ("add",),
    "at": ("add", "subtract", "maximum", "minimum"),
}

#: Constructors that make a StrictArray when asked by ``like=``.
CREATING = "arange array asarray ascontiguousarray empty eye full identity ones zeros".split()

#: Functions whose arguments may be indices, counts or masks on the host.
INDEXED = "take take_along_axis delete".split()

#: Functions and the position of the argument that may be an ndarray of numbers.
HOST_ARGUMENT = {"quantile": 1, "percentile": 1}

#: Functions of lists that take arrays of CuPy and nothing else.
JOINING = "concatenate stack column_stack".split()

NUMBERS = (int, float, complex, np.number, np.bool_)


class Refused(TypeError):
    """Error for what CuPy would not do."""


class Waits:
    """Count how often something waited for the device."""

    count = 0


def inner(value: Any, index: bool = False) -> Any:
    """Return the ndarrays inside, if nothing among ``value`` would have to come from the host."""
    if isinstance(value, StrictArray):
        return value._a
    if isinstance(value, np.ndarray) and not (index and value.dtype.kind in "iub"):
        raise Refused("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (list, tuple)):
        return type(value)(inner(v, index) for v in value)
    return value


def operand(value: Any) -> Any:
    """Return an operand of a ufunc: an array or a number."""
    if not isinstance(value, (StrictArray, *NUMBERS)):
        raise Refused(f"Unsupported type {type(value)}")
    return inner(value)


def outer(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return StrictArray(np.asarray(value))
    if isinstance(value, list):
        return [outer(v) for v in value]
    if isinstance(value, tuple):
        parts = tuple(outer(v) for v in value)
        return type(value)(*parts) if type(value).__name__.startswith("Unique") else parts
    return value


def check(section: str, name: str, args: Any, kwargs: Any) -> None:
    """Refuse what is not in CuPy, or not with these arguments."""
    signature = table()[section].get(name)
    if signature is None:
        raise Refused(f"CuPy has no {name}")
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise Refused(f"cupy's {name}() {error}") from None


class Flags(NamedTuple):
    """The flags that CuPy has."""

    c_contiguous: bool
    f_contiguous: bool


class StrictArray:
    """An array that behaves as if it were on another device."""

    __slots__ = ("__weakref__", "_a")
    __hash__ = object.__hash__

    def __init__(self, a: Any) -> None:
        self._a = np.asarray(a)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise Refused("Implicit conversion to a NumPy array is not allowed")

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {"version": 3, **self._a.__array_interface__}

    def _wait(self) -> Any:
        Waits.count += 1
        return self._a

    def get(self) -> Any:
        """Return a copy on the host."""
        return self._wait().copy()

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__
        if method == "__call__":
            check("ufuncs", name, args, kwargs)
        elif name not in UFUNC_METHODS.get(method, (name,)) or name not in table()["ufuncs"]:
            raise Refused(f"`cupy_{name}.{method}` is not supported yet")
        elif kwargs.keys() & {"where", "initial"}:
            raise Refused(f"{name}.{method}({', '.join(kwargs)})")
        if method == "at":
            ufunc.at(args[0]._a, inner(args[1], True), *(operand(a) for a in args[2:]))
            return None
        if method == "reduceat":
            return outer(
                ufunc.reduceat(operand(args[0]), inner(args[1], True), *args[2:], **kwargs)
            )
        kwargs = {k: inner(v) for k, v in kwargs.items()}
        if method in ("reduce", "accumulate"):  # what follows the array is no operand
            return outer(getattr(ufunc, method)(operand(args[0]), *args[1:], **kwargs))
        return outer(getattr(ufunc, method)(*(operand(a) for a in args), **kwargs))

    def __array_function__(self, fun: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = fun.__name__
        if name in CREATING:  # with like=: the explicit way onto the device
            return StrictArray(
                fun(*(a._a if isinstance(a, StrictArray) else a for a in args), **kwargs)
            )
        if not all(issubclass(t, (StrictArray, np.ndarray)) for t in types):
            return NotImplemented
        check("functions", qualified(fun), args, kwargs)
        if name in JOINING and not all(isinstance(a, StrictArray) for a in args[0]):
            raise Refused(f"Only cupy arrays can be joined by {name}")
        index, host = name in INDEXED, HOST_ARGUMENT.get(name)
        inside = [
            a if i == host and isinstance(a, np.ndarray) else inner(a, index)
            for i, a in enumerate(args)
        ]
        return outer(fun(*inside, **{k: inner(v, index) for k, v in kwargs.items()}))

    def __getattr__(self, name: str) -> Any:
        if name in ("shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides", "base"):
            return getattr(self._a, name)
        if name in ("T", "mT", "real", "imag"):
            return StrictArray(getattr(self._a, name))
        if name == "flags":
            return Flags(self._a.flags.c_contiguous, self._a.flags.f_contiguous)
        if name in ("data", "device", "flat") or name not in table()["methods"]:
            raise AttributeError(f"cupy.ndarray has no attribute {name!r}")
        index = name in ("take", "put")

        def call(*args: Any, **kwargs: Any) -> Any:
            check("methods", name, args, kwargs)
            mine = self._wait() if name in ("item", "tolist", "nonzero") else self._a
            options = {k: inner(v, index) for k, v in kwargs.items()}
            result = getattr(mine, name)(*inner(args, index), **options)
            return result if name in ("item", "tolist") else outer(result)

        return call

    def __getitem__(self, index: Any) -> StrictArray:
        return StrictArray(self._a[inner(index, True)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._a[inner(index, True)] = inner(value)

    def __len__(self) -> int:
        return len(self._a)

    def __float__(self) -> float:
        return float(self._wait())

    def __int__(self) -> int:
        return int(self._wait())

    def __complex__(self) -> complex:
        return complex(self._wait())

    def __bool__(self) -> bool:
        return bool(self._wait())

    def __repr__(self) -> str:
        return f"StrictArray({self._a!r})"


def _operator(name: str) -> Any:
    def call(self: StrictArray, *others: Any) -> Any:
        for o in others:  # what speaks the protocol itself answers first
            if hasattr(type(o), "__array_ufunc__") and not isinstance(
                o, (StrictArray, np.ndarray, np.generic)
            ):
                return NotImplemented
        return outer(getattr(self._a, name)(*(operand(o) for o in others)))

    return call


for _name in (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul and rand or ror "
    "xor rxor lshift rshift lt le gt ge eq ne neg pos abs invert divmod rdivmod"
).split():
    setattr(StrictArray, f"__{_name}__", _operator(f"__{_name}__"))
for _name in "iadd isub imul itruediv ipow".split():

    def _in_place(self: StrictArray, other: Any, name: str = f"__{_name}__") -> StrictArray:
        getattr(self._a, name)(operand(other))
        return self

    setattr(StrictArray, f"__{_name}__", _in_place)


def asarray(a: Any, dtype: Any = None) -> StrictArray:
    """Return an array of the device, as ``cupy.asarray`` does: the module is its library."""
    if isinstance(a, StrictArray) and dtype is None:
        return a
    return StrictArray(np.array(getattr(a, "_a", a), dtype))
