"""Adagrad: steps divided by the root of the sum of all squared gradients."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn._pytorch import accepts_pytorch
from nn.module import Parameter
from nn.optim.optimizer import Group, Optimizer


class Adagrad(Optimizer):
    """Divide steps by the root of the sum of all squared gradients (J. Duchi and others, 2011).

    Parameters
    ----------
    parameters
        Parameters, or groups of them; see :class:`nn.Optimizer`.
    lr
        The step size, usually 1e-2.
    lr_decay
        The step size is ``lr / (1 + (t - 1) lr_decay)`` at step t.
    weight_decay
        Adds ``weight_decay * w`` to each gradient.
    eps
        Added to the root.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([1.0])
    >>> optimizer = nn.Adagrad([w], lr=0.1)
    >>> np.sum(w * w).backward()
    >>> optimizer.step()
    >>> w.data.round(4).tolist()
    [0.8999999761581421]
    """

    usual_lr = 1e-2

    @accepts_pytorch
    def __init__(
        self, parameters: Iterable[Any], lr: float | None = None, *, lr_decay: float = 0.0,
        weight_decay: float = 0.0, eps: float = 1e-10,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        state, decay = self.state_of(p, data, "sum"), group.get("weight_decay")
        step = state["step"] = state.get("step", 0) + 1
        for w, d, total, s in self.parts(data, g, state["sum"]):
            if decay:
                d = d + decay * w
            total += np.multiply(d, d, out=s)
            np.sqrt(total, out=s)
            s += group["eps"]
            np.divide(d, s, out=s)
            s *= group["lr"] / (1 + (step - 1) * group["lr_decay"])
            w -= s
