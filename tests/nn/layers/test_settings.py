"""Settings of all layers: their ranges, initializers, generators, and lists as inputs."""

import numpy as np
import pytest

import autograd_core as ag
import nn


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nn.Linear(2, 2.5), "Linear: out_features is a whole number from 1 up, got 2.5"),
    (lambda: nn.Linear(True, 2), "Linear: in_features .* got True"),
    (lambda: nn.Embedding(0, 2), "Embedding: num_embeddings"),
    (lambda: nn.Conv2d(0, 2, 3), "Conv2d: in_channels"),
    (lambda: nn.Conv1d(2, 0, 3), "Conv1d: out_channels"),
    (lambda: nn.ConvTranspose2d(2, 2, 3, groups=0), "ConvTranspose2d: groups"),
    (lambda: nn.Conv2d(2, 2, 0), "kernel"),
    (lambda: nn.Conv2d(4, 6, 3, groups=4), "must divide"),
    (lambda: nn.BatchNorm1d(0), "BatchNorm1d: num_features"),
    (lambda: nn.BatchNorm1d(2, eps=-1e-5), "BatchNorm1d: eps is a number from 0 up"),
    (lambda: nn.BatchNorm1d(2, eps=float("nan")), "BatchNorm1d: eps"),
    (lambda: nn.BatchNorm2d(2, momentum=1.5), "BatchNorm2d: momentum is a number from 0 to 1"),
    (lambda: nn.BatchNorm2d(2, momentum="fast"), "BatchNorm2d: momentum"),
    (lambda: nn.LayerNorm(()), "LayerNorm: normalized_shape"),
    (lambda: nn.LayerNorm((3, 0)), "LayerNorm: normalized_shape"),
    (lambda: nn.LayerNorm(3, eps=float("inf")), "LayerNorm: eps"),
    (lambda: nn.GroupNorm(0, 4), "GroupNorm: num_groups"),
    (lambda: nn.GroupNorm(2, 0), "GroupNorm: num_channels"),
    (lambda: nn.LSTM(3, 0), "LSTM: hidden_size"),
    (lambda: nn.GRUCell(3, 2.0), "GRUCell: hidden_size"),
    (lambda: nn.RNN(3, 4, dropout=-1), "Dropout: p"),
])  # fmt: skip
def test_settings_out_of_range(call, words):
    with pytest.raises(ValueError, match=words):
        call()


MADE = {
    "Linear": lambda **o: nn.Linear(3, 2, **o),
    "Conv2d": lambda **o: nn.Conv2d(3, 2, 1, **o),
    "ConvTranspose2d": lambda **o: nn.ConvTranspose2d(3, 2, 1, **o),
    "Embedding": lambda **o: nn.Embedding(3, 2, **o),
}


@pytest.mark.parametrize("name", MADE)
def test_initializers_of_every_form(name):
    make = MADE[name]
    for init in (np.ones, lambda shape: np.ones(shape), lambda shape, rng: np.ones(shape)):
        assert (make(init=init).weight.data == 1).all()
    drawn = make(init=lambda shape, **options: options["rng"].normal(size=shape), rng=0)
    assert drawn.weight.data.std() > 0
    with pytest.raises(ValueError, match="an array of the shape it is given"):
        make(init=lambda shape: np.ones((*shape[::-1], 1)))
    for wrong in (3, np.ndarray):
        with pytest.raises(TypeError, match="init is a function of a shape"):
            make(init=wrong)


@pytest.mark.parametrize("make", [
    *MADE.values(), lambda **o: nn.LSTM(3, 4, **o), lambda **o: nn.GRUCell(3, 4, **o),
])  # fmt: skip
def test_a_legacy_generator_draws_the_values(make):
    first, second, other = (
        make(rng=np.random.RandomState(seed)).state_dict() for seed in (0, 0, 1)
    )
    assert all(np.array_equal(first[k], second[k]) for k in first)
    assert not any(np.array_equal(first[k], other[k]) for k in first)
    rng = np.random.RandomState(0)
    a, b = make(rng=rng).state_dict(), make(rng=rng).state_dict()
    assert not any(np.array_equal(a[k], b[k]) for k in a)


