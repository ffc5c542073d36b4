"""Optimizer and SGD: how gradients become steps.  The update rules are PyTorch's.

Steps are taken in place, on the arrays inside the parameters, through one scratch array, so a
step allocates nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from nn.errors import StateError
from nn.parameter import Parameter

Group = dict[str, Any]

#: Forgets the gradients, computes the loss and its gradients, and returns the loss.
Closure = Callable[[], Any]


def _kind(setting: Any) -> Any:
    """What settings of one name have in common; JSON knows neither tuples nor int from float."""
    if isinstance(setting, (list, tuple)):
        return [_kind(s) for s in setting]
    if isinstance(setting, (int, float, np.number)) and not isinstance(setting, bool):
        return float
    return str if setting is None else type(setting)


class Optimizer:
    """Base class: parameter groups, their settings, and the state of each parameter.

    Parameters
    ----------
    parameters
        Parameters, or dicts ``{"params": [...], "lr": ..., ...}`` that override the settings.
    **settings
        The settings of a group, with their values where a group has none.

    Attributes
    ----------
    param_groups : list of dict
        The settings of each group and its ``"params"``.  To change a learning rate, assign
        ``group["lr"]``.
    """

    def __init__(self, parameters: Iterable[Any], **settings: Any) -> None:
        given = list(parameters)
        if not given:
            raise ValueError(
                f"{type(self).__name__} got no parameters (an iterator is empty after its first "
                "use; pass model.parameters() anew)"
            )
        if not isinstance(given[0], Mapping):
            given = [{"params": given}]
        self.param_groups: list[Group] = []
        for group in given:
            unknown = group.keys() - settings.keys() - {"params"}
            if unknown:
                raise ValueError(
                    f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}"
                )
            merged = {**settings, **group, "params": list(group["params"])}
            self._check(merged)
            self.param_groups.append(merged)
        everything = [p for group in self.param_groups for p in group["params"]]
        for p in everything:
            if not hasattr(p, "requires_grad"):
                raise TypeError(f"an optimizer takes Parameters, got {type(p).__name__}")
        if len({id(p) for p in everything}) < len(everything):
            raise ValueError("a parameter stands in the groups of an optimizer twice")
        self.state: dict[Parameter, dict[str, Any]] = {}
        self._scratch: dict[Any, Any] = {}

    def _check(self, group: Group) -> None:
        for name in ("lr", "weight_decay"):
            value = group[name]
            if not (isinstance(value, (int, float, np.number)) and 0 <= value < math.inf):
                raise ValueError(f"{type(self).__name__}: {name} is a number >= 0, got {value!r}")

    def zero_grad(self) -> None:
        """Forget every gradient: ``.grad`` becomes None."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def step(self, closure: Closure | None = None) -> Any:
        """Move every parameter that has a gradient.

        Parameters
        ----------
        closure
            Run first if it is given, as :class:`nn.LBFGS` needs it; its result is returned.
        """
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for p in group["params"]:
                gradient = p.grad
                if gradient is not None:
                    data = p.data if p.ndim else np.array(p.data)  # a lone number is no array
                    self.update(p, data, gradient.data, group)
                    p.data = data  # announces the write to the engine
        return loss

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        """Change ``data``, the array of ``p``, in place by one step along ``g``."""
        raise NotImplementedError

    def scratch(self, like: Any) -> Any:
        """An array of the shape and dtype of ``like`` to compute in; one for all parameters."""
        key = like.shape, like.dtype
        view = self._scratch.get(key)
        if view is None:
            flat = self._scratch.get(like.dtype)
            if flat is None or flat.size < like.size:
                self._scratch.clear()
                flat = self._scratch[like.dtype] = np.empty(like.size, like.dtype)
            view = self._scratch[key] = flat[: like.size].reshape(like.shape)
        return view

    def state_dict(self) -> dict[str, Any]:
        """Settings and state, by the number of each parameter; arrays are copies."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers[id(p)] = len(numbers)
            groups.append({**group, "params": [numbers[id(p)] for p in group["params"]]})
        state = {
            numbers[id(p)]: {k: v.copy() if hasattr(v, "copy") else v for k, v in s.items()}
            for p, s in self.state.items()
        }
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned; nothing changes if it does not fit.

        Raises
        ------
        StateError
            If groups, the number of parameters, or a shape differ.
        """
        groups, state = saved["param_groups"], saved["state"]
        sizes = [len(g["params"]) for g in groups]
        own = [len(g["params"]) for g in self.param_groups]
        if sizes != own:
            raise StateError(
                f"a state of groups of {sizes} parameters does not fit groups of {own}"
            )
        everything = [p for group in self.param_groups for p in group["params"]]
        for number, values in state.items():
            if not 0 <= int(number) < len(everything):
                raise StateError(f"a state for parameter {number}, of {len(everything)}")
            for name, value in values.items():
                shape = everything[int(number)].shape
                if getattr(value, "shape", shape) not in ((), shape):
                    raise StateError(
                        f"the {name} of parameter {number} has shape {value.shape}, not {shape}"
                    )
                if not hasattr(value, "shape") and not isinstance(value, (int, float)):
                    raise StateError(f"the {name} of parameter {number} is {value!r}, no number")
        settings = [{k: v for k, v in g.items() if k != "params"} for g in groups]
        for group, new in zip(self.param_groups, settings, strict=True):
            if new.keys() != group.keys() - {"params"}:
                raise StateError(
                    f"a state with the settings {', '.join(new)} is not one of "
                    f"{type(self).__name__}"
                )
            for name, value in new.items():
                if _kind(value) != _kind(group[name]):
                    raise StateError(f"the setting {name} is {value!r}, before {group[name]!r}")
            self._check({**group, **new})
        for group, new in zip(self.param_groups, settings, strict=True):
            group.update(new)
        self.state = {
            everything[int(number)]: {
                k: v.astype(everything[int(number)].dtype) if isinstance(v, np.ndarray) else v
                for k, v in values.items()
            }
            for number, values in state.items()
        }


class SGD(Optimizer):
    """Gradient descent, with momentum where asked for.

    Parameters
    ----------
    parameters
        See :class:`Optimizer`.
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

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float,
        *,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        if group["momentum"] < 0:
            raise ValueError(f"SGD: momentum is a number >= 0, got {group['momentum']}")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("SGD: nesterov needs a momentum and no dampening")

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        s, momentum, decay = self.scratch(data), group["momentum"], group["weight_decay"]
        if decay:
            np.multiply(data, decay, out=s)
            g = np.add(s, g, out=s)
        if momentum:
            state = self.state.get(p)
            if state is None:
                v = self.state.setdefault(p, {"momentum": np.array(g)})["momentum"]
            else:
                v = state["momentum"]
                v *= momentum
                v += g if not group["dampening"] else (1 - group["dampening"]) * g
            g = g + momentum * v if group["nesterov"] else v
        data -= np.multiply(g, group["lr"], out=s)
