"""The second corpus: operations of other people, re-told, each with the source of its idea.

Kinds of right ones: ``ordinary``; ``tree``, with parameters in dicts or lists; ``spd``, ``simplex``,
``orthogonal``, ``sorted``, ``positive``, ``probabilities``, whose inputs lie on a domain; ``solver``,
which stops at a tolerance; ``float32``; and ``deliberate``, whose gradient is not the derivative.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import autograd_core as ag
from tests.gradcheck_quality import peers, told_layers, told_losses, told_sequences, told_solvers
from tests.gradcheck_quality.entry import Entry, unique

PEERS = {
    "PyTorch": peers.torch_check, "JAX": peers.jax_check, "HIPS": peers.hips_check
}  # fmt: skip
_FILES = (told_layers, told_sequences, told_losses, told_solvers)
RIGHT = unique(e for f in _FILES for e in f.RIGHT)
WRONG = unique(e for f in _FILES for e in f.WRONG)


def leaves(value: Any) -> list[Any]:
    """The arrays of a tree of dicts, tuples and lists."""
    if isinstance(value, dict):
        return [a for v in value.values() for a in leaves(v)]
    if isinstance(value, (tuple, list)):
        return [a for v in value for a in leaves(v)]
    return [np.asarray(value, object) if value is None else np.asarray(value)]


def rebuilt(value: Any, arrays: Iterator[Any]) -> Any:
    """A tree of the same form with other arrays."""
    if isinstance(value, dict):
        return {k: rebuilt(v, arrays) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(rebuilt(v, arrays) for v in value)
    return next(arrays)


def conventions(subject: Any) -> tuple[Callable[..., list[Any]], Callable[..., list[Any]]]:
    """Functions for the values of inputs, and for the gradients of inputs and cotangents."""
    forward, backward = subject
    names = [p.name for p in inspect.signature(backward).parameters.values()]

    def values(inputs: Any) -> list[Any]:
        out = forward(*inputs)
        return leaves(out[0] if names[1:] == ["cache"] else out)

    def gradients(inputs: Any, gs: Any) -> list[Any]:
        out = forward(*inputs)
        cache = out[1] if names[1:] == ["cache"] else None
        shape = out[0] if cache is not None else out
        g = rebuilt(shape, iter(gs))
        found = (
            backward(g) if len(names) == 1
            else backward(g, cache) if cache is not None
            else backward(g, out, *inputs)
        )  # fmt: skip
        return list(found) if isinstance(found, (tuple, list)) else [found]

    return values, gradients


def plain(entry: Entry) -> Entry:
    """The same with ``backward(g, out, *arrays)`` and without trees, as peers take it."""
    values, gradients = conventions(entry.subject)
    arrays = leaves(entry.inputs)

    def forward(*flat: Any) -> Any:
        out = values(rebuilt(entry.inputs, iter(flat)))
        return tuple(out) if len(out) > 1 else out[0]

    def backward(g: Any, _out: Any, *flat: Any) -> Any:
        inputs = rebuilt(entry.inputs, iter(flat))
        gs = g if isinstance(g, (tuple, list)) else [g]
        found: list[Any] = []
        for given, back in zip(inputs, gradients(inputs, gs), strict=True):
            found += [None] * len(leaves(given)) if back is None else leaves(back)
        return tuple(found)

    return replace(entry, subject=(forward, backward), inputs=tuple(arrays), signature=None)


def verdict(entry: Entry, **options: Any) -> str:
    """What the checker says by default: its verdict, or that it raised."""
    try:
        return ag.gradcheck(entry.subject, *entry.inputs, **options).verdict
    except Exception as error:
        return f"raised {type(error).__name__}"


def table() -> dict[str, dict[str, str]]:
    """By entry: its kind, what it is, and what checkers say of it, ours with a signature too."""
    rows = {}
    for truth, entries in (("right", RIGHT), ("wrong", WRONG)):
        for e in entries:
            row = {"truth": truth, "kind": e.kind, "verdict": verdict(e)}
            row["signature"] = verdict(e, signature=e.signature) if e.signature else ""
            for name, run in PEERS.items():
                try:
                    row[name] = "fail" if run(plain(e), plain(e).inputs) else "pass"
                except ImportError:
                    row[name] = ""
            rows[e.id] = row
    return rows


def totals(rows: dict[str, dict[str, str]]) -> dict[str, dict[str, Counter[str]]]:
    """Verdicts by checker, on the wrong ones and on the right ones by kind."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for row in rows.values():
        group = row["truth"] if row["truth"] == "wrong" else f"right, {row['kind']}"
        for checker in ("verdict", "signature", *PEERS):
            if row[checker]:
                by = found.setdefault(group, {}).setdefault(checker, Counter())
                by[row[checker]] += 1
    return found
