"""Functions whose result carries no gradient.

Comparisons, tests, indices and roundings are piecewise constant: on Tensors they give plain,
unrecorded Tensors.
"""

from __future__ import annotations

import numpy as np

from autograd_core.engine.primitive import NON_DIFFERENTIABLE

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
        *(np.tril_indices_from, np.triu_indices_from, np.diag_indices_from),
        *(np.iterable, np.unravel_index, np.ravel_multi_index),
        *(np.gcd, np.lcm, np.left_shift, np.right_shift, np.isnat, np.bitwise_count),
        *(np.linalg.matrix_rank, np.einsum_path, np.packbits, np.unpackbits),
        *(np.save, np.savez, np.savez_compressed, np.savetxt),  # a copy in a file
    }
)
