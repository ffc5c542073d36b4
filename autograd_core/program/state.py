"""Find what a function reaches: closures, globals, attributes and containers, read and changed.

While a function is traced, the arrays, generators and changing numbers that it reaches are
exchanged for traced ones.  What it changed meanwhile are the *effects* of its program; then all is
given back.  Every name is watched: one that somebody rebinds makes another trace necessary.
"""

from __future__ import annotations

import functools
import sys
import sysconfig
import threading
import types
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from autograd_core.engine.graph import UNTRACKED
from autograd_core.engine.recording import TensorBase
from autograd_core.program.lines import leaves_of
from autograd_core.program.traced import OURS
from autograd_core.transforms.trees import branch_of

#: Containers with more members are taken as they are: neither exchanged nor watched.
MOST = 1000

#: What a place holds where nothing is.
MISSING: Any = type("Missing", (), {"__repr__": lambda _: "nothing"})()

_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
_ATOMS = (np.ndarray, np.generic, np.random.Generator, str, bytes, int, float, complex, type(None))


class Place:
    """Something that holds values by key: a container, the attributes of an object, a cell.

    Parameters
    ----------
    holder
        A dict, list or deque; or an object whose attributes ``keys`` are meant.
    path
        How the user's code reaches it.
    keys
        The keys that count; all of a container by default.
    is_ordered
        Whether it is a dict of the user's, whose order may matter.
    """

    __slots__ = ("by_attribute", "holder", "is_ordered", "keys", "path")

    def __init__(
        self, holder: Any, path: str, keys: Iterable[Any] | None = None, is_ordered: bool = False
    ) -> None:
        self.holder, self.path, self.is_ordered = holder, path, is_ordered
        self.keys = None if keys is None else tuple(keys)
        self.by_attribute = not isinstance(holder, (dict, list, deque))

    @property
    def is_sequence(self) -> bool:
        """Whether its members are numbered."""
        return isinstance(self.holder, (list, deque))

    def read(self) -> dict[Any, Any]:
        """Return what is held now."""
        holder = self.holder
        if self.by_attribute:
            return {k: getattr(holder, k) for k in self.keys or () if hasattr(holder, k)}
        if isinstance(holder, dict):
            return dict(holder) if self.keys is None else {k: holder[k] for k in self.keys}
        return dict(enumerate(holder))

    def put(self, key: Any, value: Any) -> None:
        """Hold a value by a key, or no longer."""
        if value is MISSING and self.by_attribute:
            delattr(self.holder, key)
        elif value is MISSING:
            del self.holder[key]
        elif self.by_attribute:
            setattr(self.holder, key, value)
            if key == "_array" and self.holder._node is not UNTRACKED:
                self.holder._node.out = value
        else:
            self.holder[key] = value

    def write(self, content: dict[Any, Any]) -> None:
        """Hold these values and no others."""
        now = self.read()
        if self.is_sequence and len(now) != len(content):
            self.holder.clear()
            self.holder.extend(content.values())
            return
        for key in now.keys() | content.keys():
            value = content.get(key, MISSING)
            if now.get(key, MISSING) is not value:
                self.put(key, value)

    def is_gradient(self, key: Any) -> bool:
        """Return whether a slot is the gradient of a Tensor, which steps replace."""
        return self.by_attribute and key == "_grad" and isinstance(self.holder, TensorBase)

    def joined(self, key: Any) -> str:
        """Return how the user's code reaches what is held by a key."""
        if not isinstance(key, (str, int)) or key in ("cell_contents", "_array"):
            return self.path
        return f"{self.path}.{key}" if self.path else str(key)


@functools.lru_cache(maxsize=1024)
def is_library(module: str | None) -> bool:
    """Return whether a module is a library's: its variables are not looked into.

    Functions that ``exec`` made without a ``__name__`` have no module.
    """
    top = (module or "").partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    known = top in OURS or top in sys.stdlib_module_names
    return top != "__main__" and (known or file.startswith(_LIBRARIES))


@functools.lru_cache(maxsize=1024)
def _is_built_on_this(module: str) -> bool:
    """Return whether a module imports this package, so that its objects may hold Tensors."""
    ours = sys.modules["autograd_core"]
    return any(v is ours for v in vars(sys.modules[module]).values())


