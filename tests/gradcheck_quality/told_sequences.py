"""Attention, recurrent cells, convolutions, pooling and tables as other people write them."""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import Entry, pairs, sample

RIGHT: list[Entry] = []
WRONG: list[Entry] = []
right, wrong = pairs(RIGHT), pairs(WRONG)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _softmax_back(g, p):
    return p * (g - (g * p).sum(-1, keepdims=True))


# -- attention ------------------------------------------------------------------------------------

Q, K, V = sample(3, 4, seed=400), sample(5, 4, seed=401), sample(5, 2, seed=402)
ATTENTION = "A. Vaswani et al., 2017: attention, with backward by hand as in llm.c"


def attention(q, k, v):
    p = _softmax(q @ k.T / np.sqrt(q.shape[-1]))
    return p @ v, (q, k, v, p)


def _attention_back(g, cache, through=_softmax_back, scale=True):
    q, k, v, p = cache
    s = through(g @ v.T, p) / (np.sqrt(q.shape[-1]) if scale else 1)
    return s @ k, s.T @ q, p.T @ g


@right("ordinary", attention, Q, K, V, source=ATTENTION, signature="(n,d),(m,d),(m,e)->(n,e)")
def scaled_attention(g, cache):
    return _attention_back(g, cache)


@wrong("factor", attention, Q, K, V, source=ATTENTION)
def attention_without_the_scale(g, cache):
    return _attention_back(g, cache, scale=False)


@wrong("missing term", attention, Q, K, V, source=ATTENTION)
def attention_with_a_diagonal_softmax(g, cache):
    return _attention_back(g, cache, lambda g, p: g * p * (1 - p))


def causal(x, w):
    q, k, v = np.split(x @ w, 3, axis=-1)
    s = np.where(np.tri(len(x), dtype=bool), q @ k.T / np.sqrt(q.shape[-1]), -1e9)
    p = _softmax(s)
    return p @ v, (x, w, q, k, v, p)


PACKED = sample(4, 3, seed=403), sample(3, 6, seed=404)


def _causal_back(g, cache, order=(0, 1, 2)):
    x, w, q, k, v, p = cache
    s = _softmax_back(g @ v.T, p) / np.sqrt(q.shape[-1])
    parts = s @ k, s.T @ q, p.T @ g
    packed = np.concatenate([parts[i] for i in order], -1)
    return packed @ w.T, x.T @ packed


@right("ordinary", causal, *PACKED, source="llm.c: attention from packed queries, keys and values",
       signature="(t,c),(c,3h)->(t,h)")  # fmt: skip
def causal_attention_from_one_matrix(g, cache):
    return _causal_back(g, cache)


@wrong("operands", causal, *PACKED, source="packed attention, unpacked in another order")
def packed_attention_in_another_order(g, cache):
    return _causal_back(g, cache, (1, 0, 2))


