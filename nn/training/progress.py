"""Progress reports of ``fit``: a line after each epoch, and a bar within it in a terminal."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO


def label(name: str, value: float) -> str:
    """Return a column of the history in words: accuracies in percent, others to 4 digits.

    Examples
    --------
    >>> from nn.training.progress import label
    >>> label("validation_accuracy", 0.975), label("loss", 0.03125)
    ('validation accuracy 97.50 %', 'loss 0.03125')
    """
    text = f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:.4g}"
    return f"{name.replace('_', ' ')} {text}"


def describe(row: dict[str, float], epochs: int) -> str:
    """Describe one epoch in one line.

    Examples
    --------
    >>> from nn.training.progress import describe
    >>> describe({"epoch": 2, "loss": 0.0312, "validation_accuracy": 0.975, "seconds": 0.12}, 30)
    'epoch  2/30  loss 0.0312  validation accuracy 97.50 %  0.1 s'
    """
    head = f"epoch {int(row['epoch']):>{len(str(epochs))}}/{epochs}"
    parts = [label(n, v) for n, v in row.items() if n not in ("epoch", "steps", "seconds")]
    return "  ".join([head, *parts, f"{row['seconds']:.1f} s"])


class Progress:
    """Base class of progress reporters; reports nothing."""

    def steps(self, data: Iterable[Any], epoch: int) -> Iterable[Any]:
        """Return the batches of an epoch, to be counted as they are used."""
        return data

    def line(self, row: dict[str, float], epochs: int) -> None:
        """Report the end of an epoch."""

    def close(self) -> None:
        """Clean up at the end of training, even after an error."""


class Lines(Progress):
    """Print one line after each epoch."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream

    def line(self, row: dict[str, float], epochs: int) -> None:
        print(describe(row, epochs), file=self.stream or sys.stdout, flush=True)


class Bar(Lines):
    """Print the same lines, and show tqdm's bar within each epoch."""

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
    """Return the reporter for ``progress=``: a bar in a terminal with tqdm, lines elsewhere."""
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
