"""The NumPy spelling of PyTorch's operations: what takes a sample's arguments, by name.

A function takes what PyTorch's takes, as arrays.  It raises, on plain arrays too, where NumPy has
no such keyword.  Losses and layers are in ``mapping_nn.py``.
"""
# ruff: noqa: A006  (PyTorch's names of parameters)

import itertools
import math

import numpy as np
from scipy import special

import autograd_core as ag
from tests.autograd_core.rules.pytorch_samples.mapping_nn import NN, only
from tests.autograd_core.rules.pytorch_samples.mapping_values import VALUES

# fmt: off
L, F = np.linalg, np.fft

def axes(dim, x=None):
    """Return the axes of a reduction: none at all means all of them, and a number has none."""
    if dim is None or dim in ((), []) or (x is not None and x.ndim == 0):
        return None
    return tuple(dim) if isinstance(dim, list) else dim

def given(**options):
    """Return the options that are not None."""
    return {k: v for k, v in options.items() if v is not None}

def reduced(f):
    """Return a reduction under PyTorch's names of the keywords."""
    return lambda x, dim=None, keepdim=False, dtype=None: f(
        x, axis=axes(dim, x), keepdims=keepdim, **given(dtype=dtype)
    )

def running(f):
    """Return a function that keeps the shape, also of a number."""
    return lambda x, dim, dtype=None: f(np.atleast_1d(x), dim, **given(dtype=dtype)).reshape(x.shape)

def masked(f, neutral=None):
    """Return a reduction over the elements that a mask lets through: NumPy's ``where=``."""
    def masked_reduction(x, dim=None, keepdim=False, dtype=None, mask=None):
        x = x if dtype is None else x.astype(dtype)
        options = {} if mask is None else {"where": mask, **given(initial=neutral)}
        return f(x, axis=axes(dim, x), keepdims=keepdim, **options)
    return masked_reduction

def spread(f):
    """Return ``var`` or ``std`` with PyTorch's spellings of ``ddof``."""
    def of(x, dim=None, unbiased=None, keepdim=False, *, correction=None, mask=None):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        ddof = (unbiased is not False) if correction is None else correction
        return f(x, axis=axes(dim, x), ddof=ddof, keepdims=keepdim, **given(where=mask))
    return of

def transposed(x):
    return np.swapaxes(x, -1, -2)

def adjoint(x):
    return np.conj(transposed(x))

def triangle(x, upper, unit=False):
    t = (np.triu if upper else np.tril)(x, (1 if upper else -1) if unit else 0)
    return t + np.eye(x.shape[-1], dtype=x.dtype) if unit else t

def product(x, upper):
    """Return the matrix of a Cholesky factor."""
    return adjoint(x) @ x if upper else x @ adjoint(x)

def shape_of(*sizes):
    """Return the shape of ``view(2, 3)``, ``view((2, 3))`` and ``view(6)``."""
    return tuple(sizes[0]) if sizes and isinstance(sizes[0], (tuple, list)) else sizes

def expand(x, *sizes):
    shape = shape_of(*sizes)
    lead = len(shape) - x.ndim
    return np.broadcast_to(x, [x.shape[i - lead] if n == -1 else n for i, n in enumerate(shape)])

def sum_to_size(x, *sizes):
    shape = shape_of(*sizes)
    lead = x.ndim - len(shape)
    at = [i for i, n in enumerate(x.shape) if i < lead or shape[i - lead] != n]
    return np.sum(x, axis=tuple(at), keepdims=True).reshape(shape)

def flatten(x, start_dim=0, end_dim=-1):
    shape = x.shape or (1,)
    first, last = start_dim % len(shape), end_dim % len(shape)
    return np.reshape(x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))

def unflatten(x, dim, sizes):
    at = dim % x.ndim
    return np.reshape(x, (*x.shape[:at], *sizes, *x.shape[at + 1 :]))

def block_diag(*blocks):
    blocks = tuple(np.atleast_2d(b) for b in blocks)
    zero = lambda a, b: np.zeros((a.shape[0], b.shape[1]), a.dtype)
    return np.block([[b if i == j else zero(a, b) for j, b in enumerate(blocks)] for i, a in enumerate(blocks)])

def combinations(x, r=2, with_replacement=False):
    chosen = (itertools.combinations_with_replacement if with_replacement else itertools.combinations)(range(len(x)), r)
    return x[np.array(list(chosen), dtype=int).reshape(-1, r)]

