"""The primitives of linear layers and activations, each with its derivative in one line.

They are registered the way a user's own operations are: a NumPy function under ``@ag.primitive``,
a rule under ``defvjp``.  An argument of a rule that begins with an underscore is not kept in
memory.

No function here overflows or warns for a finite input.
"""

from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional.blocks import blockwise, by_rows, is_numpy
from nn.functional.erf import normal_cdf, normal_pdf, size_times_tail
from nn.placement import as_of, memory_of

#: The largest x for which exp(x) is finite, by dtype.
_LARGEST = {np.dtype(np.float16): 11.0, np.dtype(np.float32): 88.0}


def refuse_complex(x: Any, name: str) -> None:
    """Raise for complex numbers, which have no order and are no probabilities.

    Raises
    ------
    TypeError
        With the name of the function; a conversion would drop the imaginary parts.
    """
    if getattr(getattr(x, "dtype", None), "kind", "") == "c":
        raise TypeError(
            f"{name} takes real numbers, got dtype {x.dtype}; give it z.real, z.imag or np.abs(z)"
        )


def as_float_array(x: Any, name: str = "this function", complex_too: bool = False) -> Any:
    """Return ``x`` as floating-point numbers: integers and lists become float64.

    Complex numbers are refused, or left as they are with ``complex_too``.
    """
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    if kind == "f" or (kind == "c" and complex_too):
        return x
    refuse_complex(x, name)
    return x.astype(float) if hasattr(x, "astype") else np.asarray(x, dtype=float)


def any_outside(numbers: Any, end: int) -> bool:
    """Return whether any whole number is not from 0 to ``end - 1``."""
    if isinstance(numbers, np.ndarray):  # in half the time
        return bool(numbers.min() < 0 or numbers.max() >= end)
    return ag.any_now((numbers < 0) | (numbers >= end))


def first_outside(numbers: Any, end: int) -> Any:
    """Return the first whole number that is not from 0 to ``end - 1``."""
    numbers = memory_of(numbers)
    return numbers[(numbers < 0) | (numbers >= end)].reshape(-1)[0]


def as_array(x: Any) -> Any:
    """Return the array of ``x``, a Tensor, an array or what converts to one, without a gradient."""
    if isinstance(x, ag.Tensor):
        return x.detach().numpy()
    return x if hasattr(x, "__array_function__") else np.asarray(x)


