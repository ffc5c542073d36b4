"""``python -m nn`` as a process: outputs that fail, runs at the same moment, folders left behind."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.__main__ import main as commands_of_autograd_core
from nn.cli import digits

ROOT = Path(__file__).parents[3]
RUN = [sys.executable, "-m", "nn"]
posix = pytest.mark.skipif(os.name != "posix", reason="shells differ")
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
#: What a finished run leaves, matplotlib's pictures aside.
WRITTEN = {"weights.safetensors", "checkpoint.safetensors", "history.jsonl", "history.json",
           "index.html", "graph.svg"}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory):
    """Run every process without matplotlib, whose pictures take longest."""
    folder = tmp_path_factory.mktemp("hidden")
    (folder / "matplotlib.py").write_text("raise ImportError('hidden')")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join((str(folder), str(ROOT))))
        yield


def nn_command(*arguments, cwd=ROOT, **options):
    options = {"capture_output": True, "text": True, **options}
    env = {**os.environ, **options.pop("env", {})}
    return subprocess.run([*RUN, *map(str, arguments)], cwd=cwd, env=env, **options)


def names(folder):
    return {p.name for p in folder.iterdir()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("process") / "run"
    assert nn_command("--epochs", 1, "--out", out).returncode == 0
    return out


def shell(line, *arguments):
    """Run a line of a shell in which $0 is the command."""
    command = ["bash", "-c", line, " ".join(RUN), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@posix
@pytest.mark.parametrize(
    ("line", "status", "err"),
    [
        pytest.param("$0 --epochs 1 --out $1 > /dev/full", 1, "No space left", marks=full),
        ("$0 --epochs 1 --out $1 | head -1; exit ${PIPESTATUS[0]}", 1, None),
        ("$0 --epochs 1 --out $1 | true; exit ${PIPESTATUS[0]}", 1, None),
        ("$0 --epochs 1 --out $1 >&-", 1, "Bad file descriptor"),
        ("$0 --epochs 1 --out $1 >&- 2>&-", 1, None),
        ("$0 --epochs 1 --out $1 2>&-", 0, None),
        pytest.param("$0 --epochs 1 --out $1 2> /dev/full", 0, None, marks=full),
    ],
)
def test_an_output_that_fails_costs_nothing(tmp_path, trained, line, status, err):
    done = shell(line, tmp_path / "run")
    assert done.returncode == status
    lines = done.stderr.splitlines()
    assert len(lines) == (err is not None), done.stderr
    assert err is None or err in lines[0]
    assert names(tmp_path / "run") >= WRITTEN
    ours, theirs = (nn.load(d / "weights.safetensors") for d in (tmp_path / "run", trained))
    assert all(np.array_equal(ours[k], theirs[k]) for k in theirs)


@posix
@full
@pytest.mark.parametrize("command", ["predict $1 digits", "--help"])
def test_a_result_that_could_not_be_shown_is_a_failure(trained, command):
    done = shell(f"$0 {command} > /dev/full", trained)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No space left" in done.stderr


@posix
@full
def test_an_error_that_cannot_be_shown_keeps_its_status():
    assert shell("$0 --epochs none 2> /dev/full").returncode == 2
    assert shell("$0 --epochs none 2>&-").returncode == 2


def test_letters_that_an_encoding_lacks_are_escaped(tmp_path):
    (tmp_path / "text.txt").write_text("für Übermut, œuvre, 漢字. " * 60, encoding="utf-8")
    done = nn_command(
        "chars", "--text", tmp_path / "text.txt", "--epochs", 1, "--hidden", 4, "--batch", 4,
        "--out", tmp_path / "run", env={"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert names(tmp_path / "run") >= {"weights.safetensors", "sample.txt"}
    sampled = nn_command("sample", tmp_path / "run", "--seed", 1, env={"PYTHONIOENCODING": "ascii"})
    assert (sampled.returncode, sampled.stderr) == (0, "")
    assert "\\x" in sampled.stdout


def test_runs_begun_together_have_folders_of_their_own(tmp_path):
    """Start four at once: as many folders, each whole."""
    options = {"cwd": tmp_path, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [
        subprocess.Popen([*RUN, "--epochs", "1", "--seed", str(i)], **options) for i in range(4)
    ]
    for process in processes:
        out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        assert "all is in runs" in out
    folders = list((tmp_path / "runs").iterdir())
    assert len(folders) == 4
    assert all(names(folder) >= WRITTEN for folder in folders)
    seeds = [json.loads((f / "history.json").read_text())["recipe"]["seed"] for f in folders]
    assert sorted(seeds) == [0, 1, 2, 3]


@pytest.mark.parametrize("arguments", [
    ("--data", "absent"), ("--layers", "64,999999999,10"), ("--layers", "64,7"),
    ("--batch", "100000"), ("--epochs", "0"), ("chars", "--text", "absent"),
    ("chars", "--hidden", "1000000000"), ("chars", "--batch", "1000000000"),
    ("--lr", "1e38", "--loss", "mse", "--activation", "relu"),
])  # fmt: skip
def test_a_refused_command_leaves_no_folder(tmp_path, arguments, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    out = ("--out", str(tmp_path / "a" / "b")) if "--data" in arguments else ()
    assert digits.main([*arguments, *out]) == (1 if "1e38" in arguments else 2)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert ("these sizes ask for" in err) == (
        "64,999999999,10" in arguments or "--hidden" in arguments
    )
    assert names(tmp_path) == set()


def test_tracebacks_on_request(tmp_path):
    for arguments in (
        ("--traceback", "--data", "absent"),
        ("train", "--data", "absent", "--traceback"),
    ):
        done = nn_command(*arguments, cwd=tmp_path)
        assert done.returncode == 1
        assert "Traceback" in done.stderr
        assert "DataError: there is no directory absent" in done.stderr
    assert "--traceback" in nn_command("predict", "--help").stdout


@posix
@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_does_not_hang(tmp_path, trained, kind):
    path = tmp_path / f"x{'.npy' if kind != 'device' else '.safetensors'}"
    weights = tmp_path / "w.safetensors"
    if kind == "pipe":
        os.mkfifo(path)
        os.mkfifo(weights)
    elif kind == "folder":
        path.mkdir()
        (weights / "weights.safetensors").mkdir(parents=True)
    else:
        path.symlink_to("/dev/zero")
        weights.symlink_to("/dev/zero")
    commands = [
        ("predict", weights, "digits"), ("predict", trained, path), ("sample", weights),
        ("chars", "--text", path), ("--data", path),
    ]  # fmt: skip
    code = "import sys; from nn.cli.digits import main; print([main(c) for c in eval(sys.argv[1])])"
    done = subprocess.run(
        [sys.executable, "-c", code, repr([[str(a) for a in c] for c in commands])],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "[2, 2, 2, 2, 2]\n", done.stderr
    assert done.stderr.count("\n") == 5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_name_no_digit(tmp_path, trained, value):
    out = tmp_path / "run"
    shutil.copytree(trained, out)
    path = out / "weights.safetensors"
    weights, texts = nn.load(path), nn.load_metadata(path)
    weights["0.weight"][0, 0] = value
    nn.save(path, weights, texts)
    done = nn_command("predict", out, "digits")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "not finite (infinity or nan) in 0.weight" in done.stderr


@pytest.mark.parametrize(("run", "names"), [
    (digits.main, ["train", "predict", "export", "chars", "sample"]),
    (commands_of_autograd_core, ["draw", "gradcheck", "rules"]),
])  # fmt: skip
def test_the_version_and_all_commands_are_told(run, names, capsys):
    for option in ("--version", "--help"):
        with suppress(SystemExit):
            run([option])
    version, _, listed = capsys.readouterr().out.partition("\n")
    assert version.startswith(f"autograd_core {ag.__version__}, NumPy {np.__version__}, Python 3.")
    assert all(f"\n    {name} " in listed for name in names)
    assert nn.__version__ == ag.__version__
