"""More objects and values than one answer holds, on a real Active Directory.

They stay: deleting them would take as long again, and the controller goes anyway. So this comes last: see conftest.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_directory.filters import Filter
from mpf_directory.port import Scope
from mpf_directory.service import DirectoriesService
from tests.directory_plugin.test_large_group import OTHERS, check, engine_on
from tests.samba.controller import Samba, SambaCredentials, engine_config

pytestmark = pytest.mark.samba

#: More than one answer has, and no more: the controller takes its time to make them.
MEMBERS = 1600


def test_on_samba(service: DirectoriesService, samba: Samba, tmp_path: Path) -> None:
    one, another = service.service(), service.service()
    place = one.base.child("OU", "LargeGroupTest")
    one.add(place, {"objectClass": ["organizationalUnit"]})
    settings = {**engine_config(samba), "impersonation": "policy"}
    with engine_on(tmp_path, settings, SambaCredentials(samba)) as engine:
        check(engine, one, another, place, MEMBERS)
    contacts = one.search(place, Scope.SUBTREE, Filter.eq("objectClass", "contact"), ["cn"])
    assert len({entry.dn for entry in contacts}) == MEMBERS + OTHERS + 1
