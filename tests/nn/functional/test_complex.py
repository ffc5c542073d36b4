"""Every function of nn.functional with complex numbers: right as PyTorch, or refused by name."""

import numpy as np
import pytest

import autograd_core as ag
import nn

F = nn.functional
rng = np.random.default_rng(3)


def draw(*shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


X, Y, IMAGE = draw(2, 3), draw(2, 3), draw(1, 2, 4, 4)
IDS = np.array([0, 1])

#: Arguments of each function; of a loss by one real and one complex argument too.
CALLS = {
    **dict.fromkeys("elu gelu hardswish leaky_relu log_softmax mish relu relu6 selu sigmoid silu softmax softplus tanh".split(), (X,)),
    **dict.fromkeys("binary_cross_entropy binary_cross_entropy_with_logits huber_loss kl_div l1_loss mse_loss quadratic_cost smooth_l1_loss".split(), (X, Y)),
    "linear": (X, draw(4, 3), draw(4)), "embedding": (IDS, X),
    "conv": (IMAGE, draw(3, 2, 2, 2), draw(3)), "conv_transpose": (IMAGE, draw(2, 3, 2, 2), draw(3)),
    "cross_entropy": (X, IDS), "nll_loss": (X, IDS),
    "adaptive_avg_pool2d": (IMAGE, 2), "avg_pool2d": (IMAGE, 2), "max_pool2d": (IMAGE, 2),
    "adaptive_max_pool2d": (IMAGE, 2),
    "interpolate": (IMAGE, 2),
}  # fmt: skip
#: What PyTorch has, under its name.
TAKEN = {
    "sigmoid": "sigmoid", "tanh": "tanh", "silu": "nn.functional.silu", "linear": "nn.functional.linear",
    "embedding": "nn.functional.embedding", "conv": "nn.functional.conv2d",
    "conv_transpose": "nn.functional.conv_transpose2d", "l1_loss": "nn.functional.l1_loss",
}  # fmt: skip


def test_every_function_is_called():
    assert set(F.__all__) == CALLS.keys()


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("name", sorted(CALLS.keys() - TAKEN.keys()))
def test_functions_of_real_numbers_refuse_complex_ones_by_name(name, dtype):
    args = [a.astype(dtype) if np.asarray(a).dtype.kind == "c" else a for a in CALLS[name]]
    for wrap in (lambda a: a, ag.tensor, lambda a: ag.tensor(a, requires_grad=True)):
        given = [wrap(a) if np.asarray(a).dtype.kind == "c" else a for a in args]
        with pytest.raises(
            TypeError, match=rf"{name} takes real numbers, got dtype {np.dtype(dtype)}; "
        ):
            getattr(F, name)(*given)
    if len(args) == 2 and args[1] is not IDS and not isinstance(args[1], int):
        with pytest.raises(TypeError, match="takes real numbers"):
            getattr(F, name)(np.full((2, 3), 0.5), args[1])


@pytest.mark.parametrize("weight", [np.ones(3) * 1j, [1, 1j, 1]])
def test_weights_of_classes_are_real(weight):
    with pytest.raises(TypeError, match="weight= takes real numbers"):
        nn.cross_entropy(X.real, IDS, weight=weight)


@pytest.mark.parametrize("name", TAKEN)
def test_gradients_of_complex_numbers(name):
    ag.assert_gradients(getattr(F, name), *CALLS[name], order=2)


@pytest.mark.parametrize("name", TAKEN)
def test_values_and_gradients_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch
    for part in TAKEN[name].split("."):
        theirs = getattr(theirs, part)
    # two of its own functions PyTorch refuses to differentiate
    theirs = {"silu": lambda x: x * torch.sigmoid(x), "embedding": lambda i, w: w[i]}.get(
        name, theirs
    )

    args = CALLS[name]
    mine = [ag.tensor(a, requires_grad=a.dtype.kind == "c") for a in args]
    others = [torch.tensor(a, requires_grad=a.dtype.kind == "c") for a in args]
    y, q = getattr(F, name)(*mine), theirs(*others)
    np.testing.assert_allclose(y.numpy(), q.detach().numpy(), rtol=1e-12, atol=1e-13)
    seed = np.asarray(draw(*y.shape), y.dtype) if y.dtype.kind == "c" else np.ones(y.shape)
    y.backward(seed)
    q.backward(torch.tensor(seed))
    for m, o in zip(mine, others, strict=True):
        if m.requires_grad:
            np.testing.assert_allclose(m.grad.numpy(), o.grad.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("mixed", [(X, Y.real), (X.real, Y)])
def test_an_absolute_error_of_real_and_complex_numbers(mixed):
    assert nn.l1_loss(*mixed) == pytest.approx(np.abs(mixed[0] - mixed[1]).mean())
    ag.assert_gradients(nn.l1_loss, *mixed)


def test_a_sigmoid_far_out():
    z = np.array([-800 + 2j, 800 + 2j, -40 + 1j])
    np.testing.assert_allclose(nn.sigmoid(z), [0, 1, np.exp(-40 + 1j)], rtol=1e-15, atol=0)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("f", [nn.softmax, nn.log_softmax])
def test_shares_of_nothing(f, axis):
    for shape in ((0, 3), (2, 0), (0, 0)):
        x = ag.tensor(np.zeros(shape), requires_grad=True)
        y = f(x, axis=axis)
        y.sum().backward()
        assert y.shape == x.grad.shape == shape
