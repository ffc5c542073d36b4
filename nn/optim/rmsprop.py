"""RMSprop: steps divided by the root of a running mean of the squared gradient."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn._pytorch import accepts_pytorch
from nn.module import Parameter
from nn.optim.optimizer import Group, Optimizer


class RMSprop(Optimizer):
    """Divide steps by the root of a running mean of the squared gradient (G. Hinton, 2012).

    Parameters
    ----------
    parameters
        Parameters, or groups of them; see :class:`nn.Optimizer`.
    lr
        The step size, usually 1e-3 or 1e-2.
    alpha
        The weight of the old value in the running mean.
    eps
        Added to the root.
    weight_decay
        Adds ``weight_decay * w`` to each gradient.
    momentum
        The share of the last step that is added to the next.
    centered
        Whether the variance takes the place of the mean square: the square of a running mean of
        the gradient is subtracted.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([1.0])
    >>> optimizer = nn.RMSprop([w], lr=0.01)
    >>> np.sum(w * w).backward()
    >>> optimizer.step()
    >>> w.data.round(4).tolist()
    [0.8999999761581421]
    """

    usual_lr = 1e-2

    @accepts_pytorch
    def __init__(
        self, parameters: Iterable[Any], lr: float | None = None, *, alpha: float = 0.99,
        eps: float = 1e-8, weight_decay: float = 0.0, momentum: float = 0.0, centered: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            parameters, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay,
            momentum=momentum, centered=centered,
        )  # fmt: skip

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        alpha, momentum, decay = group["alpha"], group["momentum"], group.get("weight_decay")
        names = ["square", *["mean"] * group["centered"], *["momentum"] * bool(momentum)]
        state = self.state_of(p, data, *names)
        for w, d, square, *others, s in self.parts(data, g, *(state[name] for name in names)):
            if decay:
                d = d + decay * w
            square *= alpha
            np.multiply(d, d, out=s)
            s *= 1 - alpha
            square += s
            np.copyto(s, square)
            if group["centered"]:
                mean = others.pop(0)
                mean += (1 - alpha) * (d - mean)
                s -= mean * mean
            np.sqrt(s, out=s)
            s += group["eps"]
            np.divide(d, s, out=s)
            if momentum:
                (v,) = others
                v *= momentum
                v += s
                np.copyto(s, v)
            s *= group["lr"]
            w -= s
