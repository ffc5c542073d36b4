"""The table of what is covered is the one that the registry and the checks give."""

import re

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
