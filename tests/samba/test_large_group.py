"""A group of 3,000 members on a real Active Directory: an undo takes one value back and loses none."""

from __future__ import annotations

import pytest

from mpf_directory.service import DirectoriesService
from tests.directory_plugin.test_large_group import MEMBERS, check

pytestmark = pytest.mark.samba


def test_on_samba(service: DirectoriesService) -> None:
    one, another = service.service(), service.service()
    place = one.base.child("OU", "LargeGroupTest")
    one.add(place, {"objectClass": ["organizationalUnit"]})
    check(one, another, place, MEMBERS)  # and it stays: deleting it would take as long again, and the controller goes anyway
