"""Callbacks of ``fit``: early stopping, and pictures while training goes on."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import autograd_core as ag
from nn.columns import better, direction
from nn.module import Module, undisturbed
from nn.plot.axes import figure
from nn.plot.curves import history as plot_history
from nn.training.evaluation import Loss
from nn.training.loop import History, TrainingState
from nn.training.progress import warn


def with_prefix(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values whose names begin with a prefix, by the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}


class Monitor:
    """Base class of callbacks that compare a column of the history with its best value so far.

    The best value belongs to one history: it is forgotten when a training begins that does not go
    on with it.
    """

    def __init__(self, monitor: str | None, mode: str | None) -> None:
        self.monitor = monitor
        self.mode = "min" if monitor is None else direction(monitor, mode)
        self._history: History | None = None
        self.reset()

    def reset(self) -> None:
        """Forget what was best."""
        self.best: float | None = None

    def latest(self, state: TrainingState) -> float:
        """Return the column after this epoch; reset first if another training has begun.

        Without a column to monitor it is nan.
        """
        if self._history is not None and self._history is not state.history:
            self.reset()
        self._history = state.history
        row = state.history.epochs[-1]
        if self.monitor is None:
            return math.nan
        if self.monitor not in row:
            raise KeyError(f"no column {self.monitor!r} after this epoch; it has {', '.join(row)}")
        return row[self.monitor]

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what ``state_dict`` returned."""
        self.best, self._history = saved["best"], None

    def belong_to(self, history: History) -> None:
        """Tie the state to a history, that of the training which :func:`nn.resume` goes on."""
        self._history = history


class EarlyStopping(Monitor):
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
        Whether the model gets back the weights of its best epoch when training ends, by itself, by
        its number of epochs or by Ctrl-C.
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
        self.patience, self.min_delta, self.restore = patience, min_delta, restore
        super().__init__(monitor, mode)

    def reset(self) -> None:
        """Forget what was best."""
        super().reset()
        self.best_epoch = 0
        self._weights: dict[str, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the best so far, for a :class:`nn.Checkpoint`: numbers, and arrays by name."""
        weights = {f"weights.{name}": a for name, a in self._weights.items()}
        return {"best": self.best, "best_epoch": self.best_epoch, **weights}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        super().load_state_dict(saved)
        self.best_epoch = int(saved["best_epoch"])
        self._weights = with_prefix("weights.", saved)

    def __call__(self, state: TrainingState) -> None:
        value, epoch = self.latest(state), len(state.history)
        if better(value, self.best, self.mode, self.min_delta):
            self.best, self.best_epoch = value, epoch
            self._weights = state.model.state_dict() if self.restore else {}
        else:
            self._stop_if_late(state)

    def begin(self, state: TrainingState) -> None:
        """Stop at once a training that had been stopped before it was resumed."""
        if self._history is state.history and state.history.epochs:
            self._stop_if_late(state)

    def _stop_if_late(self, state: TrainingState) -> None:
        if len(state.history) - self.best_epoch >= self.patience:
            state.stop = f"no better {self.monitor} for {self.patience} epochs"

    def finish(self, state: TrainingState) -> None:
        """Give the model the weights of its best epoch; called at the end of the training."""
        if self._weights and self._history is state.history:
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
    with undisturbed(model):
        value = loss(model(batch[0]), batch[1])
    ag.draw(value, level="modules", color="grad", names=names).save(path)


class Draw:
    """Draw the flow of the gradient every few epochs, as ``gradient_flow_<epoch>.svg``.

    With matplotlib, ``history.png`` is kept up to date too.  A picture that cannot be drawn warns,
    and training goes on.

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
        if len(state.history) % self.every:
            return
        try:
            self._draw(state, len(state.history))
        except Exception as error:
            warn(
                f"a picture of epoch {len(state.history)} could not be drawn: "
                f"{type(error).__name__}: {error}"
            )

    def _draw(self, state: TrainingState, epoch: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"gradient_flow_{epoch}.svg"
        draw_gradient_flow(path, state.model, self.loss, self.batch)
        try:
            drawn = figure(6.4, 4.2)
        except ImportError:  # the graph needs no matplotlib
            return
        plot_history(state.history, ax=drawn.subplots())
        drawn.savefig(self.folder / "history.png", dpi=120)
