"""Latent mutants: rules whose change shows at other legal shapes alone, not at an ordinary sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.checking.samples import signatures
from autograd_core.engine.primitive import table
from tests.gradcheck_quality.mutants import Mutant, cases_of, differ, mutants, pulled

#: Functions of arrays, with the shapes that are legal; ufuncs tell theirs themselves.
SIGNATURES: dict[Callable[..., Any], str] = {
    np.sum: "(n)->()", np.prod: "(n)->()", np.mean: "(n)->()", np.max: "(n)->()",
    np.min: "(n)->()", np.var: "(n)->()", np.std: "(n)->()", np.cumsum: "(n)->(n)",
    np.cumprod: "(n)->(n)", np.sort: "(n)->(n)", np.transpose: "(n,m)->(m,n)",
    np.dot: "(n?,k),(k)->()", np.inner: "(n?,k),(m?,k)->(n?,m?)", np.outer: "(n),(m)->(n,m)",
    np.tensordot: "(i,n,m),(n,m,j)->(i,j)", np.kron: "(n?,k),(m?,l)->(n,m)",
    np.convolve: "(n),(m)->(k)", np.correlate: "(n),(m)->(k)", np.trace: "(n,n)->()",
    np.diagonal: "(n,n)->(n)", np.diff: "(n)->(m)", np.cross: "(3),(3)->(3)",
    np.linalg.inv: "(n,n)->(n,n)", np.linalg.det: "(n,n)->()",
    np.linalg.slogdet: "(n,n)->(),()", np.linalg.solve: "(n,n),(n,m)->(n,m)",
    np.linalg.pinv: "(n,m)->(m,n)", np.linalg.norm: "(n,m)->()", np.repeat: "(n)->(m)",
    np.where: "(n),(n),(n)->(n)", np.logaddexp: "(),()->()",
}  # fmt: skip
WITHOUT_BATCH = {
    np.convolve, np.correlate, np.dot, np.inner, np.tensordot, np.linalg.norm, np.kron, np.outer,
}  # fmt: skip


def subjects() -> Iterator[tuple[Any, Callable[..., Any], str, list[Any]]]:
    """A primitive, its function, a signature, and one ordinary sample."""
    by = cases_of()
    for fun, primitive in table.items():
        if isinstance(fun, np.ufunc):
            signature = fun.signature or ",".join(["()"] * fun.nin) + "->()"
            case = by.get(primitive)
            own = case is not None and len(case.args) == fun.nin
            if fun.nout > 1 or (not own and not fun.signature):
                continue
            like = [np.asarray(a) for a in case.args] if own and case else []
            if own and not all(a.dtype.kind == "f" and a.size > 1 for a in like):
                continue
            like = like if own and not fun.signature else _ordinary(signature)
        elif fun in SIGNATURES:
            signature = SIGNATURES[fun]
            like = _ordinary(signature)
        else:
            continue
        yield primitive, fun, signature, like


def _ordinary(signature: str) -> list[Any]:
    return signatures.draw(signature, np.random.default_rng(5))


def latent(
    names: tuple[str, ...] = (),
) -> Iterator[tuple[Mutant, Callable[..., Any], str, list[Any]]]:
    """The mutants that are right at the sample, and wrong at some of two dozen legal shapes.

    Of the primitives of these names, or of all.
    """
    by: dict[Any, list[Mutant]] = {}
    for mutant in mutants():
        by.setdefault(mutant.primitive, []).append(mutant)
    for primitive, fun, signature, like in subjects():
        if names and primitive.name not in names:
            continue
        rng = np.random.default_rng(99)
        if fun not in WITHOUT_BATCH:
            signature = signature.replace("(", "(...,")
        others = [
            signatures.fill(shapes, like, rng)
            for shapes in signatures.sample_shapes(signature, rng, 24)
        ]
        right = [pulled(fun, xs, 1) for xs in (like, *others)]
        for mutant in by.get(primitive, ()):
            with mutant.planted():
                if differ(pulled(fun, like, 1), right[0]) or pulled(fun, like, 1) is None:
                    continue
                shows = any(
                    differ(pulled(fun, xs, 1), g) for xs, g in zip(others, right[1:], strict=True)
                )
            if shows:
                yield mutant, fun, signature, like


def caught(names: tuple[str, ...] = ()) -> tuple[Counter[str], list[str]]:
    """The worst finding for each latent mutant, by the sample with its signature; what is missed."""
    found: Counter[str] = Counter()
    missed = []
    for mutant, fun, signature, like in latent(names):
        with mutant.planted():
            report = ag.gradcheck(fun, *like, signature=signature, order=1)
        worst = {f.severity for f in report.findings}
        how = next((s for s in ("error", "inconclusive", "warning") if s in worst), "missed")
        found[how] += 1
        if how != "error":
            missed.append(f"{mutant.change}: {how}")
    return found, missed
