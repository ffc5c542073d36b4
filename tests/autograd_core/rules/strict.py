"""A stand-in for a GPU array: it speaks NumPy's two protocols and refuses what CuPy refuses.

Inside is an ndarray, but nothing can reach it by accident:

* no implicit conversion to the host (``__array__`` raises); ``get()`` is the explicit one;
* no ndarray as an operand of a ufunc or an argument of a function (NumPy and Python numbers are taken);
  integer and boolean ndarrays are taken as an index, as CuPy copies those;
* results without axes are arrays, not numbers;
* ``sum`` and its relatives take neither ``where=`` nor ``initial=``, ufuncs neither ``where=`` nor
  ``axes=``; methods are those that cupy.ndarray has;
* functions that CuPy lacks (:data:`MISSING`, after the comparison table in its documentation) refuse.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Functions of NumPy without a counterpart in CuPy 13.
MISSING = frozenset(
    """apply_over_axes block geomspace insert nanquantile nanpercentile put_along_axis polyder polyint polydiv
    float_power spacing trapezoid unstack cumulative_sum cumulative_prod astype matrix_transpose vecdot matvec vecmat
    eig eigvals multi_dot svdvals matrix_norm vector_norm linalg.cross linalg.outer linalg.matmul linalg.tensordot
    linalg.trace linalg.diagonal linalg.vecdot linalg.matrix_transpose resize unique_values unique_all unique_counts
    unique_inverse sort_complex trim_zeros logaddexp.reduce average.returned heaviside.out piecewise""".split()
)

#: Keywords that CuPy's functions of these names do not have.
NO_KEYWORDS = frozenset({"where", "initial", "correction", "like", "subok", "axes", "signature"})

#: Ufuncs whose methods CuPy has.
REDUCING = frozenset({"add", "multiply", "maximum", "minimum"})

METHODS = frozenset(
    """all any argmax argmin argpartition argsort astype choose clip compress conj conjugate copy cumprod cumsum diagonal
    dot fill flatten item max mean min nonzero partition prod put ravel repeat reshape round searchsorted sort
    squeeze std sum swapaxes take tolist trace transpose var""".split()
)


class Refused(TypeError):
    """What CuPy would not do."""


def inner(value: Any, index: bool = False) -> Any:
    """The ndarrays inside, if nothing among ``value`` would have to come from the host."""
    if isinstance(value, StrictArray):
        return value._a
    if isinstance(value, np.ndarray) and not (index and value.dtype.kind in "iub"):
        raise Refused("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (list, tuple)):
        return type(value)(inner(v, index) for v in value)
    return value


def outer(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return StrictArray(np.asarray(value))
    if isinstance(value, (list, tuple)):
        parts = [outer(v) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


class StrictArray:
    """An array on another device, as far as anybody can tell."""

    __slots__ = ("_a",)
    __hash__ = object.__hash__

    def __init__(self, a: Any) -> None:
        self._a = np.asarray(a)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise Refused("Implicit conversion to a NumPy array is not allowed")

    def get(self) -> Any:
        """A copy on the host."""
        return self._a.copy()

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "at":
            if ufunc.__name__ not in ("add", "subtract", "maximum", "minimum"):
                raise Refused(f"{ufunc.__name__}.at")
            getattr(ufunc, method)(args[0]._a, inner(args[1], True), *(inner(a) for a in args[2:]))
            return None
        if method in ("reduce", "accumulate", "reduceat") and ufunc.__name__ not in REDUCING:
            raise Refused(f"{ufunc.__name__}.{method}")
        if ufunc.__name__ in MISSING or kwargs.keys() & NO_KEYWORDS:
            raise Refused(f"{ufunc.__name__}({', '.join(kwargs)})")
        kwargs = {k: inner(v) for k, v in kwargs.items()}
        return outer(getattr(ufunc, method)(*(inner(a) for a in args), **kwargs))

    def __array_function__(self, fun: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = fun.__name__
        qualified = f"{fun.__module__.split('.')[-1]}.{name}"
        if fun is np.asarray:  # with like=: the explicit way onto the device
            return StrictArray(np.asarray(*args, **kwargs))
        if not all(issubclass(t, (StrictArray, np.ndarray)) for t in types):
            return NotImplemented
        if name in MISSING or qualified in MISSING or kwargs.keys() & NO_KEYWORDS:
            raise Refused(f"{qualified}({', '.join(kwargs)})")
        indices = name in ("take", "take_along_axis", "repeat", "copyto", "delete")
        return outer(
            fun(*inner(args, indices), **{k: inner(v, indices) for k, v in kwargs.items()})
        )

    def __getattr__(self, name: str) -> Any:
        if name in ("shape", "dtype", "ndim", "size", "nbytes", "itemsize"):
            return getattr(self._a, name)
        if name in ("T", "real", "imag"):
            return StrictArray(getattr(self._a, name))
        if name not in METHODS:
            raise AttributeError(f"cupy.ndarray has no attribute {name!r}")
        method = getattr(self._a, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if kwargs.keys() & NO_KEYWORDS:
                raise Refused(f"ndarray.{name}({', '.join(kwargs)})")
            result = method(
                *inner(args, name in ("take", "repeat")), **{k: inner(v) for k, v in kwargs.items()}
            )
            return result if name in ("item", "tolist") else outer(result)

        return call

    def __getitem__(self, index: Any) -> StrictArray:
        return StrictArray(self._a[inner(index, True)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._a[inner(index, True)] = inner(value)

    def __len__(self) -> int:
        return len(self._a)

    def __float__(self) -> float:
        return float(self._a)

    def __int__(self) -> int:
        return int(self._a)

    def __index__(self) -> int:
        return self._a.__index__()

    def __complex__(self) -> complex:
        return complex(self._a)

    def __bool__(self) -> bool:
        return bool(self._a)

    def __repr__(self) -> str:
        return f"StrictArray({self._a!r})"


def _operator(name: str) -> Any:
    def call(self: StrictArray, *others: Any) -> Any:
        if any(hasattr(type(o), "__array_ufunc__") and not isinstance(o, (StrictArray, np.ndarray, np.generic))
               for o in others):  # fmt: skip
            return NotImplemented
        return outer(getattr(self._a, name)(*(inner(o) for o in others)))

    return call


for _name in (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul and rand or ror "
    "xor rxor lshift rshift lt le gt ge eq ne neg pos abs invert divmod rdivmod"
).split():
    setattr(StrictArray, f"__{_name}__", _operator(f"__{_name}__"))
for _name in "iadd isub imul itruediv".split():

    def _in_place(self: StrictArray, other: Any, name: str = f"__{_name}__") -> StrictArray:
        getattr(self._a, name)(inner(other))
        return self

    setattr(StrictArray, f"__{_name}__", _in_place)
