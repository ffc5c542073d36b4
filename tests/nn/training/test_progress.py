"""Progress reports: lines, and a bar in a terminal."""

import io

import pytest

import nn
from nn.training.progress import Lines
from tests.nn.training.example import X, Y, parts


def test_a_line_per_epoch(capsys):
    model, *rest = parts()
    nn.fit(model, *rest, 2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2/2  loss 0.")
    stream = io.StringIO()
    nn.fit(model, *rest, 1, validation=(X, Y), progress=Lines(stream))
    assert "validation accuracy" in stream.getvalue()


def test_a_bar_in_a_terminal(monkeypatch, capsys):
    pytest.importorskip("tqdm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    model, *rest = parts()
    nn.fit(model, *rest, 2)
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert "epoch 1" in captured.err
