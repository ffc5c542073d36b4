"""Writes under vmap: in-place functions, assignments, ``out=``, views, against a loop.

A write into a copy, or into an array that is the same for all examples, would be silent: each kind
of write goes into each kind of target, and either equals the loop or raises.
"""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.batching import looping
from tests.sampling import sampled

rng = np.random.default_rng(0)
XS, VS = rng.normal(size=(3, 4, 4)), rng.normal(size=(3, 4))
PLACES, MASKS = rng.integers(0, 4, (3, 4)), rng.normal(size=(3, 4, 4)) > 0
MASKS[:, 0, 0] = True
BATCHES = (XS, VS, PLACES, MASKS)

windows_of = functools.partial(
    np.lib.stride_tricks.sliding_window_view, window_shape=(2, 2), writeable=True
)

#: Each writes into an array ``a (4, 4)``: values ``v (4,)``, places ``i (4,)``, a mask ``m (4, 4)``.
WRITES = {
    "put": lambda a, v, i, m: np.put(a, i, v),
    "put flat": lambda a, v, i, m: np.put(a, [3, 9], v),
    "put wrap": lambda a, v, i, m: np.put(a, i + 20, v, mode="wrap"),
    "put number": lambda a, v, i, m: np.put(a, 2, v[0]),
    "place": lambda a, v, i, m: np.place(a, m, v),
    "place2": lambda a, v, i, m: np.place(a, a > 0, v),
    "putmask": lambda a, v, i, m: np.putmask(a, m, v),
    "putmask full": lambda a, v, i, m: np.putmask(a, m, v[:, None] * v),
    "putmask number": lambda a, v, i, m: np.putmask(a, m, v[1]),
    "fill_diagonal": lambda a, v, i, m: np.fill_diagonal(a, v),
    "fill_diagonal n": lambda a, v, i, m: np.fill_diagonal(a, v[0]),
    "fill_diagonal short": lambda a, v, i, m: np.fill_diagonal(a, v[:3], wrap=True),
    "paa": lambda a, v, i, m: np.put_along_axis(a, i[None], v[None], 0),
    "paa1": lambda a, v, i, m: np.put_along_axis(a, i[:, None], v[:, None], 1),
    "paa number": lambda a, v, i, m: np.put_along_axis(a, i[:, None], v[2], -1),
    "paa None": lambda a, v, i, m: np.put_along_axis(a, i, v, None),
    "paa row": lambda a, v, i, m: np.put_along_axis(a, i[:, None], v, 1),
    "copyto": lambda a, v, i, m: np.copyto(a, v),
    "copyto where": lambda a, v, i, m: np.copyto(a, v, where=m),
    "copyto where row": lambda a, v, i, m: np.copyto(a, v[:, None], where=m[0]),
    "copyto kw": lambda a, v, i, m: np.copyto(dst=a, src=v),
    "put kw": lambda a, v, i, m: np.put(a=a, ind=i, v=v),
    "set int": lambda a, v, i, m: a.__setitem__(1, v),
    "set idx": lambda a, v, i, m: a.__setitem__(i, v),
    "set idx2": lambda a, v, i, m: a.__setitem__((slice(None), i), v),
    "set idx3": lambda a, v, i, m: a.__setitem__((i, i[::-1]), v),
    "set num": lambda a, v, i, m: a.__setitem__((i[0], 2), v[0]),
    "set mask": lambda a, v, i, m: a.__setitem__(m, v[0]),
    "set pmask": lambda a, v, i, m: a.__setitem__(MASKS[0], v[0]),
    "set dots": lambda a, v, i, m: a.__setitem__(..., v),
    "set col": lambda a, v, i, m: a.__setitem__((slice(None), 0), v),
    "set none": lambda a, v, i, m: a.__setitem__((slice(1, 2), None), v),
    "+=": lambda a, v, i, m: a.__iadd__(v),
    "*= col": lambda a, v, i, m: a.__imul__(v[:, None]),
    "view +=": lambda a, v, i, m: a[1].__iadd__(v),
    "view2": lambda a, v, i, m: a[1:].T[0].__setitem__(slice(None), v[:3]),
    "row view": lambda a, v, i, m: a.reshape(-1)[:4].__setitem__(slice(None), v),
    "ravel view": lambda a, v, i, m: np.ravel(a)[:4].__setitem__(slice(None), v),
    "T": lambda a, v, i, m: a.T.__setitem__(0, v),
    "diag view": lambda a, v, i, m: np.swapaxes(a, 0, 1)[1].__isub__(v),
    "out=a": lambda a, v, i, m: np.add(a, v, out=a),
    "out other": lambda a, v, i, m: np.multiply(v[:, None], v, out=a),
    "out where": lambda a, v, i, m: np.multiply(v[:, None], v, out=a, where=m),
    "out where view": lambda a, v, i, m: np.add(v, 1, out=a[0], where=m[0]),
    "out plain args": lambda a, v, i, m: np.add(XS[0], 1, out=a),
    "out ax": lambda a, v, i, m: np.sum(v[:, None] * v, axis=0, out=a[0]),
    "out red": lambda a, v, i, m: np.add.reduce(v[:, None] * v, axis=0, out=a[0]),
    "out cumsum": lambda a, v, i, m: np.cumsum(v, out=a[1]),
    "out clip": lambda a, v, i, m: np.clip(v, 0, 1, out=a[1]),
    "out matmul": lambda a, v, i, m: np.matmul(v[:, None] * v, XS[0], out=a),
    "out take": lambda a, v, i, m: np.take(v, i, out=a[0]),
    "out mean": lambda a, v, i, m: np.mean(v[:, None] * v, 0, None, a[0]),
    "out einsum": lambda a, v, i, m: np.einsum("i, j->ij", v, v, out=a),
    "out stack": lambda a, v, i, m: np.stack([v, v, v, v], out=a),
    "out concat": lambda a, v, i, m: np.concatenate([v[:2], v[:2]], out=a[0]),
    "out round": lambda a, v, i, m: np.round(v, 1, out=a[0]),
    "out modf": lambda a, v, i, m: np.modf(v, out=(a[0], a[1])),
    "out accumulate": lambda a, v, i, m: np.multiply.accumulate(v, out=a[1]),
    "out outer": lambda a, v, i, m: np.outer(v, v, out=a),
    "at": lambda a, v, i, m: np.add.at(a, i, v),
    "at2": lambda a, v, i, m: np.multiply.at(a, (i, i), v),
    "at num": lambda a, v, i, m: np.add.at(a, (slice(None), i), v[0]),
    "at neg": lambda a, v, i, m: np.negative.at(a, i[:1]),
    "nan_to_num": lambda a, v, i, m: (a.__setitem__(0, v / 0 * 0), np.nan_to_num(a, copy=False)),
    "nan_to_num v": lambda a, v, i, m: np.nan_to_num(a, copy=False, posinf=v[0]),
    "fill": lambda a, v, i, m: a.fill(v[0]),
    "sort": lambda a, v, i, m: (a.__iadd__(v), a.sort()),
    "sort0": lambda a, v, i, m: (a.__iadd__(v), a.sort(axis=0)),
    "a.put": lambda a, v, i, m: a.put(i, v),
    "flat": lambda a, v, i, m: a.flat.__setitem__(2, v[0]),
    "real": lambda a, v, i, m: setattr(a, "real", v),
    "real2": lambda a, v, i, m: a.real.__setitem__(0, v),
    "np.real": lambda a, v, i, m: np.real(a).__setitem__(0, v),
    "diagonal": lambda a, v, i, m: np.diagonal(a).__setitem__(0, v[0]),
    "broadcast": lambda a, v, i, m: np.broadcast_to(a, (2, 4, 4)).__setitem__(0, v),
    "split": lambda a, v, i, m: np.split(a, 2)[0].__setitem__(0, v),
    "iter": lambda a, v, i, m: [r.__setitem__(slice(None), v) for r in a],
    "flip": lambda a, v, i, m: np.flip(a, 0)[0].__setitem__(slice(None), v),
    "atleast": lambda a, v, i, m: np.atleast_3d(a)[0].__setitem__(slice(None), v[:, None]),
    "squeeze": lambda a, v, i, m: np.squeeze(a[None]).__setitem__(0, v),
    "moveaxis": lambda a, v, i, m: np.moveaxis(a, 0, 1).__setitem__(0, v),
    "asarray": lambda a, v, i, m: np.asarray(a, like=a).__setitem__(0, v),
    "array": lambda a, v, i, m: np.array(a, like=a).__setitem__(0, v),
    "ascontig": lambda a, v, i, m: np.ascontiguousarray(a, like=a).__setitem__(0, v),
    "copy": lambda a, v, i, m: np.copy(a).__setitem__(0, v),
    "astype": lambda a, v, i, m: a.astype(float, copy=False).__setitem__(0, v),
    "astype2": lambda a, v, i, m: a.astype(float).__setitem__(0, v),
    "flatten": lambda a, v, i, m: a.flatten().__setitem__(0, v[0]),
    "rot90": lambda a, v, i, m: np.rot90(a).__setitem__(0, v),
    "getfancy": lambda a, v, i, m: a[[0, 1]].__setitem__(0, v),
    "expand": lambda a, v, i, m: np.expand_dims(a, 0)[0].__setitem__(0, v),
    "windows": lambda a, v, i, m: windows_of(a)[0, 0].__setitem__(0, v[:2]),
    "conj": lambda a, v, i, m: np.conj(a).__setitem__(0, v),
    "pos": lambda a, v, i, m: np.positive(a).__setitem__(0, v),
    "nan_to_num copy": lambda a, v, i, m: np.nan_to_num(a).__setitem__(0, v),
    "unstack": lambda a, v, i, m: np.unstack(a)[0].__setitem__(0, v[0]),
    "broadcast_arrays": lambda a, v, i, m: np.broadcast_arrays(a, 1.0)[0].copy().__setitem__(0, v),
    "require": lambda a, v, i, m: np.require(a)[0].__setitem__(0, v[0]),
}

