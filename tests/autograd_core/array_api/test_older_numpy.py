"""Replacements of functions of newer NumPys, against the functions themselves."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.array_api as xp
from autograd_core.array_api import _older_numpy as older
from tests.autograd_core.strategies import assert_slopes

from .calls import sample

A = sample("float64", (2, 3))
CALLS = [
    ("reshape", lambda f, x: f(x, (3, 2))), ("reshape", lambda f, x: f(x, shape=(-1,), copy=True)),
    ("reshape", lambda f, x: f(x, (6,), copy=False)), ("clip", lambda f, x: f(x, 0.2, 0.6)),
    ("clip", lambda f, x: f(x, max=0.6)), ("clip", lambda f, x: f(x)), ("unstack", lambda f, x: f(x)),
    ("unstack", lambda f, x: f(x, axis=-1)), ("cumulative_sum", lambda f, x: f(x, axis=-1)),
    ("cumulative_sum", lambda f, x: f(x[0], include_initial=True)), ("cumulative_prod", lambda f, x: f(x[1])),
    ("cumulative_prod", lambda f, x: f(x, axis=0, include_initial=True)),
    ("take_along_axis", lambda f, x: f(x, np.array([[0], [2]]))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "call"), CALLS)
def test_values_and_gradients(name, call):
    fun = getattr(older, name)
    got, expected = call(fun, ag.tensor(A)), call(getattr(xp, name), ag.tensor(A))
    for g, e in zip(*((r if isinstance(r, tuple) else (r,)) for r in (got, expected)), strict=True):
        assert (g.dtype, g.shape) == (e.dtype, e.shape)
        np.testing.assert_array_equal(g.numpy(), e.numpy())
    assert_slopes(lambda x: call(fun, x), A)


@pytest.mark.parametrize("name", ["ceil", "floor", "trunc"])
def test_integers_stay_integers(name):
    fun = getattr(older, name)
    assert fun(xp.asarray([1, 2])).dtype == np.dtype(int)
    assert fun(xp.asarray([1.5])).tolist() == getattr(np, name)([1.5]).tolist()


def test_what_cannot_be_raises():
    with pytest.raises(ValueError, match="axis"):
        older.unstack(xp.asarray(1.0))
    with pytest.raises(ValueError, match="axis="):
        older.cumulative_sum(ag.tensor(A))
    with pytest.raises(ValueError, match="copy"):
        older.reshape(np.asarray(A).T, (6,), copy=False)
