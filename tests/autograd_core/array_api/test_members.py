"""Test the members that the standard requires of an array: namespace, device, DLPack, operators of integers."""

from __future__ import annotations

import operator
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.array_api as xp

from ..rules.strict import StrictArray


def test_namespace():
    t = ag.tensor([1.0])
    assert t.__array_namespace__() is xp
    assert t.__array_namespace__(api_version=xp.__array_api_version__) is xp
    with pytest.raises(ValueError, match=r"2024\.12.*2077"):
        t.__array_namespace__(api_version="2077.12")


def test_the_namespace_is_imported_when_asked_for():
    code = (
        "import sys, autograd_core as ag; assert 'autograd_core.array_api' not in sys.modules;"
        "assert ag.tensor(1.0).__array_namespace__().__name__ == 'autograd_core.array_api';"
        "assert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_device_and_to_device():
    t = ag.tensor([1.0], requires_grad=True)
    assert (t.device, ag.tensor(1.0).device, (t * 2).device) == ("cpu",) * 3
    assert t.to_device("cpu") is t
    with pytest.raises(ValueError, match="cpu"):
        t.to_device("cuda")
    with pytest.raises(ValueError, match="stream"):
        t.to_device("cpu", stream=1)


class Placed(StrictArray):
    """An array of another library, on one of several devices."""

    device = "here"

    def copy(self):
        return self.to_device(self.device)

    def to_device(self, device):
        moved = Placed(self._a.copy())
        moved.device = device
        return moved

    def __mul__(self, other):
        product = Placed((super().__mul__(other)).get())
        product.device = self.device
        return product

    def sum(self, *args, **kwargs):
        return Placed(np.asarray(self._a.sum(*args, **kwargs)))


def test_moving_to_another_device_is_recorded():
    t = ag.Tensor(Placed(np.array([1.0, 2.0])))
    assert t.device == "here"
    t = t.detach()
    t.requires_grad = True
    there = t.to_device("there")
    assert (there.device, there.requires_grad) == ("there", True)
    assert t.to_device("here") is t
    (g,) = ag.gradients([there], [t], [Placed(np.array([3.0, 4.0]))])
    np.testing.assert_array_equal(g.numpy().get(), [3.0, 4.0])
    assert g.device == "here"


def test_dlpack_shares_what_may_be_written_and_copies_what_may_not():
    t = ag.tensor([1.0, 2.0])
    assert t.__dlpack_device__() == (1, 0)
    assert np.shares_memory(np.from_dlpack(t), t.numpy())
    frozen = (ag.tensor([1.0, 2.0], requires_grad=True) * 2).detach()
    assert not np.shares_memory(np.from_dlpack(frozen), frozen.numpy())
    assert np.from_dlpack(ag.tensor(3.0)) == 3.0
    assert not np.shares_memory(xp.from_dlpack(t, copy=True).numpy(), t.numpy())
    with pytest.raises(BufferError):
        t.__dlpack__(dl_device=(2, 0))


@pytest.mark.parametrize("take", [np.from_dlpack, xp.from_dlpack, lambda t: t.__dlpack__()])
def test_dlpack_refuses_a_tensor_that_needs_gradients(take):
    t = ag.tensor([1.0], requires_grad=True)
    with pytest.raises(ag.ConversionError, match="detach"):
        take(t)
    with ag.no_grad():
        take(t)


@pytest.mark.parametrize("name", ["floordiv", "mod", "and_", "or_", "xor", "lshift", "rshift"])
def test_integer_operators_forward_reflected_and_in_place(name):
    fun = getattr(operator, name)
    in_place = getattr(operator, "i" + name.rstrip("_"))
    a, b = np.array([12, 7, 9]), np.array([1, 2, 3])
    t, u = ag.tensor(a), ag.tensor(b)
    expected = fun(a, b)
    for x, y in ((t, u), (t, b), (a, u)):
        result = fun(x, y)
        assert isinstance(result, ag.Tensor)
        assert result.tolist() == expected.tolist()
    assert fun(60, u).tolist() == fun(60, b).tolist()
    before, memory = t, t.numpy()
    t = in_place(t, u)
    assert t is before
    assert np.shares_memory(t.numpy(), memory)
    assert t.tolist() == expected.tolist()


def test_in_place_remainder_is_recorded():
    x = ag.tensor([5.5, 3.5], requires_grad=True)
    y = x * 1.0
    y %= 2.0
    xp.sum(y).backward()
    assert (y.tolist(), x.grad.tolist()) == ([1.5, 1.5], [1.0, 1.0])
    y = x * 1.0
    y //= 2.0
    assert (y.tolist(), y.requires_grad) == ([2.0, 1.0], False)
    with pytest.raises(ag.InPlaceError):
        x %= 2.0


def test_in_place_keeps_the_dtype():
    t = ag.tensor([7, 8])
    with pytest.raises(TypeError):
        t //= 2.0
    assert t.dtype == np.dtype(int)
