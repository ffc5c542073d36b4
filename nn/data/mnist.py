"""MNIST (LeCun, Cortes, Burges, 1998): from IDX files, plain or gzipped, or downloaded."""

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nn.data.datasets import Split
from nn.errors import DataError
from nn.files.atomic import write_atomically
from nn.files.reading import (
    LARGEST_INFLATION,
    Entry,
    array_bytes,
    length,
    open_file,
    read_array,
    read_limited,
    shown,
)
from nn.module import Array

#: The files, with the SHA-256 of each after decompression (gzip containers differ by mirror).
FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)

#: No file of MNIST is as large, packed or not.
_MOST_BYTES = 1 << 26


def cache_directory() -> Path:
    """Return the folder of downloads.

    It is ``$AUTOGRAD_CORE_DATA/mnist``, or ``~/.cache/autograd_core/mnist``.
    """
    chosen = os.environ.get("AUTOGRAD_CORE_DATA")
    return (Path(chosen) if chosen else Path.home() / ".cache" / "autograd_core") / "mnist"


def read_idx(path: str | Path) -> Array:
    """Read the array of unsigned bytes in an IDX file, plain or gzipped.

    Raises
    ------
    DataError
        If the file is missing, corrupt, truncated or longer than its header says.
    """
    path = Path(path)
    try:
        with open_file(path, DataError) as plain:
            if path.suffix != ".gz":
                return _read_idx(path, plain, length(plain))
            with gzip.open(plain) as file:
                return _read_idx(path, file, LARGEST_INFLATION * length(plain))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is corrupt or truncated: {shown(str(error))}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except MemoryError:
        raise DataError(f"{path} is larger than the memory") from None


def _read_idx(path: Path, file: Any, most: int) -> Array:
    """Read an IDX file that can hold ``most`` bytes."""
    head = file.read(4)
    if len(head) < 4 or head[:3] != b"\0\0\x08" or not head[3]:
        raise DataError(
            f"{path} is not an IDX file of bytes: it begins with "
            f"{head.hex() or 'nothing'}, expected 000008 and the number of axes"
        )
    sizes = file.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise DataError(f"{path} is truncated: it ends within its header")
    shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
    try:
        wanted = array_bytes(shape, 1)
        if wanted > most:
            raise ValueError(f"its {most:,} bytes cannot be as many")
        found = read_array(file, Entry(shape, np.dtype(np.uint8)))
    except ValueError as error:
        raise DataError(
            f"{path} is truncated: its header announces {shown(shape)}, but {error}"
        ) from None
    if file.read(1):
        raise DataError(f"{path} is corrupt: bytes follow the {wanted:,} that its header announces")
    return found


def find(root: Path, name: str) -> Path | None:
    """Find a file in ``root``, plain or gzipped, or spelled with a dot (``.idx3``)."""
    spellings = (name, name.replace("-idx", ".idx"))
    paths = [root / (spelling + suffix) for spelling in spellings for suffix in ("", ".gz")]
    return next((path for path in paths if path.is_file()), None)


def fetch(name: str, root: Path, mirrors: Sequence[str] = MIRRORS) -> Path:
    """Download one file into ``root``, checked by SHA-256; no partial file is ever left there."""
    from urllib.request import urlopen  # imported here: it takes 25 ms, which few users need

    problems = []
    for mirror in mirrors:
        url = f"{mirror}/{name}.gz"
        try:
            with urlopen(url, timeout=30) as response:
                packed = read_limited(response, _MOST_BYTES)
            with gzip.open(io.BytesIO(packed or b"")) as file:
                plain = read_limited(file, _MOST_BYTES)
        except Exception as error:  # servers and decoders raise errors of every kind
            problems.append(f"{url}: {shown(str(getattr(error, 'reason', None) or error))}")
            continue
        if packed is None or plain is None:
            problems.append(f"{url}: more than {_MOST_BYTES:,} bytes")
            continue
        digest = hashlib.sha256(plain).hexdigest()
        if digest != FILES[name]:
            problems.append(f"{url}: SHA-256 {digest[:12]}..., expected {FILES[name][:12]}...")
            continue
        try:
            root.mkdir(parents=True, exist_ok=True)
            write_atomically(root / f"{name}.gz", packed)
        except OSError as error:
            raise DataError(f"{root} cannot be written: {error.strerror or error}") from error
        return root / f"{name}.gz"
    raise DataError(f"could not download {name}: " + "; ".join(problems))


def load_mnist(
    root: str | Path | None = None, download: bool = True, *, dtype: Any = np.float32
) -> Split:
    """Load MNIST, 60,000 images for training and 10,000 for testing; or a set in the same format.

    Parameters
    ----------
    root
        A directory with the four IDX files, plain or gzipped; by default the cache,
        ``$AUTOGRAD_CORE_DATA/mnist`` or ``~/.cache/autograd_core/mnist``.
    download
        Whether missing files are downloaded into it (11 MB).
    dtype
        The dtype of the images.

    Returns
    -------
    Split
        Images ``(N, 784)`` in [0, 1] and labels ``(N,)``.

    Raises
    ------
    DataError
        If files are missing, corrupt or truncated, do not match, or cannot be downloaded.
    """
    folder = cache_directory() if root is None else Path(root)
    if not download and not folder.is_dir():
        raise DataError(f"there is no directory {folder}")
    arrays: list[Array] = []
    parts: list[Array] = []
    for name in FILES:
        path = find(folder, name)
        if path is None:
            if not download:
                raise DataError(f"{folder} has no {name}, with or without .gz")
            path = fetch(name, folder)
        arrays.append(read_idx(path))
    for kind, images, labels in (("train", arrays[0], arrays[1]), ("t10k", arrays[2], arrays[3])):
        if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or not len(labels):
            raise DataError(
                f"the {kind} files of {folder} do not belong together: images of shape "
                f"{images.shape}, labels of shape {labels.shape}"
            )
        try:
            pixels = images.reshape(len(images), -1).astype(dtype)
        except MemoryError:
            raise DataError(f"the {kind} images of {folder} are larger than the memory") from None
        pixels /= 255
        parts += [pixels, labels.astype(np.int64)]
    if arrays[0].shape[1:] != arrays[2].shape[1:]:
        raise DataError(
            f"{folder} holds images of {arrays[0].shape[1:]} pixels for training, but of "
            f"{arrays[2].shape[1:]} for testing"
        )
    return Split(*parts)
