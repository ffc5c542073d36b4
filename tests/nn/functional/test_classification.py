"""What must not reach a loss of classes: ignored targets, weights of 0, masked logits."""

import numpy as np
import pytest

import autograd_core as ag
import nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))
LABELS = np.array([0, -100, 2, -100, 3])
SPOILT = X.copy()
SPOILT[1] = [np.inf, np.nan, 0, -np.inf]
SPOILT[3] = np.nan
MAPS = np.stack([X, SPOILT], -1)[..., None]
MAP_LABELS = np.stack([np.maximum(LABELS, 0), LABELS], -1)[..., None]


def value_and_gradient(loss, x, *args, **options):
    x = ag.tensor(x, requires_grad=True)
    value = loss(x, *args, **options)
    (value if value.ndim == 0 else value.sum()).backward()
    return value.data, x.grad.data


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "batchmean"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(("x", "clean", "t"), [(SPOILT, X, LABELS), (MAPS, None, MAP_LABELS)])
def test_ignored_rows_may_hold_anything(x, clean, t, smoothing, reduction):
    clean = np.stack([X, X], -1)[..., None] if clean is None else clean
    options = {"label_smoothing": smoothing, "reduction": reduction}
    for found, expected in zip(
        value_and_gradient(nn.cross_entropy, x, t, **options),
        value_and_gradient(nn.cross_entropy, clean, t, **options),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)
    gradient = value_and_gradient(nn.cross_entropy, x, t, **options)[1]
    assert not np.moveaxis(gradient, 1, -1)[t == -100].any()
    if not smoothing:
        found = value_and_gradient(nn.nll_loss, x, t, reduction=reduction)
        expected = value_and_gradient(nn.nll_loss, clean, t, reduction=reduction)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_nothing_that_counts_has_a_mean_of_nan_and_a_gradient_of_zero(smoothing):
    t = np.full(5, -100)
    value, gradient = value_and_gradient(nn.cross_entropy, X, t, label_smoothing=smoothing)
    assert np.isnan(value)
    assert not gradient.any()
    value, gradient = value_and_gradient(nn.nll_loss, SPOILT, t)
    assert np.isnan(value)
    assert not gradient.any()
    assert nn.cross_entropy(X, t, reduction="sum") == 0
    torch = pytest.importorskip("torch")
    y = torch.tensor(X, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(y, torch.tensor(t))
    theirs.backward()
    assert np.isnan(theirs.item())
    assert not y.grad.any()


def test_a_class_of_weight_zero_and_a_masked_class_may_be_infinite():
    x, t, weight = np.array([[0.0, -np.inf, 1.0], [1.0, 2.0, 3.0]]), np.array([1, 2]), [1, 0, 1]
    expected = nn.cross_entropy(x[1:], t[1:])
    for loss, given in ((nn.cross_entropy, x), (nn.nll_loss, nn.log_softmax(x))):
        value, gradient = value_and_gradient(loss, given, t, weight=np.array(weight, float))
        np.testing.assert_allclose(value, expected, rtol=1e-14)
        assert np.isfinite(gradient).all()
    soft = np.array([[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]])
    value, gradient = value_and_gradient(nn.cross_entropy, x, soft)
    rest = nn.cross_entropy(x[:1, ::2], soft[:1, ::2]) + nn.cross_entropy(x[1:], soft[1:])
    np.testing.assert_allclose(value, rest / 2, rtol=1e-14)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2), (2, 3, 2, 2), (4,)])
def test_gradients_of_every_layout_to_second_order(shape):
    x = np.asfortranarray(RNG.normal(size=shape))
    t = RNG.integers(0, shape[min(len(shape), 2) - 1], shape[:1] * (len(shape) > 1) + shape[2:])
    for options in ({}, {"label_smoothing": 0.1}, {"ignore_index": 1}):
        ag.assert_gradients(lambda x, o=options: nn.cross_entropy(x, t, **o), x, order=2)


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss])
@pytest.mark.parametrize("shape", [(5000, 30), (700, 200), (40, 21, 10, 10)])
def test_large_logits_are_the_sum_of_their_rows(loss, shape):
    """They are evaluated block by block; some rows do not count, and hold anything."""
    x = RNG.normal(size=shape)
    t = RNG.integers(0, shape[1], shape[:1] + shape[2:])
    t[::7], weight = -100, RNG.uniform(0.5, 2, shape[1])
    x[::7] = np.nan
    value, gradient = value_and_gradient(loss, x, t, weight=weight, reduction="sum")
    parts = [
        value_and_gradient(loss, x[i : i + 9], t[i : i + 9], weight=weight, reduction="sum")
        for i in range(0, len(x), 9)
    ]
    np.testing.assert_allclose(value, sum(part for part, _ in parts), rtol=1e-12)
    np.testing.assert_allclose(gradient, np.concatenate([g for _, g in parts]), rtol=1e-12)


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss])
def test_arrays_whose_reshape_is_a_copy_get_the_same_gradient(loss):
    array = pytest.importorskip("dask.array")
    t = np.array([0, 3, 2, 2, 1])
    x = ag.tensor(array.from_array(X), requires_grad=True)
    loss(x, t).backward()
    expected = value_and_gradient(loss, X, t)[1]
    np.testing.assert_allclose(np.asarray(x.grad.data), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("options", [{}, {"ignore_index": 1}, {"ignore_index": 2}])
def test_one_example_is_a_batch_of_one(loss, reduction, options):
    z, weight = np.array([0.5, -1.0, 2.0]), np.array([2.0, 3.0, 0.5])
    smoothings = ({}, {"label_smoothing": 0.1}) if loss is nn.cross_entropy else ({},)
    for smoothing in smoothings:
        for given in ({}, {"weight": weight}):
            more = {**options, **smoothing, **given, "reduction": reduction}
            one = ag.vjp(lambda z, m=more: loss(z, np.array(2), **m), z)
            batch = ag.vjp(lambda z, m=more: loss(z, np.array([2]), **m), z[None])
            assert np.allclose(one[0], np.ravel(batch[0])[0], equal_nan=True)
            assert np.allclose(one[1](1.0), batch[1](np.ones_like(batch[0]))[0], equal_nan=True)
