"""Progress: a line an epoch everywhere, and a bar within the epoch where a terminal is."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO


def describe(row: dict[str, float], epochs: int) -> str:
    """One epoch in one line.

    Examples
    --------
    >>> from nn.training.progress import describe
    >>> describe({"epoch": 2, "loss": 0.0312, "validation_accuracy": 0.975, "seconds": 0.12}, 30)
    'epoch  2/30  loss 0.0312  validation accuracy 97.50 %  0.1 s'
    """
    parts = [f"epoch {int(row['epoch']):>{len(str(epochs))}}/{epochs}"]
    for name, value in row.items():
        if name.endswith("accuracy"):
            parts.append(f"{name.replace('_', ' ')} {100 * value:.2f} %")
        elif name not in ("epoch", "steps", "seconds"):
            parts.append(f"{name.replace('_', ' ')} {value:.4g}")
    return "  ".join([*parts, f"{row['seconds']:.1f} s"])


class Progress:
    """Silence; the base of what ``fit`` reports to."""

    def steps(self, data: Iterable[Any], epoch: int) -> Iterable[Any]:
        """The batches of an epoch, watched as they go by."""
        return data

    def line(self, row: dict[str, float], epochs: int) -> None:
        """An epoch has ended."""

    def close(self) -> None:
        """Training has ended, by an error perhaps."""


class Lines(Progress):
    """One plain line an epoch."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream

    def line(self, row: dict[str, float], epochs: int) -> None:
        print(describe(row, epochs), file=self.stream or sys.stdout, flush=True)


class Bar(Lines):
    """The same lines, and tqdm's bar while an epoch runs."""

    def __init__(self, tqdm: Any, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self.tqdm, self.bar = tqdm, None

    def steps(self, data: Iterable[Any], epoch: int) -> Iterable[Any]:
        self.bar = self.tqdm(data, desc=f"epoch {epoch}", leave=False)
        return self.bar  # type: ignore[return-value]

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def progress_of(wanted: bool | Progress) -> Progress:
    """What ``progress=`` means here: in a terminal with tqdm a bar, elsewhere lines."""
    if isinstance(wanted, Progress):
        return wanted
    if not wanted:
        return Progress()
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            return Lines()
        return Bar(tqdm)
    return Lines()
