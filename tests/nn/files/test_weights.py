"""Weights on disk: saved and loaded in both formats, PyTorch's files, and hostile ones."""

import json
import zipfile

import numpy as np
import pytest

import nn

ARRAYS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "number": np.array(3, np.int16),
    "empty": np.zeros((0, 4), np.float16),
    "flags": np.array([True, False, True]),
    "file": np.arange(5, dtype=np.uint8),
    "big endian": np.arange(3, dtype=">i4"),
    "中文": np.array([1 + 2j], np.complex64),
}


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_saved_arrays_load_back(tmp_path, ending):
    path = tmp_path / f"w.{ending}"
    nn.save(path, ARRAYS, {"note": "héllo"})
    back = nn.load(path)
    assert list(back) == list(ARRAYS) or set(back) == set(ARRAYS)
    for name, a in ARRAYS.items():
        np.testing.assert_array_equal(back[name], a)
        assert back[name].dtype == a.dtype.newbyteorder("=") or ending == "npz"
        back[name].flags.writeable  # noqa: B018
    assert nn.load_metadata(path) == {"note": "héllo"}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_safetensors_of_the_reference_implementation(tmp_path):
    reference = pytest.importorskip("safetensors.numpy")
    arrays = {k: v for k, v in ARRAYS.items() if k not in ("transposed", "big endian", "中文")}
    reference.save_file(arrays, tmp_path / "theirs.safetensors", metadata={"by": "them"})
    nn.save(tmp_path / "ours.safetensors", ARRAYS, {"by": "us"})
    for name, a in nn.load(tmp_path / "theirs.safetensors").items():
        np.testing.assert_array_equal(a, arrays[name])
    assert nn.load_metadata(tmp_path / "theirs.safetensors") == {"by": "them"}
    theirs = reference.load_file(tmp_path / "ours.safetensors")
    for name, a in ARRAYS.items():
        np.testing.assert_array_equal(theirs[name], a)


def test_safetensors_of_pytorch(tmp_path):
    torch = pytest.importorskip("torch")
    st = pytest.importorskip("safetensors.torch")
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Sigmoid())
    st.save_model(net, str(tmp_path / "torch.safetensors"))
    model = nn.mlp([3, 2])
    model.load_state_dict(nn.load(tmp_path / "torch.safetensors"))
    np.testing.assert_array_equal(model[0].weight.data, net[0].weight.detach().numpy())
    st.save_file({"x": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)}, tmp_path / "h.safetensors")
    np.testing.assert_array_equal(nn.load(tmp_path / "h.safetensors")["x"], [1.5, -2.0])


def safetensors(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(begin, end, shape=(1,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


HOSTILE = {
    "nothing": (b"", "truncated"),
    "a huge header": ((1 << 62).to_bytes(8, "little") + b"{}", "header"),
    "no JSON": (safetensors(b"\xff\xfe"), "header"),
    "a list": (safetensors([1]), "mapping"),
    "deep nesting": (safetensors(b"[" * 200_000), "header"),
    "a name twice": (safetensors(b'{"a": {}, "a": {}}'), "twice"),
    "metadata of numbers": (safetensors({"__metadata__": {"a": 1}}), "strings"),
    "an entry without shape": (safetensors({"a": {"dtype": "F32"}}), "malformed"),
    "a negative shape": (safetensors({"a": entry(0, 4, (-1,))}, bytes(4)), "malformed"),
    "a shape of floats": (safetensors({"a": entry(0, 4, (1.0,))}, bytes(4)), "malformed"),
    "an unknown dtype": (safetensors({"a": entry(0, 1, (1,), "F8_E4M3")}, bytes(1)), "dtype"),
    "a wrong length": (safetensors({"a": entry(0, 8)}, bytes(8)), "expected 0 to 4"),
    "overlap": (safetensors({"a": entry(0, 4), "b": entry(0, 4)}, bytes(4)), "expected 4 to 8"),
    "a hole": (safetensors({"a": entry(4, 8)}, bytes(8)), "expected 0 to 4"),
    "truncation": (safetensors({"a": entry(0, 4)}, bytes(3)), "truncated"),
    "bytes too many": (safetensors({"a": entry(0, 4)}, bytes(5)), "no array"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_safetensors(tmp_path, case):
    content, message = HOSTILE[case]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(nn.FileFormatError, match=message):
        nn.load(path)


def test_every_truncation_is_noticed(tmp_path):
    for ending in ("safetensors", "npz"):
        whole = tmp_path / f"w.{ending}"
        nn.save(whole, {"a": np.arange(4.0), "b": np.ones((2, 2), np.float32)})
        content = whole.read_bytes()
        cut = tmp_path / f"cut.{ending}"
        for n in range(0, len(content), 7):
            cut.write_bytes(content[:n])
            with pytest.raises(nn.FileFormatError):
                nn.load(cut)


def test_no_pickle_is_loaded_or_saved(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, a=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(nn.FileFormatError, match=r"[Oo]bject"):
        nn.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"nonsense")
    with pytest.raises(nn.FileFormatError):
        nn.load(path)
    with pytest.raises(TypeError, match="object"):
        nn.save(path, {"a": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match="pickle"):
        nn.save(tmp_path / "w.pickle", {})
    with pytest.raises(nn.FileFormatError, match="pt"):
        nn.load(tmp_path / "w.pt")
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "absent.npz")


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "w.safetensors"
    nn.save(path, {"a": np.ones(2)})
    with pytest.raises(TypeError):
        nn.save(path, {"a": np.ones(2), "b": np.ones(2, complex)})
    np.testing.assert_array_equal(nn.load(path)["a"], [1, 1])
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_metadata_that_could_not_be_read_back_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    nn.save(path, {"a": np.ones(2)}, {"epoch": "1"})
    with pytest.raises(TypeError, match="strings by name, got 'epoch': 2"):
        nn.save(path, {"a": np.ones(2)}, {"epoch": 2})
    assert nn.load_metadata(path) == {"epoch": "1"}
    with pytest.raises(TypeError, match="strings by name"):
        nn.Checkpoint(path, note={"seed": 3})
    with pytest.raises(ValueError, match=r"safetensors or \.npz"):
        nn.Checkpoint(tmp_path / "a.ckpt")
    with pytest.raises(TypeError, match="got a str"):
        nn.save(path, "abc")


@pytest.mark.parametrize("value", [{"w": np.ones(2)}, [np.ones(2), np.ones(3)], (np.ones(2),)])
def test_containers_of_arrays_are_refused_with_the_way(tmp_path, value):
    with pytest.raises(
        TypeError, match=r"encoder is a .*by name, without levels.*'encoder.weight'"
    ):
        nn.save(tmp_path / "a.npz", {"encoder": value})
    nn.save(tmp_path / "a.npz", {"table": [[1.0, 2.0], [3.0, 4.0]]})
    assert nn.load(tmp_path / "a.npz")["table"].shape == (2, 2)
