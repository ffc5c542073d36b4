"""Adam and AdamW: steps scaled by running means of the gradient and of its square."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn._pytorch import accepts_pytorch
from nn.module import Parameter
from nn.optim.optimizer import Group, Optimizer


class Adam(Optimizer):
    """Scale steps by running means of the gradient and of its square (Kingma, Ba, 2015).

    Parameters
    ----------
    parameters
        Parameters, or groups of them; see :class:`nn.Optimizer`.
    lr
        The step size, usually 1e-3.
    betas
        The weights of the old values in the two running means.
    eps
        Added to the denominator.
    weight_decay
        Adds ``weight_decay * w`` to each gradient.
    amsgrad
        Whether to divide by the largest running mean of squares so far, not by the last one
        (S. Reddi, S. Kale, S. Kumar, *On the convergence of Adam and beyond*, 2018).

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([1.0])
    >>> optimizer = nn.Adam([w], lr=0.1)
    >>> np.sum(w * w).backward()
    >>> optimizer.step()
    >>> w.data.round(4).tolist()
    [0.8999999761581421]
    """

    @accepts_pytorch
    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | None = None,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        more = {"amsgrad": True} if amsgrad else {}  # else the settings are those of version 0.1
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, **more)

    #: Whether weight decay shrinks the weights themselves, not through the gradient.
    decoupled = False

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        largest = ("largest",) if group.get("amsgrad") else ()
        state = self.state_of(p, data, "mean", "square", *largest)
        step = state["step"] = state.get("step", 0) + 1
        (a, b), lr, decay = group["betas"], group["lr"], group.get("weight_decay")
        # lr m / (1 - a^t) / (sqrt(v / (1 - b^t)) + eps), with its constants combined
        root = (1 - b**step) ** 0.5
        eps, factor = group["eps"] * root, lr * root / (1 - a**step)
        arrays = (state[name] for name in ("mean", "square", *largest))
        for w, d, mean, square, *most, s in self.parts(data, g, *arrays):
            if decay and self.decoupled:
                w *= 1 - lr * decay
            elif decay:
                d = d + decay * w
            mean *= a
            mean += np.multiply(d, 1 - a, out=s)
            square *= b
            np.multiply(d, d, out=s)
            s *= 1 - b
            square += s
            np.sqrt(np.maximum(most[0], square, out=most[0]) if most else square, out=s)
            s += eps
            np.divide(mean, s, out=s)
            s *= factor
            w -= s


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights themselves (I. Loshchilov, F. Hutter, 2019).

    Parameters are those of :class:`nn.Adam`, with a ``weight_decay`` of 0.01 by default; each
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

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | None = None,
        *,
        weight_decay: float = 0.01,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay, **settings)
