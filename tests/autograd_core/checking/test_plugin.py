"""The pytest plugin, in a pytest of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCE = """
import numpy as np
from autograd_core.checking import gradchecked

def test_right(gradcheck):
    assert gradcheck(np.tanh, np.array([0.5, 1.0])).ok

def test_wrong(gradcheck):
    gradcheck((np.sin, lambda g, out, x: -g * np.cos(x)), np.array([0.5, 1.0]))

def test_warned(gradcheck):
    pair = np.exp, lambda g, out, x: g * out * (1.0 if np.size(x) < 4 else 1.1)
    assert gradcheck(pair, np.array([0.5, 1.0])).verdict == "warn"

@gradchecked(signature="(n,k),(k)->(n)")
def test_product(a, b):
    return np.tanh(a @ b)
"""


def test_other_projects_pay_nothing_for_it():
    code = "import sys, pytest_autograd_core; print([m for m in ('numpy', 'autograd_core', 'nn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_fixture_and_decorator(tmp_path):
    (tmp_path / "test_mine.py").write_text(SOURCE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:autograd_core",
               "-p", "pytest_autograd_core", "-W", "error", "--gradcheck-seed", "7", str(tmp_path)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "gradient checks that warn" in done.stdout
    assert "test_warned: [warning] d out" in done.stdout
    assert "the sign is wrong" in done.stdout
    assert "seed=7" in done.stdout
