"""``.npy`` files, NumPy's format of one array: the header is matched, never evaluated.

A file consists of 6 magic bytes, 2 of the version, the length of a header, the header, which is a
Python dict with the keys ``descr``, ``fortran_order`` and ``shape``, and the bytes of the array.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from nn.errors import FileFormatError
from nn.files.reading import Entry, array_bytes, length, open_file, read_array, shown
from nn.module import Array

#: NumPy's own limit; the header of an array of numbers is a hundredth of it.
_LONGEST_HEADER = 10_000
_ITEM = r"'(descr|fortran_order|shape)':('[^']*'|\[.*\]|True|False|\([\dL,]*\))"
_HEADER = re.compile(rf"\{{{_ITEM},{_ITEM},{_ITEM},?\}}")
_NUMBERS = re.compile(r"'([<>|=]?(?:b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32)))'")
_DIGITS = 19  # of the longest axis


def read_header(stream: Any, size: int) -> Entry:
    """Read the header of an array of numbers in ``size`` bytes; ``where`` is its order.

    Raises
    ------
    ValueError
        For another format, for other values than numbers, or if the array has another size.
    """
    start = stream.read(8)
    if start[:6] != b"\x93NUMPY" or start[6:] not in (b"\1\0", b"\2\0"):
        raise ValueError(f"it begins with {shown(start)}, not as an array of version 1 or 2")
    width = 2 if start[6] == 1 else 4
    announced = int.from_bytes(stream.read(width), "little")
    text = stream.read(min(announced, _LONGEST_HEADER))
    if len(text) < announced:
        raise ValueError(f"its header of {announced:,} bytes is not whole, or too long")
    match = _HEADER.fullmatch(re.sub(r"\s", "", text.decode("latin-1")).replace('"', "'"))
    items = dict(zip(match.groups()[::2], match.groups()[1::2], strict=True)) if match else {}
    if len(items) < 3 or items["fortran_order"] not in ("True", "False"):
        raise ValueError(f"its header is {shown(text)}")
    numbers = _NUMBERS.fullmatch(items["descr"])
    if numbers is None:
        raise ValueError(f"it holds {shown(items['descr'])}, not numbers (no objects are read)")
    axes = [n.rstrip("L") for n in items["shape"].strip("()").split(",") if n]
    if not items["shape"].startswith("(") or any(not n or len(n) > _DIGITS for n in axes):
        raise ValueError(f"its shape is {shown(items['shape'])}")
    shape, dtype = tuple(map(int, axes)), _dtype(numbers[1])
    left = size - 8 - width - announced
    if array_bytes(shape, dtype.itemsize) != left:
        raise ValueError(f"it announces shape {shown(shape)} of {dtype}, but holds {left:,} bytes")
    return Entry(shape, dtype, items["fortran_order"] == "True")


def _dtype(name: str) -> np.dtype[Any]:
    try:
        return np.dtype(name)
    except TypeError:
        raise ValueError(f"numbers of type {name} do not exist on this machine") from None


def read(path: Path, error: type[ValueError] = FileFormatError) -> Array:
    """Read the array of numbers in a ``.npy`` file.

    Raises
    ------
    ValueError
        Of the type ``error``, if the file is corrupt, truncated or of another format.
    """
    with open_file(path, error) as file:
        try:
            entry = read_header(file, length(file))
            return read_array(file, entry, fortran=entry.where)
        except ValueError as problem:
            raise error(f"{path} is not an array of numbers: {problem}") from None
        except MemoryError:
            raise error(f"{path} is larger than the memory") from None
