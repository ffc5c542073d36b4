"""Run a table of calls in a process of its own, where ``SCIPY_ARRAY_API=1`` is set before SciPy.

A table is a module with ``CASES`` (name: ``(call, *arrays)``, to be differentiated), ``LOUD`` (name:
``(error, call, *arrays)``, to be refused) and ``prepare()``, which imports the library and returns
what the calls take as their first argument.  ``python -W error -m <table>`` prints one JSON object.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from tests.autograd_core.strategies import assert_slopes

ROOT = Path(__file__).parents[3]


def run(table: str) -> dict[str, str]:
    """What became of every case: ``"ok"``, or the error."""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-m", f"tests.autograd_core.interop.{table}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _leaves(value: Any) -> list[Any]:
    return [leaf for v in value for leaf in _leaves(v)] if isinstance(value, tuple) else [value]


def check(call: Any, library: Any, arrays: Any) -> None:
    """The value of the library on ndarrays, and the gradient of central differences."""
    expected = _leaves(call(library, *arrays))
    got = _leaves(call(library, *(ag.tensor(a, requires_grad=True) for a in arrays)))
    assert any(g.requires_grad for g in got), "the gradient was lost"
    for g, e in zip(got, expected, strict=True):
        assert isinstance(g, ag.Tensor), f"expected a Tensor, got {type(g)}"
        np.testing.assert_allclose(g.detach().numpy(), e, rtol=1e-12, atol=1e-14)
    assert_slopes(lambda *a: call(library, *a), *arrays, order=1)


def check_loud(error: str, call: Any, library: Any, arrays: Any) -> None:
    """The call refuses recorded Tensors by the error of that name, or a newer library takes them."""
    try:
        call(library, *(ag.tensor(a, requires_grad=True) for a in arrays))
    except Exception as raised:
        if type(raised).__name__ != error:
            raise
    else:
        check(call, library, arrays)


def main(table: Any) -> None:
    """Run a table and print what became of its cases."""
    library = table.prepare()
    outcome = {}
    checks = [(name, check, case) for name, case in table.CASES.items()]
    checks += [(name, check_loud, case) for name, case in table.LOUD.items()]
    for name, function, case in checks:
        try:
            if function is check:
                check(case[0], library, case[1:])
            else:
                check_loud(case[0], case[1], library, case[2:])
            outcome[name] = "ok"
        except Exception as error:
            outcome[name] = f"{type(error).__name__}: {error}"
    print(json.dumps(outcome))
