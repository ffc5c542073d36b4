"""Images to classify, from a picture, an array, or a data set."""

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import nn
from nn.errors import DataError
from nn.files import npy
from nn.files.reading import shown
from nn.module import Array

_MOST_PIXELS = 50_000_000


def resample(image: Array, height: int, width: int) -> Array:
    """Resize a grey image ``(h, w)``; each new pixel is the mean of the area that it covers.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.cli.images import resample
    >>> resample(np.array([[0.0, 1.0, 2.0, 3.0]]), 1, 2)
    array([[0.5, 2.5]])
    """

    def cover(new: int, old: int) -> Array:
        edges = np.linspace(0, old, new + 1)
        low, high = edges[:-1, None], edges[1:, None]
        i = np.arange(old)
        share = np.clip(np.minimum(high, i + 1) - np.maximum(low, i), 0, None)
        return np.asarray(share / share.sum(1, keepdims=True))

    return cover(height, image.shape[0]) @ image @ cover(width, image.shape[1]).T


def _check_png(path: Path) -> None:
    """Raise ValueError for a PNG of more pixels than a picture of a digit can need."""
    with path.open("rb") as file:
        head = file.read(24)
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        width, height = (int.from_bytes(head[i : i + 4], "big") for i in (16, 20))
        if width * height > _MOST_PIXELS:
            raise ValueError(f"{width:,} x {height:,} pixels are more than {_MOST_PIXELS:,}")


def read_picture(path: Path, side: int) -> Array:
    """Read a picture as ``side * side`` numbers in [0, 1], bright on dark like training data."""
    try:
        from matplotlib.image import imread
    except ImportError as error:
        raise DataError(
            "reading a picture needs matplotlib: pip install matplotlib (or save it as .npy)"
        ) from error
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message=".*decompression bomb")
            _check_png(path)
            a = np.asarray(imread(str(path)))
    except Exception as error:  # decoders raise errors of every kind
        raise DataError(f"{path} cannot be read as a picture: {shown(str(error))}") from error
    if a.ndim not in (2, 3) or not a.size:
        raise DataError(f"{path} holds no picture but an array of shape {a.shape}")
    a = a / 255.0 if a.dtype.kind == "u" else a.astype(float)
    if not np.isfinite(a).all():
        raise DataError(f"{path} holds pixels that are not finite")
    if a.ndim == 3:
        opacity = a[..., -1] if a.shape[2] in (2, 4) else np.ones(a.shape[:2])
        colours = a[..., :3] if a.shape[2] >= 3 else a[..., :1]
        a = colours.mean(-1) * opacity + (1 - opacity)  # on white paper
    border = np.concatenate([a[0], a[-1], a[:, 0], a[:, -1]])
    if np.median(border) > 0.5:  # dark ink on bright paper
        a = 1 - a
    return resample(a, side, side).ravel().astype(np.float32)


def read_examples(source: str, pixels: int, count: int) -> tuple[Array, Array | None]:
    """Read the first images of a source, ``(N, pixels)``, and their labels if it has any.

    Raises
    ------
    DataError
        If there are no images, or none of this size.
    """
    path, labels = Path(source), None
    if source == "digits":
        *_, images, labels = nn.load_digits()
    elif source == "mnist":
        *_, images, labels = nn.load_mnist()
    elif path.is_dir():
        *_, images, labels = nn.load_mnist(path, download=False)
    elif path.suffix == ".npy":
        images = _read_array(path, pixels)
    elif not path.exists():
        raise DataError(f"there is no file or directory {source}")
    else:
        side = math.isqrt(pixels)
        if side * side != pixels:
            raise DataError(f"a network of {pixels} inputs takes no square picture")
        images = read_picture(path, side)[None]
    if images.shape[1] != pixels:
        raise DataError(
            f"these weights are of another network: they take {pixels} inputs, but the images of "
            f"{source} have {images.shape[1]} pixels"
        )
    return images[:count], None if labels is None else labels[:count]


def _read_array(path: Path, pixels: int) -> Array:
    a: Any = npy.read(path, DataError)
    if a.dtype.kind not in "biuf" or not a.size or not a.ndim:
        raise DataError(f"{path} holds {a.dtype} of shape {a.shape}, not images")
    a = a / 255 if a.dtype == np.uint8 else a
    if not (a.min() >= 0 and a.max() <= 1):
        raise DataError(
            f"{path} holds numbers outside [0, 1], or nan (bytes, 0 to 255, would do too)"
        )
    flat = a.reshape(1, -1) if a.size == pixels else a.reshape(len(a), -1)
    return np.asarray(flat, np.float32)
