"""Callbacks of ``fit``: early stopping, learning rates, mean weights, pictures while training."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from nn.columns import better, direction
from nn.module import Module, undisturbed
from nn.plot.axes import figure
from nn.plot.curves import history as plot_history
from nn.training.evaluation import Loss
from nn.training.loop import CallbackBase, History, TrainingState
from nn.training.progress import warn


def with_prefix(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values whose names begin with a prefix, by the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}


class Monitor(CallbackBase):
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

    def join(self, state: TrainingState) -> None:
        """Belong to a training; reset first if it does not go on with the one before."""
        if self._history is not None and self._history is not state.history:
            self.reset()
        self._history = state.history

    def latest(self, state: TrainingState) -> float:
        """Return the column after this epoch; reset first if another training has begun.

        Without a column to monitor it is nan.
        """
        self.join(state)
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


class ReduceLROnPlateau(Monitor):
    """Lower the learning rate of every group when ``monitor`` has stopped improving, as PyTorch's.

    Parameters
    ----------
    monitor, mode
        As in :class:`EarlyStopping`.
    factor
        What rates are multiplied by.
    patience
        The number of epochs without improvement that change nothing.
    threshold
        The smallest change that counts as an improvement, as a share of the best value; with
        ``relative=False`` itself.
    cooldown
        The number of epochs after a change that do not count.
    min_lr
        The smallest rate.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.ones((4, 2), np.float32)
    >>> model = nn.Linear(2, 1, rng=0)
    >>> optimizer = nn.SGD(model.parameters(), lr=0.4)
    >>> plateau = nn.ReduceLROnPlateau("loss", factor=0.5, patience=1)
    >>> loss = lambda prediction, target: 0 * prediction.sum() + 1
    >>> history = nn.fit(model, [(x, x)], loss, optimizer, 3, callbacks=[plateau], progress=False)
    >>> optimizer.param_groups[0]["lr"]
    0.2
    """

    def __init__(
        self, monitor: str = "validation_loss", factor: float = 0.1, patience: int = 10, *,
        mode: str | None = None, threshold: float = 1e-4, relative: bool = True,
        cooldown: int = 0, min_lr: float = 0.0,
    ) -> None:  # fmt: skip
        if not 0 <= factor < 1 or min(patience, cooldown, threshold, min_lr) < 0:
            given = f"{factor=}, {patience=}, {cooldown=}, {threshold=}, {min_lr=}"
            raise ValueError(f"factor is below 1, and no number is negative, got {given}")
        self.factor, self.patience, self.threshold = factor, patience, threshold
        self.relative, self.cooldown, self.min_lr = relative, cooldown, min_lr
        super().__init__(monitor, mode)

    def reset(self) -> None:
        """Forget what was best."""
        super().reset()
        self.waited = self.resting = 0

    def state_dict(self) -> dict[str, Any]:
        """Return the best so far and what is counted, for a :class:`nn.Checkpoint`."""
        return {"best": self.best, "waited": self.waited, "resting": self.resting}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        super().load_state_dict(saved)
        self.waited, self.resting = int(saved["waited"]), int(saved["resting"])

    def begin(self, state: TrainingState) -> None:
        """Refuse a training whose schedule would set the rates again at every step."""
        if state.schedule is not None:
            raise ValueError(
                "ReduceLROnPlateau and schedule= both set the learning rate; leave out one of them"
            )

    def __call__(self, state: TrainingState) -> None:
        value, best = self.latest(state), self.best
        delta = self.threshold * (abs(best) if self.relative and best is not None else 1.0)
        if better(value, best, self.mode, delta):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.resting:
            self.resting, self.waited = self.resting - 1, 0
        if self.waited > self.patience:
            self.resting, self.waited = self.cooldown, 0
            for group in state.optimizer.param_groups:
                lower = max(group["lr"] * self.factor, self.min_lr)
                group["lr"] = lower if group["lr"] - lower > 1e-8 else group["lr"]


class ExponentialAverage(Monitor):
    """Keep the mean of the weights over steps, of which older ones count less and less.

    After the first step it is a copy of the weights, and after each other
    ``decay * mean + (1 - decay) * weights`` (B. Polyak, A. Juditsky, 1992; PyTorch's
    ``get_ema_multi_avg_fn``).  When training ends, the model gets the mean.  Buffers are the
    model's own.

    Parameters
    ----------
    decay
        The weight of the old mean, from 0 to below 1.
    restore
        Whether the model gets the mean when training ends; it is in ``weights`` anyway, for
        ``model.load_state_dict(average.weights, strict=False)``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x, y = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
    >>> model, average = nn.Linear(2, 1, rng=0), nn.ExponentialAverage(0.9)
    >>> optimizer = nn.SGD(model.parameters(), lr=0.1)
    >>> history = nn.fit(model, [(x, y)], nn.mse_loss, optimizer, 5, callbacks=[average],
    ...                  progress=False)
    >>> bool((model.weight.data == average.weights["weight"]).all())
    True
    """

    def __init__(self, decay: float = 0.999, *, restore: bool = True) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay is from 0 to below 1, got {decay}")
        self.decay, self.restore = decay, restore
        super().__init__(None, None)

    def reset(self) -> None:
        """Forget the mean."""
        super().reset()
        self.weights: dict[str, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the mean so far, for a :class:`nn.Checkpoint`."""
        return {"best": None, **{f"weights.{name}": a.copy() for name, a in self.weights.items()}}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        super().load_state_dict(saved)
        self.weights = with_prefix("weights.", saved)

    begin = Monitor.join  # and so anew, if this training does not go on with the one before

    def after_step(self, model: Module) -> None:
        """Let the weights of a model into the mean; call it after each step of your own loop."""
        for name, p in model.named_parameters():
            if name not in self.weights:
                self.weights[name] = np.copy(p.data)  # an array without axes, too
            else:
                mean = self.weights[name]
                mean += (p.data - mean) * mean.dtype.type(1 - self.decay)

    def __call__(self, state: TrainingState) -> None:
        """Do nothing after an epoch: steps count."""

    def finish(self, state: TrainingState) -> None:
        """Give the model the mean; called at the end of the training."""
        if self.restore and self.weights:
            state.model.load_state_dict(self.weights, strict=False)


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


class Draw(CallbackBase):
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