def rotary(x):
    t = np.arange(len(x))[:, None] * 0.7 ** np.arange(x.shape[1] // 2)
    a, b = x[:, ::2], x[:, 1::2]
    out = np.empty_like(x)
    out[:, ::2], out[:, 1::2] = a * np.cos(t) - b * np.sin(t), a * np.sin(t) + b * np.cos(t)
    return out


def _rotary_back(g, sign):
    t = sign * np.arange(len(g))[:, None] * 0.7 ** np.arange(g.shape[1] // 2)
    a, b = g[:, ::2], g[:, 1::2]
    out = np.empty_like(g)
    out[:, ::2], out[:, 1::2] = a * np.cos(t) + b * np.sin(t), b * np.cos(t) - a * np.sin(t)
    return out


@right("ordinary", rotary, sample(3, 4, seed=405), source="J. Su et al., 2021: rotary embedding")
def rotary_embedding(g, _out, x):
    return _rotary_back(g, 1)


@wrong("sign", rotary, sample(3, 4, seed=405), source="rotary embedding turned forwards again")
def rotary_embedding_turned_the_same_way(g, _out, x):
    return _rotary_back(g, -1)


def linear_attention(q, k, v):
    f, h = np.where(q > 0, q + 1, np.exp(q)), np.where(k > 0, k + 1, np.exp(k))
    return f @ (h.T @ v) / (f @ h.sum(0))[:, None]


def _linear_attention_back(g, out, q, k, v, norm=True):
    f, h = np.where(q > 0, q + 1, np.exp(q)), np.where(k > 0, k + 1, np.exp(k))
    z = f @ h.sum(0)
    u = g / z[:, None]
    along = (g * out).sum(1) / z * norm
    gf = u @ (h.T @ v).T - along[:, None] * h.sum(0)
    gh = v @ (u.T @ f) - along @ f
    return gf * np.where(q > 0, 1, f), gh * np.where(k > 0, 1, h), h @ (f.T @ u)


@right("ordinary", linear_attention, Q, K, V, source="A. Katharopoulos et al., 2020: linear attention",
       signature="(n,d),(m,d),(m,e)->(n,e)")  # fmt: skip
def attention_by_a_feature_map(g, out, q, k, v):
    return _linear_attention_back(g, out, q, k, v)


@wrong("missing term", linear_attention, Q, K, V,
       source="A. Katharopoulos et al., 2020: linear attention with a constant normaliser")  # fmt: skip
def linear_attention_with_a_constant_normaliser(g, out, q, k, v):
    return _linear_attention_back(g, out, q, k, v, norm=False)


# -- recurrent cells ------------------------------------------------------------------------------

H = 3
CELL = sample(2, 4, seed=410), sample(2, H, seed=411), sample(2, H, seed=412)
W4, B4 = sample(4 + H, 4 * H, seed=413) / 2, sample(4 * H, seed=414)
LSTM = "cs231n and min-char-lstm gists: one step, gates packed in 4h"


def lstm(x, h, c, w, b):
    a = np.hstack([x, h]) @ w + b
    n = h.shape[1]
    i, f, o, u = *(_sigmoid(a[:, k * n : (k + 1) * n]) for k in range(3)), np.tanh(a[:, 3 * n :])
    after = f * c + i * u
    return (o * np.tanh(after), after), (np.hstack([x, h]), c, w, i, f, o, u, after)


def _lstm_back(g, cache, forget=True, cell=True):
    gh, gc = g
    xh, c, w, i, f, o, u, after = cache
    t = np.tanh(after)
    d = gh * o * (1 - t * t) + gc * cell
    gates = [d * u * i * (1 - i), d * c * f * (1 - f), gh * t * o * (1 - o), d * i * (1 - u * u)]
    if not forget:
        gates[1] = d * f * (1 - f)
    a = np.hstack(gates)
    back = a @ w.T
    n = c.shape[1]
    return back[:, :-n], back[:, -n:], d * f, xh.T @ a, a.sum(0)


@right("ordinary", lstm, *CELL, W4, B4, source=LSTM)
def lstm_step(g, cache):
    return _lstm_back(g, cache)


@wrong("operands", lstm, *CELL, W4, B4, source=LSTM)
def lstm_whose_forget_gate_ignores_the_cell(g, cache):
    return _lstm_back(g, cache, forget=False)


@wrong("missing term", lstm, *CELL, W4, B4, source=LSTM)
def lstm_without_the_gradient_of_the_next_cell(g, cache):
    return _lstm_back(g, cache, cell=False)


W3, U3 = sample(4, 3 * H, seed=415), sample(H, 3 * H, seed=416)


def gru(x, h, w, u):
    n = h.shape[1]
    a, b = x @ w, h @ u
    r, z = _sigmoid(a[:, :n] + b[:, :n]), _sigmoid(a[:, n : 2 * n] + b[:, n : 2 * n])
    m = np.tanh(a[:, 2 * n :] + r * b[:, 2 * n :])
    return (1 - z) * m + z * h, (x, h, w, u, r, z, m, b[:, 2 * n :])


def _gru_back(g, cache, reset=True, direct=True):
    x, h, w, u, r, z, m, hidden = cache
    gm = g * (1 - z) * (1 - m * m)
    gz, gr = g * (h - m) * z * (1 - z), gm * hidden * r * (1 - r)
    a = np.hstack([gr, gz, gm])
    b = np.hstack([gr, gz, gm * r if reset else gm])
    return a @ w.T, b @ u.T + g * z * direct, x.T @ a, h.T @ b


@right("ordinary", gru, *CELL[:2], W3, U3, source="K. Cho et al., 2014: GRU as in cuDNN")
def gru_step(g, cache):
    return _gru_back(g, cache)


@wrong("missing term", gru, *CELL[:2], W3, U3, source="GRU: reset gate left out of the hidden part")
def gru_without_the_reset_gate_in_backward(g, cache):
    return _gru_back(g, cache, reset=False)


@wrong("missing term", gru, *CELL[:2], W3, U3, source="GRU: the direct path to the state forgotten")
def gru_without_the_direct_path(g, cache):
    return _gru_back(g, cache, direct=False)


def char_rnn(xs, w, u):
    h, states = np.zeros(len(u)), []
    for x in xs:
        h = np.tanh(w @ x + u @ h)
        states.append(h)
    return np.array(states)


RNN = sample(4, 2, seed=417), sample(H, 2, seed=418), sample(H, H, seed=419) / 2


def _rnn_back(g, states, xs, w, u, carry=True):
    gx, gw, gu, later = np.zeros_like(xs), np.zeros_like(w), np.zeros_like(u), 0.0
    for t in reversed(range(len(xs))):
        d = (g[t] + later) * (1 - states[t] ** 2)
        gx[t], gw = w.T @ d, gw + np.outer(d, xs[t])
        gu = gu + np.outer(d, states[t - 1] if t else np.zeros(len(u)))
        later = u.T @ d if carry else 0.0
    return gx, gw, gu


@right(
    "ordinary",
    char_rnn,
    *RNN,
    source="A. Karpathy: min-char-rnn",
    signature="(t,d),(h,d),(h,h)->(t,h)",
)
def rnn_through_time(g, states, xs, w, u):
    return _rnn_back(g, states, xs, w, u)


@wrong("missing term", char_rnn, *RNN, source="A. Karpathy: min-char-rnn, truncated to one step")
def rnn_truncated_to_one_step(g, states, xs, w, u):
    return _rnn_back(g, states, xs, w, u, carry=False)


# -- convolution and pooling ----------------------------------------------------------------------

IMAGE, KERNEL = sample(2, 2, 5, 5, seed=420), sample(3, 2, 3, 3, seed=421)
BIAS = sample(3, seed=422)


def conv(x, w, b, stride=2, pad=1):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    n, k = (x.shape[2] - w.shape[2]) // stride + 1, w.shape[2]
    out = np.zeros((len(x), len(w), n, n))
    for i in range(n):
        for j in range(n):
            window = x[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
            out[:, :, i, j] = np.tensordot(window, w, ((1, 2, 3), (1, 2, 3))) + b
    return out, (x, w, stride, pad)


def _conv_back(g, cache, flip=False, crop=True):
    x, w, stride, pad = cache
    gx, gw, k = np.zeros_like(x), np.zeros_like(w), w.shape[2]
    for i in range(g.shape[2]):
        for j in range(g.shape[3]):
            at = np.s_[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
            gw += np.tensordot(g[:, :, i, j], x[at], (0, 0))
            gx[at] += np.tensordot(g[:, :, i, j], w[:, :, ::-1, ::-1] if flip else w, (1, 0))
    gx = gx[:, :, pad:-pad, pad:-pad] if crop else gx[:, :, : -2 * pad, : -2 * pad]
    return gx, gw, g.sum((0, 2, 3))


CONV = "cs231n: convolution by loops, with stride and padding"


@right("ordinary", conv, IMAGE, KERNEL, BIAS, source=CONV)
def convolution_by_loops(g, cache):
    return _conv_back(g, cache)


@wrong("operands", conv, IMAGE, KERNEL, BIAS, source=CONV)
def convolution_with_a_flipped_kernel(g, cache):
    return _conv_back(g, cache, flip=True)


@wrong("shift", conv, IMAGE, KERNEL, BIAS, source=CONV)
def convolution_that_crops_one_side(g, cache):
    return _conv_back(g, cache, crop=False)


def depthwise(x, w):
    return sum(x[:, :, j : j + x.shape[2] - 2] * w[:, j, None] for j in range(3))


@right("ordinary", depthwise, sample(2, 3, 6, seed=423), sample(3, 3, seed=424),
       source="depthwise 1-d convolution of speech models")  # fmt: skip
def depthwise_convolution(g, _out, x, w):
    gx, gw, n = np.zeros_like(x), np.zeros_like(w), g.shape[2]
    for j in range(3):
        gx[:, :, j : j + n] += g * w[:, j, None]
        gw[:, j] = (g * x[:, :, j : j + n]).sum((0, 2))
    return gx, gw


@wrong("axes", depthwise, sample(1, 3, 6, seed=423), sample(3, 3, seed=424),
       trigger=(sample(2, 3, 6, seed=423), sample(3, 3, seed=424)),
       source="depthwise convolution that forgets the batch")  # fmt: skip
def depthwise_convolution_of_the_first_example(g, _out, x, w):
    gx, gw, n = np.zeros_like(x), np.zeros_like(w), g.shape[2]
    for j in range(3):
        gx[:, :, j : j + n] += g * w[:, j, None]
        gw[:, j] = (g[0] * x[0, :, j : j + n]).sum(1)
    return gx, gw


def max_pool(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))


EVEN = sample(2, 2, 4, 4, seed=425)


@right("ordinary", max_pool, EVEN, source="cs231n: max pooling by reshape")
def max_pooling(g, out, x):
    n, c, h, w = x.shape
    windows = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(-1, 4)
    first = (windows.argmax(1)[:, None] == np.arange(4)) * g.reshape(-1, 1)
    return first.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(x.shape)


@wrong(
    "ties",
    max_pool,
    EVEN,
    trigger=(np.ones((1, 1, 4, 4)),),
    source="cs231n: max pooling by reshape",
)
def max_pooling_to_every_maximum(g, out, x):
    wide = out.repeat(2, 2).repeat(2, 3)
    return (x == wide) * g.repeat(2, 2).repeat(2, 3)


@right(
    "ordinary", lambda x: x.repeat(2, 2).repeat(2, 3), EVEN, source="nearest upsampling of U-Nets"
)
def nearest_upsampling(g, out, x):
    n, c, h, w = x.shape
    return g.reshape(n, c, h, 2, w, 2).sum((3, 5))


@wrong("factor", lambda x: x.repeat(2, 2).repeat(2, 3), EVEN, source="nearest upsampling of U-Nets")
def nearest_upsampling_with_a_mean(g, out, x):
    n, c, h, w = x.shape
    return g.reshape(n, c, h, 2, w, 2).mean((3, 5))


# -- tables and segments --------------------------------------------------------------------------

IDS = np.array([[0, 2, 1], [3, 0, 2]])
TABLE = sample(4, 3, seed=426)


@right("ordinary", lambda w, ids: w[ids], TABLE, IDS, source="word2vec and every embedding layer")
def embedding_table(g, _out, w, ids):
    back = np.zeros_like(w)
    np.add.at(back, ids, g)
    return back, None


@wrong("repeated indices", lambda w, ids: w[ids], TABLE, np.array([0, 3, 1]), trigger=(TABLE, IDS),
       source="embedding whose gradient is assigned")  # fmt: skip
def embedding_that_assigns(g, _out, w, ids):
    back = np.zeros_like(w)
    back[ids] = g
    return back, None


SEGMENTS = np.array([0, 0, 1, 2, 2])


def segment_mean(x, segments):
    count = np.bincount(segments)
    total = np.zeros((len(count), x.shape[1]))
    np.add.at(total, segments, x)
    return total / count[:, None]


@right(
    "ordinary",
    segment_mean,
    sample(5, 3, seed=427),
    SEGMENTS,
    source="graph networks: mean aggregation",
)
def mean_of_segments(g, _out, x, segments):
    return (g / np.bincount(segments)[:, None])[segments], None


@wrong(
    "factor",
    segment_mean,
    sample(5, 3, seed=427),
    SEGMENTS,
    source="graph networks: mean aggregation",
)
def mean_of_segments_not_divided(g, _out, x, segments):
    return g[segments], None


def masked_mean(x, mask):
    return (x * mask[..., None]).sum(1) / mask.sum(1)[:, None]


MASK = np.array([[1, 1, 0], [1, 0, 0]])


@right(
    "ordinary",
    masked_mean,
    sample(2, 3, 4, seed=428),
    MASK,
    source="mean pooling of sentence encoders",
)
def masked_mean_pooling(g, _out, x, mask):
    return (g / mask.sum(1)[:, None])[:, None] * mask[..., None], None


@wrong(
    "factor",
    masked_mean,
    sample(2, 3, 4, seed=428),
    MASK,
    source="mean pooling divided by the length",
)
def masked_mean_by_the_padded_length(g, _out, x, mask):
    return g[:, None] * mask[..., None] / x.shape[1], None
