"""The survey of calls: every one right, or refused for a reason."""

import pytest

from tests.calls.__main__ import KINDS, survey


@pytest.mark.parametrize("kind", KINDS)
def test_every_call_is_right_or_refused(kind):
    pytest.importorskip("scipy.special", reason="SciPy is not installed")
    right, refused, wrong = survey(kind)
    assert wrong == []
    assert len(refused) <= 10
    assert right >= 300
