"""Rules of the ufuncs of ``scipy.special``, and of ``np.i0`` and ``np.sinc``.

SciPy is never imported here: its ufuncs reach a Tensor by NEP 13, and their rules are found by name when
the first one comes (:func:`find`).  Formulas: Abramowitz and Stegun (1964); NIST DLMF.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.primitive import Primitive, defvjp, finders, primitive_of

TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)
ROOT_PI_OVER_TWO = math.sqrt(math.pi) / 2.0
ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
HOME = "scipy.special._ufuncs"

# -- the modified Bessel function I_n, which NumPy has for n = 0 ----------------------------------


def _bessel_i(x: Any, *, order: int) -> Any:
    """Return I_n: by its power series for small arguments (no term is negative), else an integral.

    (1/pi) int_0^pi exp(x cos t) cos(n t) dt by the trapezoidal rule, which converges exponentially for
    periodic functions (A&S 9.6.10 and 9.6.19).
    """
    size = abs(x)
    small = np.where(size < 15.0, size, 0.0)
    term = (small / 2.0) ** order / math.factorial(order)
    series = term
    for k in range(1, 40):
        term = term * (small * small / 4.0) / (k * (k + order))
        series = series + term
    sign = np.where((x < 0) & (order % 2 == 1), -1.0, 1.0)
    far = np.where(size < 15.0, 15.0, size)
    points = 128  # what is left out is I_256 and less, below 1e-19 of I_0 before that overflows
    total: Any = 0.0
    for i in range(points):
        angle = math.pi * (i + 0.5) / points
        total = total + np.exp(far * (math.cos(angle) - 1.0)) * math.cos(order * angle)
    value = np.where(size < 15.0, series, np.exp(far) * (total / points))
    return (sign * value).astype(x.dtype)


bessel_i = Primitive(_bessel_i, "bessel_i")
bessel_i.defvjp(
    lambda g, _out, x, *, order: (
        g * (bessel_i(x, order=abs(order - 1)) + bessel_i(x, order=order + 1)) / 2
    ),
    elementwise=True,
)
defvjp(np.i0, lambda g, _out, x: g * bessel_i(x, order=1), elementwise=True)


# -- sinc, exact to every order -------------------------------------------------------------------


def _sinc_derivative(x: Any, *, order: int) -> Any:
    """Return the derivative of sin(pi x) / (pi x) of any order.

    Away from 0 by the recurrence x f^(n) = pi^(n-1) sin(pi x + n pi/2) - n f^(n-1) (Leibniz on
    pi x f = sin(pi x)); near 0, where that cancels, by the Taylor series.
    """
    near = np.abs(x) < 0.5 * (order + 1)
    far = np.where(near, 1.0, x)
    f = np.sinc(far)
    for n in range(1, order + 1):
        f = (math.pi ** (n - 1) * np.sin(math.pi * far + n * math.pi / 2) - n * f) / far
    series, small = 0.0, np.where(near, x, 0.0)
    for k in range((order + 1) // 2, 40 + 2 * order):
        power = 2 * k - order  # d^n x^2k = (2k)!/(2k-n)! x^(2k-n)
        log_size = 2 * k * math.log(math.pi) - math.log(2 * k + 1) - math.lgamma(power + 1)
        series = series + (-1) ** k * math.exp(log_size) * small**power
    return np.where(near, series, f)


sinc_derivative = Primitive(_sinc_derivative, "sinc_derivative")
sinc_derivative.defvjp(
    lambda g, _out, x, order: g * sinc_derivative(x, order=order + 1), elementwise=True
)
defvjp(np.sinc, lambda g, _out, x: g * sinc_derivative(x, order=1), elementwise=True)


# -- by name --------------------------------------------------------------------------------------


def _scipy(name: str) -> Any:
    """Return a ufunc of scipy.special, which is already imported when a rule runs."""
    return getattr(sys.modules[HOME], name)


def _psi(x: Any) -> Any:
    return _scipy("psi")(x)


def _polygamma_of(n: int, x: Any) -> Any:
    """Return psi^(n)(x) by the Hurwitz zeta function, for n >= 1 (DLMF 25.11.12)."""
    return (-1.0) ** (n + 1) * math.factorial(n) * _scipy("_zeta")(n + 1.0, x)


def _ratio(x: Any, y: Any) -> Any:
    """Return x / y, and 0 where both are 0."""
    return x / np.where((x == 0) & (y == 0), 1.0, y)


def _density(x: Any) -> Any:
    return np.exp(-x * x / 2) / ROOT_TWO_PI


def _bessel(name: str, sign: float, scale: float = 0.5) -> Callable[[Any, Any], Any]:
    """Return a derivative by x from the recurrence of the neighbouring orders (A&S 9.1.27, 9.6.26)."""
    return lambda v, x: scale * (_scipy(name)(v - 1, x) + sign * _scipy(name)(v + 1, x))


_jv, _yv, _iv, _kv, _ive, _kve = (
    _bessel("jv", -1.0),
    _bessel("yv", -1.0),
    _bessel("iv", 1.0),
    _bessel("kv", 1.0, -0.5),
    _bessel("ive", 1.0),
    _bessel("kve", 1.0, -0.5),
)


def _sigmoid(x: Any) -> Any:
    return _scipy("expit")(x)


def _over(x: Any, one: Any) -> Any:
    """Return i1(x) / x or i1e(x) / x, 1/2 at 0."""
    flat = x == 0
    return np.where(flat, 0.5, one / np.where(flat, 1.0, x))


def _rgamma_slope(x: Any) -> Any:
    """Return the derivative of 1 / gamma(x); below 1/2 by reflection, which is right at the poles."""
    low = x < 0.5
    y = np.where(low, 1 - x, x)
    angle = math.pi * x
    reflected = _scipy("gamma")(y) * (np.cos(angle) - np.sin(angle) * _psi(y) / math.pi)
    return np.where(low, reflected, -_psi(y) * _scipy("rgamma")(y))


def _student_density(df: Any, t: Any) -> Any:
    """Return the density of Student's t distribution."""
    powers = _scipy("betaln")(df / 2, 0.5) + np.log(df) / 2 + (df + 1) / 2 * np.log1p(t * t / df)
    return np.exp(-powers)


