"""``gradcheck``: the gradient of a function against the slopes of its plain values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from autograd_core.checking.check import Check, Options
from autograd_core.checking.report import Report
from autograd_core.checking.repro import repro
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
) -> Report:
    """Check gradients against finite differences, and what must hold of every backward.

    Parameters
    ----------
    f
        A function written in NumPy, of arrays; or a pair ``(forward, backward)`` of plain
        functions, with ``backward(g, out, *inputs)``, ``backward(g, *inputs)``,
        ``backward(g, cache)`` or ``backward(g)``; or what ``ag.checking.from_torch`` and
        ``from_jax`` return.  Results may be arrays or trees of arrays.
    *inputs
        One ordinary sample: arrays, numbers or Tensors.  Floating-point inputs are taken in float64
        (complex ones in complex128) and differentiated by; others are passed as they are.
    order
        1 checks the gradient; 2 also the gradient of the gradient, where there is one (a pair has
        none: its backward is plain).
    wrt
        The positions of the inputs to differentiate by; by default all floating-point ones.
    variants
        Also try other layouts, dtypes, values and shapes made of the sample.  False is the quick
        mode.
    signature
        In NumPy's generalised-ufunc syntax, such as ``"(n,k),(k,m)->(n,m)"``: legal shapes and
        ranks are sampled.
    seed
        For everything random; the same seed gives the same check.
    max_elems
        Above so many elements, random directions; a wrong one is bisected to the element.
    budget_s
        Seconds for the variants; what is left out is listed in ``report.skipped``.  By default 10.
    rtol, atol
        What is allowed beyond eight times the slope's own error bar.

    Returns
    -------
    Report
        True where nothing is wrong; ``print`` it for the findings.

    Raises
    ------
    TypeError
        Where there is nothing to differentiate by, or ``f`` is not callable.

    Notes
    -----
    There are three verdicts: where a difference is too inexact to decide, the verdict is
    ``inconclusive``, not a pass.  At a kink any slope between those on its sides is accepted; what
    was never visited is not known to be right.  A function that is random needs a fixed key.

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
    options = Options(seed, max_elems, budget_s, rtol, atol, variants)
    check = Check(f, inputs, order, wrt, options)
    with np.errstate(all="ignore"):
        right = check.base()
        with warnings.catch_warnings():  # of samples that are not the user's
            warnings.simplefilter("ignore")
            if right and variants:
                check.same_values()
                check.other_points()
            if right and signature is not None:
                check.signature(signature)
    report = check.report
    rank = {"error": 0, "inconclusive": 1, "warning": 2}
    report.findings.sort(key=lambda found: rank[found.severity])
    report.repro = repro(f, check.args, asdict(options), order, wrt, signature)
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
