"""Images to classify: arrays and pictures, whole and hostile."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest

import nn
from nn.cli.images import read_examples, read_picture


def npy(descr, shape, body=b"", order="False", version=1):
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2, "little") + text + body


HOSTILE = {
    "nothing": b"",
    "text": b"hello",
    "an array of objects": npy("'|O'", "(2,)", b"cos\nsystem\n"),
    "strings": npy("'<U4'", "(1,)", bytes(16)),
    "code": npy("exit(3)", "(1,)"),
    "a terabyte": npy("'<f8'", "(125000000000,)", bytes(64)),
    "more than there is": npy("'<f8'", "(9223372036854775807, 9223372036854775807)"),
    "axes of a million digits": npy("'<f8'", f"({'9' * 9000},)"),
    "many axes": npy("'<f8'", f"({'1,' * 70})", bytes(8)),
    "brackets": npy("'<f8'", "(" * 5000),
    "an unknown version": npy("'<f8'", "(1,)", bytes(8), version=9),
    "no order": npy("'<f8'", "(1,)", bytes(8), order="3"),
    "complex numbers": npy("'<c16'", "(64,)", bytes(1024)),
    "no axis": npy("'<f8'", "()", bytes(8)),
    "no image": npy("'<f8'", "(0, 64)"),
    "nan": npy("'<f8'", "(64,)", np.full(64, np.nan).tobytes()),
    "one nan": npy("'<f8'", "(64,)", np.array([np.nan] + [0.5] * 63).tobytes()),
    "infinity": npy("'<f4'", "(64,)", np.full(64, np.inf, "<f4").tobytes()),
    "a date": npy("'<M8[ns]'", "(64,)", bytes(512)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_arrays(tmp_path, case):
    path = tmp_path / "a.npy"
    path.write_bytes(HOSTILE[case])
    tracemalloc.start()
    try:
        with pytest.raises(nn.DataError) as caught:
            read_examples(str(path), 64, 10)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("dtype", ["u1", "?", "<f2", ">f8", "<i8", "f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays(tmp_path, dtype, order):
    a = np.asarray(np.eye(8)[None] * np.ones((3, 1, 1)), dtype, order=order)
    np.save(tmp_path / "a.npy", a * (255 if dtype == "u1" else 1))
    images, labels = read_examples(str(tmp_path / "a.npy"), 64, 2)
    np.testing.assert_array_equal(images, np.asarray(a, np.float32).reshape(3, 64)[:2])
    assert labels is None


def png(width, height, body=b""):
    def chunk(kind, data):
        packed = struct.pack(">I", len(data)) + kind + data
        return packed + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_pictures_are_not_larger_than_a_digit_needs(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    for width, height in ((100_000, 100_000), (2**31 - 1, 2**31 - 1), (8000, 8000)):
        (tmp_path / "a.png").write_bytes(png(width, height, zlib.compress(bytes(1000))))
        with pytest.raises(nn.DataError, match="pixels are more than"):
            read_picture(tmp_path / "a.png", 8)
    for content in (png(0, 0), png(8, 8), png(8, 8, zlib.compress(b"")), png(8, 8)[:30]):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(nn.DataError):
            read_picture(tmp_path / "a.png", 8)
    with monkeypatch.context() as patch:
        patch.setattr("matplotlib.image.imread", lambda path: np.full((8, 8), np.nan))
        with pytest.raises(nn.DataError, match="pixels that are not finite"):
            read_picture(tmp_path / "a.png", 8)
    raw = b"".join(b"\0" + bytes([255] * 8) for _ in range(8))
    (tmp_path / "a.png").write_bytes(png(8, 8, zlib.compress(raw)))
    assert read_picture(tmp_path / "a.png", 8).tolist() == [0] * 64
