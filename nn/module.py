"""Parameter and Module: what is trained, and the tree of layers that holds it.

A module is any class with a ``forward``.  Its parameters are found by walking its attributes, and
the lists, tuples and dicts among them, in the order of definition; a parameter that is used twice
counts once.  There is nothing to register and no ``super().__init__()`` to forget.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, ParamSpec, Protocol, Self, TypeVar

import numpy as np

import autograd_core as ag
from autograd_core import scopes
from nn.errors import StateError

Array = np.ndarray[Any, Any]

_P = ParamSpec("_P")
_R_co = TypeVar("_R_co", covariant=True)


class _HasForward(Protocol[_P, _R_co]):
    """Any module, for type checkers: calling it takes and returns what its ``forward`` does."""

    def forward(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co: ...


class Parameter(ag.Tensor):
    """A Tensor that requires gradients and that a :class:`nn.Module` recognizes by its type.

    Parameters
    ----------
    data
        Anything ``np.array`` takes; it is copied.
    dtype
        float32 by default, whatever the dtype of ``data``.
    name
        The name that pictures and errors show.

    Examples
    --------
    >>> import nn
    >>> nn.Parameter([1.0, 2.0])
    Parameter([1., 2.], float32, requires_grad)
    """

    __slots__ = ()

    def __init__(self, data: Any, *, dtype: Any = np.float32, name: str | None = None) -> None:
        super().__init__(data, requires_grad=True, dtype=dtype, name=name)


class Unmatched(NamedTuple):
    """Names that ``load_state_dict(strict=False)`` skipped."""

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

    #: Names of the attributes that are arrays and part of the state, but not trained.
    buffers: tuple[str, ...] = ()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result of the module; every subclass defines this method."""
        raise NotImplementedError(
            f"{type(self).__name__} defines no forward(), which calling a module runs"
        )

    def __call__(self: _HasForward[_P, _R_co], *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        start = next(scopes.clock)
        result = self.forward(*args, **kwargs)
        scopes.note(self, start, result)  # lets a picture group the operations of this module
        return result

    # -- contents -----------------------------------------------------------------------------

    def members(self) -> Iterable[tuple[str, Any]]:
        """Return the attributes to search for modules and parameters, with their names."""
        return vars(self).items()

    def _walk(self) -> Iterator[tuple[str, Any]]:
        """Yield every module (itself first) and parameter once, with its dotted name."""
        seen: set[int] = set()
        stack: list[tuple[str, Any]] = [("", self)]
        while stack:
            name, value = stack.pop()
            inner: Iterable[tuple[Any, Any]] = ()
            if isinstance(value, Module):
                inner = value.members()
            elif isinstance(value, dict):
                inner = value.items()
            elif isinstance(value, (list, tuple)):
                inner = enumerate(value)
            elif not isinstance(value, Parameter):
                continue
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, (Module, Parameter)):
                yield name, value
            stack += reversed([(f"{name}.{k}" if name else str(k), v) for k, v in inner])

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module (named ``""``) and every module inside it, with dotted names."""
        return ((name, m) for name, m in self._walk() if isinstance(m, Module))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter with its dotted name, such as ``"0.weight"``."""
        return ((name, p) for name, p in self._walk() if isinstance(p, Parameter))

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """Yield every untrained array of the state (running statistics) with its dotted name."""
        for name, module in self.named_modules():
            for key in module.buffers:
                yield (f"{name}.{key}" if name else key), getattr(module, key)

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter, in the order of definition."""
        return (p for _, p in self.named_parameters())

    def __repr__(self) -> str:
        inner = [f"  ({n}): {m!r}" for n, m in self.named_modules() if n and "." not in n]
        body = "\n".join(line.replace("\n", "\n  ") for line in inner)
        return f"{type(self).__name__}({self.describe()}" + (f"\n{body}\n)" if body else ")")

    def describe(self) -> str:
        """Return the settings that ``repr`` shows between the brackets."""
        return ""

    # -- mode, dtype, gradients ---------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all inside it to training (or, with False, to evaluation)."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch to evaluation; ``with nn.evaluating(model):`` also switches back."""
        return self.train(False)

    def to(self, dtype: Any) -> Self:
        """Cast every parameter, and its gradient, to a floating-point ``dtype``, in place."""
        dtype = np.dtype(dtype)
        if dtype.kind not in "fc":
            raise TypeError(
                f"parameters are floating-point numbers and cannot be cast to {dtype}; "
                "use a dtype such as np.float32"
            )
        for p in self.parameters():
            gradient = p.grad
            p.data = p.data.astype(dtype)
            p.grad = None if gradient is None else gradient.detach().astype(dtype)
        for _, module in self.named_modules():
            for key in module.buffers:
                array = getattr(module, key)
                if array.dtype.kind in "fc":
                    setattr(module, key, array.astype(dtype))
        return self

    def zero_grad(self) -> None:
        """Drop every gradient: ``.grad`` becomes None."""
        for p in self.parameters():
            p.grad = None

    # -- state --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of every parameter and buffer by its dotted name, which is PyTorch's.

        Examples
        --------
        >>> import nn
        >>> {k: v.shape for k, v in nn.mlp([2, 4, 1]).state_dict().items()}
        {'0.weight': (4, 2), '0.bias': (4,), '2.weight': (1, 4), '2.bias': (1,)}
        """
        return {name: a.copy() for name, a in self._state().items()}

    def _state(self) -> dict[str, Array]:
        """Return every parameter and buffer by its dotted name, not copied."""
        parameters = {name: p.data for name, p in self.named_parameters()}
        return {**parameters, **dict(self.named_buffers())}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Unmatched:
        """Copy the arrays of ``state`` into the parameters and buffers of the same names.

        Parameters
        ----------
        state
            Name to array (or PyTorch tensor on the CPU); cast to each parameter's dtype.
        strict
            Whether names must agree exactly.  Shapes always must.

        Returns
        -------
        Unmatched
            The names that were skipped; none when ``strict``.

        Raises
        ------
        StateError
            Lists all missing, unexpected and wrong-shaped entries at once; nothing has been
            changed then.
        """
        own = self._state()
        arrays = {name: np.asarray(state[name]) for name in own if name in state}
        unmatched = Unmatched(
            [n for n in own if n not in state], [n for n in state if n not in own]
        )
        problems = [
            f"{name} has shape {a.shape}, expected {own[name].shape}"
            for name, a in arrays.items()
            if a.shape != own[name].shape
        ] + [
            f"{name} holds {a.dtype}, which cannot be cast to {own[name].dtype}"
            for name, a in arrays.items()
            if a.dtype.kind not in "biuf" and not np.can_cast(a.dtype, own[name].dtype, "same_kind")
        ]
        if strict:
            named = unmatched._asdict().items()
            problems += [f"{what}: {', '.join(names)}" for what, names in named if names]
        if problems:
            raise StateError(
                f"this state does not fit {type(self).__name__}, nothing was loaded: "
                + "; ".join(problems)
            )
        parameters = dict(self.named_parameters())
        for name, a in arrays.items():
            if name in parameters:
                parameters[name].data = a.astype(own[name].dtype)
            else:
                own[name][...] = a
        return unmatched


@contextmanager
def restored_modes(model: Module) -> Iterator[None]:
    """Restore, after a block, whether each module of ``model`` is in training or evaluation."""
    modes = [(m, m.training) for _, m in model.named_modules()]

    def restore() -> None:
        for module, mode in modes:
            module.training = mode

    try:
        try:
            yield
        finally:
            restore()
    finally:  # once more, for an interrupt in the first
        restore()


@contextmanager
def evaluating(model: Module) -> Iterator[Module]:
    """Switch ``model`` to evaluation for a block, and restore the mode of each module after it.

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
    with restored_modes(model):
        model.eval()
        yield model


def innermost_outputs(model: Module, *inputs: Any) -> list[tuple[str, Module, Any]]:
    """Return the name and output of each innermost module for inputs, in the order of running.

    The model runs in evaluation mode and records nothing.
    """
    found: list[tuple[str, Module, Any]] = []

    def recorded(name: str, module: Module) -> Any:
        forward = module.forward

        def run(*args: Any, **kwargs: Any) -> Any:
            out = forward(*args, **kwargs)
            found.append((name, module, out))
            return out

        return run

    innermost = [(n, m) for n, m in model.named_modules() if len(list(m.named_modules())) == 1]
    try:
        for name, module in innermost:
            vars(module)["forward"] = recorded(name, module)
        with evaluating(model), ag.no_grad():
            model(*inputs)
    finally:
        for _, module in innermost:
            vars(module).pop("forward", None)
    return found