@ag.primitive(kind="product", flops=lambda out, _x, weight, *_bias: 2 * out.size * weight.shape[-1])
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Return ``x @ weight.T + bias``.

    Shapes are ``x (..., in)``, ``weight (out, in)`` and ``bias (out,)``, which may be None.
    """
    rows = x if x.ndim <= 2 else x.reshape(-1, x.shape[-1])  # one product, not one for each matrix
    out = rows @ weight.T
    if bias is not None:
        out = np.add(out, bias, out=out if out.dtype == bias.dtype else None)
    return out if rows is x else out.reshape(*x.shape[:-1], out.shape[-1])


def _linear_weight_vjp(g: Any, _out: Any, x: Any, _weight: Any, _bias: Any = None) -> Any:
    """Return g.T @ x, summed over all leading axes."""
    if g.ndim != 2:
        g, x = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
    return g.T @ x


linear.defvjp(
    lambda g, _out, _x, weight, _bias=None: g @ weight,
    _linear_weight_vjp,
    lambda g, _out, _x, _weight, _bias=None: g.sum(0) if g.ndim == 2 else g,
)


@ag.primitive
@blockwise
def sigmoid(x: Any, *, buffer: Any = None) -> Any:
    """Return the logistic function ``s = 1 / (1 + exp(-x))``; its derivative is ``s (1 - s)``."""
    x = as_float_array(x, "sigmoid", complex_too=True)
    if x.dtype.kind == "c":
        left = x.real < 0
        z = np.exp(np.where(left, x, -x))  # of size 1 or less
        return np.divide(np.where(left, z, 1), 1 + z, out=buffer)
    z = np.maximum(x, -_LARGEST.get(x.dtype, 709.0), out=buffer)
    z = np.exp(np.negative(z, out=buffer), out=buffer)
    return np.divide(1, np.add(z, 1, out=buffer), out=buffer)


@blockwise
def _sigmoid_vjp(g: Any, out: Any, _x: Any, *, buffer: Any = None) -> Any:
    """Return g * out * (1 - out)."""
    slope = np.multiply(np.subtract(1, out, out=buffer), out, out=buffer)
    return np.multiply(slope, g, out=buffer)


sigmoid.defvjp(_sigmoid_vjp, elementwise=True)

#: The hyperbolic tangent: NumPy's own, which autograd_core differentiates.
tanh = np.tanh


def masked(g: Any, mask: Any) -> Any:
    """Return ``g mask``, with 0 where the mask is 0 even if ``g`` is not finite there.

    A product costs less than a selection, which branches at every element, and suffices where its
    squared norm is finite.
    """
    out = g * mask
    if is_numpy(out) and np.isfinite(np.vdot(out, out)):
        return out
    return np.where(mask == 0, 0, out)


@ag.primitive
def relu(x: Any) -> Any:
    """Return ``max(0, x)``; its derivative at 0 is 0."""
    refuse_complex(x, "relu")
    return np.maximum(x, 0)


relu.defvjp(lambda g, out, _x: masked(g, out > 0), elementwise=True, selects=True)

# Below, a kink is the sum of a maximum and a minimum, and its slope a sum of masks: where() would
# branch at every element, and of noise a processor guesses every other sign wrong.


@ag.primitive
@blockwise
def leaky_relu(x: Any, negative_slope: float = 0.01, *, buffer: Any = None) -> Any:
    """Return ``x`` above 0 and ``negative_slope * x`` below (Maas, Hannun, Ng, 2013)."""
    x = as_float_array(x, "leaky_relu")
    if 0 < negative_slope <= 1:
        return np.maximum(np.multiply(x, negative_slope, out=buffer), x, out=buffer)
    below = np.multiply(np.minimum(x, 0, out=buffer), negative_slope, out=buffer)
    return np.add(below, np.maximum(x, 0), out=buffer)


@blockwise
def _leaky_relu_vjp(
    g: Any, _out: Any, x: Any, negative_slope: float = 0.01, *, buffer: Any = None
) -> Any:
    """Return g where x > 0, and negative_slope * g elsewhere."""
    if 0 < negative_slope <= 1:
        slope = np.maximum(np.greater(x, 0, out=buffer), x.dtype.type(negative_slope), out=buffer)
    else:
        above = x > 0
        below = np.multiply(~above, x.dtype.type(negative_slope), out=buffer)
        slope = np.add(below, above, out=buffer)
    return np.multiply(slope, g, out=buffer)


leaky_relu.defvjp(_leaky_relu_vjp, elementwise=True)


def relu6(x: Any) -> Any:
    """Return ``min(max(0, x), 6)`` (A. Howard and others, 2017); its derivative at 0 and 6 is 0."""
    x = as_float_array(x, "relu6")
    return np.where(x >= 6, 6, relu(x))


def hardswish(x: Any) -> Any:
    """Return ``x relu6(x + 3) / 6`` (A. Howard and others, *Searching for MobileNetV3*, 2019)."""
    x = as_float_array(x, "hardswish")
    return x * (relu6(x + 3) / 6)


def mish(x: Any) -> Any:
    """Return ``x tanh(softplus(x))`` (D. Misra, 2019)."""
    x = as_float_array(x, "mish")
    return x * np.tanh(softplus(x))


def selu(x: Any) -> Any:
    """Return ``1.0507 elu(x, 1.6733)``, which keeps mean 0 and variance 1 (Klambauer, 2017)."""
    return elu(as_float_array(x, "selu"), 1.6732632423543772) * 1.0507009873554805


@ag.primitive
@blockwise
def elu(x: Any, alpha: float = 1.0, *, buffer: Any = None) -> Any:
    """Return ``x`` above 0 and ``alpha (exp(x) - 1)`` below (Clevert and others, 2015)."""
    x = as_float_array(x, "elu")
    below = np.expm1(np.minimum(x, 0, out=buffer), out=buffer)
    return np.add(np.multiply(below, alpha, out=buffer), np.maximum(x, 0), out=buffer)


@blockwise
def _elu_vjp(g: Any, _out: Any, x: Any, alpha: float = 1.0, *, buffer: Any = None) -> Any:
    """Return g where x > 0, and g * alpha * exp(x) elsewhere."""
    above = x > 0
    slope = np.exp(np.minimum(x, 0, out=buffer), out=buffer)
    slope = np.multiply(np.multiply(slope, alpha, out=buffer), ~above, out=buffer)
    return np.multiply(np.add(slope, above, out=buffer), g, out=buffer)


elu.defvjp(_elu_vjp, elementwise=True)


@ag.primitive
@blockwise
def softplus(x: Any, *, buffer: Any = None) -> Any:
    """Return ``log(1 + exp(x))``, exact at any size (PyTorch returns ``x`` itself above 20)."""
    x = as_float_array(x, "softplus")
    z = np.exp(np.negative(np.abs(x, out=buffer), out=buffer), out=buffer)
    return np.add(np.log1p(z, out=buffer), np.maximum(x, 0), out=buffer)


@blockwise
def _softplus_vjp(g: Any, _out: Any, x: Any, *, buffer: Any = None) -> Any:
    """Return g * sigmoid(x)."""
    return np.multiply(sigmoid(x), g, out=buffer)


softplus.defvjp(_softplus_vjp, elementwise=True)


def _one_and_exp(x: Any, buffer: Any) -> Any:
    """Return ``1 + exp(-x)``, which may be inf."""
    with np.errstate(over="ignore"):
        z = np.exp(np.negative(x, out=buffer), out=buffer)
    return np.add(z, 1, out=buffer)


@ag.primitive
@blockwise
def silu(x: Any, *, buffer: Any = None) -> Any:
    """Return ``x sigmoid(x)`` (Elfwing, Uchibe, Doya, 2017), also called swish."""
    x = as_float_array(x, "silu", complex_too=True)
    if x.dtype.kind == "c":
        return np.multiply(x, sigmoid(x), out=buffer)
    return np.divide(x, _one_and_exp(x, buffer), out=buffer)


@blockwise
def _silu_vjp(g: Any, out: Any, x: Any, *, buffer: Any = None) -> Any:
    """Return g * s * (1 + x * (1 - s)), where s = sigmoid(x)."""
    if x.dtype.kind == "c" or isinstance(x, ag.Tensor):
        s = sigmoid(x)
        return g * (s * (1 + x * (1 - s)))
    slope = x - out  # x (1 - s), as out is x s
    slope += 1
    slope /= _one_and_exp(x, buffer)
    return np.multiply(slope, g, out=buffer)


silu.defvjp(_silu_vjp, elementwise=True)

_ROOT = (2 / np.pi) ** 0.5


def _gelu_tanh(x: Any) -> tuple[Any, Any]:
    """Return ``tanh(sqrt(2/pi) (x + 0.044715 x^3))`` and the derivative of its argument."""
    u = np.clip(x, -30, 30)  # beyond, the tanh is 1 to the last bit
    return np.tanh(_ROOT * (u + 0.044715 * u * u * u)), _ROOT * (1 + 0.134145 * u * u)


@ag.primitive
@blockwise
def _gelu(x: Any, approximate: str = "none", *, buffer: Any = None) -> Any:
    x = as_float_array(x, "gelu")
    if approximate == "none":
        return np.subtract(np.maximum(x, 0), size_times_tail(x), out=buffer)
    return np.multiply(x, 0.5 * (1 + _gelu_tanh(x)[0]), out=buffer)


@blockwise
def _gelu_vjp(
    g: Any, out: Any, x: Any, *, approximate: str = "none", buffer: Any = None
) -> Any:  # fmt: skip
    """Return g * (P(x) + x * p(x)), where p is the normal density and P its integral."""
    if approximate == "tanh":
        t, slope = _gelu_tanh(x)
        return np.multiply(g, 0.5 * (1 + t) + x * (0.5 * (1 - t * t) * slope), out=buffer)
    if isinstance(x, ag.Tensor) or not x.ndim:
        return g * (normal_cdf(x) + x * normal_pdf(x))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        density = np.multiply(x, x, out=buffer)
        at_zero = density == 0
        density *= -0.5
        np.exp(density, out=density)
        density *= (2 * np.pi) ** -0.5
        slope = density * x
        cdf = np.divide(out, x, out=density)
    np.copyto(cdf, 0.5, where=at_zero)
    cdf += slope
    cdf *= g
    return cdf


_gelu.name = "gelu"
_gelu.defvjp(_gelu_vjp, elementwise=True)


def gelu(x: Any, approximate: str = "none") -> Any:
    """Return ``x`` times the normal distribution function of ``x`` (Hendrycks, Gimpel, 2016).

    Parameters
    ----------
    x
        An array or Tensor of any shape.
    approximate
        ``"none"`` for the exact function, ``"tanh"`` for the approximation of the paper.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.gelu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f'gelu: approximate is "none" or "tanh", got {approximate!r}')
    return _gelu(x, approximate=approximate)


