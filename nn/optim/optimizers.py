"""Adam, AdamW, RMSprop, Adagrad; clipping; parameter groups without decay of biases and norms."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.module import Module
from nn.optim.optimizer import Group, Optimizer
from nn.parameter import Parameter


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square (Kingma, Ba, 2015).

    Parameters
    ----------
    parameters
        See :class:`Optimizer`.
    lr
        The step size; 1e-3 is the usual one.
    betas
        The weights of the old values in the two running means.
    eps
        Added to the denominator.
    weight_decay
        Adds ``weight_decay * w`` to each gradient.
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def _check(self, group: Group) -> None:
        super()._check(group)
        if not all(0 <= b < 1 for b in group["betas"]):
            raise ValueError(f"Adam: betas are two numbers in [0, 1), got {group['betas']}")

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        state = self.state.get(p)
        if state is None:
            state = {"step": 0, "mean": np.zeros_like(data), "square": np.zeros_like(data)}
            self.state[p] = state
        state["step"] += 1
        mean, square = state["mean"], state["square"]
        a, b = group["betas"]
        s = self.scratch(data)
        if group["weight_decay"]:
            g = g + group["weight_decay"] * data
        mean *= a
        mean += np.multiply(g, 1 - a, out=s)
        square *= b
        np.multiply(g, g, out=s)
        s *= 1 - b
        square += s
        # lr m / (1 - a^t) / (sqrt(v / (1 - b^t)) + eps), its constants taken together
        root = math.sqrt(1 - b ** state["step"])
        np.sqrt(square, out=s)
        s += group["eps"] * root
        np.divide(mean, s, out=s)
        s *= group["lr"] * root / (1 - a ** state["step"])
        data -= s


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights themselves (I. Loshchilov, F. Hutter, 2019).

    Parameters are those of :class:`nn.Adam`, with a ``weight_decay`` of 0.01 unless given; each
    step first multiplies the weights by ``1 - lr * weight_decay``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([1.0])
    >>> optimizer = nn.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> np.sum(0 * w).backward()
    >>> optimizer.step()
    >>> w
    Parameter([0.95], float32, requires_grad)
    """

    def __init__(
        self, parameters: Iterable[Any], lr: float, *, weight_decay: float = 0.01, **settings: Any
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay, **settings)

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        data *= 1 - group["lr"] * group["weight_decay"]
        super().update(p, data, g, {**group, "weight_decay": 0.0})


