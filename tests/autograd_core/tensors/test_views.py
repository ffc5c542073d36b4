"""Writes through views have NumPy's values and gradients; and which results are views."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.primitive import compositions, table
from tests.sampling import sampled

Program = Callable[[Any], Any]


def element_of_a_row(a):
    a[1][2] = 10.0
    return a


def rows_in_a_loop(a):
    for r in a:
        r /= r.sum()
    return a


def column_of_the_transpose(a):
    a.T[0] = 0
    return a


def reshaped(a):
    a.reshape(-1)[3] = 0
    return a


def swapped_rows(a):
    a[0], a[1] = a[1], a[0]
    return a


def a_view_sees_the_write(a):
    v = a[0]
    a[0] = 5.0
    return a * v


def siblings(a):
    u, v = np.split(a, 2, axis=1)
    u += 1
    v *= u
    return a * 2


def overlapping(a):
    v, w = a[0], a[:, 1]
    v *= 2
    w += v[1]
    a *= a
    return v.sum() * w.sum() * a


def of_another_order_in_memory(a):
    b = a.T
    b[1] = b[0] * 2
    c = b.reshape(-1)  # a copy
    c[1] = 9.0
    return a * 1, c * 1


def of_a_view_of_a_view(a):
    r = a.ravel()
    r[::2] *= 2
    q = r.reshape(a.shape)
    q[1] = q[0]
    return a * q


def new_axes(a):
    s = a.swapaxes(0, 1)[1:, None]
    s -= 1
    return a


def whose_root_is_gone(a):
    v = a[1:]
    del a
    v[0] = 2
    return v


def functions_of_numpy(a):
    np.fill_diagonal(a[:, :3], 0.0)
    np.copyto(a[0], a[1])
    np.put(a.T[3], [0], 7.0)
    return a


def fancy_indices_copy(a):
    v = a[[0, 1]]
    v += 1
    w = a[a > 0]
    w *= 2
    return a, v, w


def a_diagonal(a):
    d = np.einsum("ii->i", a[:, :3])
    d *= 3
    return a


def many(a):
    rows = [a[i] for i in range(3)]
    rows[0][1] = rows[1][2] * 2
    rows[2] += rows[0]
    b = a.reshape(4, 3)
    rows[1][:] = b[0, 0]
    return a * b.T


PROGRAMS = [v for v in list(globals().values()) if inspect.isfunction(v) and v.__code__.co_argcount]
PROGRAMS = [p for p in PROGRAMS if p.__code__.co_varnames[0] == "a"]


def outputs(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("program", PROGRAMS)
def test_values_and_gradients(program):
    x = np.random.default_rng(0).uniform(0.5, 1.5, (3, 4))
    expected = outputs(program(x.copy()))
    found = outputs(program(ag.tensor(x, requires_grad=True) * 1))
    for e, f in zip(expected, found, strict=True):
        np.testing.assert_array_equal(f.numpy(), e)
    report = ag.gradcheck(
        lambda x: sum(np.sum(np.sin(o)) for o in outputs(program(x * 1))), x, variants=False
    )
    assert report.ok, report


@pytest.mark.parametrize("seed", sampled(range(150), 5))
def test_random_programs(seed):
    """Views of views of one array, written in turn: as NumPy does on the plain array."""

    def run(a: Any) -> Any:
        rng = np.random.default_rng(seed)
        pool = [a]
        for _ in range(12):
            v = pool[rng.integers(len(pool))]
            kind = rng.integers(8)
            if kind == 0 and v.ndim and v.shape[0]:
                pool.append(v[int(rng.integers(v.shape[0]))])
            elif kind == 1 and v.ndim:
                pool.append(v[::-1] if rng.random() < 0.5 else v[1:])
            elif kind == 2:
                pool.append(v.T)
            elif kind == 3 and v.ndim:
                pool.append(v.reshape(-1))
            elif kind == 4 and v.ndim > 1:
                pool.append(np.moveaxis(v, 0, -1))
            elif kind == 5 and v.ndim:
                v *= rng.uniform(0.5, 1.5)
            elif kind == 6 and v.ndim and v.shape[0]:
                v[int(rng.integers(v.shape[0]))] = a.sum() * 0.1
            elif v.ndim:
                v += np.sum(pool[rng.integers(len(pool))]) * 0.1
        return sum(np.sum(np.cos(p)) for p in pool)

    x = np.random.default_rng(seed).uniform(0.5, 1.5, (2, 3, 2))
    if seed % 2:
        x = x.transpose(2, 0, 1)
    with np.errstate(all="ignore"):
        value, gradient = ag.value_and_grad(lambda x: run(x * 1))(x)
        np.testing.assert_allclose(value, run(x * 1), rtol=1e-12)
        direction = np.empty_like(x)  # in the same order in memory, so that reshape does the same
        direction[...] = np.random.default_rng(1).normal(size=x.shape)
        step = 1e-6
        slope = (run(x + step * direction) - run(x - step * direction)) / (2 * step)
    np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-4, atol=1e-6)


def test_a_buffer_that_is_not_recorded_yet():
    def f(p):
        buffer = np.zeros((2, 3), like=p)
        buffer[0][1] = p[0]
        buffer.T[2] = p[:2]
        return np.sum(buffer * np.arange(6.0).reshape(2, 3))

    np.testing.assert_array_equal(ag.grad(f)(np.ones(3)), [3.0, 5.0, 0.0])


@pytest.mark.parametrize(
    "take",
    [
        lambda a: np.hsplit(a, 2)[0], np.flipud, np.fliplr, np.atleast_2d, np.squeeze, np.real,
        lambda a: np.einsum("ii->i", a[:2, :2]), lambda a: np.rollaxis(a, 1), lambda a: a.real,
        lambda a: np.array_split(a, 2)[1], lambda a: np.broadcast_arrays(a, a)[0], lambda a: a.T,
        np.linalg.matrix_transpose if hasattr(np.linalg, "matrix_transpose") else np.transpose,
    ],
)  # fmt: skip
@pytest.mark.parametrize("recorded", [False, True])
def test_a_view_of_what_becomes_recorded(take, recorded):
    x = np.arange(1.0, 9.0).reshape(2, 4)

    def f(x):
        a = x * 1 if recorded else np.zeros_like(x)
        v = take(a)
        v[...] = v * 2 + x.reshape(-1)[: v.size].reshape(v.shape)
        return np.sum(a**2)

    value, gradient = ag.value_and_grad(f)(x)
    assert value == f(x)
    slopes = [(f(x + h) - f(x - h)) / 2e-6 for h in 1e-6 * np.eye(8).reshape(8, 2, 4)]
    np.testing.assert_allclose(gradient.reshape(-1), slopes, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("recorded", [False, True])
def test_imaginary_parts(recorded):
    def f(x):
        z = x + 0j if recorded else np.zeros_like(x) + 0j
        z.imag[...] = x**2
        z[:1].imag *= 3
        z.real += x
        return np.sum(z.imag**2 + z.real * x)

    assert ag.gradcheck(f, np.array([1.0, 2.0]), variants=False)
    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(ag.value_and_grad(f)(x)[0], f(x))


def test_numbers_are_not_changed():
    """Make a new number by ``total += l``, as NumPy does, and leave its alias the old one."""

    def f(x):
        losses = [np.sum(r**2) for r in x]
        total = losses[0]
        for number in losses[1:]:
            total += number
        return total + 3 * losses[0]

    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    value, gradient = ag.value_and_grad(f)(x)
    assert value == f(x) == 45.0
    np.testing.assert_array_equal(gradient, [[8.0, 16.0], [6.0, 8.0]])
    w = ag.tensor(2.0, requires_grad=True)
    with ag.no_grad():
        w -= 0.5  # a parameter without axes is written
    assert (w.is_leaf, w.requires_grad, w.item()) == (True, True, 1.5)


def test_a_write_keeps_the_order_in_memory():
    def f(x):
        a = (x * 1.0).T
        a = a * 1.0
        a += np.ones((2, 2))
        r = a.reshape(-1)
        r *= 2
        return np.sum(a**3)

    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert ag.value_and_grad(f)(x)[0] == f(x)


def test_a_view_of_a_recorded_value_under_no_grad():
    a = ag.tensor(np.ones((2, 2)), requires_grad=True) * 1
    for write in (
        lambda: a[0].__setitem__(..., 5.0),
        lambda: a.reshape(-1).__setitem__(0, 9.0),
        lambda: np.fill_diagonal(a, 0.0),
        lambda: np.put(a, [0], 1.0),
        lambda: np.add(a, 1.0, out=a),
        lambda: a.__setitem__(0, 5.0),
    ):
        with ag.no_grad(), pytest.raises(ag.InPlaceError, match="detach"):
            write()
    assert a.numpy().tolist() == [[1, 1], [1, 1]]


def test_a_shape_that_changes_later():
    shape = [2, 2]
    a = ag.tensor(np.arange(4.0), requires_grad=True) * 1
    v = a.reshape(shape)
    shape[:] = [4, 1]
    a[0] = 5.0
    np.testing.assert_array_equal(v.numpy(), [[5.0, 1.0], [2.0, 3.0]])


def test_a_view_of_a_leaf():
    w = ag.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="w")
    with pytest.raises(ag.InPlaceError, match="a view of w"):
        w[0][1] = 5.0
    with ag.no_grad():
        w[0][1] = 5.0
    assert w.tolist() == [[1, 5], [3, 4]]


@pytest.mark.parametrize(
    "take", [lambda a: np.broadcast_to(a, (2, 2, 2)), np.diagonal, lambda a: np.diagonal(a)[:1]]
)
def test_a_read_only_view_is_refused_as_numpy_does(take):
    a = np.ones((2, 2))
    with pytest.raises(ValueError, match="read-only"):
        take(a)[...] = 5.0
    t = ag.tensor(a, requires_grad=True) * 1
    with pytest.raises(ag.InPlaceError, match="read-only"):
        take(t)[...] = 5.0
    y = take(t).copy()
    y[...] = 5.0
    assert t.numpy().tolist() == a.tolist()


def test_the_views_of_a_loop_are_forgotten():
    x = ag.tensor(np.ones((3, 3)), requires_grad=True) * 1
    for _ in range(1000):
        x[1] * 2
    assert len(x._sharing) < 40


CALLS: dict[Any, tuple[Any, ...]] = {
    np.reshape: (-1,), np.transpose: (), np.swapaxes: (0, 1), np.moveaxis: (0, 1),
    np.expand_dims: (0,), np.rollaxis: (1,), np.squeeze: (), np.ravel: (), np.flip: (),
    np.fliplr: (), np.flipud: (), np.rot90: (), np.diagonal: (), np.split: (2,),
    np.array_split: (2,), np.hsplit: (2,), np.vsplit: (2,), np.atleast_1d: (), np.atleast_2d: (),
    np.atleast_3d: (), np.broadcast_to: ((2, 4, 4),), np.real: (), np.copy: (), np.tile: (1,),
    np.repeat: (1,), np.resize: ((4, 4),), np.roll: (0,), np.take: ([0, 1, 2, 3], 0), np.pad: (0,),
}  # fmt: skip


@pytest.mark.parametrize("recorded", [True, False])
def test_every_function_shares_memory_as_numpy_does(recorded):
    """A write into a result reaches the argument exactly where it does in NumPy."""
    tried, wrong = 0, []
    for fun in [*table, *compositions]:
        if not callable(fun) or isinstance(fun, (np.ufunc, ag.Primitive)):
            continue
        a = np.arange(16.0).reshape(4, 4)
        t = ag.tensor(a, requires_grad=recorded) * 1
        options = CALLS.get(fun, ())
        try:
            plain, found = fun(a, *options), fun(t, *options)
        except Exception:  # other arguments are needed, or the loss of a gradient is refused
            continue
        for p, f in zip(*([r] if hasattr(r, "shape") else r for r in (plain, found)), strict=True):
            if isinstance(p, np.ndarray) and p.flags.writeable and isinstance(f, ag.Tensor):
                p[...] = -1.0
                f[...] = ag.tensor(-1.0, requires_grad=True) * 1
                tried += 1
        if not np.array_equal(t.numpy(), a):
            wrong.append(fun.__name__)
    assert not wrong
    assert tried > 50
