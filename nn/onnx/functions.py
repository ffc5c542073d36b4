"""NumPy's elementwise functions and reductions in ONNX.

ONNX converts no dtypes, so operands are first cast to the one in which NumPy computes.
"""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_core.program import Traced
from nn.onnx.graph import TRANSLATIONS, ExportError, Graph, Translation

_ELEMENTWISE = {
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
_BOOLEAN = {
    np.add: "Or", np.multiply: "And", np.maximum: "Or", np.minimum: "And",
    np.bitwise_and: "And", np.bitwise_or: "Or", np.bitwise_xor: "Xor", np.invert: "Not",
}  # fmt: skip
#: onnxruntime has these in float32 only.
_SINGLE = {
    np.tan: "Tan", np.arcsin: "Asin", np.arccos: "Acos", np.arctan: "Atan", np.sinh: "Sinh",
    np.cosh: "Cosh", np.arcsinh: "Asinh", np.arccosh: "Acosh", np.arctanh: "Atanh",
}  # fmt: skip
#: These cast their operands to booleans.
_LOGICAL = {
    np.logical_and: "And", np.logical_or: "Or", np.logical_xor: "Xor", np.logical_not: "Not",
}  # fmt: skip
_REDUCTIONS = {np.mean: "ReduceMean", np.prod: "ReduceProd", np.sum: "ReduceSum"}
_EXTREMES = {
    np.max: "ReduceMax", np.min: "ReduceMin", np.amax: "ReduceMax", np.amin: "ReduceMin",
    np.any: "ReduceMax", np.all: "ReduceMin",
}  # fmt: skip


def _dtype(x: Any) -> np.dtype[Any]:
    return x.dtype if isinstance(x, Traced) else np.asarray(x).dtype


def common(*arrays: Any) -> np.dtype[Any]:
    """Return the dtype in which NumPy combines the arrays; Python's numbers do not widen it."""
    return np.result_type(*(a if type(a) in (int, float, bool) else _dtype(a) for a in arrays))


def _elementwise(ufunc: np.ufunc, kind: str, single: bool = False, **options: Any) -> Translation:
    """Return the translation of a ufunc, in the dtype of the loop that NumPy chooses for it."""

    def translate(graph: Graph, *operands: Any) -> Any:
        if not kind and common(*operands).kind != "b":
            raise ExportError(f"np.{ufunc.__name__} is translated to ONNX for booleans only")
        types = [type(x) if type(x) in (int, float) else _dtype(x) for x in operands]
        dtype = ufunc.resolve_dtypes((*types, None))[0]
        chosen = _BOOLEAN.get(ufunc, kind) if dtype.kind == "b" else kind
        names = [graph.name(x, dtype) for x in operands]
        if single:
            return graph.single(dtype, chosen, *names)
        return graph.op(chosen, *names, **options)

    return translate


def _logical(kind: str) -> Translation:
    return lambda graph, *operands: graph.op(kind, *(graph.name(x, bool) for x in operands))


def _test(kind: str) -> Translation:
    """Return the translation of a test of floating-point numbers."""
    return lambda graph, x: graph.op(kind, graph.name(x, np.sqrt(np.ones((), x.dtype)).dtype))


def axes_of(axis: Any, ndim: int) -> list[int]:
    """Return the axes that ``axis=`` means, counted from 0."""
    return list(range(ndim) if axis is None else normalize_axis_tuple(axis, ndim))


def _reduce(graph: Graph, kind: str, name: str, axes: list[int], keepdims: Any) -> Any:
    keepdims = int(keepdims == 1)
    if not axes:
        return graph.op("Identity", name)
    if kind == "ReduceSum":
        return graph.op(kind, name, np.array(axes), keepdims=keepdims)
    return graph.op(kind, name, axes=axes, keepdims=keepdims)


def _reduction(fun: Any, kind: str) -> Translation:
    def translate(
        graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: None = None,
        keepdims: Any = False,
    ) -> Any:  # fmt: skip
        name = graph.name(a, dtype or fun(np.ones(1, a.dtype)).dtype)
        return _reduce(graph, kind, name, axes_of(axis, a.ndim), keepdims)

    return translate


def _extreme(fun: Any, kind: str) -> Translation:
    def translate(
        graph: Graph, a: Any, axis: Any = None, out: None = None, keepdims: Any = False
    ) -> Any:
        axes = axes_of(axis, a.ndim)
        if fun(np.ones(1, a.dtype)).dtype.kind != "b":
            return _reduce(graph, kind, graph.name(a), axes, keepdims)
        whole = graph.op("Cast", graph.name(a, bool), to=np.dtype(np.int32))
        return graph.op("Cast", _reduce(graph, kind, whole, axes, keepdims), to=np.dtype(bool))

    return translate


def flat_if_none(graph: Graph, name: Any, axis: Any) -> tuple[Any, int]:
    """Return an array and an axis of it: the array with one axis where ``axis`` is None."""
    return (graph.op("Reshape", name, np.array([-1])), 0) if axis is None else (name, int(axis))


def _arg_extreme(kind: str) -> Translation:
    def translate(
        graph: Graph, a: Any, axis: Any = None, out: None = None, *, keepdims: Any = False
    ) -> Any:
        if axis is None and keepdims is True:
            return None
        name = graph.name(a, np.int32 if a.dtype.kind == "b" else None)
        name, axis = flat_if_none(graph, name, axis)
        return graph.op(kind, name, axis=axis, keepdims=int(keepdims is True))

    return translate


def _cumsum(graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    name = graph.name(a, dtype or np.cumsum(np.ones(1, a.dtype)).dtype)
    name, axis = flat_if_none(graph, name, axis)
    return graph.op("CumSum", name, np.array(axis))


def _where(graph: Graph, condition: Any, x: Any, y: Any) -> Any:
    names = [graph.name(a, common(x, y)) for a in (x, y)]
    return graph.op("Where", graph.name(condition, bool), *names)


def _einsum(graph: Graph, subscripts: Any, *operands: Any) -> Any:
    if not isinstance(subscripts, str):
        raise ExportError(
            'np.einsum is translated to ONNX in the form np.einsum("ij,jk", x, y), with the '
            "subscripts first"
        )
    names = [graph.name(x, common(*operands)) for x in operands]
    return graph.op("Einsum", *names, equation=subscripts.replace(" ", ""))


_TABLE: dict[Any, Translation] = {
    **{f: _elementwise(f, kind) for f, kind in _ELEMENTWISE.items()},
    **{f: _elementwise(f, kind, single=True) for f, kind in _SINGLE.items()},
    **{f: _logical(kind) for f, kind in _LOGICAL.items()},
    **{f: _reduction(f, kind) for f, kind in _REDUCTIONS.items()},
    **{f: _extreme(f, kind) for f, kind in _EXTREMES.items()},
    np.fmod: _elementwise(np.fmod, "Mod", fmod=1),
    np.argmax: _arg_extreme("ArgMax"),
    np.argmin: _arg_extreme("ArgMin"),
    np.isnan: _test("IsNaN"),
    np.isinf: _test("IsInf"),
    np.cumsum: _cumsum,
    np.where: _where,
    np.einsum: _einsum,
}
TRANSLATIONS.update(_TABLE)