class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of the squared gradient (G. Hinton, 2012).

    Parameters
    ----------
    parameters
        See :class:`nn.Optimizer`.
    lr
        The step size; 1e-3 or 1e-2 are usual.
    alpha
        The weight of the old value in the running mean.
    eps
        Added to the root.
    weight_decay
        Adds ``weight_decay * w`` to each gradient.
    momentum
        Of the steps.
    centered
        Whether the square of a running mean of the gradient is taken off: the variance.
    """

    def __init__(
        self, parameters: Iterable[Any], lr: float, *, alpha: float = 0.99, eps: float = 1e-8,
        weight_decay: float = 0.0, momentum: float = 0.0, centered: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay,
            momentum=momentum, centered=centered,
        )  # fmt: skip

    def _check(self, group: Group) -> None:
        super()._check(group)
        if not 0 <= group["alpha"] < 1 or group["momentum"] < 0:
            raise ValueError(
                "RMSprop: alpha lies in [0, 1) and momentum is a number >= 0, got "
                f"{group['alpha']} and {group['momentum']}"
            )

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        state, alpha, s = self.state.setdefault(p, {}), group["alpha"], self.scratch(data)
        names = ["square", *(["mean"] if group["centered"] else [])]
        names += ["momentum"] if group["momentum"] else []
        for name in names:
            if name not in state:
                state[name] = np.zeros_like(data)
        if group["weight_decay"]:
            g = g + group["weight_decay"] * data
        square = state["square"]
        square *= alpha
        np.multiply(g, g, out=s)
        s *= 1 - alpha
        square += s
        np.copyto(s, square)
        if group["centered"]:
            mean = state["mean"]
            mean += (1 - alpha) * (g - mean)
            s -= mean * mean
        np.sqrt(s, out=s)
        s += group["eps"]
        np.divide(g, s, out=s)
        if group["momentum"]:
            v = state["momentum"]
            v *= group["momentum"]
            v += s
            np.copyto(s, v)
        s *= group["lr"]
        data -= s


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients (J. Duchi and others, 2011).

    Parameters
    ----------
    parameters
        See :class:`nn.Optimizer`.
    lr
        The step size; 1e-2 is the usual one.
    lr_decay
        The step size is ``lr / (1 + (t - 1) lr_decay)`` at step t.
    weight_decay
        Adds ``weight_decay * w`` to each gradient.
    eps
        Added to the root.
    """

    def __init__(
        self, parameters: Iterable[Any], lr: float, *, lr_decay: float = 0.0,
        weight_decay: float = 0.0, eps: float = 1e-10,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        state = self.state.get(p)
        if state is None:
            state = self.state.setdefault(p, {"step": 0, "sum": np.zeros_like(data)})
        state["step"] += 1
        if group["weight_decay"]:
            g = g + group["weight_decay"] * data
        s = self.scratch(data)
        state["sum"] += np.multiply(g, g, out=s)
        np.sqrt(state["sum"], out=s)
        s += group["eps"]
        np.divide(g, s, out=s)
        s *= group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        data -= s


def param_groups(model: Module, weight_decay: float) -> list[Group]:
    """Two groups for an optimizer: weights, which decay, and biases and those of norms, which not.

    What has fewer than two axes is a bias or belongs to a norm.

    Examples
    --------
    >>> import nn
    >>> groups = nn.param_groups(nn.mlp([2, 3, 1], rng=0), 1e-4)
    >>> [(len(g["params"]), g["weight_decay"]) for g in groups]
    [(2, 0.0001), (2, 0.0)]
    """
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [g for g in groups if g["params"]]


def _gradients(parameters: Iterable[Parameter]) -> list[tuple[Parameter, Any]]:
    if isinstance(parameters, Module):
        raise TypeError("clipping takes parameters: write model.parameters()")
    return [(p, p.grad.detach()) for p in parameters if p.grad is not None]


def clip_grad_norm_(parameters: Iterable[Parameter], max_norm: float) -> float:
    """Scale all gradients together, so that their Euclidean norm is at most ``max_norm``.

    Returns
    -------
    float
        The norm before.  One that is not finite is returned, and nothing is changed.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([3.0, 4.0])
    >>> np.sum(w * w / 2).backward()
    >>> nn.clip_grad_norm_([w], 1.0), w.grad.numpy().round(3).tolist()
    (5.0, [0.6000000238418579, 0.800000011920929])
    """
    if not max_norm >= 0:
        raise ValueError(f"max_norm is a number >= 0, got {max_norm!r}")
    having = _gradients(parameters)
    wide = (g.data.astype(float) for _, g in having)
    norm = math.sqrt(math.fsum(float(np.vdot(g, g)) for g in wide))
    if math.isfinite(norm) and norm > max_norm:
        for p, g in having:
            p.grad = g * p.dtype.type(max_norm / (norm + 1e-6))
    return norm


def clip_grad_value_(parameters: Iterable[Parameter], clip_value: float) -> None:
    """Clip every number of every gradient to ``[-clip_value, clip_value]``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([3.0, 0.5])
    >>> np.sum(w * w / 2).backward()
    >>> nn.clip_grad_value_([w], 1.0)
    >>> w.grad
    Tensor([1. , 0.5], float32)
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_value is a number >= 0, got {clip_value!r}")
    for p, g in _gradients(parameters):
        p.grad = np.clip(g, -clip_value, clip_value)