def _max(x: Any, axis: int) -> Any:
    """Return the maximum along an axis that is kept; of no elements, -inf."""
    return x.max(axis, keepdims=True) if x.size else x.sum(axis, keepdims=True) - np.inf


def _sum(a: Any, axis: int) -> Any:
    """Sum along an axis that is kept, in float32 for float16, which ends at 65504."""
    options = {"dtype": np.float32} if a.dtype == np.float16 else {}
    return a.sum(axis, keepdims=True, **options)


@ag.primitive(flops=lambda _out, x, **_options: 3 * x.size)
@by_rows
def softmax(x: Any, axis: int = -1, *, buffer: Any = None) -> Any:
    """Return ``exp(x) / sum(exp(x))`` along ``axis``: positive numbers that sum to 1."""
    x = as_float_array(x, "softmax")
    with np.errstate(over="ignore"):  # a difference of -inf becomes 0
        out = np.subtract(x, _max(x, axis), out=buffer)
    out = np.exp(out, out=out)
    out /= _sum(out, axis)
    return out


@by_rows
def _softmax_vjp(g: Any, out: Any, _x: Any, axis: int = -1, *, buffer: Any = None) -> Any:
    """Return out * (g - sum(g * out))."""
    if is_numpy(out) and axis in (-1, out.ndim - 1):
        total = np.vecdot(g, out)[..., None]
    else:
        total = (g * out).sum(axis, keepdims=True)
    return np.multiply(np.subtract(g, total, out=buffer), out, out=buffer)


