"""Flatten nested dicts, lists, tuples and dataclasses of arrays, and rebuild them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd_core.engine.recording import TensorBase, unwrap
from autograd_core.errors import GraphError

Restore = Callable[[list[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Restore]:
    """Return the leaves of a tree in order, and the function that puts others in their place.

    Dicts (in their order), lists, tuples, named tuples, dataclass instances and None are
    branches; everything else is a leaf.
    """
    leaves: list[Any] = []
    rebuild = _walk(tree, leaves)

    def restore(values: list[Any]) -> Any:
        if len(values) != len(leaves):
            raise GraphError(f"the tree has {len(leaves)} leaves, got {len(values)} values")
        return rebuild(iter(values))

    return leaves, restore


def _walk(tree: Any, leaves: list[Any]) -> Callable[[Any], Any]:
    if isinstance(tree, (np.ndarray, TensorBase)):  # the common case
        leaves.append(tree)
        return next
    if tree is None:
        return lambda values: None
    if isinstance(tree, Mapping):
        keys, parts = list(tree), [_walk(v, leaves) for v in tree.values()]
        kind: Any = type(tree) if isinstance(tree, dict) else dict
        return lambda values: kind(zip(keys, [p(values) for p in parts], strict=True))
    if isinstance(tree, (list, tuple)):
        parts, kind = [_walk(v, leaves) for v in tree], type(tree)
        if hasattr(tree, "_fields"):
            return lambda values: kind(*[p(values) for p in parts])
        return lambda values: kind([p(values) for p in parts])
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        fields = {f.name: _walk(getattr(tree, f.name), leaves) for f in dataclasses.fields(tree)}
        return lambda values: dataclasses.replace(
            tree, **{name: part(values) for name, part in fields.items()}
        )
    leaves.append(tree)
    return next


def ravel(tree: Any) -> tuple[Any, Restore]:
    """Return all arrays of a tree as one vector, and the function that rebuilds the tree.

    Parameters
    ----------
    tree
        Nested dicts, lists, tuples and dataclasses of arrays, Tensors and numbers.

    Returns
    -------
    (vector, restore)
        ``vector`` has shape ``(n,)``; ``restore(vector)`` is a tree like the given one, each
        array of its shape and dtype.  Both are differentiable.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> v, restore = ag.ravel({"w": np.ones((2, 2)), "b": np.zeros(2)})
    >>> v
    array([1., 1., 1., 1., 0., 0.])
    >>> restore(v)["w"].shape
    (2, 2)
    """
    leaves, rebuild = flatten(tree)
    arrays = [a if hasattr(a, "dtype") else np.asarray(a, float) for a in leaves]
    shapes = [a.shape for a in arrays]
    dtypes = [unwrap(a).dtype for a in arrays]
    sizes = [int(unwrap(a).size) for a in arrays]
    vector = np.concatenate([a.reshape(-1) for a in arrays]) if arrays else np.zeros(0)

    def restore(flat: Any) -> Any:
        flat = flat if hasattr(flat, "dtype") else np.asarray(flat)
        if flat.shape != (sum(sizes),):
            raise GraphError(f"expected a vector of {sum(sizes)} numbers, got shape {flat.shape}")
        parts, at = [], 0
        for shape, size, dtype in zip(shapes, sizes, dtypes, strict=True):
            part = flat[at : at + size].reshape(shape)
            parts.append(part if part.dtype == dtype else part.astype(dtype))
            at += size
        return rebuild(parts)

    return vector, restore
