"""``gradcheck``, ``assert_gradients`` and ``gradchecked``: check gradients against differences.

One check goes from the sample to its report: gradients of first order, properties, gradients of
second order, then variants of the sample and samples of a signature.
"""

from __future__ import annotations

import functools
import math
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from autograd_core.checking.diagnosis import diagnose, step_errors
from autograd_core.checking.properties import differ, dtypes, precision, properties, repeats
from autograd_core.checking.report import Finding, Report, program
from autograd_core.checking.samples import signatures, variants
from autograd_core.checking.target import (
    InDtype,
    Meant,
    OnDomain,
    Pull,
    Target,
    Wrapper,
    is_tree,
    make_target,
    name_of,
    names_of,
    of_leaves,
)
from autograd_core.checking.verdict import (
    BadGradient,
    Comparison,
    Tolerance,
    call_back,
    compare,
    singular,
)
from autograd_core.engine.admission import admit
from autograd_core.engine.recording import unwrap
from autograd_core.errors import GradcheckError
from autograd_core.transforms.trees import Tree

Array = np.ndarray[Any, Any]

#: Seconds for the variants, where ``budget_s`` is not given.
BUDGET_S = 10.0
SIGNATURE_SAMPLES = 8
VARIANT_ELEMS = 32


#: A mismatch of this size, relative to the gradient, may be the tolerance of a solver.
SOLVER = 1e-4

#: Seconds after which a terminal is told that a check is running.
QUIET_S = 2.0


class OutOfTime(BaseException):
    """The time budget was spent; no handler of exceptions of the user's function stops it."""


class Timed(Wrapper):
    """A target that raises :class:`OutOfTime` beyond the limit of a check, and reports progress."""

    def __init__(self, inner: Target, check: Check) -> None:
        super().__init__(inner)
        self.check, self.max_order = check, inner.max_order

    def derivative(self, count: int) -> Target:
        return Timed(self.inner.derivative(count), self.check)

    def _tick(self) -> None:
        now = time.monotonic()
        if now >= self.check.limit:
            raise OutOfTime
        self.check.progress(now)

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        self._tick()
        return self.inner.forward(xs)

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        self._tick()
        return self.inner.pullback(xs)


@dataclass(frozen=True)
class Options:
    """The options of :func:`gradcheck`."""

    order: int = 2
    wrt: Sequence[int] | None = None
    variants: bool = True
    signature: str | None = None
    seed: int = 0
    max_elems: int = 256
    budget_s: float | None = None
    rtol: float = 1e-7
    atol: float | None = None
    strict: bool = False
    domain: Any = None
    deliberate: Any = None
    dtype: Any = None
    nondet_tol: float = 0.0


