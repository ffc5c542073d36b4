"""Text as numbers: a vocabulary of characters, and a long text cut into parallel streams."""

import ast
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nn.errors import DataError
from nn.files.reading import open_file, read_limited, shown
from nn.module import Array

#: A text of as many bytes takes ten times the memory once its characters are numbers.
_MOST_BYTES = 1 << 30


class Characters:
    """Vocabulary of a text: its characters in order, each with a number from 0 up.

    Parameters
    ----------
    text
        Every character that occurs in it gets a number.

    Examples
    --------
    >>> from nn.data.text import Characters
    >>> characters = Characters("banana")
    >>> characters.encode("nab").tolist(), characters.decode([1, 0, 2]), len(characters)
    ([2, 0, 1], 'ban', 3)
    """

    def __init__(self, text: str) -> None:
        self.all = "".join(sorted(set(text)))
        if not self.all:
            raise ValueError("a vocabulary needs at least one character, got an empty text")
        self._points = np.array([ord(c) for c in self.all])

    def __len__(self) -> int:
        return len(self.all)

    def encode(self, text: str) -> Array:
        """Return the number of each character, shape ``(len(text),)``.

        ValueError is raised for a character that is not in the vocabulary.
        """
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
        numbers = np.searchsorted(self._points, points).clip(max=len(self.all) - 1)
        wrong = points[self._points[numbers] != points]
        if wrong.size:
            raise ValueError(
                f"the character {chr(wrong[0])!r} is not among the {len(self)} of this vocabulary: "
                f"{shown(self.all)}"
            )
        return numbers

    def decode(self, numbers: Any) -> str:
        """Return the text of a sequence of numbers."""
        return "".join(self.all[int(i)] for i in numbers)


class Streams:
    """Windows of a text that is read at ``batch`` places at once, each going on from the last.

    Each window is ``(x, y)``, whole numbers ``(batch, length)``; ``y`` holds the character that
    follows each one in ``x``.  The last window of a pass may be shorter; characters that do not
    fill a stream are left out.

    Parameters
    ----------
    numbers
        The text, shape ``(n,)``, as :meth:`Characters.encode` returns it.
    batch
        The number of streams.
    length
        The number of steps in a window, through which gradients flow back.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.data.text import Streams
    >>> streams = Streams(np.arange(9), batch=2, length=3)
    >>> [x.tolist() for x, y in streams], len(streams)
    ([[[0, 1, 2], [4, 5, 6]], [[3], [7]]], 2)
    >>> next(iter(streams))[1].tolist()
    [[1, 2, 3], [5, 6, 7]]
    """

    def __init__(self, numbers: Any, batch: int, length: int) -> None:
        self.numbers = np.asarray(numbers)
        self.batch, self.length = batch, length
        if batch < 1 or length < 1:
            raise ValueError(f"batch and length are from 1 up, got {batch} and {length}")
        self.each = (len(self.numbers) - 1) // batch
        if self.each < 1:
            raise ValueError(
                f"a text of {len(self.numbers):,} characters is too short for {batch} streams; "
                "use a longer text or a smaller batch"
            )

    def __len__(self) -> int:
        return -(-self.each // self.length)

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        used = self.batch * self.each
        x = self.numbers[:used].reshape(self.batch, self.each)
        y = self.numbers[1 : used + 1].reshape(self.batch, self.each)
        for start in range(0, self.each, self.length):
            window = slice(start, start + self.length)
            yield x[:, window], y[:, window]


def load_text(path: str | Path | None = None) -> str:
    """Read a text file (UTF-8, also gzipped), or by default the documentation of this package.

    Raises
    ------
    DataError
        If the file is missing, empty, corrupt, not UTF-8, or longer than 1 GiB, unpacked.

    Examples
    --------
    >>> from nn.data.text import load_text
    >>> "Tensor" in load_text()
    True
    """
    if path is None:
        return _documentation()
    path = Path(path)
    try:
        with open_file(path, DataError) as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            with gzip.open(file) if packed else file as stream:
                raw = read_limited(stream, _MOST_BYTES)
        if raw is None:
            raise DataError(f"{path} is longer than {_MOST_BYTES:,} bytes; cut it")
        text = raw.decode("utf-8-sig")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is corrupt: {shown(str(error))}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except MemoryError:
        raise DataError(f"{path} is larger than the memory") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not a text in UTF-8 (byte {error.start:,}); convert it first"
        ) from error
    if not text:
        raise DataError(f"{path} is empty")
    return text.replace("\r\n", "\n")


def _documentation() -> str:
    """Return every docstring of the two packages, file by file."""
    found: list[str | None] = []
    root = Path(__file__).parents[2]
    for package in ("autograd_core", "nn"):
        for path in sorted((root / package).rglob("*.py")):
            found += [
                ast.get_docstring(node)
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            ]
    return "\n\n".join(filter(None, found)) + "\n"
