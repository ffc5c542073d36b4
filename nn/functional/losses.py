"""Losses: how far predictions are from targets.

Every loss takes ``reduction``: ``"none"`` (one value each), ``"sum"``, ``"mean"``, or
``"batchmean"`` (summed over everything but the first axis, averaged over it).  The choice scales
the gradient, and so the learning rate: eta 3 with :func:`quadratic_cost` is lr 15 with the mean
of :func:`mse_loss` over ten outputs.

Predictions and targets have equal shapes; broadcasting here is nearly always a mistake
(``(N, 1)`` against ``(N,)``), so it is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import floating, sigmoid

REDUCTIONS = ("none", "sum", "mean", "batchmean")


def reduce(values: Any, reduction: str) -> Any:
    """Reduce the losses of single elements ``(N, ...)`` to one number."""
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if reduction == "mean":
        return values.mean()
    if reduction == "batchmean":
        return values.sum() / (values.shape[0] if values.ndim else 1)
    raise ValueError(f"reduction is one of {', '.join(REDUCTIONS)}; got {reduction!r}")


def _aligned(name: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    """Check the shapes; a plain array of targets takes the dtype of the predictions."""
    prediction = floating(prediction)
    if not hasattr(target, "dtype"):
        target = np.asarray(target)
    if prediction.shape != target.shape:
        raise ValueError(
            f"{name} compares arrays of one shape, got a prediction of shape {prediction.shape} "
            f"and a target of shape {target.shape}"
            + (
                "; class numbers become a target by nn.one_hot(labels, classes)"
                * (target.ndim == prediction.ndim - 1 and target.dtype.kind in "iu")
            )
        )
    if isinstance(target, np.ndarray) and target.dtype != prediction.dtype:
        target = target.astype(prediction.dtype)
    return prediction, target


def _sum_of_squares(d: Any) -> Any:
    """Of a few numbers by one product; of many in pairs, which keeps their digits in float32."""
    if d.size < 1 << 14:
        d = d.ravel()
        return d @ d
    return (d * d).sum()


@ag.primitive
def squared_error(prediction: Any, target: Any) -> Any:
    """``sum((prediction - target)^2)``."""
    return _sum_of_squares(prediction - target)


squared_error.defvjp(
    lambda g, _out, prediction, target: (2 * g) * (prediction - target),
    lambda g, _out, prediction, target: (2 * g) * (target - prediction),
)


def _examples(prediction: Any) -> int:
    return (prediction.shape[0] or 1) if prediction.ndim > 1 else 1


@ag.primitive
def _quadratic_cost(prediction: Any, target: Any) -> Any:
    return _sum_of_squares(prediction - target) * (0.5 / _examples(prediction))


_quadratic_cost.name = "quadratic_cost"
_quadratic_cost.defvjp(
    lambda g, _out, prediction, target: (g / _examples(prediction)) * (prediction - target),
    lambda g, _out, prediction, target: (g / _examples(prediction)) * (target - prediction),
)


def mse_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Squared error.

    Parameters
    ----------
    prediction, target
        ``(N, ...)``, of one shape.
    reduction
        See the module; ``"mean"`` is over all elements, as in PyTorch.

    Examples
    --------
    >>> import numpy as np, nn
    >>> p, t = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 1.0]])
    >>> float(nn.mse_loss(p, t)), float(nn.mse_loss(p, t, reduction="batchmean"))
    (0.5, 1.0)
    """
    prediction, target = _aligned("mse_loss", prediction, target)
    if reduction == "mean":
        return squared_error(prediction, target) * (1 / max(prediction.size, 1))
    if reduction == "sum":
        return squared_error(prediction, target)
    d = prediction - target
    return reduce(d * d, reduction)


def quadratic_cost(prediction: Any, target: Any) -> Any:
    """One half of the squared error summed over outputs, averaged over the examples.

    The cost of Nielsen, "Neural Networks and Deep Learning" (2015), chapter 1.

    Parameters
    ----------
    prediction, target
        ``(N, outputs)``, or ``(outputs,)`` for one example.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.quadratic_cost(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])))
    1.0
    """
    prediction, target = _aligned("quadratic_cost", prediction, target)
    return _quadratic_cost(prediction, target)


