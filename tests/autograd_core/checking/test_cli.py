"""``python -m autograd_core``: exit statuses, JSON, errors that teach."""

import json

import pytest

from autograd_core.checking.cli import main

SOURCE = """
import numpy as np

def good(x, w):
    return np.tanh(x @ w)

bad = (np.sin, lambda g, out, x: g)
some = (np.sin, lambda g, out, x: g * np.cos(x) * (1 if np.size(x) < 4 else 2))

def strict(x):
    raise ZeroDivisionError("mine")
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "operations_of_mine.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "operations_of_mine"


def test_statuses(module, capsys):
    shapes = ["--shape", "3,4", "--shape", "4"]
    assert main(["gradcheck", f"{module}:good", *shapes, "--quick"]) == 0
    assert "pass" in capsys.readouterr().out
    assert main(["gradcheck", f"{module}:good", "--signature", "(n,k),(k,m)->(n,m)"]) == 0
    capsys.readouterr()
    assert main(["gradcheck", f"{module}:bad", "--shape", "3", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "fail"
    assert main(["gradcheck", f"{module}:bad", "--shape", "3", "--repro"]) == 1
    assert "ag.gradcheck(" in capsys.readouterr().out
    assert main(["gradcheck", f"{module}:some", "--shape", "3"]) == 0
    assert "[warning]" in capsys.readouterr().out
    assert main(["gradcheck", f"{module}:some", "--shape", "3", "--strict"]) == 1
    assert main(["gradcheck", f"{module}:strict", "--shape", "3"]) == 4
    assert "raises ZeroDivisionError: mine" in capsys.readouterr().err
    assert main(["rules", "tanh"]) == 0
    assert "2 cases, 2 right" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "package.module:function"),
        (["no_such_module:f"], "cannot import"),
        (["math:no_such_function", "--shape", "3"], "has no"),
        (["math:sin"], "--shape"),
        (["math:pi", "--shape", "3"], "takes a function"),
    ],
)
def test_usage_errors(arguments, words, capsys):
    assert main(["gradcheck", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_shape_that_is_none(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["gradcheck", "math:sin", "--shape", "three"])
    assert stopped.value.code == 2
    assert "separated by commas" in capsys.readouterr().err
