"""Awkward: elementwise functions with right slopes, at kinks, edges, extreme scales and noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.gradcheck_quality.entry import Entry, P, X, phasors, positive, sample, sigmoid

KINKED = X * (np.arange(12).reshape(3, 4) % 4 != 1)  # a zero in each row
AT_ONE = np.where(np.arange(12).reshape(3, 4) % 5 == 2, np.sign(X), X)  # three at 1 or -1
STEEP = positive(3, 4, seed=200)
Z = phasors(3, 4, seed=201)
READ_ONLY = sample(3, 4, seed=202)
READ_ONLY.setflags(write=False)
KNOTS, LEVELS = np.array([-2.5, -1.0, 0.0, 1.0, 2.5]), np.array([0.5, -1.0, 2.0, 0.3, 1.7])


def checked(x: Any) -> Any:
    """Logarithm of positive numbers, with an error for others."""
    if np.any(np.asarray(x) <= 0):
        raise ValueError("positive numbers were expected")
    return np.log(x)


def newton_root(x: Any) -> Any:
    """The square root by Newton's method, from a crude start."""
    if np.any(np.asarray(x) <= 0):
        raise ValueError("positive numbers were expected")
    y = 0.5 * (1 + x)
    for _ in range(40):
        y = 0.5 * (y + x / y)
    return y


def cubic_root(x: Any) -> Any:
    """The solution y of y + y**3 = x, by Newton's method."""
    y = np.sign(x) * np.minimum(np.abs(x), np.cbrt(np.abs(x)))
    for _ in range(40):
        y = y - (y + y**3 - x) / (1 + 3 * y * y)
    return y


def polyline(x: Any) -> Any:
    return np.interp(x, KNOTS, LEVELS).astype(x.dtype)


def polyline_slope(x: Any, _out: Any) -> Any:
    """The slope on the right of a knot, 0 outside."""
    slopes = np.concatenate([[0], np.diff(LEVELS) / np.diff(KNOTS), [0]])
    return slopes[np.searchsorted(KNOTS, x, "right")].astype(x.dtype)


def single(x: Any) -> Any:
    return np.tanh(np.asarray(x, np.float32)).astype(x.dtype)


def log_of_the_positive(x: Any) -> Any:
    """log(1 + x) for positive numbers and 0 for the others, without a warning."""
    return np.where(x > 0, np.log1p(np.where(x > 0, x, 0)), 0 * x)


def huber(x: Any) -> Any:
    return np.where(np.abs(x) <= 1, 0.5 * x * x, np.abs(x) - 0.5)


def only_float64(x: Any) -> Any:
    if x.dtype != np.float64:
        raise TypeError("float64 was expected")
    return np.sin(x)


