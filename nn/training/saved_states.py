"""What a checkpoint says, held against the training that should go on from it.

Each function returns what can be loaded, or raises; none changes anything.
"""

import copy
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

import autograd_core as ag
from nn.data.datasets import DataLoader
from nn.data.text import Streams
from nn.errors import FileFormatError, StateError
from nn.files.reading import shown
from nn.module import Array, Module, Parameter
from nn.optim.lbfgs import LBFGS
from nn.placement import is_array
from nn.training import random_states
from nn.training.callbacks import with_prefix

_BLOCK = 1 << 24


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _arrays_of(data: Any) -> list[Array]:
    """Return the arrays of the loaders in the data, or of lists of batches."""
    loaders = [
        v for _, v in random_states.reachable(data, "") if isinstance(v, (DataLoader, Streams))
    ]
    stack: list[Any] = [data] if not loaders else loaders[::-1]
    found: list[Array] = []
    while stack:
        value = stack.pop()
        if isinstance(value, (DataLoader, Streams)):
            value = value.arrays if isinstance(value, DataLoader) else [value.numbers]
        if isinstance(value, (list, tuple)):
            stack += value[::-1]
        elif is_array(value):
            found.append(value)
    return found


def _checksum(a: Array) -> int:
    """Return the CRC-32 of the elements in C order; 2.6 GB/s."""
    if a.dtype.hasobject:
        return 0
    rows = a if a.ndim else a.reshape(1)
    step, found = max(1, _BLOCK * len(rows) // max(1, a.nbytes)), 0
    for i in range(0, len(rows), step):  # in pieces, as some arrays are views or on disk
        found = zlib.crc32(
            np.ascontiguousarray(ag.to_host(rows[i : i + step])).view(np.uint8).data, found
        )
    return found


def fingerprint(data: Any) -> list[list[Any]]:
    """Return the shape, dtype and checksum of each array of the data."""
    return [[list(a.shape), str(a.dtype), _checksum(a)] for a in _arrays_of(data)]


def _is_ours(callback: Any) -> bool:
    """Return whether a callback is of this package: a state of numbers, and weights of a model."""
    return type(callback).__module__.startswith("nn.training.")


def check_shapes(
    path: Any, model: Module, callbacks: list[Any], entries: Mapping[str, Any], texts: Any
) -> None:
    """Hold the arrays of a file against those of a model, before they are read."""
    if not {"optimizer", "rng", "callbacks", "history"} <= texts.keys():
        raise FileFormatError(
            f"{path} is not a checkpoint of this training: it holds no state of one"
        )
    own = {name: a.shape for name, a in model.state_dict().items()}
    copies = [f"callback.{i}.weights." for i, c in enumerate(callbacks) if _is_ours(c)]
    for prefix in ("model.", *copies):
        for name, entry in with_prefix(prefix, entries).items():
            if own.get(name) != entry.shape:
                expected = f"shape {own[name]}" if name in own else "no such array"
                raise StateError(
                    f"{path} is of another network: {shown(name)} has shape {shown(entry.shape)}, "
                    f"expected {expected}"
                )


def check_names(written: Any, arrays: Mapping[str, Any]) -> None:
    """Raise StateError unless a file still has every array that was written, and no other."""
    if written is not None:
        for name in arrays.keys() ^ set(written):
            what = "was added to" if name in arrays else "is missing in"
            raise StateError(f"the array {shown(name)} {what} this checkpoint; it is not whole")


def checked_history(rows: Any) -> list[dict[str, float]]:
    """Return the epochs, counted from 1; ValueError for anything else."""
    for i, row in enumerate(rows, start=1):
        if not isinstance(row.get("loss"), (int, float)):
            raise ValueError(f"epoch {i} of its history has no number as its loss")
        if type(row["epoch"]) is not int or row["epoch"] != i:
            raise ValueError(f"epoch {i} of its history is called {shown(row['epoch'])}")
        steps = row.get("steps", 0)
        if not (isinstance(steps, (int, float)) and math.isfinite(steps) and steps >= 0):
            raise ValueError(f"its history has {shown(steps)} steps in epoch {i}")
    return list(rows)


def check_data(saved: Any, data: Any) -> None:
    """Compare shapes, dtypes and checksums of the data with those of the first training."""
    now = fingerprint(data)
    for i, (old, new) in enumerate(zip(saved, now, strict=False)):
        if old != new:
            raise StateError(
                f"these are other data than this training was begun with: array {i} has shape, "
                f"dtype and checksum {new}, and had {shown(old)}; give the same arrays, or leave "
                "out data= to go on with others in a new order"
            )
    if len(saved) != len(now):
        raise StateError(
            f"this training was begun with data of {len(saved)} arrays, not {len(now)}; give the "
            "same arrays, or leave out data= to go on with others in a new order"
        )


def checked_optimizer_state(saved: Any, arrays: Mapping[str, Any], optimizer: Any) -> Any:
    """Return the state for ``load_state_dict``; StateError unless it fits and is complete."""
    if saved["class"] != type(optimizer).__name__:
        raise StateError(
            f"this training was begun with {shown(saved['class'])}, not {type(optimizer).__name__}"
        )
    values = {str(int(i)): dict(numbers) for i, numbers in saved["numbers"].items()}
    for name, array in with_prefix("optimizer.", arrays).items():
        number, key = name.split(".", 1)
        values.setdefault(str(int(number)), {})[key] = array
    for number, entry in values.items():
        for key, value in entry.items():
            kind = getattr(getattr(value, "dtype", None), "kind", None)
            if not (kind in ("f", "i", "u") if kind else is_number(value) and math.isfinite(value)):
                raise StateError(f"{shown(key)} of parameter {number} is {shown(value)}")
    state = {"state": values, "param_groups": saved["groups"]}
    trial = copy.copy(optimizer)
    trial.param_groups = [dict(group) for group in optimizer.param_groups]
    with np.errstate(over="raise", invalid="raise"):
        trial.load_state_dict(state)
    if isinstance(trial, LBFGS):
        _check_memory(trial._memory)
    elif type(optimizer).__module__.startswith("nn.optim."):
        _check_complete(trial)
    return state


def _check_complete(optimizer: Any) -> None:
    """Compare the state of each parameter with what one step makes of a new parameter."""
    saved = optimizer.state
    for group in optimizer.param_groups:
        optimizer.state, optimizer._scratch = {}, {}
        probe = Parameter(np.zeros(1))
        with np.errstate(all="ignore"):
            optimizer.update(probe, np.zeros(1, np.float32), np.zeros(1, np.float32), group)
        for p in group["params"]:
            for key, value in optimizer.state.get(probe, {}).items() if p in saved else ():
                found = saved[p].get(key)
                array = is_array(value)
                if array != is_array(found) or (array and found.shape != p.shape):
                    raise StateError(
                        f"the state of a parameter of shape {p.shape} lacks its {key}: the file is "
                        "not whole, or of another version"
                    )
                if type(value) is int and (type(found) is not int or found < value):
                    raise StateError(f"{key} is {shown(found)}, expected a number from {value} up")


def _check_memory(memory: Mapping[str, Any]) -> None:
    """Raise StateError unless LBFGS can go on from a memory."""
    steps = memory["steps"]
    if type(steps) is not int or steps < 0:
        raise StateError(f"steps is {shown(steps)}, expected a number from 0 up")
    if steps and not memory.keys() >= {"s", "y", "gradient", "direction", "t", "scale"}:
        raise StateError("the memory of LBFGS is not whole")
    if steps and (
        len(memory["s"]) != len(memory["y"])
        or memory["gradient"].ndim != 1
        or memory["direction"].ndim != 1
        or any(v.ndim != 1 for v in (*memory["s"], *memory["y"]))
        or not all(is_number(memory[key]) for key in ("t", "scale"))
    ):
        raise StateError("the pairs in the memory of LBFGS do not belong together")


def checked_generators(
    saved: Mapping[str, Any], roots: Mapping[str, Any], strict: bool
) -> list[tuple[Any, Any]]:
    """Return the sources with their states; StateError unless they can have them."""
    found = random_states.sources(**roots)
    states = {name.replace("..", "."): state for name, state in saved.items()}  # as 0.1 wrote them
    if strict:
        given = [f"{name}." for name, root in roots.items() if root is not None]
        for name in states.keys() ^ found.keys():
            if any(f"{name}.".startswith(root) for root in given):
                where = "this training" if name in found else "the file"
                raise StateError(
                    f"only {where} has a random generator {shown(name)}; make the training as it "
                    "was begun"
                )
    both = [name for name in found if name in states]
    for name in both:
        random_states.check_state(name, found[name], states[name])
    return [(found[name], states[name]) for name in both]


def checked_callbacks(
    saved: Mapping[str, Any], arrays: Mapping[str, Any], callbacks: list[Any]
) -> list[tuple[Any, dict[str, Any]]]:
    """Return the callbacks that have a state with it; StateError for others or another order."""
    found = []
    for i, callback in enumerate(callbacks):
        if not hasattr(callback, "load_state_dict"):
            continue
        entry = saved.get(str(i), {"class": "none"})
        if entry["class"] != type(callback).__name__:
            raise StateError(
                f"callback {i} is a {type(callback).__name__}, and the file's is "
                f"{shown(entry['class'])}; give the same callbacks in the same order"
            )
        for key, value in entry["state"].items() if _is_ours(callback) else ():
            if value is not None and not is_number(value):
                raise StateError(f"{shown(key)} of callback {i} is {shown(value)}, not a number")
        found.append((callback, {**entry["state"], **with_prefix(f"callback.{i}.", arrays)}))
    return found
