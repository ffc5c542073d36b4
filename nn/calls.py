"""Calls of whole models: as functions of their parameters, and with the output of each layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import autograd_core as ag
from nn.errors import StateError, listed
from nn.module import Module, Parameter, ending, evaluating, output_watcher


def innermost_outputs(model: Module, *inputs: Any) -> list[tuple[str, Module, Any]]:
    """Return the name and output of each innermost module for inputs, in the order of running.

    The model runs in evaluation mode and records nothing.
    """
    found: list[tuple[str, Module, Any]] = []
    names = {id(m): n for n, m in model.named_modules() if len(list(m.named_modules())) == 1}

    def note(module: Module, out: Any) -> None:
        if id(module) in names:
            found.append((names[id(module)], module, out))

    token = output_watcher.set(note)
    try:
        with evaluating(model), ag.no_grad():
            model(*inputs)
    finally:
        output_watcher.reset(token)
    return found


def functional_call(model: Module, parameters: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
    """Return ``model(*args, **kwargs)`` as a function of its parameters and buffers.

    Derivatives and ``ag.vmap`` of functions then reach the parameters of a model.

    Parameters
    ----------
    model
        Its own parameters and their gradients are left as they are.
    parameters
        Arrays or Tensors by the names of :meth:`Module.named_parameters`, and arrays by those of
        :meth:`Module.named_buffers`; what is left out keeps its value.  A buffer that the model
        writes, as BatchNorm does in training, is written in place.

    Raises
    ------
    StateError
        For a name or a shape that the model does not have.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn
    >>> model = nn.Linear(2, 1, rng=0).to(np.float64)
    >>> weights = {name: p.numpy() for name, p in model.named_parameters()}
    >>> def loss(weights, x, y):
    ...     return nn.mse_loss(nn.functional_call(model, weights, x[None]), y[None])
    >>> x, y = np.ones((5, 2)), np.zeros((5, 1))
    >>> by_example = ag.vmap(ag.grad(loss), in_axes=(None, 0, 0))(weights, x, y)
    >>> {name: g.shape for name, g in by_example.items()}
    {'weight': (5, 1, 2), 'bias': (5, 1)}

    Each example's gradient clipped to a norm of 1 before the mean, as differential privacy asks:

    >>> norm = np.sqrt(sum(np.sum(g.reshape(5, -1) ** 2, axis=1) for g in by_example.values()))
    >>> share = np.minimum(1, 1 / norm) / 5
    >>> clipped = {name: np.tensordot(share, g, axes=1) for name, g in by_example.items()}
    >>> {name: g.shape for name, g in clipped.items()}
    {'weight': (1, 2), 'bias': (1,)}

    Ten models, trained at once by a stack of their parameters:

    >>> models = [nn.Linear(2, 1, rng=seed).to(np.float64) for seed in range(10)]
    >>> stack = {n: np.stack([m.state_dict()[n] for m in models]) for n in weights}
    >>> def whole(weights):
    ...     return nn.mse_loss(nn.functional_call(model, weights, x), y)
    >>> first = ag.vmap(whole)(stack)
    >>> for _ in range(10):
    ...     slopes = ag.vmap(ag.grad(whole))(stack)
    ...     stack = {name: w - 0.1 * slopes[name] for name, w in stack.items()}
    >>> bool((ag.vmap(whole)(stack) < first).all())
    True
    """
    own = dict(model._named_arrays("first"))
    unknown = [name for name in parameters if name not in own]
    if unknown:
        raise StateError(f"the model has no parameter {listed(unknown)}; it has {listed(own)}")
    new: dict[int, Any] = {}
    for name, value in parameters.items():
        if isinstance(own[name], Parameter) and not isinstance(value, ag.Tensor):
            value = ag.tensor(value)
        if value.shape != own[name].shape:
            raise StateError(f"{name} has shape {own[name].shape}, got {value.shape}")
        new[id(own[name])] = value
    before: list[tuple[dict[str, Any], str, Any]] = []

    def give_back() -> None:
        for attributes, key, value in before:
            attributes[key] = value

    with ending(give_back):
        for _, module in model.named_modules():
            attributes = vars(module)
            for key, value in list(attributes.items()):
                replaced = _replaced(value, new)
                if replaced is not value:
                    before.append((attributes, key, value))
                    attributes[key] = replaced
        return model(*args, **kwargs)


def _replaced(value: Any, new: Mapping[int, Any]) -> Any:
    """Return an attribute with other parameters or buffers; the same where nothing changes."""
    if id(value) in new:
        return new[id(value)]
    if type(value) in (list, tuple):
        members = [_replaced(v, new) for v in value]
        changed = any(a is not b for a, b in zip(members, value, strict=True))
        return type(value)(members) if changed else value
    if type(value) is dict:
        found = {k: _replaced(v, new) for k, v in value.items()}
        return found if any(found[k] is not v for k, v in value.items()) else value
    return value
