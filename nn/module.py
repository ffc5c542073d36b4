"""Parameter and Module: what is trained, and the tree of layers that holds it.

A module is any class with a ``forward``.  Its parameters are found by walking its attributes, and
the lists, tuples and dicts among them, in the order of definition; a parameter that is used twice
counts once.  There is nothing to register and no ``super().__init__()`` to forget.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple, ParamSpec, Protocol, Self, TypeVar

import numpy as np

import autograd_core as ag
from autograd_core import scopes
from nn._pytorch import Answers, accepts_pytorch
from nn.errors import StateError, listed
from nn.placement import as_of, conversion, plain_array

Array = np.ndarray[Any, Any]

_P = ParamSpec("_P")
_R_co = TypeVar("_R_co", covariant=True)


class _HasForward(Protocol[_P, _R_co]):
    """Any module, for type checkers: calling it takes and returns what its ``forward`` does."""

    takes_array: bool
    _hooks: Any

    def _forward_with_hooks(self, *args: Any, **kwargs: Any) -> Any: ...

    def parameters(self) -> Iterator[Parameter]: ...

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


def check_counts(owner: object, **counts: Any) -> None:
    """Raise ValueError unless all settings of a module are whole numbers from 1 up."""
    for name, value in counts.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < 1:
            raise ValueError(
                f"{type(owner).__name__}: {name} is a whole number from 1 up, got {value!r}"
            )


def check_range(owner: object, low: float, high: float, **settings: Any) -> None:
    """Raise ValueError unless all settings of a module are finite numbers in a range."""
    for name, value in settings.items():
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not number or not low <= value <= high or math.isinf(value):
            bounds = f"from {low:g} up" if math.isinf(high) else f"from {low:g} to {high:g}"
            raise ValueError(f"{type(owner).__name__}: {name} is a number {bounds}, got {value!r}")


def check_set_to_none(set_to_none: bool) -> None:
    """Raise ValueError for PyTorch's ``zero_grad(set_to_none=False)``, which would keep zeros."""
    if not set_to_none:
        raise ValueError(
            "zero_grad drops gradients, as set_to_none=True does in PyTorch; zeros in their place "
            "would make optimizers with momentum or weight decay move parameters without a gradient"
        )


class Unmatched(NamedTuple):
    """Names that ``load_state_dict(strict=False)`` skipped."""

    missing: list[str]
    unexpected: list[str]


#: By identity, ``training`` of the modules that :func:`evaluating` overrides, here: in this thread.
_modes: ContextVar[dict[int, bool] | None] = ContextVar("modes", default=None)
scopes.contexts.append(_modes)

#: A function that is told the result of each module that runs in this thread or task.
output_watcher: ContextVar[Any] = ContextVar("watcher", default=None)


