"""evaluate: losses and metrics on data; accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import autograd_core as ag
from nn.data import DataLoader
from nn.functional import plain
from nn.module import Module, evaluating

Loss = Callable[[Any, Any], Any]
Metrics = Mapping[str, Callable[[Any, Any], float]]


def accuracy(prediction: Any, target: Any) -> float:
    """The share of examples whose largest output is that of the target.

    Parameters
    ----------
    prediction
        ``(N, classes)``.
    target
        Class numbers ``(N,)``, or rows of the shape of the prediction (one-hot).

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.accuracy(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]))
    0.5
    """
    prediction, target = plain(prediction), plain(target)
    labels = target.argmax(-1) if target.ndim == prediction.ndim else target
    return float((prediction.argmax(-1) == labels).mean())


def _batches(data: Any, size: int = 1000) -> Iterable[Any]:
    """A tuple of arrays in large batches; anything else as it is."""
    return DataLoader(data, size) if isinstance(data, tuple) else data


def evaluate(
    model: Module, data: Any, loss: Loss | None = None, metrics: Metrics | None = None
) -> dict[str, float]:
    """The loss and metrics on data, in evaluation mode, nothing recorded.

    Parameters
    ----------
    data
        A tuple ``(x, y)``, or an iterable of such batches.
    loss
        A function of prediction and target that averages over the batch.
    metrics
        Name to function, alike; by default the :func:`accuracy`.

    Returns
    -------
    dict
        Means weighted by the sizes of the batches: a short last batch counts for its share.
    """
    functions: dict[str, Callable[[Any, Any], Any]] = {} if loss is None else {"loss": loss}
    functions.update({"accuracy": accuracy} if metrics is None else metrics)
    totals, count = dict.fromkeys(functions, 0.0), 0
    with evaluating(model), ag.no_grad():
        for x, y in _batches(data):
            prediction, n = model(x), len(x)
            for name, function in functions.items():
                value = function(prediction, y)
                totals[name] += n * float(plain(value))
            count += n
    return {name: total / count for name, total in totals.items()} if count else {}
