"""array_api_compat, by which libraries find the namespace of an array."""

from __future__ import annotations

import pytest

import autograd_core as ag
import autograd_core.array_api as xp

compat = pytest.importorskip(
    "array_api_compat", reason="array-api-compat, which libraries ask, is not installed"
)


def test_finds_our_namespace():
    t = ag.tensor([1.0, 2.0], requires_grad=True)
    assert compat.is_array_api_obj(t)
    assert compat.array_namespace(t) is xp
    assert compat.array_namespace(t, t * 2, 1.0, None) is xp
    assert compat.array_namespace(t, api_version="2024.12") is xp
    assert not compat.is_numpy_array(t)
    assert not compat.is_lazy_array(t)
    assert compat.is_writeable_array(ag.tensor([1.0]))


def test_does_not_mix_with_ndarrays():
    with pytest.raises(TypeError, match=r"[Mm]ultiple namespaces"):
        compat.array_namespace(ag.tensor([1.0]), __import__("numpy").ones(1))


def test_device_size_to_device():
    t = ag.tensor([[1.0, 2.0]], requires_grad=True)
    assert compat.device(t) == "cpu"
    assert compat.size(t) == 2
    assert compat.to_device(t, "cpu") is t
