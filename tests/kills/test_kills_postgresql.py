"""Kills of engines whose store is in PostgreSQL."""

from __future__ import annotations

import pytest

from tests.kills.site import Site
from tests.kills.suite import Kills

pytestmark = pytest.mark.slow


class TestPostgreSQL(Kills):
    @pytest.fixture
    def site(self, postgres_site: Site) -> Site:
        return postgres_site
