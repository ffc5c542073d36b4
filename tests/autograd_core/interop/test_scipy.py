"""SciPy's support of the array API standard, on Tensors."""

from __future__ import annotations

import pytest

from . import isolated, scipy_calls

scipy = pytest.importorskip(
    "scipy", minversion="1.17", reason="SciPy 1.17 takes arrays of the standard"
)


@pytest.fixture(scope="module")
def outcome() -> dict[str, str]:
    return isolated.run("scipy_calls")


@pytest.mark.parametrize("name", scipy_calls.CASES)
def test_values_and_gradients(name, outcome):
    assert outcome[name] == "ok"


@pytest.mark.parametrize("name", scipy_calls.LOUD)
def test_what_scipy_converts_is_refused_and_else_right(name, outcome):
    assert outcome[name] == "ok"