def _exprel_slope(x: Any, out: Any) -> Any:
    """Return the derivative of (e^x - 1) / x, near 0 by its series, the sum of k x^(k-1) / (k+1)!."""
    near = abs(x) < 0.5
    small, far = np.where(near, x, 0.0), np.where(near, 1.0, x)
    series: Any = 0.0
    for k in range(14, 0, -1):
        series = series * small + k / math.factorial(k + 1)
    return np.where(near, series, (np.exp(x) - out) / far)


def _gamma_density(a: Any, x: Any) -> Any:
    """Return x^(a-1) e^-x / gamma(a), also at x = 0 where a = 1."""
    return np.exp(_scipy("xlogy")(a - 1, x) - x - _scipy("gammaln")(a))


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    """Return x^(a-1) (1-x)^(b-1) / beta(a, b), also at the ends."""
    powers = _scipy("xlogy")(a - 1, x) + _scipy("xlog1py")(b - 1, -x)
    return np.exp(powers - _scipy("betaln")(a, b))


def _erfcx_slope(x: Any, out: Any) -> Any:
    """Return 2 x erfcx(x) - 2 / sqrt(pi), whose terms cancel for large x.

    The asymptotic series there is -1 / (sqrt(pi) x^2) times the sum of (-1)^n (2n+1)!! / (2 x^2)^n (DLMF 7.12.1).
    """
    far = x > 10.0
    r = 1 / np.where(far, x, 10.0)
    square: Any = r * r
    series: Any = 1.0
    for n in range(14, 0, -1):
        series = 1 - (n + 0.5) * square * series
    near = 2 * np.where(far, 0.0, x) * out - TWO_OVER_ROOT_PI
    return np.where(far, -0.5 * TWO_OVER_ROOT_PI * square * series, near)


