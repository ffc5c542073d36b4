"""The report of a check: its findings, a diagnosis and a verdict, as text, JSON or HTML.

Also the program that repeats a check with the exact arrays.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

#: The meaning of each kind of finding.
KINDS = {
    "value": "the gradient is not the slope",
    "ties": "along equal elements the gradient is not the slope",
    "nan": "the gradient is not finite where the slope is",
    "shape": "the gradient has another shape than its input",
    "dtype": "the gradient has another dtype than its input",
    "type": "the gradient is not an array",
    "arity": "the number of gradients is not the number of inputs",
    "raises": "backward raises where forward does not",
    "forward": "recording changes the value",
    "not linear": "backward is not linear in the cotangent",
    "not deterministic": "two runs differ",
    "state": "another call in between changes the gradient",
    "mutates": "inputs or cotangents are written to",
    "shared": "arrays are shared",
    "layout": "the gradient depends on the memory layout",
    "precision": "float32 inputs lose more than their round-off",
    "deliberate": "the gradient is not the derivative, on purpose",
    "inconclusive": "the differences are too inexact to decide",
}
TABLE_COLUMNS = (
    *("severity", "kind", "order", "derivative", "analytic"),
    *("numeric", "+-", "ratio", "wrong", "only"),
)
HTML_COLUMNS = ("severity", "derivative", "analytic", "numeric", "ratio", "wrong", "what")

TABLE_STYLE = "border-collapse:collapse;font:13px/1.5 system-ui,sans-serif"
HEAD_STYLE = "text-align:left;padding:2px 12px 2px 0;border-bottom:1px solid #8888"
CELL_STYLE = "padding:2px 12px 2px 0;vertical-align:top;font-variant-numeric:tabular-nums"

#: Arrays of more elements are written into a program in base 64, or read from a file.
WRITTEN_OUT, IN_A_FILE = 200, 100_000

#: The severity of the kinds that are not errors.
SEVERITIES = {"shared": "warning", "deliberate": "warning", "inconclusive": "inconclusive"}


@dataclass(frozen=True)
class Finding:
    """One mistake of a gradient, or a question that could not be decided.

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
        The output whose derivative is wrong, if there is exactly one.
    analytic, numeric, bar : float
        The gradient, the slope, and the error bound of the slope.
    count, size : int
        How many elements of the input are wrong, and how many it has.
    message : str
        An explanation, in place of numbers or in addition to them.
    variant : str
        The change to the user's sample that revealed it; empty for the sample itself.
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
            object.__setattr__(self, "severity", SEVERITIES.get(self.kind, "error"))

    @property
    def ratio(self) -> float | None:
        """Return analytic / numeric: -1 is a sign error, 2 or 1/2 a factor, 0 a dropped term."""
        if self.analytic is None or not self.numeric:
            return None
        return self.analytic / self.numeric

    @property
    def place(self) -> str:
        """Return the derivative that is wrong, such as ``d out[1] / d x[2, 0]``."""
        if self.input is None:
            return ""
        what = self.input_name or f"input {self.input}"
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
            if self.severity == "warning":
                parts.append("a fault if your operation is meant to take such inputs")
        return " ".join([*words, "; ".join(parts)])

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain Python values."""
        output = self.output and {
            "array": self.output.array,
            "index": list(self.output.element),
            "part": self.output.part,
        }
        return {**vars(self), "index": list(self.index), "output": output, "ratio": self.ratio}


@dataclass
class Report:
    """The result of ``ag.gradcheck``; true if the verdict is ``pass`` or ``warn``.

    Attributes
    ----------
    name : str
        The name of the function.
    findings : list of Finding
        The findings, worst first.
    diagnosis : list of str
        Likely mistakes: a sign, a factor, a missing sum, swapped operands ...
    entries : int
        The number of derivatives that were compared.
    variants : list of str
        The samples that were tried in addition to the user's.
    skipped : list of str
        What was not tried, and why.
    decided : int
        The number of numeric derivatives at the sample that were exact enough to decide.
    fixed : list of str
        The inputs that were not differentiated by.
    seed : int
        The seed that gives the same check again.
    repro : str
        A program that repeats the check with the exact arrays.
    steps : dict or None
        For the worst derivative, how far central differences of many steps are from the gradient
        and from the slope; ``nn.plot.gradcheck`` draws it.
    """

    name: str
    order: int
    seed: int
    entries: int = 0
    findings: list[Finding] = field(default_factory=list)
    diagnosis: list[str] = field(default_factory=list)
    variants: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    decided: int = 0
    fixed: list[str] = field(default_factory=list)
    repro: str = ""
    steps: Any = field(default=None, repr=False)

    @property
    def verdict(self) -> str:
        """Return ``pass``, ``warn``, ``fail`` or ``inconclusive``."""
        severities = {f.severity for f in self.findings}
        for severity, verdict in (
            ("error", "fail"),
            ("inconclusive", "inconclusive"),
            ("warning", "warn"),
        ):
            if severity in severities:
                return verdict
        return "pass"

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong on what was given: ``pass`` or ``warn``."""
        return self.verdict in ("pass", "warn")

    def __bool__(self) -> bool:
        return self.ok

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain Python values."""
        shown = {k: v for k, v in vars(self).items() if k != "steps"}
        findings = [f.to_dict() for f in self.findings]
        return {"name": self.name, "verdict": self.verdict, **shown, "findings": findings}

    def to_json(self, indent: int | None = 2) -> str:
        """Return :meth:`to_dict` as JSON; numbers that are not finite become strings."""
        return json.dumps(_finite(self.to_dict()), indent=indent)

    def table(self) -> str:
        """Return the findings as a text table, one row each."""
        rows = [
            TABLE_COLUMNS,
            *(
                (
                    f.severity, f.kind, str(f.order), f.place, _figure(f.analytic),
                    _figure(f.numeric), "" if f.analytic is None else f"{f.bar:.1g}",
                    _figure(f.ratio), f"{f.count}/{f.size}" if f.size else "", f.variant,
                )
                for f in self.findings
            ),
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
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
        """Return the report as HTML, without a script and without external resources."""
        mark = {"pass": "\u2713", "warn": "\u2713", "fail": "\u2717"}.get(self.verdict, "?")
        head = (
            f"<p><b>gradcheck {escape(self.name)}: {mark} {self.verdict}</b>, {self.entries} "
            f"derivatives to order {self.order}, {len(self.variants)} variants, "
            f"seed {self.seed}</p>"
        )
        table = _html_table(self.findings) if self.findings else ""
        sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.diagnosis)
        return f"<div>{head}{table}{sentences}</div>"


def _subscript(element: Any) -> str:
    return f"[{', '.join(map(str, element))}]" if element else ""


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _finite(value: Any) -> Any:
    """Return a tree with strings in place of nan and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value


