"""Mini-batches, one_hot, and the digits of 8x8."""

import numpy as np
import pytest

import nn


def test_batches_cover_everything_once():
    x, y = np.arange(23.0), np.arange(23)
    loader = nn.DataLoader((x, y), 5, shuffle=True, rng=0)
    first, second = (np.concatenate([b for _, b in loader]) for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(23))
    assert list(first) != list(second)
    for a, b in loader:
        np.testing.assert_array_equal(a, b)
    assert a.dtype == np.float32
    assert b.dtype == y.dtype
    assert len(loader) == len(list(loader)) == 5
    assert len(nn.DataLoader(x, 5, drop_last=True)) == 4
    assert [len(b) for b in nn.DataLoader(x, 5, drop_last=True)] == [5] * 4
    again = nn.DataLoader((x, y), 5, shuffle=True, rng=0)
    np.testing.assert_array_equal(first, np.concatenate([b for _, b in again]))


def test_data_loader_refuses():
    with pytest.raises(ValueError, match="lengths"):
        nn.DataLoader((np.ones(3), np.ones(4)))
    with pytest.raises(ValueError, match="at least 1"):
        nn.DataLoader(np.ones(0))
    with pytest.raises(ValueError, match="batch_size"):
        nn.DataLoader(np.ones(3), 0)
    with pytest.raises(ValueError, match="3 classes"):
        nn.one_hot([0, 3], 3)


def test_digits():
    d = nn.load_digits()
    assert d.x_train.shape == (1438, 64)
    assert d.x_test.shape == (359, 64)
    assert d.x_train.dtype == np.float32
    assert 0 == d.x_train.min() < d.x_train.max() == 1
    assert set(d.y_train) == set(d.y_test) == set(range(10))
    np.testing.assert_array_equal(d.x_test, nn.load_digits().x_test)


@pytest.mark.parametrize("labels", [[True, False], np.array([0.0, 1.0]), ["a"]])
def test_class_numbers_are_integers(labels):
    with pytest.raises(TypeError, match=r"integers, got .*astype\(int\)"):
        nn.one_hot(labels, 2)


def test_one_hot_of_nothing_and_of_many_axes():
    assert nn.one_hot([], 3).shape == (0, 3)
    assert nn.one_hot(np.array([[0, 2]], np.uint8), 3).tolist() == [[[1, 0, 0], [0, 0, 1]]]


@pytest.mark.parametrize("size", [2.5, True, "3", 0])
def test_a_batch_size_is_a_whole_number(size):
    with pytest.raises(ValueError, match="batch_size is a whole number"):
        nn.DataLoader(np.ones(3), size)
