"""Check gradients: ``python -m autograd_core gradcheck package.module:function --shape 3,4``."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core
from autograd_core.checking.api import gradcheck
from autograd_core.checking.rules import check_rules
from autograd_core.checking.samples import signatures
from autograd_core.command_line import UsageError, load, sizes

_VERSION = (
    f"autograd_core {autograd_core.__version__}, NumPy {np.__version__}, "
    f"Python {platform.python_version()}"
)

#: Exit statuses, the worst verdict first; of a usage error, and of a function that raises.
STATUS = {"fail": 1, "inconclusive": 3, "warn": 0, "pass": 0}
USAGE, RAISES = 2, 4


def _shape(text: str) -> tuple[int, ...]:
    try:
        return sizes(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected sizes separated by commas, such as 3,4, or '' for a number; got {text!r}"
        ) from None


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    main = argparse.ArgumentParser(
        prog="python -m autograd_core", description="Check gradients and draw computation graphs."
    )
    main.add_argument("--version", action="version", version=_VERSION)
    commands = main.add_subparsers(dest="command", required=True)
    commands.add_parser("draw", help="draw the graph of a Tensor, a function or a module")
    check = commands.add_parser(
        "gradcheck", help="compare the gradients of a function with finite differences",
        description="Exit status: 0 pass or warn, 1 fail, 2 usage, 3 inconclusive, "
        "4 the function raises.",
    )  # fmt: skip
    check.add_argument(
        "function", help="package.module:function; function may be a pair (forward, backward)"
    )
    check.add_argument("--shape", type=_shape, action="append", default=[], metavar="3,4",
                       help="shape of an input; give one for each")  # fmt: skip
    check.add_argument("--signature", help="such as '(n,k),(k,m)->(n,m)'; shapes are sampled")
    check.add_argument("--low", type=float, help="the smallest number of the inputs")
    check.add_argument("--high", type=float, help="the largest number of the inputs")
    check.add_argument("--order", type=int, choices=(1, 2), default=2)
    check.add_argument("--seed", type=int, default=0)
    check.add_argument("--quick", action="store_true", help="without variants")
    check.add_argument("--strict", action="store_true", help="faults on made-up samples fail too")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.add_argument("--repro", action="store_true", help="also print a program that repeats it")
    rules = commands.add_parser("rules", help="check every derivative rule of this package")
    rules.add_argument(
        "names", nargs="*", help="check only cases whose name begins with one of these"
    )
    rules.add_argument("--seed", type=int, default=0)
    rules.add_argument("--full", action="store_true", help="with variants")
    return main


def _inputs(options: argparse.Namespace) -> list[Any]:
    if not options.shape and options.signature is None:
        raise UsageError("give --shape for each input, or --signature")
    rng = np.random.default_rng(options.seed)
    return signatures.draw(options.shape or options.signature, rng, options.low, options.high)


def _gradcheck(options: argparse.Namespace) -> int:
    f = load(options.function, "function")
    inputs, forward = _inputs(options), f[0] if isinstance(f, tuple) and f else f
    if callable(forward):
        try:
            forward(*(np.array(x) for x in inputs))
        except Exception as error:
            print(f"{options.function} raises {type(error).__name__}: {error}", file=sys.stderr)
            return RAISES
    try:
        report = gradcheck(
            f, *inputs, order=options.order, signature=options.signature,
            seed=options.seed, variants=not options.quick, strict=options.strict,
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{options.function} cannot be checked with these inputs: {error}"
        ) from error
    print(report.to_json() if options.json else report)
    if options.repro and not options.json:
        print(f"\n{report.repro}")
    return STATUS[report.verdict]


def _rules(options: argparse.Namespace) -> int:
    reports = check_rules(*options.names, seed=options.seed, variants=options.full)
    wrong = {name: r for name, r in reports.items() if not r.ok}
    for name, report in wrong.items():
        print(f"{name}: {report}")
    print(f"{len(reports)} cases, {len(reports) - len(wrong)} right")
    verdicts = {r.verdict for r in reports.values()}
    return next(status for verdict, status in STATUS.items() if verdict in verdicts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    options = parser().parse_args(arguments)
    try:
        return {"gradcheck": _gradcheck, "rules": _rules}[options.command](options)
    except UsageError as error:
        print(f"python -m autograd_core: {error}", file=sys.stderr)
        return USAGE
