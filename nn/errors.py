"""Every exception of the package, and how messages quote what others have written."""

from collections.abc import Iterable


def printable(text: str) -> str:
    """Return a text with escapes in place of control characters and halves of characters."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def listed(names: Iterable[str], most: int = 10) -> str:
    """Return names for a message: the first few, each of at most 80 printable characters.

    Examples
    --------
    >>> from nn.errors import listed
    >>> listed(["a", "b\\n", "c"], most=2)
    'a, b\\\\n and 1 more'
    """
    every = list(names)
    shown = ", ".join(printable(name[:200])[:80] for name in every[:most])
    return shown + (f" and {len(every) - most:,} more" if len(every) > most else "")


class StateError(ValueError):
    """A state dict does not fit the module or optimizer that should load it."""


class FileFormatError(ValueError):
    """A file is corrupt, truncated, or not of the format that its suffix promises."""


class DataError(ValueError):
    """A data set is missing, corrupt, truncated, or not the requested one."""


class NonFiniteError(ArithmeticError):
    """The loss, a gradient or a parameter became infinite or nan during training.

    A step along a loss or gradient that is not finite is not taken.

    Attributes
    ----------
    epoch, step : int
        Where it happened, counted from 1.
    cause : str
        The first operation, input or parameter that was not finite.
    history : nn.History
        The epochs before.
    """

    def __init__(self, what: str, epoch: int, step: int, cause: str, history: object) -> None:
        super().__init__(what, epoch, step, cause, history)  # what pickle calls the class with
        self.what, self.epoch, self.step = what, epoch, step
        self.cause, self.history = cause, history

    def __str__(self) -> str:
        return f"{self.what} in epoch {self.epoch}, step {self.step}: {self.cause}"


class NonFiniteLossError(NonFiniteError):
    """The loss became infinite or nan during training.

    Attributes are those of :class:`nn.NonFiniteError`.
    """

    def __init__(self, epoch: int, step: int, value: float, cause: str, history: object) -> None:
        super().__init__(f"the loss became {value}", epoch, step, cause, history)
        self.args = epoch, step, value, cause, history

    def __str__(self) -> str:
        remedy = "A smaller learning rate, or smaller initial weights, is the usual remedy"
        if " of this batch are not all finite" in self.cause:
            remedy = "Look at the data: np.isnan(x).any(axis=0); drop such rows, or fill them in"
        return f"{super().__str__()}. {remedy}"


class NonFiniteGradientError(NonFiniteError):
    """A gradient became infinite or nan during training, though the loss was finite.

    Attributes are those of :class:`nn.NonFiniteError`.
    """

    def __init__(self, epoch: int, step: int, name: str, cause: str, history: object) -> None:
        what = f"the gradient of {name} is not finite, though the loss is,"
        super().__init__(what, epoch, step, cause, history)
        self.args = epoch, step, name, cause, history
