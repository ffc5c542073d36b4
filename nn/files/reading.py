"""Read files without trust: open them without hanging, and hold promises against lengths."""

import json
import os
import reprlib
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from nn.errors import FileFormatError, printable
from nn.module import Array

#: A byte of deflate (zip, gzip) becomes at most 1,032 bytes (zlib's documentation).
LARGEST_INFLATION = 1032
_CHUNK = 1 << 20
_MOST_AXES = 64  # of NumPy


def _memory() -> int:
    """Return the bytes of memory of this machine, where the system tells."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


_MEMORY = _memory()

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80


class Entry(NamedTuple):
    """An array in a file that has not been read: its shape and dtype, and where it is."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    where: Any = None

    @property
    def nbytes(self) -> int:
        """Return the number of bytes of the array."""
        return array_bytes(self.shape, self.dtype.itemsize)


def shown(value: Any) -> str:
    """Return a value from a file for a message: at most 100 characters, none of them control.

    Examples
    --------
    >>> from nn.files.reading import shown
    >>> shown("a\\x1b[2J"), len(shown("x" * 1000))
    ("'a\\\\x1b[2J'", 80)
    """
    return _short.repr(value)[:100]


def cut(message: str) -> str:
    """Return a message that may quote a file in full, with at most 300 printable characters.

    Examples
    --------
    >>> from nn.files.reading import cut
    >>> cut("no\\x1b"), len(cut("x" * 1000))
    ('no\\\\x1b', 303)
    """
    message = printable(message)
    return message if len(message) <= 300 else f"{message[:150]}...{message[-150:]}"


def open_file(path: Path, error: type[ValueError] = FileFormatError) -> BinaryIO:
    """Open a file for reading; raise ``error`` for a folder, pipe, socket or device.

    A pipe without a writer would wait for ever, and a device may never end.
    """

    def check(status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
            raise error(f"{path} is {kind}, not a file")

    check(path.stat())
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        check(os.fstat(file.fileno()))  # a link may have changed since
    except BaseException:
        file.close()
        raise
    return file


def length(file: BinaryIO) -> int:
    """Return the number of bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def array_bytes(shape: Sequence[int], itemsize: int) -> int:
    """Return the number of bytes of an array; ValueError for a shape that no array can have.

    Examples
    --------
    >>> from nn.files.reading import array_bytes
    >>> array_bytes((2, 3), 4), array_bytes((0, 1 << 40), 4)
    (24, 0)
    """
    if len(shape) > _MOST_AXES:
        raise ValueError(f"an array has at most {_MOST_AXES} axes, not {len(shape):,}")
    size = itemsize
    for n in shape:
        size *= max(n, 1)  # NumPy bounds the other axes of an empty array too
        if n < 0 or size > sys.maxsize:  # stops before numbers of a million digits
            raise ValueError("no array can have its shape")
    return 0 if 0 in shape else size


def allocate(count: int) -> Array:
    """Return an array of bytes; MemoryError for more than the machine has, which may promise it."""
    if count > _MEMORY:
        raise MemoryError(f"{count:,} bytes of {_MEMORY:,}")
    return np.empty(count, np.uint8)


def read_array(stream: Any, entry: Entry, *, fortran: bool = False) -> Array:
    """Read an array of numbers from a stream that stands at its first byte.

    Raises
    ------
    ValueError
        If the stream ends early.
    """
    raw = allocate(entry.nbytes)
    view = raw.data
    done = 0
    while done < len(raw):  # in pieces, as a decompressor fills whatever it is given
        count = stream.readinto(view[done : done + _CHUNK])
        if not count:
            raise ValueError(f"it ends early: {done:,} of {len(raw):,} bytes are there")
        done += count
    if entry.dtype.kind == "b":  # every byte but 0 is true, and NumPy allows only 0 and 1 in bools
        a = np.not_equal(raw, 0, out=raw.view(np.bool_))
    else:
        a = raw.view(entry.dtype)
        a = a.astype(a.dtype.newbyteorder("="), copy=False)
    return a.reshape(entry.shape, order="F" if fortran else "C")


def read_limited(stream: Any, most: int) -> bytes | None:
    """Read a stream to its end; return None if it holds more than ``most`` bytes."""
    found = bytearray()
    while piece := stream.read(min(_CHUNK, most + 1 - len(found))):
        found += piece
        if len(found) > most:
            return None
    return bytes(found)


def parse_json(text: bytes) -> Any:
    """Parse JSON; raise ValueError for a name that occurs twice, and for too deep nesting."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs in it twice")
    return found
