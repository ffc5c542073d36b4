"""The types that a type checker reveals to users of both packages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

USER_CODE = """
import numpy as np
import autograd_core as ag
import nn

t = ag.tensor([1.0, 2.0], requires_grad=True)
def loss(w: np.ndarray, scale: float = 1.0) -> ag.Tensor:
    return ag.tensor(w)
@ag.checkpoint
def block(x: ag.Tensor) -> ag.Tensor:
    return x
@ag.no_grad()
def update(step: int) -> None: ...

reveal_type(t)  # Tensor
reveal_type(t + t)  # Tensor
reveal_type(2.0 * t)  # Tensor
reveal_type(t @ t)  # Tensor
reveal_type(-t)  # Tensor
reveal_type(t > 0)  # Tensor
reveal_type(t[0])  # Tensor
reveal_type(t.sum())  # Tensor
reveal_type(t.reshape(2, 1).T)  # Tensor
reveal_type(t.astype(np.float32))  # Tensor
reveal_type(t.grad)  # Tensor | None
reveal_type(np.tanh(t))  # ndarray
reveal_type(nn.Linear(2, 1)(t))  # Tensor
reveal_type(ag.grad(loss))  # def (w: ndarray, scale: float =) -> Any
reveal_type(ag.value_and_grad(loss))  # def (w: ndarray, scale: float =) -> tuple[Any, Any]
reveal_type(ag.jacobian(loss))  # def (w: ndarray, scale: float =) -> Any
reveal_type(block)  # def (x: Tensor) -> Tensor
reveal_type(update)  # def (step: int)
ag.gradd  # [attr-defined]
nn.Linaer  # [attr-defined]
nn.Linear(2)  # [call-arg]
"""


def checked(tmp_path: Path, code: str) -> list[tuple[int, str]]:
    """Return what mypy says of each line."""
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    file = tmp_path / "user.py"
    file.write_text(code, encoding="utf-8")
    settings = tmp_path / "mypy.ini"
    settings.write_text(f"[mypy]\nmypy_path = {ROOT}\nfollow_imports = silent\n", encoding="utf-8")
    cache = tmp_path / "cache"
    out, error, _ = api.run([str(file), "--config-file", str(settings), "--cache-dir", str(cache)])
    assert not error, error
    found = re.findall(r"user\.py:(\d+): (?:note|error): (.*)", out)
    return [(int(line), message) for line, message in found]


def plain(revealed: str) -> str:
    """Return a revealed type without the modules' names and the arguments of arrays."""
    text = re.sub(r"\b(?:[a-z_]+\.)+", "", revealed)
    return re.sub(r"ndarray\[.*?\]\]", "ndarray", text)


@pytest.mark.exhaustive
def test_revealed_types(tmp_path):
    said = dict(checked(tmp_path, USER_CODE))
    for number, line in enumerate(USER_CODE.splitlines(), 1):
        expected = line.partition("  # ")[2]
        if line.startswith("reveal_type"):
            revealed = re.search('"(.*)"', said[number])
            assert revealed, line
            assert plain(revealed[1]) == expected, line
        else:
            assert (number in said) == bool(expected), (line, said.get(number))
            assert said.get(number, "").endswith(expected), (line, said[number])
