"""Trees: nested containers of arrays, flattened to their leaves, matched by key and rebuilt.

Branches are dicts and other mappings, lists, tuples, named tuples, deques, instances of
dataclasses, ``types.SimpleNamespace`` and None (which has no leaves); everything else is a leaf.
Fields of a dataclass that say how, not how much, are static: they are no leaves, and are kept as
they are (:func:`_is_static`).  Nothing here recurses, so depth is limited by memory alone.
"""

import copy
import dataclasses
import numbers
import re
import types
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_core.engine.admission import admit
from autograd_core.engine.recording import TensorBase, unwrap
from autograd_core.errors import GraphError

Restore = Callable[[list[Any]], Any]


class _Field(str):
    """The name of an attribute that holds a child, as opposed to a key."""

    __slots__ = ()


#: The keys and children of one container, and how to build one like it of others.
_Branch = tuple[Sequence[Any], Sequence[Any], Callable[[list[Any]], Any]]

#: Where a leaf hangs: the link of its container, and its key there; None is the root.
_Link = tuple[Any, Any] | None

#: In place of a link: the children of a container end here.
_END = object()


def _is_static(field: Any, value: Any) -> bool:
    """Return whether a field is no leaf: a string, a bool, an int that is declared as one.

    A field ``scale: float`` is a leaf, also where it holds 1.  ``field(metadata={"static": True})``
    declares any other, a function, say.
    """
    if field.metadata.get("static", False) or isinstance(value, (str, bool)):
        return True
    return isinstance(value, (int, np.integer)) and bool(re.search(r"\bint\b", str(field.type)))


def branch_of(tree: Any, static: bool = False) -> _Branch | None:
    """Return the children of a container, static ones if wanted, or None for a leaf."""
    if isinstance(tree, (np.ndarray, TensorBase)):  # the common case
        return None
    if tree is None:
        return (), (), lambda _: None
    if isinstance(tree, Mapping):
        return list(tree), list(tree.values()), _mapping_builder(tree)
    if isinstance(tree, (list, tuple)):
        kind = type(tree)
        if hasattr(tree, "_fields"):
            return range(len(tree)), tree, lambda parts: kind(*parts)
        return range(len(tree)), tree, kind
    if isinstance(tree, deque):
        length = tree.maxlen
        return range(len(tree)), list(tree), lambda parts: deque(parts, length)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        present = (f for f in dataclasses.fields(tree) if hasattr(tree, f.name))
        fields = {f: getattr(tree, f.name) for f in present}
        kept = {} if static else {f: v for f, v in fields.items() if _is_static(f, v)}
        own = [f for f in fields if f not in kept]
        return (
            [_Field(f.name) for f in own],
            [fields[f] for f in own],
            lambda parts: _replace(tree, {**kept, **dict(zip(own, parts, strict=True))}),
        )
    if isinstance(tree, types.SimpleNamespace):
        attributes = vars(tree)
        keys = [_Field(name) for name in attributes]
        return (
            keys,
            list(attributes.values()),
            lambda parts: type(tree)(**dict(zip(keys, parts, strict=True))),
        )
    return None


def _mapping_builder(tree: Mapping[Any, Any]) -> Callable[[list[Any]], Any]:
    keys = list(tree)
    if type(tree) is dict or not isinstance(tree, dict):
        return lambda parts: dict(zip(keys, parts, strict=True))
    prototype = copy.copy(tree)  # it may need more than its items: a default, an order

    def build(parts: list[Any]) -> Any:
        new = copy.copy(prototype)
        for key, part in zip(keys, parts, strict=True):
            new[key] = part
        return new

    return build


def _replace(tree: Any, values: dict[Any, Any]) -> Any:
    """Return a dataclass like ``tree`` with other values of its fields."""
    new = dataclasses.replace(tree, **{f.name: v for f, v in values.items() if f.init})
    for f, value in values.items():
        if not f.init:
            object.__setattr__(new, f.name, value)
    return new


def _path(link: _Link) -> str:
    """Return where a leaf hangs as Python spells it: ``['layers'][0].weight``."""
    keys = []
    while link is not None:
        link, key = link
        keys.append(f".{key}" if isinstance(key, _Field) else f"[{key!r}]")
    return "".join(reversed(keys))


