"""``kinks``: the gradients of functions at points where they have no slope.

Unless a row says otherwise it is a finite subgradient, and PyTorch's where PyTorch has a finite one.
Every row has a call that shows it; the tests run them all.
"""

from __future__ import annotations

from typing import NamedTuple


class Kink(NamedTuple):
    """One row of the table: a point without a slope, and the gradient there."""

    function: str
    at: str
    gradient: str
    call: str  # of x
    x: list[float]
    slopes: list[float]  # of the sum of the call, by x


class Kinks(tuple[Kink, ...]):
    """The table of kinks; its ``repr`` is the table as text."""

    __slots__ = ()

    def __repr__(self) -> str:
        rows = [("function", "at", "gradient", "for example"), *map(_shown, self)]
        widths = [max(len(r[i]) for r in rows) for i in range(4)]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
        ]
        return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])

    def markdown(self) -> str:
        """Return the table in Markdown, for the README."""
        rows = [f"| {k.function} | {k.at} | {k.gradient} |" for k in self]
        return "\n".join(["| function | at | gradient |", "|---|---|---|", *rows])


def _shown(k: Kink) -> tuple[str, str, str, str]:
    point = ", ".join(f"{v:g}" for v in k.x)
    slopes = ", ".join(f"{v:.3g}" for v in k.slopes)
    return k.function, k.at, k.gradient, f"{k.call} at [{point}]: [{slopes}]"


INF, NAN = float("inf"), float("nan")
THIRD = 1 / 3
# fmt: off
KINKS = Kinks((
    Kink("abs, fabs, sign(x) x", "0", "0", "np.abs(x)", [0.0, -2.0], [0, -1]),
    Kink("abs of a complex number", "0", "0", "np.abs(x + 0j)", [0.0, 3.0], [0, 1]),
    Kink("maximum, minimum, fmax, fmin", "a tie", "1/2 to each", "np.maximum(x[0], x[1])", [1.0, 1.0], [0.5, 0.5]),
    Kink("max, min over an axis", "n ties", "1/n to each", "np.max(x)", [3.0, 1.0, 3.0, 3.0], [THIRD, 0, THIRD, THIRD]),
    Kink("relu: maximum(x, 0), as nn.relu", "0", "1/2 (nn.relu: 0, as PyTorch)", "np.maximum(x, 0.0)", [0.0, 1.0], [0.5, 1]),
    Kink("clip", "x at a bound", "1 to x", "np.clip(x, 0.0, 1.0)", [0.0, 1.0, 2.0], [1, 1, 0]),
    Kink("norm, of any order above 1", "the origin", "0", "np.linalg.norm(x)", [0.0, 0.0], [0, 0]),
    Kink("norm(ord=1)", "an entry that is 0", "0 to it", "np.linalg.norm(x, 1)", [0.0, -2.0], [0, -1]),
    Kink("norm(ord=inf), max of abs", "n ties", "1/n to each", "np.linalg.norm(x, np.inf)", [2.0, -2.0], [0.5, -0.5]),
    Kink("std, nanstd", "constants", "0", "np.std(x)", [1.0, 1.0], [0, 0]),
    Kink("hypot, arctan2", "the origin", "0", "np.hypot(x[0], x[1]) + np.arctan2(x[0], x[1])", [0.0, 0.0], [0, 0]),
    Kink("sqrt, x**p for 0 < p < 1", "0", "inf, as in PyTorch: np.where on x is the remedy", "np.sqrt(x)", [0.0, 4.0], [INF, 0.25]),
    Kink("x**0", "anywhere, 0 included", "0", "x**0", [0.0, 2.0], [0, 0]),
    Kink("x**y by y", "x = 0, y > 0", "0", "np.power(0.0, x)", [2.0, 0.5], [0, 0]),
    Kink("prod, cumprod", "one or more factors 0", "exact, never nan", "np.prod(x)", [0.0, 2.0, 3.0], [6, 0, 0]),
    Kink("sinc", "0", "0, and every higher order exact", "np.sinc(x)", [0.0], [0]),
    Kink("where, select, piecewise, choose", "nan or inf in the branch not taken", "0, never nan",
         "np.where(x > 0, np.log(x), x)", [-1.0, 2.0], [1, 0.5]),
    Kink("max, clip, an index, where=", "inf in a derivative that is not used", "0, never nan", "np.max(np.sqrt(x))", [0.0, 4.0], [0, 0.25]),
    Kink("sort, partition, take_along_axis", "ties", "by the permutation NumPy returned", "np.sort(x)", [2.0, 1.0, 2.0], [1, 1, 1]),
    Kink("median, quantile, percentile", "ties", "by the permutation of the stable sort", "np.median(x)", [1.0, 1.0, 5.0], [0, 1, 0]),
    Kink("quantile by q", "q at an element", "the slope to the right", "np.quantile(np.array([0.0, 1.0, 5.0]), x)", [0.5], [8]),
    Kink("interp", "x at a knot", "the slope to its right", "np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 5.0])", [1.0], [4]),
    Kink("unique", "equal values", "to the first of them", "np.unique(x)", [1.0, 1.0, 2.0], [1, 0, 1]),
    Kink("floor, ceil, trunc, round, rint, sign, //", "everywhere", "0: piecewise constant", "np.floor(x)", [1.0, 1.5], [0, 0]),
    Kink("remainder, fmod, modf", "a jump", "the slope to the right", "np.remainder(x, 1.0)", [1.0, 1.5], [1, 1]),
    Kink("copysign", "0", "1 or -1, by the signs of both", "np.copysign(x, -1.0)", [0.0, 2.0], [-1, -1]),
    Kink("heaviside", "0", "0 to x, 1 to the value at 0", "np.heaviside(0.0, x)", [0.3], [1]),
    Kink("det", "singular matrices", "the cofactors, exact", "np.linalg.det(x.reshape(2, 2))", [1.0, 2.0, 2.0, 4.0], [4, -2, -2, 1]),
    Kink("eigvalsh, svdvals", "repeated values", "finite: an average of the one-sided slopes",
         "np.sum(np.linalg.eigvalsh(x.reshape(2, 2)))", [1.0, 0.0, 0.0, 1.0], [1, 0, 0, 1]),
    Kink("eigh, eig, svd by their vectors", "repeated values", "raises where the result mixes the repeated vectors",
         "np.sum(np.linalg.eigh(x.reshape(2, 2))[0])", [2.0, 0.0, 0.0, 2.0], [1, 0, 0, 1]),
    Kink("cholesky, eigh, eigvalsh", "the triangle that NumPy does not read", "0; for a symmetric gradient symmetrise first",
         "np.linalg.cholesky(x.reshape(2, 2))[0, 0]", [4.0, 0.0, 0.0, 4.0], [0.25, 0, 0, 0]),
))
# fmt: on


def kinks(function: str = "") -> Kinks:
    """Return the points where functions have no slope, and their gradients there.

    Parameters
    ----------
    function
        Only rows whose functions contain this word; by default all.

    Returns
    -------
    Kinks
        A tuple of :class:`Kink`, which prints as a table.

    Examples
    --------
    >>> import autograd_core as ag
    >>> ag.kinks("sinc")
    function  at  gradient                         for example
    --------  --  -------------------------------  ----------------------
    sinc      0   0, and every higher order exact  np.sinc(x) at [0]: [0]
    >>> ag.kinks("hypot")[0].gradient
    '0'
    """
    return Kinks(k for k in KINKS if function in k.function)
