"""scikit-learn's support of the array API standard, on Tensors."""

from __future__ import annotations

import pytest

from . import isolated, sklearn_calls

sklearn = pytest.importorskip(
    "sklearn", minversion="1.8", reason="scikit-learn 1.8 takes arrays of the standard"
)
pytest.importorskip("array_api_compat", reason="scikit-learn asks array-api-compat")


@pytest.fixture(scope="module")
def outcome() -> dict[str, str]:
    return isolated.run("sklearn_calls")


@pytest.mark.parametrize("name", sklearn_calls.CASES)
def test_values_and_gradients(name, outcome):
    assert outcome[name] == "ok"


@pytest.mark.parametrize("name", sklearn_calls.LOUD)
def test_what_sklearn_converts_is_refused(name, outcome):
    assert outcome[name] == "ok"
