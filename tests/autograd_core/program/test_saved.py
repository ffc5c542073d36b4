"""Saved programs run where nothing but NumPy can be imported."""

import math
import subprocess
import sys
import types

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import CompileError
from autograd_core.program.lines import Line, Program
from autograd_core.program.saved import save
from autograd_core.program.trace import Trace
from autograd_core.program.traced import Traced
from tests.autograd_core.program.programs import program_of, same

X = np.random.default_rng(0).normal(size=(5, 4))

RUN = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("autograd_core", "nn", "scipy", "tests"):
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
import numpy as np
import saved
given = np.load("given.npz")
found = saved.f(*[given[f"arr_{i}"][()] for i in range(len(given))])
np.savez("found.npz", *(found if isinstance(found, (tuple, list)) else [found]))
"""


def run(program, path, *args):
    """Save a program, and return what it computes in a process of its own."""
    save(program, "f", path / "saved.py")
    np.savez(path / "given.npz", *args)
    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = np.load(path / "found.npz")
    return [found[f"arr_{i}"] for i in range(len(found))]


def checked(f, path, *args):
    found, wanted = run(program_of(f, *args), path, *args), f(*args)
    wanted = wanted if isinstance(wanted, (tuple, list)) else [wanted]
    same(found, wanted, exact=False)
    return (path / "saved.py").read_text()


def test_a_gradient_with_arrays_inside_and_beside(tmp_path):
    small, large = (
        np.linspace(0.1, 1, 4, dtype=np.float32),
        np.random.default_rng(1).random((100, 4)),
    )
    f = ag.grad(lambda x: np.sum(np.tanh(x * small) @ large.T * np.inf**-1) + np.sum(x**2))
    text = checked(f, tmp_path, X)
    assert "np.load(" in text
    assert "array([0.1" in text
    assert "autograd_core" not in text
    assert (tmp_path / "saved.npz").exists()


def test_no_file_beside_where_none_is_needed(tmp_path):
    text = checked(ag.value_and_grad(lambda x: np.sum(np.exp(-x) / 3)), tmp_path, X)
    assert not (tmp_path / "saved.npz").exists()
    assert text.splitlines()[0] == '"""The function f as it was compiled for arguments of one form.'
    assert "x0: float64 (5, 4)" in text


SCALE = {"a": (0.5, math.inf), "b": np.float32(0.25)}
TABLE = np.arange(200.0)


def inner(x, factor=SCALE["a"][0]):
    """Return x times a factor."""
    return np.minimum(x * factor, SCALE["a"][1]) + TABLE[7]


@np.vectorize
def twice(x):
    return 2 * x


def helper(x: "Traced", steps: int = 2) -> "Traced":
    nn = x * 0
    for _ in range(steps):  # a loop that is one line of the program
        x = inner(x) + math.pi + nn
    return x


def needs_nn(x):
    return nn.sigmoid(x)


def recursive(x, n=3):
    return x if n == 0 else recursive(x * 2, n - 1)


def calling(function, x=X, **options):
    """Return a program of one call."""
    running = Trace()
    value = Traced(running, x, name="x", role="input")
    result = Traced(running, x * 1)
    line = Line(function, (value,), options, result)
    return Program([line], [value], result)


def test_helpers_come_with_what_they_refer_to(tmp_path):
    (found,) = run(calling(helper, steps=3), tmp_path, X)
    same(found, helper(X, 3))
    text = (tmp_path / "saved.py").read_text()
    assert "# a loop that is one line of the program" in text
    assert text.index("def inner") < text.index("def helper") < text.index("def f(x)")


def test_helpers_that_mean_different_things_by_a_name_are_refused(tmp_path):
    other = types.FunctionType(helper.__code__, {**globals(), "inner": recursive}, "other", (2,))
    program = calling(helper)
    program.lines.append(calling(other).lines[0])
    program.lines[1].args = (program.outputs,)
    program.outputs = program.lines[1].result
    with pytest.raises(CompileError, match="different things by 'inner'"):
        save(program, "f", tmp_path / "saved.py")


def test_a_helper_that_calls_itself(tmp_path):
    same(run(calling(recursive), tmp_path, X)[0], X * 8)


def test_a_closure(tmp_path):
    def outer(k):
        def scaled(x):
            return x * k

        return scaled

    same(run(calling(outer(2.5)), tmp_path, X)[0], X * 2.5)


@pytest.mark.parametrize(("function", "words"), [
    (needs_nn, "needs_nn cannot stand in a module of its own: it uses the module nn"),
    (eval("lambda x: x"), "its source is not to be found"),
    (ag.special.gammaln if hasattr(ag.special, "gammaln") else twice, "cannot stand"),
    (np.random.default_rng(0).permutation, "Generator"),
])  # fmt: skip
def test_what_cannot_stand_alone_is_refused_by_name(tmp_path, function, words):
    with pytest.raises(CompileError, match=words):
        save(calling(function), "f", tmp_path / "saved.py")
    assert not (tmp_path / "saved.py").exists()


def test_layers_of_nn(tmp_path):
    rng = np.random.default_rng(0)
    weight, y = rng.normal(size=(3, 4)).astype(np.float32), np.array([0, 2, 1, 1, 0])

    def loss(x, w):
        return nn.cross_entropy(nn.gelu(x @ w.T), y)

    x = X.astype(np.float32)
    text = checked(ag.grad(loss, (0, 1)), tmp_path, x, weight)
    assert "import nn" not in text
