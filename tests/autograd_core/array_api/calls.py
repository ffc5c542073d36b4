"""One call or more of every function of the standard, as lambdas of a namespace and arrays.

``CALLS[name]`` is a list of ``(call, arrays)``: ``call(xp, *arrays)``, with the arrays given as
ndarrays, for the test to convert.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# fmt: off
Call = tuple[Callable[..., Any], tuple[np.ndarray[Any, Any], ...]]

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128".split()
SHAPES: tuple[tuple[int, ...], ...] = ((), (0,), (3,), (2, 3), (0, 3))

UNARY = """abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor imag isfinite isinf
isnan log log1p log2 log10 logical_not negative positive real reciprocal round sign signbit sin sinh square sqrt tan
tanh trunc""".split()

BINARY = """add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide equal
floor_divide greater greater_equal hypot less less_equal logaddexp logical_and logical_or logical_xor maximum minimum
multiply nextafter not_equal pow remainder subtract""".split()

CALLS: dict[str, list[Call]] = {}


def sample(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    """Return distinct values inside the domain of most functions."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith(("int", "uint")):
        return rng.permutation(np.arange(1, size + 1)).reshape(shape).astype(dtype)
    a = rng.permutation(np.linspace(0.05, 0.95, size + 2)[1:-1]).reshape(shape)
    return (a + 0.3j * a[::-1] if shape and dtype[0] == "c" else a).astype(dtype)


def _add(name: str, *calls: Callable[..., Any], on: Any = ((2, 3),), dtype: str = "float64") -> None:
    arrays = tuple(sample(dtype, shape, seed) for seed, shape in enumerate(on))
    CALLS.setdefault(name, []).extend((call, arrays) for call in calls)