Slope = Callable[[Any, Any], Any]
CASES: list[tuple[str, str, Callable[[Any], Any], Slope, np.ndarray[Any, Any]]] = [
    ("relu at 0, slope 0", "kink", lambda x: np.maximum(x, 0), lambda x, y: x > 0, KINKED),
    ("relu at 0, slope 1", "kink", lambda x: np.maximum(x, 0), lambda x, y: x >= 0, KINKED),
    ("abs at 0", "kink", np.abs, lambda x, y: np.sign(x), KINKED),
    (
        "leaky relu at 0",
        "kink",
        lambda x: np.where(x > 0, x, x / 8),
        lambda x, y: np.where(x > 0, 1, 0.125).astype(x.dtype),
        KINKED,
    ),
    (
        "relu at 0, half a slope",
        "kink",
        lambda x: np.maximum(x, 0),
        lambda x, y: np.heaviside(x, 0.5).astype(x.dtype),
        KINKED,
    ),
    (
        "clip at its bounds, slope 1",
        "kink",
        lambda x: np.clip(x, -1, 1),
        lambda x, y: np.abs(x) <= 1,
        AT_ONE,
    ),
    (
        "clip at its bounds, slope 0",
        "kink",
        lambda x: np.clip(x, -1, 1),
        lambda x, y: np.abs(x) < 1,
        AT_ONE,
    ),
    (
        "hinge at its margin",
        "kink",
        lambda x: np.maximum(1 - x, 0),
        lambda x, y: np.where(x < 1, -1, 0).astype(x.dtype),
        AT_ONE,
    ),
    ("huber at its joint", "kink", huber, lambda x, y: np.clip(x, -1, 1), AT_ONE),
    ("polyline at its knots", "kink", polyline, polyline_slope, AT_ONE),
    ("polyline between its knots", "kink", polyline, polyline_slope, 0.9 * X),
    (
        "soft threshold at its corner",
        "kink",
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 1, 0),
        lambda x, y: np.abs(x) > 1,
        AT_ONE,
    ),
    ("square root near 0", "near-an-edge", np.sqrt, lambda x, y: 0.5 / y, 1e-10 * P),
    (
        "three halves power at 0",
        "near-an-edge",
        lambda x: x * np.sqrt(x),
        lambda x, y: 1.5 * np.sqrt(x),
        P * (P > 0.7),
    ),
    ("logarithm near 0", "near-an-edge", np.log, lambda x, y: 1 / x, 1e-12 * P),
    (
        "arcsine near 1",
        "near-an-edge",
        np.arcsin,
        lambda x, y: 1 / np.sqrt((1 - x) * (1 + x)),
        1 - 1e-9 * P,
    ),
    (
        "arccosh near 1",
        "near-an-edge",
        np.arccosh,
        lambda x, y: 1 / np.sqrt((x - 1) * (x + 1)),
        1 + 1e-6 * P,
    ),
    ("reciprocal near 0", "near-an-edge", np.reciprocal, lambda x, y: -y * y, 1e-6 * X),
    (
        "tiny inputs",
        "scale",
        lambda x: np.sin(1e12 * x),
        lambda x, y: 1e12 * np.cos(1e12 * x),
        1e-12 * X,
    ),
    (
        "huge inputs",
        "scale",
        lambda x: np.sin(1e-12 * x),
        lambda x, y: 1e-12 * np.cos(1e-12 * x),
        1e12 * X,
    ),
    (
        "tiny outputs",
        "scale",
        lambda x: 1e-12 * np.tanh(x),
        lambda x, y: 1e-12 / np.cosh(x) ** 2,
        X,
    ),
    ("huge outputs", "scale", lambda x: 1e12 * np.tanh(x), lambda x, y: 1e12 / np.cosh(x) ** 2, X),
    ("exp of 50", "scale", np.exp, lambda x, y: y, 50 + X),
    ("exp of minus 300", "scale", np.exp, lambda x, y: y, X - 300),
    ("saturated sigmoid", "scale", sigmoid, lambda x, y: sigmoid(x) * sigmoid(-x), 20 * X),
    (
        "inputs of twelve decades",
        "scale",
        lambda x: np.log(np.abs(x)),
        lambda x, y: 1 / x,
        X * np.logspace(-6, 6, 12).reshape(3, 4),
    ),
    (
        "fast oscillation",
        "noise",
        lambda x: np.sin(1000 * x),
        lambda x, y: 1000 * np.cos(1000 * x),
        X,
    ),
    (
        "identity by cancellation",
        "noise",
        lambda x: (x + 1e6) - 1e6,
        lambda x, y: np.ones_like(x),
        X,
    ),
    (
        "square by cancellation",
        "noise",
        lambda x: (x + 1e3) ** 2 - 2e3 * x - 1e6,
        lambda x, y: 2 * x,
        X,
    ),
    ("tanh inside float32", "noise", single, lambda x, y: 1 - np.tanh(x) ** 2, X),
    ("floor", "step", np.floor, lambda x, y: np.zeros_like(x), X),
    ("sign", "step", np.sign, lambda x, y: np.zeros_like(x), X),
    (
        "rounding to eighths",
        "step",
        lambda x: np.round(8 * x) / 8,
        lambda x, y: np.zeros_like(x),
        X,
    ),
    ("remainder of one", "step", lambda x: x % 1, lambda x, y: np.ones_like(x), X),
    (
        "constant function",
        "constant",
        lambda x: np.full_like(x, 0.7),
        lambda x, y: np.zeros_like(x),
        X,
    ),
    ("positive numbers only", "refuses", checked, lambda x, y: 1 / x, P),
    ("float64 only", "refuses", only_float64, lambda x, y: np.cos(x), X),
    ("square root by iteration", "implicit", newton_root, lambda x, y: 0.5 / y, P),
    ("root of a cubic by iteration", "implicit", cubic_root, lambda x, y: 1 / (1 + 3 * y * y), X),
    (
        "logarithm where it is defined",
        "kink",
        log_of_the_positive,
        lambda x, y: np.where(x > 0, 1 / (1 + np.where(x > 0, x, 0)), 0).astype(x.dtype),
        X,
    ),
    ("read-only input", "layout", np.tanh, lambda x, y: 1 - y * y, READ_ONLY),
    ("strided input", "layout", np.tanh, lambda x, y: 1 - y * y, sample(6, 8, seed=203)[::2, ::-2]),
    ("empty input", "size", np.tanh, lambda x, y: 1 - y * y, np.zeros((0, 4))),
    ("0-d input", "size", np.tanh, lambda x, y: 1 - y * y, np.array(0.7)),
    ("size-1 input", "size", np.tanh, lambda x, y: 1 - y * y, np.array([[0.7]])),
    ("complex exp", "complex", np.exp, lambda x, y: np.conj(y), Z),
    ("complex tanh", "complex", np.tanh, lambda x, y: np.conj(1 - y * y), Z),
    ("complex squared modulus", "complex", lambda z: z.real**2 + z.imag**2, lambda x, y: 2 * x, Z),
]


def entry(name: str, kind: str, f: Callable[[Any], Any], slope: Slope, x: Any) -> Entry:
    def backward(g: Any, out: Any, x: Any) -> Any:
        return g * slope(x, out)

    return Entry(
        name.replace(" ", "-").replace(",", ""), kind, (f, backward), (x,), signature="()->()"
    )


ENTRIES: list[Entry] = [entry(*case) for case in CASES]
