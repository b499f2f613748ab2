"""What the argument ``organization`` takes: a unit whose entry for this organization points at itself, and nothing else."""

from __future__ import annotations

import pytest

from mpf_directory.dn import Dn
from mpf_directory.layout import WellKnown
from mpf_directory.port import Modification, ModifyOp
from tests.namespaces.accounts import MANAGED_AD
from tests.namespaces.support import ALPINE, BASE, DOMAIN_ADMIN, JOHN, MESSENGER_ADMIN, POOL1, Site, ldap

PROCEDURES = {
    "CreateSipDomain": {"address": "alpineskihouse.com"},
    "GetSipDomainsByOrganization": {},
    "SetPoolAssignment": {"poolFQDN": "pool01.fabrikam.com"},
    "GetPoolAssignment": {},
    "DeletePoolAssignment": {},
}
PRIVATE = f"CN=_Private,{ALPINE}"


def give(site: Site, dn: str, *entries: tuple[WellKnown, str]) -> None:
    """An object gets these otherWellKnownObjects, and no others."""
    values = tuple(f"B:32:{guid.value}:{target}" for guid, target in entries)
    site.directory.modify(Dn.parse(dn), [Modification("otherWellKnownObjects", ModifyOp.REPLACE, values)])


@pytest.mark.parametrize("procedure", PROCEDURES)
class TestWhatIsNone:
    def refused(self, site: Site, procedure: str, organization: str) -> None:
        site.succeed("AddSharedPool", DOMAIN_ADMIN, poolFQDN="pool01.fabrikam.com", poolTag="LabA")
        before = site.snapshot()
        for caller in (DOMAIN_ADMIN, MESSENGER_ADMIN):
            error = site.fail(procedure, caller, organization=ldap(organization), **PROCEDURES[procedure])
            assert (error.code, error.description) == (0x80131509, f"'{ldap(organization)}' is no organization.")
        assert site.snapshot() == before

    @pytest.mark.parametrize("dn", [JOHN, PRIVATE, f"CN=Admins@AlpineSkiHouse,{ALPINE}"])
    def test_another_object(self, site: Site, procedure: str, dn: str) -> None:
        self.refused(site, procedure, dn)

    def test_a_plain_unit(self, site: Site, procedure: str) -> None:
        self.refused(site, procedure, site.add_unit(ALPINE, "Instructors"))

    @pytest.mark.parametrize("entry", [(WellKnown.POOL, POOL1), (WellKnown.THIS_ORG, ALPINE)])
    def test_a_unit_with_another_entry(self, site: Site, procedure: str, entry: tuple[WellKnown, str]) -> None:
        unit = site.add_unit(ALPINE, "Instructors")
        give(site, unit, entry)
        self.refused(site, procedure, unit)

    def test_a_container_with_the_entry(self, site: Site, procedure: str) -> None:
        give(site, PRIVATE, (WellKnown.THIS_ORG, PRIVATE))
        self.refused(site, procedure, PRIVATE)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_the_domain_is_none(site: Site, procedure: str) -> None:
    error = site.fail(procedure, DOMAIN_ADMIN, organization=ldap(BASE), **PROCEDURES[procedure])
    assert (error.code, error.description) == (0x80131509, f"'{ldap(BASE)}' is no organization.")


def test_users_of_a_unit_belong_to_the_organization_around_it(site: Site) -> None:
    unit = site.add_unit(ALPINE, "Instructors")
    give(site, unit, (WellKnown.POOL, POOL1))
    user = site.add_user(unit, "bob@alpineskihouse.com")
    found = site.submit_raw(MANAGED_AD, "GetThisOrganizationRoot", f"<path>{ldap(user)}</path>")
    assert found.error is None
    assert f"<root>{ldap(ALPINE)}</root>".lower() in found.document.decode().lower()
    assert found.document.decode().count("<root>") == 1
