"""Checkpoint and resume: continue a training bit for bit as if it had never stopped.

A checkpoint holds everything that the next epoch depends on: parameters and buffers, the
optimizer's state, every random generator that can be reached (for the order of the data, for
dropout), the history, the state of callbacks, and a checksum of the data.

Not held are the global states of NumPy and of Python's ``random``, and generators that only a
global variable leads to: give a training its own, as ``rng=``.
"""

import copy
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nn.columns import better
from nn.errors import FileFormatError, StateError
from nn.files.reading import cut, parse_json, shown
from nn.files.weights import checked_metadata, checked_suffix, read, save
from nn.module import Module
from nn.optim.optimizer import Optimizer
from nn.placement import is_array
from nn.training import random_states
from nn.training.callbacks import Monitor, with_prefix
from nn.training.loop import History, TrainingState, check_optimizer
from nn.training.saved_states import (
    check_data,
    check_names,
    check_shapes,
    checked_callbacks,
    checked_generators,
    checked_history,
    checked_optimizer_state,
    fingerprint,
)

#: The strings of a checkpoint; the last two are missing in those of version 0.1.
_KEYS = ("optimizer", "rng", "callbacks", "history", "arrays", "data")


def _extract_arrays(
    values: Mapping[str, Any], prefix: str, arrays: dict[str, Any]
) -> dict[str, Any]:
    """Move the arrays of a state to ``arrays``, with a prefix, and return the rest."""
    arrays.update({f"{prefix}{k}": v for k, v in values.items() if is_array(v)})
    return {k: v for k, v in values.items() if not is_array(v)}


def _json(value: Any) -> str:
    def to_json(other: Any) -> Any:
        if is_array(other) or isinstance(other, np.generic):
            return other.tolist()
        raise TypeError(
            "a Checkpoint keeps states of numbers, strings, arrays, and dicts of them, got "
            f"{other!r}"
        )

    return json.dumps(value, default=to_json)


class Checkpoint(Monitor):
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
        super().__init__(monitor, mode)
        self.path, self.note = Path(path), checked_metadata(note)
        checked_suffix(self.path)
        if taken := self.note.keys() & {*_KEYS}:
            raise ValueError(
                f"a checkpoint has strings of its own called {', '.join(sorted(taken))}"
            )

    def state_dict(self) -> dict[str, Any]:
        """Return the best value so far."""
        return {"best": self.best}

    def __call__(self, state: TrainingState) -> None:
        value = self.latest(state)
        before = self.best
        if self.monitor is not None:
            if not better(value, self.best, self.mode):
                return
            self.best = value
        try:
            self._write(state)
        except BaseException:  # a value counts once its weights are in the file
            self.best = before
            raise

    def _write(self, state: TrainingState) -> None:
        _check_parameters(state.model, state.optimizer)
        self.path.parent.mkdir(parents=True, exist_ok=True)
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
        roots = _roots(state.model, state.optimizer, state.data, state.callbacks)
        first = "data" not in state.notes
        if first:  # the data are read once in a call of fit
            state.notes["data"] = fingerprint(state.data)
        metadata = {
            "optimizer": {
                "class": type(state.optimizer).__name__,
                "groups": optimizer["param_groups"],
                "numbers": numbers,
            },
            "rng": {
                name: random_states.get_state(source)
                for name, source in random_states.sources(**roots).items()
            },
            "callbacks": callbacks,
            "history": state.history.epochs,
            "arrays": sorted(arrays),
            "data": state.notes["data"],
        }
        texts = {name: _json(value) for name, value in metadata.items()}
        save(self.path, arrays, {**texts, **self.note})
        passed = {"loss": state.loss}
        if getattr(state.validation, "shuffle", True):  # else its generator is not used
            passed["validation"] = state.validation
        lost = random_states.not_restorable(**roots, **passed) if first else []
        lost += [f"{p} is a generator" for p in random_states.sources(**passed)] if first else []
        if lost:
            warnings.warn(
                f"a Checkpoint cannot keep where it stands: {'; '.join(lost[:3])}. A resumed "
                "training will differ there; draw from an np.random.Generator of the model or of "
                "the data instead",
                RuntimeWarning,
                stacklevel=2,
            )


def _roots(
    model: Module, optimizer: Optimizer, data: Any, callbacks: Iterable[Any]
) -> dict[str, Any]:
    """Return the objects that a training draws its random numbers from, by name."""
    others = {f"callback.{i}": c for i, c in enumerate(callbacks)}
    return {"data": data, "model": model, "optimizer": optimizer, **others}


