"""Evaluation in blocks: which calls are divided, and that none of them changes a value."""

import numpy as np
import pytest

import autograd_core as ag
from nn.functional.blocks import BLOCK, blockwise, by_rows, long_rows


def recording(sizes):
    @blockwise
    def f(x, y, scale=1.0, *, buffer=None):
        sizes.append(x.size)
        return np.multiply(np.add(x, y, out=buffer), scale, out=buffer)

    return f


def test_large_arrays_are_divided():
    sizes = []
    f = recording(sizes)
    x, y = np.arange(2.0 * BLOCK + 3), np.ones(2 * BLOCK + 3)
    assert np.array_equal(f(x, y, scale=2.0), 2 * (x + 1))
    assert sizes == [BLOCK, BLOCK, 3]
    sizes.clear()
    a = np.arange(BLOCK + 1).reshape(1, -1)
    assert np.array_equal(f(a, 0.5, 2), 2 * (a + 0.5))  # whole numbers become floats
    assert sizes == [BLOCK, 1]


def test_layouts_may_differ():
    f = recording([])
    x = np.arange(600.0 * 400).reshape(600, 400)
    y = np.asfortranarray(x)
    for a, b in ((x, y), (y, x), (x[::-1], y), (x, y[:, ::-1])):
        assert np.array_equal(f(a, b), a + b)


def test_what_cannot_be_divided_is_evaluated_whole():
    sizes = []
    f = recording(sizes)
    x = np.ones((2, BLOCK))
    assert f(x, np.ones(BLOCK)).shape == x.shape
    assert f(x, np.array(1.0)).shape == x.shape
    assert isinstance(f(ag.tensor(x), x), ag.Tensor)
    assert f(x[:1, :BLOCK], x[:1]).shape == (1, BLOCK)
    assert sizes == [2 * BLOCK] * 3 + [BLOCK]


def test_the_buffer_is_no_option():
    primitive = ag.primitive(recording([]))
    primitive.defvjp(lambda g, _out, _x, _y, scale=1.0: g * scale)
    assert primitive.signature.keyword_only == ()
    assert primitive.parameters == ("x", "y", "scale")


def test_rows_are_divided_along_the_last_axis_alone():
    sizes = []

    @by_rows
    def shares(x, axis=-1, *, buffer=None):
        sizes.append(x.size)
        return np.divide(x, x.sum(axis, keepdims=True), out=buffer)

    x = np.arange(1.0, 3 * BLOCK + 1).reshape(3, 8, -1)
    expected = x / x.sum(-1, keepdims=True)
    for found in (shares(x), shares(x, 2), shares(x, axis=-1)):
        np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert max(sizes) == BLOCK
    sizes.clear()
    np.testing.assert_allclose(shares(x, 0), x / x.sum(0), rtol=1e-14)
    np.testing.assert_allclose(shares(x[..., ::2]), x[..., ::2] / x[..., ::2].sum(-1)[..., None])
    assert sizes == [x.size, x.size // 2]


def test_the_size_of_the_buffer_of_numpy_is_restored():
    before = np.getbufsize()
    with long_rows(1000):
        assert np.getbufsize() == 256
    with pytest.raises(ZeroDivisionError), long_rows(1000):
        print(1 / 0)
    with long_rows(20):
        assert np.getbufsize() == before
    assert np.getbufsize() == before
