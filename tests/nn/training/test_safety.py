"""What a training keeps when it is killed, interrupted, out of disk, or no longer finite."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nn

ROOT = Path(__file__).parents[3]

TRAIN = """
import sys, numpy as np, nn
from pathlib import Path

def make(seed=0):
    rng = np.random.default_rng(7)
    x = rng.random((60, 5)).astype(np.float32)
    y = (x @ rng.random((5, 3))).argmax(1)
    layers = [nn.Linear(5, 16, rng=seed), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3, rng=seed + 1)]
    model = nn.Sequential(*layers, nn.Linear(16, 3, rng=seed + 2))
    data = nn.DataLoader((x, y), 16, shuffle=True, rng=seed + 3)
    groups = nn.param_groups(model, 1e-3)
    optimizer = nn.RMSprop(groups, lr=1e-2, momentum=0.5)
    stop = nn.EarlyStopping("validation_loss", patience=4)
    return model, data, optimizer, stop, (x, y)

def train(path, epochs, seed=0, wait=0.0):
    import time
    model, data, optimizer, stop, held = make(seed)
    save = nn.Checkpoint(path)
    history = None
    if Path(path).exists():
        history = nn.resume(path, model, optimizer, data, [stop, save])
    def pause(run):
        time.sleep(wait)
    nn.fit(model, data, nn.cross_entropy, optimizer, epochs, validation=held, max_norm=1.0,
           schedule=[nn.schedules.cosine(1e-2, 60), nn.schedules.linear_warmup(1e-2, 30)],
           callbacks=[stop, save, pause], history=history, progress=False)
    return model, stop
"""
exec(TRAIN)


def python(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_a_resumed_run_equals_one_without_a_break(tmp_path, suffix):
    """Resume with batch norm, dropout, groups, momentum, clipping, schedules, early stopping."""
    path = tmp_path / f"c.{suffix}"
    whole, stopped = train(tmp_path / f"whole.{suffix}", 12)  # noqa: F821
    for epochs in (1, 5, 6, 12):
        parts, again = train(path, epochs, seed=0 if epochs == 1 else 99)  # noqa: F821
    assert same(parts, whole)
    assert (again.best, again.best_epoch) == (stopped.best, stopped.best_epoch)
    assert all(np.array_equal(again._weights[k], v) for k, v in stopped._weights.items())


def test_lbfgs_resumes_too(tmp_path):
    x = np.random.default_rng(0).random((40, 3))
    y = (x**2).sum(1, keepdims=True)

    def make():
        model = nn.mlp([3, 5, 1], "tanh", output=None, rng=0, dtype=float)
        return model, nn.LBFGS(model.parameters(), lr=1.0, max_iter=3, history_size=4)

    def fit(model, optimizer, epochs, history=None):
        return nn.fit(
            model, [(x, y)], nn.mse_loss, optimizer, epochs, history=history, progress=False,
            callbacks=[nn.Checkpoint(tmp_path / "c.safetensors")],
        )  # fmt: skip

    straight, optimizer = make()
    whole = fit(straight, optimizer, 8)
    assert whole["loss"][-1] < whole["loss"][0] / 50
    model, optimizer = make()
    fit(model, optimizer, 3)
    model, optimizer = make()
    history = nn.resume(tmp_path / "c.safetensors", model, optimizer)
    fit(model, optimizer, 8, history)
    assert same(model, straight)
    assert history["loss"] == whole["loss"]


def test_kill_9_leaves_a_checkpoint_to_go_on_from(tmp_path):
    """Kill at four moments, after a save or within the next; the result equals a whole run."""
    whole, _ = train(tmp_path / "whole.safetensors", 20)  # noqa: F821
    path = tmp_path / "c.safetensors"
    rng = np.random.default_rng(0)
    for _ in range(4):
        process = python(TRAIN + "train(sys.argv[1], 20, wait=0.02)\n", path)
        seen = path.stat().st_mtime_ns if path.exists() else 0
        while process.poll() is None:
            if path.exists() and path.stat().st_mtime_ns != seen:
                break
        time.sleep(rng.uniform(0, 0.03))
        process.kill()
        process.communicate()
        nn.load(path)  # whole
    assert nn.load_metadata(path)["history"].count('"epoch"') >= 4
    model, _ = train(path, 20)  # noqa: F821
    assert same(model, whole)


HANG = """
import os, sys, time, numpy as np, nn
from pathlib import Path
path, moment = sys.argv[1:]
nn.save(path, {"a": np.ones(1 << 18)})
def hang(*args, **kwargs):
    print("here", flush=True)
    time.sleep(60)
