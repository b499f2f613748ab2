"""Modify: the three operations, what must hold afterwards, and that all of it happens or nothing."""

from __future__ import annotations

import pytest

from mpf_core.errors import Code
from mpf_directory.port import Modification
from mpf_directory.results import Result
from tests.directory.support import BASE, HOSTING, Site, add, refused, remove, replace


class TestAdd:
    def test_one_value_and_several(self, site: Site) -> None:
        dn = site.user("x")
        site.modify(dn, add("displayName", "X"), add("proxyAddresses", "b", "a"))
        site.modify(dn, add("proxyAddresses", "c"))
        assert site.values(dn, "displayName") == ["X"]
        assert site.values(dn, "proxyAddresses") == ["b", "a", "c"]

    def test_a_value_that_is_there_is_refused_whatever_its_case(self, site: Site) -> None:
        dn = site.user("x", proxyAddresses="sip:x@y.z")
        with refused(Result.ATTRIBUTE_OR_VALUE_EXISTS):
            site.modify(dn, add("proxyAddresses", "SIP:X@Y.Z"))

    def test_a_second_value_of_a_single_valued_attribute(self, site: Site) -> None:
        dn = site.user("x", displayName="X")
        with refused(Result.ATTRIBUTE_OR_VALUE_EXISTS):
            site.modify(dn, add("displayName", "Y"))
        with refused(Result.CONSTRAINT_VIOLATION):
            site.modify(dn, replace("displayName", "Y", "Z"))
        assert site.values(dn, "displayName") == ["X"]

    def test_no_value(self, site: Site) -> None:
        with refused(Result.CONSTRAINT_VIOLATION):
            site.modify(HOSTING, add("description"))


class TestDelete:
    def test_one_value_whatever_its_case(self, site: Site) -> None:
        dn = site.user("x", proxyAddresses=["a", "b"])
        site.modify(dn, remove("proxyAddresses", "A"))
        assert site.values(dn, "proxyAddresses") == ["b"]

    def test_all_values(self, site: Site) -> None:
        dn = site.user("x", proxyAddresses=["a", "b"])
        site.modify(dn, remove("proxyAddresses"))
        assert "proxyAddresses" not in site.entry(dn).attributes

    @pytest.mark.parametrize("modification", [remove("proxyAddresses"), remove("proxyAddresses", "c"), remove("mail", "c")])
    def test_what_is_not_there_is_refused(self, site: Site, modification: Modification) -> None:
        dn = site.user("x", proxyAddresses="a") if modification.values else site.user("x")
        with refused(Result.NO_ATTRIBUTE_OR_VALUE):
            site.modify(dn, modification)

    def test_a_mandatory_attribute_is_kept(self, site: Site) -> None:
        group = site.group("g")
        for modification in (remove("groupType"), replace("sAMAccountName"), remove("sAMAccountName", "g")):
            with refused(Result.OBJ_CLASS_VIOLATION):
                site.modify(group, modification)
        site.modify(group, remove("sAMAccountName", "g"), add("sAMAccountName", "h"))
        assert site.values(group, "sAMAccountName") == ["h"]


class TestReplace:
    def test_by_others_by_nothing_and_by_itself(self, site: Site) -> None:
        dn = site.user("x", proxyAddresses=["a", "b"])
        site.modify(dn, replace("proxyAddresses", "B", "c"))
        assert site.values(dn, "proxyAddresses") == ["B", "c"]
        site.modify(dn, replace("proxyAddresses"))
        assert site.values(dn, "proxyAddresses") == []
        site.modify(dn, replace("proxyAddresses"))
        with refused(Result.ATTRIBUTE_OR_VALUE_EXISTS):
            site.modify(dn, replace("proxyAddresses", "a", "A"))


def test_all_or_nothing(site: Site) -> None:
    dn = site.user("x", displayName="X", proxyAddresses="a")
    before = site.entry(dn)
    with refused(Result.NO_ATTRIBUTE_OR_VALUE):
        site.modify(dn, replace("displayName", "Y"), add("proxyAddresses", "b"), remove("mail"))
    assert site.entry(dn) == before


