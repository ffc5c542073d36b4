"""What a graph reads that none of its operations made: parameters, inputs, targets, constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_core.engine.graph import Leaf, Node
from autograd_core.engine.primitive import Spec
from autograd_core.engine.recording import Handle


class Source:
    """An array that no drawn operation made."""

    __slots__ = ("array", "name", "node", "note", "role", "tracked", "users")

    def __init__(self, array: Any, node: Node | None) -> None:
        self.array = array
        self.node = node  # of a Tensor
        self.tracked = node is not None and node.tracked
        self.role = "parameter" if self.tracked else "data"  # or "input", "target"
        self.name = ""
        self.note = ""
        self.users: list[int] = []

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(getattr(self.array, "shape", ()))

    @property
    def identity(self) -> set[int]:
        """By what a name may have been given to it."""
        return {id(self.array), id(self.node)}


class Freed:
    """An array that backward has freed: nothing is known of it but that it was there."""


def identities(names: Mapping[str, Any]) -> dict[int, str]:
    """Names by the identity of Tensors' nodes and arrays, of arrays and of modules."""
    found: dict[int, str] = {}
    for name, value in names.items():
        if isinstance(value, (int, float, complex, str, bytes, type(None))):
            continue  # Python shares these: an identity says nothing
        found[id(value)] = name
        if isinstance(value, Handle):
            found[id(value._data)] = found[id(value._node)] = name
    return found


def size(source: Source) -> int:
    """How many numbers a source holds."""
    a = source.array
    return int(a.size) if isinstance(a, (np.ndarray, Spec)) else int(np.prod(source.shape))


def plain_tensor(node: Node | None) -> bool:
    """Whether a leaf is of a Tensor itself, not of a subclass such as ``nn.Parameter``."""
    owner = node.owner() if isinstance(node, Leaf) and node.owner is not None else None
    return owner is not None and type(owner) is Handle.kind


def kind_of(source: Source) -> str:
    dtype = getattr(source.array, "dtype", None)
    return str(getattr(dtype, "kind", "f"))


def is_zero(source: Source) -> bool:
    a = source.array
    return isinstance(a, np.ndarray) and 0 < a.size <= 1_000_000 and not a.any()
