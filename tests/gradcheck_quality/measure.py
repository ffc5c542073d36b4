"""What the checker finds, and whom it accuses wrongly: numbers for the table and for its test."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.rules.cases import CASES
from tests.gradcheck_quality import mutants, peers
from tests.gradcheck_quality.awkward import AWKWARD
from tests.gradcheck_quality.entry import Entry

PEERS = {
    "torch": lambda e, xs: peers.torch_check(e, xs),
    "torch fast": lambda e, xs: peers.torch_check(e, xs, fast=True),
    "HIPS": peers.hips_check,
    "jax": peers.jax_check,
}


def outcome(report: Any) -> str:
    """The worst of a report: ``error``, ``inconclusive``, ``warning`` or ``missed``."""
    found = {f.severity for f in report.findings}
    return next((s for s in ("error", "inconclusive", "warning") if s in found), "missed")


def check(entry: Entry, inputs: tuple[Any, ...] | None = None, **options: Any) -> str:
    """What this package says of an entry."""
    return outcome(ag.gradcheck(entry.subject, *(inputs or entry.inputs), order=2, **options))


def detection(entries: Iterable[Entry]) -> dict[str, dict[str, str]]:
    """By entry: the outcome for one ordinary sample, with the signature, and with the trigger."""
    found = {}
    for e in entries:
        row = {"kind": e.kind, "sample": check(e)}
        row["signature"] = check(e, signature=e.signature) if e.signature else row["sample"]
        row["trigger"] = check(e, e.trigger) if e.trigger else row["sample"]
        found[e.id] = row
    return found


def accused_by_peers(entries: Iterable[Entry]) -> dict[str, dict[str, dict[str, bool]]]:
    """By peer, entry and kind of sample: whether it accuses.  A peer that is absent is left out."""
    found: dict[str, dict[str, dict[str, bool]]] = {}
    for name, run in PEERS.items():
        try:
            for e in entries:
                if e.is_pair:
                    row = {"sample": run(e, e.inputs)}
                    row["trigger"] = run(e, e.trigger) if e.trigger else row["sample"]
                    found.setdefault(name, {})[e.id] = row
        except ImportError:
            found.pop(name, None)
    return found


def false_alarms(entries: Iterable[Entry] = AWKWARD, **options: Any) -> dict[str, str]:
    """The awkward entries that are not passed, with the outcome."""
    found = {e.id: check(e, **options) for e in entries}
    return {name: how for name, how in found.items() if how in ("error", "inconclusive")}


def rules(seeds: Iterable[int] = range(5), step: int = 1, variants: bool = False) -> Counter[str]:
    """Verdicts over the rules of this package, each at its own sampler's points."""
    found: Counter[str] = Counter()
    for seed in seeds:
        for case in CASES[::step]:
            report = ag.gradcheck(case.f, *case.sample(seed), seed=seed, variants=variants)
            found[report.verdict] += 1
            if not report.ok:
                found[f"{case.id}, seed {seed}: {report.findings[0]}"] += 1
    return found


UNARY = [np.sin, np.tanh, np.exp, np.arctan, np.square, np.cosh, np.log1p, np.sqrt]


def compositions(count: int, seed: int = 0) -> Counter[str]:
    """Verdicts over random smooth programs of positive numbers."""
    rng = np.random.default_rng(seed)
    found: Counter[str] = Counter()
    for _ in range(count):
        steps = [
            (UNARY[rng.integers(len(UNARY))], rng.integers(3)) for _ in range(rng.integers(2, 5))
        ]

        def program(x: Any, y: Any, steps: Any = steps) -> Any:
            for f, how in steps:
                x = f(x * 0.5) + (y if how == 0 else x * y if how == 1 else x / (1 + y * y))
                x = np.sqrt(x * x + 0.01) if f in (np.log1p, np.sqrt) or how else x
                x = x / (1.0 + 0.1 * x * x)
                x = np.sqrt(x * x + 0.04)
            return x

        found[
            ag.gradcheck(program, rng.uniform(0.2, 2, (3, 2)), rng.uniform(0.2, 2, 2)).verdict
        ] += 1
    return found


def special_functions() -> Counter[str]:
    """Verdicts over scipy.special, whose derivatives are given by hand."""
    found: Counter[str] = Counter()
    for case in CASES:
        if case.id.startswith("scipy"):
            found[ag.gradcheck(case.f, *case.args).verdict] += 1
    return found


def mutated(step: int = 1, kind: Any = mutants.mutants) -> tuple[Counter[str], list[str]]:
    """Verdicts over the visible mutants of the rules, by order, and those that were not caught."""
    by = mutants.cases_of()
    base: dict[Any, Any] = {}
    found: Counter[str] = Counter()
    missed = []
    for mutant in kind()[::step]:
        case = by.get(mutant.primitive)
        if case is None:
            continue
        for order in (1, 2):
            if (case.id, order) not in base:
                base[case.id, order] = mutants.pulled(case.f, case.args, order)
        with mutant.planted():
            shown = (
                mutants.differ(mutants.pulled(case.f, case.args, o), base[case.id, o])
                for o in (1, 2)
            )
            order = next((o for o, differs in enumerate(shown, 1) if differs), 0)
            if not order:
                continue
            verdict = ag.gradcheck(case.f, *case.args, order=order, variants=False).verdict
        found[f"order {order}: {verdict}"] += 1
        if verdict != "fail":
            missed.append(f"{mutant.change} (order {order}): {verdict}")
    return found, missed


def cost(step: int = 7) -> tuple[float, float]:
    """Median milliseconds of a quick and of a full check, over the cases."""
    quick, full = [], []
    for case in CASES[::step]:
        for times, variants in ((quick, False), (full, True)):
            start = time.perf_counter()
            ag.gradcheck(case.f, *case.args, variants=variants)
            times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(quick), statistics.median(full)


def by_class(found: dict[str, dict[str, str]]) -> dict[str, Counter[str]]:
    """Outcomes for one ordinary sample, by class."""
    rows: dict[str, Counter[str]] = {}
    for row in found.values():
        rows.setdefault(row["kind"], Counter())[row["sample"]] += 1
    return rows
