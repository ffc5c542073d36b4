"""NumPy's elementwise functions and reductions in ONNX.

ONNX converts no dtypes, so operands are first cast to the one in which NumPy computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.onnx.graph import FUNCTIONS, ExportError, Graph

_UNARY = {
    np.exp: "Exp", np.log: "Log", np.sqrt: "Sqrt", np.sin: "Sin", np.cos: "Cos", np.tanh: "Tanh",
    np.absolute: "Abs", np.fabs: "Abs", np.negative: "Neg", np.reciprocal: "Reciprocal",
    np.floor: "Floor", np.ceil: "Ceil", np.rint: "Round", np.sign: "Sign",
    np.positive: "Identity",
}  # fmt: skip
#: onnxruntime has these in float32 only.
_SINGLE = {
    np.tan: "Tan", np.arcsin: "Asin", np.arccos: "Acos", np.arctan: "Atan", np.sinh: "Sinh",
    np.cosh: "Cosh", np.arcsinh: "Asinh", np.arccosh: "Acosh", np.arctanh: "Atanh",
}  # fmt: skip
_BINARY = {
    np.add: "Add", np.subtract: "Sub", np.multiply: "Mul", np.true_divide: "Div",
    np.power: "Pow", np.maximum: "Max", np.minimum: "Min", np.matmul: "MatMul",
}  # fmt: skip
_BOOLEAN = {"Add": "Or", "Mul": "And", "Max": "Or", "Min": "And"}
_COMPARING = {
    np.less: "Less", np.less_equal: "LessOrEqual", np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual", np.equal: "Equal",
}  # fmt: skip
_LOGICAL = {
    np.logical_and: "And", np.logical_or: "Or", np.logical_xor: "Xor",
    np.bitwise_and: "And", np.bitwise_or: "Or", np.bitwise_xor: "Xor",
}  # fmt: skip
_REDUCING = {
    np.mean: "ReduceMean", np.max: "ReduceMax", np.min: "ReduceMin", np.amax: "ReduceMax",
    np.amin: "ReduceMin", np.prod: "ReduceProd", np.sum: "ReduceSum",
}  # fmt: skip


def common(*arrays: Any) -> np.dtype[Any]:
    """The dtype in which NumPy computes with these; Python's numbers do not widen it."""
    weak = (int, float, bool)
    return np.result_type(*(a if type(a) in weak else np.asarray(_value(a)).dtype for a in arrays))


def _value(a: Any) -> Any:
    return getattr(a, "value", a)


def _floating(fun: Any, dtype: Any) -> np.dtype[Any]:
    """The dtype of the result of ``fun``: whole numbers become floating-point ones."""
    with np.errstate(all="ignore"):
        return np.asarray(fun(np.ones((), dtype))).dtype


def _unary(fun: Any, kind: str, single: bool) -> Any:
    def translate(graph: Graph, x: Any) -> Any:
        dtype = _floating(fun, x.dtype)
        name = graph.name(x, dtype)
        return graph.single(dtype, kind, name) if single else graph.op(kind, name)

    return translate


def _binary(fun: Any, kind: str) -> Any:
    def translate(graph: Graph, x: Any, y: Any) -> Any:
        dtype = common(x, y)
        if kind == "Div" and dtype.kind != "f":
            dtype = np.dtype(np.float64)
        which = _BOOLEAN.get(kind, kind) if dtype.kind == "b" else kind
        return graph.op(which, graph.name(x, dtype), graph.name(y, dtype))

    return translate


def _comparing(kind: str) -> Any:
    def translate(graph: Graph, x: Any, y: Any) -> Any:
        dtype = common(x, y)
        return graph.op(kind, graph.name(x, dtype), graph.name(y, dtype))

    return translate


def _logical(fun: Any, kind: str) -> Any:
    def translate(graph: Graph, x: Any, y: Any) -> Any:
        if fun.__name__.startswith("bitwise") and common(x, y).kind != "b":
            raise ExportError(f"np.{fun.__name__} is translated to ONNX for booleans only")
        return graph.op(kind, graph.name(x, bool), graph.name(y, bool))

    return translate


