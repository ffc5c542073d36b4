"""Elementwise functions: one line per rule.

``g`` is the cotangent of ``out``; the rule's result is the cotangent of one argument.  Forms
are chosen so that they neither overflow nor become nan where the true derivative is finite:
``-(g * out) / y`` rather than ``-g * x / y**2``, ``1 - tanh**2`` rather than ``1 / cosh**2``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_of
from autograd_core.engine.primitive import Primitive, composition, defvjp
from autograd_core.engine.recording import unwrap, wrap
from autograd_core.rules import costs
from autograd_core.rules.common import as_array, exact_composition
from autograd_core.tensors.operators import power

LN2, LN10 = math.log(2.0), math.log(10.0)
DEGREE = math.pi / 180.0


def _define(fun: Any, *rules: Any, **facts: Any) -> None:
    defvjp(fun, *rules, elementwise=True, **facts)


def _zero(g: Any, _out: Any, *_args: Any) -> Any:
    """Return 0, for an argument on which the value does not (locally) depend."""
    return np.zeros_like(g)


# -- arithmetic -----------------------------------------------------------------------------------


def _remainder_y(g: Any, _out: Any, x: Any, y: Any) -> Any:
    return -g * np.floor_divide(x, y)


def _fmod_y(g: Any, _out: Any, x: Any, y: Any) -> Any:
    return -g * np.trunc(x / y)


def _power_x(g: Any, _out: Any, x: Any, y: Any) -> Any:
    """Return y x^(y-1), and 0 for y = 0 whatever x is."""
    if isinstance(y, (int, float)):  # the common case, and it keeps float32
        if y == 2:
            return g * (2 * x)
        return g * (y * x ** (y - 1)) if y else np.zeros_like(g)
    base = np.where((x == 0) & (y == 0), 1.0, x)
    return g * (y * base ** (y - 1.0))  # y - 1 would wrap small integers


def _power_y(g: Any, out: Any, x: Any, _y: Any) -> Any:
    """Return x^y log x, and 0 at x = 0, its limit for y > 0."""
    if isinstance(x, (int, float)) and x > 0:
        return g * (out * math.log(x))
    base = np.where(x == 0, 1.0, x)
    if out.dtype.kind == "c" and base.dtype.kind != "c":
        base = base + 0j  # the logarithm of a negative number
    return g * (out * np.log(base))


def _absolute(g: Any, out: Any, x: Any) -> Any:
    """Return the sign of x; for complex x the direction conj(x) / |x|; 0 at 0."""
    if x.dtype.kind != "c":
        return g * np.sign(x)
    at_0 = out == 0
    return g * (np.where(at_0, 0.0, np.conj(x)) / np.where(at_0, 1.0, out))


# fmt: off
_define(np.add,         lambda g, _out, _x, _y: g,                  lambda g, _out, _x, _y: g, commutative=True)
_define(np.subtract,    lambda g, _out, _x, _y: g,                  lambda g, _out, _x, _y: -g)
_define(np.multiply,    lambda g, _out, _x, y: g * y,               lambda g, _out, x, _y: g * x, commutative=True)
_define(np.true_divide, lambda g, _out, _x, y: g / y,               lambda g, out, _x, y: -(g * out) / y)
_define(np.remainder,   lambda g, _out, _x, _y: g,                  _remainder_y)
_define(np.fmod,        lambda g, _out, _x, _y: g,                  _fmod_y)
_define(np.power,       _power_x,                                   _power_y)
_define(power,          _power_x,                                   _power_y)
_define(np.float_power, _power_x,                                   _power_y)
_define(np.negative,    lambda g, _out, _x: -g)
_define(np.positive,    lambda g, _out, _x: g, flops=costs.none)
_define(np.square,      lambda g, _out, x: g * (2 * x))
_define(np.reciprocal,  lambda g, out, _x: -g * (out * out))
_define(np.sqrt,        lambda g, out, _x: g * 0.5 / out)
_define(np.cbrt,        lambda g, out, _x: g / (3 * out * out))
_define(np.absolute,    _absolute)
_define(np.fabs,        lambda g, _out, x: g * np.sign(x))

# -- exponentials and logarithms ------------------------------------------------------------------

_define(np.exp,    lambda g, out, _x: g * out)
_define(np.exp2,   lambda g, out, _x: g * (out * LN2))
_define(np.expm1,  lambda g, out, _x: g * (out + 1))
_define(np.log,    lambda g, _out, x: g / x)
_define(np.log2,   lambda g, _out, x: g / (x * LN2))
_define(np.log10,  lambda g, _out, x: g / (x * LN10))
_define(np.log1p,  lambda g, _out, x: g / (1 + x))

# -- trigonometric and hyperbolic -----------------------------------------------------------------

_define(np.sin,     lambda g, _out, x: g * np.cos(x))
_define(np.cos,     lambda g, _out, x: -g * np.sin(x))
_define(np.tan,     lambda g, out, _x: g * (1 + out * out))
_define(np.arcsin,  lambda g, _out, x: g / _root_of_one_minus_square(x))
_define(np.arccos,  lambda g, _out, x: -g / _root_of_one_minus_square(x))
_define(np.arctan,  lambda g, _out, x: _over_one_plus_square(g, x))
_define(np.sinh,    lambda g, _out, x: g * np.cosh(x))
_define(np.cosh,    lambda g, _out, x: g * np.sinh(x))
_define(np.tanh,    lambda g, out, _x: g * (1 - out * out))
_define(np.arcsinh, lambda g, _out, x: g / _root_of_one_plus_square(x))
_define(np.arccosh, lambda g, _out, x: g / (np.sqrt(x - 1) * np.sqrt(x - -1)))
_define(np.arctanh, lambda g, _out, x: g / ((1 - x) * (1 + x)))
_define(np.deg2rad, lambda g, _out, _x: g * DEGREE)
_define(np.radians, lambda g, _out, _x: g * DEGREE)
_define(np.rad2deg, lambda g, _out, _x: g / DEGREE)
_define(np.degrees, lambda g, _out, _x: g / DEGREE)
# fmt: on


# On a branch cut the sign of a zero tells the side: x - -1 keeps it, where 1 + x and 1 - x do not.


def _root_of_one_minus_square(x: Any) -> Any:
    """Return sqrt(1 - x^2), which is -+i sqrt(x - 1) sqrt(x + 1) above and below the cuts."""
    if x.dtype.kind != "c":
        return np.sqrt((1 - x) * (1 + x))
    root = np.sqrt(x - 1) * np.sqrt(x - -1)
    return np.where(np.signbit(x.imag), root, -root) * 1j


def _root_of_one_plus_square(x: Any) -> Any:
    """Return sqrt(1 + x^2), without overflow for real x."""
    return np.sqrt(x * x - -1) if x.dtype.kind == "c" else np.hypot(x, 1.0)


def _over_one_plus_square(g: Any, x: Any) -> Any:
    """Return g / (1 + x^2), without overflow for real x."""
    if x.dtype.kind == "c":
        return g / (1 + x * x)
    h = np.hypot(x, 1.0)
    return g / h / h


# -- two arguments, with a kink or a scale --------------------------------------------------------


def unit(x: Any, length: Any) -> Any:
    """Return x / length, and at the origin 0, which is one of the subgradients."""
    flat = length == 0
    return np.where(flat, 0.0, x / np.where(flat, 1.0, length))


def _hypot(g: Any, out: Any, x: Any, y: Any) -> Any:
    """Return x / hypot(x, y), also where that length overflows."""
    if any_of(np.isinf(unwrap(out))):
        shrunk = np.where(np.isinf(unwrap(out)), 0.25, 1.0).astype(out.dtype)
        x, out = x * shrunk, np.hypot(x * shrunk, y * shrunk)
    return g * unit(x, out)


def _share(g: Any, wins: Any, ties: Any) -> Any:
    """Return the cotangent where an argument wins, half of it where two tie."""
    return np.where(wins, g, np.where(ties, g * 0.5, 0.0))


def difference(x: Any, y: Any) -> Any:
    """Return x - y, and 0 for equal infinities."""
    same = (x == y) & np.isinf(y)
    return np.where(same, 0.0, x) - np.where(same, 0.0, y) if any_of(same) else x - y


def _arctan2(g: Any, numerator: Any, y: Any, x: Any) -> Any:
    h = np.hypot(x, y)
    return g * (unit(numerator, h) / np.where(h == 0, 1.0, h))


# fmt: off
_define(np.maximum, lambda g, _out, x, y: _share(g, x > y, x == y),
                    lambda g, _out, x, y: _share(g, y > x, x == y), selects=True)
_define(np.minimum, lambda g, _out, x, y: _share(g, x < y, x == y),
                    lambda g, _out, x, y: _share(g, y < x, x == y), selects=True)
_define(np.fmax,    lambda g, _out, x, y: _share(g, (x > y) | np.isnan(y), x == y),
                    lambda g, _out, x, y: _share(g, (y > x) | np.isnan(x), x == y), selects=True)
_define(np.fmin,    lambda g, _out, x, y: _share(g, (x < y) | np.isnan(y), x == y),
                    lambda g, _out, x, y: _share(g, (y < x) | np.isnan(x), x == y), selects=True)
_define(np.hypot,   lambda g, out, x, y: _hypot(g, out, x, y),
                    lambda g, out, x, y: _hypot(g, out, y, x))
_define(np.arctan2, lambda g, _out, y, x: _arctan2(g, x, y, x),
                    lambda g, _out, y, x: _arctan2(-g, y, y, x))
# the shares e^x / (e^x + e^y) of both from x - y: the rounding of a large result would be e^its error
_define(np.logaddexp,  lambda g, _out, x, y: g * np.exp(-np.logaddexp(0.0, difference(y, x))),
                       lambda g, _out, x, y: g * np.exp(-np.logaddexp(0.0, difference(x, y))))
_define(np.logaddexp2, lambda g, _out, x, y: g * np.exp2(-np.logaddexp2(0.0, difference(y, x))),
                       lambda g, _out, x, y: g * np.exp2(-np.logaddexp2(0.0, difference(x, y))))
_define(np.copysign,   lambda g, _out, x, y: np.where(np.signbit(x) == np.signbit(y), g, -g), _zero)
_define(np.nextafter,  lambda g, _out, _x, _y: g, _zero)
_define(np.heaviside,  _zero, lambda g, _out, x, _h: np.where(x == 0, g, 0.0))
_define(np.ldexp,      lambda g, _out, _x, n: np.ldexp(g, n), None)

# -- two results ----------------------------------------------------------------------------------

_define(np.modf,   lambda g, _out, _x: g[0])
_define(np.frexp,  lambda g, out, _x: np.ldexp(g[0], -out[1]))
_define(np.divmod, lambda g, _out, _x, _y: g[1], lambda g, out, _x, _y: -g[1] * out[0])

# -- complex numbers ------------------------------------------------------------------------------

_define(np.conjugate, lambda g, _out, _x: np.conj(g), flops=costs.none)
_define(np.real,      lambda g, _out, _x: g, kind="view")
_define(np.imag,      lambda g, _out, _x: g * -1j, kind="view")
_define(np.angle,     lambda g, _out, z, deg=False: g * np.where(z == 0, 0.0, -1j / DEGREE if deg else -1j)
                      / np.where(z == 0, 1.0, z))
# fmt: on


def _phase(g: Any, out: Any, z: Any) -> Any:
    """Return the derivative of z / |z|, which depends on the direction of z alone; 0 at 0."""
    return np.conj(out) * ((g * out).imag * 1j) / np.where(z == 0, 1.0, np.absolute(z))


phase = Primitive(np.sign, "sign").defvjp(_phase, elementwise=True)


@composition(np.sign)
def _sign(x: Any, **options: Any) -> Any:
    """Return the sign of real numbers (unrecorded), or the phase of complex ones."""
    if x.dtype.kind == "c":
        return phase(x, **options)
    return wrap(np.sign(unwrap(x), **unwrap(options)))


# -- choosing -------------------------------------------------------------------------------------

defvjp(
    np.where,
    None,
    lambda g, _out, c, _x, _y: np.where(c, g, 0.0),
    lambda g, _out, c, _x, _y: np.where(c, 0.0, g),
    elementwise=True,
    selects=True,
    flops=costs.none,
)


def _inside(x: Any, low: Any, high: Any) -> Any:
    """Return whether x passes; at a bound it does."""
    inside = x == x
    if low is not None:
        inside = inside & (x >= low)
    return inside if high is None else inside & (x <= high)


def _clip_low(g: Any, _out: Any, x: Any, low: Any, high: Any) -> Any:
    taken = x < low
    return np.where(taken if high is None else taken & (low <= high), g, 0.0)


def _clip_high(g: Any, _out: Any, x: Any, low: Any, high: Any) -> Any:
    taken = x > high
    return np.where(taken if low is None else taken | (low > high), g, 0.0)


clip = Primitive(lambda x, low, high: np.clip(x, low, high), "clip").defvjp(
    lambda g, _out, x, low, high: np.where(_inside(x, low, high), g, 0.0),
    _clip_low,
    _clip_high,
    elementwise=True,
    selects=True,
)


@composition(np.clip)
def _np_clip(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    return clip(a, a_min if min is None else min, a_max if max is None else max)


def _nan_to_num(
    g: Any, _out: Any, x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None,
    neginf: Any = None,
) -> Any:  # fmt: skip
    """Return g where a number is finite; of complex numbers each part is replaced by itself."""
    if x.dtype.kind != "c":
        return np.where(np.isfinite(x), g, 0.0)
    real = np.where(np.isfinite(x.real), g.real, 0.0)
    return real + np.where(np.isfinite(x.imag), g.imag, 0.0) * 1j


_define(np.nan_to_num, _nan_to_num, selects=True)


# -- functions that leave the real numbers where they must ----------------------------------------


def _extended(name: str, outside: Any) -> None:
    """Compose a function of ``np.emath``: the plain one, of complex numbers if some lie outside."""
    plain = getattr(np, name, None)

    def wide(x: Any) -> Any:
        x = as_array(x)
        if x.dtype.kind == "c" or not any_of(outside(unwrap(x))):
            return x
        return x.astype(np.result_type(x.dtype, np.complex64))

    def composed(x: Any, *exponent: Any) -> Any:
        if plain is None:  # logn(n, x)
            return np.log(wide(exponent[0])) / np.log(wide(x))
        return plain(wide(x), *exponent)

    exact_composition(getattr(np.emath, name))(composed)


for _name in ("sqrt", "log", "log2", "log10", "logn", "power"):
    _extended(_name, lambda x: x < 0)
for _name in ("arcsin", "arccos", "arctanh"):
    _extended(_name, lambda x: abs(x) > 1)
