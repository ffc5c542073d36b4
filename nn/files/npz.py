"""``.npz`` files: a zip archive with one ``.npy`` file per array, read without pickle or trust."""

import json
import zipfile
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as numpy_format

from nn.files import npy
from nn.files.reading import LARGEST_INFLATION, Entry, length, parse_json, read_array, shown
from nn.module import Array

_METADATA = "__metadata__"
#: Arrays of more than ``_FREE`` bytes together may be at most ``_RATIO`` times the file.
_FREE, _RATIO = 1 << 28, 100
_LONGEST_NAME = 65_535


def write(file: Any, arrays: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write arrays; strings, if there are any, as JSON in an array of bytes."""
    for name in arrays:
        if "\0" in name or "\\" in name:
            raise ValueError(
                f"the name {shown(name)} would not survive a zip archive: rename it, or save as "
                ".safetensors"
            )
        if len(f"{name}.npy".encode()) > _LONGEST_NAME:
            raise ValueError(f"the name {shown(name)} is longer than a zip archive allows")
    entries = dict(arrays)
    if metadata:
        entries[_METADATA] = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, a in entries.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                numpy_format.write_array(entry, a, allow_pickle=False)


def index(file: BinaryIO) -> tuple[dict[str, Entry], Any]:
    """Read what the arrays of a file are, and the metadata, but no array."""
    archive = zipfile.ZipFile(file)
    infos, size = archive.infolist(), length(file)
    names = [info.filename for info in infos]
    if len(set(names)) < len(names):
        raise ValueError("a name occurs in the archive twice")
    if sum(info.compress_size for info in infos) > size:
        raise ValueError("its entries overlap")
    if sum(info.file_size for info in infos) > max(_FREE, _RATIO * size):
        raise ValueError(f"its {size:,} bytes would become more than {_RATIO} times as many")
    entries = {}
    for info in infos:
        if not info.filename.endswith(".npy"):
            raise ValueError(f"{shown(info.filename)} is not an array")
        entries[info.filename.removesuffix(".npy")] = _entry(archive, info)
    packed = entries.pop(_METADATA, None)
    return entries, {} if packed is None else parse_json(read(file, packed).tobytes())


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    name = shown(info.filename)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed by method {info.compress_type}, not deflated")
    most = LARGEST_INFLATION if info.compress_type == zipfile.ZIP_DEFLATED else 1
    if info.file_size > most * info.compress_size:
        raise ValueError(
            f"{name} announces {info.file_size:,} bytes, which its {info.compress_size:,} cannot be"
        )
    with archive.open(info) as stream:
        try:
            found = npy.read_header(stream, info.file_size)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return found._replace(where=(archive, info, found.where))


def read(file: BinaryIO, entry: Entry) -> Array:
    """Read one array."""
    archive, info, fortran = entry.where
    with archive.open(info) as stream:
        npy.read_header(stream, info.file_size)
        return read_array(stream, entry, fortran=fortran)  # the last byte compares the checksum
