"""PyTorch's layers and losses in ``nn.functional`` and NumPy, as ``mapping.py`` has the others."""

import math

import numpy as np
from scipy import special

import autograd_core as ag
from nn import functional as nnf
from nn.functional.losses import reduce
from nn.functional.normalization import normalize

# fmt: off
NEAR = np.lib.stride_tricks.sliding_window_view

class Inexpressible(Exception):
    """NumPy has no spelling of these arguments."""

def only(condition):
    """Refuse a sample that NumPy cannot express."""
    if not condition:
        raise Inexpressible

def real(*arrays):
    """Refuse complex numbers, which ``nn`` does not take."""
    only(all(a is None or a.dtype.kind == "f" for a in arrays))

def numbers(value, count):
    """Return one number for each axis of a window."""
    value = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return value * count if len(value) == 1 else value

def batched(x, ndim, f):
    """Return f of a batch; of a single example, without the axis of the batch."""
    return f(x) if x.ndim == ndim else f(x[None])[0]

def softmax(f):
    return lambda x, dim, dtype=None, **_: f(np.reshape(x if dtype is None else x.astype(dtype), x.shape or (1,)), dim).reshape(x.shape)

def safe_softmax(x, dim):
    """Return softmax, and 0 where there is nothing but -inf."""
    return np.where(np.all(np.isneginf(x), axis=dim, keepdims=True), 0, ag.special.softmax(x, dim))

def softplus(x, beta=1, threshold=20):
    return np.where(x * beta > threshold, x, nnf.softplus(x * beta) / beta)

def glu(x, dim=-1):
    a, b = np.split(x, 2, dim)
    return a * nnf.sigmoid(b)

def prelu(x, weight):
    if weight.ndim:
        weight = weight.reshape(-1, *(1,) * (x.ndim - 2)) if x.ndim > 1 else weight.reshape(())
    return np.where(x > 0, x, weight * x)

def rrelu(x, lower=1 / 8, upper=1 / 3, training=False, inplace=False):
    only(not training)
    return nnf.leaky_relu(x, (lower + upper) / 2)

