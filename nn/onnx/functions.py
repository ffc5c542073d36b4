"""NumPy's elementwise functions and reductions in ONNX, by its operators or by other functions.

ONNX converts no dtypes, so operands are first cast to the one in which NumPy computes.
"""

import math
import operator
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_core.program import astype
from nn.onnx.graph import DECOMPOSITIONS, TRANSLATIONS, ExportError, Graph, Translation, translation

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
    kind: str, graph: Graph, a: Any, axis: Any = None, *_: Any, dtype: Any = None,
    keepdims: Any = None,
) -> Any:  # fmt: skip
    """Add a reduction, as its result has it: the dtype, and whether axes are kept.

    Booleans are reduced as whole numbers.
    """
    dtype, axes, kept = graph.result.dtype, axes_of(axis, a.ndim), int(graph.result.ndim == a.ndim)
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


def flat_if_none(graph: Graph, name: Any, axis: Any) -> tuple[Any, int]:
    """Return an array and an axis of it: the array with one axis where ``axis`` is None."""
    return (graph.op("Reshape", name, np.array([-1])), 0) if axis is None else (name, int(axis))


def _arg_extreme(
    kind: str, graph: Graph, a: Any, axis: Any = None, *_: Any, keepdims: Any = None
) -> Any:
    name = graph.name(a, np.int32 if a.dtype.kind == "b" else None)
    name, along = flat_if_none(graph, name, axis)
    kept = graph.result.ndim == a.ndim
    if axis is None and kept:
        return graph.shape(graph.op(kind, name, axis=along, keepdims=0), graph.result.shape)
    return graph.op(kind, name, axis=along, keepdims=int(kept))


TRANSLATIONS |= {
    **{f: partial(_elementwise, f, kind) for f, kind in _ELEMENTWISE.items()},
    **{f: partial(_elementwise, f, kind, single=True) for f, kind in _SINGLE.items()},
    **{f: _logical(kind) for f, kind in _LOGICAL.items()},
    np.fmod: partial(_elementwise, np.fmod, "Mod", fmod=1),
    np.isnan: _test("IsNaN"), np.isinf: _test("IsInf"),
    np.mean: partial(_reduction, "ReduceMean"), np.sum: partial(_reduction, "ReduceSum"),
    np.prod: partial(_reduction, "ReduceProd"),
    np.max: partial(_reduction, "ReduceMax"), np.min: partial(_reduction, "ReduceMin"),
    np.amax: partial(_reduction, "ReduceMax"), np.amin: partial(_reduction, "ReduceMin"),
    np.any: partial(_reduction, "ReduceMax"), np.all: partial(_reduction, "ReduceMin"),
    np.argmax: partial(_arg_extreme, "ArgMax"), np.argmin: partial(_arg_extreme, "ArgMin"),
}  # fmt: skip


@translation(np.cumsum)
def _cumsum(graph: Graph, a: Any, axis: Any = None, dtype: Any = None) -> Any:
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


# -- functions that ONNX lacks, in terms of those that it has --------------------------------------


def _var(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: Any = 0,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    a = a if dtype is None else a.astype(dtype)
    centred = a - np.mean(a, axis=axis, keepdims=True)
    count = math.prod(a.shape[i] for i in axes_of(axis, a.ndim))
    return np.sum(centred * centred, axis=axis, keepdims=keepdims) / (count - ddof)


def _clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None,
    max: Any = None,
) -> Any:  # fmt: skip
    low, high = a_min if min is None else min, a_max if max is None else max
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


def _remainder(x: Any, y: Any) -> Any:
    """Return the remainder with the sign of ``y``; fmod has the sign of ``x``."""
    rest = np.fmod(x, y)
    return np.where(np.logical_and(rest != 0, (rest < 0) != np.less(y, 0)), rest + y, rest)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    if ord not in (None, "fro", 2) or (ord == 2 and (axis is None) != (x.ndim == 1)):
        raise ExportError(f"np.linalg.norm with ord={ord!r} is not translated to ONNX")
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def _round(a: Any, decimals: int = 0) -> Any:
    return np.rint(a * 10.0**decimals) / 10.0**decimals if decimals else np.rint(a)


def _log1p(x: Any) -> Any:
    """Return log(1 + x), accurate for small x too (W. Kahan)."""
    u = x + 1
    return np.where(u == 1, x, np.where(u == np.inf, u, np.log(u) * (x / (u - 1))))


def _expm1(x: Any) -> Any:
    """Return exp(x) - 1, accurate for small x too (W. Kahan)."""
    u = np.exp(x)
    near = np.logical_and(u > 0.5, u < 2)
    return np.where(u == 1, x, np.where(near, (u - 1) * (x / np.log(u)), u - 1))


def _hypot(x: Any, y: Any) -> Any:
    """Return sqrt(x^2 + y^2) without overflow of the squares."""
    x, y = abs(x), abs(y)  # the builtin leaves a Python number one
    large = np.maximum(x, y)
    ratio = np.minimum(x, y) / np.where(large == 0, 1, large)
    return large * np.sqrt(1 + ratio * ratio)


def _logaddexp(x: Any, y: Any) -> Any:
    difference = np.where(np.equal(x, y), 0, np.subtract(x, y))  # 0 for equal infinities
    return np.maximum(x, y) + np.log1p(np.exp(-np.abs(difference)))


def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    ends = np.finfo(x.dtype)
    low, high = ends.min if neginf is None else neginf, ends.max if posinf is None else posinf
    for found, value in ((np.isnan(x), nan), (x == np.inf, high), (x == -np.inf, low)):
        x = np.where(found, x.dtype.type(value), x)
    return x


def _reduce(fun: Any, a: Any, axis: Any = 0, **options: Any) -> Any:
    return fun(a, axis=axis, **options)


DECOMPOSITIONS |= {
    np.add.reduce: partial(_reduce, np.sum), np.multiply.reduce: partial(_reduce, np.prod),
    np.maximum.reduce: partial(_reduce, np.max), np.minimum.reduce: partial(_reduce, np.min),
    np.logical_and.reduce: partial(_reduce, np.all), np.logical_or.reduce: partial(_reduce, np.any),
    operator.pow: np.power, np.clip: _clip, np.round: _round, np.nan_to_num: _nan_to_num,
    np.log1p: _log1p, np.expm1: _expm1, np.hypot: _hypot, np.logaddexp: _logaddexp,
    np.remainder: _remainder, np.linalg.norm: _norm, np.var: _var,
    np.std: lambda *args, **kwargs: np.sqrt(np.var(*args, **kwargs)),
    np.square: lambda x: x * x,
    np.exp2: lambda x: np.exp(x * math.log(2)),
    np.log2: lambda x: np.log(x) * (1 / math.log(2)),
    np.log10: lambda x: np.log(x) * (1 / math.log(10)),
    np.cbrt: lambda x: np.sign(x) * np.abs(x) ** (1 / 3),
    np.trunc: lambda x: np.sign(x) * np.floor(np.abs(x)),
    np.not_equal: lambda x, y: np.logical_not(np.equal(x, y)),
    np.isfinite: lambda x: np.logical_not(np.isnan(x) | np.isinf(x)),
    np.float_power: lambda x, y: np.power(x * np.float64(1), y),
    np.floor_divide: lambda x, y: astype(np.rint((x - x % y) / y), np.result_type(x, y)),
}  # fmt: skip
