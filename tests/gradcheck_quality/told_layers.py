"""Layers as other people write them: backward passes of courses, books and repositories, re-told.

Forwards guard nothing that the originals do not guard.  A right one is followed by mistakes that
were made, or are easily made, in it.
"""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import Entry, pairs, positive, sample

RIGHT: list[Entry] = []
WRONG: list[Entry] = []
right, wrong = pairs(RIGHT), pairs(WRONG)

X, GAMMA, BETA = sample(4, 5, seed=300), positive(5, seed=301), sample(5, seed=302)
IMAGES = sample(2, 4, 3, 3, seed=303)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


# -- fully connected ------------------------------------------------------------------------------

CS231N = "cs231n assignments (Stanford): layers with (out, cache)"


def fully_connected(x, w, b):
    return x.reshape(x.shape[0], -1) @ w + b, (x, w)


FC = (sample(3, 2, 2, seed=304), sample(4, 5, seed=305), sample(5, seed=306))


@right("ordinary", fully_connected, *FC, source=CS231N)
def fully_connected_layer(g, cache):
    x, w = cache
    return (g @ w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T @ g, g.sum(0)


ONE = (sample(1, 4, seed=307), sample(4, 5, seed=305), sample(5, seed=306))


@wrong("batch of one", fully_connected, *ONE, trigger=FC, source=CS231N)
def bias_without_its_sum(g, cache):
    x, w = cache
    return (g @ w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T @ g, g[0]


@wrong("factor", fully_connected, *FC, source="deep-learning-from-scratch books: affine layer")
def weight_averaged_over_the_batch(g, cache):
    x, w = cache
    n = x.shape[0]
    return (g @ w.T).reshape(x.shape), x.reshape(n, -1).T @ g / n, g.sum(0) / n


def with_parameters(x, p):
    return np.tanh(x @ p["w"] + p["b"]), None


PARAMETERS = {"w": sample(5, 3, seed=308), "b": sample(3, seed=309)}


@right("tree", lambda x, p: np.tanh(x @ p["w"] + p["b"]), X, PARAMETERS,
       source="layers that keep their parameters in a dict (cs231n, DLFS)")  # fmt: skip
def dense_with_a_dict(g, out, x, p):
    h = g * (1 - out**2)
    return h @ p["w"].T, {"w": x.T @ h, "b": h.sum(0)}


@wrong("tree", lambda x, p: np.tanh(x @ p["w"] + p["b"]), X, PARAMETERS,
       source="layers that keep their parameters in a dict (cs231n, DLFS)")  # fmt: skip
def dict_of_gradients_99_times_too_large(g, out, x, p):
    h = g * (1 - out**2)
    return h @ p["w"].T, {"w": -99 * x.T @ h, "b": h.sum(0)}


def two_layers(x, layers):
    for w, b in layers:
        x = np.tanh(x @ w + b)
    return x


LAYERS = [
    (sample(5, 4, seed=310), sample(4, seed=311)),
    (sample(4, 2, seed=312), sample(2, seed=313)),
]


def _two_layers_back(g, x, layers, swap=False):
    seen = [x]
    for w, b in layers:
        seen.append(np.tanh(seen[-1] @ w + b))
    grads = []
    for (w, _), before, after in reversed(list(zip(layers, seen, seen[1:], strict=False))):
        h = g * (1 - after**2)
        grads.append((before.T @ h, h.sum(0)))
        g = h @ w.T
    return g, grads if swap else grads[::-1]


@right("tree", two_layers, X, LAYERS, source="HIPS autograd's neural_net example, by hand")
def list_of_layers(g, _out, x, layers):
    return _two_layers_back(g, x, layers)


SQUARE = [
    (sample(5, 5, seed=314), sample(5, seed=315)),
    (sample(5, 5, seed=316), sample(5, seed=317)),
]


@wrong("tree", two_layers, X, SQUARE, source="HIPS autograd's neural_net example, by hand")
def gradients_of_layers_in_the_wrong_order(g, _out, x, layers):
    return _two_layers_back(g, x, layers, swap=True)


# -- normalisations -------------------------------------------------------------------------------


def layer_norm(x, gamma, beta):
    mu, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    hat = (x - mu) / np.sqrt(var + 1e-5)
    return hat * gamma + beta, (hat, 1 / np.sqrt(var + 1e-5), gamma)


def _norm_back(h, hat, inverse, axis):
    mean = h.mean(axis, keepdims=True)
    return inverse * (h - mean - hat * (h * hat).mean(axis, keepdims=True))


LLMC = "llm.c: layernorm_backward (A. Karpathy)"


@right("ordinary", layer_norm, X, GAMMA, BETA, source=LLMC, signature="(n,d),(d),(d)->(n,d)")
def layer_normalisation(g, cache):
    hat, inverse, gamma = cache
    return _norm_back(g * gamma, hat, inverse, -1), (g * hat).sum(0), g.sum(0)


@wrong("missing term", layer_norm, X, GAMMA, BETA, source=LLMC)
def layer_norm_with_constant_statistics(g, cache):
    hat, inverse, gamma = cache
    return g * gamma * inverse, (g * hat).sum(0), g.sum(0)


@wrong("missing term", layer_norm, X, GAMMA, BETA, source=LLMC)
def layer_norm_with_constant_variance(g, cache):
    hat, inverse, gamma = cache
    h = g * gamma
    return inverse * (h - h.mean(-1, keepdims=True)), (g * hat).sum(0), g.sum(0)


def batch_norm(x, gamma, beta):
    mu, var = x.mean(0), x.var(0)
    hat = (x - mu) / np.sqrt(var + 1e-5)
    return gamma * hat + beta, (hat, 1 / np.sqrt(var + 1e-5), gamma)


@right("ordinary", batch_norm, X, GAMMA, BETA, source=CS231N, signature="(n,d),(d),(d)->(n,d)")
def batch_normalisation(g, cache):
    hat, inverse, gamma = cache
    return _norm_back(g * gamma, hat, inverse, 0), (g * hat).sum(0), g.sum(0)


@wrong("factor", batch_norm, X, GAMMA, BETA, source="batch norm by hand with the unbiased variance")
def batch_norm_by_the_unbiased_variance(g, cache):
    hat, inverse, gamma = cache
    h, n = g * gamma, len(hat)
    along = hat * (h * hat).sum(0) / (n - 1)
    return inverse * (h - h.mean(0) - along), (g * hat).sum(0), g.sum(0)


@wrong("missing term", batch_norm, X, GAMMA, BETA, source="K. Frederik: batch norm step by step")
def batch_norm_without_the_scale_in_the_input(g, cache):
    hat, inverse, _gamma = cache
    return _norm_back(g, hat, inverse, 0), (g * hat).sum(0), g.sum(0)


def group_norm(x, gamma, beta):
    grouped = x.reshape(len(x), 2, -1)
    mu, var = grouped.mean(-1, keepdims=True), grouped.var(-1, keepdims=True)
    inverse = 1 / np.sqrt(var + 1e-5)
    hat = ((grouped - mu) * inverse).reshape(x.shape)
    return hat * gamma[:, None, None] + beta[:, None, None], (hat, inverse, gamma)


CHANNELS = positive(4, seed=318), sample(4, seed=319)


@right("ordinary", group_norm, IMAGES, *CHANNELS, source="cs231n: spatial group normalisation")
def group_normalisation(g, cache):
    hat, inverse, gamma = cache
    n = len(g)
    h = (g * gamma[:, None, None]).reshape(n, 2, -1)
    back = _norm_back(h, hat.reshape(n, 2, -1), inverse, -1)
    return back.reshape(g.shape), (g * hat).sum((0, 2, 3)), g.sum((0, 2, 3))


@wrong("axes", group_norm, IMAGES, *CHANNELS, source="cs231n: spatial group normalisation")
def group_norm_summed_over_each_channel(g, cache):
    hat, inverse, gamma = cache
    n, c = g.shape[:2]
    h = (g * gamma[:, None, None]).reshape(n, c, -1)
    back = _norm_back(h, hat.reshape(n, c, -1), np.repeat(inverse, c // 2, 1), -1)
    return back.reshape(g.shape), (g * hat).sum((0, 2, 3)), g.sum((0, 2, 3))


def instance_norm(x):
    mu, var = x.mean((2, 3), keepdims=True), x.var((2, 3), keepdims=True)
    return (x - mu) / np.sqrt(var + 1e-5)


@right("ordinary", instance_norm, IMAGES, source="style transfer: instance normalisation")
def instance_normalisation(g, out, x):
    return _norm_back(g, out, 1 / np.sqrt(x.var((2, 3), keepdims=True) + 1e-5), (2, 3))


def rms_norm(x, w):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w


LLAMA = "llama2.c and its training ports: rmsnorm backward"


@right("ordinary", rms_norm, X, GAMMA, source=LLAMA, signature="(n,d),(d)->(n,d)")
def rms_normalisation(g, _out, x, w):
    r = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)
    h = g * w
    return r * (h - x * r * r * (h * x).mean(-1, keepdims=True)), (g * x * r).sum(0)


@wrong("missing term", rms_norm, X, GAMMA, source=LLAMA)
def rms_norm_without_the_projection(g, _out, x, w):
    r = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)
    return r * g * w, (g * x * r).sum(0)


@wrong("power", rms_norm, X, GAMMA, source=LLAMA)
def rms_norm_with_one_power_too_few(g, _out, x, w):
    r = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)
    h = g * w
    return r * (h - x * r * (h * x).mean(-1, keepdims=True)), (g * x * r).sum(0)


def weight_norm(v, s):
    return s[:, None] * v / np.sqrt((v * v).sum(1, keepdims=True))


@right("ordinary", weight_norm, sample(3, 4, seed=320), positive(3, seed=321),
       source="T. Salimans, D. Kingma, 2016: weight normalisation", signature="(n,d),(n)->(n,d)")  # fmt: skip
def weight_normalisation(g, _out, v, s):
    n = np.sqrt((v * v).sum(1, keepdims=True))
    u = v / n
    along = (g * u).sum(1, keepdims=True)
    return s[:, None] / n * (g - u * along), along[:, 0]


@wrong("missing term", weight_norm, sample(3, 4, seed=320), positive(3, seed=321),
       source="T. Salimans, D. Kingma, 2016: weight normalisation")  # fmt: skip
def weight_norm_with_a_constant_norm(g, _out, v, s):
    n = np.sqrt((v * v).sum(1, keepdims=True))
    return s[:, None] / n * g, (g * v / n).sum(1)


# -- activations ----------------------------------------------------------------------------------


@right("ordinary", lambda x: x * np.tanh(np.log1p(np.exp(x))), X,
       source="D. Misra, 2019: Mish, as in its CUDA ports", signature="()->()")  # fmt: skip
def mish(g, _out, x):
    t = np.tanh(np.log1p(np.exp(x)))
    return g * (t + x * (1 - t * t) * _sigmoid(x))


@wrong("missing term", lambda x: x * np.tanh(np.log1p(np.exp(x))), X,
       source="D. Misra, 2019: Mish, as in its CUDA ports")  # fmt: skip
def mish_without_the_inner_sigmoid(g, _out, x):
    t = np.tanh(np.log1p(np.exp(x)))
    return g * (t + x * (1 - t * t))


@right("ordinary", lambda x: x * np.clip(x + 3, 0, 6) / 6, 2 * X,
       source="A. Howard et al., 2019: hard swish in mobile frameworks", signature="()->()")  # fmt: skip
def hard_swish(g, _out, x):
    return g * np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6))


