"""What a check found: one line per wrong entry, and a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One entry of a gradient that differs from finite differences, or could not be decided.

    ``kind`` is ``value``, ``shape``, ``dtype``, ``not finite`` or ``inconclusive``; ``order`` 1
    for the gradient, 2 for the gradient of the gradient; ``input`` the argument's position.
    """

    kind: str
    order: int
    input: int
    index: tuple[int, ...]
    analytic: Any
    numeric: Any
    bar: float

    @property
    def severity(self) -> str:
        return "inconclusive" if self.kind == "inconclusive" else "error"

    @property
    def ratio(self) -> float | None:
        """Analytic over numeric: -1 is a sign error, 2 or 1/2 a factor, 0 a dropped term."""
        try:
            return float(self.analytic / self.numeric)
        except (TypeError, ZeroDivisionError):
            return None

    def __str__(self) -> str:
        place = f"input {self.input}{list(self.index) if self.index else ''}"
        if self.kind in ("shape", "dtype"):
            return (
                f"[error] order {self.order}, {place}: the gradient has {self.kind} "
                f"{self.analytic}, expected {self.numeric}"
            )
        ratio = f", ratio {self.ratio:.4g}" if self.ratio is not None else ""
        return (
            f"[{self.severity}] order {self.order}, {place}: analytic {self.analytic:.8g}, "
            f"numeric {self.numeric:.8g} +- {self.bar:.1g}{ratio}"
        )


@dataclass
class Report:
    """The result of ``ag.gradcheck``.

    Attributes
    ----------
    name
        The function that was checked.
    findings
        What was wrong or undecided, worst first.
    entries
        How many derivatives were compared.
    seed
        Reproduces the random cotangents.
    """

    name: str
    order: int
    seed: int
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """``pass``, ``fail`` or ``inconclusive``."""
        if any(f.severity == "error" for f in self.findings):
            return "fail"
        return "inconclusive" if self.findings else "pass"

    @property
    def ok(self) -> bool:
        return self.verdict == "pass"

    def __bool__(self) -> bool:
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain Python values."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "order": self.order,
            "seed": self.seed,
            "entries": self.entries,
            "findings": [
                {**asdict(f), "severity": f.severity, "ratio": f.ratio} for f in self.findings
            ],
        }

    def __str__(self) -> str:
        head = (
            f"gradcheck {self.name}: {self.verdict}, {self.entries} derivatives to order "
            f"{self.order}, {len(self.findings)} findings (seed {self.seed})"
        )
        shown = [f"  {f}" for f in self.findings[:8]]
        more = len(self.findings) - len(shown)
        return "\n".join([head, *shown, *([f"  ... and {more} more"] if more > 0 else [])])

    __repr__ = __str__
