"""Progress reports of ``fit``: a line after each epoch, and a bar within it in a terminal.

A report that cannot be shown (a full disk, a closed pipe, no terminal) never ends a training.
"""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
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
        stream, text = self.stream or sys.stdout, describe(row, epochs)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)  # a name may be any
        print(text, file=stream, flush=True)


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


class _Batches:
    """Batches of an epoch that remember whether they failed, and which one is under way."""

    def __init__(self, data: Iterable[Any]) -> None:
        self.data, self.source = data, iter(data)
        self.failed = False
        self.waiting: list[Any] = []

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        while True:
            try:
                batch = next(self.source)
            except StopIteration:
                return
            except BaseException:
                self.failed = True
                raise
            self.waiting.append(batch)
            yield batch


def warn(message: str) -> Exception | None:
    """Warn; return the error, instead of raising it, if that fails or warnings are errors."""
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=4)
    except Exception as error:
        return error
    return None


class Guarded(Progress):
    """Reporter that another one's errors do not escape: it warns once, and is silent then."""

    def __init__(self, reporter: Progress) -> None:
        self.reporter = reporter

    def _guard(self, report: Callable[..., object], *args: Any) -> None:
        try:
            report(*args)
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.reporter = Progress()
        warn(f"progress is shown no more ({type(error).__name__}: {error}); training goes on")

    def steps(self, data: Iterable[Any], epoch: int) -> Iterator[Any]:
        batches = _Batches(data)
        try:
            sized = hasattr(data, "__len__")
            for batch in self.reporter.steps(batches if sized else iter(batches), epoch):
                batches.waiting.clear()
                yield batch
        except Exception as error:
            if batches.failed:
                raise
            self._give_up(error)
            yield from batches.waiting
            yield from batches.source

    def line(self, row: dict[str, float], epochs: int) -> None:
        self._guard(self.reporter.line, row, epochs)

    def close(self) -> None:
        self._guard(self.reporter.close)


def progress_of(wanted: bool | Progress) -> Progress:
    """Return the reporter for ``progress=``: a bar in a terminal with tqdm, lines elsewhere."""
    return Guarded(_reporter(wanted))


def _reporter(wanted: bool | Progress) -> Progress:
    if isinstance(wanted, Progress):
        return wanted
    if not wanted:
        return Progress()
    try:
        terminal = sys.stderr.isatty()
    except (AttributeError, ValueError, OSError):  # none, closed, or somebody's own
        terminal = False
    if terminal:
        try:
            from tqdm import tqdm
        except ImportError:
            return Lines()
        return Bar(tqdm)
    return Lines()
