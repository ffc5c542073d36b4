"""Cases of selecting, functional assignment, inserting, padding, windows, and ufunc methods."""

from __future__ import annotations

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import autograd_core as ag
from autograd_core.rules.cases.base import add, draw

A, B, T, V = draw(2, 3), draw(2, 3), draw(2, 3, 4), draw(5)

add("select", lambda x, y: np.select([x > 1, x > -0.5], [x * x, y], default=3.0), A, B)
add("select default", lambda x, d: np.select([x > 0.2], [np.exp(x)], d), A, draw(3))
add("piecewise", lambda x: np.piecewise(x, [x < -1, x > 0.5], [-1.0, np.square, np.exp]), A)
add("piecewise args", lambda x: np.piecewise(x, [x > 0], [lambda x, k: k * x, 0.5], 3.0), A)
add("choose", lambda x, y: np.choose(np.array([[0, 1, 2], [1, 0, 2]]), [x, y, x * y]), A, B)
add("choose wrap", lambda x, y: np.choose([3, 0, -1], [x, y], mode="wrap"), A, B)
add("choose clip", lambda x, y: np.choose([3, 0, -1], [x, y], mode="clip"), A, B)
add("compress", lambda x: np.compress([True, False, True], x, axis=1), A)
add("compress flat", lambda x: np.compress([0, 1, 1, 0, 1], x), A)
add("extract", lambda x: np.extract(x > 0, x), A)
add("bincount", lambda w: np.bincount([0, 3, 3, 1, 0], weights=w, minlength=6), V)
add("put", lambda x, v: ag.put(x, [0, -1, 2], v), A, draw(2))
add("put wrap", lambda x, v: ag.put(x, [7, 1], v, mode="wrap"), A, draw(2))
add(
    "put_along_axis",
    lambda x, v: ag.put_along_axis(x, np.array([[2], [0]]), v, axis=1),
    A,
    draw(2, 1),
)
add("put_along_axis flat", lambda x, v: ag.put_along_axis(x, np.array([3, 1]), v, None), A, draw(2))
add("fill_diagonal", lambda x, v: ag.fill_diagonal(x, v), A, draw(2))
add("fill_diagonal wrap", lambda x, v: ag.fill_diagonal(x, v, wrap=True), draw(5, 2), np.array(0.7))
add("putmask", lambda x, v: ag.putmask(x, A > 0.2, v), A, draw(2))
add("place", lambda x, v: ag.place(x, A > -0.5, v), A, draw(2))


def _written(write):
    """Return the call of NumPy's in-place form on a value that is recorded."""

    def f(x, v):
        y = x * 1.0 if isinstance(x, ag.Tensor) else ag.tensor(x)
        write(y, v)
        return y * y

    return f


add("np.put", _written(lambda y, v: np.put(y, [0, 4], v)), A, draw(2))
add(
    "np.put_along_axis",
    _written(lambda y, v: np.put_along_axis(y, np.array([[0, 1, 1]]), v, 0)),
    A,
    draw(1, 3),
)
add("np.fill_diagonal", _written(lambda y, v: np.fill_diagonal(y, v)), A, np.array(2.0))
add("np.putmask", _written(lambda y, v: np.putmask(y, A > 0, v)), A, B)
add("np.place", _written(lambda y, v: np.place(y, A > 0, v)), A, draw(1))
add("np.copyto", _written(lambda y, v: np.copyto(y, v, where=A > 0)), A, draw(3))

for id, obj in {
    "one": 1,
    "negative": -1,
    "slice": slice(0, 4, 2),
    "several": [0, 2, -1],
    "mask": [True, False, True, False],
}.items():
    add(f"delete {id}", lambda x, o=obj: np.delete(x, o, axis=2), T)
add("delete flat", lambda x: np.delete(x, [1, 1, 5]), A)
for id, obj, shape in (
    ("one", 1, (2,)), ("scalar", -1, ()), ("several", [0, 2], (2, 2)), ("same place", [1, 1], (2, 2)), ("order", [2, 0], (2, 2)),
    ("slice", slice(0, 2), (2, 2)), ("broadcast", [0, 3], (1,)),
):  # fmt: skip
    add(f"insert {id}", lambda x, v, o=obj: np.insert(x, o, v, axis=1), A, draw(*shape))
