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
