"""TracedArray: an array that records what is computed with it as ONNX operators.

Like a Tensor, it answers NumPy's two dispatch protocols and ``ag.primitive``.  It holds the values
of one example, so that ordinary code finds its shape, dtype and results.  Whatever would take a
value out of the graph (``bool``, ``float``, ``np.asarray``, an index, an assignment) raises an
error: a value that depends on the input never silently becomes a constant of the exported file.

A TracedArray without a name is a constant (a parameter, or computed from parameters alone) and
behaves as its value does.
"""

import functools
import inspect
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

import autograd_core as ag
from nn.onnx.graph import DECOMPOSITIONS, FUNCTIONS, ExportError, Graph
from nn.onnx.trees import leaves, map_leaves

REMEDY = (
    "Compute it with NumPy functions of arrays, such as np.where, or put this part into a module "
    "and translate it to ONNX: @nn.onnx.translation(ItsClass)"
)

#: Functions of shapes and dtypes alone: what they return is a constant.
ABOUT_SHAPE = {
    *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.isrealobj, np.iscomplexobj),
    *(np.zeros_like, np.ones_like, np.empty_like, np.common_type, np.min_scalar_type),
}


class _NoAttributeError(ExportError, AttributeError):
    pass


def astype(x: Any, dtype: Any) -> Any:
    """Return ``x.astype(dtype)``."""
    return x.astype(dtype)