add("insert flat", lambda x, v: np.insert(x, [1, 4], v), A, draw(2))
add("resize", lambda x: np.resize(x, (4, 2)), A)
add("resize smaller", lambda x: np.resize(x, 4), A)
add("trim_zeros", lambda x: np.trim_zeros(np.pad(x, (2, 1))), V)
add("trim_zeros front", lambda x: np.trim_zeros(np.pad(x, (2, 1)), "f"), V)
add("block", lambda x, y: np.block([[x, y], [y, x]]), A, B)
add("block mixed", lambda x, y: np.block([[x, np.ones((2, 1))], [y[0], 3.0]]), A, B)
add("block flat", lambda x, y: np.block([x[0], y[1], 2.0]), A, B)
add("block one", lambda x: np.block(x), A)
if hasattr(np, "unstack"):
    add("unstack", lambda x: np.unstack(x, axis=1)[2], T)
    for name in ("cumulative_sum", "cumulative_prod"):
        f = getattr(np, name)
        add(name, f, V)
        add(f"{name} initial", lambda x, f=f: f(x, axis=-2, include_initial=True), T)
if hasattr(np, "astype"):
    add("astype function", lambda x: np.astype(x, np.float64), A)
add("diagflat", lambda x: np.diagflat(x, -1), A)
add("real_if_close", np.real_if_close, A + 0j)
add("real_if_close not", np.real_if_close, A + 1j * B)
add("apply_along_axis", lambda x: np.apply_along_axis(lambda r: r[1:] * r[0], 1, x), T)
add("apply_along_axis number", lambda x: np.apply_along_axis(np.prod, 0, x), T)
add("apply_over_axes", lambda x: np.apply_over_axes(np.sum, x, (0, -1)), T)
add("full", lambda x: np.full((2, 3), x, like=x), V[0:1])
add("full_like", lambda x: np.full_like(x, x[0, 0]) * x, A)
add("concat", lambda x, y: np.concat([x, y], axis=1), A, B)
add("permute_dims", lambda x: np.permute_dims(x, (1, 2, 0)), T)

add("windows", lambda x: sliding_window_view(x, 2, axis=1), T)
add("windows both", lambda x: sliding_window_view(x, (2, 3), axis=(0, 2)), T)
add("windows all", lambda x: sliding_window_view(x, (1, 2)), A)
add("windows twice", lambda x: sliding_window_view(x, (2, 2), axis=(1, 1)), T)
for mode in ("mean", "median", "maximum", "minimum", "linear_ramp"):
    add(f"pad {mode}", lambda x, m=mode: np.pad(x, ((1, 2), (3, 0)), mode=m), A)
for mode in ("mean", "maximum"):
    add(f"pad {mode} length", lambda x, m=mode: np.pad(x, 2, mode=m, stat_length=2), A)
add(
    "pad ramp ends",
    lambda x: np.pad(x, 3, mode="linear_ramp", end_values=((1.0, 2.0), (3.0, -4.0))),
    A,
)
add("pad recorded constant", lambda x, c: np.pad(x, 1, constant_values=c), A, np.array(0.4))
for mode in ("reflect", "symmetric"):
    add(
        f"pad odd {mode}",
        lambda x, m=mode: np.pad(x, ((2, 1), (4, 5)), mode=m, reflect_type="odd"),
        A,
    )
add("pad dictionary", lambda x: np.pad(x, {-1: (1, 2)}, mode="wrap"), A) if np.lib.NumpyVersion(
    np.__version__
) >= "2.2.0" else None


def reduce_rows(u, x):
    """Return ``u.reduce(x, axis=1)``; of a plain array by a fold in Python.

    NumPy's own ``arctan2.reduce`` and ``power.reduce`` are wrong along a contiguous axis on
    processors with AVX-512 (``NPY_DISABLE_CPU_FEATURES=X86_V4`` avoids it).
    """
    return functools.reduce(u, x.T) if isinstance(x, np.ndarray) else u.reduce(x, axis=1)


POS = draw(2, 3, low=0.3, high=2.0)
for name in (
    *("subtract", "divide", "hypot", "logaddexp", "logaddexp2"),
    *("fmax", "fmin", "arctan2", "power"),
):
    u = getattr(np, name)
    add(f"{name}.reduce axis", lambda x, u=u: reduce_rows(u, x), POS)
    add(f"{name}.accumulate", lambda x, u=u: u.accumulate(x, axis=1), POS)
