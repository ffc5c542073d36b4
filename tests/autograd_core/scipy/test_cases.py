"""Every function of ``ag.scipy`` by its cases: differences, dtypes, vmap, compile, jvp, hessian."""

from __future__ import annotations

import re
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.batching import looping
from autograd_core.errors import NeedsNumbersError
from autograd_core.transforms.trees import Tree
from tests.autograd_core.batching.test_rules import assert_same, cotangent, number, plain
from tests.autograd_core.program.test_rules import weighted
from tests.autograd_core.rules import test_rules as rules
from tests.autograd_core.scipy.peers import same
from tests.sampling import sampled

pytest.importorskip("scipy", reason="SciPy is not installed")
from autograd_core.rules.cases.scipy import CASES, DISCRETE

pytestmark = pytest.mark.filterwarnings("ignore:ag.vmap")


def some(step):
    """Every ``step``-th case in a plain run, the others in an exhaustive one."""
    return pytest.mark.parametrize("case", sampled(CASES, step), ids=[c.id for c in CASES])


def public_names():
    """Yield the name of every function of ``ag.scipy``."""
    for module in ("integrate", "interpolate", "linalg", "ndimage", "optimize", "signal", "sparse"):
        for name in getattr(ag.scipy, module).__all__:
            if callable(getattr(getattr(ag.scipy, module), name)):
                yield f"scipy.{module}.{name}"
    for name in ag.scipy.stats.__all__:
        for method in dir(getattr(ag.scipy.stats, name)):
            steps = name in DISCRETE and method in ("ppf", "isf")
            if not method.startswith("_") and not steps:
                yield f"scipy.stats.{name}.{method}"
    yield from (f"scipy.special.{f}" for f in ("polygamma", "logsumexp", "softmax", "log_softmax"))


def test_every_function_has_a_case():
    with_case = {c.id.split()[0] for c in CASES}
    assert {*public_names()} <= with_case
    assert all(ag.check_rules("scipy.linalg.expm", "scipy.stats.t.pdf").values())


# -- as every rule --------------------------------------------------------------------------------

#: What is exact to a solver's tolerance.
SOLVERS = ("scipy.integrate.odeint", "scipy.integrate.solve_ivp", "scipy.optimize")


@some(9)
def test_differences(case):
    loose = {"rtol": 1e-5} if case.id.startswith(SOLVERS) else {}
    report = ag.gradcheck(
        case.f, *case.args, order=case.order, variants=False, max_elems=4, **loose
    )
    assert report.verdict == "pass", str(report)


#: Solvers and factorizations that SciPy computes in double precision, or that are exact to more than
#: single precision has; and jumps, that a rounding moves.
DOUBLE = (*SOLVERS, "scipy.integrate.quad", "scipy.sparse", "scipy.linalg.lu matrices")


@some(5)
@pytest.mark.filterwarnings("ignore")
def test_single_precision_and_memory(case, monkeypatch):
    if not case.id.startswith(DOUBLE):
        rules.test_float32_gives_float32(scalar(case))
    if not case.id.startswith(SOLVERS):
        rules.test_memory_layouts_change_nothing(scalar(case))
        rules.test_rules_read_no_value_that_they_renounce(scalar(case), monkeypatch)


def scalar(case):
    """A case with one array, of all parts of the result."""

    def f(*args):
        out = case.f(*args)
        parts = out if isinstance(out, tuple) else (out,)
        flat = [p.reshape(-1) for p in map(ag.array, parts)]
        return np.concatenate(
            [x for p in flat for x in ((p.real, p.imag) if p.dtype.kind == "c" else (p,))]
        )

    return type(case)(case.id, f, case.args)


# -- vmap -----------------------------------------------------------------------------------------

README = Path(ag.scipy.__file__).with_name("README.md").read_text(encoding="utf-8")

#: What the README says of vmap and of compile, by the name of the function.
TABLE = {
    f"scipy.{n}": row
    for n, *row in re.findall(r"^\| `(\w+\.\w+)` \| (.*) \| ?(.*) \|$", README, re.M)
}
LOOPED = tuple(TABLE)
REFUSED = tuple(name for name, (_, refused) in TABLE.items() if refused.strip())


def test_the_readme_tells_what_loops():
    for name in TABLE:
        looping.looped.clear()
        for case in CASES:
            if case.id.split()[0] == name:
                rows = samples_of(case)
                ag.vmap(case.f)(*(np.stack(c) for c in zip(*rows, strict=True)))
        assert looping.looped, name


def samples_of(case, count=2):
    """Return samples of the arguments, all of which have gradients."""
    return [[number(a) for a in case.sample(i)] for i in range(count)]


