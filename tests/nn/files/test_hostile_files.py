"""Hostile files of every kind: a clear error, bounded memory, nothing executed or changed."""

import io
import json
import os
import socket
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nn
from tests.nn.files import fuzzing

ROOT = Path(__file__).parents[3]
MODEL = nn.mlp([3, 4, 2], rng=0)
ARRAYS = {
    "a": np.arange(6.0).reshape(2, 3), "b": np.arange(5, dtype=np.int32), "c": np.array(True),
    "d": np.zeros((0, 3), np.float16), "e": np.asfortranarray(np.ones((2, 2), np.float32)),
}  # fmt: skip
FUZZ = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def valid(suffix, folder, arrays=ARRAYS):
    path = folder / f"valid{suffix}"
    nn.save(path, arrays, {"note": "ä"})
    return path.read_bytes()


@st.composite
def mutated(draw, raw):
    """Draw a valid file with some bytes changed, cut out, inserted, or moved."""
    data = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "truncate", "number", "copy"]))
        if kind == "flip" and data:
            data[at] ^= draw(st.integers(1, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=20))
        elif kind == "truncate":
            del data[at:]
        elif kind == "number":
            data[at : at + 8] = draw(
                st.sampled_from([0, 1, 1 << 31, (1 << 63) - 1, (1 << 64) - 1])
            ).to_bytes(8, "little")
        else:
            data[at:at] = data[draw(st.integers(0, max(len(data) - 1, 0))) :][:60]
    return bytes(data)


def check_loads_or_refuses(path):
    """Check that a file gives arrays of numbers, or a FileFormatError that names it."""
    try:
        arrays = nn.load(path)
        metadata = nn.load_metadata(path)
    except nn.FileFormatError as error:
        assert path.name in str(error)  # noqa: PT017
        return
    assert all(a.dtype.kind in "biufc" for a in arrays.values())
    assert sum(a.nbytes for a in arrays.values()) <= 100 * path.stat().st_size + (1 << 28)
    assert all(isinstance(v, str) for v in metadata.values())


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
@FUZZ
@given(data=st.data())
def test_mutated_files(tmp_path, suffix, data):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(data.draw(mutated(valid(suffix, tmp_path))))
    check_loads_or_refuses(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "F64", "I8", "BOOL", "BF16", "F8_E4M3", "object"]) | JSON,
        "shape": st.lists(st.integers(-2, 4) | st.just(1 << 62), max_size=3) | JSON,
        "data_offsets": st.lists(st.integers(-2, 40) | st.just(1 << 63), max_size=3) | JSON,
    },
)


@FUZZ
@given(
    header=st.dictionaries(st.sampled_from(["a", "b", "../../x", "", "__metadata__"]), ENTRY | JSON)
    | JSON,
    body=st.binary(max_size=40),
)
def test_safetensors_with_any_header(tmp_path, header, body):
    text = json.dumps(header).encode()
    path = tmp_path / "file.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    check_loads_or_refuses(path)


