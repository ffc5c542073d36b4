"""``gradcheck``: the gradient of a function against finite differences of its plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd_core.checking.differences import Slope, slope
from autograd_core.checking.report import Finding, Report
from autograd_core.errors import GradcheckError
from autograd_core.recording import Handle, raw
from autograd_core.transforms import vjp
from autograd_core.trees import flatten

Array = np.ndarray[Any, Any]


def _arrays(value: Any) -> list[Array]:
    leaves, _ = flatten(value)
    return [np.asarray(raw(a)) for a in leaves]


def _random(rng: np.random.Generator, like: Array) -> Array:
    """A cotangent: of both signs, nowhere near 0, so that no entry hides."""
    draw = rng.uniform(0.5, 1.5, like.shape) * rng.choice([-1.0, 1.0], like.shape)
    if like.dtype.kind == "c":
        draw = draw + 1j * rng.uniform(0.5, 1.5, like.shape)
    return np.asarray(draw, dtype=like.dtype)


def _pairing(cotangents: Sequence[Array], values: Sequence[Array]) -> float:
    """The real number whose gradient a cotangent asks for: Re sum(conj(v) f)."""
    return float(
        sum(
            np.sum(np.conj(v) * f).real
            for v, f in zip(cotangents, values, strict=True)
            if f.dtype.kind in "fc"
        )
    )


def _directions(x: Array) -> Iterator[tuple[tuple[int, ...], complex]]:
    """Every entry of an array, along the real and, if it is complex, the imaginary axis."""
    for index in np.ndindex(*x.shape):
        yield index, 1.0
        if x.dtype.kind == "c":
            yield index, 1j


def _slope_along(
    f: Callable[[list[Array]], float],
    xs: list[Array],
    i: int,
    index: tuple[int, ...],
    unit: complex,
    shrinks: Sequence[float] = (1.0, 2.0**-6, 2.0**-12),
) -> Slope:
    """The derivative of ``f`` by one entry of one input; a shorter ladder if that is clearer."""
    x = xs[i]
    at = x[index].imag if unit == 1j else x[index].real

    def moved(value: float) -> float:
        changed = x.copy()
        changed[index] = x[index] + unit * (value - at)
        with np.errstate(all="ignore"):
            return f([*xs[:i], changed, *xs[i + 1 :]])

    best = slope(moved, float(at), shrinks[0])
    for shrink in shrinks[1:]:
        if best.bar <= 1e-8 * max(1.0, abs(best.value)) and best.smooth:
            break
        again = slope(moved, float(at), shrink)
        if not best.bar <= again.bar:
            best = again
    return best


def _confirmed(
    f: Callable[[list[Array]], float],
    xs: list[Array],
    i: int,
    index: tuple[int, ...],
    unit: complex,
    analytic: float,
) -> bool:
    """Before an accusation: whether a much finer ladder agrees, as for functions of tiny scale."""
    if not np.isfinite(analytic):
        return False
    for shrink in (2.0**-12, 2.0**-20, 2.0**-28):
        fine = _slope_along(f, xs, i, index, unit, shrinks=(shrink,))
        if fine.bar <= 1e-4 * abs(fine.value) and fine.admits(analytic, 0.0):
            return True
    return False


def _compare(
    report: Report,
    order: int,
    f: Callable[[list[Array]], float],
    xs: list[Array],
    gradients: list[Array],
    positions: list[int],
) -> None:
    """Every entry of every gradient against the slope of ``f`` along it."""
    for i, (x, g, position) in enumerate(zip(xs, gradients, positions, strict=True)):
        if g.shape != x.shape:
            report.findings.append(Finding("shape", order, position, (), g.shape, x.shape, 0.0))
            continue
        if g.dtype != x.dtype:
            report.findings.append(Finding("dtype", order, position, (), g.dtype, x.dtype, 0.0))
        column = float(np.max(np.abs(g), initial=0.0, where=np.isfinite(g)))
        for index, unit in _directions(x):
            numeric = _slope_along(f, xs, i, index, unit)
            analytic = float(g[index].imag if unit == 1j else g[index].real)
            report.entries += 1
            if numeric.admits(analytic, column) or _confirmed(f, xs, i, index, unit, analytic):
                continue
            decided = numeric.bar <= 0.05 * max(abs(numeric.value), abs(analytic), 1e-12)
            finite = np.isfinite(analytic)
            kind = "value" if finite else "not finite"
            if not decided and finite:
                kind = "inconclusive"
            report.findings.append(
                Finding(kind, order, position, index, analytic, numeric.value, numeric.bar)
            )


def gradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    order: int = 2,
    wrt: Sequence[int] | None = None,
    seed: int = 0,
) -> Report:
    """Compare the gradient of ``f`` with finite differences, entry by entry.

    Parameters
    ----------
    f
        A function written in NumPy, of arrays; it may return an array or a tree of arrays.
    *inputs
        Where to check, each an array, a number or a Tensor.  Floating-point inputs are taken in
        float64 (complex ones in complex128) and differentiated by; others are passed as they
        are.
    order
        1 checks the gradient; 2 also the gradient of the gradient.
    wrt
        The positions of the inputs to differentiate by; by default all floating-point ones.
    seed
        For the random cotangents.

    Returns
    -------
    Report
        True where every entry agrees; ``print`` it for the findings.

    Notes
    -----
    The differences are of the plain function on plain arrays, extrapolated and with an error
    bar of their own; a difference too inexact to decide makes the verdict ``inconclusive``, not
    a pass.  At a kink any slope between the one-sided ones is accepted.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.gradcheck(lambda x, w: np.tanh(x @ w), np.ones((2, 3)), np.ones((3, 2)))
    gradcheck <lambda>: pass, 24 derivatives to order 2, 0 findings (seed 0)
    """
    rng = np.random.default_rng(seed)
    report = Report(getattr(f, "__name__", repr(f)), order, seed)
    given = [raw(a) if isinstance(a, Handle) else a for a in inputs]
    positions = (
        [i for i, a in enumerate(given) if np.asarray(a).dtype.kind in "fc"]
        if wrt is None
        else list(wrt)
    )
    if not positions:
        raise TypeError("gradcheck needs a floating-point input to differentiate by; got none")
    xs = [
        np.array(given[i], complex if np.asarray(given[i]).dtype.kind == "c" else float)
        for i in positions
    ]

    def call(*variables: Any) -> Any:
        args = list(given)
        for i, v in zip(positions, variables, strict=True):
            args[i] = v
        return f(*args)

    outputs = _arrays(call(*xs))
    cotangents = [_random(rng, o) for o in outputs]

    def gradient(*variables: Any) -> list[Any]:
        value, pull = vjp(call, *variables)
        _, restore = flatten(value)
        back = pull(restore(list(cotangents)))
        return list(back) if len(variables) > 1 else [back]

    def first(ys: list[Array]) -> float:
        return _pairing(cotangents, _arrays(call(*ys)))

    slopes = [np.asarray(raw(g)) for g in gradient(*xs)]
    _compare(report, 1, first, xs, slopes, positions)
    if order >= 2 and not report.findings:
        seconds = [_random(rng, g) for g in slopes]

        def curved(*variables: Any) -> Any:
            return gradient(*variables)

        _, pull = vjp(curved, *xs)
        back = pull(seconds)
        curvatures = [np.asarray(raw(g)) for g in (back if len(xs) > 1 else [back])]

        def second(ys: list[Array]) -> float:
            return _pairing(seconds, [np.asarray(raw(g)) for g in gradient(*ys)])

        _compare(report, 2, second, xs, curvatures, positions)
    report.findings.sort(key=lambda finding: finding.severity)
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
