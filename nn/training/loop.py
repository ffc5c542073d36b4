"""fit: the training loop.

Forward, loss, backward, update, and again; everything else here is bookkeeping.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np

import autograd_core as ag
from nn.errors import NonFiniteError, NonFiniteGradientError, NonFiniteLossError, listed
from nn.module import Module, restored_modes, undisturbed
from nn.optim.lbfgs import LBFGS
from nn.optim.optimizer import Optimizer
from nn.optim.schedules import Schedule, Scheduled
from nn.placement import device_of, is_array
from nn.training.evaluation import (
    IGNORED,
    Loss,
    Metrics,
    evaluate,
    loss_function,
    pair,
)
from nn.training.progress import Progress, progress_of, warn
from nn.training.steps import GradientIsNotFinite, LossIsNotFinite, TrainingStep


@dataclass(repr=False)
class History:
    """Record of a training, epoch by epoch; ``history["loss"]`` is a column.

    Iterating gives its rows, so that ``pandas.DataFrame(history)`` is a table.

    Attributes
    ----------
    epochs : list of dict
        ``epoch``, ``steps`` (of the optimizer, since the beginning), ``loss`` (the mean while
        training), ``validation_loss`` and ``validation_<metric>`` with validation data,
        ``seconds``.
    stopped : str or None
        Why training ended early.
    threads : int or None
        How many threads the linear algebra of NumPy ran on, which another run needs for equal bits;
        None if it cannot be known (``threadpoolctl`` tells it, or an environment variable).
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    stopped: str | None = None
    threads: int | None = None

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.epochs)

    def __repr__(self) -> str:
        last = self.epochs[-1] if self.epochs else {}
        parts = [f"{len(self)} epoch{'' if len(self) == 1 else 's'}"]
        parts += [f"{k} {v:.4g}" for k, v in last.items() if k not in ("epoch", "steps", "seconds")]
        parts += [f"{sum(self['seconds']):.1f} s"] if "seconds" in last else []
        return f"History({', '.join([*parts, *([self.stopped] if self.stopped else [])])})"

    def __getitem__(self, name: str) -> list[float]:
        if self.epochs and not any(name in row for row in self.epochs):
            known = ", ".join(self.epochs[-1])
            rows = "; the rows are in history.epochs" if isinstance(name, int) else ""
            raise KeyError(f"no column {name!r} in this history; it has {known}{rows}")
        return [row[name] for row in self.epochs if name in row]


#: A function of the state of the training after an epoch.
Callback = Callable[["TrainingState"], None]


class CallbackBase:
    """Base class of the callbacks of this package, which a list of them has as its type."""

    def __call__(self, state: TrainingState) -> None:
        """Act on the state of the training after an epoch."""
        raise NotImplementedError


@dataclass
class TrainingState:
    """State that callbacks receive after each epoch; a reason in ``stop`` ends the training.

    ``notes`` is for what callbacks want to keep for the length of one call of ``fit``; ``loss``,
    ``validation`` and ``schedule`` are those of ``fit``.
    """

    model: Module
    optimizer: Optimizer
    data: Any
    history: History
    callbacks: Sequence[Callback] = ()
    stop: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    loss: Any = None
    validation: Any = None
    schedule: Any = None


def _blas_threads() -> int | None:
    """Return how many threads NumPy's products of matrices run on, if it can be known."""
    try:
        import threadpoolctl
    except ImportError:
        names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
        return next((int(n) for n in map(os.environ.get, names) if n and n.isdigit()), None)
    pools = threadpoolctl.threadpool_info()
    return max((pool["num_threads"] for pool in pools if pool["user_api"] == "blas"), default=None)


def check_optimizer(model: Module, optimizer: Optimizer) -> None:
    """Raise ValueError if the optimizer holds none of the model's parameters."""
    moved = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if moved.isdisjoint(id(p) for p in model.parameters()):
        raise ValueError(
            "the optimizer has no parameter of this model (it was made for another one, or before "
            "this one was built again); make it with model.parameters()"
        )


