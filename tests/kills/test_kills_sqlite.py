"""Kills of engines whose store is in SQLite."""

from __future__ import annotations

import pytest

from tests.kills.site import Site
from tests.kills.suite import KillsOfRecoveries, KillsOfRequests, on

pytestmark = pytest.mark.slow


@pytest.fixture
def site(sqlite_site: Site) -> Site:
    return sqlite_site


@on("sqlite")
class TestRequests(KillsOfRequests):
    """See `tests.kills.suite`."""


class TestRecoveries(KillsOfRecoveries):
    """See `tests.kills.suite`."""