def gradcheck(
    f: Any,
    *inputs: Any,
    order: int = 2,
    wrt: Sequence[int] | None = None,
    variants: bool = True,
    signature: str | None = None,
    seed: int = 0,
    max_elems: int = 256,
    budget_s: float | None = None,
    rtol: float = 1e-7,
    atol: float | None = None,
    strict: bool = False,
    domain: Any = None,
    deliberate: Callable[..., Any] | bool | None = None,
    dtype: Any = None,
    nondet_tol: float = 0.0,
) -> Report:
    """Check gradients against finite differences, and the properties of every right backward.

    Parameters
    ----------
    f
        A function written in NumPy, of arrays; or a pair ``(forward, backward)`` of plain
        functions, with ``backward(g, out, *inputs)``, ``backward(g, *inputs)``,
        ``backward(g, cache)`` or ``backward(g)``; or the result of ``ag.checking.from_torch`` or
        ``from_jax``.  Results may be arrays or trees of arrays.
    *inputs
        One ordinary sample: arrays, numbers, Tensors, or dicts, lists and dataclasses of them.
        Floating-point arrays are taken in float64 (complex ones in complex128) and differentiated
        by; others are passed as they are, and listed in the report.
    order
        1 checks the gradient; 2 also the gradient of the gradient, where there is one (a pair has
        none: its backward is plain NumPy).
    wrt
        The positions of the inputs to differentiate by; by default all floating-point ones.
    variants
        Also try the sample in other layouts, and other dtypes, values and shapes made of it.  False
        is the quick mode.
    signature
        In NumPy's generalised-ufunc syntax, such as ``"(n,k),(k,m)->(n,m)"``: legal shapes and
        ranks are sampled.
    seed
        Seed of everything random; the same seed gives the same check.
    max_elems
        Above this number of elements random directions are taken, and a wrong one is bisected to
        the element.
    budget_s
        Seconds for the whole check, by default none for the sample itself and 10 for the variants;
        what is left out is listed in ``report.skipped``.
    rtol, atol
        Tolerances beyond eight times the error bound of each slope.
    strict
        Whether a fault on a sample that was made up is an error too.
    domain
        A projection onto the set on which the inputs lie, such as ``ag.checking.simplex``, ``spd``,
        ``orthogonal``, ``positive``, ``probabilities`` or ``increasing``, or a function of your
        own; or a dict of them by the names of the inputs.  Samples and differences stay on it.
    deliberate
        The function whose derivative ``backward`` is meant to be, where that is not ``forward``
        (a straight-through estimator, a surrogate, a reversal); or True, to compare nothing.
    dtype
        The floating-point dtype that a kernel takes, such as ``np.float32``.
    nondet_tol
        The relative difference between two runs that is accepted.

    Returns
    -------
    Report
        True if nothing is wrong on what was given or declared; ``print`` it for the findings.

    Raises
    ------
    TypeError
        If there is nothing to differentiate by, or ``f`` is not callable.

    Notes
    -----
    There are four verdicts.  A fault on the sample (in any layout, with any cotangent, called
    again), or on one of ``signature``, is an error: ``fail``.  A fault on samples that were made up
    is a warning, ``warn``: the operation may not be meant to take them.  Where differences are too
    inexact to decide, the verdict is ``inconclusive``, not ``pass``.  At a kink any slope between
    those on its sides is accepted; points that were not visited may still be wrong.  A random
    function needs a fixed key.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.gradcheck(lambda x, w: np.tanh(x @ w), np.ones((2, 3)), np.ones((3, 2))).verdict
    'pass'
    >>> softplus = lambda x: np.logaddexp(0, x)
    >>> backward = lambda g, out, x: g / (1 + np.exp(x))
    >>> report = ag.gradcheck((softplus, backward), np.array([0.5, 2.0]))
    >>> report.verdict, report.findings[0].kind
    ('fail', 'value')
    """
    if order not in (1, 2):
        raise ValueError(f"order is 1 or 2, got {order!r}")
    wrt = None if wrt is None else [int(i) for i in wrt]
    options = Options(
        order, wrt, variants, signature, seed, max_elems, budget_s, rtol, atol, strict, domain,
        deliberate, dtype, nondet_tol,
    )  # fmt: skip
    check = Check(f, inputs, options)
    report = check.run()
    rank = {"error": 0, "inconclusive": 1, "warning": 2}
    report.findings.sort(key=lambda found: rank[found.severity])
    changed = {k: v for k, v in asdict(options).items() if v != getattr(Options, k)}
    report.repro = program(f, check.args, {"order": order, "seed": seed} | changed)
    return report


def assert_gradients(f: Callable[..., Any], *inputs: Any, **options: Any) -> Report:
    """Raise ``GradcheckError``, which carries the report, unless every gradient is right.

    The parameters are those of :func:`gradcheck`; the report, which may hold warnings, is returned.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.assert_gradients(np.tanh, np.linspace(-1, 1, 5)).verdict
    'pass'
    """
    report = gradcheck(f, *inputs, **options)
    if not report.ok:
        raise GradcheckError(report)
    return report