def _reducing(fun: Any, kind: str) -> Any:
    def translate(
        graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: None = None,
        keepdims: Any = False,
    ) -> Any:  # fmt: skip
        wanted = fun(np.ones(1, a.dtype)).dtype if dtype is None else np.dtype(dtype)
        axes = axes_of(axis, a.ndim)
        options: dict[str, Any] = {"keepdims": int(keepdims is True or keepdims == 1)}
        given = [graph.name(a, wanted)]
        if not axes:
            return graph.op("Identity", *given)
        if kind == "ReduceSum":
            given.append(graph.name(np.array(axes)))
        else:
            options["axes"] = axes
        return graph.op(kind, *given, **options)

    def extreme(
        graph: Graph, a: Any, axis: Any = None, out: None = None, keepdims: Any = False
    ) -> Any:
        if a.dtype.kind == "b":
            return _tested(kind)(graph, a, axis, None, keepdims)
        return translate(graph, a, axis, None, None, keepdims)

    return extreme if kind in ("ReduceMax", "ReduceMin") else translate


def axes_of(axis: Any, ndim: int) -> list[int]:
    """Axes counted from 0, as ``axis=`` means them."""
    if axis is None:
        return list(range(ndim))
    return [int(a) % ndim for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]


def _tested(kind: str) -> Any:
    def translate(
        graph: Graph, a: Any, axis: Any = None, out: None = None, keepdims: Any = False
    ) -> Any:
        counted = graph.op("Cast", graph.name(a, bool), to=np.dtype(np.int32))
        axes, kept = axes_of(axis, a.ndim), int(keepdims is True or keepdims == 1)
        made = graph.op(kind, counted, axes=axes, keepdims=kept)
        return graph.op("Cast", made, to=np.dtype(bool))

    return translate


def _place_of(kind: str) -> Any:
    def translate(
        graph: Graph, a: Any, axis: Any = None, out: None = None, *, keepdims: Any = False
    ) -> Any:
        source = graph.name(a, np.int32 if a.dtype.kind == "b" else None)
        if axis is None:
            source, axis = graph.op("Reshape", source, np.array([-1])), 0
            if keepdims is True:
                return None
        return graph.op(kind, source, axis=int(axis), keepdims=int(keepdims is True))

    return translate


def _cumsum(
    graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: None = None
) -> Any:  # fmt: skip
    wanted = np.cumsum(np.ones(1, a.dtype)).dtype if dtype is None else np.dtype(dtype)
    source = graph.name(a, wanted)
    if axis is None:
        source, axis = graph.op("Reshape", source, np.array([-1])), 0
    return graph.op("CumSum", source, np.array(int(axis)))


def _where(graph: Graph, condition: Any, x: Any, y: Any) -> Any:
    dtype = common(x, y)
    given = graph.name(x, dtype), graph.name(y, dtype)
    return graph.op("Where", graph.name(condition, bool), *given)


def _not(graph: Graph, x: Any) -> Any:
    return graph.op("Not", graph.name(x, bool))


def _invert(graph: Graph, x: Any) -> Any:
    if x.dtype.kind != "b":
        raise ExportError("np.invert is translated to ONNX for booleans only")
    return _not(graph, x)


def _of_floats(kind: str) -> Any:
    return lambda graph, x: graph.op(kind, graph.name(x, _floating(np.sqrt, x.dtype)))


def _fmod(graph: Graph, x: Any, y: Any) -> Any:
    dtype = common(x, y)
    return graph.op("Mod", graph.name(x, dtype), graph.name(y, dtype), fmod=1)


def _einsum(graph: Graph, subscripts: Any, *operands: Any) -> Any:
    if not isinstance(subscripts, str):
        raise ExportError('np.einsum is translated to ONNX in the form np.einsum("ij,jk", x, y)')
    dtype = common(*operands)
    given = [graph.name(x, dtype) for x in operands]
    return graph.op("Einsum", *given, equation=subscripts.replace(" ", ""))


_TABLE: dict[Any, Any] = {
    **{f: _unary(f, kind, False) for f, kind in _UNARY.items()},
    **{f: _unary(f, kind, True) for f, kind in _SINGLE.items()},
    **{f: _binary(f, kind) for f, kind in _BINARY.items()},
    **{f: _comparing(kind) for f, kind in _COMPARING.items()},
    **{f: _logical(f, kind) for f, kind in _LOGICAL.items()},
    **{f: _reducing(f, kind) for f, kind in _REDUCING.items()},
    np.any: _tested("ReduceMax"),
    np.all: _tested("ReduceMin"),
    np.argmax: _place_of("ArgMax"),
    np.argmin: _place_of("ArgMin"),
    np.isnan: _of_floats("IsNaN"),
    np.isinf: _of_floats("IsInf"),
    np.cumsum: _cumsum,
    np.where: _where,
    np.einsum: _einsum,
    np.fmod: _fmod,
    np.logical_not: _not,
    np.invert: _invert,
}
FUNCTIONS.update(_TABLE)
