"""``.safetensors`` files, which PyTorch and many others read and write.

A file consists of 8 bytes (little-endian) with the length of a header; the header, JSON that maps
names to dtype, shape, and the beginning and end of the bytes; and the bytes of all arrays, in C
order.
"""

import json
from typing import Any, BinaryIO

import numpy as np

from nn.files.reading import Entry, allocate, array_bytes, length, parse_json, read_array, shown
from nn.module import Array

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "C64": "<c8",
}  # fmt: skip
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
#: A header of this many bytes names some 200,000 arrays.
_LONGEST_HEADER = 20_000_000
_METADATA = "__metadata__"
_BLOCK = 1 << 18


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
    if len(text) > _LONGEST_HEADER:
        raise ValueError(
            f"names, shapes and metadata take {len(text):,} bytes, of at most {_LONGEST_HEADER:,} "
            "that can be read back; use several files, or .npz"
        )
    file.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        a = arrays[name]
        file.write(a.astype(a.dtype.newbyteorder("<"), copy=False).reshape(-1).view(np.uint8))


def index(file: BinaryIO) -> tuple[dict[str, Entry], Any]:
    """Read what the arrays of a file are, and the metadata, but no array."""
    size, count = length(file), int.from_bytes(file.read(8), "little")
    if size < 8 or count > min(size - 8, _LONGEST_HEADER):
        raise ValueError(f"it is truncated, {size:,} bytes cannot hold its header")
    try:
        header = parse_json(file.read(count))
    except ValueError as error:
        raise ValueError(f"its header is not readable: {shown(str(error))}") from None
    if not isinstance(header, dict):
        raise ValueError("its header is not a mapping")
    metadata, start, entries = header.pop(_METADATA, {}), 8 + count, {}
    for name, value in header.items():
        try:
            entries[name] = _entry(value)
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"the header's entry {shown(name)} is malformed: {error}") from None
    end = 0
    for name, (_, dtype, (begin, stop, kind)) in sorted(
        entries.items(), key=lambda item: item[1].where[:2]
    ):
        expected = end + array_bytes(entries[name].shape, 2 if kind == "BF16" else dtype.itemsize)
        if (begin, stop) != (end, expected):
            raise ValueError(
                f"{shown(name)} of shape {shown(entries[name].shape)} and dtype {kind} is at bytes "
                f"{shown(begin)} to {shown(stop)}, expected {end} to {expected}"
            )
        end = stop
    if end > size - start:
        raise ValueError(f"it is truncated: the last array ends at byte {end} of {size - start}")
    if end < size - start:
        raise ValueError(f"{size - start - end:,} bytes belong to no array")
    return {
        name: entry._replace(where=(start + entry.where[0], entry.where[2]))
        for name, entry in entries.items()
    }, metadata


def _entry(value: Any) -> Entry:
    """Return an entry of the header, with its bytes and its dtype's name as ``where``."""
    kind, shape, (begin, end) = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(kind, str) or not isinstance(shape, list):
        raise TypeError("dtype is a string, and shape a list")
    if not all(type(n) is int and n >= 0 for n in (*shape, begin, end)):
        raise ValueError("sizes are numbers from 0 up")
    if kind != "BF16" and kind not in _DTYPES:
        raise ValueError(f"NumPy lacks the dtype {shown(kind)}")
    dtype = np.dtype(_DTYPES.get(kind, "=f4"))  # BF16 is the upper half of a float32
    array_bytes(shape, dtype.itemsize)
    return Entry(tuple(shape), dtype, (begin, end, kind))


def read(file: BinaryIO, entry: Entry) -> Array:
    """Read one array."""
    begin, kind = entry.where
    file.seek(begin)
    if kind != "BF16":
        return read_array(file, entry)
    bits = allocate(entry.nbytes).view(np.uint32)
    for i in range(0, len(bits), _BLOCK):
        part = bits[i : i + _BLOCK]
        part[...] = read_array(file, Entry(part.shape, np.dtype("<u2")))
    bits <<= 16
    return bits.view(np.float32).reshape(entry.shape)
