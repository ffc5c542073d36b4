"""``gradcheck``, ``assert_gradients`` and ``gradchecked``: check gradients against differences.

One check goes from the sample to its report: gradients of first order, properties, gradients of
second order, then variants of the sample and samples of a signature.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from autograd_core.checking.diagnosis import diagnose, step_errors
from autograd_core.checking.properties import differ, dtypes, precision, properties, repeats
from autograd_core.checking.report import Finding, Report, program
from autograd_core.checking.samples import signatures, variants
from autograd_core.checking.target import Target, make_target, name_of, names_of
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

Array = np.ndarray[Any, Any]

#: Seconds for the variants, where ``budget_s`` is not given.
BUDGET_S = 10.0
SIGNATURE_SAMPLES = 8
VARIANT_ELEMS = 32


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
        One ordinary sample: arrays, numbers or Tensors.  Floating-point inputs are taken in float64
        (complex ones in complex128) and differentiated by; others are passed as they are.
    order
        1 checks the gradient; 2 also the gradient of the gradient, where there is one (a pair has
        none: its backward is plain NumPy).
    wrt
        The positions of the inputs to differentiate by; by default all floating-point ones.
    variants
        Also try other layouts, dtypes, values and shapes made of the sample.  False is the quick
        mode.
    signature
        In NumPy's generalised-ufunc syntax, such as ``"(n,k),(k,m)->(n,m)"``: legal shapes and
        ranks are sampled.
    seed
        Seed of everything random; the same seed gives the same check.
    max_elems
        Above this number of elements random directions are taken, and a wrong one is bisected to
        the element.
    budget_s
        Seconds for the variants, by default 10; what is left out is listed in ``report.skipped``.
    rtol, atol
        Tolerances beyond eight times the error bound of each slope.

    Returns
    -------
    Report
        True if nothing is wrong; ``print`` it for the findings.

    Raises
    ------
    TypeError
        If there is nothing to differentiate by, or ``f`` is not callable.

    Notes
    -----
    There are three verdicts: where a difference is too inexact to decide, the verdict is
    ``inconclusive``, not a pass.  At a kink any slope between those on its sides is accepted;
    points that were not visited may still be wrong.  A random function needs a fixed key.

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
    options = Options(order, wrt, variants, signature, seed, max_elems, budget_s, rtol, atol)
    check = Check(f, inputs, options)
    report = check.run()
    rank = {"error": 0, "inconclusive": 1, "warning": 2}
    report.findings.sort(key=lambda found: rank[found.severity])
    changed = {k: v for k, v in asdict(options).items() if v != getattr(Options, k)}
    report.repro = program(f, check.args, {"order": order, "seed": seed} | changed)
    return report


def assert_gradients(f: Callable[..., Any], *inputs: Any, **options: Any) -> None:
    """Raise ``GradcheckError``, which carries the report, unless every gradient is right.

    The parameters are those of :func:`gradcheck`.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.assert_gradients(np.tanh, np.linspace(-1, 1, 5))
    """
    report = gradcheck(f, *inputs, **options)
    if not report.ok:
        raise GradcheckError(report)


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
        self.args = [admit(unwrap(a)) for a in inputs]
        if options.wrt is None:
            kinds = [np.asarray(a).dtype.kind for a in self.args]
            self.positions = [i for i, kind in enumerate(kinds) if kind in "fc"]
        else:
            self.positions = [i % len(self.args) for i in options.wrt]
        if not self.positions:
            raise TypeError(
                "gradcheck needs a floating-point input to differentiate by; got "
                f"{', '.join(str(np.asarray(a).dtype) for a in self.args) or 'none'}"
            )
        varied = [np.asarray(self.args[i]) for i in self.positions]
        self.xs = [np.array(a, complex if a.dtype.kind == "c" else float) for a in varied]
        names = names_of(f, len(self.args))
        self.names = [names[i] for i in self.positions]
        self.rng = np.random.default_rng(options.seed)
        self.report = Report(name_of(f), options.order, options.seed)
        self.allowed = Tolerance(options.rtol, options.atol or 0.0)
        budget = BUDGET_S if options.budget_s is None else options.budget_s
        self.deadline = time.monotonic() + budget

    def run(self) -> Report:
        """Check the sample itself and, if it is right, other samples; return the report."""
        with np.errstate(all="ignore"):
            right = self.base()
            with warnings.catch_warnings():  # of samples that are not the user's
                warnings.simplefilter("ignore")
                if right and self.options.variants:
                    self.same_values()
                    self.other_points()
                if right and self.options.signature is not None:
                    self.signature(self.options.signature)
        return self.report

    def target(self, args: Sequence[Any] | None = None) -> Target:
        """Return the function of the varied arguments; ``args`` replaces the fixed ones."""
        return make_target(self.f, self.args if args is None else args, self.positions)

    def add(
        self, findings: Iterable[Finding], variant: str = "", lenient: Sequence[str] = ("raises",)
    ) -> bool:
        """Add findings, each kind for each input once; return whether one is an error.

        Findings of a variant whose kind is ``lenient`` become warnings; where ``nan`` is, so do
        gradients that are not finite.
        """
        wrong = False
        for f in findings:
            if variant:
                if f.severity == "inconclusive":
                    continue
                mild = f.kind in lenient
                mild |= "nan" in lenient and not np.isfinite(f.analytic or 0.0)
                f = replace(f, variant=variant, severity="warning" if mild else f.severity)
            if f.input is not None and f.input < len(self.positions):
                f = replace(f, input=self.positions[f.input], input_name=self.names[f.input])
            elif f.input is not None:
                f = replace(f, input_name="the cotangent")
            wrong |= f.severity == "error"
            same = [
                g
                for g in self.report.findings
                if (g.kind, g.input, g.order) == (f.kind, f.input, f.order)
            ]
            if same and f.severity == "error" != same[0].severity:
                self.report.findings.remove(same.pop())
            if not same:
                self.report.findings.append(f)
        return wrong

    # -- the sample itself ------------------------------------------------------------------------

    def base(self) -> bool:
        """Check order 1, the properties and order 2; return whether nothing is wrong."""
        target = self.target()
        found = compare(target, self.xs, self.rng, self.allowed, max_elems=self.options.max_elems)
        self.base_point = found.point
        self.report.entries += found.entries
        wrong = self.add(found.findings)
        if wrong and found.pull is not None:
            self.report.diagnosis += diagnose(found, self.names)
            worst = next((m for m in found.mismatches if m.kind == "value"), None)
            if worst is not None and found.point.x.size <= self.options.max_elems:
                self.report.steps = step_errors(found.point, worst)
        broken = {"arity", "shape", "type", "raises", "forward"}
        if broken.isdisjoint(f.kind for f in found.findings):
            wrong |= self.add(dtypes(target, self.xs))
            wrong |= self.add(properties(target, found.point))
        if not wrong and self.options.order > 1 and target.max_order > 1:
            wrong = self.second(target, found)
        return not wrong

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
        for name, factor, lenient in (
            ("only with float32 inputs", 1.0, variants.ANY),
            ("only with large float32 inputs", 40.0, variants.OVERFLOW),
        ):
            self.report.variants.append(name)
            xs = [x * factor for x in self.xs]
            self.add(precision(self.target(), xs, self.rng), name, lenient)
        for v in (*variants.values(self.xs), *variants.shapes(self.xs)):
            self.elsewhere(v.name, v.xs, lenient=v.lenient)
        for name, args in variants.integers(self.args, self.xs):
            same = self.means_the_same(args)
            self.elsewhere(name, self.xs, args, lenient=() if same else variants.ANY)

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
        lenient: Sequence[str] = variants.ANY,
    ) -> None:
        """Compare at other inputs; do nothing if the function does not accept them."""
        if time.monotonic() >= self.deadline:
            if not self.report.skipped:
                message = f"everything after {name}: the time budget was spent"
                self.report.skipped.append(message)
            return
        target = self.target(args)
        try:
            values = target.forward([x.copy() for x in xs])
        except Exception:
            return
        if not all(np.isfinite(v).all() for v in values):
            return
        self.report.variants.append(name)
        try:
            found = self.compared(target, xs)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            self.add([Finding("raises", 1, None, message=message)], name)
            return
        if singular(found):
            return
        self.report.entries += found.entries
        findings = found.findings or list(repeats(target, found.point))
        if not all(x.size for x in xs):  # NumPy's irfft of no numbers is uninitialised memory
            findings = [f for f in findings if f.kind != "forward"]
        if self.add(findings, name, lenient) and found.pull is not None:
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
            self.elsewhere(f"with shapes {shown}", xs, args, lenient=())
