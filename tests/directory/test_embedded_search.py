"""Searches: bases and scopes, every kind of comparison, and three-valued logic."""

from __future__ import annotations

from uuid import UUID

import pytest

from mpf_core.errors import Code
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Scope
from mpf_directory.results import Result
from mpf_directory.sids import sid_to_text
from tests.directory.support import BASE, HOSTING, Site, add, refused


@pytest.fixture
def people(site: Site) -> Site:
    """Three users in two units, a contact, and nested groups."""
    alpine = site.unit("AlpineSkiHouse", HOSTING)
    john = site.user("John Doe", alpine, sAMAccountName="john", mail="john@x.com", proxyAddresses=["sip:john@x.com"])
    site.user("Jane Doe", alpine, sAMAccountName="jane", displayName="Jane (*)", userAccountControl="512")
    site.user("Kim", HOSTING, sAMAccountName="kim", **{"msRTCSIP-OptionFlags": "385", "msRTCSIP-UserEnabled": "TRUE"})
    site.put(alpine.child("CN", "Card"), "contact", mail="card@x.com")
    inner = site.group("inner", member=[str(john)])
    site.group("outer", member=[str(inner)])
    site.unit("AlpineSkiHouse 2", HOSTING)
    return site


class TestScope:
    def test_base(self, people: Site) -> None:
        assert people.names("objectClass=*", scope=Scope.BASE) == ["Hosting"]
        assert people.names("objectClass=user", scope=Scope.BASE) == []

    def test_one_level(self, people: Site) -> None:
        assert people.names("objectClass=*", scope=Scope.ONE_LEVEL) == [
            "inner",
            "Kim",
            "outer",
            "AlpineSkiHouse",
            "AlpineSkiHouse 2",
        ]

    def test_subtree_holds_its_base_and_no_neighbours(self, people: Site) -> None:
        alpine = HOSTING.child("OU", "AlpineSkiHouse")
        assert people.names("objectClass=*", alpine) == ["AlpineSkiHouse", "Card", "Jane Doe", "John Doe"]

    def test_a_base_in_another_form(self, people: Site) -> None:
        octets = people.entry(HOSTING).octets("objectGUID")
        assert octets is not None
        assert people.names("cn=kim", Dn.by_guid(UUID(bytes_le=octets))) == ["Kim"]

    @pytest.mark.parametrize("scope", Scope)
    def test_the_base_must_exist(self, people: Site, scope: Scope) -> None:
        with refused(Code.NO_SUCH_OBJECT):
            people.directory.search(HOSTING.child("OU", "x"), scope, Filter.present("cn"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cn=kim", ["Kim"]),
        ("CN=KIM", ["Kim"]),
        ("cn=john  DOE", ["John Doe"]),
        ("cn=*doe", ["Jane Doe", "John Doe"]),
        ("cn=j*n*", ["Jane Doe", "John Doe"]),
        ("cn=*o*o*", ["John Doe"]),
        ("cn=j*d*e", ["Jane Doe", "John Doe"]),
        ("cn=John D*hn Doe", []),
        ("cn=*", ["inner", "Kim", "outer", "Card", "Jane Doe", "John Doe"]),
        (r"displayName=jane \28\2a\29", ["Jane Doe"]),
        (r"displayName=*\2a*", ["Jane Doe"]),
        ("mail=*", ["Card", "John Doe"]),
        ("mail=*@x.com", ["Card", "John Doe"]),
        ("(&(objectClass=user)(mail=*))", ["John Doe"]),
        ("(&(objectCategory=person)(objectClass=contact))", ["Card"]),
        ("objectCategory=CN=Group,CN=Schema,CN=Configuration,DC=Fabrikam,DC=Com", ["inner", "outer"]),
        ("objectCategory=group", ["inner", "outer"]),
        ("objectClass=organizationalPerson", ["Kim", "Card", "Jane Doe", "John Doe"]),
        ("(|(cn=kim)(cn=card))", ["Kim", "Card"]),
        ("(|(cn=kim)(!(objectClass=person)))", ["Hosting", "inner", "Kim", "outer", "AlpineSkiHouse", "AlpineSkiHouse 2"]),
        ("(&(objectClass=user)(!(mail=*)))", ["Kim", "Jane Doe"]),
        ("(&(objectClass=user)(!(mail=john@x.com)))", ["Kim", "Jane Doe"]),
        ("msRTCSIP-OptionFlags=385", ["Kim"]),
        ("msRTCSIP-OptionFlags>=385", ["Kim"]),
        ("msRTCSIP-OptionFlags>=1000", []),
        ("msRTCSIP-OptionFlags<=1000", ["Kim"]),
        ("msRTCSIP-OptionFlags:1.2.840.113556.1.4.803:=257", ["Kim"]),
        ("msRTCSIP-OptionFlags:1.2.840.113556.1.4.803:=66", []),
        ("msRTCSIP-OptionFlags:1.2.840.113556.1.4.804:=65", ["Kim"]),
        ("groupType:1.2.840.113556.1.4.803:=2147483648", ["inner", "outer"]),
        ("(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))", ["Jane Doe"]),
        ("msRTCSIP-UserEnabled=TRUE", ["Kim"]),
        ("msRTCSIP-UserEnabled=FALSE", []),
        ("sAMAccountName~=KIM", ["Kim"]),
        ("whenCreated>=20000101000000.0Z", ["Hosting", "inner", "Kim", "outer", "AlpineSkiHouse", "Card", "Jane Doe", "John Doe", "AlpineSkiHouse 2"]),
        ("distinguishedName=cn=kim,ou=hosting,dc=fabrikam,dc=com", ["Kim"]),
        ("(&(distinguishedName=*)(cn=kim))", ["Kim"]),
        ("member=CN=John Doe,OU=AlpineSkiHouse,OU=Hosting,DC=Fabrikam,DC=Com", ["inner"]),
        ("memberOf=CN=inner,OU=Hosting,DC=Fabrikam,DC=Com", ["John Doe"]),
        ("memberOf=*", ["inner", "John Doe"]),
        ("(&(objectClass=group)(!(memberOf=*)))", ["outer"]),
        ("member:1.2.840.113556.1.4.1941:=CN=John Doe,OU=AlpineSkiHouse,OU=Hosting,DC=Fabrikam,DC=Com", ["inner", "outer"]),
        ("memberOf:1.2.840.113556.1.4.1941:=CN=outer,OU=Hosting,DC=Fabrikam,DC=Com", ["inner", "John Doe"]),
        ("member=CN=Nobody,DC=Fabrikam,DC=Com", []),
        ("(&(cn=kim)(!(member=CN=Nobody,DC=Fabrikam,DC=Com)))", ["Kim"]),
        # Undefined comparisons are neither true nor false.
        ("noSuchAttribute=x", []),
        ("(!(noSuchAttribute=x))", []),
        ("(|(noSuchAttribute=x)(cn=kim))", ["Kim"]),
        ("(!(&(noSuchAttribute=x)(cn=nobody)))", ["Hosting", "inner", "Kim", "outer", "AlpineSkiHouse", "Card", "Jane Doe", "John Doe", "AlpineSkiHouse 2"]),
        ("msRTCSIP-OptionFlags=x", []),
        ("(!(msRTCSIP-OptionFlags=x))", []),
        ("(!(unicodePwd=*))", []),
        ("(!(member=*x*))", []),
        ("tokenGroups=*", []),
        ("(!(cn:1.2.3:=x))", []),
        ("(|)", []),
        ("(&(&)(cn=kim))", ["Kim"]),
    ],
)  # fmt: skip
def test_filters(people: Site, text: str, expected: list[str]) -> None:
    assert people.names(text) == expected