def _check_parameters(model: Module, optimizer: Optimizer) -> None:
    """Raise StateError for parameters of an optimizer that the model's state does not hold."""
    own = {id(p) for p in model.parameters()}
    others = [p for group in optimizer.param_groups for p in group["params"] if id(p) not in own]
    if others:
        raise StateError(
            f"the optimizer moves {len(others)} parameters that the model does not hold, so a "
            "Checkpoint would lose them; make them attributes of the model"
        )


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
        Made as for the first training; their states are replaced.  Without callbacks a warning
        names those whose state the file holds.

    Returns
    -------
    History
        For ``fit(..., history=history)``, which continues as if training had never stopped.

    Raises
    ------
    StateError
        If the file belongs to another network, optimizer or data set, or to callbacks in another
        order.
    FileFormatError
        If the file is not a checkpoint.  Nothing has been changed after either error.
    """
    if not isinstance(model, Module) or not isinstance(optimizer, Optimizer):
        raise TypeError(
            "resume takes a path, a model and an optimizer, in this order, got a "
            f"{type(model).__name__} and a {type(optimizer).__name__}"
        )
    check_optimizer(model, optimizer)
    callbacks = list(callbacks)
    arrays, metadata = read(
        path, lambda entries, texts: check_shapes(path, model, callbacks, entries, texts)
    )
    roots = _roots(model, optimizer, data, callbacks)
    try:
        texts = {key: parse_json(metadata[key].encode()) for key in _KEYS if key in metadata}
        check_names(texts.get("arrays"), arrays)
        history = checked_history(texts["history"])
        if "data" in texts and data is not None:
            check_data(texts["data"], data)
        state = checked_optimizer_state(texts["optimizer"], arrays, optimizer)
        generators = checked_generators(texts["rng"], roots, strict="data" in texts)
        loads = checked_callbacks(texts["callbacks"], arrays, callbacks)
        begun = [] if callbacks else _with_a_state(texts["callbacks"], arrays)
    except StateError as error:
        raise StateError(cut(str(error))) from error
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        what = f"{type(error).__name__} {shown(str(error))}"
        raise FileFormatError(f"{path} is not a checkpoint of this training: {what}") from error
    with _unchanged_after_errors(roots, [model, optimizer, *callbacks]):
        model.load_state_dict(with_prefix("model.", arrays))
        optimizer.load_state_dict(state)
        for callback, values in loads:
            callback.load_state_dict(values)
        for source, values in generators:
            random_states.set_state(source, values)
    if begun:
        warnings.warn(
            f"the state of {', '.join(begun)} is not restored, so training goes on otherwise than "
            "without a break; give resume the callbacks, too: nn.resume(path, model, optimizer, "
            "data, callbacks), and then the same to fit",
            stacklevel=2,
        )
    found = History(history)
    for callback in callbacks:
        if isinstance(callback, Monitor):
            callback.belong_to(found)
    return found


def _with_a_state(saved: Mapping[str, Any], arrays: Mapping[str, Any]) -> list[str]:
    """Return the classes of callbacks, but checkpoints, whose saved state is not a new one's."""
    return [
        str(entry["class"])
        for number, entry in saved.items()
        if entry["class"] != Checkpoint.__name__
        and (
            any(v is not None for v in entry["state"].values())
            or with_prefix(f"callback.{number}.", arrays)
        )
    ]


@contextmanager
def _unchanged_after_errors(roots: Mapping[str, Any], parts: Iterable[Any]) -> Iterator[None]:
    """Restore the states of a training if the block fails, and turn errors into StateErrors."""
    states = [
        (part, copy.deepcopy(part.state_dict()))
        for part in parts
        if hasattr(part, "state_dict") and hasattr(part, "load_state_dict")
    ]
    random = [(s, random_states.get_state(s)) for s in random_states.sources(**roots).values()]
    try:
        with np.errstate(over="raise", invalid="raise"):  # of numbers too large for a dtype
            yield
    except BaseException as error:
        for part, state in states:
            part.load_state_dict(state)
        for source, state in random:
            random_states.set_state(source, state)
        if not isinstance(error, Exception):
            raise
        name = "" if isinstance(error, StateError) else f" {type(error).__name__}"
        raise StateError(cut(f"the state does not fit:{name} {error}")) from error
