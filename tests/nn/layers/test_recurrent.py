"""Recurrent layers: against PyTorch, by differences to second order, and what is refused."""

import itertools

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.functional import recurrence

RNG = np.random.default_rng(0)
KINDS = ["RNN", "LSTM", "GRU"]


def w(*shape):
    return RNG.normal(size=shape)


@pytest.mark.parametrize(("f", "shapes"), [
    (recurrence.rnn, [(4, 2, 3), (2, 3), (3, 3)]),
    (recurrence.lstm, [(4, 2, 12), (2, 3), (2, 3), (12, 3)]),
    (recurrence.gru, [(4, 2, 9), (2, 3), (9, 3), (9,)]),
])  # fmt: skip
def test_differences_to_second_order(f, shapes):
    for seed in range(3):
        inputs = [np.random.default_rng([seed, i]).normal(size=s) for i, s in enumerate(shapes)]
        ag.assert_gradients(lambda *a: f(*a), *inputs, variants=False, seed=seed)


def test_relu():
    inputs = [w(4, 2, 3), w(2, 3), w(3, 3)]
    ag.assert_gradients(lambda *a: recurrence.rnn(*a, relu=True), *inputs, variants=False)


@pytest.mark.parametrize(("kind", "layers", "both", "padded"), [
    *itertools.product(KINDS, [1, 2], [False, True], [False, True]),
])  # fmt: skip
def test_values_and_gradients_are_those_of_pytorch(kind, layers, both, padded):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind)(3, 4, layers, batch_first=True, bidirectional=both).double()
    ours = getattr(nn, kind)(3, 4, layers, bidirectional=both, rng=0, dtype=float)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x, lengths = w(5, 6, 3), np.array([6, 4, 3, 3, 1]) if padded else None
    states = [w(layers * (1 + both), 5, 4) for _ in range(1 + (kind == "LSTM"))]
    mine = [ag.tensor(a, requires_grad=True) for a in (x, *states)]
    t = [torch.tensor(a, requires_grad=True) for a in (x, *states)]
    out, last = ours(mine[0], tuple(mine[1:]) if kind == "LSTM" else mine[1], lengths)
    given = t[0]
    if padded:
        pack = torch.nn.utils.rnn.pack_padded_sequence
        given = pack(t[0], torch.tensor(lengths), batch_first=True)
    expected, final = theirs(given, tuple(t[1:]) if kind == "LSTM" else t[1])
    if padded:
        expected, _ = torch.nn.utils.rnn.pad_packed_sequence(expected, batch_first=True)
    last, final = (p if kind == "LSTM" else (p,) for p in (last, final))
    pairs = [(out, expected), *zip(last, final, strict=True)]
    cotangents = [w(*a.shape) for a, _ in pairs]
    sum(np.sum(a * g) for (a, _), g in zip(pairs, cotangents, strict=True)).backward()
    sum((b * torch.tensor(g)).sum() for (_, b), g in zip(pairs, cotangents, strict=True)).backward()
    for a, b in pairs:
        assert a.numpy() == pytest.approx(b.detach().numpy(), rel=1e-10, abs=1e-10)
    for a, b in zip(mine, t, strict=True):
        assert a.grad.numpy() == pytest.approx(b.grad.numpy(), rel=1e-10, abs=1e-10)
    for name, p in ours.named_parameters():
        expected = dict(theirs.named_parameters())[name].grad.numpy()
        assert p.grad.numpy() == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_a_state_is_carried_over():
    layer, x = nn.LSTM(3, 4, rng=0, dtype=float), w(2, 6, 3)
    whole, _ = layer(x)
    first, state = layer(x[:, :4])
    second, _ = layer(x[:, 4:], nn.detached(state))
    assert np.concatenate([first.numpy(), second.numpy()], 1) == pytest.approx(whole.numpy())


def test_forget_bias_and_dropout():
    layer = nn.LSTM(3, 4, num_layers=2, forget_bias=3.0, dropout=0.5, rng=0)
    usual = nn.LSTM(3, 4, num_layers=2, rng=0)
    difference = layer.bias_ih_l0.data - usual.bias_ih_l0.data
    assert difference == pytest.approx(np.repeat([0, 3, 0, 0], 4), abs=1e-6)
    x = w(2, 5, 3).astype(np.float32)
    a, b = layer(x)[0].numpy(), layer(x)[0].numpy()
    assert not np.array_equal(a, b)
    layer.eval()
    assert np.array_equal(layer(x)[0].numpy(), layer(x)[0].numpy())
    assert a.dtype == np.float32


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nn.RNN(3, 4)(w(2, 3)), r"\(N, T, 3\)"),
    (lambda: nn.GRU(3, 4)(w(2, 5, 3), lengths=[6, 1]), "from 1 to 5"),
    (lambda: nn.LSTM(3, 4)(w(2, 5, 3), w(1, 2, 4)), "state of 2 arrays"),
    (lambda: nn.GRU(3, 4)(w(2, 5, 3), w(2, 2, 4)), r"of shape \(1, 2, 4\)"),
    (lambda: nn.GRU(3, 4)(w(2, 0, 3)), "at least one step"),
    (lambda: nn.RNN(3, 4, nonlinearity="sin"), "'tanh' or 'relu'"),
    (lambda: nn.RNN(0, 4), "input_size is a whole number from 1 up"),
])  # fmt: skip
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("both", [False, True])
def test_padding_reaches_no_gradient(kind, both):
    layer = getattr(nn, kind)(2, 3, num_layers=2, bidirectional=both, rng=0, dtype=float)
    x, lengths = w(3, 6, 2), np.array([2, 6, 4], np.uint64)
    found = []
    for filling in (0.0, 1e9, np.nan):
        for i, n in enumerate(lengths):
            x[i, int(n) :] = filling
        t = ag.tensor(x, requires_grad=True)
        layer.zero_grad()
        out, _ = layer(t, lengths=lengths)
        np.sum(out * out).backward()
        found.append([t.grad.numpy(), *(p.grad.numpy() for p in layer.parameters())])
    for a, b, c in zip(*found, strict=True):
        assert np.isfinite(a).all()
        assert np.array_equal(a, b)
        assert np.array_equal(a, c)


def test_a_relu_that_grows_beyond_the_length_has_finite_gradients():
    layer = nn.RNN(1, 2, nonlinearity="relu", rng=0)
    layer.weight_hh_l0.data = np.eye(2, dtype=np.float32) * 1.5
    layer.bias_hh_l0.data = np.full(2, 0.5, np.float32)
    x = np.zeros((2, 300, 1), np.float32)
    x[0, :5] = x[1, :8] = 1
    outputs, _ = layer(x, lengths=[5, 8])
    np.sum(outputs * outputs).backward()
    expected = layer.weight_hh_l0.grad.numpy()
    layer.zero_grad()
    outputs, _ = layer(x[:, :8], lengths=[5, 8])
    np.sum(outputs * outputs).backward()
    assert layer.weight_hh_l0.grad.numpy() == pytest.approx(expected)


@pytest.mark.parametrize("kind", [*KINDS, "RNNCell", "LSTMCell", "GRUCell"])
def test_no_examples(kind):
    layer = getattr(nn, kind)(3, 4, rng=0)
    x = np.zeros((0, 3) if kind.endswith("Cell") else (0, 5, 3), np.float32)
    result = layer(x)
    result = result[0] if isinstance(result, tuple) else result
    result.sum().backward()
    assert all((p.grad.numpy() == 0).all() for p in layer.parameters())