TARGETS = {
    "a copy": lambda x: x.copy(),
    "zeros like=": lambda x: np.zeros((4, 4), like=x),
    "a transpose": lambda x: (x * 1.0).T,
    "in Fortran's order": lambda x: (x * 1.0).T.copy().T,
    "one array for all": lambda x: np.full((4, 4), 0.5),
    "one Tensor for all": lambda x: ag.tensor(np.full((4, 4), 0.5)),
}

#: What the examples may have that a batch may not.
REFUSED = {
    "set mask": "boolean mask",
    "flat": "flat of a value|single item of array",
    "require": "one plain array",
    "windows": "read-only",
}

AXES = [(0, 0, 0, 0), (0, 0, None, None), (0, None, None, None)]
AXES += [tuple(0 if i == k else None for i in range(4)) for k in (1, 2, 3)]


def by_loop(fun, in_axes=0):
    def wrapped(*args):
        axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
        rows = [
            fun(*(a[k] if x == 0 else a for a, x in zip(args, axes, strict=True))) for k in range(3)
        ]
        if isinstance(rows[0], tuple):
            return tuple(map(np.stack, zip(*rows, strict=True)))
        return np.stack(rows)

    return wrapped


def square(fun):
    return lambda *args: np.sum(fun(*args) ** 2)


