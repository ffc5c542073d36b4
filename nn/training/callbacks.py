"""Callbacks of ``fit``: early stopping, and pictures while training goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import autograd_core as ag
from nn.module import Module
from nn.plot.axes import figure
from nn.plot.curves import history as plot_history
from nn.training.evaluation import Loss
from nn.training.loop import TrainingState

_FALLING = ("loss", "error", "mse", "rmse", "mae", "perplexity", "nll", "deviance")
_RISING = ("accuracy", "score", "r2", "f1", "auc", "precision", "recall", "right")


def direction(monitor: str, mode: str | None) -> str:
    """Return ``"min"`` or ``"max"``: the given mode, or by the last word of a column's name."""
    if mode not in (None, "min", "max"):
        raise ValueError(f'mode is "min", "max" or None, got {mode!r}')
    word = monitor.lower().rsplit("_", 1)[-1]
    if mode is None and word not in (*_FALLING, *_RISING):
        raise ValueError(
            f'whether {monitor!r} improves by falling or by rising is not known: say mode="min" '
            'or mode="max"'
        )
    return mode or ("min" if word in _FALLING else "max")


def better(new: float, old: float | None, mode: str, margin: float = 0.0) -> bool:
    """Return whether a value improves on the best so far."""
    if old is None:
        return new == new
    return new < old - margin if mode == "min" else new > old + margin


def with_prefix(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values whose names begin with a prefix, by the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}


class EarlyStopping:
    """Stop when ``monitor`` has not improved for ``patience`` epochs; restore the best weights.

    Parameters
    ----------
    monitor
        A column of the history.
    patience
        The number of epochs without improvement to wait.
    mode
        ``"min"`` or ``"max"``: whether the column improves by falling or by rising; by default
        its name decides (losses and errors fall, accuracies and scores rise).
    min_delta
        The smallest change that counts as an improvement.
    restore
        Whether the model gets back the weights of its best epoch.
    """

    def __init__(
        self,
        monitor: str = "validation_loss",
        patience: int = 5,
        *,
        mode: str | None = None,
        min_delta: float = 0.0,
        restore: bool = True,
    ) -> None:
        if patience < 1:
            raise ValueError(f"patience is a number of epochs from 1 up, got {patience}")
        self.monitor, self.patience, self.mode = monitor, patience, direction(monitor, mode)
        self.min_delta, self.restore = min_delta, restore
        self.best: float | None = None
        self.best_epoch = 0
        self._weights: dict[str, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the best so far, for a :class:`nn.Checkpoint`: numbers, and arrays by name."""
        weights = {f"weights.{name}": a for name, a in self._weights.items()}
        return {"best": self.best, "best_epoch": self.best_epoch, **weights}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.best, self.best_epoch = saved["best"], int(saved["best_epoch"])
        self._weights = with_prefix("weights.", saved)

    def __call__(self, state: TrainingState) -> None:
        value, epoch = state.history[self.monitor][-1], len(state.history)
        if better(value, self.best, self.mode, self.min_delta):
            self.best, self.best_epoch = value, epoch
            self._weights = state.model.state_dict() if self.restore else {}
        elif epoch - self.best_epoch >= self.patience:
            state.stop = f"no better {self.monitor} for {self.patience} epochs"
            if self._weights:
                state.model.load_state_dict(self._weights)


def draw_gradient_flow(path: Path, model: Module, loss: Loss, batch: Any) -> None:
    """Draw the size of the gradient at each layer, for one batch.

    Parameters
    ----------
    path
        The picture to write, such as ``gradient_flow.svg``.
    model, loss, batch
        ``loss(model(batch[0]), batch[1])`` is drawn.
    """
    for name, p in model.named_parameters():
        p.name = p.name or name
    names = {"x": batch[0], "y": batch[1]}
    value = loss(model(batch[0]), batch[1])
    ag.draw(value, level="modules", color="grad", names=names).save(path)


class Draw:
    """Draw the flow of the gradient every few epochs, as ``gradient_flow_<epoch>.svg``.

    With matplotlib, ``history.png`` is kept up to date too.

    Parameters
    ----------
    folder
        The folder for the pictures; created when missing.
    loss, batch
        ``loss(model(batch[0]), batch[1])`` is drawn: the same batch each time, so that pictures
        can be compared.
    every
        The number of epochs from one picture to the next.

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

    def __call__(self, state: TrainingState) -> None:
        epoch = len(state.history)
        if epoch % self.every:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"gradient_flow_{epoch}.svg"
        draw_gradient_flow(path, state.model, self.loss, self.batch)
        try:
            drawn = figure(6.4, 4.2)
        except ImportError:  # the graph needs no matplotlib
            return
        plot_history(state.history, ax=drawn.subplots())
        drawn.savefig(self.folder / "history.png", dpi=120)