# rows that nothing uses, and those of probability 0, get exactly 0
softmax.defvjp(_softmax_vjp, selects=True)


@ag.primitive(flops=lambda _out, x, **_options: 3 * x.size)
@by_rows
def log_softmax(x: Any, axis: int = -1, *, buffer: Any = None) -> Any:
    """Return the logarithm of :func:`softmax` along ``axis``, accurate at any size of ``x``."""
    x = as_float_array(x, "log_softmax")
    with np.errstate(over="ignore", divide="ignore"):  # the logarithm of a sum of nothing
        z = np.subtract(x, _max(x, axis), out=buffer)
        z -= np.log(_sum(np.exp(z), axis))
    return z


@by_rows
def _log_softmax_vjp(g: Any, out: Any, _x: Any, axis: int = -1, *, buffer: Any = None) -> Any:
    """Return g - exp(out) * sum(g)."""
    share = np.exp(out, out=buffer)
    if out.dtype == np.float16:  # normalised again: of many classes, out is rounded alike
        total = _sum(share, axis)
        share = share / np.where(total == 0, 1, total)
    share = np.multiply(share, g.sum(axis, keepdims=True), out=buffer)
    return np.subtract(g, share, out=buffer)


log_softmax.defvjp(_log_softmax_vjp, selects=True)


