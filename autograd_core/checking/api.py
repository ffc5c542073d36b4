"""``gradcheck``, ``assert_gradients`` and ``gradchecked``: check gradients against differences."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from autograd_core.checking.check import Check, Options
from autograd_core.checking.report import Report, program
from autograd_core.checking.samples import signatures
from autograd_core.errors import GradcheckError


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
        In NumPy's generalised-ufunc syntax, such as ``"(n,k),(k,m)->(n,m)"``: its shapes are
        sampled, and no others.  ``4h`` is a multiple, a number a fixed length, ``n?`` an axis that
        may be left out; ``...`` stands for leading axes, which are also sampled for inputs whose
        sample has some.
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
    for name, limit in (("rtol", rtol), ("atol", atol), ("budget_s", budget_s)):
        if limit is not None and not limit >= 0:
            raise ValueError(f"{name} is 0 or more, got {limit!r}")
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
    __tracebackhide__ = True
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
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Turn a function, or a method of a class of tests, into a test of its gradients.

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

    def decorate(f: Callable[..., Any]) -> Callable[..., None]:
        def test(*owner: Any) -> None:  # the instance, of a method of a class of tests
            __tracebackhide__ = True
            rng = np.random.default_rng(seed)
            inputs = signatures.draw(signature or shapes or (), rng, low, high)
            function = functools.partial(f, *owner) if owner else f
            assert_gradients(function, *inputs, seed=seed, signature=signature, **options)

        test.__name__ = test.__qualname__ = getattr(f, "__name__", "test")
        test.__doc__, test.__module__ = f.__doc__, f.__module__
        return test

    return decorate