def at(dim, index, ndim):
    """Return the index that takes ``index`` along an axis."""
    return (slice(None),) * (dim % max(ndim, 1)) + (index,)

def written(x, where, value):
    """Return a copy with ``copy[where] = value``."""
    out = x.copy()
    out[where] = value
    return out

def accumulated(x, where, value):
    """Return a copy to which values are added, also several at one place."""
    return ag.scatter_add(x, where, value)

def along(x, dim, index):
    """Return the open mesh that indexes ``x`` as ``gather`` and ``scatter`` do."""
    mesh = list(np.ix_(*map(range, index.shape)))
    mesh[dim % x.ndim] = index
    return tuple(mesh)

def scatter(x, dim, index, src, reduce=None):
    only(reduce in (None, "add"))
    if x.ndim == 0:
        only(index.size == 1)
        value = src.reshape(()) if np.ndim(src) else src
        return x + value if reduce else written(x, (), value)
    if np.ndim(src):
        src = src[tuple(slice(n) for n in index.shape)]
    elif reduce:
        src = np.full(index.shape, src, x.dtype)
    return (accumulated if reduce else written)(x, along(x, dim, index), src)

def scatter_sum(x, dim, index, src, reduce, include_self=True):
    if not include_self:
        x = scatter(x, dim, index, 0.0)
    return scatter(x, dim, index, src, "add")

def gather(x, dim, index):
    return np.atleast_1d(x)[along(np.atleast_1d(x), dim, np.atleast_1d(index))].reshape(index.shape)

def index_add(x, dim, index, source, alpha=1):
    if x.ndim == 0:
        return x + alpha * source
    return accumulated(x, at(dim, index, x.ndim), alpha * source)

def index_write(x, dim, index, value):
    if x.ndim == 0:
        return written(x, (), value)
    return written(x, at(dim, np.atleast_1d(index), x.ndim), value)

def put(x, index, source, accumulate=False):
    flat, index, source = x.reshape(-1), index.reshape(-1), source.reshape(-1)
    if accumulate:
        return accumulated(flat, index, source).reshape(x.shape)
    return ag.put(x, index, source)

def masked_scatter(x, mask, source):
    x, mask = np.broadcast_arrays(x, mask)
    return ag.place(x, np.asarray(mask), source.reshape(-1)[: np.count_nonzero(mask)])

def as_slice(x, dim=0, start=None, end=None, step=1):
    return at(dim, slice(start, end, step), x.ndim)

def narrow(x, dim, start, n):
    first = int(start) % max(x.shape[dim], 1) if start < 0 else int(start)
    return x[at(dim, slice(first, first + n), x.ndim)]

def diagonal_write(x, src, offset=0, dim1=0, dim2=1):
    out = np.moveaxis(x, (dim1, dim2), (0, 1)).copy()
    n = min(out.shape[0] + min(offset, 0), out.shape[1] - max(offset, 0))
    i = np.arange(n)
    out[i - min(offset, 0), i + max(offset, 0)] = np.moveaxis(src, -1, 0)
    return np.moveaxis(out, (0, 1), (dim1, dim2))

def diag_embed(x, offset=0, dim1=-2, dim2=-1):
    n = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], n, n), x.dtype)
    i = np.arange(x.shape[-1])
    return np.moveaxis(written_zeros(out, (..., i - min(offset, 0), i + max(offset, 0)), x), (-2, -1), (dim1, dim2))

def written_zeros(zeros, where, value):
    return written(zeros if isinstance(value, np.ndarray) else ag.tensor(zeros), where, value)

def split(x, size, dim=0):
    at = range(size, x.shape[dim], size) if isinstance(size, int) else np.cumsum(size)[:-1]
    return np.split(x, list(at), dim)

def windows(x, dim, size, step):
    if x.ndim == 0:
        return np.reshape(x, (size,))
    every = np.lib.stride_tricks.sliding_window_view(x, size, axis=dim)
    return every[at(dim, slice(None, None, step), x.ndim)]

def quantile(f):
    return lambda x, q, dim=None, keepdim=False, interpolation="linear": f(
        x, q, axis=axes(dim, x), keepdims=keepdim, method=interpolation
    )

