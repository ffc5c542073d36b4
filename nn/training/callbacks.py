"""Callbacks of ``fit``: stopping early, and pictures while it trains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nn import plot
from nn.cli import report as pictures
from nn.training.loop import Run

_FALLING = ("loss", "error", "mse", "rmse", "mae", "perplexity", "nll", "deviance")
_RISING = ("accuracy", "score", "r2", "f1", "auc", "precision", "recall", "right")


def direction(monitor: str, mode: str | None) -> str:
    """``"min"`` or ``"max"``: as it was said, or by the last word of a column's name."""
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
    """Whether a value improves on the best so far."""
    if old is None:
        return new == new
    return new < old - margin if mode == "min" else new > old + margin


class EarlyStopping:
    """Stop once ``monitor`` has not improved for ``patience`` epochs; then the best weights return.

    Parameters
    ----------
    monitor
        A column of the history.
    patience
        Epochs without improvement that are endured.
    mode
        ``"min"`` or ``"max"``: whether it improves by falling or by rising; unless given, by its
        name (losses and errors fall, accuracies and scores rise).
    min_delta
        What counts as an improvement.
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
        """The best so far, for a :class:`nn.Checkpoint`: numbers, and arrays by name."""
        weights = {f"weights.{name}": a for name, a in self._weights.items()}
        return {"best": self.best, "best_epoch": self.best_epoch, **weights}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.best, self.best_epoch = saved["best"], int(saved["best_epoch"])
        self._weights = {
            name.removeprefix("weights."): a
            for name, a in saved.items()
            if name.startswith("weights.")
        }

    def __call__(self, run: Run) -> None:
        value, epoch = run.history[self.monitor][-1], len(run.history)
        if better(value, self.best, self.mode, self.min_delta):
            self.best, self.best_epoch = value, epoch
            self._weights = run.model.state_dict() if self.restore else {}
        elif epoch - self.best_epoch >= self.patience:
            run.stop = f"no better {self.monitor} for {self.patience} epochs"
            if self._weights:
                run.model.load_state_dict(self._weights)


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