def conv(axes):
    def of(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
        return batched(x, axes + 2, lambda x: nnf.conv(x, w, b, stride, padding, dilation, groups))
    return of

def conv_transpose(axes):
    def of(x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        return batched(x, axes + 2, lambda x: nnf.conv_transpose(x, w, b, stride, padding, output_padding, groups, dilation))
    return of

def pool(f, axes):
    """Return pooling in 1 or 2 dimensions by ``nn``'s in 2, as far as that goes."""
    def of(x, kernel_size, stride=None, padding=0, *more, ceil_mode=False, dilation=1, return_indices=False, **options):
        only(not ceil_mode and set(numbers(dilation, 2)) == {1} and not any(more))
        only(options.get("count_include_pad", True) and not options.get("divisor_override"))
        stride = kernel_size if stride is None or stride == () else stride
        sizes = [numbers(v, axes) for v in (kernel_size, stride, padding)]
        if axes == 2:
            return batched(x, 4, lambda x: f(x, *sizes))
        (k,), (s,), (p,) = sizes
        return batched(x, 3, lambda x: f(x[:, :, None], (1, k), (1, s), (0, p))[:, :, 0])
    return of

def pool_3d(f):
    """Return pooling in 3 dimensions, for which NumPy's windows are enough."""
    def of(x, kernel_size, stride=None, padding=0, ceil_mode=False, dilation=1, return_indices=False, count_include_pad=True, divisor_override=None):
        only(not ceil_mode and set(numbers(dilation, 3)) == {1} and count_include_pad and divisor_override is None)
        k, (a, b, c), p = (numbers(v, 3) for v in (kernel_size, kernel_size if stride in (None, ()) else stride, padding))
        around = [(0, 0)] * (x.ndim - 3) + [(n, n) for n in p]
        x = np.pad(x, around, constant_values=-np.inf if f is np.max else 0.0)
        return f(NEAR(x, k, (-3, -2, -1))[..., ::a, ::b, ::c, :, :, :], axis=(-3, -2, -1))
    return of

def unpool(x, indices, kernel_size=None, stride=None, padding=0, output_size=None):
    lead = indices.shape[: x.ndim - len(numbers(kernel_size, x.ndim - 2))]
    flat = np.zeros((*lead, math.prod(output_size[len(lead) :])), x.dtype)
    rows = [a.reshape(*lead, -1) for a in (indices, x)]
    return ag.put_along_axis(flat, *rows, -1).reshape(output_size)

def adaptive(axes):
    def of(x, output_size):
        sizes = [n or length for n, length in zip(numbers(output_size, axes), x.shape[-axes:], strict=True)]
        if axes == 2:
            return batched(x, 4, lambda x: nnf.adaptive_avg_pool2d(x, tuple(sizes)))
        return batched(x, 3, lambda x: nnf.adaptive_avg_pool2d(x[:, :, None], (1, *sizes))[:, :, 0])
    return of

def affine(out, weight, bias):
    """Return an array scaled and shifted along its axis of channels, the second."""
    along = lambda a: a.reshape(-1, *(1,) * (out.ndim - 2))
    out = out if weight is None else out * along(weight)
    return out if bias is None else out + along(bias)

def moments(x, axes, eps):
    """Return the mean and the inverse root of the variance."""
    mean = np.mean(x, axis=axes, keepdims=True)
    return mean, 1 / np.sqrt(np.mean(np.square(x - mean), axis=axes, keepdims=True) + eps)

# PyTorch differentiates the statistics that the native norms return for groups only

def native_layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    weight = np.ones(shape, x.dtype) if weight is None else weight
    bias = np.zeros(shape, x.dtype) if bias is None else bias
    return normalize(x, weight, bias, axes, eps), *moments(nnf.as_array(x), axes, eps)

def rms_norm(x, shape, weight=None, eps=None):
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    eps = np.finfo(x.dtype).eps.item() if eps is None else eps
    out = x / np.sqrt(np.mean(np.square(x), axis=axes, keepdims=True) + eps)
    return out if weight is None else out * weight

def native_group_norm(x, weight, bias, n, c, size, groups, eps):
    rows = x.reshape(n, groups, c // groups * size)
    one, zero = np.ones((1, 1), x.dtype), np.zeros((1, 1), x.dtype)
    out = affine(normalize(rows, one, zero, (2,), eps).reshape(x.shape), weight, bias)
    return out, *(m.reshape(n, groups) for m in moments(rows, (2,), eps))

def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    return native_group_norm(x, weight, bias, *x.shape[:2], math.prod(x.shape[2:]), num_groups, eps)[0]

def native_batch_norm(x, weight, bias, mean, var, training, momentum, eps, over=None):
    if not training:
        along = lambda a: a.reshape(-1, *(1,) * (x.ndim - 2))
        out = affine((x - along(mean)) / np.sqrt(along(var) + eps), weight, bias)
        return out, np.zeros(0, x.dtype), np.zeros(0, x.dtype)
    axes = tuple(i for i in range(x.ndim) if i != 1) if over is None else over
    along = lambda a: a.reshape(-1, *(1,) * (x.ndim - 2))
    weight = np.ones(x.shape[1], x.dtype) if weight is None else weight
    bias = np.zeros(x.shape[1], x.dtype) if bias is None else bias
    return normalize(x, along(weight), along(bias), axes, eps), *(m.reshape(-1) for m in moments(nnf.as_array(x), axes, eps))

def batch_norm(x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    return native_batch_norm(x, weight, bias, mean, var, training, momentum, eps)[0]

def instance_norm(x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    return native_batch_norm(x, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, tuple(range(2, x.ndim)))[0]

def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    around = np.pad(np.square(x), [(0, 0), (size // 2, (size - 1) // 2)] + [(0, 0)] * (x.ndim - 2))
    return x / (k + alpha * np.mean(NEAR(around, size, 1), -1)) ** beta

def vector_norm(x, p, axis, keepdims=False):
    return np.linalg.vector_norm(x, axis=axis, ord=p, keepdims=keepdims)

def distance(x, y, p=2.0, eps=1e-6, keepdim=False):
    return vector_norm(x - y + eps, p, -1, keepdim)

def cosine(x, y, dim=1, eps=1e-8):
    x, y = np.broadcast_arrays(np.atleast_1d(x), np.atleast_1d(y))
    unit = lambda a: a / np.maximum(vector_norm(a, 2, dim, True), eps)
    return np.sum(unit(x) * unit(y), axis=dim)

def cosine_embedding(x, y, target, margin=0, reduction="mean"):
    squares = lambda a: np.sum(a * a, axis=-1) + 1e-12
    cos = np.sum(x * y, axis=-1) / np.sqrt(squares(x) * squares(y))
    return reduce(np.where(target == 1, 1 - cos, np.where(target == -1, nnf.relu(cos - margin), 0)), reduction)

def triplet(a, p, n, margin=1.0, swap=False, reduction="mean", eps=1e-6, distance_function=None, **q):
    near, far = distance(a, p, q.get("p", 2.0), eps), distance(a, n, q.get("p", 2.0), eps)
    far = np.minimum(far, distance(p, n, q.get("p", 2.0), eps)) if swap else far
    return reduce(nnf.relu(margin + near - far), reduction)

def multi_margin(x, target, p=1, margin=1.0, weight=None, reduction="mean"):
    rows, target = np.atleast_2d(x), np.atleast_1d(target)
    own = np.take_along_axis(rows, target[:, None], 1)
    losses = nnf.relu(margin - own + rows) ** p * (np.arange(rows.shape[1]) != target[:, None])
    losses = losses if weight is None else losses * weight[target][:, None]
    losses = np.mean(losses, axis=1)
    return reduce(losses if x.ndim > 1 else losses[0], reduction)

def multilabel_soft_margin(x, target, weight=None, reduction="mean"):
    losses = -(target * special.log_expit(x) + (1 - target) * special.log_expit(-x))
    return reduce(np.mean(losses if weight is None else losses * weight, axis=-1), reduction)

def poisson_nll(x, target, log_input=True, full=False, eps=1e-8, reduction="mean"):
    losses = np.exp(x) - target * x if log_input else x - target * np.log(x + eps)
    if full:
        losses = losses + np.where(target > 1, target * np.log(target) - target + 0.5 * np.log(2 * math.pi * target), 0)
    return reduce(losses, reduction)

def gaussian_nll(x, target, var, full=False, eps=1e-6, reduction="mean"):
    var = var if np.ndim(var) in (0, x.ndim) else var[..., None]
    var = np.maximum(var, eps)
    losses = 0.5 * (np.log(var) + (x - target) ** 2 / var) + (0.5 * math.log(2 * math.pi) if full else 0)
    return reduce(losses, reduction)

def weighted(f):
    def of(x, target, weight=None, reduction="mean", **options):
        return f(x, target, reduction=reduction) if weight is None else reduce(f(x, target, reduction="none") * weight, reduction)
    return of

def bce_logits(x, target, weight=None, reduction="mean", pos_weight=None):
    if pos_weight is None:
        return weighted(nnf.binary_cross_entropy_with_logits)(x, target, weight, reduction)
    losses = (1 - target) * x + (1 + (pos_weight - 1) * target) * nnf.softplus(-x)
    return reduce(losses if weight is None else losses * weight, reduction)

def smooth_l1(x, target, reduction="mean", beta=1.0):
    return nnf.huber_loss(x, target, beta, reduction) / beta if beta else nnf.l1_loss(x, target, reduction)

def elementwise_loss(f):
    def of(x, target, reduction="mean", **options):
        real(x)
        x, target = np.broadcast_arrays(x, target)
        return f(x, target, reduction=reduction, **options)
    return of

def linear_cross_entropy(x, weights, target, linear_bias=None, options=None, ignore_index=None, **more):
    return nnf.cross_entropy(nnf.linear(x, weights, linear_bias), target, ignore_index=-100 if ignore_index is None else ignore_index, **more)

def attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    only(not dropout_p and not enable_gqa)
    scores = q @ np.swapaxes(k, -1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    if attn_mask is not None:
        scores = np.where(attn_mask, scores, -np.inf) if attn_mask.dtype == bool else scores + attn_mask
    return nnf.softmax(scores) @ v

def embedding(weight, ids, padding_idx=None, max_norm=None, scale_grad_by_freq=False, **_):
    only(padding_idx is None and max_norm is None and not scale_grad_by_freq)
    return nnf.embedding(ids, weight)

def pad(x, widths, mode="constant", value=None):
    pairs = [(0, 0)] * (x.ndim - len(widths) // 2) + list(zip(widths[::2], widths[1::2], strict=True))[::-1]
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode == "replicate":  # PyTorch crops after it pads
        out = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in pairs], mode="edge")
        return out[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(out.shape, pairs, strict=True))]
    x = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pairs, strict=True))]
    options = {"constant_values": value or 0} if mode == "constant" else {}
    return np.pad(x, [(max(a, 0), max(b, 0)) for a, b in pairs], mode=modes[mode], **options)

def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    (kh, kw), (dh, dw), (ph, pw), (sh, sw) = (numbers(v, 2) for v in (kernel_size, dilation, padding, stride))
    def of(x):
        padded = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
        views = NEAR(padded, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), (2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
        n, c, h, w = views.shape[:4]
        return np.transpose(views, (0, 1, 4, 5, 2, 3)).reshape(n, c * kh * kw, h * w)
    return batched(x, 4, of)

def places(length, out, scale, mode, corners):
    """Return where in a line of ``length`` numbers the ``out`` points of a resized one lie."""
    step = 1 / scale if scale else length / out
    if mode == "nearest":
        return np.minimum(np.floor(np.arange(out) * step), length - 1).astype(int)
    if mode == "nearest-exact":
        return np.minimum(np.floor((np.arange(out) + 0.5) * step), length - 1).astype(int)
    if corners:
        return np.arange(out) * ((length - 1) / (out - 1) if out > 1 else 0)
    return np.maximum((np.arange(out) + 0.5) * step - 0.5, 0)

def interpolate(x, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
    axes = range(2, x.ndim)
    if mode == "area":
        only(x.ndim < 5)
        size = [math.floor(x.shape[i] * scale_factor) for i in axes] if size is None else size
        return adaptive(x.ndim - 2)(x, tuple(numbers(size, len(axes))))
    for number, i in enumerate(axes):
        n = x.shape[i]
        out = numbers(size, len(axes))[number] if size is not None else math.floor(n * scale_factor)
        scale = None if size is not None or recompute_scale_factor else scale_factor
        where = places(n, out, scale, mode, align_corners)
        if where.dtype == int:
            x = np.take(x, where, i)
        elif x.ndim == 3:
            x = np.apply_along_axis(lambda row, at=where, n=n: np.interp(at, np.arange(n), row), i, x)
        else:
            low = np.floor(where).astype(int)
            part = (where - low).astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1 - i))
            x = np.take(x, low, i) * (1 - part) + np.take(x, np.minimum(low + 1, n - 1), i) * part
    return x

def pixel_shuffle(x, upscale_factor):
    r, (c, h, w) = upscale_factor, x.shape[-3:]
    out = np.reshape(x, (*x.shape[:-3], c // r**2, r, r, h, w))
    return np.moveaxis(out, (-4, -3), (-3, -1)).reshape(*x.shape[:-3], c // r**2, h * r, w * r)

def pixel_unshuffle(x, downscale_factor):
    r, (c, h, w) = downscale_factor, x.shape[-3:]
    out = np.moveaxis(np.reshape(x, (*x.shape[:-3], c, h // r, r, w // r, r)), (-3, -1), (-4, -3))
    return out.reshape(*x.shape[:-3], c * r**2, h // r, w // r)

def channel_shuffle(x, groups):
    return np.swapaxes(x.reshape(x.shape[0], groups, -1, *x.shape[2:]), 1, 2).reshape(x.shape)

SELU = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
clipped = lambda x: np.clip(x + 3, 0, 6) / 6
NN = {
    "softmax": softmax(nnf.softmax), "log_softmax": softmax(nnf.log_softmax), "nn.functional.softmin": softmax(lambda x, dim: nnf.softmax(-x, dim)),
    "torch.ops.aten._safe_softmax.default": safe_softmax, "_softmax_backward_data": lambda g, out, dim, dtype: out * (g - np.sum(g * out, axis=dim, keepdims=True)),
    "native_dropout_backward": lambda g, mask, scale: g * mask * scale,
    "constant_pad_nd": lambda x, widths, value=0: pad(x, widths, "constant", value),
}
NN |= {f"nn.functional.{name}": f for name, f in {
    "relu": lambda x: nnf.relu(x), "leaky_relu": lambda x, negative_slope=0.01: nnf.leaky_relu(x, negative_slope), "elu": lambda x, alpha=1.0: nnf.elu(x, alpha),
    "gelu": nnf.gelu, "silu": lambda x: nnf.silu(x), "silu|complex": lambda x: x / (1 + np.exp(-x)), "softplus": softplus, "logsigmoid": lambda x: special.log_expit(x),
    "celu": lambda x, alpha=1.0: nnf.elu(x / alpha) * alpha, "selu": lambda x: SELU[0] * nnf.elu(x, SELU[1]), "relu6": lambda x: np.clip(x, 0, 6),
    "hardtanh": lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val), "hardsigmoid": clipped, "hardswish": lambda x: x * clipped(x),
    "mish": lambda x: x * np.tanh(nnf.softplus(x)), "softsign": lambda x: x / (1 + np.abs(x)), "tanhshrink": lambda x: x - np.tanh(x),
    "threshold": lambda x, threshold, value: np.where(x > threshold, x, value), "hardshrink": lambda x, lambd=0.5: np.where((x >= -lambd) & (x <= lambd), 0, x),
    "softshrink": lambda x, lambd=0.5: np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, 0)),
    "glu": glu, "prelu": prelu, "rrelu": rrelu, "linear": lambda x, w, b=None: nnf.linear(x, w, b),
    "bilinear": lambda x, y, w, b=None: np.einsum("...i,oij,...j->...o", x, w, y) + (0 if b is None else b),
    **{f"conv{n}d": conv(n) for n in (1, 2, 3)}, **{f"conv_transpose{n}d": conv_transpose(n) for n in (1, 2, 3)},
    **{f"max_pool{n}d": pool(nnf.max_pool2d, n) for n in (1, 2)}, **{f"avg_pool{n}d": pool(nnf.avg_pool2d, n) for n in (1, 2)},
    **{f"adaptive_avg_pool{n}d": adaptive(n) for n in (1, 2)},
    "max_pool3d": pool_3d(np.max), "avg_pool3d": pool_3d(np.mean), **{f"max_unpool{n}d|grad": unpool for n in (1, 2, 3)},
    "layer_norm": lambda x, shape, weight=None, bias=None, eps=1e-5: native_layer_norm(x, shape, weight, bias, eps)[0], "rms_norm": rms_norm, "group_norm": group_norm,
    "batch_norm": batch_norm, "instance_norm": instance_norm, "local_response_norm": local_response_norm,
    "normalize": lambda x, p=2.0, dim=1, eps=1e-12: x / np.maximum(vector_norm(x, p, dim if x.ndim else None, True), eps),
    "cosine_similarity": cosine, "pairwise_distance": distance, "cosine_embedding_loss": cosine_embedding, "triplet_margin_loss": triplet, "triplet_margin_with_distance_loss": triplet,
    "hinge_embedding_loss": lambda x, t, margin=1.0, reduction="mean": reduce(np.where(t != 1, nnf.relu(margin - x), 0) + np.where(t != -1, x, 0), reduction),
    "margin_ranking_loss": lambda x, y, t, margin=0.0, reduction="mean": reduce(nnf.relu(-t * (x - y) + margin), reduction),
    "soft_margin_loss": lambda x, t, reduction="mean": reduce(nnf.softplus(-t * x), reduction), "multi_margin_loss": multi_margin,
    "multilabel_soft_margin_loss": multilabel_soft_margin, "poisson_nll_loss": poisson_nll, "gaussian_nll_loss": gaussian_nll,
    "mse_loss": elementwise_loss(nnf.mse_loss), "l1_loss": elementwise_loss(nnf.l1_loss), "smooth_l1_loss": smooth_l1, "huber_loss": elementwise_loss(nnf.huber_loss),
    "kl_div": elementwise_loss(nnf.kl_div), "binary_cross_entropy": weighted(nnf.binary_cross_entropy), "binary_cross_entropy_with_logits": bce_logits,
    "cross_entropy": nnf.cross_entropy, "nll_loss": nnf.nll_loss, "linear_cross_entropy": linear_cross_entropy,
    "scaled_dot_product_attention": attention, "embedding": embedding, "pad": pad, "unfold": unfold, "interpolate": interpolate,
    "upsample_nearest": lambda x, size=None, scale_factor=None: interpolate(x, size, scale_factor),
    "upsample_bilinear": lambda x, size=None, scale_factor=None: interpolate(x, size, scale_factor, "bilinear", True),
    "pixel_shuffle": pixel_shuffle, "pixel_unshuffle": pixel_unshuffle, "channel_shuffle": channel_shuffle,
}.items()}
NN |= {
    "native_layer_norm": native_layer_norm, "native_group_norm": native_group_norm, "native_batch_norm": native_batch_norm,
    "_native_batch_norm_legit": lambda x, w, b, *more: native_batch_norm(x, w, b, *more) if len(more) == 5 else native_batch_norm(x, w, b, None, None, *more),
    "_batch_norm_with_update": lambda x, w, b, mean, var, momentum, eps: native_batch_norm(x, w, b, mean, var, True, momentum, eps),
}
# fmt: on
