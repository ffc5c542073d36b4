"""Where elementary functions are defined, and where they have kinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Interval = tuple[float, float]

INF = float("inf")
ALL: Interval = (-INF, INF)
POSITIVE: Interval = (0.0, INF)
UNIT: Interval = (-1.0, 1.0)

#: By function and input: the interval in which the value is a real number.
DOMAINS: dict[Callable[..., Any], tuple[Interval, ...]] = {
    np.sqrt: (POSITIVE,),
    np.log: (POSITIVE,),
    np.log2: (POSITIVE,),
    np.log10: (POSITIVE,),
    np.log1p: ((-1.0, INF),),
    np.arcsin: (UNIT,),
    np.arccos: (UNIT,),
    np.arctanh: (UNIT,),
    np.arccosh: ((1.0, INF),),
    np.power: (POSITIVE, ALL),
    np.float_power: (POSITIVE, ALL),
}

_ONE = np.array([1.0])
_ZERO = np.array([0.0])

#: By function: arguments at which the slopes of the two sides differ.
KINKS: dict[Callable[..., Any], tuple[tuple[Any, ...], ...]] = {
    np.absolute: ((_ZERO,),),
    np.fabs: ((_ZERO,),),
    np.maximum: ((_ONE, _ONE),),
    np.minimum: ((_ONE, _ONE),),
    np.fmax: ((_ONE, _ONE),),
    np.fmin: ((_ONE, _ONE),),
    np.hypot: ((_ZERO, _ZERO),),
    np.max: ((np.array([3.0, 1.0, 3.0, 3.0]),),),
    np.min: ((np.array([1.0, 3.0, 1.0]),),),
    np.sort: ((np.array([2.0, 1.0, 2.0]),),),
}