# fmt: off
#: The rules, by the ufunc's name; None for an argument without a gradient.
RULES: dict[str, tuple[Any, ...]] = {
    # the error function and the normal distribution
    "erf":       (lambda g, _out, x: g * (TWO_OVER_ROOT_PI * np.exp(-x * x)),),
    "erfc":      (lambda g, _out, x: g * (-TWO_OVER_ROOT_PI * np.exp(-x * x)),),
    "erfcx":     (lambda g, out, x: g * _erfcx_slope(x, out),),
    "erfi":      (lambda g, _out, x: g * (TWO_OVER_ROOT_PI * np.exp(x * x)),),
    "erfinv":    (lambda g, out, _x: g * (ROOT_PI_OVER_TWO * np.exp(out * out)),),
    "erfcinv":   (lambda g, out, _x: g * (-ROOT_PI_OVER_TWO * np.exp(out * out)),),
    "ndtr":      (lambda g, _out, x: g * _density(x),),
    "ndtri":     (lambda g, out, _x: g * (ROOT_TWO_PI * np.exp(out * out / 2)),),
    "log_ndtr":  (lambda g, out, x: g * (np.exp(-x * x / 2 - out) / ROOT_TWO_PI),),
    # gamma and beta
    "gamma":     (lambda g, out, x: g * (out * _psi(x)),),
    "gammaln":   (lambda g, _out, x: g * _psi(x),),
    "loggamma":  (lambda g, _out, x: g * _psi(x),),
    "rgamma":    (lambda g, _out, x: g * _rgamma_slope(x),),
    "gammasgn":  (lambda g, _out, _x: np.zeros_like(g),),
    "poch":      (lambda g, out, a, m: g * (out * (_psi(a + m) - _psi(a))),
                  lambda g, out, a, m: g * (out * _psi(a + m))),
    "binom":     (lambda g, out, n, k: g * (out * (_psi(n + 1) - _psi(n - k + 1))),
                  lambda g, out, n, k: g * (out * (_psi(n - k + 1) - _psi(k + 1)))),
    "psi":       (lambda g, _out, x: g * _polygamma_of(1, x),),
    "_zeta":     (None, lambda g, _out, s, x: g * (-s * _scipy("_zeta")(s + 1.0, x))),
    "beta":      (lambda g, out, a, b: g * (out * (_psi(a) - _psi(a + b))),
                  lambda g, out, a, b: g * (out * (_psi(b) - _psi(a + b)))),
    "betaln":    (lambda g, _out, a, b: g * (_psi(a) - _psi(a + b)),
                  lambda g, _out, a, b: g * (_psi(b) - _psi(a + b))),
    "gammainc":  (None, lambda g, _out, a, x: g * _gamma_density(a, x)),
    "gammaincc": (None, lambda g, _out, a, x: -g * _gamma_density(a, x)),
    "gammaincinv":  (None, lambda g, out, a, _y: g / _gamma_density(a, out)),
    "gammainccinv": (None, lambda g, out, a, _y: -g / _gamma_density(a, out)),
    "betaincinv": (None, None, lambda g, out, a, b, _y: g / _beta_density(a, b, out)),
    "betaincc":  (None, None, lambda g, _out, a, b, x: -g * _beta_density(a, b, x)),
    "stdtr":     (None, lambda g, _out, df, t: g * _student_density(df, t)),
    "chdtr":     (None, lambda g, _out, v, x: g * (0.5 * _gamma_density(v / 2, x / 2))),
    "chdtrc":    (None, lambda g, _out, v, x: g * (-0.5 * _gamma_density(v / 2, x / 2))),
    "betainc":   (None, None, lambda g, _out, a, b, x: g * _beta_density(a, b, x)),
    # logistic
    "expit":     (lambda g, out, x: g * (out * _sigmoid(-x)),),
    "logit":     (lambda g, _out, x: g / (x * (1 - x)),),
    "log_expit": (lambda g, _out, x: g * _sigmoid(-x),),
    # information
    "xlogy":     (lambda g, _out, x, y: g * np.log(np.where((x == 0) & (y == 0), 1.0, y)),
                  lambda g, _out, x, y: g * _ratio(x, y)),
    "xlog1py":   (lambda g, _out, x, y: g * np.log1p(np.where((x == 0) & (y == -1), 0.0, y)),
                  lambda g, _out, x, y: g * _ratio(x, 1 + y)),
    "entr":      (lambda g, _out, x: g * (-np.log(x) - 1),),
    "rel_entr":  (lambda g, _out, x, y: g * (np.log(x / y) + 1),
                  lambda g, _out, x, y: g * -(x / y)),
    "kl_div":    (lambda g, _out, x, y: g * np.log(x / y),
                  lambda g, _out, x, y: g * (1 - x / y)),
    "boxcox":    (lambda g, _out, x, lam: g * x ** (lam - 1), None),
    "huber":     (None, lambda g, _out, delta, r: g * np.clip(r, -delta, delta)),
    "pseudo_huber": (None, lambda g, _out, delta, r: g * (r / np.sqrt(1 + (r / delta) ** 2))),
    # Bessel
    "i0":        (lambda g, _out, x: g * _scipy("i1")(x),),
    "i1":        (lambda g, out, x: g * (_scipy("i0")(x) - _over(x, out)),),
    "i0e":       (lambda g, out, x: g * (_scipy("i1e")(x) - np.sign(x) * out),),
    "i1e":       (lambda g, out, x: g * (_scipy("i0e")(x) - _over(x, out) - np.sign(x) * out),),
    "k0":        (lambda g, _out, x: g * -_scipy("k1")(x),),
    "k1":        (lambda g, out, x: g * (-_scipy("k0")(x) - out / x),),
    "j0":        (lambda g, _out, x: g * -_scipy("j1")(x),),
    "j1":        (lambda g, _out, x: g * _jv(1, x),),
    "y0":        (lambda g, _out, x: g * -_scipy("y1")(x),),
    "y1":        (lambda g, _out, x: g * _yv(1.0, x),),
    "jv":        (None, lambda g, _out, v, x: g * _jv(v, x)),
    "yv":        (None, lambda g, _out, v, x: g * _yv(v, x)),
    "yn":        (None, lambda g, _out, v, x: g * _yv(v * 1.0, x)),
    "iv":        (None, lambda g, _out, v, x: g * _iv(v, x)),
    "kv":        (None, lambda g, _out, v, x: g * _kv(v, x)),
    "ive":       (None, lambda g, out, v, x: g * _ive(v, x) - np.sign(x.real) * (g * out).real),
    "kve":       (None, lambda g, out, v, x: g * (_kve(v, x) + out)),
    "kn":        (None, lambda g, _out, n, x: g * _kv(n * 1.0, x)),
    "k0e":       (lambda g, out, x: g * (out - _scipy("k1e")(x)),),
    "k1e":       (lambda g, out, x: g * (out - _scipy("k0e")(x) - out / x),),
    # integrals
    "expi":      (lambda g, _out, x: g * (np.exp(x) / x),),
    "exp1":      (lambda g, _out, x: -g * (np.exp(-x) / x),),
    "dawsn":     (lambda g, out, x: g * (1 - 2 * x * out),),
    # elementary
    "exprel":    (lambda g, out, x: g * _exprel_slope(x, out),),
    "boxcox1p":  (lambda g, _out, x, lam: g * (1 + x) ** (lam - 1), None),
    "inv_boxcox": (lambda g, out, _y, lam: g * out ** (1 - lam), None),
    "tandg":     (lambda g, out, _x: g * (math.pi / 180.0 * (1 + out * out)),),
    "_lambertw": (lambda g, out, _z, _k, _tol: g * (np.exp(-out) / (1 + out)), None, None),
    "cbrt":      (lambda g, out, _x: g / (3 * out * out),),
    "exp2":      (lambda g, out, _x: g * (out * math.log(2.0)),),
    "exp10":     (lambda g, out, _x: g * (out * math.log(10.0)),),
    "expm1":     (lambda g, out, _x: g * (out + 1),),
    "log1p":     (lambda g, _out, x: g / (1 + x),),
    "cosm1":     (lambda g, _out, x: -g * np.sin(x),),
    "sindg":     (lambda g, _out, x: g * (math.pi / 180.0 * _scipy("cosdg")(x)),),
    "cosdg":     (lambda g, _out, x: g * (-math.pi / 180.0 * _scipy("sindg")(x)),),
}
# fmt: on


def find(ufunc: Any) -> Primitive | None:
    """Return the primitive of a ufunc of scipy.special at its first use, or None."""
    name = ufunc.__name__
    if name not in RULES or getattr(sys.modules.get(HOME), name, object) is not ufunc:
        return None
    return primitive_of(ufunc).defvjp(*RULES[name], elementwise=True)


finders.append(find)