def _html_table(findings: list[Finding]) -> str:
    def cells(f: Finding) -> list[str]:
        what = f.message or KINDS[f.kind]
        figures = [_figure(v) for v in (f.analytic, f.numeric, f.ratio)]
        if f.numeric is not None:
            figures[1] += f" \u00b1 {f.bar:.1g}"
        wrong = f"{f.count} of {f.size}" if f.size else ""
        return [f.severity, f.place, *figures, wrong, f"{what}; {f.variant}" if f.variant else what]

    rows = "".join(
        "<tr>" + "".join(f'<td style="{CELL_STYLE}">{escape(c)}</td>' for c in cells(f)) + "</tr>"
        for f in findings
    )
    names = "".join(f'<th style="{HEAD_STYLE}">{name}</th>' for name in HTML_COLUMNS)
    head = f"<thead><tr>{names}</tr></thead>"
    return f'<table style="{TABLE_STYLE}">{head}<tbody>{rows}</tbody></table>'


def _literal(a: Any, i: int) -> str:
    """Return an expression for an array: its elements if they are few, else its bytes."""
    a = np.asarray(a)
    if a.size > IN_A_FILE:
        return f"np.load('input{i}.npy'),  # your {a.dtype} array of shape {a.shape}, by np.save"
    if a.size <= WRITTEN_OUT:
        return f"np.array({a.tolist()!r}, {str(a.dtype)!r}).reshape({a.shape})"
    packed = base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()
    return f"np.frombuffer(base64.b64decode({packed!r}), {str(a.dtype)!r}).reshape({a.shape})"


def _import(f: Any, otherwise: str) -> tuple[str, str]:
    """Return the line that imports a function, and what to call it."""
    name, module = getattr(f, "__qualname__", ""), getattr(f, "__module__", "")
    if name.isidentifier() and name != "<lambda>" and module and module != "__main__":
        return f"from {module} import {name}", name
    return f"{otherwise} = ...  # what was checked", otherwise


def program(f: Any, args: Sequence[Any], options: dict[str, Any]) -> str:
    """Return a program that repeats a check with the exact arrays."""
    parts = f if isinstance(f, tuple) else (f,)
    names = ("forward", "backward") if isinstance(f, tuple) else ("f",)
    found = [_import(part, name) for part, name in zip(parts, names, strict=True)]
    called = ", ".join(name for _, name in found)
    called = f"({called})" if isinstance(f, tuple) else called
    arrays = [_literal(a, i) for i, a in enumerate(args)]
    head = ["import base64"] if any("base64" in a for a in arrays) else []
    lines = [*head, "import numpy as np", "import autograd_core as ag"]
    lines += [line for line, _ in found]
    lines += ["print(ag.gradcheck(", f"    {called},", *(f"    {a}," for a in arrays)]
    lines += [*(f"    {k}={v!r}," for k, v in options.items()), "))"]
    return "\n".join(lines)
