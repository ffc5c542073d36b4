"""Weights on disk: ``.safetensors`` (which PyTorch reads and writes) and ``.npz``; no pickle.

A file is written beside its place, flushed to disk, then renamed: a crash leaves no half.  A file
that is read is not trusted: see :mod:`nn.safetensors` and :mod:`nn.npz`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nn.errors import FileFormatError
from nn.files import npz, safetensors
from nn.module import Module

Array = np.ndarray[Any, Any]


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
        _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Let the renaming itself reach the disk, where a folder can be flushed."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Strings by name; TypeError for anything else, which could not be read back."""
    for name, value in (metadata or {}).items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(
                f"metadata are strings by name, got {name!r}: {value!r}; write str(...)"
            )
    return dict(metadata or {})


def checked_suffix(path: Path) -> None:
    """ValueError for a file that is none of weights."""
    if path.suffix not in (".safetensors", ".npz"):
        raise ValueError(f"weights are saved as .safetensors or .npz, got {path.name!r}")


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
            raise ValueError("the name __metadata__ is that of the strings; choose another")
        arrays[str(name)] = np.require(a, requirements="C")
    write = npz.write if path.suffix == ".npz" else safetensors.write
    write_atomically(path, lambda file: write(file, arrays, metadata))


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
    """The arrays and the strings of a file, which is read once."""
    if path.suffix == ".npz":
        return npz.read(path)
    if path.suffix == ".safetensors":
        return safetensors.read(path)
    raise FileFormatError(f"weights are .safetensors or .npz files, got {path.name!r}")
