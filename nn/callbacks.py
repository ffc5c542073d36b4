"""Callbacks of ``fit``: stopping early, checkpoints, and pictures while it trains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from nn import pictures, plot
from nn.data import DataLoader
from nn.errors import FileFormatError, StateError
from nn.files import load, load_metadata, save
from nn.module import Module
from nn.optim import Optimizer
from nn.training import History, Run


def _better(new: float, old: float | None, monitor: str, margin: float = 0.0) -> bool:
    """Whether a value improves on the best; a loss improves by falling, all else by rising."""
    if old is None:
        return new == new
    return new < old - margin if monitor.endswith("loss") else new > old + margin


class EarlyStopping:
    """Stop once ``monitor`` has not improved for ``patience`` epochs; the best weights return.

    Parameters
    ----------
    monitor
        A column of the history; a name that ends in "loss" improves by falling.
    patience
        Epochs without improvement that are endured.
    min_delta
        What counts as one.
    restore
        Whether the model gets back the weights of its best epoch.
    """

    def __init__(
        self,
        monitor: str = "validation_loss",
        patience: int = 5,
        *,
        min_delta: float = 0.0,
        restore: bool = True,
    ) -> None:
        self.monitor, self.patience = monitor, patience
        self.min_delta, self.restore = min_delta, restore
        self.best: float | None = None
        self.best_epoch = 0
        self._weights: dict[str, Any] = {}

    def __call__(self, run: Run) -> None:
        value, epoch = run.history[self.monitor][-1], len(run.history)
        if _better(value, self.best, self.monitor, self.min_delta):
            self.best, self.best_epoch = value, epoch
            self._weights = run.model.state_dict() if self.restore else {}
        elif epoch - self.best_epoch >= self.patience:
            run.stop = f"no better {self.monitor} for {self.patience} epochs"
            if self._weights:
                run.model.load_state_dict(self._weights)


class Checkpoint:
    """Write model, optimizer, random state and history to a file after each epoch.

    Parameters
    ----------
    path
        A ``.safetensors`` or ``.npz`` file; replaced as a whole, so a crash leaves the last one.
    monitor
        A column of the history: write only when it improves.
    note
        Strings to store with it.
    """

    def __init__(
        self, path: str | Path, monitor: str | None = None, note: dict[str, str] | None = None
    ) -> None:
        self.path, self.monitor, self.note = Path(path), monitor, note or {}
        self.best: float | None = None

    def __call__(self, run: Run) -> None:
        if self.monitor is not None:
            value = run.history[self.monitor][-1]
            if not _better(value, self.best, self.monitor):
                return
            self.best = value
        arrays: dict[str, Any] = {
            f"model.{name}": array for name, array in run.model.state_dict().items()
        }
        optimizer = run.optimizer.state_dict()
        numbers: dict[str, dict[str, Any]] = {}
        for i, values in optimizer["state"].items():
            for name, value in values.items():
                if isinstance(value, np.ndarray):
                    arrays[f"optimizer.{i}.{name}"] = value
                else:
                    numbers.setdefault(str(i), {})[name] = value
        rng = run.data.rng.bit_generator.state if isinstance(run.data, DataLoader) else None
        metadata = {
            "optimizer": json.dumps({"groups": optimizer["param_groups"], "numbers": numbers}),
            "rng": json.dumps(rng, default=np.ndarray.tolist),
            "history": json.dumps(run.history.epochs),
            **self.note,
        }
        save(self.path, arrays, metadata)


class Draw:
    """Draw the flow of the gradient every so many epochs, as ``gradient_flow_<epoch>.svg``.

    With matplotlib, ``history.png`` is kept up to date too.

    Parameters
    ----------
    folder
        Where the pictures go; made if it is not there.
    loss, batch
        ``loss(model(batch[0]), batch[1])`` is drawn: the same batch each time, so that pictures
        can be compared.
    every
        Epochs from one picture to the next.

    Examples
    --------
    >>> import tempfile, numpy as np, nn
    >>> from pathlib import Path
    >>> model = nn.mlp([2, 3, 1], rng=0)
    >>> batch = np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     draw = nn.Draw(folder, nn.mse_loss, batch, every=2)
    ...     optimizer = nn.SGD(model.parameters(), lr=0.1)
    ...     history = nn.fit(model, [batch], nn.mse_loss, optimizer, 4, callbacks=[draw],
    ...                      progress=False)
    ...     sorted(p.name for p in Path(folder).glob("*.svg"))
    ['gradient_flow_2.svg', 'gradient_flow_4.svg']
    """

    def __init__(self, folder: str | Path, loss: Any, batch: Any, every: int = 1) -> None:
        if every < 1:
            raise ValueError(f"every is a number of epochs from 1 up, got {every}")
        self.folder, self.loss, self.batch, self.every = Path(folder), loss, batch, every

    def __call__(self, run: Run) -> None:
        epoch = len(run.history)
        if epoch % self.every:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = f"gradient_flow_{epoch}"
        pictures.graphs(self.folder, run.model, self.loss, self.batch, stem)
        try:
            figure = plot.axes.figure(6.4, 4.2)
        except ImportError:  # the graph needs none
            return
        plot.history(run.history, ax=figure.subplots())
        figure.savefig(self.folder / "history.png", dpi=120)


def resume(path: str | Path, model: Module, optimizer: Optimizer, data: Any = None) -> History:
    """Put model, optimizer and the order of ``data`` back to what a Checkpoint wrote.

    Returns
    -------
    History
        For ``fit(..., history=history)``, which goes on as if it had never stopped.

    Raises
    ------
    StateError
        If the file is of another network or optimizer; nothing has been changed then.
    """
    arrays, metadata = load(path), load_metadata(path)
    try:
        saved = json.loads(metadata["optimizer"])
        rng, rows = json.loads(metadata["rng"]), json.loads(metadata["history"])
        state: dict[str, dict[str, Any]] = {
            number: dict(values) for number, values in saved["numbers"].items()
        }
        for name, array in arrays.items():
            if name.startswith("optimizer."):
                _, number, key = name.split(".", 2)
                state.setdefault(number, {})[key] = array
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{path} is not a checkpoint: {error}") from error
    weights = {n.removeprefix("model."): a for n, a in arrays.items() if n.startswith("model.")}
    before = model.state_dict()
    model.load_state_dict(weights)
    try:
        optimizer.load_state_dict({"state": state, "param_groups": saved["groups"]})
    except StateError:
        model.load_state_dict(before)
        raise
    if rng is not None and isinstance(data, DataLoader):
        data.rng.bit_generator.state = rng
    return History(rows)