class Tree:
    """The leaves of nested containers in their order, where each hangs, and the way back.

    With ``static``, the static fields of dataclasses are leaves, too.
    """

    __slots__ = ("_links", "_steps", "leaves")

    def __init__(self, tree: Any, static: bool = False) -> None:
        self.leaves: list[Any] = []
        self._links: list[_Link] = []
        #: In the order of building: None takes the next leaf, (build, n) the last n that were built
        self._steps: list[tuple[Callable[[list[Any]], Any], int] | None] = []
        opened: set[int] = set()
        stack: list[tuple[Any, Any]] = [(tree, None)]
        while stack:
            item, link = stack.pop()
            if link is _END:
                step, identity = item
                self._steps.append(step)
                opened.discard(identity)
                continue
            branch = branch_of(item, static)
            if branch is None:
                self.leaves.append(item)
                self._links.append(link)
                self._steps.append(None)
                continue
            if id(item) in opened:
                raise GraphError(f"the tree contains itself at {_path(link)}")
            opened.add(id(item))
            keys, children, build = branch
            stack.append((((build, len(keys)), id(item)), _END))
            for key, child in zip(reversed(keys), reversed(children), strict=True):
                stack.append((child, (link, key)))

    def paths(self) -> list[str]:
        """Return where each leaf hangs, as Python spells it; "" for a tree that is one leaf."""
        return [_path(link) for link in self._links]

    def restore(self, values: Iterable[Any]) -> Any:
        """Return a tree like this one with other leaves."""
        given = list(values)
        if len(given) != len(self.leaves):
            raise GraphError(f"the tree has {len(self.leaves)} leaves, got {len(given)} values")
        rest, built = iter(given), []
        for step in self._steps:
            if step is None:
                built.append(next(rest))
                continue
            build, size = step
            at = len(built) - size
            parts = built[at:]
            del built[at:]
            built.append(build(parts))
        return built[0]


def flatten(tree: Any) -> tuple[list[Any], Restore]:
    """Return the leaves of a tree in order, and the function that puts others in their place."""
    flat = Tree(tree)
    return flat.leaves, flat.restore


def matching_leaves(tree: Any, like: Any, what: str) -> list[Any]:
    """Return the leaves of a tree in the order of those of ``like``, matched by their keys.

    Raises
    ------
    GraphError
        If the keys, lengths or shapes differ; ``what`` names the tree there.
    """
    found: list[Any] = []
    stack: list[tuple[Any, Any, _Link]] = [(like, tree, None)]
    while stack:
        reference, item, link = stack.pop()
        branch = branch_of(reference)
        if branch is None:
            found.append(_matching_leaf(item, reference, f"{what}{_path(link)}"))
            continue
        other = branch_of(item, static=True)
        if other is None or (item is None) != (reference is None):
            raise GraphError(
                f"{what}{_path(link)} is {describe(item)}; expected a tree like the "
                f"{type(reference).__name__} that it belongs to"
            )
        keys, given = branch[0], dict(zip(other[0], other[1], strict=True))
        if not same_keys(given, keys, reference):
            raise GraphError(
                f"{what}{_path(link)} has the keys {list(given)}; expected {list(keys)}, those of "
                "what it belongs to"
            )
        for key, child in zip(reversed(keys), reversed(branch[1]), strict=True):
            stack.append((child, given[key], (link, key)))
    return found


def same_keys(given: Mapping[Any, Any], keys: Sequence[Any], like: Any) -> bool:
    """Return whether a container has the keys of another; a dataclass has static fields, too."""
    if dataclasses.is_dataclass(like):
        return given.keys() >= set(keys)
    return given.keys() == set(keys)


def _matching_leaf(item: Any, reference: Any, where: str) -> Any:
    if is_traced_number(item):
        item = np.multiply(item, 1.0)
    elif not is_number(item):
        if not isinstance(item, (list, tuple)):
            raise GraphError(f"{where} is {describe(item)}; expected an array or a number")
        item = np.asarray(item)
    elif not isinstance(item, TensorBase):
        item = admit(item)
    shape = np.shape(unwrap(item))
    wanted = () if is_traced_number(reference) else np.shape(unwrap(reference))
    if shape != wanted:
        raise GraphError(f"{where} has shape {shape}; expected {wanted}, that of its counterpart")
    return item


