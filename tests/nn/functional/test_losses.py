"""Losses against PyTorch, value and gradient, every reduction; and what they refuse."""

import numpy as np
import pytest

import autograd_core as ag
import nn

RNG = np.random.default_rng(0)
P, T = RNG.normal(size=(6, 4)) * 3, RNG.normal(size=(6, 4))
Q = RNG.dirichlet(np.ones(4), 6)
Q[0] = [1, 0, 0, 0]
UNIT = 0.1 + 0.8 * RNG.random((6, 4))
LABELS = np.array([0, 3, 2, 2, 1, 0])
WEIGHT = np.array([0.5, 2.0, 1.0, 3.0])

CASES = {
    "mse_loss": (nn.mse_loss, "mse_loss", P, T, {}),
    "l1_loss": (nn.l1_loss, "l1_loss", P, T, {}),
    "huber_loss": (nn.huber_loss, "huber_loss", P, T, {}),
    "huber_loss(0.3)": (nn.huber_loss, "huber_loss", P, T, {"delta": 0.3}),
    "bce": (nn.binary_cross_entropy, "binary_cross_entropy", UNIT, Q, {}),
    "bce at the ends": (
        nn.binary_cross_entropy,
        "binary_cross_entropy",
        np.array([[0.0, 1.0, 0.0, 1.0]]),
        np.array([[0.0, 1.0, 1.0, 0.0]]),
        {},
    ),
    "bce with logits": (
        nn.binary_cross_entropy_with_logits,
        "binary_cross_entropy_with_logits",
        30 * P,
        Q,
        {},
    ),
    "kl_div": (nn.kl_div, "kl_div", np.log(UNIT), Q, {}),
    "kl_div of logs": (nn.kl_div, "kl_div", np.log(UNIT), np.log(UNIT[::-1]), {"log_target": True}),
    "nll_loss": (nn.nll_loss, "nll_loss", P, LABELS, {}),
    "nll_loss weighted": (nn.nll_loss, "nll_loss", P, LABELS, {"weight": WEIGHT}),
    "nll_loss ignoring": (nn.nll_loss, "nll_loss", P, LABELS, {"ignore_index": 2}),
    "ce": (nn.cross_entropy, "cross_entropy", P, LABELS, {}),
    "ce of large logits": (nn.cross_entropy, "cross_entropy", 1e4 * P, LABELS, {}),
    "ce of probabilities": (nn.cross_entropy, "cross_entropy", P, Q, {}),
    "ce smoothed": (nn.cross_entropy, "cross_entropy", P, LABELS, {"label_smoothing": 0.1}),
    "ce of probabilities smoothed": (
        nn.cross_entropy,
        "cross_entropy",
        P,
        Q,
        {"label_smoothing": 0.1, "weight": WEIGHT},
    ),
    "ce ignoring": (nn.cross_entropy, "cross_entropy", P, LABELS, {"ignore_index": 2}),
    "ce ignoring -100": (
        nn.cross_entropy,
        "cross_entropy",
        P,
        np.where(LABELS == 3, -100, LABELS),
        {},
    ),
    "ce of everything": (
        nn.cross_entropy,
        "cross_entropy",
        P,
        LABELS,
        {"ignore_index": 2, "label_smoothing": 0.2, "weight": WEIGHT},
    ),
    "ce of maps": (
        nn.cross_entropy,
        "cross_entropy",
        RNG.normal(size=(2, 4, 3)),
        LABELS.reshape(2, 3),
        {"weight": WEIGHT},
    ),
    "ce of maps of probabilities": (
        nn.cross_entropy,
        "cross_entropy",
        RNG.normal(size=(2, 4, 3)),
        RNG.dirichlet(np.ones(4), (2, 3)).swapaxes(1, 2),
        {},
    ),
    "ce of one example": (nn.cross_entropy, "cross_entropy", P[0], np.array(2), {}),
}


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:.*reduction.*mean.*:UserWarning")
def test_losses_equal_pytorch(case, reduction):
    torch = pytest.importorskip("torch")
    ours, name, p, t, options = CASES[case]
    x, y = ag.tensor(p, requires_grad=True), torch.tensor(p, requires_grad=True)
    keywords = {k: torch.tensor(v) if k == "weight" else v for k, v in options.items()}
    a = ours(x, t, reduction=reduction, **options)
    theirs = getattr(torch.nn.functional, name)
    b = theirs(y, torch.tensor(t), reduction=reduction, **keywords)
    np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12, atol=1e-12)
    a.sum().backward()
    b.sum().backward()
    rtol = 1e-8 if case == "bce at the ends" else 1e-11  # PyTorch's 1e-12 is one of float32
    np.testing.assert_allclose(x.grad.data, y.grad.numpy(), rtol=rtol, atol=1e-12)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c not in ("bce at the ends", "ce of large logits")]
)
def test_gradients_of_losses(case):
    f, _, p, t, options = CASES[case]
    if case == "bce with logits":
        p = p / 30
    ag.assert_gradients(lambda x: f(x, t, **options), p, order=2)


