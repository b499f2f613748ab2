"""Every procedure of the OCS namespaces and of Managed Hosting on a real Active Directory, each caller bound as himself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_directory.port import Directory
from tests.differential.sides import Side, samba_side
from tests.differential.suite import Procedures
from tests.samba.controller import Samba

pytestmark = pytest.mark.samba


@pytest.fixture(scope="module")
def side(samba: Samba, directory: Directory) -> Iterator[Side]:
    with samba_side(samba, directory) as side:
        yield side


class TestSamba(Procedures):
    pass