def half(file, arrays, metadata):
    file.write(bytes(1 << 20))
    file.flush()
    hang()
if moment == "write":
    nn.files.safetensors.write = half
elif moment == "fsync":
    os.fsync = hang
else:
    Path.replace = hang
nn.save(path, {"a": np.zeros(1 << 18)})
"""


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_kill_9_within_a_save(tmp_path, moment):
    """Kill with half of the bytes written, before they are on disk, and before the renaming."""
    path = tmp_path / "c.safetensors"
    process = python(HANG, path, moment)
    assert process.stdout.readline() == "here\n"
    process.kill()
    process.communicate()
    assert (nn.load(path)["a"] == 1).all()
    assert len(list(tmp_path.glob(".*.tmp"))) == 1  # it was in the middle
    nn.save(path, {"a": np.zeros(3)})
    assert (nn.load(path)["a"] == 0).all()


def test_a_full_disk_warns_and_training_goes_on(tmp_path):
    """Limit the size of files to 64 KiB in place of a full disk: the second checkpoint fails."""
    code = (
        "import sys, resource, signal, warnings, numpy as np, nn\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "model = nn.Linear(100, 100, rng=0)\n"
        "def fill(run):\n"
        "    if len(run.history) == 2:\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, 1 << 20))\n"
        "    if len(run.history) == 3:\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "x = np.ones((4, 100), np.float32)\n"
        "h = nn.fit(model, [(x, x)], nn.mse_loss, nn.SGD(model.parameters(), lr=0.1), 3,\n"
        "           callbacks=[fill, nn.Checkpoint(sys.argv[1])], progress=False)\n"
        "print(len(h), nn.load_metadata(sys.argv[1])['history'].count('epoch'))\n"
    )
    out, err = python(code, tmp_path / "c.safetensors").communicate()
    assert out == "3 3\n"
    assert "after epoch 2 Checkpoint could not write: [Errno 27] File too large" in err
    assert err.count("Checkpoint could not write") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PermissionError("no")])
def test_files_written_before_stay_whole(tmp_path, monkeypatch, error):
    path = tmp_path / "c.safetensors"
    nn.save(path, {"a": np.ones(3)})

    def full(handle):
        raise error

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space|no"):
        nn.save(path, {"a": np.zeros(3)})
    assert nn.load(path)["a"].tolist() == [1, 1, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]


def test_ctrl_c_keeps_history_and_weights(tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "nn", "--epochs", "1000", "--out", str(out)], cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell may ignore it
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("epoch    2"):
            process.send_signal(signal.SIGINT)
            break
    rest, err = process.communicate()
    assert process.returncode == 130
    assert "interrupted; to continue: python -m nn train --resume" in rest
    assert "Traceback" not in err
    assert nn.load(out / "weights.safetensors")["0.weight"].shape == (16, 64)
    assert len((out / "history.jsonl").read_text().splitlines()) >= 2
    go_on = subprocess.run(
        [sys.executable, "-m", "nn", "--resume", str(out), "--epochs", "4"], cwd=ROOT,
        capture_output=True, text=True,
    )  # fmt: skip
    assert (go_on.returncode, go_on.stderr) == (0, "")


def test_a_loss_that_is_not_finite_names_its_origin():
    inner = nn.Sequential(nn.Linear(4, 4, rng=1), np.log)
    model = nn.Sequential(nn.Linear(3, 4, rng=0), inner, nn.Linear(4, 1, rng=0))
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    data = nn.DataLoader((x, x[:, :1]), 4)
    before = model.state_dict()
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            nn.NonFiniteLossError, match=r"epoch 1, step 1: in the layer 1, .*log"
        ) as caught,
    ):
        nn.fit(model, data, nn.mse_loss, nn.SGD(model.parameters(), lr=1.0), 3, progress=False)
    assert len(caught.value.history) == 0
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())
