"""The pytest plugin, which pytest finds by its entry point: the fixture ``gradcheck``."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest

from autograd_core.checking.api import gradcheck as check


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--gradcheck-seed``."""
    parser.getgroup("gradcheck").addoption(
        "--gradcheck-seed", type=int, default=None,
        help="seed of all gradient checks (by default each test derives its own from its name)",
    )  # fmt: skip


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Provide ``gradcheck(f, *inputs, **options)``, which fails the test if gradients are wrong.

    It returns the report.  The seed derives from the test's name, so that a failure repeats;
    ``--gradcheck-seed`` sets it.
    """
    given = request.config.getoption("--gradcheck-seed")
    seed = zlib.crc32(request.node.nodeid.encode()) if given is None else given

    def run(f: Any, *inputs: Any, **options: Any) -> Any:
        report = check(f, *inputs, **{"seed": seed, **options})
        if not report.ok:
            pytest.fail(f"{report}\n\n{report.repro}", pytrace=False)
        return report

    return run
