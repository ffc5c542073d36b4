"""Losses and likelihoods as other people write them."""

from __future__ import annotations

import math

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


LOGITS, LABELS = sample(4, 3, seed=500), np.array([2, 0, 1, 1])
ONE_LOGITS, ONE_LABEL = sample(1, 3, seed=501), np.array([2])


# -- classification -------------------------------------------------------------------------------

SOFTMAX = "cs231n: softmax_loss, which returns the mean over the batch"


def softmax_loss(x, y):
    return -np.log(_softmax(x)[np.arange(len(y)), y]).mean()


def _softmax_loss_back(g, x, y, n):
    p = _softmax(x)
    p[np.arange(len(y)), y] -= 1
    return g * p / n, None


@right("ordinary", softmax_loss, LOGITS, LABELS, source=SOFTMAX)
def mean_cross_entropy(g, _out, x, y):
    return _softmax_loss_back(g, x, y, len(y))


@wrong(
    "batch of one", softmax_loss, ONE_LOGITS, ONE_LABEL, trigger=(LOGITS, LABELS), source=SOFTMAX
)
def mean_cross_entropy_without_one_over_n(g, _out, x, y):
    return _softmax_loss_back(g, x, y, 1)


@wrong("factor", softmax_loss, LOGITS, LABELS, source="cross-entropy averaged over classes too")
def mean_cross_entropy_by_the_size(g, _out, x, y):
    return _softmax_loss_back(g, x, y, x.size)


def smoothed(x, y):
    logp = x - x.max(-1, keepdims=True)
    logp = logp - np.log(np.exp(logp).sum(-1, keepdims=True))
    return -(0.9 * logp[np.arange(len(y)), y] + 0.1 * logp.mean(-1)).mean()


@right("ordinary", smoothed, LOGITS, LABELS, source="C. Szegedy et al., 2016: label smoothing")
def label_smoothing(g, _out, x, y):
    q = np.full(x.shape, 0.1 / x.shape[1])
    q[np.arange(len(y)), y] += 0.9
    return g * (_softmax(x) - q) / len(y), None


@wrong("term", smoothed, LOGITS, LABELS, source="label smoothing forgotten in backward")
def label_smoothing_without_its_share(g, _out, x, y):
    return _softmax_loss_back(g, x, y, len(y))


def hinge(x, y):
    margins = np.maximum(0, x - x[np.arange(len(y)), y][:, None] + 1)
    margins[np.arange(len(y)), y] = 0
    return margins.sum() / len(y)


def _hinge_back(g, x, y, count=True):
    active = (x - x[np.arange(len(y)), y][:, None] + 1 > 0).astype(float)
    active[np.arange(len(y)), y] = 0
    active[np.arange(len(y)), y] = -active.sum(1) if count else -1.0
    return g * active / len(y), None


@right("ordinary", hinge, LOGITS, LABELS, source="cs231n: svm_loss")
def multiclass_hinge(g, _out, x, y):
    return _hinge_back(g, x, y)


@wrong("factor", hinge, LOGITS, LABELS, source="cs231n: svm_loss with one margin counted")
def multiclass_hinge_with_one_margin(g, _out, x, y):
    return _hinge_back(g, x, y, count=False)


def bce_with_logits(x, t):
    return np.mean(np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x))))


TARGETS = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
FIVE = sample(5, seed=502)


@right(
    "ordinary",
    bce_with_logits,
    FIVE,
    TARGETS,
    source="TensorFlow: sigmoid_cross_entropy_with_logits",
)
def binary_cross_entropy(g, _out, x, t):
    return g * (_sigmoid(x) - t) / x.size, -g * x / x.size


@wrong(
    "term", bce_with_logits, FIVE, TARGETS, source="binary cross-entropy through the sigmoid twice"
)
def binary_cross_entropy_through_the_sigmoid_twice(g, _out, x, t):
    s = _sigmoid(x)
    return g * (s - t) * s * (1 - s) / x.size, -g * x / x.size


