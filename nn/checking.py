"""``nn.gradcheck``: check the gradients of a module by its inputs and by every parameter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import autograd_core as ag
from nn.module import Module, Parameter, undisturbed

if TYPE_CHECKING:
    from autograd_core.checking import Report


def gradcheck(module: Callable[..., Any], *inputs: Any, **options: Any) -> Report:
    """Compare the gradients of a module, a loss or a function of both with finite differences.

    Parameters
    ----------
    module
        A module, which is checked by its inputs and by each of its parameters, in float64; or any
        function, such as ``nn.cross_entropy``, which is checked by its inputs.
    *inputs
        One sample of inputs; whole numbers (labels, indices) are passed on unchanged.
    **options
        Options of :func:`autograd_core.gradcheck`.  ``variants`` is False by default, because a
        module accepts no other shapes of its parameters.

    Returns
    -------
    Report
        Its findings name the parameters.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.gradcheck(nn.mlp([3, 4, 2], rng=0), np.ones((5, 3))).verdict
    'pass'
    >>> nn.gradcheck(nn.cross_entropy, np.eye(3), np.array([0, 2, 1])).verdict
    'pass'
    """
    options = {"variants": False, **options}
    if not isinstance(module, Module):
        return ag.gradcheck(module, *inputs, **options)
    parameters = dict(module.named_parameters())
    own: Module = module

    def run(*args: Any) -> Any:
        values = args[len(inputs) :]
        with (
            undisturbed(own),
            substituted(own, dict(zip(map(id, parameters.values()), values, strict=True))),
        ):
            return own(*args[: len(inputs)])

    names = [*_input_names(own, len(inputs)), *(name.replace(".", "_") for name in parameters)]
    run.__name__ = type(own).__name__
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(_identifier(n), inspect.Parameter.POSITIONAL_ONLY) for n in names]
    )
    return ag.gradcheck(run, *inputs, *(p.data for p in parameters.values()), **options)


def _input_names(module: Module, count: int) -> list[str]:
    given = list(inspect.signature(module.forward).parameters)
    return [given[i] if i < len(given) else f"input_{i}" for i in range(count)]


def _identifier(name: str) -> str:
    return name if name.isidentifier() else f"p{name}"


@contextmanager
def substituted(module: Module, values: dict[int, Any]) -> Iterator[None]:
    """Replace parameters by other values for a block.

    Parameters
    ----------
    module
        Its attributes, and the containers among them, are searched for the parameters.
    values
        The replacements by the ``id`` of each parameter.
    """
    undo: list[tuple[Any, Any, Any]] = []

    def replacement(value: Any) -> Any:
        if isinstance(value, Parameter) and id(value) in values:
            other = values[id(value)]
            return other if isinstance(other, ag.Tensor) else ag.tensor(other)
        if isinstance(value, tuple) and any(isinstance(v, Parameter) for v in value):
            return tuple(replacement(v) for v in value)
        return value

    def enter(container: Any, items: Any) -> None:
        for key, value in list(items):
            other = replacement(value)
            if other is not value:
                undo.append((container, key, value))
                container[key] = other
            elif isinstance(value, list):
                enter(value, enumerate(value))
            elif isinstance(value, dict):
                enter(value, value.items())

    try:
        for _, part in list(module.named_modules()):
            enter(vars(part), vars(part).items())
        yield
    finally:
        for container, key, value in reversed(undo):
            container[key] = value
