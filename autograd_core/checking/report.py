"""What a check found: one line for each thing that is wrong, a diagnosis, and a verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

#: What a finding's kind means.
KINDS = {
    "value": "the gradient is not the slope",
    "ties": "along equal elements the gradient is not the slope",
    "nan": "the gradient is not finite where the slope is",
    "shape": "the gradient has another shape than its input",
    "dtype": "the gradient has another dtype than its input",
    "type": "the gradient is not an array",
    "arity": "the number of gradients is not that of the inputs",
    "raises": "backward raises where forward does not",
    "forward": "recording changes the value",
    "not linear": "backward is not linear in the cotangent",
    "not deterministic": "two runs differ",
    "state": "another call in between changes the gradient",
    "mutates": "inputs or cotangents are written to",
    "shared": "arrays are shared",
    "layout": "the gradient depends on the memory layout",
    "precision": "float32 inputs lose more than their round-off",
    "inconclusive": "the differences are too inexact to decide",
}
WARNINGS = frozenset({"shared"})


def _subscript(place: Any) -> str:
    return f"[{', '.join(map(str, place))}]" if place else ""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or could not be decided.

    Attributes
    ----------
    kind : str
        A key of ``KINDS``.
    order : int
        1 for the gradient, 2 for the gradient of the gradient.
    input : int or None
        The argument's position.
    index : tuple of int
        The worst element; ``part`` is ``.real`` or ``.imag`` for complex inputs.
    output : Place or None
        The output whose derivative it is, if that is one alone.
    analytic, numeric, bar : float
        The gradient, the slope, and the slope's error bar.
    count, size : int
        How many elements of the input are wrong, and how many it has.
    message : str
        Instead of numbers, or beside them.
    variant : str
        What was done to the user's sample before it showed; empty for the sample itself.
    severity : str
        ``error``, ``warning`` or ``inconclusive``.
    """

    kind: str
    order: int
    input: int | None
    index: tuple[int, ...] = ()
    part: str = ""
    output: Any = None
    analytic: float | None = None
    numeric: float | None = None
    bar: float = 0.0
    count: int = 1
    size: int = 0
    message: str = ""
    variant: str = ""
    severity: str = ""
    input_name: str = ""

    def __post_init__(self) -> None:
        if not self.severity:
            severity = "warning" if self.kind in WARNINGS else "error"
            severity = "inconclusive" if self.kind == "inconclusive" else severity
            object.__setattr__(self, "severity", severity)

    @property
    def ratio(self) -> float | None:
        """Analytic over numeric: -1 is a sign error, 2 or 1/2 a factor, 0 a dropped term."""
        if self.analytic is None or not self.numeric:
            return None
        return self.analytic / self.numeric

    @property
    def place(self) -> str:
        """``d out[1] / d x[2, 0]``, as far as it is known."""
        if self.input is None:
            return ""
        what = f"{self.input_name or f'input {self.input}'}"
        if self.analytic is None or self.kind == "ties":
            return what
        what += _subscript(self.index) + self.part
        if self.output is None:
            return f"d(v . out) / d {what}" if self.order == 1 else f"second derivative by {what}"
        out = "out" if not self.output.array else f"out {self.output.array}"
        top = f"{out}{_subscript(self.output.element)}{self.output.part}"
        return f"d {top} / d {what}" if self.order == 1 else f"d grad {top} / d {what}"

    def __str__(self) -> str:
        words = [f"[{self.severity}]"]
        if self.order == 2:
            words.append("order 2,")
        if self.place:
            words.append(f"{self.place}:")
        parts = [self.message] if self.message else []
        if self.analytic is not None and self.numeric is not None:
            figures = f"analytic {self.analytic:.8g}, numeric {self.numeric:.8g} +- {self.bar:.1g}"
            ratio = self.ratio
            parts.append(figures + (f", ratio {ratio:.4g}" if ratio is not None else ""))
        elif not self.message:
            parts.append(KINDS[self.kind])
        if self.kind not in ("value", "inconclusive") and self.message:
            words.append(f"{KINDS[self.kind]}:")
        if self.count > 1 and self.size:
            parts.append(f"{self.count} of {self.size} elements")
        if self.variant:
            parts.append(self.variant)
        return " ".join([*words, "; ".join(parts)])

    def to_dict(self) -> dict[str, Any]:
        """As plain Python values."""
        shown = {k: v for k, v in vars(self).items() if k != "output"}
        shown["index"] = list(self.index)
        shown["output"] = self.output and {
            "array": self.output.array,
            "index": list(self.output.element),
            "part": self.output.part,
        }
        return {**shown, "ratio": self.ratio}


@dataclass
class Report:
    """The result of ``ag.gradcheck``; true if the verdict is ``pass``.

    Attributes
    ----------
    name : str
        What was checked.
    findings : list of Finding
        Worst first.
    diagnosis : list of str
        What the findings look like: a sign, a factor, a missing sum, swapped operands ...
    entries : int
        How many derivatives were compared.
    variants : list of str
        What was tried beside the sample itself.
    skipped : list of str
        What was not tried, and why.
    seed : int
        Gives the same check again.
    repro : str
        A program that repeats it, with the exact arrays.
    """

    name: str
    order: int
    seed: int
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)
    diagnosis: list[str] = field(default_factory=list)
    variants: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    repro: str = ""
    steps: Any = field(default=None, repr=False)

    @property
    def verdict(self) -> str:
        """``pass``, ``fail`` or ``inconclusive``; warnings leave it at ``pass``."""
        severities = {f.severity for f in self.findings}
        if "error" in severities:
            return "fail"
        return "inconclusive" if "inconclusive" in severities else "pass"

    @property
    def ok(self) -> bool:
        return self.verdict == "pass"

    def __bool__(self) -> bool:
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain Python values."""
        return {
            "name": self.name, "verdict": self.verdict, "order": self.order, "seed": self.seed,
            "entries": self.entries, "findings": [f.to_dict() for f in self.findings],
            "diagnosis": list(self.diagnosis), "variants": list(self.variants),
            "skipped": list(self.skipped), "repro": self.repro,
        }  # fmt: skip

    def to_json(self, indent: int | None = 2) -> str:
        """:meth:`to_dict` as JSON; what is not finite becomes a string."""
        return json.dumps(_finite(self.to_dict()), indent=indent)

    def table(self) -> str:
        """The findings as a text table, one row each."""
        head = (
            "severity",
            "kind",
            "order",
            "derivative",
            "analytic",
            "numeric",
            "+-",
            "ratio",
            "wrong",
            "only",
        )
        rows = [head] + [
            (
                f.severity, f.kind, str(f.order), f.place, _figure(f.analytic), _figure(f.numeric),
                f"{f.bar:.1g}" if f.analytic is not None else "", _figure(f.ratio),
                f"{f.count}/{f.size}" if f.size else "", f.variant,
            )
            for f in self.findings
        ]  # fmt: skip
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )

    def __str__(self) -> str:
        n = len(self.findings)
        tried = f", {len(self.variants)} variants" if self.variants else ""
        head = (
            f"gradcheck {self.name}: {self.verdict}, {self.entries} derivatives to order "
            f"{self.order}{tried}, {n} finding{'' if n == 1 else 's'} (seed {self.seed})"
        )
        lines = [head, *(f"  {f}" for f in self.findings[:8])]
        if n > 8:
            lines.append(f"  ... and {n - 8} more")
        lines += [f"  diagnosis: {d}" for d in self.diagnosis]
        lines += [f"  skipped: {s}" for s in self.skipped]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from autograd_core.checking.html import page

        return page(self)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value
