"""Every exception of the package."""


class StateError(ValueError):
    """A state dict does not fit the module or optimizer that should load it."""


class FileFormatError(ValueError):
    """A file is corrupt, truncated, or not of the format that its suffix promises."""


class DataError(ValueError):
    """A data set is missing, corrupt, truncated, or not the requested one."""


class NonFiniteLossError(ArithmeticError):
    """The loss became infinite or nan during training.

    Attributes
    ----------
    epoch, step : int
        Where it happened, counted from 1.
    cause : str
        The first operation, input or parameter that was not finite.
    history : nn.History
        The epochs before.
    """

    def __init__(self, epoch: int, step: int, value: float, cause: str, history: object) -> None:
        super().__init__(
            f"the loss became {value} in epoch {epoch}, step {step}: {cause}. "
            "A smaller learning rate, or smaller initial weights, is the usual remedy"
        )
        self.epoch, self.step, self.cause, self.history = epoch, step, cause, history
