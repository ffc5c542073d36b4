"""Parameter: a Tensor that a module learns."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag


class Parameter(ag.Tensor):
    """A Tensor that requires gradients, and that a :class:`nn.Module` finds by its type.

    Parameters
    ----------
    data
        Anything ``np.array`` takes; it is copied.
    dtype
        float32 unless said otherwise, whatever the dtype of ``data``.
    name
        What pictures and errors call it.

    Examples
    --------
    >>> import nn
    >>> nn.Parameter([1.0, 2.0])
    Parameter([1., 2.], float32, requires_grad)
    """

    __slots__ = ()

    def __init__(self, data: Any, *, dtype: Any = np.float32, name: str | None = None) -> None:
        super().__init__(data, requires_grad=True, dtype=dtype, name=name)