class Module(Answers):
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

    #: Names of the attributes that are arrays and part of the state, but not trained; those that
    #: base classes name are included.
    buffers: tuple[str, ...] = ()

    #: Whether the first argument of ``forward`` is one array, which a list of numbers becomes.
    takes_array = False

    #: What is called before ``forward`` (True) or after it; None where there never was anything.
    _hooks: dict[int, tuple[bool, Callable[..., Any]]] | None = None

    @accepts_pytorch
    def __init__(self) -> None:
        """Make a module without settings; subclasses need not call it."""

    @property
    def training(self) -> bool:
        """Whether the module is in training, here: :func:`evaluating` overrides its own mode."""
        mode: bool = vars(self).get("training", True)
        overridden = _modes.get()
        return mode if overridden is None else overridden.get(id(self), mode)

    @training.setter
    def training(self, mode: bool) -> None:
        vars(self)["training"] = bool(mode)
        overridden = _modes.get()
        if overridden is not None and id(self) in overridden:  # what is said last holds here
            _modes.set({**overridden, id(self): bool(mode)})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if isinstance(cls.buffers, str):
            raise TypeError(f'buffers is a tuple of names: write buffers = ("{cls.buffers}",)')
        for name, value in vars(cls).items():
            if isinstance(value, _MEMBERS):
                raise TypeError(
                    f"{cls.__name__}.{name} is a {type(value).__name__} of the class, which its "
                    "instances would share and none would find; make it in __init__"
                )
        inherited = [name for base in cls.__bases__ for name in getattr(base, "buffers", ())]
        cls.buffers = tuple(dict.fromkeys((*inherited, *cls.buffers)))

    def __setattr__(self, name: str, value: Any) -> None:
        before, kind = vars(self).get(name), type(value).__name__
        if isinstance(before, Parameter) and not (value is None or isinstance(value, Parameter)):
            raise TypeError(
                f"{type(self).__name__}.{name} is a Parameter, and the {kind} assigned to it would "
                f"not be trained or saved; to change its values write .{name}.data = array.copy(), "
                f"to replace it .{name} = nn.Parameter(array), and then make the optimizer again"
            )
        if isinstance(value, _NOT_SEARCHED) and any(isinstance(v, _MEMBERS) for v in value):
            raise TypeError(
                f"{type(self).__name__}.{name} is a {kind}, in which modules and parameters are "
                "not found; use a list, a tuple or a dict"
            )
        if name == "buffers":
            value = tuple(dict.fromkeys((*type(self).buffers, *value)))
        elif name in self.buffers:
            if isinstance(value, ag.Tensor):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a buffer, a plain array, got a {kind}; "
                    "write tensor.detach().numpy(), or take it out of buffers"
                )
            value = np.asarray(value) if np.isscalar(value) or isinstance(value, list) else value
        object.__setattr__(self, name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result of the module; every subclass defines this method."""
        raise NotImplementedError(
            f"{type(self).__name__} defines no forward(), which calling a module runs"
        )

    def __call__(self: _HasForward[_P, _R_co], *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        if self.takes_array and args and isinstance(args[0], (list, tuple)):
            dtype = next((p.dtype for p in self.parameters()), np.float32)
            args = (ag.array(args[0]).astype(dtype), *args[1:])  # type: ignore[assignment]
        if scopes.is_drawn():
            args, kwargs = scopes.as_tensors(args), scopes.as_tensors(kwargs)
        start = next(scopes.clock)
        forward = self.forward if self._hooks is None else self._forward_with_hooks
        result = forward(*args, **kwargs)
        scopes.note(self, start, result, args, kwargs)  # lets a picture group its operations
        watcher = output_watcher.get()
        if watcher is not None:
            watcher(self, result)
        return result

    # -- contents -----------------------------------------------------------------------------

    def members(self) -> Iterable[tuple[str, Any]]:
        """Return the attributes to search for modules and parameters, with their names."""
        return vars(self).items()

    def _walk(self, names: str = "first") -> Iterator[tuple[str, Any]]:
        """Yield every module (itself first) and parameter, with its dotted name.

        Those that are found in several places are yielded once, or with ``names="every"`` by the
        name of each place.
        """
        seen: set[int] = set()
        stack: list[tuple[str, Any, frozenset[int]]] = [("", self, frozenset())]
        while stack:
            name, value, around = stack.pop()
            inner: Iterable[tuple[Any, Any]] = ()
            if isinstance(value, Module):
                inner = value.members()
            elif isinstance(value, Mapping):
                inner = value.items()
            elif isinstance(value, (list, tuple)):
                inner = enumerate(value)
            elif not isinstance(value, Parameter):
                continue
            if id(value) in (around if names == "every" else seen):
                continue
            seen.add(id(value))
            around = around | {id(value)}
            if isinstance(value, (Module, Parameter)):
                yield name, value
            found = [(f"{name}.{k}" if name else str(k), v, around) for k, v in inner]
            stack += reversed(found)

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module (named ``""``) and every module inside it, with dotted names."""
        return ((name, m) for name, m in self._walk() if isinstance(m, Module))

    def modules(self) -> Iterator[Module]:
        """Yield this module and every module inside it."""
        return (m for _, m in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules that are attributes, or in lists, tuples and dicts, of this one."""
        inside = {n: m for n, m in self.named_modules() if n}
        for name, module in inside.items():
            parts = name.split(".")
            if not any(".".join(parts[:i]) in inside for i in range(1, len(parts))):
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the modules that are attributes, or in lists, tuples and dicts, of this one."""
        return (m for _, m in self.named_children())

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call a function of a module for every module inside this one, and then for this one.

        Examples
        --------
        >>> import nn
        >>> def orthogonal(m):
        ...     if isinstance(m, nn.Linear):
        ...         m.weight.data = nn.init.orthogonal(m.weight.shape, rng=0)
        >>> model = nn.mlp([3, 3, 3]).apply(orthogonal)
        """
        for module in reversed([*self.modules()]):
            function(module)
        return self

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter with its dotted name, such as ``"0.weight"``."""
        return ((name, p) for name, p in self._walk() if isinstance(p, Parameter))

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """Yield every untrained array of the state (running statistics) with its dotted name."""
        arrays = self._named_arrays("first")
        return ((name, a) for name, a in arrays if not isinstance(a, Parameter))

    def _named_arrays(self, names: str) -> Iterator[tuple[str, Any]]:
        """Yield every parameter, and then every buffer, with its dotted name, as _walk does."""
        found = list(self._walk(names))
        yield from ((name, p) for name, p in found if isinstance(p, Parameter))
        for name, module in found:
            for key in getattr(module, "buffers", ()):
                yield (f"{name}.{key}" if name else key), module._buffer(key)

    def _buffer(self, name: str) -> Array:
        """Return the array of a buffer."""
        value: Any = getattr(self, name, None)
        if not hasattr(value, "astype"):
            raise StateError(
                f"{type(self).__name__} names {name!r} among its buffers, which are arrays, but "
                f"it is a {type(value).__name__}"
            )
        found: Array = value
        return found

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter, in the order of definition."""
        return (p for _, p in self.named_parameters())

    def __repr__(self) -> str:
        inner = [f"  ({n}): {m!r}" for n, m in self.named_children()]
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

    def to(self, target: Any) -> Self:
        """Cast to a floating-point dtype, or move to a library of arrays: ``model.to(cupy)``.

        Parameters, their gradients and buffers are changed in place; ``model.to(np)`` moves back.
        Make the optimizer afterwards, and give the model arrays of that library.
        """
        convert = conversion(target)
        for p in self.parameters():
            gradient = p.grad
            p.data = convert(p.data)
            p.grad = None if gradient is None else ag.tensor(convert(gradient.data))
        for _, module in self.named_modules():
            for key in module.buffers:
                setattr(module, key, convert(getattr(module, key)))
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop every gradient: ``.grad`` becomes None."""
        check_set_to_none(set_to_none)
        for p in self.parameters():
            p.grad = None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let every parameter have a gradient, or freeze all: none is computed, and none moves."""
        for p in self.parameters():
            p.requires_grad = requires_grad
        return self

    # -- hooks --------------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> Callable[[], None]:
        """Call ``hook(module, args)`` before each ``forward``; see :meth:`register_forward_hook`.

        What it returns, if not None, replaces the arguments: a tuple, or the only one.
        """
        return self._add_hook(True, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> Callable[[], None]:
        """Call ``hook(module, args, result)`` after each ``forward`` of this module.

        What it returns, if not None, replaces the result.  A compiled training runs what a hook
        does with arrays, and calls it no more.

        Returns
        -------
        callable
            It removes the hook.

        Examples
        --------
        >>> import numpy as np, nn
        >>> model, shapes = nn.mlp([2, 3, 1], rng=0), []
        >>> remove = model[1].register_forward_hook(lambda m, args, out: shapes.append(out.shape))
        >>> y = model(np.zeros((5, 2), np.float32))
        >>> remove()
        >>> shapes
        [(5, 3)]
        """
        return self._add_hook(False, hook)

    def _add_hook(self, first: bool, hook: Callable[..., Any]) -> Callable[[], None]:
        hooks = vars(self).setdefault("_hooks", {})
        key = max(hooks, default=0) + 1
        hooks[key] = first, partial(hook)  # no module, whose parameters would be found here
        return lambda: hooks.pop(key, None) and None

    def _forward_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        hooks = list((self._hooks or {}).values())
        for hook in [hook for first, hook in hooks if first]:
            found = hook(self, args)
            args = args if found is None else found if isinstance(found, tuple) else (found,)
        result = self.forward(*args, **kwargs)
        for hook in [hook for first, hook in hooks if not first]:
            found = hook(self, args, result)
            result = result if found is None else found
        return result

    # -- state --------------------------------------------------------------------------------

    def register_buffer(self, name: str, array: Any) -> None:
        """Make an array part of the state that is not trained; see ``buffers``."""
        if not name.isidentifier() or hasattr(self, name):
            raise ValueError(
                f"{type(self).__name__} cannot have a buffer {name!r}: it is no name of an "
                "attribute, or taken"
            )
        self.buffers = (*self.buffers, name)
        setattr(self, name, array)

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of every parameter and buffer by its dotted name, which is PyTorch's.

        Examples
        --------
        >>> import nn
        >>> {k: v.shape for k, v in nn.mlp([2, 4, 1]).state_dict().items()}
        {'0.weight': (4, 2), '0.bias': (4,), '2.weight': (1, 4), '2.bias': (1,)}
        """
        return {name: _array(value).copy() for name, value in self._state().items()}

    def _state(self) -> dict[str, Any]:
        """Return every parameter and buffer, itself, by each of its dotted names."""
        state: dict[str, Any] = {}
        for name, value in self._named_arrays("every"):
            if name in state:
                raise StateError(
                    f"two arrays of {type(self).__name__} have the name {name!r} in its state, "
                    "where one would be lost: no name of an attribute or key of a dict may hold "
                    "a dot or equal another, and no parameter may be among the buffers"
                )
            state[name] = value
        return state

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
        given = {name: _array(state[name]) for name in own if name in state}
        present = {id(own[name]) for name in given}  # a tied parameter needs one of its names
        unmatched = Unmatched(
            [n for n in own if id(own[n]) not in present], [n for n in state if n not in own]
        )
        problems: list[str] = []
        first: dict[int, str] = {}
        for name, a in given.items():
            target, other = own[name], first.setdefault(id(own[name]), name)
            if a.shape != target.shape:
                problems.append(f"{name} has shape {a.shape}, expected {target.shape}")
            elif not isinstance(target, Parameter) and not getattr(target.flags, "writeable", True):
                problems.append(f"the buffer {name} is read-only")
            elif (a.dtype.kind not in "biuf" or target.dtype.kind in "biu") and not np.can_cast(
                a.dtype, target.dtype, "same_kind"
            ):
                problems.append(f"{name} holds {a.dtype}, which cannot be cast to {target.dtype}")
            elif other != name and not np.array_equal(a, given[other], equal_nan=True):
                problems.append(f"{name} and {other}, which are one array here, differ")
        if strict:
            named = unmatched._asdict().items()
            problems += [f"{what}: {listed(names)}" for what, names in named if names]
        if problems:
            more = f"; and {len(problems) - 20:,} more" if len(problems) > 20 else ""
            raise StateError(
                f"this state does not fit {type(self).__name__}, nothing was loaded: "
                + "; ".join(problems[:20])
                + more
            )
        for name, a in given.items():
            target = own[name]
            if isinstance(target, Parameter):
                target.data = as_of(a.astype(target.dtype), target)
            else:
                target[...] = as_of(a, target)
        return unmatched


def _array(value: Any) -> Array:
    """Return the array of a Parameter, of a PyTorch tensor on the CPU, or of anything like one."""
    value = value.detach() if hasattr(value, "detach") else value
    return plain_array(value.data if isinstance(value, ag.Tensor) else value)


#: What a module is searched for, and containers that are not searched.
_MEMBERS = (Module, Parameter)
_NOT_SEARCHED = (set, frozenset, deque, KeysView, ValuesView, ItemsView)


@contextmanager
def ending(restore: Callable[[], None]) -> Iterator[None]:
    """Call ``restore`` at the end of a block, and once more, for an interrupt in the first."""
    try:
        try:
            yield
        finally:
            restore()
    finally:
        restore()


@contextmanager
def restored_modes(model: Module) -> Iterator[None]:
    """Restore, after a block, whether each module of ``model`` is in training or evaluation."""
    before, modules = _modes.get(), [m for _, m in model.named_modules()]
    modes = [vars(m).get("training", True) for m in modules]

    def restore() -> None:
        _modes.set(before)
        for module, mode in zip(modules, modes, strict=True):
            vars(module)["training"] = mode

    with ending(restore):
        yield


@contextmanager
def evaluating(model: Module) -> Iterator[Module]:
    """Have ``model`` in evaluation within a block, in this thread or asynchronous task alone.

    The modules' own modes are not changed: another thread may train or evaluate the same model
    meanwhile (and threads that the block starts do not know of it).  Within the block ``.train()``
    and ``.eval()`` hold as elsewhere.

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
    before, modules = _modes.get() or {}, [m for _, m in model.named_modules()]  # keeps their ids
    own = {id(m) for m in modules}

    def give_back() -> None:  # of these modules alone: blocks of generators may not be nested
        now = {k: v for k, v in (_modes.get() or {}).items() if k not in own or k in before}
        now |= {k: v for k, v in before.items() if k in own}
        _modes.set(now or None)

    with ending(give_back):
        _modes.set({**before, **dict.fromkeys(own, False)})
        yield model


@contextmanager
def undisturbed(model: Module) -> Iterator[None]:
    """Give a model its buffers and generators back after a block that only looks at it."""
    modules = [m for _, m in model.named_modules()]
    buffers = [
        (m, key, m._buffer(key), m._buffer(key).copy()) for m in modules for key in m.buffers
    ]
    found = [v for m in modules for v in vars(m).values() if isinstance(v, np.random.Generator)]
    random = [(g, g.bit_generator.state) for g in found]
    try:
        yield
    finally:
        for module, key, array, before in buffers:
            array[...] = before
            vars(module)[key] = array
        for generator, state in random:
            generator.bit_generator.state = state
