"""Weights on disk: ``.safetensors`` (which PyTorch reads and writes) and ``.npz``; no pickle.

A file is written under another name, flushed to disk, then renamed: a crash leaves no half file.
A file that is read is not trusted: see :mod:`nn.files.safetensors` and :mod:`nn.files.npz`.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nn.errors import FileFormatError
from nn.files import npz, safetensors
from nn.module import Array, Module

_FORMATS: dict[str, Any] = {".safetensors": safetensors, ".npz": npz}


def write_atomically(path: str | Path, content: bytes | Callable[[Any], object]) -> None:
    """Write a file as a whole: under another name, flushed to disk, then renamed.

    Parameters
    ----------
    path
        The file; an existing one is replaced.
    content
        Its bytes, or a function of the open file that writes them.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Flush a new name to disk, on systems whose folders can be flushed."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return strings by name; raise TypeError for other values, which could not be read back."""
    for name, value in (metadata or {}).items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(
                f"metadata are strings by name, got {name!r}: {value!r}; write str(...)"
            )
    return dict(metadata or {})


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
        For another suffix.
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
    path, metadata = Path(path), checked_metadata(metadata)
    checked_suffix(path)
    if not isinstance(state, (Mapping, Module)):
        raise TypeError(f"save takes a module or arrays by name, got a {type(state).__name__}")
    given = state.state_dict() if isinstance(state, Module) else state
    arrays: dict[str, Array] = {}
    for name, value in given.items():
        a = np.asarray(getattr(value, "data", value) if hasattr(value, "detach") else value)
        if a.dtype.kind not in "biufc":
            raise TypeError(f"{name}: arrays of numbers can be saved, got {a.dtype}")
        if name == "__metadata__":
            raise ValueError("the name __metadata__ is reserved for the strings; choose another")
        arrays[str(name)] = np.require(a, requirements="C")
    write_atomically(path, lambda file: _FORMATS[path.suffix].write(file, arrays, metadata))


def load(path: str | Path) -> dict[str, Array]:
    """Read the arrays of a ``.safetensors`` or ``.npz`` file.

    Raises
    ------
    FileFormatError
        If the file is corrupt, truncated or of another format.  Nothing in it is executed.
    """
    return read(Path(path))[0]


def load_metadata(path: str | Path) -> dict[str, str]:
    """Read the strings that :func:`save` stored with the arrays."""
    return read(Path(path))[1]


def read(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a file once; return its arrays and its strings."""
    if path.suffix not in _FORMATS:
        raise FileFormatError(f"weights are .safetensors or .npz files, got {path.name!r}")
    arrays, metadata = _FORMATS[path.suffix].read(path)
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FileFormatError(f"{path} is corrupt: its metadata are not strings")
    return arrays, metadata