def lower_median(f):
    return lambda x, dim=None, keepdim=False: f(x, 0.5, axis=axes(dim, x), keepdims=keepdim, method="lower")

def sort(x, dim=-1, descending=False, stable=None):
    if x.ndim == 0:
        return sort(x.reshape(1), 0, descending).reshape(())
    return -np.sort(-x, dim, stable=True) if descending else np.sort(x, dim, stable=True)

def topk(x, k, dim=-1, largest=True, sorted=True):
    only(sorted)
    return sort(x, dim, largest)[at(dim, slice(k), x.ndim)] if x.ndim else x

def kthvalue(x, k, dim=-1, keepdim=False):
    if x.ndim == 0:
        return x
    return np.take(np.partition(x, k - 1, dim), [k - 1] if keepdim else k - 1, dim)

def dist(x, y, p=2):
    return L.norm(np.ravel(x - y), p)

def vector_norm(x, ord=2, dim=None, keepdim=False, dtype=None):
    x = x if dtype is None else x.astype(dtype)
    return L.vector_norm(x, axis=axes(dim, x), keepdims=keepdim, ord=ord)

def norm(x, ord=None, dim=None, keepdim=False, dtype=None):
    x = x if dtype is None else x.astype(dtype)
    dim = tuple(dim) if isinstance(dim, list) else dim
    if ord is None and dim is None:
        return L.vector_norm(x, keepdims=keepdim)
    return L.norm(x, ord, axis=dim, keepdims=keepdim)

def old_norm(x, p="fro", dim=None, keepdim=False, dtype=None):
    if isinstance(p, str) and (p == "nuc" or dim is not None):
        return norm(x, p, dim, keepdim, dtype)
    return vector_norm(x, 2 if p == "fro" else p, dim, keepdim, dtype)

def renorm(x, p, dim, maxnorm):
    others = tuple(i for i in range(x.ndim) if i != dim % x.ndim)
    n = L.vector_norm(x, axis=others, keepdims=True, ord=p)
    return x * np.where(n > maxnorm, maxnorm / (n + 1e-7), 1)

def solve(a, b, left=True):
    if not left:
        return transposed(L.solve(transposed(a), transposed(b)))
    if b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1]):
        return L.solve(a, b[..., None])[..., 0]
    return L.solve(a, b)

def solve_triangular(a, b, upper, left=True, unitriangular=False):
    return solve(triangle(a, upper, unitriangular), b, left)

def triangular_solve(b, a, upper=True, transpose=False, unitriangular=False):
    t = triangle(a, upper, unitriangular)
    return L.solve(transposed(t) if transpose else t, b), np.copy(a)

def lstsq(a, b, driver=None):
    only(a.ndim == 2)
    x, residuals, _, s = L.lstsq(a, b)
    none = np.zeros(0, s.dtype)  # what a driver does not compute; PyTorch does not differentiate s
    return x, none if driver == "gelsy" else residuals, ag.stop_gradient(s) if driver in ("gelss", "gelsd") else none

def svd(x, full_matrices=True, some=None, compute_uv=True):
    return L.svd(x, full_matrices=full_matrices if some is None else not some)

def logdet(x):
    sign, logabs = L.slogdet(x)
    return np.log(sign) + logabs

def cross(x, y, dim=-1):
    return np.cross(x, y, axis=dim)

def gradient(x, spacing=None, dim=None, edge_order=1):
    count = x.ndim if dim is None else len(dim) if isinstance(dim, (tuple, list)) else 1
    steps = [] if spacing is None else list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * count
    return np.gradient(x, *steps, axis=dim, edge_order=edge_order)

def trapezoid(y, x=None, dx=1.0, dim=-1):
    return np.trapezoid(y, x, dx=dx, axis=dim)

def cumulative_trapezoid(y, x=None, dx=1.0, dim=-1):
    y = np.moveaxis(y, dim, -1)
    step = dx if x is None else np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, dim, -1))
    return np.moveaxis(np.cumsum((y[..., 1:] + y[..., :-1]) / 2 * step, -1), -1, dim)

def mvlgamma(x, p):
    return p * (p - 1) / 4 * math.log(math.pi) + sum(special.gammaln(x - j / 2) for j in range(p))

def logcumsumexp(x, dim):
    return np.logaddexp.accumulate(np.atleast_1d(x), dim).reshape(x.shape)