def test_octets_in_every_form(people: Site) -> None:
    entry = people.entry(HOSTING.child("CN", "Kim"))
    guid, sid = entry.octets("objectGUID"), entry.octets("objectSid")
    assert guid is not None
    assert sid is not None
    for wanted in (
        Filter.eq("objectGUID", guid),
        Filter.parse(str(Filter.eq("objectGUID", guid))),
        Filter.eq("objectGUID", str(UUID(bytes_le=guid))),
        Filter.eq("objectSid", sid),
        Filter.eq("objectSid", sid_to_text(sid)),
    ):
        assert [found.dn for found in people.directory.search(BASE, Scope.SUBTREE, wanted)] == [entry.dn]


def test_nested_groups_may_go_round_in_circles(people: Site) -> None:
    inner, outer = HOSTING.child("CN", "inner"), HOSTING.child("CN", "outer")
    people.modify(inner, add("member", str(outer)))
    assert people.names(str(Filter.in_chain("memberOf", str(outer)))) == ["inner", "outer", "John Doe"]


def test_a_value_with_blanks_is_found_by_its_parts(people: Site) -> None:
    people.user("Far   Away")
    assert people.names("cn=far a*") == ["Far   Away"]
    assert people.names("cn= far*") == ["Far   Away"]
    assert people.names("cn=*r  aw*") == ["Far   Away"]


