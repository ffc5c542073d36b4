"""The pytest plugin of autograd_core, which pytest finds by its entry point: ``gradcheck``.

It stands outside the package because pytest imports it in every run of every project on a machine:
here it imports nothing but pytest until a test asks for the fixture.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest

WARNED = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--gradcheck-seed``."""
    parser.getgroup("gradcheck").addoption(
        "--gradcheck-seed", type=int, default=None,
        help="seed of all gradient checks (by default each test derives its own from its name)",
    )  # fmt: skip


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Provide ``gradcheck(f, *inputs, **options)``, which fails the test if gradients are wrong.

    It returns the report; its warnings are shown at the end of the run.  The seed derives from the
    test's name, so that a failure repeats; ``--gradcheck-seed`` sets it.
    """
    from autograd_core.checking import gradcheck as check

    given = request.config.getoption("--gradcheck-seed")
    seed = zlib.crc32(request.node.nodeid.encode()) if given is None else given

    def run(f: Any, *inputs: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        report = check(f, *inputs, **{"seed": seed, **options})
        if not report.ok:
            pytest.fail(f"{report}\n\n{report.repro}", pytrace=False)
        if report.verdict == "warn":
            warned = request.config.stash.setdefault(WARNED, [])
            warned += [f"{request.node.nodeid}: {finding}" for finding in report.findings]
        return report

    return run


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the warnings of gradient checks, which fail no test."""
    warned = config.stash.get(WARNED, [])
    if warned:
        terminalreporter.section("gradient checks that warn")
        for line in warned:
            terminalreporter.line(line)
