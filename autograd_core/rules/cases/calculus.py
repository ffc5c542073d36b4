"""Cases of differences, integrals, interpolation, convolution, polynomials and ranges."""

from __future__ import annotations

import numpy as np

from autograd_core.rules.cases.base import add, draw

A, T, V = draw(3, 4), draw(2, 3, 4), draw(5)
GRID = np.array([0.0, 0.7, 1.1, 2.3])

add("diff", np.diff, A)
add("diff n axis", lambda x: np.diff(x, n=2, axis=0), A)
add("diff ends", lambda x, p: np.diff(x, prepend=p, append=1.0), A, draw(3, 2))
add("diff 0", lambda x: np.diff(x, n=0) * x, A)
add("ediff1d", np.ediff1d, A)
add("ediff1d ends", lambda x, e: np.ediff1d(x, to_end=e, to_begin=[1.0]), A, draw(2))
add("trapezoid", np.trapezoid, A)
add("trapezoid dx axis", lambda y: np.trapezoid(y, dx=0.3, axis=0), A)
add("trapezoid x", lambda y, x: np.trapezoid(y, x), A, GRID)
add("trapezoid x full", lambda y, x: np.trapezoid(y, x, axis=1), T, draw(2, 3, 4))
for edge in (1, 2):
    add(f"gradient {edge}", lambda f, e=edge: np.gradient(f, 0.5, axis=1, edge_order=e), A)
    add(f"gradient all {edge}", lambda f, e=edge: np.gradient(f, edge_order=e)[0], A)
    add(
        f"gradient grid {edge}",
        lambda f, x, e=edge: np.gradient(f, x, axis=-1, edge_order=e),
        A,
        GRID,
    )
add(
    "gradient spacings",
    lambda f, h: np.gradient(f, h, GRID)[1] + np.gradient(f, h, GRID)[0],
    A,
    np.array(0.3),
)
add("gradient vector", np.gradient, V)
add("unwrap", np.unwrap, 4.1 * A)
add("unwrap period", lambda p: np.unwrap(p, axis=0, period=1.5, discont=1.0), A)

XP = np.array([-1.5, -0.4, 0.3, 1.7])
add("interp", np.interp, A, XP, draw(4))
add("interp ends", lambda x, xp, fp, lo, hi: np.interp(x, xp, fp, left=lo, right=hi), A * 1.3, XP, draw(4),
    np.array(2.0), np.array(-1.0))  # fmt: skip
add("interp period", lambda x, fp: np.interp(x, XP, fp, period=2.9), A * 3, draw(4))
add("interp one", lambda x, fp: np.interp(x, [0.5], fp), A, draw(1))
for mode in ("full", "same", "valid"):
    for n, m in ((5, 3), (5, 2), (3, 5), (4, 4), (2, 5), (1, 3)):
        add(f"convolve {mode} {n} {m}", lambda x, y, k=mode: np.convolve(x, y, k), draw(n), draw(m))
        add(
            f"correlate {mode} {n} {m}",
            lambda x, y, k=mode: np.correlate(x, y, mode=k),
            draw(n),
            draw(m),
        )
add("convolve complex", np.convolve, draw(4) + 1j * draw(4), draw(3) - 1j * draw(3))
add(
    "correlate complex",
    lambda x, y: np.correlate(x, y, "full"),
    draw(4) + 1j * draw(4),
    draw(3) - 1j * draw(3),
)

P = draw(4)
add("polyval", np.polyval, P, A)
add("polyadd", np.polyadd, P, draw(2))
add("polysub", np.polysub, draw(2), P)
add("polymul", np.polymul, P, draw(3))
add("polydiv", lambda u, v: np.polydiv(u, v)[0], draw(5), draw(3))
add("polydiv rest", lambda u, v: np.polydiv(u, v)[1][-2:], draw(5), draw(3))
add("polyder", lambda p: np.polyder(p, 2), P)
add("polyint", lambda p: np.polyint(p, 2, k=[1.0, 2.0]), P)
add("polyint k", lambda p, k: np.polyint(p, 2, k), P, draw(2))
add("polyfit", lambda x, y: np.polyfit(x, y, 2), draw(6), draw(6))
add(
    "polyfit columns",
    lambda x, y, w: np.polyfit(x, y, 1, w=w),
    draw(6),
    draw(6, 2),
    draw(6, low=0.3),
)
add("poly", np.poly, P)
add("poly matrix", np.poly, draw(3, 3))
add("roots", np.roots, np.array([1.0, -2.1, -3.3, 2.2]))
add("roots complex", np.roots, np.array([1.0, 0.3, 2.0, -1.0, 0.0]))
add("vander", np.vander, V)
add("vander N", lambda x: np.vander(x, 3, increasing=True), V)
add("linspace", lambda a, b: np.linspace(a, b, 5), draw(2), draw(2))
add(
    "linspace axis",
    lambda a, b: np.linspace(a, b, 4, endpoint=False, axis=-1),
    draw(2, 3),
    np.array(0.5),
)
add(
    "linspace step",
    lambda a, b: np.linspace(a, b, 4, retstep=True)[1],
    np.array(0.1),
    np.array(2.5),
)
add("linspace one", lambda a, b: np.linspace(a, b, 1) + a * b, np.array(0.1), np.array(2.5))
add("logspace", lambda a, b: np.logspace(a, b, 4, base=2.5), np.array(0.1), np.array(2.5))
add("logspace base", lambda a, b, c: np.logspace(a, b, 3, base=c), draw(2), draw(2), np.array(2.2))
add("geomspace", lambda a, b: np.geomspace(a, b, 4), np.array(0.3), np.array(5.0))
add(
    "geomspace open",
    lambda a, b: np.geomspace(a, b, 4, endpoint=False, axis=1),
    draw(2, low=0.2),
    draw(2, low=1.0),
)
add("histogram_bin_edges", lambda x: np.histogram_bin_edges(x, 3), A)
add(
    "histogram_bin_edges range",
    lambda x, b: np.histogram_bin_edges(x, 4, (-1.0, b)),
    A,
    np.array(2.0),
)
add("histogram_bin_edges array", lambda x, b: np.histogram_bin_edges(x, b) * b, A, np.sort(V))
add("histogram_bin_edges one value", lambda x: np.histogram_bin_edges(x, 2), np.array([0.7]))
