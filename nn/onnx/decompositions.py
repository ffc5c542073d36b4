"""NumPy functions that ONNX lacks, decomposed into NumPy functions that it has."""

import math
import operator
from functools import partial
from typing import Any

import numpy as np

from autograd_core.program import astype
from nn.onnx.functions import axes_of
from nn.onnx.graph import DECOMPOSITIONS, ExportError


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
    if decimals:
        raise ExportError(f"np.round is translated to ONNX with decimals=0 only, got {decimals}")
    return np.rint(a)


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


DECOMPOSITIONS |= {
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

for _ufunc, _function in (
    (np.add, np.sum), (np.multiply, np.prod), (np.maximum, np.max), (np.minimum, np.min),
    (np.logical_and, np.all), (np.logical_or, np.any),
):  # fmt: skip
    DECOMPOSITIONS[_ufunc.reduce] = partial(_function, axis=0)