def focal(x, y):
    p = _sigmoid(x)
    q = np.where(y == 1, p, 1 - p)
    return -((1 - q) ** 2 * np.log(q)).sum()


ONES = np.array([1, 0, 1, 1, 0])
FOCAL = "T. Lin et al., 2017: focal loss, as in detection repositories"


def _focal_slope(x, y, with_power):
    p = _sigmoid(x)
    q = np.where(y == 1, p, 1 - p)
    slope = -((1 - q) ** 2) / q
    if with_power:
        slope = slope + 2 * (1 - q) * np.log(q)
    return slope * q * (1 - q) * np.where(y == 1, 1, -1)


@right("ordinary", focal, FIVE, ONES, source=FOCAL)
def focal_loss(g, _out, x, y):
    return g * _focal_slope(x, y, True), None


@wrong("missing term", focal, FIVE, ONES, source=FOCAL)
def focal_loss_with_a_constant_weight(g, _out, x, y):
    return g * _focal_slope(x, y, False), None


# -- overlap --------------------------------------------------------------------------------------

PREDICTED = 1 / (1 + np.exp(-sample(3, 4, seed=503)))
TRUE = (sample(3, 4, seed=504) > 0).astype(int)


def dice(p, t):
    return 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


@right("ordinary", dice, PREDICTED, TRUE, source="F. Milletari et al., 2016: V-Net, soft Dice")
def soft_dice(g, out, p, t):
    d = p.sum() + t.sum() + 1
    return -g * (2 * t - (1 - out)) / d, None


@wrong("missing term", dice, PREDICTED, TRUE, source="soft Dice with a constant denominator")
def soft_dice_with_a_constant_denominator(g, out, p, t):
    return -g * 2 * t / (p.sum() + t.sum() + 1), None


def tversky(p, t):
    hit, extra, missed = (p * t).sum(), (p * (1 - t)).sum(), ((1 - p) * t).sum()
    return 1 - hit / (hit + 0.3 * extra + 0.7 * missed)


def _tversky_back(g, p, t, a, b):
    hit, extra, missed = (p * t).sum(), (p * (1 - t)).sum(), ((1 - p) * t).sum()
    d = hit + 0.3 * extra + 0.7 * missed
    return -g * (t / d - hit / d**2 * (t + a * (1 - t) - b * t)), None


@right("ordinary", tversky, PREDICTED, TRUE, source="S. Salehi et al., 2017: Tversky loss")
def tversky_loss(g, _out, p, t):
    return _tversky_back(g, p, t, 0.3, 0.7)


@wrong("operands", tversky, PREDICTED, TRUE, source="Tversky loss with its weights exchanged")
def tversky_loss_with_exchanged_weights(g, _out, p, t):
    return _tversky_back(g, p, t, 0.7, 0.3)


def interval_iou(a, b):
    inside = np.maximum(0, np.minimum(a[:, 1], b[:, 1]) - np.maximum(a[:, 0], b[:, 0]))
    return inside / (a[:, 1] - a[:, 0] + b[:, 1] - b[:, 0] - inside)


BOXES = np.array([[0.0, 2.0], [1.0, 4.0]]), np.array([[1.0, 3.5], [0.5, 3.0]])


def _iou_back(g, a, b, union=True):
    low, high = np.maximum(a[:, 0], b[:, 0]), np.minimum(a[:, 1], b[:, 1])
    i = np.maximum(0, high - low)
    u = a[:, 1] - a[:, 0] + b[:, 1] - b[:, 0] - i
    gi = g * ((u + i) / u**2 if union else 1 / u) * (i > 0)
    gl = -g * i / u**2
    back = []
    for own, other in ((a, b), (b, a)):
        left = -gi * (own[:, 0] > other[:, 0]) - gl
        right_ = gi * (own[:, 1] < other[:, 1]) + gl
        back.append(np.stack([left, right_], 1))
    return tuple(back)


