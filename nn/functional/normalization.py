"""Normalization: mean 0 and variance 1 along some axes, as one primitive with its rule.

Batch, layer and group normalization share it (S. Ioffe, C. Szegedy, *Batch normalization*, 2015;
J. L. Ba, J. R. Kiros, G. Hinton, *Layer normalization*, 2016; Y. Wu, K. He, *Group normalization*,
2018).
"""

import math
from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.activations import as_array, as_float_array


@ag.primitive(flops=lambda _out, x, _weight, _bias, **_options: 4 * x.size)
def standardized(
    x: Any, weight: Any, bias: Any, *, axes: tuple[int, ...], eps: float, mean: Any, inverse: Any
) -> Any:
    """Return ``weight (x - mean) inverse + bias``.

    ``mean`` and ``inverse`` are the statistics of ``x`` itself, as :func:`moments` returns them;
    the gradient flows through them too.
    """
    out = x - mean
    out *= inverse * weight
    out += bias
    return out


def _standardized_vjp(
    g: Any, _out: Any, x: Any, weight: Any, _bias: Any, *, axes: Any, eps: float, mean: Any,
    inverse: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    if isinstance(x, ag.Tensor):  # for the second derivative, which flows through the statistics
        mean, inverse = moments(x, axes, eps)
    centred, count = x - mean, math.prod(x.shape[i] for i in axes)
    lacking = x.ndim - np.ndim(weight)  # axes that the weight lacks
    if any(i >= lacking and weight.shape[i - lacking] > 1 for i in axes):
        h, hat = g * weight, centred * inverse
        along = hat * (_sum_of_products(h, hat, axes) / count)
        x_grad = inverse * (h - h.sum(axis=axes, keepdims=True) / count - along)
        return x_grad, g * hat, g
    weight_grad = inverse * _sum_of_products(g, centred, axes)
    bias_grad = g.sum(axis=axes, keepdims=True)
    x_grad = g - bias_grad / count - centred * (inverse * weight_grad / count)
    return x_grad * (inverse * weight), weight_grad, bias_grad


standardized.defvjp(vjp_all=_standardized_vjp)


def _sum_of_products(a: Any, b: Any, axes: tuple[int, ...]) -> Any:
    """Sum ``a b`` over ``axes``, which are kept with length 1, in one pass."""
    every = list(range(a.ndim))
    total = np.einsum(a, every, b, every, [i for i in every if i not in axes])
    return total.reshape([1 if i in axes else n for i, n in enumerate(a.shape)])


def mean_and_variance(x: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the mean and the (biased) variance over ``axes``, which are kept with length 1."""
    mean = x.mean(axis=axes, keepdims=True)
    centred, count = x - mean, math.prod(x.shape[i] for i in axes)
    return mean, _sum_of_products(centred, centred, axes) / count


def moments(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any]:
    """Return the mean over ``axes``, and ``1 / sqrt(variance + eps)`` with the biased variance."""
    mean, variance = mean_and_variance(x, axes)
    return mean, 1 / np.sqrt(variance + eps)


def normalize(x: Any, weight: Any, bias: Any, axes: tuple[int, ...], eps: float) -> Any:
    """Scale ``x`` to mean 0 and variance 1 over ``axes``, then multiply and add.

    Parameters
    ----------
    x
        Any shape.
    weight, bias
        Factors and summands, of shapes that broadcast with ``x``.
    axes
        The axes over which mean and variance are taken.
    eps
        Added to the variance.
    """
    x = as_float_array(x, "normalization")
    if x.dtype.itemsize < 4:  # sums of squares of float16 overflow
        return normalize(x.astype(np.float32), weight, bias, axes, eps).astype(x.dtype)
    mean, inverse = moments(as_array(x), axes, eps)
    return standardized(x, weight, bias, axes=axes, eps=eps, mean=mean, inverse=inverse)
