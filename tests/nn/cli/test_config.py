"""Choices stored with weights: checked by type, and held against arrays before a network is built."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import nn
from nn.cli.chars import CharsConfig
from nn.cli.digits import DigitsConfig
from nn.cli.parser import ResultError, UsageError
from nn.layers import activations
from nn.models import language


def shapes(model):
    return {name: a.shape for name, a in model.state_dict().items()}


@pytest.mark.parametrize("activation", activations.NAMES)
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("layers", [(4, 3), (4, 5, 3), (2, 3, 2, 4)])
def test_shapes_of_digits_are_those_of_the_network(activation, loss, layers):
    config = DigitsConfig(layers=layers, activation=activation, loss=loss)
    assert config.shapes() == shapes(config.network(0))


@pytest.mark.parametrize("kind", sorted(language.KINDS))
@pytest.mark.parametrize("layers", [1, 3])
def test_shapes_of_characters_are_those_of_the_network(kind, layers):
    config = CharsConfig(kind=kind, embed=3, hidden=5, layers=layers, characters="abc")
    assert config.shapes() == shapes(config.network(0))


@pytest.mark.parametrize("config", [
    DigitsConfig(), DigitsConfig(layers=(3, 2), lr=1, seed=2**100, data="/some/where"),
    CharsConfig(characters="\0\nab\u6f22"), CharsConfig(characters="a", text="x.txt", kind="lstm"),
])  # fmt: skip
def test_choices_are_read_back(config):
    assert type(config).parse(config.metadata(), Path("file")) == config


HOSTILE = [
    (DigitsConfig, {"layers": 3}), (DigitsConfig, {"layers": [64]}),
    (DigitsConfig, {"layers": [64, 0]}), (DigitsConfig, {"layers": [64, 1.5]}),
    (DigitsConfig, {"layers": [64, [16], 10]}), (DigitsConfig, {"layers": [64, 10**12]}),
    (DigitsConfig, {"layers": [1] * 5000}), (DigitsConfig, {"layers": [True, True]}),
    (DigitsConfig, {"activation": "sigmoidal"}), (DigitsConfig, {"activation": ["relu"]}),
    (DigitsConfig, {"loss": None}), (DigitsConfig, {"init": "__import__"}),
    (DigitsConfig, {"lr": "3"}), (DigitsConfig, {"lr": float("nan")}), (DigitsConfig, {"lr": -1}),
    (DigitsConfig, {"batch": True}), (DigitsConfig, {"batch": 1.0}), (DigitsConfig, {"seed": -1}),
    (DigitsConfig, {"data": "a\0b"}), (DigitsConfig, {"data": "\ud800"}),
    (DigitsConfig, {"other": 1}), (DigitsConfig, ["layers"]), (DigitsConfig, "layers"),
    (DigitsConfig, {"x\x1b[2J" * 100: 1}), (DigitsConfig, {"loss": "\x1b[2J" * 10_000}),
    (CharsConfig, {"characters": "ba"}), (CharsConfig, {"characters": "aa"}),
    (CharsConfig, {"characters": ""}), (CharsConfig, {"characters": "\ud800"}),
    (CharsConfig, {"characters": 3}), (CharsConfig, {"characters": "a", "text": 1}),
    (CharsConfig, {"characters": "a", "hidden": 10**10}),
    (CharsConfig, {"characters": "a", "layers": 10**9}),
    (CharsConfig, {"characters": "a", "kind": "perceptron"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "choices"), HOSTILE)
def test_hostile_choices(kind, choices):
    with pytest.raises(nn.FileFormatError, match="was not written by python -m nn") as caught:
        kind.parse({kind.key: json.dumps(choices)}, Path("file"))
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "null", '{"lr": 1, "lr": 2}', "9" * 5000])
def test_hostile_json(text):
    with pytest.raises(nn.FileFormatError):
        DigitsConfig.parse({"recipe": text}, Path("file"))


def test_a_network_that_the_file_does_not_hold_is_not_built(tmp_path):
    """A file of 2 kB asks for 5e11 bytes."""
    path = tmp_path / "w.safetensors"
    for config in (
        DigitsConfig(layers=(64, 10**9, 10)),
        DigitsConfig(layers=(64, 16, 10), activation="identity"),
        CharsConfig(hidden=10**9, characters="ab"),
        CharsConfig(kind="transformer", hidden=10**8, characters="ab"),
        CharsConfig(kind="transformer", hidden=64, length=10**9, characters="ab"),
    ):
        nn.save(path, nn.mlp([64, 16, 10], rng=0), config.metadata())
        tracemalloc.start()
        try:
            with pytest.raises(UsageError, match="the weights of another network"):
                type(config).read_weights(path)
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


def test_weights_of_other_programs_are_recognized_by_their_shapes(tmp_path):
    path = tmp_path / "w.safetensors"
    model = nn.mlp([6, 5, 3], rng=0)
    nn.save(path, model)
    config, found = DigitsConfig.read_weights(path)
    assert config.layers == (6, 5, 3)
    assert all(np.array_equal(found.state_dict()[k], v) for k, v in model.state_dict().items())
    for wrong in ({"0.weight": np.zeros((0, 3))}, {"0.weight": np.zeros((3, 3, 3))}, {}):
        nn.save(path, wrong)
        with pytest.raises(nn.StateError, match="feedforward"):
            DigitsConfig.read_weights(path)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_weights_that_are_not_finite_are_reported(tmp_path, value):
    config = CharsConfig(embed=2, hidden=2, characters="ab")
    model = config.network(0)
    state = model.state_dict()
    state["output.bias"][0] = value
    nn.save(tmp_path / "w.npz", state, config.metadata())
    with pytest.raises(ResultError, match=r"in output\.bias: its training diverged"):
        CharsConfig.read_weights(tmp_path / "w.npz")
