"""Cases of ``ag.scipy``, where SciPy is installed: one or more for each function.

An id begins with the name of the function; a function without a case fails
``tests/autograd_core/scipy/test_cases.py``.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.rules.cases.base import Case

_rng = np.random.default_rng(3)


def normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


CASES: list[Case] = []


def add(id: str, f: Callable[..., Any], *args: Any, order: int = 2) -> None:
    """Add a case."""
    CASES.append(Case(f"scipy.{id}", f, args, order=order))


def _floats(out: Any) -> Any:
    """Return the floating-point parts of a result, which have gradients."""
    if not isinstance(out, (tuple, list)):
        return out
    return tuple(part for part in out if getattr(part, "dtype", None) and part.dtype.kind in "fc")


def _linalg() -> None:
    sl: Any = ag.scipy.linalg
    one = np.eye(3)
    S, V, M = normal(3, 3), normal(3), normal(3, 2)
    P, B, C = S @ S.T + 3 * one, S.T @ S + 2 * one, S + 1j * normal(3, 3)
    H, T = C @ C.conj().T + 3 * one, np.tril(S) + 3 * one
    STACK = np.stack([S, S.T + 0.3])
    PSTACK = STACK @ STACK.swapaxes(-1, -2) + 3 * one
    AB = np.array([[9.0, 1, 2, 0.3], [5, 6, 7, 8], [1, 2, 0.5, 9], [0.3, 0.2, 9, 9]])
    column, row = np.array([4.0, 1.0, 0.5]), np.array([7.0, -1.0, 0.3])

    def call(name: str, words: str, *args: Any, **options: Any) -> None:
        f = getattr(sl, name)
        add(f"linalg.{name}{words}", lambda *a: _floats(f(*a, **options)), *args)

    call("solve_triangular", "", T, V, lower=True)
    call("solve_triangular", " columns", T, M, lower=True, trans=1)
    call("solve_triangular", " unit", S, V, unit_diagonal=True)
    call("solve_triangular", " complex", C, M + 1j, trans="C")
    call("solve_triangular", " stack", STACK + 3 * one, M)
    for word, a in {"": P, " complex": H, " stack": PSTACK}.items():
        call("cholesky", word, a, lower=True)
        call("logm", word, a)
        call("sqrtm", word, a)
    call("cholesky", " upper", P)
    call("solve", "", S, V)
    call("solve", " complex", C, M)
    call("solve", " stack", STACK, M)
    call("solve", " stack vector", STACK, V)
    for kind, a in {"pos": P, "sym": P, "her": H, "upper triangular": P, "tridiagonal": P}.items():
        call("solve", f" {kind}", a, M, assume_a=kind)
    call("solve", " transposed", P, V, transposed=True)
    for word, a in {"": S, " tall": np.vstack([S, S + 1]), " stack": STACK}.items():
        call("lu_factor", word, a)
        call("lu", word, a, p_indices=True)
    add("linalg.lu permuted", lambda a: sl.lu(a, permute_l=True), S)
    add("linalg.lu matrices", lambda a: sl.lu(a)[0] @ sl.lu(a)[1] @ sl.lu(a)[2] ** 2, S)
    for word, a in {"": S, " complex": C, " wide": M.T.copy()}.items():
        call("qr", word, a)
    call("qr", " economic", M, mode="economic")
    call("qr", " r", M, mode="r")
    call("qr", " stack", STACK, mode="economic")
    call("qr", " pivoting", S, pivoting=True)

    def eigen(*args: Any, **options: Any) -> Any:
        """Return what does not depend on the signs of vectors."""
        w, v = sl.eigh(*args, **options)
        return w, v**2

    add("linalg.eigh", eigen, P)
    add("linalg.eigh stack", eigen, PSTACK)
    add("linalg.eigh upper", lambda a: eigen(a, lower=False), P)
    call("eigh", " subset", P, eigvals_only=True, subset_by_index=(1, 2))
    add("linalg.eigh pencil", eigen, P, B)
    add("linalg.eigh type 2", lambda a, b: eigen(a, b, type=2), P, B)
    add("linalg.eigh type 3", lambda a, b: eigen(a, b, type=3, lower=False), P, B)
    call("eigh", " pencil values", PSTACK, B, eigvals_only=True)
    for word, a in {"": S, " complex": C, " stack": STACK}.items():
        call("expm", word, a)
    call("block_diag", "", S, V, M)
    call("block_diag", " stack", STACK, PSTACK)
    call("toeplitz", "", V)
    call("toeplitz", " row", C[0], V)
    call("solve_toeplitz", "", column, V)
    add("linalg.solve_toeplitz row", lambda c, r, b: sl.solve_toeplitz((c, r), b), column, row, M)
    call("solve_sylvester", "", P, B, S)
    call("solve_sylvester", " complex", H, B, C)
    call("solve_continuous_lyapunov", "", P, S)
    call("solve_continuous_lyapunov", " complex", C + 4 * one, H)
    call("solve_discrete_lyapunov", "", S / 4, P)
    call("solve_discrete_lyapunov", " direct", C / 6, S, method="direct")
    add("linalg.cho_factor", lambda a: sl.cho_factor(a)[0], P)
    for lower in (False, True):
        add(
            f"linalg.cho_solve {lower}",
            lambda a, b, k=lower: sl.cho_solve(sl.cho_factor(a, k), b),
            P,
            M,
        )
    add("linalg.cho_solve stack", lambda a, b: sl.cho_solve(sl.cho_factor(a), b), PSTACK, V)
    for trans in (0, 1, 2):
        add(
            f"linalg.lu_solve {trans}",
            lambda a, b, t=trans: sl.lu_solve(sl.lu_factor(a), b, t),
            C,
            M,
        )
    add("linalg.lu_solve vector", lambda a, b: sl.lu_solve(sl.lu_factor(a), b), S, V)
    for k in ((4,), (4, 2)):
        add(
            f"linalg.solve_banded {len(k)}",
            lambda ab, b: sl.solve_banded((2, 1), ab, b),
            AB,
            normal(*k),
        )


X, U = np.array([0.31, 0.72, 1.43]), np.array([0.21, 0.52, 0.83])
LOC, SCALE = np.array([0.05, -0.1, 0.15]), np.array([1.4, 1.9, 2.3])

#: The shape parameters of the continuous distributions.
SHAPES: dict[str, tuple[Any, ...]] = {
    "norm": (),
    "t": (np.array([2.7, 5.1, 30.0]),),
    "cauchy": (),
    "laplace": (),
    "logistic": (),
    "gamma": (np.array([0.7, 1.9, 4.2]),),
    "beta": (np.array([0.7, 1.9, 3.0]), np.array([2.2, 0.8, 2.0])),
    "expon": (),
    "chi2": (np.array([1.7, 3.0, 5.5]),),
    "uniform": (),
    "lognorm": (np.array([0.5, 0.9, 1.4]),),
}  # fmt: skip

#: Those whose distribution function has no derivative by them.
WITHOUT_SHAPE = ("t", "gamma", "beta", "chi2")

#: The parameters of the discrete distributions.
DISCRETE: dict[str, tuple[Any, ...]] = {
    "poisson": (2.3,), "binom": (5, 0.3), "nbinom": (2.5, 0.4), "bernoulli": (0.3,)
}  # fmt: skip


def _stats() -> None:
    st: Any = ag.scipy.stats
    for name, shapes in SHAPES.items():
        distribution = getattr(st, name)
        for method in dir(distribution):
            f = getattr(distribution, method)
            x = U if method in ("ppf", "isf") else X * 1.1
            if name in WITHOUT_SHAPE and "pdf" not in method:
                args, call = (x, LOC, SCALE), lambda x, m, s, f=f, p=shapes: f(x, *p, m, s)
            else:
                args, call = (x, *shapes, LOC, SCALE), f
            add(f"stats.{name}.{method}", call, *args)
    k = np.array([0, 1, 3])
    for name, parameters in DISCRETE.items():
        distribution = getattr(st, name)
        for method in dir(distribution):
            f = getattr(distribution, method)
            if method in ("ppf", "isf"):  # whole numbers, without a gradient
                continue
            fixed = 1 if name == "nbinom" and "pmf" in method else len(parameters)
            at = (k[:2] if name == "bernoulli" else k)[: None if "log" not in method else 2]
            at = at[: 1 if name == "bernoulli" and method == "logsf" else None]
            head, tail = parameters[: fixed - 1], parameters[fixed - 1 :]
            tail = tuple(np.full(len(at), p) for p in tail)
            add(f"stats.{name}.{method}", lambda *p, f=f, at=at, h=head: f(at, *h, *p), *tail)
    add("stats.norm.logpdf frozen", lambda m, s: st.norm(m, s).logpdf(0.3), 0.2, 1.3)
    add("stats.norm.logpdf broadcast", st.norm.logpdf, X[:, None] + 0.1, LOC, 1.3)
    a = normal(3, 3)
    cov, mean, points = a @ a.T + np.eye(3), normal(3), normal(2, 3)
    normal_ = st.multivariate_normal
    for method in ("logpdf", "pdf"):
        f = getattr(normal_, method)
        symmetric = lambda x, m, c, f=f: f(x, m, (c + c.T) / 2)
        add(f"stats.multivariate_normal.{method}", symmetric, points, mean, cov)
        add(f"stats.multivariate_normal.{method} one", f, np.array([0.3, 0.5]), 0.1, 2.0)
        add(
            f"stats.multivariate_normal.{method} diagonal",
            f,
            points[0],
            mean,
            np.array([1.0, 2, 3]),
        )
        add(
            f"stats.dirichlet.{method}",
            getattr(st.dirichlet, method),
            np.array([0.2, 0.5]),
            np.array([1.3, 2.1, 0.7]),
        )
    add("stats.multivariate_normal.entropy", lambda c: normal_.entropy(None, (c + c.T) / 2), cov)


def _integrate() -> None:
    it: Any = ag.scipy.integrate
    tight = {"rtol": 1e-9, "atol": 1e-11}

    def prey(t: Any, y: Any, p: Any) -> Any:
        return [p[0] * y[0] - y[0] * y[1], y[0] * y[1] - p[1] * y[1] + 0.1 * np.sin(t)]

    y, p, times = np.array([1.0, 0.5]), np.array([1.1, 0.4]), np.array([0.1, 0.3])
    for how in ("steps", "adjoint"):
        f = lambda y, p, how=how: it.solve_ivp(
            prey, (0, 0.3), y, t_eval=times, args=(p,), gradient=how, **tight
        ).y  # fmt: skip
        add(f"integrate.solve_ivp {how}", f, y, p, order=1)
    turned = lambda y, t, p: prey(t, y, p)
    f = lambda y, p: it.odeint(turned, y, [0.0, 0.1, 0.3], (p,), rtol=1e-9, atol=1e-11)
    add("integrate.odeint", f, y, p, order=1)
    bell = lambda x, p: np.exp(-p[0] * x * x) * np.cos(p[1] * x)
    add("integrate.quad", lambda a, b, p: it.quad(bell, a, b, args=(p,))[0], 0.2, 1.3, p)
    add("integrate.quad whole", lambda p: it.quad(bell, -np.inf, np.inf, args=(p,))[0], p, order=1)
    n = np.cumsum(_rng.uniform(0.5, 1.5, 6))
    add("integrate.simpson", lambda y: it.simpson(y, dx=0.3), normal(2, 5))
    add("integrate.simpson x", lambda y, x: it.simpson(y, x=x, axis=0), normal(6, 2), n)
    add("integrate.simpson points", lambda y, x: it.simpson(y, x=x), normal(6), n)


def _optimize() -> None:
    op: Any = ag.scipy.optimize
    p = np.array([1.0, 2.0, 3.0])
    bent = lambda z, p: z**3 + z * p[0] - p[1:] + 0.1 * np.sum(z)
    add("optimize.root", lambda p: op.root(bent, np.ones(2), args=(p,), tol=1e-13).x, p)
    f = lambda x, p: np.sum(np.cosh(x * p[0])) - p[1] * x[0] + np.sum(x**4) * p[2]
    best = {"method": "trust-exact", "options": {"gtol": 1e-12}}
    add("optimize.minimize", lambda p: op.minimize(f, np.array([0.1, 0.2]), args=(p,), **best).x, p)
    lowest = lambda p: op.minimize(f, np.array([0.1, 0.2]), args=(p,), **best).fun
    add("optimize.minimize value", lowest, p)
    apart = lambda x, p: np.sum((x - p[:2]) ** 2) + x[0] * x[1]
    bounds = [(0, 0.5), (None, 1.02)]
    at_bounds = lambda p: op.minimize(apart, np.full(2, 0.2), args=(p,), bounds=bounds, tol=1e-13).x
    add("optimize.minimize bounds", at_bounds, np.array([2.0, 1.269]), order=1)
    t = np.linspace(0.0, 3.0, 5)
    decay = lambda x, y, t: x[0] * np.exp(-x[1] * t) - y
    exact = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-13}
    fit = lambda y: op.least_squares(decay, [1.0, 1.0], args=(y, t), **exact).x
    add("optimize.least_squares", fit, 3 * np.exp(-0.5 * t) + 0.1 * np.sin(9 * t), order=1)


def _signal() -> None:
    si: Any = ag.scipy.signal
    x, h, image, kernel = normal(6), normal(3), normal(3, 4), normal(2, 3)
    for name, mode in itertools.product(
        ("convolve", "correlate", "fftconvolve"), ("full", "same", "valid")
    ):
        f = getattr(si, name)
        add(f"signal.{name} {mode}", lambda a, b, f=f, m=mode: f(a, b, m), x, h)
    for method in ("direct", "fft"):
        add(
            f"signal.convolve {method}",
            lambda a, b, m=method: si.convolve(a, b, "full", m),
            image,
            kernel,
        )
    add("signal.convolve short", si.convolve, h, x + 1j * x[::-1])
    add("signal.correlate complex", si.correlate, x + 1j * x[::-1], h - 2j)
    add("signal.fftconvolve axes", lambda a, b: si.fftconvolve(a, b, axes=-1), image, normal(1, 3))
    b, a = np.array([1.0, 0.5, -0.2]), np.array([2.0, -0.3, 0.1, 0.05])
    add("signal.lfilter", si.lfilter, b, a, x)
    add("signal.lfilter axis", lambda b, a, x: si.lfilter(b, a, x, 0), b, a, image)
    add("signal.detrend", si.detrend, image)
    add("signal.detrend axis", lambda x: si.detrend(x, 0, "constant"), image)
    add("signal.detrend parts", lambda x: si.detrend(x, bp=[3]), x)


def _interpolate() -> None:
    ip: Any = ag.scipy.interpolate
    x = np.cumsum(_rng.uniform(0.5, 1.5, 6))
    y, v = normal(6), np.array([[x[0] - 0.3, x[0] + 0.1], [3.3, x[-1] + 0.2]])
    inside = np.clip(v, x[0] + 0.2, x[-1] - 0.2)
    for bc in ("not-a-knot", "natural", "clamped"):
        spline = lambda x, y, v, bc=bc: ip.CubicSpline(x, y, bc_type=bc)(v)
        add(f"interpolate.CubicSpline {bc}", spline, x, y, v)
    ends = lambda x, y, v: ip.CubicSpline(x, y, bc_type=((1, 0.3), (2, -0.5)))(v, 1)
    add("interpolate.CubicSpline slope", ends, x, y, v)
    around = lambda y, v: ip.CubicSpline(x, np.append(y, y[:1]), bc_type="periodic")(v)
    add("interpolate.CubicSpline periodic", around, y[:-1], v)
    add(
        "interpolate.CubicSpline axis",
        lambda y, v: ip.CubicSpline(x, y, axis=1)(v),
        normal(2, 6),
        v[0],
    )
    add("interpolate.interp1d", lambda x, y, v: ip.interp1d(x, y)(v), x, y, inside)
    beyond = lambda y, v: ip.interp1d(x, y, axis=1, fill_value="extrapolate")(v)
    add("interpolate.interp1d axis", beyond, normal(2, 6), v[0])
    filled = lambda y, v: ip.interp1d(x, y, bounds_error=False, fill_value=(1.0, 2.0))(v)
    add("interpolate.interp1d fill", filled, y, v)


def _ndimage() -> None:
    im: Any = ag.scipy.ndimage
    image, line = normal(4, 5), normal(7)
    points = np.array([[0.3, 1.6, -0.7, 5.3], [0.2, 3.7, 4.3, 1.1]])
    for order, mode in itertools.product((1, 3), ("constant", "nearest", "reflect")):
        f = lambda a, c, o=order, m=mode: im.map_coordinates(a, c, order=o, mode=m, cval=0.7)
        add(f"ndimage.map_coordinates {order} {mode}", f, image, points)
    for mode in ("reflect", "constant", "wrap"):
        smooth = lambda a, s, m=mode: im.gaussian_filter(a, s, mode=m, cval=0.7)
        add(f"ndimage.gaussian_filter {mode}", smooth, line, 0.8)
        f = lambda a, w, m=mode: im.convolve(a, w, mode=m, cval=0.3)
        add(f"ndimage.convolve {mode}", f, image, normal(2, 3))
    slope = lambda a, s: im.gaussian_filter(a, [s, 2 * s], (0, 1), truncate=3.0)
    add("ndimage.gaussian_filter slopes", slope, image, 0.6)
    along = lambda a, s: im.gaussian_filter(a, s, radius=2, axes=(1,))
    add("ndimage.gaussian_filter axes", along, image, 0.9)
    add(
        "ndimage.convolve origin",
        lambda a, w: im.convolve(a, w, origin=(1, -1)),
        image,
        normal(3, 3),
    )


def _sparse() -> None:
    from scipy import sparse

    sp: Any = ag.scipy.sparse
    dense = np.where(_rng.random((4, 4)) < 0.5, normal(4, 4), 0.0) + 3 * np.eye(4)
    a = sparse.csc_array(dense)
    for words, x in {
        "": normal(4),
        " columns": normal(4, 3),
        " complex": normal(4, 2) + 1j,
    }.items():
        add(f"sparse.matmul{words}", lambda x: sp.matmul(a, x), x)
    add("sparse.matmul right", lambda x: sp.matmul(x, a), normal(3, 4))
    add("sparse.spsolve", lambda b: sp.spsolve(a, b), normal(4))
    add("sparse.spsolve columns", lambda b: sp.linalg.spsolve(a, b), normal(4, 3))


def _special() -> None:
    sp: Any = ag.scipy.special
    x = normal(2, 3)
    add("special.polygamma", lambda x: sp.polygamma(1, x), 1.2 + X)
    add("special.logsumexp", lambda x, b: sp.logsumexp(x, axis=0, b=b), x, 1.0 + abs(normal(2, 3)))
    add("special.softmax", lambda x: sp.softmax(x, axis=1), x)
    add("special.log_softmax", sp.log_softmax, x)
    add("special.gammaln", lambda x: sp.gammaln(x), X)


if importlib.util.find_spec("scipy") is not None:
    for _family in (
        _linalg, _stats, _integrate, _optimize, _signal, _interpolate, _ndimage, _sparse, _special,
    ):  # fmt: skip
        _family()
