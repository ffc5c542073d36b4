"""NumPy's elementwise functions and reductions in ONNX.

ONNX converts no dtypes, so operands are first cast to the one in which NumPy computes.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from nn.onnx.graph import TRANSLATIONS, ExportError, Graph, Translation, translation

_ELEMENTWISE: dict[Any, str] = {
    np.exp: "Exp", np.log: "Log", np.sqrt: "Sqrt", np.sin: "Sin", np.cos: "Cos", np.tanh: "Tanh",
    np.absolute: "Abs", np.fabs: "Abs", np.negative: "Neg", np.reciprocal: "Reciprocal",
    np.floor: "Floor", np.ceil: "Ceil", np.rint: "Round", np.sign: "Sign", np.positive: "Identity",
    np.add: "Add", np.subtract: "Sub", np.multiply: "Mul", np.true_divide: "Div",
    np.power: "Pow", np.maximum: "Max", np.minimum: "Min", np.matmul: "MatMul",
    np.less: "Less", np.less_equal: "LessOrEqual", np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual", np.equal: "Equal",
    np.bitwise_and: "", np.bitwise_or: "", np.bitwise_xor: "", np.invert: "",  # booleans only
}  # fmt: skip
#: The operators of booleans, for which some functions have one of their own.
_BOOLEAN: dict[Any, str] = {
    np.add: "Or", np.multiply: "And", np.maximum: "Or", np.minimum: "And",
    np.bitwise_and: "And", np.bitwise_or: "Or", np.bitwise_xor: "Xor", np.invert: "Not",
}  # fmt: skip
#: onnxruntime has these in float32 only.
_SINGLE: dict[Any, str] = {
    np.tan: "Tan", np.arcsin: "Asin", np.arccos: "Acos", np.arctan: "Atan", np.sinh: "Sinh",
    np.cosh: "Cosh", np.arcsinh: "Asinh", np.arccosh: "Acosh", np.arctanh: "Atanh",
}  # fmt: skip
#: These cast their operands to booleans.
_LOGICAL: dict[Any, str] = {
    np.logical_and: "And", np.logical_or: "Or", np.logical_xor: "Xor", np.logical_not: "Not",
}  # fmt: skip


def _elementwise(
    ufunc: np.ufunc, kind: str, graph: Graph, *operands: Any, single: bool = False,
    fmod: int | None = None,
) -> Any:  # fmt: skip
    """Translate a ufunc, in the dtype of the loop that NumPy chooses for it."""
    types = [type(x) if type(x) in (int, float) else np.result_type(x) for x in operands]
    dtype = ufunc.resolve_dtypes((*types, None))[0]
    kind = _BOOLEAN.get(ufunc, kind) if dtype.kind == "b" else kind
    if not kind:
        raise ExportError(f"np.{ufunc.__name__} is translated to ONNX for booleans only")
    names = [graph.name(x, dtype) for x in operands]
    return graph.single(dtype, kind, *names) if single else graph.op(kind, *names, fmod=fmod)


def _logical(kind: str) -> Translation:
    return lambda graph, *operands: graph.op(kind, *(graph.name(x, bool) for x in operands))


def _test(kind: str) -> Translation:
    """Return the translation of a test of floating-point numbers."""
    return lambda graph, x: graph.op(kind, graph.name(x, x.dtype if x.dtype.kind == "f" else float))


def axes_of(axis: Any, ndim: int) -> list[int]:
    """Return the axes that ``axis=`` means, counted from 0."""
    return list(range(ndim) if axis is None else normalize_axis_tuple(axis, ndim))


def _reduction(
    kind: str, graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: None = None,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    """Add a reduction in the dtype of its result; for booleans, of whole numbers."""
    dtype, axes, kept = graph.result.dtype, axes_of(axis, a.ndim), int(keepdims == 1)
    name = graph.name(a, dtype)
    if dtype.kind == "b":
        name = graph.op("Cast", name, to=np.dtype(np.int32))
    if not axes:
        name = graph.op("Identity", name)
    elif kind == "ReduceSum":
        name = graph.op(kind, name, np.array(axes), keepdims=kept)
    else:
        name = graph.op(kind, name, axes=axes, keepdims=kept)
    return graph.op("Cast", name, to=dtype) if dtype.kind == "b" else name


def _extreme(
    kind: str, graph: Graph, a: Any, axis: Any = None, out: None = None, keepdims: Any = False
) -> Any:
    return _reduction(kind, graph, a, axis, keepdims=keepdims)


def flat_if_none(graph: Graph, name: Any, axis: Any) -> tuple[Any, int]:
    """Return an array and an axis of it: the array with one axis where ``axis`` is None."""
    return (graph.op("Reshape", name, np.array([-1])), 0) if axis is None else (name, int(axis))


def _arg_extreme(
    kind: str, graph: Graph, a: Any, axis: Any = None, out: None = None, *, keepdims: Any = False
) -> Any:
    if axis is None and keepdims is True:
        return None
    name, axis = flat_if_none(graph, graph.name(a, np.int32 if a.dtype.kind == "b" else None), axis)
    return graph.op(kind, name, axis=axis, keepdims=int(keepdims is True))


TRANSLATIONS |= {
    **{f: partial(_elementwise, f, kind) for f, kind in _ELEMENTWISE.items()},
    **{f: partial(_elementwise, f, kind, single=True) for f, kind in _SINGLE.items()},
    **{f: _logical(kind) for f, kind in _LOGICAL.items()},
    np.fmod: partial(_elementwise, np.fmod, "Mod", fmod=1),
    np.isnan: _test("IsNaN"), np.isinf: _test("IsInf"),
    np.mean: partial(_reduction, "ReduceMean"), np.sum: partial(_reduction, "ReduceSum"),
    np.prod: partial(_reduction, "ReduceProd"),
    np.max: partial(_extreme, "ReduceMax"), np.min: partial(_extreme, "ReduceMin"),
    np.amax: partial(_extreme, "ReduceMax"), np.amin: partial(_extreme, "ReduceMin"),
    np.any: partial(_extreme, "ReduceMax"), np.all: partial(_extreme, "ReduceMin"),
    np.argmax: partial(_arg_extreme, "ArgMax"), np.argmin: partial(_arg_extreme, "ArgMin"),
}  # fmt: skip


@translation(np.cumsum)
def _cumsum(graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    name, axis = flat_if_none(graph, graph.name(a, graph.result.dtype), axis)
    return graph.op("CumSum", name, np.array(axis))


@translation(np.where)
def _where(graph: Graph, condition: Any, x: Any, y: Any) -> Any:
    names = [graph.name(a, graph.result.dtype) for a in (x, y)]
    return graph.op("Where", graph.name(condition, bool), *names)


@translation(np.einsum)
def _einsum(graph: Graph, subscripts: Any, *operands: Any) -> Any:
    if not isinstance(subscripts, str):
        raise ExportError('np.einsum needs its subscripts first: np.einsum("ij,jk", x, y)')
    names = [graph.name(x, graph.result.dtype) for x in operands]
    return graph.op("Einsum", *names, equation=subscripts.replace(" ", ""))