def masked_norm(x, ord=2, dim=None, keepdim=False, dtype=None, mask=None):
    only(ord != -math.inf or mask is None)
    return vector_norm(x if mask is None else np.where(mask, x, 0), ord, axes(dim, x), keepdim)

def under(f, fill):
    """Return a function along an axis to which a mask gives a neutral number."""
    return lambda x, dim, mask=None, dtype=None: f(x if mask is None else np.where(mask, x, fill), dim)

def normalized(x, ord, dim, eps=1e-12, mask=None, dtype=None):
    x = x if mask is None else np.where(mask, x, 0)
    return x / np.maximum(vector_norm(x, ord, dim, True), eps)

def masked_logaddexp(x, y, input_mask=None, other_mask=None, dtype=None):
    hide = lambda a, m: a if m is None else np.where(m, a, -np.inf)
    return np.logaddexp(hide(x, input_mask), hide(y, other_mask))

def masked_logsumexp(x, dim=None, keepdim=False, dtype=None, mask=None):
    return ag.special.logsumexp(x if mask is None else np.where(mask, x, -np.inf), axes(dim, x), keepdims=keepdim)

def fft(f):
    return lambda x, n=None, dim=-1, norm=None: f(x, n, dim, norm)

def fftn(f, last=None):
    def of(x, s=None, dim=last, norm=None):
        dim = (dim,) if isinstance(dim, int) else dim
        if s is not None and dim is None:
            dim = tuple(range(-len(s), 0))
        return f(x, s, dim, norm)
    return of

def hfftn(f, others, first):
    """Return ``scipy.fft.hfftn`` or ``ihfftn``, which NumPy has along one axis only."""
    def of(x, s=None, axes=None, norm=None):
        axes = tuple(range(x.ndim)) if axes is None else tuple(axes)
        s = (None,) * len(axes) if s is None else tuple(s)
        rest = lambda a: others(a, [x.shape[i] if n is None else n for n, i in zip(s[:-1], axes[:-1], strict=True)], axes[:-1], norm) if axes[:-1] else a
        return rest(f(x, s[-1], axes[-1], norm)) if first else f(rest(x), s[-1], axes[-1], norm)
    return of

