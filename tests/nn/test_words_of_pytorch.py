"""What ported code says: words of PyTorch that are accepted, or answered with ours."""

import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import elsewhere


def test_words_that_mean_what_happens_anyway_are_accepted():
    nn.ReLU(inplace=False)
    nn.Dropout(0.5, inplace=False)
    nn.Linear(2, 3, device="cpu")
    nn.Conv2d(1, 2, 3, padding_mode="zeros")
    nn.MaxPool2d(2, ceil_mode=False, return_indices=False)
    nn.AvgPool2d(2, count_include_pad=True)
    nn.BatchNorm2d(3, track_running_stats=True)
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        kind(2, 3, batch_first=True)
    nn.Adam([nn.Parameter([1.0])], lr=0.1, amsgrad=False, foreach=None)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nn.ReLU(inplace=True), "ReLU has no inplace=True: results are always new arrays"),
    (lambda: nn.Dropout(inplace=True), "Dropout has no inplace=True"),
    (lambda: nn.Softmax(dim=1), "Softmax has no dim=1: our word is axis="),
    (lambda: nn.softmax(np.ones(2), dim=0), "NumPy's word is axis="),
    (lambda: nn.GRU(2, 3, batch_first=False), r"np\.swapaxes\(x, 0, 1\)"),
    (lambda: nn.LayerNorm(3, elementwise_affine=False), "our word is affine="),
    (lambda: nn.MaxPool2d(2, return_indices=True), "only the maxima are returned"),
    (lambda: nn.Linear(2, 3, device="cuda"), "leave it out"),
    (lambda: nn.Adam([nn.Parameter([1.0])], lr=0.1, maximize=True), "Adam has no maximize=True"),
    (lambda: nn.MultiheadAttention(4, 2, kdim=3), r"project keys before"),
    (lambda: nn.TransformerEncoderLayer(4, 2, batch_first=False), r"np\.swapaxes\(x, 0, 1\)"),
    (lambda: nn.Linear(2, 3, colour="red"), "unexpected keyword argument 'colour'"),
    (lambda: nn.Sequential(nn.Linear(1, 2), nn.ReLU), r"layer 1 .* class ReLU; write ReLU\(\)"),
])  # fmt: skip
def test_other_words_are_answered(call, words):
    with pytest.raises(TypeError, match=words):
        call()


@pytest.mark.parametrize(("name", "words"), [
    ("CrossEntropyLoss", "here it is nn.cross_entropy"),
    ("ModuleList", "here it is a plain list"),
    ("Conv9d", "no attribute 'Conv9d'$"),
])  # fmt: skip
def test_other_names_are_answered(name, words):
    with pytest.raises(AttributeError, match=words):
        getattr(nn, name)


@pytest.mark.parametrize(("call", "words"), [
    (lambda t: t.view(2, 1), "'Tensor' object has no attribute 'view'; here it is t.reshape"),
    (lambda t: t.exp(), r"here it is np\.exp\(t\)"),
    (lambda t: t.numel(), r"here it is t\.size"),
    (lambda t: t.clone(), r"here it is t\.copy\(\)"),
    (lambda t: t.add_(1), r"here it is t\[\.\.\.\] ="),
    (lambda t: t.colour, "no attribute 'colour'$"),
    (lambda t: ag.jit, "'autograd_core' has no attribute 'jit'; here it is ag.compile"),
    (lambda t: ag.jacrev, "here it is ag.jacobian"),
    (lambda t: ag.zeros, "here it is np.zeros"),
    (lambda t: ag.gradd, "no attribute 'gradd'$"),
])  # fmt: skip
def test_attributes_of_tensors_and_of_the_module_are_answered(call, words):
    with pytest.raises(AttributeError, match=words):
        call(ag.tensor([1.0, 2.0], requires_grad=True))


def test_other_keywords_are_answered():
    for transform in (ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian, ag.elementwise_grad):
        with pytest.raises(
            TypeError, match=rf"{transform.__name__}.*'argnum'; our word is argnums="
        ):
            transform(np.sum, argnum=1)
    assert ag.grad(np.sum, argnums=0)(2.0) == 1


