"""evaluate: losses and metrics on data; accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import autograd_core as ag
from nn.data.datasets import DataLoader
from nn.functional.activations import plain
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
    if prediction.ndim < 2 or prediction.shape[-1] < 2:
        raise ValueError(
            f"accuracy compares the largest of several outputs with the target, got predictions "
            f"of shape {prediction.shape}; for one output say where the border is: "
            'metrics={"accuracy": lambda p, y: ((p > 0) == (y > 0.5)).mean()}'
        )
    if target.shape not in (prediction.shape, prediction.shape[:-1]):
        raise ValueError(
            f"accuracy takes class numbers of shape {prediction.shape[:-1]} or rows of shape "
            f"{prediction.shape}, got a target of shape {target.shape}"
        )
    labels = target.argmax(-1) if target.ndim == prediction.ndim else target
    return float((prediction.argmax(-1) == labels).mean())


def _batches(data: Any, size: int = 1000) -> Iterable[Any]:
    """A tuple of arrays in large batches; anything else as it is."""
    return DataLoader(data, size) if isinstance(data, tuple) else data


def _classifies(prediction: Any, target: Any) -> bool:
    """Whether there are several outputs, and a target that tells which one is right."""
    shape: tuple[int, ...] = tuple(getattr(prediction, "shape", ()))
    several = len(shape) > 1 and shape[-1] > 1
    return several and getattr(target, "shape", None) in (shape, shape[:-1])


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
        Name to function, alike; by default the :func:`accuracy`, where there are several outputs.

    Returns
    -------
    dict
        Means weighted by the sizes of the batches: a short last batch counts for its share.
    """
    functions: dict[str, Callable[[Any, Any], Any]] = {} if loss is None else {"loss": loss}
    functions.update(metrics or {})
    totals, count = dict.fromkeys(functions, 0.0), 0
    with evaluating(model), ag.no_grad():
        for x, y in _batches(data):
            prediction, n = model(x), len(x)
            if metrics is None and _classifies(prediction, y):
                functions["accuracy"] = accuracy
                totals.setdefault("accuracy", 0.0)
            for name, function in functions.items():
                value = function(prediction, y)
                totals[name] += n * float(plain(value))
            count += n
    return {name: total / count for name, total in totals.items()} if count else {}
