"""A network on the columns of a table: fixed numbers standardize them in front of it.

Everything that was learnt about the columns is in buffers, so it is saved with the weights, and an
exported file takes the columns as they are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.functional import softmax
from nn.init import Rng
from nn.layers.basic import Sequential
from nn.models.networks import mlp
from nn.module import Module

#: What stands in an array for a category that the training has not seen.
UNKNOWN = -1.0


class Standardize(Module):
    """Turn rows of numbers and categories into the inputs of a network.

    A missing value is replaced by that of ``fill``; numbers are standardized; a category becomes as
    many zeros and ones as there are.  Of an unknown category all of them are zeros.

    Parameters
    ----------
    categories
        For each column the number of its categories, or None for a column of numbers.

    Attributes
    ----------
    fill : array (columns,)
        What replaces a missing value, nan: a number, or the index of a category.
    mean, scale : array (columns of numbers,)
        Of the numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.models.tables import Standardize
    >>> inputs = Standardize([None, 3])                     # a number, and three categories
    >>> inputs.fill, inputs.mean, inputs.scale = [170.0, 2], [170.0], [10.0]
    >>> inputs(np.array([[180.0, 0], [np.nan, 1], [150.0, -1]]))
    array([[ 1.,  1.,  0.,  0.],
           [ 0.,  0.,  1.,  0.],
           [-2.,  0.,  0.,  0.]])
    """

    buffers = ("fill", "mean", "scale")

    def __init__(self, categories: Sequence[int | None]) -> None:
        self.numbers = np.array([i for i, n in enumerate(categories) if n is None], np.int64)
        pairs = [(i, k) for i, n in enumerate(categories) for k in range(n or 0)]
        self.source = np.array([i for i, _ in pairs], np.int64)
        self.codes = np.array([k for _, k in pairs], np.float64)
        self.fill = np.zeros(len(categories))
        self.mean, self.scale = np.zeros(len(self.numbers)), np.ones(len(self.numbers))

    @property
    def width(self) -> int:
        """Return the number of inputs of the network."""
        return len(self.numbers) + len(self.codes)

    def forward(self, x: Any) -> Any:
        """Return the inputs of the network ``(N, width)`` for rows ``(N, columns)``."""
        x = np.where(np.isnan(x), self.fill, x)
        parts = []
        if len(self.numbers):
            parts.append((np.take(x, self.numbers, axis=1) - self.mean) / self.scale)
        if len(self.codes):
            equal = np.equal(np.take(x, self.source, axis=1), self.codes)
            parts.append(np.where(equal, 1.0, 0.0))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


class TableNetwork(Module):
    """A feedforward network on rows of a table, in double precision.

    A predicted number is in its own unit: what the last layer computes is multiplied by ``scale``,
    and ``mean`` is added.

    Parameters
    ----------
    categories
        As in :class:`Standardize`.
    hidden
        The number of neurons of each hidden layer.
    classes
        The number of classes, for each of which the output is a logit; None to predict a number.
    activation, init, rng
        As in :func:`nn.mlp`.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.models.tables import TableNetwork
    >>> TableNetwork([None, 3], hidden=(8,), classes=2, rng=0)(np.array([[1.5, 0], [0.5, 2]])).shape
    (2, 2)
    """

    def __init__(
        self,
        categories: Sequence[int | None],
        hidden: Sequence[int] = (32,),
        classes: int | None = None,
        activation: str = "relu",
        *,
        init: Any = None,
        rng: Rng = None,
    ) -> None:
        if classes is None:
            self.buffers = ("mean", "scale")
            self.mean, self.scale = np.zeros(1), np.ones(1)
        self.inputs = Standardize(categories)
        self.classes = classes
        sizes = [self.inputs.width, *hidden, classes or 1]
        self.layers: Sequential = mlp(
            sizes, activation, output=None, init=init, rng=rng, dtype=np.float64
        )

    def forward(self, x: Any) -> Any:
        """Return logits ``(N, classes)``, or numbers ``(N, 1)``, for rows ``(N, columns)``."""
        out = self.layers(self.inputs(x))
        return out if self.classes else out * self.scale + self.mean


class Prediction(Module):
    """What a table's network predicts, for use elsewhere.

    Parameters
    ----------
    network
        A :class:`TableNetwork`.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.models.tables import Prediction, TableNetwork
    >>> predict = Prediction(TableNetwork([None], classes=3, rng=0))
    >>> index, probabilities = predict(np.array([[1.5], [0.5]]))
    >>> index.shape, probabilities.shape
    ((2,), (2, 3))
    """

    def __init__(self, network: TableNetwork) -> None:
        self.network = network

    def forward(self, x: Any) -> Any:
        """Return the index of the class ``(N,)`` and probabilities; or the number ``(N,)``."""
        out = self.network(x)
        if not self.network.classes:
            return out[:, 0]
        return np.argmax(out, axis=1), softmax(out)
