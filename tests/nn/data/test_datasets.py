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


class Files:
    """Examples that are made when they are asked for."""

    def __init__(self, x, y=None):
        self.x, self.y, self.read = x, y, []

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        assert type(i) is int
        self.read.append(i)
        return self.x[i] if self.y is None else (self.x[i], self.y[i])


@pytest.mark.parametrize("shuffle", [False, True])
def test_what_is_larger_than_the_memory_is_read_by_batches(tmp_path, shuffle):
    x, y = np.random.default_rng(0).normal(size=(23, 4)), np.arange(23)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    options = {"batch_size": 5, "shuffle": shuffle, "rng": 1}
    plain = list(nn.DataLoader((x, y), **options))
    files = Files(x, y)
    from_files, from_map = nn.DataLoader(files, **options), nn.DataLoader((mapped, y), **options)
    assert files.read == []
    assert np.shares_memory(from_map.arrays[0], mapped)  # nothing is copied, or cast, before
    mixed = nn.DataLoader((Files(x), y), **options)
    for loader in (from_files, from_map, mixed):
        for (a, b), (c, d) in zip(plain, loader, strict=True):
            assert (a.dtype, b.dtype) == (c.dtype, d.dtype)
            assert np.array_equal(a, c)
            assert np.array_equal(b, d)
    assert sorted(files.read) == list(range(23))


def test_training_from_files_equals_training_from_arrays():
    x = np.random.default_rng(0).normal(size=(40, 4))
    histories = []
    for data in ((x, x), Files(x, x)):
        model = nn.Linear(4, 4, rng=0)
        loader = nn.DataLoader(data, 8, shuffle=True, rng=0)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        histories.append(nn.fit(model, loader, nn.mse_loss, optimizer, 3, progress=False)["loss"])
    assert histories[0] == histories[1]


def test_a_resumed_training_from_files_goes_on(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 4))

    def parts():
        model = nn.Linear(4, 4, rng=0)
        loader = nn.DataLoader(Files(x, x), 8, shuffle=True, rng=0)
        return model, loader, nn.Adam(model.parameters(), lr=0.1)

    path = tmp_path / "checkpoint.safetensors"
    model, loader, optimizer = parts()
    keep = [nn.Checkpoint(path)]
    nn.fit(model, loader, nn.mse_loss, optimizer, 2, callbacks=keep, progress=False)
    again, loader_2, optimizer_2 = parts()
    history = nn.resume(path, again, optimizer_2, loader_2)
    nn.fit(again, loader_2, nn.mse_loss, optimizer_2, 4, history=history, progress=False)
    nn.fit(model, loader, nn.mse_loss, optimizer, 2, progress=False)
    assert np.array_equal(model.weight.numpy(), again.weight.numpy())
