"""Checkpoint and resume: a training that goes on as if it had never stopped, bit for bit.

A checkpoint holds what the next epoch depends on: parameters and buffers, the optimizer's state,
every random generator (of the data's order, of dropout), the history, and the state of callbacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nn.errors import FileFormatError, StateError
from nn.files.weights import checked_metadata, checked_suffix, read, save
from nn.module import Module
from nn.optim.optimizer import Optimizer
from nn.training.callbacks import better, direction
from nn.training.loop import History, Run, check_optimizer


def _generators(model: Module, data: Any) -> dict[str, np.random.Generator]:
    """Every generator that training draws from, by the name of what holds it."""
    found = {}
    for name, holder in (("data", data), *((f"model.{n}", m) for n, m in model.named_modules())):
        for key, value in getattr(holder, "__dict__", {}).items():
            if isinstance(value, np.random.Generator):
                found[f"{name}.{key}"] = value
    return found


def _parted(values: Mapping[str, Any], prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """What of a state is no array; the arrays go to ``arrays``."""
    arrays.update({f"{prefix}{k}": v for k, v in values.items() if isinstance(v, np.ndarray)})
    return {k: v for k, v in values.items() if not isinstance(v, np.ndarray)}


def _json(value: Any) -> str:
    def known(other: Any) -> Any:
        if isinstance(other, (np.ndarray, np.generic)):
            return other.tolist()
        raise TypeError(
            "a Checkpoint keeps states of numbers, strings, arrays, and dicts of them, got "
            f"{other!r}"
        )

    return json.dumps(value, default=known)


def _under(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def _numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


class Checkpoint:
    """Write all that training depends on to a file after each epoch.

    Of several callbacks put it last, so that it holds their state (those that have a
    ``state_dict``) after the epoch.

    Parameters
    ----------
    path
        A ``.safetensors`` or ``.npz`` file; replaced as a whole, so a crash leaves the last one.
    monitor
        A column of the history: write only when it improves.
    mode
        As in :class:`nn.EarlyStopping`.
    note
        Strings to store with it.
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
        """The best value so far."""
        return {"best": self.best}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.best = saved["best"]

    def __call__(self, run: Run) -> None:
        if self.monitor is not None:
            value = run.history[self.monitor][-1]
            if not better(value, self.best, self.mode):
                return
            self.best = value
        arrays = {f"model.{name}": array for name, array in run.model.state_dict().items()}
        optimizer = run.optimizer.state_dict()
        numbers = {
            str(i): _parted(values, f"optimizer.{i}.", arrays)
            for i, values in optimizer["state"].items()
        }
        callbacks = {
            str(i): {
                "class": type(callback).__name__,
                "state": _parted(callback.state_dict(), f"callback.{i}.", arrays),
            }
            for i, callback in enumerate(run.callbacks)
            if hasattr(callback, "state_dict")
        }
        random = {
            name: rng.bit_generator.state for name, rng in _generators(run.model, run.data).items()
        }
        metadata = {
            "optimizer": _json(
                {
                    "class": type(run.optimizer).__name__,
                    "groups": optimizer["param_groups"],
                    "numbers": numbers,
                }
            ),
            "rng": _json(random),
            "callbacks": _json(callbacks),
            "history": _json(run.history.epochs),
            **self.note,
        }
        save(self.path, arrays, metadata)


def resume(
    path: str | Path,
    model: Module,
    optimizer: Optimizer,
    data: Any = None,
    callbacks: Iterable[Any] = (),
) -> History:
    """Put everything back to what a Checkpoint wrote.

    Parameters
    ----------
    path
        What the Checkpoint wrote.
    model, optimizer, data, callbacks
        Made as they were then; their states are replaced.

    Returns
    -------
    History
        For ``fit(..., history=history)``, which goes on as if it had never stopped.

    Raises
    ------
    StateError
        If the file is of another network or optimizer; FileFormatError if it is no checkpoint.
        Nothing has been changed then.
    """
    check_optimizer(model, optimizer)
    arrays, metadata = read(Path(path))
    weights, kept = model.state_dict(), optimizer.state_dict()
    generators, callbacks = _generators(model, data), list(callbacks)
    random = {name: rng.bit_generator.state for name, rng in generators.items()}
    states = [c.state_dict() if hasattr(c, "state_dict") else {} for c in callbacks]
    try:
        saved, history = json.loads(metadata["optimizer"]), json.loads(metadata["history"])
        if not all("epoch" in row and _numbers(row.values()) for row in history):
            raise ValueError("its history is not one of epochs")
        if saved["class"] != type(optimizer).__name__:
            raise StateError(
                f"this training was begun with {saved['class']}, not {type(optimizer).__name__}"
            )
        model.load_state_dict(_under("model.", arrays))
        numbers = {str(int(i)): dict(values) for i, values in saved["numbers"].items()}
        for name, array in _under("optimizer.", arrays).items():
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
            kept_of = found.get(str(i), {"class": "none"})
            if kept_of["class"] != type(callback).__name__:
                raise StateError(
                    f"callback {i} is a {type(callback).__name__}, and the file's is "
                    f"{kept_of['class']}; give the same callbacks in the same order"
                )
            callback.load_state_dict({**kept_of["state"], **_under(f"callback.{i}.", arrays)})
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        model.load_state_dict(weights)
        optimizer.load_state_dict(kept)
        for name, rng in generators.items():
            rng.bit_generator.state = random[name]
        for callback, state in zip(callbacks, states, strict=True):
            if state:
                callback.load_state_dict(state)
        if isinstance(error, StateError):
            raise
        raise FileFormatError(f"{path} is not a checkpoint of this training: {error!r}") from error
    return History(history)
