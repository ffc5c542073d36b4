"""Optimizer: the base class of all optimizers, and parameter groups.

The update rules are PyTorch's.  Steps are taken in place, on the arrays inside the parameters,
through one scratch array; large ones block by block, so that all passes but one are in the cache.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

import autograd_core as ag
from nn.errors import StateError
from nn.functional.blocks import BLOCK
from nn.module import Module, Parameter, check_set_to_none
from nn.placement import as_of, is_array

Group = dict[str, Any]

#: Drops the gradients, computes the loss and its gradients, and returns the loss.
Closure = Callable[[], Any]

#: The ranges of settings: their names, the range in words, and its end, which is left out.
_RANGES = (
    (("lr", "weight_decay", "momentum", "eps", "lr_decay"), "is a number >= 0", math.inf),
    (("alpha", "betas"), "lies in [0, 1)", 1.0),
)


def as_parameters(given: Any, name: str) -> list[Parameter]:
    """Return parameters as a list; one alone is a list of one.

    Raises
    ------
    TypeError
        For a module, or members that are not Tensors.
    ValueError
        For results of operations, which no step or clipping would change.
    """
    if isinstance(given, Module):
        raise TypeError(f"{name} takes parameters: write model.parameters()")
    found: list[Any] = [given] if isinstance(given, ag.Tensor) else list(given)
    for p in found:
        if not isinstance(p, ag.Tensor):
            named = isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], str)
            remedy = "; write model.parameters()" if named or isinstance(given, Mapping) else ""
            raise TypeError(f"{name} takes Parameters, got {type(p).__name__}{remedy}")
        if not p.is_leaf:
            raise ValueError(
                f"{name} got {p!r}, the result of an operation: changing it changes no Parameter; "
                "give the Parameters that it was computed from"
            )
    return found


def _json_type(setting: Any) -> Any:
    """Normalize a setting for comparison: JSON has no tuples and does not tell int from float."""
    if isinstance(setting, (list, tuple)):
        return [_json_type(s) for s in setting]
    if _is_number(setting):
        return float
    return str if setting is None else type(setting)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _form(groups: Iterable[Group]) -> list[tuple[int, str]]:
    """Return the number of parameters and the names of the settings of each group."""
    return [(len(g["params"]), ", ".join(sorted(g.keys() - {"params"}))) for g in groups]


class _Scratch(dict[Any, Any]):
    """Arrays to compute in, by shape and dtype; no result depends on what stands in them."""

    holds_state = False


class Optimizer:
    """Base class: parameter groups, their settings, and the state of each parameter.

    Parameters
    ----------
    parameters
        Parameters, or dicts ``{"params": [...], "lr": ..., ...}`` that override the settings.
    **settings
        The names of a group's settings, with the values for groups that do not give them; ``lr``
        may be None if every group gives its own.

    Attributes
    ----------
    param_groups : list of dict
        The settings of each group and its ``"params"``.  To change a learning rate, assign
        ``group["lr"]``.
    state : dict
        Arrays and numbers, by name, for each parameter.
    usual_lr : float
        The step size that errors about a missing one suggest.
    """

    usual_lr = 1e-3

    def __init__(self, parameters: Iterable[Any], **settings: Any) -> None:
        name = type(self).__name__
        if isinstance(parameters, ag.Tensor):
            raise TypeError(f"{name} takes a list of Parameters: write {name}([parameter], ...)")
        if isinstance(parameters, Mapping):
            raise TypeError(f"{name} takes a list of groups: write {name}([{{...}}], ...)")
        if isinstance(parameters, (set, frozenset)):
            raise TypeError(f"{name} takes Parameters in an order that stays; a set has none")
        given = parameters if isinstance(parameters, Module) else list(parameters)
        if not given:
            raise ValueError(
                f"{name} got no parameters (an iterator is empty after its first use; pass "
                "model.parameters() again)"
            )
        if isinstance(given, Module) or not isinstance(given[0], Mapping):
            given = [{"params": given}]
        self.param_groups: list[Group] = []
        self._defaults = settings
        for group in given:
            self.add_param_group(group)
        self.state: dict[Parameter, dict[str, Any]] = {}
        self._scratch = _Scratch()

    def add_param_group(self, group: Group) -> None:
        """Add a group, such as layers that are no longer frozen: ``{"params": [...], "lr": ...}``.

        Settings that it does not give are those with which the optimizer was made.
        """
        name = type(self).__name__
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError(f'{name}: a group is a dict with "params", got {group!r:.80}')
        unknown = group.keys() - self._defaults.keys() - {"params"}
        if unknown:
            raise ValueError(f"{name} has no setting {', '.join(sorted(unknown))}")
        merged = {**self._defaults, **group, "params": as_parameters(group["params"], name)}
        self._check(merged)
        held = [*self._parameters(), *merged["params"]]
        if len(set(map(id, held))) < len(held):
            raise ValueError("a parameter is in the groups of an optimizer twice")
        self.param_groups.append(merged)

    def _parameters(self) -> list[Parameter]:
        return [p for group in self.param_groups for p in group["params"]]

    def _check(self, group: Group) -> None:
        """Raise ValueError for a setting out of its range, TypeError for a missing one."""
        name = type(self).__name__
        if group.get("lr", 0) is None:
            raise TypeError(
                f"{name} needs a step size: {name}(parameters, lr={self.usual_lr:g}), say, which "
                "is what PyTorch takes"
            )
        for names, wanted, most in _RANGES:
            for setting in group.keys() & set(names):
                value = group[setting]
                pair = isinstance(value, (tuple, list)) and len(value) == 2
                values = value if setting == "betas" and pair else [value]
                if not all(_is_number(v) and 0 <= v < most for v in values) or (
                    setting == "betas" and not pair
                ):
                    wanted = "are two numbers in [0, 1)" if setting == "betas" else wanted
                    raise ValueError(f"{name}: {setting} {wanted}, got {value!r}")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop every gradient: ``.grad`` becomes None."""
        check_set_to_none(set_to_none)
        for p in self._parameters():
            p.grad = None

    def step(self, closure: Closure | None = None) -> Any:
        """Move every parameter that has a gradient.

        Parameters
        ----------
        closure
            Called first if it is given, as :class:`nn.LBFGS` needs it; its result is returned.
        """
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for p in group["params"]:
                gradient = p.grad
                if gradient is not None:
                    data = p.data if p.ndim else np.copy(p.data)  # a 0-d result is a scalar
                    self.update(p, data, gradient.data, group)
                    p.data = data  # announces the write to the engine
        return loss

    def update(self, p: Parameter, data: Any, g: Any, group: Group) -> None:
        """Change ``data``, the array of ``p``, in place by one step along the gradient ``g``."""
        raise NotImplementedError

    def state_of(self, p: Parameter, data: Any, *names: str) -> dict[str, Any]:
        """Return the state of ``p``; arrays of these names begin as zeros, shaped like ``data``."""
        state = self.state.setdefault(p, {})
        for name in names:
            if name not in state:
                state[name] = np.zeros_like(data)
        return state

    def parts(self, *arrays: Any) -> Iterator[tuple[Any, ...]]:
        """Yield blocks of arrays of one shape, each time with a scratch array of their shape."""
        size = arrays[0].size
        if size <= BLOCK or not all(a.flags.c_contiguous for a in arrays):
            yield *arrays, self.scratch(arrays[0])
            return
        flat = [a.reshape(-1) for a in arrays]
        for start in range(0, size, BLOCK):
            blocks = [a[start : start + BLOCK] for a in flat]
            yield *blocks, self.scratch(blocks[0])

    def scratch(self, like: Any) -> Any:
        """Return an array of the shape and dtype of ``like`` to compute in; all share memory."""
        if not isinstance(like, np.ndarray):
            return np.empty_like(like)
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
        """Return settings and state, by the number of each parameter; arrays are copies."""
        numbers = {id(p): i for i, p in enumerate(self._parameters())}
        groups = [
            {**group, "params": [numbers[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {
            numbers[id(p)]: {k: v.copy() if hasattr(v, "copy") else v for k, v in s.items()}
            for p, s in self.state.items()
        }
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned; nothing changes if it does not fit.

        Raises
        ------
        StateError
            If groups, the number of parameters, or a shape differ.
        """
        groups, state = saved["param_groups"], saved["state"]
        if _form(groups) != _form(self.param_groups):
            raise StateError(
                f"a state with groups of {str(_form(groups))[:200]} does not fit "
                f"{type(self).__name__} with groups of {_form(self.param_groups)}"
            )
        parameters = self._parameters()
        for number, values in state.items():
            if not 0 <= int(number) < len(parameters):
                raise StateError(
                    f"a state for parameter {number} does not fit {len(parameters)} parameters"
                )
            shape = parameters[int(number)].shape
            for name, value in values.items():
                label = f"the {name} of parameter {number}"
                ours = type(self).__module__.startswith("nn.optim")  # others may factor theirs
                if ours and getattr(value, "shape", shape) not in ((), shape):
                    raise StateError(f"{label} has shape {value.shape}, expected {shape}")
                if not hasattr(value, "shape") and not isinstance(value, (int, float)):
                    raise StateError(f"{label} is {value!r}, expected a number or an array")
        settings = [{k: v for k, v in g.items() if k != "params"} for g in groups]
        for group, new in zip(self.param_groups, settings, strict=True):
            for name, value in new.items():
                if _json_type(value) != _json_type(group[name]):
                    raise StateError(f"the setting {name} is {value!r}, before {group[name]!r}")
            self._check({**group, **new})
        for group, new in zip(self.param_groups, settings, strict=True):
            group.update(new)
        self.state = {
            p: {k: as_of(v.astype(p.dtype), p) if is_array(v) else v for k, v in values.items()}
            for p, values in ((parameters[int(number)], state[number]) for number in state)
        }


def param_groups(model: Module, weight_decay: float) -> list[Group]:
    """Return two groups for an optimizer: weights, which decay, and biases and norms, which do not.

    Parameters with fewer than two axes are biases or belong to norms.

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
