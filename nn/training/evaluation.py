"""evaluate and accuracy: losses and metrics on data."""

from collections.abc import Callable, Mapping
from typing import Any

import autograd_core as ag
from nn.data.datasets import DataLoader
from nn.functional.activations import as_array
from nn.module import Module, evaluating

Loss = Callable[[Any, Any], Any]
Metrics = Mapping[str, Callable[[Any, Any], float]]


def accuracy(prediction: Any, target: Any) -> float:
    """Return the share of examples whose largest output is at the class of the target.

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
    prediction, target = as_array(prediction), as_array(target)
    if prediction.ndim < 2 or prediction.shape[-1] < 2:
        raise ValueError(
            "accuracy compares the largest of several outputs with the target, got predictions "
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


def _is_classification(prediction: Any, target: Any) -> bool:
    """Return whether there are several outputs, and a target that says which one is right."""
    shape: tuple[int, ...] = tuple(getattr(prediction, "shape", ()))
    several = len(shape) > 1 and shape[-1] > 1
    return several and getattr(target, "shape", None) in (shape, shape[:-1])


def evaluate(
    model: Module, data: Any, loss: Loss | None = None, metrics: Metrics | None = None
) -> dict[str, float]:
    """Return the loss and metrics of a model on data, in evaluation mode and unrecorded.

    Parameters
    ----------
    model
        The model to evaluate.
    data
        A tuple ``(x, y)``, or an iterable of such batches.
    loss
        A function of prediction and target that averages over the batch.
    metrics
        Such functions by name; by default :func:`accuracy`, where there are several outputs.

    Returns
    -------
    dict
        Means weighted by the sizes of the batches: a short last batch counts for its share.
    """
    functions: dict[str, Callable[[Any, Any], Any]] = {} if loss is None else {"loss": loss}
    functions.update(metrics or {})
    totals, count = dict.fromkeys(functions, 0.0), 0
    with evaluating(model), ag.no_grad():
        for x, y in DataLoader(data, 1000) if isinstance(data, tuple) else data:
            prediction, n = model(x), len(x)
            if metrics is None and _is_classification(prediction, y):
                functions["accuracy"] = accuracy
                totals.setdefault("accuracy", 0.0)
            for name, function in functions.items():
                totals[name] += n * float(as_array(function(prediction, y)))
            count += n
    return {name: total / count for name, total in totals.items()} if count else {}
