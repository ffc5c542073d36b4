"""Files of version 0.1: pickles of every class, weights and a checkpoint still load, with equal values.

That version had its modules in one folder (``nn.conv_layers``, ``nn.norms``, ``nn.text``, ...).
The files were written by it: the pickle holds one object of every public class.
"""

import importlib
import pickle
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn

FOLDER = Path(__file__).parent
OLD = pickle.loads((FOLDER / "version_0_1.pickle").read_bytes())

LAYERS = {
    "Linear": lambda: nn.Linear(2, 3, rng=0),
    "Embedding": lambda: nn.Embedding(3, 2, padding_idx=0, rng=0),
    "Sequential": lambda: nn.Sequential(nn.Linear(2, 2, rng=1), np.tanh),
    "Identity": nn.Identity,
    "Sigmoid": nn.Sigmoid,
    "Tanh": nn.Tanh,
    "ReLU": nn.ReLU,
    "LeakyReLU": nn.LeakyReLU,
    "ELU": nn.ELU,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "Softplus": nn.Softplus,
    "Softmax": nn.Softmax,
    "LogSoftmax": nn.LogSoftmax,
    "Flatten": nn.Flatten,
    "GlobalAvgPool": nn.GlobalAvgPool,
    "Conv1d": lambda: nn.Conv1d(1, 2, 2, rng=0),
    "Conv2d": lambda: nn.Conv2d(1, 2, 2, padding="same", rng=0),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(1, 2, 2, stride=2, output_padding=1, rng=0),
    "MaxPool2d": lambda: nn.MaxPool2d(2),
    "AvgPool2d": lambda: nn.AvgPool2d(2, padding=1),
    "AdaptiveAvgPool2d": lambda: nn.AdaptiveAvgPool2d(2),
    "Dropout": lambda: nn.Dropout(0.5, rng=3),
    "Dropout2d": lambda: nn.Dropout2d(0.25, rng=4),
    "BatchNorm1d": lambda: nn.BatchNorm1d(2),
    "BatchNorm2d": lambda: nn.BatchNorm2d(2),
    "LayerNorm": lambda: nn.LayerNorm(2),
    "GroupNorm": lambda: nn.GroupNorm(1, 2),
    "RNN": lambda: nn.RNN(2, 2, nonlinearity="relu", rng=0),
    "LSTM": lambda: nn.LSTM(2, 2, bidirectional=True, forget_bias=1.0, rng=0),
    "GRU": lambda: nn.GRU(2, 2, num_layers=2, dropout=0.5, rng=0),
    "RNNCell": lambda: nn.RNNCell(2, 2, rng=0),
    "LSTMCell": lambda: nn.LSTMCell(2, 2, rng=0),
    "GRUCell": lambda: nn.GRUCell(2, 2, rng=0),
    "CharRNN": lambda: nn.models.char_rnn(3, "gru", embed=2, hidden=2, rng=0),
}
INPUTS = {
    **dict.fromkeys(("Embedding", "CharRNN"), np.array([[0, 2, 1]])),
    **dict.fromkeys(("RNN", "LSTM", "GRU"), np.ones((1, 3, 2), np.float32)),
    "Conv1d": np.ones((1, 1, 4), np.float32),
    **dict.fromkeys(("Conv2d", "ConvTranspose2d"), np.ones((1, 1, 4, 4), np.float32)),
}
OPTIMIZERS = {
    "SGD": lambda p: nn.SGD(p, 0.1, momentum=0.9),
    "Adam": lambda p: nn.Adam(p, 0.1),
    "AdamW": lambda p: nn.AdamW(p, 0.1),
    "RMSprop": lambda p: nn.RMSprop(p, 0.1, momentum=0.5, centered=True),
    "Adagrad": lambda p: nn.Adagrad(p, 0.1),
    "LBFGS": lambda p: nn.LBFGS(p, 1.0, max_iter=2),
}
#: The modules of version 0.1 that are elsewhere now, with a name that each defined.
MODULES = {
    "activations": "Sigmoid", "callbacks": "EarlyStopping", "cells": "GRUCell", "data": "DataLoader",
    "checkpoints": "resume", "conv_layers": "Conv2d", "convolution": "conv", "dropout": "Dropout",
    "cross_entropy": "nll_loss", "erf": "erfc", "evaluation": "accuracy", "files": "save",
    "functional": "relu", "geometry": "Geometry", "language": "CharRNN", "layers": "Linear",
    "lbfgs": "LBFGS", "loggers": "JSONLines", "losses": "mse_loss", "mnist": "load_mnist",
    "models": "mlp", "module": "Module", "norms": "LayerNorm", "npz": "read", "optim": "SGD",
    "optimizers": "Adam", "parameter": "Parameter", "pooling": "max_pool2d", "progress": "Lines",
    "recurrence": "lstm", "recurrent": "LSTM", "safetensors": "read", "schedules": "cosine",
    "summary": "Summary", "text": "Streams", "training": "fit",
}  # fmt: skip