class TracedArray(ag.Operand, NDArrayOperatorsMixin):
    """A value of the graph, or, without a name, a constant.

    An augmented assignment (``x += y``) rebinds the object to a new value, as a Tensor's does.

    Parameters
    ----------
    value
        The value for the example: an array or a NumPy scalar.
    graph, name
        The graph and the name of the value in it, if it depends on an input.
    """

    __slots__ = ("graph", "name", "value")

    def __init__(self, value: Any, graph: Graph | None = None, name: str = "") -> None:
        self.value, self.graph, self.name = value, graph, name

    def __repr__(self) -> str:
        return f"TracedArray({self.name or 'constant'}, shape={self.shape}, {self.dtype})"

    # -- the protocols ------------------------------------------------------------------------

    def apply_primitive(self, primitive: Any, args: Any, kwargs: Any) -> Any:
        """Record a call of a primitive."""
        return dispatch(primitive, args, kwargs)

    def __array_function__(self, fun: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return dispatch(fun, args, kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", (None,))[0]
        if method == "reduce" and ufunc in _REDUCTIONS:
            result = dispatch(_REDUCTIONS[ufunc], args, {"axis": 0, **kwargs})
        elif method == "__call__":
            result = dispatch(ufunc, args, kwargs)
        else:
            raise ExportError(f"np.{ufunc.__name__}.{method} is not translated to ONNX. {REMEDY}")
        if out is None:
            return result
        if not isinstance(out, TracedArray):
            raise ExportError(
                f"np.{ufunc.__name__} with out= would write a value that depends on the input "
                f"into an array of shape {np.shape(out)}; leave out= away"
            )
        out.value, out.graph, out.name = result.value, result.graph, result.name
        return out

    def _constant(self, what: str) -> Any:
        if self.traced:
            table = "To index a table with it, use nn.Embedding, or table[ids] of a Parameter. "
            raise ExportError(
                f"{what} needs the value of an array that depends on the input (shape "
                f"{self.shape}, {self.dtype}, made by {self.name!r}): the file would hold the "
                f"value of the example. {table if self.dtype.kind in 'iu' else ''}{REMEDY}"
            )
        return self.value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        what = "a conversion to an array (np.asarray, an assignment, an untranslated function)"
        return np.array(self._constant(what), dtype=dtype)

    def __bool__(self) -> bool:
        return bool(self._constant("bool(x), as in `if x > 0:`,"))

    def __float__(self) -> float:
        return float(self._constant("float(x)"))

    def __int__(self) -> int:
        return int(self._constant("int(x)"))

    def __index__(self) -> int:
        return operator.index(self._constant("the use of x as an integer index"))

    def item(self, *index: int) -> Any:
        """Return the element of a constant as a Python number."""
        return self._constant("x.item()").item(*index)

    def tolist(self) -> Any:
        """Return a constant as nested lists of Python numbers."""
        return self._constant("x.tolist()").tolist()

    def __getattr__(self, name: str) -> Any:
        raise _NoAttributeError(f"an array that is exported has no attribute {name!r}. {REMEDY}")

    # -- attributes and methods of arrays and Tensors -----------------------------------------

    traced = property(lambda self: bool(self.name), doc="Whether the value depends on an input.")
    requires_grad = property(lambda self: False)
    data = property(lambda self: self)
    T = property(lambda self: np.transpose(self))
    mT = property(lambda self: np.swapaxes(self, -1, -2))

    def numpy(self) -> "TracedArray":
        """Return the array itself, as it has no gradient."""
        return self

    detach = numpy

    def copy(self) -> "TracedArray":
        """Return another array of the same value, which an augmented assignment leaves alone."""
        return TracedArray(self.value, self.graph, self.name)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Return the array cast to ``dtype``."""
        return dispatch(astype, (self, dtype), {})

    def reshape(self, *shape: Any) -> Any:
        """Return the array in another shape, given as numbers or as one tuple."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """Return the array with its axes in another order, by default reversed."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def flatten(self) -> Any:
        """Return the array with one axis."""
        return self.reshape(-1)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return dispatch(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        raise ExportError(
            f"an assignment x[{index!r}] = ... is not translated to ONNX; use np.where with a "
            "mask, or np.concatenate of the parts"
        )

    __hash__ = object.__hash__


for _name in (
    *("sum", "prod", "mean", "var", "std", "max", "min", "cumsum", "clip", "dot", "ravel", "all"),
    *("any", "argmax", "argmin", "repeat", "squeeze", "swapaxes", "take", "diagonal", "trace"),
    *("round", "argsort", "cumprod"),
):
    setattr(TracedArray, _name, functools.partialmethod(getattr(np, _name)))
for _name in ("shape", "dtype", "ndim", "size", "itemsize", "nbytes"):
    setattr(TracedArray, _name, property(operator.attrgetter(f"value.{_name}")))

_REDUCTIONS = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip


# -- one call -------------------------------------------------------------------------------------


def read_values(tree: Any) -> Any:
    """Replace Tensors by the arrays or TracedArrays that they hold."""
    return map_leaves(lambda leaf: leaf.data if isinstance(leaf, ag.Tensor) else leaf, tree)


def example_values(tree: Any) -> Any:
    """Replace Tensors and TracedArrays by their values for the example."""
    return map_leaves(
        lambda leaf: leaf.value if isinstance(leaf, TracedArray) else leaf, read_values(tree)
    )


def graph_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph | None:
    """Return the graph of the arguments of a call; None where all are constants."""
    found = leaves((args, kwargs), (tuple, list, dict))
    return next((x.graph for x in found if isinstance(x, TracedArray) and x.traced), None)


def name_results(graph: Graph, value: Any, names: Any) -> Any:
    """Return the results ``value`` as TracedArrays with the given names, nested alike."""
    if isinstance(names, (tuple, list)):
        return tuple(name_results(graph, v, n) for v, n in zip(value, names, strict=True))
    return TracedArray(np.asarray(example_values(value))[()], graph, graph.name(names))


def dispatch(fun: Any, args: Any, kwargs: Any) -> Any:
    """Compute ``fun(*args, **kwargs)`` for the example, and record it as ONNX."""
    args, kwargs = read_values(tuple(args)), read_values(kwargs)
    graph = graph_of(args, kwargs)
    if graph is None or fun in ABOUT_SHAPE:
        return map_leaves(
            lambda leaf: TracedArray(leaf) if isinstance(leaf, (np.ndarray, np.generic)) else leaf,
            read_values(fun(*example_values(args), **example_values(kwargs))),
        )
    translate = FUNCTIONS.get(fun)
    if translate is not None:
        _refuse_unknown(fun, translate, (graph, *args), kwargs)
        names = translate(graph, *args, **kwargs)
        if names is not None:
            value = fun(*example_values(args), **example_values(kwargs))
            return name_results(graph, value, names)
    code = DECOMPOSITIONS.get(fun) or ag.compositions.get(fun)
    if code is None and isinstance(fun, ag.Primitive):
        code = fun.fun
    if code is None or fun in graph.expanding:
        raise ExportError(_untranslated(graph, fun, args))
    graph.expanding.append(fun)
    try:
        return read_values(code(*args, **kwargs))
    except RecursionError as error:
        raise ExportError(_untranslated(graph, fun, args)) from error
    finally:
        graph.expanding.pop()


def _title(fun: Any) -> str:
    """Return the name of a function for an error message, as ``np.linalg.inv``."""
    module = "np" if isinstance(fun, np.ufunc) else getattr(fun, "__module__", None) or ""
    module = module.replace("numpy", "np", 1)
    return f"{module}.{fun.__name__}" if module.startswith("np") else str(fun.__name__)


def _untranslated(graph: Graph, fun: Any, args: Any) -> str:
    within = f", in {_title(graph.expanding[0])}," if graph.expanding else ""
    shapes = [f"{tuple(a.shape)} {a.dtype}" for a in args if hasattr(a, "shape")]
    return (
        f"{_title(fun)} of {', '.join(shapes) or 'a list'}{within} is not translated to ONNX. "
        "Compute it with other NumPy functions, put it into a module with a translation "
        "(@nn.onnx.translation(ItsClass)), or translate the function itself "
        "(@nn.onnx.translation(function))"
    )


def _refuse_unknown(fun: Any, translate: Any, args: Any, kwargs: Any) -> None:
    try:
        inspect.signature(translate).bind(*args, **kwargs)
    except TypeError as error:
        raise ExportError(
            f"{_title(fun)} is translated to ONNX, but not with these arguments ({error}). {REMEDY}"
        ) from None
