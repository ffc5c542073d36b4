"""Compare the calls of ``calls.txt`` with differences of plain NumPy: ``python -m tests.calls``.

A call is right if its values are NumPy's and its gradients the slopes of those values, or it is
refused: an exception that says why.  All calls are made again with arrays of length 1, without elements
and without axes, where NumPy takes those.  The last line counts; the exit status is 1 if any is wrong.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.engine.recording import unwrap

KINDS = ("as they stand", "size 1", "empty", "0-d")
REFUSALS = (ag.AutogradError, TypeError)


def variables() -> dict[str, Any]:
    """Return the arrays that calls name, without ties and away from kinks."""
    rng = np.random.default_rng(11)
    normal = rng.normal
    x, y, s, c = normal(size=(2, 3)), normal(size=(2, 3)), normal(size=(3, 3)), normal(size=(3, 3))
    c = c + 1j * normal(size=(3, 3))
    gaps = normal(size=(2, 3))
    gaps[0, 1] = gaps[1, 2] = np.nan
    return {
        "x": x, "y": y, "s": s, "c": c, "g": gaps, "p": rng.uniform(0.3, 2, (2, 3)), "q": rng.uniform(0.4, 3, (2, 3)),
        "u": rng.uniform(-0.9, 0.9, (2, 3)), "t": normal(size=(2, 3, 4)), "v": normal(size=4), "w": normal(size=4),
        "h": s @ s.T + np.eye(3), "k": c @ c.conj().T + np.eye(3), "b": normal(size=(5, 3, 3)), "m": normal(size=(4, 3)),
        "n": normal(size=(3, 4)), "z": normal(size=(2, 3)) + 1j * normal(size=(2, 3)), "e": np.array(0.73),
        "o": normal(size=(1, 3)), "d": normal(size=(2, 1)), "l": normal(size=6),
    }  # fmt: skip


def reshaped(values: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the same names with every axis of length 1, without elements, or without axes."""

    def change(a: Any) -> Any:
        if kind == "size 1":
            return a[(slice(0, 1),) * a.ndim].copy()
        if kind == "empty":
            return a[:0].copy() if a.ndim else a
        return a.reshape(-1)[0]

    return {n: np.asarray(change(a)) for n, a in values.items()}


def arrays_in(value: Any) -> list[Any]:
    """Return the floating-point arrays of a nested result."""
    if isinstance(value, (list, tuple)):
        return [a for part in value for a in arrays_in(part)]
    return [value] if np.asarray(unwrap(value)).dtype.kind in "fc" else []


def scalar(value: Any) -> Any:
    """Return a real number of the whole result: Re sum(weights * f)."""
    rng, total = np.random.default_rng(5), 0.0
    for a in arrays_in(value):
        w = rng.uniform(0.5, 1.5, np.shape(a))
        if np.asarray(unwrap(a)).dtype.kind == "c":
            w = w + 1j * rng.uniform(0.5, 1.5, np.shape(a))
        valid = ~np.isnan(np.asarray(unwrap(a)))
        total = total + np.sum(np.where(valid, np.real(a * w), 0.0))
    return total


def slope(f: Any, name: str, values: dict[str, Any]) -> Any:
    """Return central differences by every entry, with Richardson's correction."""
    a = values[name]
    result = np.zeros(a.shape, a.dtype)
    for index in np.ndindex(a.shape):
        for unit in (1.0, 1j) if a.dtype.kind == "c" else (1.0,):

            def at(step: float, index: Any = index, unit: Any = unit) -> Any:
                moved = a.copy()
                moved[index] += unit * step
                return scalar(f({**values, name: moved}))

            wide, narrow = ((at(h) - at(-h)) / (2 * h) for h in (2e-4, 1e-4))
            result[index] += unit * (4 * narrow - wide) / 3
    return result


def shared() -> dict[str, Any]:
    return {"np": np, "ag": ag, "special": __import__("scipy.special", fromlist=["erf"])}


def judge(call: str, values: dict[str, Any]) -> str:
    """Return '' if a call is right, else what is wrong; a refusal raises."""
    code = compile(call, call, "eval")
    names = [n for n in code.co_names if n in values]
    nested = [n for const in code.co_consts if hasattr(const, "co_names") for n in const.co_names]
    names = list(dict.fromkeys([*names, *(n for n in nested if n in values)]))

    def plain(v: dict[str, Any]) -> Any:
        return eval(code, {**shared(), **v})

    tensors = {n: ag.tensor(values[n], requires_grad=True) for n in names}
    got = eval(code, {**shared(), **values, **tensors})
    expected = plain(values)
    if all(np.isnan(a).all() for a in arrays_in(expected)):
        return ""  # no number, so no slope
    for a, e in zip(arrays_in(got), arrays_in(expected), strict=True):
        a, e = np.asarray(unwrap(a)), np.asarray(e)
        if a.shape != e.shape or a.dtype != e.dtype:
            return f"shape or dtype {a.shape} {a.dtype}, NumPy {e.shape} {e.dtype}"
        if not np.allclose(a, e, rtol=1e-11, atol=1e-12, equal_nan=True):
            return "value"
    total = scalar(got)
    if isinstance(total, ag.Tensor) and total.requires_grad:
        total.backward()
    for n in names:
        found = tensors[n].grad
        found = np.zeros_like(values[n]) if found is None else found.numpy()
        numeric = slope(plain, n, values)
        finite = np.isfinite(numeric)
        if not np.allclose(found[finite], numeric[finite], rtol=1e-6, atol=1e-7):
            return f"gradient by {n}: {found.tolist()}, differences {numeric.tolist()}"
    return ""


def runs(call: str, values: dict[str, Any]) -> bool:
    """Return whether plain NumPy takes the call for arrays of these shapes."""
    try:
        eval(compile(call, call, "eval"), {**shared(), **values})
    except Exception:
        return False
    return True


def survey(kind: str) -> tuple[int, list[str], list[str]]:
    """Return how many calls are right with arrays of one kind, the refused and the wrong ones."""
    text = Path(__file__).with_name("calls.txt").read_text(encoding="utf-8")
    calls = [c for c in text.splitlines() if c and not c.startswith("#")]
    values = variables() if kind == "as they stand" else reshaped(variables(), kind)
    right, refused, wrong = 0, [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in calls:
            if not runs(call, values):
                if kind == "as they stand":
                    wrong.append(f"{call}\n    NumPy itself does not take it")
                continue
            try:
                problem = judge(call, values)
            except REFUSALS as error:
                refused.append(f"{call}\n    {type(error).__name__}: {error}")
            except Exception as error:
                wrong.append(f"{call}\n    {type(error).__name__}: {error}")
            else:
                right += not problem
                if problem:
                    wrong.append(f"{call}\n    {problem}")
    return right, refused, wrong


def main() -> int:
    any_wrong = False
    for kind in reversed(KINDS):
        right, refused, wrong = survey(kind)
        any_wrong |= bool(wrong)
        for word, found in (("refused", refused), ("WRONG", wrong)):
            print("\n".join(f"{word}  {f}" for f in found))
        total = right + len(refused) + len(wrong)
        print(f"{kind}: {total} calls, {right} right, {len(refused)} refused, {len(wrong)} wrong")
    return int(any_wrong)


if __name__ == "__main__":
    sys.exit(main())