def is_traced_number(leaf: Any) -> bool:
    """Return whether a leaf is a Python number of a program that is being traced."""
    return getattr(leaf, "is_traced", False) and not hasattr(leaf, "dtype")


def is_number(leaf: Any) -> bool:
    """Return whether a leaf is a number or an array of numbers: a value that has a derivative."""
    if isinstance(leaf, numbers.Number):
        return not isinstance(leaf, (bool, np.bool_))
    array = unwrap(leaf)
    try:
        plain = admit(array) is array or isinstance(array, np.ndarray)
    except TypeError:
        return False
    return plain and getattr(getattr(array, "dtype", None), "kind", "") in tuple("iufc")


def dtype_of(leaf: Any) -> Any:
    """Return the dtype of a number or an array."""
    return leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype


def describe(value: Any) -> str:
    """Return what a value is, for an error: its type, and its shape or keys."""
    if value is None:
        return "None (is a return missing?)"
    if isinstance(value, type):
        return f"the type {value.__name__}"
    name = type(value).__name__
    article = "an" if name[0].lower() in "aeiou" else "a"
    if isinstance(value, Mapping):
        return f"{article} {name} with the keys {list(value)}"
    if isinstance(value, (list, tuple, deque)):
        return f"{article} {name} of length {len(value)}"
    array = unwrap(value)
    if hasattr(array, "dtype") and hasattr(array, "shape"):
        return f"{article} {name} of shape {tuple(array.shape)} and dtype {array.dtype}"
    return f"{article} {name}"


def as_inexact(leaf: Any, where: Callable[[], str]) -> Any:
    """Return a leaf as something that can be differentiated: a Tensor, array or NumPy number.

    Python numbers become floating-point ones.

    Raises
    ------
    TypeError
        For integers in an array, booleans, and what is no number; ``where()`` names it there.
    """
    if isinstance(leaf, numbers.Number) and not isinstance(leaf, (bool, np.generic)):
        leaf = np.asarray(admit(leaf) * 1.0)[()]
    elif is_traced_number(leaf):
        leaf = np.multiply(leaf, 1.0)
    elif not isinstance(leaf, TensorBase):
        leaf = admit(leaf)
    kind = getattr(getattr(leaf, "dtype", None), "kind", "")
    if kind not in ("f", "c"):
        dtype = f"dtype {leaf.dtype}" if kind else describe(leaf)
        raise TypeError(
            f"gradients are with respect to floating-point or complex values, and {where()} is "
            f"{dtype}; "
            + ("pass x.astype(float)" if kind in tuple("biu") else "pass an array")
            + ", or leave it out of what is differentiated"
        )
    return leaf


def ravel(tree: Any) -> tuple[Any, Restore]:
    """Return all arrays of a tree as one vector, and the function that rebuilds the tree.

    Parameters
    ----------
    tree
        Nested dicts, lists, tuples and dataclasses of floating-point or complex arrays, Tensors
        and numbers (a Python number becomes a floating-point one).

    Returns
    -------
    (vector, restore)
        ``vector`` has shape ``(n,)``; ``restore(vector)`` is a tree like the given one, each
        array of its shape and dtype.  Both are differentiable.

    Raises
    ------
    TypeError
        For an array of integers: an optimizer's steps would be rounded away.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> v, restore = ag.ravel({"w": np.ones((2, 2)), "b": np.zeros(2)})
    >>> v
    array([1., 1., 1., 1., 0., 0.])
    >>> restore(v)["w"].shape
    (2, 2)
    """
    flat_tree = Tree(tree)
    arrays = [
        as_inexact(a, (f"the leaf {path} of the tree" if path else "the tree").__str__)
        for a, path in zip(flat_tree.leaves, flat_tree.paths(), strict=True)
    ]
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
        return flat_tree.restore(parts)

    return vector, restore