IMAGES = np.arange(2 * 4 * 6 * 6.0).reshape(2, 4, 6, 6)
TAKING = [
    (nn.Linear(3, 2, rng=0), [[1, 2, 3], [4, 5, 6]]),
    (nn.Linear(3, 2, rng=0, dtype=float), [1.0, 2.0, 3.0]),
    (nn.Flatten(), [[[1.0, 2.0]]]),
    (nn.Conv2d(4, 2, 3, rng=0), IMAGES.tolist()),
    (nn.ConvTranspose2d(4, 2, 3, rng=0), IMAGES.tolist()),
    (nn.MaxPool2d(2), IMAGES.tolist()),
    (nn.AvgPool2d(2), IMAGES.tolist()),
    (nn.AdaptiveAvgPool2d(2), IMAGES.tolist()),
    (nn.GlobalAvgPool(), IMAGES.tolist()),
    (nn.BatchNorm2d(4), IMAGES.tolist()),
    (nn.LayerNorm(6), IMAGES.tolist()),
    (nn.GroupNorm(2, 4), IMAGES.tolist()),
    (nn.Dropout(0.5, rng=0), [1.0, 2.0]),
    (nn.GRUCell(3, 2, rng=0), [[1.0, 2.0, 3.0]]),
    (nn.Embedding(3, 2, rng=0), [[0, 2]]),
    (nn.ReLU(), [-1.0, 2.0]),
    (nn.Softmax(), [-1.0, 2.0]),
    (nn.Sequential(nn.Linear(3, 2, rng=0), nn.ReLU()), [[1, 2, 3]]),
]


@pytest.mark.parametrize(("layer", "x"), TAKING, ids=lambda v: type(v).__name__)
def test_a_list_is_an_array(layer, x):
    dtype = next((p.dtype for p in layer.parameters()), np.dtype(np.float32))
    array = np.array(x, np.int64 if isinstance(layer, nn.Embedding) else dtype)
    with nn.evaluating(layer):
        expected, found = layer(array), layer(x)
    np.testing.assert_allclose(np.asarray(found.detach() if hasattr(found, "detach") else found),
                               np.asarray(expected.detach() if hasattr(expected, "detach") else expected),
                               rtol=1e-6)  # fmt: skip


def test_a_list_of_tensors_is_recorded():
    rows = [ag.tensor([1.0, 2.0, 3.0], requires_grad=True) for _ in range(2)]
    nn.Linear(3, 2, init="zeros", rng=0)(rows).sum().backward()
    assert all(r.grad.shape == (3,) for r in rows)


@pytest.mark.parametrize("momentum", [None, 0.3])
def test_running_statistics_are_pytorchs(momentum):
    torch = pytest.importorskip("torch")
    ours, theirs = nn.BatchNorm1d(3, momentum=momentum), torch.nn.BatchNorm1d(3, momentum=momentum)
    rng = np.random.default_rng(0)
    for n in (4, 7, 2):
        x = rng.normal(size=(n, 3)).astype(np.float32)
        ours(x)
        theirs(torch.tensor(x))
    for name, expected in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], expected.numpy(), rtol=1e-5, atol=1e-6)


def test_a_batch_that_is_not_finite_does_not_enter_running_statistics():
    layer, x = nn.BatchNorm1d(2), np.array([[1.0, np.nan], [3.0, 1.0]], np.float32)
    layer(x)
    assert layer.running_mean.tolist() == pytest.approx([0.2, 0.0])
    assert np.isfinite(layer.running_var).all()


def test_statistics_enter_once_when_a_checkpoint_runs_twice():
    x = ag.tensor(np.random.default_rng(0).normal(size=(5, 3)), requires_grad=True)
    plain, again = (nn.BatchNorm1d(3, dtype=float) for _ in range(2))
    plain(x)
    ag.checkpoint(again)(x).sum().backward()
    for name, a in plain.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[name], a)
