"""Kills of engines whose store is in SQLite."""

from __future__ import annotations

import pytest

from tests.kills.site import Site
from tests.kills.suite import Kills

pytestmark = pytest.mark.slow


class TestSQLite(Kills):
    @pytest.fixture
    def site(self, sqlite_site: Site) -> Site:
        return sqlite_site
