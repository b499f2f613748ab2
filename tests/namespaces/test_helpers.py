"""Managed Helpers and Managed Active Directory, called directly by a sender who may call private procedures."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from lxml import etree

from tests.namespaces.support import ALPINE, HOSTING, JOHN, MESSENGER, POOL1, Site, ldap, pointer

HELPERS = "Managed Helpers"
AD = "Managed Active Directory"
PROPERTIES = (
    '<properties><property name="poolTag"><value>Lab=A &lt;1&gt;</value></property>'
    '<property name="poolStatus"><value>Available</value></property></properties>'
)
GUID = "F2864B2154204460BC035BDF8A760C45"


def data(site: Site, namespace: str, procedure: str, content: str) -> etree._Element:
    result = site.submit_raw(namespace, procedure, content)
    assert result.error is None, result.document.decode()
    found = etree.fromstring(result.document).find("data")
    assert found is not None
    return found


def list_of(content: str = "", organization: str = ALPINE) -> str:
    return f"<path>{ldap(organization)}</path><list>Things</list>{content}"


def ldap_of(site: Site, dn: str) -> str:
    """The path that procedures return when they are given no domain controller."""
    return ldap(str(site.read(dn).dn))


def code(site: Site, namespace: str, procedure: str, content: str) -> tuple[int, str]:
    error = site.submit_raw(namespace, procedure, content).error
    assert error is not None
    return error.code, error.description


class TestServicePointers:
    @pytest.mark.parametrize("procedure", ["CreateServicePointer", "CreateServicePointer_"])
    def test_what_is_created_is_found(self, site: Site, procedure: str) -> None:
        owner = f"<owner>{MESSENGER}</owner>"
        assert len(data(site, HELPERS, procedure, list_of(f"<name>one, two</name>{owner}{PROPERTIES}"))) == 0
        found = data(site, HELPERS, "GetServicePointer_", list_of("<name>ONE, TWO</name>"))
        assert [child.tag for child in found] == ["servicePointer"]
        assert found[0].get("name") == "one, two"
        assert found[0].findtext("owner") == site.read(MESSENGER).text("distinguishedName")
        values = {(p.get("name"), p.findtext("value")) for p in found.iterfind("servicePointer/properties/property")}
        assert values == {("poolTag", "Lab=A <1>"), ("poolStatus", "Available")}

    def test_the_list_is_created_once_and_can_be_the_hosting_units(self, site: Site) -> None:
        for name in ("pool01.fabrikam.com", "pool02.fabrikam.com"):
            data(site, HELPERS, "CreateServicePointer_", list_of(f"<name>{name}</name>", HOSTING))
        assert site.read(pointer(HOSTING, "Things", "pool02.fabrikam.com")).text("cn") == "pool02.fabrikam.com"
        found = data(site, HELPERS, "QueryServicePointers_", list_of("", HOSTING))
        assert [p.get("name") for p in found.iterfind("servicePointers/servicePointer")] == [
            "pool01.fabrikam.com",
            "pool02.fabrikam.com",
        ]

    def test_a_second_one_exists_already(self, site: Site) -> None:
        data(site, HELPERS, "CreateServicePointer_", list_of("<name>one</name>"))
        expected = (0x80004005, "The service pointer 'One' exists already.")
        assert code(site, HELPERS, "CreateServicePointer_", list_of("<name>One</name>")) == expected

    def test_one_that_is_missing_does_not_exist(self, site: Site) -> None:
        expected = (0x80004005, "The service pointer 'one' does not exist.")
        missing = ("DeleteServicePointer", "DeleteServicePointer_", "GetServicePointer_", "SetServicePointerProperties_")
        for procedure in missing:
            assert code(site, HELPERS, procedure, list_of("<name>one</name>")) == expected

    def test_properties_that_are_named_get_new_values_and_the_others_stay(self, site: Site) -> None:
        data(site, HELPERS, "CreateServicePointer_", list_of(f"<name>one</name>{PROPERTIES}"))
        new = (
            '<properties><property name="poolTag"><value>LabB</value></property>'
            '<property name="colour"><value>blue</value></property></properties>'
        )
        content = list_of(f"<name>ONE</name><owner>{POOL1}</owner>{new}")
        assert len(data(site, HELPERS, "SetServicePointerProperties_", content)) == 0
        found = data(site, HELPERS, "GetServicePointer_", list_of("<name>one</name>"))[0]
        values = {p.get("name"): p.findtext("value") for p in found.iterfind("properties/property")}
        assert values == {"poolTag": "LabB", "poolStatus": "Available", "colour": "blue"}
        assert found.findtext("owner") == site.read(POOL1).text("distinguishedName")

    def test_a_change_without_properties_changes_nothing(self, site: Site) -> None:
        data(site, HELPERS, "CreateServicePointer_", list_of(f"<name>one</name><owner>{POOL1}</owner>{PROPERTIES}"))
        before = site.snapshot()
        data(site, HELPERS, "SetServicePointerProperties_", list_of("<name>one</name>"))
        data(site, HELPERS, "SetServicePointerProperties_", list_of("<name>one</name><properties/>"))
        assert site.snapshot() == before

    def test_what_is_deleted_is_gone(self, site: Site) -> None:
        for procedure in ("DeleteServicePointer", "DeleteServicePointer_"):
            data(site, HELPERS, "CreateServicePointer_", list_of("<name>one</name>"))
            data(site, HELPERS, procedure, list_of("<name>one</name>"))
            assert len(data(site, HELPERS, "QueryServicePointers_", list_of())[0]) == 0

    def test_a_list_that_does_not_exist_is_empty(self, site: Site) -> None:
        found = data(site, HELPERS, "QueryServicePointers_", list_of())
        assert etree.tostring(found) == b"<data><servicePointers/></data>"

    def test_a_query_by_name_and_owner(self, site: Site) -> None:
        for name, owner in (("a", ALPINE), ("b", MESSENGER)):
            data(site, HELPERS, "CreateServicePointer_", list_of(f"<name>{name}</name><owner>{owner}</owner>"))
        for content, expected in (
            ("<name>a</name>", ["a"]),
            (f"<owner>{MESSENGER.upper()}</owner>", ["b"]),
            (f"<name>a</name><owner>{MESSENGER}</owner>", []),
            ("<name>*</name>", []),
            ("<name>a)(cn~*</name>", []),
        ):
            found = data(site, HELPERS, "QueryServicePointers_", list_of(content))
            assert [p.get("name") for p in found.iterfind("servicePointers/servicePointer")] == expected

    @pytest.mark.parametrize("name", ["a,b", '#a+"<>;\\', "*", "ä (1)", "a/b", "a b", "x" * 64])
    def test_any_name_is_a_value_and_never_a_part_of_a_dn(self, site: Site, name: str) -> None:
        escaped = f"<name>{escape(name)}</name>"
        data(site, HELPERS, "CreateServicePointer_", list_of(escaped))
        found = data(site, HELPERS, "QueryServicePointers_", list_of())
        assert [p.get("name") for p in found.iterfind("servicePointers/servicePointer")] == [name]
        data(site, HELPERS, "DeleteServicePointer_", list_of(escaped))

    @pytest.mark.parametrize("name", ["", " a", "a ", "CN=a", "a,CN=b", "x" * 65])
    def test_a_name_that_could_be_taken_for_another_is_refused(self, site: Site, name: str) -> None:
        assert code(site, HELPERS, "CreateServicePointer_", list_of(f"<name>{name}</name>"))[0] == 0x80070057

    def test_private_procedures_are_not_for_everybody(self, site: Site) -> None:
        result = site.submit_raw(HELPERS, "DeleteServicePointer_", list_of("<name>one</name>"), trusted=False)
        assert result.error is not None
        assert result.error.code == 0x80070005


class TestWellKnownObjects:
    def test_set_get_and_remove(self, site: Site) -> None:
        what = f"<object>{ldap(ALPINE)}</object><guid>{GUID.lower()}</guid>"
        assert len(data(site, AD, "SetOtherWellKnownObject_", f"{what}<distinguishedName>{POOL1}</distinguishedName>")) == 0
        expected = site.read(POOL1).text("distinguishedName")
        for procedure in ("GetOtherWellKnownObject", "GetOtherWellKnownObject2", "GetOtherWellKnownObject2_"):
            found = data(site, AD, procedure, what)
            assert [(child.tag, child.text) for child in found] == [
                ("distinguishedName", expected),
                ("path", f"LDAP://{expected}"),
            ]
        data(site, AD, "SetOtherWellKnownObject_", what)
        for procedure in ("GetOtherWellKnownObject", "GetOtherWellKnownObject2", "GetOtherWellKnownObject2_"):
            assert len(data(site, AD, procedure, what)) == 0

    def test_a_guid_that_is_none_is_refused(self, site: Site) -> None:
        what = f"<object>{ldap(ALPINE)}</object><guid>{{{GUID}}}</guid>"
        assert code(site, AD, "GetOtherWellKnownObject2_", what)[0] == 0x80070057


class TestOrganizations:
    def test_the_root_of_a_user_and_of_the_organization_itself(self, site: Site) -> None:
        for start in (JOHN, ALPINE):
            found = data(site, AD, "GetThisOrganizationRoot", f"<path>{ldap(start)}</path>")
            assert [(child.tag, child.text) for child in found] == [("root", ldap_of(site, ALPINE))]

    def test_the_owner_is_the_reseller(self, site: Site) -> None:
        found = data(site, AD, "GetForeignOwnerOrg", f"<path>{ldap(ALPINE)}</path>")
        assert [(child.tag, child.text) for child in found] == [("owner", ldap_of(site, MESSENGER))]

    def test_the_hosting_unit(self, site: Site) -> None:
        found = data(site, AD, "GetHostingRoot_", f"<object>{ldap(JOHN)}</object>")
        assert [(child.tag, child.text) for child in found] == [("path", ldap_of(site, HOSTING))]

    def test_permissions_are_tested_by_reading(self, site: Site) -> None:
        found = data(site, AD, "TestPermissions_", f"<object>{ldap(ALPINE.upper())}</object>")
        assert [(child.tag, child.text) for child in found] == [
            ("path", ldap_of(site, ALPINE)),
            ("distinguishedName", site.read(ALPINE).text("distinguishedName")),
        ]
        assert code(site, AD, "TestPermissions_", f"<object>{ldap('OU=No,' + HOSTING)}</object>")[0] == 0x80072030


class TestRethrow:
    def run(self, site: Site, expected: str, text: str = "", *, hr: str = "0x80004005") -> int | None:
        wanted = f"<expectedText>{text}</expectedText>" if text else ""
        result = site.submit_steps(
            f"""<try><execute namespace="Error Provider" procedure="SetError" impersonate="1"><executeData><hr>{hr}</hr>
            <desc>The pointer exists already.</desc></executeData></execute></try>
            <catch><execute namespace="{AD}" procedure="RethrowError_" impersonate="1"><executeData><expectedCode>{expected}</expectedCode>
            {wanted}</executeData></execute></catch>"""
        )
        return result.error.code if result.error else None

    def test_the_expected_error_is_swallowed(self, site: Site) -> None:
        assert self.run(site, "0x80004005") is None
        assert self.run(site, "0X80004005", "exists already") is None
        assert self.run(site, "0x8000ABCD", hr="0x8000abcd") is None

    def test_every_other_is_raised_again(self, site: Site) -> None:
        assert self.run(site, "0x80004004") == 0x80004005
        assert self.run(site, "0x80004005", "does not exist") == 0x80004005

    def test_outside_of_a_catch_there_is_nothing_to_raise(self, site: Site) -> None:
        assert len(data(site, AD, "RethrowError_", "<expectedCode>0x80004005</expectedCode>")) == 0
