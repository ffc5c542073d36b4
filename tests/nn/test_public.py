"""The public names of nn across its folders: each once, none hidden by a module, all importable."""

import pathlib
import types
import typing

import pytest

import autograd_core as ag
import nn

ROOT = pathlib.Path(nn.__file__).parent
MODULES = {p.stem for p in ROOT.iterdir()}


def test_dir_shows_public_names_alone():
    names = dir(nn)
    assert len(names) == len(set(names)) > 100
    assert not any(name.startswith("_") for name in names)
    for name in set(names) - {"onnx", "sklearn"}:  # which need optional packages
        found = getattr(nn, name)
        assert isinstance(found, types.ModuleType) or name not in MODULES, name
    assert {"annotations", "TYPE_CHECKING", "Any", "cli", "module", "errors"}.isdisjoint(names)


def test_star_brings_what_dir_shows():
    namespace = {}
    exec("from nn import *", namespace)
    assert namespace.keys() - {"__builtins__"} <= set(dir(nn))
    assert namespace["Linear"] is nn.Linear


@pytest.mark.parametrize(
    "folder", ["functional", "layers", "optim", "training", "data", "files", "models"]
)
def test_a_folder_hides_none_of_its_modules(folder):
    package = getattr(nn, folder)
    for path in (ROOT / folder).glob("*.py"):
        if path.stem != "__init__":
            assert isinstance(getattr(package, path.stem), types.ModuleType), path


OTHERS = {"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "detached", "MultiheadAttention",
          "scaled_dot_product_attention"}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(nn.layers.__all__) - OTHERS))
def test_layers_promise_a_tensor(name):
    """Type checkers take the type of a call from ``forward``."""
    forward = getattr(nn, name).forward
    assert typing.get_type_hints(forward)["return"] is ag.Tensor
