"""Nested tuples, lists and dicts of arrays: the arguments and the results of models."""

from collections.abc import Callable, Iterable
from typing import Any


def map_leaves(fun: Callable[[Any], Any], tree: Any) -> Any:
    """Apply ``fun`` to every leaf of nested tuples, lists and dicts.

    A container in which nothing changes is returned as it is, not copied.

    Examples
    --------
    >>> from nn.onnx.trees import map_leaves
    >>> map_leaves(abs, {"a": (-1, [-2, 3])})
    {'a': (1, [2, 3])}
    """
    if type(tree) is dict:
        entries = {k: map_leaves(fun, v) for k, v in tree.items()}
        return entries if any(entries[k] is not v for k, v in tree.items()) else tree
    if not isinstance(tree, (tuple, list)):
        return fun(tree)
    members = [map_leaves(fun, v) for v in tree]
    if all(new is old for new, old in zip(members, tree, strict=True)):
        return tree
    return type(tree)(*members) if hasattr(tree, "_fields") else type(tree)(members)


def leaves(tree: Any, containers: Any = (tuple, list)) -> list[Any]:
    """Return the leaves of nested tuples and lists, or of other containers, in order.

    Examples
    --------
    >>> from nn.onnx.trees import leaves
    >>> leaves((1, [2, (3,)], {"a": 4}))
    [1, 2, 3, {'a': 4}]
    >>> leaves((1, {"a": 4}), (tuple, dict))
    [1, 4]
    """
    if not isinstance(tree, containers):
        return [tree]
    members: Iterable[Any] = tree.values() if isinstance(tree, dict) else tree
    return [leaf for member in members for leaf in leaves(member, containers)]
