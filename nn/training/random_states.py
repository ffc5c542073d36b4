"""Random generators that a training can reach, and their states."""

import copy
import functools
import itertools
import types
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import numpy as np

import autograd_core as ag
from nn.errors import StateError
from nn.files.reading import shown
from nn.module import Module
from nn.placement import is_array

#: Sources whose state can be read and set.
SOURCES = (np.random.Generator, np.random.RandomState, np.random.BitGenerator)

_ATOMS = (
    *(str, bytes, bytearray, int, float, complex, type(None), np.ndarray, np.generic, ag.Tensor),
    *(type, types.ModuleType, types.BuiltinFunctionType),
)
#: Objects that are searched below each root; the rest of a larger structure is not.  Children too.
_MOST = 200_000


def _children(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what an object holds, by name or number."""
    if isinstance(value, np.ndarray):
        yield from enumerate(value.ravel().tolist())
    elif isinstance(value, dict):
        yield from list(value.items())  # a thread may change it
    elif isinstance(value, (list, tuple, deque, set, frozenset)):
        yield from enumerate(value)
    elif isinstance(value, functools.partial):
        yield from enumerate((value.func, *value.args))
        yield from value.keywords.items()
    elif isinstance(value, types.MethodType):
        yield "__self__", value.__self__
    elif isinstance(value, types.FunctionType):
        yield from enumerate(value.__defaults__ or ())
        yield from (value.__kwdefaults__ or {}).items()
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            with suppress(ValueError):  # an empty cell
                yield name, cell.cell_contents
    else:
        if isinstance(value, Module):
            yield from value.members()  # names those of Sequential as its parameters
        attributes = getattr(value, "__dict__", None)
        if isinstance(attributes, dict):
            yield from list(attributes.items())
        for slot in itertools.chain(*(vars(c).get("__slots__", ()) for c in type(value).__mro__)):
            if hasattr(value, slot):
                yield slot, getattr(value, slot)


def _is_atom(value: Any) -> bool:
    """Return whether an object cannot hold a generator."""
    objects = isinstance(value, np.ndarray) and value.dtype == np.object_
    return (isinstance(value, _ATOMS) or is_array(value)) and not objects


def reachable(root: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every object below ``root`` once, by a path: attributes, members, closures.

    Objects behind more than that, such as global variables of a function, are not found.
    """
    seen: dict[int, Any] = {}  # holds the objects too, as a number may be used again
    stack: list[tuple[str, Any]] = [(name, root)]
    while stack and len(seen) < _MOST:
        path, value = stack.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        yield path, value
        if not isinstance(value, SOURCES):
            inner = [(k, v) for k, v in _children(value) if not _is_atom(v)]
            stack += reversed([(f"{path}.{k}", v) for k, v in inner])


def sources(**roots: Any) -> dict[str, Any]:
    """Return every source of random numbers below some objects, by its path.

    Examples
    --------
    >>> import nn
    >>> from nn.training.random_states import sources
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5, rng=0))
    >>> list(sources(model=model, data=[nn.DataLoader([[1.0]])]))
    ['model.1.rng', 'data.0.rng']
    """
    return {
        path: value
        for name, root in roots.items()
        for path, value in reachable(root, name)
        if isinstance(value, SOURCES)
    }


def not_restorable(**roots: Any) -> list[str]:
    """Describe what is below some objects and goes on from a state that cannot be set."""
    return [
        f"{path} is a {type(value).__name__}"
        for name, root in roots.items()
        for path, value in reachable(root, name)
        if isinstance(value, Random)
        or (isinstance(value, Iterator) and type(value).__module__ in ("builtins", "itertools"))
    ]


def _spawned(source: Any) -> int:
    """Return how many children ``spawn()`` has made, which NumPy's state does not tell."""
    seeds = getattr(getattr(source, "bit_generator", source), "seed_seq", None)
    return int(getattr(seeds, "n_children_spawned", 0))


def get_state(source: Any) -> dict[str, Any]:
    """Return the state of a source, and the number of its children, as JSON can express it."""
    if isinstance(source, np.random.RandomState):
        state = source.get_state(legacy=False)
    else:
        state = getattr(source, "bit_generator", source).state
    return {**_plain(state), "spawned": _spawned(source)}


def set_state(source: Any, state: dict[str, Any]) -> None:
    """Set the state of a source; more children are spawned, but none can be taken back."""
    state = {"spawned": 0, **state}  # which version 0.1 did not write
    more = state.pop("spawned") - _spawned(source)
    if isinstance(source, np.random.RandomState):
        source.set_state(state)
    else:
        getattr(source, "bit_generator", source).state = state
    if more > 0:
        getattr(source, "bit_generator", source).seed_seq.spawn(more)


def check_state(name: str, source: Any, state: Any) -> None:
    """Raise StateError unless a source can have a state; the source is not changed."""
    now = get_state(source)
    count = state.get("spawned", now["spawned"]) if isinstance(state, dict) else None
    if type(count) is not int or not 0 <= count - now["spawned"] <= _MOST:
        raise StateError(
            f"the random generator {name} has spawned {now['spawned']} others, and in the file "
            f"{shown(count)}; make the training as it was begun"
        )
    trial = copy.deepcopy(source)
    try:
        set_state(trial, {**state, "spawned": 0})
        fits = {**get_state(trial), "spawned": count} == {**state, "spawned": count}
    except Exception:  # NumPy raises errors of every kind
        fits = False
    if not fits:
        raise StateError(
            f"the state of the random generator {name} in the file is none of a "
            f"{now['bit_generator']}; make the training as it was begun"
        )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
