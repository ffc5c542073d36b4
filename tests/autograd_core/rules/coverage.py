"""Write COVERAGE.md: ``python -m tests.autograd_core.rules.coverage``.

Every function in the registry gets a row.  To find the cases that exercise it, each case runs once
with NumPy's dispatch observed.  ``--check`` compares the file instead, and fails if it is stale.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.engine.graph import reachable
from autograd_core.engine.primitive import NON_DIFFERENTIABLE, compositions, table
from autograd_core.engine.recording import name_of
from autograd_core.rules import special
from autograd_core.rules.cases import CASES, Case
from tests.autograd_core.batching.test_rules import LOOPS, check
from tests.autograd_core.rules.portable import bare, gradients_of
from tests.autograd_core.rules.strict import StrictArray

TARGET = Path(ag.rules.__file__).with_name("COVERAGE.md")
#: How the project's README tells the number of functions; written here too.
IN_README = r"\[(\d+) of NumPy"
PEERS = Path(__file__).with_name("peers.txt")
REFUSED_BY_DESIGN = {
    "np.asarray": "a recorded Tensor given to asarray raises; with like= it records",
    "np.array": "a recorded Tensor given to array raises; with like= it records",
}


@contextmanager
def watched() -> Iterator[set[Any]]:
    """Collect the functions that reach a Tensor by NumPy's protocols, except from inside another."""
    seen: set[Any] = set()
    depth = 0
    kind = ag.Tensor
    by_ufunc, by_function = kind.__array_ufunc__, kind.__array_function__

    def inside(fun: Any, call: Callable[[], Any]) -> Any:
        nonlocal depth
        if not depth:
            seen.add(fun)
        depth += 1
        try:
            return call()
        finally:
            depth -= 1

    def array_ufunc(self: Any, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return inside(ufunc if method == "__call__" else (ufunc, method),
                      lambda: by_ufunc(self, ufunc, method, *args, **kwargs))  # fmt: skip

    def array_function(self: Any, fun: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return inside(fun, lambda: by_function(self, fun, types, args, kwargs))

    kind.__array_ufunc__, kind.__array_function__ = array_ufunc, array_function  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        kind.__array_ufunc__, kind.__array_function__ = by_ufunc, by_function  # type: ignore[method-assign]


def exercised(case: Case) -> set[Any]:
    """Return the functions that a case calls: by dispatch, or as operators and methods (in the graph)."""
    args = [
        ag.tensor(a, requires_grad=True) if np.asarray(a).dtype.kind in "fc" else a
        for a in case.args
    ]
    with watched() as seen:
        y = case.f(*args)
    by_primitive = {entry: fun for fun, entry in table.items()}
    for node in reachable([y._node]) if not seen else ():
        if node.primitive in by_primitive:
            seen.add(by_primitive[node.primitive])
    return seen


def passes(case: Case, kind: Callable[[Any], Any]) -> bool:
    """Return whether both orders run on a type of array."""
    try:
        gradients_of(case, kind)
    except Exception:
        return False
    return True


def float32(case: Case) -> bool:
    """Return whether float32 arrays get float32 gradients."""
    single = {"f": np.float32, "c": np.complex64}
    kinds = [single.get(np.asarray(a).dtype.kind) for a in case.args]
    args = [a if k is None else np.asarray(a, k) for a, k in zip(case.args, kinds, strict=True)]
    argnums = [i for i, k in enumerate(kinds) if k is not None]
    value, pull = ag.vjp(
        lambda *xs: case.f(*_placed(args, argnums, xs)), *(args[i] for i in argnums)
    )
    back = pull(np.ones_like(value))
    back = back if isinstance(back, tuple) else (back,)
    return all(np.asarray(g).dtype == args[i].dtype for g, i in zip(back, argnums, strict=True))


def _placed(args: list[Any], argnums: list[int], values: Any) -> list[Any]:
    args = list(args)
    for i, v in zip(argnums, values, strict=True):
        args[i] = v
    return args


def offers(case: Case, kind: Callable[[Any], Any]) -> bool:
    """Return whether an array type makes the call itself."""
    try:
        value = bare(case, kind)
    except Exception:
        return False
    value = value.data if isinstance(value, ag.Tensor) else value
    return type(value) is type(kind(np.ones(1)))


def peers() -> dict[Any, list[str]]:
    """Return the flags of HIPS autograd, MyGrad and the Array API for each function."""
    found = {}
    for line in PEERS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, *flags = line.split()
        fun: Any = np
        for part in name.split("."):
            fun = getattr(fun, part, None)
        if fun is None:  # the NumPy that runs this is older
            continue
        old = found.get(fun, ["."] * 3)
        found[fun] = ["x" if "x" in pair else "." for pair in zip(old, flags, strict=True)]
    return found


def family(fun: Any) -> str:
    """Return the name of the file with a function's rule."""
    if fun in compositions:
        code: Any = compositions[fun]
    else:
        entry: Any = table[fun]
        vjps, vjp_all = entry.rules.vjps, entry.rules.vjp_all
        rules = [vjps.rule] if entry.rules.takes_list else [*(vjps or ()), vjp_all]
        code = next(r for r in rules if r)
    return Path(code.__code__.co_filename).stem


def registry() -> list[Any]:
    """Return every function that has a rule or is composed of functions with rules."""
    with_rules = [f for f, p in table.items() if p.rules is not None]
    functions = {*with_rules, *compositions}
    return [f for f in functions if _is_public(f)]


def _is_public(fun: Any) -> bool:
    module = getattr(fun, "__module__", None) or ""
    return (
        isinstance(fun, np.ufunc)
        or module.startswith("numpy")
        or getattr(fun, "__self__", None) is not None
    )


def shown_name(fun: Any) -> str:
    if isinstance(fun, np.ufunc):
        return f"scipy.special.{fun.__name__}" if fun.__name__ in special.RULES and getattr(np, fun.__name__, None) is not fun else f"np.{fun.__name__}"  # fmt: skip
    owner = getattr(fun, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{fun.__name__}"
    return name_of(fun).replace("np.lib._stride_tricks_impl", "np.lib.stride_tricks")


def write() -> str:
    """Return the text of the file."""
    import dask
    import scipy

    from tests.autograd_core.rules import lazy

    by_function: dict[Any, list[Case]] = defaultdict(list)
    facts: dict[str, dict[str, bool]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", FutureWarning)
        for case in CASES:
            for fun in exercised(case):
                by_function[fun].append(case)
            with lazy.uncomputed():
                on_dask = offers(case, lazy.whole) and passes(case, lazy.whole)
            facts[case.id] = {
                "both orders": passes(case, np.asarray),
                "complex": any(np.asarray(a).dtype.kind == "c" for a in case.args),
                "float32": float32(case),
                "strict": offers(case, StrictArray) and passes(case, StrictArray),
                "dask": on_dask,
                "vmap": not check(case),
            }
    total = {word: sum(f[word] for f in facts.values()) for word in ("strict", "dask")}
    flags = peers()
    families: dict[str, list[str]] = defaultdict(list)
    without: list[str] = []
    for fun in sorted(registry(), key=shown_name):
        cases = by_function.get(fun, [])
        owner = getattr(fun, "__self__", None)
        if isinstance(owner, np.ufunc):
            cases = by_function.get((owner, fun.__name__), [])
        note = REFUSED_BY_DESIGN.get(shown_name(fun))
        if not cases and note is None:
            without.append(shown_name(fun))

        def share(word: str, none: str = "-", cases: list[Case] = cases) -> str:
            n = sum(facts[c.id][word] for c in cases)
            return f"{n} of {len(cases)}" if 0 < n < len(cases) else "yes" if n else none

        dtypes = "real" if share("complex") == "-" else "real, complex"
        orders = "1, 2" if cases and all(facts[c.id]["both orders"] for c in cases) else "-"
        row = [shown_name(fun), str(len(cases)), orders, dtypes, share("float32"), share("strict"),
               share("dask"), share("vmap", "loop" if cases else "-"), *(("yes" if f == "x" else "-") for f in flags.get(fun, ["."] * 3))]  # fmt: skip
        families[family(fun)].append("| " + " | ".join(row) + " |")
    if without:
        raise SystemExit(f"rules without a case: {', '.join(without)}")
    constant = sorted({f"`{shown_name(f)}`" for f in NON_DIFFERENTIABLE if f in flags})
    covered = {*registry(), *NON_DIFFERENTIABLE}
    missing = sorted(shown_name(f) for f in flags if f not in covered)
    versions = f"NumPy {_minor(np)}, SciPy {_minor(scipy)}, Dask {_minor(dask)}"
    lines = [
        "# What is covered",
        "",
        "Generated by `python -m tests.autograd_core.rules.coverage` from the registry and the cases in",
        f"`autograd_core/rules/cases/`, with {versions}; do not edit.",
        "",
        "* *cases*: calls that exercise the function (keywords, axes, shapes). Each is compared with",
        "  finite differences at first and second order, and run on Fortran-ordered, reversed, strided,",
        "  read-only and zero-stride inputs.",
        "* *float32*: float32 in, float32 gradients. *strict*: both orders on an array that refuses what",
        "  CuPy 14 refuses. *Dask*: both orders, without computing anything. `3 of 5`: three of five cases;",
        "  `-`: none. With few exceptions, a case is missing there because the library does not have the",
        "  function; the exceptions, with reasons, are in `test_strict.py` and `test_dask.py`, which also",
        "  compare the values.",
        "* *vmap*: the function, its gradient and `vmap` of both run on the whole batch at once; `loop`:",
        "  they run once for each example, which is right and slower (the reasons are below).",
        "* the last three columns: whether HIPS autograd or MyGrad differentiate it, and whether the Array",
        "  API standard 2025.12 has it.",
        "",
        f"{len(CASES)} cases, of which {total['strict']} run on the strict array and {total['dask']} on Dask.",
        f"{len(registry())} functions have a rule or are composed of functions that have one;",
        f"{len(flags)} of NumPy's callables are listed by HIPS autograd, MyGrad, the Array API standard or",
        f"as extras of NumPy: {len(flags) - len(missing)} are covered here, missing: "
        f"{', '.join(missing) or 'none'}.",
        "",
        "Piecewise constant, so their results are unrecorded: " + ", ".join(constant) + ".",
        "",
        *(f"{name}: {note}." for name, note in sorted(REFUSED_BY_DESIGN.items())),
        "",
        "Run example by example under vmap, alone or in the functions that call them:",
        "",
        *(
            f"* {reason}: {', '.join(f'`{name}`' for name in names.split())}"
            for reason, names in LOOPS.items()
        ),
    ]
    head = [
        "function",
        "cases",
        "orders",
        "dtypes",
        "float32",
        "strict",
        "Dask",
        "vmap",
        "HIPS",
        "MyGrad",
        "Array API",
    ]
    for name in sorted(families):
        lines += [
            "",
            f"## {name}.py",
            "",
            "| " + " | ".join(head) + " |",
            "|" + "---|" * len(head),
            *families[name],
        ]
    return "\n".join(lines) + "\n"


def _minor(module: Any) -> str:
    return ".".join(module.__version__.split(".")[:2])


def main() -> int:
    text = write()
    if "--check" in sys.argv:
        stale = TARGET.read_text(encoding="utf-8") != text
        print(
            "COVERAGE.md is stale: run python -m tests.autograd_core.rules.coverage"
            if stale
            else "current"
        )
        return int(stale)
    TARGET.write_text(text, encoding="utf-8")
    (functions,) = re.findall(r"^(\d+) functions have a rule", text, re.MULTILINE)
    readme = TARGET.parents[2] / "README.md"
    told = re.sub(IN_README, f"[{functions} of NumPy", readme.read_text(encoding="utf-8"))
    readme.write_text(told, encoding="utf-8")
    print(f"{TARGET.name}: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
