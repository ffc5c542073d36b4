"""COVERAGE.md is what its generator writes, and the numbers in the documents agree with it."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.autograd_core.rules import coverage


@pytest.mark.exhaustive
def test_coverage_is_current():
    dask = pytest.importorskip("dask", reason="Dask is not installed")
    scipy = pytest.importorskip("scipy", reason="SciPy is not installed")
    text = coverage.TARGET.read_text(encoding="utf-8")
    made_with = re.findall(r"(?:NumPy|SciPy|Dask) ([0-9]+\.[0-9]+)", text)
    here = [".".join(m.__version__.split(".")[:2]) for m in (np, scipy, dask)]
    if made_with[:3] != here:
        pytest.skip(f"COVERAGE.md was made with other versions: {made_with[:3]}, here {here}")
    assert coverage.write() == text, "run python -m tests.autograd_core.rules.coverage"


def test_nothing_that_others_differentiate_is_missing():
    text = coverage.TARGET.read_text(encoding="utf-8")
    assert re.search(r"245 are covered here,\s+missing: none", text)


ROOT = Path(coverage.TARGET).parents[2]
CALLS = len(re.findall(r"^[^#\n]", (ROOT / "tests/calls/calls.txt").read_text(), re.MULTILINE))


def test_the_readme_tells_how_many_functions_have_a_derivative():
    text = coverage.TARGET.read_text(encoding="utf-8")
    (functions,) = re.findall(r"^(\d+) functions have a rule", text, re.MULTILINE)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(coverage.IN_README, readme) == [functions]
    rows = re.findall(r"^\| np\.|^\| scipy\.", text, re.MULTILINE)
    assert len(rows) == int(functions)


@pytest.mark.parametrize(
    ("document", "pattern"),
    [
        ("README.md", r"`python -m tests\.calls` compares (\d+)\s+calls"),
        ("tests/README.md", r"`python -m tests\.calls` \| (\d+) calls"),
    ],
)
def test_documents_tell_how_many_calls_are_compared(document, pattern):
    assert re.findall(pattern, (ROOT / document).read_text(encoding="utf-8")) == [str(CALLS)]


def test_ids_of_cases_are_unique():
    assert len({c.id for c in coverage.CASES}) == len(coverage.CASES)


def test_the_number_of_cases():
    text = coverage.TARGET.read_text(encoding="utf-8")
    if f"NumPy {'.'.join(np.__version__.split('.')[:2])}," in text:  # older ones lack functions
        pytest.importorskip("scipy", reason="SciPy is not installed")
        assert f"\n{len(coverage.CASES)} cases, of which" in text
