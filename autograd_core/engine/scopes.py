"""Note which operations ran inside which module, so that a picture can show ``fc1``.

Nodes are numbered by ``graph.clock`` in the order in which they are made.  A module that reads
the clock before its ``forward`` and leaves that number on the node of its result thereby
identifies the nodes that it made: those in between.  The note lives as long as the graph and holds
the module weakly and no array; the graph of another thread cannot be mistaken for it.

Any object can leave such notes, not only an :class:`nn.Module`::

    start = next(scopes.clock)
    result = self.forward(x)
    scopes.note(self, start, result)
"""

import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

from autograd_core.engine.graph import Node
from autograd_core.engine.graph import clock as clock
from autograd_core.engine.recording import TensorBase


def note(module: Any, start: int, result: Any, reference: Any = weakref.ref) -> None:
    """Note on the node of ``result`` that ``module`` made the nodes since the clock's ``start``.

    Parameters
    ----------
    module
        Held weakly.
    start
        ``next(scopes.clock)`` before the module ran.
    result
        A Tensor, or a tuple, list or dict of Tensors; other values are ignored.
    """
    if isinstance(result, TensorBase):
        node = result._node
        if node.tracked:
            node.module_calls = (reference(module), start, node.module_calls)
    elif isinstance(result, (tuple, list, dict)):
        for member in result.values() if isinstance(result, dict) else result:
            if isinstance(member, (TensorBase, tuple, list, dict)):
                note(module, start, member)


class Call(NamedTuple):
    """One call of a module, which made the nodes numbered between ``start`` and ``stop``."""

    module: Any
    start: int
    stop: int


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
            reference, start, record = record
            module = reference()
            if module is None or start > node.seq:  # collected, or it returned its argument
                continue
            key = (start, id(module))
            if key not in found or found[key].stop < node.seq:
                found[key] = Call(module, start, node.seq)
    return sorted(found.values(), key=lambda c: c.start)
