"""The directions along which a gradient is compared with slopes, where not one for each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.checking.evaluation_point import Point

Array = np.ndarray[Any, Any]


def random_directions(point: Point, count: int) -> Array:
    shape = (count, point.x.size)
    d = point.rng.uniform(0.5, 1.0, shape) * point.rng.choice([-1.0, 1.0], shape)
    return np.where(np.isfinite(point.at), d, 0.0)


def tie_directions(point: Point) -> Array:
    """Along these, max, sort and their kin are smooth also where elements are equal.

    All elements together, all of each input, and each group of equal elements.
    """
    at, real = point.at, _real(point)
    rows = []
    for i in range(len(point.x.shapes)):
        span = point.x.span(i)
        inside = np.zeros(at.shape, bool)
        inside[span] = True
        rows.append(inside & real)
    rows.append(real)
    return _distinct([*rows, *tied_groups(point).astype(bool)], at.size)


def tied_groups(point: Point) -> Array:
    """The directions along which a group of equal elements moves together."""
    at, real = point.at, _real(point)
    values, counts = np.unique(at[real], return_counts=True)
    return _distinct([(at == v) & real for v in values[counts > 1][:4]], at.size)


def _real(point: Point) -> Array:
    """The coordinates that are finite, and no imaginary parts."""
    real = np.isfinite(point.at)
    for i, dtype in enumerate(point.x.dtypes):
        if dtype.kind == "c":
            span = point.x.span(i)
            real[span.start + 1 : span.stop : 2] = False
    return real


def _distinct(rows: list[Array], size: int) -> Array:
    unique = {row.tobytes(): row for row in rows if row.sum() > 1}
    return np.array(list(unique.values()), float).reshape(len(unique), size)