def fit(
    model: Module,
    data: Any,
    loss: Loss | str,
    optimizer: Optimizer,
    epochs: int,
    *,
    validation: Any = None,
    metrics: Metrics | None = None,
    callbacks: Iterable[Callback] = (),
    schedule: Schedule | Sequence[Schedule] | None = None,
    max_norm: float | None = None,
    progress: bool | Progress = True,
    history: History | None = None,
    compile: bool = False,
) -> History:
    """Train a model.

    Parameters
    ----------
    model, loss, optimizer
        ``loss(model(x), y)`` is minimized; a loss may be given by its name, ``"cross_entropy"``.
        A model in evaluation is switched to training until ``fit`` returns; parts of a model in
        training that were put in evaluation, frozen layers, stay so.
    data
        An iterable of batches ``(x, y)``, used once in each epoch: a :class:`nn.DataLoader`.
    epochs
        The total number of epochs, those of ``history`` included.
    validation, metrics
        Data and metrics for :func:`evaluate` after each epoch.
    callbacks
        Functions of a :class:`TrainingState`, called after each epoch: :class:`nn.EarlyStopping`,
        :class:`nn.Checkpoint` (put it last), or your own.  Methods ``begin`` and ``finish`` are
        called when training begins and when it ends, by Ctrl-C too; ``after_step(model)`` after
        each step, of which it is a part when steps are compiled.  A callback that cannot write
        its file (a full disk) warns, and training goes on; other errors are raised after all
        callbacks have run.
    schedule
        The learning rate by step: a function of :mod:`nn.schedules`, or one for each group of the
        optimizer.
    max_norm
        The largest norm of all gradients of the optimizer's parameters together; larger ones are
        scaled down to it.
    progress
        A line after each epoch, and in a terminal a bar (with tqdm); False for silence.  What
        cannot be shown warns, and training goes on.
    history
        The history of a training to continue; see :func:`nn.resume`.
    compile
        Whether steps run as programs of NumPy calls (:func:`ag.compile`): sooner, and equal bit
        for bit.  To trace and compare the first ones takes as long as some hundred small steps.
        What cannot be compiled says why, once, and goes on eagerly.

    Returns
    -------
    History
        Returned even after Ctrl-C, up to the last whole epoch; ``history.stopped`` says so.

    Raises
    ------
    NonFiniteLossError, NonFiniteGradientError
        Name the epoch, the step and the first operation with a result, or a gradient, that is not
        finite.  That step is not taken, and no callback sees it.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
    >>> model = nn.mlp([2, 4, 1], "tanh", output=None, rng=0)
    >>> data = nn.DataLoader((x, y), batch_size=4)
    >>> optimizer = nn.Adam(model.parameters(), lr=0.05)
    >>> loss = nn.binary_cross_entropy_with_logits
    >>> history = nn.fit(model, data, loss, optimizer, epochs=200, progress=False)
    >>> (model(x.astype(np.float32)).data > 0).ravel().tolist()
    [False, True, True, False]
    """
    if isinstance(data, np.ndarray) or (isinstance(data, tuple) and hasattr(data[0], "shape")):
        raise TypeError("fit takes batches: data=nn.DataLoader((x, y), batch_size=32)")
    if isinstance(epochs, bool) or not isinstance(epochs, (int, np.integer)) or epochs < 0:
        raise ValueError(f"epochs is a whole number from 0 up, got {epochs!r}")
    value_of, shown = loss_function(loss), progress_of(progress)
    if max_norm is not None and isinstance(optimizer, LBFGS):
        raise ValueError(
            "max_norm= would scale gradients within the line search of LBFGS; leave it out"
        )
    if metrics is not None and validation is None:
        raise ValueError("metrics= are of the validation data; give validation= too")
    if callable(callbacks):
        raise TypeError(f"callbacks= is a list of them: write [{type(callbacks).__name__}(...)]")
    callbacks = list(callbacks)
    for given, kind, what in (
        (model, Module, "model"),
        (optimizer, Optimizer, "optimizer"),
        (history or History(), History, "history"),
    ):
        if not isinstance(given, kind):
            made = f"; write {given.__name__}(...)" if isinstance(given, type) else ""
            raise TypeError(f"{what}= is an nn.{kind.__name__}, got {given!r:.80}{made}")
    for callback in callbacks:
        if isinstance(callback, type) or not callable(callback):
            made = f"; write {callback.__name__}(...)" if isinstance(callback, type) else ""
            raise TypeError(f"a callback is a function of a TrainingState, got {callback!r}{made}")
    check_optimizer(model, optimizer)
    history = History() if history is None else history
    state = TrainingState(
        model, optimizer, data, history, callbacks, loss=loss, validation=validation,
        schedule=schedule,
    )  # fmt: skip
    history.stopped, history.threads = None, _blas_threads()
    done = int(history.epochs[-1].get("steps", 0)) if history.epochs else 0
    after = [c.after_step for c in callbacks if hasattr(c, "after_step")]
    elsewhere = getattr(data, "training_step", None)  # of data that are on other machines
    take_step: TrainingStep = (
        TrainingStep(model, value_of, optimizer, max_norm, compile, after)
        if elsewhere is None
        else elsewhere(model, value_of, optimizer, max_norm, after)
    )
    rates = None if schedule is None else Scheduled(optimizer, schedule, done)
    with restored_modes(model):
        if not model.training:
            model.train()
        try:
            _call(state, "begin")
            for epoch in range(len(history) + 1, epochs + 1):
                if state.stop:
                    break
                began = time.perf_counter()
                _reset_states(model)
                steps, mean = _one_epoch(state, take_step, shown.steps(data, epoch), rates)
                done += steps
                row: dict[str, float] = {"epoch": epoch, "steps": done, "loss": mean}
                if validation is not None:
                    found = evaluate(model, validation, value_of, metrics)
                    row.update({f"validation_{name}": value for name, value in found.items()})
                row["seconds"] = time.perf_counter() - began
                with _deferred_ctrl_c():
                    history.epochs.append(row)
                    _call(state, "__call__")
                    shown.line(row, epochs)
        except KeyboardInterrupt:
            state.stop = "interrupted"
        finally:
            shown.close()
        try:
            with _deferred_ctrl_c():
                _call(state, "finish")
        except KeyboardInterrupt:
            state.stop = state.stop or "interrupted"
    history.stopped = state.stop
    return history


