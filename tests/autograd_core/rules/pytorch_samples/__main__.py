"""Print the figures: ``python -m tests.autograd_core.rules.pytorch_samples [operation ...]``."""

from __future__ import annotations

import sys
from collections import Counter

from tests.autograd_core.rules.pytorch_samples.conventions import OPEN, UNMAPPED
from tests.autograd_core.rules.pytorch_samples.harness import check, mapped, operations


def main() -> None:
    """Run all operations, or those named."""
    names = sys.argv[1:] or [name for name in operations() if mapped(name)]
    total, orders = Counter[str](), Counter[int]()
    for name in names:
        result = check(name)
        orders[max((i for i, n in enumerate(result.compared) if n), default=-1)] += 1
        total.update({f"compared at order {i}": n for i, n in enumerate(result.compared)})
        total.update(samples=result.samples, by_convention=result.by_convention)
        for kind in ("refused", "inexpressible", "wrong", "crashed"):
            total[kind] += len(getattr(result, kind))
        skipped = result.refused + result.inexpressible if sys.argv[1:] else []
        for line in result.wrong + result.crashed + skipped:
            print(line)
    print(f"{len(operations())} operations of PyTorch, {len(names)} run here: {orders[2]} to second order, "
          f"{orders[1]} to first, {orders[0]} by value, {orders[-1]} by none")  # fmt: skip
    print(f"{total['samples']:,} samples: {total['compared at order 0']:,} values, "
          f"{total['compared at order 1']:,} gradients, {total['compared at order 2']:,} second derivatives agree; "
          f"{total['by_convention']} differ by convention; {total['refused']} refused by PyTorch, "
          f"{total['inexpressible']:,} inexpressible in NumPy")  # fmt: skip
    print(f"wrong {total['wrong']}, crashed {total['crashed']}; open: {', '.join(OPEN) or 'none'}")
    for reason, operation in UNMAPPED.items():
        print(f"unmapped, {reason} ({len(operation.split())}): {operation}")


if __name__ == "__main__":
    main()
