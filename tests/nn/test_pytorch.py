"""Weights from PyTorch and to PyTorch, by safetensors files: outputs and every gradient agree."""

import numpy as np
import pytest

import autograd_core as ag
import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
files = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
T = torch.nn
RNG = np.random.default_rng(0)


def w(*shape):
    return RNG.normal(size=shape)


def ids(*shape):
    return RNG.integers(0, 7, shape)


def both(name, *args, ours=None, x=None, **options):
    """Return the layer of one name in both packages, with the same arguments."""
    sequences = "RNN", "LSTM", "GRU", "MultiheadAttention", "TransformerEncoderLayer"
    more = {"batch_first": True} if name in sequences else {}
    return pytest.param(
        lambda: (
            getattr(nn, name)(*args, **(options if ours is None else ours)),
            getattr(T, name)(*args, **options, **more),
        ),
        x, id=f"{name}{args}{options or ''}",
    )  # fmt: skip


def lenet():
    theirs = T.Sequential(
        T.Conv2d(1, 6, 5, padding=2), T.Tanh(), T.AvgPool2d(2), T.Conv2d(6, 16, 5), T.Tanh(),
        T.AvgPool2d(2), T.Flatten(), T.Linear(400, 120), T.Tanh(), T.Linear(120, 84), T.Tanh(),
        T.Linear(84, 10),
    )  # fmt: skip
    return nn.models.lenet5(), theirs


def deep():
    def stack(of):
        return of.Sequential(
            of.Linear(5, 6), of.BatchNorm1d(6), of.ReLU(), of.Linear(6, 4), of.LayerNorm(4), of.GELU()
        )  # fmt: skip

    return stack(nn), stack(T)


LAYERS = [
    both("Linear", 3, 4, x=w(2, 5, 3)),
    both("Linear", 3, 4, bias=False, x=w(5, 3)),
    both("Embedding", 7, 4, x=ids(3, 5)),
    both("Embedding", 7, 4, padding_idx=2, x=ids(3, 5)),
    both("Conv1d", 4, 6, 3, stride=2, padding=1, groups=2, x=w(2, 4, 9)),
    both("Conv2d", 4, 6, (3, 2), padding=(1, 0), dilation=(1, 2), x=w(2, 4, 6, 7)),
    both("Conv2d", 4, 8, 3, stride=2, groups=4, bias=False, x=w(2, 4, 8, 7)),
    both("Conv2d", 2, 3, 3, padding="same", x=w(2, 2, 5, 6)),
    both("ConvTranspose2d", 4, 6, 3, stride=2, padding=1, output_padding=1, x=w(2, 4, 4, 5)),
    both("BatchNorm1d", 4, x=w(6, 4)),
    both("BatchNorm1d", 4, affine=False, x=w(6, 4, 3)),
    both("BatchNorm2d", 4, momentum=0.3, x=w(3, 4, 5, 2)),
    both("LayerNorm", 4, x=w(3, 4)),
    both("LayerNorm", (3, 4), x=w(2, 3, 4)),
    both("GroupNorm", 2, 4, x=w(3, 4, 5)),
    both("LayerNorm", 4, bias=False, x=w(3, 4)),
    both("RMSNorm", 4, x=w(3, 4)),
    both("PReLU", 3, x=w(4, 3)),
    both("TransformerEncoderLayer", 6, 3, 8, 0.0, x=w(2, 4, 6)),
    both("TransformerEncoderLayer", 6, 2, 8, 0.0, "gelu", norm_first=True, bias=False, x=w(2, 4, 6)),
    both("MaxPool1d", 2, x=w(2, 3, 5)),
    both("MaxPool2d", 3, 2, 1, 2, ceil_mode=True, x=w(2, 3, 8, 7)),
    both("AvgPool2d", 3, 2, 1, True, False, x=w(2, 3, 8, 7)),
    both("AdaptiveMaxPool2d", (3, 2), x=w(2, 3, 7, 5)),
    both("Upsample", scale_factor=2, mode="bilinear", x=w(2, 3, 4, 5)),
    both("MaxPool2d", 2, x=w(2, 3, 5, 6)),
    both("MaxPool2d", 3, stride=2, padding=1, x=w(2, 3, 7, 6)),
    both("AvgPool2d", (2, 3), stride=1, x=w(2, 3, 5, 6)),
    both("AdaptiveAvgPool2d", (3, 2), x=w(2, 3, 7, 5)),
    both("Flatten", x=w(2, 3, 4)),
    both("RNN", 3, 4, num_layers=2, bidirectional=True, x=w(2, 5, 3)),
    both("RNN", 3, 4, nonlinearity="relu", bias=False, x=w(2, 5, 3)),
    both("LSTM", 3, 4, num_layers=2, bidirectional=True, x=w(2, 5, 3)),
    both("GRU", 3, 4, num_layers=2, bidirectional=True, x=w(2, 5, 3)),
    both("GRU", 3, 4, bias=False, x=w(2, 5, 3)),
    both("RNNCell", 3, 4, x=w(5, 3)),
    both("RNNCell", 3, 4, nonlinearity="relu", x=w(5, 3)),
    both("LSTMCell", 3, 4, x=w(5, 3)),
    both("GRUCell", 3, 4, x=w(5, 3)),
    both("GRUCell", 3, 4, bias=False, x=w(5, 3)),
    *(both(name, x=3 * w(4, 5)) for name in
      ("Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Identity",
       "ReLU6", "Mish", "Hardswish", "SELU")),
    both("Softmax", dim=-1, ours={}, x=w(4, 5)),
    both("LogSoftmax", dim=-1, ours={}, x=w(4, 5)),
    pytest.param(lenet, w(2, 1, 28, 28), id="LeNet-5"),
    pytest.param(deep, w(6, 5), id="norms and activations"),
]  # fmt: skip


