"""What a report carries along: a program that repeats the check, and the error at every step."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.checking.evaluation_point import Point
from autograd_core.checking.verdict import Wrong

Array = np.ndarray[Any, Any]

WRITTEN_OUT = 200


def _literal(a: Any) -> str:
    a = np.asarray(a)
    if a.size <= WRITTEN_OUT:
        return f"np.array({a.tolist()!r}, {str(a.dtype)!r}).reshape({a.shape})"
    packed = base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()
    return f"np.frombuffer(base64.b64decode({packed!r}), {str(a.dtype)!r}).reshape({a.shape})"


def _import(f: Any, otherwise: str) -> tuple[str, str]:
    """How to get a function, and what to call it."""
    name, module = getattr(f, "__qualname__", ""), getattr(f, "__module__", "")
    if name.isidentifier() and name != "<lambda>" and module and module != "__main__":
        return f"from {module} import {name}", name
    return f"{otherwise} = ...  # what was checked", otherwise


def repro(
    f: Any,
    args: Sequence[Any],
    options: dict[str, Any],
    order: int,
    wrt: Any,
    signature: str | None,
) -> str:
    """A program that repeats the check with the exact arrays."""
    if isinstance(f, tuple):
        found = [_import(part, name) for part, name in zip(f, ("forward", "backward"), strict=True)]
        called = f"({', '.join(name for _, name in found)})"
    else:
        found = [_import(f, "f")]
        called = found[0][1]
    defaults = {"max_elems": 256, "rtol": 1e-7, "atol": None, "budget_s": None, "variants": True}
    chosen = {"order": order, "seed": options["seed"]}
    chosen |= {k: options[k] for k, d in defaults.items() if options[k] != d}
    chosen |= {k: v for k, v in (("wrt", wrt), ("signature", signature)) if v is not None}
    arrays = [_literal(a) for a in args]
    head = ["import base64"] if any("base64" in a for a in arrays) else []
    lines = [*head, "import numpy as np", "import autograd_core as ag"]
    lines += [line for line, _ in found]
    lines += ["print(ag.gradcheck(", f"    {called},", *(f"    {a}," for a in arrays)]
    lines += [*(f"    {k}={v!r}," for k, v in chosen.items()), "))"]
    return "\n".join(lines)


def step_errors(point: Point, wrong: Wrong) -> dict[str, list[float]]:
    """The plain central difference at many steps, its distance from the gradient and the slope."""
    steps = 2.0 ** -np.arange(3, 42, 1.5)
    analytic, numeric = [], []
    for h in steps:
        at = [point.at.copy(), point.at.copy()]
        at[0][wrong.direction] += h
        at[1][wrong.direction] -= h
        slope = float(wrong.u @ (point.values(at[0]) - point.values(at[1]))) / (2 * h)
        analytic.append(abs(slope - wrong.analytic))
        numeric.append(abs(slope - wrong.numeric))
    return {"step": steps.tolist(), "from gradient": analytic, "from slope": numeric}
