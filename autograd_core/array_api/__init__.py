"""The Python Array API standard, 2024.12, on Tensors: what ``t.__array_namespace__()`` returns.

Libraries that follow the standard ask their arguments for this namespace, so they run on Tensors
and can be differentiated: einops, opt_einsum, SciPy (``SCIPY_ARRAY_API=1``), scikit-learn
(``array_api_dispatch=True``).  Your own code does not need it: NumPy itself records on Tensors.

* Where NumPy's function of the same name follows the standard and dispatches, it *is* the function.
* Constructors, which do not dispatch, are wrapped: they make Tensors, on the device ``"cpu"``.
* A recorded Tensor stays recorded, or the call raises; no function here drops a gradient.
* Types are promoted as in NumPy, also where the standard leaves it open (an int32 array plus a
  float32 array is float64).
* The extensions ``linalg`` and ``fft`` are complete.  ``special``, which the standard only plans,
  has SciPy's ufuncs.

Examples
--------
>>> import autograd_core as ag
>>> x = ag.tensor([3.0, -4.0], requires_grad=True)
>>> xp = x.__array_namespace__()
>>> y = xp.linalg.vector_norm(xp.where(x > 0, x, 2.0 * x))
>>> y.backward()
>>> x.grad.numpy().round(4)
array([ 0.3511, -1.8727])

References
----------
Consortium for Python Data API Standards, "Python array API standard", 2024.12,
https://data-apis.org/array-api/2024.12/
"""

from typing import Any

import numpy as np

from autograd_core.array_api import _older_numpy as _older
from autograd_core.array_api import fft, linalg, special
from autograd_core.array_api._creation import (
    arange,
    asarray,
    empty,
    eye,
    from_dlpack,
    full,
    full_like,
    linspace,
    ones,
    zeros,
)
from autograd_core.array_api._data_types import DTYPES as _DTYPES
from autograd_core.array_api._data_types import (
    __array_namespace_info__,
    astype,
    can_cast,
    finfo,
    iinfo,
)
from autograd_core.array_api._functions import (
    argsort,
    broadcast_arrays,
    count_nonzero,
    diff,
    meshgrid,
    round,
    sort,
)

__all__ = [
    "__array_api_version__", "__array_namespace_info__", "abs", "acos", "acosh", "add", "all",
    "any", "arange", "argmax", "argmin", "argsort", "asarray", "asin", "asinh", "astype",
    "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert", "bitwise_left_shift",
    "bitwise_or", "bitwise_right_shift", "bitwise_xor", "bool", "broadcast_arrays",
    "broadcast_shapes", "broadcast_to", "can_cast", "ceil", "clip", "complex64", "complex128",
    "concat", "conj", "copysign", "cos", "cosh", "count_nonzero", "cumulative_prod",
    "cumulative_sum", "diff", "divide", "e", "empty", "empty_like", "equal", "exp",
    "expand_dims", "expm1", "eye", "fft", "finfo", "flip", "float32", "float64", "floor",
    "floor_divide", "from_dlpack", "full", "full_like", "greater", "greater_equal", "hypot",
    "iinfo", "imag", "inf", "int8", "int16", "int32", "int64", "isdtype", "isfinite", "isin",
    "isinf", "isnan", "less", "less_equal", "linalg", "linspace", "log", "log1p", "log2",
    "log10", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "matmul",
    "matrix_transpose", "max", "maximum", "mean", "meshgrid", "min", "minimum", "moveaxis",
    "multiply", "nan", "negative", "newaxis", "nextafter", "nonzero", "not_equal", "ones",
    "ones_like", "permute_dims", "pi", "positive", "pow", "prod", "real", "reciprocal",
    "remainder", "repeat", "reshape", "result_type", "roll", "round", "searchsorted", "sign",
    "signbit", "sin", "sinh", "sort", "special", "sqrt", "square", "squeeze", "stack", "std",
    "subtract", "sum", "take", "take_along_axis", "tan", "tanh", "tensordot", "tile", "tril",
    "triu", "trunc", "uint8", "uint16", "uint32", "uint64", "unique_all", "unique_counts",
    "unique_inverse", "unique_values", "unstack", "var", "vecdot", "where", "zeros",
    "zeros_like",
]  # fmt: skip

#: The version of the standard.
__array_api_version__ = "2024.12"

e, inf, nan, pi = np.e, np.inf, np.nan, np.pi
newaxis = None

bool = _DTYPES["bool"]
int8, int16, int32, int64 = (_DTYPES[f"int{n}"] for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (_DTYPES[f"uint{n}"] for n in (8, 16, 32, 64))
float32, float64 = _DTYPES["float32"], _DTYPES["float64"]
complex64, complex128 = _DTYPES["complex64"], _DTYPES["complex128"]

_version = np.lib.NumpyVersion(np.__version__)
_np: Any = np if _version >= "2.1.0" else _older

ceil, floor, trunc = _np.ceil, _np.floor, _np.trunc
clip, reshape, unstack = _np.clip, _np.reshape, _np.unstack
cumulative_sum, cumulative_prod = _np.cumulative_sum, _np.cumulative_prod
take_along_axis: Any = np.take_along_axis if _version >= "2.3.0" else _older.take_along_axis

# every other name of the standard is NumPy's own function, which follows it and dispatches
globals().update({_name: getattr(np, _name) for _name in __all__ if _name not in globals()})
