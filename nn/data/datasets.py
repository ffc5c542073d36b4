"""DataLoader: mini-batches of arrays; one_hot; and the digits that come with scikit-learn."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from nn._pytorch import accepts_pytorch
from nn.errors import DataError
from nn.init import Rng, generator
from nn.module import Array
from nn.placement import as_of, is_array, plain_array


class Split(NamedTuple):
    """Images ``(N, pixels)`` in [0, 1] and their labels ``(N,)``, for training and for testing."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


class DataLoader:
    """Iterate over arrays in mini-batches, in a new order each epoch if they are shuffled.

    Parameters
    ----------
    arrays
        A tuple of arrays of equal length, ``(x, y)``; then each batch is a tuple.  Or one array.
        What is larger than the memory is read batch by batch: a ``np.memmap``, and any object with
        ``len(data)`` whose ``data[i]`` is an example, an array or a tuple of arrays.
    batch_size
        The number of examples in a batch; the last one may be shorter.
    shuffle
        Whether the order is random.
    rng
        Generator or seed that chooses the order.
    drop_last
        Whether a shorter last batch is left out.
    dtype
        The dtype to which floating-point arrays are cast; integers stay as they are.

    Examples
    --------
    >>> import numpy as np, nn
    >>> loader = nn.DataLoader((np.arange(5.0), np.arange(5)), batch_size=2)
    >>> [x.shape for x, y in loader], len(loader)
    ([(2,), (2,), (1,)], 3)
    >>> class Files:                                # read when they are asked for
    ...     def __len__(self):
    ...         return 10_000
    ...     def __getitem__(self, i):
    ...         return np.full(3, i, float), i % 2
    >>> x, y = next(iter(nn.DataLoader(Files(), batch_size=4, shuffle=True, rng=0)))
    >>> x.shape, x.dtype, y.shape
    ((4, 3), dtype('float32'), (4,))
    """

    #: Loaders in pickles of version 0.1 hold what was cast already
    dtype: Any = None

    @accepts_pytorch
    def __init__(
        self,
        arrays: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        rng: Rng = None,
        drop_last: bool = False,
        *,
        dtype: Any = np.float32,
    ) -> None:
        if is_array(batch_size):
            raise TypeError("DataLoader takes its arrays together: nn.DataLoader((x, y), 32)")
        if isinstance(arrays, list) and arrays and isinstance(arrays[0], tuple):
            raise TypeError(
                "DataLoader takes arrays, not a list of examples: "
                "nn.DataLoader(tuple(map(np.array, zip(*examples))), 32)"
            )
        self.single = not isinstance(arrays, (tuple, list))
        several = [arrays] if self.single else arrays
        given = [a if _is_sequence(a) else plain_array(a) for a in several]
        lengths = [len(a) if _is_sequence(a) or a.ndim else 0 for a in given]
        if not given or len(set(lengths)) > 1 or not lengths[0]:
            raise ValueError(
                f"DataLoader takes arrays of one length, at least 1; got lengths {lengths}"
            )
        whole = isinstance(batch_size, (int, np.integer)) and not isinstance(batch_size, bool)
        if not whole or batch_size < 1:
            raise ValueError(f"batch_size is a whole number from 1 up, got {batch_size!r}")
        #: As they are given, those that are in memory already of the wanted dtype
        self.arrays = [
            a if _is_sequence(a) or isinstance(g, np.memmap) else _cast(a, dtype)
            for a, g in zip(given, several, strict=True)
        ]
        self.dtype = dtype
        self.batch_size, self.shuffle, self.drop_last = int(batch_size), shuffle, drop_last
        self.rng = generator(rng)
        self.examples = lengths[0]

    def __len__(self) -> int:
        whole, rest = divmod(self.examples, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        order = self.rng.permutation(self.examples) if self.shuffle else None
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            window = slice(start, start + self.batch_size)
            index: Any = window if order is None else order[window]
            batch = [self._rows(a, index) for a in self.arrays]
            yield batch[0] if self.single else tuple(batch)

    def _rows(self, data: Any, index: Any) -> Any:
        """Return the examples of an array, or of a sequence, at an index."""
        if is_array(data):
            return _cast(data[index], self.dtype)
        places = range(self.examples)[index] if isinstance(index, slice) else index.tolist()
        examples = [data[i] for i in places]
        if isinstance(examples[0], (tuple, list)):
            columns = zip(*examples, strict=True)
            return tuple(_cast(np.stack(c), self.dtype) for c in columns)
        return _cast(np.stack(examples), self.dtype)


def _is_sequence(data: Any) -> bool:
    """Return whether data are examples by number, and no array."""
    return (
        hasattr(data, "__getitem__")
        and hasattr(data, "__len__")
        and not (hasattr(data, "shape") or hasattr(data, "__array__"))
        and not isinstance(data, (list, tuple, str, bytes, Mapping))
    )


def _cast(a: Any, dtype: Any) -> Any:
    return a.astype(dtype, copy=False) if a.dtype.kind == "f" and dtype is not None else a


def one_hot(labels: Any, classes: int, dtype: Any = np.float32) -> Array:
    """Return class numbers as rows that are 1 at the class and 0 elsewhere.

    Raises
    ------
    TypeError
        For labels that are no integers: booleans would select rows, not name classes.
    ValueError
        For labels that are not from 0 to ``classes - 1``.

    Examples
    --------
    >>> import nn
    >>> nn.one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    labels = plain_array(labels)
    if labels.dtype.kind not in "iu":
        if labels.size:
            raise TypeError(
                f"class numbers are integers, got {labels.dtype}; write labels.astype(int)"
            )
        labels = labels.astype(int)
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(
            f"labels of {classes} classes go from 0 to {classes - 1}, "
            f"got {labels.min()} to {labels.max()}"
        )
    found: Array = as_of(np.eye(classes, dtype=dtype), labels)[labels]
    return found


def load_digits(*, test: float = 0.2, rng: Rng = 0, dtype: Any = np.float32) -> Split:
    """Load the 1,797 handwritten digits of 8x8 pixels that come with scikit-learn (Alpaydin, 1998).

    Parameters
    ----------
    test
        The share of images that is held out.
    rng
        Generator or seed that chooses these images; by default always the same ones.
    dtype
        The dtype of the images.

    Returns
    -------
    Split
        Images ``(N, 64)`` in [0, 1] and labels ``(N,)``.

    Raises
    ------
    DataError
        If scikit-learn is not installed.
    """
    try:
        from sklearn import datasets  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise DataError(
            "the 8x8 digits come with scikit-learn, which is not installed: "
            "pip install scikit-learn"
        ) from error
    pixels, labels = datasets.load_digits(return_X_y=True)
    order = generator(rng).permutation(len(labels))
    held, kept = np.split(order, [round(len(labels) * test)])
    x, y = (pixels / 16).astype(dtype), labels.astype(np.int64)
    return Split(x[kept], y[kept], x[held], y[held])
