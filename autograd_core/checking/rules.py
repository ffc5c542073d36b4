"""``check_rules``: check every derivative rule of this package on this machine and NumPy."""

from __future__ import annotations

from typing import Any

from autograd_core.checking.api import gradcheck
from autograd_core.checking.report import Report
from autograd_core.rules.cases import CASES, scipy


def check_rules(
    *names: str, seed: int = 0, order: int = 2, variants: bool = False
) -> dict[str, Report]:
    """Check the derivative rules with the cases in ``autograd_core/rules/cases``.

    Those of ``ag.scipy`` are among them where SciPy is installed.

    Parameters
    ----------
    *names
        Only cases whose name begins with one of these; by default all, which takes a minute or two.
    seed
        0 takes the arrays of each case unchanged; other seeds scale them a little.
    order, variants
        Options of :func:`gradcheck`; at the kinks of a function the order is 1.

    Returns
    -------
    dict of str to Report
        The reports by the names of the cases.

    Raises
    ------
    ValueError
        If no case has such a name.

    Examples
    --------
    >>> import autograd_core as ag
    >>> all(ag.check_rules("tanh", "svd s").values())
    True
    """
    chosen = [c for c in (*CASES, *scipy.CASES) if not names or c.id.startswith(names)]
    if not chosen:
        raise ValueError(
            f"no case begins with {' or '.join(names)}; autograd_core.rules.cases.CASES lists all"
        )
    options: dict[str, Any] = {"seed": seed, "variants": variants}
    reports = {}
    for c in chosen:
        reports[c.id] = gradcheck(c.f, *c.sample(seed), order=min(order, c.order), **options)
        for n, args in enumerate(c.kinks):
            name = f"{c.id}, kink {n}" if n else f"{c.id}, kink"
            reports[name] = gradcheck(c.f, *args, order=1, **options)
    return reports