def _reset_states(model: Module) -> None:
    """Call ``reset_state`` of the modules that have one: those with a state between batches."""
    for _, module in model.named_modules():
        reset = getattr(module, "reset_state", None)
        if reset is not None:
            reset()


@contextmanager
def _deferred_ctrl_c() -> Iterator[None]:
    """Defer Ctrl-C until the block has ended, so that callbacks see every epoch of the history.

    A second Ctrl-C is not deferred.
    """
    usual = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if usual is not signal.default_int_handler or not main:
        yield
        return
    pressed: list[int] = []

    def note(number: int, frame: Any) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if pressed:
        raise KeyboardInterrupt


def _call(state: TrainingState, method: str) -> None:
    """Call a method of the callbacks that have it; warn, and go on, if a file cannot be written.

    Another error is raised once all have run, so that it costs no checkpoint.
    """
    errors: list[Exception] = []
    for callback in state.callbacks:
        if not hasattr(callback, method):
            continue
        try:
            getattr(callback, method)(state)
        except OSError as error:
            name = getattr(callback, "__name__", type(callback).__name__)
            problem = warn(
                f"after epoch {len(state.history)} {name} could not write: {error}. Training goes "
                "on; the files written before are complete"
            )
            errors += [problem] if isinstance(problem, Warning) else []
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _one_epoch(
    state: TrainingState, take_step: TrainingStep, batches: Iterable[Any], rates: Scheduled | None
) -> tuple[int, float]:
    """Train on every batch once; return the number of steps and the mean loss."""
    model, history = state.model, state.history
    step, total, count, epoch = 0, 0.0, 0.0, len(history) + 1
    device = device_of(model.parameters())
    for step, batch in enumerate(batches, start=1):
        x, y = pair(batch, device)
        if rates is not None:
            rates.step()
        try:
            value = take_step(x, y)
        except LossIsNotFinite as found:
            x, y = take_step.batch(x, y)
            cause = _first_non_finite(model, take_step.loss, x, y)
            raise NonFiniteLossError(epoch, step, found.value, cause, history) from None
        except GradientIsNotFinite as found:
            bad = found.parameter
            name = next((n for n, p in model.named_parameters() if p is bad), repr(bad))
            x, y = take_step.batch(x, y)
            cause = _first_non_finite(model, take_step.loss, x, y, backward=True)
            raise NonFiniteGradientError(epoch, step, name, cause, history) from None
        if step == 1 and "no gradient" not in state.notes:
            state.notes["no gradient"] = _without_gradient(take_step)
        n = take_step.examples(x, y)
        total += value * n
        count += n
    if not step:
        raise ValueError("fit found no batch in its data; a generator is empty after one epoch")
    _warn_of_unreached(state, _without_gradient(take_step))
    for name, p in model.named_parameters():
        if not np.isfinite(p.data).all():  # before a checkpoint is replaced by it
            what, cause = f"the parameter {name} is not finite", "the last step made it so"
            raise NonFiniteError(what, epoch, step, cause, history)
    return step, total / count if count else math.nan


