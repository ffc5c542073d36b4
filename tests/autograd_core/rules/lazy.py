"""Dask arrays for the tests, and a check that none is computed too early."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

dask = pytest.importorskip("dask", reason="Dask is not installed")
da = pytest.importorskip("dask.array", reason="Dask's arrays are not installed")


class Computed(Exception):
    """Error: something was computed while the graph was still being made."""


def _forbid(*args: Any, **kwargs: Any) -> Any:
    raise Computed


def uncomputed() -> AbstractContextManager[Any]:
    """Raise :class:`Computed` inside wherever values are computed."""
    return dask.config.set(scheduler=_forbid)  # type: ignore[no-any-return]


def chunked(a: Any) -> Any:
    """Return a Dask array of two chunks along every axis."""
    return da.from_array(a, chunks=tuple(max(1, (n + 1) // 2) for n in np.shape(a)))


def whole(a: Any) -> Any:
    """Return a Dask array of one chunk, for functions that Dask supports only so."""
    return da.from_array(a, chunks=-1)


def values(a: Any) -> Any:
    """Return the computed values."""
    return a.compute(scheduler="sync")
