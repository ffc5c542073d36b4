"""Cases of the first families: elementwise, reductions, shapes, indexing, products, einsum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.rules.cases.base import add, add_each, draw

A, B, V, W = draw(2, 3), draw(2, 3), draw(3), draw(4)
T = draw(2, 3, 4)
POS, UNIT = draw(2, 3, low=0.2, high=3.0), draw(2, 3, low=-0.8, high=0.7)
BIG = draw(2, 3, low=1.2, high=4.0)
MASK = np.array([[True, False, True], [True, True, False]])

# -- elementwise ------------------------------------------------------------------------------------
add_each(
    np,
    "negative positive square absolute fabs exp exp2 expm1 sin cos tan arctan sinh cosh tanh arcsinh "
    "deg2rad radians rad2deg degrees sinc conjugate real imag nan_to_num angle",
    A,
)
add_each(np, "sqrt log log2 log10 log1p reciprocal cbrt", POS)
add_each(np, "arcsin arccos arctanh", UNIT)
add("arccosh", np.arccosh, BIG)
add_each(np, "sign nan_to_num arcsin arccos arccosh", A + 1j * B, after=" complex")
add("arcsinh complex signs", np.arcsinh, A + 1j * B)
add_each(np.emath, "sqrt log log2 log10 arcsin arccos arctanh", A + 0.01, before="emath ")
add_each(np.emath, "sqrt log arctanh", UNIT[:, :2] * 0.4 + 0.5, before="emath ", after=" real")
add("emath power", np.emath.power, A + 0.01, B)
add("emath power real", np.emath.power, POS, B)
add("emath logn", np.emath.logn, POS + 1, A + 0.01)
BINARY = "add subtract multiply maximum minimum fmax fmin hypot arctan2 logaddexp logaddexp2"
add_each(np, BINARY, A, B)
add_each(np, BINARY, A, V + 0.011, after=" broadcast")
add("divide", np.divide, A, POS)
add("divide broadcast", np.divide, A[:, :1], POS[0])
add("remainder", np.remainder, A, POS)
add("fmod", np.fmod, A, POS)
add("power", np.power, POS, B)
add("power broadcast", np.power, POS, V)
add("power of a number", lambda x: x**3 + x**-2 + x**1 + x**0 + 2.5**x, A)
add("power complex", np.power, np.array([-1.3, 0.6, -0.4]), V + 1j * A[0])
add("power zero", lambda x, y: x**y, POS, np.zeros(3))
add("float_power", np.float_power, POS, B)
add("copysign", np.copysign, A, B)
add("nextafter", np.nextafter, A, B)
add("heaviside", np.heaviside, A, B)
add("heaviside at 0", np.heaviside, np.zeros(3), V)
add("ldexp", lambda x: np.ldexp(x, np.array([1, -2, 3])), A)
add("modf", lambda x: np.modf(x)[0], A)
add("frexp", lambda x: np.frexp(x)[0], A)
add("divmod", lambda x, y: np.divmod(x, y)[1], A, POS)
add("where", lambda x, y: np.where(MASK, x, y), A, V)
add("where scalar", lambda x: np.where(x > 0, x**2, 0.0), A)
add("clip", lambda x: np.clip(x, -1.0, 1.1), A)
add("clip bounds", lambda x, lo, hi: np.clip(x, lo, hi), A, np.full(3, -0.7), np.full((2, 1), 0.9))
if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
    add("clip keywords", lambda x, hi: np.clip(x, max=hi, min=None), A, np.array(0.5))
add("angle deg", lambda z: np.angle(z, deg=True), A + 1j * B)
add("sinc near 0", np.sinc, np.array([0.0, 1e-3, 0.4, 1.0, -2.3, 7.1]))
add_each(
    np,
    "exp sin absolute angle conjugate real imag square reciprocal sqrt log tanh arctan arcsinh",
    A + 1j * (POS + 0.1),
    after=" complex",
)
add("products complex", lambda z, w: z * w / (w * w) - np.power(w, 2), A + 1j * B, POS + 1j * A)
add("mixed complex", lambda z, x: z * x, A + 1j * B, POS)
add("operators", lambda x, y: -x + y * 2 - 3 / (y + 4) + abs(x) + (5 - x) % 1.7, A, B)

# -- reductions -------------------------------------------------------------------------------------
for id, options in {
    "": {}, "axis": {"axis": 1}, "negative": {"axis": -3}, "keepdims": {"axis": 0, "keepdims": True},
    "all kept": {"keepdims": True}, "tuple": {"axis": (0, -1)},
    "tuple kept": {"axis": (2, 0), "keepdims": True},
}.items():  # fmt: skip
    reductions = "sum mean var std prod max min amax amin ptp"
    add_each(np, reductions, T, after=f" {id}", **options)
WHERE = T > -0.9
add_each(np, "sum mean var std prod", T, after=" where", axis=1, where=WHERE)
add_each(np, "sum mean var std prod", T, after=" where all", where=WHERE, keepdims=True)
add_each(np, "var std", T, after=" ddof", axis=-1, ddof=1)
add_each(np, "var std", A + 1j * B, after=" complex", axis=-1)
add("sum initial", lambda x: np.sum(x, axis=0, initial=5.0) * np.sum(x, initial=2.0), A)
add("prod initial", lambda x: np.prod(x, axis=0, initial=5.0), A)
add("max initial", lambda x: np.max(x, axis=0, initial=-0.3), A)
add("min where initial", lambda x: np.min(x, axis=1, where=MASK, initial=9.0), A)
add("sum dtype", lambda x: np.sum(x, dtype=np.float64), A)
add("sum positional", lambda x: np.sum(x, 1, None, None, True) * x, A)
add("prod zeros", lambda x: np.prod(x, axis=1), np.array([[0.0, 2, 3], [0, 0, 4], [1, 2, 3]]))
add("cumprod zeros", lambda x: np.cumprod(x, axis=1), np.array([[0.0, 2, 3, 4], [2, 0, 0, 4]]))
add_each(np, "cumsum cumprod", A)
add_each(np, "cumsum cumprod", T, after=" axis", axis=1)
add_each(np, "cumsum cumprod", T, after=" negative", axis=-3)
add("methods", lambda x: x.sum(1) * x.mean(axis=1) + x.std(-1) - x.var(1) + x.max(1) - x.min(1), A)
for _name in ("sum", "prod", "max", "min"):
    _f = getattr(np, _name)
    add(f"{_name} recorded initial", lambda x, t, f=_f: f(x, axis=1, initial=t), A, np.array(0.31))
    add(f"{_name} recorded initial where", lambda x, t, f=_f: f(x, where=MASK, initial=t, keepdims=True), A,
        np.array(-0.27))  # fmt: skip
add("ufunc methods", lambda x: np.add.reduce(x, axis=1) * np.multiply.outer(V, x).sum((0, 2)), A)
add("logaddexp.reduce", lambda x: np.logaddexp.reduce(x, axis=1), T)
add("logaddexp.reduce kept", lambda x: np.logaddexp.reduce(x, -1, keepdims=True) * x, T)
add("logaddexp.reduce default", np.logaddexp.reduce, V)
add("maximum.reduce", lambda x: np.maximum.reduce(x, axis=None, keepdims=True), A)

# -- shapes -----------------------------------------------------------------------------------------
for id, f in {
    "reshape": lambda x: np.reshape(x, (4, -1)), "reshape order": lambda x: np.reshape(x, (6, 4), order="F"),
    "ravel": np.ravel, "ravel order": lambda x: np.ravel(x, order="F"), "reshape method": lambda x: x.reshape(8, 3),
    "transpose": np.transpose, "transpose axes": lambda x: np.transpose(x, (2, 0, -2)),
    "transpose method": lambda x: x.transpose(1, 2, 0), "T": lambda x: x.T, "mT": lambda x: x.mT,
    "swapaxes": lambda x: np.swapaxes(x, 0, -1), "moveaxis": lambda x: np.moveaxis(x, (0, 1), (-1, 0)),
    "rollaxis": lambda x: np.rollaxis(x, 2, 1), "expand_dims": lambda x: np.expand_dims(x, (0, 2)),
    "squeeze": lambda x: np.squeeze(x[:, :1], axis=1), "broadcast_to": lambda x: np.broadcast_to(x, (5, 2, 3, 4)),
    "flip": np.flip, "flip axis": lambda x: np.flip(x, (0, -1)), "fliplr": np.fliplr, "flipud": np.flipud,
    "roll": lambda x: np.roll(x, 5), "roll axes": lambda x: np.roll(x, (1, -2), (0, 2)),
    "rot90": lambda x: np.rot90(x, 3, (1, 2)), "repeat": lambda x: np.repeat(x, 2),
    "repeat axis": lambda x: np.repeat(x, 3, axis=-2), "repeat counts": lambda x: np.repeat(x, [1, 0, 2], axis=1),
    "tile": lambda x: np.tile(x, 2), "tile more": lambda x: np.tile(x, (2, 1, 2, 3)), "copy": np.copy,
    "triu": lambda x: np.triu(x, 1), "tril": lambda x: np.tril(x, -1), "trace": lambda x: np.trace(x, 1, 1, 2),
    "diagonal": lambda x: np.diagonal(x, -1, 2, 0), "diag of a matrix": lambda x: np.diag(x[0], 1),
    "diag of a vector": lambda x: np.diag(x[0, 0], -1), "astype": lambda x: x.astype(float),
    "pad": lambda x: np.pad(x, ((1, 2), (0, 1), (3, 0))), "pad one": lambda x: np.pad(x, 1, constant_values=3.0),
    "pad edge": lambda x: np.pad(x, 2, mode="edge"), "pad reflect": lambda x: np.pad(x, 1, mode="reflect"),
    "pad symmetric": lambda x: np.pad(x, 3, mode="symmetric"), "pad wrap": lambda x: np.pad(x, (1, 2), mode="wrap"),
    "flatten": lambda x: x.flatten(), "atleast": lambda x: np.atleast_3d(x[0]) * np.atleast_2d(x[0, 0])[..., :1, None],
    "meshgrid": lambda x: np.meshgrid(x[0, 0], x[0, :, 0])[0], "broadcast_arrays": lambda x: np.broadcast_arrays(x, x[0])[1],
    "getitem": lambda x: x[1], "slice": lambda x: x[:, ::-2, 1:], "ellipsis": lambda x: x[..., None, 0],
    "fancy": lambda x: x[[0, 0, 1], 2], "fancy mixed": lambda x: x[1, :, [0, 3, 3]], "mask": lambda x: x[WHERE],
    "mask row": lambda x: x[:, np.array([True, False, True])], "0-d": lambda x: x[1, 2, 3],
    "fancy broadcast": lambda x: x[np.array([[0], [1]]), np.array([2, 2])], "none": lambda x: x[None, ..., None],
    "empty selection": lambda x: x[[]], "take": lambda x: np.take(x, [[0, 5], [5, 23]]),
    "take axis": lambda x: np.take(x, [2, 0, 0], axis=1), "take wrap": lambda x: np.take(x, [7, -9], axis=2, mode="wrap"),
    "take clip": lambda x: np.take(x, [9, -9], axis=-1, mode="clip"), "sort": lambda x: np.sort(x),
    "sort axis": lambda x: np.sort(x, axis=0, kind="stable"), "sort flat": lambda x: np.sort(x, axis=None),
    "partition": lambda x: np.partition(x, 1, axis=2), "stack": lambda x: np.stack([x, x**2], axis=-1),
    "take_along_axis": lambda x: np.take_along_axis(x, np.argsort(x[1, 2])[None, None, :3], axis=2),
    "take_along flat": lambda x: np.take_along_axis(x, np.array([3, 3]), axis=None),
    "split": lambda x: np.split(x, [1, 3], axis=2)[1], "split equal": lambda x: np.split(x, 2)[0] * x[1],
    "array_split": lambda x: np.array_split(x, 3, axis=-1)[2], "hsplit": lambda x: np.hsplit(x, 3)[1],
    "vsplit": lambda x: np.vsplit(x, 2)[1], "dsplit": lambda x: np.dsplit(x, 2)[0],
}.items():  # fmt: skip
    add(id, f, T)
X = T[:, :, 0]
add("concatenate", lambda x, y: np.concatenate([x, y, x], axis=1), X, B)
add("concatenate negative", lambda x, y: np.concatenate((x, y), -2), X, B)
add("concatenate flat", lambda x, y: np.concatenate([x, y], axis=None), X, V)
add("stack with a constant", lambda x: np.stack([x, np.ones_like(A)]), A)
for name in ["vstack", "hstack", "dstack", "column_stack"]:
    add(name, lambda x, y, f=name: getattr(np, f)([x, y]), A, B)
    add(f"{name} vectors", lambda x, y, f=name: getattr(np, f)((x, y)), V, draw(3))
add("append", lambda x, y: np.append(x, y), A, V)
add("append axis", lambda x, y: np.append(x, y, axis=0), A, B)


def _assign(index: Any) -> Callable[..., Any]:
    def f(x: Any, v: Any) -> Any:
        y = x * 1.0
        y = y if isinstance(y, ag.Tensor) else y.copy()
        if not isinstance(y, ag.Tensor) and isinstance(v, ag.Tensor):
            y = ag.tensor(y)
        y[index] = v
        return y * y

    return f


add("setitem", _assign(1), A, V)
add("setitem slice", _assign((slice(None), slice(0, 2))), A, draw(2))
add("setitem mask", _assign(MASK), A, draw(4))
add("setitem fancy", _assign(([0, 1], [1, 2])), A, draw(2))
add("setitem duplicates", _assign(([0, 0, 1, 0], [1, 1, 2, 1])), A, draw(4))
add("setitem broadcast", _assign((slice(None), [0, 2])), A, np.array(0.7))
add("setitem extra axis", _assign(0), A, draw(1, 3))
add("scatter_add", lambda x, v: ag.scatter_add(x, [0, 0, 1], v), A, draw(3, 3))

# -- products ---------------------------------------------------------------------------------------
M, N, Q = draw(2, 3), draw(3, 4), draw(5, 3, 4)
for id, x, y in (
    ("vectors", V, draw(3)), ("matrix vector", M, V), ("vector matrix", V, N), ("matrices", M, N),
    ("batch right", M, Q), ("batch left", draw(5, 2, 3), N), ("batch both", draw(5, 2, 3), Q),
    ("batch broadcast", draw(5, 1, 2, 3), draw(4, 3, 2)), ("vector batch", V, Q), ("batch vector", draw(5, 2, 3), V),
):  # fmt: skip
    add(f"matmul {id}", np.matmul, x, y)
add("matmul operator", lambda x, y: x @ y, M, N)
for id, x, y in (
    ("vectors", V, draw(3)), ("matrices", M, N), ("3-D", M, Q), ("3-D 1-D", draw(2, 2, 3), V),
    ("3-D 3-D", draw(2, 2, 3), Q), ("scalar", np.array(1.3), M),
):  # fmt: skip
    add(f"dot {id}", np.dot, x, y)
add("inner", np.inner, M, draw(4, 3))
add("inner stacks", np.inner, T, draw(3, 2, 4))
add("inner vector", np.inner, W, T)
for _name, _f in (("inner", np.inner), ("dot", np.dot)):
    add(f"{_name} number left", _f, np.array(0.7), M)
    add(f"{_name} number right", _f, T, np.array(0.7))
add("outer", np.outer, M, V)
add("vdot", np.vdot, A, B)
add("vdot complex", np.vdot, A + 1j * B, B - 1j * A)
add("tensordot 1", lambda x, y: np.tensordot(x, y, 1), M, N)
add("tensordot 2", lambda x, y: np.tensordot(x, y), M, draw(2, 3, 2))
add("tensordot 0", lambda x, y: np.tensordot(x, y, 0), V, W)
add(
    "tensordot pairs",
    lambda x, y: np.tensordot(x, y, ([2, 0], [1, -1])),
    draw(2, 3, 4),
    draw(2, 4, 2),
)
add("kron", np.kron, M, draw(2, 2))
add("kron ranks", np.kron, V, M)
for s, *shapes in (
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,kj", (2, 3), (4, 3)), ("ii", (3, 3)), ("ii->i", (3, 3)),
    ("iij->ji", (2, 2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("i,j,k->kij", (2,), (3,), (2,)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 2)), ("...,i", (2, 2), (3,)), ("...i->...", (2, 3)), ("i...,i...->...", (3, 2), (3, 1)),
    ("ij,jk,kl->il", (2, 3), (3, 2), (2, 4)), ("abc,cd->abd", (2, 2, 3), (3, 2)), ("ij,ik->i", (2, 3), (2, 4)),
    ("ii,i->i", (3, 3), (3,)), (" i j , j -> i ", (2, 3), (3,)), ("ij,ij", (2, 1), (2, 3)), ("ba", (2, 3)),
):  # fmt: skip
    add(f"einsum {s}", lambda *a, s=s: np.einsum(s, *a), *(draw(*n) for n in shapes))
add("einsum sublists", lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]), M, N)
add("einsum sublists dots", lambda x, y: np.einsum(x, [..., 1], y, [1, ...]), M, draw(3, 2))
add(
    "einsum optimize",
    lambda x, y, z: np.einsum("ij,jk,kl", x, y, z, optimize=True),
    M,
    N,
    draw(4, 2),
)
add("einsum greedy", lambda x, y: np.einsum("ij,jk", x, y, optimize="greedy"), M, N)
add("einsum complex", lambda x, y: np.einsum("ij,jk", x, y), M + 1j * B, N - 2j * N)