def test_parts_see_those_before_them(site: Site) -> None:
    dn = site.user("x", displayName="X")
    site.modify(dn, remove("displayName", "x"), add("displayName", "Y"), replace("mail", "a"), remove("mail", "A"))
    assert site.values(dn, "displayName") == ["Y"]
    assert site.values(dn, "mail") == []


@pytest.mark.parametrize(
    ("modification", "code"),
    [
        (replace("cn", "y"), Result.CANT_ON_RDN),
        (replace("objectClass", "contact"), Result.CANT_MOD_OBJ_CLASS),
        (replace("name", "y"), Result.CONSTRAINT_VIOLATION),
        (replace("objectGUID", bytes(16)), Result.CONSTRAINT_VIOLATION),
        (add("memberOf", str(HOSTING)), Result.UNWILLING_TO_PERFORM),
        (add("keywords", "y"), Result.OBJ_CLASS_VIOLATION),
        (add("noSuchAttribute", "y"), Result.NO_ATTRIBUTE_OR_VALUE),
        (replace("nTSecurityDescriptor", b"y"), Code.E_NOTIMPL),
        (replace("msRTCSIP-ArchivingEnabled", "128"), Result.CONSTRAINT_VIOLATION),
        (replace("msRTCSIP-OptionFlags", "1.5"), Result.INVALID_ATTRIBUTE_SYNTAX),
        (replace("primaryGroupID", "77"), Result.UNWILLING_TO_PERFORM),
    ],
)
def test_impossible_modifications(site: Site, modification: Modification, code: int) -> None:
    dn = site.user("x")
    with refused(code):
        site.modify(dn, modification)


def test_not_what_is_not_there(site: Site) -> None:
    with refused(Code.NO_SUCH_OBJECT):
        site.modify(HOSTING.child("CN", "x"), add("mail", "y"))


def test_numbers_are_written_in_one_way(site: Site) -> None:
    dn = site.user("x")
    site.modify(dn, replace("msRTCSIP-OptionFlags", "-0257"))
    assert site.values(dn, "msRTCSIP-OptionFlags") == ["-257"]


def test_octets_stay_octets(site: Site) -> None:
    dn = site.user("x")
    site.modify(dn, replace("msRTCSIP-TenantId", bytes(range(16))))
    assert site.values(dn, "msRTCSIP-TenantId") == [bytes(range(16))]


def test_the_kind_of_account_follows_its_flags(site: Site) -> None:
    group, user = site.group("g"), site.user("u")
    for group_type, expected in (("-2147483640", "268435456"), ("8", "268435457"), ("4", "536870913")):
        site.modify(group, replace("groupType", group_type))
        assert site.values(group, "sAMAccountType") == [expected]
    site.modify(user, replace("userAccountControl", "4096"))
    assert site.values(user, "sAMAccountType") == ["805306369"]


class TestUniqueNames:
    def test_two_accounts_cannot_share_a_name_in_the_domain(self, site: Site) -> None:
        one, two = site.user("one"), site.group("two", site.unit("Elsewhere"))
        with refused(Code.OBJECT_ALREADY_EXISTS):
            site.modify(two, replace("sAMAccountName", "ONE"))
        with refused(Code.OBJECT_ALREADY_EXISTS):
            site.user("three", sAMAccountName="One")
        site.modify(one, replace("sAMAccountName", "free"))
        site.modify(two, replace("sAMAccountName", "one"))

    def test_nor_a_principal_name(self, site: Site) -> None:
        site.user("one", userPrincipalName="johnc@alpineskihouse.com")
        with refused(Result.CONSTRAINT_VIOLATION):
            site.user("two", userPrincipalName="JohnC@AlpineSkiHouse.com")
        assert site.names("cn=two") == []


def test_whenchanged_moves_and_whencreated_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    dn = site.user("x")
    created = site.values(dn, "whenCreated")
    monkeypatch.setattr("mpf_directory.embedded_write.timestamp", lambda: "20991231235959.0Z")
    site.modify(dn, add("mail", "x@y.z"))
    assert site.values(dn, "whenChanged") == ["20991231235959.0Z"]
    assert site.values(dn, "whenCreated") == created
    assert site.values(BASE, "whenChanged") != ["20991231235959.0Z"]
