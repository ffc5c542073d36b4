"""Dask arrays for the tests, and a check that none is computed too early."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

dask = pytest.importorskip("dask", reason="Dask is not installed")
da = pytest.importorskip("dask.array", reason="Dask's arrays are not installed")


class Computed(Exception):
    """Something was computed while the graph was still being made."""


def _forbid(*args: Any, **kwargs: Any) -> Any:
    raise Computed


def uncomputed() -> AbstractContextManager[Any]:
    """Inside it, whoever asks for values gets :class:`Computed`."""
    return dask.config.set(scheduler=_forbid)  # type: ignore[no-any-return]


def chunked(a: Any) -> Any:
    """Two chunks along every axis."""
    return da.from_array(a, chunks=tuple(max(1, (n + 1) // 2) for n in np.shape(a)))


def whole(a: Any) -> Any:
    """One chunk, for functions that Dask has for no other."""
    return da.from_array(a, chunks=-1)


def values(a: Any) -> Any:
    """The values, now."""
    return a.compute(scheduler="sync")
