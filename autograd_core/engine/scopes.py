"""Which operations ran inside which module: what lets a picture show ``fc1``, not ``matmul``.

Nodes are numbered by ``graph.clock`` in the order in which they are made.  A module that reads
the clock before its ``forward`` and leaves that number on the node of its result has said which
nodes it made: those in between.  The note lives and dies with the graph, holds the module weakly
and no array; the graph of another thread cannot be mistaken for it.

Anything that calls itself a module may leave such notes, not only :class:`nn.Module`::

    start = next(scopes.clock)
    result = self.forward(x)
    scopes.note(self, start, result)
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

from autograd_core.engine.graph import Node
from autograd_core.engine.graph import clock as clock
from autograd_core.engine.recording import TensorBase


def note(module: Any, start: int, result: Any, reference: Any = weakref.ref) -> None:
    """Leave on the node of ``result`` that ``module`` made what came after the clock's ``start``.

    Parameters
    ----------
    module
        Held weakly.
    start
        ``next(scopes.clock)`` before the module ran.
    result
        A Tensor, or a tuple, list or dict of Tensors; others are passed over.
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
    """One call of a module: it made the nodes numbered between ``start`` and ``stop``."""

    module: Any
    start: int
    stop: int


def calls(nodes: Iterable[Node]) -> list[Call]:
    """The calls that left a note on one of ``nodes``, in the order in which they began.

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
            if module is None or start > node.seq:  # gone, or it returned what it was given
                continue
            key = (start, id(module))
            if key not in found or found[key].stop < node.seq:
                found[key] = Call(module, start, node.seq)
    return sorted(found.values(), key=lambda c: c.start)
