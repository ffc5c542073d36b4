"""Checkpoint and resume: continue a training bit for bit as if it had never stopped.

A checkpoint holds everything that the next epoch depends on: parameters and buffers, the
optimizer's state, every random generator (for the order of the data, for dropout), the history,
and the state of callbacks.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nn.errors import FileFormatError, StateError
from nn.files.weights import checked_metadata, checked_suffix, read, save
from nn.module import Module
from nn.optim.optimizer import Optimizer
from nn.training.callbacks import better, direction, with_prefix
from nn.training.loop import History, TrainingState, check_optimizer


def _generators(model: Module, data: Any) -> dict[str, np.random.Generator]:
    """Return every generator that training draws from, by the name of its owner."""
    owners = [("data", data), *((f"model.{name}", m) for name, m in model.named_modules())]
    return {
        f"{name}.{key}": value
        for name, owner in owners
        for key, value in getattr(owner, "__dict__", {}).items()
        if isinstance(value, np.random.Generator)
    }


def _extract_arrays(
    values: Mapping[str, Any], prefix: str, arrays: dict[str, Any]
) -> dict[str, Any]:
    """Move the arrays of a state to ``arrays``, with a prefix, and return the rest."""
    arrays.update({f"{prefix}{k}": v for k, v in values.items() if isinstance(v, np.ndarray)})
    return {k: v for k, v in values.items() if not isinstance(v, np.ndarray)}


def _json(value: Any) -> str:
    def to_json(other: Any) -> Any:
        if isinstance(other, (np.ndarray, np.generic)):
            return other.tolist()
        raise TypeError(
            "a Checkpoint keeps states of numbers, strings, arrays, and dicts of them, got "
            f"{other!r}"
        )

    return json.dumps(value, default=to_json)


def _are_numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


class Checkpoint:
    """Write everything that training depends on to a file after each epoch.

    Put it last among several callbacks, so that it holds the state of the others (those that have
    a ``state_dict``) after the epoch.

    Parameters
    ----------
    path
        A ``.safetensors`` or ``.npz`` file; replaced as a whole, so a crash leaves the last one.
    monitor
        A column of the history: write only when it improves.
    note
        Strings to store with it.
    mode
        As in :class:`nn.EarlyStopping`.
    """

    def __init__(
        self,
        path: str | Path,
        monitor: str | None = None,
        note: dict[str, str] | None = None,
        *,
        mode: str | None = None,
    ) -> None:
        self.path, self.monitor, self.note = Path(path), monitor, checked_metadata(note)
        checked_suffix(self.path)
        self.mode = "min" if monitor is None else direction(monitor, mode)
        self.best: float | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the best value so far."""
        return {"best": self.best}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.best = saved["best"]

    def __call__(self, state: TrainingState) -> None:
        if self.monitor is not None:
            value = state.history[self.monitor][-1]
            if not better(value, self.best, self.mode):
                return
            self.best = value
        arrays = {f"model.{name}": array for name, array in state.model.state_dict().items()}
        optimizer = state.optimizer.state_dict()
        numbers = {
            str(i): _extract_arrays(values, f"optimizer.{i}.", arrays)
            for i, values in optimizer["state"].items()
        }
        callbacks = {
            str(i): {
                "class": type(callback).__name__,
                "state": _extract_arrays(callback.state_dict(), f"callback.{i}.", arrays),
            }
            for i, callback in enumerate(state.callbacks)
            if hasattr(callback, "state_dict")
        }
        generators = _generators(state.model, state.data)
        metadata = {
            "optimizer": {
                "class": type(state.optimizer).__name__,
                "groups": optimizer["param_groups"],
                "numbers": numbers,
            },
            "rng": {name: rng.bit_generator.state for name, rng in generators.items()},
            "callbacks": callbacks,
            "history": state.history.epochs,
        }
        texts = {name: _json(value) for name, value in metadata.items()}
        save(self.path, arrays, {**texts, **self.note})


def resume(
    path: str | Path,
    model: Module,
    optimizer: Optimizer,
    data: Any = None,
    callbacks: Iterable[Any] = (),
) -> History:
    """Restore everything that a Checkpoint wrote.

    Parameters
    ----------
    path
        The file of the Checkpoint.
    model, optimizer, data, callbacks
        Made as for the first training; their states are replaced.

    Returns
    -------
    History
        For ``fit(..., history=history)``, which continues as if training had never stopped.

    Raises
    ------
    StateError
        If the file belongs to another network or optimizer.
    FileFormatError
        If the file is not a checkpoint.  Nothing has been changed after either error.
    """
    check_optimizer(model, optimizer)
    arrays, metadata = read(Path(path))
    generators, callbacks = _generators(model, data), list(callbacks)
    random = [(rng.bit_generator, rng.bit_generator.state) for rng in generators.values()]
    parts = [p for p in (model, optimizer, *callbacks) if hasattr(p, "state_dict")]
    states = [(part, part.state_dict()) for part in parts if hasattr(part, "load_state_dict")]
    try:
        saved, history = json.loads(metadata["optimizer"]), json.loads(metadata["history"])
        if not all("epoch" in row and _are_numbers(row.values()) for row in history):
            raise ValueError("its history is not a list of epochs")
        if saved["class"] != type(optimizer).__name__:
            raise StateError(
                f"this training was begun with {saved['class']}, not {type(optimizer).__name__}"
            )
        model.load_state_dict(with_prefix("model.", arrays))
        numbers = {str(int(i)): dict(values) for i, values in saved["numbers"].items()}
        for name, array in with_prefix("optimizer.", arrays).items():
            number, key = name.split(".", 1)
            numbers.setdefault(str(int(number)), {})[key] = array
        optimizer.load_state_dict({"state": numbers, "param_groups": saved["groups"]})
        for name, state in json.loads(metadata["rng"]).items():
            if name in generators:
                generators[name].bit_generator.state = state
        found = json.loads(metadata["callbacks"])
        for i, callback in enumerate(callbacks):
            if not hasattr(callback, "load_state_dict"):
                continue
            entry = found.get(str(i), {"class": "none"})
            if entry["class"] != type(callback).__name__:
                raise StateError(
                    f"callback {i} is a {type(callback).__name__}, and the file's is "
                    f"{entry['class']}; give the same callbacks in the same order"
                )
            callback.load_state_dict({**entry["state"], **with_prefix(f"callback.{i}.", arrays)})
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        for part, state in states:
            part.load_state_dict(state)
        for generator, state in random:
            generator.state = state
        if isinstance(error, StateError):
            raise
        raise FileFormatError(f"{path} is not a checkpoint of this training: {error!r}") from error
    return History(history)
