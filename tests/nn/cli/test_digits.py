"""``python -m nn`` as a user runs it: files, output, exit status."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
from nn.cli import digits as cli
from nn.cli.images import read_picture, resample
from tests.nn.data.test_mnist import idx, write_data_set

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path):
    return write_data_set(tmp_path / "idx")


def run(capsys, *arguments):
    status = cli.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the folder of a run of two epochs, made in a process of its own."""
    out = tmp_path_factory.mktemp("cli") / "run"
    command = [sys.executable, "-m", "nn", "--epochs", "2", "--lr", "4", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return out, done.stdout.splitlines()


def test_train_writes_a_run(trained):
    out, lines = trained
    assert lines[0].startswith("64-16-16-10 sigmoid, quadratic, lr 4")
    assert lines[1].startswith("epoch 1/2  loss")
    assert "validation accuracy" in lines[2]
    assert "held-out images are right" in lines[-1]
    assert {"weights.safetensors", "checkpoint.safetensors", "history.json", "graph.dot"} <= {
        p.name for p in out.iterdir()
    }
    history = json.loads((out / "history.json").read_text())
    assert len(history["epochs"]) == 2
    assert history["recipe"]["lr"] == 4
    assert nn.load(out / "weights.safetensors")["0.weight"].shape == (16, 64)


def test_pictures_where_matplotlib_is(trained):
    pytest.importorskip("matplotlib")
    names = "weights history accuracy confusion mistakes activations gradients"
    for name in names.split():
        assert (trained[0] / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_graph_the_flow_and_a_page_are_drawn(trained):
    out, _ = trained
    for name in ("graph.svg", "gradient_flow.svg"):
        assert "</svg>" in (out / name).read_text(encoding="utf-8")
    page = (out / "index.html").read_text(encoding="utf-8")
    for link in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (out / link).is_file(), link
    assert all(f'src="{p.name}"' in page for p in out.glob("*.png"))
    assert page.count("<img") == page.count("alt=") >= 2
    assert "<script" not in page


def test_predict_names_class_and_activations(trained, capsys, tmp_path):
    out, _ = trained
    status, lines, err = run(capsys, "predict", out, "digits", "--count", 3)
    assert (status, len(lines), err) == (0, 3, [])
    assert lines[0].startswith("image 0: ")
    assert lines[0].count(": 0.") + lines[0].count(": 1.") == 10
    np.save(tmp_path / "a.npy", nn.load_digits().x_test[:2])
    again = run(capsys, "predict", out / "weights.safetensors", tmp_path / "a.npy")[1]
    assert [a.split("   ")[1] for a in again] == [a.split("   ")[1] for a in lines[:2]]


def test_predict_reads_pictures(trained, capsys, tmp_path):
    image = pytest.importorskip("matplotlib.image")
    digit = nn.load_digits().x_test[0].reshape(8, 8)
    large = np.kron(digit, np.ones((5, 5)))
    image.imsave(tmp_path / "bright.png", large, cmap="gray", vmin=0, vmax=1)
    image.imsave(tmp_path / "dark.png", 1 - large, cmap="gray", vmin=0, vmax=1)
    for name in ("bright.png", "dark.png"):
        np.testing.assert_allclose(read_picture(tmp_path / name, 8), digit.ravel(), atol=0.01)
        status, lines, _ = run(capsys, "predict", trained[0], tmp_path / name)
        assert (status, len(lines)) == (0, 1)
    np.testing.assert_allclose(resample(digit, 16, 24).sum(), 6 * digit.sum())


def test_resume_equals_uninterrupted(trained, capsys, tmp_path):
    status, _, err = run(capsys, "--epochs", 3, "--lr", 4, "--out", tmp_path / "straight")
    assert (status, err) == (0, [])
    half = tmp_path / "half"
    run(capsys, "train", "--epochs", 1, "--lr", 4, "--out", half)
    status, lines, _ = run(capsys, "train", "--resume", half, "--epochs", 3)
    assert status == 0
    assert lines[1].startswith("epoch 2/3")
    a, b = (nn.load(d / "weights.safetensors") for d in (half, tmp_path / "straight"))
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_idx_directory_and_cross_entropy(folder, capsys, tmp_path):
    options = ("--data", folder, "--layers", "16,8,10", "--loss", "cross_entropy", "--epochs", 1)
    status, lines, err = run(
        capsys, "train", *options, "--activation", "relu", "--out", tmp_path / "o"
    )
    assert (status, err) == (0, [])
    status, lines, _ = run(capsys, "predict", tmp_path / "o", folder, "--count", 2)
    assert len(lines) == 2
    shares = [float(cell.split(": ")[1]) for cell in lines[0].split("   ")[1].split("  ")]
    assert sum(shares) == pytest.approx(1, abs=0.01)


def bad(trained, folder, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "no.png").write_text("not a picture")
    (tmp_path / "no.safetensors").write_bytes(b"12345")
    (tmp_path / "no.npy").write_bytes(b"12345")
    nn.save(tmp_path / "other.safetensors", {"conv.weight": np.zeros((2, 3, 4))})
    nn.save(tmp_path / "names.safetensors", {"x.weight": np.zeros((10, 64))})
    np.save(tmp_path / "small.npy", np.zeros((3, 5)))
    np.save(tmp_path / "wild.npy", np.full((3, 64), 7.0))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1\0\0\0\x0a12")
    run_folder = trained[0]
    return [
        (("--speed", "3"), "unrecognized arguments: --speed"),
        (("--layers", "64,x"), "sizes look like"),
        (("--layers", "64,16,7"), "does not fit the data"),
        (("--layers", "784,16,10"), "does not fit the data"),
        (("--lr", "-1"), "positive"),
        (("--batch", "0"), "from 1 up"),
        (("--epochs", "many"), "from 1 up"),
        (("--seed", "-3"), "from 0 up"),
        (("--activation", "sigmoidal"), "invalid choice"),
        (("--data", tmp_path / "absent"), "no directory"),
        (("--data", tmp_path), "has no train-images"),
        (("--data", folder), "truncated"),
        (("--out", run_folder), "already exists"),
        (("--out", tmp_path / "notes.txt"), "already exists"),
        (("--resume", tmp_path), "no run to continue"),
        (("--resume", run_folder, "--lr", "2"), "begun with --lr"),
        (("predict",), "required"),
        (("predict", tmp_path / "absent.safetensors", "digits"), "No such file"),
        (("predict", tmp_path / "no.safetensors", "digits"), "truncated"),
        (("predict", tmp_path / "other.safetensors", "digits"), "feedforward"),
        (("predict", tmp_path / "names.safetensors", "digits"), "another network"),
        (("predict", run_folder, tmp_path / "absent.png"), "no file"),
        (("predict", run_folder, tmp_path / "no.png"), "picture"),
        (("predict", run_folder, tmp_path / "no.npy"), "not an array"),
        (("predict", run_folder, tmp_path / "small.npy"), "64 inputs"),
        (("predict", run_folder, tmp_path / "wild.npy"), "outside"),
    ]


def test_errors_are_one_line_and_status_2(trained, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in trained[0].iterdir()}
    for arguments, message in bad(trained, folder, tmp_path):
        status, out, err = run(capsys, *arguments)
        assert (status, out, len(err)) == (2, [], 1), (arguments, out, err)
        assert message in err[0], (arguments, err)
    assert {p: p.stat().st_mtime_ns for p in trained[0].iterdir()} == before
    assert not (tmp_path / "runs").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_outputs_that_are_not_finite_name_no_digit(tmp_path, capsys):
    """Finite weights so large that their sums overflow."""
    config = cli.DigitsConfig(layers=(64, 8, 10), activation="relu", loss="cross_entropy")
    state = {name: np.full(shape, 3e38, np.float32) for name, shape in config.shapes().items()}
    nn.save(tmp_path / "w.npz", state, config.metadata())
    status, out, err = run(capsys, "predict", tmp_path / "w.npz", "digits")
    assert (status, out, len(err)) == (1, [], 1)
    assert "outputs of the network are not finite" in err[0]


def test_labels_beyond_the_outputs_are_the_user_s(folder, capsys, tmp_path):
    """Labels of the held-out images count too."""
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.full(10, 200)))
    status, _, err = run(capsys, "--data", folder, "--layers", "16,8,10", "--out", tmp_path / "o")
    assert (status, len(err)) == (2, 1)
    assert "in 201 classes" in err[0]
    assert not (tmp_path / "o").exists()


def test_exit_status_of_the_process(tmp_path):
    command = [sys.executable, "-m", "nn", "train", "--data", str(tmp_path / "absent")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_missing_libraries_are_named(trained, capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("shutil.which", lambda _: None)
    status, lines, _ = run(capsys, "--epochs", 1, "--out", tmp_path / "o")
    assert status == 0
    assert any("matplotlib is not installed" in line for line in lines)
    assert "<svg" in (tmp_path / "o" / "graph.svg").read_text(encoding="utf-8")
    assert not list((tmp_path / "o").glob("*.png"))
    assert "pip install matplotlib" in (tmp_path / "o" / "index.html").read_text()
    monkeypatch.setitem(sys.modules, "sklearn", None)
    status, _, err = run(capsys, "--out", tmp_path / "p")
    assert (status, len(err)) == (2, 1)
    assert "pip install scikit-learn" in err[0]
