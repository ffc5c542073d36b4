"""``.npz`` files: a zip archive with one ``.npy`` file per array, read without pickle or trust.

Before an array is read, the size that its header announces is compared with the size that the
archive holds, so a file cannot make the reader allocate more memory than its data need.
"""

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from nn.errors import FileFormatError
from nn.module import Array

_METADATA = "__metadata__"
#: Arrays of more than ``_FREE`` bytes together may be at most ``_RATIO`` times the file.
_FREE, _RATIO = 1 << 28, 100


def write(file: Any, arrays: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write arrays; strings, if there are any, as JSON in an array of bytes."""
    entries = dict(arrays)
    if metadata:
        entries[_METADATA] = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, a in entries.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array(entry, a, allow_pickle=False)


def read(path: Path) -> tuple[dict[str, Array], Any]:
    """Read arrays by name, and the metadata."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            arrays = _arrays(archive, path.stat().st_size)
        packed = arrays.pop(_METADATA, None)
        metadata = {} if packed is None else json.loads(packed.tobytes())
    except OSError:
        if not path.is_file():
            raise
        raise FileFormatError(f"{path} is corrupt: it points beyond its own end") from None
    except Exception as error:  # the readers raise errors of every kind
        raise FileFormatError(f"{path} is corrupt: {error}") from error
    return arrays, metadata


def _arrays(archive: zipfile.ZipFile, size: int) -> dict[str, Array]:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise ValueError("a name occurs in the archive twice")
    if sum(entry.compress_size for entry in entries) > size:
        raise ValueError("its entries overlap")
    if sum(entry.file_size for entry in entries) > max(_FREE, _RATIO * size):
        raise ValueError(f"its {size:,} bytes would become more than {_RATIO} times as many")
    arrays = {}
    for entry in entries:
        if not entry.filename.endswith(".npy"):
            raise ValueError(f"{entry.filename!r} is not an array")
        with archive.open(entry) as stream:
            arrays[entry.filename.removesuffix(".npy")] = _array(stream, entry)
    return arrays


def _array(stream: Any, entry: zipfile.ZipInfo) -> Array:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{entry.filename} is of version {version} of the format")
    reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = reader(stream)
    if dtype.kind not in "biufc":
        raise ValueError(f"{entry.filename} holds {dtype}, not numbers")
    count = math.prod(shape)
    left = entry.file_size - stream.tell()
    if min(shape, default=0) < 0 or count * dtype.itemsize != left:
        raise ValueError(
            f"{entry.filename} announces shape {shape} of {dtype}, but holds {left:,} bytes"
        )
    raw = stream.read()
    if len(raw) != left:
        raise ValueError(f"{entry.filename} ends early")
    a = np.frombuffer(raw, np.uint8 if dtype.kind == "b" else dtype)
    a = a != 0 if dtype.kind == "b" else a.astype(dtype.newbyteorder("="))  # a copy
    return a.reshape(shape, order="F" if fortran else "C")
