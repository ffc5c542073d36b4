"""Fused primitives: checked to second order, against PyTorch, and at the ends of the range."""

import numpy as np
import pytest

import autograd_core as ag
import nn

X = np.random.default_rng(0).normal(size=(4, 3)) * 2

ACTIVATIONS = {
    "sigmoid": nn.sigmoid,
    "tanh": nn.tanh,
    "relu": nn.relu,
    "leaky_relu": nn.leaky_relu,
    "leaky_relu(0.2)": lambda x: nn.leaky_relu(x, negative_slope=0.2),
    "elu": nn.elu,
    "elu(0.5)": lambda x: nn.elu(x, alpha=0.5),
    "softplus": nn.softplus,
    "silu": nn.silu,
    "gelu": nn.gelu,
    "gelu(tanh)": lambda x: nn.gelu(x, approximate="tanh"),
    "softmax": nn.softmax,
    "softmax(0)": lambda x: nn.softmax(x, axis=0),
    "log_softmax": nn.log_softmax,
    "log_softmax(0)": lambda x: nn.log_softmax(x, axis=0),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients_of_activations(name):
    ag.assert_gradients(ACTIVATIONS[name], X, order=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nothing_overflows_or_warns(name, dtype):
    largest = np.finfo(dtype).max
    ends = [-largest, -1e30, -1000, -100, -1, 0, 1, 100, 1000, 1e30, largest]
    x = ag.tensor(np.array([ends], dtype), requires_grad=True)
    y = ACTIVATIONS[name](x)
    assert y.dtype == dtype
    assert not np.isnan(y.data).any()
    if "softmax" not in name:
        assert np.isfinite(y.data).all()
    y.sum().backward() if "log" not in name else y[0, -1].backward()
    assert np.isfinite(x.grad.data).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_integers_become_floats(name):
    ints = np.array([[-2, 0, 3]])
    np.testing.assert_allclose(ACTIVATIONS[name](ints), ACTIVATIONS[name](ints.astype(float)))


def torch_functions(torch):
    f = torch.nn.functional
    return {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": f.relu,
        "leaky_relu": f.leaky_relu,
        "leaky_relu(0.2)": lambda x: f.leaky_relu(x, 0.2),
        "elu": f.elu,
        "elu(0.5)": lambda x: f.elu(x, 0.5),
        "softplus": lambda x: f.softplus(x, threshold=1e9),
        "silu": f.silu,
        "gelu": f.gelu,
        "gelu(tanh)": lambda x: f.gelu(x, approximate="tanh"),
        "softmax": lambda x: f.softmax(x, -1),
        "softmax(0)": lambda x: f.softmax(x, 0),
        "log_softmax": lambda x: f.log_softmax(x, -1),
        "log_softmax(0)": lambda x: f.log_softmax(x, 0),
    }


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_equal_pytorch(name):
    torch = pytest.importorskip("torch")
    values = np.concatenate([X, np.zeros((1, 3)), 30 * X])
    weights = np.random.default_rng(1).normal(size=values.shape)
    ours = ag.tensor(values, requires_grad=True)
    theirs = torch.tensor(values, requires_grad=True)
    y, z = ACTIVATIONS[name](ours), torch_functions(torch)[name](theirs)
    (y * weights).sum().backward()
    (z * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy(), rtol=1e-11, atol=1e-12)


def test_gelu_names_its_approximations():
    with pytest.raises(ValueError, match="tanh"):
        nn.gelu(X, approximate="sigmoid")


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape, bias):
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=shape), rng.normal(size=(4, 3)), rng.normal(size=4)
    expected = x @ w.T + b * bias
    args = (x, w, b) if bias else (x, w)
    np.testing.assert_allclose(nn.linear(*args), expected)
    if x.size:
        ag.assert_gradients(nn.linear, *args, order=2)


def test_linear_in_float32_stays_there():
    x = np.ones((2, 3), np.float32)
    w, b = nn.Parameter(np.ones((4, 3))), nn.Parameter(np.ones(4))
    y = nn.linear(x, w, b)
    assert y.dtype == np.float32
    y.sum().backward()
    assert w.grad.dtype == b.grad.dtype == np.float32


def test_relu_is_flat_at_zero():
    x = ag.tensor([0.0], requires_grad=True)
    nn.relu(x).sum().backward()
    assert x.grad.data == 0


def test_embedding_adds_repeated_rows_and_refuses_ids_outside():
    weight = np.arange(6.0).reshape(3, 2)
    ids = np.array([[0, 2], [2, 2]])
    ag.assert_gradients(lambda w: nn.embedding(ids, w), weight)
    g = ag.grad(lambda w: np.sum(nn.embedding(ids, w)))(weight)
    assert g.tolist() == [[1, 1], [0, 0], [3, 3]]
    for wrong in (np.array([-1]), np.array([0, 3]), ag.tensor([7])):
        with pytest.raises(IndexError, match="0 to 2"):
            nn.embedding(wrong, weight)
    with pytest.raises(TypeError, match="whole numbers"):
        nn.embedding(np.array([0.0]), weight)
    assert nn.embedding(np.array([], int), weight).shape == (0, 2)


@pytest.mark.parametrize(("f", "option"), [
    (nn.softmax, 1), (nn.log_softmax, 0), (nn.leaky_relu, 0.2), (nn.elu, 0.5),
])  # fmt: skip
def test_options_by_position(f, option):
    x = np.random.default_rng(0).normal(size=(2, 3))
    ag.assert_gradients(lambda a: f(a, option), x)


