"""Initialize: the provisioning service's accounts become administrators of Office Communications Server."""

from __future__ import annotations

import pytest

from mpf_core import Caller
from mpf_directory.dn import Dn
from mpf_directory.port import Modification, ModifyOp
from tests.namespaces.support import ALPINE_ADMIN, BASE, MESSENGER_ADMIN, Site

ADMINISTRATORS = f"CN=RTCUniversalServerAdmins,CN=Users,{BASE}"
ACCOUNTS = f"CN=MPFServiceAccts,CN=Users,{BASE}"
ACCOUNT = f"CN=MPFServiceAcct,CN=Users,{BASE}"


def members(site: Site, group: str = ADMINISTRATORS) -> list[str]:
    return [str(value).casefold() for value in site.read(group).values("member")]


def initialize(site: Site) -> None:
    assert len(site.succeed("Initialize", site.domain_admin)) == 0


def test_the_service_account_becomes_a_member_through_its_group(site: Site) -> None:
    assert members(site) == []
    initialize(site)
    assert members(site) == [ACCOUNTS.casefold()]
    assert ACCOUNT.casefold() in members(site, ACCOUNTS)


def test_repeating_is_no_error_and_changes_nothing(site: Site) -> None:
    initialize(site)
    before = site.snapshot()
    initialize(site)
    assert site.snapshot() == before


def test_other_members_stay(site: Site) -> None:
    site.directory.modify(Dn.parse(ADMINISTRATORS), [Modification("member", ModifyOp.ADD, (ACCOUNT,))])
    initialize(site)
    assert set(members(site)) == {ACCOUNT.casefold(), ACCOUNTS.casefold()}


@pytest.mark.parametrize("group", [ADMINISTRATORS, ACCOUNTS])
def test_any_other_error_is_raised(site: Site, group: str) -> None:
    site.rename(group, group.replace("CN=", "CN=Old ", 1))
    before = site.snapshot()
    error = site.fail("Initialize", site.domain_admin)
    assert error.code == 0x80072030
    assert group in error.description
    assert site.snapshot() == before


def test_a_group_of_that_name_elsewhere_gets_nothing(site: Site) -> None:
    site.rename(ACCOUNTS, ACCOUNTS.replace("CN=Users,", "OU=Hosting,"))
    assert site.fail("Initialize", site.domain_admin).code == 0x80072030
    assert members(site) == []


def test_it_is_undone(site: Site) -> None:
    before = site.snapshot()
    site.submit_then_fail("Initialize", {})
    assert site.snapshot() == before


@pytest.mark.parametrize("caller", [MESSENGER_ADMIN, ALPINE_ADMIN, Caller("admin@hosting.fabrikam.com")], ids=str)
def test_it_is_for_domain_administrators_only(site: Site, caller: Caller) -> None:
    error = site.fail("Initialize", caller)
    assert (error.code, error.description) == (0x80070057, "Insufficient Privilege! Not Domain Administrator.")
    assert members(site) == []
