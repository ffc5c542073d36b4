"""Weights on disk: ``.safetensors`` (which PyTorch reads and writes) and ``.npz``; no pickle.

A safetensors file is 8 bytes (little-endian) with the length of a header, the header (JSON: name
to dtype, shape, and where its bytes begin and end), and the bytes of all arrays, in C order.
A file is written beside its place, flushed to disk, then renamed: a crash leaves no half.
"""

from __future__ import annotations

import json
import math
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nn.errors import FileFormatError
from nn.module import Module

Array = np.ndarray[Any, Any]

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "C64": "<c8",
}  # fmt: skip
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
_LONGEST_HEADER = 100_000_000
_METADATA = "__metadata__"


def write_atomically(path: str | Path, write: Callable[[Any], object]) -> None:
    """Call ``write(file)`` on a new file beside ``path``, flush it to disk, and rename it."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def save(
    path: str | Path, state: Mapping[str, Any] | Module, metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays by name to a ``.safetensors`` or ``.npz`` file.

    Parameters
    ----------
    path
        Its ending chooses the format.
    state
        Name to array, as ``model.state_dict()`` gives it; or the module itself.
    metadata
        Strings by name, to be stored with them.

    Raises
    ------
    ValueError
        For another ending; TypeError for what is not an array of numbers.

    Examples
    --------
    >>> import nn, pathlib, tempfile
    >>> model = nn.mlp([2, 4, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "weights.safetensors"
    ...     nn.save(path, model)
    ...     model.load_state_dict(nn.load(path))
    Unmatched(missing=[], unexpected=[])
    """
    path = Path(path)
    given = state.state_dict() if isinstance(state, Module) else state
    arrays: dict[str, Array] = {}
    for name, value in given.items():
        a = np.asarray(getattr(value, "data", value) if hasattr(value, "detach") else value)
        if a.dtype.kind not in "biufc" or name == _METADATA:
            raise TypeError(f"{name}: arrays of numbers can be saved, got {a.dtype}")
        arrays[str(name)] = np.require(a, requirements="C")
    writers = {".safetensors": _write_safetensors, ".npz": _write_npz}
    if path.suffix not in writers:
        raise ValueError(f"weights are saved as .safetensors or .npz, got {path.name!r}")
    write = writers[path.suffix]
    write_atomically(path, lambda file: write(file, arrays, dict(metadata or {})))


def load(path: str | Path) -> dict[str, Array]:
    """Read the arrays of a ``.safetensors`` or ``.npz`` file.

    Raises
    ------
    FileFormatError
        If the file is corrupt, truncated or of another format.  Nothing in it is executed.
    """
    return _read(Path(path))[0]


def load_metadata(path: str | Path) -> dict[str, str]:
    """Read the strings that :func:`save` stored with the arrays."""
    return _read(Path(path))[1]


def _read(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    if path.suffix == ".npz":
        return _read_npz(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    raise FileFormatError(f"weights are .safetensors or .npz files, got {path.name!r}")


# -- npz -----------------------------------------------------------------------------------


def _write_npz(file: Any, arrays: dict[str, Array], metadata: dict[str, str]) -> None:
    entries = dict(arrays)
    if metadata:
        entries[_METADATA] = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, a in entries.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, a, allow_pickle=False)


def _read_npz(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise FileFormatError(f"{path} is corrupt: not an .npz archive")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: np.asarray(archive[name]) for name in archive.files}
        packed = arrays.pop(_METADATA, None)
        metadata = {} if packed is None else json.loads(packed.tobytes())
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        raise FileFormatError(f"{path} is corrupt: {error}") from error
    except ValueError as error:
        raise FileFormatError(f"{path} is corrupt: {error}") from error
    for name, a in arrays.items():
        if a.dtype.kind not in "biufc":
            raise FileFormatError(f"{path}: {name} holds {a.dtype}, not numbers")
    return arrays, metadata


# -- safetensors ---------------------------------------------------------------------------


def _write_safetensors(file: Any, arrays: dict[str, Array], metadata: dict[str, str]) -> None:
    header: dict[str, Any] = {_METADATA: metadata} if metadata else {}
    order = sorted(arrays, key=lambda name: -arrays[name].itemsize)  # keeps every array aligned
    end = 0
    for name in order:
        a = arrays[name]
        kind = _NAMES.get(a.dtype.newbyteorder("<"))
        if kind is None:
            raise TypeError(f"{name}: safetensors has no dtype {a.dtype}")
        header[name] = {
            "dtype": kind, "shape": list(a.shape), "data_offsets": [end, end + a.nbytes]
        }  # fmt: skip
        end += a.nbytes
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        a = arrays[name]
        file.write(a.astype(a.dtype.newbyteorder("<"), copy=False).tobytes())


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a name stands in the header twice")
    return dict(pairs)


def _read_safetensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _LONGEST_HEADER):
            raise FileFormatError(
                f"{path} is corrupt or truncated: {size:,} bytes cannot hold its header"
            )
        text = file.read(length)
        body = file.read()
    try:
        header = json.loads(text, object_pairs_hook=_unique)
        if not isinstance(header, dict):
            raise ValueError("not a mapping")
        metadata = header.pop(_METADATA, {})
        if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
            raise ValueError("its metadata are not strings")
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is corrupt: its header is not readable ({error})") from error
    arrays, expected = {}, 0
    spans = []
    for name, entry in header.items():
        try:
            kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            sound = isinstance(shape, list) and all(
                type(n) is int and n >= 0 for n in (*shape, begin, end)
            )
        except (TypeError, KeyError, ValueError):
            sound = False
        if not sound or not isinstance(kind, str):
            raise FileFormatError(f"{path} is corrupt: the header's entry {name!r} is malformed")
        spans.append((begin, end, name, kind, shape))
    for begin, end, name, kind, shape in sorted(spans, key=lambda span: span[:2]):
        if kind != "BF16" and kind not in _DTYPES:
            raise FileFormatError(f"{path}: {name} has dtype {kind}, which NumPy lacks")
        width = 2 if kind == "BF16" else np.dtype(_DTYPES[kind]).itemsize
        if begin != expected or end - begin != math.prod(shape) * width:
            raise FileFormatError(
                f"{path} is corrupt: {name} of shape {shape} and dtype {kind} stands at bytes "
                f"{begin} to {end}, expected {expected} to {expected + math.prod(shape) * width}"
            )
        if end > len(body):
            raise FileFormatError(
                f"{path} is truncated: {name} ends at byte {end:,} of {len(body):,}"
            )
        arrays[name] = _decode(body[begin:end], kind).reshape(shape)
        expected = end
    if expected != len(body):
        raise FileFormatError(
            f"{path} is corrupt: {len(body) - expected:,} bytes belong to no array"
        )
    return {name: arrays[name] for name in header}, metadata


def _decode(raw: bytes, kind: str) -> Array:
    if kind == "BF16":  # the upper half of a float32
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    a = np.frombuffer(raw, _DTYPES[kind]).copy()
    return a if sys.byteorder == "little" else a.astype(a.dtype.newbyteorder("="))
