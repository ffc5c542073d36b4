"""Text as numbers: vocabularies, streams, and text files."""

import gzip
import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from nn.data import text
from nn.data.text import Characters, Streams, load_text


@given(st.text(min_size=1))
def test_a_text_becomes_numbers_and_back(text):
    characters = Characters(text)
    numbers = characters.encode(text)
    assert characters.decode(numbers) == text
    assert sorted(set(numbers.tolist())) == list(range(len(characters)))


def test_an_unknown_character_is_named():
    with pytest.raises(ValueError, match="'z' is not among the 2"):
        Characters("ab").encode("az")
    with pytest.raises(ValueError, match="among the 5000") as caught:
        Characters("".join(map(chr, range(1, 5001)))).encode("\0")
    assert len(str(caught.value)) < 200
    with pytest.raises(ValueError, match="empty text"):
        Characters("")


@given(st.integers(2, 200), st.integers(1, 5), st.integers(1, 9))
def test_streams_go_on_where_the_last_window_ended(n, batch, length):
    if (n - 1) // batch < 1:
        with pytest.raises(ValueError, match="too short"):
            Streams(np.arange(n), batch, length)
        return
    streams = Streams(np.arange(n), batch, length)
    windows = list(streams)
    assert len(windows) == len(streams)
    x = np.concatenate([x for x, _ in windows], axis=1)
    assert (np.diff(x, axis=1) == 1).all()
    assert x.size == (n - 1) // batch * batch
    assert all((y == x + 1).all() for x, y in windows)


def test_load_text(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffä\r\nb".encode())
    assert load_text(tmp_path / "a.txt") == "ä\nb"
    (tmp_path / "b.gz").write_bytes(gzip.compress("ä".encode()))
    assert load_text(tmp_path / "b.gz") == "ä"
    for name, raw, words in [
        ("c.gz", gzip.compress(b"abc" * 99)[:-9], "corrupt"),
        ("d.txt", b"\xff\xfe\xfa", "UTF-8"),
        ("e.txt", b"", "empty"),
    ]:
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(nn.DataError, match=words):
            load_text(tmp_path / name)
    with pytest.raises(nn.DataError, match="cannot be read"):
        load_text(tmp_path / "none.txt")
    assert len(load_text()) > 100_000


def test_what_is_unpacked_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "_MOST_BYTES", 1 << 16)
    for name, raw in [("a.gz", gzip.compress(b"a" * (1 << 24))), ("b.txt", b"a" * (1 << 17))]:
        (tmp_path / name).write_bytes(raw)
        tracemalloc.start()
        try:
            with pytest.raises(nn.DataError, match="longer than 65,536"):
                load_text(tmp_path / name)
            assert tracemalloc.get_traced_memory()[1] < 2 << 20
        finally:
            tracemalloc.stop()
    (tmp_path / "c.txt").write_bytes(b"a" * (1 << 16))
    assert len(load_text(tmp_path / "c.txt")) == 1 << 16


def test_only_files_are_texts(tmp_path):
    with pytest.raises(nn.DataError, match="a folder, not a file"):
        load_text(tmp_path)
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(nn.DataError, match="not a file"):
            load_text(tmp_path / "pipe")
