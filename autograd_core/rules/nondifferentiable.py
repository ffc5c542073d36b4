"""Functions whose result carries no gradient, and constructors that may carry one.

Comparisons, tests, indices and roundings are piecewise constant: on Tensors they give plain,
unrecorded Tensors.  What would copy a recorded value into a plain array raises.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.primitive import NON_DIFFERENTIABLE, composition
from autograd_core.engine.recording import TensorBase, any_tracked, stack_nested, unwrap, wrap
from autograd_core.errors import ConversionError

NON_DIFFERENTIABLE.update(
    {
        *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
        *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
        *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert),
        *(np.isnan, np.isinf, np.isfinite, np.signbit, np.isreal, np.iscomplex),
        *(np.isneginf, np.isposinf, np.isrealobj, np.iscomplexobj),
        *(np.floor, np.ceil, np.trunc, np.rint, np.fix, np.round, np.around),
        *(np.floor_divide, np.spacing),
        *(np.argmax, np.argmin, np.argsort, np.argpartition, np.argwhere, np.nonzero),
        *(np.nanargmax, np.nanargmin, np.flatnonzero, np.lexsort, np.searchsorted, np.digitize),
        *(np.count_nonzero, np.any, np.all, np.isin),
        *(np.isclose, np.allclose, np.array_equal, np.array_equiv),
        *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.min_scalar_type),
        *(np.common_type, np.may_share_memory, np.shares_memory),
        *(np.zeros_like, np.ones_like, np.empty_like),
        *(np.array_repr, np.array_str, np.array2string),
        *(np.histogram_bin_edges, np.tril_indices_from, np.triu_indices_from),
        *(np.diag_indices_from, np.iterable, np.ix_, np.unravel_index, np.ravel_multi_index),
        *(np.gcd, np.lcm, np.left_shift, np.right_shift, np.isnat, np.bitwise_count),
        *(np.linalg.matrix_rank, np.einsum_path, np.packbits, np.unpackbits),
        *(np.save, np.savez, np.savez_compressed, np.savetxt),  # a copy in a file
    }
)


@composition(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if not isinstance(dst, TensorBase):
        raise ConversionError(
            "np.copyto, np.full_like or np.full into a plain array would lose the gradient of a "
            "recorded Tensor; make the array from the Tensor: np.broadcast_to(t, shape), or "
            "np.full(shape, t, like=t)"
        )
    target: Any = dst
    target[...] = src if where is True else np.where(where, src, target)


@composition(np.full_like)
def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """Of the prototype's dtype: a gradient passes if that is a floating-point one."""
    prototype: Any = unwrap(a)
    like = np.zeros_like(prototype, dtype=dtype, shape=shape)
    if like.dtype.kind not in "fc" or not any_tracked([fill_value]):
        filled = np.zeros_like(prototype, dtype=like.dtype, shape=shape) + unwrap(fill_value)
        return wrap(filled.astype(like.dtype))
    return np.broadcast_to(stack_nested(fill_value), like.shape).astype(like.dtype, copy=False)


@composition(np.full)
def _full(
    shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, device: Any = None
) -> Any:
    filled = np.broadcast_to(fill_value, shape)
    return filled if dtype is None else filled.astype(dtype)


@composition(np.array)
def _array(
    object: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
) -> Any:
    t = stack_nested(object)
    if dtype is not None:
        t = t.astype(dtype)
    return t if t.ndim >= ndmin else t.reshape((1,) * (ndmin - t.ndim) + t.shape)


@composition(np.asarray)
def _asarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None
) -> Any:
    t = stack_nested(a)
    return t if dtype is None else t.astype(dtype)
