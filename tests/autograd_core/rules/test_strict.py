"""Every rule on an array that refuses what CuPy refuses."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.rules.cases import CASES
from tests.autograd_core.rules.portable import assert_same, bare, gradients_of
from tests.autograd_core.rules.strict import Refused, StrictArray

#: Cases that cannot work, and why.
KNOWN = {"poly matrix": "CuPy has no eigvals, of which np.poly of a matrix is made"}


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=[c.id for c in CASES])
def test_rules_on_a_strict_array(case):
    if case.id in KNOWN:
        pytest.skip(KNOWN[case.id])
    try:
        bare(case, StrictArray)
    except (TypeError, AttributeError) as refusal:
        pytest.skip(f"the call itself: {refusal}")
    assert_same(
        gradients_of(case, StrictArray),
        gradients_of(case, np.asarray),
        StrictArray,
        StrictArray.get,
    )


def test_most_cases_run():
    """The skips above are for calls that CuPy does not have, not for want of trying."""

    def takes(case):
        try:
            bare(case, StrictArray)
        except (TypeError, AttributeError):
            return False
        return True

    assert sum(map(takes, CASES)) > 0.75 * len(CASES)


def test_the_stand_in_is_strict():
    s = StrictArray(np.ones(3))
    for refused in (
        lambda: np.asarray(s),
        lambda: s + np.ones(3),
        lambda: np.add(s, np.ones(3)),
        lambda: np.concatenate([s, np.ones(3)]),
        lambda: np.sum(s, where=np.ones(3, bool)),
        lambda: s.sum(initial=1.0),
        lambda: s.mT,
        lambda: np.linalg.eig(s),
        lambda: np.logaddexp.reduce(s),
    ):
        with pytest.raises((Refused, AttributeError)):
            refused()
    assert isinstance(s.sum(), StrictArray)
    assert isinstance(np.asarray(np.ones(2), like=s), StrictArray)


def test_backward_leaves_gradients_of_the_same_type():
    w = ag.tensor(StrictArray(np.array([[1.0, 2.0], [3.0, 4.0]])), requires_grad=True)
    x = ag.tensor(StrictArray(np.array([[1.0, -1.0]])))
    loss = np.mean(np.tanh(x @ w) ** 2)
    loss.backward()
    assert isinstance(w.grad.data, StrictArray)
    with ag.no_grad():
        w -= 0.1 * w.grad
    assert w.data.get()[0, 0] != 1.0