@pytest.mark.parametrize(
    "case", ["mse_loss", "l1_loss", "huber_loss", "bce with logits", "ce of probabilities"]
)
def test_gradients_of_targets(case):
    f, _, p, t, options = CASES[case]
    p = p / 30 if case == "bce with logits" else p
    ag.assert_gradients(lambda y: f(p, y, **options), t, order=2)


@pytest.mark.parametrize("case", [c for c in CASES if c != "ce of one example"])
def test_batchmean_sums_over_features(case):
    f, _, p, t, options = CASES[case]
    total, mean = f(p, t, reduction="sum", **options), f(p, t, reduction="batchmean", **options)
    np.testing.assert_allclose(mean, total / len(p), rtol=1e-12)


def test_quadratic_cost_is_half_the_squared_error_of_an_example():
    np.testing.assert_allclose(nn.quadratic_cost(P, T), 0.5 * ((P - T) ** 2).sum() / 6)
    np.testing.assert_allclose(nn.quadratic_cost(P[0], T[0]), 0.5 * ((P[0] - T[0]) ** 2).sum())
    ag.assert_gradients(nn.quadratic_cost, P, T, order=2)


def test_eta_3_with_the_quadratic_cost_is_lr_15_with_the_mean():
    gradients = []
    for loss, lr in ((nn.quadratic_cost, 3), (nn.mse_loss, 15)):
        x = ag.tensor(RNG.spawn(1)[0].normal(size=(5, 10)) * 0 + 1, requires_grad=True)
        loss(x, np.zeros((5, 10))).backward()
        gradients.append(lr * x.grad.data)
    np.testing.assert_allclose(*gradients)


def test_shapes_are_not_broadcast():
    with pytest.raises(ValueError, match=r"\(6, 1\).*\(6,\)"):
        nn.mse_loss(P[:, :1], T[:, 0])
    with pytest.raises(ValueError, match="one_hot"):
        nn.quadratic_cost(P, LABELS)


def test_float64_targets_do_not_widen_float32_predictions():
    x = ag.tensor(P.astype(np.float32), requires_grad=True)
    for loss in (nn.mse_loss, nn.quadratic_cost, nn.l1_loss, nn.huber_loss, nn.cross_entropy):
        assert loss(x, Q).dtype == np.float32
    assert nn.cross_entropy(x, LABELS, weight=WEIGHT).dtype == np.float32


def test_bad_targets_are_named():
    with pytest.raises(ValueError, match="class number 4"):
        nn.cross_entropy(P, LABELS + 1)
    with pytest.raises(ValueError, match="class number -1"):
        nn.cross_entropy(P, LABELS - 1)
    with pytest.raises(ValueError, match="class numbers"):
        nn.cross_entropy(P, Q[:, :3])
    with pytest.raises(ValueError, match="label_smoothing"):
        nn.cross_entropy(P, LABELS, label_smoothing=2)
    with pytest.raises(ValueError, match="4 classes"):
        nn.cross_entropy(P, LABELS, weight=[1, 2])
    with pytest.raises(ValueError, match="probabilities"):
        nn.binary_cross_entropy(P, Q)
    with pytest.raises(ValueError, match="reduction"):
        nn.mse_loss(P, T, reduction="average")
    with pytest.raises(ValueError, match="delta"):
        nn.huber_loss(P, T, delta=0)


def test_integer_predictions_become_floats():
    assert float(nn.mse_loss([1, 2], [1.5, 2.5])) == 0.25
    assert float(nn.l1_loss(np.array([0], np.uint8), np.array([1], np.uint8))) == 1
    assert float(nn.binary_cross_entropy(np.array([1, 0]), np.array([0.9, 0.1]))) > 9
    assert float(nn.cross_entropy(np.array([[1, 2]]), np.array([[0.5, 0.5]]))) > 0.5
    weighted = nn.cross_entropy(np.array([[1, 2], [3, 1]]), np.array([0, 1]), weight=[0.5, 0.7])
    assert 0.5 < float(weighted) < 3
    assert float(nn.avg_pool2d(np.full((1, 1, 2, 2), 8), 2)[0, 0, 0, 0]) == 8
    layer = nn.Dropout(0.3, rng=0)
    assert set(layer(np.full(50, 7)).round(6).tolist()) == {0.0, 10.0}


