"""Interleaved timing: every contender runs in turn, many times; medians and their ratios."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Contender = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One line of the table: our median, the peer's, the ratio and its target."""

    work: str
    against: str
    ours: float
    theirs: float
    target: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    def __str__(self) -> str:
        verdict = "met" if self.ratio <= self.target else "MISSED"
        return (
            f"{self.work:<52} {self.against:<12} {self.ours * 1e6:>11.2f} {self.theirs * 1e6:>11.2f}"
            f" {self.ratio:>7.2f} {self.target:>7.2f}  {verdict}"
        )


HEADER = (
    f"{'work':<52} {'against':<12} {'ours/us':>11} {'theirs/us':>11} {'ratio':>7} {'target':>7}"
)


def interleaved(contenders: dict[str, Contender], seconds: float = 2.0) -> dict[str, float]:
    """Seconds per call of each contender: the median over rounds in which all run in turn."""
    loops = {}
    for name, run in contenders.items():
        run()
        start = time.perf_counter()
        run()
        once = max(time.perf_counter() - start, 1e-7)
        loops[name] = max(1, int(2e-3 / once))
    times: dict[str, list[float]] = {name: [] for name in contenders}
    deadline = time.perf_counter() + seconds
    rounds = 0
    gc.collect()
    while rounds < 7 or (time.perf_counter() < deadline and rounds < 400):
        for name, run in contenders.items():
            start = time.perf_counter()
            for _ in range(loops[name]):
                run()
            times[name].append((time.perf_counter() - start) / loops[name])
        rounds += 1
    return {name: statistics.median(t) for name, t in times.items()}
