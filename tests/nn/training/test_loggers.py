"""JSONLines and TensorBoard: what is in their files while a training runs, stops and resumes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
from nn.cli import digits as cli

ROOT = Path(__file__).parents[3]
BATCH = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)


def train(epochs, *callbacks, history=None, optimizer=None, metrics=None):
    model = nn.mlp([2, 3, 1], rng=0)
    optimizer = (optimizer or (lambda m: nn.SGD(m.parameters(), lr=0.5)))(model)
    return nn.fit(
        model, [BATCH], nn.mse_loss, optimizer, epochs, callbacks=callbacks, progress=False,
        history=history, validation=BATCH, metrics=metrics or {},
    )  # fmt: skip


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def rows(path):
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


# -- JSON lines -----------------------------------------------------------------------------------


def test_a_line_per_epoch_that_can_be_read_at_once(tmp_path):
    path, seen = tmp_path / "new" / "folder" / "history.jsonl", []

    def look(run):
        seen.append(rows(path) == run.history.epochs)

    history = train(5, nn.JSONLines(path), look)
    assert seen == [True] * 5
    assert rows(path) == history.epochs
    assert [p.name for p in path.parent.iterdir()] == ["history.jsonl"]


def test_lines_are_appended(tmp_path):
    path, numbers = tmp_path / "h.jsonl", []
    train(4, nn.JSONLines(path), lambda run: numbers.append(path.stat().st_ino))
    assert len(set(numbers)) == 1


def test_infinity_and_nan_become_null(tmp_path):
    path = tmp_path / "h.jsonl"
    values = iter([float("nan"), float("inf"), -float("inf"), 0.25])

    def add(run):
        run.history.epochs[-1].update(half=np.float32(0.5), hole=np.float32("nan"), n=np.int64(7))

    train(4, add, nn.JSONLines(path), metrics={"odd": lambda *_: next(values)})
    found = rows(path)
    assert [row["validation_odd"] for row in found] == [None, None, None, 0.25]
    assert (found[0]["half"], found[0]["hole"], found[0]["n"]) == (0.5, None, 7)
    assert next(iter(found[0])) == "epoch"


@pytest.mark.parametrize("tail", [b"", b'{"epoch": 6, "lo', b'{"ep', b"\0\0\0\0", b'{"epoch": 9}'])
def test_a_resumed_training_has_each_epoch_once(tmp_path, tail):
    path = tmp_path / "h.jsonl"
    ahead = train(5, nn.JSONLines(path))
    path.write_bytes(path.read_bytes() + tail)
    history = train(4, nn.JSONLines(path), history=nn.History(ahead.epochs[:2]))
    assert [row["epoch"] for row in rows(path)] == [1, 2, 3, 4]
    assert rows(path) == history.epochs


def test_epochs_that_the_file_lacks_are_filled_in(tmp_path):
    path = tmp_path / "h.jsonl"
    history = train(5, nn.JSONLines(path), history=nn.History(train(3).epochs))
    assert rows(path) == history.epochs

    def lose(run):
        if len(run.history) == 2:
            path.unlink()

    history = train(4, nn.JSONLines(path), lose)
    assert rows(path) == history.epochs


def test_one_callback_for_several_trainings(tmp_path):
    log = nn.JSONLines(tmp_path / "h.jsonl")
    first = train(2, log)
    history = train(4, log, history=first)
    assert rows(log.path) == history.epochs
    assert len(history) == 4
    history = train(6, log, history=train(5, history=history))
    assert rows(log.path) == history.epochs
    for epochs in (3, 2):
        again = train(epochs, log)
        assert rows(log.path) == again.epochs
    other = nn.History([{**row, "loss": 9.0} for row in again.epochs])
    assert rows(log.path) != train(3, log, history=other).epochs[:2]
    assert rows(log.path)[0]["loss"] == 9.0


@pytest.mark.parametrize(
    "text", ["mine", "mine\n", '{"epoch": 1}\nnot ours\n', "[1]\n", "{}\n", "\n"]
)
def test_a_foreign_file_is_left_alone(tmp_path, text):
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(nn.FileFormatError, match="choose another path"):
        nn.JSONLines(path)
    assert path.read_text() == text


def test_the_command_line_writes_and_continues_one(tmp_path, capsys):
    out, path = str(tmp_path / "run"), tmp_path / "run" / "history.jsonl"
    assert cli.main(["train", "--epochs", "1", "--out", out]) == 0
    first = rows(path)
    path.write_text(path.read_text() + '{"epoch": 2, "loss": 7.0}\n{"epoch": 3, "lo')
    assert cli.main(["train", "--resume", out, "--epochs", "2"]) == 0
    assert rows(path) == json.loads((tmp_path / "run" / "history.json").read_text())["epochs"]
    assert [row["epoch"] for row in rows(path)] == [1, 2]
    assert rows(path)[:1] == first
    assert "history.jsonl" in (tmp_path / "run" / "index.html").read_text()


# -- TensorBoard ----------------------------------------------------------------------------------


def crc32c(data):
    """Return the Castagnoli checksum, bit by bit, masked as in TFRecord files."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 & -(crc & 1))
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events(path):
    messages = pytest.importorskip("tensorboardX.proto.event_pb2")
    data, found = path.read_bytes(), []
    while data:
        size = int.from_bytes(data[:8], "little")
        body, checks = data[12 : 12 + size], (data[8:12], data[12 + size : 16 + size])
        assert len(data) >= 16 + size
        assert [int.from_bytes(c, "little") for c in checks] == [crc32c(data[:8]), crc32c(body)]
        found.append(messages.Event.FromString(body))
        data = data[16 + size :]
    return found


