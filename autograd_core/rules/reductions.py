"""Reductions and cumulative functions, and their forms that leave NaNs out.

The cotangent of a reduced array is spread over the axes that were summed away.  Products are computed
without a quotient, so that they are exact where factors are zero.  A missing value has gradient 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.batching.alignment import spread
from autograd_core.batching.dispatch import rule
from autograd_core.engine.array_types import any_of, asarray_like, writes_output
from autograd_core.engine.operands import Level, batched
from autograd_core.engine.primitive import SMALL, Primitive, composition, defvjp, table
from autograd_core.engine.recording import unwrap
from autograd_core.rules import costs
from autograd_core.rules.common import as_array, exact_composition, keeps, unset, with_values_of
from autograd_core.rules.elementwise import difference, unit


def expand(g: Any, shape: tuple[int, ...]) -> Any:
    """Broadcast ``g``; small arrays are filled, in a third of the time of ``np.broadcast_to``."""
    if isinstance(g, (np.ndarray, np.generic)) and g.dtype.itemsize * math.prod(shape) <= SMALL:
        out = np.empty(shape, g.dtype)
        out[...] = g
        return out
    return np.broadcast_to(g, shape)


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes that ``axis=`` means, counted from 0."""
    if axis is None or ndim == 0:  # NumPy takes axis=0 for an array without axes
        return tuple(range(ndim))
    many = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(a % ndim for a in many)


def restore_axes(g: Any, x: Any, axis: Any, keepdims: Any) -> Any:
    """Return a reduced array with the reduced axes restored, of length 1."""
    if x.ndim <= g.ndim:
        return g
    axes = axes_of(axis, x.ndim)
    return g.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def widen_float16(g: Any) -> Any:
    """Return float16 as float32, as NumPy's means do: a count above 65504 is inf in float16."""
    return g.astype(np.float32) if g.dtype == np.float16 else g


def _count(x: Any, axis: Any, where: Any) -> Any:
    """Return how many elements each result was computed from."""
    if where is True:
        return math.prod(x.shape[i] for i in axes_of(axis, x.ndim))
    mask = np.broadcast_to(np.asarray(where), x.shape)
    return mask.sum(axis=axis, keepdims=True)


def apply_where(c: Any, where: Any) -> Any:
    return c if where is True else np.where(where, c, 0.0)


def _sum(
    g: Any, _out: Any, _x: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, initial: Any = 0, where: Any = True,
) -> Any:  # fmt: skip
    """Return g at every element."""
    return apply_where(expand(restore_axes(g, _x, axis, keepdims), _x.shape), where)


def _mean(
    g: Any, _out: Any, _x: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, *, where: Any = True,
) -> Any:  # fmt: skip
    """Return g / n at every one of the n elements."""
    share = restore_axes(widen_float16(g), _x, axis, keepdims) / _count(_x, axis, where)
    return apply_where(expand(share, _x.shape), where)


def _centred(x: Any, axis: Any, where: Any, dtype: Any) -> Any:
    """Return the distances from the mean, of which a real ``dtype`` drops the imaginary part."""
    options = {} if where is True else {"where": where}
    mean = np.mean(x, axis=axis, keepdims=True, **options)
    if dtype is not None and np.dtype(dtype).kind != "c":
        mean = mean.real
    d = x - mean if where is True else np.where(where, x - mean, 0.0)
    return np.conj(d) if x.dtype.kind == "c" else d


def _freedom(x: Any, axis: Any, where: Any, ddof: Any, correction: Any) -> Any:
    n = _count(x, axis, where) - (ddof if correction is None else correction)
    return n if isinstance(n, np.ndarray) or n != 0 else math.nan


def _var(
    g: Any, _out: Any, x: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, correction: Any = None,
) -> Any:  # fmt: skip
    """Return g * 2 (x - mean) / (n - ddof)."""
    n = _freedom(x, axis, where, ddof, correction)
    return (
        restore_axes(widen_float16(g), x, axis, keepdims) * 2 / n * _centred(x, axis, where, dtype)
    )


def _std(
    g: Any, out: Any, x: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, correction: Any = None,
) -> Any:  # fmt: skip
    """Return (x - mean) / ((n - ddof) std), and 0 for constants."""
    n = _freedom(x, axis, where, ddof, correction)
    flat = out == 0
    share = np.where(flat, 0.0, widen_float16(g) / np.where(flat, 1.0, out))
    return restore_axes(share, x, axis, keepdims) / n * _centred(x, axis, where, dtype)