def output(layer, x):
    found = layer.eval()(x)
    parts = found if isinstance(found, tuple) else (found,)
    return [np.asarray(nn.functional.as_array(p)) for p in parts if not isinstance(p, tuple)]


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    old, new = OLD[name], LAYERS[name]()
    assert type(old) is type(new)
    assert repr(old) == repr(new)
    state = new.state_dict()
    if name == "BatchNorm1d":  # it has seen one batch
        new(np.array([[1.0, 2.0], [3.0, 5.0]], np.float32))
        state = new.state_dict()
    assert list(old.state_dict()) == list(state)
    for key, value in old.state_dict().items():
        np.testing.assert_array_equal(value, state[key])
    x = INPUTS.get(name, np.arange(8.0, dtype=np.float32).reshape(4, 2))
    if name in ("BatchNorm2d", "GroupNorm", "Dropout2d") or "Pool" in name:
        x = np.arange(32.0, dtype=np.float32).reshape(1, 2, 4, 4)
    for a, b in zip(output(old, x), output(new, x), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_go_on(name):
    def steps(optimizer, count):
        (w,) = optimizer.param_groups[0]["params"]

        def closure():
            optimizer.zero_grad()
            loss = np.sum(w * w * w)
            loss.backward()
            return loss

        for _ in range(count):
            optimizer.step(closure)
        return w.data

    new = OPTIMIZERS[name]([nn.Parameter([1.0, -2.0])])
    old = OLD[name]
    np.testing.assert_allclose(steps(old, 2), steps(new, 3), rtol=1e-5)
    assert old.state_dict()["param_groups"] == new.state_dict()["param_groups"]


def test_tensors():
    assert type(OLD["tensor"]) is ag.Tensor
    assert OLD["tensor"].numpy().tolist() == [1.0, 2.0]
    assert type(OLD["parameter"]) is nn.Parameter
    assert (OLD["parameter"].name, OLD["parameter"].requires_grad) == ("w", True)


def test_data():
    x, y = next(iter(OLD["DataLoader"]))
    again = nn.DataLoader((np.arange(6.0).reshape(3, 2), np.arange(3)), 2, shuffle=True, rng=5)
    for a, b in zip((x, y), next(iter(again)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert isinstance(OLD["Split"], nn.Split)
    assert OLD["Characters"].encode("nab").tolist() == [2, 0, 1]
    assert len(OLD["Streams"]) == 2


def test_the_rest():
    assert OLD["History"]["epoch"] == [1, 2]
    assert OLD["EarlyStopping"].patience == 5
    assert OLD["Checkpoint"].path == Path("c.npz")
    assert isinstance(OLD["JSONLines"], nn.JSONLines)
    assert isinstance(OLD["TensorBoard"], nn.TensorBoard)
    assert OLD["Draw"].loss is nn.mse_loss
    assert repr(OLD["summary"]) == repr(nn.summary(nn.mlp([2, 1]), 2))
    assert OLD["unmatched"] == ([], [])
    assert OLD["losses"][:3] == [nn.cross_entropy, nn.mse_loss, nn.nll_loss]
    assert OLD["losses"][3:] == [nn.max_pool2d, nn.conv, nn.gelu, nn.accuracy]
    assert OLD["initial"] is nn.init.he_normal
    assert OLD["schedules"] is nn.schedules.cosine
    assert isinstance(OLD["StateError"], nn.StateError)


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_weights(suffix):
    path = FOLDER / f"version_0_1.{suffix}"
    assert nn.load_metadata(path) == {"made by": "0.1"}
    saved = nn.load(FOLDER / "version_0_1_checkpoint.safetensors")
    for name, array in nn.load(path).items():
        np.testing.assert_array_equal(array, saved[f"model.{name}"])


def test_a_checkpoint_goes_on():
    model = nn.mlp([2, 3, 1], "tanh", rng=9)
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    arrays = np.arange(8.0).reshape(4, 2) / 8, np.arange(4.0).reshape(4, 1) / 4
    data = nn.DataLoader(arrays, 2, shuffle=True, rng=9)
    path = FOLDER / "version_0_1_checkpoint.safetensors"
    history = nn.resume(path, model, optimizer, data, [nn.EarlyStopping("loss")])
    history = nn.fit(model, data, nn.mse_loss, optimizer, 4, history=history, progress=False)
    assert history["steps"] == OLD["later"]["steps"]
    np.testing.assert_allclose(history["loss"], OLD["later"]["loss"], rtol=1e-5)


@pytest.mark.parametrize("module", MODULES)
def test_modules(module):
    assert hasattr(importlib.import_module(f"nn.{module}"), MODULES[module])