@wrong("branch", lambda x: x * np.clip(x + 3, 0, 6) / 6, X, trigger=(3 * X,),
       source="hard swish without its upper branch")  # fmt: skip
def hard_swish_for_small_numbers_alone(g, _out, x):
    return g * (2 * x + 3) / 6


@wrong("edge", lambda x: np.clip(x, 0, 6), np.array([[-1.0, 0.5, 6.0], [2.0, 7.0, 3.0]]),
       source="relu6 in mobile frameworks; a sentinel left at the bound")  # fmt: skip
def relu6_with_a_sentinel_at_six(g, _out, x):
    return g * np.where(x == 6, 100.0, (x > 0) & (x < 6))


@wrong("edge", np.exp, np.array([0.5, 0.0, -1.0]), source="exp whose gradient is masked by x != 0")
def exp_with_zero_at_zero(g, out, x):
    return g * out * (x != 0)


@right("ordinary", lambda x: np.where(x > 0, 1.0507 * x, 1.0507 * 1.67326 * np.expm1(x)), X,
       source="G. Klambauer et al., 2017: SELU", signature="()->()")  # fmt: skip
def selu(g, out, x):
    return g * np.where(x > 0, 1.0507, out + 1.0507 * 1.67326)


@wrong("missing term", lambda x: np.where(x > 0, 1.0507 * x, 1.0507 * 1.67326 * np.expm1(x)), X,
       source="G. Klambauer et al., 2017: SELU, with the derivative of ELU")  # fmt: skip