def _function(name: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Return a call of the named function (``"linalg.inv"``) with further arguments."""

    def call(xp: Any, *arrays: Any) -> Any:
        fun = xp
        for part in name.split("."):
            fun = getattr(fun, part)
        return fun(*arrays, *args, **kwargs)

    return call


for _name in UNARY:
    for _dtype in DTYPES:
        for _shape in SHAPES:
            _add(_name, _function(_name), on=(_shape,), dtype=_dtype)

for _name in BINARY:
    for _dtype in DTYPES:
        for _shape in SHAPES:
            _add(_name, _function(_name), on=(_shape, _shape), dtype=_dtype)
        _add(_name, _function(_name), on=((2, 3), (3,)), dtype=_dtype)
        _add(_name, _function(_name), on=((3,), ()), dtype=_dtype)
    for _dtype, _number in (("float32", 2.0), ("int8", 2), ("bool", True)):
        _add(_name, _function(_name, _number), on=((3,),), dtype=_dtype)
        _add(_name, lambda xp, x, n=_number, name=_name: getattr(xp, name)(n, x), on=((3,),), dtype=_dtype)

for _dtype in ("float32", "int16"):
    _low, _high = (0.3, 0.6) if _dtype == "float32" else (2, 4)
    for _shape in SHAPES:
        _add("clip", _function("clip"), _function("clip", _low, _high), _function("clip", max=_high),
             _function("clip", min=_low), on=(_shape,), dtype=_dtype)  # fmt: skip
_add("clip", lambda xp, x, y, z: xp.clip(x, y - 1.0, z), on=((2, 3), (3,), ()))

_REDUCTIONS = (((), {}), ((), {"axis": 0}), ((), {"axis": -1, "keepdims": True}), ((), {"axis": (0, 1)}))
for _name in "sum prod mean std var max min all any argmax argmin count_nonzero".split():
    for _dtype in DTYPES:
        for _, _options in _REDUCTIONS:
            if _name.startswith("arg") and isinstance(_options.get("axis"), tuple):
                continue
            _add(_name, _function(_name, **_options), dtype=_dtype)
        _add(_name, _function(_name), _function(_name, keepdims=True), on=((),), dtype=_dtype)
        if _name not in ("max", "min", "argmax", "argmin", "mean", "std", "var"):
            _add(_name, _function(_name), _function(_name, axis=0), on=((0, 3),), dtype=_dtype)
for _name in ("std", "var"):
    _add(_name, _function(_name, correction=1), _function(_name, axis=1, correction=0.5))
for _name in ("sum", "prod", "cumulative_sum", "cumulative_prod"):
    _add(_name, lambda xp, x, name=_name: getattr(xp, name)(x, axis=0, dtype=xp.float64), dtype="float32")
for _name in ("cumulative_sum", "cumulative_prod"):
    for _dtype in DTYPES[1:]:
        _add(_name, _function(_name), _function(_name, include_initial=True), on=((3,),), dtype=_dtype)
        _add(_name, _function(_name, axis=-1, include_initial=True), dtype=_dtype)
        _add(_name, _function(_name), on=((0,),), dtype=_dtype)

_add("diff", _function("diff"), _function("diff", axis=0), _function("diff", n=2, prepend=None))
_add("diff", lambda xp, x, y: xp.diff(x, axis=0, prepend=y, append=y), on=((2, 3), (1, 3)))

for _name in ("sort", "argsort"):
    for _dtype in ("float32", "int64", "uint8"):
        for _descending in (False, True):
            for _axis in (0, -1):
                _add(_name, _function(_name, axis=_axis, descending=_descending, stable=True), dtype=_dtype)
            _add(_name, _function(_name, descending=_descending), on=((0,),), dtype=_dtype)
CALLS["argsort"].append((_function("argsort", descending=True), (np.array([1.0, 2.0, 1.0, 2.0]),)))

_add("where", lambda xp, c, x, y: xp.where(c > 0.5, x, y), on=((2, 3), (2, 3), (3,)))
_add("where", lambda xp, x: xp.where(x > 0.5, x, 0.0), lambda xp, x: xp.where(x > 0.5, 1.0, x), dtype="float32")
_add("nonzero", _function("nonzero"))
_add("nonzero", _function("nonzero"), dtype="bool")
_add("searchsorted", lambda xp, x, y: xp.searchsorted(xp.sort(x), y), on=((4,), (2, 3)))
_add("searchsorted", lambda xp, x, y: xp.searchsorted(x, y, side="right", sorter=xp.argsort(x)), on=((4,), (2, 3)))
for _name in "unique_all unique_counts unique_inverse unique_values".split():
    CALLS[_name] = [(_function(_name), (np.array([[2.0, 1.0], [1.0, 3.0]]),)), (_function(_name), (np.array([], int),))]
CALLS["isin"] = [(_function("isin"), (np.arange(4), np.array([1, 3])))]  # the reference ignores invert=

_add("take", lambda xp, x: xp.take(x, xp.asarray([1, 0, 1]), axis=0), lambda xp, x: xp.take(x, xp.asarray([2]), axis=-1))
_add("take", lambda xp, x: xp.take(x, xp.asarray([2, 0])), on=((3,),))
_add("take_along_axis", lambda xp, x: xp.take_along_axis(x, xp.argsort(x)), lambda xp, x: xp.take_along_axis(x, xp.asarray([[0, 1, 0]]), axis=0))

_add("broadcast_to", _function("broadcast_to", (2, 2, 3)), _function("broadcast_to", (2, 3)))
_add("broadcast_arrays", _function("broadcast_arrays"), on=((2, 1), (3,), ()))
CALLS["broadcast_shapes"] = [(lambda xp: xp.broadcast_shapes((2, 1), (3,)), ())]
_add("concat", *(lambda xp, x, y, a=a: xp.concat([x, y], axis=a) for a in (0, -1, None)), on=((2, 3), (2, 3)))
_add("concat", lambda xp, x, y: xp.concat((x, xp.astype(y, xp.float32))), on=((2, 3), (0, 3)))
_add("stack", *(lambda xp, x, y, a=a: xp.stack([x, y], axis=a) for a in (0, 1, -1)), on=((2, 3), (2, 3)))
_add("expand_dims", _function("expand_dims", axis=0), _function("expand_dims", axis=-1))
_add("squeeze", _function("squeeze", axis=0), _function("squeeze", axis=(0, 2)), on=((1, 3, 1),))
_add("flip", _function("flip"), _function("flip", axis=0), _function("flip", axis=(0, 1)))
_add("roll", _function("roll", 1), _function("roll", (1, -1), axis=(0, 1)))
_add("moveaxis", _function("moveaxis", 0, -1), _function("moveaxis", (0, 1), (1, 0)))
_add("permute_dims", _function("permute_dims", (1, 0)), _function("permute_dims", axes=(1, 0)))
_add("repeat", _function("repeat", 2), _function("repeat", 2, axis=0), lambda xp, x: xp.repeat(x, xp.asarray([1, 2]), axis=0))
_add("reshape", _function("reshape", (3, 2)), _function("reshape", shape=(-1,)), _function("reshape", (6,), copy=True), _function("reshape", (6,), copy=False))
_add("tile", _function("tile", (2, 1)), _function("tile", (2, 1, 2)))
_add("unstack", _function("unstack"), _function("unstack", axis=-1))
_add("tril", _function("tril"), _function("tril", k=-1))
_add("triu", _function("triu"), _function("triu", k=1))
_add("meshgrid", _function("meshgrid"), _function("meshgrid", indexing="ij"), on=((2,), (3,)))

for _prefix in ("", "linalg."):
    for _dtype in ("float32", "float64", "complex128", "int32"):
        _add(_prefix + "matmul", _function(_prefix + "matmul"), on=((2, 3), (3, 2)), dtype=_dtype)
        _add(_prefix + "matmul", _function(_prefix + "matmul"), on=((3,), (2, 3, 2)), dtype=_dtype)
        _add(_prefix + "tensordot", _function(_prefix + "tensordot", axes=1), on=((2, 3), (3, 2)), dtype=_dtype)
        _add(_prefix + "tensordot", _function(_prefix + "tensordot", axes=((0, 1), (1, 0))), on=((2, 3), (3, 2)), dtype=_dtype)
        _add(_prefix + "vecdot", _function(_prefix + "vecdot"), on=((2, 3), (3,)), dtype=_dtype)
        _add(_prefix + "vecdot", _function(_prefix + "vecdot", axis=-2), on=((2, 3), (2, 3)), dtype=_dtype)
    _add(_prefix + "matrix_transpose", _function(_prefix + "matrix_transpose"), on=((2, 2, 3),))

_matrix = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
_square = (np.stack([_matrix, _matrix + np.eye(3)]),)


def _matrices(name: str, *calls: Callable[..., Any], arrays: Any = _square) -> None:
    CALLS.setdefault("linalg." + name, []).extend((call, arrays) for call in calls)


for _name in "cholesky det eigh eigvalsh inv matrix_rank pinv slogdet svd svdvals trace diagonal qr eig eigvals".split():
    _matrices(_name, _function("linalg." + _name))
_matrices("cholesky", _function("linalg.cholesky", upper=True))
_matrices("trace", _function("linalg.trace", offset=1), lambda xp, x: xp.linalg.trace(x, dtype=xp.float32))
_matrices("diagonal", _function("linalg.diagonal", offset=-1))
_matrices("matrix_rank", _function("linalg.matrix_rank", rtol=1e-3))
_matrices("pinv", _function("linalg.pinv", rtol=1e-3), arrays=(sample("float64", (2, 3)),))
_matrices("matrix_power", *(_function("linalg.matrix_power", n) for n in (0, 1, 3, -2)))
_matrices("qr", _function("linalg.qr", mode="complete"), arrays=(sample("float64", (3, 2)),))
_matrices("svd", _function("linalg.svd", full_matrices=False), arrays=(sample("float64", (3, 2)),))
_matrices("matrix_norm", *(_function("linalg.matrix_norm", ord=o, keepdims=k) for o in ("fro", "nuc", 1, -1, 2, -2, np.inf) for k in (False, True)))
_matrices("solve", _function("linalg.solve"), arrays=(_square[0], sample("float64", (3, 2))))
_matrices("solve", _function("linalg.solve"), arrays=(_matrix, sample("float64", (3,))))
_matrices("cross", _function("linalg.cross"), arrays=(sample("float64", (2, 3)), sample("float64", (2, 3), 1)))
_matrices("cross", _function("linalg.cross", axis=-2), arrays=(sample("float64", (3, 2)), sample("float64", (3, 2), 1)))
_matrices("outer", _function("linalg.outer"), arrays=(sample("float64", (2,)), sample("float64", (3,))))
_matrices(
    "vector_norm",
    *(_function("linalg.vector_norm", ord=o, axis=a, keepdims=k) for o in (2, 1, 0, 3, np.inf, -np.inf) for a, k in ((None, False), (0, True), ((0, 2), False))),
)

for _name in "fft ifft rfft irfft hfft ihfft".split():
    for _dtype in ("float32", "float64") if _name in ("rfft", "ihfft") else ("complex64", "complex128"):
        _add(
            "fft." + _name,
            *(_function("fft." + _name, n=n, norm=norm) for n in (None, 2, 5) for norm in ("backward", "ortho", "forward")),
            _function("fft." + _name, axis=0),
            on=((4, 3),),
            dtype=_dtype,
        )
for _name in "fftn ifftn rfftn irfftn".split():
    _add(
        "fft." + _name,
        _function("fft." + _name),
        _function("fft." + _name, s=(3, 2), axes=(0, 1)),
        _function("fft." + _name, axes=(0,), norm="ortho"),
        on=((4, 3),),
        dtype="float64" if _name[0] == "r" else "complex128",
    )
for _name in ("fftshift", "ifftshift"):
    _add("fft." + _name, _function("fft." + _name), _function("fft." + _name, axes=0), on=((4, 3),))
for _name in ("fftfreq", "rfftfreq"):
    CALLS["fft." + _name] = [(lambda xp, f=_name: getattr(xp.fft, f)(5), ()), (lambda xp, f=_name: getattr(xp.fft, f)(4, d=0.5, dtype=xp.float32), ())]

for _name in ("zeros_like", "ones_like"):
    _add(_name, _function(_name), lambda xp, x, f=_name: getattr(xp, f)(x, dtype=xp.int8))
    CALLS[_name.removesuffix("_like")] = [
        (lambda xp, f=_name: getattr(xp, f.removesuffix("_like"))((2, 3)), ()),
        (lambda xp, f=_name: getattr(xp, f.removesuffix("_like"))(2, dtype=xp.complex64), ()),
        (lambda xp, f=_name: getattr(xp, f.removesuffix("_like"))(()), ()),
    ]
_add("empty_like", lambda xp, x: xp.zeros_like(xp.empty_like(x)), lambda xp, x: xp.empty_like(x, dtype=xp.int8).ndim)
CALLS["empty"] = [(lambda xp: xp.empty((0, 3)), ()), (lambda xp: xp.empty(0, dtype=xp.int8), ())]
CALLS["full"] = [(lambda xp, v=v: xp.full((2, 3), v), ()) for v in (1, 2.0, True, 1j)] + [
    (lambda xp: xp.full(3, 1, dtype=xp.float32), ()),
    (lambda xp: xp.full((), 2.5), ()),
]
_add("full_like", _function("full_like", 2.0), lambda xp, x: xp.full_like(x, 1, dtype=xp.int16))
CALLS["arange"] = [(lambda xp, a=a: xp.arange(*a), ()) for a in ((4,), (1, 4), (1, 8, 3), (5, 0, -2), (0.5, 2.0, 0.5), (0,), (3, 1))] + [
    (lambda xp: xp.arange(3, dtype=xp.float32), ()),
    (lambda xp: xp.arange(1, stop=3, step=1), ()),
]
CALLS["linspace"] = [
    (lambda xp: xp.linspace(0, 1, 5), ()), (lambda xp: xp.linspace(0.0, 1.0, 4, endpoint=False), ()),
    (lambda xp: xp.linspace(0, 2, 3, dtype=xp.float32), ()), (lambda xp: xp.linspace(1.0, 0.0, 0), ()),
]  # fmt: skip
CALLS["eye"] = [(lambda xp: xp.eye(3), ()), (lambda xp: xp.eye(2, 3, k=1), ()), (lambda xp: xp.eye(2, k=-1, dtype=xp.int8), ())]
CALLS["asarray"] = [(lambda xp, v=v: xp.asarray(v), ()) for v in (1, 2.0, True, 1j, [], [1, 2], [[1.0, 2.0], [3.0, 4.0]], (True, False))] + [
    (lambda xp: xp.asarray([1, 2], dtype=xp.float32), ()),
    (lambda xp: xp.asarray(3, dtype=xp.int8, copy=True), ()),
]
_add("asarray", _function("asarray"), _function("asarray", copy=True), lambda xp, x: xp.asarray(x, dtype=xp.float32))
CALLS["from_dlpack"] = [(lambda xp: xp.from_dlpack(np.arange(3.0)), ()), (lambda xp: xp.from_dlpack(np.ones((2, 2), "int8")), ())]
_add("astype", *(lambda xp, x, d=d: xp.astype(x, getattr(xp, d)) for d in DTYPES[1:]))
_add("astype", lambda xp, x: xp.astype(x, xp.float64, copy=False), lambda xp, x: xp.astype(x, xp.bool))
for _dtype in ("float32", "float64", "complex64", "complex128"):
    CALLS.setdefault("finfo", []).append((lambda xp, d=_dtype: [getattr(xp.finfo(getattr(xp, d)), f) for f in ("bits", "eps", "max", "min", "smallest_normal")], ()))
    _add("finfo", lambda xp, x: xp.finfo(x).bits, dtype=_dtype)
for _dtype in DTYPES[1:9]:
    CALLS.setdefault("iinfo", []).append((lambda xp, d=_dtype: [getattr(xp.iinfo(getattr(xp, d)), f) for f in ("bits", "max", "min")], ()))
    _add("iinfo", lambda xp, x: xp.iinfo(x).max, dtype=_dtype)
KINDS = ("bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric")
CALLS["isdtype"] = [(lambda xp, d=d, k=k: xp.isdtype(getattr(xp, d), k), ()) for d in DTYPES for k in (*KINDS, ("bool", "integral"))]
CALLS["isdtype"].append((lambda xp: xp.isdtype(xp.int8, (xp.int8, "real floating")), ()))
_PROMOTED = [(a, b) for g in (DTYPES[1:9], DTYPES[9:]) for a in g for b in g if {a, b} & {"uint64"} == set() or a[0] == b[0]]
CALLS["result_type"] = [(lambda xp, a=a, b=b: str(np.dtype(str(xp.result_type(getattr(xp, a), getattr(xp, b))).split(".")[-1])), ()) for a, b in _PROMOTED]
CALLS["can_cast"] = [(lambda xp, a=a, b=b: xp.can_cast(getattr(xp, a), getattr(xp, b)), ()) for a in DTYPES for b in DTYPES if a[:3] == b[:3]]
