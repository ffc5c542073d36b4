"""NumPy's spelling of the operations that PyTorch does not differentiate: values are compared.

The functions get recorded Tensors all the same, so that none is refused or wrong on them.
"""

import numpy as np
from scipy import special

import autograd_core as ag
from tests.autograd_core.rules.pytorch_samples.mapping_nn import only


# fmt: off
def over(f):
    """Return a reduction that gives no gradient."""
    return lambda x, dim=None, keepdim=False: f(x, axis=tuple(dim) if isinstance(dim, list) else dim if dim != () and x.ndim else None, keepdims=keepdim)

def arg(f):
    return lambda x, dim=None, keepdim=False: f(x, axis=dim if x.ndim else None, keepdims=keepdim)

def argsort(x, dim=-1, descending=False, stable=False):
    only(x.ndim and stable)
    return np.argsort(-x if descending else x, dim, stable=True)

def unique(x, sorted=True, return_inverse=False, return_counts=False, dim=None):
    only(not return_inverse and not return_counts and sorted)
    return np.unique(x, axis=dim)

def searchsorted(x, v, out_int32=False, right=False, side=None, sorter=None):
    only(x.ndim == 1)
    return np.searchsorted(x, v, side or ("right" if right else "left"), sorter)

def rank(x, atol=None, rtol=None, hermitian=False):
    only(atol is None and np.ndim(rtol) == 0)
    return np.linalg.matrix_rank(x, hermitian=hermitian, **({} if rtol is None else {"rtol": rtol}))

constant_first = lambda f: lambda a, x: f(ag.stop_gradient(a), x)  # which none differentiates
like = lambda f: lambda x, dtype=None, **_: f(x, dtype=dtype)
new = lambda f: lambda x, shape, dtype=None, **_: f(x, dtype=dtype, shape=shape)
VALUES = {
    **{name: getattr(np, name) for name in "floor_divide heaviside signbit isfinite isinf isposinf isneginf isreal isnan logical_not logical_and logical_or logical_xor argwhere".split()},
    **{t: getattr(np, n) for t, n in (("eq", "equal"), ("ne", "not_equal"), ("lt", "less"), ("le", "less_equal"), ("gt", "greater"), ("ge", "greater_equal"), ("equal", "array_equal"), ("isclose", "isclose"), ("allclose", "allclose"), ("isin", "isin"))},
    "igamma": constant_first(special.gammainc), "igammac": constant_first(special.gammaincc), "special.zeta": constant_first(special.zeta),
    **{f"special.bessel_{n}": getattr(special, n) for n in ("j0", "j1", "y0", "y1")}, **{f"special.modified_bessel_{n}": getattr(special, n) for n in ("i0", "i1", "k0", "k1")},
    **{t: (lambda x, n=n, **_: x.astype(n)) for t, n in (("bool", "?"), ("byte", "u1"), ("char", "i1"), ("int", "i4"), ("long", "i8"), ("short", "i2"))},
    "zeros_like": like(np.zeros_like), "ones_like": like(np.ones_like), "full_like": lambda x, v, dtype=None, **_: np.full_like(x, v, dtype=dtype),
    "new_zeros": new(np.zeros_like), "new_ones": new(np.ones_like), "new_full": lambda x, shape, v, dtype=None, **_: np.full_like(x, v, dtype=dtype, shape=shape),
    "all": over(np.all), "any": over(np.any), "count_nonzero": lambda x, dim=None: over(np.count_nonzero)(x, dim), "argmax": arg(np.argmax), "argmin": arg(np.argmin), "argsort": argsort,
    "masked.argmax": lambda x, dim=None, keepdim=False, dtype=None, mask=None: arg(np.argmax)(x if mask is None else np.where(mask, x, -np.inf), dim, keepdim),
    "masked.argmin": lambda x, dim=None, keepdim=False, dtype=None, mask=None: arg(np.argmin)(x if mask is None else np.where(mask, x, np.inf), dim, keepdim),
    "nonzero": lambda x, as_tuple=False: np.nonzero(x) if as_tuple else np.argwhere(x), "unique": unique, "searchsorted": searchsorted,
    "bucketize": lambda x, edges, out_int32=False, right=False: np.digitize(x, edges, right=not right), "item": lambda x: x.item(), "linalg.matrix_rank": rank,
}
# fmt: on
