"""The pytest plugin: the fixture ``gradcheck`` and the decorator ``gradchecked``.

pytest finds it by its entry point; nothing is imported before a test asks for it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("gradcheck").addoption(
        "--gradcheck-seed", type=int, default=None,
        help="seed of all gradient checks (by default each test has its own, made of its name)",
    )  # fmt: skip


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``gradcheck(f, *inputs, **options)``: fails the test unless the gradients of ``f`` hold.

    The seed is made of the test's name, so that a failure repeats; ``--gradcheck-seed`` sets it.
    Returns the report.
    """
    from autograd_core.checking.api import gradcheck as check

    given = request.config.getoption("--gradcheck-seed")
    seed = zlib.crc32(request.node.nodeid.encode()) if given is None else given

    def run(f: Any, *inputs: Any, **options: Any) -> Any:
        report = check(f, *inputs, **{"seed": seed, **options})
        if not report.ok:
            pytest.fail(f"{report}\n\n{report.repro}", pytrace=False)
        return report

    return run
