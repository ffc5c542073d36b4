"""SGD: stochastic gradient descent, with momentum."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn._pytorch import accepts_pytorch
from nn.module import Parameter
from nn.optim.optimizer import Group, Optimizer


class SGD(Optimizer):
    """Gradient descent, optionally with momentum.

    Parameters
    ----------
    parameters
        Parameters, or groups of them; see :class:`nn.Optimizer`.
    lr
        The step size, eta.
    momentum, dampening
        The direction is ``v = momentum v + (1 - dampening) g``; at the first step ``v = g``.
    nesterov
        Step along ``g + momentum v`` instead (Nesterov, 1983; Sutskever et al., 2013).
    weight_decay
        Adds ``weight_decay * w`` to each gradient.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([1.0, -2.0])
    >>> optimizer = nn.SGD([w], lr=0.25)
    >>> np.sum(w * w).backward()
    >>> optimizer.step()
    >>> w
    Parameter([ 0.5, -1. ], float32, requires_grad)
    """

    @accepts_pytorch
    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | None = None,
        *,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        settings = {"momentum": momentum, "dampening": dampening, "nesterov": nesterov}
        super().__init__(parameters, lr=lr, weight_decay=weight_decay, **settings)

    def _check(self, group: Group) -> None:
        super()._check(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("SGD: nesterov needs a momentum and no dampening")

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        momentum, decay, first = group["momentum"], group.get("weight_decay"), p not in self.state
        kept = [self.state_of(p, data, "momentum")["momentum"]] if momentum else []
        for w, d, *velocity, s in self.parts(data, g, *kept):
            if decay:
                d = np.add(np.multiply(w, decay, out=s), d, out=s)
            for v in velocity:
                v *= momentum
                v += d if first or not group["dampening"] else (1 - group["dampening"]) * d
                d = d + momentum * v if group["nesterov"] else v
            w -= np.multiply(d, group["lr"], out=s)
