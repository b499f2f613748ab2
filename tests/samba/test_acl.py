"""Access control lists on a real server: what is read, what is changed, what is taken back, seen with Samba's own tools."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence

import pytest
from lxml import etree

from mpf_core import Caller, Config, Engine
from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Undo
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials, Principal
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.ldap import LdapDirectory
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directory, Modification, ModifyOp, Scope, Section, Value
from mpf_directory.provider import ActiveDirectoryProvider
from mpf_directory.security_descriptor import SecurityDescriptor
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings
from mpf_directory.sids import sid_to_text
from mpf_policy import PolicyPlugin
from tests.providers.ad_site import Directories
from tests.samba.controller import Samba, SambaCredentials, engine_config
from tests.samba.test_main_path import named

pytestmark = pytest.mark.samba

PASSWORD = "Pass-w0rd of one"
EVERYTHING = Section.OWNER | Section.GROUP | Section.DACL | Section.SACL


class Unit:
    """An organizational unit with a user, and calls of the provider on it."""

    def __init__(self, directory: Directory, place: Dn) -> None:
        self.directory, self.dn = directory, place
        self.provider = ActiveDirectoryProvider(Directories(directory))
        self.account = f"ann{place.rdn.value[-8:]}"
        self.user = place.child("CN", self.account)
        password = f'"{PASSWORD}"'.encode("utf-16-le")
        attributes: dict[str, Sequence[Value]] = {
            "sAMAccountName": [self.account],
            "unicodePwd": [password],
            "userAccountControl": ["512"],
        }
        directory.add(self.user, {"objectClass": ["user"], **attributes})
        entry = directory.read(self.user, ["objectSid"])
        assert entry is not None
        self.sid = sid_to_text(entry.octets("objectSid") or b"")

    def context(self, procedure: str) -> CallContext:
        identity = Identity(IdentityKind.SERVICE, "service")
        context = etree.Element("context")
        return CallContext("{1}", "Active Directory Provider", procedure, "", 1, identity, Principal("x"), context, {})

    def call(self, procedure: str, xml: str = "", dn: Dn | None = None) -> tuple[CallContext, object]:
        """Prepare a write or do a read."""
        path = LdapPath(None, dn or self.dn)
        data = etree.fromstring(f"<executeData><name>{path}</name><objectType>SE_DS_OBJECT</objectType>{xml}</executeData>")
        ctx = self.context(procedure)
        return ctx, getattr(self.provider, self.provider.handlers[procedure][1])(ctx, data)

    def update(self, *aces: Mapping[str, str], which: str = "dacl", dn: Dn | None = None) -> tuple[CallContext, Change]:
        """Update ACL, applied."""
        entries = "".join("<ace>" + "".join(f"<{k}>{v}</{k}>" for k, v in ace.items()) + "</ace>" for ace in aces)
        ctx, change = self.call("Update ACL", f"<{which}>{entries}</{which}>", dn)
        assert isinstance(change, Change)
        if change.data is not None:
            self.provider.apply(ctx, change)
        return ctx, change

    def entries(self, which: str = "dacl", dn: Dn | None = None) -> list[dict[str, str]]:
        """What Get DACL or Get SACL says."""
        _, made = self.call(f"Get {which.upper()}", dn=dn)
        assert isinstance(made, list)
        return [{child.tag: child.text or "" for child in ace} for ace in made[0]]

    def octets(self, sections: Section = EVERYTHING, dn: Dn | None = None) -> bytes:
        assert isinstance(self.directory, LdapDirectory)
        found = self.directory.read_descriptor(dn or self.dn, sections)
        assert found is not None
        return found

    def own(self) -> list[dict[str, str]]:
        """The entries of the user."""
        return [entry for entry in self.entries() if entry["trustee"] == self.sid]


@pytest.fixture
def unit(directory: Directory, place: Dn) -> Unit:
    return Unit(directory, place)


def sddl(samba: Samba, dn: Dn) -> str:
    """What Samba's own tool says."""
    done = subprocess.run(
        ["samba-tool", "dsacl", "get", f"--objectdn={dn}", "-H", str(samba.folder / "dc" / "private" / "sam.ldb")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return "".join(done.stdout.split("descriptor for", 1)[1].split(":", 1)[1].split())


@pytest.fixture
def theirs(samba: Samba, unit: Unit) -> Iterator[Directory]:
    """The directory, bound as the user."""
    settings = DirectorySettings.model_validate(engine_config(samba))
    service = DirectoriesService(settings, samba.folder, lambda _: Credentials(unit.account, PASSWORD, "FABRIKAM"))
    yield service.service()
    service.close()


def grant(trustee: str, permission: str = "GENERIC_READ", mode: str = "GRANT_ACCESS", **more: str) -> dict[str, str]:
    return {"permission": permission, "mode": mode, "trustee": trustee, **more}


def test_every_descriptor_of_the_server_is_read_and_written_as_it_is(directory: Directory) -> None:
    assert isinstance(directory, LdapDirectory)
    configuration = directory.base.child("CN", "Configuration")
    seen = 0
    for base in (directory.base, configuration.child("CN", "Extended-Rights"), configuration.child("CN", "Sites")):
        for entry in directory.search(base, Scope.SUBTREE, Filter.present("objectClass"), ["objectClass"], limit=150):
            octets = directory.read_descriptor(entry.dn, EVERYTHING)
            assert octets is not None
            assert SecurityDescriptor.parse(octets).encode() == octets
            seen += 1
    assert seen > 150


def test_a_grant_is_what_samba_tool_shows_and_what_the_user_may_then_do(samba: Samba, unit: Unit, theirs: Directory) -> None:
    change = [Modification("description", ModifyOp.REPLACE, ("written",))]
    with pytest.raises(MpfError) as raised:
        theirs.modify(unit.dn, change)
    assert raised.value.code == Code.E_ACCESSDENIED
    ctx, update = unit.update(
        grant(f"FABRIKAM\\{unit.account}", "ADS_RIGHT_DS_WRITE_PROP", objectTypeName="description"),
        grant(unit.sid, "DELETE", "DENY_ACCESS", inheritance="CONTAINER_INHERIT_ACE"),
    )
    assert [entry.get("objectTypeName") for entry in unit.own()] == [None, "description"]
    text = sddl(samba, unit.dn)
    assert f"(OA;;WP;bf967950-0de6-11d0-a285-00aa003049e2;;{unit.sid})" in text
    assert text.split("D:")[1].split("(")[1].startswith("D;CI;SD;;;")
    theirs.modify(unit.dn, change)
    assert unit.provider.undo(ctx, update) is Undo.UNDONE
    assert unit.sid not in sddl(samba, unit.dn)
    with pytest.raises(MpfError):
        theirs.modify(unit.dn, [Modification("description", ModifyOp.REPLACE, ("again",))])


def test_generic_rights_become_specific_ones_and_an_object_below_inherits_them(unit: Unit) -> None:
    below = unit.dn.child("OU", "Below")
    unit.directory.add(below, {"objectClass": ["organizationalUnit"]})
    unit.update(grant(str(LdapPath(None, unit.user)), "GENERIC_ALL", inheritance="3"))
    assert [(entry["permission"], entry["mode"], entry["inheritance"]) for entry in unit.own()] == [("983551", "1", "3")]
    found = [entry for entry in unit.entries(dn=below) if entry["trustee"] == unit.sid]
    assert [(entry["permission"], int(entry["inheritance"]) & 16) for entry in found] == [("983551", 16)]
    before = unit.octets(dn=below)
    _, change = unit.update(grant(unit.sid, "983551", "REVOKE_ACCESS", inheritance="19"), dn=below)
    assert change.data is None
    assert unit.octets(dn=below) == before


MODES: dict[str, list[dict[str, str]]] = {
    "grant": [grant("{sid}")],
    "grant to be inherited only": [grant("{sid}", inheritance="CONTAINER_INHERIT_ACE|INHERIT_ONLY_ACE")],
    "grant that is not handed on": [grant("{sid}", "GENERIC_ALL", inheritance="6")],
    "grant on a class": [grant("{sid}", "ACTRL_DS_CREATE_CHILD", objectTypeName="user", inheritance="2")],
    "grant to a class": [grant("{sid}", "WRITE_DAC", inheritedObjectTypeName="user", inheritance="2")],
    "grant of an extended right": [grant("{sid}", "ACTRL_DS_CONTROL_ACCESS", objectTypeName="User-Force-Change-Password")],
    "grant to everyone": [grant("Everyone"), grant("NT AUTHORITY\\SELF"), grant("CREATOR OWNER", inheritance="10")],
    "deny": [grant("{sid}", mode="DENY_ACCESS")],
    "set": [grant("FABRIKAM\\Domain Admins", mode="SET_ACCESS")],
    "revoke": [grant("S-1-5-11", "0x20094", "REVOKE_ACCESS")],
}


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("name", MODES)
def test_everything_is_taken_back_to_the_octet(unit: Unit, name: str, forget: bool) -> None:
    before = unit.octets()
    aces = [{**ace, "trustee": ace["trustee"].replace("{sid}", unit.sid)} for ace in MODES[name]]
    ctx, change = unit.update(*aces)
    assert unit.octets() != before
    for kind in ("objectTypeName", "inheritedObjectTypeName"):
        assert {ace[kind] for ace in aces if kind in ace} <= {entry.get(kind) for entry in unit.own()}
    _, again = unit.update(*aces)
    assert again.data is None, again.data
    if forget:
        ctx.evidence.clear()
    assert unit.provider.undo(ctx, change) is Undo.UNDONE
    assert unit.octets() == before
    assert unit.provider.undo(ctx, change) is Undo.NOTHING_TO_UNDO


def test_what_others_have_put_there_meanwhile_stays(samba: Samba, unit: Unit) -> None:
    ctx, change = unit.update(grant(unit.sid), grant("FABRIKAM\\Domain Admins", mode="SET_ACCESS"))
    other = "(A;;RPWP;;;S-1-5-19)"
    subprocess.run(
        ["samba-tool", "dsacl", "set", f"--objectdn={unit.dn}", f"--sddl={other}", "--action=allow",
         "--trusteedn=CN=Administrator,CN=Users,DC=Fabrikam,DC=Com",
         "-H", str(samba.folder / "dc" / "private" / "sam.ldb")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert unit.provider.undo(ctx, change) is Undo.UNDONE
    text = sddl(samba, unit.dn)
    assert unit.sid not in text
    assert re.search(r"\(A;;RPWP;;;LS\)", text)


def test_the_audit_list(unit: Unit) -> None:
    before = unit.octets()
    aces = [grant("Everyone", "WRITE_DAC", mode, inheritance="2") for mode in ("SET_AUDIT_SUCCESS", "6")]
    ctx, change = unit.update(*aces, which="sacl")
    own = [entry for entry in unit.entries("sacl") if not int(entry["inheritance"]) & 16]
    assert [(entry["permission"], entry["mode"], entry["trustee"], entry["inheritance"]) for entry in own] == [
        ("262144", "5", "S-1-1-0", "2"),
        ("262144", "6", "S-1-1-0", "2"),
    ]
    assert unit.provider.undo(ctx, change) is Undo.UNDONE
    assert unit.octets() == before


def test_who_may_not_gets_access_denied(unit: Unit, theirs: Directory) -> None:
    before = unit.octets()
    unit.provider = ActiveDirectoryProvider(Directories(theirs))
    assert unit.entries()
    for call in (lambda: unit.entries("sacl"), lambda: unit.update(grant("Everyone"))):
        with pytest.raises(MpfError) as raised:
            call()
        assert raised.value.code == Code.E_ACCESSDENIED
    assert unit.octets() == before


def test_an_object_that_is_gone(unit: Unit) -> None:
    gone = unit.dn.child("OU", "Gone")
    unit.directory.add(gone, {"objectClass": ["organizationalUnit"]})
    ctx, change = unit.update(grant(unit.sid), dn=gone)
    unit.directory.delete(gone)
    assert unit.provider.undo(ctx, change) is Undo.NOTHING_TO_UNDO
    for call in (lambda: unit.provider.apply(ctx, change), lambda: unit.entries(dn=gone)):
        with pytest.raises(MpfError) as raised:
            call()
        assert raised.value.code == Code.NO_SUCH_OBJECT


def engine_on(samba: Samba, unit: Unit) -> Engine:
    """An engine whose callers of private procedures are the administrator and, as far as its role goes, the user."""
    who = ["Administrator@fabrikam.com", f"{unit.account}@fabrikam.com"]
    config = Config.model_validate(
        {
            "directory": engine_config(samba) | {"impersonation": "policy"},
            "security": {"permissions": {"trusted_requests": who, "private_procedures": who}},
        }
    )
    return Engine(
        config,
        plugins=[named("mpf.directory", DirectoryPlugin()), named("mpf.policy", PolicyPlugin()), SambaCredentials(samba)],
    )


@pytest.mark.parametrize("namespace", ["Active Directory Provider", "Preferred DC Active Directory Provider"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_request_with_two_of_them(samba: Samba, unit: Unit, namespace: str, fails: bool) -> None:
    before = {dn: unit.octets(dn=dn) for dn in (unit.dn, unit.user)}
    kind = "<objectType>SE_DS_OBJECT</objectType>"

    def step(dn: Dn, entry: str) -> str:
        data = f"<name>{LdapPath(None, dn)}</name>{kind}{entry}"
        called = f'namespace="{namespace}" procedure="Update ACL" impersonate="1"'
        return f"<execute {called}><executeData>{data}</executeData></execute>"

    entry = f"<ace><permission>READ_CONTROL</permission><mode>SET_ACCESS</mode><trustee>{unit.sid}</trustee></ace>"
    audit = "<ace><permission>4</permission><mode>5</mode><trustee>Everyone</trustee></ace>"
    steps = step(unit.user, f"<dacl>{entry}</dacl><sacl>{audit}</sacl>") + step(unit.dn, f"<dacl>{entry}</dacl>")
    if fails:
        steps += step(unit.dn.child("OU", "Nowhere"), f"<dacl>{entry}</dacl>")
    document = f"<request><data/><procedure>{steps}</procedure></request>"
    with engine_on(samba, unit) as engine:
        refused = engine.execute(document, Caller(f"{unit.account}@fabrikam.com"))
        result = engine.execute(document, Caller("Administrator@fabrikam.com"))
    assert refused.error is not None
    assert refused.error.code == Code.E_INVALIDARG
    assert refused.error.description == "Insufficient Privilege! Not Domain Administrator."
    after = {dn: unit.octets(dn=dn) for dn in before}
    if fails:
        assert result.error is not None
        assert result.error.code == Code.NO_SUCH_OBJECT
        assert [outcome.state.value for outcome in result.rollback] == ["undone", "undone"]
        assert after == before
    else:
        assert result.error is None, result.document.decode()
        assert all(after[dn] != before[dn] for dn in before)
