"""What all tests share: how hard the property tests try, and saying at the end what was not tested."""

from __future__ import annotations

import os
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, settings

# `make check` tries a few examples, `make test` the usual hundred. Deadlines would make slow machines fail.
for name, examples in (("quick", 10), ("full", 100)):
    settings.register_profile(name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
#: Fixtures that start a PostgreSQL server; the parametrized ones start it for the kind "postgresql".
_SERVERS = {"shared_server", "own_server", "postgres_place"}

#: Tests that take a minute each: they make environments with all dependencies.
_LONGEST = {"test_third_party.py", "test_tutorial.py"}

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "full"))


@pytest.fixture(scope="session", autouse=True)
def _each_password_is_hashed_once() -> None:
    """The embedded directory's hash takes long on purpose, and is the same for the same password and salt."""
    from mpf_directory import embedded_accounts

    embedded_accounts._hash = lru_cache(maxsize=None)(embedded_accounts._hash)  # type: ignore[assignment]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped because a program is missing must not go unnoticed, nor the order in which something failed."""
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        seed = terminalreporter.config.getoption("randomly_seed", None)
        terminalreporter.write_line(f"The tests ran in the order of --randomly-seed={seed}", yellow=True)
    skipped = terminalreporter.stats.get("skipped", ())
    for program in ("PostgreSQL", "strace", "Chromium"):
        number = sum(1 for report in skipped if program in str(report.longrepr))
        if number:
            text = f"NOT TESTED with {program}, which is not here: {number} tests skipped"
            terminalreporter.write_line(text, yellow=True, bold=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, in whichever order the others run: at the end, one process would wait for another.

    A test that needs a PostgreSQL server is slow: `make check` tries memory and SQLite only.
    """
    items.sort(key=lambda item: item.path.name not in _LONGEST)
    for item in items:
        callspec = getattr(item, "callspec", None)
        kinds = callspec.params.values() if callspec else ()
        if "postgresql" in kinds or _SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