@pytest.mark.parametrize("slope", [0.0, -0.3, 0.5, 1.0, 2.5])
def test_a_leaky_relu_of_any_slope(slope):
    x = np.array([-np.inf, -2.0, -0.0, 0.0, 3.0, np.inf, np.nan], np.float32)
    t = ag.tensor(x, requires_grad=True)
    with np.errstate(invalid="ignore"):  # 0 times inf
        y = nn.leaky_relu(t, slope)
        expected = np.where(x > 0, x, np.float32(slope) * x)
    y.backward(np.ones(7, np.float32))
    np.testing.assert_array_equal(y.numpy(), expected)
    np.testing.assert_array_equal(t.grad.numpy(), np.where(x > 0, 1, np.float32(slope)))


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if "softmax" not in n and n != "tanh"])
def test_large_arrays_of_any_layout_give_what_their_elements_give(name):
    """Test that the division into blocks changes no number and keeps the order of memory."""
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(40, 50, 80)).astype(np.float32) * 3
    layouts = {
        "rows": whole,
        "axes in another order": whole.transpose(2, 0, 1),
        "gaps": np.repeat(whole, 2, axis=2)[..., ::2],
        "backwards": whole[::-1, :, ::-1],
        "broadcast": np.broadcast_to(whole[:1], (40, 50, 80)),
    }
    f = ACTIVATIONS[name]
    for layout, x in layouts.items():
        g = rng.normal(size=x.shape).astype(np.float32)
        out, pull = ag.vjp(f, x)
        pulled = pull(g)
        few = [(f(x[i]), ag.vjp(f, x[i])[1](g[i])) for i in range(len(x))]
        for found, parts in ((out, [y for y, _ in few]), (pulled, [c for _, c in few])):
            np.testing.assert_allclose(found, parts, rtol=3e-7, atol=1e-7, err_msg=layout)
        if layout != "broadcast":
            assert np.argsort(out.strides).tolist() == np.argsort(np.abs(x.strides)).tolist()


def test_gelu_of_single_precision():
    """Test float32 against float64, in units of the last place of the result."""
    x = np.concatenate([np.linspace(-14, 14, 200_001), [0, 1e-30, -1e-40]]).astype(np.float32)
    t, exact = ag.tensor(x, requires_grad=True), ag.tensor(x, requires_grad=True, dtype=float)
    y, z = nn.gelu(t), nn.gelu(exact)
    y.sum().backward()
    z.sum().backward()
    ends = np.abs(x) > 3
    for ours, theirs, least in ((y, z, 1e-37), (t.grad, exact.grad, 1.0)):
        error = np.abs(ours.numpy() - theirs.numpy()) / np.maximum(np.abs(theirs.numpy()), least)
        assert error[~ends].max() < 12 * 2**-24
        assert error[ends].max() < 80 * 2**-24  # exp(-x^2 / 2) magnifies the rounding of x^2
    assert t.grad.numpy()[[-3, -2, -1]].tolist() == [0.5] * 3


def test_gelu_of_half_precision():
    x = np.linspace(-6, 6, 101).astype(np.float16)
    y = nn.gelu(x)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, nn.gelu(x.astype(float)), rtol=1e-3, atol=1e-7)


def test_silu_far_below_zero_is_zero():
    for dtype in (np.float32, np.float64):
        x = ag.tensor(np.array([-1e30, -800, 1e30], dtype), requires_grad=True)
        y = nn.silu(x)
        y.sum().backward()
        assert y.tolist() == [0, 0, x.data[2]]
        assert x.grad.tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_row_that_nothing_uses_gets_no_gradient(name):
    """The root has an infinite derivative in the second row, which the result does not see."""
    f = getattr(nn, name)
    g = ag.grad(lambda x: (f(np.sqrt(x))[0] * np.array([1.0, 2.0])).sum())
    with np.errstate(all="ignore"):
        found = g(np.array([[1.0, 2.0], [0.0, 3.0]]))
    assert np.isfinite(found).all()
    assert found[0].all()
    assert not found[1].any()


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64])
@pytest.mark.parametrize("padding", [None, 2])
def test_gradients_of_embedding_to_second_order(dtype, padding):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 5, (3, 4)).astype(dtype)
    weight, c = rng.normal(size=(5, 3)), rng.normal(size=(3, 4, 3))
    f = lambda w: np.sum(nn.embedding(ids, w, padding) ** 3 * c)
    expected = np.zeros((5, 3))
    np.add.at(expected, ids, 3 * weight[ids] ** 2 * c)
    if padding is not None:
        expected[padding] = 0
    np.testing.assert_allclose(ag.grad(f)(weight), expected)
    second = ag.grad(lambda w: np.sum(ag.grad(f)(w) * weight))(weight)
    np.testing.assert_allclose(second, 2 * expected)
    ag.assert_gradients(lambda w: nn.embedding(ids, w), weight, order=2)


def test_an_infinite_gradient_stays_in_its_row():
    ids, g = np.array([0, 1, 1]), np.array([[np.inf], [1.0], [2.0]])
    _, pull = ag.vjp(lambda w: nn.embedding(ids, w), np.ones((3, 1)))
    assert pull(g).tolist() == [[np.inf], [3.0], [0.0]]