def _without_gradient(take_step: TrainingStep) -> list[Any]:
    """Return the parameters that the optimizer moves and that the last step had no gradient for."""
    if type(take_step) is not TrainingStep:  # gradients are elsewhere
        return []
    return [p for p in take_step.moved if p.requires_grad and p.grad is None]


def _warn_of_unreached(state: TrainingState, without: Sequence[Any]) -> None:
    """Warn once of parameters to which neither the first nor the last step brought a gradient."""
    before, state.notes["no gradient"] = state.notes["no gradient"], []
    both = {id(p) for p in before} & {id(p) for p in without}
    names = [name for name, p in state.model.named_parameters() if id(p) in both]
    if names:
        warnings.warn(
            f"no gradient reaches {listed(names)}, so training does not move what it is: does the "
            "loss depend on it, or did a value leave the graph on the way (t.numpy(), t.data, "
            "t.item())? What is not to be trained is told by .requires_grad_(False)",
            stacklevel=4,
        )


def _first_non_finite(model: Module, loss: Loss, x: Any, y: Any, backward: bool = False) -> str:
    """Run a step again under detect_anomaly, and describe the first value that is not finite."""
    for what, arrays in (("inputs", x), ("targets", y)):
        bad = [a for a in _arrays(arrays) if not np.isfinite(a).all()]
        if bad:
            return f"the {what} of this batch are not all finite{_where(bad[0])}"
    for name, p in model.named_parameters():
        if not np.isfinite(p.data).all():
            return f"the parameter {name} was no longer finite after the step before"
    if is_array(y) and y.dtype.kind == "i" and y.size and (y == IGNORED).all():
        return f"every target of this batch is ignored ({IGNORED}), so that there is no mean"
    try:
        with (
            undisturbed(model), np.errstate(all="ignore"), ag.detect_anomaly(),
            warnings.catch_warnings(),
        ):  # fmt: skip
            warnings.simplefilter("ignore")
            value = loss(model(x), y)
            if backward:
                value.backward()
    except ag.AnomalyError as error:
        layer = _layer_at(error.__traceback__, model)
        return f"in the layer {layer}, {error}" if layer else str(error)
    finally:
        model.zero_grad()
    return "the same step gives finite numbers when it is run again (is it random?)"


def _where(bad: Any) -> str:
    """Return how many rows of an array are not finite, and where the first is."""
    bad = ag.to_host(bad)
    places = np.argwhere(~np.isfinite(bad))
    rows, first = len(np.unique(places[:, :1])), tuple(map(int, places[0]))
    if not first:
        return ""
    return f" ({rows} of {len(bad)} rows; the first at {list(first)} is {bad[first]})"


def _arrays(x: Any) -> Iterator[Any]:
    """Yield the floating-point arrays of an input: an array, or a tuple, list or dict of inputs."""
    if isinstance(x, (tuple, list, Mapping)):
        for member in x.values() if isinstance(x, Mapping) else x:
            yield from _arrays(member)
    elif getattr(getattr(x, "dtype", None), "kind", "") in ("f", "c"):
        yield x.detach() if isinstance(x, ag.Tensor) else x


def _layer_at(traceback: TracebackType | None, model: Module) -> str:
    """Return the dotted name of the innermost module whose forward raised an exception."""
    names, found = {id(m): name for name, m in model.named_modules()}, ""
    while traceback is not None:
        found = names.get(id(traceback.tb_frame.f_locals.get("self")), found)
        traceback = traceback.tb_next
    return found
