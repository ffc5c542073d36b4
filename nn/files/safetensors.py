"""``.safetensors`` files, which PyTorch and many others read and write.

A file consists of 8 bytes (little-endian) with the length of a header; the header, JSON that maps
names to dtype, shape, and the beginning and end of the bytes; and the bytes of all arrays, in C
order.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from nn.errors import FileFormatError
from nn.module import Array

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "C64": "<c8",
}  # fmt: skip
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
#: A header of this many bytes names some 200,000 arrays.
_LONGEST_HEADER = 20_000_000
_METADATA = "__metadata__"


def write(file: Any, arrays: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write arrays and strings."""
    header: dict[str, Any] = {_METADATA: metadata} if metadata else {}
    order = sorted(arrays, key=lambda name: -arrays[name].itemsize)  # keeps every array aligned
    end = 0
    for name in order:
        a = arrays[name]
        kind = _NAMES.get(a.dtype.newbyteorder("<"))
        if kind is None:
            raise TypeError(f"{name}: safetensors has no dtype {a.dtype}")
        stop = end + a.nbytes
        header[name] = {"dtype": kind, "shape": list(a.shape), "data_offsets": [end, stop]}
        end = stop
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        a = arrays[name]
        file.write(a.astype(a.dtype.newbyteorder("<"), copy=False).tobytes())


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a name occurs in the header twice")
    return dict(pairs)


def read(path: Path) -> tuple[dict[str, Array], Any]:
    """Read arrays by name, and the metadata."""
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
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is corrupt: its header is not readable ({error})") from error
    metadata = header.pop(_METADATA, {})
    spans, arrays, expected = [], {}, 0
    for name, entry in header.items():
        try:
            kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            sound = isinstance(kind, str) and isinstance(shape, list)
            sound = sound and all(type(n) is int and n >= 0 for n in (*shape, begin, end))
        except (TypeError, KeyError, ValueError):
            sound = False
        if not sound:
            raise FileFormatError(f"{path} is corrupt: the header's entry {name!r} is malformed")
        spans.append((begin, end, name, kind, shape))
    for begin, end, name, kind, shape in sorted(spans, key=lambda span: span[:2]):
        if kind != "BF16" and kind not in _DTYPES:
            raise FileFormatError(f"{path}: {name} has dtype {kind}, which NumPy lacks")
        width = 2 if kind == "BF16" else np.dtype(_DTYPES[kind]).itemsize
        stop = expected + math.prod(shape) * width
        if (begin, end) != (expected, stop):
            raise FileFormatError(
                f"{path} is corrupt: {name} of shape {shape} and dtype {kind} is at bytes "
                f"{begin} to {end}, expected {expected} to {stop}"
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
    if kind == "BOOL":  # every byte but 0 is true, and NumPy allows only 0 and 1 in bools
        return np.asarray(np.frombuffer(raw, np.uint8) != 0)
    a = np.frombuffer(raw, _DTYPES[kind])
    return a.astype(a.dtype.newbyteorder("="))  # a copy, as the buffer is read-only
