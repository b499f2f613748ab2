"""Create Object, Get Properties, Set Properties, Move Object, Rename Object."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Undo
from mpf_directory.dn import Dn
from mpf_directory.results import Result
from mpf_directory.xml_values import DATATYPES, values_of
from tests.providers.ad_site import BASE, CUSTOMER, GROUP, OTHER, RESELLER, USER, USER_CREATORS, Site, ldap, site_in

DC = "AD01.Fabrikam.com"
MISSING = f"CN=Nobody,{CUSTOMER}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        yield made


def properties(**values: str) -> str:
    inner = "".join(f'<property name="{name}"><value>{value}</value></property>' for name, value in values.items())
    return f"<properties>{inner}</properties>"


def values_in(element: etree._Element) -> dict[str, list[str | None]]:
    return {item.get("name", ""): [value.text for value in item] for item in element}


def code_of(site: Site, procedure: str, xml: str = "", **arguments: str) -> int:
    with pytest.raises(MpfError) as raised:
        site.prepare(procedure, xml, **arguments)
    return raised.value.code


class TestCreateObject:
    def create(
        self, site: Site, name: str = "New", class_: str = "contact", xml: str = "", container: str = CUSTOMER
    ) -> str:
        arguments = {"container": ldap(container), "class": class_, "name": name}
        path = site.write("Create Object", xml, **arguments).outputs["path"]
        assert path is not None
        return path

    def test_creates_it_with_its_properties_and_returns_its_path(self, site: Site) -> None:
        path = self.create(site, xml=properties(description="Ski instructor", displayName="New One"))
        assert path == ldap(f"CN=New,{CUSTOMER}")
        assert site.values(f"CN=New,{CUSTOMER}", "description") == ["Ski instructor"]

    def test_is_rolled_back_by_deleting_it(self, site: Site) -> None:
        snapshot = site.snapshot()
        done = site.write("Create Object", properties(sn="N"), container=ldap(CUSTOMER), name="N", **{"class": "user"})
        assert done.undo() is Undo.UNDONE
        assert site.snapshot() == snapshot

    def test_keeps_the_server_of_the_container(self, site: Site) -> None:
        arguments = {"container": ldap(CUSTOMER, DC), "class": "contact", "name": "New"}
        assert site.write("Create Object", **arguments).outputs == {"path": ldap(f"CN=New,{CUSTOMER}", DC)}
        assert set(site.directories.asked) == {DC}

    @pytest.mark.parametrize(
        ("class_", "name", "rdn"),
        [
            ("organizationalUnit", "Sales", "OU=Sales"),
            ("organizationalUnit", "OU=Sales", "OU=Sales"),
            ("contact", "cn=New", "CN=New"),
            ("contact", 'a, b+c=\\<d>;"#', 'CN=a\\, b\\+c\\=\\\\\\<d\\>\\;\\"#'),
            ("contact", "CN=a\\, b", "CN=a\\, b"),
            ("contact", "x=y", "CN=x\\=y"),
            ("contact", "a/b", "CN=a/b"),
        ],
    )
    def test_a_name_is_a_value_or_a_relative_name(self, site: Site, class_: str, name: str, rdn: str) -> None:
        path = self.create(site, name, class_)
        assert Dn.parse(path.removeprefix("LDAP://").replace("\\/", "/")) == Dn.parse(f"{rdn},{CUSTOMER}")
        assert site.find(f"{rdn},{CUSTOMER}") is not None

    @pytest.mark.parametrize(
        "name", ["a\tb", "CN=a\tb", r"CN=a\09b", "a\nb", "a\rb", r"CN=a\01b", "a\x7fb", "a\x85b", r"CN=\20"]
    )
    def test_a_name_that_nobody_could_read_or_type_is_refused(self, site: Site, name: str) -> None:
        arguments = {"container": ldap(CUSTOMER), "class": "contact", "name": name}
        assert code_of(site, "Create Object", **arguments) == Code.E_INVALIDARG
        assert code_of(site, "Rename Object", source=ldap(USER), name=name) == Code.E_INVALIDARG

    def test_what_another_tool_has_called_so_is_moved_and_deleted_like_anything(self, site: Site) -> None:
        unit = Dn.parse(CUSTOMER).child("OU", "a\tb")
        site.directory.add(unit, {"objectClass": ["organizationalUnit"]})
        site.directory.add(unit.child("CN", " "), {"objectClass": ["contact"]})
        site.write("Move Object", source=ldap(str(unit)), destination=ldap(RESELLER))
        moved = Dn.parse(RESELLER).child("OU", "a\tb")
        assert site.find(str(moved.child("CN", "  "))) is not None
        site.write("Delete Object", path=ldap(str(moved)))
        assert site.find(str(moved)) is None

    def test_a_name_cannot_reach_into_another_container(self, site: Site) -> None:
        arguments = {"container": ldap(CUSTOMER), "class": "contact", "name": "CN=New,OU=Other"}
        assert code_of(site, "Create Object", **arguments) == 0x80005000

    def test_what_exists_already_is_an_error_unless_it_is_to_be_ignored(self, site: Site) -> None:
        arguments = {"container": ldap(CUSTOMER), "class": "user", "name": "johnc@alpineskihouse.com"}
        assert code_of(site, "Create Object", **arguments) == Code.OBJECT_ALREADY_EXISTS
        done = site.prepare("Create Object", "<flagIgnoreAlreadyExistsError/>", **arguments)
        assert done.change.data is None
        assert set(done.outputs) == {"path", "flagSkipAction"}

    def test_the_container_must_exist(self, site: Site) -> None:
        with pytest.raises(MpfError) as raised:
            self.create(site, container=MISSING)
        assert raised.value.code == Code.NO_SUCH_OBJECT
        assert raised.value.description == (
            f"Unable to open object 'LDAP://{MISSING}'./There is no such object on the server./ADsGetObject"
        )

    def test_a_password_does_not_get_into_the_change(self, site: Site) -> None:
        xml = '<properties><property name="unicodePwd"><value dt:dt="bin.base64">AAAA</value></property></properties>'
        arguments = {"container": ldap(CUSTOMER), "class": "user", "name": "New"}
        assert code_of(site, "Create Object", xml, **arguments) == Code.E_INVALIDARG

    def test_modes_of_properties_work_as_on_an_object_without_values(self, site: Site) -> None:
        xml = """<properties>
            <property name="otherTelephone" mode="append"><value>1</value><value>2</value></property>
            <property name="otherTelephone" mode="delete"><value>1</value></property>
            <property name="description" mode="clear"/></properties>"""
        self.create(site, xml=xml)
        assert site.values(f"CN=New,{CUSTOMER}", "otherTelephone") == ["2"]


class TestGetProperties:
    def test_returns_what_was_asked_for_in_that_order(self, site: Site) -> None:
        xml = """<propertyList><property name="SAMAccountName"/><property name="description"/>
                 <property name="noSuchAttribute"/><property name="ADsPath"/></propertyList>"""
        (found,) = site.read("Get Properties", xml, path=ldap(USER, DC))
        assert [item.get("name") for item in found] == ["SAMAccountName", "description", "noSuchAttribute", "ADsPath"]
        assert values_in(found) == {
            "SAMAccountName": ["johnc"],
            "description": [],
            "noSuchAttribute": [],
            "ADsPath": [ldap(USER, DC)],
        }

    @pytest.mark.parametrize("xml", ["", "<propertyList/>"])
    def test_without_a_list_all(self, site: Site, xml: str) -> None:
        (found,) = site.read("Get Properties", xml, path=ldap(USER))
        assert {"sAMAccountName": ["johnc"], "cn": ["Johnc@AlpineSkiHouse.com"]}.items() <= values_in(found).items()

    def test_octets_are_base64_and_say_so(self, site: Site) -> None:
        xml = '<propertyList><property name="objectGUID"/></propertyList>'
        value = site.read("Get Properties", xml, path=ldap(USER))[0][0][0]
        assert value.get("{urn:schemas-microsoft-com:datatypes}dt") == "bin.base64"
        assert base64.b64decode(value.text or "") == site.guid(USER).bytes_le

    def test_an_object_by_guid(self, site: Site) -> None:
        xml = '<propertyList><property name="ADsPath"/></propertyList>'
        (found,) = site.read("Get Properties", xml, path=f"ldap://<GUID={site.guid(USER)}>")
        assert values_in(found) == {"ADsPath": [ldap(USER)]}

    def test_an_object_that_does_not_exist(self, site: Site) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Get Properties", path=ldap(MISSING))
        assert raised.value.code == Code.NO_SUCH_OBJECT

    @pytest.mark.parametrize(("path", "code"), [("", 0x80070057), ("  ", 0x80070057), (USER, 0x80005000)])
    def test_what_is_no_path(self, site: Site, path: str, code: int) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Get Properties", path=path)
        assert raised.value.code == code


class TestSetProperties:
    def set(self, site: Site, mode: str, *values: str, name: str = "otherTelephone") -> list[object]:
        inner = "".join(f"<value>{value}</value>" for value in values)
        mode = f' mode="{mode}"' if mode else ""
        xml = f'<properties><property name="{name}"{mode}>{inner}</property></properties>'
        site.write("Set Properties", xml, path=ldap(USER))
        return list(site.values(USER, name))

    @pytest.mark.parametrize(
        ("mode", "values", "expected"),
        [
            ("", ["2", "3"], ["2", "3"]),
            ("update", ["2", "3"], ["2", "3"]),
            ("Update", ["2"], ["2"]),
            ("update", [], []),
            ("append", ["2", "3"], ["1", "2", "3"]),
            ("append", [], ["1", "2"]),
            ("delete", ["2", "3"], ["1"]),
            ("clear", ["2"], []),
        ],
    )
    def test_modes(self, site: Site, mode: str, values: list[str], expected: list[str]) -> None:
        site.set(USER, otherTelephone=["1", "2"])
        assert self.set(site, mode, *values) == expected

    @pytest.mark.parametrize("mode", ["update", "append", "delete", "clear"])
    def test_is_rolled_back_value_by_value(self, site: Site, mode: str) -> None:
        site.set(USER, otherTelephone=["1", "2"], description=["old"])
        snapshot = site.snapshot()
        xml = f"""<properties><property name="otherTelephone" mode="{mode}"><value>2</value><value>3</value></property>
                  <property name="description">new</property></properties>"""
        assert site.write("Set Properties", xml, path=ldap(USER)).undo() is Undo.UNDONE
        assert site.snapshot() == snapshot

    def test_several_properties_of_one_attribute_are_done_in_order(self, site: Site) -> None:
        xml = """<properties><property name="otherTelephone"><value>1</value></property>
                 <property name="OtherTelephone" mode="append"><value>2</value></property></properties>"""
        site.write("Set Properties", xml, path=ldap(USER))
        assert site.values(USER, "otherTelephone") == ["1", "2"]

    def test_all_of_them_or_none(self, site: Site) -> None:
        snapshot = site.snapshot()
        with pytest.raises(MpfError):
            site.write("Set Properties", properties(description="new", userAccountControl="many"), path=ldap(USER))
        assert site.snapshot() == snapshot

    @pytest.mark.parametrize(
        ("type_", "text", "expected"),
        [
            ("string", " as it is ", " as it is "),
            ("char", "x", "x"),
            ("uri", "http://www.fabrikam.com/", "http://www.fabrikam.com/"),
            *((name, " +042 ", "42") for name in ("int", "i1", "i2", "i4", "i8", "ui1", "ui2", "ui4", "ui8")),
            ("i8", "-9223372036854775808", "-9223372036854775808"),
            ("dateTime", "2009-02-04T13:45:30", "20090204134530.0Z"),
            ("dateTime.tz", "2009-02-04T13:45:30+02:00", "20090204114530.0Z"),
            ("dateTime", "2009-02-04", "20090204000000.0Z"),
            ("boolean", "-1", "TRUE"),
        ],
    )
    def test_each_type_of_a_value_is_taken_for_what_it_is(self, type_: str, text: str, expected: str) -> None:
        value = etree.Element("value", {f"{{{DATATYPES}}}dt": type_})
        value.text = text
        element = etree.Element("property", name="anyOther")
        element.append(value)
        assert values_of(element) == (expected,)

    @pytest.mark.parametrize(("text", "expected"), [("1", "TRUE"), ("true", "TRUE"), ("FALSE", "FALSE"), ("0", "FALSE")])
    def test_booleans_in_any_form(self, site: Site, text: str, expected: str) -> None:
        assert self.set(site, "", text, name="msRTCSIP-UserEnabled") == [expected]

    @pytest.mark.parametrize(
        "value",
        [
            '<value dt:dt="int">x</value>',
            '<value dt:dt="ui1">1.5</value>',
            '<value dt:dt="dateTime">2009-02-30T00:00:00</value>',
            '<value dt:dt="dateTime">20090204000000.0Z</value>',
            '<value dt:dt="dateTime.tz">0001-01-01T00:00:00+02:00</value>',
            '<value dt:dt="float">1</value>',
            '<value dt:dt="binary">AAAA</value>',
            '<value dt:dt="boolean">maybe</value>',
            '<value dt:dt="bin.base64">?</value>',
            '<value dt:dt="bin.hex">x</value>',
        ],
    )
    def test_values_that_are_none_of_their_type(self, site: Site, value: str) -> None:
        xml = f'<properties><property name="description">{value}</property></properties>'
        assert code_of(site, "Set Properties", xml, path=ldap(USER)) == 0x8000500C

    def test_octets(self, site: Site) -> None:
        hours = bytes(range(21))
        name = "logonHours"
        text = base64.b64encode(hours).decode()
        xml = f'<properties><property name="{name}"><value dt:dt="bin.base64">{text}</value></property></properties>'
        site.write("Set Properties", xml, path=ldap(USER))
        assert site.values(USER, name) == [hours]
        plain = properties(logonHours="text")
        assert code_of(site, "Set Properties", plain, path=ldap(USER)) == 0x8000500C

    @pytest.mark.parametrize("xml", ["", "<properties/>", '<properties><property name=""/></properties>'])
    def test_missing_properties(self, site: Site, xml: str) -> None:
        assert code_of(site, "Set Properties", xml, path=ldap(USER)) == Code.E_INVALIDARG

    def test_an_unknown_mode_and_an_unknown_object(self, site: Site) -> None:
        xml = '<properties><property name="sn" mode="replace"/></properties>'
        assert code_of(site, "Set Properties", xml, path=ldap(USER)) == Code.E_INVALIDARG
        assert code_of(site, "Set Properties", properties(sn="x"), path=ldap(MISSING)) == Code.NO_SUCH_OBJECT

    def test_can_be_skipped(self, site: Site) -> None:
        done = site.prepare("Set Properties", f"{properties(sn='x')}<flagSkipAction/>", path=ldap(USER))
        assert done.change.data is None

    def test_what_is_so_already_changes_nothing(self, site: Site) -> None:
        site.set(USER, description=["same"])
        assert site.prepare("Set Properties", properties(description="same"), path=ldap(USER)).change.data is None

    def test_deletes_one_of_otherwellknownobjects(self, site: Site) -> None:
        value = f"B:32:{USER_CREATORS}:{GROUP}"
        site.set(CUSTOMER, otherWellKnownObjects=[value, f"B:32:{'0' * 32}:{GROUP}"])
        xml = f"""<properties><property name="otherWellKnownObjects" mode="delete">
                  <value>{value.lower()}</value></property></properties>"""
        site.write("Set Properties", xml, path=ldap(CUSTOMER))
        assert site.values(CUSTOMER, "otherWellKnownObjects") == [f"B:32:{'0' * 32}:{GROUP}"]


class TestMoveAndRename:
    def test_move(self, site: Site) -> None:
        snapshot, guid = site.snapshot(), site.guid(USER)
        done = site.write("Move Object", source=ldap(USER), destination=ldap(RESELLER, DC))
        new = f"CN=Johnc@AlpineSkiHouse.com,{RESELLER}"
        assert done.outputs == {"path": ldap(new, DC)}
        assert site.guid(new) == guid
        assert done.undo() is Undo.UNDONE
        assert site.snapshot() == snapshot

    @pytest.mark.parametrize("name", ["cn=John, C".replace(",", "\\,"), "John, C"])
    def test_rename(self, site: Site, name: str) -> None:
        snapshot = site.snapshot()
        done = site.write("Rename Object", source=ldap(USER), name=name)
        assert done.outputs == {"path": ldap(f"CN=John\\, C,{CUSTOMER}")}
        assert site.values(f"CN=John\\, C,{CUSTOMER}", "cn") == ["John, C"]
        assert done.undo() is Undo.UNDONE
        assert site.snapshot() == snapshot

    def test_a_container_takes_its_content_along(self, site: Site) -> None:
        site.write("Rename Object", source=ldap(CUSTOMER), name="Alpine")
        assert site.find(f"CN=Johnc@AlpineSkiHouse.com,OU=Alpine,{RESELLER}") is not None

    def test_what_is_so_already_changes_nothing(self, site: Site) -> None:
        assert site.prepare("Move Object", source=ldap(USER), destination=ldap(CUSTOMER)).change.data is None

    def test_a_taken_name(self, site: Site) -> None:
        assert code_of(site, "Rename Object", source=ldap(USER), name="Annw@AlpineSkiHouse.com") == 0x80071392

    @pytest.mark.parametrize(
        ("source", "destination", "code"),
        [
            (MISSING, RESELLER, Code.NO_SUCH_OBJECT),
            (USER, MISSING, Code.NO_SUCH_OBJECT),
            (RESELLER, CUSTOMER, Code.E_INVALIDARG),
            (OTHER, USER, Result.NAMING_VIOLATION),
        ],
    )
    def test_moves_that_cannot_be(self, site: Site, source: str, destination: str, code: int) -> None:
        with pytest.raises(MpfError) as raised:
            site.write("Move Object", source=ldap(source), destination=ldap(destination))
        assert raised.value.code == code

    def test_a_name_of_several_parts(self, site: Site) -> None:
        assert code_of(site, "Rename Object", source=ldap(USER), name="cn=a,ou=b") == 0x80005000

    def test_the_domain_cannot_be_renamed(self, site: Site) -> None:
        with pytest.raises(MpfError):
            site.write("Rename Object", source=ldap(BASE), name="DC=Contoso")


def test_a_path_at_the_domain_is_served_by_the_default_server(site: Site) -> None:
    site.read("Get Properties", path=ldap(USER, "fabrikam.com"))
    assert site.directories.asked == [None]
