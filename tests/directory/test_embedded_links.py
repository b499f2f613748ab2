"""Values that name objects: they follow a rename, show up on the other side, and know when their object is gone."""

from __future__ import annotations

import pytest

from mpf_core.errors import Code
from mpf_directory.dn import Dn
from mpf_directory.results import Result
from tests.directory.support import BASE, HOSTING, Site, add, refused, remove, replace

GUID = "F2864B2154204460BC035BDF8A760C45"


class TestMembership:
    def test_is_seen_from_both_sides(self, site: Site) -> None:
        user, group = site.user("u"), site.group("g")
        site.modify(group, add("member", "cn=U,ou=hosting,dc=fabrikam,dc=com"))
        assert site.values(group, "member") == [str(user)]
        assert site.values(user, "memberOf") == [str(group)]
        assert "memberOf" in site.entry(user).attributes

    def test_has_codes_of_its_own(self, site: Site) -> None:
        group = site.group("g", member=[str(site.user("u"))])
        with refused(Code.OBJECT_ALREADY_EXISTS):
            site.modify(group, add("member", str(HOSTING.child("CN", "U"))))
        with refused(Code.NO_SUCH_OBJECT):
            site.modify(group, add("member", str(HOSTING.child("CN", "nobody"))))
        with refused(Result.UNWILLING_TO_PERFORM):
            site.modify(group, remove("member", str(HOSTING)))
        site.modify(group, remove("member", str(HOSTING.child("CN", "U"))))
        assert site.values(group, "member") == []

    def test_takes_any_form_of_a_name(self, site: Site) -> None:
        user, group = site.user("u"), site.group("g")
        octets = site.entry(user).octets("objectGUID")
        assert octets is not None
        site.modify(group, add("member", f"<GUID={octets.hex()}>"))
        assert site.values(group, "member") == [str(user)]

    def test_follows_a_rename_of_the_member_and_of_its_container(self, site: Site) -> None:
        unit = site.unit("Unit", HOSTING)
        user = site.user("u", unit)
        group = site.group("g", member=[str(user)])
        site.directory.rename(user, unit.child("CN", "v"))
        site.directory.rename(unit, BASE.child("OU", "Moved"))
        assert site.values(group, "member") == ["CN=v,OU=Moved,DC=Fabrikam,DC=Com"]
        site.directory.rename(group, HOSTING.child("CN", "h"))
        moved = Dn.parse("CN=v,OU=Moved,DC=Fabrikam,DC=Com")
        assert site.values(moved, "memberOf") == [str(HOSTING.child("CN", "h"))]

    def test_ends_with_the_member_and_with_the_group(self, site: Site) -> None:
        one, two = site.user("one"), site.user("two")
        group = site.group("g", member=[str(one), str(two)])
        site.directory.delete(one)
        assert site.values(group, "member") == [str(two)]
        site.directory.delete(group)
        assert site.values(two, "memberOf") == []

    def test_a_new_object_of_an_old_name_is_no_member(self, site: Site) -> None:
        group = site.group("g", member=[str(site.user("u"))])
        site.directory.delete(HOSTING.child("CN", "u"))
        site.user("u")
        assert site.values(group, "member") == []


@pytest.mark.parametrize("attribute", ["msRTCSIP-UserPolicy", "otherWellKnownObjects"])
class TestNamesWithBinary:
    def digits(self, attribute: str) -> str:
        return "00000001" if attribute == "msRTCSIP-UserPolicy" else GUID

    def test_are_shown_in_one_way_and_follow_a_rename(self, site: Site, attribute: str) -> None:
        digits = self.digits(attribute)
        holder, target = site.user("u"), site.user("target")
        site.modify(holder, add(attribute, f"b:{len(digits)}:{digits.lower()}:cn=TARGET,ou=hosting,dc=fabrikam,dc=com"))
        assert site.values(holder, attribute) == [f"B:{len(digits)}:{digits}:{target}"]
        with refused(Result.ATTRIBUTE_OR_VALUE_EXISTS):
            site.modify(holder, add(attribute, f"B:{len(digits)}:{digits}:{target}"))
        site.directory.rename(target, HOSTING.child("CN", "renamed"))
        assert site.values(holder, attribute) == [f"B:{len(digits)}:{digits}:{HOSTING.child('CN', 'renamed')}"]
        site.modify(holder, remove(attribute, f"B:{len(digits)}:{digits}:{HOSTING.child('CN', 'renamed')}"))
        assert site.values(holder, attribute) == []

    def test_know_that_their_object_is_gone(self, site: Site, attribute: str) -> None:
        digits = self.digits(attribute)
        holder, target = site.user("u"), site.user("target")
        site.modify(holder, add(attribute, f"B:{len(digits)}:{digits}:{target}"))
        site.directory.delete(target)
        (value,) = site.values(holder, attribute)
        name = str(value).split(":", 3)[3]
        assert name.startswith("CN=target\\0ADEL:")
        assert name.endswith(",CN=Deleted Objects,DC=Fabrikam,DC=Com")
        assert site.directory.read(Dn.parse(name)) is None
        site.user("target")
        assert site.values(holder, attribute) == [value]


class TestOtherNames:
    def test_a_value_may_name_its_own_object(self, site: Site) -> None:
        value = f"B:32:{GUID}:{HOSTING}"
        site.modify(HOSTING, add("otherWellKnownObjects", value))
        site.directory.rename(HOSTING, BASE.child("OU", "Renamed"))
        assert site.values(BASE.child("OU", "Renamed"), "otherWellKnownObjects") == [value.replace("Hosting", "Renamed")]
        site.directory.delete(BASE.child("OU", "Renamed"))

    def test_a_single_name_can_be_replaced_when_its_object_is_gone(self, site: Site) -> None:
        user, old, new = site.user("u"), site.user("old"), site.user("new")
        site.modify(user, replace("msRTCSIP-PrimaryHomeServer", str(old)))
        site.directory.delete(old)
        assert "DEL:" in str(site.values(user, "msRTCSIP-PrimaryHomeServer")[0])
        site.modify(user, replace("msRTCSIP-PrimaryHomeServer", str(new)))
        assert site.values(user, "msRTCSIP-PrimaryHomeServer") == [str(new)]

    def test_the_back_link_of_a_single_link(self, site: Site) -> None:
        boss, one, two = site.user("boss"), site.user("one"), site.user("two")
        for user in (two, one):
            site.modify(user, replace("manager", str(boss)))
        assert site.values(boss, "directReports") == [str(one), str(two)]
        site.directory.delete(boss)
        assert site.values(one, "manager") == []
