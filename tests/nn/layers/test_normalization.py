"""Normalization: against PyTorch, by differences to second order, and what is refused."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.layers.normalization import normalize

RNG = np.random.default_rng(0)
LAYERS = {
    "BatchNorm1d": (nn.BatchNorm1d(4), (6, 4)),
    "BatchNorm1d sequences": (nn.BatchNorm1d(4), (3, 4, 5)),
    "BatchNorm2d": (nn.BatchNorm2d(3), (4, 3, 5, 2)),
    "LayerNorm": (nn.LayerNorm(5), (2, 3, 5)),
    "LayerNorm of two axes": (nn.LayerNorm((3, 5)), (2, 3, 5)),
    "GroupNorm": (nn.GroupNorm(2, 4), (3, 4, 5, 2)),
}


def theirs_of(name, ours):
    torch = pytest.importorskip("torch")
    kind = getattr(torch.nn, type(ours).__name__)
    arguments = {
        "LayerNorm": lambda m: (m.normalized_shape,),
        "GroupNorm": lambda m: (m.num_groups, m.num_channels),
    }.get(type(ours).__name__, lambda m: (m.num_features,))(ours)
    return torch, kind(*arguments).double()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_values_gradients_and_state_are_those_of_pytorch(name, training):
    ours, shape = LAYERS[name]
    torch, theirs = theirs_of(name, ours)
    ours.to(float).train(training)
    for p in theirs.parameters():
        p.data += torch.tensor(RNG.normal(size=p.shape))
    theirs.train(training)
    ours.load_state_dict(theirs.state_dict())
    for _ in range(2):
        x, g = RNG.normal(size=shape), RNG.normal(size=shape)
        t, mine = torch.tensor(x, requires_grad=True), ag.tensor(x, requires_grad=True)
        theirs.zero_grad()
        ours.zero_grad()
        out, expected = ours(mine), theirs(t)
        expected.backward(torch.tensor(g))
        out.backward(g)
        assert out.numpy() == pytest.approx(expected.detach().numpy(), rel=1e-10, abs=1e-10)
        assert mine.grad.numpy() == pytest.approx(t.grad.numpy(), rel=1e-9, abs=1e-10)
        for key, p in ours.named_parameters():
            assert p.grad.numpy() == pytest.approx(
                dict(theirs.named_parameters())[key].grad.numpy(), rel=1e-9, abs=1e-10
            )
    for key, value in theirs.state_dict().items():
        assert ours.state_dict()[key] == pytest.approx(value.numpy(), rel=1e-10, abs=1e-12)


def test_differences_to_second_order():
    x, w, b = RNG.normal(size=(3, 2, 4)), RNG.normal(size=(1, 2, 1)), RNG.normal(size=(1, 2, 1))
    ag.assert_gradients(lambda x, w, b: normalize(x, w, b, (0, 2), 1e-3), x, w, b, variants=False)
    ag.assert_gradients(lambda x: normalize(x, 1.0, 0.0, (2,), 1e-3), x, variants=False)


def test_buffers_are_saved_and_loaded(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4))
    model(RNG.normal(size=(8, 3)).astype(np.float32))
    assert model.state_dict()["1.num_batches_tracked"] == 1
    nn.save(tmp_path / "m.safetensors", model)
    other = nn.Sequential(nn.Linear(3, 4, rng=1), nn.BatchNorm1d(4))
    other.load_state_dict(nn.load(tmp_path / "m.safetensors"))
    for key, value in model.state_dict().items():
        assert np.array_equal(other.state_dict()[key], value)


def test_float32_stays_float32():
    layer = nn.BatchNorm2d(3)
    x = ag.tensor(RNG.normal(size=(2, 3, 4, 4)).astype(np.float32), requires_grad=True)
    y = layer(x)
    y.backward(np.ones(y.shape, np.float32))
    dtypes = {y.dtype, x.grad.dtype, layer.weight.grad.dtype, layer.running_mean.dtype}
    assert dtypes == {np.dtype(np.float32)}


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nn.BatchNorm1d(3)(np.ones((1, 3))), "more than one value"),
    (lambda: nn.BatchNorm1d(3)(np.ones((4, 2))), "3 channels"),
    (lambda: nn.BatchNorm2d(3)(np.ones((4, 3))), "4 axes"),
    (lambda: nn.LayerNorm(3)(np.ones((4, 2))), "last axes"),
    (lambda: nn.GroupNorm(3, 4), "cannot be split"),
])  # fmt: skip
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_float16_does_not_overflow():
    x = (np.random.default_rng(0).normal(size=(4, 600)) * 30).astype(np.float16)
    y = nn.LayerNorm(600)(x).numpy()
    assert y.dtype == np.float16
    assert np.abs(y.std(axis=1) - 1).max() < 0.01
    z = nn.BatchNorm1d(2)(np.random.default_rng(0).normal(size=(70_000, 2)).astype(np.float16))
    assert np.isfinite(z.numpy()).all()
    pooled = nn.avg_pool2d(np.full((1, 1, 20, 20), 300, np.float16), 20)
    assert pooled.ravel().tolist() == [300]


def test_a_feature_that_never_changes_has_a_variance_of_zero():
    layer = nn.BatchNorm1d(1, momentum=1.0)
    layer(np.full((8, 1), 3, np.float32))
    assert layer.running_var.tolist() == [0.0]


def test_evaluation_of_integers():
    y = nn.BatchNorm1d(2).eval()(np.array([[5, 1]]))
    assert y.numpy() == pytest.approx(np.array([[5.0, 1.0]]), rel=1e-4)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 2, 3, 0), (0, 2, 3, 1), (3, 2, 1, 0)])
@pytest.mark.parametrize("kind", ["batch", "layer", "layer of three axes", "group"])
def test_large_arrays_of_any_layout(kind, order):
    """Test blocks and joined axes against the definition, evaluated whole."""
    rng = np.random.default_rng(0)
    shape = (6, 8, 5, 300)
    x = rng.normal(3, 2, [shape[i] for i in order]).transpose(np.argsort(order))
    assert x.shape == shape
    g = rng.normal(size=shape)
    axes, seen, wide = {
        "batch": ((0, 2, 3), shape, (1, 8, 1, 1)),
        "layer": ((3,), shape, (1, 1, 1, 300)),
        "layer of three axes": ((1, 2, 3), shape, (1, 8, 5, 300)),
        "group": ((2, 3), (6, 4, 2, 1500), (1, 4, 2, 1)),
    }[kind]
    weight, bias = rng.normal(size=wide), rng.normal(size=wide)
    f = lambda x, w, b: normalize(x, w, b, axes, 1e-3, seen, wide)

    def definition(x, w, b):
        x = x.reshape(seen)
        centred = x - np.mean(x, axis=axes, keepdims=True)
        variance = np.mean(centred**2, axis=axes, keepdims=True)
        return (w * (centred / np.sqrt(variance + 1e-3)) + b).reshape(shape)

    (y, pull), (z, expected) = ag.vjp(f, x, weight, bias), ag.vjp(definition, x, weight, bias)
    np.testing.assert_allclose(y, z, rtol=1e-11, atol=1e-11)
    for a, b in zip(pull(g), expected(g), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_means_far_from_zero_keep_single_precision():
    x = np.random.default_rng(0).normal(1000, 1, (3, 200_000)).astype(np.float32)
    y = normalize(x, 1.0, 0.0, (1,), 0.0)
    exact = normalize(x.astype(float), 1.0, 0.0, (1,), 0.0)
    assert np.abs(y - exact).max() < 2e-5


def test_tiny_and_huge_variances_of_single_precision():
    x = np.random.default_rng(0).normal(size=(2, 40)).astype(np.float32)
    g = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    expected = ag.vjp(lambda x: normalize(x, 1.0, 0.0, (1,), 0.0), x)[1](g)
    for scale in (2.0**-40, 2.0**50):
        y, pull = ag.vjp(lambda x: normalize(x, 1.0, 0.0, (1,), 0.0), x * np.float32(scale))
        assert np.isfinite(y).all()
        np.testing.assert_allclose(pull(g) * scale, expected, rtol=1e-4, atol=1e-5)


def test_no_examples():
    for layer, shape in ((nn.LayerNorm(5), (0, 5)), (nn.GroupNorm(2, 4), (0, 4, 3))):
        x = ag.tensor(np.zeros(shape, np.float32), requires_grad=True)
        layer(x).sum().backward()
        assert x.grad.shape == shape
        assert not layer.weight.grad.numpy().any()
