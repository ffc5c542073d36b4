"""``python -m nn chars`` and ``sample``: what they write, print and refuse."""

import json

import numpy as np
import pytest

import nn
from nn.cli import digits as cli
from nn.cli.chars import CharsConfig


def run(capsys, *arguments):
    status = cli.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("to be or not to be, that is the question.\n" * 60)
    return path


def small(text, out, *more):
    return ("chars", "--text", text, "--out", out, "--hidden", 16, "--batch", 4, *more)


def test_a_run_and_its_output(capsys, text, tmp_path):
    out = tmp_path / "run"
    status, shown, err = run(capsys, *small(text, out, "--epochs", 3))
    assert (status, err) == (0, "")
    assert "nats per held-out character, perplexity" in shown
    assert len(out.joinpath("history.jsonl").read_text().splitlines()) == 3
    assert {p.name for p in out.iterdir()} == {
        "weights.safetensors", "checkpoint.safetensors", "history.jsonl", "sample.txt"
    }  # fmt: skip
    status, shown, err = run(
        capsys, "sample", out, "--prompt", "to be", "--length", 20, "--seed", 1
    )
    assert status == 0
    assert shown.startswith("to be")
    status, _, err = run(capsys, "sample", out, "--prompt", "Ä")
    assert (status, err.count("\n")) == (2, 1)
    assert "'Ä' is not among" in err


def test_a_resumed_run_equals_one_without_a_break(capsys, text, tmp_path):
    run(capsys, *small(text, tmp_path / "a", "--epochs", 3))
    run(capsys, *small(text, tmp_path / "b", "--epochs", 1))
    status, _, _ = run(capsys, "chars", "--resume", tmp_path / "b", "--epochs", 3)
    assert status == 0
    a, b = (nn.load(tmp_path / x / "weights.safetensors") for x in "ab")
    assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(("arguments", "words"), [
    (["chars", "--text", "nowhere.txt"], "cannot be read"),
    (["chars", "--kind", "perceptron"], "invalid choice"),
    (["chars", "--model", "transformer", "--heads", "3"], "--heads 3 does not divide --hidden 64"),
    (["chars", "--hidden", "0"], "from 1 up"),
    (["chars", "--batch", "1000000", "--out", "{tmp}/new"], "too short"),
    (["chars", "--resume", "{tmp}"], "no run to continue"),
    (["sample", "{tmp}/none.safetensors"], "No such file"),
])  # fmt: skip
def test_errors_are_one_line(capsys, tmp_path, arguments, words):
    status, out, err = run(capsys, *(a.format(tmp=tmp_path) for a in arguments))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert not (tmp_path / "new").exists()


def test_a_resumed_run_keeps_its_choices(capsys, text, tmp_path):
    run(capsys, *small(text, tmp_path / "a", "--epochs", 1))
    status, _, err = run(capsys, "chars", "--resume", tmp_path / "a", "--hidden", 8)
    assert status == 2
    assert "begun with --hidden 16" in err
    weights = tmp_path / "a" / "weights.safetensors"
    nn.save(weights, nn.load(weights), {"language": json.dumps({"characters": ""})})
    assert run(capsys, "sample", tmp_path / "a")[0] == 2


def test_outputs_that_are_not_finite_give_no_text(capsys, tmp_path):
    """Finite weights so large that their sums overflow."""
    config = CharsConfig(kind="rnn", embed=4, hidden=4, characters="ab")
    state = {name: np.full(shape, 3e38, np.float32) for name, shape in config.shapes().items()}
    nn.save(tmp_path / "w.npz", state, config.metadata())
    status, out, err = run(capsys, "sample", tmp_path / "w.npz")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "outputs of the network are not finite" in err
    status, out, err = run(capsys, "sample", tmp_path / "w.npz", "--prompt", "")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "--prompt needs at least one" in err


def transformer(text, out, *more):
    return small(text, out, "--model", "transformer", "--layers", 1, "--length", 16, *more)


def test_a_transformer_from_the_command_line(capsys, text, tmp_path):
    status, shown, err = run(capsys, *transformer(text, tmp_path / "a", "--epochs", 2))
    assert (status, err) == (0, "")
    assert "transformer of 16 units, lr 0.004" in shown
    assert run(capsys, *transformer(text, tmp_path / "b", "--epochs", 2, "--no-compile"))[0] == 0
    a, b = (nn.load(tmp_path / x / "weights.safetensors") for x in "ab")
    assert all(np.array_equal(a[name], b[name]) for name in a)
    config, model = CharsConfig.read_weights(tmp_path / "a")
    assert config.shapes() == {name: p.shape for name, p in model.named_parameters()}
    status, shown, _ = run(capsys, "sample", tmp_path / "a", "--prompt", "to be", "--length", 40)
    assert status == 0
    assert shown.startswith("to be")
    assert run(capsys, "chars", "--resume", tmp_path / "a", "--heads", 2)[0] == 2


def test_an_interrupted_transformer_goes_on_bit_for_bit(capsys, text, tmp_path, monkeypatch):
    run(capsys, *transformer(text, tmp_path / "a", "--epochs", 3))
    write = nn.JSONLines.__call__

    def stop(self, state):
        write(self, state)
        state.stop = "interrupted"

    monkeypatch.setattr(nn.JSONLines, "__call__", stop)
    assert run(capsys, *transformer(text, tmp_path / "b", "--epochs", 3))[0] == 130
    monkeypatch.undo()
    assert run(capsys, "chars", "--resume", tmp_path / "b")[0] == 0
    a, b = (nn.load(tmp_path / x / "weights.safetensors") for x in "ab")
    assert all(np.array_equal(a[name], b[name]) for name in a)
