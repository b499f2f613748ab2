"""Kills of engines whose store is in PostgreSQL."""

from __future__ import annotations

import pytest

from tests.kills.site import Site
from tests.kills.suite import KillsOfRecoveries, KillsOfRequests, on

pytestmark = pytest.mark.slow


@pytest.fixture
def site(postgres_site: Site) -> Site:
    return postgres_site


@on("postgresql")
class TestRequests(KillsOfRequests):
    """See `tests.kills.suite`."""


class TestRecoveries(KillsOfRecoveries):
    """See `tests.kills.suite`."""