def gradchecked(
    *,
    shapes: Sequence[tuple[int, ...]] | None = None,
    signature: str | None = None,
    low: float | None = None,
    high: float | None = None,
    seed: int = 0,
    **options: Any,
) -> Callable[[Callable[..., Any]], Callable[[], None]]:
    """Turn a function into a test that its gradients are right at random samples.

    Parameters
    ----------
    shapes
        The shapes of the inputs; or instead
    signature
        a signature in NumPy's generalised-ufunc syntax, from which shapes and ranks are sampled.
    low, high
        The range of the numbers; by default they have both signs and sizes from 0.2 to 1.8.
    seed, **options
        Options of :func:`gradcheck`.

    Raises
    ------
    TypeError
        Unless exactly one of ``shapes`` and ``signature`` is given.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> @ag.checking.gradchecked(signature="(n,k),(k,m)->(n,m)")
    ... def test_product(a, b):
    ...     return np.tanh(a @ b)
    >>> test_product()      # pytest does this; silent if every gradient is right
    """
    if (shapes is None) == (signature is None):
        raise TypeError("gradchecked takes either shapes= or signature=, one of the two")

    def decorate(f: Callable[..., Any]) -> Callable[[], None]:
        def test() -> None:
            rng = np.random.default_rng(seed)
            inputs = signatures.draw(signature or shapes or (), rng, low, high)
            assert_gradients(f, *inputs, seed=seed, signature=signature, **options)

        test.__name__ = test.__qualname__ = getattr(f, "__name__", "test")
        test.__doc__, test.__module__ = f.__doc__, f.__module__
        return test

    return decorate


