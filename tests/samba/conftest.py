"""One Samba domain controller for all tests in this folder, or a plain word on why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.samba.controller import Controller, Samba, why_not

_FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _FOLDER in item.path.parents and item.get_closest_marker("samba"):
            # One controller, so one worker.
            item.add_marker(pytest.mark.xdist_group("samba"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reason = why_not()
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if "tests/samba/" in report.nodeid]
    if reason and skipped:
        terminalreporter.write_line(
            f"NOT TESTED against a real Active Directory: {len(skipped)} tests skipped - {reason}", yellow=True, bold=True
        )


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    """A running domain controller of FABRIKAM.COM with the OCS schema and nothing else in it."""
    if reason := why_not():
        pytest.skip(reason)
    controller = Controller(tmp_path_factory.mktemp("samba"))
    try:
        yield controller.start()
    finally:
        controller.stop()
