"""Mini-batches in scikit-learn's order, and its rules of when to stop, as a callback of ``fit``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse  # scikit-learn brings it

from nn.training.loop import TrainingState

Array = np.ndarray[Any, Any]


def dense(rows: Any) -> Any:
    """An array, also of a sparse matrix."""
    return rows.toarray() if sparse.issparse(rows) else rows


class Batches:
    """Mini-batches ``(x, (y, weight))`` for :func:`nn.fit`.

    Parameters
    ----------
    x, y, weight
        ``(N, features)``, perhaps sparse; ``(N, outputs)``; ``(N,)`` or None.
    size
        Of a mini-batch; the last one may be shorter.
    rng
        A RandomState that shuffles the order of the epoch before; None to keep it.
    """

    def __init__(self, x: Any, y: Array, weight: Array | None, size: int, rng: Any) -> None:
        self.x, self.y, self.weight, self.size, self.rng = x, y, weight, size, rng
        self.order = np.arange(len(y))

    def __len__(self) -> int:
        return -(-len(self.y) // self.size)

    def __iter__(self) -> Iterator[tuple[Array, tuple[Array, Array | None]]]:
        if self.rng is not None:
            self.rng.shuffle(self.order)
        for start in range(0, len(self.y), self.size):
            window = slice(start, start + self.size)
            rows: Any = window if self.rng is None else self.order[window]
            weight = None if self.weight is None else self.weight[rows]
            yield dense(self.x[rows]), (self.y[rows], weight)


class Watch:
    """Keep an estimator's record after each epoch, change the step size, and stop.

    It stops once neither the loss nor, where data is held out, the score on it has gained ``tol``
    in more than ``n_iter_no_change`` epochs; ``best`` is the state of the best score.
    """

    def __init__(self, estimator: Any, held_out: Any) -> None:
        self.estimator, self.held_out = estimator, held_out
        self.best = {} if held_out is None else estimator.module_.state_dict()

    def __call__(self, run: TrainingState) -> None:
        e = self.estimator
        e.n_iter_ = len(run.history)
        e.t_ += len(run.data.y)
        e.loss_ = run.history.epochs[-1]["loss"]
        e.loss_curve_.append(e.loss_)
        e._waited = e._waited + 1 if self._gain(run) < e.tol else 0
        varies = e.learning_rate if e.solver == "sgd" else "constant"
        if varies == "invscaling":
            self._rate(run, e.learning_rate_init / (e.t_ + 1) ** e.power_t)
        if e._waited > e.n_iter_no_change:
            rate = run.optimizer.param_groups[0]["lr"]
            if varies == "adaptive" and rate > 1e-6:
                self._rate(run, rate / 5)
                e._waited = 0
            else:
                run.stop = f"no gain of {e.tol} in {e.n_iter_no_change} epochs"

    def _gain(self, run: TrainingState) -> float:
        e = self.estimator
        if self.held_out is None:
            gain = e.best_loss_ - e.loss_
            e.best_loss_ = min(e.best_loss_, e.loss_)
            return float(gain)
        score = e._validation_score(*self.held_out)
        e.validation_scores_.append(score)
        gain = score - e.best_validation_score_
        if gain > 0:
            e.best_validation_score_, self.best = score, run.model.state_dict()
        return float(gain)

    def _rate(self, run: TrainingState, rate: float) -> None:
        """Change the step size; what momentum carries on keeps its length."""
        for group in run.optimizer.param_groups:
            for state in (run.optimizer.state.get(p, {}) for p in group["params"]):
                if "momentum" in state:
                    state["momentum"] *= group["lr"] / rate
            group["lr"] = rate
