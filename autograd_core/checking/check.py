"""One check, from the sample to its report: order 1, properties, order 2, variants, signature."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_core.checking.compare import BadGradient, Examination, call_back, examine, singular
from autograd_core.checking.diagnosis import diagnose
from autograd_core.checking.evaluation_point import Point
from autograd_core.checking.properties import differ, properties, repeats
from autograd_core.checking.report import Finding, Report
from autograd_core.checking.repro import step_errors
from autograd_core.checking.samples import signatures, variants
from autograd_core.checking.samples.precision import precision
from autograd_core.checking.target import Subject, name_of, names_of, subject_of
from autograd_core.checking.verdict import Tolerance
from autograd_core.engine.recording import TensorBase, unwrap

Array = np.ndarray[Any, Any]

#: Seconds for the variants, where ``budget_s`` is not given.
BUDGET_S = 10.0
SIGNATURE_SAMPLES = 8
VARIANT_ELEMS = 32


@dataclass(frozen=True)
class Options:
    """What :func:`gradcheck` was given beside the function and the sample."""

    seed: int
    max_elems: int
    budget_s: float | None
    rtol: float
    atol: float | None
    variants: bool


class Check:
    """One call of :func:`gradcheck`; its report grows."""

    def __init__(
        self, f: Any, inputs: Sequence[Any], order: int, wrt: Any, options: Options
    ) -> None:
        self.f, self.options = f, options
        given = [unwrap(a) if isinstance(a, TensorBase) else a for a in inputs]
        self.positions = (
            [i for i, a in enumerate(given) if np.asarray(a).dtype.kind in "fc"]
            if wrt is None
            else [i % len(given) for i in wrt]
        )
        if not self.positions:
            raise TypeError(
                "gradcheck needs a floating-point input to differentiate by; got "
                f"{', '.join(str(np.asarray(a).dtype) for a in given) or 'none'}"
            )
        self.args = given
        self.xs = [
            np.array(given[i], complex if np.asarray(given[i]).dtype.kind == "c" else float)
            for i in self.positions
        ]
        names = names_of(f, len(given))
        self.names = [names[i] for i in self.positions]
        self.rng = np.random.default_rng(options.seed)
        self.base_point: Point | None = None
        self.report = Report(name_of(f), order, options.seed)
        self.allowed = Tolerance(options.rtol, options.atol or 0.0)
        self.deadline = time.monotonic() + (
            BUDGET_S if options.budget_s is None else options.budget_s
        )

    def subject(self) -> Subject:
        """The function of the varied arguments."""
        return subject_of(self.f, self.args, self.positions)

    def add(
        self,
        findings: Iterator[Finding] | list[Finding],
        variant: str = "",
        ranks: bool = False,
        legal: bool = False,
        far: bool = False,
    ) -> bool:
        """Keep findings, each kind for each input once; True if there is an error among them."""
        wrong = False
        for f in findings:
            if variant:
                if f.severity == "inconclusive":
                    continue
                mild = f.kind == "raises" or (ranks and f.kind in ("shape", "arity"))
                mild |= far and (f.kind == "nan" or not np.isfinite(f.analytic or 0.0))
                mild &= not legal
                f = replace(f, variant=variant, severity="warning" if mild else f.severity)
            i = f.input
            if i is not None and i < len(self.positions):
                f = replace(f, input=self.positions[i], input_name=self.names[i])
            elif i is not None:
                f = replace(f, input_name="the cotangent")
            same = [
                g
                for g in self.report.findings
                if (g.kind, g.input, g.order) == (f.kind, f.input, f.order)
            ]
            wrong |= f.severity == "error"
            if same and f.severity == "error" != same[0].severity:
                self.report.findings.remove(same.pop())
            if not same:
                self.report.findings.append(f)
        return wrong

    # -- the sample itself ------------------------------------------------------------------------

    def base(self) -> bool:
        """Order 1, the properties, order 2; True if nothing is wrong."""
        subject, o = self.subject(), self.options
        found = examine(subject, self.xs, self.rng, self.allowed, max_elems=o.max_elems)
        self.base_point = found.point
        self.report.entries += found.entries
        wrong = self.add(found.findings)
        if wrong and found.pull is not None:
            self.explain(found)
        broken = any(
            f.kind in ("arity", "shape", "type", "raises", "forward") for f in found.findings
        )
        if not broken:
            wrong |= self.add(self.dtypes(subject))
            wrong |= self.add(properties(subject, found.point))
        if not wrong and self.report.order > 1 and subject.max_order > 1:
            wrong = self.second(subject, found)
        return not wrong

    def second(self, subject: Subject, found: Examination) -> bool:
        """The gradient as a function of inputs and cotangents."""
        vs = found.point.y.split(found.point.cotangents(1)[0])
        both = [*self.xs, *vs]
        for elements in (0, self.options.max_elems):  # a few directions; then each, to be sure
            deeper = examine(
                subject.derivative(len(self.xs)), both, self.rng, self.allowed,
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

    def explain(self, found: Examination) -> None:
        """The diagnosis, and what a notebook draws."""
        self.report.diagnosis += diagnose(found, self.names)
        worst = next((w for w in found.wrongs if w.kind == "value"), None)
        if worst is not None and found.point.x.size <= self.options.max_elems:
            self.report.steps = step_errors(found.point, worst)

    def dtypes(self, subject: Subject) -> Iterator[Finding]:
        """Gradients have their inputs' dtypes."""
        values, pull = subject.pullback([x.copy() for x in self.xs])
        try:
            gradients = call_back(pull, [np.ones_like(v) for v in values], self.xs)
        except BadGradient:
            return
        for i, (g, x) in enumerate(zip(gradients, self.xs, strict=True)):
            if g.dtype != x.dtype:
                message = f"the gradient is {g.dtype}, the input {x.dtype}"
                yield Finding("dtype", 1, i, message=message)

    # -- variants ---------------------------------------------------------------------------------

    def in_time(self, what: str) -> bool:
        if time.monotonic() < self.deadline:
            return True
        if not self.report.skipped:
            self.report.skipped.append(f"what came after {what}: the budget of time was spent")
        return False

    def same_values(self) -> None:
        """Layouts, read-only arrays, zero-stride cotangents: the gradient stays the same."""
        subject = self.subject()
        values, _ = subject.pullback([x.copy() for x in self.xs])
        u = [self.rng.uniform(0.5, 1.5, np.shape(v)).astype(v.dtype) for v in values]
        constant = [np.broadcast_to(v.dtype.type(0.75), np.shape(v)) for v in values]
        cases: list[tuple[str, list[Array], list[Array]]] = [
            (v.name, v.xs, u) for v in variants.layouts(self.xs)
        ]
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
                values, pull = subject.pullback(plain)
                right = [g.copy() for g in call_back(pull, plain_u, plain)]
                again, pull = subject.pullback(xs)
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
        """float32, and other values, shapes and indices, compared with slopes there."""
        large = [x * 40.0 for x in self.xs]
        for name, xs in (("float32 inputs", self.xs), ("large float32 inputs", large)):
            self.report.variants.append(f"only with {name}")
            found = precision(self.subject(), xs, self.rng)
            self.add(found, f"only with {name}", far=xs is large)
        for v in (*variants.values(self.xs), *variants.shapes(self.xs)):
            self.elsewhere(v.name, v.xs, ranks=v.ranks, far=v.far)
        for name, args in variants.integers(self.args, self.xs):
            self.elsewhere(name, self.xs, args, legal=self.means_the_same(args))

    def means_the_same(self, args: list[Any]) -> bool:
        """Whether other indices give the values of the sample, as -1 does for the last axis."""
        try:
            values = subject_of(self.f, args, self.positions).forward([x.copy() for x in self.xs])
        except Exception:
            return False
        center = self.base_point.y.split(self.base_point.center) if self.base_point else []
        return len(values) == len(center) and all(map(np.array_equal, values, center))

    def elsewhere(
        self,
        name: str,
        xs: list[Array],
        args: list[Any] | None = None,
        ranks: bool = False,
        legal: bool = False,
        far: bool = False,
    ) -> None:
        """One examination of other inputs; nothing, where the function does not take them."""
        if not self.in_time(name):
            return
        subject = self.subject() if args is None else subject_of(self.f, args, self.positions)
        try:
            values = subject.forward([x.copy() for x in xs])
        except Exception:
            return
        if not all(np.isfinite(v).all() for v in values):
            return
        self.report.variants.append(name)
        try:
            found = self.examined(subject, xs)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            self.add([Finding("raises", 1, None, message=message)], name, ranks)
            return
        if singular(found):
            return
        self.report.entries += found.entries
        findings = found.findings or list(repeats(subject, found.point))
        if not all(x.size for x in xs):  # NumPy's irfft of no numbers is uninitialised memory
            findings = [f for f in findings if f.kind != "forward"]
        if self.add(findings, name, ranks, legal, far) and found.pull is not None:
            new = (s for s in diagnose(found, self.names) if s not in self.report.diagnosis)
            self.report.diagnosis += new

    def examined(self, subject: Subject, xs: list[Array]) -> Examination:
        """Another point, with the noise of the values that was found at the sample."""
        while True:
            found = examine(
                subject, xs, self.rng, replace(self.allowed, beyond=1.0),
                max_elems=VARIANT_ELEMS, cotangents=1,
                coarse=self.base_point.coarse if self.base_point else 0.0,
            )  # fmt: skip
            if not found.wrongs or self.base_point is None or not self.base_point.listen():
                return found

    def signature(self, text: str) -> None:
        """Legal shapes and ranks, with numbers like the sample's."""
        if len(signatures.parse(text)) != len(self.args):
            raise ValueError(
                f"the signature {text!r} has {len(signatures.parse(text))} inputs, the sample "
                f"{len(self.args)}"
            )
        like = [np.asarray(a) for a in self.args]
        for shapes in signatures.sample_shapes(text, self.rng, SIGNATURE_SAMPLES):
            args: list[Any] = signatures.fill(shapes, like, self.rng)
            shown = ", ".join(map(str, shapes))
            xs = [np.array(args[i], x.dtype) for i, x in zip(self.positions, self.xs, strict=True)]
            self.elsewhere(f"with shapes {shown}", xs, args, legal=True)
