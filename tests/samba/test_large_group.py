"""More objects and values than one answer holds, on a real Active Directory.

They stay: deleting them would take as long again, and the controller goes anyway. So this comes last: see conftest.py.
"""

from __future__ import annotations

import pytest

from mpf_directory.filters import Filter
from mpf_directory.port import Scope
from mpf_directory.service import DirectoriesService
from tests.directory_plugin.test_large_group import MEMBERS, check

pytestmark = pytest.mark.samba


def test_on_samba(service: DirectoriesService) -> None:
    one, another = service.service(), service.service()
    place = one.base.child("OU", "LargeGroupTest")
    one.add(place, {"objectClass": ["organizationalUnit"]})
    check(one, another, place, MEMBERS)
    contacts = one.search(place, Scope.SUBTREE, Filter.eq("objectClass", "contact"), ["cn"])
    assert len({entry.dn for entry in contacts}) == MEMBERS + 2
