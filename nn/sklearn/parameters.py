"""The parameters of both estimators: scikit-learn's names and defaults, checked by ``fit``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

import nn
from nn.layers.activations import NAMES

_REAL, _WHOLE = (int, float, np.integer, np.floating), (int, np.integer)
_at_least_0 = _REAL, lambda v: v >= 0, "a number >= 0"
_above_0 = _REAL, lambda v: v > 0, "a number > 0"
_count = _WHOLE, lambda v: v >= 1, "an integer >= 1"
_beta = _REAL, lambda v: 0 <= v < 1, "a number in [0, 1)"
_LIMITS: dict[str, tuple[tuple[type, ...], Callable[[Any], bool], str]] = {
    "alpha": _at_least_0,
    "learning_rate_init": _above_0,
    "power_t": _at_least_0,
    "max_iter": _count,
    "max_fun": _count,
    "tol": _at_least_0,
    "momentum": (_REAL, lambda v: 0 <= v <= 1, "a number from 0 to 1"),
    "validation_fraction": (_REAL, lambda v: 0 <= v < 1, "a share in [0, 1)"),
    "beta_1": _beta,
    "beta_2": _beta,
    "epsilon": _above_0,
}
_CHOICES = {
    "solver": ("lbfgs", "sgd", "adam", "adamw", "rmsprop"),
    "learning_rate": ("constant", "invscaling", "adaptive"),
    "activation": ("logistic", *NAMES),
}


class Parameters(BaseEstimator):  # type: ignore[misc]
    """What a user chooses; kept as it is given."""

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
    ) -> None:
        self.hidden_layer_sizes, self.activation = hidden_layer_sizes, activation
        self.solver, self.alpha, self.batch_size = solver, alpha, batch_size
        self.learning_rate, self.learning_rate_init = learning_rate, learning_rate_init
        self.power_t, self.max_iter, self.shuffle = power_t, max_iter, shuffle
        self.random_state, self.tol, self.verbose = random_state, tol, verbose
        self.warm_start, self.momentum = warm_start, momentum
        self.nesterovs_momentum, self.early_stopping = nesterovs_momentum, early_stopping
        self.validation_fraction, self.beta_1, self.beta_2 = validation_fraction, beta_1, beta_2
        self.epsilon, self.n_iter_no_change, self.max_fun = epsilon, n_iter_no_change, max_fun

    def _checked(self) -> list[int]:
        """Refuse what no training can use; the sizes of the hidden layers."""

        def refuse(name: str, wanted: str) -> None:
            raise ValueError(
                f"{type(self).__name__}: {name} is {wanted}, got {getattr(self, name)!r}"
            )

        value: Any
        for name, (kind, good, wanted) in _LIMITS.items():
            value = getattr(self, name)
            number = isinstance(value, kind)
            if not (number and good(value) and value < math.inf):
                refuse(name, wanted)
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if not (isinstance(value, str) and value in known):
                refuse(name, f"one of {', '.join(known)}")
        for name, other in (("batch_size", "auto"), ("n_iter_no_change", math.inf)):
            value = getattr(self, name)
            if value != other and not (isinstance(value, _WHOLE) and value >= 1):
                refuse(name, f"an integer >= 1, or {other!r}")
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if sizes.ndim > 1 or (sizes.size and (sizes.dtype.kind not in "iu" or sizes.min() < 1)):
            refuse("hidden_layer_sizes", "one integer >= 1 for each hidden layer, as in (100, 50)")
        return [int(n) for n in sizes]

    def _optimizer_of(self, module: nn.Sequential) -> nn.Optimizer:
        lr = self.learning_rate_init
        adam: dict[str, Any] = {"betas": (self.beta_1, self.beta_2), "eps": self.epsilon}
        if self.solver == "sgd":
            nesterov = bool(self.nesterovs_momentum and self.momentum > 0)
            return nn.SGD(module.parameters(), lr, momentum=self.momentum, nesterov=nesterov)
        if self.solver == "adam":
            return nn.Adam(module.parameters(), lr, **adam)
        if self.solver == "adamw":
            return nn.AdamW(nn.param_groups(module, self.alpha), lr, **adam)
        return nn.RMSprop(module.parameters(), lr, eps=self.epsilon)
