"""Convolutions: against PyTorch, by differences to second order, and what is refused."""

import numpy as np
import pytest

import autograd_core as ag
import nn

CASES = {  # shape, filters, size, stride, padding, dilation, groups
    "plain": ((2, 3, 7, 8), 4, (3, 3), 1, 0, 1, 1),
    "strided, padded, grouped": ((2, 4, 9, 9), 6, (3, 2), (2, 3), (1, 2), 1, 2),
    "dilated, not dividing": ((1, 2, 10, 11), 4, (2, 3), 2, 1, (2, 3), 2),
    "no examples": ((0, 2, 5, 5), 3, (3, 3), 1, 1, 1, 1),
    "depthwise": ((3, 4, 6, 6), 4, (1, 1), 2, 0, 1, 4),
    "one dimension": ((2, 3, 11), 4, (4,), 3, 2, 2, 1),
    "same": ((2, 3, 6, 7), 4, (2, 3), 1, "same", (1, 2), 1),
    "many parts": ((40, 8, 40, 30), 4, (3, 3), 1, 1, 1, 1),
}  # fmt: skip


def arrays(shape, filters, size, groups, seed=0):
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(filters, shape[1] // groups, *size))
    return rng.normal(size=shape), weight, rng.normal(size=filters)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_pytorch(case):
    torch = pytest.importorskip("torch")
    shape, filters, size, stride, padding, dilation, groups = CASES[case]
    given = arrays(shape, filters, size, groups)
    theirs = [torch.tensor(a, requires_grad=True) for a in given]
    f = torch.nn.functional.conv1d if len(size) == 1 else torch.nn.functional.conv2d
    y = f(*theirs, stride, padding, dilation, groups)
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(torch.tensor(g))
    out, pull = ag.vjp(lambda *a: nn.conv(*a, stride, padding, dilation, groups), *given)
    np.testing.assert_allclose(out, y.detach().numpy(), rtol=1e-10, atol=1e-10)
    for ours, t in zip(pull(g), theirs, strict=True):
        np.testing.assert_allclose(ours, t.grad.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", [c for c in CASES if c not in ("many parts", "no examples")])
def test_differences_to_second_order(case):
    shape, filters, size, stride, padding, dilation, groups = CASES[case]
    given = arrays((2, *shape[1:2], *(min(n, 6) for n in shape[2:])), filters, size, groups)
    report = ag.gradcheck(
        lambda *a: nn.conv(*a, stride, padding, dilation, groups), *given, variants=False
    )
    assert report.ok, report


def test_all_variants_of_a_sample():
    ag.assert_gradients(lambda *a: nn.conv(*a, 2, 1), *arrays((2, 2, 5, 4), 3, (3, 2), 1))


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1, "output_padding": 1},
                                     {"groups": 2, "dilation": 2, "stride": (1, 2)}])  # fmt: skip
def test_transposed_convolution(options):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 4, 5, 4)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=3)
    b = np.tile(b, options.get("groups", 1))
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    y = torch.nn.functional.conv_transpose2d(*theirs, **options)
    g = rng.normal(size=y.shape)
    y.backward(torch.tensor(g))
    out, pull = ag.vjp(lambda *a: nn.conv_transpose(*a, **options), x, w, b)
    assert out == pytest.approx(y.detach().numpy(), rel=1e-10, abs=1e-10)
    for ours, t in zip(pull(g), theirs, strict=True):
        assert ours == pytest.approx(t.grad.numpy(), rel=1e-10, abs=1e-10)
    small = lambda x, w, b: nn.conv_transpose(x, w, b, **options)
    assert ag.gradcheck(small, x[:1, :, :3, :3], w, b, variants=False).ok


def test_layers_have_the_weights_of_pytorch():
    torch = pytest.importorskip("torch")
    pairs = [
        (nn.Conv1d(4, 6, 3, groups=2, rng=0), torch.nn.Conv1d(4, 6, 3, groups=2), (2, 4, 9)),
        (nn.Conv2d(1, 6, 5, padding=2, rng=0), torch.nn.Conv2d(1, 6, 5, padding=2), (2, 1, 8, 8)),
        (nn.ConvTranspose2d(4, 3, 2, stride=2, rng=0), torch.nn.ConvTranspose2d(4, 3, 2, 2), (2, 4, 5, 5)),
    ]  # fmt: skip
    for ours, theirs, shape in pairs:
        theirs = theirs.double()
        ours.to(np.float64).load_state_dict(theirs.state_dict())
        x = np.random.default_rng(0).normal(size=shape)
        expected = theirs(torch.tensor(x)).detach().numpy()
        assert ours(x).numpy() == pytest.approx(expected, rel=1e-10, abs=1e-10)
        bound = theirs.weight.detach().abs().max().item()
        assert abs(ours.weight.data).max() == pytest.approx(bound, rel=0.4)


def test_examples_stay_last_in_memory_from_layer_to_layer():
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, rng=0), nn.Tanh(), nn.MaxPool2d(2), nn.Conv2d(3, 2, 3, rng=0)
    )
    x = np.ones((5, 1, 12, 12), np.float32)
    hidden = model[:3](x)
    assert np.moveaxis(hidden.data, 0, -1).flags.c_contiguous