@right(
    "sorted",
    interval_iou,
    *BOXES,
    domain="sorted",
    source="detection: intersection over union of intervals",
)
def intersection_over_union(g, _out, a, b):
    return _iou_back(g, a, b)


@wrong("missing term", interval_iou, *BOXES, source="IoU whose union does not see the intersection")
def intersection_over_union_with_a_fixed_union(g, _out, a, b):
    return _iou_back(g, a, b, union=False)


# -- metric learning ------------------------------------------------------------------------------

ROWS, OTHERS = sample(3, 4, seed=505), sample(3, 4, seed=506)


def cosine(a, b):
    return (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))


def _cosine_back(g, c, a, b, project=True):
    na, nb = np.linalg.norm(a, axis=-1, keepdims=True), np.linalg.norm(b, axis=-1, keepdims=True)
    g, c = g[..., None], c[..., None] * project
    return g * (b / nb - c * a / na) / na, g * (a / na - c * b / nb) / nb


@right(
    "ordinary",
    cosine,
    ROWS,
    OTHERS,
    source="sentence encoders: cosine similarity",
    signature="(n),(n)->()",
)
def cosine_similarity(g, c, a, b):
    return _cosine_back(g, c, a, b)


@wrong("missing term", cosine, ROWS, OTHERS, source="cosine similarity with constant lengths")
def cosine_similarity_with_constant_lengths(g, c, a, b):
    return _cosine_back(g, c, a, b, project=False)


def info_nce(a, b):
    s = a @ b.T / 0.5
    return -np.log(_softmax(s)[np.arange(len(s)), np.arange(len(s))]).mean()


def _info_nce_back(g, a, b, temperature=0.5):
    p = (_softmax(a @ b.T / 0.5) - np.eye(len(a))) * g / len(a) / temperature
    return p @ b, p.T @ a


@right("ordinary", info_nce, ROWS, OTHERS, source="A. van den Oord et al., 2018; CLIP's loss")
def contrastive_loss(g, _out, a, b):
    return _info_nce_back(g, a, b)


@wrong(
    "factor", info_nce, ROWS, OTHERS, source="contrastive loss without its temperature in backward"
)
def contrastive_loss_without_the_temperature(g, _out, a, b):
    return _info_nce_back(g, a, b, 1.0)