def l1_loss(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Absolute error; its gradient where they agree is 0."""
    prediction, target = _aligned("l1_loss", prediction, target)
    return reduce(np.abs(prediction - target), reduction)


def huber_loss(prediction: Any, target: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """Half the squared error up to ``delta``, and linear beyond (Huber, 1964)."""
    if not delta > 0:
        raise ValueError(f"huber_loss: delta is positive, got {delta}")
    prediction, target = _aligned("huber_loss", prediction, target)
    d = prediction - target
    c = np.clip(d, -delta, delta)
    return reduce(c * (d - 0.5 * c), reduction)


@ag.primitive
def _logistic_loss(x: Any, t: Any) -> Any:
    return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))


_logistic_loss.name = "binary_cross_entropy_with_logits"
_logistic_loss.defvjp(
    lambda g, _out, x, t: g * (sigmoid(x) - t),
    lambda g, _out, x, _t: -g * x,
    elementwise=True,
)


def binary_cross_entropy_with_logits(logits: Any, target: Any, reduction: str = "mean") -> Any:
    """Cross-entropy of the probabilities ``sigmoid(logits)``, exact at any size of logit.

    Parameters
    ----------
    logits, target
        ``(N, ...)``, of one shape; targets in [0, 1].

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.binary_cross_entropy_with_logits(np.array([1000.0]), np.array([0.0])))
    1000.0
    """
    logits, target = _aligned("binary_cross_entropy_with_logits", logits, target)
    return reduce(_logistic_loss(logits, target), reduction)


@ag.primitive
def _binary_cross_entropy(p: Any, t: Any) -> Any:
    with np.errstate(divide="ignore"):
        return -(t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log1p(-p), -100))


_binary_cross_entropy.name = "binary_cross_entropy"
_binary_cross_entropy.defvjp(
    lambda g, _out, p, t: g * (p - t) / np.maximum(p * (1 - p), 1e-12),
    lambda g, _out, p, _t: g * (np.log(np.maximum(1 - p, 1e-43)) - np.log(np.maximum(p, 1e-43))),
    elementwise=True,
)


def binary_cross_entropy(probability: Any, target: Any, reduction: str = "mean") -> Any:
    """Cross-entropy of probabilities; logarithms are cut at -100, as in PyTorch.

    ``binary_cross_entropy_with_logits`` is exact, and the one to train with.
    """
    probability, target = _aligned("binary_cross_entropy", probability, target)
    values = getattr(probability, "data", probability) if probability.size else np.zeros(1)
    values = np.asarray(values)
    if not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            "binary_cross_entropy takes probabilities, numbers in [0, 1]; for logits use "
            "binary_cross_entropy_with_logits"
        )
    return reduce(_binary_cross_entropy(probability, target), reduction)


@ag.primitive
def _entropy_term(t: Any) -> Any:
    """``t log(t)``, 0 at 0."""
    return t * np.log(np.where(t > 0, t, 1))


_entropy_term.defvjp(
    lambda g, _out, t: g * np.where(t > 0, np.log(np.where(t > 0, t, 1)) + 1, 0), elementwise=True
)


def kl_div(
    log_prediction: Any, target: Any, reduction: str = "mean", log_target: bool = False
) -> Any:
    """Kullback-Leibler divergence ``target (log target - log_prediction)``, element by element.

    Parameters
    ----------
    log_prediction
        Logarithms of probabilities, ``(N, ...)``.
    target
        Probabilities, or their logarithms with ``log_target``.
    reduction
        ``"batchmean"`` is the divergence of the definition; ``"mean"`` divides by the number of
        classes too.

    Examples
    --------
    >>> import numpy as np, nn
    >>> p = np.array([[0.5, 0.5]])
    >>> nn.kl_div(np.log(p), np.array([[1.0, 0.0]]), reduction="batchmean").round(6)
    np.float64(0.693147)
    """
    log_prediction, target = _aligned("kl_div", log_prediction, target)
    if log_target:
        return reduce(np.exp(target) * (target - log_prediction), reduction)
    return reduce(_entropy_term(target) - target * log_prediction, reduction)
