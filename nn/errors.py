"""Every exception of the package, in one place."""

from __future__ import annotations


class StateError(ValueError):
    """A state dict does not fit the module or optimizer that it is loaded into."""


class FileFormatError(ValueError):
    """A file is not what its ending says: corrupt, truncated, or of an unknown form."""


class DataError(ValueError):
    """A data set is missing, corrupt, truncated, or not the one that was asked for."""


class NonFiniteLossError(ArithmeticError):
    """The loss became infinite or nan during training; ``epoch``, ``step`` and ``cause`` say where.

    ``history`` holds the epochs before it.
    """

    def __init__(self, epoch: int, step: int, value: float, cause: str, history: object) -> None:
        super().__init__(
            f"the loss became {value} in epoch {epoch}, step {step}: {cause}. "
            "A smaller learning rate, or smaller initial weights, is the usual remedy"
        )
        self.epoch, self.step, self.cause, self.history = epoch, step, cause, history
