"""Constructors of the Array API: sharing, copying, and recorded Tensors."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.array_api as xp


def leaf(*values, **options):
    return ag.tensor(values, requires_grad=True, **options)


def test_asarray_leaves_a_tensor_as_it_is():
    t = leaf(1.0, 2.0)
    assert xp.asarray(t) is t
    assert xp.asarray(t, dtype=xp.float64, device="cpu", copy=False) is t
    y = t * 2
    assert xp.asarray(y) is y


def test_asarray_copies_recorded():
    t = leaf(1.0, 2.0)
    u = xp.asarray(t, copy=True)
    assert u is not t
    assert not np.shares_memory(u.numpy(), t.numpy())
    xp.sum(u * u).backward()
    assert t.grad.tolist() == [2.0, 4.0]
    assert xp.asarray(t, dtype=xp.float32).requires_grad


def test_asarray_shares_an_ndarray_unless_asked():
    a = np.arange(3.0)
    assert np.shares_memory(xp.asarray(a).numpy(), a)
    assert not np.shares_memory(xp.asarray(a, copy=True).numpy(), a)


@pytest.mark.parametrize("make", [lambda: leaf(1.0), lambda: np.ones(1), lambda: [1.0]])
def test_asarray_without_copy_refuses_what_needs_one(make):
    with pytest.raises(ValueError, match="copy"):
        xp.asarray(make(), dtype=xp.int8, copy=False)


def test_asarray_of_lists_keeps_the_graph():
    t = leaf(1.0, 2.0)
    m = xp.asarray([[t[0], 0.0], [1.0, t[1]]], dtype=xp.float32)
    assert (m.shape, m.dtype) == ((2, 2), np.float32)
    xp.sum(m * m).backward()
    assert t.grad.tolist() == [2.0, 4.0]
    assert xp.asarray([ag.tensor(1.0), 2.0]).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="copy"):
        xp.asarray([t[0]], copy=False)


def test_asarray_refuses_what_is_no_number():
    with pytest.raises(TypeError, match="numbers"):
        xp.asarray(object())


def test_constructors_make_plain_tensors():
    made = [xp.zeros(2), xp.ones((1, 2)), xp.empty(0), xp.full(2, 3), xp.arange(3), xp.eye(2)]
    made += [xp.linspace(0, 1, 3), xp.zeros_like(leaf(1.0)), xp.full_like(leaf(1.0), 2.0)]
    made += [xp.fft.fftfreq(4), *xp.meshgrid(xp.arange(2), xp.arange(3)), xp.asarray([1])]
    assert all(isinstance(t, ag.Tensor) and not t.requires_grad for t in made)
    t = xp.zeros(2)
    t[0] = 1
    assert t.tolist() == [1, 0]


@pytest.mark.parametrize("dtype", [None, np.float32])
def test_full_and_full_like_of_a_recorded_value(dtype):
    t = ag.tensor(2.0, requires_grad=True)
    a, b = xp.full((2, 3), t, dtype=dtype), xp.full_like(xp.zeros(4), t, dtype=dtype)
    assert (a.shape, b.shape, a.dtype, b.dtype) == ((2, 3), (4,), *2 * (np.dtype(dtype or float),))
    (xp.sum(a) + xp.sum(b)).backward()
    assert t.grad.item() == 10.0


def test_full_like_keeps_the_dtype_and_integers_have_no_gradient():
    t = ag.tensor(2.5, requires_grad=True)
    whole = xp.full_like(xp.zeros(2, dtype=xp.int8), t)
    assert (whole.dtype, whole.tolist(), whole.requires_grad) == (np.int8, [2, 2], False)


def test_linspace_is_differentiable_and_arange_says_what_is():
    start, stop = ag.tensor(1.0, requires_grad=True), ag.tensor(2.0, requires_grad=True)
    xp.sum(xp.linspace(start, stop, 5)).backward()
    assert (start.grad.item(), stop.grad.item()) == (2.5, 2.5)
    for bounds in ((start,), (0, stop), (0, 1, start)):
        with pytest.raises(ag.ConversionError, match="linspace"):
            xp.arange(*bounds)
    assert xp.arange(ag.tensor(3)).tolist() == [0, 1, 2]


def test_astype():
    t = leaf(1.5, 2.5)
    assert xp.astype(t, xp.float64, copy=False) is t
    assert xp.astype(t, xp.float64) is not t
    assert xp.astype(t, xp.float32, device="cpu").requires_grad
    for dtype in (xp.int64, xp.bool):
        whole = xp.astype(t, dtype)
        assert (whole.dtype, whole.requires_grad) == (dtype, False)
    with pytest.raises(ValueError, match="cpu"):
        xp.astype(t, xp.float32, device="gpu")


def test_integers_carry_no_gradient_through():
    t = leaf(1.5, 2.5)
    xp.sum(t * xp.astype(xp.astype(t, xp.int64), xp.float64)).backward()
    assert t.grad.tolist() == [1.0, 2.0]  # of t * trunc(t), not 2 t


@pytest.mark.parametrize(
    "call",
    [
        lambda d: xp.zeros(1, device=d), lambda d: xp.ones(1, device=d), lambda d: xp.empty(1, device=d),
        lambda d: xp.full(1, 2, device=d), lambda d: xp.arange(1, device=d), lambda d: xp.eye(1, device=d),
        lambda d: xp.linspace(0, 1, 2, device=d), lambda d: xp.asarray([1], device=d),
        lambda d: xp.asarray(xp.ones(1), device=d), lambda d: xp.zeros_like(xp.ones(1), device=d),
        lambda d: xp.full_like(xp.ones(1), 1, device=d), lambda d: xp.fft.fftfreq(2, device=d),
        lambda d: xp.fft.rfftfreq(2, device=d), lambda d: xp.from_dlpack(np.ones(1), device=d),
    ],
)  # fmt: skip
def test_devices(call):
    for device in (None, "cpu"):
        assert call(device).device == "cpu"
    with pytest.raises(ValueError, match="cpu"):
        call("gpu:0")


def test_functions_of_several_arrays_return_lists_as_until_2025():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    for several in (xp.meshgrid(x, x), xp.broadcast_arrays(x, x[:1])):
        assert type(several) is list
        assert all(a.requires_grad for a in several)