def _is_looked_into(kind: type) -> bool:
    """Return whether the attributes of objects of a class may be arrays that a program changes."""
    return any(
        not is_library(c.__module__) or _is_built_on_this(c.__module__) for c in kind.__mro__
    )


def _names(code: types.CodeType) -> set[str]:
    """Return the global names and attributes that a function uses, and those inside it."""
    inner = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    texts = {c for c in code.co_consts if isinstance(c, str) and c.isidentifier()}  # getattr
    return texts.union(code.co_names, *inner)


def _is_steady(name: str, member: Any) -> bool:
    """Return whether a class gives a member as the same object each time that it is asked."""
    plain = isinstance(member, types.FunctionType) or not callable(member)
    return plain and not name.startswith("__")


def _places_of(value: Any, path: str, names: set[str]) -> Iterator[Place]:
    """Yield the places that an object is, or has; ``names`` are those that code has used so far."""
    kind = type(value)
    if isinstance(value, TensorBase):
        if value._node.primitive is None:
            yield Place(value, path, ("_array", "_grad", "_recording"))
    elif isinstance(value, (dict, list, deque)):
        if len(value) <= MOST:
            yield Place(value, path, is_ordered=isinstance(value, dict) and len(value) > 1)
    elif isinstance(value, types.FunctionType):
        if value.__dict__:
            yield Place(value.__dict__, path)
        if any(isinstance(v, np.ndarray) for v in value.__defaults__ or ()):
            yield Place(value, path, ("__defaults__",))
        if value.__kwdefaults__:
            yield Place(value.__kwdefaults__, path)
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            yield Place(cell, name, ("cell_contents",))
        if not is_library(value.__module__):
            used = _names(value.__code__) & value.__globals__.keys()
            yield Place(value.__globals__, "", sorted(used))
    elif isinstance(value, (types.ModuleType, type)):
        if not is_library(value.__name__ if kind is types.ModuleType else value.__module__):
            held = sorted(names & vars(value).keys())
            if kind is types.ModuleType:
                yield Place(vars(value), path, held)
            else:
                yield Place(value, path, [n for n in held if _is_steady(n, vars(value)[n])])
    elif isinstance(value, set):
        yield Place(value, path, ())
    elif kind is types.SimpleNamespace:
        yield Place(vars(value), path)
    elif kind is threading.local:
        yield Place(value, path, sorted(vars(value)))
    elif _is_looked_into(kind):
        if isinstance(getattr(value, "__dict__", None), dict):
            yield Place(vars(value), path)
        slots = [s for c in kind.__mro__ for s in np.atleast_1d(vars(c).get("__slots__", ()))]
        yield Place(value, path, map(str, slots))