def test_float32_stays_float32():
    x = ag.tensor(np.ones((2, 1, 6, 6), np.float32), requires_grad=True)
    layer = nn.Conv2d(1, 2, 3, rng=0)
    y = layer(x)
    np.sum(y * y).backward()
    assert {y.dtype, x.grad.dtype, layer.weight.grad.dtype} == {np.dtype(np.float32)}


def test_lenet5():
    model = nn.models.lenet5(rng=0)
    assert sum(p.size for p in model.parameters()) == 61_706
    assert model(np.zeros((3, 1, 28, 28), np.float32)).shape == (3, 10)
    nn.gradcheck(model.to(float), np.random.default_rng(0).normal(size=(1, 1, 28, 28)))


@pytest.mark.parametrize(("call", "words"), [
    (lambda x, w: nn.conv(x[:, :2], w), r"\(N, 3, H, W\), got \(2, 2, 5, 5\)"),
    (lambda x, w: nn.conv(x[0], w), "expects an input of shape"),
    (lambda x, w: nn.conv(x, w, padding="full"), "'same' or 'valid'"),
    (lambda x, w: nn.conv(x, w, padding="same", stride=2), "stride 1"),
    (lambda x, w: nn.conv(x, w, stride=0), "at least 1"),
    (lambda x, w: nn.conv(x, w, dilation=4), "do not fit"),
    (lambda x, w: nn.conv(x[:, :2], w[:, :1], groups=2), "cannot be split"),
    (lambda x, w: nn.Conv2d(3, 4, 3, groups=2), "must divide"),
    (lambda x, w: nn.conv_transpose(x[:, :2], w), "transposed convolution"),
    (lambda x, w: nn.conv_transpose(x, w.transpose(1, 0, 2, 3), output_padding=1), "output_padding"),
])  # fmt: skip
def test_what_is_refused(call, words):
    x, w, _ = arrays((2, 3, 5, 5), 3, (3, 3), 1)
    with pytest.raises(ValueError, match=words):
        call(x, w)


@pytest.mark.parametrize(("n", "size", "options"), [
    (1, 2, {"output_padding": 1, "dilation": 2}),
    (4, 2, {"output_padding": 1, "dilation": 2}),
    (4, 3, {"output_padding": 2, "dilation": 3, "stride": 2}),
])  # fmt: skip
def test_a_transpose_with_room_for_more_positions(n, size, options):
    """Test output_padding from the stride up: filters fit at more positions than there are inputs."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, 3, n)), rng.normal(size=(3, 2, size))
    f = lambda a, b: nn.conv_transpose(a, b, **options)
    ag.assert_gradients(f, x, weight, variants=False)
    a, b = (torch.tensor(v, requires_grad=True) for v in (x, weight))
    out = torch.nn.functional.conv_transpose1d(a, b, **options)
    assert f(x, weight) == pytest.approx(out.detach().numpy())
    (out * out).sum().backward()
    ours = ag.grad(lambda a, b: np.sum(f(a, b) ** 2), (0, 1))(x, weight)
    assert ours[0] == pytest.approx(a.grad.numpy())
    assert ours[1] == pytest.approx(b.grad.numpy())


def test_same_padding_of_a_transpose():
    for n in (1, 4):
        x, weight = np.ones((1, 1, n)), np.arange(2.0).reshape(1, 1, 2) + 1
        ag.assert_gradients(lambda a, b: nn.conv_transpose(a, b, padding="same"), x, weight)


def test_too_much_padding_of_a_transpose():
    with pytest.raises(ValueError, match="leaves nothing"):
        nn.conv_transpose(np.ones((1, 1, 2)), np.ones((1, 1, 2)), padding=3)


@pytest.mark.parametrize(("shape", "filters", "options"), [
    ((2, 4, 6, 7), 4, {"padding": 1, "groups": 4}),  # depthwise
    ((2, 4, 6, 7), 8, {"stride": 2, "groups": 4}),  # two filters for each channel
    ((2, 4, 7, 8), 2, {"padding": (4, 2), "dilation": 2}),  # more padding than a filter reaches
    ((2, 3, 5, 6), 3, {"padding": 3}),
    ((2, 2, 5, 6), 5, {"padding": "same"}),
])  # fmt: skip
@pytest.mark.parametrize("last", [False, True])
def test_gradients_of_input_weight_and_bias(shape, filters, options, last):
    """Test each way to the gradients, on images whose examples are last in memory and others."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    groups = options.get("groups", 1)
    x, w, b = (
        rng.normal(size=shape),
        rng.normal(size=(filters, shape[1] // groups, 3, 3)),
        rng.normal(size=filters),
    )
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    y = torch.nn.functional.conv2d(*theirs, **options)
    g = rng.normal(size=y.shape)
    y.backward(torch.tensor(g))
    if last:
        x, g = (np.moveaxis(np.moveaxis(a, 0, -1).copy(), -1, 0) for a in (x, g))
    out, pull = ag.vjp(lambda *a: nn.conv(*a, **options), x, w, b)
    np.testing.assert_allclose(out, y.detach().numpy(), rtol=1e-10, atol=1e-10)
    for ours, t in zip(pull(g), theirs, strict=True):
        np.testing.assert_allclose(ours, t.grad.numpy(), rtol=1e-10, atol=1e-10)
    f = lambda *a: nn.conv(*a, **options)
    assert ag.gradcheck(f, x[:1, :, :5, :5], w, b, variants=False).ok
