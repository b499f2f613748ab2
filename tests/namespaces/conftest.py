"""Fixtures of the namespaces' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.namespaces.support import Site, make_site


@pytest.fixture
def site() -> Iterator[Site]:
    """A fresh site."""
    with make_site() as made:
        yield made
