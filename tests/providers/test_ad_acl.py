"""Get DACL, Get SACL, Update ACL: arguments, outputs, errors, locks and rollback. On a server: tests/samba/test_acl.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from mpf_core import Config, Engine
from mpf_core.engine import Result
from mpf_core.errors import Code, MpfError
from mpf_core.provider import Undo
from mpf_core.testing import AllowAll
from mpf_core.transaction.states import StepState
from mpf_directory.dn import Dn
from mpf_directory.provider import ActiveDirectoryProvider
from mpf_directory.security_descriptor import Ace, AceType, Acl, AnyAce, Control
from mpf_directory.sids import sid_to_text
from tests.directory_plugin.descriptors import ADMINS, DEFAULT, SYSTEM, WORLD, WithDescriptors
from tests.providers.ad_site import BASE, CUSTOMER, OTHER, USER, Directories, Failing, Site, ldap, site_in
from tests.providers.test_ad_namespaces import CALLER, FAIL, PREFERRED, PROVIDER, DirectoryPlugin, step

UNIT = Dn.parse(CUSTOMER)
SCHEMA_GUID, RIGHT_GUID = UUID("bf967950-0de6-11d0-a285-00aa003049e2"), UUID("00299570-246d-11d0-a768-00aa006e0529")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[WithDescriptors]:
    with WithDescriptors.create(tmp_path / "acls.db", server="AD01.Fabrikam.com", base=Dn.parse(BASE)) as made:
        assert isinstance(made, WithDescriptors)
        yield made


@pytest.fixture
def site(directory: WithDescriptors) -> Site:
    return Site(directory)


def ace(trustee: str = WORLD, permission: str = "1", mode: str = "GRANT_ACCESS", **more: str) -> str:
    content = {"permission": permission, "mode": mode, "trustee": trustee, **more}
    return "<ace>" + "".join(f"<{name}>{text}</{name}>" for name, text in content.items()) + "</ace>"


def dacl(*aces: str) -> str:
    return f"<dacl>{''.join(aces)}</dacl>"


NAMED = {"name": ldap(CUSTOMER), "objectType": "SE_DS_OBJECT"}


def entries(directory: WithDescriptors) -> tuple[AnyAce, ...]:
    acl = directory.descriptor(UNIT).dacl
    assert acl is not None
    return acl.aces


def sid(site: Site, dn: str) -> str:
    entry = site.find(dn, "objectSid")
    assert entry is not None
    return sid_to_text(entry.octets("objectSid") or b"")


class TestGet:
    def listed(self, site: Site, which: str, **arguments: str) -> list[list[tuple[str, str | None]]]:
        (element,) = site.read(f"Get {which.upper()}", **{**NAMED, **arguments})
        assert element.tag == which
        return [[(child.tag, child.text) for child in one] for one in element]

    def test_numbers_are_decimals_in_the_documented_order(self, site: Site) -> None:
        def entry(permission: int, mode: int, trustee: str, inheritance: int) -> list[tuple[str, str | None]]:
            return [
                ("permission", str(permission)), ("mode", str(mode)), ("trusteeForm", "0"), ("trustee", trustee),
                ("trusteeType", "0"), ("inheritance", str(inheritance)),
            ]  # fmt: skip

        assert self.listed(site, "dacl") == [
            entry(0x10000, 3, WORLD, 0),
            entry(0xF01FF, 1, ADMINS, 0),
            entry(0x20094, 1, WORLD, 2),
            entry(0xF01FF, 1, SYSTEM, 18),
        ]
        assert self.listed(site, "sacl") == [entry(0x40000, 5, WORLD, 0), entry(0x40000, 6, WORLD, 0)]

    def test_object_types_have_their_names_where_they_have_one(self, site: Site, directory: WithDescriptors) -> None:
        with_objects = Ace(AceType.ALLOW_OBJECT, 2, 0x20, WORLD, SCHEMA_GUID, RIGHT_GUID)
        directory.put(UNIT, replace(DEFAULT, dacl=Acl((with_objects,))))
        (found,) = self.listed(site, "dacl")
        assert dict(found)["trusteeForm"] == "3"
        # The embedded directory has no schema objects to look the names up in.
        assert found[-2:] == [("objectTypeName", str(SCHEMA_GUID)), ("inheritedObjectTypeName", str(RIGHT_GUID))]

    def test_without_a_list_there_is_no_element(self, site: Site, directory: WithDescriptors) -> None:
        directory.put(UNIT, replace(DEFAULT, sacl=None, control=DEFAULT.control & ~Control.SACL_PRESENT))
        assert site.read("Get SACL", **NAMED) == []

    @pytest.mark.parametrize("name", [CUSTOMER, ldap(CUSTOMER, "AD01.Fabrikam.com")])
    @pytest.mark.parametrize("kind", ["8", "SE_DS_OBJECT_ALL"])
    def test_ways_to_name_it(self, site: Site, name: str, kind: str) -> None:
        assert len(self.listed(site, "dacl", name=name, objectType=kind)) == 4

    def test_a_list_that_may_not_be_read(self, site: Site, directory: WithDescriptors) -> None:
        directory.hide_sacl = True
        with pytest.raises(MpfError) as raised:
            site.read("Get SACL", **NAMED)
        assert raised.value.code == Code.E_ACCESSDENIED


class TestUpdate:
    def test_a_trustee_by_sid_name_and_path(self, site: Site, directory: WithDescriptors) -> None:
        ways = [sid(site, USER), "johnc", "FABRIKAM\\johnc", "johnc@alpineskihouse.com", ldap(USER), USER]
        for way in ways:
            done = site.write("Update ACL", dacl(ace(way)), **NAMED)
            assert entries(directory)[1] == Ace(AceType.ALLOW, 0, 1, sid(site, USER)), way
            assert done.undo() is Undo.UNDONE

    @pytest.mark.parametrize(
        ("name", "expected"),
        [("Everyone", WORLD), ("SELF", "S-1-5-10"), ("NT AUTHORITY\\Authenticated Users", "S-1-5-11"), ("SYSTEM", SYSTEM)],
    )
    def test_trustees_that_are_no_objects(self, site: Site, directory: WithDescriptors, name: str, expected: str) -> None:
        site.write("Update ACL", dacl(ace(name, "WRITE_DAC", trusteeForm="1")), **NAMED)
        assert entries(directory)[1] == Ace(AceType.ALLOW, 0, 0x40000, expected)

    def test_what_get_dacl_gives_can_be_revoked(self, site: Site, directory: WithDescriptors) -> None:
        (listed,) = site.read("Get DACL", **NAMED)
        for one in listed:
            mode = one.find("mode")
            assert mode is not None
            mode.text = "4"
        done = site.write("Update ACL", etree.tostring(listed).decode(), **NAMED)
        assert [one.inherited for one in entries(directory)] == [True]
        assert done.undo() is Undo.UNDONE
        assert directory.descriptor(UNIT) == DEFAULT

    def test_object_types_by_guid(self, site: Site, directory: WithDescriptors) -> None:
        more = {"objectTypeName": f"{{{SCHEMA_GUID}}}", "inheritedObjectTypeName": str(RIGHT_GUID), "inheritance": "2"}
        site.write("Update ACL", dacl(ace(permission="32", trusteeForm="3", **more)), **NAMED)
        assert entries(directory)[1] == Ace(AceType.ALLOW_OBJECT, 2, 32, WORLD, SCHEMA_GUID, RIGHT_GUID)

    def test_both_lists_at_once(self, site: Site, directory: WithDescriptors) -> None:
        xml = dacl(ace("SYSTEM", mode="DENY_ACCESS")) + f"<sacl>{ace('SYSTEM', mode='SET_AUDIT_FAILURE')}</sacl>"
        done = site.write("Update ACL", xml, **NAMED)
        after = directory.descriptor(UNIT)
        assert after.dacl is not None
        assert after.sacl is not None
        assert after.dacl.aces[0] == Ace(AceType.DENY, 0, 1, SYSTEM)
        assert after.sacl.aces[-1] == Ace(AceType.AUDIT, 0x80, 1, SYSTEM)
        assert done.undo() is Undo.UNDONE
        assert directory.descriptor(UNIT) == DEFAULT

    def test_a_list_that_was_not_there_is_gone_again(self, site: Site, directory: WithDescriptors) -> None:
        before = replace(DEFAULT, sacl=None, control=DEFAULT.control & ~Control.SACL_PRESENT)
        directory.put(UNIT, before)
        done = site.write("Update ACL", f"<sacl>{ace(mode='SET_AUDIT_SUCCESS')}</sacl>", **NAMED)
        assert directory.descriptor(UNIT).sacl is not None
        done.undo()
        assert directory.descriptor(UNIT) == before

    @pytest.mark.parametrize(
        "xml",
        [
            "<dacl/>",
            dacl(ace(mode="REVOKE_ACCESS", permission="12")),
            dacl(ace(ADMINS, "GENERIC_ALL")),
            dacl(ace(SYSTEM, "983551", "REVOKE_ACCESS", inheritance="18")),
        ],
    )
    def test_nothing_to_do(self, site: Site, xml: str) -> None:
        assert site.prepare("Update ACL", xml, **NAMED).change.data is None

    @pytest.mark.parametrize(
        ("xml", "more", "code"),
        [
            ("", {}, Code.E_INVALIDARG),
            (dacl(ace(mode="GRANT")), {}, Code.E_INVALIDARG),
            (dacl(ace(permission="GENERIC")), {}, Code.E_INVALIDARG),
            (dacl(ace(inheritance="64")), {}, Code.E_INVALIDARG),
            (dacl(ace(inheritance="INHERITED_ACE")), {}, Code.E_INVALIDARG),
            (dacl(ace(trusteeType="9")), {}, Code.E_INVALIDARG),
            (dacl(ace(trusteeForm="TRUSTEE_BAD_FORM")), {}, Code.E_INVALIDARG),
            (dacl(ace("johnc", trusteeForm="TRUSTEE_IS_SID")), {}, Code.E_INVALIDARG),
            (dacl(ace("S-1-x")), {}, Code.E_INVALIDARG),
            (dacl(ace("")), {}, Code.E_INVALIDARG),
            (dacl(ace(objectTypeName="noSuchThing")), {}, Code.E_INVALIDARG),
            (dacl(ace("nobody")), {}, Code.NONE_MAPPED),
            (dacl(ace(ldap(f"CN=Nobody,{CUSTOMER}"))), {}, Code.NONE_MAPPED),
            (dacl(ace(ldap(CUSTOMER))), {}, Code.NONE_MAPPED),
            (dacl(ace()), {"name": ldap(f"CN=Nobody,{CUSTOMER}")}, Code.NO_SUCH_OBJECT),
            (dacl(ace()), {"name": "johnc"}, 0x80005000),
            (dacl(ace()), {"objectType": "SE_FILE_OBJECT"}, Code.NOT_SUPPORTED),
            (dacl(ace()), {"objectType": "SE_OBJECT"}, Code.E_INVALIDARG),
        ],
    )
    def test_errors(self, site: Site, directory: WithDescriptors, xml: str, more: Mapping[str, str], code: int) -> None:
        with pytest.raises(MpfError) as raised:
            site.prepare("Update ACL", xml, **{**NAMED, **more})
        assert raised.value.code == code
        assert directory.descriptor(UNIT) == DEFAULT

    def test_a_list_that_would_be_too_long_is_refused_beforehand(self, site: Site) -> None:
        many = dacl(*(ace(f"S-1-5-21-1-2-3-{number}") for number in range(2500)))
        with pytest.raises(MpfError) as raised:
            site.prepare("Update ACL", many, **NAMED)
        assert raised.value.code == Code.E_INVALIDARG
        assert "65535" in raised.value.description

    def test_a_null_list_is_left_alone(self, site: Site, directory: WithDescriptors) -> None:
        directory.put(UNIT, replace(DEFAULT, dacl=None))
        for ask in (lambda: site.prepare("Update ACL", dacl(ace()), **NAMED), lambda: site.read("Get DACL", **NAMED)):
            with pytest.raises(MpfError) as raised:
                ask()
            assert raised.value.code == Code.E_FAIL
            assert "has a null DACL, which allows everything to everybody" in raised.value.description
            assert "another tool" in raised.value.description

    def test_the_intent_holds_the_entries_that_come_and_go_and_no_others(self, site: Site) -> None:
        done = site.prepare("Update ACL", dacl(ace("S-1-5-19", "READ_CONTROL", "SET_ACCESS")), **NAMED)
        text = str(done.change.data)
        assert "S-1-5-19" in text
        assert not any(other in text for other in (WORLD, ADMINS, SYSTEM))
        plan = site.provider.describe(done.change)
        assert f"dn: {CUSTOMER}" in plan
        assert "# dacl: add ALLOW S-1-5-19 permission=0x20000 inheritance=0x0" in plan

    def test_the_value_is_locked_and_the_object_shared(self, site: Site) -> None:
        ctx = site.context()
        taken: dict[str, bool] = {}
        ctx.lock_key = lambda key, *, shared=False: taken.update({key: shared})
        data = etree.fromstring(f"<executeData>{dacl(ace())}</executeData>")
        for name, text in NAMED.items():
            etree.SubElement(data, name).text = text
        site.provider.update_acl(ctx, data)
        path = UNIT.normalised
        assert taken == {
            f"object:{path}": True, f"attributes:{path}": True, f"value:{path}:ntsecuritydescriptor": False,
        }  # fmt: skip


class TestRollback:
    CALL = dacl(ace("SYSTEM", mode="DENY_ACCESS"), ace(WORLD, "READ_CONTROL", "SET_ACCESS"))

    @pytest.mark.parametrize("forget", [False, True])
    def test_all_is_as_it_was(self, site: Site, directory: WithDescriptors, forget: bool) -> None:
        done = site.write("Update ACL", self.CALL, **NAMED)
        assert directory.descriptor(UNIT) != DEFAULT
        assert done.undo(forget=forget) is Undo.UNDONE
        assert directory.descriptor(UNIT) == DEFAULT
        assert done.undo(forget=forget) is Undo.NOTHING_TO_UNDO

    def test_what_was_never_done_is_not_undone(self, site: Site, directory: WithDescriptors) -> None:
        assert site.prepare("Update ACL", self.CALL, **NAMED).undo() is Undo.NOTHING_TO_UNDO
        assert directory.descriptor(UNIT) == DEFAULT

    @pytest.mark.parametrize("after", [False, True])
    def test_a_write_of_unknown_outcome(self, site: Site, directory: WithDescriptors, after: bool) -> None:
        done = site.prepare("Update ACL", self.CALL, **NAMED)
        failing = Failing(directory, "write_descriptor", Code.SERVER_DOWN, after=after)
        provider = ActiveDirectoryProvider(Directories(failing))
        with pytest.raises(MpfError):
            provider.apply(done.ctx, done.change)
        assert done.undo() is (Undo.UNDONE if after else Undo.NOTHING_TO_UNDO)
        assert directory.descriptor(UNIT) == DEFAULT

    def test_a_refused_write_does_not_take_away_what_another_has_done_meanwhile(
        self, site: Site, directory: WithDescriptors
    ) -> None:
        done = site.prepare("Update ACL", dacl(ace("S-1-5-19")), **NAMED)
        failing = Failing(directory, "write_descriptor", Code.E_ACCESSDENIED)
        with pytest.raises(MpfError):
            ActiveDirectoryProvider(Directories(failing)).apply(done.ctx, done.change)
        site.write("Update ACL", dacl(ace("S-1-5-19")), **NAMED)
        assert done.undo() is Undo.NOTHING_TO_UNDO
        assert Ace(AceType.ALLOW, 0, 1, "S-1-5-19") in entries(directory)

    def test_what_others_have_put_there_stays_through_apply_and_undo(self, site: Site, directory: WithDescriptors) -> None:
        first = site.prepare("Update ACL", self.CALL, **NAMED)
        site.write("Update ACL", dacl(ace("S-1-5-19")), **NAMED)
        assert site.provider.apply(first.ctx, first.change) is None
        site.write("Update ACL", dacl(ace("S-1-5-20", mode="DENY_ACCESS")), **NAMED)
        assert first.undo() is Undo.UNDONE
        others = [Ace(AceType.ALLOW, 0, 1, "S-1-5-19"), Ace(AceType.DENY, 0, 1, "S-1-5-20")]
        assert DEFAULT.dacl is not None
        assert Counter(entries(directory)) == Counter([*DEFAULT.dacl.aces, *others])
        kinds = [one.type for one in entries(directory) if not one.inherited]
        assert kinds == sorted(kinds, key=lambda kind: kind is AceType.ALLOW)

    def test_the_object_is_found_again_after_a_rename_and_missed_after_a_delete(
        self, site: Site, directory: WithDescriptors
    ) -> None:
        done = site.write("Update ACL", self.CALL, **{**NAMED, "name": ldap(USER)})
        site.move(USER, f"CN=John,{CUSTOMER}")
        assert done.undo() is Undo.UNDONE
        assert directory.descriptor(Dn.parse(f"CN=John,{CUSTOMER}")) == DEFAULT
        again = site.write("Update ACL", self.CALL, **{**NAMED, "name": ldap(OTHER)})
        directory.delete(Dn.parse(OTHER))
        assert again.undo() is Undo.NOTHING_TO_UNDO
        with pytest.raises(MpfError) as raised:
            site.provider.apply(again.ctx, again.change)
        assert raised.value.code == Code.NO_SUCH_OBJECT


@pytest.mark.parametrize("procedure", ["Get DACL", "Get SACL", "Update ACL"])
def test_the_embedded_directory_says_that_it_has_none(tmp_path: Path, procedure: str) -> None:
    with site_in(tmp_path) as site:
        call = site.prepare if procedure == "Update ACL" else site.read
        with pytest.raises(MpfError) as raised:
            call(procedure, dacl(ace()) if procedure == "Update ACL" else "", **NAMED)
    assert raised.value.code == 0x80070032
    assert "embedded directory" in raised.value.description


class TestInAnEngine:
    @pytest.fixture
    def engine(self, site: Site) -> Iterator[Engine]:
        permissions = {"trusted_requests": [CALLER.name], "private_procedures": [CALLER.name]}
        config = Config.model_validate({"security": {"permissions": permissions}})
        with Engine(config, plugins=[DirectoryPlugin(site), AllowAll()]) as made:
            yield made

    def submit(self, engine: Engine, *steps: str) -> Result:
        return engine.execute(f"<request><data/><procedure>{''.join(steps)}</procedure></request>", CALLER)

    @pytest.mark.parametrize("namespace", [PROVIDER, PREFERRED])
    @pytest.mark.parametrize("which", ["dacl", "sacl"])
    def test_get(self, engine: Engine, namespace: str, which: str) -> None:
        result = self.submit(engine, step(f"Get {which.upper()}", namespace=namespace, **NAMED))
        assert result.error is None, result.document.decode()
        data = etree.fromstring(result.document).find("data")
        assert data is not None
        assert len(data.findall(f"{which}/ace")) == (4 if which == "dacl" else 2)
        assert bool(data.findall("domainController")) is (namespace == PREFERRED)

    @pytest.mark.parametrize("namespace", [PROVIDER, PREFERRED])
    def test_update_and_its_rollback(self, engine: Engine, directory: WithDescriptors, namespace: str) -> None:
        xml = dacl(ace("johnc", "GENERIC_READ", trusteeType="TRUSTEE_IS_USER", inheritance="CONTAINER_INHERIT_ACE"))
        xml += f"<sacl>{ace(mode='5', permission='WRITE_DAC')}</sacl>"
        call = step("Update ACL", xml, namespace=namespace, **NAMED)
        result = self.submit(engine, call, FAIL)
        assert result.error is not None
        assert result.error.code == Code.NO_SUCH_OBJECT
        assert [outcome.state for outcome in result.rollback] == [StepState.UNDONE]
        assert directory.descriptor(UNIT) == DEFAULT
        result = self.submit(engine, call)
        assert result.error is None, result.document.decode()
        assert directory.descriptor(UNIT) != DEFAULT

    @pytest.mark.parametrize(
        "call",
        [
            step("Update ACL", dacl(ace()), name=ldap(CUSTOMER)),
            step("Update ACL", dacl("<ace><mode>1</mode><permission>1</permission></ace>"), **NAMED),
            step("Update ACL", dacl("<entry/>"), **NAMED),
            step("Get DACL", objectType="8"),
        ],
    )
    def test_what_does_not_fit_the_schema(self, engine: Engine, call: str) -> None:
        result = self.submit(engine, call)
        assert result.error is not None
        assert result.error.code == Code.E_INVALIDARG
