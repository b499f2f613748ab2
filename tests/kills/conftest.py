"""Sites on both kinds of database, one of each for all tests of a process; and how many kills there were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from tests.kills import checks
from tests.kills.checks import Course
from tests.kills.choice import ALL, SEED
from tests.kills.requests import Scenario
from tests.kills.site import Site
from tests.kills.stores import PostgresStore, SqliteStore
from tests.postgres import PostgresUnavailable, postgres_server

_KILLS = "kills"


@pytest.fixture(scope="session")
def sqlite_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose store is a file."""
    folder = tmp_path_factory.mktemp("sqlite")
    yield from _site(folder, SqliteStore(folder))


@pytest.fixture(scope="session")
def postgres_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose store is in a PostgreSQL server."""
    folder = tmp_path_factory.mktemp("postgresql")
    try:
        with postgres_server() as server:
            yield from _site(folder, PostgresStore(folder, server.create_database("kills")))
    except PostgresUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def courses() -> Callable[[Site, Scenario], Course]:
    """How scenarios go when nobody is killed, each found out once."""
    return lru_cache(maxsize=None)(checks.course)


@pytest.fixture
def count_kills(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Tell how many processes a test has killed."""

    def count(kills: int) -> None:
        record_property(_KILLS, kills)

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many kills there were, and what the choice of them was made from."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    kills = sum(number for report in reports for name, number in report.user_properties if name == _KILLS)
    if kills:
        chosen = "all of them" if ALL else f"a part of them (MPF_KILL_SEED={SEED}; all with MPF_ALL_KILLS=1)"
        terminalreporter.write_line(f"kills: {kills} pairs of scenario and point, {chosen}")


def _site(folder: Path, store: SqliteStore | PostgresStore) -> Iterator[Site]:
    site = Site(folder, store)
    try:
        yield site
    finally:
        site.close()