def pulled_of(case):
    """Return the function that gives the cotangents of all arguments, as a tuple."""

    def pulled(*xs):
        value, pull = ag.vjp(case.f, *xs)
        back = pull(cotangent(value))
        return back if isinstance(back, tuple) else (back,)

    return pulled


@some(7)
def test_vmap_equals_the_loop(case):
    """Batched in each argument and in all; around gradients, and inside of them."""
    rows, pulled = samples_of(case), pulled_of(case)
    n = len(case.args)
    looping.looped.clear()
    for axes in {(0,) * n, *(tuple(0 if i == j else None for i in range(n)) for j in range(n))}:
        given = [[rows[0 if a is None else i][j] for j, a in enumerate(axes)] for i in range(2)]
        args = [x if a is None else np.stack([x, y]) for a, x, y in zip(axes, *given, strict=True)]
        slopes = [pulled(*r) for r in given]
        assert_same(ag.vmap(case.f, axes)(*args), [case.f(*r) for r in given], case)
        assert_same(ag.vmap(pulled, axes)(*args), slopes, case)
        value, pull = ag.vjp(ag.vmap(case.f, axes), *args)
        back = pull(cotangent(value, 2))
        for a, found, parts in zip(
            axes, back if n > 1 else (back,), zip(*slopes, strict=True), strict=True
        ):
            assert_same([found], [[p] for p in parts], case) if a == 0 else same(
                found, sum(parts), 1e-11, 1e-11
            )
    assert not looping.looped or case.id.startswith(LOOPED), looping.looped


@some(7)
def test_vmap_in_vmap(case):
    """The first argument has the inner batch, the last one the outer batch; one has both."""
    f = lambda *xs: (case.f(*xs), pulled_of(case)(*xs))
    rows, last = samples_of(case, 4), len(case.args) - 1
    if last:
        inner = (0, *(None,) * last)
        both = ag.vmap(ag.vmap(f, inner), inner[::-1])
        args = [
            np.stack(c[:2]) if i in (0, last) else c[0]
            for i, c in enumerate(zip(*rows, strict=True))
        ]
        pairs = [[rows[i][0], *rows[0][1:-1], rows[j][-1]] for j in range(2) for i in range(2)]
    else:
        both, pairs = ag.vmap(ag.vmap(f)), rows
        args = [np.stack([r[0] for r in rows]).reshape(2, 2, *np.shape(rows[0][0]))]
    assert_same(
        [a.reshape(-1, *a.shape[2:]) for a in Tree(both(*args)).leaves],
        [f(*p) for p in pairs],
        case,
    )


# -- compile, jvp, hessian ------------------------------------------------------------------------


def derivatives(case):
    """Return the value, the gradient, and of every eighth case the derivative of that."""
    at = tuple(range(len(case.args)))
    total = lambda *xs: weighted(case.f(*xs), np.cos)
    slope = ag.grad(total, at)
    along = lambda *xs: ag.jvp(
        lambda *y: weighted(slope(*y), np.sin), xs, [x * 0.5 + 1 for x in xs]
    )[1]
    return [
        case.f,
        slope,
        *([along] if case.order == 2 and crc32(case.id.encode()) % 8 == 0 else []),
    ]


@some(7)
def test_compiled(case):
    args = samples_of(case, 1)[0]
    other = [a * a.dtype.type(1.0009765625) for a in args]
    for f in derivatives(case):
        compiled = ag.compile(f)
        try:
            for xs in (args, other):
                same(plain(compiled(*xs)), plain(f(*xs)), 1e-11, 1e-12)
        except NeedsNumbersError:
            assert case.id.startswith(REFUSED)
        else:
            assert compiled.traces == 1


@some(7)
def test_forward_and_hessian(case):
    """The derivative along a direction and the product with the Hessian are those of backward."""
    args = samples_of(case, 1)[0]
    way = [np.cos(np.arange(np.size(a))).reshape(np.shape(a)).astype(a.dtype) for a in args]
    total = lambda *xs: weighted(case.f(*xs), np.cos)
    dot = lambda a, b: sum(np.sum(np.conj(x) * y).real for x, y in zip(a, b, strict=True))
    slope = ag.grad(total, tuple(range(len(args))))
    same(ag.jvp(total, tuple(args), tuple(way))[1], dot(slope(*args), way), 1e-8, 1e-9)
    if case.order == 2 and not any(a.dtype.kind == "c" for a in args):
        x, of = args[0], lambda x: total(x, *args[1:])
        product = (ag.hessian(of)(x).reshape(np.size(x), -1) @ way[0].reshape(-1)).reshape(
            np.shape(x)
        )
        same(product, ag.jvp(ag.grad(of), (x,), (way[0],))[1], 1e-7, 1e-7)