def test_many_numbers_keep_their_digits_in_float32():
    p = np.full(3_000_000, 1.1, np.float32)
    assert nn.mse_loss(p, np.zeros_like(p)) == pytest.approx(1.21, rel=1e-6)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    "name",
    [
        "mse_loss",
        "l1_loss",
        "huber_loss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "kl_div",
    ],
)
def test_large_arrays_are_the_sum_of_their_parts(name, dtype):
    """The large are evaluated block by block, in any memory layout; the parts are small."""
    loss, rows = getattr(nn, name), 30
    x, t = RNG.uniform(0.05, 0.95, (2, 300, 331)).astype(dtype)
    t[7, ::3] = 0
    x, t = x[:, ::-1], np.asfortranarray(t)
    whole, part = ag.tensor(x, requires_grad=True), ag.tensor(x, requires_grad=True)
    targets, their_parts = ag.tensor(t, requires_grad=True), ag.tensor(t, requires_grad=True)
    total, single = loss(whole, targets, reduction="sum"), loss(whole, targets, reduction="none")
    parts = [
        loss(part[i : i + rows], their_parts[i : i + rows], reduction="sum")
        for i in range(0, 300, rows)
    ]
    rtol = 1e-6 if dtype == "f4" else 1e-13
    np.testing.assert_allclose(total.data, sum(p.item() for p in parts), rtol=rtol)
    np.testing.assert_allclose(total.data, single.data.sum(dtype=float), rtol=rtol)
    assert total.dtype == single.dtype == dtype
    (3 * total + (2 * single).sum()).backward()
    (5 * sum(parts)).backward()
    for a, b in ((whole, part), (targets, their_parts)):
        np.testing.assert_allclose(a.grad.data, b.grad.data, rtol=20 * rtol, atol=20 * rtol)


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_the_threshold_of_the_huber_loss_may_be_learnt(reduction):
    ag.assert_gradients(
        lambda delta: nn.huber_loss(P, T, delta, reduction).sum(), np.array(0.9), order=2
    )


EVERY = sorted({name for _, name, *_ in CASES.values()})


@pytest.mark.parametrize("reduction", ["sum", "mean", "batchmean"])
@pytest.mark.parametrize("name", [*EVERY, "quadratic_cost"])
def test_sums_of_float16_do_not_overflow(name, reduction):
    """The squares alone exceed 65504, and their weighted mean does not."""
    n, loss = 3000, getattr(nn, name)
    options = {} if name == "quadratic_cost" else {"reduction": reduction}
    p = RNG.uniform(0.1, 0.9, (n, 4)) * (300 if name in ("mse_loss", "cross_entropy") else 1)
    t = np.arange(n) % 4 if name in ("cross_entropy", "nll_loss") else RNG.random((n, 4))
    p = np.log(p) if name in ("kl_div", "nll_loss") else p
    x = ag.tensor(p.astype(np.float16), requires_grad=True)
    wide = ag.tensor(x.data.astype(float), requires_grad=True)
    expected = loss(wide, t, **options)
    with np.errstate(over="ignore"):
        found = loss(x, t, **options)
    assert found.dtype == np.float16
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(found.data, expected.data.astype(np.float16), rtol=2e-3)
    expected.backward()
    found.backward()
    np.testing.assert_allclose(x.grad.data, wide.grad.data, rtol=2e-2, atol=1e-6)
    with np.errstate(over="ignore"):
        assert loss(**dict(zip(loss.__wrapped__.__code__.co_varnames, (x, t), strict=False))).dtype


@pytest.mark.parametrize("name", [*EVERY, "quadratic_cost"])
def test_the_mean_of_nothing_is_nan_as_in_pytorch(name):
    p, t = np.zeros((0, 4)), np.zeros((0, 4))
    if name in ("cross_entropy", "nll_loss"):
        t = np.zeros(0, int)
    x = ag.tensor(p, requires_grad=True)
    value = getattr(nn, name)(x, t)
    value.backward()
    assert np.isnan(value.item())
    assert x.grad.shape == (0, 4)


def test_a_target_of_probability_zero_takes_any_prediction():
    p = np.array([[0.0, -np.inf]])
    for t, log_target in ((np.array([[1.0, 0.0]]), False), (p, True)):
        x = ag.tensor(p, requires_grad=True)
        value = nn.kl_div(x, t, log_target=log_target)
        value.backward()
        assert value.item() == 0
        assert x.grad.tolist() == [[-0.5, 0.0]]


def test_weighted_losses_keep_small_numbers_and_refuse_other_shapes():
    x, t = np.array([-50.0, 50.0]), np.array([0.0, 1.0])
    found = nn.binary_cross_entropy_with_logits(x, t, "none", pos_weight=3.0)
    np.testing.assert_allclose(found, np.exp(-50) * np.array([1, 3]), rtol=1e-12)
    ag.assert_gradients(
        lambda x, w, p: nn.binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p),
        np.array([0.3, -2.0]), np.array([0.5, 2.0]), np.array([3.0]), order=2,
    )  # fmt: skip
    single = nn.binary_cross_entropy_with_logits(x.astype("f"), t, weight=[1.0, 2.0])
    assert single.dtype == np.float32
    for options in ({"weight": np.ones((2, 1))}, {"pos_weight": np.ones(3)}):
        with pytest.raises(ValueError, match=r"broadcasts to the shape of the predictions, \(2,\)"):
            nn.binary_cross_entropy_with_logits(x, t, **options)
    with pytest.raises(ValueError, match="not negative"):
        nn.smooth_l1_loss(x, t, beta=-1.0)
