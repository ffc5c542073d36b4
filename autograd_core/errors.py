"""Every exception and warning of the package, in one place.

Each says what was expected, what came, and the likely remedy.
"""

from collections.abc import Callable
from typing import Any


class AutogradError(Exception):
    """Base class of everything that this package raises on its own account."""


class NotDifferentiableError(AutogradError, TypeError):
    """A function without a derivative rule met a recorded Tensor."""


class ConversionError(AutogradError, TypeError):
    """A recorded Tensor was about to become a plain array or number, losing its gradient."""


class InPlaceError(AutogradError, RuntimeError):
    """An in-place write that could not be recorded."""


class GraphError(AutogradError, RuntimeError):
    """The recorded graph cannot answer: freed, unconnected, or nothing was recorded."""


class MutationError(GraphError):
    """A value that backward needs was changed in place after it was saved."""


class RuleError(AutogradError, RuntimeError):
    """A derivative rule returned something that cannot be a cotangent of its argument."""


class CompileError(AutogradError, TypeError):
    """A function cannot become a program: it needs numbers of traced arrays, or changes itself."""


class NeedsNumbersError(CompileError):
    """The numbers of a traced array were asked for.

    ``as_one_line``, which tracing sets, makes of a function one that becomes a single line of the
    program: what needs numbers inside a primitive or a rule has them when the program runs.
    """

    as_one_line: Callable[[Callable[..., Any]], Callable[..., Any]]


class VmapError(AutogradError, TypeError):
    """A function under ``vmap`` needs one number, or one shape, where the examples differ.

    ``run_on_batch``, which batching sets, runs a function on batched arrays that it cannot handle
    as they are.  An error that ``is_final`` is the user's, and no reason to try another way.
    """

    run_on_batch: Callable[..., Any]

    def __init__(self, message: str, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


class AnomalyError(AutogradError, ArithmeticError):
    """Under ``detect_anomaly``: the first non-finite value, or a saved value that changed."""


class GradcheckError(AutogradError, AssertionError):
    """A gradient differs from finite differences; ``.report`` holds the findings."""

    def __init__(self, report: object) -> None:
        super().__init__(str(report))
        self.report = report
