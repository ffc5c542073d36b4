"""Note which operations ran inside which module, so that a picture can show ``fc1``.

Nodes are numbered by ``graph.clock`` in the order in which they are made.  A module that reads
the clock before its ``forward`` and leaves that number on the node of its result thereby
identifies the nodes that it made: those in between.  The note lives as long as the graph and holds
the module weakly and no array; the graph of another thread cannot be mistaken for it.

Any object can leave such notes, not only an :class:`nn.Module`::

    start = next(scopes.clock)
    result = self.forward(x)
    scopes.note(self, start, result, (x,))
"""

import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from autograd_core.engine.diagnostics import running_tape
from autograd_core.engine.graph import DRAW, UNTRACKED, Node, mode
from autograd_core.engine.graph import clock as clock
from autograd_core.engine.graph import contexts as contexts
from autograd_core.engine.recording import TensorBase, make_tensor


def is_drawn() -> bool:
    """Return whether ``ag.draw`` is running what is called here."""
    return bool(mode.get() & DRAW)


def as_tensors(value: Any) -> Any:
    """Return a value whose arrays are Tensors that need no gradient, so that calls are noted.

    Arrays of numbers are replaced in lists, tuples and dicts too; they share their memory.
    """
    if type(value) is np.ndarray and value.dtype.kind in "biufc":
        return make_tensor(value, UNTRACKED)
    if type(value) in (list, tuple):
        return type(value)(as_tensors(v) for v in value)
    return {k: as_tensors(v) for k, v in value.items()} if type(value) is dict else value


def first_shape(inputs: Any) -> tuple[int, ...]:
    """Return the shape of the first array with axes among inputs, () if there is none."""
    for value in inputs.values() if isinstance(inputs, dict) else inputs:
        nested = isinstance(value, (list, tuple, dict))
        shape = first_shape(value) if nested else getattr(value, "shape", ())
        if shape:
            return tuple(shape)
    return ()


def note(
    module: Any,
    start: int,
    result: Any,
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    reference: Any = weakref.ref,
) -> None:
    """Note on the node of ``result`` that ``module`` made the nodes since the clock's ``start``.

    Parameters
    ----------
    module
        Held weakly.
    start
        ``next(scopes.clock)`` before the module ran.
    result
        A Tensor, or a tuple, list or dict of Tensors; other values are ignored.
    args, kwargs
        What the module was called with; the shape of the first array among it is kept.
    """
    if mode.get() & DRAW:
        running_tape().modules.append((module, start, next(clock), args, kwargs or {}))
    shape = first_shape(args) or first_shape(kwargs or ())
    _note(reference(module), start, shape, result)


def _note(module: Any, start: int, shape: tuple[int, ...], result: Any) -> None:
    if isinstance(result, TensorBase):
        node = result._node
        if node.tracked:
            node.module_calls = (module, start, shape, node.module_calls)
    elif isinstance(result, (tuple, list, dict)):
        for member in result.values() if isinstance(result, dict) else result:
            if isinstance(member, (TensorBase, tuple, list, dict)):
                _note(module, start, shape, member)


class Call(NamedTuple):
    """One call of a module, which made the nodes numbered between ``start`` and ``stop``.

    ``shape`` is that of its first input.
    """

    module: Any
    start: int
    stop: int
    shape: tuple[int, ...] = ()


def calls(nodes: Iterable[Node]) -> list[Call]:
    """Return the module calls noted on ``nodes``, in the order in which they began.

    Examples
    --------
    >>> import numpy as np, nn
    >>> from autograd_core import scopes
    >>> y = nn.Linear(2, 1)(np.ones((3, 2), np.float32))
    >>> scopes.calls([y._node])  # the layer is gone
    []
    >>> layer = nn.Linear(2, 1)
    >>> y = layer(np.ones((3, 2), np.float32))
    >>> [call.module for call in scopes.calls([y._node])]
    [Linear(2, 1)]
    """
    found: dict[tuple[int, int], Call] = {}
    for node in nodes:
        record = node.module_calls
        while record is not None:
            reference, start, shape, record = record
            module = reference()
            if module is None or start > node.seq:  # collected, or it returned its argument
                continue
            key = (start, id(module))
            if key not in found or found[key].stop < node.seq:
                found[key] = Call(module, start, node.seq, shape)
    return sorted(found.values(), key=lambda c: c.start)
