"""Arrays that change after they were recorded: buffers that are refilled, writes in place."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.mutation import COPIED
from autograd_core.tensors.numpy_dispatch import IN_PLACE
from tests.autograd_core.rules.strict import Refused, StrictArray

SMALL, LARGE = COPIED // 8, COPIED


def leaf(values, **options):
    return ag.tensor(values, requires_grad=True, **options)


#: Calls that save a plain array for backward: the operand or option ``b`` of ``w``.
BUFFERS = {
    "operand": (lambda w, b: w * b, float),
    "operand on the left": (lambda w, b: b / w, float),
    "ufunc": (lambda w, b: np.multiply(b, w), float),
    "matmul": (lambda w, b: w @ b, float),
    "index": (lambda w, b: w[b], int),
    "index in a tuple": (lambda w, b: w[(b,)], int),
    "mask": (lambda w, b: np.where(b % 2 == 0, w, 0.0) * (b % 2), float),
    "mask as an index": (lambda w, b: w[b % 3 == 0], int),
    "where=": (lambda w, b: np.sum(w * w, where=b % 2 == 0), int),
    "value of an assignment": (lambda w, b: assigned(w * 1, b), float),
    "take": (lambda w, b: np.take(w * w, b), int),
    "interp": (lambda w, b: np.interp(b, np.arange(w.size * 3.0), np.repeat(w, 3)), float),
    "convolve": (lambda w, b: np.convolve(w, b[:3]), float),
    "list": (lambda w, b: w[b[:3].tolist()], int),
    "user's primitive": (lambda w, b: scaled(w, by=b), float),
}


def assigned(t, b):
    t[::2] = b[::2]
    return t * t


@ag.primitive
def scaled(x, *, by):
    return x * by


scaled.defvjp(lambda g, out, x, *, by: g * by)


@pytest.mark.parametrize("name", BUFFERS)
@pytest.mark.parametrize("size", [3, 64, SMALL])
def test_a_small_buffer_is_refilled(name, size):
    call, dtype = BUFFERS[name]
    rng = np.random.default_rng(0)
    fills = [rng.integers(0, size, size).astype(dtype) for _ in range(3)]
    w = leaf(rng.uniform(1.0, 2.0, size))
    buffer, loss = np.empty(size, dtype), 0.0
    for fill in fills:
        buffer[...] = fill
        loss = loss + np.sum(call(w, buffer))
    buffer[...] = -1
    loss.backward()
    fresh = leaf(w.numpy())
    sum(np.sum(call(fresh, fill.copy())) for fill in fills).backward()
    np.testing.assert_array_equal(w.grad.numpy(), fresh.grad.numpy())


#: Who holds the memory of a buffer: how a call is made on it, and the buffer as it is given.
HOLDERS = {
    "batch": (lambda call: ag.vmap(call), lambda b: b),
    "batch, last axis": (
        lambda call: ag.vmap(call, in_axes=(0, -1)),
        lambda b: np.moveaxis(b, 0, -1),
    ),
    "batches": (lambda call: lambda w, b: ag.vmap(ag.vmap(call))(w[None], b[None]), lambda b: b),
    "inside, the same for all": (
        lambda call: lambda w, b: ag.vmap(lambda w: call(w, b[0]))(w),
        lambda b: b,
    ),
    "device": (
        lambda call: lambda w, b: np.sum(call(w[0], b[0])) + np.sum(call(w[1], b[1])),
        StrictArray,
    ),
    "batch of a device": (ag.vmap, StrictArray),
}


def held(holder, call, w, buffer):
    """Return the sum of a call on two examples, whose buffer is held by something else."""
    run, kind = HOLDERS[holder]
    w = ag.tensor(StrictArray(w), requires_grad=True) if "device" in holder else leaf(w)
    return np.sum(run(call)(w, kind(buffer))), w


def values(t):
    return getattr(t.data, "_a", t.data)


@pytest.mark.filterwarnings("ignore:ag.vmap")
@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("name", BUFFERS)
def test_a_small_buffer_that_another_array_holds_is_refilled(name, holder):
    call, dtype = BUFFERS[name]
    rng = np.random.default_rng(0)
    weights, buffer = rng.uniform(1.0, 2.0, (2, 6)), rng.integers(0, 6, (2, 6)).astype(dtype)
    given = buffer.copy()
    try:
        y, w = held(holder, call, weights, given)
    except (Refused, ag.errors.VmapError, AttributeError) as error:
        pytest.skip(f"the call itself: {error}")
    given[...] = 1
    y.backward()
    expected, fresh = held(holder, call, weights, buffer)
    expected.backward()
    np.testing.assert_array_equal(values(w.grad), values(fresh.grad))


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_large_buffer_that_another_array_holds_is_refilled(holder):
    buffer = np.ones((2, LARGE))
    y, w = held(holder, lambda w, b: w * b, np.ones((2, LARGE)), buffer)
    buffer += 1
    if "device" in holder:  # it was copied
        y.backward()
        assert values(w.grad).max() == 1
    else:
        with pytest.raises(ag.MutationError, match="copy"):
            y.backward()


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("write", ["+=", "an index"])
def test_a_write_into_what_another_array_holds_is_noticed(holder, write):
    y, w = held(holder, lambda w, b: w * w + b, np.ones((2, 3)), np.ones((2, 3)))
    with ag.no_grad():
        WRITES[write](w)
    with pytest.raises(ag.MutationError, match="changed in place"):
        y.backward()


@pytest.mark.parametrize("kind", [np.asarray, StrictArray])
def test_an_array_may_change_between_vjp_and_its_products(kind):
    memory = np.array([1.0, 2.0])
    _, pull = ag.vjp(lambda x: x * x, kind(memory))
    memory[:] = 9.0
    g = pull(kind(np.ones(2)))
    assert getattr(g, "_a", g).tolist() == [2.0, 4.0]


def test_an_array_made_under_vmap_may_change_between_vjp_and_its_products():
    def f(x):
        y = x + 0.0
        _, pull = ag.vjp(lambda y: y * y, y)
        y[...] = 9.0
        return pull(np.ones_like(x))

    assert ag.vmap(f)(np.array([[1.0, 2.0]])).tolist() == [[2.0, 4.0]]


@pytest.mark.parametrize("name", ["operand", "matmul", "index", "ufunc", "user's primitive"])
@pytest.mark.parametrize("layout", ["C", "transposed", "strided"])
def test_a_large_buffer_that_is_refilled_raises(name, layout):
    call, dtype = BUFFERS[name]
    size = LARGE
    base = np.zeros((2, size), dtype)
    buffer = {"C": np.zeros(size, dtype), "transposed": base.T[:, 0], "strided": base[0]}[layout]
    w = leaf(np.ones(size))
    y = np.sum(call(w, buffer))
    buffer += 1
    with pytest.raises(ag.MutationError, match="copy"):
        y.backward()
    y = np.sum(call(w, buffer))
    buffer += 1
    buffer -= 1
    y.backward()  # as it was, the gradient is right


def test_a_column_of_a_large_array_does_not_hide():
    """The places of a sample follow no column, whatever the shape."""
    for shape in ((64, 784), (100, 100), (37, 1024), (4096, 16), (128, 30)):
        a = np.zeros(shape)
        a[:, shape[1] // 2 :] = 1.0
        w = leaf(np.ones(shape))
        y = np.sum(w * a)
        a[:, shape[1] // 2 :] = 2.0
        with pytest.raises(ag.MutationError):
            y.backward()


@pytest.mark.parametrize(
    "read_only",
    [
        lambda a: np.broadcast_to(a, (2, LARGE)),
        lambda a: np.lib.stride_tricks.sliding_window_view(a, 4),
        lambda a: np.diagonal(np.broadcast_to(a, (LARGE, LARGE))),
        lambda a: a.view(),
    ],
)
def test_a_view_that_cannot_be_written_of_memory_that_can(read_only):
    a = np.zeros(LARGE)
    b = read_only(a)
    b.flags.writeable = False
    y = np.sum(leaf(np.ones(b.shape)) * b)
    a += 1
    with pytest.raises(ag.MutationError):
        y.backward()


@pytest.mark.parametrize("size", [3, LARGE])
@pytest.mark.parametrize("kind", ["memmap", "subclass"])
def test_other_ndarrays(kind, size, tmp_path):
    if kind == "memmap":
        b = np.memmap(tmp_path / "b", dtype=float, mode="w+", shape=(size,))
    else:
        b = np.zeros(size).view(np.recarray)
    b[:] = 1.0
    w = leaf(np.ones(size))
    y = np.sum(w * b)
    b[:] = 2.0
    if size == 3:
        y.backward()
        assert w.grad.tolist() == [1, 1, 1]
    else:
        with pytest.raises(ag.MutationError):
            y.backward()


def test_lists_of_arrays():
    b, w = np.ones(3), leaf([1.0, 2.0, 3.0])
    y = np.sum(w * [b, b]) + np.sum(np.maximum(w, [b * 2])) + np.sum([[1.0, 2.0, 3.0]] @ w)
    b[:] = 9.0
    y.backward()
    assert w.grad.tolist() == [3, 4.5, 6]


def test_a_value_that_was_assigned_may_be_refilled():
    w = leaf(np.ones((2, LARGE)))
    t, big = w * 1, np.ones(LARGE)
    t[0] = big
    big[:] = 3.0
    np.sum(t * t).backward()
    assert w.grad.numpy().sum() == 2 * LARGE


def test_what_no_rule_reads_may_change():
    a, w = np.ones(LARGE), leaf(np.ones(LARGE))
    y = np.sum(w + a)
    a += 1
    y.backward()
    assert w.grad.numpy().max() == 1


def test_an_environment_whose_state_is_one_array():
    """A policy gradient: the state that each decision saw counts, not the last one."""
    state, w, total, expected = np.zeros(2), leaf(np.array([0.5, -0.5])), 0.0, np.zeros(2)
    for step in range(4):
        total = total + np.sum(w * state) * step
        expected += state * step
        state += [1.0, step]
    total.backward()
    np.testing.assert_array_equal(w.grad.numpy(), expected)


# -- NumPy's functions that write -----------------------------------------------------------------

WRITES = {
    "copyto": lambda w: np.copyto(w, 9.0),
    "copyto by keyword": lambda w: np.copyto(dst=w, src=9.0),
    "put": lambda w: np.put(w, [0], 9.0),
    "putmask": lambda w: np.putmask(w, w.numpy() > 0, 9.0),
    "place": lambda w: np.place(w, w.numpy() > 0, [9.0]),
    "put_along_axis": lambda w: np.put_along_axis(w, np.array([[0], [0]]), 9.0, 1),
    "fill_diagonal": lambda w: np.fill_diagonal(w, 9.0),
    "nan_to_num": lambda w: np.nan_to_num(w, copy=False, posinf=1.0),
    "nan_to_num by position": lambda w: np.nan_to_num(w, False),
    "median": lambda w: np.median(w, overwrite_input=True),
    "add.at": lambda w: np.add.at(w, (0, 0), 1.0),
    "out=": lambda w: np.multiply(w, 2, out=w),
    "out by position": lambda w: np.cumsum(w, 0, None, w),
    "a method's out": lambda w: w.clip(0, 1, out=w),
    "an index": lambda w: w.__setitem__(0, 9.0),
    "a view": lambda w: np.copyto(w[0], 9.0),
    "+=": lambda w: w.__iadd__(1.0),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_into_a_leaf_is_noticed(write):
    w = leaf([[np.inf, 2.0], [3.0, 1.0]], name="w")
    y = np.sum(w * w)
    with ag.no_grad():
        write(w)
    with pytest.raises(ag.MutationError, match="changed in place"):
        y.backward()
    assert w.grad is None


def test_every_function_of_numpy_that_writes_is_known():
    """NumPy's documentation says of which functions it is true; a new one would be found here."""
    phrases = re.compile(
        r"modifies the input array in-place|Changes? elements of an array|Replaces specified"
        r"|Copies values from one array|overwrite_input : bool|in-place operation only occurs"
        r"|\A\s*Put values into the destination array"
    )
    found = {
        f
        for module in (np, np.linalg, np.fft)
        for f in vars(module).values()
        if callable(f)
        and not isinstance(f, type)
        and phrases.search(f.__doc__ or "")
        and getattr(f, "__name__", "") not in ("ma", "apply_along_axis")
    }
    assert found == set(IN_PLACE)


def test_a_leaf_keeps_a_dtype_that_has_gradients():
    w = leaf([1.0, 2.0, 3.0])
    w.data = np.array([1, 2, 3])
    assert w.dtype == np.float64
    np.sum(w * w).backward()
    assert w.grad.tolist() == [2, 4, 6]
    w.data = np.array([True, False, True])
    assert w.tolist() == [1, 0, 1]
