"""Weights on disk: ``.safetensors`` (which PyTorch reads and writes) and ``.npz``; no pickle.

A file that is read is not trusted: what it promises is held against its length before anything is
allocated, see :mod:`nn.files.reading`, :mod:`nn.files.safetensors` and :mod:`nn.files.npz`.
"""

import errno
import numbers
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import autograd_core as ag
from nn.errors import FileFormatError
from nn.files import npz, safetensors
from nn.files.atomic import write_atomically as write_atomically
from nn.files.reading import Entry, open_file, shown
from nn.module import Array, Module

_FORMATS: dict[str, Any] = {".safetensors": safetensors, ".npz": npz}


#: Looks at the arrays of a file, not yet read, and its strings; raises to refuse them.
Check = Callable[[dict[str, Entry], dict[str, str]], object]


def checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return strings by name; raise for other values, which could not be read back."""
    for name, value in (metadata or {}).items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(
                f"metadata are strings by name, got {name!r}: {value!r}; write str(...)"
            )
        _check_text(name, value)
    return dict(metadata or {})


def _check_text(*texts: str) -> None:
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{shown(text)} holds half a character, and is no text") from None


def checked_suffix(path: Path) -> None:
    """Raise ValueError unless the suffix is one of a weights file."""
    if path.suffix not in _FORMATS:
        raise ValueError(f"weights are saved as .safetensors or .npz, got {path.name!r}")


def save(
    path: str | Path, state: Mapping[str, Any] | Module, metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays by name to a ``.safetensors`` or ``.npz`` file.

    Parameters
    ----------
    path
        The file; its suffix chooses the format.
    state
        Arrays by name, as ``model.state_dict()`` returns them; or the module itself.
    metadata
        Strings by name, to be stored with them.

    Raises
    ------
    ValueError
        For another suffix, and for names that the format cannot hold: those with half of a
        surrogate pair, two that are equal as strings, and in ``.npz`` those with a NUL or a
        backslash, or of more than 65,531 bytes.
    TypeError
        For values that are not arrays of numbers.

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
    if isinstance(path, (Mapping, Module)):
        raise TypeError("the path comes first here: nn.save(path, model)")
    path, metadata = Path(path), checked_metadata(metadata)
    checked_suffix(path)
    if not isinstance(state, (Mapping, Module)):
        raise TypeError(f"save takes a module or arrays by name, got a {type(state).__name__}")
    given = state.state_dict() if isinstance(state, Module) else state
    arrays: dict[str, Array] = {}
    for key, value in given.items():
        name = str(key)
        _check_text(name)
        if name in arrays:
            raise ValueError(f"two arrays are called {shown(name)}; rename one")
        if isinstance(value, (Mapping, list, tuple)) and not _is_of_numbers(value):
            raise TypeError(
                f"{name} is a {type(value).__name__}: a file holds arrays by name, without levels; "
                "give each a name of its own, {'encoder.weight': w, 'encoder.bias': b}"
            )
        a = ag.to_host(getattr(value, "data", value) if hasattr(value, "detach") else value)
        if a.dtype.kind not in "biufc":
            raise TypeError(f"{name}: arrays of numbers can be saved, got {a.dtype}")
        if name == "__metadata__":
            raise ValueError("the name __metadata__ is reserved for the strings; choose another")
        arrays[name] = np.require(a, requirements="C")
    write_atomically(path, lambda file: _FORMATS[path.suffix].write(file, arrays, metadata))


def _is_of_numbers(value: Any) -> bool:
    """Return whether a list is one array of numbers, and no container of arrays."""
    if isinstance(value, Mapping):
        return False
    leaves = [v for v in value if not isinstance(v, numbers.Number)]
    return all(isinstance(v, (list, tuple)) and _is_of_numbers(v) for v in leaves)


def load(path: str | Path) -> dict[str, Array]:
    """Read the arrays of a ``.safetensors`` or ``.npz`` file.

    Raises
    ------
    FileFormatError
        If the file is corrupt, truncated, of another format, not a file (a folder, a pipe), or
        larger than the memory.  Nothing in it is executed.
    """
    return read(path)[0]


def load_metadata(path: str | Path) -> dict[str, str]:
    """Read the strings that :func:`save` stored with the arrays; the arrays are not read."""
    return index(path)[1]


def index(path: str | Path) -> tuple[dict[str, Entry], dict[str, str]]:
    """Read the shape and dtype of each array, and the strings, but no array."""
    path = Path(path)
    with _open(path) as file, _named(path):
        return _index(path, file)


def read(path: str | Path, check: Check | None = None) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a file once; return its arrays and its strings.

    Parameters
    ----------
    path
        A ``.safetensors`` or ``.npz`` file.
    check
        Called with the arrays' shapes and dtypes and the strings before any array is read.
    """
    path = Path(path)
    with _open(path) as file:
        with _named(path):
            entries, metadata = _index(path, file)
        if check is not None:
            check(entries, metadata)
        with _named(path):
            format = _FORMATS[path.suffix]
            return {name: format.read(file, entry) for name, entry in entries.items()}, metadata


def _open(path: Path) -> BinaryIO:
    if path.suffix not in _FORMATS:
        if not path.suffix and not path.exists():  # a folder, perhaps
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        raise FileFormatError(f"weights are .safetensors or .npz files, got {path.name!r}")
    return open_file(path)


def _index(path: Path, file: BinaryIO) -> tuple[dict[str, Entry], dict[str, str]]:
    entries, metadata = _FORMATS[path.suffix].index(file)
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its metadata are not strings")
    return entries, metadata


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn errors of the readers, which are of every kind, into a FileFormatError of the file."""
    try:
        yield
    except MemoryError:
        raise FileFormatError(f"{path} is larger than the memory") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        ours = type(error) is ValueError
        text = str(error) if ours else f"{type(error).__name__} {shown(str(error))}"
        raise FileFormatError(f"{path} is corrupt: {text}") from error
