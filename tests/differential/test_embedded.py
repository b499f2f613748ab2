"""Every procedure on the embedded directory: the same suite that runs on a real Active Directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.sides import Side, embedded_side
from tests.differential.suite import Procedures

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    with embedded_side(tmp_path_factory.mktemp("embedded")) as side:
        yield side


class TestEmbedded(Procedures):
    pass
