"""Pooling: against PyTorch, by differences to second order, and what is refused."""

import numpy as np
import pytest

import autograd_core as ag
import nn

X = np.random.default_rng(0).normal(size=(2, 3, 7, 8))
CALLS = {
    "max": (lambda m, x: m.max_pool2d(x, 2), X),
    "max, overlapping, padded": (lambda m, x: m.max_pool2d(x, (3, 2), (2, 1), (1, 0)), X),
    "max of zeros": (lambda m, x: m.max_pool2d(x, 3, 2), np.zeros((1, 1, 5, 5))),
    "mean": (lambda m, x: m.avg_pool2d(x, 2), X),
    "mean, overlapping, padded": (lambda m, x: m.avg_pool2d(x, (2, 3), 1, 1), X),
    "max, dilated": (lambda m, x: m.max_pool2d(x, 3, 2, 1, 2, True), X),
    "mean without padding": (lambda m, x: m.avg_pool2d(x, 3, 2, 1, True, False), X),
    "mean, last windows": (lambda m, x: m.avg_pool2d(x, 3, 4, 1, True), X),
    "adaptive maximum": (lambda m, x: m.adaptive_max_pool2d(x, (3, 5)), X),
    "adaptive maximum of zeros": (lambda m, x: m.adaptive_max_pool2d(x, 3), np.zeros((1, 1, 5, 5))),
    "bilinear": (lambda m, x: m.interpolate(x, (4, 11), mode="bilinear"), X),
    "nearest": (lambda m, x: m.interpolate(x, scale_factor=2), X),
    "adaptive": (lambda m, x: m.adaptive_avg_pool2d(x, (3, 5)), X),
    "adaptive to one": (lambda m, x: m.adaptive_avg_pool2d(x, 1), X),
    "no examples": (lambda m, x: m.max_pool2d(x, 2), X[:0]),
}


@pytest.mark.parametrize("call", CALLS)
def test_values_and_gradients_are_those_of_pytorch(call):
    torch = pytest.importorskip("torch")
    f, x = CALLS[call]
    t = torch.tensor(x, requires_grad=True)
    y = f(torch.nn.functional, t)
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(torch.tensor(g))
    out, pull = ag.vjp(lambda x: f(nn, x), x)
    assert out == pytest.approx(y.detach().numpy(), rel=1e-12, abs=1e-12)
    assert pull(g) == pytest.approx(t.grad.numpy(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("call", [c for c in CALLS if "zeros" not in c and "no" not in c])
def test_differences_to_second_order(call):
    f, x = CALLS[call]
    assert ag.gradcheck(lambda x: f(nn, x), x[:1, :2], variants=False)
    assert ag.gradcheck(lambda x: f(nn, x) ** 2, x[:1, :1], variants=False)


def test_all_variants_of_a_sample():
    ag.assert_gradients(lambda x: nn.max_pool2d(x, 3, 2, 1), X[:, :2, :5, :5])
    ag.assert_gradients(lambda x: nn.avg_pool2d(x, 2, 1), X[:, :2, :4, :5])


def test_nan_is_propagated():
    x = np.zeros((1, 1, 2, 2))
    x[0, 0, 1, 0] = np.nan
    assert np.isnan(nn.max_pool2d(x, 2)).all()


def test_layers():
    assert nn.GlobalAvgPool()(X) == pytest.approx(X.mean((2, 3)))
    assert nn.Flatten()(X).shape == (2, 168)
    assert nn.AdaptiveAvgPool2d(2)(X).shape == (2, 3, 2, 2)
    assert repr(nn.MaxPool2d(3, 2, 1)) == "MaxPool2d(3, stride=2, padding=1)"


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nn.max_pool2d(X[0], 2), "N, C, H, W"),
    (lambda: nn.max_pool2d(X, 2, padding=2), "more than half"),
    (lambda: nn.avg_pool2d(X, 9), "does not fit"),
])  # fmt: skip
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def of_pytorch(f, x, g):
    torch = pytest.importorskip("torch")
    t = torch.tensor(x, requires_grad=True)
    y = f(torch.nn.functional, t)
    y.backward(torch.tensor(g(tuple(y.shape))))
    return y.detach().numpy(), t.grad.numpy()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 2, 3, 0), (2, 3, 0, 1), (0, 2, 3, 1)])
@pytest.mark.parametrize("call", CALLS)
def test_layouts(call, order):
    """Test images that lie in memory in any order, with enough maps and with too few to be last."""
    f, _ = CALLS[call]
    for maps in ((2, 3), (20, 3), (2, 17)):
        shape = (*maps, 7, 8)
        rng = np.random.default_rng(0)
        x = rng.integers(-3, 4, [shape[i] for i in order]).astype(float)  # with ties
        x = x.transpose(np.argsort(order))
        expected, gradient = of_pytorch(f, x, lambda s: np.arange(float(np.prod(s))).reshape(s))
        out, pull = ag.vjp(lambda x: f(nn, x), x)
        found = pull(np.arange(float(out.size)).reshape(out.shape))
        np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found, gradient, rtol=1e-12, atol=1e-12)
        if call.startswith("m"):
            assert np.argsort(out.strides).tolist() == np.argsort(x.strides).tolist()


@pytest.mark.parametrize("options", [(2,), (3, 2, 1), ((2, 3), (1, 2), (1, 0))])
def test_infinities_and_nans_are_those_of_pytorch(options):
    rng = np.random.default_rng(0)
    values = np.array([-np.inf, -np.inf, -np.inf, -1.0, np.nan, np.inf])
    f = lambda m, x: m.max_pool2d(x, *options)
    for allowed in (values[:1], values[:4], values[3:], values):
        x = rng.choice(allowed, (3, 5, 8, 9))
        expected, gradient = of_pytorch(f, x, np.ones)
        out, pull = ag.vjp(lambda x: f(nn, x), x)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(pull(np.ones(out.shape)), gradient)


def test_maxima_of_whole_numbers():
    x = np.arange(16).reshape(1, 1, 4, 4) - 20
    assert nn.max_pool2d(x, 3, 1, 1)[0, 0, 0].tolist() == [-15, -14, -13, -13]
