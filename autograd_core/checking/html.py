"""A report in a notebook: the findings as a table, and the error against the step as a picture."""

from __future__ import annotations

import math
from html import escape
from typing import Any

WIDTH, HEIGHT, MARGIN = 460, 230, 44
STYLE = (
    "border-collapse:collapse;font:13px/1.5 system-ui,sans-serif",
    "text-align:left;padding:2px 12px 2px 0;border-bottom:1px solid #8888",
    "padding:2px 12px 2px 0;vertical-align:top;font-variant-numeric:tabular-nums",
)
COLUMNS = ("severity", "derivative", "analytic", "numeric", "ratio", "wrong", "what")


def page(report: Any) -> str:
    """The report as HTML, without a script and without anything from elsewhere."""
    mark = {"pass": "\u2713", "fail": "\u2717"}.get(report.verdict, "?")
    head = (
        f"<p><b>gradcheck {escape(report.name)}: {mark} {report.verdict}</b>, {report.entries} "
        f"derivatives to order {report.order}, {len(report.variants)} variants, "
        f"seed {report.seed}</p>"
    )
    parts = [head]
    if report.findings:
        parts.append(_table(report.findings))
    parts += [f"<p>{escape(sentence)}</p>" for sentence in report.diagnosis]
    if report.steps:
        parts.append(picture(report.steps))
    return "<div>" + "".join(parts) + "</div>"


def _table(findings: Any) -> str:
    from autograd_core.checking.report import KINDS

    def cells(f: Any) -> list[str]:
        what = f.message or KINDS[f.kind]
        figures = ["" if v is None else f"{v:.6g}" for v in (f.analytic, f.numeric, f.ratio)]
        if f.numeric is not None:
            figures[1] += f" \u00b1 {f.bar:.1g}"
        wrong = f"{f.count} of {f.size}" if f.size else ""
        return [f.severity, f.place, *figures, wrong, f"{what}; {f.variant}" if f.variant else what]

    rows = "".join(
        "<tr>" + "".join(f'<td style="{STYLE[2]}">{escape(c)}</td>' for c in cells(f)) + "</tr>"
        for f in findings
    )
    names = "".join(f'<th style="{STYLE[1]}">{name}</th>' for name in COLUMNS)
    return f'<table style="{STYLE[0]}"><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table>'


def picture(steps: dict[str, list[float]]) -> str:
    """Error of the plain central difference against the step, both logarithmic, as SVG.

    A right gradient is met by a V: truncation falls with the step, round-off rises.  A wrong one
    stays away at every step.
    """
    lines = [(name, steps[name]) for name in ("from gradient", "from slope")]
    xs = [math.log10(h) for h in steps["step"]]
    logs = {
        name: [math.log10(v) if v > 0 and math.isfinite(v) else None for v in values]
        for name, values in lines
    }
    every = [v for values in logs.values() for v in values if v is not None] or [0.0]
    low, high = math.floor(min(every)), math.ceil(max(every)) + int(min(every) == max(every))
    left, right = math.floor(min(xs)), math.ceil(max(xs))

    def px(x: float) -> float:
        return MARGIN + (x - left) / (right - left) * (WIDTH - MARGIN - 20)

    def py(y: float) -> float:
        return HEIGHT - MARGIN + (y - low) / max(high - low, 1) * (2 * MARGIN - 24 - HEIGHT)

    label = "Error of central differences against the step"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" '
        'font-family="system-ui,sans-serif" font-size="11" fill="currentColor">',
        f"<title>{label}</title>",
    ]
    out += [
        f'<text x="{px(x):.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">1e{x}</text>'
        for x in range(left, right + 1, 3)
    ]
    for y in range(low, high + 1, max(1, (high - low) // 5)):
        out.append(f'<text x="{MARGIN - 6}" y="{py(y) + 4:.1f}" text-anchor="end">1e{y}</text>')
        out.append(
            f'<line x1="{MARGIN}" x2="{px(right):.1f}" y1="{py(y):.1f}" y2="{py(y):.1f}" '
            'stroke="#8886" stroke-width="0.5"/>'
        )
    for (name, _), color, dash in zip(
        lines, ("#D55E00", "#0072B2"), ("", ' stroke-dasharray="5 3"'), strict=True
    ):
        points = [(px(x), py(v)) for x, v in zip(xs, logs[name], strict=True) if v is not None]
        if points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            out.append(
                f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8"{dash}/>'
            )
    names = [
        (name, next((v for v in reversed(logs[name]) if v is not None), low)) for name, _ in lines
    ]
    first = names[0][1]
    apart = 14.0 if abs(py(names[1][1]) - py(first)) < 12 else 0.0
    for (name, end), shift in zip(names, (0.0, apart), strict=True):
        out.append(f'<text x="{px(left) + 4:.1f}" y="{py(end) - 4 + shift:.1f}">{name}</text>')
    out.append(
        f'<text x="{(MARGIN + px(right)) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">'
        "step</text>"
    )
    out.append("</svg>")
    return "".join(out)