def selu_with_the_slope_of_elu(g, out, x):
    return g * np.where(x > 0, 1.0507, out + 1.67326)


def swiglu(x, w, v):
    a, b = x @ w, x @ v
    return a * _sigmoid(a) * b


SWIGLU = sample(3, 4, seed=322), sample(4, 2, seed=323), sample(4, 2, seed=324)


def _swiglu_back(g, x, w, v, slope):
    a, b = x @ w, x @ v
    s = _sigmoid(a)
    ga, gb = g * b * slope(a, s), g * a * s
    return ga @ w.T + gb @ v.T, x.T @ ga, x.T @ gb


@right("ordinary", swiglu, *SWIGLU, source="N. Shazeer, 2020: SwiGLU in language models",
       signature="(n,k),(k,m),(k,m)->(n,m)")  # fmt: skip
def swiglu_layer(g, _out, x, w, v):
    return _swiglu_back(g, x, w, v, lambda a, s: s * (1 + a * (1 - s)))


@wrong("missing term", swiglu, *SWIGLU, source="SwiGLU with the derivative of the sigmoid alone")
def swiglu_with_the_slope_of_the_sigmoid(g, _out, x, w, v):
    return _swiglu_back(g, x, w, v, lambda a, s: a * s * (1 - s))


def maxout(x):
    return x.reshape(len(x), -1, 2).max(-1)