@ag.primitive(flops=lambda *_args, **_options: 0)
def _look_up(weight: Any, *, index: Any, padding: int | None) -> Any:
    return weight[index]


@ag.primitive(flops=lambda _out, g, **_options: g.size, opaque=True)
def _add_rows(g: Any, *, index: Any, padding: int | None, rows: int) -> Any:
    """Add each row of ``g`` to the row of zeros that its id names, but for that of the padding."""
    features = g.shape[-1]
    total = np.zeros_like(g, shape=(rows, features), order="C")
    places = index.reshape(-1, 1).astype(np.intp) * features + as_of(np.arange(features), g)
    np.add.at(total.reshape(-1), places.reshape(-1), g.reshape(-1))  # fast along one axis alone
    if padding is not None:
        total[padding] = 0
    return total


def _read_rows(h: Any, _out: Any, _g: Any, *, index: Any, padding: int | None, rows: int) -> Any:
    found = _look_up(h, index=index, padding=padding)
    return found if padding is None else np.where((index == padding)[..., None], 0, found)


_look_up.defvjp(
    lambda g, _out, _weight, *, index, padding: _add_rows(
        g, index=index, padding=padding, rows=_weight.shape[0]
    ),
    selects=True,
)
_add_rows.defvjp(_read_rows)


def _look_up_batch(size: int, batched: Any, weight: Any, *, index: Any, padding: Any) -> Any:
    if not batched[0]:
        return weight[index]
    if not batched[1]:
        return weight[:, index]
    return weight[np.arange(size).reshape((-1, *(1,) * (index.ndim - 1))), index]


def _add_rows_batch(
    size: int, batched: Any, g: Any, *, index: Any, padding: int | None, rows: int
) -> Any:
    """Add the rows of all examples at once, to one table after the other."""
    index, g = (
        a if has else np.broadcast_to(a, (size, *a.shape))
        for a, has in ((index, batched[1]), (g, batched[0]))
    )
    first = rows * np.arange(size).reshape((-1, *(1,) * (index.ndim - 1)))
    places = index.astype(np.intp) + first
    total = _add_rows(g, index=places, padding=None, rows=size * rows)
    total = total.reshape((size, rows, g.shape[-1]))
    if padding is not None:
        total[:, padding] = 0
    return total


_look_up.defbatch(_look_up_batch)
_add_rows.defbatch(_add_rows_batch)
_look_up.name = "embedding"


def embedding(ids: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """Look up rows of a table: ``weight[ids]``, with every id checked.

    Parameters
    ----------
    ids : array of int, any shape
        From 0 to ``num_embeddings - 1``.
    weight : (num_embeddings, embedding_dim)
        A row that is looked up several times gets the sum of its gradients.
    padding_idx
        A row that gets no gradient.

    Returns
    -------
    array
        Shape ``(*ids.shape, embedding_dim)``.

    Raises
    ------
    IndexError
        For an id outside the table; NumPy would read negative ones from the end.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.embedding(np.array([0, 2, 0]), np.array([[1.0], [2.0], [3.0]])).tolist()
    [[1.0], [3.0], [1.0]]
    """
    ids = as_array(ids)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"embedding takes whole numbers as ids, got dtype {ids.dtype}")
    rows = weight.shape[0]
    if ids.size and any_outside(ids, rows):
        raise IndexError(f"embedding has the ids 0 to {rows - 1}, got {first_outside(ids, rows)}")
    return _look_up(weight, index=ids, padding=padding_idx)
