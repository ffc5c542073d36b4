"""Module: something with parameters and a ``forward``; the state of a network.

A module is any subclass with a ``forward``.  Its parameters are found by walking its
attributes, and lists, tuples and dicts among them, in the order of definition; each counts
once, by identity.  There is nothing to register and no ``super().__init__()`` to forget.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from autograd_core.engine.scopes import clock, note
from nn.errors import StateError
from nn.parameter import Parameter


class Unmatched(NamedTuple):
    """What ``load_state_dict(strict=False)`` passed over."""

    missing: list[str]
    unexpected: list[str]


class Module:
    """Base class of layers and networks.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class Scale(nn.Module):
    ...     def __init__(self, n):
    ...         self.gain = nn.Parameter(np.ones(n))
    ...     def forward(self, x):
    ...         return x * self.gain
    >>> scale = Scale(2)
    >>> scale(np.array([1.0, 2.0], np.float32))
    Tensor([1., 2.], float32, made by multiply)
    >>> [name for name, _ in scale.named_parameters()]
    ['gain']
    """

    training: bool = True

    #: The names of attributes that are arrays and part of the state, but not trained.
    buffers: tuple[str, ...] = ()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass defines it."""
        raise NotImplementedError(
            f"{type(self).__name__} defines no forward(); a module is called through it"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        start = next(clock)
        result = self.forward(*args, **kwargs)
        note(self, start, result)  # so that a picture can tell which operations are its own
        return result

    # -- what is inside -----------------------------------------------------------------------

    def members(self) -> Iterable[tuple[str, Any]]:
        """The attributes in which modules and parameters are looked for, with their names."""
        return vars(self).items()

    def _walk(self) -> Iterator[tuple[str, Any]]:
        """Every module (itself first) and parameter below, once each, with its dotted name."""
        seen: set[int] = set()
        stack: list[tuple[str, Any]] = [("", self)]
        while stack:
            name, value = stack.pop()
            inner: Iterable[tuple[Any, Any]]
            if isinstance(value, Module):
                inner = value.members()
            elif isinstance(value, dict):
                inner = value.items()
            elif isinstance(value, (list, tuple)):
                inner = enumerate(value)
            elif isinstance(value, Parameter):
                inner = ()
            else:
                continue
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, (Module, Parameter)):
                yield name, value
            stack += reversed([(f"{name}.{k}" if name else str(k), v) for k, v in inner])

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (its name is ``""``) and every one inside it."""
        return ((name, m) for name, m in self._walk() if isinstance(m, Module))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its dotted name, ``"0.weight"``."""
        return ((name, p) for name, p in self._walk() if isinstance(p, Parameter))

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
        """Every array that is state and not trained (running statistics), with its dotted name."""
        for name, module in self.named_modules():
            for key in module.buffers:
                yield (f"{name}.{key}" if name else key), getattr(module, key)

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter, in the order of definition."""
        return (p for _, p in self.named_parameters())

    def __repr__(self) -> str:
        inner = [f"  ({n}): {m!r}" for n, m in self.named_modules() if n and "." not in n]
        body = "\n".join(line.replace("\n", "\n  ") for line in inner)
        return f"{type(self).__name__}({self.describe()}" + (f"\n{body}\n)" if body else ")")

    def describe(self) -> str:
        """What ``repr`` puts between the brackets."""
        return ""

    # -- mode, dtype, gradients ---------------------------------------------------------------

    def train(self, mode: bool = True) -> Module:
        """Switch this module and all inside it to training (or, with False, to evaluation)."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch to evaluation; ``with nn.evaluating(model):`` also switches back."""
        return self.train(False)

    def to(self, dtype: Any) -> Module:
        """Cast every parameter, and its gradient, to a floating-point ``dtype``, in place."""
        dtype = np.dtype(dtype)
        if dtype.kind not in "fc":
            raise TypeError(f"parameters are floating-point numbers; cannot cast them to {dtype}")
        for p in self.parameters():
            gradient = p.grad
            p.data = p.data.astype(dtype)
            p.grad = None if gradient is None else gradient.detach().astype(dtype)
        for module in (m for _, m in self.named_modules()):
            for key in module.buffers:
                array = getattr(module, key)
                if array.dtype.kind in "fc":
                    setattr(module, key, array.astype(dtype))
        return self

    def zero_grad(self) -> None:
        """Forget every gradient: ``.grad`` becomes None."""
        for p in self.parameters():
            p.grad = None

    # -- state --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """A copy of every parameter and buffer by its dotted name, as PyTorch calls it.

        Examples
        --------
        >>> import nn
        >>> {k: v.shape for k, v in nn.mlp([2, 4, 1]).state_dict().items()}
        {'0.weight': (4, 2), '0.bias': (4,), '2.weight': (1, 4), '2.bias': (1,)}
        """
        return {name: a.copy() for name, a in self._state().items()}

    def _state(self) -> dict[str, np.ndarray[Any, Any]]:
        """The arrays themselves."""
        return {
            **{name: p.data for name, p in self.named_parameters()},
            **dict(self.named_buffers()),
        }

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Unmatched:
        """Copy the arrays of ``state`` into the parameters of the same names.

        Parameters
        ----------
        state
            Name to array (or PyTorch tensor on the CPU); cast to each parameter's dtype.
        strict
            Whether names must agree exactly.  Shapes always must.

        Raises
        ------
        StateError
            One error that lists all missing, unexpected and wrong-shaped entries; nothing has
            been changed then.
        """
        own = self._state()
        arrays = {name: np.asarray(state[name]) for name in own if name in state}
        missing = [name for name in own if name not in state]
        unexpected = [name for name in state if name not in own]
        wrong = [
            f"{name} has shape {a.shape}, expected {own[name].shape}"
            for name, a in arrays.items()
            if a.shape != own[name].shape
        ]
        wrong += [
            f"{name} holds {a.dtype}, which does not become {own[name].dtype}"
            for name, a in arrays.items()
            if a.dtype.kind not in "biuf" and not np.can_cast(a.dtype, own[name].dtype, "same_kind")
        ]
        problems = [*wrong]
        if strict:
            problems += [f"missing: {', '.join(missing)}"] if missing else []
            problems += [f"unexpected: {', '.join(unexpected)}"] if unexpected else []
        if problems:
            raise StateError(
                f"this state is not one of {type(self).__name__}, nothing was loaded: "
                + "; ".join(problems)
            )
        parameters = dict(self.named_parameters())
        for name, a in arrays.items():
            if name in parameters:
                parameters[name].data = a.astype(own[name].dtype)
            else:
                own[name][...] = a
        return Unmatched(missing, unexpected)


@contextmanager
def evaluating(model: Module) -> Iterator[Module]:
    """Switch ``model`` to evaluation for a block, and each module back to its own mode after it.

    Examples
    --------
    >>> import nn
    >>> model = nn.Linear(2, 1)
    >>> with nn.evaluating(model):
    ...     model.training
    False
    >>> model.training
    True
    """
    modes = [(m, m.training) for _, m in model.named_modules()]
    try:
        model.eval()
        yield model
    finally:
        for module, mode in modes:
            module.training = mode