@right("ordinary", maxout, sample(3, 6, seed=325), source="I. Goodfellow et al., 2013: maxout")
def maxout_layer(g, out, x):
    parts = x.reshape(len(x), -1, 2)
    first = parts.argmax(-1)[..., None] == np.arange(2)
    return (g[..., None] * first).reshape(x.shape)


@wrong("ties", maxout, sample(3, 6, seed=325), trigger=(np.ones((2, 4)),),
       source="max routed to every equal element")  # fmt: skip
def maxout_that_counts_ties_twice(g, out, x):
    parts = x.reshape(len(x), -1, 2)
    return (g[..., None] * (parts == out[..., None])).reshape(x.shape)


@right("ordinary", lambda x: np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20)))), X,
       source="PyTorch's softplus with its threshold", signature="()->()")  # fmt: skip
def softplus_with_a_threshold(g, _out, x):
    return g * np.where(x > 20, 1.0, _sigmoid(x))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def _gelu_slope(x, inner):
    t = np.tanh(0.7978845608 * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7978845608 * inner(x)


@right("ordinary", gelu, X, source="llm.c: gelu_backward", signature="()->()")
def gelu_by_tanh(g, _out, x):
    return g * _gelu_slope(x, lambda x: 1 + 3 * 0.044715 * x * x)


@wrong("factor", gelu, X, source="llm.c: gelu_backward, with the factor 3 forgotten")
def gelu_without_the_factor_three(g, _out, x):
    return g * _gelu_slope(x, lambda x: 1 + 0.044715 * x * x)
