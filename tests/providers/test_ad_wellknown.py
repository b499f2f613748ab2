"""Find Ancestor, Get Other Well Known Object, Set Other Well Known Object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Undo
from tests.providers.ad_site import BASE, CUSTOMER, GROUP, HOSTING, RESELLER, USER, USER_CREATORS, Site, ldap, site_in

OTHER_GUID = "CC016CF08DEF4EA4A05C9C54B198785A"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        yield made


def value(guid: str, dn: str) -> str:
    return f"B:32:{guid}:{dn}"


class TestFindAncestor:
    @pytest.mark.parametrize(
        ("path", "class_", "found"),
        [
            (USER, "", CUSTOMER),
            (CUSTOMER, "", CUSTOMER),
            (USER, "ORGANIZATIONALUNIT", CUSTOMER),
            (USER, "person", USER),
            (USER, "domainDNS", BASE),
        ],
    )
    def test_the_nearest_of_that_class(self, site: Site, path: str, class_: str, found: str) -> None:
        arguments = {"path": ldap(path, "AD01"), **({"class": class_} if class_ else {})}
        outputs = site.texts("Find Ancestor", **arguments)
        assert outputs == {"path": ldap(found, "AD01"), "distinguishedName": found}

    def test_the_nearest_that_is_an_organization(self, site: Site) -> None:
        site.set(RESELLER, otherWellKnownObjects=[value(OTHER_GUID, RESELLER)])
        found = site.texts("Find Ancestor", path=ldap(USER), ownEntry=OTHER_GUID.lower())
        assert found["distinguishedName"] == RESELLER

    @pytest.mark.parametrize("entry", [value(USER_CREATORS, CUSTOMER), value(OTHER_GUID, RESELLER)])
    def test_another_entry_makes_none(self, site: Site, entry: str) -> None:
        site.set(RESELLER, otherWellKnownObjects=[value(OTHER_GUID, RESELLER)])
        site.set(CUSTOMER, otherWellKnownObjects=[entry])
        assert site.texts("Find Ancestor", path=ldap(USER), ownEntry=OTHER_GUID)["distinguishedName"] == RESELLER

    @pytest.mark.parametrize("path", [f"CN=System,{BASE}", f"CN=Nobody,{CUSTOMER}"])
    def test_none_is_an_error(self, site: Site, path: str) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Find Ancestor", path=ldap(path))
        assert raised.value.code == Code.NO_SUCH_OBJECT

    def test_without_any_organization(self, site: Site) -> None:
        with pytest.raises(MpfError, match="lies in none"):
            site.read("Find Ancestor", path=ldap(USER), ownEntry=OTHER_GUID)


class TestGetOtherWellKnownObject:
    def test_returns_what_it_points_at(self, site: Site) -> None:
        site.set(CUSTOMER, otherWellKnownObjects=[value(OTHER_GUID, CUSTOMER), value(USER_CREATORS, GROUP)])
        found = site.texts("Get Other Well Known Object", path=ldap(CUSTOMER), guid=USER_CREATORS.lower())
        assert found == {"distinguishedName": GROUP, "path": ldap(GROUP)}

    def test_follows_a_rename(self, site: Site) -> None:
        site.set(CUSTOMER, otherWellKnownObjects=[value(USER_CREATORS, GROUP)])
        site.move(GROUP, f"CN=Renamed,{HOSTING}")
        found = site.texts("Get Other Well Known Object", path=ldap(CUSTOMER, "AD01"), guid=USER_CREATORS)
        assert found == {"distinguishedName": f"CN=Renamed,{HOSTING}", "path": ldap(f"CN=Renamed,{HOSTING}", "AD01")}

    def test_nothing_when_there_is_none(self, site: Site) -> None:
        site.set(CUSTOMER, otherWellKnownObjects=[value(OTHER_GUID, CUSTOMER)])
        assert site.read("Get Other Well Known Object", path=ldap(CUSTOMER), guid=USER_CREATORS) == []

    @pytest.mark.parametrize("guid", ["", USER_CREATORS[1:], f"{USER_CREATORS}:x", "*"])
    def test_a_guid_is_32_digits(self, site: Site, guid: str) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Get Other Well Known Object", path=ldap(CUSTOMER), guid=guid)
        assert raised.value.code == Code.E_INVALIDARG


class TestSetOtherWellKnownObject:
    def set(self, site: Site, name: str | None, guid: str = USER_CREATORS) -> Undo:
        """Set it, remember what is there, undo, and check that all is as before."""
        before = site.values(CUSTOMER, "otherWellKnownObjects")
        arguments = {"distinguishedName": name} if name else {}
        done = site.write("Set Other Well Known Object", path=ldap(CUSTOMER), guid=guid, **arguments)
        self.found = site.values(CUSTOMER, "otherWellKnownObjects")
        undone = done.undo() if done.change.data is not None else Undo.NOTHING_TO_UNDO
        assert site.values(CUSTOMER, "otherWellKnownObjects") == before
        return undone

    def test_adds_replaces_and_removes_only_the_one_with_that_guid(self, site: Site) -> None:
        own = value(OTHER_GUID, CUSTOMER)
        site.set(CUSTOMER, otherWellKnownObjects=[own])
        assert self.set(site, GROUP) is Undo.UNDONE
        assert self.found == sorted([own, value(USER_CREATORS, GROUP)])
        site.set(CUSTOMER, otherWellKnownObjects=[own, value(USER_CREATORS, GROUP)])
        assert self.set(site, USER.lower(), USER_CREATORS.lower()) is Undo.UNDONE
        assert self.found == sorted([own, value(USER_CREATORS, USER)])
        assert self.set(site, None) is Undo.UNDONE
        assert self.found == [own]

    def test_what_is_so_already_changes_nothing(self, site: Site) -> None:
        site.set(CUSTOMER, otherWellKnownObjects=[value(USER_CREATORS, GROUP)])
        assert self.set(site, GROUP) is Undo.NOTHING_TO_UNDO
        assert self.set(site, None, OTHER_GUID) is Undo.NOTHING_TO_UNDO

    def test_points_at_nothing_that_does_not_exist(self, site: Site) -> None:
        with pytest.raises(MpfError) as raised:
            self.set(site, f"CN=Nobody,{CUSTOMER}")
        assert raised.value.code == Code.NO_SUCH_OBJECT