def first(result):
    """Return the first output: the states of a recurrent layer, the hidden state of an LSTM cell."""
    return result[0] if isinstance(result, tuple) else result


def close(a, b):
    assert np.asarray(a) == pytest.approx(b.detach().numpy(), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(("make", "x"), LAYERS)
@pytest.mark.parametrize("training", [True, False])
def test_the_same_weights_give_the_same(tmp_path, make, x, training):
    ours, theirs = make()
    ours, theirs = ours.to(float), theirs.double()
    there, back = tmp_path / "there.safetensors", tmp_path / "back.safetensors"
    files.save_file(theirs.state_dict(), str(there))
    ours.load_state_dict(nn.load(there))
    ours.train(training)
    theirs.train(training)
    whole = x.dtype.kind == "i"
    a = x if whole else ag.tensor(x, requires_grad=True)
    b = torch.tensor(x, requires_grad=not whole)
    y, z = first(ours(a)), first(theirs(b))
    close(y.numpy() if isinstance(y, ag.Tensor) else y, z)
    if y is not a:  # Identity has nothing to go through
        g = w(*z.shape)
        (y * g).sum().backward()
        (z * torch.tensor(g)).sum().backward()
        if not whole:
            close(a.grad.numpy(), b.grad)
        gradients = dict(theirs.named_parameters())
        assert list(gradients) == [name for name, _ in ours.named_parameters()]
        for name, p in ours.named_parameters():
            close(p.grad.numpy(), gradients[name].grad)
    nn.save(back, ours)
    loaded = files.load_file(str(back))
    assert set(loaded) == set(theirs.state_dict())
    for name, value in theirs.state_dict().items():  # running statistics have moved alike
        close(loaded[name].numpy(), value.double() if value.is_floating_point() else value)
    theirs.load_state_dict(loaded)


LOSSES = [
    ("mse_loss", "mse_loss", w(4, 3), w(4, 3), {}),
    ("l1_loss", "l1_loss", w(4, 3), w(4, 3), {}),
    ("huber_loss", "huber_loss", 3 * w(4, 3), w(4, 3), {"delta": 0.7}),
    ("binary_cross_entropy", "binary_cross_entropy", RNG.random((4, 3)), RNG.random((4, 3)), {}),
    ("smooth_l1_loss", "smooth_l1_loss", 3 * w(4, 3), w(4, 3), {"beta": 0.7}),
    ("binary_cross_entropy_with_logits",) * 2 + (9 * w(4, 3), RNG.random((4, 3)), {}),
    ("cross_entropy", "cross_entropy", w(6, 7), ids(6), {"label_smoothing": 0.1}),
    ("cross_entropy", "cross_entropy", w(2, 7, 3), ids(2, 3), {"ignore_index": 3}),
    ("nll_loss", "nll_loss", w(6, 7), ids(6), {}),
    ("kl_div", "kl_div", w(4, 3), RNG.random((4, 3)), {}),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")
@pytest.mark.parametrize(("mine", "name", "x", "y", "options"), LOSSES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_losses(mine, name, x, y, options, reduction):
    a, b = ag.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    ours = getattr(nn, mine)(a, y, reduction=reduction, **options)
    theirs = getattr(T.functional, name)(b, torch.tensor(y), reduction=reduction, **options)
    close(ours.numpy(), theirs)
    g = w(*theirs.shape)
    (ours * g).sum().backward()
    (theirs * torch.tensor(g)).sum().backward()
    close(a.grad.numpy(), b.grad)