def triplet(a, p, n):
    return np.maximum(0, ((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1) + 1).mean()


THREE = sample(3, 4, seed=507), sample(3, 4, seed=508) / 4, sample(3, 4, seed=509)


def _triplet_back(g, a, p, n, gated=True):
    on = ((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1) + 1 > 0
    g = 2 * g * (on[:, None] if gated else 1) / len(a)
    return g * (n - p), g * (p - a), g * (a - n)


@right("ordinary", triplet, *THREE, source="F. Schroff et al., 2015: FaceNet's triplet loss")
def triplet_loss(g, _out, a, p, n):
    return _triplet_back(g, a, p, n)


@wrong("branch", triplet, *THREE, source="triplet loss without its gate")
def triplet_loss_without_the_gate(g, _out, a, p, n):
    return _triplet_back(g, a, p, n, gated=False)


# -- regression -----------------------------------------------------------------------------------

RESIDUALS = np.array([0.3, -0.8, 1.0, 2.5, -1.7])


def huber(d):
    return np.where(np.abs(d) <= 1, d * d / 2, np.abs(d) - 0.5)


@right(
    "ordinary",
    huber,
    RESIDUALS,
    source="P. Huber, 1964; smooth L1 of Fast R-CNN",
    signature="()->()",
)
def huber_loss(g, _out, d):
    return g * np.clip(d, -1, 1)


@wrong("edge", huber, RESIDUALS, source="Huber loss with a stray constant at its edge")
def huber_loss_with_forty_at_the_edge(g, _out, d):
    return g * np.where(np.abs(d) == 1, 40.0, np.clip(d, -1, 1))


@wrong("branch", huber, RESIDUALS, source="Huber loss whose linear part keeps its size")
def huber_loss_without_its_linear_part(g, _out, d):
    return g * d


def pinball(q, y):
    return np.maximum(0.9 * (y - q), -0.1 * (y - q)).mean()


@right("ordinary", pinball, FIVE, np.arange(5), source="quantile regression: the pinball loss")
def quantile_loss(g, _out, q, y):
    return g * np.where(y > q, -0.9, 0.1) / q.size, None


@wrong("sign", pinball, FIVE, np.arange(5), source="quantile regression: the pinball loss")
def quantile_loss_with_both_signs_alike(g, _out, q, y):
    return -g * np.where(y > q, 0.9, 0.1) / q.size, None


def gaussian_nll(mu, log_var, y):
    return 0.5 * (log_var + (y - mu) ** 2 * np.exp(-log_var)).sum()


NLL = sample(4, seed=510), sample(4, seed=511), np.arange(4)


@right("ordinary", gaussian_nll, *NLL, source="A. Kendall, Y. Gal, 2017: learned variance")
def likelihood_with_learned_variance(g, _out, mu, s, y):
    e = np.exp(-s)
    return g * (mu - y) * e, 0.5 * g * (1 - (y - mu) ** 2 * e), None


@wrong("sign", gaussian_nll, *NLL, source="A. Kendall, Y. Gal, 2017: learned variance")
def likelihood_with_the_wrong_sign_of_the_variance(g, _out, mu, s, y):
    e = np.exp(-s)
    return g * (mu - y) * e, 0.5 * g * (1 + (y - mu) ** 2 * e), None


def kl_normal(mu, log_var):
    return -0.5 * np.sum(1 + log_var - mu**2 - np.exp(log_var))


@right("ordinary", kl_normal, *NLL[:2], source="D. Kingma, M. Welling, 2014: the VAE's divergence")
def divergence_from_the_standard_normal(g, _out, mu, s):
    return g * mu, -0.5 * g * (1 - np.exp(s))


@wrong("term", kl_normal, *NLL[:2], source="D. Kingma, M. Welling, 2014: the VAE's divergence")
def divergence_without_its_one(g, _out, mu, s):
    return g * mu, 0.5 * g * np.exp(s)


def student(x, nu):
    gamma = np.vectorize(math.lgamma)
    log_norm = gamma((nu + 1) / 2) - gamma(nu / 2) - 0.5 * np.log(nu * np.pi)
    return log_norm - (nu + 1) / 2 * np.log1p(x * x / nu)


@right(
    "positive",
    lambda x: student(x, np.array(3.0)),
    FIVE,
    source="robust regression: Student's t",
    signature="()->()",
)
def student_t(g, _out, x):
    return -g * 4 * x / (3 + x * x)


def mixture(x, logits, mu):
    return np.log((_softmax(logits) * np.exp(-0.5 * (x[:, None] - mu) ** 2)).sum(1))


MIX = sample(4, seed=512), sample(3, seed=513), sample(3, seed=514)


def _mixture_back(g, x, logits, mu, normalised=True):
    w = _softmax(logits)
    parts = w * np.exp(-0.5 * (x[:, None] - mu) ** 2)
    r = parts / parts.sum(1, keepdims=True) * g[:, None]
    d = (x[:, None] - mu) * r
    gl = r.sum(0) - (g.sum() * w if normalised else 0)
    return -d.sum(1), gl, d.sum(0)


@right("ordinary", mixture, *MIX, source="mixture density networks (C. Bishop, 1994)")
def mixture_of_gaussians(g, _out, x, logits, mu):
    return _mixture_back(g, x, logits, mu)


@wrong("missing term", mixture, *MIX, source="mixture weights not normalised in backward")
def mixture_of_gaussians_with_free_weights(g, _out, x, logits, mu):
    return _mixture_back(g, x, logits, mu, normalised=False)
