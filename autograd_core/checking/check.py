"""One check, from the sample to its report.

Gradients of first order, properties, gradients of second order, then variants of the sample and
samples of a signature.
"""

from __future__ import annotations

import functools
import math
import re
import sys
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_core.checking.diagnosis import diagnose, step_errors
from autograd_core.checking.properties import differ, dtypes, precision, properties, repeats
from autograd_core.checking.report import Finding, Report
from autograd_core.checking.samples import signatures, variants
from autograd_core.checking.samples.meaning import is_elementwise, shows_a_batch
from autograd_core.checking.target import Target, make_target, name_of, names_of
from autograd_core.checking.verdict import (
    BadGradient,
    Comparison,
    Tolerance,
    call_back,
    compare,
    singular,
)
from autograd_core.checking.wrappers import (
    InDtype,
    Meant,
    OnDomain,
    OutOfTime,
    Timed,
    is_tree,
    of_leaves,
)
from autograd_core.engine.admission import admit
from autograd_core.engine.array_types import is_host
from autograd_core.engine.recording import is_array, unwrap
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


class Check:
    """One call of :func:`gradcheck`; collects its report."""

    def __init__(self, f: Any, inputs: Sequence[Any], options: Options) -> None:
        self.f, self.options = f, options
        if not (callable(options.deliberate) or options.deliberate in (None, True, False)):
            raise TypeError(
                "deliberate is the function whose derivative backward is meant to be, or True; got "
                f"{options.deliberate!r}"
            )
        names, owners = names_of(f, len(inputs)), list(range(len(inputs)))
        leaves = list(inputs)
        if any(map(is_tree, inputs)):
            tree = Tree(list(inputs))
            self.f, leaves = of_leaves(f, tree), tree.leaves
            split = [re.match(r"\[(\d+)\](.*)", path, re.DOTALL) for path in tree.paths()]
            owners = [int(m[1]) for m in split if m]
            names = [names[int(m[1])] + m[2] for m in split if m]
        self.args = [admit(unwrap(a)) for a in leaves]
        for a in self.args:
            if is_array(a) and not is_host(a):
                raise TypeError(
                    f"gradcheck takes NumPy's arrays, got {type(a).__module__}."
                    f"{type(a).__name__}; give it ag.to_host(a)"
                )
        kinds = [np.asarray(a).dtype.kind for a in self.args]
        if any(not -len(inputs) <= i < len(inputs) for i in options.wrt or ()):
            raise ValueError(f"wrt={options.wrt} names no input; there are {len(inputs)}, from 0")
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
        self.xs = [np.asarray(a, complex if a.dtype.kind == "c" else float) for a in varied]
        rest = {i: np.asarray(a) for i, a in enumerate(self.args) if i not in self.positions}
        self.fixed = {i: a for i, a in rest.items() if a.ndim and a.dtype.kind in "iub"}
        self.names = [names[i] for i in self.positions]
        self.rng = np.random.default_rng(options.seed)
        eps = 0.0 if options.dtype is None else 1e3 * float(np.finfo(options.dtype).eps)
        self.nondet = max(options.nondet_tol, eps)
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
        for project in found:
            if project is not None and not callable(project):
                raise TypeError(
                    "domain is a projection such as ag.checking.simplex, or a dict of them by the "
                    f"names of the inputs; got {project!r}"
                )
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
        return Timed(target, self.tick)

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

    def tick(self) -> None:
        """Raise OutOfTime beyond the limit; tell a terminal once a second, if it takes long."""
        now = time.monotonic()
        if now >= self.limit:
            raise OutOfTime
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
        if not found.findings and found.decided < 0.99 * found.slopes:
            message = (
                f"{found.decided} of {found.slopes} derivatives were decided: near the sample the "
                "function has no values, or coarse ones; domain= keeps the differences where it "
                "has, dtype= tells the precision of a kernel"
            )
            if found.decided > found.slopes / 2:
                self.report.skipped.append(message)
            else:
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
            wrong |= self.add(properties(target, found.point, self.nondet))
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
        cases.append(("only with a zero-stride cotangent", [x.copy() for x in self.xs], constant))
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
        legal = self.options.signature is not None  # its shapes are sampled, and no others
        shapes = () if legal else variants.shapes(self.xs, self.fixed)
        for v in (*variants.values(self.xs), *shapes):
            args = [v.fixed.get(i, a) for i, a in enumerate(self.args)]
            self.elsewhere(v.name, v.xs, args, v.meant)
        for name, args in variants.integers(self.args, self.xs):
            self.elsewhere(name, self.xs, args, given=self.means_the_same(args))

    def is_meant(self, meant: str, xs: list[Array], values: list[Array]) -> bool:
        """Return whether a function that accepts a variant is likely to be meant to.

        One that works element by element broadcasts; another one takes more or fewer axes where
        its values show that they are a batch.
        """
        if not meant or self.is_elementwise:
            return True
        alone = meant != "number" or not self.fixed
        forward, sample = self.target().forward, (self.xs, self.sample_values)
        return alone and shows_a_batch(meant, forward, sample, (xs, values))

    @functools.cached_property
    def sample_values(self) -> list[Array]:
        """The values at the sample."""
        return [np.array(v) for v in self.target().forward([x.copy() for x in self.xs])]

    @functools.cached_property
    def is_elementwise(self) -> bool:
        """Whether each output depends on the corresponding inputs alone."""
        return is_elementwise(self.target().forward, self.xs, self.rng)

    def means_the_same(self, args: list[Any]) -> bool:
        """Return whether other indices give the sample's values, as -1 does for the last axis."""
        try:
            values = self.target(args).forward([x.copy() for x in self.xs])
        except Exception:
            return False
        sample = self.sample_values
        return len(values) == len(sample) and all(map(np.array_equal, values, sample))

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
        findings = found.findings or list(repeats(target, found.point, self.nondet))
        alone = meant in ("part", "stack") and sum(map(np.ndim, xs)) != sum(map(np.ndim, self.xs))
        if alone and len(self.xs) > 1 and not given:  # it is loud where one input has other axes
            findings = [f for f in findings if f.kind != "raises"]
        if not all(x.size for x in xs):  # NumPy's irfft of no numbers is uninitialised memory
            findings = [f for f in findings if f.kind != "forward"]
        moved = "indices" in name  # which say where, not what is wrong
        if self.add(findings, name, given) and found.pull is not None and not moved:
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
        groups = signatures.parse(text)
        if len(groups) != len(self.args):
            raise ValueError(
                f"the signature {text!r} has {len(groups)} inputs, the sample {len(self.args)}; "
                "give one group of axes for each input"
            )
        like = [np.asarray(a) for a in self.args]
        pairs = zip(groups, like, strict=True)
        batched = [a.ndim > signatures.core_axes(g) for g, a in pairs]
        for shapes in signatures.sample_shapes(text, self.rng, SIGNATURE_SAMPLES, batched):
            args: list[Any] = signatures.fill(shapes, like, self.rng)
            shown = ", ".join(map(str, shapes))
            xs = [np.array(args[i], x.dtype) for i, x in zip(self.positions, self.xs, strict=True)]
            self.elsewhere(f"with shapes {shown}", xs, args, given=True)
