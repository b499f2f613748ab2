"""Pools and their assignment: GetPools, GetPoolProperties, SetPoolAssignment, GetPoolAssignment, DeletePoolAssignment."""

from __future__ import annotations

import pytest

from tests.namespaces.support import ALPINE, MESSENGER, POOL1, Site, ldap

GUID = "F2864B2154204460BC035BDF8A760C45"


def assigned(site: Site) -> list[tuple[str, str | None]]:
    data = site.succeed("GetPoolAssignment", organization=ldap(ALPINE))
    return [(str(child.tag), child.text) for child in data]


def assign(site: Site, pool: str = "pool01.fabrikam.com") -> None:
    assert len(site.succeed("SetPoolAssignment", site.domain_admin, organization=ldap(ALPINE), poolFQDN=pool)) == 0


def entries(site: Site) -> list[str]:
    values = site.read(ALPINE).values("otherWellKnownObjects")
    return [value for value in values if isinstance(value, str) and GUID in value]


class TestGetPools:
    def test_lists_them(self, site: Site) -> None:
        data = site.succeed("GetPools", site.domain_admin)
        assert [child.tag for child in data] == ["pools"]
        assert [pool.text for pool in data.iterfind("pools/poolFQDN")] == ["pool01.fabrikam.com", "pool02.fabrikam.com"]


class TestGetPoolProperties:
    def test_returns_the_service_that_homes_refer_to(self, site: Site) -> None:
        data = site.succeed("GetPoolProperties", site.domain_admin, poolFQDN="POOL01.fabrikam.com")
        assert data.findtext("poolDN") == site.read(POOL1).text("distinguishedName")
        assert data.findtext("supportIMPresence") == "true"
        assert data.find("poolFQDN") is None

    def test_a_pool_that_does_not_exist(self, site: Site) -> None:
        assert site.fail("GetPoolProperties", site.domain_admin, poolFQDN="pool99.fabrikam.com").code == 0x80072030


class TestSetPoolAssignment:
    def test_points_the_organization_at_the_pools_service(self, site: Site) -> None:
        assign(site)
        assert entries(site) == [f"B:32:{GUID}:{site.read(POOL1).text('distinguishedName')}"]

    def test_leaves_the_other_entries_alone(self, site: Site) -> None:
        before = set(site.read(ALPINE).values("otherWellKnownObjects"))
        assign(site)
        assert before < set(site.read(ALPINE).values("otherWellKnownObjects"))

    def test_repeating_changes_nothing_and_another_pool_takes_its_place(self, site: Site) -> None:
        assign(site)
        before = site.snapshot()
        assign(site)
        assert site.snapshot() == before
        assign(site, "pool02.fabrikam.com")
        assert len(entries(site)) == 1
        assert assigned(site) == [("poolFQDN", "pool02.fabrikam.com")]

    def test_a_pool_that_does_not_exist_is_refused(self, site: Site) -> None:
        before = site.snapshot()
        assert (
            site.fail("SetPoolAssignment", site.domain_admin, organization=ldap(ALPINE), poolFQDN="pool99.fabrikam.com").code
            == 0x80072030
        )
        assert site.snapshot() == before

    @pytest.mark.parametrize("name", ["organization", "preferredDomainController", "poolFQDN"])
    def test_empty_arguments_have_the_text_of_the_original(self, site: Site, name: str) -> None:
        arguments = {
            "organization": ldap(ALPINE),
            "preferredDomainController": site.server,
            "poolFQDN": "pool01.fabrikam.com",
        }
        error = site.fail_exactly("SetPoolAssignment", {**arguments, name: ""})
        assert (error.code, error.description) == (0x80070057, f"The argument '{name}' cannot be null.")


class TestGetPoolAssignment:
    def test_returns_nothing_without_one(self, site: Site) -> None:
        assert assigned(site) == []

    def test_the_parents_pool_is_not_the_childs(self, site: Site) -> None:
        site.succeed("SetPoolAssignment", site.domain_admin, organization=ldap(MESSENGER), poolFQDN="pool01.fabrikam.com")
        assert assigned(site) == []

    def test_returns_the_pools_name(self, site: Site) -> None:
        assign(site)
        assert assigned(site) == [("poolFQDN", "pool01.fabrikam.com")]


class TestDeletePoolAssignment:
    def test_removes_the_entry(self, site: Site) -> None:
        before = site.snapshot()
        assign(site)
        assert len(site.succeed("DeletePoolAssignment", organization=ldap(ALPINE))) == 0
        assert assigned(site) == []
        assert site.snapshot() == before

    def test_nothing_happens_without_one(self, site: Site) -> None:
        before = site.snapshot()
        site.succeed("DeletePoolAssignment", organization=ldap(ALPINE))
        assert site.snapshot() == before
