"""Learning-rate schedules: functions ``step -> lr``.

Apply one with ``group["lr"] = schedule(step)``, or pass it to :class:`nn.schedules.Scheduled` or
to :func:`nn.fit`.  A schedule can be pickled.
"""

import bisect
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from nn.optim.optimizer import Optimizer

Schedule = Callable[[int], float]


def constant(lr: float) -> Schedule:
    """Return the schedule that is ``lr`` at every step."""
    return partial(_linear, lr, lr, 1)


def step(lr: float, every: int, gamma: float = 0.1) -> Schedule:
    """Return the schedule ``lr gamma^(step // every)``.

    Examples
    --------
    >>> from nn import schedules
    >>> [schedules.step(1.0, every=2, gamma=0.5)(n) for n in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    if every < 1:
        raise ValueError(f"every is a number of steps of at least 1, got {every}")
    return partial(_step, lr, every, gamma)


def _step(lr: float, every: int, gamma: float, n: int) -> float:
    return lr * gamma ** (n // every)


def multi_step(lr: float, milestones: Sequence[int], gamma: float = 0.1) -> Schedule:
    """Return the schedule that is multiplied by ``gamma`` at each of some steps.

    Examples
    --------
    >>> from nn import schedules
    >>> [schedules.multi_step(1.0, [1, 3], gamma=0.5)(n) for n in range(5)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """
    return partial(_multi_step, lr, sorted(milestones), gamma)


def _multi_step(lr: float, milestones: list[int], gamma: float, n: int) -> float:
    return lr * gamma ** bisect.bisect_right(milestones, n)


def exponential(lr: float, gamma: float) -> Schedule:
    """Return the schedule ``lr gamma^step``."""
    return partial(_step, lr, 1, gamma)


def linear(start: float, stop: float, steps: int) -> Schedule:
    """Return the schedule from ``start`` to ``stop`` in ``steps`` steps; then it stays at ``stop``.

    Examples
    --------
    >>> from nn import schedules
    >>> [schedules.linear(0.0, 1.0, 4)(n) for n in (0, 1, 4, 9)]
    [0.0, 0.25, 1.0, 1.0]
    """
    _positive(steps)
    return partial(_linear, start, stop, steps)


def _linear(start: float, stop: float, steps: int, n: int) -> float:
    return start + (stop - start) * min(n / steps, 1.0)


def cosine(lr: float, steps: int, least: float = 0.0) -> Schedule:
    """Return half a cosine from ``lr`` down to ``least`` (I. Loshchilov, F. Hutter, 2017).

    Examples
    --------
    >>> from nn import schedules
    >>> [round(schedules.cosine(1.0, 4)(n), 3) for n in (0, 1, 2, 4, 9)]
    [1.0, 0.854, 0.5, 0.0, 0.0]
    """
    _positive(steps)
    return partial(_cosine, lr, least, 0, steps)


def _cosine(start: float, stop: float, begin: float, end: float, n: float) -> float:
    """Return half a cosine from ``start`` at step ``begin`` to ``stop`` at ``end`` and after it."""
    return stop + (start - stop) * (1 + math.cos(math.pi * min((n - begin) / (end - begin), 1))) / 2


def warm_restarts(lr: float, steps: int, factor: float = 1, least: float = 0.0) -> Schedule:
    """Return :func:`cosine` again and again, each ``factor`` times as long as the one before.

    The rates are those of PyTorch's ``CosineAnnealingWarmRestarts`` (Loshchilov, Hutter, 2017).

    Examples
    --------
    >>> from nn import schedules
    >>> [round(schedules.warm_restarts(1.0, 2, factor=2)(n), 3) for n in range(7)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """
    _positive(steps)
    if not factor >= 1:
        raise ValueError(f"factor is a number from 1 up, got {factor}")
    return partial(_warm_restarts, lr, steps, factor, least)


def _warm_restarts(lr: float, steps: float, factor: float, least: float, n: int) -> float:
    at: float = n % steps if factor == 1 else n
    while at >= steps:
        at, steps = at - steps, steps * factor
    return _cosine(lr, least, 0, steps, at)


def linear_warmup(lr: float, steps: int) -> Schedule:
    """Return the schedule that rises from ``lr / steps`` at the first step to ``lr``, and stays."""
    _positive(steps)
    return partial(_warmup, lr, steps)


def _warmup(lr: float, steps: int, n: int) -> float:
    return lr * min((n + 1) / steps, 1.0)


def one_cycle(lr: float, steps: int, warmup: float = 0.3, first: float = 25.0) -> Schedule:
    """Return cosines up from ``lr / first`` to ``lr`` and down to almost 0 (Smith, Topin, 2018).

    The rates are those of PyTorch's ``OneCycleLR``: the top is at step ``warmup * steps - 1``, and
    the last of ``steps`` is at ``lr / first / 1e4``.

    Examples
    --------
    >>> from nn import schedules
    >>> [round(schedules.one_cycle(1.0, 10)(n), 3) for n in (0, 2, 9)]
    [0.04, 1.0, 0.0]
    """
    _positive(steps)
    if not 0 <= warmup <= 1:
        raise ValueError(f"warmup is the share of steps that rise, from 0 to 1, got {warmup}")
    return partial(_one_cycle, lr, steps, warmup * steps - 1, lr / first)


def _one_cycle(lr: float, steps: int, top: float, least: float, n: int) -> float:
    if n <= top > 0:
        return _cosine(least, lr, 0, top, n)
    return _cosine(lr, least / 1e4, top, steps - 1, n) if n < steps - 1 else least / 1e4


def sequential(*parts: tuple[int, Schedule]) -> Schedule:
    """Join schedules, given as ``(steps, schedule)`` pairs; the last one never ends.

    Examples
    --------
    >>> from nn import schedules
    >>> both = schedules.sequential((2, schedules.constant(0.1)), (3, schedules.constant(1.0)))
    >>> [both(n) for n in (0, 1, 2, 9)]
    [0.1, 0.1, 1.0, 1.0]
    """
    if not parts:
        raise ValueError("sequential takes (steps, schedule) pairs, got none")

    return partial(_sequential, parts)


def _sequential(parts: Sequence[tuple[int, Schedule]], n: int) -> float:
    for steps, part in parts[:-1]:
        if n < steps:
            return part(n)
        n -= steps
    return parts[-1][1](n)


class Scheduled:
    """Set the learning rate of every group before each step of an optimizer.

    Parameters
    ----------
    optimizer
        The optimizer whose groups are set.
    schedule
        One for all groups, or one for each.
    count
        The number of steps taken so far.

    Examples
    --------
    >>> import nn
    >>> from nn import schedules
    >>> w = nn.Parameter([1.0])
    >>> optimizer = nn.SGD([w], lr=0.0)
    >>> rate = schedules.Scheduled(optimizer, schedules.exponential(1.0, 0.5))
    >>> [rate.step() for _ in range(3)]
    [1.0, 0.5, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, schedule: Schedule | Sequence[Schedule], count: int = 0
    ) -> None:
        groups = optimizer.param_groups
        schedules: Any = [schedule] * len(groups) if callable(schedule) else schedule
        if not isinstance(schedules, (list, tuple)) or not all(map(callable, schedules)):
            raise TypeError(
                "a schedule is a function step -> lr, such as nn.schedules.cosine(lr, steps), or a "
                f"list of one for each group; got {schedule!r}"
            )
        self.schedules = list(schedules)
        if len(self.schedules) != len(groups):
            raise ValueError(f"{len(self.schedules)} schedules for {len(groups)} groups")
        self.optimizer, self.count = optimizer, count

    def step(self) -> float:
        """Set the rates of the next step, and return the rate of the first group."""
        for group, schedule in zip(self.optimizer.param_groups, self.schedules, strict=True):
            rate = schedule(self.count)
            if not 0 <= rate < math.inf:
                raise ValueError(
                    f"the schedule gives the learning rate {rate} at step {self.count}"
                )
            group["lr"] = rate
        self.count += 1
        return float(self.optimizer.param_groups[0]["lr"])


def _positive(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"a schedule takes at least one step, got {steps}")