def entry(begin, end, shape, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors(header, body=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def npy(a, allow_pickle=False):
    file = io.BytesIO()
    np.lib.format.write_array(file, a, allow_pickle=allow_pickle)
    return file.getvalue()


def header_of(shape, descr="'<f8'"):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def npz(entries, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, raw in entries.items():
            archive.writestr(name, raw)
    return file.getvalue()


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def twice():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", npy(np.ones(2)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", npy(np.zeros(2)))
    return file.getvalue()


def python_2():
    return npz({"a.npy": header_of("(1L,)") + bytes(8)})


def short():
    """Return an archive that announces half a megabyte, in header and directory, and holds 8 bytes."""
    data = bytearray(npz({"a.npy": header_of("(65520,)") + bytes(8)}))
    at = data.rfind(b"PK\1\2") + 24
    data[at : at + 4] = (128 + 8 * 65_520).to_bytes(4, "little")
    return bytes(data)


def flipped():
    data = npz({"a.npy": npy(np.full(9, 1.5))})
    return data.replace(np.full(9, 1.5).tobytes(), np.full(9, 2.5).tobytes())


def liar(announced, method=zipfile.ZIP_DEFLATED):
    """Return an archive whose directory announces other bytes than the 16 MB that there are."""
    data = bytearray(npz({"a.npy": header_of("(1,)") + bytes(1 << 24)}, method))
    at = data.rfind(b"PK\1\2") + 24
    data[at : at + 4] = announced.to_bytes(4, "little")
    return bytes(data)


HOSTILE = [
    ("empty.safetensors", lambda: b"", "truncated"),
    ("gigabytes.safetensors", lambda: safetensors({}, length=3 << 30), "cannot hold its header"),
    ("huge.safetensors", lambda: safetensors({}, length=(1 << 64) - 1), "cannot hold its header"),
    ("deep.safetensors", lambda: safetensors(b"[" * 100_000), "not readable"),
    ("list.safetensors", lambda: safetensors([1, 2]), "not a mapping"),
    ("truncated.safetensors", lambda: safetensors({"a": entry(0, 8, [2])}, b"1234"), "ends at byte"),
    ("overlap.safetensors", lambda: safetensors(
        {"a": entry(0, 8, [2]), "b": entry(4, 12, [2])}, b"x" * 12), "is at bytes"),
    ("gap.safetensors", lambda: safetensors(
        {"a": entry(0, 8, [2]), "b": entry(12, 20, [2])}, b"x" * 20), "is at bytes"),
    ("beyond.safetensors", lambda: safetensors({"a": entry(0, 1 << 62, [1 << 60])}), "truncated"),
    ("negative.safetensors", lambda: safetensors({"a": entry(-8, 0, [2])}, b"x" * 8), "malformed"),
    ("rest.safetensors", lambda: safetensors({"a": entry(0, 4, [1])}, b"x" * 9), "belong to no array"),
    ("twice.safetensors", lambda: safetensors(
        b'{"a": {"dtype": "I8", "shape": [1], "data_offsets": [0, 1]}, "a": 3}', b"x"), "twice"),
    ("nan.safetensors", lambda: safetensors(b'{"__metadata__": {"x": NaN}}'), "not strings"),
    ("dtype.safetensors", lambda: safetensors({"a": entry(0, 8, [1], "O")}, b"x" * 8), "lacks"),
    ("digits.safetensors", lambda: safetensors(b'{"a": ' + b"9" * 9999 + b"}"), "not readable"),
    ("million.safetensors", lambda: safetensors({"a": entry(0, 8, [10**4000] * 60)}), "no array"),
    ("zero.safetensors", lambda: safetensors({"a": entry(0, 0, [0, 1 << 64])}), "no array"),
    ("zeros.safetensors", lambda: safetensors({"a": entry(0, 0, [0, 1 << 62, 1 << 62])}), "no array"),
    ("axes.safetensors", lambda: safetensors({"a": entry(0, 4, [1] * 65)}, b"x" * 4), "64 axes"),
    ("end.safetensors", lambda: safetensors({"a": entry(0, 10**4000, [1])}, b"x" * 4), "is at bytes"),
    ("bools.safetensors", lambda: safetensors({"a": entry(False, 4, [True])}, b"x" * 4), "malformed"),
    ("names.safetensors", lambda: safetensors({"\x1b[2J" * 30_000: 1}), "malformed"),
    ("kinds.safetensors", lambda: safetensors(
        {"a": entry(0, 4, [1], "\x1b[2J" * 30_000)}, b"x" * 4), "lacks the dtype"),
    ("texts.safetensors", lambda: safetensors({"__metadata__": [1]}), "not strings"),
    ("bzip2.npz", lambda: liar(136, zipfile.ZIP_BZIP2), "method 12"),
    ("lzma.npz", lambda: liar(136, zipfile.ZIP_LZMA), "method 14"),
    ("liar.npz", lambda: liar(136), "corrupt"),
    ("impossible.npz", lambda: liar(1 << 30), "would become more|cannot be"),
    ("short.npz", short, "cannot be"),
    ("flipped.npz", flipped, "CRC"),
    ("axes.npz", lambda: npz({"a.npy": header_of("(" + "1," * 65 + ")") + bytes(8)}), "64 axes"),
    ("zero.npz", lambda: npz({"a.npy": header_of("(0, 18446744073709551616)")}), "shape"),
    ("million.npz", lambda: npz({"a.npy": header_of("(" + "9" * 9000 + ",)")}), "shape"),
    ("brackets.npz", lambda: npz({"a.npy": header_of("(" * 9000)}), "header"),
    ("tokens.npz", lambda: npz({"a.npy": header_of("(1,", "'<f8' '")}), "header"),
    ("escape.npz", lambda: npz({"a.npy": header_of("(1,)", "'\\d'") + bytes(8)}), "not numbers"),
    ("fields.npz", lambda: npz({"a.npy": header_of("(1,)", "[('a', '<f8')]") + bytes(8)}), "not numbers"),
    ("long.npz", lambda: npz({"a.npy": b"\x93NUMPY\2\0" + b"\xff\xff\xff\x7f" + bytes(9)}), "header"),
    ("version.npz", lambda: npz({"a.npy": b"\x93NUMPY\7\0" + bytes(99)}), "version"),
    ("deep.npz", lambda: npz({"__metadata__.npy": npy(np.frombuffer(b"[" * 100_000, "u1"))}), "nested"),
    ("text.npz", lambda: b"not a zip", "corrupt"),
    ("objects.npz", lambda: npz({"a.npy": npy(np.array([Evil()]), True)}), "not numbers"),
    ("pickle.npz", lambda: npz({"a.pkl": b"cos\nsystem\n(S'true'\ntR."}), "not an array"),
    ("strings.npz", lambda: npz({"a.npy": npy(np.array(["x"]))}), "not numbers"),
    ("lies.npz", lambda: npz({"a.npy": header_of("(1000000000000,)") + b"12345678"}), "announces"),
    ("minus.npz", lambda: npz({"a.npy": header_of("(-1, -1)") + b"12345678"}), "announces|corrupt"),
    ("code.npz", lambda: npz({"a.npy": header_of("exit(3)") + b"12345678"}), "corrupt"),
    ("bomb.npz", lambda: npz({"a.npy": header_of(f"({1 << 20},)") + bytes(1 << 23)},
                             zipfile.ZIP_DEFLATED), "would become more"),
    ("twice.npz", twice, "twice"),
    ("metadata.npz", lambda: npz({"__metadata__.npy": npy(np.frombuffer(b'{"x": NaN}', "u1"))}),
     "not strings"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make", "words"), HOSTILE, ids=[h[0] for h in HOSTILE])
def test_hostile_files(tmp_path, monkeypatch, name, make, words):
    monkeypatch.setattr(nn.files.npz, "_FREE", 1 << 20)
    path = tmp_path / name
    path.write_bytes(make())
    for read in (nn.load, nn.files.index):
        if name in ("liar.npz", "flipped.npz") and read is nn.files.index:
            continue  # what it announces is possible, and found wrong when it is read
        tracemalloc.start()
        try:
            with pytest.raises(nn.FileFormatError, match=words) as caught:
                read(path)
            assert tracemalloc.get_traced_memory()[1] < 2 << 20
        finally:
            tracemalloc.stop()
        text = str(caught.value)
        assert name in text
        assert len(text.replace(str(path), "")) < 400
        assert text.isprintable()


def test_headers_of_python_2_are_read(tmp_path):
    (tmp_path / "a.npz").write_bytes(python_2())
    assert nn.load(tmp_path / "a.npz")["a"].tolist() == [0]


@pytest.mark.parametrize("rest", [0, 1 << 33])
def test_a_file_is_judged_by_its_header_before_its_body_is_read(tmp_path, monkeypatch, rest):
    """Sparse files of 8 GB: one with bytes too many, one that is larger than the memory."""
    monkeypatch.setattr(nn.files.reading, "_MEMORY", 1 << 30)
    path = tmp_path / "a.safetensors"
    head = safetensors({"a": entry(0, (1 << 33) - rest, [(1 << 31) - rest // 4])})
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + (1 << 33))
    words = "belong to no array" if rest else "larger than the memory"
    tracemalloc.start()
    try:
        with pytest.raises(nn.FileFormatError, match=words):
            nn.load(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("kind", "wide", "most"), [("BF16", 2, 2.7), ("F32", 4, 1.3), ("BOOL", 1, 1.3)]
)
def test_reading_takes_little_more_memory_than_the_arrays(tmp_path, kind, wide, most):
    """Most for bfloat16: 2 times the file for float32, and blocks."""
    raw = np.random.default_rng(0).integers(0, 2, wide << 22, np.uint8).tobytes()
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors({"a": entry(0, len(raw), [1 << 22], kind)}, raw))
    tracemalloc.start()
    try:
        a = nn.load(path)["a"]
        assert tracemalloc.get_traced_memory()[1] < most * len(raw)
    finally:
        tracemalloc.stop()
    if kind == "BF16":
        expected = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        expected = np.frombuffer(raw, {"F32": "<f4", "BOOL": "?"}[kind])
    np.testing.assert_array_equal(a, expected)


def test_reading_a_deflated_array_takes_little_more_memory_than_it(tmp_path):
    path, a = tmp_path / "a.npz", np.random.default_rng(0).integers(0, 9, 1 << 19).astype(float)
    np.savez_compressed(path, a=a)
    tracemalloc.start()
    try:
        assert (nn.load(path)["a"] == a).all()
        assert tracemalloc.get_traced_memory()[1] < 1.7 * a.nbytes
    finally:
        tracemalloc.stop()


NAMES = {
    "half a character": ({"\ud800": 1.0}, ".safetensors", ".npz"),
    "two equal names": ({1: 1.0, "1": 2.0}, ".safetensors", ".npz"),
    "the name of the strings": ({"__metadata__": 1.0}, ".safetensors", ".npz"),
    "NUL": ({"a\0b": 1.0}, ".npz"),
    "a backslash": ({"a\\b": 1.0}, ".npz"),
    "65,532 bytes": ({"x" * 65_532: 1.0}, ".npz"),
    "a header of 21 MB": ({"x" * 21_000_000: 1.0}, ".safetensors"),
}


@pytest.mark.parametrize("case", NAMES)
def test_names_that_could_not_be_read_back_are_not_saved(tmp_path, case):
    state, *suffixes = NAMES[case]
    for suffix in suffixes:
        with pytest.raises(ValueError, match=r"name|half|called|read back") as caught:
            nn.save(tmp_path / f"x{suffix}", state)
        assert len(str(caught.value)) < 300
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="half a character"):
        nn.save(tmp_path / "x.npz", {"a": 1.0}, {"note": "\udc00"})


def test_names_of_every_other_kind_come_back(tmp_path):
    odd = [
        "",
        "/",
        "..",
        "a/b",
        ".npy",
        "a.npy",
        "\n",
        "\x7f",
        "é",
        "e\u0301",
        "漢" * 9000,
        " ",
        "CON",
    ]
    names = [*odd, "a\0b", "a\\b"]
    for suffix in (".safetensors", ".npz"):
        state = {n: np.array(i) for i, n in enumerate(odd if suffix == ".npz" else names)}
        nn.save(tmp_path / f"x{suffix}", state)
        assert {k: int(v) for k, v in nn.load(tmp_path / f"x{suffix}").items()} == {
            k: int(v) for k, v in state.items()
        }
    nn.save(tmp_path / "x.npz", {"x" * 65_531: 1.0})
    assert list(nn.load(tmp_path / "x.npz")) == ["x" * 65_531]


@pytest.mark.parametrize("read", [nn.load, nn.load_metadata, nn.files.index, nn.files.read])
@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_what_is_no_file_is_refused_at_once(tmp_path, read, suffix):
    path = tmp_path / f"folder{suffix}"
    path.mkdir()
    with pytest.raises(nn.FileFormatError, match="is a folder, not a file"):
        read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / f"absent{suffix}")
    if os.name == "posix":
        pipe, device, loop = (tmp_path / f"{name}{suffix}" for name in ("pipe", "device", "loop"))
        os.mkfifo(pipe)
        device.symlink_to("/dev/zero")
        loop.symlink_to(loop)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / f"socket{suffix}"))
            for path in (pipe, device, tmp_path / f"socket{suffix}"):
                with pytest.raises(nn.FileFormatError, match="a pipe, socket or device"):
                    read(path)
        with pytest.raises(OSError, match="symbolic links"):
            read(loop)


def test_mutated_files_of_every_kind():
    found, _ = fuzzing.main(300)
    assert sum(found.values()) == 300
    assert len({name for name, _ in found}) == 14


def test_names_like_paths_are_names(tmp_path):
    state = {"../../etc/passwd": np.ones(2), "/abs": np.zeros(1), "": np.ones(1)}
    for suffix in (".safetensors", ".npz"):
        nn.save(tmp_path / f"x{suffix}", state)
        assert set(nn.load(tmp_path / f"x{suffix}")) == set(state)
    assert {p.name for p in tmp_path.iterdir()} == {"x.safetensors", "x.npz"}
    with pytest.raises(nn.StateError):
        MODEL.load_state_dict(nn.load(tmp_path / "x.npz"))


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_memory_is_bounded(tmp_path, suffix):
    """Refuse a file that lies about its size within 64 MiB beyond Python and NumPy."""
    hostile = tmp_path / f"x{suffix}"
    hostile.write_bytes(
        safetensors({"a": entry(0, 1 << 40, [1 << 38])}, b"x" * 64)
        if suffix == ".safetensors"
        else npz({"a.npy": header_of("(100000000000,)") + bytes(64)}, zipfile.ZIP_DEFLATED)
    )
    code = (
        "import nn, resource, sys\n"
        "limit = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit + (64 << 20),) * 2)\n"
        "try:\n    nn.load(sys.argv[1])\n"
        "except nn.FileFormatError:\n    print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(hostile)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("refused\n", "")
