"""LBFGS: quasi-Newton steps from the last few gradients, and their line search.

Newton's step solves with the Hessian; here its inverse is estimated from pairs of changes, ``s``
of the parameters and ``y`` of the gradients.  Two passes over the pairs give the direction
(J. Nocedal, *Updating quasi-Newton matrices with limited storage*, 1980).  The length of the step
satisfies the strong Wolfe conditions (J. Nocedal, S. Wright, *Numerical Optimization*, 2nd ed.,
2006, algorithms 3.5, 3.6 and 7.4); the cubic interpolation is guarded as in M. Schmidt's minFunc
and in PyTorch, so that the steps are PyTorch's.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from nn._pytorch import accepts_pytorch
from nn.errors import StateError
from nn.functional.activations import as_array
from nn.optim.optimizer import Closure, Group, Optimizer
from nn.placement import as_of

Vector = Any

#: The constants of Armijo's condition and of the condition on the slope.
_DECREASE, _CURVATURE = 1e-4, 0.9


class _Point(NamedTuple):
    """The loss at ``start + t direction``, its slope there along the direction, its gradient."""

    t: float
    value: float
    slope: float
    gradient: Vector


def _cubic_minimum(a: _Point, b: _Point, low: float, high: float) -> float:
    """Minimize the cubic through two values and slopes within bounds; without one, bisect."""
    a, b = sorted((a, b), key=lambda p: p.t)
    if b.t > a.t:
        d = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
        square = d * d - a.slope * b.slope
        if square >= 0:
            root = math.sqrt(square)
            below = b.slope - a.slope + 2 * root
            if below:
                return min(max(b.t - (b.t - a.t) * ((b.slope + root - d) / below), low), high)
    return (low + high) / 2


def _line_search(
    at: Callable[[float], _Point],
    start: _Point,
    t: float,
    largest: float,
    tolerance: float,
    trials: int,
) -> tuple[_Point, int]:
    """Find a point that satisfies the strong Wolfe conditions.

    Parameters
    ----------
    at
        Returns the point at ``t``.
    start
        The point at ``t = 0``.
    t
        The first trial.
    largest
        The direction's largest component, which turns ``tolerance`` into one of parameters.
    tolerance
        The search ends when parameters would change by less.
    trials
        The number of trials after the first; then the best point so far is returned.

    Returns
    -------
    tuple
        The point, and the number of trials.
    """

    def too_high(p: _Point) -> bool:
        return p.value > start.value + _DECREASE * p.t * start.slope

    def flat(p: _Point) -> bool:
        return abs(p.slope) <= -_CURVATURE * start.slope

    before, now, tried = start, at(t), 1
    while tried <= trials:  # until a point is good, or two enclose one
        if too_high(now) or (tried > 2 and now.value >= before.value):
            break
        if flat(now):
            return now, tried
        if now.slope >= 0:
            break
        t = _cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10)
        before, now = now, at(t)
        tried += 1
    else:
        before = start
    best, other = (before, now) if before.value <= now.value else (now, before)
    stuck = False
    while tried <= trials and abs(best.t - other.t) * largest >= tolerance:
        low, high = sorted((best.t, other.t))
        t = _cubic_minimum(best, other, low, high)
        margin, close = 0.1 * (high - low), min(high - t, t - low)
        inside = close >= margin  # the second time near an end, move away from it
        if not inside and (stuck or t >= high or t <= low):
            t = high - margin if abs(t - high) < abs(t - low) else low + margin
            inside = True
        stuck = not inside
        now = at(t)
        tried += 1
        if too_high(now) or now.value >= best.value:
            best, other = (best, now) if best.value <= now.value else (now, best)
        elif flat(now):
            return now, tried
        else:
            if now.slope * (other.t - best.t) >= 0:
                other = best
            best = now
    return best, tried


class LBFGS(Optimizer):
    """Quasi-Newton steps with limited memory, for a loss without noise: all data in one batch.

    With mini-batches, which should be large, each pair is of gradients of one batch.

    Parameters
    ----------
    parameters
        Parameters, in one group.
    lr
        The first step length to try along each direction; 1 is nearly always right.
    max_iter
        The number of directions in one :meth:`step`.
    max_eval
        The approximate number of evaluations of the loss in one step; by default
        ``max_iter * 5 // 4``.
    tolerance_grad, tolerance_change
        Stop when no component of the gradient is larger; when no parameter, or the loss, changes
        by more.
    history_size
        The number of pairs to keep, each as large as all parameters twice.
    line_search_fn
        ``"strong_wolfe"``, or None for a step of length ``lr``, which is PyTorch's default.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([-1.2, 1.0], dtype=float)
    >>> def rosenbrock():
    ...     optimizer.zero_grad()
    ...     loss = 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2
    ...     loss.backward()
    ...     return loss
    >>> optimizer = nn.LBFGS([w], lr=1.0, max_iter=100)
    >>> first = optimizer.step(rosenbrock)
    >>> w.data.round(3).tolist()
    [1.0, 1.0]
    """

    usual_lr = 1.0

    @accepts_pytorch
    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | None = None,
        *,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = "strong_wolfe",
    ) -> None:
        super().__init__(
            parameters, lr=lr, max_iter=max_iter, tolerance_grad=tolerance_grad,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_change=tolerance_change, history_size=history_size,
            line_search_fn=line_search_fn,
        )  # fmt: skip
        if len(self.param_groups) > 1:
            raise ValueError("LBFGS takes its parameters in one group, as they move together")
        self._memory: dict[str, Any] = {"steps": 0}

    def _check(self, group: Group) -> None:
        super()._check(group)
        for name in ("max_iter", "max_eval", "history_size"):
            if not (isinstance(group[name], int) and group[name] >= 1):
                raise ValueError(f"LBFGS: {name} is a number from 1 up, got {group[name]!r}")
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(
                f"LBFGS: line_search_fn is 'strong_wolfe' or None, got {group['line_search_fn']!r}"
            )

    # -- all parameters as one vector ---------------------------------------------------------

    def _gradient(self) -> Vector:
        return np.concatenate([
            (np.zeros_like(p.data) if p.grad is None else p.grad.data).reshape(-1)
            for p in self.param_groups[0]["params"]
        ])  # fmt: skip

    def _move(self, start: list[Any], direction: Vector, t: float) -> None:
        """Set the parameters to ``start + t direction``."""
        begin = 0
        for p, old in zip(self.param_groups[0]["params"], start, strict=True):
            part = direction[begin : begin + p.size].reshape(p.shape)
            p.data = old + (t * part).astype(old.dtype)
            begin += p.size

    def _direction(self, gradient: Vector) -> Vector:
        """Return minus the estimated inverse Hessian times the gradient."""
        memory = self._memory
        if memory["steps"] == 0:
            memory.update(s=[], y=[], scale=1.0)
            return -gradient
        end = memory.pop("end", gradient)  # differs from it where the loss is of another batch
        y, s = end - memory["gradient"], memory["direction"] * memory["t"]
        curvature = float(np.dot(y, s))
        if curvature > 1e-10:
            for name, new in (("s", s), ("y", y)):
                memory[name] = [*memory[name], new][-self.param_groups[0]["history_size"] :]
            memory["scale"] = curvature / float(np.dot(y, y))
        q, pairs = -gradient, list(zip(memory["s"], memory["y"], strict=True))
        shares = []
        for s, y in reversed(pairs):
            share = float(np.dot(s, q)) / float(np.dot(y, s))
            q = q - share * y
            shares.append(share)
        q = q * memory["scale"]
        for (s, y), share in zip(pairs, reversed(shares), strict=True):
            q = q + (share - float(np.dot(y, q)) / float(np.dot(y, s))) * s
        return q

    def step(self, closure: Closure | None = None) -> Any:
        """Move along up to ``max_iter`` directions.

        Parameters
        ----------
        closure
            Calls ``zero_grad``, computes the loss, calls ``backward`` and returns the loss; it is
            called many times.

        Returns
        -------
        Tensor
            The loss before the step, as the closure returned it.
        """
        if closure is None:
            raise TypeError(
                "LBFGS computes the loss several times: call step(closure), where closure() calls "
                "optimizer.zero_grad() and loss.backward(), and returns the loss"
            )
        group, memory = self.param_groups[0], self._memory
        first = closure()
        loss, gradient = float(as_array(first)), self._gradient()
        evaluations, tolerance = 1, group["tolerance_change"]
        if not len(gradient) or not np.abs(gradient).max() > group["tolerance_grad"]:
            return first
        for i in range(group["max_iter"]):
            direction = self._direction(gradient)
            t = float(group["lr"])
            if memory["steps"] == 0:
                t *= min(1.0, 1.0 / float(np.abs(gradient).sum()))
            slope = float(np.dot(gradient, direction))
            memory.update(steps=memory["steps"] + 1, gradient=gradient, direction=direction, t=t)
            if slope > -tolerance:
                break
            start = [p.data.copy() for p in group["params"]]
            before = loss

            def at(t: float, start: Any = start, direction: Any = direction) -> _Point:
                self._move(start, direction, t)
                value, g = float(as_array(closure())), self._gradient()
                if not (math.isfinite(value) and np.isfinite(g).all()):  # outside its domain
                    return _Point(t, math.inf, math.nan, g)
                return _Point(t, value, float(np.dot(g, direction)), g)

            here, tried = _Point(t, loss, slope, gradient), 0
            if group["line_search_fn"]:
                largest = float(np.abs(direction).max())
                here, tried = _line_search(
                    at, here._replace(t=0.0), t, largest, tolerance, group["max_eval"] - evaluations
                )
            elif i < group["max_iter"] - 1:  # the loss after the last step is not needed
                here, tried = at(t), 1
            memory["t"], loss, gradient = here.t, here.value, here.gradient
            self._move(start, direction, here.t)
            if not math.isfinite(loss):  # nowhere along this direction is it defined
                self._move(start, direction, 0.0)
                self._memory = {"steps": 0}
                return first
            if tried:
                memory["end"] = gradient
            evaluations += tried
            changes = float(np.abs(direction * here.t).max()), abs(loss - before)
            if evaluations >= group["max_eval"] or min(changes) <= tolerance:
                break
            if np.abs(gradient).max() <= group["tolerance_grad"]:
                break
        return first

    # -- state --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return settings and pairs (as rows of matrices), all stored under parameter 0."""
        memory = {
            k: np.stack(v) if isinstance(v, list) and v else np.array(v) if isinstance(v, list)
            else v.copy() if hasattr(v, "dtype") else v
            for k, v in self._memory.items()
        }  # fmt: skip
        return {**super().state_dict(), "state": {0: memory}}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned; nothing changes if it does not fit."""
        found = {int(number): values for number, values in saved["state"].items()}
        memory: dict[str, Any] = {"steps": 0, **found.get(0, {})}
        params = self.param_groups[0]["params"]
        size, dtype = sum(p.size for p in params), params[0].dtype
        for name in ("s", "y", "gradient", "direction", "end"):
            if name in memory:
                value = np.asarray(ag.to_host(memory[name]), dtype)
                value = value.reshape(0, size) if value.size == 0 else value
                if value.shape[-1:] != (size,):
                    raise StateError(
                        f"LBFGS: {name} has shape {value.shape}, expected (..., {size})"
                    )
                value = as_of(value, params[0])
                memory[name] = list(value) if name in ("s", "y") else value
        super().load_state_dict({**saved, "state": {}})
        self._memory = memory
