"""Samples of long lists of cases: a plain run takes some of them, ``-m exhaustive`` the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], step: int) -> list[Any]:
    """Return parameters of which all but every ``step``-th are marked ``exhaustive``."""

    def marked(case: Any) -> Any:
        values = case if isinstance(case, tuple) else (case,)
        return pytest.param(*values, marks=pytest.mark.exhaustive)

    return [case if i % step == 0 else marked(case) for i, case in enumerate(cases)]