def stft(x, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect", normalized=False, onesided=None, return_complex=None):
    only(return_complex and (win_length or n_fft) == n_fft)
    if center:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(n_fft // 2,) * 2], mode=pad_mode)
    frames = windows(x, -1, n_fft, hop_length or n_fft // 4)
    frames = frames if window is None else frames * window
    one = x.dtype.kind == "f" if onesided is None else onesided
    return transposed((F.rfft if one else F.fft)(frames, norm="ortho" if normalized else None))

def several(f):
    """Return a function of arrays, or of a list of them."""
    return lambda x, *more: f(*(x if isinstance(x, list) else [x]), *more)

#: What PyTorch's samples make of the results that depend on the choice of vectors, by its name.
PROCESSED = {
    "fn_U": lambda usv: np.abs(usv[0][..., : usv[1].shape[-1]]), "fn_S": lambda usv: usv[1],
    "fn_Vh": lambda usv: (usv[1], np.abs(usv[2][..., : usv[1].shape[-1], :])),
    "fn_UVh": lambda usv: (usv[0][..., : usv[1].shape[-1]] @ usv[2][..., : usv[1].shape[-1], :], usv[1]),
}
copy = lambda x, **_: np.copy(x)
cast = lambda dtype: lambda x, **_: x.astype(dtype)

MAPPING = {**NN, **VALUES}
for names, module in (
    ("abs sin cos tan sinh cosh tanh exp exp2 expm1 log log2 log10 log1p sqrt square reciprocal positive sinc angle sign"
     " floor ceil trunc deg2rad rad2deg real imag nan_to_num i0 maximum minimum fmax fmin fmod remainder copysign hypot"
     " nextafter float_power dot vdot matmul outer inner kron trace tril triu fliplr flipud ravel column_stack hstack vstack dstack meshgrid logaddexp2", np),
    ("vecdot det inv slogdet multi_dot matrix_power svdvals", L),
    ("erf erfc erfinv xlogy", special),
):
    for name in names.split():
        MAPPING[("linalg." if module is L else "") + name] = getattr(module, name)
MAPPING |= {
    **{f"special.{n}": getattr(special, n) for n in "entr ndtr ndtri log_ndtr erfcx i0e i1 i1e xlog1py".split()},
    **{t: getattr(np, n) for t, n in (
        ("acos", "arccos"), ("acosh", "arccosh"), ("asin", "arcsin"), ("asinh", "arcsinh"), ("atan", "arctan"), ("atanh", "arctanh"),
        ("atan2", "arctan2"), ("conj", "conjugate"), ("conj_physical", "conjugate"), ("neg", "negative"), ("sgn", "sign"),
        ("mul", "multiply"), ("true_divide", "divide"), ("pow", "power"), ("max|binary", "maximum"), ("min|binary", "minimum"),
        ("bmm", "matmul"), ("mm", "matmul"), ("mv", "matmul"), ("t", "transpose"), ("t_copy", "transpose"), ("T", "transpose"))},
    "digamma": special.psi, "lgamma": special.gammaln, "logaddexp": np.logaddexp, "mvlgamma": mvlgamma,
    "polygamma": lambda x, n: ag.special.polygamma(n, x), "special.polygamma": lambda x, n: ag.special.polygamma(n, x),
    "logit": lambda x, eps=None: special.logit(x if eps is None else np.clip(x, eps, 1 - eps)),
    "sigmoid": lambda x: special.expit(x) if x.dtype.kind == "f" else 1 / (1 + np.exp(-x)),
    "rsqrt": lambda x: 1 / np.sqrt(x), "frac": lambda x: np.modf(x)[0], "frexp": lambda x: np.frexp(x)[0],
    "round": lambda x, decimals=0: np.round(x, decimals), "clone": copy, "contiguous": copy, "alias_copy": copy, "resolve_conj": copy, "resolve_neg": copy,
    # two arrays
    "add": lambda x, y, alpha=1: x + alpha * y, "sub": lambda x, y, alpha=1: x - alpha * y, "rsub": lambda x, y, alpha=1: y - alpha * x,
    "div": lambda x, y, rounding_mode=None: {None: np.divide, "floor": np.floor_divide, "trunc": lambda a, b: np.trunc(a / b)}[rounding_mode](x, y),
    "__radd__": lambda x, y: y + x, "__rsub__": lambda x, y: y - x, "__rmul__": lambda x, y: y * x, "__rdiv__": lambda x, y: y / x,
    "__rmod__": lambda x, y: y % x, "__rpow__": lambda x, y: y ** x, "__rmatmul__": lambda x, y: y @ x,
    "ldexp": lambda x, y: x * 2.0 ** y, "lerp": lambda x, y, w: x + w * (y - x), "complex": lambda x, y: x + 1j * y,
    "polar": lambda r, t: r * np.exp(1j * t), "where": lambda x, condition, y: np.where(condition, x, y),
    "addcmul": lambda x, a, b, value=1: x + value * a * b, "addcdiv": lambda x, a, b, value=1: x + value * a / b,
    "clamp": lambda x, min=None, max=None: np.clip(x, min, max), "clamp_min": lambda x, y: np.clip(x, y, None), "clamp_max": lambda x, y: np.clip(x, None, y),
    "dist": dist, "cdist": lambda x, y, p=2.0, mode=None: L.vector_norm(x[..., :, None, :] - y[..., None, :, :], axis=-1, ord=p),
    "nn.functional.pdist": lambda x, p=2.0: L.vector_norm(x[np.triu_indices(len(x), 1)[0]] - x[np.triu_indices(len(x), 1)[1]], axis=-1, ord=p),
    # products
    "addmm": lambda c, a, b, beta=1, alpha=1: beta * c + alpha * (a @ b), "addmv": lambda c, a, b, beta=1, alpha=1: beta * c + alpha * (a @ b),
    "baddbmm": lambda c, a, b, beta=1, alpha=1: beta * c + alpha * (a @ b), "addr": lambda c, a, b, beta=1, alpha=1: beta * c + alpha * np.outer(a, b),
    "addbmm": lambda c, a, b, beta=1, alpha=1: beta * c + alpha * np.einsum("bij,bjk->ik", a, b),
    "einsum": lambda arrays, equation: np.einsum(equation, *arrays), "tensordot": lambda x, y, dims: np.tensordot(x, y, dims),
    "cross": cross, "linalg.cross": cross, "linalg.vecdot": lambda x, y, dim=-1: L.vecdot(x, y, axis=dim),
    # reductions
    "sum": reduced(np.sum), "mean": reduced(np.mean), "prod": reduced(np.prod), "amax": reduced(np.max), "amin": reduced(np.min),
    "nansum": reduced(np.nansum), "nanmean": reduced(np.nanmean), "max": reduced(np.max), "min": reduced(np.min),
    "aminmax": lambda x, *, dim=None, keepdim=False: (np.min(x, axis=dim, keepdims=keepdim), np.max(x, axis=dim, keepdims=keepdim)),
    "var": spread(np.var), "std": spread(np.std),
    "var_mean": lambda x, dim=None, *a, keepdim=False, **k: (spread(np.var)(x, dim, *a, keepdim=keepdim, **k), np.mean(x, None if isinstance(dim, bool) else axes(dim, x), keepdims=keepdim)),
    "std_mean": lambda x, dim=None, *a, keepdim=False, **k: (spread(np.std)(x, dim, *a, keepdim=keepdim, **k), np.mean(x, None if isinstance(dim, bool) else axes(dim, x), keepdims=keepdim)),
    "logsumexp": lambda x, dim, keepdim=False: ag.special.logsumexp(x, axes(dim, x), keepdims=keepdim),
    "cumsum": running(np.cumsum), "cumprod": running(np.cumprod), "cummax": running(np.maximum.accumulate), "cummin": running(np.minimum.accumulate), "logcumsumexp": logcumsumexp,
    "quantile": quantile(np.quantile), "nanquantile": quantile(np.nanquantile), "median": lower_median(np.quantile), "nanmedian": lower_median(np.nanquantile),
    "sort": sort, "msort": lambda x: np.sort(x, 0), "topk": topk, "kthvalue": kthvalue,
    "diff": lambda x, n=1, dim=-1, prepend=None, append=None: np.diff(x, n, dim, **given(prepend=prepend, append=append)),
    "gradient": gradient, "trapezoid": trapezoid, "trapz": trapezoid, "cumulative_trapezoid": cumulative_trapezoid,
    "corrcoef": np.corrcoef, "cov": lambda x, correction=1, fweights=None, aweights=None: np.cov(x, ddof=correction, fweights=fweights, aweights=aweights),
    # with a mask
    "masked.sum": masked(np.sum), "masked.prod": masked(np.prod), "masked.mean": masked(np.mean), "masked.amax": masked(np.max, -np.inf),
    "masked.amin": masked(np.min, np.inf), "masked.var": spread(np.var), "masked.std": spread(np.std), "masked.norm": masked_norm,
    "masked.cumsum": under(running(np.cumsum), 0), "masked.cumprod": under(running(np.cumprod), 1), "masked.softmax": under(ag.special.softmax, -np.inf),
    "masked.log_softmax": under(ag.special.log_softmax, -np.inf), "masked.softmin": under(lambda x, d: ag.special.softmax(-x, d), np.inf),
    "masked.normalize": normalized, "masked.logaddexp": masked_logaddexp, "masked.logsumexp": masked_logsumexp,
    "masked.median": lambda x, dim, keepdim=False, dtype=None, mask=None: np.nanquantile(x if mask is None else np.where(mask, x, np.nan), 0.5, axis=axes(dim, x), keepdims=keepdim, method="lower"),
    # shapes
    "reshape": lambda x, *s: np.reshape(x, shape_of(*s)), "view": lambda x, *s: np.reshape(x, shape_of(*s)), "view_copy": lambda x, *s: np.reshape(x, shape_of(*s)),
    "reshape_as": lambda x, y: np.reshape(x, y.shape), "view_as": lambda x, y: np.reshape(x, y.shape), "flatten": flatten, "unflatten": unflatten,
    "expand": expand, "expand_copy": expand, "broadcast_to": np.broadcast_to, "expand_as": lambda x, y: np.broadcast_to(x, y.shape), "sum_to_size": sum_to_size,
    "broadcast_tensors": lambda *xs: np.broadcast_arrays(*xs), "meshgrid|variadic_tensors": lambda *xs, indexing: np.meshgrid(*xs, indexing=indexing),
    "meshgrid|list_of_tensors": lambda xs, indexing: np.meshgrid(*xs, indexing=indexing),
    "squeeze": lambda x, dim=None: np.squeeze(x, dim if not isinstance(dim, int) else dim if x.ndim and x.shape[dim] == 1 else ()),
    "squeeze_copy": lambda x, dim=None: MAPPING["squeeze"](x, dim),
    "squeeze|multiple": lambda x, dim: np.squeeze(x, tuple(d for d in dim if x.ndim and x.shape[d] == 1)),
    "unsqueeze": np.expand_dims, "unsqueeze_copy": np.expand_dims, "permute": np.transpose, "permute_copy": np.transpose, "movedim": np.moveaxis,
    "transpose": np.swapaxes, "transpose_copy": np.swapaxes, "H": lambda x: np.conj(np.transpose(x)), "mT": np.matrix_transpose, "mH": adjoint,
    "flip": lambda x, dims: np.flip(x, dims), "roll": lambda x, shifts, dims=None: np.roll(x, shifts, dims), "rot90": lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
    "repeat": lambda x, *n: np.tile(x, shape_of(*n)), "tile": lambda x, *n: np.tile(x, shape_of(*n)),
    "repeat_interleave": lambda x, repeats, dim=None, output_size=None: np.repeat(x, repeats, dim),
    "cat": lambda xs, dim=0: np.concatenate(xs, dim), "stack": lambda xs, dim=0: np.stack(xs, dim), "block_diag": block_diag, **{n: several(getattr(np, n)) for n in ("atleast_1d", "atleast_2d", "atleast_3d")}, "combinations": combinations,
    "cartesian_prod": lambda *xs: np.stack(np.meshgrid(*xs, indexing="ij"), -1).reshape(-1, len(xs)) if len(xs) > 1 else xs[0],
    "unbind": lambda x, dim=0: np.unstack(x, axis=dim), "unbind_copy": lambda x, dim=0: np.unstack(x, axis=dim),
    "chunk": lambda x, n, dim=0: split(x, -(-x.shape[dim] // n), dim), "unsafe_chunk": lambda x, n, dim=0: split(x, -(-x.shape[dim] // n), dim),
    **dict.fromkeys(("split", "unsafe_split", "split_with_sizes", "split_with_sizes_copy"), split), "hsplit": np.hsplit, "vsplit": np.vsplit, "dsplit": np.dsplit,
    "tensor_split": lambda x, n, dim=0: np.array_split(x, int(n) if np.ndim(n) == 0 else list(n), dim),
    "unfold": windows, "unfold_copy": windows, "diag": np.diag, "diagflat": lambda x, offset=0: np.diagflat(x, offset), "diag_embed": diag_embed,
    **dict.fromkeys(("diagonal", "diagonal_copy"), lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2)),
    "linalg.diagonal": lambda x, offset=0, dim1=-2, dim2=-1: np.diagonal(x, offset, dim1, dim2),
    "view_as_real": lambda x: np.stack([np.real(x), np.imag(x)], -1), "view_as_complex": lambda x: x[..., 0] + 1j * x[..., 1],
    **{t: cast(n) for t, n in (("double", "f8"), ("float", "f4"), ("half", "f2"), ("cdouble", "c16"), ("cfloat", "c8"))},
    "to": lambda x, *a, **_: x.astype(next((np.dtype(v) if isinstance(v, np.dtype) else v.dtype for v in a if hasattr(v, "dtype") or isinstance(v, np.dtype)), x.dtype)),
    # choosing and writing
    "select": lambda x, dim, i: x[at(dim, i, x.ndim)], "narrow": narrow, "narrow_copy": narrow, "slice": lambda x, *a, **k: x[as_slice(x, *a, **k)],
    "select_scatter": lambda x, y, dim, i: written(x, at(dim, i, x.ndim), y), "slice_scatter": lambda x, y, *a, **k: written(x, as_slice(x, *a, **k), y),
    "diagonal_scatter": diagonal_write, "__getitem__": lambda x, i: x[tuple(i) if isinstance(i, list) and any(isinstance(v, slice) for v in i) else i],
    "gather": gather, "scatter": lambda x, dim, index, src=None, value=None, reduce=None: scatter(x, dim, index, src if value is None else value, reduce),
    "scatter_reduce|sum": scatter_sum, "_unsafe_masked_index_put_accumulate": lambda x, mask, i, v: accumulated(x, tuple(i), np.where(mask, v, 0)),
    "scatter_add": lambda x, dim, index, src: scatter(x, dim, index, src, "add"), "take": lambda x, i: np.take(x, i), "put": put,
    "take_along_dim": lambda x, i, dim=None: np.take_along_axis(x, i, dim) if dim is not None else np.take(x, i).reshape(-1),
    "index_select": lambda x, dim, i: np.take(x, i, dim) if x.ndim else x, "index_add": index_add, "index_fill": index_write, "index_copy": index_write,
    "index_put": lambda x, i, v, accumulate=False: (accumulated if accumulate else written)(x, i, v),
    "masked_fill": lambda x, mask, value: np.where(mask, value, x), "masked_select": lambda x, m: np.broadcast_arrays(x, m)[0][np.broadcast_to(m, np.broadcast_shapes(x.shape, m.shape))], "masked_scatter": masked_scatter,
    "_unsafe_masked_index": lambda x, mask, i, fill: np.where(mask, x[tuple(i)], fill),
    "fill": lambda x, value: np.full_like(x, value), "zero_": lambda x: written(x, ..., 0),
    # linear algebra
    "cholesky": lambda x, upper=False: L.cholesky(x, upper=upper), "linalg.cholesky": lambda x, upper=False: L.cholesky(x, upper=upper),
    "linalg.cholesky_ex": lambda x, upper=False, check_errors=False: L.cholesky(x, upper=upper),
    "cholesky_inverse": lambda x, upper=False: L.inv(product(x, upper)),
    "cholesky_solve": lambda b, x, upper=False: L.solve(product(x, upper), b),
    "linalg.eigh": L.eigh, "linalg.eigvalsh": L.eigvalsh, "linalg.eig": L.eig, "linalg.eigvals": L.eigvals,
    "linalg.inv_ex": lambda x, check_errors=False: L.inv(x), "linalg.solve": solve, "linalg.solve_ex": solve, "linalg.solve_triangular": solve_triangular, "triangular_solve": triangular_solve,
    "linalg.lstsq": lstsq, "linalg.lstsq|grad_oriented": lambda *a, **k: lstsq(*a, **k)[:2], "linalg.pinv": lambda x, rtol=None, hermitian=False: L.pinv(x, rtol=rtol, hermitian=hermitian), "pinverse": lambda x: L.pinv(x, rcond=1e-15),
    "linalg.pinv|singular": lambda a, b: L.pinv(a @ transposed(b), rtol=None), "linalg.pinv|hermitian": lambda x, hermitian=False: L.pinv(x, rtol=None, hermitian=hermitian),
    "linalg.qr": lambda x, mode="reduced": L.qr(x, mode), "qr": lambda x, some=True: L.qr(x, "reduced" if some else "complete"), "linalg.svd": svd, "svd": svd,
    "linalg.cond": L.cond, "linalg.norm": norm, "linalg.vector_norm": vector_norm, "norm": old_norm, "renorm": renorm, "logdet": logdet,
    "linalg.matrix_norm": lambda x, ord="fro", dim=(-2, -1), keepdim=False, dtype=None: norm(x, ord, tuple(dim), keepdim, dtype),
    "linalg.vander": lambda x, N=None: np.vander(x, N, increasing=True), "linalg.tensorinv": lambda x, ind=2: L.tensorinv(x, ind),
    "linalg.tensorsolve": lambda a, b, dims=None: L.tensorsolve(a, b, dims),
    # transforms
    **{f"fft.{n}": fft(getattr(F, n)) for n in "fft ifft rfft irfft hfft ihfft".split()},
    **{f"fft.{n}": fftn(getattr(F, n)) for n in "fftn ifftn rfftn irfftn".split()}, **{f"fft.{n}": fftn(getattr(F, n), (-2, -1)) for n in "fft2 ifft2 rfft2 irfft2".split()},
    "fft.hfft2": fftn(hfftn(F.hfft, F.fftn, False), (-2, -1)), "fft.hfftn": fftn(hfftn(F.hfft, F.fftn, False)),
    "fft.ihfft2": fftn(hfftn(F.ihfft, F.ifftn, True), (-2, -1)), "fft.ihfftn": fftn(hfftn(F.ihfft, F.ifftn, True)),
    "fft.fftshift": lambda x, dim=None: F.fftshift(x, dim), "fft.ifftshift": lambda x, dim=None: F.ifftshift(x, dim), "stft": stft,
}
# fmt: on
