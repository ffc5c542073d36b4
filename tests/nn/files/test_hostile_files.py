"""Hostile files of both formats: a clear error, bounded memory, nothing executed or changed."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nn

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
    with pytest.raises(nn.FileFormatError, match=words) as caught:
        nn.load(path)
    assert name in str(caught.value)
    assert len(str(caught.value)) < 1000


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
