"""Adding, deleting, renaming: the shape of the tree."""

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

ANY = Filter.present("objectClass")


class TestAdd:
    def test_generates_what_active_directory_generates(self, site: Site) -> None:
        entry = site.entry(site.user("John Doe"))
        assert entry.values("objectClass") == ("top", "person", "organizationalPerson", "user")
        assert entry.text("cn") == entry.text("name") == "John Doe"
        assert entry.text("distinguishedName") == "CN=John Doe,OU=Hosting,DC=Fabrikam,DC=Com"
        assert entry.text("objectCategory") == "CN=Person,CN=Schema,CN=Configuration,DC=Fabrikam,DC=Com"
        assert UUID(bytes_le=entry.octets("objectGUID") or b"").version == 4
        assert entry.text("whenCreated") == entry.text("whenChanged")
        assert entry.text("userAccountControl") == "546"
        assert entry.text("primaryGroupID") == "513"
        assert entry.text("sAMAccountType") == "805306368"
        assert entry.text("instanceType") == "4"
        domain = sid_to_text(site.entry(BASE).octets("objectSid") or b"")
        own = sid_to_text(entry.octets("objectSid") or b"")
        assert own.rpartition("-")[0] == domain
        assert int(own.rpartition("-")[2]) > 1000

    def test_no_two_objects_share_guid_or_sid(self, site: Site) -> None:
        entries = [site.entry(site.user(f"u{number}")) for number in range(5)]
        assert len({entry.octets("objectGUID") for entry in entries}) == 5
        assert len({entry.octets("objectSid") for entry in entries}) == 5

    def test_a_group_is_global_and_for_security_by_default(self, site: Site) -> None:
        entry = site.entry(site.put(HOSTING.child("CN", "g"), "group"))
        assert entry.text("groupType") == "-2147483646"
        assert entry.text("sAMAccountType") == "268435456"
        assert (entry.text("sAMAccountName") or "").startswith("$")

    def test_the_name_takes_the_containers_spelling(self, site: Site) -> None:
        site.put(Dn.parse("cn=Kim  Akers,ou=HOSTING,dc=fabrikam,dc=COM"), "user")
        assert str(site.entry(Dn.parse("CN=kim akers,OU=Hosting,DC=Fabrikam,DC=Com")).dn) == (
            "CN=Kim  Akers,OU=Hosting,DC=Fabrikam,DC=Com"
        )

    def test_a_name_with_special_characters(self, site: Site) -> None:
        dn = site.user('a,b+c"d=e\\f', sAMAccountName="x")
        assert site.entry(dn).text("cn") == 'a,b+c"d=e\\f'
        assert site.entry(Dn.parse(site.entry(dn).text("distinguishedName") or "")).dn == dn

    def test_needs_its_container(self, site: Site) -> None:
        with refused(Code.NO_SUCH_OBJECT):
            site.user("x", HOSTING.child("OU", "Nobody"))

    def test_needs_to_be_in_the_domain(self, site: Site) -> None:
        for text in ("DC=Other", "CN=x,DC=Com", "DC=Com"):
            kind = "domainDNS" if text.startswith("DC") else "user"
            with refused(Code.NO_SUCH_OBJECT):
                site.put(Dn.parse(text), kind)

    def test_a_name_is_taken_whatever_its_spelling(self, site: Site) -> None:
        site.user("John Doe")
        for name in ("John Doe", "john doe", "JOHN  DOE"):
            with refused(Code.OBJECT_ALREADY_EXISTS):
                site.user(name, sAMAccountName="other")

    @pytest.mark.parametrize(
        ("dn", "object_class", "code"),
        [
            (HOSTING.child("OU", "x"), "user", Result.NAMING_VIOLATION),
            (HOSTING.child("CN", "x"), "organizationalUnit", Result.NAMING_VIOLATION),
            (BASE.child("CN", "Users").child("OU", "x"), "organizationalUnit", Result.NAMING_VIOLATION),
            (HOSTING.child("CN", "x"), "noSuchClass", Result.NO_ATTRIBUTE_OR_VALUE),
            (HOSTING.child("CN", "x"), "top", Result.OBJ_CLASS_VIOLATION),
            (HOSTING.child("CN", "x"), "mailRecipient", Result.OBJ_CLASS_VIOLATION),
            (HOSTING.child("CN", "x" * 65), "user", Result.CONSTRAINT_VIOLATION),
            (Dn.parse("<SID=S-1-5-32-544>"), "user", 0x80005000),
        ],
    )
    def test_impossible_places_and_classes(self, site: Site, dn: Dn, object_class: str, code: int) -> None:
        with refused(code):
            site.put(dn, object_class)

    def test_classes_must_belong_together(self, site: Site) -> None:
        dn = HOSTING.child("CN", "x")
        with refused(Result.OBJ_CLASS_VIOLATION):
            site.directory.add(dn, {"objectClass": ["user", "group"]})
        with refused(Result.OBJ_CLASS_VIOLATION):
            site.directory.add(dn, {"cn": ["x"]})
        site.directory.add(dn, {"objectclass": ["top", "person", "user", "organizationalPerson"]})
        assert site.entry(dn).values("objectClass")[-1] == "user"

    @pytest.mark.parametrize(
        ("attribute", "value", "code"),
        [
            ("noSuchAttribute", "x", Result.NO_ATTRIBUTE_OR_VALUE),
            ("keywords", "x", Result.OBJ_CLASS_VIOLATION),
            ("member", str(HOSTING), Result.OBJ_CLASS_VIOLATION),
            ("memberOf", str(HOSTING), Result.UNWILLING_TO_PERFORM),
            ("objectSid", b"x", Result.CONSTRAINT_VIOLATION),
            ("whenCreated", "20200101000000.0Z", Result.CONSTRAINT_VIOLATION),
            ("tokenGroups", b"x", Result.UNWILLING_TO_PERFORM),
            ("nTSecurityDescriptor", b"x", Code.E_NOTIMPL),
            ("cn", "another", Result.NAMING_VIOLATION),
            ("displayName", "", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("displayName", "a\0b", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("displayName", "\ud800", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("displayName", b"\xff", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("displayName", "x" * 257, Result.CONSTRAINT_VIOLATION),
            ("msRTCSIP-ArchivingEnabled", "128", Result.CONSTRAINT_VIOLATION),
            ("msRTCSIP-ArchivingEnabled", "one", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("msRTCSIP-OptionFlags", "2147483648", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("msRTCSIP-OptionFlags", "٣", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("msRTCSIP-UserEnabled", "true", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("msRTCSIP-PrimaryHomeServer", "nonsense", Result.INVALID_DN_SYNTAX),
            ("msRTCSIP-PrimaryHomeServer", "CN=Nobody,DC=Fabrikam,DC=Com", Code.NO_SUCH_OBJECT),
            ("msRTCSIP-UserPolicy", str(HOSTING), Result.INVALID_ATTRIBUTE_SYNTAX),
            ("msRTCSIP-UserPolicy", f"B:8:0000001:{HOSTING}", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("msRTCSIP-UserPolicy", f"B:7:0000001:{HOSTING}", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("otherWellKnownObjects", f"B:8:00000001:{HOSTING}", Result.CONSTRAINT_VIOLATION),
            ("msRTCSIP-OriginatorSid", b"xx", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("msRTCSIP-TenantId", "text", Result.INVALID_ATTRIBUTE_SYNTAX),
            ("msRTCSIP-TenantId", bytes(17), Result.CONSTRAINT_VIOLATION),
            ("primaryGroupID", "99999", Result.UNWILLING_TO_PERFORM),
        ],
    )
    def test_impossible_attributes(self, site: Site, attribute: str, value: str | bytes, code: int) -> None:
        with refused(code):
            site.user("x", HOSTING, **{attribute: [value]})
        assert site.names("cn=x") == []

    def test_values(self, site: Site) -> None:
        with refused(Result.CONSTRAINT_VIOLATION):
            site.user("x", displayName=[])
        with refused(Result.CONSTRAINT_VIOLATION):
            site.user("x", displayName=["a", "b"])
        with refused(Result.ATTRIBUTE_OR_VALUE_EXISTS):
            site.user("x", proxyAddresses=["sip:a@b.c", "SIP:A@b.c"])
        dn = site.user("x", proxyAddresses=["smtp:z@b.c", "sip:a@b.c"])
        assert site.values(dn, "PROXYADDRESSES") == ["smtp:z@b.c", "sip:a@b.c"]


class TestDelete:
    def test_the_name_is_free_afterwards(self, site: Site) -> None:
        dn = site.user("x")
        guid = site.entry(dn).octets("objectGUID")
        site.directory.delete(dn)
        assert site.directory.read(dn) is None
        assert site.entry(site.user("x")).octets("objectGUID") != guid

    def test_not_what_is_not_there(self, site: Site) -> None:
        with refused(Code.NO_SUCH_OBJECT):
            site.directory.delete(HOSTING.child("CN", "x"))

    def test_not_a_container_that_holds_something(self, site: Site) -> None:
        site.user("x")
        with refused(Result.CANT_ON_NON_LEAF):
            site.directory.delete(HOSTING)

    def test_not_what_the_domain_needs(self, site: Site) -> None:
        users = BASE.child("CN", "Users")
        for dn in (users.child("CN", "Domain Users"), users.child("CN", "Administrator"), BASE.child("CN", "System")):
            with refused(Result.UNWILLING_TO_PERFORM):
                site.directory.delete(dn)
            with refused(Result.UNWILLING_TO_PERFORM):
                site.directory.rename(dn, HOSTING.child("CN", "x"))


class TestRename:
    def test_name_and_place_change_and_identity_stays(self, site: Site) -> None:
        dn, other = site.user("x"), site.unit("Other")
        before = site.entry(dn)
        new = other.child("CN", "y")
        site.directory.rename(dn, new)
        after = site.entry(new)
        assert site.directory.read(dn) is None
        assert after.text("cn") == after.text("name") == "y"
        assert after.text("distinguishedName") == str(new)
        for attribute in ("objectGUID", "objectSid"):
            assert after.octets(attribute) == before.octets(attribute)
        assert after.text("sAMAccountName") == "x"

    def test_all_below_goes_along(self, site: Site) -> None:
        one = site.unit("One", HOSTING)
        two = site.unit("Two", one)
        site.user("a,b", two)
        site.unit("One more", HOSTING)
        site.directory.rename(one, BASE.child("OU", "Moved"))
        moved = BASE.child("OU", "Moved").child("OU", "Two").child("CN", "a,b")
        assert str(site.entry(moved).dn) == r"CN=a\,b,OU=Two,OU=Moved,DC=Fabrikam,DC=Com"
        assert [str(entry.dn) for entry in site.directory.search(HOSTING, Scope.SUBTREE, ANY)] == [
            str(HOSTING),
            f"OU=One more,{HOSTING}",
        ]

    def test_the_case_of_a_name_can_be_changed(self, site: Site) -> None:
        dn = site.user("john")
        site.directory.rename(dn, HOSTING.child("CN", "John"))
        assert site.values(dn, "cn") == ["John"]
        assert str(site.entry(dn).dn).startswith("CN=John,")

    @pytest.mark.parametrize(
        ("new", "code"),
        [
            (HOSTING.child("CN", "taken"), Code.OBJECT_ALREADY_EXISTS),
            (HOSTING.child("OU", "Nobody").child("OU", "x"), Code.NO_SUCH_OBJECT),
            (HOSTING.child("CN", "x"), Result.NAMING_VIOLATION),
            (BASE.child("CN", "Users").child("OU", "x"), Result.NAMING_VIOLATION),
            (HOSTING.child("OU", "Unit").child("OU", "x"), Result.UNWILLING_TO_PERFORM),
        ],
    )
    def test_impossible_names(self, site: Site, new: Dn, code: int) -> None:
        unit = site.unit("Unit", HOSTING)
        site.user("taken")
        subject = site.user("subject") if new.rdn.value == "taken" else unit
        with refused(code):
            site.directory.rename(subject, new)
        assert site.entry(unit).text("ou") == "Unit"

    def test_not_what_is_not_there(self, site: Site) -> None:
        with refused(Code.NO_SUCH_OBJECT):
            site.directory.rename(HOSTING.child("CN", "x"), HOSTING.child("CN", "y"))


class TestOtherNames:
    def test_guid_and_sid(self, site: Site) -> None:
        dn = site.user("x")
        entry = site.entry(dn)
        guid, sid = entry.octets("objectGUID"), entry.octets("objectSid")
        assert guid is not None
        assert sid is not None
        by_guid = Dn.by_guid(UUID(bytes_le=guid))
        assert site.entry(by_guid).dn == dn
        assert site.entry(Dn.by_sid(sid_to_text(sid))).dn == dn
        site.directory.rename(dn, HOSTING.child("CN", "y"))
        site.modify(by_guid, add("displayName", "Y"))
        assert site.entry(HOSTING.child("CN", "y")).text("displayName") == "Y"
        site.directory.delete(by_guid)
        assert site.directory.read(by_guid) is None

    def test_well_known_containers(self, site: Site) -> None:
        users = Dn.parse("<WKGUID=a9d1ca15768811d1aded00c04fd8d5cd,DC=Fabrikam,DC=Com>")
        assert site.entry(users).dn == BASE.child("CN", "Users")

    def test_other_well_known_objects(self, site: Site) -> None:
        guid = "F2864B2154204460BC035BDF8A760C45"
        dn = site.user("x")
        name = Dn.parse(f"<WKGUID={guid.lower()},{HOSTING}>")
        assert site.directory.read(name) is None
        site.modify(HOSTING, add("otherWellKnownObjects", f"B:32:{guid}:{dn}"))
        assert site.entry(name).dn == dn
        site.directory.delete(dn)
        assert site.directory.read(name) is None
