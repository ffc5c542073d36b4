"""An interrupt at any bytecode leaves no gradient half set and no mode changed.

It is raised in the files that change such a state; elsewhere it passes through them as any error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.engine.graph import mode
from autograd_core.engine.runs import open_runs
from tests.sampling import sampled

CORE = Path(ag.__file__).parent
OURS = {
    *(str(CORE / f) for f in ("engine/modes.py", "engine/differentiate.py")),
    str(CORE / "transforms/evaluation.py"),
    str(Path(nn.__file__).parent / "module.py"),
}


def interrupt_at(n: int, call: Callable[[], Any]) -> bool:
    """Run ``call`` with a KeyboardInterrupt at the n-th bytecode of ours; return if it was met."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename not in OURS:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += 1
            if count == n:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


X = np.array([1.0, 2.0, 3.0])


def gradients_of_a_closure() -> None:
    ag.grad(lambda x: x * ag.grad(lambda y: x * y * y)(x))(1.0)


def inside_switches() -> None:
    with ag.no_grad(), ag.detect_anomaly():
        np.sum(ag.tensor(X) * 2)
    ag.no_grad()(lambda: ag.tensor(X) * 2)()


CALLS = [gradients_of_a_closure, inside_switches]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("part", sampled(range(8), 4))
def test_modes_and_open_runs(call, part):
    n = 1 + part
    while interrupt_at(n, call):
        assert mode.get() == 1, n
        assert not open_runs, n
        n += 8


@pytest.mark.parametrize("part", sampled(range(4), 2))
def test_gradients_are_added_to_all_leaves_or_to_none(part):
    n = 1 + part
    while True:
        a, b = (ag.tensor(X, requires_grad=True) for _ in range(2))
        a.grad, b.grad = X, X
        loss = np.sum(a * b) + np.sum(b)
        met = interrupt_at(n, loss.backward)
        grown = [bool(t.grad[0] != 1.0) for t in (a, b)]
        assert grown in ([True, True], [False, False]), n
        if not met:
            break
        n += 4


@pytest.mark.parametrize("part", sampled(range(4), 2))
def test_no_module_stays_in_another_mode(part):
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 1))
    model[1].eval()

    def evaluate() -> None:
        with nn.evaluating(model):
            pass

    n = 1 + part
    while interrupt_at(n, evaluate):
        assert [m.training for m in (model, model[0], model[1])] == [True, True, False], n
        n += 4
