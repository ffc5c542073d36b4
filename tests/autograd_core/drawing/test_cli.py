"""The command line ``python -m autograd_core draw``."""

import pytest

from autograd_core.__main__ import main
from autograd_core.drawing.cli import DONE, USAGE

NET = "tests.autograd_core.drawing.networks"


def draw(*arguments):
    return main(["draw", *map(str, arguments)])


def test_a_module_class(tmp_path, capsys):
    target = tmp_path / "net.dot"
    assert draw(f"{NET}:MLP", "--input", "32,784", "--color", "grad", "-o", target) == DONE
    assert "12,560" not in target.read_text()
    assert "gradient flow" in target.read_text()
    assert "level modules" in capsys.readouterr().out


def test_options(tmp_path):
    target = tmp_path / "net.dot"
    assert draw(f"{NET}:MLP", "--input", "2x784:float64", "--level", "modules", "--direction", "LR",
                "--title", "mine", "--no-fold", "--depth", 1, "--max-nodes", 3, "-o", target) == DONE  # fmt: skip
    text = target.read_text()
    assert "rankdir=LR" in text
    assert "mine" in text
    assert "oldest not drawn" in text


def test_modules_that_fold(tmp_path):
    target = tmp_path / "net.txt"
    net = (f"{NET}:MLP", "--input", "32,784", "--level", "modules", "-o", target)
    assert draw(*net, "--fold", "Linear") == DONE
    assert "Linear × 3" in target.read_text(encoding="utf-8")
    assert draw(*net, "--fold", "Linear,Conv3d") == USAGE


def test_functions(tmp_path):
    target = tmp_path / "f.dot"
    assert draw("numpy:tanh", "--input", "3,3", "-o", target) == DONE
    assert draw("nn:cross_entropy", "--input", "8,10", "--input", "8:int:10", "-o", target) == DONE
    assert "cross" in target.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([f"{NET}:MLP"], "give --input for each of its arguments"),
        ([f"{NET}:MLP", "--input", "3,3"], "expects a last axis of 784"),
        ([f"{NET}:nothing", "--input", "3"], "has no nothing"),
        (["no_such_package:f"], "cannot import no_such_package"),
        (["plain"], "expected package.module:object"),
        ([f"{NET}:MLP", "--input", "2,784", "-o", "net.jpg"], "the ending is one of .svg"),
        ([f"{NET}:MLP", "--input", "2,784", "-o", "/no/such/folder/net.dot"], "No such file"),
        ([f"{NET}:Conv2d", "--input", "3,3"], "cannot be called without arguments"),
        ([f"{NET}:MLP", "--input", "2,784", "--max-nodes", "0"], "max_nodes is a whole number"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments, message, capsys):
    assert draw(*arguments) == USAGE
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("python -m autograd_core draw: ")
    assert error.count("\n") == 1


def test_argparse_errors(capsys):
    with pytest.raises(SystemExit) as e:
        draw("numpy:tanh", "--input", "abc")
    assert e.value.code == USAGE
    assert "32:int:10" in capsys.readouterr().err


def test_other_commands_are_still_there(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert "gradcheck" in out
    assert "    draw " in out


def test_a_function_that_makes_a_model(tmp_path):
    target = tmp_path / "net.txt"
    assert draw("nn.models:lenet5", "--input", "2,1,28,28", "-o", target) == DONE
    assert "61,706 parameters" in target.read_text()