#: Ways to run a function of (x, v, i, m): on batches at some axes, or as two levels.
SINGLE = {
    "vmap": lambda f, vmap, axes, args: vmap(f, axes)(*args),
    "vmap of grad": lambda f, vmap, axes, args: vmap(ag.grad(square(f), (0, 1)), axes)(*args),
    "grad by values": lambda f, vmap, axes, args: vmap(ag.grad(square(f), 1), axes)(*args),
    "grad of vmap": lambda f, vmap, axes, args: ag.grad(
        lambda x, v: np.sum(vmap(f, axes)(x, v, *args[2:]) ** 2), (0, 1)
    )(*args[:2]),
}
NESTED = {
    "values inside": lambda f, vmap: vmap(
        lambda x: vmap(lambda v, i, m: f(x, v, i, m))(VS, PLACES, MASKS)
    )(XS),
    "values outside": lambda f, vmap: vmap(lambda v, i, m: vmap(lambda x: f(x, v, i, m))(XS))(
        VS, PLACES, MASKS
    ),
}


def outcome(run, vmap):
    with np.errstate(all="ignore"):
        try:
            return run(vmap)
        except Exception as error:
            return error


def compare(run, may_raise, case):
    """Let a program run under vmap and in a loop; only where it may raise, vmap alone raises."""
    looping.looped.clear()
    found, wanted = outcome(run, ag.vmap), outcome(run, by_loop)
    if isinstance(found, Exception):
        refused = REFUSED.get(case[0])
        cause = found
        while cause.__cause__ is not None:  # an error of NumPy may have ours as its cause
            cause = cause.__cause__
        assert (
            isinstance(wanted, Exception)
            or (refused and re.search(refused, str(found)))
            or (may_raise and isinstance(cause, ag.VmapError))
        ), (case, found)
        return
    assert not looping.looped, case
    if case[0] == "paa None" and isinstance(wanted, Exception):  # NumPy wants C order
        return
    assert not isinstance(wanted, Exception), (case, wanted)
    pairs = zip(found, wanted, strict=True) if isinstance(found, tuple) else [(found, wanted)]
    for a, b in pairs:
        a = a.numpy() if isinstance(a, ag.Tensor) else a
        assert np.allclose(a, b, rtol=1e-12, atol=1e-13, equal_nan=True), case


@pytest.mark.parametrize("name", sampled(WRITES, 8))
def test_writes_equal_the_loop_or_raise(name):
    for target, make in TARGETS.items():

        def f(x, v, i, m, make=make):
            a = make(x)
            WRITES[name](a, v, i, m)
            return np.tanh(a) + np.sum(x * 0)

        for axes in AXES:
            same = axes[0] is None or target.startswith("one ")
            args = [b if x == 0 else b[0] for b, x in zip(BATCHES, axes, strict=True)]
            for way, run in SINGLE.items():
                compare(lambda vmap: run(f, vmap, axes, args), same, (name, target, way, axes))  # noqa: B023
        for way, run in NESTED.items():
            for what, g in {"values": f, "gradients": ag.grad(square(f), 1)}.items():
                compare(lambda vmap: run(g, vmap), True, (name, target, way, what))  # noqa: B023
