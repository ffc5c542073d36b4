"""einops, through ``einops.array_api``: the patterns, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.strategies import assert_slopes

from ..array_api.calls import sample

einops = pytest.importorskip("einops", reason="einops is not installed")
on_tensors = pytest.importorskip("einops.array_api", reason="this einops has no einops.array_api")

X = sample("float64", (2, 3, 4))

CALLS = {
    "rearrange": ("rearrange", "a b c -> (c a) b", {}),
    "rearrange apart": ("rearrange", "a b (c d) -> d a b c", {"c": 2}),
    "mean": ("reduce", "a b c -> b", {"reduction": "mean"}),
    "max": ("reduce", "a b (c d) -> a c", {"reduction": "max", "d": 2}),
    "min": ("reduce", "a b c -> ()", {"reduction": "min"}),
    "sum": ("reduce", "a b c -> a 1 c", {"reduction": "sum"}),
    "prod": ("reduce", "a b c -> c", {"reduction": "prod"}),
    "repeat": ("repeat", "a b c -> b a (c n) 2", {"n": 3}),
}


@pytest.mark.parametrize("call", CALLS)
def test_values_and_gradients(call):
    name, pattern, options = CALLS[call]
    got = getattr(on_tensors, name)(ag.tensor(X, requires_grad=True), pattern, **options)
    assert isinstance(got, ag.Tensor)
    np.testing.assert_array_equal(got.numpy(), getattr(einops, name)(X, pattern, **options))
    assert_slopes(lambda x: getattr(on_tensors, name)(ag_tensor(x), pattern, **options), X)


def ag_tensor(x):
    """A Tensor of an ndarray, for the plain calls of the gradient checker."""
    return x if isinstance(x, ag.Tensor) else ag.tensor(x)


def test_lists_are_stacked():
    assert_slopes(
        lambda x, y: on_tensors.rearrange([ag_tensor(x), ag_tensor(y)], "n a b -> (a n) b"),
        X[0], X[1],
    )  # fmt: skip


def test_pack_and_unpack():
    def there_and_back(x, y):
        packed, shapes = on_tensors.pack([ag_tensor(x), ag_tensor(y)], "a *")
        assert packed.shape == (2, 15)
        first, second = on_tensors.unpack(packed**2, shapes, "a *")
        return first, second

    assert_slopes(there_and_back, X, sample("float64", (2, 3), 1))


def test_asnumpy_refuses_what_needs_gradients():
    t = ag.tensor(X, requires_grad=True)
    with pytest.raises(ag.ConversionError, match="detach"):
        on_tensors.asnumpy(t)
    np.testing.assert_array_equal(on_tensors.asnumpy((t * 2).detach()), X * 2)


def test_errors_are_those_of_einops():
    with pytest.raises(einops.EinopsError, match="Shape mismatch"):
        on_tensors.rearrange(ag.tensor(X), "(a b) c d -> a b c d", a=7)


def test_the_front_door_without_namespace_is_closed_loudly():
    """``einops.rearrange`` itself asks a list of known libraries, not the array for its namespace."""
    with pytest.raises(RuntimeError, match="unknown to einops"):
        einops.rearrange(ag.tensor(X, requires_grad=True), "a b c -> c b a")
