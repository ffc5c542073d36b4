"""One call met by a Symbol: its value for the example, and how it is written as ONNX."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import numpy as np

import autograd_core as ag
from nn.onnx.graph import FUNCTIONS, WRITTEN, ExportError, Graph

REMEDY = (
    "Compute it with NumPy functions of arrays, such as np.where, or put this part into a module "
    "and say how it is written in ONNX: @nn.onnx.translation(ItsClass)"
)

#: Functions of shapes and dtypes alone: what they return is a constant.
ABOUT_SHAPE = {
    *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.isrealobj, np.iscomplexobj),
    *(np.zeros_like, np.ones_like, np.empty_like, np.common_type, np.min_scalar_type),
}


class Value(ag.Operand):
    """What a Symbol holds: the value for the example, and, if it depends on an input, a name."""

    __slots__ = ("graph", "name", "value")

    #: The class of which results are made; symbol.py names it.
    kind: ClassVar[type[Any]]

    def __init__(self, value: Any, graph: Graph | None = None, name: str = "") -> None:
        self.value, self.graph, self.name = value, graph, name

    @property
    def traced(self) -> bool:
        """Whether it depends on an input."""
        return bool(self.name)


def opened(value: Any) -> Any:
    """Symbols and arrays instead of Tensors that hold them, in tuples, lists and dicts too."""
    if isinstance(value, ag.Tensor):
        return value.data
    if type(value) in (tuple, list):
        return type(value)(opened(v) for v in value)
    return {k: opened(v) for k, v in value.items()} if type(value) is dict else value


def values(value: Any) -> Any:
    """The same with the values of one example instead of Symbols."""
    if isinstance(value, (Value, ag.Tensor)):
        return values(value.value) if isinstance(value, Value) else values(value.data)
    if isinstance(value, (tuple, list)):
        made = [values(v) for v in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    return {k: values(v) for k, v in value.items()} if type(value) is dict else value


def graph_of(value: Any) -> Graph | None:
    """The graph to which a Symbol among ``value`` belongs; None where all are constants."""
    if isinstance(value, Value):
        return value.graph if value.traced else None
    if isinstance(value, ag.Tensor):
        return graph_of(value.data)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return next((g for g in map(graph_of, value) if g is not None), None)
    return None


def named(graph: Graph, value: Any, names: Any) -> Any:
    """Symbols of the results ``value``, given their names in the same nesting."""
    if isinstance(names, Value):
        names = graph.name(names)
    if isinstance(names, (tuple, list)):
        return tuple(named(graph, v, n) for v, n in zip(value, names, strict=True))
    return Value.kind(np.asarray(values(value))[()], graph, names)


def _of(value: Any) -> Any:
    """Constants as Symbols, so that they go on behaving as Tensors do."""
    if isinstance(value, (tuple, list)):
        return type(value)(_of(v) for v in value)
    return Value.kind(value) if isinstance(value, (np.ndarray, np.generic)) else value


def call(fun: Any, args: Any, kwargs: Any) -> Any:
    """Compute ``fun(*args, **kwargs)`` of the example, and write it as ONNX."""
    args, kwargs = opened(tuple(args)), opened(kwargs)
    graph = graph_of((args, kwargs))
    if graph is None or fun in ABOUT_SHAPE:
        return _of(opened(fun(*values(args), **values(kwargs))))
    translate = FUNCTIONS.get(fun)
    if translate is not None:
        _refuse_unknown(fun, translate, (graph, *args), kwargs)
        names = translate(graph, *args, **kwargs)
        if names is not None:
            return named(graph, fun(*values(args), **values(kwargs)), names)
    written = WRITTEN.get(fun) or ag.compositions.get(fun)
    if written is None and isinstance(fun, ag.Primitive):
        written = fun.fun  # its own code
    if written is None or fun in graph.expanding:
        raise ExportError(_untranslated(graph, fun, args))
    graph.expanding.append(fun)
    try:
        return opened(written(*args, **kwargs))
    except RecursionError as error:
        raise ExportError(_untranslated(graph, fun, args)) from error
    finally:
        graph.expanding.pop()


def title(fun: Any) -> str:
    """What errors call a function."""
    module = (getattr(fun, "__module__", "") or "").replace("numpy", "np", 1)
    if isinstance(fun, np.ufunc):
        module = "np"
    return f"{module}.{fun.__name__}" if module.startswith("np") else str(fun.__name__)


def _untranslated(graph: Graph, fun: Any, args: Any) -> str:
    within = f", in {title(graph.expanding[0])}," if graph.expanding else ""
    shapes = [f"{tuple(a.shape)} {a.dtype}" for a in args if hasattr(a, "shape")]
    return (
        f"{title(fun)} of {', '.join(shapes) or 'a list'}{within} is not translated to ONNX. "
        "Write it by other NumPy functions, put it into a module with a translation "
        "(@nn.onnx.translation(ItsClass)), or translate the function itself "
        "(@nn.onnx.translation(function))"
    )


def _refuse_unknown(fun: Any, translate: Any, args: Any, kwargs: Any) -> None:
    try:
        inspect.signature(translate).bind(*args, **kwargs)
    except TypeError as error:
        raise ExportError(
            f"{title(fun)} is translated to ONNX, but not with these arguments ({error}). {REMEDY}"
        ) from None