def _inside(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield what an object leads to and does not hold by a key that can be put."""
    if isinstance(value, (tuple, set, frozenset)):
        if len(value) <= MOST:
            yield from ((f"{path}.{i}", v) for i, v in enumerate(value))
    elif isinstance(value, types.MethodType):
        yield from ((path, value.__func__), ("self", value.__self__))
    elif isinstance(value, functools.partial):
        yield from ((path, v) for v in (value.func, *value.args, *value.keywords.values()))
    elif isinstance(value, types.FunctionType):
        defaults = (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values())
        yield from ((path, v) for v in defaults)
    elif isinstance(value, dict):
        yield from ((f"{path}.{i}", k) for i, k in enumerate(value) if isinstance(k, TensorBase))
    elif isinstance(value, type):
        members = [getattr(m, "__func__", getattr(m, "fget", m)) for m in vars(value).values()]
        yield from ((path, m) for m in members if isinstance(m, types.FunctionType))
    elif not isinstance(value, (types.ModuleType, TensorBase, list, deque)):
        yield path, getattr(value, "__wrapped__", None)
        yield from ((path, c) for c in type(value).__mro__ if not is_library(c.__module__))


def reached(roots: Iterable[tuple[str, Any]], without: set[tuple[int, Any]]) -> list[Place]:
    """Return the places below some objects, in the order in which they are found.

    What is held by the slots ``without`` is not looked into: (identity of a holder, key).  Nor are
    objects whose class says ``holds_state = False``: memory on which no result depends.
    """
    roots, names = list(roots), set[str]()
    while True:  # until no code uses a name that was not known when a class or module was met
        before = len(names)
        found = _reached(roots, without, names)
        if len(names) == before:
            return found


def _reached(
    roots: list[tuple[str, Any]], without: set[tuple[int, Any]], names: set[str]
) -> list[Place]:
    found: list[Place] = []
    shared: dict[int, set[str]] = {}  # names of modules that have a place
    stack = roots[::-1]
    seen: dict[int, Any] = {}
    while stack:
        path, value = stack.pop()
        stateless = getattr(type(value), "holds_state", True) is False
        if stateless or id(value) in seen or isinstance(value, _ATOMS):
            continue
        seen[id(value)] = value
        if isinstance(value, types.FunctionType) and not is_library(value.__module__):
            names |= _names(value.__code__)
        inner: list[tuple[str, Any]] = []
        for place in _places_of(value, path, names):
            if isinstance(place.holder, dict) and place.keys is not None:
                before = shared.setdefault(id(place.holder), set())
                place.keys = tuple(k for k in place.keys if k not in before)
                before |= set(place.keys)
            found.append(place)
            content = place.read()
            inner += [
                (place.joined(k), v)
                for k, v in content.items()
                if (id(place.holder), k) not in without and not place.is_gradient(k)
            ]
        stack += (inner + list(_inside(value, path)))[::-1]
    return found


class Snapshot:
    """Keep what some places held at one moment: copies of arrays, states of generators."""

    def __init__(self, places: list[Place], generators: Iterable[np.random.Generator]) -> None:
        self.places = places
        self.contents = [place.read() for place in places]
        found = {id(v): v for content in self.contents for v in _values(content)}
        found |= {id(g): g for g in generators}  # those that are arguments, too
        self.arrays = [(a, a.copy()) for a in found.values() if isinstance(a, np.ndarray)]
        self.states = [
            (g, g.bit_generator.state) for g in found.values() if isinstance(g, np.random.Generator)
        ]

    def restore(self) -> None:
        """Let everything be as it was then."""
        for place, content in zip(self.places, self.contents, strict=True):
            place.write(content)
        for array, copy in self.arrays:
            if array.flags.writeable:
                array[...] = copy
        for generator, state in self.states:
            generator.bit_generator.state = state

    def by_value(self) -> Any:
        """Return everything as it is at this moment, for a comparison."""
        return [by_value(content) for content in self.contents], [s for _, s in self.states]


def _values(content: dict[Any, Any]) -> Iterator[Any]:
    for value in content.values():
        yield from leaves_of(value) if type(value) in (tuple, list, dict) else (value,)


def by_value(tree: Any) -> Any:
    """Return copies of the arrays and Tensors of a tree; other objects are themselves."""
    if isinstance(tree, TensorBase):
        return type(tree), by_value(tree._array), by_value(tree._grad)
    if isinstance(tree, np.ndarray):
        return tree.copy()
    branch = branch_of(tree, static=True)
    if branch is None:
        return tree
    return type(tree), dict(zip(branch[0], map(by_value, branch[1]), strict=True))


def difference(a: Any, b: Any, path: str) -> str:
    """Return where two trees that :func:`by_value` made differ by more than rounding; "" if not."""
    alike = a is b
    if type(a) is type(b) and not alike:
        inner: Any = None
        if isinstance(a, (np.ndarray, np.generic, int, float, complex)):
            alike = _close(np.asarray(a), np.asarray(b))
        elif isinstance(a, (list, tuple)) and len(a) == len(b):
            inner = (difference(*pair, path) for pair in zip(a, b, strict=True))
        elif isinstance(a, dict) and a.keys() == b.keys():
            inner = (
                difference(v, b[k], path if isinstance(k, TensorBase) else f"{path} {k!r:.20}")
                for k, v in a.items()
            )
        elif isinstance(a, (str, bytes, frozenset, np.dtype)):
            alike = a == b
        if inner is not None:
            return next(filter(None, inner), "")
    return "" if alike else f"{path}: {a!r:.60} and {b!r:.60}"


def _close(a: Any, b: Any) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind not in "fc" or np.array_equal(a, b, equal_nan=True):
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    scale = np.abs(a[np.isfinite(a)]).max(initial=0.0)
    limit = float(np.finfo(a.dtype).eps) ** 0.5 * max(float(scale), 1e-30)
    return bool(np.allclose(a, b, rtol=0, atol=limit, equal_nan=True))