def curves(folder):
    """Return {tag: {step: value}} as TensorBoard does: a start voids its step and later ones."""
    messages = pytest.importorskip("tensorboardX.proto.event_pb2")
    found = {}
    for path in sorted(folder.iterdir()):
        assert "tfevents" in path.name
        first, *rest = events(path)
        assert first.file_version == "brain.Event:2"
        for event in rest:
            if event.session_log.status == messages.SessionLog.START:
                found = {
                    tag: {s: v for s, v in points.items() if s < event.step}
                    for tag, points in found.items()
                }
            for value in event.summary.value:
                points = found.setdefault(value.tag, {})
                assert event.step not in points
                assert event.wall_time > 1e9
                points[event.step] = value.simple_value
    return found


def as_written(history, name):
    return {row["epoch"]: float(np.float32(row[name])) for row in history.epochs}


def test_every_column_and_the_learning_rate(tmp_path):
    pytest.importorskip("tensorboardX")
    seen = []

    def decay(run):
        run.optimizer.param_groups[0]["lr"] *= 0.5

    def look(run):
        seen.append(max(curves(tmp_path / "a" / "b")["loss"]))

    history = train(
        3, nn.TensorBoard(tmp_path / "a" / "b"), decay, look, metrics={"n": lambda *_: 2.0}
    )
    found = curves(tmp_path / "a" / "b")
    assert seen == [1, 2, 3]
    columns = history.epochs[0].keys() - {"epoch"}
    assert columns >= {"loss", "validation_loss", "validation_n", "seconds"}
    assert set(found) == {*columns, "learning_rate"}
    for name in columns:
        assert found[name] == as_written(history, name)
    assert found["learning_rate"] == {1: 0.5, 2: 0.25, 3: 0.125}


def test_a_learning_rate_for_each_group(tmp_path):
    pytest.importorskip("tensorboardX")

    def grouped(model):
        first, second = nn.param_groups(model, 0.0)
        return nn.SGD([{**first, "lr": 0.5}, {**second, "lr": 0.25}], lr=1.0)

    def add(run):
        run.history.epochs[-1].update(comment="no number", odd=float("nan"))

    train(1, add, nn.TensorBoard(tmp_path), optimizer=grouped)
    found = curves(tmp_path)
    assert (found["learning_rate/0"], found["learning_rate/1"]) == ({1: 0.5}, {1: 0.25})
    assert "comment" not in found
    assert np.isnan(found["odd"][1])


def test_a_resumed_training_replaces_what_it_trains_again(tmp_path):
    pytest.importorskip("tensorboardX")
    ahead = train(5, nn.TensorBoard(tmp_path))
    history = train(4, nn.TensorBoard(tmp_path), history=nn.History(ahead.epochs[:2]))
    assert len(list(tmp_path.iterdir())) == 2
    assert curves(tmp_path)["seconds"] == as_written(history, "seconds")


def test_one_board_for_several_trainings(tmp_path):
    pytest.importorskip("tensorboardX")
    board = nn.TensorBoard(tmp_path)
    history = train(4, board, history=train(2, board))
    assert sum(e.HasField("session_log") for e in events(board.path)) == 1
    assert curves(tmp_path)["seconds"] == as_written(history, "seconds")
    history = train(3, board)
    assert sum(e.HasField("session_log") for e in events(board.path)) == 2
    assert curves(tmp_path)["seconds"] == as_written(history, "seconds")
    assert len(list(tmp_path.iterdir())) == 1


def test_tensorboardx_is_imported_when_it_is_used(tmp_path, monkeypatch):
    code = "import sys, nn; assert not {'tensorboardX', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    for name in ("tensorboardX", "tensorboardX.proto"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install tensorboardX"):
        nn.TensorBoard(tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_log(tmp_path):
    os.mkfifo(tmp_path / "log")
    with pytest.raises(nn.FileFormatError, match="a pipe"):
        nn.JSONLines(tmp_path / "log")