class Check:
    """One call of :func:`gradcheck`; collects its report."""

    def __init__(self, f: Any, inputs: Sequence[Any], options: Options) -> None:
        self.f, self.options = f, options
        names, owners = names_of(f, len(inputs)), list(range(len(inputs)))
        leaves = list(inputs)
        if any(map(is_tree, inputs)):
            tree = Tree(list(inputs))
            self.f, leaves = of_leaves(f, tree), tree.leaves
            split = [re.match(r"\[(\d+)\](.*)", path, re.DOTALL) for path in tree.paths()]
            owners = [int(m[1]) for m in split if m]
            names = [names[int(m[1])] + m[2] for m in split if m]
        self.args = [admit(unwrap(a)) for a in leaves]
        kinds = [np.asarray(a).dtype.kind for a in self.args]
        wanted = None if options.wrt is None else {i % len(inputs) for i in options.wrt}
        self.positions = [
            i
            for i, kind in enumerate(kinds)
            if (kind in "fc" if wanted is None else owners[i] in wanted)
        ]
        if not self.positions:
            raise TypeError(
                "gradcheck needs a floating-point input to differentiate by; got "
                f"{', '.join(str(np.asarray(a).dtype) for a in self.args) or 'none'}"
            )
        varied = [np.asarray(self.args[i]) for i in self.positions]
        self.single = all(a.dtype == np.float32 for a in varied)
        if options.dtype is not None:
            varied = [a.astype(options.dtype) for a in varied]
        self.xs = [np.array(a, complex if a.dtype.kind == "c" else float) for a in varied]
        rest = {i: np.asarray(a) for i, a in enumerate(self.args) if i not in self.positions}
        self.fixed = {i: a for i, a in rest.items() if a.ndim and a.dtype.kind in "iub"}
        self.names = [names[i] for i in self.positions]
        self.rng = np.random.default_rng(options.seed)
        self.report = Report(name_of(f), options.order, options.seed)
        self.report.fixed = [f"{names[i]} ({a.dtype})" for i, a in rest.items()]
        self.allowed = Tolerance(options.rtol, options.atol or 0.0)
        self.projections = self._projections()
        budget = BUDGET_S if options.budget_s is None else options.budget_s
        self.deadline = time.monotonic() + budget
        self.limit = math.inf if options.budget_s is None else self.deadline
        self._shown = time.monotonic() + QUIET_S - 1.0

    def _projections(self) -> list[Any]:
        """Return the projection of each varied input, or None; check that the sample is there."""
        given = self.options.domain
        by_name = given if isinstance(given, Mapping) else dict.fromkeys(self.names, given)
        if unknown := by_name.keys() - set(self.names):
            raise ValueError(
                f"domain names {', '.join(map(repr, unknown))}; the inputs to differentiate by are "
                f"{', '.join(self.names)}"
            )
        found = [by_name.get(name) for name in self.names]
        for name, project, x in zip(self.names, found, self.xs, strict=True):
            if project is not None and not np.allclose(project(x), x, rtol=1e-6, atol=1e-9):
                called = getattr(project, "__name__", project)
                raise ValueError(
                    f"the sample of {name} is not on its domain: {called} moves it; give a sample "
                    "that it leaves as it is"
                )
        return found

    def run(self) -> Report:
        """Check the sample itself and, if it is right, other samples; return the report."""
        with np.errstate(all="ignore"):
            try:
                right = self.base()
            except OutOfTime:
                right = False
                self.report.skipped.append("everything: the time budget was spent on the sample")
                message = "the time budget was spent before anything was decided"
                self.add([Finding("inconclusive", 1, None, message=message)])
            self.limit = self.deadline
            with warnings.catch_warnings():  # of samples that are not the user's
                warnings.simplefilter("ignore")
                try:
                    if right and self.options.variants:
                        self.same_values()
                        self.other_points()
                    if right and self.options.signature is not None:
                        self.signature(self.options.signature)
                except OutOfTime:
                    self.report.skipped.append(
                        f"everything after {self.report.variants[-1]}: the time budget was spent"
                    )
        return self.report

    def target(self, args: Sequence[Any] | None = None) -> Target:
        """Return the function of the varied arguments; ``args`` replaces the fixed ones."""
        target = make_target(self.f, self.args if args is None else args, self.positions)
        if self.options.dtype is not None:
            target = InDtype(target, self.options.dtype)
        return Timed(target, self)

    def compared_target(self, args: Sequence[Any] | None = None) -> Target:
        """Return the target that is compared with differences: on its domain, as it is meant."""
        target, meant = self.target(args), self.options.deliberate
        if callable(meant):
            own = make_target(meant, self.args if args is None else args, self.positions)
            target = Meant(target, own)
        return OnDomain(target, self.projections) if any(self.projections) else target

    def add(self, findings: Iterable[Finding], variant: str = "", given: bool = True) -> bool:
        """Add findings, each kind for each input once; return whether one is an error.

        Those on samples that were not ``given`` are warnings, one for each kind, unless the check
        is strict.
        """
        wrong = False
        mild = not (given or self.options.strict)
        for f in findings:
            if variant:
                if f.severity == "inconclusive":
                    continue
                f = replace(f, variant=variant, severity="warning" if mild else f.severity)
            if f.input is not None and f.input < len(self.positions):
                f = replace(f, input=self.positions[f.input], input_name=self.names[f.input])
            elif f.input is not None:
                f = replace(f, input_name="the cotangent")
            wrong |= f.severity == "error"
            same = [
                g
                for g in self.report.findings
                if g.kind == f.kind and (mild or (g.input, g.order) == (f.input, f.order))
            ]
            if same and f.severity == "error" != same[0].severity:
                self.report.findings.remove(same.pop())
            if not same:
                self.report.findings.append(f)
        return wrong

    def progress(self, now: float) -> None:
        """Tell a terminal once a second that the check is running, if it takes long."""
        if now - self._shown < 1.0 or sys.stderr is None or not sys.stderr.isatty():
            return
        self._shown = now
        count = f"{self.report.entries:,} derivatives, {len(self.report.variants)} other samples"
        print(f"\rgradcheck of {self.report.name}: {count} ", end="", file=sys.stderr, flush=True)

    # -- the sample itself ------------------------------------------------------------------------

    def base(self) -> bool:
        """Check order 1, the properties and order 2; return whether nothing is wrong."""
        target = self.target()
        if not target.forward([x.copy() for x in self.xs]):
            message = "the function returns no floating-point array, so there is nothing to check"
            return not self.add([Finding("type", 1, None, message=message)])
        if self.options.deliberate is True:
            message = "nothing was compared: its gradient is not the derivative, on purpose"
            self.add([Finding("deliberate", 1, None, message=message)])
            return False
        found = compare(
            self.compared_target(), self.xs, self.rng, self.allowed,
            max_elems=self.options.max_elems,
        )  # fmt: skip
        self.base_point = found.point
        self.report.entries += found.entries
        self.report.decided += found.decided
        found.findings = [self._of_a_solver(f) for f in found.findings]
        if not found.findings and found.decided < found.slopes / 2:
            message = (
                f"{found.decided} of {found.slopes} derivatives were decided: near the sample the "
                "function has no values, or coarse ones; domain= keeps the differences where it "
                "has, dtype= tells the precision of a kernel"
            )
            found.findings.append(Finding("inconclusive", 1, None, message=message))
        wrong = self.add(found.findings)
        if wrong and found.pull is not None:
            self.report.diagnosis += diagnose(found, self.names)
            worst = next((m for m in found.mismatches if m.kind == "value"), None)
            if worst is not None and found.point.x.size <= self.options.max_elems:
                self.report.steps = step_errors(found.point, worst)
        broken = {"arity", "shape", "type", "raises", "forward"}
        if broken.isdisjoint(f.kind for f in found.findings):
            if self.options.dtype is None:
                wrong |= self.add(dtypes(target, self.xs))
            wrong |= self.add(properties(target, found.point, self.options.nondet_tol))
        plain = not any(self.projections) and self.options.deliberate is None
        if not wrong and plain and self.options.order > 1 and target.max_order > 1:
            wrong = self.second(target, found)
        return not wrong

    def _of_a_solver(self, f: Finding) -> Finding:
        """Return a mismatch in the last digits as a warning: an iteration may stop before them."""
        if f.kind != "value" or f.analytic is None or f.numeric is None:
            return f
        gap, size = abs(f.analytic - f.numeric), max(abs(f.analytic), abs(f.numeric))
        if gap > SOLVER * size:
            return f
        message = (
            f"agrees to {gap / size:.0e}; if an iteration stops at such a tolerance, say "
            f"rtol={10 ** math.ceil(math.log10(2 * gap / size)):.0e}"
        )
        return replace(f, message=message, severity="warning")

    def second(self, target: Target, found: Comparison) -> bool:
        """Check the gradient as a function of inputs and cotangents; return whether it is wrong."""
        vs = found.point.y.split(found.point.cotangents(1)[0])
        for elements in (0, self.options.max_elems):  # a few directions; then each, to be sure
            deeper = compare(
                target.derivative(len(self.xs)), [*self.xs, *vs], self.rng, self.allowed,
                max_elems=elements, cotangents=2, order=2,
            )  # fmt: skip
            if not deeper.findings:
                break
        self.report.entries += deeper.entries
        wrong = self.add(deeper.findings)
        if wrong and deeper.pull is not None:
            names = [*self.names, *("the cotangent" for _ in vs)]
            self.report.diagnosis += [f"second order, {s}" for s in diagnose(deeper, names)]
        return wrong

    # -- variants ---------------------------------------------------------------------------------

    def same_values(self) -> None:
        """Compare gradients with other layouts, read-only arrays and zero-stride cotangents."""
        target = self.target()
        values, _ = target.pullback([x.copy() for x in self.xs])
        u = [self.rng.uniform(0.5, 1.5, np.shape(v)).astype(v.dtype) for v in values]
        constant = [np.broadcast_to(v.dtype.type(0.75), np.shape(v)) for v in values]
        cases = [(v.name, v.xs, u) for v in variants.layouts(self.xs)]
        if len(self.xs) > 1 and len({(x.shape, x.dtype) for x in self.xs}) == 1:
            one = [self.xs[0].copy()] * len(self.xs)
            cases.append(("only with one array for all inputs", one, u))
        cases.append(("only with a zero-stride cotangent", self.xs, constant))
        locked, locked_u = variants.read_only(self.xs), variants.read_only(u)
        cases.append(("only with read-only arrays", locked, locked_u))
        for name, xs, cotangents in cases:
            self.report.variants.append(name)
            plain, plain_u = ([np.array(a, order="C") for a in given] for given in (xs, cotangents))
            try:
                values, pull = target.pullback(plain)
                right = [g.copy() for g in call_back(pull, plain_u, plain)]
                again, pull = target.pullback(xs)
            except Exception as error:
                message = f"forward raised {error}"
                self.add([Finding("layout", 1, None, message=message, severity="warning")], name)
                continue
            try:
                g = call_back(pull, cotangents, xs)
            except BadGradient as bad:
                kind = "mutates" if "read-only" in bad.message else "layout"
                self.add([Finding(kind, 1, bad.input, message=bad.message)], name)
                continue
            where = differ(g, right)
            if where is not None and differ([np.asarray(a) for a in again], values, 1e-12) is None:
                self.add([Finding("layout", 1, where)], name)

    def other_points(self) -> None:
        """Check float32, and compare other values, shapes and indices with slopes there."""
        for name, factor in (
            ("only with float32 inputs", 1.0),
            ("only with large float32 inputs", 40.0),
        ):
            self.report.variants.append(name)
            if self.options.dtype is not None:
                break
            found = precision(self.target(), [x * factor for x in self.xs], self.rng)
            given = factor == 1.0 and self.single
            if not given and self.fixed:  # integers of 64 bits make float64 of float32
                found = (f for f in found if f.kind != "dtype")
            self.add(found, name, given)
        for v in (*variants.values(self.xs), *variants.shapes(self.xs, self.fixed)):
            args = [v.fixed.get(i, a) for i, a in enumerate(self.args)]
            self.elsewhere(v.name, v.xs, args, v.meant)
        for name, args in variants.integers(self.args, self.xs):
            self.elsewhere(name, self.xs, args, given=self.means_the_same(args))

    def is_meant(self, meant: str, xs: list[Array], values: list[Array]) -> bool:
        """Return whether a function that accepts a variant is likely to be meant to.

        An operation that works element by element broadcasts; another one takes more or fewer
        axes where its value shows that they are a batch.
        """
        if not meant or self.is_elementwise:
            return True
        sample = self.base_point.y.split(self.base_point.center)
        if meant == "number":
            return not self.fixed and all(v.ndim == 0 for v in (*values, *sample))
        if meant == "part":
            expected = [v[0] for v in sample if v.ndim and len(v)]
        elif meant == "stack":
            changed = [x.ndim > own.ndim for x, own in zip(xs, self.xs, strict=True)]
            halves = [
                [x[k] if more else x for x, more in zip(xs, changed, strict=True)] for k in (0, 1)
            ]
            try:
                both = [self.target().forward([np.array(x) for x in half]) for half in halves]
            except Exception:
                return False
            expected = [np.stack(pair) for pair in zip(*both, strict=True)]
        else:
            return False
        return len(expected) == len(values) and all(
            e.shape == v.shape and np.allclose(e, v, rtol=1e-9, atol=1e-12, equal_nan=True)
            for e, v in zip(expected, values, strict=True)
        )

    @functools.cached_property
    def is_elementwise(self) -> bool:
        """Whether each output depends on the corresponding (broadcast) inputs alone."""
        target = self.target()
        try:
            whole = np.broadcast_shapes(*(x.shape for x in self.xs))
            values = target.forward([x.copy() for x in self.xs])
            if any(v.shape != whole for v in values):
                return False
            for i, x in enumerate(self.xs):
                for k in self.rng.permutation(x.size)[:3].tolist():
                    moved = [a.copy() for a in self.xs]
                    moved[i].reshape(-1)[k] *= 1.01
                    own = np.broadcast_to(np.arange(x.size).reshape(x.shape) == k, whole)
                    found = target.forward(moved)
                    if any((v != w)[~own].any() for v, w in zip(found, values, strict=True)):
                        return False
        except Exception:
            return False
        return True

    def means_the_same(self, args: list[Any]) -> bool:
        """Return whether other indices give the sample's values, as -1 does for the last axis."""
        try:
            values = self.target(args).forward([x.copy() for x in self.xs])
        except Exception:
            return False
        center = self.base_point.y.split(self.base_point.center)
        return len(values) == len(center) and all(map(np.array_equal, values, center))

    def elsewhere(
        self,
        name: str,
        xs: list[Array],
        args: list[Any] | None = None,
        meant: str = "",
        given: bool = False,
    ) -> None:
        """Compare at other inputs; do nothing if the function does not accept them."""
        if time.monotonic() >= self.deadline:
            if not self.report.skipped:
                message = f"everything after {name}: the time budget was spent"
                self.report.skipped.append(message)
            return
        target = self.compared_target(args)
        try:
            values = target.forward([x.copy() for x in xs])
        except Exception:
            return
        if not all(np.isfinite(v).all() for v in values) or not self.is_meant(meant, xs, values):
            return
        self.report.variants.append(name)
        try:
            found = self.compared(target, xs)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            self.add([Finding("raises", 1, None, message=message)], name, given)
            return
        if singular(found):
            return
        self.report.entries += found.entries
        findings = found.findings or list(repeats(target, found.point, self.options.nondet_tol))
        alone = meant in ("part", "stack") and sum(map(np.ndim, xs)) != sum(map(np.ndim, self.xs))
        if alone and len(self.xs) > 1 and not given:  # it is loud where one input has other axes
            findings = [f for f in findings if f.kind != "raises"]
        if not all(x.size for x in xs):  # NumPy's irfft of no numbers is uninitialised memory
            findings = [f for f in findings if f.kind != "forward"]
        if self.add(findings, name, given) and found.pull is not None:
            new = (s for s in diagnose(found, self.names) if s not in self.report.diagnosis)
            self.report.diagnosis += new

    def compared(self, target: Target, xs: list[Array]) -> Comparison:
        """Compare at another point, with the noise level that was found at the sample."""
        while True:
            found = compare(
                target, xs, self.rng, replace(self.allowed, beyond_range=1.0),
                max_elems=VARIANT_ELEMS, cotangents=1, noise_level=self.base_point.noise_level,
            )  # fmt: skip
            if not found.mismatches or not self.base_point.estimate_noise():
                return found

    def signature(self, text: str) -> None:
        """Check legal shapes and ranks of a signature, with numbers like the sample's."""
        inputs = len(signatures.parse(text))
        if inputs != len(self.args):
            raise ValueError(
                f"the signature {text!r} has {inputs} inputs, the sample {len(self.args)}; give "
                "one group of axes for each input"
            )
        like = [np.asarray(a) for a in self.args]
        for shapes in signatures.sample_shapes(text, self.rng, SIGNATURE_SAMPLES):
            args: list[Any] = signatures.fill(shapes, like, self.rng)
            shown = ", ".join(map(str, shapes))
            xs = [np.array(args[i], x.dtype) for i, x in zip(self.positions, self.xs, strict=True)]
            self.elsewhere(f"with shapes {shown}", xs, args, given=True)
