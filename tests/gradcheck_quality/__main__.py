"""``python -m tests.gradcheck_quality``: how good the gradient checker is, beside its peers.

The corpus is ours: what a peer does not test for, it cannot find.  ``--quick`` leaves out the rules
by five seeds, the mutants and the peers; ``--told`` runs the second corpus alone.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from typing import Any

from tests.gradcheck_quality import latent, measure, mutants, told
from tests.gradcheck_quality.awkward import AWKWARD
from tests.gradcheck_quality.planted import PLANTED

CAUGHT = ("error", "warning", "inconclusive")


def share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / max(whole, 1):.1f} %)"


def planted(found: dict[str, Any], others: dict[str, Any]) -> None:
    """The planted bugs, by class: ours for one ordinary sample; the peers for sample or trigger."""
    names = list(others)
    print(f"{'class':32}{'bugs':>5}{'error':>7}{'warned':>8}" + "".join(f"{n:>12}" for n in names))
    kinds = sorted({e.kind for e in PLANTED})
    for kind in kinds:
        entries = [e for e in PLANTED if e.kind == kind]
        how = Counter(found[e.id]["sample"] for e in entries)
        row = f"{kind:32}{len(entries):5}{how['error']:7}{how['warning'] + how['inconclusive']:8}"
        for name in names:
            accused = [any(others[name][e.id].values()) for e in entries if e.id in others[name]]
            row += f"{sum(accused):>9}/{len(accused)}"
        print(row)
    n = len(PLANTED)
    for what in ("sample", "signature", "trigger"):
        best = Counter(found[e.id][what] for e in PLANTED)
        print(f"one ordinary {what}: errors {share(best['error'], n)}, "
              f"errors and warnings {share(sum(best[w] for w in CAUGHT), n)}")  # fmt: skip
    either = sum("error" in (r["sample"], r["signature"], r["trigger"]) for r in found.values())
    print(f"sample, signature or trigger: errors {share(either, n)}")
    for name in names:
        rows = [others[name][e.id] for e in PLANTED if e.id in others[name]]
        print(f"{name}: sample {share(sum(r['sample'] for r in rows), len(rows))}, sample or trigger "
              f"{share(sum(any(r.values()) for r in rows), len(rows))}, of the pairs")  # fmt: skip


def main(arguments: list[str]) -> int:
    warnings.simplefilter("ignore")
    if "--told" in arguments:
        for group, checkers in told.totals(told.table()).items():
            print(group, *(f"{name} {dict(found)}" for name, found in checkers.items()), sep="; ")
        return 0
    quick = "--quick" in arguments
    found = measure.detection(PLANTED)
    others = {} if quick else measure.accused_by_peers([*PLANTED, *AWKWARD])
    planted(found, others)
    alarms = measure.false_alarms()
    print(f"\nawkward but right, accused: {share(len(alarms), len(AWKWARD))} {alarms or ''}")
    for name, rows in others.items():
        ours = [rows[e.id]["sample"] for e in AWKWARD if e.id in rows]
        print(f"  {name}: {share(sum(ours), len(ours))}")
    print(f"scipy.special: {dict(measure.special_functions())}")
    print(f"random compositions: {dict(measure.compositions(60))}")
    print(f"rules, by {'one seed, every fifth' if quick else 'five seeds'}: "
          f"{dict(measure.rules(range(1) if quick else range(5), 5 if quick else 1))}")  # fmt: skip
    if not quick:
        caught, missed = measure.mutated()
        print(f"mutants of the rules: {dict(caught)} {missed or ''}")
        caught, missed = measure.mutated(kind=mutants.detached)
        print(f"right at first order, wrong at second: {dict(caught)} {missed or ''}")
        caught, missed = latent.caught()
        print(f"latent mutants, by the signature: {dict(caught)} {missed or ''}")
    fast, full = measure.cost(31 if quick else 7)
    print(f"cost, median of the rules' cases: quick {fast:.0f} ms, full {full:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
