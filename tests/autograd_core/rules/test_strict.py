"""Every rule runs on an array that refuses what CuPy refuses."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine import array_types
from autograd_core.rules.cases import CASES
from tests.autograd_core.rules.portable import assert_same, bare, gradients_of
from tests.autograd_core.rules.strict import Refused, StrictArray

#: Files whose calls may wait for the device, and what for.  All others never read a value.
WAITING = {
    "linalg": "whether a matrix is singular, whether an imaginary part is rounding",
    "decompositions": "whether singular values coincide",
    "calculus": "whether weights sum to 0, as np.average itself asks",
    "array_types": "any_of and to_host, for the files here and for norms",
    "shape": "whether imaginary parts are rounding, as np.real_if_close itself asks",
    "sorting": "whether a row of a quantile holds NaN or nothing",
}


def refusal(case):
    """Return the error by which CuPy would refuse the call itself, or None."""
    try:
        bare(case, StrictArray)
    except (TypeError, AttributeError) as error:
        return error
    return None


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=[c.id for c in CASES])
def test_rules_on_a_strict_array(case):
    refused = refusal(case)
    if refused is not None:
        pytest.skip(f"the call itself: {refused}")
    assert_same(
        gradients_of(case, StrictArray),
        gradients_of(case, np.asarray),
        StrictArray,
        StrictArray.get,
    )


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_most_cases_run_and_few_wait_for_the_device(monkeypatch):
    """Only calls that CuPy does not have are skipped, and few rules wait for the device."""
    waited, run = set(), 0

    def wait(self):
        frame = sys._getframe(1)
        while not frame.f_globals["__name__"].startswith("autograd_core.") or (
            frame.f_code is array_types.any_now.__code__  # who asked
        ):
            frame = frame.f_back
        waited.add(frame.f_globals["__name__"].rpartition(".")[2])
        return self._a

    for case in CASES:
        if refusal(case) is None:
            with monkeypatch.context() as patch:
                patch.setattr(StrictArray, "_wait", wait)
                gradients_of(case, StrictArray)
            run += 1
    assert run > 0.7 * len(CASES)
    assert waited == WAITING.keys()


def test_the_stand_in_is_strict():
    s = StrictArray(np.ones((3, 3)))
    mask, three = np.ones((3, 3), bool), [1.0, 1.0, 1.0]
    for refused in (
        lambda: np.asarray(s),
        lambda: s + np.ones(3),
        lambda: np.ones(3) + s,
        lambda: s + three,
        lambda: np.add(s, np.ones(3)),
        lambda: np.add(s, s, where=StrictArray(mask)),
        lambda: s @ np.ones((3, 3)),
        lambda: np.where(mask, s, 0.0),
        lambda: np.concatenate([s, np.ones((1, 3))]),
        lambda: np.concatenate([s, [three]]),
        lambda: np.repeat(s, np.array([1, 2, 1]), axis=0),
        lambda: np.sum(s, where=StrictArray(mask)),
        lambda: s.sum(initial=1.0),
        lambda: s.setflags(write=False),
        lambda: np.clip(s, min=0.0),
        lambda: np.flip(m=s),
        lambda: np.argpartition(s, 1, kind="introselect"),
        lambda: np.take(s, [0], mode="wrap"),
        lambda: np.linalg.svdvals(s),
        lambda: np.linalg.pinv(s, hermitian=True),
        lambda: np.linalg.eigh(s).eigenvalues,
        lambda: np.logaddexp.reduce(s),
        lambda: np.maximum.reduce(s),
        lambda: np.exp.at(s, [0]),
        lambda: __import__("operator").index(s),
        lambda: s.__setitem__(0, np.ones(3)),
    ):
        with pytest.raises((Refused, AttributeError, TypeError)):
            refused()
    assert isinstance(s.sum(), StrictArray)
    assert isinstance(s[0, 0], StrictArray)
    assert isinstance(s[np.array([0, 1])], StrictArray)
    assert isinstance(s + np.float64(1), StrictArray)
    assert isinstance(np.asarray(np.ones(2), like=s), StrictArray)
    np.add.at(s, [0, 0], 1.0)
    assert s.get()[0, 0] == 3


def test_backward_leaves_gradients_of_the_same_type():
    w = ag.tensor(StrictArray(np.array([[1.0, 2.0], [3.0, 4.0]])), requires_grad=True)
    x = ag.tensor(StrictArray(np.array([[1.0, -1.0]])))
    loss = np.mean(np.tanh(x @ w) ** 2)
    loss.backward()
    assert isinstance(w.grad.data, StrictArray)
    with ag.no_grad():
        w -= 0.1 * w.grad
    assert isinstance(w.data, StrictArray)
    assert w.data.get()[0, 0] != 1.0
