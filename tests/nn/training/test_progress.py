"""Progress reports: lines, a bar in a terminal, and output that cannot be written."""

import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import nn
from nn.training.progress import Lines, Progress
from tests.nn.training.example import X, Y, parts, weights

ROOT = Path(__file__).parents[3]


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


class Failing(Progress):
    """Reporter that fails at one of its calls, the first time or in the middle of an epoch."""

    def __init__(self, where):
        self.where = where

    def fail(self, where):
        if where == self.where:
            raise UnicodeEncodeError("ascii", "ü", 0, 1, "mine")

    def steps(self, data, epoch):
        self.fail("begin")
        for n, batch in enumerate(data):
            if n == 2:
                self.fail("before")
            yield batch
            if n == 2:
                self.fail("after")

    def line(self, row, epochs):
        self.fail("line")

    def close(self):
        self.fail("close")


@pytest.mark.parametrize("where", ["begin", "before", "after", "line", "close"])
def test_a_report_that_fails_costs_no_step(where):
    model, *rest = parts()
    expected = nn.fit(model, *rest, 3, progress=False)["loss"], weights(model)
    model, *rest = parts()
    with pytest.warns(RuntimeWarning, match="shown no more .UnicodeEncodeError") as caught:
        history = nn.fit(model, *rest, 3, progress=Failing(where))
    assert len(caught) == 1
    assert history["loss"] == expected[0]
    assert (weights(model) == expected[1]).all()


def test_an_error_of_the_data_is_not_mistaken_for_one_of_the_report():
    model, loader, loss, steps = parts()

    class Broken:
        def __iter__(self):
            yield from list(loader)[:2]
            raise ZeroDivisionError("the data")

        def __len__(self):
            return 6

    for data in (Broken(), iter(Broken())):
        with pytest.raises(ZeroDivisionError, match="the data"):
            nn.fit(model, data, loss, steps, 1, progress=Failing("never"))


TRAIN = """
import sys, numpy as np, nn
x, y = np.ones((8, 2), np.float32), np.ones((8, 1), np.float32)
model = nn.Linear(2, 1, rng=0)
if sys.argv[2] == "none":
    sys.stderr = sys.stdout = None
if sys.argv[2] == "closed":
    sys.stdout.close()
history = nn.fit(model, nn.DataLoader((x, y), 2), "mse_loss", nn.SGD(model.parameters(), lr=0.1),
                 5, validation=(x, y), metrics={"größe": "mse_loss"},
                 callbacks=[nn.Checkpoint(sys.argv[1])])
assert len(history) == 5
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full and a shell")
@pytest.mark.parametrize(
    "output", [">/dev/full", "2>/dev/full", "|head -1", "none", "closed", "ascii"]
)
def test_output_that_cannot_be_written_costs_no_checkpoint(tmp_path, output):
    path, redirected = tmp_path / "c.npz", output if output[0] in ">2|" else ""
    command = (
        f'{sys.executable} -c "$CODE" {path} "{output if not redirected else "-"}" {redirected}'
    )
    encoding = {"PYTHONIOENCODING": "ascii"} if output == "ascii" else {}
    done = subprocess.run(
        command, shell=True, cwd=ROOT, capture_output=True,
        env={**os.environ, **encoding, "CODE": TRAIN},
    )  # fmt: skip
    assert nn.load_metadata(path)["history"].count('"epoch"') == 5, done.stderr.decode()
    assert b"AssertionError" not in done.stderr
    if output == "ascii":
        assert b"validation gr\\xf6\\xdfe" in done.stdout


class Mute:
    """A stream of somebody's own, which can only write, or not even that."""

    encoding = "utf-8"

    def __init__(self, fails):
        self.fails = fails

    def write(self, text):
        if self.fails:
            raise ValueError("I/O operation on closed file")

    def flush(self):
        pass


@pytest.mark.parametrize("fails", [False, True])
def test_a_stream_that_only_writes_or_not_even_that_costs_nothing(monkeypatch, tmp_path, fails):
    def full(state):
        raise OSError(28, "No space left on device")

    def refuse(*args, **kwargs):
        raise ValueError("closed")

    monkeypatch.setattr("sys.stderr", Mute(fails))
    monkeypatch.setattr("warnings.showwarning", refuse)
    model, *rest = parts()
    callbacks = [full, nn.Checkpoint(tmp_path / "c.npz")]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert len(nn.fit(model, *rest, 2, callbacks=callbacks)) == 2
    assert nn.load_metadata(tmp_path / "c.npz")["history"].count('"epoch"') == 2
