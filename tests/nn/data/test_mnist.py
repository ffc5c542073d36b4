"""MNIST: IDX files, whole and broken, and downloads."""

import gzip
import hashlib
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import nn
from nn.data import mnist


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(np.uint8).tobytes()


def write_data_set(folder):
    """Write a tiny data set in MNIST's format: two files plain, two gzipped."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i, (name, n) in enumerate(zip(mnist.FILES, (30, 30, 10, 10), strict=True)):
        a = rng.integers(0, 256, (n, 4, 4)) if "images" in name else rng.integers(0, 10, n)
        if i % 2:
            (folder / name).write_bytes(idx(a))
        else:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(a)))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_data_set(tmp_path / "idx")


def test_load_mnist_from_a_directory(folder):
    d = nn.load_mnist(folder, download=False)
    assert [a.shape for a in d] == [(30, 16), (30,), (10, 16), (10,)]
    assert d.x_train.dtype == np.float32
    assert d.x_train.max() <= 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "nothing"),
        (b"PNG!", "not an IDX"),
        (b"\0\0\x0d\1" + bytes(8), "not an IDX"),
        (b"\0\0\x08\3\0\0", "within its header"),
        (idx(np.zeros((30, 4, 4)))[:-1], "truncated"),
        (idx(np.zeros((30, 4, 4))) + b"x", "follow"),
        (b"\0\0\x08\3" + b"\xff" * 12 + bytes(9), "truncated"),
        (b"\0\0\x08\x41" + b"\0\0\0\1" * 65 + b"x", "at most 64 axes"),
        (b"\0\0\x08\4" + bytes(4) + b"\xff" * 12, "no array"),
        (b"\0\0\x08\3" + b"\0\0\xff\xff" * 3, "cannot be as many"),
        (idx(np.zeros((29, 4, 4))), "belong together"),
        (idx(np.zeros(30)), "belong together"),
        (idx(np.zeros((30, 5, 5))), "pixels"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_broken_idx_files(folder, content, message, packed):
    name = "train-images-idx3-ubyte"
    (folder / f"{name}.gz").unlink()
    path = folder / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(nn.DataError, match=message):
        nn.load_mnist(folder, download=False)


def test_a_promise_is_held_against_the_length_before_memory_is_asked_for(tmp_path):
    """Announce 1 GB in files of 1 kB: plain, packed, and packed with all the zeros there are."""
    head = b"\0\0\x08\1" + (1 << 30).to_bytes(4, "big")
    for name, content in [
        ("plain", head + bytes(1000)),
        ("a.gz", gzip.compress(head + bytes(1000))),
        ("b.gz", gzip.compress(head + bytes(1 << 20))),
    ]:
        (tmp_path / name).write_bytes(content)
        tracemalloc.start()
        try:
            with pytest.raises(nn.DataError, match="truncated"):
                mnist.read_idx(tmp_path / name)
            assert tracemalloc.get_traced_memory()[1] < 2 << 20
        finally:
            tracemalloc.stop()


@pytest.mark.skipif(os.name != "posix", reason="there are no pipes there")
def test_pipes_and_folders_are_no_data(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path(os.devnull)):
        with pytest.raises(nn.DataError, match="not a file"):
            mnist.read_idx(path)


def test_downloads_are_bounded(tmp_path, monkeypatch):
    """Serve an archive that never seems to end, and one that inflates beyond all limits."""
    monkeypatch.setattr(mnist, "_MOST_BYTES", 1 << 16)
    name = "t10k-labels-idx1-ubyte"
    for content in (bytes(1 << 17), gzip.compress(bytes(1 << 20))):
        (tmp_path / f"{name}.gz").write_bytes(content)
        with pytest.raises(nn.DataError, match=r"more than 65,536|Not a gzipped"):
            mnist.fetch(name, tmp_path / "cache", [tmp_path.as_uri()])
    assert not (tmp_path / "cache").exists()


def test_broken_gzip_and_missing_files(folder):
    path = folder / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"junk" + whole, whole[:-6] + b"\0\0\0\0\0\0"):
        path.write_bytes(content)
        with pytest.raises(nn.DataError, match="corrupt"):
            nn.load_mnist(folder, download=False)
    path.unlink()
    with pytest.raises(nn.DataError, match="has no train-images"):
        nn.load_mnist(folder, download=False)
    with pytest.raises(nn.DataError, match="no directory"):
        nn.load_mnist(folder / "absent", download=False)


def test_download_tries_mirrors_and_checks_contents(tmp_path, monkeypatch):
    name, good = "t10k-labels-idx1-ubyte", idx(np.arange(10))
    (tmp_path / "bad").mkdir()
    (tmp_path / "good").mkdir()
    (tmp_path / "bad" / f"{name}.gz").write_bytes(gzip.compress(good + b"tampered"))
    (tmp_path / "good" / f"{name}.gz").write_bytes(gzip.compress(good, 1))
    monkeypatch.setitem(mnist.FILES, name, hashlib.sha256(good).hexdigest())
    absent, bad, fine = ((tmp_path / d).as_uri() for d in ("absent", "bad", "good"))
    with pytest.raises(nn.DataError, match="SHA-256"):
        mnist.fetch(name, tmp_path / "cache", [absent, bad])
    assert not (tmp_path / "cache").exists()
    path = mnist.fetch(name, tmp_path / "cache", [absent, bad, fine])
    np.testing.assert_array_equal(mnist.read_idx(path), np.arange(10))
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [f"{name}.gz"]


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOGRAD_CORE_DATA", str(tmp_path))
    assert mnist.cache_directory() == tmp_path / "mnist"