def test_only_what_is_asked_for_is_read(people: Site) -> None:
    (entry,) = people.directory.search(BASE, Scope.SUBTREE, Filter.eq("sAMAccountName", "john"), ["MAIL", "memberof", "no"])
    assert dict(entry.attributes) == {"mail": ("john@x.com",), "memberOf": (str(HOSTING.child("CN", "inner")),)}
    (entry,) = people.directory.search(BASE, Scope.SUBTREE, Filter.eq("sAMAccountName", "john"), ["no"])
    assert dict(entry.attributes) == {}


def test_limit(people: Site) -> None:
    found = people.directory.search(BASE, Scope.SUBTREE, Filter.eq("objectClass", "user"), limit=2)
    assert len(list(found)) == 2
    assert list(people.directory.search(BASE, Scope.SUBTREE, Filter.eq("objectClass", "user"), limit=0)) == []


def test_a_large_result_may_be_changed_while_it_is_taken(site: Site) -> None:
    unit = site.unit("Many", HOSTING)
    for number in range(250):
        site.put(unit.child("CN", f"{number:03}"), "container")
    found = site.directory.search(unit, Scope.ONE_LEVEL, Filter.present("cn"))
    first = next(found)
    site.directory.delete(unit.child("CN", "249"))
    rest = list(found)
    assert first.dn.rdn.value == "000"
    assert [entry.dn.rdn.value for entry in rest] == [f"{number:03}" for number in range(1, 249)]


def test_a_filter_of_many_parts(people: Site) -> None:
    nobody = [Filter.eq("cn", f"nobody {number}") for number in range(1000)]
    for count in (0, 98, 99, 100, 500, 998):
        assert people.names(str(Filter.or_(*nobody[:count], Filter.eq("cn", "kim")))) == ["Kim"]
        assert people.names(str(Filter.and_(*map(Filter.not_, nobody[: count // 2]), Filter.eq("cn", "kim")))) == ["Kim"]
    with refused(Result.ADMIN_LIMIT_EXCEEDED):
        people.names(str(Filter.or_(*nobody)))


def test_computed_attributes(people: Site) -> None:
    john = HOSTING.child("OU", "AlpineSkiHouse").child("CN", "John Doe")
    entry = people.entry(john, "canonicalName", "tokenGroups")
    assert entry.text("canonicalName") == "Fabrikam.Com/Hosting/AlpineSkiHouse/John Doe"
    assert people.values(BASE, "canonicalName") == ["Fabrikam.Com/"]
    groups = {sid_to_text(sid) for sid in entry.values("tokenGroups") if isinstance(sid, bytes)}
    names = {people.entry(Dn.by_sid(sid)).text("cn") for sid in groups}
    assert names == {"inner", "outer", "Domain Users"}
    assert "tokenGroups" not in people.entry(john).attributes
    rid = people.entry(HOSTING.child("CN", "inner"), "primaryGroupToken").text("primaryGroupToken")
    sid = people.entry(HOSTING.child("CN", "inner")).octets("objectSid")
    assert sid_to_text(sid or b"").rpartition("-")[2] == rid