def max_min_rule(
    g: Any, out: Any, x: Any, axis: Any = None, keepdims: Any = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    """Give equal shares to all elements that attain the maximum or minimum."""
    ties = x == restore_axes(out, x, axis, keepdims)
    if where is not True:
        ties = ties & where
    count, g = ties.sum(axis=axis, keepdims=True), widen_float16(g)
    share = restore_axes(g, x, axis, keepdims) / np.where(count == 0, 1, count).astype(g.dtype)
    return np.where(ties, share, 0.0)


def _log_sum(exp: Any) -> Any:
    """Return the rule of the logarithm of a sum of powers, with the function that takes powers."""

    def rule(
        g: Any, out: Any, x: Any, axis: Any = 0, dtype: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True,
    ) -> Any:  # fmt: skip
        """Return the shares exp(x) / sum(exp(x)), which sum to 1 however large the result is."""
        top, x = unwrap(restore_axes(out, x, axis, keepdims)), widen_float16(x)
        x = x if where is True else np.where(where, x, -math.inf)
        share = exp(difference(x, top))
        total = share.sum(axis=axis, keepdims=True)
        if initial is not None:
            total = total + exp(difference(np.asarray(initial, x.dtype), top))
        return restore_axes(g, x, axis, keepdims) * (share / np.where(total == 0, 1.0, total))

    return rule


def _hypot_reduce(
    g: Any, out: Any, x: Any, axis: Any = 0, dtype: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    """Return the unit vector x / |x|; folding pairs would make kinks where leading elements are 0."""
    length = restore_axes(out, x, axis, keepdims)
    if any_of(np.isinf(unwrap(out))):
        top = largest(x if where is True else np.where(where, x, 0.0), axis)
        x = x / top
        length = np.hypot.reduce(x, axis, keepdims=True, where=where)
        length = length if initial is None else np.hypot(length, initial / top)
    return apply_where(restore_axes(g, x, axis, keepdims) * unit(x, length), where)


def largest(x: Any, axis: Any) -> Any:
    """Return the size of the largest finite element along the axes (a constant), or 1."""
    size = abs(unwrap(x))
    top = np.where(np.isfinite(size), size, 0.0).max(axis=axis, keepdims=True)
    return np.where(top == 0, 1.0, top).astype(size.dtype)


def _hypot_accumulate(g: Any, out: Any, x: Any, axis: Any = 0, dtype: Any = None) -> Any:
    """Return x_i times the sum of g_k / out_k over k >= i; the first result is x_0 itself."""
    places = np.arange(x.shape[axis]).reshape(-1, *(1,) * (x.ndim - 1 - axis % x.ndim))
    first = asarray_like(places == 0, x)
    lengths = np.where(first, 0.0, unit(g, out))
    after = np.flip(np.cumsum(np.flip(lengths, axis), axis), axis)
    return x * after + np.where(first, g, 0.0)


# -- products -------------------------------------------------------------------------------------


@writes_output
def _recurrence(a: Any, b: Any) -> Any:
    """Return r[i] = b[i] + a[i] r[i-1] on the last axis, by doubling (Hillis and Steele 1986)."""
    a, b = a.copy(), b.copy()
    if a.shape[-1:] == (0,):
        return b
    a[..., 0] = 0
    shift = 1
    while shift < b.shape[-1]:
        b[..., shift:] = b[..., shift:] + a[..., shift:] * b[..., :-shift]
        a[..., shift:] = a[..., shift:] * a[..., :-shift]
        shift *= 2
    return b


@rule(_recurrence)
def _recurrence_batch(level: Level, _fun: Any, a: Any, b: Any) -> Any:
    return batched(_recurrence(spread(a, level).examples, spread(b, level).examples), level)


def _after(x: Any) -> Any:
    """Return x shifted left by one along the last axis, filled with 0."""
    return np.concatenate([x[..., 1:], np.zeros_like(x[..., :1])], axis=-1)


def _before(x: Any, fill: float) -> Any:
    """Return x shifted right by one along the last axis."""
    first = np.zeros_like(x[..., :1]) + fill
    return np.concatenate([first, x[..., :-1]], axis=-1)


def backwards(a: Any, b: Any) -> Any:
    """Return s[i] = b[i] + a[i+1] s[i+1]."""
    return recurrence(_after(a)[..., ::-1], b[..., ::-1])[..., ::-1]


recurrence = Primitive(_recurrence, "linear_recurrence", kind="reduction")
recurrence.defvjp(
    lambda g, out, a, _b: backwards(a, g) * _before(out, 0.0),
    lambda g, _out, a, _b: backwards(a, g),
)


def _cumprod_last(g: Any, out: Any, x: Any) -> Any:
    """Apply d y[j] / d x[i] = (product before i) (product from i+1 to j)."""
    return _before(out, 1.0) * backwards(x, g)


def _cumprod(g: Any, out: Any, x: Any, axis: Any = None, dtype: Any = None) -> Any:
    if axis is None:
        return _cumprod_last(g, out, x.reshape(-1)).reshape(x.shape)
    moved = (v.swapaxes(axis, -1) for v in (g, out, x))
    return _cumprod_last(*moved).swapaxes(axis, -1)


def _cumsum(g: Any, _out: Any, _x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Return the sums of the cotangents from each position on."""
    axis = 0 if axis is None else axis % max(_x.ndim, 1)
    back = (*(slice(None),) * axis, slice(None, None, -1))
    return g[back].cumsum(axis)[back].reshape(_x.shape)


def _prod(
    g: Any, _out: Any, x: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, initial: Any = 1, where: Any = True,
) -> Any:  # fmt: skip
    """Return the products of all other elements: of those before times of those after."""
    if where is not True:
        x = np.where(where, x, 1.0)
    axes = axes_of(axis, x.ndim)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    moved = x.transpose(rest + axes)
    flat = moved.reshape((*(x.shape[i] for i in rest), math.prod(x.shape[i] for i in axes)))
    if flat.size == 0:
        return np.zeros_like(x)
    last = flat.ndim - 1
    before = _before(flat.cumprod(last), 1.0)
    after = _before(flat[..., ::-1].cumprod(last), 1.0)[..., ::-1]
    others = (
        (before * after).reshape(moved.shape).transpose(tuple(np.argsort(rest + axes).tolist()))
    )
    return apply_where(restore_axes(g, x, axis, keepdims) * initial * others, where)


# fmt: off
defvjp(np.sum,     _sum, kind="reduction")
defvjp(np.mean,    _mean, kind="reduction")
var = Primitive(np.var, "var", kind="reduction", flops=costs.per_element(4)).defvjp(_var)
std = Primitive(np.std, "std", kind="reduction", flops=costs.per_element(4)).defvjp(_std)
defvjp(np.max,     max_min_rule, selects=True, kind="reduction")
defvjp(np.min,     max_min_rule, selects=True, kind="reduction")
defvjp(np.amax,    max_min_rule, selects=True, kind="reduction")
defvjp(np.amin,    max_min_rule, selects=True, kind="reduction")
defvjp(np.prod,    _prod, kind="reduction")
defvjp(np.cumsum,  _cumsum, kind="reduction")
defvjp(np.cumprod, _cumprod, kind="reduction")
for _method, _rule, _selects in (
    (np.logaddexp.reduce,  _log_sum(np.exp), False),
    (np.logaddexp2.reduce, _log_sum(np.exp2), False),
    (np.hypot.reduce,      _hypot_reduce, False),
    (np.hypot.accumulate,  _hypot_accumulate, False),
    (np.fmax.reduce,       max_min_rule, True),
    (np.fmin.reduce,       max_min_rule, True),
):
    _key: Any = _method
    _name = f"{_key.__self__.__name__}.{_key.__name__}"
    table[_key] = Primitive(_key, _name, kind="reduction").defvjp(_rule, selects=_selects)
# fmt: on


@composition(np.ptp)
def _ptp(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)


def _from_initial(fun: Any, combine: Any, start: float) -> None:
    """Compose a reduction from a recorded ``initial=``; the rule of ``fun`` answers other calls."""

    @exact_composition(fun)
    def reduced(a: Any, *args: Any, initial: Any, **options: Any) -> Any:
        return combine(fun(a, *args, initial=start, **options), initial)


for _fun, _combine, _start in (
    *((np.sum, np.add, 0), (np.prod, np.multiply, 1)),
    *((f, np.maximum, -math.inf) for f in (np.max, np.amax)),
    *((f, np.minimum, math.inf) for f in (np.min, np.amin)),
):
    _from_initial(_fun, _combine, _start)


def _var_about(
    a: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: Any = False, *,
    where: Any = True, mean: Any, correction: Any = None,
) -> Any:  # fmt: skip
    """Return the mean square of the distances from a given mean."""
    x = as_array(a) if dtype is None else as_array(a).astype(dtype)
    d = x - mean
    square = (d * np.conj(d)).real if d.dtype.kind == "c" else d * d
    kept: Any = keeps(keepdims)
    total = np.sum(square, axis=axis, keepdims=kept, where=where)
    n = _freedom(x, axis, where, ddof, correction)
    return total / (n.reshape(total.shape) if isinstance(n, np.ndarray) else n)


def _root(variance: Any) -> Any:
    """Return the square root, with gradient 0 where it is 0."""
    flat = unwrap(variance) == 0
    if not any_of(flat):
        return np.sqrt(variance)
    return np.where(flat, 0.0, np.sqrt(np.where(flat, 1.0, variance)))


def _about_a_mean(fun: Any, primitive: Any, about: Any) -> None:
    """Register a function that computes the mean itself, unless ``mean=`` gives it."""
    exact = with_values_of(fun, about)

    @composition(fun)
    def call(a: Any, *args: Any, mean: Any = np._NoValue, **options: Any) -> Any:
        if unset(mean):
            return primitive(a, *args, **options)
        return exact(a, *args, mean=mean, **options)


_about_a_mean(np.var, var, _var_about)
_about_a_mean(np.std, std, lambda *args, **options: _root(_var_about(*args, **options)))


# -- reductions that leave NaNs out ---------------------------------------------------------------


def _filled(a: Any, fill: float, where: Any) -> tuple[Any, Any]:
    """Return ``a`` with NaNs (and what ``where=`` leaves out) replaced, and which were valid."""
    a = as_array(a)
    valid = ~np.isnan(unwrap(a))
    if where is not True:
        valid = valid & unwrap(where)
    return np.where(valid, a, fill), valid


def _given_options(dtype: Any, keepdims: Any, initial: Any = None) -> dict[str, Any]:
    given: dict[str, Any] = {} if dtype is None else {"dtype": dtype}
    if keeps(keepdims):
        given["keepdims"] = True
    if initial is not None and not unset(initial):
        given["initial"] = initial
    return given


def _nan_form(fun: Any, reduction: Any, fill: float) -> None:
    """Compose ``fun`` of ``reduction``, with ``fill`` in place of NaNs."""

    @composition(fun)
    def nan_form(
        a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, initial: Any = None,
        where: Any = True,
    ) -> Any:  # fmt: skip
        values, _ = _filled(a, fill, True)
        options = _given_options(dtype, keepdims, initial)
        if where is not True and not unset(where):
            options["where"] = where
        return reduction(values, axis=axis, **options)


_nan_form(np.nansum, np.sum, 0.0)
_nan_form(np.nanprod, np.prod, 1.0)
_nan_form(np.nancumsum, np.cumsum, 0.0)
_nan_form(np.nancumprod, np.cumprod, 1.0)


# NaN equals nothing, so it gets no share; a filled value would tie where all others are infinite.
defvjp(np.nanmax, max_min_rule, selects=True, kind="reduction")
defvjp(np.nanmin, max_min_rule, selects=True, kind="reduction")


def _divided(total: Any, count: Any) -> Any:
    """Return total / count, and NaN where nothing was counted."""
    safe = np.where(count > 0, count, 1)
    half = total.dtype == np.float16  # where a count may be inf: NumPy divides in float64
    mean = (total / safe).astype(total.dtype) if half else total / safe.astype(total.dtype)
    return np.where(count > 0, mean, math.nan) if any_of(count <= 0) else mean


@exact_composition(np.nanmean)
def _nanmean(
    a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False,
    *, where: Any = True,
) -> Any:  # fmt: skip
    values, valid = _filled(a, 0.0, where)
    total = values.sum(axis=axis, **_given_options(dtype, keepdims))
    return _divided(total, valid.sum(axis=axis, keepdims=keeps(keepdims)))


@exact_composition(np.nanvar)
def _nanvar(
    a: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    ddof = correction if correction is not None and not unset(correction) else ddof
    values, valid = _filled(a, 0.0, where)
    summed = values if dtype is None else values.astype(dtype)
    axes = axes_of(axis, values.ndim)
    count = valid.sum(axis=axes, keepdims=True)
    if mean is None or unset(mean):
        mean = _divided(summed.sum(axis=axes, keepdims=True), np.where(count > 0, count, 1))
    d = np.where(valid, values - mean, 0.0)
    square: Any = (d * np.conj(d)).real if d.dtype.kind == "c" else d * d
    total = square.sum(axis=axes, keepdims=keeps(keepdims))
    return _divided(total, (count - ddof).reshape(total.shape))


@exact_composition(np.nanstd)
def _nanstd(a: Any, *args: Any, **options: Any) -> Any:
    """Return the root of :func:`_nanvar`, with gradient 0 for constants."""
    return _root(_nanvar(a, *args, **options))
