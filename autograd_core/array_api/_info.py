"""What the namespace tells about itself: its devices, its dtypes, what it can do."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.array_api._data_types import DTYPES
from autograd_core.array_api._device import CPU, check_device


class __array_namespace_info__:
    """The inspection utilities of the standard.

    Examples
    --------
    >>> import autograd_core.array_api as xp
    >>> info = xp.__array_namespace_info__()
    >>> info.default_dtypes()["real floating"]
    dtype('float64')
    >>> sorted(info.dtypes(kind="complex floating"))
    ['complex128', 'complex64']
    """

    def capabilities(self) -> dict[str, bool | int | None]:
        """Boolean indexing and shapes that depend on values work; so do 64 axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """Where new arrays are made."""
        return CPU

    def devices(self) -> list[str]:
        """Where new arrays may be made."""
        return [CPU]

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:
        """The dtype that each kind of number has where none is asked for."""
        check_device(device)
        return {
            "real floating": np.dtype(np.float64),
            "complex floating": np.dtype(np.complex128),
            "integral": np.dtype(np.int_),
            "indexing": np.dtype(np.intp),
        }

    def dtypes(
        self, *, device: Any = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, np.dtype[Any]]:
        """The dtypes by name; all of them, or those of a kind as in ``isdtype``."""
        check_device(device)
        if kind is None:
            return dict(DTYPES)
        return {name: dtype for name, dtype in DTYPES.items() if np.isdtype(dtype, kind)}