for name in ["add", "multiply", "maximum", "minimum", "logaddexp", "hypot"]:
    u = getattr(np, name)
    add(f"{name}.accumulate axis", lambda x, u=u: u.accumulate(x, axis=-1), POS)
    add(f"{name}.reduceat", lambda x, u=u: u.reduceat(x, [0, 2, 1, 4], axis=0), draw(5, 2, low=0.3))
    add(
        f"{name}.reduceat end", lambda x, u=u: u.reduceat(x, [3, 0, 0], axis=1), draw(2, 4, low=0.3)
    )
    add(f"{name}.outer", lambda x, y, u=u: u.outer(x, y), A, draw(2))
for name in ("float_power", "remainder", "fmod", "copysign", "nextafter", "heaviside"):
    u = getattr(np, name)
    add(f"{name}.accumulate", lambda x, u=u: u.accumulate(x, axis=1), POS)
for name in ("maximum", "fmin", "subtract"):
    u = getattr(np, name)
    add(f"{name}.accumulate first", lambda x, u=u: u.accumulate(x), draw(4, 3))
    add(f"{name}.accumulate dtype", lambda x, u=u: u.accumulate(x, -1, np.float64), T)
add("divide.accumulate complex", lambda x: np.divide.accumulate(x, axis=1), A + 1j * A[::-1])
for name in ("fmax", "fmin"):
    u = getattr(np, name)
    add(f"{name}.reduce where", lambda x, u=u: u.reduce(x, axis=1, where=A > -1, initial=0.3), A)
add(
    "logaddexp2.reduce where",
    lambda x: np.logaddexp2.reduce(x, axis=1, where=A > -1, initial=0.3),
    A,
)
_z = np.array([[0.0, 0.0, 3.0, 1.5], [0.0, 2.0, 0.0, -1.0], [0.5, 0.0, 0.0, 2.0]])
add("hypot.reduce zeros", lambda x: np.hypot.reduce(x, axis=0), _z)
add("hypot.accumulate zeros", lambda x: np.hypot.accumulate(x, axis=-1)[:, 2:], _z[::-1])
add("hypot.accumulate rows", lambda x: np.hypot.accumulate(x, axis=0)[::2], _z)
add("hypot.reduceat one", lambda x: np.hypot.reduceat(x, [0, 1, 3], axis=1), T[0])
add("hypot.reduce axes", lambda x: np.hypot.reduce(x, axis=(0, 2), keepdims=True), T)

add("unique", lambda x: np.unique(x, return_index=True)[0], A)
add("unique axis", lambda x: np.unique(x, axis=1), A)
for name in ("unique_values", "unique_all", "unique_counts", "unique_inverse"):
    f = getattr(np, name)
    add(name, lambda x, f=f: x.sum() * getattr(f(x), "values", f(x)), A)
for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
    f = getattr(np, name)
    add(name, lambda x, y, f=f: f(x, np.concatenate([x[0], y])), A, V)
add("intersect1d indices", lambda x: np.intersect1d(x, x[0], return_indices=True)[0] * x[0, 0], A)
_at = np.array([0.1, 0.4, 0.4, 1.9, 3.0, -2.0])
add("histogram", lambda w: np.histogram(_at, [0.0, 0.4, 1.0, 3.0], weights=w)[0], A.reshape(-1))
add(
    "histogram density",
    lambda w: np.histogram(_at, 3, density=True, weights=w)[0],
    A.reshape(-1) + 3,
)
add("histogram edges", lambda x, w: np.histogram(x, 3, weights=w, density=True)[0] * np.histogram(x, 3)[1][:3], A,
    draw(2, 3, low=0.5))  # fmt: skip
add("histogram2d", lambda w: np.histogram2d(_at, _at[::-1], 3, weights=w)[0], A.reshape(-1))
add(
    "histogramdd",
    lambda w: np.histogramdd(np.stack([_at, -_at]).T, 2, density=True, weights=w)[0],
    A.reshape(-1) + 3,
)
add("sort_complex", np.sort_complex, A)
add("atleast_1d", lambda x: np.atleast_1d(x), np.array(0.7))
add("ix_", lambda x, y: np.ix_(x, y)[0] * np.ix_([True, False, True], y)[1], V, draw(3))