def test_what_the_answers_name_exists():
    spaces = {"nn": nn, "np": np, "ag": ag, "t": ag.tensor([1.0])}
    tables = nn._pytorch.NAMES, elsewhere._OF_TENSORS, elsewhere._OF_MODULE
    for ours in (words for table in tables for words in table.values()):
        for space, path in re.findall(r"(?<![\w.])(nn|np|ag|t)\.([\w.]*\w)", ours):
            found = spaces[space]
            for part in path.split("."):
                assert hasattr(found, part), ours
                found = getattr(found, part)
    readme = Path(nn.__file__).with_name("README.md").read_text(encoding="utf-8")
    for name, ours in nn._pytorch.NAMES.items():
        assert not hasattr(nn, name), name
        assert "README" not in ours or f"`{name}`" in readme, name
    for name in elsewhere._OF_TENSORS:
        assert not hasattr(ag.Tensor, name), name
    for name in elsewhere._OF_MODULE:
        assert name not in ag.__all__, name
    with pytest.raises(AttributeError, match=r"p\.data = nn\.init\.kaiming_uniform\(p\.shape\)"):
        _ = nn.init.kaiming_uniform_
    with pytest.raises(AttributeError, match=r"no attribute 'random'$"):
        _ = nn.init.random


def test_an_ordered_dict_names_the_layers():
    model = nn.Sequential(OrderedDict(fc1=nn.Linear(2, 3, rng=0), act=np.tanh, fc2=nn.Linear(3, 1)))
    assert list(model.state_dict()) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    assert model["fc1"] is model[0]
    assert model(np.ones((5, 2), np.float32)).shape == (5, 1)
    model.layers.append(nn.Linear(1, 1))
    assert list(model.state_dict())[-1] == "3.bias"
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(
        OrderedDict(fc1=torch.nn.Linear(2, 3), act=torch.nn.Tanh(), fc2=torch.nn.Linear(3, 1))
    )
    del model.layers[-1]
    model.load_state_dict(theirs.state_dict())
    x = np.ones((5, 2), np.float32)
    np.testing.assert_allclose(model(x).data, theirs(torch.tensor(x)).detach(), rtol=1e-5)


def test_the_positions_of_a_transposed_convolution_are_pytorchs():
    torch = pytest.importorskip("torch")
    given = 4, 6, 3, 2, 1, 1, 2, False, 2
    ours, theirs = nn.ConvTranspose2d(*given), torch.nn.ConvTranspose2d(*given)
    assert ours.bias is None
    ours.load_state_dict(theirs.state_dict())
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 5)).astype(np.float32)
    np.testing.assert_allclose(ours(x).data, theirs(torch.tensor(x)).detach(), rtol=1e-4, atol=1e-5)
    assert repr(ours) == (
        "ConvTranspose2d(4, 6, 3×3, stride=2, padding=1, output_padding=1, dilation=2, groups=2)"
    )


@pytest.mark.parametrize("first", [1, -2, 2])
@pytest.mark.parametrize("last", [-1, 2, -2])
def test_flatten_joins_the_axes_of_pytorch(first, last):
    torch = pytest.importorskip("torch")
    x = np.zeros((2, 3, 4, 5), np.float32)
    expected = torch.nn.Flatten(first, last)(torch.tensor(x)).shape
    assert nn.Flatten(first, last)(x).shape == tuple(expected)
    with pytest.raises(ValueError, match="no axes to join"):
        nn.Flatten(4)(x)


@pytest.mark.parametrize(("call", "answer"), [
    (lambda: nn.TensorDataset, r"nn\.DataLoader\(\(x, y\), 32\)"),
    (lambda: nn.CosineAnnealingLR, r"nn\.schedules"),
    (lambda: nn.optim.lr_scheduler, r"'nn\.optim' .* nn\.schedules"),
    (lambda: nn.manual_seed, "rng="),
    (lambda: nn.Linear(2, 1).fit, r"nn\.fit\(model"),
    (lambda: nn.DataLoader((np.ones(3), np.ones(3)), num_workers=2), "no num_workers=2: .*leave it out"),
    (lambda: nn.DataLoader(np.ones(3), np.ones(3)), r"nn\.DataLoader\(\(x, y\), 32\)"),
    (lambda: nn.DataLoader([(np.ones(3), 1.0), (np.ones(3), 2.0)]), r"zip\(\*examples\)"),
    (lambda: nn.save(nn.Linear(2, 1), "weights.npz"), r"nn\.save\(path, model\)"),
    (lambda: ag.randn, r"rng\.normal"),
    (lambda: ag.tensor(1.0).cuda, r"cupy\.asarray"),
    (lambda: ag.tensor(1.0).matmul, "t @ other"),
])  # fmt: skip
def test_more_words_are_answered(call, answer):
    with pytest.raises((AttributeError, TypeError), match=answer):
        call()
